"""A video in segments: stopped and gone on with, and by several processes."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lianpu.editing.session import EditJob
from lianpu.errors import WeightsError
from lianpu.video.io.probe import probe_video
from lianpu.video.io.reading import frames_from
from lianpu.video.job import segment_edit
from lianpu.video.job.frame_pipeline import fetch_live_models, has_mesh, live_settings
from lianpu.video.job.job import EditedVideo, VideoSettings, edit_video
from lianpu.video.job.work_folder import WorkFolder
from tests.support.shared import MEDIAPIPE, REASON

WriteVideo = Callable[..., Path]
Frames = list[np.ndarray]
THIRDS = VideoSettings(segment_s=0.24)
"""Segments of six frames."""


@pytest.fixture(scope="module")
def source(frames: Frames, write_video: WriteVideo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """18 frames with a tone."""
    return write_video(tmp_path_factory.mktemp("video") / "in.mp4", frames[:18], sound="aac")


@pytest.fixture(scope="module")
def uninterrupted(source: Path, blue_job: EditJob, tmp_path_factory: pytest.TempPathFactory) -> Frames:
    """The frames of the edited video."""
    return _pictures(_edit(source, tmp_path_factory.mktemp("whole") / "out.mp4", blue_job, THIRDS).target)


def _edit(source: Path, target: Path, job: EditJob, settings: VideoSettings | None = None, **more: Any) -> EditedVideo:
    return edit_video(source, target, job.request, settings, job=job, **more)


def _pictures(file: Path) -> Frames:
    probe = probe_video(file)
    return [frame.picture for frame in frames_from(probe, 0, len(probe.timestamps))]


def _stop_after(frames: int) -> Callable[[int, int], None]:
    def on_progress(done: int, total: int) -> None:
        if done >= frames:
            raise KeyboardInterrupt

    return on_progress


def _work(target: Path) -> Path:
    return target.with_name(f".{target.name}.lianpu-work")


def test_a_stopped_video_goes_on_where_it_was_and_equals_one_that_was_not_stopped(
    source: Path, uninterrupted: Frames, blue_job: EditJob, tmp_path: Path
) -> None:
    target = tmp_path / "out.mp4"
    with pytest.raises(KeyboardInterrupt):
        _edit(source, target, blue_job, THIRDS, on_progress=_stop_after(15))
    assert not target.exists()
    finished = {file.name: file.stat().st_mtime_ns for file in _work(target).glob("0000?.mkv")}
    assert sorted(finished) == ["00000.mkv", "00001.mkv"]
    seen: list[int] = []
    now: dict[str, int] = {}

    def on_progress(done: int, total: int) -> None:
        seen.append(done)
        now.update({name: (_work(target) / name).stat().st_mtime_ns for name in finished})

    done = _edit(source, target, blue_job, THIRDS, on_progress=on_progress)
    assert seen[0] == 12 and len(seen) == 7 and now == finished and done.kept == 12
    assert not _work(target).exists()
    assert len(uninterrupted) == 18
    for one, other in zip(_pictures(target), uninterrupted, strict=True):
        assert np.array_equal(one, other)


def test_another_request_begins_anew(source: Path, blue_job: EditJob, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with pytest.raises(KeyboardInterrupt):
        _edit(source, target, blue_job, THIRDS, on_progress=_stop_after(7))
    seen: list[int] = []

    def on_progress(done: int, total: int) -> None:
        seen.append(done)
        raise KeyboardInterrupt

    request = blue_job.request
    other = replace(blue_job, request=replace(request, preset=request.preset.replace("#2040ff", "#20ff40")))
    with pytest.raises(KeyboardInterrupt):
        _edit(source, target, other, THIRDS, on_progress=on_progress)
    assert seen == [0]


def test_a_segment_whose_file_is_broken_is_edited_again(
    source: Path, uninterrupted: Frames, blue_job: EditJob, tmp_path: Path
) -> None:
    target = tmp_path / "out.mp4"
    with pytest.raises(KeyboardInterrupt):
        _edit(source, target, blue_job, THIRDS, on_progress=_stop_after(13))
    work = WorkFolder(_work(target)).folder
    (work / "00000.json").write_text("{")  # the machine went down while it was written
    (work / "00001.mkv").write_bytes((work / "00001.mkv").read_bytes()[:2000])
    done = _edit(source, target, blue_job, THIRDS)
    assert done.kept == 0
    assert all(np.array_equal(one, other) for one, other in zip(_pictures(target), uninterrupted, strict=True))


def test_two_processes_make_the_same_video_as_one(source: Path, uninterrupted: Frames, blue_job: EditJob, tmp_path: Path) -> None:
    done = _edit(source, tmp_path / "out.mp4", blue_job, replace(THIRDS, jobs=2))
    assert done.frames == done.with_faces == 18
    assert all(np.array_equal(one, other) for one, other in zip(_pictures(done.target), uninterrupted, strict=True))


def test_the_live_pipeline_gives_the_same_bits_stopped_and_resumed_and_by_two_processes(
    mediapipe_models: Path, source: Path, blue_job: EditJob, tmp_path: Path
) -> None:
    fast = replace(THIRDS, tracking=live_settings(blue_job.preset))
    whole = _edit(source, tmp_path / "whole.mp4", blue_job, fast)
    assert whole.with_faces == 18 and "mesh" in whole.took
    target = tmp_path / "out.mp4"
    with pytest.raises(KeyboardInterrupt):
        _edit(source, target, blue_job, fast, on_progress=_stop_after(15))
    resumed = _edit(source, target, blue_job, fast)
    shared = _edit(source, tmp_path / "shared.mp4", blue_job, replace(fast, jobs=2))
    assert resumed.kept == 12 and shared.with_faces == 18
    for other in (resumed, shared):
        assert all(np.array_equal(one, two) for one, two in zip(_pictures(whole.target), _pictures(other.target), strict=True))


def test_the_live_models_are_asked_for_before_processes_start(
    source: Path, blue_job: EditJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []

    def begin(*arguments: object, **more: object) -> Iterator[object]:
        started.append(arguments)
        return iter(())

    monkeypatch.setattr(segment_edit, "run_tasks", begin)
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path / "empty"))
    fast = replace(THIRDS, jobs=2, tracking=live_settings(blue_job.preset))
    with pytest.raises(WeightsError, match=r"face_landmark_with_attention\.tflite .* is not on this machine"):
        _edit(source, tmp_path / "out.mp4", blue_job, fast)
    assert not started
    assert not (tmp_path / "out.mp4").exists()


def test_live_models_that_came_as_tflite_files_are_converted_once_for_all_processes(
    blue_job: EditJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not MEDIAPIPE.is_dir():
        pytest.skip(f"{REASON}: {MEDIAPIPE}")
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path))
    for file in MEDIAPIPE.glob("*.tflite"):
        shutil.copy(file, tmp_path / file.name)
    assert not list(tmp_path.rglob("*.onnx"))
    fetch_live_models(live_settings(blue_job.preset))
    assert list(tmp_path.rglob("*.onnx")) and has_mesh()


def test_a_fast_edit_is_not_resumed_from_segments_of_a_careful_one(
    mediapipe_models: Path, source: Path, blue_job: EditJob, tmp_path: Path
) -> None:
    target = tmp_path / "out.mp4"
    with pytest.raises(KeyboardInterrupt):
        _edit(source, target, blue_job, THIRDS, on_progress=_stop_after(7))
    done = _edit(source, target, blue_job, replace(THIRDS, tracking=live_settings(blue_job.preset)))
    assert done.kept == 0


_CTRL_C = """
import os, signal
from lianpu.cli.main import main
from lianpu.video.job.work_folder import WorkFolder

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts tests in the background has them ignore it
keep = WorkFolder.keep

