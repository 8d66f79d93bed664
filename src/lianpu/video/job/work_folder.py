"""A video in segments: each edited by itself, in any process, and kept when the work is stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lianpu.errors import SettingsError, VideoError
from lianpu.files import disk_errors_named, read_json, write_json
from lianpu.video.io.muxing import PIECE_ENDING, Piece, frame_before
from lianpu.video.io.probe import VideoFacts

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


_REQUEST = "request.json"

_ENDING = ".lianpu-work"


@dataclass(frozen=True)
class SegmentDone:
    """What came of a segment.

    Args:
        stamps: of the frames that were written.
        with_faces: how many of them were edited.
        cuts: the stamps of frames that begin another scene.
        seconds: what it took, by stage.
    """

    stamps: tuple[int, ...]
    with_faces: int
    cuts: tuple[int, ...]
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class WorkFolder:
    """The folder of a video in the making; see `open_work`."""

    folder: Path

    def piece_file(self, segment: Segment) -> Path:
        """The encoded segment."""
        return self.folder / f"{segment.number:05d}{PIECE_ENDING}"

    def partial_file(self, segment: Segment) -> Path:
        """The segment while it is encoded."""
        return self.folder / f"{segment.number:05d}.partial{PIECE_ENDING}"

    def keep(self, segment: Segment, done: SegmentDone) -> None:
        """Keep what was encoded into `partial_file`: from now on the segment is finished."""
        with disk_errors_named(self.folder):
            size = self.partial_file(segment).stat().st_size
            self.partial_file(segment).replace(self.piece_file(segment))
        write_json(self._done_file(segment), asdict(done) | {"bytes": size})

    def done(self, segment: Segment) -> SegmentDone | None:
        """What came of a segment; None for one that is not finished, or whose file a machine that went down left broken."""
        try:
            told = read_json(self._done_file(segment), VideoError)
        except VideoError:
            return None
        piece = self.piece_file(segment)
        if not piece.is_file() or piece.stat().st_size != told["bytes"]:
            return None
        return SegmentDone(tuple(told["stamps"]), told["with_faces"], tuple(told["cuts"]), told["seconds"])

    def piece(self, segment: Segment, done: SegmentDone) -> Piece:
        """The segment as it is joined."""
        return Piece(self.piece_file(segment), done.stamps)

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _done_file(self, segment: Segment) -> Path:
        return self.folder / f"{segment.number:05d}.json"


def open_work(target: Path, request: Mapping[str, Any]) -> WorkFolder:
    """The folder beside `target` for this request; what another request left there is removed.

    Args:
        target: the video in the making.
        request: all that decides how the frames come out, as JSON holds it.

    Raises:
        SettingsError: a folder of that name is there that is not ours.
        LianpuError: it cannot be written.
    """
    folder = target.with_name(f".{target.name}{_ENDING}")
    mark = folder / _REQUEST
    told = json.loads(json.dumps(dict(request), sort_keys=True))
    if folder.exists():
        if not mark.is_file() and any(folder.iterdir()):
            raise SettingsError(f"{folder} is there and is no folder of lianpu video. Move it away, or give another name.")
        if not _holds(mark, told):
            shutil.rmtree(folder)
    with disk_errors_named(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if not mark.is_file():
        write_json(mark, told)
    return WorkFolder(folder)


def _holds(file: Path, told: Any) -> bool:
    try:
        return bool(read_json(file, VideoError) == told)
    except VideoError:
        return False


def file_facts(file: Path) -> dict[str, Any]:
    """What tells a file from another of the same name: size, time, and a hash of its two ends."""
    about = file.stat()
    with file.open("rb") as stream:
        head = stream.read(1 << 20)
        stream.seek(max(0, about.st_size - (1 << 20)))
        ends = hashlib.sha256(head + stream.read(1 << 20)).hexdigest()
    return {"file": str(file.resolve()), "bytes": about.st_size, "changed": about.st_mtime_ns, "ends": ends}
