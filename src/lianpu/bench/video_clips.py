"""The videos that `lianpu bench video` measures on: the begin of a file, or a camera over pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from lianpu.imaging.picture import Picture
from lianpu.video.io.encoding import Encoding
from lianpu.video.io.probe import VideoFacts, read_facts
from lianpu.video.io.writing import Form, frame_writer

if TYPE_CHECKING:
    from lianpu.camera.moving_picture import MadeFrame
    from lianpu.imaging.picture import Picture
    from lianpu.video.io.encoding import Encoding
    from lianpu.video.io.probe import VideoFacts


RATE = Fraction(24)

_WAY_FRAMES = 60
"""The camera is as fast, however many frames are asked for."""

_DRAWN = 2
"""How many pictures, of two portraits each, are drawn where none are given."""


def clip_of_file(file: Path, frames: int, size: tuple[int, int] | None, encoding: Encoding, folder: Path) -> VideoFacts:
    """The first frames of a video: of the file itself, or of a copy of another size. Raises VideoError for what is no video."""
    from dataclasses import replace

    import cv2
    import numpy as np

    from lianpu.video.io.probe import read_facts
    from lianpu.video.io.reading import frames_from

    facts = read_facts(file)
    facts = replace(facts, stamps=facts.stamps[:frames])
    if size is None:
        return facts

    def resized() -> Iterator[Picture]:
        for frame in frames_from(facts, 0, len(facts.stamps)):
            yield np.asarray(cv2.resize(frame.picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    return write_clip(folder / f"{file.stem}.mp4", resized(), size, facts.rate, encoding)


def made_clip(
    photos: Sequence[Path], frames: int, size: tuple[int, int], encoding: Encoding, folder: Path
) -> tuple[VideoFacts, list[MadeFrame]]:
    """A video of a camera that moves over pictures, and its frames as they are read from it, each with its true motion.

    Raises:
        PictureError: a picture that cannot be read.
        SettingsError: more pictures than pairs of frames.
    """
    from dataclasses import replace

    import numpy as np

    from lianpu.camera.moving_picture import pan_over
    from lianpu.dataset.drawn import draw_face
    from lianpu.errors import SettingsError
    from lianpu.photo.reading import read_image
    from lianpu.video.io.reading import frames_from

    pictures = [read_image(photo) for photo in photos]
    if not pictures:
        pictures = [np.hstack([draw_face(3, 2 * index + side, 512).picture for side in (0, 1)]) for index in range(_DRAWN)]
    each = frames // len(pictures)
    if each < 2:
        raise SettingsError(f"--frames {frames} over {len(pictures)} pictures: give at least 2 frames for each.")
    made = list(pan_over(pictures, each, size, way_frames=max(each, _WAY_FRAMES)))
    facts = write_clip(folder / ("photos.mp4" if photos else "drawn.mp4"), (one.picture for one in made), size, RATE, encoding)
    read = frames_from(facts, 0, len(facts.stamps))
    return facts, [replace(one, picture=frame.picture) for one, frame in zip(made, read, strict=True)]


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
