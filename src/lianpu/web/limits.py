"""What the page takes: sizes, counts and times, checked before a pixel is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lianpu.errors import PictureError, SettingsError
from lianpu.image import opened_image
from lianpu.photo_reading import open_heif_if
from lianpu.web.problems import PageProblem

TAKEN = frozenset({"JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP", "GIF", "HEIF", "AVIF"})
"""Pillow's names of what is opened, whatever the file is called. It knows more: EPS, for one, is a program that Ghostscript would run."""


@dataclass(frozen=True)
class Limits:
    """How much one visitor may ask for.

    Args:
        max_mb: largest file, in megabytes (10**6 bytes).
        max_megapixels: largest picture, in millions of pixels.
        max_photos: most photos of one batch.
        max_waiting: requests that may wait in the queue; more are turned away.
        max_visitors: visitors whose open photo is kept in memory; the oldest is forgotten first.
        keep_minutes: files of a visitor who is not heard of for so long are removed, also if the browser never said goodbye.

    Raises:
        SettingsError: one of them is not above 0.
    """

    max_mb: float = 25.0
    max_megapixels: float = 50.0
    max_photos: int = 30
    max_waiting: int = 20
    max_visitors: int = 50
    keep_minutes: float = 60.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise SettingsError(f"--{name.replace('_', '-')} {value:g} is not above 0.")

    @property
    def max_bytes(self) -> int:
        """`max_mb` in bytes."""
        return int(self.max_mb * 1e6)


def check_photo(file: Path, name: str, limits: Limits) -> None:
    """Nothing, when a file may be opened: its head says that it is a picture that is not too large.

    Args:
        file: where it lies.
        name: what the visitor calls it; the only name that is said.

    Raises:
        PageProblem: it is too large, or no picture.
    """
    size = file.stat().st_size
    if size > limits.max_bytes:
        raise PageProblem("too_many_bytes", name=name, size=f"{size / 1e6:.1f}", limit=f"{limits.max_mb:g}")
    try:
        open_heif_if(file)
        with opened_image(file) as image:
            form, pixels = image.format, image.width * image.height
    except PictureError as problem:
        if " is too large (" in str(problem):  # Pillow's own guard against pictures that grow when they are decoded
            raise PageProblem("too_many_pixels", name=name, size="> 178", limit=f"{limits.max_megapixels:g}") from None
        raise PageProblem("not_a_picture", name=name) from None
    if form not in TAKEN:
        raise PageProblem("not_a_picture", name=name)
    if pixels > limits.max_megapixels * 1e6:
        raise PageProblem("too_many_pixels", name=name, size=f"{pixels / 1e6:.1f}", limit=f"{limits.max_megapixels:g}")
