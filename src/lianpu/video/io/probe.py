"""Probing: the size, colours and timestamps of a video, and what is missing in its file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lianpu.errors import VideoError
from lianpu.imaging.picture import Picture
from lianpu.video.io.av_library import load_av, opened, reason, video_stream

if TYPE_CHECKING:
    from lianpu.video.io.av_library import InputContainer, VideoFrame, VideoStream


_HD_LINES = 720

_BT709, _BT601 = 1, 5

_RGB_OR_UNSPECIFIED = (0, 2, 3)


@dataclass(frozen=True)
class Colors:
    """The colour tags of a video, as numbered by FFmpeg; an unspecified tag stays unspecified in the edited video."""

    range: int = 0
    space: int = 2
    primaries: int = 2
    transfer: int = 2

    def matrix(self, height: int) -> int:
        """The matrix between RGB and YUV; if unspecified, what players assume: BT.709 from 720 lines on, BT.601 below."""
        if self.space not in _RGB_OR_UNSPECIFIED:
            return self.space
        return _BT709 if height >= _HD_LINES else _BT601


@dataclass(frozen=True)
class VideoProbe:
    """The properties of a video, found by reading its file once without decoding.

    Args:
        file: the video.
        width: of the stored frames, in pixels.
        height: likewise.
        rate: frames per second, on average.
        time_base: the unit of timestamps in seconds.
        timestamps: of every frame, in units of `time_base`, strictly ascending.
        last_duration: of the last frame, in the same units.
        matrix: rotation of the shown frames.
        colors: its colour tags.
        aspect: width of a pixel over its height.
        bits: per sample.
        transparent: whether frames have an alpha channel.
        sound: the codec of each sound stream.
        cut_off: what is missing; empty for a whole file.
    """

    file: Path
    width: int
    height: int
    rate: Fraction
    time_base: Fraction
    timestamps: tuple[int, ...]
    last_duration: int
    matrix: DisplayMatrix
    colors: Colors
    aspect: Fraction
    bits: int
    transparent: bool
    sound: tuple[str, ...]
    cut_off: str = ""

    @property
    def seconds(self) -> float:
        """Duration of the video."""
        return float((self.timestamps[-1] + self.last_duration - self.timestamps[0]) * self.time_base)

    def time_s(self, timestamp: int) -> float:
        """Seconds from the first frame to a timestamp."""
        return float((timestamp - self.timestamps[0]) * self.time_base)


def probe_video(file: Path) -> VideoProbe:
    """The properties of a video file. Raises VideoError when it holds no video that can be decoded, or one that is HDR (PQ or HLG)."""
    with opened(file) as container:
        stream = video_stream(container, file)
        first = _first_frame(container, stream, file)
    _refuse_hdr(file, first)
    with opened(file) as container:
        stream = video_stream(container, file)
        times = dict(_packet_times(container, stream))
        if not times:
            raise VideoError(f"{file} has a video stream without frames. Give another file.")
        timestamps = tuple(sorted(times))
        base = Fraction(stream.time_base or Fraction(1, 1000))
        rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
        typical = max(1, round(1 / (rate * base)))
        context = stream.codec_context
        return VideoProbe(
            file,
            first.width,
            first.height,
            rate,
            base,
            timestamps,
            times[timestamps[-1]] or typical,
            _display_matrix(first),
            Colors(first.color_range, first.colorspace, first.color_primaries, first.color_trc),
            Fraction(context.sample_aspect_ratio or 1),
            max(component.bits for component in first.format.components),
            _is_transparent(first, stream),
            tuple(str(one.codec_context.name) for one in container.streams.audio if one.codec_context is not None),
            _missing(container, stream, timestamps, base),
        )


HDR_TRANSFERS: dict[int, str] = {16: "PQ (HDR10, Dolby Vision)", 18: "HLG"}
"""FFmpeg's numbers of transfer functions whose values are no SDR ones: taken for SDR, a film becomes pale."""


def _refuse_hdr(file: Path, frame: VideoFrame) -> None:
    if frame.color_trc in HDR_TRANSFERS:
        raise VideoError(
            f"{file} is HDR video ({HDR_TRANSFERS[frame.color_trc]}), and only SDR video is edited. Convert it first: ffmpeg -i IN -vf "
            "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv420p "
            "-c:a copy OUT.mp4, or export it as SDR from your phone."
        )


