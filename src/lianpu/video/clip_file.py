"""Pictures written to a video file as they come."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from lianpu.image import Picture
from lianpu.video.encoding import Encoding
from lianpu.video.facts import VideoFacts, read_facts
from lianpu.video.writing import Form, frame_writer


def write_clip(
    file: Path, pictures: Iterable[Picture], size_px: tuple[int, int], rate: Fraction, encoding: Encoding
) -> VideoFacts:
    """Pictures (H, W, 3) as a video of so many frames a second; its facts, as they are read from the file.

    Raises:
        VideoError: see `frame_writer`.
    """
    unit = 1 / rate
    with frame_writer(file, Form(*size_px, rate), encoding, unit) as writer:
        for number, picture in enumerate(pictures):
            writer.write(picture, number, unit)
    return read_facts(file)
