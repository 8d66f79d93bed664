"""Files of moving pictures opened, or refused in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lianpu.errors import VideoError
from lianpu.video.library import load_av, reason

if TYPE_CHECKING:
    from lianpu.video.library import InputContainer, VideoStream

_STILL_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".heic", ".heif", ".avif")


@contextmanager
def opened(file: Path) -> Iterator[InputContainer]:
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
            f"({reason(problem)}). Give another file."
        ) from None
    with container:
        if container.format.name.endswith("_pipe") or container.format.name == "image2":
            raise VideoError(f"{file} is a picture, not a video. For pictures there is lianpu edit.")
        yield container


def video_stream(container: InputContainer, file: Path) -> VideoStream:
    """The first stream of moving pictures: covers of songs are none. Raises VideoError that says what there is instead."""
    for stream in container.streams.video:
        if not stream.disposition & type(stream.disposition).attached_pic:
            if stream.codec_context is None:
                raise VideoError(f"{file}: its pictures are in a form that cannot be decoded here. Convert it first.")
            return stream
    kinds = sorted({stream.type for stream in container.streams} - {"video"})
    raise VideoError(f"{file} has no video stream (it holds: {', '.join(kinds) or 'nothing'}). Give a file with moving pictures.")
