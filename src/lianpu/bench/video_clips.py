"""The clips of `lianpu bench video`: the beginning of a file, or a synthetic camera over pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from lianpu.imaging.picture import Picture
from lianpu.video.io.encoding import Encoding
from lianpu.video.io.probe import VideoProbe, probe_video
from lianpu.video.io.writing import StreamFormat, frame_writer

if TYPE_CHECKING:
    from lianpu.camera.moving_picture import MadeFrame
    from lianpu.imaging.picture import Picture
    from lianpu.video.io.encoding import Encoding
    from lianpu.video.io.probe import VideoProbe


RATE = Fraction(24)

_WAY_FRAMES = 60
"""Frames of the camera's whole path, so that its speed does not depend on the number of frames."""

_DRAWN = 2
"""Pictures of two portraits each that are drawn where none are given."""


def clip_of_file(file: Path, frames: int, size: tuple[int, int] | None, encoding: Encoding, folder: Path) -> VideoProbe:
    """The first frames of a video: the file itself, or a resized copy. Raises VideoError for another file."""
    from dataclasses import replace

    import cv2
    import numpy as np

    from lianpu.video.io.probe import probe_video
    from lianpu.video.io.reading import frames_from

    probe = probe_video(file)
    probe = replace(probe, timestamps=probe.timestamps[:frames])
    if size is None:
        return probe

    def resized() -> Iterator[Picture]:
        for frame in frames_from(probe, 0, len(probe.timestamps)):
            yield np.asarray(cv2.resize(frame.picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    return write_clip(folder / f"{file.stem}.mp4", resized(), size, probe.rate, encoding)


def synthetic_clip(
    photos: Sequence[Path], frames: int, size: tuple[int, int], encoding: Encoding, folder: Path
) -> tuple[VideoProbe, list[MadeFrame]]:
    """A video of a camera that moves over pictures, and its decoded frames, each with its true motion.

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
    probe = write_clip(folder / ("photos.mp4" if photos else "drawn.mp4"), (one.picture for one in made), size, RATE, encoding)
    read = frames_from(probe, 0, len(probe.timestamps))
    return probe, [replace(one, picture=frame.picture) for one, frame in zip(made, read, strict=True)]


def write_clip(
    file: Path, pictures: Iterable[Picture], size_px: tuple[int, int], rate: Fraction, encoding: Encoding
) -> VideoProbe:
    """Write pictures (H, W, 3) as a video of `rate` frames per second; returns its properties.

    Raises:
        VideoError: see `frame_writer`.
    """
    unit = 1 / rate
    with frame_writer(file, StreamFormat(*size_px, rate), encoding, unit) as writer:
        for number, picture in enumerate(pictures):
            writer.write(picture, number, unit)
    return probe_video(file)