def _first_frame(container: InputContainer, stream: VideoStream, file: Path) -> VideoFrame:
    av = load_av()
    problem: object = "no frame in it"
    try:
        for packet in container.demux(stream):
            try:
                for frame in packet.decode():
                    return frame
            except av.error.InvalidDataError as broken:
                problem = broken
    except av.error.FFmpegError as broken:
        problem = broken
    raise VideoError(f"{file}: no frame of its video can be decoded ({reason(problem)}). Give another file.")


def _packet_times(container: InputContainer, stream: VideoStream) -> Iterator[tuple[int, int]]:
    """The timestamp and duration of every frame, in the order of the file, up to where the file breaks."""
    av = load_av()
    try:
        for packet in container.demux(stream):
            timestamp = packet.pts if packet.pts is not None else packet.dts
            if timestamp is not None and not packet.is_corrupt and packet.size and not packet.is_discard:
                yield int(timestamp), int(packet.duration or 0)
    except av.error.FFmpegError:
        return


def _is_transparent(frame: VideoFrame, stream: VideoStream) -> bool:
    """Whether frames have an alpha channel; in WebM it is a separate layer that FFmpeg's own decoder ignores, named by a tag."""
    named = any(word in frame.format.name for word in ("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16", "pal8"))
    return named or stream.metadata.get("alpha_mode") == "1"


def _missing(container: InputContainer, stream: VideoStream, timestamps: tuple[int, ...], base: Fraction) -> str:
    """What the header promises and the file does not hold."""
    if stream.frames and len(timestamps) < stream.frames - 2:
        return f"{len(timestamps)} of {stream.frames} frames can be read"
    expected = float(stream.duration * base) if stream.duration else (container.duration or 0) / 1e6
    begin = float(timestamps[0] * base) if stream.duration else (container.start_time or 0) / 1e6
    present = float(timestamps[-1] * base) - begin
    if expected - present > max(1.5, 0.02 * expected):
        return f"{present:.1f} of {expected:.1f} s can be read"
    return ""


def _display_matrix(frame: VideoFrame) -> DisplayMatrix:
    for data in frame.side_data:
        if "DISPLAYMATRIX" in str(data.type):
            matrix = tuple(int(value) for value in np.frombuffer(bytes(data), dtype=np.int32))
            unturned = matrix[0] > 0 and matrix[4] > 0 and not matrix[1] and not matrix[3]
            return () if unturned else matrix
    return ()


DisplayMatrix = tuple[int, ...]
"""Nine numbers, row by row, as in libavutil/display.h; () for a video without rotation."""


def shown(stored: Picture, matrix: DisplayMatrix) -> Picture:
    """A stored frame (h, w, 3) rotated as players show it."""
    transposed, left_right, up_down = _turn(matrix)
    picture: np.ndarray[Any, Any] = stored.transpose(1, 0, 2) if transposed else stored
    picture = picture[:, ::-1] if left_right else picture
    return np.ascontiguousarray(picture[::-1] if up_down else picture)


def stored(picture: Picture, matrix: DisplayMatrix) -> Picture:
    """A shown frame (H, W, 3) rotated as it is stored: the inverse of `shown`."""
    transposed, left_right, up_down = _turn(matrix)
    turned: np.ndarray[Any, Any] = picture[::-1] if up_down else picture
    turned = turned[:, ::-1] if left_right else turned
    return np.ascontiguousarray(turned.transpose(1, 0, 2) if transposed else turned)


def _turn(matrix: DisplayMatrix) -> tuple[bool, bool, bool]:
    """Whether to transpose, then to flip left and right, then to flip up and down.

    The matrix maps (x, y) to (a x + c y, b x + d y). Raises VideoError for a rotation by other than multiples of 90 degrees.
    """
    if not matrix:
        return False, False, False
    a, b, _, c, d = matrix[:5]
    if (a and d and not b and not c) or (b and c and not a and not d):
        return (True, c < 0, b < 0) if b else (False, a < 0, d < 0)
    raise VideoError(
        f"The video is not rotated by a multiple of 90 degrees (display matrix {a}, {b}, {c}, {d}). Rotate it with another program first."
    )
