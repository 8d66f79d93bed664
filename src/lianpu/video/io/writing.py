"""Encoding frames into a file."""

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
from lianpu.video.io.probe import Colors, DisplayMatrix, VideoProbe, stored
from lianpu.video.io.reading import Frame

if TYPE_CHECKING:
    from lianpu.video.io.av_library import OutputContainer, VideoFrame, VideoStream


@dataclass(frozen=True)
class StreamFormat:
    """The properties of an encoded stream.

    Args:
        width: of the stored frames.
        height: likewise.
        rate: frames per second, on average.
        matrix: rotation of the shown frames.
        colors: their colour tags.
        aspect: width of a pixel over its height.
    """

    width: int
    height: int
    rate: Fraction
    matrix: DisplayMatrix = ()
    colors: Colors = field(default_factory=Colors)
    aspect: Fraction = Fraction(1)

    @classmethod
    def of(cls, probe: VideoProbe) -> StreamFormat:
        """The format of a source video."""
        return cls(probe.width, probe.height, probe.rate, probe.matrix, probe.colors, probe.aspect)


class FrameWriter:
    """Encodes frames into a file; see `frame_writer`. Frames are written in the order in which they are shown."""

    def __init__(self, container: OutputContainer, stream: VideoStream, stream_format: StreamFormat) -> None:
        self._container, self._stream, self._format = container, stream, stream_format
        self._size = (stream.width, stream.height)

    def write(self, picture: Picture, timestamp: int, time_base: Fraction) -> None:
        """Add a frame (H, W, 3), rotated as it is shown."""
        av = load_av()
        lying = _padded(stored(picture, self._format.matrix), self._size)
        raw = av.VideoFrame.from_ndarray(lying, format="rgb24")
        self._encode(_yuv(raw, self._stream.pix_fmt, self._format), timestamp, time_base)

    def write_raw(self, frame: Frame, timestamp: int, time_base: Fraction) -> None:
        """Add an unchanged frame, without a conversion through RGB where its pixel format is that of the file."""
        raw = frame.raw
        if raw.format.name != self._stream.pix_fmt or (raw.width, raw.height) != self._size:
            self.write(frame.picture, timestamp, time_base)
            return
        self._encode(raw, timestamp, time_base)

    def _encode(self, raw: VideoFrame, timestamp: int, time_base: Fraction) -> None:
        raw.pts, raw.time_base = timestamp, time_base
        raw.pict_type = 0  # the encoder chooses, not the source's encoder
        self._container.mux(self._stream.encode(raw))


@contextmanager
def frame_writer(
    file: Path, stream_format: StreamFormat, encoding: Encoding, time_base: Fraction, threads: int | None = None
) -> Iterator[FrameWriter]:
    """A writer of `file`, which is complete when the block has ended. Odd sizes gain a row or column: encoders need even sizes.

    Raises:
        VideoError: the encoder refuses.
        LianpuError: the disk is full, or the file may not be written.
    """
    av = load_av()
    try:
        with disk_errors_named(file), av.open(str(file), "w", format=ENDINGS[file.suffix.lower()]) as container:
            stream = container.add_stream(encoding.encoder, rate=stream_format.rate, options=dict(encoding.options))
            stream.width, stream.height = (
                stream_format.width + stream_format.width % 2,
                stream_format.height + stream_format.height % 2,
            )
            stream.pix_fmt = encoding.pixel_format
            context = stream.codec_context
            context.time_base = time_base
            rate = encoding.bit_rate(stream_format.width, stream_format.height, float(stream_format.rate))
            if rate:
                context.bit_rate = rate
            if threads is not None:
                context.thread_count = threads
            context.sample_aspect_ratio = stream_format.aspect
            context.color_range, context.colorspace = stream_format.colors.range, _space_tag(stream_format.colors)
            context.color_primaries, context.color_trc = stream_format.colors.primaries, stream_format.colors.transfer
            if stream_format.matrix:
                stream.set_display_matrix(stream_format.matrix)
            yield FrameWriter(container, stream, stream_format)
            container.mux(stream.encode(None))
    except av.error.FFmpegError as problem:
        raise VideoError(f"{file}: {encoding.encoder} could not encode ({problem}). Take another --encoder.") from None


def _yuv(raw: VideoFrame, pixel_format: str, stream_format: StreamFormat) -> VideoFrame:
    full = stream_format.colors.range == 2
    frame = raw.reformat(
        format=pixel_format,
        dst_colorspace=stream_format.colors.matrix(stream_format.height),
        dst_color_range=2 if full else 1,
        interpolation="BICUBIC",
    )
    frame.color_range, frame.colorspace = stream_format.colors.range, _space_tag(stream_format.colors)
    frame.color_primaries, frame.color_trc = stream_format.colors.primaries, stream_format.colors.transfer
    return frame


def _space_tag(colors: Colors) -> int:
    """The matrix tag of the file; RGB (0) becomes unspecified."""
    return 2 if colors.space == 0 else colors.space


def _padded(picture: Picture, size: tuple[int, int]) -> Picture:
    """The picture, its last row and column repeated up to `size` = (width, height)."""
    height, width = picture.shape[:2]
    if (width, height) == size:
        return picture
    return np.pad(picture, ((0, size[1] - height), (0, size[0] - width), (0, 0)), mode="edge")