def keep_and_stop(*arguments):
    keep(*arguments)
    os.kill(os.getpid(), signal.SIGINT)

WorkFolder.keep = keep_and_stop
main({words!r})
"""
"""The command, with Ctrl-C in the moment in which the first segment is finished: one from here might come after the last."""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent another way there")
def test_ctrl_c_keeps_finished_segments_and_says_so(frames: Frames, write_video: WriteVideo, tmp_path: Path) -> None:
    slow = write_video(tmp_path / "in.mp4", [*frames, *frames[::-1][:12]], rate=2, base=Fraction(1, 2))
    target = tmp_path / "out.mp4"
    words = ["video", str(slow), str(target), "--effect", "hair_color", "--detector", "dlib"]
    done = subprocess.run([sys.executable, "-c", _CTRL_C.format(words=words)], capture_output=True, text=True, encoding="utf-8")
    said = done.stdout + done.stderr
    assert done.returncode == 130, said
    assert "Stopped. Finished segments are kept" in said and "Traceback" not in said
    assert not target.exists() and (_work(target) / "00000.mkv").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits on files there")
def test_a_disk_that_takes_no_more_is_said_in_one_line_and_the_old_file_stays(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_text("mine")
    words = ["video", str(source), str(target), "--effect", "hair_color", "--detector", "dlib", "--crf", "0", "--force"]
    script = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)); from lianpu.cli.main import main; main({words!r})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert "cannot be written (File too large)" in done.stderr
    assert target.read_text() == "mine"
