"""Frames encoded into a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lianpu.errors import VideoError
from lianpu.files import disk_errors_named
from lianpu.imaging.picture import Picture
from lianpu.video.io.av_library import load_av
from lianpu.video.io.encoding import ENDINGS, Encoding
from lianpu.video.io.probe import Colors, DisplayMatrix, VideoFacts, stored
from lianpu.video.io.reading import Frame

if TYPE_CHECKING:
    from lianpu.video.io.av_library import OutputContainer, VideoFrame, VideoStream


@dataclass(frozen=True)
class Form:
    """What an encoded stream needs to know of its frames.

    Args:
        width: of the stored frames.
        height: likewise.
        rate: frames a second, on the average.
        matrix: how they are turned for showing.
        colors: what their numbers mean.
        aspect: of a pixel.
    """

    width: int
    height: int
    rate: Fraction
    matrix: DisplayMatrix = ()
    colors: Colors = field(default_factory=Colors)
    aspect: Fraction = Fraction(1)

    @classmethod
    def of(cls, facts: VideoFacts) -> Form:
        """The form of a video that was read."""
        return cls(facts.width, facts.height, facts.rate, facts.matrix, facts.colors, facts.aspect)


class FrameWriter:
    """Encodes frames into a file; see `frame_writer`. Frames are given in the order in which they are shown."""

    def __init__(self, container: OutputContainer, stream: VideoStream, form: Form) -> None:
        self._container, self._stream, self._form = container, stream, form
        self._size = (stream.width, stream.height)

    def write(self, picture: Picture, stamp: int, time_base: Fraction) -> None:
        """Add a frame (H, W, 3), as it is shown."""
        av = load_av()
        lying = _padded(stored(picture, self._form.matrix), self._size)
        raw = av.VideoFrame.from_ndarray(lying, format="rgb24")
        self._encode(_yuv(raw, self._stream.pix_fmt, self._form), stamp, time_base)

    def write_raw(self, frame: Frame, stamp: int, time_base: Fraction) -> None:
        """Add a frame that nothing changed: without a way through RGB where its form is the file's."""
        raw = frame.raw
        if raw.format.name != self._stream.pix_fmt or (raw.width, raw.height) != self._size:
            self.write(frame.picture, stamp, time_base)
            return
        self._encode(raw, stamp, time_base)

    def _encode(self, raw: VideoFrame, stamp: int, time_base: Fraction) -> None:
        raw.pts, raw.time_base = stamp, time_base
        raw.pict_type = 0  # the encoder chooses: what the source's encoder chose is its own affair
        self._container.mux(self._stream.encode(raw))


@contextmanager
def frame_writer(
    file: Path, form: Form, encoding: Encoding, time_base: Fraction, threads: int | None = None
) -> Iterator[FrameWriter]:
    """A writer of `file`, which is whole when the block has ended well. Odd sizes gain a line: the formats hold pairs.

    Raises:
        VideoError: the encoder does not take this.
        LianpuError: the disk is full, or may not be written.
    """
    av = load_av()
    try:
        with disk_errors_named(file), av.open(str(file), "w", format=ENDINGS[file.suffix.lower()]) as container:
            stream = container.add_stream(encoding.encoder, rate=form.rate, options=dict(encoding.options))
            stream.width, stream.height = form.width + form.width % 2, form.height + form.height % 2
            stream.pix_fmt = encoding.pixel_format
            context = stream.codec_context
            context.time_base = time_base
            rate = encoding.bit_rate(form.width, form.height, float(form.rate))
            if rate:
                context.bit_rate = rate
            if threads is not None:
                context.thread_count = threads
            context.sample_aspect_ratio = form.aspect
            context.color_range, context.colorspace = form.colors.range, _said_space(form.colors)
            context.color_primaries, context.color_trc = form.colors.primaries, form.colors.transfer
            if form.matrix:
                stream.set_display_matrix(form.matrix)
            yield FrameWriter(container, stream, form)
            container.mux(stream.encode(None))
    except av.error.FFmpegError as problem:
        raise VideoError(f"{file}: {encoding.encoder} could not encode ({problem}). Take another --encoder.") from None


def _yuv(raw: VideoFrame, pixel_format: str, form: Form) -> VideoFrame:
    full = form.colors.range == 2
    frame = raw.reformat(
        format=pixel_format,
        dst_colorspace=form.colors.matrix(form.height),
        dst_color_range=2 if full else 1,
        interpolation="BICUBIC",
    )
    frame.color_range, frame.colorspace = form.colors.range, _said_space(form.colors)
    frame.color_primaries, frame.color_trc = form.colors.primaries, form.colors.transfer
    return frame


def _said_space(colors: Colors) -> int:
    """What the file says of its matrix; a source of RGB (0) becomes one that says nothing."""
    return 2 if colors.space == 0 else colors.space


def _padded(picture: Picture, size: tuple[int, int]) -> Picture:
    """The picture, its last row and column repeated up to `size` = (width, height)."""
    height, width = picture.shape[:2]
    if (width, height) == size:
        return picture
    return np.pad(picture, ((0, size[1] - height), (0, size[0] - width), (0, 0)), mode="edge")
