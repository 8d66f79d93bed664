"""The edited live picture of a camera: always the newest frame, with statistics of speed and latency."""

from __future__ import annotations

import threading
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Generic, TypeVar

from lianpu.camera.holding import available_cores, settings_that_hold
from lianpu.camera.outputs import CameraOutput
from lianpu.camera.sources import CameraFrame, CameraSource, fitted, mirrored
from lianpu.errors import LianpuError
from lianpu.imaging.picture import Picture
from lianpu.video.job.frame_pipeline import FramePipeline, LivePipeline, Tracked, edit_frame, has_mesh

Item = TypeVar("Item")

_RECENT_S = 2.0


@dataclass(frozen=True)
class CameraStatistics:
    """Statistics of some frames.

    Args:
        frames: number of frames shown.
        with_faces: number of frames in which a face was edited.
        rate: frames per second from the first one shown to the last; 0 for fewer than two.
        latency_s: median time from receiving a frame to showing it.
        worst_s: longest such time.
        took: seconds by stage and step, over all these frames.
    """

    frames: int
    with_faces: int
    rate: float
    latency_s: float
    worst_s: float
    took: Mapping[str, float]

    def each(self) -> dict[str, float]:
        """Mean seconds a frame by stage and step."""
        return {name: seconds / max(1, self.frames) for name, seconds in self.took.items()}


@dataclass(frozen=True)
class ShownFrame:
    """A frame for the statistics: when it was shown, its latency, whether a face was edited, seconds by stage."""

    at_s: float
    latency_s: float
    with_face: bool
    took: Mapping[str, float]


class Meter:
    """Collects the statistics of frames as they are shown."""

    def __init__(self) -> None:
        self._recent: deque[ShownFrame] = deque()
        self._latencies = array("d")
        self._took: dict[str, float] = {}
        self._frames = self._with_faces = 0
        self._first_s = self._last_s = 0.0

    def add(self, shown: ShownFrame) -> None:
        """Add a frame."""
        if not self._frames:
            self._first_s = shown.at_s
        self._latencies.append(shown.latency_s)
        self._frames += 1
        self._with_faces += shown.with_face
        self._last_s = shown.at_s
        for name, seconds in shown.took.items():
            self._took[name] = self._took.get(name, 0.0) + seconds
        self._recent.append(shown)
        while shown.at_s - self._recent[0].at_s > _RECENT_S:
            self._recent.popleft()

    def recent(self) -> CameraStatistics:
        """Statistics of the last two seconds."""
        took: dict[str, float] = {}
        for one in self._recent:
            for name, seconds in one.took.items():
                took[name] = took.get(name, 0.0) + seconds
        latencies = [one.latency_s for one in self._recent]
        span = self._recent[-1].at_s - self._recent[0].at_s if self._recent else 0.0
        with_faces = sum(one.with_face for one in self._recent)
        return _statistics(len(self._recent), with_faces, span, latencies, took)

    def total(self) -> CameraStatistics:
        """Statistics of all frames."""
        return _statistics(self._frames, self._with_faces, self._last_s - self._first_s, self._latencies, dict(self._took))


def _statistics(
    frames: int, with_faces: int, span_s: float, latencies: array[float] | list[float], took: Mapping[str, float]
) -> CameraStatistics:
    rate = (frames - 1) / span_s if frames > 1 and span_s > 0 else 0.0
    middle, worst = (median(latencies), max(latencies)) if len(latencies) else (0.0, 0.0)
    return CameraStatistics(frames, with_faces, rate, middle, worst, took)


FIT = "size, mirror"
"""The stage that resizes a frame to the requested size."""

_POLL_S = 0.2

_JOIN_S = 2.0

_JUDGED_FRAMES = 30
"""Frames with a face after which, once, the settings are chosen that hold the rate."""


@dataclass(frozen=True)
class CameraSettings:
    """How frames of a camera are processed.

    Args:
        size_px: width and height of edited frames.
        mirror: flip left and right.
        frames: stop after this many edited frames; None for no limit.
        seconds: stop after this many seconds of the source's time; None for no limit.
        hold_rate: frames per second that a live pipeline may give up some care for; None changes nothing.
        keep_parts: parse as often as the pipeline says, also to hold the rate.
    """

    size_px: tuple[int, int]
    mirror: bool = False
    frames: int | None = None
    seconds: float | None = None
    hold_rate: float | None = None
    keep_parts: bool = False


@dataclass(frozen=True)
class LiveStatistics:
    """Statistics while the camera runs.

    Args:
        recent: of the last seconds.
        frames: number of frames edited so far.
        received: number of frames from the source.
        dropped: number of received frames that a newer one replaced before they were edited.
        chosen: what was chosen to hold the rate, in words; empty while nothing was.
    """

    recent: CameraStatistics
    frames: int
    received: int
    dropped: int
    chosen: str = ""


