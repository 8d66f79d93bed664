"""A camera's edited frames in a file, each at the time at which it was captured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from lianpu.errors import DataError
from lianpu.files import atomic_file
from lianpu.image import Picture
from lianpu.video.encoding import Encoding, choose_encoding
from lianpu.video.library import load_av
from lianpu.video.target import check_target
from lianpu.video.writing import Form, FrameWriter, frame_writer

TIME_BASE = Fraction(1, 90_000)
"""The unit of stamps: MPEG's, which holds all usual rates."""

_LIVE: dict[str, dict[str, str]] = {
    "libx264": {"preset": "veryfast"},
    "libx265": {"preset": "ultrafast"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "12"},
}
"""What an encoder is told so that edits wait little for it; the quality stays, the file grows."""


@dataclass(eq=False)
class Recording:
    """A file in the making; see `recording`."""

    target: Path
    writer: FrameWriter
    name: str = "record"
    stamps: list[int] = field(default_factory=list)

    def show(self, picture: Picture, time_s: float) -> None:
        """Add a picture (H, W, 3), shown from `time_s` on, counted from the first one."""
        stamp = round(time_s / TIME_BASE)
        begin = self.stamps[0] if self.stamps else stamp
        if self.stamps and stamp <= self.stamps[-1]:
            stamp = self.stamps[-1] + 1
        self.stamps.append(stamp)
        self.writer.write(picture, stamp - begin, TIME_BASE)


def recording_encoding(target: Path, encoder: str, crf: float | None, *, force: bool) -> Encoding:
    """How `target` is encoded while it is filmed. Raises SettingsError or VideoError when it cannot be, or is there already."""
    encoding = choose_encoding(target, load_av().codecs_available, encoder, crf)
    check_target(target, force=force)
    return replace(encoding, options={**encoding.options, **_LIVE.get(encoding.encoder, {})})


@contextmanager
def recording(target: Path, encoding: Encoding, size_px: tuple[int, int], rate: float) -> Iterator[Recording]:
    """A recording of pictures of that width and height, which takes the place of `target` when the block has ended well.

    Raises:
        DataError: no picture came; `target` is as it was.
        VideoError, LianpuError: it cannot be encoded or written.
    """
    form = Form(*size_px, Fraction(rate).limit_denominator(1001))
    with atomic_file(target) as partial, frame_writer(partial, form, encoding, TIME_BASE) as writer:
        recorded = Recording(target, writer)
        yield recorded
        if not recorded.stamps:
            raise DataError(f"It was stopped before the first frame: {target} was not written.")
