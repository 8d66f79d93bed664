"""Videos read by PyAV: what a file holds, and its frames in the order in which they are shown. A door to the library, as `writing.py` is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lianpu.errors import SettingsError, VideoError
from lianpu.image import Picture
from lianpu.video.orientation import DisplayMatrix, shown

if TYPE_CHECKING:
    import av

_STILL_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".heic", ".heif", ".avif")
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
    sound: tuple[str, ...]
    cut_off: str = ""

    @property
    def seconds(self) -> float:
        """From the first frame's begin to the last one's end."""
        return float((self.stamps[-1] + self.last_duration - self.stamps[0]) * self.time_base)

    def time_s(self, stamp: int) -> float:
        """The time of a stamp in seconds from the first frame."""
        return float((stamp - self.stamps[0]) * self.time_base)


@dataclass(frozen=True, eq=False)
class Frame:
    """A decoded frame.

    Args:
        stamp: when it is shown, in the file's time base.
        raw: as PyAV holds it.
        picture: (H, W, 3), as it is shown.
    """

    stamp: int
    raw: av.VideoFrame
    picture: Picture


def load_av() -> Any:
    """PyAV. Raises SettingsError that says how to install it."""
    try:
        import av
    except ImportError:
        raise SettingsError("Videos need PyAV, which is not installed. Install it: pip install 'lianpu[video]'") from None
    av.logging.set_level(None)  # broken files are reported by us, in one line
    return av


@contextmanager
def opened(file: Path) -> Iterator[av.container.InputContainer]:
    """The open file. Raises VideoError when it is missing, empty, a picture, or nothing that can be read."""
    av = load_av()
    if file.is_dir():
        raise VideoError(f"{file} is a folder. Give a video.")
    if not file.is_file():
        raise VideoError(f"{file} is not there. Check the path.")
    if not file.stat().st_size:
        raise VideoError(f"{file} is empty (0 bytes). Give a video.")
    if file.suffix.lower() in _STILL_ENDINGS:
        raise VideoError(f"{file} is a picture, not a video. For pictures there is lianpu edit.")
    try:
        container = av.open(str(file))
    except PermissionError:
        raise VideoError(f"{file} may not be read. Change its permissions.") from None
    except (av.error.FFmpegError, OSError, ValueError) as problem:
        raise VideoError(
            f"{file} is no video that can be read, or its end, where some formats keep their table of contents, is missing "
            f"({_reason(problem)}). Give another file."
        ) from None
    with container:
        if container.format.name.endswith("_pipe") or container.format.name == "image2":
            raise VideoError(f"{file} is a picture, not a video. For pictures there is lianpu edit.")
        yield container


def video_stream(container: av.container.InputContainer, file: Path) -> av.VideoStream:
    """The first stream of moving pictures: covers of songs are none. Raises VideoError that says what there is instead."""
    for stream in container.streams.video:
        if not stream.disposition & type(stream.disposition).attached_pic:
            if stream.codec_context is None:
                raise VideoError(f"{file}: its pictures are in a form that cannot be decoded here. Convert it first.")
            return stream
    kinds = sorted({stream.type for stream in container.streams} - {"video"})
    raise VideoError(f"{file} has no video stream (it holds: {', '.join(kinds) or 'nothing'}). Give a file with moving pictures.")


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
            tuple(str(one.codec_context.name) for one in container.streams.audio if one.codec_context is not None),
            _missing(container, stream, stamps, base),
        )


def frames_from(facts: VideoFacts, first: int, last: int) -> Iterator[Frame]:
    """The frames number `first` to `last` (without it), in the order in which they are shown; those that cannot be decoded are left out."""
    start, end = facts.stamps[first], facts.stamps[last - 1]
    seen = None
    for raw in _decoded(facts, start if first else None):
        stamp = _stamp(raw)
        if stamp is None or stamp < start or (seen is not None and stamp <= seen):
            continue
        if stamp > end:
            return
        seen = stamp
        yield Frame(stamp, raw, shown(rgb_of(raw, facts), facts.matrix))


def rgb_of(raw: av.VideoFrame, facts: VideoFacts) -> Picture:
    """The stored frame (h, w, 3) as RGB; a frame of another size than the first is brought to its size."""
    rgb = raw.reformat(
        width=facts.width,
        height=facts.height,
        format="rgb24",
        src_colorspace=facts.colors.matrix(facts.height) if raw.format.name.startswith(("yuv", "nv", "p0")) else None,
        interpolation="BICUBIC",
    )
    return np.asarray(rgb.to_ndarray(), dtype=np.uint8)


def _decoded(facts: VideoFacts, start: int | None) -> Iterator[av.VideoFrame]:
    av = load_av()
    with opened(facts.file) as container:
        stream = video_stream(container, facts.file)
        if start is not None:
            try:
                container.seek(start, stream=stream, backward=True)
            except av.error.FFmpegError:
                container.seek(0)
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
                frames = packet.decode()
            except StopIteration:
                return
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                continue  # a broken packet costs its own frame
            yield from frames


def _first_frame(container: av.container.InputContainer, stream: av.VideoStream, file: Path) -> av.VideoFrame:
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
    raise VideoError(f"{file}: no frame of its video can be decoded ({_reason(problem)}). Give another file.")


def _packet_times(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[tuple[int, int]]:
    """The stamp and duration of every frame, in the file's order, up to where the file breaks."""
    av = load_av()
    try:
        for packet in container.demux(stream):
            stamp = packet.pts if packet.pts is not None else packet.dts
            if stamp is not None and not packet.is_corrupt and packet.size and not packet.is_discard:
                yield int(stamp), int(packet.duration or 0)
    except av.error.FFmpegError:
        return


def _stamp(raw: av.VideoFrame) -> int | None:
    return raw.pts if raw.pts is not None else raw.dts


def _missing(container: av.container.InputContainer, stream: av.VideoStream, stamps: tuple[int, ...], base: Fraction) -> str:
    """What the file promises and does not hold, in words."""
    if stream.frames and len(stamps) < stream.frames - 2:
        return f"{len(stamps)} of {stream.frames} frames can be read"
    promised = float(stream.duration * base) if stream.duration else (container.duration or 0) / 1e6
    begin = float(stamps[0] * base) if stream.duration else (container.start_time or 0) / 1e6
    held = float(stamps[-1] * base) - begin
    if promised - held > max(1.5, 0.02 * promised):
        return f"{held:.1f} of {promised:.1f} s can be read"
    return ""


def _display_matrix(frame: av.VideoFrame) -> DisplayMatrix:
    for data in frame.side_data:
        if "DISPLAYMATRIX" in str(data.type):
            matrix = tuple(int(value) for value in np.frombuffer(bytes(data), dtype=np.int32))
            unturned = matrix[0] > 0 and matrix[4] > 0 and not matrix[1] and not matrix[3]
            return () if unturned else matrix
    return ()


def _reason(problem: object) -> str:
    text = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
    return " ".join(str(text).split())[:120]
