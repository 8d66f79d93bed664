"""One video edited into another: what is asked, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lianpu.editing.presets import describe_steps
from lianpu.editing.session import EditJob, EditRequest, open_job
from lianpu.errors import DataError, SettingsError
from lianpu.files import atomic_file
from lianpu.version import __version__
from lianpu.video.io.av_library import load_av
from lianpu.video.io.encoding import check_ending, check_target, choose_encoding
from lianpu.video.io.muxing import check_copied, join_pieces
from lianpu.video.io.probe import VideoFacts, read_facts
from lianpu.video.job.frame_edit import check_faces
from lianpu.video.job.segment_workers import Task, edit_segments
from lianpu.video.job.work_folder import SEGMENT_S, SegmentDone, file_facts, open_work, plan_segments
from lianpu.video.tracking.tracker import FollowSettings

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class VideoSettings:
    """How a video is worked on.

    Args:
        jobs: processes that edit segments.
        encoder: FFmpeg's name of one, or `auto`.
        crf: quality of encoders that take one, smaller is better; None for the encoder's own.
        follow: how faces are followed.
        segment_s: how long a segment is.
    """

    jobs: int = 1
    encoder: str = "auto"
    crf: float | None = None
    follow: FollowSettings = field(default_factory=FollowSettings)
    segment_s: float = SEGMENT_S


@dataclass(frozen=True)
class EditedVideo:
    """What came of a video.

    Args:
        target: the file that was written.
        facts: of the source.
        encoder: that encoded it.
        frames: how many were written.
        with_faces: how many of them were edited.
        cuts: times of cuts, in seconds from the first frame.
        took: seconds by stage and step, over all processes.
        wall_s: seconds from begin to end.
        kept: frames that an earlier command had done.
        words: what there is to say: what is missing in the source, what could not be kept.
    """

    target: Path
    facts: VideoFacts
    encoder: str
    frames: int
    with_faces: int
    cuts: tuple[float, ...]
    took: Mapping[str, float]
    wall_s: float
    kept: int
    words: tuple[str, ...]


def edit_video(
    source: Path,
    target: Path,
    request: EditRequest,
    settings: VideoSettings | None = None,
    *,
    force: bool = False,
    job: EditJob | None = None,
    on_progress: OnProgress = lambda done, total: None,
) -> EditedVideo:
    """The video in `source`, edited frame by frame into `target`; sound, stamps, turn and colours stay.

    Finished segments lie in a folder beside `target` until all is done: the same call after a stop goes on there, another request begins
    anew. The result does not depend on the number of processes.

    Args:
        source: a video.
        target: its ending chooses the form (`encoding.ENDINGS`).
        request: what is asked; `faces` are `all` or `largest`.
        settings: how it is done.
        force: write over a file that is there.
        job: what the request needs, where it is open already; other processes open their own.
        on_progress: called with (frames done, frames).

    Raises:
        SettingsError: what is asked cannot be, or the target is there and `force` is false.
        VideoError: the source cannot be read, or the target cannot hold its sound.
        DataError: there is no face in any frame.
    """
    begin = time.perf_counter()
    settings = VideoSettings() if settings is None else settings
    check_ending(target)
    check_faces(request.faces)
    if settings.jobs < 1:
        raise SettingsError(f"--jobs {settings.jobs}: give at least 1.")
    check_target(target, force=force)
    if target.exists() and source.exists() and target.samefile(source):
        raise SettingsError(f"{target} is the video itself, which is read to the end. Give another name.")
    encoding = choose_encoding(target, load_av().codecs_available, settings.encoder, settings.crf)
    facts = read_facts(source)
    check_copied(facts, target)
    job = open_job(request) if job is None else job
    assert job.request == request, "a job is for one request"
    told = {
        "job": job.fingerprint,
        "source": file_facts(source),
        "encoding": asdict(encoding),
        "follow": asdict(settings.follow),
        "segment_s": settings.segment_s,
        "version": __version__,
    }
    work = open_work(target, told)
    segments = plan_segments(facts, settings.segment_s)
    done: dict[int, SegmentDone] = {}
    for segment in segments:
        finished = work.done(segment)
        if finished is not None:
            done[segment.number] = finished
    kept = sum(len(one.stamps) for one in done.values())
    count, total = kept, len(facts.stamps)
    on_progress(count, total)

    def on_frames(more: int) -> None:
        nonlocal count
        count += more
        on_progress(min(count, total), total)

    task = Task(request, facts, work, encoding, settings.follow)
    left = [segment for segment in segments if segment.number not in done]
    with closing(edit_segments(task, job, left, settings.jobs, on_frames)) as edited:
        for segment, finished in edited:
            done[segment.number] = finished
    if not any(one.with_faces for one in done.values()):
        work.remove()
        raise DataError(
            f"No face was found in any of the {total} frames of {source}: nothing was written. Try another --detector."
        )
    pieces = [work.piece(segment, done[segment.number]) for segment in segments if done[segment.number].stamps]
    with atomic_file(target) as partial:
        left_out = join_pieces(pieces, facts, partial, f"Edited with Lianpu {__version__}: {describe_steps(job.preset)}")
    work.remove()
    ordered = [done[segment.number] for segment in segments]
    return _told(target, facts, encoding.encoder, ordered, time.perf_counter() - begin, kept, left_out)


def _told(
    target: Path,
    facts: VideoFacts,
    encoder: str,
    done: list[SegmentDone],
    wall_s: float,
    kept: int,
    left_out: tuple[str, ...],
) -> EditedVideo:
    took: dict[str, float] = {}
    for one in done:
        for name, seconds in one.seconds.items():
            took[name] = took.get(name, 0.0) + seconds
    frames = sum(len(one.stamps) for one in done)
    lost = len(facts.stamps) - frames
    words = [f"the video is cut off: {facts.cut_off}, and that was edited"] if facts.cut_off else []
    words += [f"{lost} frames could not be decoded and were left out"] if lost else []
    words += [f"not kept: {', '.join(left_out)}"] if left_out else []
    words += ["its transparency is not kept, for what is written has none"] if facts.transparent else []
    words += [f"its {facts.bits} bits a colour became 8"] if facts.bits > 8 else []
    if facts.width % 2 or facts.height % 2:
        words.append(f"its odd size {facts.width} x {facts.height} gained a line, for encoders take pairs")
    cuts = tuple(facts.time_s(stamp) for one in done for stamp in one.cuts)
    with_faces = sum(one.with_faces for one in done)
    return EditedVideo(target, facts, encoder, frames, with_faces, cuts, took, wall_s, kept, tuple(words))
