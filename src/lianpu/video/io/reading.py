"""The decoded frames of a video, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lianpu.imaging.picture import Picture
from lianpu.video.io.av_library import load_av, opened, video_stream
from lianpu.video.io.probe import VideoProbe, shown

if TYPE_CHECKING:
    from lianpu.video.io.av_library import VideoFrame


@dataclass(frozen=True, eq=False)
class Frame:
    """A decoded frame.

    Args:
        timestamp: in the file's time base.
        raw: PyAV's frame.
        picture: (H, W, 3), rotated as it is shown.
    """

    timestamp: int
    raw: VideoFrame
    picture: Picture


def frames_from(probe: VideoProbe, first: int, last: int) -> Iterator[Frame]:
    """Frames `first` to `last` (exclusive) in the order in which they are shown, without those that cannot be decoded."""
    start, end = probe.timestamps[first], probe.timestamps[last - 1]
    seen = None
    for raw in _decoded(probe, start if first else None):
        timestamp = _timestamp(raw)
        if timestamp is None or timestamp < start or (seen is not None and timestamp <= seen):
            continue
        if timestamp > end:
            return
        seen = timestamp
        yield Frame(timestamp, raw, shown(rgb_of(raw, probe), probe.matrix))


def rgb_of(raw: VideoFrame, probe: VideoProbe) -> Picture:
    """The stored frame (h, w, 3) as RGB; a frame of another size is resized to that of the first frame."""
    rgb = raw.reformat(
        width=probe.width,
        height=probe.height,
        format="rgb24",
        src_colorspace=probe.colors.matrix(probe.height) if raw.format.name.startswith(("yuv", "nv", "p0")) else None,
        interpolation="BICUBIC",
    )
    return np.asarray(rgb.to_ndarray(), dtype=np.uint8)


def _decoded(probe: VideoProbe, start: int | None) -> Iterator[VideoFrame]:
    av = load_av()
    with opened(probe.file) as container:
        stream = video_stream(container, probe.file)
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


def _timestamp(raw: VideoFrame) -> int | None:
    return raw.pts if raw.pts is not None else raw.dts
