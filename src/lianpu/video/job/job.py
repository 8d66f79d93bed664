"""A video edited into another one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lianpu.editing.presets import describe_steps, hides_faces
from lianpu.editing.session import EditJob, EditRequest, open_job
from lianpu.errors import DataError, SettingsError
from lianpu.files import atomic_file, remove_leftovers_of
from lianpu.version import __version__
from lianpu.video.io.av_library import load_av
from lianpu.video.io.encoding import check_ending, check_target, choose_encoding
from lianpu.video.io.muxing import check_sound, mux_pieces
from lianpu.video.io.probe import VideoProbe, probe_video
from lianpu.video.job.frame_pipeline import check_faces
from lianpu.video.job.segment_edit import SegmentTask, edit_segments
from lianpu.video.job.work_folder import SEGMENT_S, SegmentResult, file_identity, open_work, plan_segments
from lianpu.video.tracking.live_tracker import LiveSettings
from lianpu.video.tracking.tracker import TrackSettings

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class VideoSettings:
    """How a video is processed.

    Args:
        jobs: processes that edit segments at the same time.
        encoder: FFmpeg's name of an encoder, or `auto`.
        crf: quality for encoders that have one, smaller is better; None for our default of that encoder.
        preset: how much time the encoder takes (`encoding.PRESETS`); None for our default of that encoder.
        tracking: how faces are tracked; `LiveSettings` choose the live pipeline (`frame_pipeline.live_settings`).
        segment_s: length of a segment in seconds.
    """

    jobs: int = 1
    encoder: str = "auto"
    crf: float | None = None
    preset: str | None = None
    tracking: TrackSettings = field(default_factory=TrackSettings)
    segment_s: float = SEGMENT_S


@dataclass(frozen=True)
class EditedVideo:
    """The result of `edit_video`.

    Args:
        target: the file that was written.
        probe: of the source.
        encoder: the encoder that was used.
        frames: number of frames written.
        with_faces: number of frames in which a face was edited.
        cuts: times of cuts, in seconds from the first frame.
        took: seconds by stage and step, over all processes.
        wall_s: seconds from begin to end.
        kept: frames that an earlier, stopped call had finished.
        notes: what is missing in the source, and what could not be kept.
    """

    target: Path
    probe: VideoProbe
    encoder: str
    frames: int
    with_faces: int
    cuts: tuple[float, ...]
    took: Mapping[str, float]
    wall_s: float
    kept: int
    notes: tuple[str, ...]


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
    """Edit every frame of the video `source` and write it to `target`; sound, timestamps, rotation and colours stay.

    Finished segments are kept in a folder next to `target` until the video is complete: the same call resumes there after a stop, and
    another request starts from the beginning. The result does not depend on the number of processes.

    Args:
        source: a video.
        target: its ending chooses the container format (`encoding.ENDINGS`).
        request: what is edited; `faces` are `all` or `largest`.
        settings: how the video is processed.
        force: overwrite an existing file.
        job: the opened request, where the caller has it; other processes open their own.
        on_progress: called with (frames done, all frames).

    Raises:
        SettingsError: the request is invalid, or the target exists and `force` is false.
        VideoError: the source cannot be read, or the target cannot hold its sound.
        DataError: no frame shows a face.
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
    encoding = choose_encoding(target, load_av().codecs_available, settings.encoder, settings.crf, settings.preset)
    probe = probe_video(source)
    check_sound(probe, target)
    job = open_job(request) if job is None else job
    assert job.request == request, "a job is for one request"
    asked = {
        "job": job.fingerprint,
        "source": file_identity(source),
        "encoding": asdict(encoding),
        "tracking": asdict(settings.tracking) | {"live": isinstance(settings.tracking, LiveSettings)},
        "segment_s": settings.segment_s,
        "version": __version__,
    }
    work = open_work(target, asked)
    segments = plan_segments(probe, settings.segment_s)
    done: dict[int, SegmentResult] = {}
    for segment in segments:
        finished = work.done(segment)
        if finished is not None:
            done[segment.number] = finished
    kept = sum(len(one.timestamps) for one in done.values())
    count, total = kept, len(probe.timestamps)
    on_progress(count, total)

    def on_frames(more: int) -> None:
        nonlocal count
        count += more
        on_progress(min(count, total), total)

    task = SegmentTask(request, probe, work, encoding, settings.tracking)
    left = [segment for segment in segments if segment.number not in done]
    with closing(edit_segments(task, job, left, settings.jobs, on_frames)) as edited:
        for segment, finished in edited:
            done[segment.number] = finished
    if not any(one.with_faces for one in done.values()):
        work.remove()
        raise DataError(
            f"No face was found in any of the {total} frames of {source}: nothing was written. Try another --detector, or --upright."
        )
    pieces = [work.piece(segment, done[segment.number]) for segment in segments if done[segment.number].timestamps]
    remove_leftovers_of(target)
    with atomic_file(target) as partial:
        comment = f"Edited with Lianpu {__version__}: {describe_steps(job.preset)}"
        not_copied = mux_pieces(pieces, probe, partial, comment, anonymous=hides_faces(job.preset))
    work.remove()
    ordered = [done[segment.number] for segment in segments]
    return _result(target, probe, encoding.encoder, ordered, time.perf_counter() - begin, kept, not_copied)


