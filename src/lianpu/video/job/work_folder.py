"""The work folder next to an unfinished video: its finished segments, kept when the job is stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lianpu.errors import SettingsError, VideoError
from lianpu.files import disk_errors_named, fitted_name, is_leftover, read_json, write_json
from lianpu.video.io.muxing import PIECE_ENDING, Piece, frame_before
from lianpu.video.io.probe import VideoProbe

SEGMENT_S = 5.0
"""Length of a segment in seconds. It does not depend on the number of processes, so neither does the result."""

RUN_IN_S = 1.0
"""Seconds before a segment in which faces are tracked already, so that smoothed values are as without a border between segments."""


@dataclass(frozen=True)
class Segment:
    """Some frames of a video.

    Args:
        number: from 0.
        run_in: the first frame that is tracked.
        first: the first frame that is edited.
        last: the frame after its last one.
    """

    number: int
    run_in: int
    first: int
    last: int


def plan_segments(probe: VideoProbe, segment_s: float = SEGMENT_S, run_in_s: float = RUN_IN_S) -> tuple[Segment, ...]:
    """The segments of a video; a last one that is shorter than half of `segment_s` becomes part of the one before."""
    begins = [0]
    for number, timestamp in enumerate(probe.timestamps):
        if probe.time_s(timestamp) - probe.time_s(probe.timestamps[begins[-1]]) >= segment_s - 1e-9:
            begins.append(number)
    if len(begins) > 1 and probe.seconds - probe.time_s(probe.timestamps[begins[-1]]) < segment_s / 2:
        begins.pop()
    ends = [*begins[1:], len(probe.timestamps)]
    base = float(probe.time_base)
    return tuple(
        Segment(number, frame_before(probe.timestamps, first, run_in_s, base), first, last)
        for number, (first, last) in enumerate(zip(begins, ends, strict=True))
    )


_REQUEST = "request.json"

_ENDING = ".lianpu-work"


@dataclass(frozen=True)
class SegmentResult:
    """What is known of a finished segment.

    Args:
        timestamps: of the frames that were written.
        with_faces: in how many of them a face was edited.
        cuts: timestamps of frames that begin another scene.
        seconds: time by stage and step.
        unfound: timestamps of frames in which no face was found, where faces had to be hidden.
    """

    timestamps: tuple[int, ...]
    with_faces: int
    cuts: tuple[int, ...]
    seconds: Mapping[str, float]
    unfound: tuple[int, ...] = ()


@dataclass(frozen=True)
class WorkFolder:
    """The work folder of one video: see `open_work`."""

    folder: Path

    def piece_file(self, segment: Segment) -> Path:
        """The encoded segment."""
        return self.folder / f"{segment.number:05d}{PIECE_ENDING}"

    def partial_file(self, segment: Segment) -> Path:
        """The segment while it is encoded."""
        return self.folder / f"{segment.number:05d}.partial{PIECE_ENDING}"

    def keep(self, segment: Segment, done: SegmentResult) -> None:
        """Mark the segment in `partial_file` as finished."""
        with disk_errors_named(self.folder):
            size = self.partial_file(segment).stat().st_size
            self.partial_file(segment).replace(self.piece_file(segment))
        write_json(self._done_file(segment), asdict(done) | {"bytes": size})

    def done(self, segment: Segment) -> SegmentResult | None:
        """The result of a finished segment; None for one that is not finished, or whose file was broken by a crash."""
        try:
            saved = read_json(self._done_file(segment), VideoError)
        except VideoError:
            return None
        piece = self.piece_file(segment)
        if not piece.is_file() or piece.stat().st_size != saved["bytes"]:
            return None
        return SegmentResult(
            tuple(saved["timestamps"]), saved["with_faces"], tuple(saved["cuts"]), saved["seconds"], tuple(saved["unfound"])
        )

    def piece(self, segment: Segment, done: SegmentResult) -> Piece:
        """The segment for `mux_pieces`."""
        return Piece(self.piece_file(segment), done.timestamps)

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _done_file(self, segment: Segment) -> Path:
        return self.folder / f"{segment.number:05d}.json"


def open_work(target: Path, request: Mapping[str, Any]) -> WorkFolder:
    """The work folder next to `target` for this request; segments of another request are deleted.

    Args:
        target: the video in the making.
        request: everything that the frames depend on, as JSON values.

    Raises:
        SettingsError: a folder of that name exists that is not a work folder.
        LianpuError: it cannot be written.
    """
    folder = target.with_name(fitted_name(f".{target.name}", _ENDING))
    mark = folder / _REQUEST
    saved = json.loads(json.dumps(dict(request), sort_keys=True))
    if folder.exists():
        if not mark.is_file() and not all(map(is_leftover, folder.iterdir())):
            raise SettingsError(f"{folder} exists and is not a work folder of lianpu video. Move it away, or give another name.")
        if not _holds(mark, saved):
            shutil.rmtree(folder)
    with disk_errors_named(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if not mark.is_file():
        write_json(mark, saved)
    return WorkFolder(folder)


def _holds(file: Path, saved: Any) -> bool:
    try:
        return bool(read_json(file, VideoError) == saved)
    except VideoError:
        return False


def file_identity(file: Path) -> dict[str, Any]:
    """What distinguishes a file from another one of the same name: size, time, and a hash of its first and last megabyte."""
    about = file.stat()
    with file.open("rb") as stream:
        head = stream.read(1 << 20)
        stream.seek(max(0, about.st_size - (1 << 20)))
        ends = hashlib.sha256(head + stream.read(1 << 20)).hexdigest()
    return {"file": str(file.resolve()), "bytes": about.st_size, "changed": about.st_mtime_ns, "ends": ends}
