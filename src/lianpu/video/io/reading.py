"""The frames of a video, decoded in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lianpu.imaging.picture import Picture
from lianpu.video.io.av_library import load_av, opened, video_stream
from lianpu.video.io.probe import VideoFacts, shown

if TYPE_CHECKING:
    from lianpu.video.io.av_library import VideoFrame


@dataclass(frozen=True, eq=False)
class Frame:
    """A decoded frame.

    Args:
        stamp: when it is shown, in the file's time base.
        raw: as PyAV holds it.
        picture: (H, W, 3), as it is shown.
    """

    stamp: int
    raw: VideoFrame
    picture: Picture


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


def rgb_of(raw: VideoFrame, facts: VideoFacts) -> Picture:
    """The stored frame (h, w, 3) as RGB; a frame of another size than the first is brought to its size."""
    rgb = raw.reformat(
        width=facts.width,
        height=facts.height,
        format="rgb24",
        src_colorspace=facts.colors.matrix(facts.height) if raw.format.name.startswith(("yuv", "nv", "p0")) else None,
        interpolation="BICUBIC",
    )
    return np.asarray(rgb.to_ndarray(), dtype=np.uint8)


def _decoded(facts: VideoFacts, start: int | None) -> Iterator[VideoFrame]:
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


def _stamp(raw: VideoFrame) -> int | None:
    return raw.pts if raw.pts is not None else raw.dts