def _result(
    target: Path,
    probe: VideoProbe,
    encoder: str,
    done: list[SegmentResult],
    wall_s: float,
    kept: int,
    not_copied: tuple[str, ...],
) -> EditedVideo:
    took: dict[str, float] = {}
    for one in done:
        for name, seconds in one.seconds.items():
            took[name] = took.get(name, 0.0) + seconds
    frames = sum(len(one.timestamps) for one in done)
    lost = len(probe.timestamps) - frames
    notes = [f"the video is cut off: {probe.cut_off}, and that was edited"] if probe.cut_off else []
    notes += [f"{lost} frames could not be decoded and were left out"] if lost else []
    notes += [f"not kept: {', '.join(not_copied)}"] if not_copied else []
    notes += ["its transparency is not kept: the written formats have none"] if probe.transparent else []
    notes += [f"its {probe.bits} bits a colour became 8"] if probe.bits > 8 else []
    if probe.width % 2 or probe.height % 2:
        notes.append(f"its odd size {probe.width} x {probe.height} gained a row or column: encoders need even sizes")
    unfound = [timestamp for one in done for timestamp in one.unfound]
    notes += [unfound_words(unfound, probe)] if unfound else []
    cuts = tuple(probe.time_s(timestamp) for one in done for timestamp in one.cuts)
    with_faces = sum(one.with_faces for one in done)
    return EditedVideo(target, probe, encoder, frames, with_faces, cuts, took, wall_s, kept, tuple(notes))


_MOST_SPANS = 12


def unfound_words(timestamps: list[int], probe: VideoProbe) -> str:
    """The frames in which no face was found to hide, in words: their number and time codes, neighbours together."""
    places = {timestamp: place for place, timestamp in enumerate(probe.timestamps)}
    spans: list[list[int]] = []
    for timestamp in timestamps:
        if spans and places[timestamp] == places[spans[-1][1]] + 1:
            spans[-1][1] = timestamp
        else:
            spans.append([timestamp, timestamp])
    codes = [
        time_code(probe.time_s(first)) + (f"-{time_code(probe.time_s(last))}" if last != first else "") for first, last in spans
    ]
    shown = ", ".join(codes[:_MOST_SPANS]) + (f" and {len(codes) - _MOST_SPANS} more" if len(codes) > _MOST_SPANS else "")
    frames = "1 frame" if len(timestamps) == 1 else f"{len(timestamps)} frames"
    return f"no face was found in {frames}: {shown}; look at them"


def time_code(seconds: float) -> str:
    """Minutes and seconds from the first frame, with hundredths: 01:03.20."""
    minutes, rest = divmod(round(100 * seconds), 6000)
    return f"{minutes:02d}:{rest // 100:02d}.{rest % 100:02d}"
