"""A camera's frames edited live: the newest always, and what that leaves out."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from lianpu.camera.loop import CameraSettings, LiveStatistics, Meter, ShownFrame, run_camera
from lianpu.camera.moving_picture import pan_over
from lianpu.camera.outputs import recording, recording_encoding
from lianpu.camera.sources import CameraFrame
from lianpu.dataset.drawn import draw_face
from lianpu.editing.session import EditJob, EditRequest, open_job
from lianpu.errors import DataError, ModelError, SettingsError, VideoError
from lianpu.faces.analyzer import AnalyzerSettings
from lianpu.faces.results import Face
from lianpu.imaging.picture import Picture
from lianpu.video.job.frame_pipeline import EditedFrame, FramePipeline, State, Tracked, open_pipeline
from lianpu.video.tracking.tracker import TrackSettings

SIZE = (192, 192)
WAIT_S = 60
CAREFUL = TrackSettings()


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    portrait = draw_face(3, 1, 224, {"Young": True, "Eyeglasses": False}).picture
    return [frame.picture for frame in pan_over([portrait], 12, SIZE)]


@pytest.fixture(scope="module")
def job() -> EditJob:
    steps = "name: blue\nsteps:\n  - effect: hair_color\n    strength: 1\n    color: '#2040ff'\n"
    return open_job(EditRequest(steps, analyzer=AnalyzerSettings("dlib")), threads=1)


@dataclass
class Bursts:
    """A camera whose first frame is followed by `burst` more whenever one is tracked: no clock decides what is dropped."""

    pictures: list[Picture]
    burst: int = 1
    breaks_off: Exception | None = None
    name: str = "bursts"
    size_px: tuple[int, int] = SIZE
    rate: float = 25.0
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    received: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def frames(self, stop: threading.Event) -> Iterator[CameraFrame]:
        try:
            for number, picture in enumerate(self.pictures):
                if number % self.burst == 1 % self.burst and number:
                    assert self.go.acquire(timeout=WAIT_S)
                if stop.is_set():
                    return
                yield CameraFrame(number, self.time_s(number), time.perf_counter(), picture)
                if number % self.burst == 0 and number:
                    self.received.release()
            if self.breaks_off is not None:
                raise self.breaks_off
        finally:
            self.received.release()
            self.go.release()

    def next_burst(self) -> None:
        """Let the next burst come, and wait until it is there."""
        self.go.release()
        assert self.received.acquire(timeout=WAIT_S)

    @staticmethod
    def time_s(number: int) -> float:
        return number / 25 + (number % 3) / 100


@dataclass
class Gated:
    """A real pipeline that lets its source go on when it begins to track a frame."""

    pipeline: FramePipeline
    source: Bursts
    tracked: list[int] = field(default_factory=list)

    @property
    def job(self) -> EditJob:
        return self.pipeline.job

    def begin(self) -> State:
        return self.pipeline.begin()

    def track(self, before: State, picture: Picture, number: int, time_s: float) -> tuple[State, Tracked]:
        self.tracked.append(number)
        self.source.next_burst()
        return self.pipeline.track(before, picture, number, time_s)

    def render(self, picture: Picture, tracked: Tracked) -> EditedFrame:
        return self.pipeline.render(picture, tracked)


@dataclass
class Kept:
    """An output that keeps what it gets."""

    name: str = "kept"
    shown: list[tuple[Picture, float]] = field(default_factory=list)

    def show(self, picture: Picture, time_s: float) -> None:
        self.shown.append((picture, time_s))


def _bluer(before: Picture, after: Picture) -> bool:
    changed = (before != after).any(axis=2)
    return bool(changed.sum() > 500 and after[changed][:, 2].mean() > before[changed][:, 2].mean() + 10)


def test_frames_that_came_meanwhile_are_dropped_and_the_newest_is_edited(job: EditJob, pictures: list[Picture]) -> None:
    source, kept, told = Bursts(pictures[:10], burst=3), Kept(), []

    def on_frame(statistics: LiveStatistics) -> None:
        told.append(statistics.frames)
        assert 0 <= statistics.dropped < statistics.received

    done = run_camera(
        source, Gated(open_pipeline(job, CAREFUL), source), [kept], CameraSettings(SIZE), threading.Event(), on_frame
    )
    assert [time_s for _, time_s in kept.shown] == [source.time_s(number) for number in (0, 3, 6, 9)]
    assert told == [1, 2, 3, 4]
    assert (done.received, done.dropped, done.ended, done.problem) == (10, 6, "source", None)
    assert (done.statistics.frames, done.statistics.with_faces) == (4, 4)
    assert all(_bluer(pictures[number], shown) for number, (shown, _) in zip((0, 3, 6, 9), kept.shown, strict=True))
    assert {"detect", "track", "parse", "hair_color", "kept"} <= set(done.statistics.took)


@pytest.mark.parametrize(
    ("effect", "detect_every", "expected"),
    [("hair_color", 2, {0, 2}), ("anonymise", None, {0, 1, 2, 3}), ("anonymise", 3, {0, 3})],
)
def test_faces_are_searched_by_the_count_of_edited_frames_whatever_was_dropped(
    effect: str, detect_every: int | None, expected: set[int], pictures: list[Picture]
) -> None:
    job = open_job(EditRequest(f"name: one\nsteps:\n  - effect: {effect}\n", analyzer=AnalyzerSettings("dlib")), threads=1)
    detector, detected = job.session.analyzer.detector, set()

    class Counting:
        name = detector.name
        multiscale = detector.multiscale
        second_search_score = detector.second_search_score

        def detect(self, picture: Picture) -> tuple[Face, ...]:
            detected.add(gated.tracked[-1])
            return detector.detect(picture)

    source = Bursts(pictures[:1] * 10, burst=3)
    counting = replace(job, session=replace(job.session, analyzer=replace(job.session.analyzer, detector=Counting())))
    gated = Gated(open_pipeline(counting, TrackSettings(detect_every=detect_every)), source)
    done = run_camera(source, gated, [], CameraSettings(SIZE), threading.Event())
    assert (done.statistics.frames, done.dropped) == (4, 6)
    assert detected == expected  # by the count of edited frames: the camera's own numbers are 0, 3, 6, 9


def test_it_ends_after_the_number_of_frames_that_was_asked(job: EditJob, pictures: list[Picture]) -> None:
    source = Bursts(pictures)
    pipeline = Gated(open_pipeline(job, CAREFUL), source)
    done = run_camera(source, pipeline, [], CameraSettings(SIZE, frames=3), threading.Event())
    assert (done.ended, done.statistics.frames) == ("frames", 3)


@pytest.mark.parametrize("where", ["track", "render"])
def test_an_error_of_either_thread_is_raised_and_both_threads_end(
    where: str, job: EditJob, pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*arguments: object) -> Any:
        raise ModelError("the network is broken")

    source = Bursts(pictures)
    pipeline = Gated(open_pipeline(job, CAREFUL), source)
    monkeypatch.setattr(type(pipeline), where, breaks)
    with pytest.raises(ModelError, match="the network is broken"):
        run_camera(source, pipeline, [], CameraSettings(SIZE), threading.Event())
    source.go.release(99)
    assert not [thread.name for thread in threading.enumerate() if thread.name == "tracking"]


def test_a_mirror_and_another_size_are_what_is_edited_and_handed_out(job: EditJob, pictures: list[Picture]) -> None:
    straight, turned = Kept(), Kept()
    for kept, mirror in ((straight, False), (turned, True)):
        source = Bursts(pictures[:1])
        run_camera(
            source, Gated(open_pipeline(job, CAREFUL), source), [kept], CameraSettings((256, 160), mirror), threading.Event()
        )
    one, other = straight.shown[0][0], turned.shown[0][0]
    assert one.shape == other.shape == (160, 256, 3)
    assert np.abs(one[:, ::-1].astype(int) - other).mean() < 4


def test_it_ends_after_the_seconds_that_were_asked_or_when_it_is_stopped(job: EditJob, pictures: list[Picture]) -> None:
    source = Bursts(pictures)
    done = run_camera(
        source, Gated(open_pipeline(job, CAREFUL), source), [], CameraSettings(SIZE, seconds=0.15), threading.Event()
    )
    assert (done.ended, done.statistics.frames) == ("seconds", 4)  # at 0, 0.05, 0.10, 0.12; the next is at 0.17
    stop = threading.Event()
    source = Bursts(pictures)

    def stop_at_two(statistics: LiveStatistics) -> None:
        if statistics.frames == 2:
            stop.set()

    done = run_camera(source, Gated(open_pipeline(job, CAREFUL), source), [], CameraSettings(SIZE), stop, stop_at_two)
    assert (done.ended, done.statistics.frames) == ("asked", 2)


def test_a_camera_that_breaks_off_is_told_and_what_was_recorded_is_whole(
    job: EditJob, pictures: list[Picture], tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    source = Bursts(pictures[:5], breaks_off=VideoError("unplugged"))
    encoding = recording_encoding(out, "auto", None, force=False)
    with recording(out, encoding, SIZE, source.rate) as recorded:
        done = run_camera(source, Gated(open_pipeline(job, CAREFUL), source), [recorded], CameraSettings(SIZE), threading.Event())
        assert not out.exists()
    assert done.ended == "source" and str(done.problem) == "unplugged" and done.statistics.frames == 5
    with av.open(str(out)) as container:
        frames = list(container.decode(video=0))
    assert [frame.time for frame in frames] == pytest.approx([source.time_s(number) for number in range(5)], abs=1e-4)
    assert [one.name for one in tmp_path.iterdir()] == ["out.mp4"]


def test_a_mistake_in_a_camera_is_not_swallowed(job: EditJob, pictures: list[Picture]) -> None:
    source = Bursts(pictures[:2], breaks_off=ZeroDivisionError("a mistake"))
    with pytest.raises(ZeroDivisionError, match="a mistake"):
        run_camera(source, Gated(open_pipeline(job, CAREFUL), source), [], CameraSettings(SIZE), threading.Event())


def test_a_recording_is_not_written_over_and_one_without_pictures_is_none(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    encoding = recording_encoding(out, "auto", None, force=False)
    with pytest.raises(DataError, match="before the first frame"), recording(out, encoding, SIZE, 25.0):
        pass
    assert list(tmp_path.iterdir()) == []
    out.write_bytes(b"mine")
    with pytest.raises(SettingsError, match="--force"):
        recording_encoding(out, "auto", None, force=False)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(SettingsError, match="is a folder"):
        recording_encoding(tmp_path / "folder.mp4", "auto", None, force=True)


def test_figures_by_hand() -> None:
    meter = Meter()
    for number, latency in enumerate((0.5, 0.1, 0.3, 0.2)):
        meter.add(ShownFrame(10 + number, latency, number != 2, {"detect": 0.5}))
    total, recent = meter.total(), meter.recent()
    assert (total.frames, total.with_faces, total.rate, total.took) == (4, 3, 1.0, {"detect": 2.0})
    assert (total.latency_s, total.worst_s) == pytest.approx((0.25, 0.5))
    assert (recent.frames, recent.rate, recent.worst_s) == (3, 1.0, 0.3)
    assert Meter().total().rate == 0.0 == Meter().recent().latency_s
