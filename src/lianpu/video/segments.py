"""A video in segments: each edited by itself, in any process, and kept when the work is stopped."""

from __future__ import annotations

from dataclasses import dataclass

from lianpu.video.facts import VideoFacts
from lianpu.video.stamps import frame_before

SEGMENT_S = 5.0
"""How long a segment is. It does not follow the number of processes: the result is the same with any."""

RUN_IN_S = 1.0
"""Faces are followed through this much before a segment begins, so that all that is smoothed has settled as if nothing had been cut there."""


@dataclass(frozen=True)
class Segment:
    """Some frames of a video.

    Args:
        number: from 0.
        run_in: the first frame that is looked at.
        first: the first frame that is edited.
        last: the frame behind the last.
    """

    number: int
    run_in: int
    first: int
    last: int


def plan_segments(facts: VideoFacts, segment_s: float = SEGMENT_S, run_in_s: float = RUN_IN_S) -> tuple[Segment, ...]:
    """The segments of a video, by time; a last one that would be shorter than half is part of the one before."""
    begins = [0]
    for number, stamp in enumerate(facts.stamps):
        if facts.time_s(stamp) - facts.time_s(facts.stamps[begins[-1]]) >= segment_s - 1e-9:
            begins.append(number)
    if len(begins) > 1 and facts.seconds - facts.time_s(facts.stamps[begins[-1]]) < segment_s / 2:
        begins.pop()
    ends = [*begins[1:], len(facts.stamps)]
    base = float(facts.time_base)
    return tuple(
        Segment(number, frame_before(facts.stamps, first, run_in_s, base), first, last)
        for number, (first, last) in enumerate(zip(begins, ends, strict=True))
    )