@dataclass(frozen=True)
class CameraResult:
    """The result of `run_camera`.

    Args:
        statistics: of all frames.
        received: number of frames from the source.
        dropped: number of received frames that were never edited.
        ended: `asked` (by `stop`), `frames`, `seconds`, or `source` (it ended).
        problem: the error that ended the source; None without one.
        chosen: what was chosen to hold the rate, in words; empty where nothing was.
    """

    statistics: CameraStatistics
    received: int
    dropped: int
    ended: str
    problem: LianpuError | None
    chosen: str = ""


def run_camera(
    source: CameraSource,
    pipeline: FramePipeline,
    outputs: Sequence[CameraOutput],
    settings: CameraSettings,
    stop: threading.Event,
    on_frame: Callable[[LiveStatistics], None] = lambda statistics: None,
) -> CameraResult:
    """Edit the newest frame of `source` and pass it to all `outputs`, again and again, until something ends it.

    One thread reads the source, one tracks faces, and this one renders: a frame is tracked while the one before is rendered, so it is shown
    at most two frames after it was taken. An error of the source is returned as `problem` and not raised, so that a recording can be
    closed first.

    Args:
        source: read by a thread of its own.
        pipeline: the opened request.
        outputs: each gets every edited frame, in this order.
        settings: size, mirror, when to stop.
        stop: set it from any thread to stop.
        on_frame: called after each frame, in this thread.

    Raises:
        LianpuError: a frame cannot be edited, or an output cannot take it.
    """
    meter, chosen, ended, with_face = Meter(), "", "", 0
    with _read(source, stop) as (mailbox, problems), _track(mailbox, pipeline, settings, stop) as tracking:
        for number, seen in enumerate(_newest(tracking.seen, stop)):
            edited = pipeline.render(seen.picture, seen.tracked)
            took = seen.took | edited.seconds | _show(edited.picture, seen.frame.time_s, outputs)
            now = time.perf_counter()
            meter.add(ShownFrame(now, now - seen.frame.received_s, bool(edited.edited), took))
            with_face += bool(edited.edited)
            if settings.hold_rate and edited.edited and with_face == _JUDGED_FRAMES:
                chosen = tracking.hold(settings.hold_rate, meter.recent())
            on_frame(LiveStatistics(meter.recent(), number + 1, mailbox.received, mailbox.dropped, chosen))
            if number + 1 == settings.frames:
                ended = "frames"
                break
        if tracking.problems and not (ended or stop.is_set()):
            raise tracking.problems[0]
        ended = ended or tracking.ended or ("asked" if stop.is_set() and not problems else "source")
    problem = problems[0] if problems else None
    if problem is not None and not isinstance(problem, LianpuError):
        raise problem
    return CameraResult(meter.total(), mailbox.received, mailbox.dropped, ended, problem, chosen)


@dataclass(frozen=True, eq=False)
class _SeenFrame:
    """A frame in its final size, with its faces and the seconds that the size took."""

    frame: CameraFrame
    picture: Picture
    tracked: Tracked
    took: dict[str, float]


class _Tracking:
    """The thread that tracks: the newest frame of a mailbox, whenever the last one was taken for rendering."""

    def __init__(self, mailbox: Mailbox[CameraFrame], pipeline: FramePipeline, settings: CameraSettings) -> None:
        self.seen: Mailbox[_SeenFrame] = Mailbox()
        self.problems: list[Exception] = []
        self.ended = ""
        self._mailbox, self._pipeline, self._settings = mailbox, pipeline, settings
        self._wanted: FramePipeline | None = None

    def hold(self, rate: float, recent: CameraStatistics) -> str:
        """Choose the settings that hold a rate by the statistics so far, for the frames to come; in words what was chosen."""
        pipeline = self._pipeline
        if not isinstance(pipeline, LivePipeline):
            return ""
        choice = settings_that_hold(
            rate,
            recent.each(),
            pipeline.settings,
            cores=available_cores(),
            small_mesh=has_mesh(small=True),
            keep_parts=self._settings.keep_parts,
        )
        if choice.settings != pipeline.settings:
            self._wanted = pipeline.with_settings(choice.settings)
        return choice.words

    def run(self, stop: threading.Event) -> None:
        """Track until the source ends, an error, or `stop`."""
        try:
            self._run(stop)
        except Exception as problem:  # raised again by the thread that renders
            self.problems.append(problem)
        finally:
            self.seen.close()

    def _run(self, stop: threading.Event) -> None:
        settings, state = self._settings, self._pipeline.begin()
        for number, frame in enumerate(_newest(self._mailbox, stop)):
            if settings.seconds is not None and frame.time_s >= settings.seconds:
                self.ended = "seconds"
                return
            if self._wanted is not None:
                self._pipeline, self._wanted = self._wanted, None
                state = self._pipeline.begin()
            begin = time.perf_counter()
            picture = fitted(frame.picture, settings.size_px)
            picture = mirrored(picture) if settings.mirror else picture
            took = {} if picture is frame.picture else {FIT: time.perf_counter() - begin}
            state, tracked = self._pipeline.track(state, picture, number, frame.time_s)
            self.seen.put(_SeenFrame(frame, picture, tracked, took))
            while not stop.is_set() and not self.seen.wait_taken(_POLL_S):
                pass


