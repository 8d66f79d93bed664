"""What a video's file holds: sizes, colours, the stamp of every frame, and what is missing in it."""

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

_RGB_OR_UNSAID = (0, 2, 3)


@dataclass(frozen=True)
class Colors:
    """How the numbers of a video's pixels stand for colours, as FFmpeg numbers it; what is not said is not said in the copy either."""

    range: int = 0
    space: int = 2
    primaries: int = 2
    transfer: int = 2

    def matrix(self, height: int) -> int:
        """The matrix between RGB and YUV, or, where none is said, what players take: BT.709 from 720 lines on, BT.601 below."""
        if self.space not in _RGB_OR_UNSAID:
            return self.space
        return _BT709 if height >= _HD_LINES else _BT601


@dataclass(frozen=True)
class VideoFacts:
    """What a video's file holds, found by reading it once without decoding.

    Args:
        file: the video.
        width: of the stored frames, in pixels.
        height: likewise.
        rate: frames a second, on the average.
        time_base: the unit of stamps, in seconds.
        stamps: when each frame is shown, in units of `time_base`, ascending; no two alike.
        last_duration: how long the last frame is shown, in the same units.
        matrix: how frames are turned for showing.
        colors: what the numbers of pixels mean.
        aspect: how many times wider than high a pixel is.
        bits: of a sample of a pixel.
        transparent: whether frames have an alpha channel, or their file says that they do.
        sound: a word for each sound stream: its codec.
        cut_off: what is missing, in words; empty for a whole file.
    """

    file: Path
    width: int
    height: int
    rate: Fraction
    time_base: Fraction
    stamps: tuple[int, ...]
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
        """From the first frame's begin to the last one's end."""
        return float((self.stamps[-1] + self.last_duration - self.stamps[0]) * self.time_base)

    def time_s(self, stamp: int) -> float:
        """The time of a stamp in seconds from the first frame."""
        return float((stamp - self.stamps[0]) * self.time_base)


def read_facts(file: Path) -> VideoFacts:
    """What the file holds. Raises VideoError when there is no video in it that can be decoded."""
    with opened(file) as container:
        stream = video_stream(container, file)
        first = _first_frame(container, stream, file)
    with opened(file) as container:
        stream = video_stream(container, file)
        times = dict(_packet_times(container, stream))
        if not times:
            raise VideoError(f"{file} has a video stream without frames. Give another file.")
        stamps = tuple(sorted(times))
        base = Fraction(stream.time_base or Fraction(1, 1000))
        rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
        usual = max(1, round(1 / (rate * base)))
        context = stream.codec_context
        return VideoFacts(
            file,
            first.width,
            first.height,
            rate,
            base,
            stamps,
            times[stamps[-1]] or usual,
            _display_matrix(first),
            Colors(first.color_range, first.colorspace, first.color_primaries, first.color_trc),
            Fraction(context.sample_aspect_ratio or 1),
            max(component.bits for component in first.format.components),
            _is_transparent(first, stream),
            tuple(str(one.codec_context.name) for one in container.streams.audio if one.codec_context is not None),
            _missing(container, stream, stamps, base),
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
    """The stamp and duration of every frame, in the file's order, up to where the file breaks."""
    av = load_av()
    try:
        for packet in container.demux(stream):
            stamp = packet.pts if packet.pts is not None else packet.dts
            if stamp is not None and not packet.is_corrupt and packet.size and not packet.is_discard:
                yield int(stamp), int(packet.duration or 0)
    except av.error.FFmpegError:
        return


def _is_transparent(frame: VideoFrame, stream: VideoStream) -> bool:
    """Of WebM the alpha channel lies beside the frames, where FFmpeg's own decoder does not look; its file says that it is there."""
    named = any(word in frame.format.name for word in ("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16", "pal8"))
    return named or stream.metadata.get("alpha_mode") == "1"


def _missing(container: InputContainer, stream: VideoStream, stamps: tuple[int, ...], base: Fraction) -> str:
    """What the file promises and does not hold, in words."""
    if stream.frames and len(stamps) < stream.frames - 2:
        return f"{len(stamps)} of {stream.frames} frames can be read"
    promised = float(stream.duration * base) if stream.duration else (container.duration or 0) / 1e6
    begin = float(stamps[0] * base) if stream.duration else (container.start_time or 0) / 1e6
    held = float(stamps[-1] * base) - begin
    if promised - held > max(1.5, 0.02 * promised):
        return f"{held:.1f} of {promised:.1f} s can be read"
    return ""


def _display_matrix(frame: VideoFrame) -> DisplayMatrix:
    for data in frame.side_data:
        if "DISPLAYMATRIX" in str(data.type):
            matrix = tuple(int(value) for value in np.frombuffer(bytes(data), dtype=np.int32))
            unturned = matrix[0] > 0 and matrix[4] > 0 and not matrix[1] and not matrix[3]
            return () if unturned else matrix
    return ()


DisplayMatrix = tuple[int, ...]
"""Nine numbers, row by row, as FFmpeg gives them (libavutil/display.h); () for a video that is shown as it is stored."""


def shown(stored: Picture, matrix: DisplayMatrix) -> Picture:
    """A stored frame (h, w, 3) as players show it."""
    transposed, left_right, up_down = _turn(matrix)
    picture: np.ndarray[Any, Any] = stored.transpose(1, 0, 2) if transposed else stored
    picture = picture[:, ::-1] if left_right else picture
    return np.ascontiguousarray(picture[::-1] if up_down else picture)


def stored(picture: Picture, matrix: DisplayMatrix) -> Picture:
    """A shown frame (H, W, 3) as it lies in the file: the inverse of `shown`."""
    transposed, left_right, up_down = _turn(matrix)
    turned: np.ndarray[Any, Any] = picture[::-1] if up_down else picture
    turned = turned[:, ::-1] if left_right else turned
    return np.ascontiguousarray(turned.transpose(1, 0, 2) if transposed else turned)


def _turn(matrix: DisplayMatrix) -> tuple[bool, bool, bool]:
    """Whether rows become columns, then left becomes right, then up becomes down.

    The matrix takes (x, y) to (a x + c y, b x + d y). Raises VideoError for one that turns by other than quarter turns.
    """
    if not matrix:
        return False, False, False
    a, b, _, c, d = matrix[:5]
    if (a and d and not b and not c) or (b and c and not a and not d):
        return (True, c < 0, b < 0) if b else (False, a < 0, d < 0)
    raise VideoError(
        f"The video is turned by other than quarter turns (display matrix {a}, {b}, {c}, {d}). Turn it upright first, with another program."
    )
