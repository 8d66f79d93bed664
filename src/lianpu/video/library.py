"""PyAV, which carries FFmpeg: the only door to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lianpu.errors import SettingsError

if TYPE_CHECKING:
    import av
    from av.container import InputContainer as _InputContainer
    from av.container import OutputContainer as _OutputContainer

    Packet = av.Packet
    VideoFrame = av.VideoFrame
    VideoStream = av.VideoStream
    InputContainer = _InputContainer
    OutputContainer = _OutputContainer


def load_av() -> Any:
    """PyAV. Raises SettingsError that says how to install it."""
    try:
        import av
    except ImportError:
        raise SettingsError("Videos need PyAV, which is not installed. Install it: pip install 'lianpu[video]'") from None
    av.logging.set_level(None)  # broken files are reported by us, in one line
    return av


def reason(problem: object) -> str:
    """What FFmpeg says of a problem, in one short line."""
    text = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
    return " ".join(str(text).split())[:120]
