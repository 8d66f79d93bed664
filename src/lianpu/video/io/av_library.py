"""PyAV, which bundles FFmpeg: the only module that imports it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lianpu.errors import SettingsError, VideoError

if TYPE_CHECKING:
    import av
    from av.container import InputContainer as _InputContainer
    from av.container import OutputContainer as _OutputContainer

    Packet: TypeAlias = av.Packet
    VideoFrame: TypeAlias = av.VideoFrame
    VideoStream: TypeAlias = av.VideoStream
    InputContainer = _InputContainer
    OutputContainer = _OutputContainer


def load_av() -> Any:
    """PyAV. Raises SettingsError that says how to install it."""
    try:
        import av
    except ImportError:
        raise SettingsError("Videos need PyAV, which is not installed. Install it: pip install 'lianpu[video]'") from None
    av.logging.set_level(None)  # we report broken files ourselves, in one line
    return av


def reason(problem: object) -> str:
    """FFmpeg's description of a problem, in one short line."""
    text = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
    return " ".join(str(text).split())[:120]


_STILL_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".heic", ".heif", ".avif")


@contextmanager
def opened(file: Path) -> Iterator[InputContainer]:
    """The open file. Raises VideoError when it is missing, empty, a picture, or not readable."""
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
            f"{file} cannot be read as a video, or its end is missing, where some formats keep their index "
            f"({reason(problem)}). Give another file."
        ) from None
    with container:
        if container.format.name.endswith("_pipe") or container.format.name == "image2":
            raise VideoError(f"{file} is a picture, not a video. For pictures there is lianpu edit.")
        yield container


def video_stream(container: InputContainer, file: Path) -> VideoStream:
    """The first video stream, cover pictures of songs excepted. Raises VideoError that says what the file holds instead."""
    for stream in container.streams.video:
        if not stream.disposition & type(stream.disposition).attached_pic:
            if stream.codec_context is None:
                raise VideoError(f"{file}: its video codec cannot be decoded here. Convert it first.")
            return stream
    kinds = sorted({stream.type for stream in container.streams} - {"video"})
    raise VideoError(f"{file} has no video stream (it holds: {', '.join(kinds) or 'nothing'}). Give a file with moving pictures.")
