"""When encoded frames are decoded: B-frames are stored after a frame that is shown later."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise


def decoding_stamps(shown: Sequence[int], ranks: Sequence[int]) -> tuple[int, ...]:
    """When each packet of a file is decoded: ascending, and never after it is shown.

    Joined pieces keep the stamps of their frames to the tick; each piece's own decoding stamps would overlap with the piece before.

    Args:
        shown: when each frame is shown, ascending.
        ranks: for each packet in the file's order, which of `shown` is its frame's.

    Raises:
        ValueError: `shown` does not ascend, or `ranks` does not name each frame once.
    """
    if any(later <= earlier for earlier, later in pairwise(shown)):
        raise ValueError("stamps ascend")
    if sorted(ranks) != list(range(len(shown))):
        raise ValueError("each frame has one packet")
    delay = max((place - rank for place, rank in enumerate(ranks)), default=0)
    step = max(1, shown[1] - shown[0]) if len(shown) > 1 else 1
    before = [shown[0] - step * back for back in range(delay, 0, -1)] if delay else []
    return tuple([*before, *shown][: len(shown)])


def frame_before(shown: Sequence[int], first: int, seconds: float, time_base: float) -> int:
    """The number of the frame that is shown at most `seconds` before frame `first`, and no earlier."""
    return bisect_left(shown, shown[first] - seconds / time_base)