@contextmanager
def _track(
    mailbox: Mailbox[CameraFrame], pipeline: FramePipeline, settings: CameraSettings, stop: threading.Event
) -> Iterator[_Tracking]:
    """The tracking of a mailbox's frames, in a thread that ends with the block."""
    tracking = _Tracking(mailbox, pipeline, settings)
    done = _Either(stop)
    thread = threading.Thread(target=tracking.run, args=(done,), name="tracking", daemon=True)
    thread.start()
    try:
        yield tracking
    finally:
        done.set()
        thread.join(_JOIN_S)


class _Either(threading.Event):
    """An event that also counts as set when another one is."""

    def __init__(self, other: threading.Event) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        return super().is_set() or self._other.is_set()


def warm_up(pipeline: FramePipeline, portrait: Picture) -> None:
    """Edit a portrait (H, W, 3) and drop the result: what the first edit loads and prepares must not delay a live picture.

    Raises:
        LianpuError: the job cannot edit.
    """
    edit_frame(pipeline, pipeline.begin(), portrait, 0, 0.0)


def _show(picture: Picture, time_s: float, outputs: Sequence[CameraOutput]) -> dict[str, float]:
    took = {}
    for output in outputs:
        begin = time.perf_counter()
        output.show(picture, time_s)
        took[output.name] = time.perf_counter() - begin
    return took


def _newest(mailbox: Mailbox[Item], stop: threading.Event) -> Iterator[Item]:
    """The newest item, again and again. It polls: a signal handler may have set `stop`."""
    while not stop.is_set() and not mailbox.ended:
        item = mailbox.take(_POLL_S)
        if item is not None and not stop.is_set():
            yield item


@contextmanager
def _read(source: CameraSource, stop: threading.Event) -> Iterator[tuple[Mailbox[CameraFrame], list[Exception]]]:
    """A mailbox that a thread fills from the source while the block runs, and a list with the error that ended the thread."""
    mailbox: Mailbox[CameraFrame] = Mailbox()
    problems: list[Exception] = []
    done = threading.Event()

    def read() -> None:
        try:
            for frame in source.frames(done):
                mailbox.put(frame)
                if done.is_set():
                    return
        except Exception as problem:  # raised again by the thread that edits
            problems.append(problem)
        finally:
            mailbox.close()

    reader = threading.Thread(target=read, name="camera", daemon=True)
    reader.start()
    try:
        yield mailbox, problems
    finally:
        done.set()
        reader.join(_JOIN_S)


class Mailbox(Generic[Item]):
    """Holds the newest item, for one thread that puts and one that takes."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: Item | None = None
        self._closed = False
        self._put = 0
        self._taken = 0

    def put(self, item: Item) -> None:
        """Put in an item; one that was not taken is dropped."""
        with self._changed:
            self._item = item
            self._put += 1
            self._changed.notify_all()

    def close(self) -> None:
        """No more items will follow. The last one can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, timeout_s: float) -> Item | None:
        """The newest item that was not taken yet; None after the timeout or when the mailbox has `ended`."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed, timeout_s)
            item, self._item = self._item, None
            self._taken += item is not None
            self._changed.notify_all()
            return item

    def wait_taken(self, timeout_s: float) -> bool:
        """Wait until nothing is left to take; False when the timeout came first."""
        with self._changed:
            return self._changed.wait_for(lambda: self._item is None, timeout_s)

    @property
    def ended(self) -> bool:
        """Whether it is closed and empty."""
        with self._changed:
            return self._closed and self._item is None

    @property
    def received(self) -> int:
        """The number of items that were put in."""
        with self._changed:
            return self._put

    @property
    def dropped(self) -> int:
        """The number of items that were replaced before they were taken."""
        with self._changed:
            return self._put - self._taken - (self._item is not None)
