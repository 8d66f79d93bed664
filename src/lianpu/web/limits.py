"""Limits for uploads and visitors of the server; the same as options of `lianpu serve`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from lianpu.errors import SettingsError


@dataclass(frozen=True)
class Limits:
    """Limits for uploads and visitors; a megabyte has 10**6 bytes. Raises SettingsError for one that is not above 0."""

    max_mb: float = 25.0
    """Largest photo in megabytes."""
    max_megapixels: float = 50.0
    """Largest photo or frame in megapixels."""
    max_photos: int = 30
    """Most photos in one batch."""
    max_video_mb: float = 200.0
    """Largest video in megabytes."""
    max_video_s: float = 120.0
    """Longest video in seconds."""
    max_visit_mb: float = 1000.0
    """Most megabytes of all files of one visitor."""
    max_stored_mb: float = 8000.0
    """Most megabytes of all files of all visitors."""
    max_waiting: int = 64
    """Most calls in the queue; further ones are told to come again."""
    max_s: float = 120.0
    """Most seconds that one call may take."""
    keep_minutes: float = 60.0
    """Remove a visitor's files after this many minutes without a call."""

    def __post_init__(self) -> None:
        for name, value in self.values().items():
            if not value > 0:
                raise SettingsError(f"--{name.replace('_', '-')} {value:g} is not above 0.")

    def values(self) -> dict[str, Any]:
        """The limits by name, without what a class that inherits them adds."""
        return {one.name: getattr(self, one.name) for one in fields(Limits)}
