"""The live picture of a camera, edited: always the newest frame, so that what is seen is never late by more than one edit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from lianpu.camera.outputs import CameraOutput
from lianpu.camera.sources import CameraFrame, CameraSource, fitted, mirrored
from lianpu.camera.stats import CameraFigures, Meter, ShownFrame
from lianpu.editing.session import EditJob
from lianpu.errors import LianpuError
from lianpu.imaging.picture import Picture
from lianpu.video.job.frame_edit import edit_frame
from lianpu.video.tracking.tracker import Following, FollowSettings

FIT = "size, mirror"
"""The stage in which a frame is brought to the size that was asked."""

_LOOK_UP_S = 0.2

_GOODBYE_S = 2.0


@dataclass(frozen=True)
class CameraSettings:
    """How a camera's picture is worked on.

    Args:
        size_px: width and height of what is edited and handed out.
        mirror: left and right change places.
        frames: stop after so many edited frames; None: never.
        seconds: stop when this much of the source's time has gone by; None: never.
        follow: how faces are followed; its frames are the edited ones, not those that came.
    """

    size_px: tuple[int, int]
    mirror: bool = False
    frames: int | None = None
    seconds: float | None = None
    follow: FollowSettings = field(default_factory=FollowSettings)


@dataclass(frozen=True)
class LiveFigures:
    """What can be said while it runs.

    Args:
        recent: of the last seconds.
        frames: edited so far.
        came: frames that the source gave.
        dropped: those of them that were never edited, for a newer one was there.
    """

    recent: CameraFigures
    frames: int
    came: int
    dropped: int


@dataclass(frozen=True)
class CameraDone:
    """What came of it.

    Args:
        figures: of all frames.
        came: frames that the source gave.
        dropped: those that were never edited.
        ended: why: `asked` (by `stop`), `frames`, `seconds`, or `source` (it gave no more).
        problem: why the source broke off; None when it did not.
    """

    figures: CameraFigures
    came: int
    dropped: int
    ended: str
    problem: LianpuError | None


def run_camera(
    source: CameraSource,
    job: EditJob,
    outputs: Sequence[CameraOutput],
    settings: CameraSettings,
    stop: threading.Event,
    on_frame: Callable[[LiveFigures], None] = lambda figures: None,
) -> CameraDone:
    """Edit the newest frame of `source`, hand it to all `outputs`, and again, until something ends it.

    A source that breaks off is told in `problem`, so that what was recorded can be closed first.

    Args:
        source: read by a thread of its own.
        job: what is asked, opened.
        outputs: each gets every edited frame, in that order.
        settings: size, mirror, when to stop.
        stop: set it from anywhere to end well.
        on_frame: called after each frame, by the thread that edits.

    Raises:
        LianpuError: a frame cannot be edited, or an output cannot take it.
    """
    meter, known, ended = Meter(), Following(), "source"
    with _read(source, stop) as (mailbox, problems):
        for number, frame in enumerate(_taken(mailbox, stop)):
            if settings.seconds is not None and frame.time_s >= settings.seconds:
                ended = "seconds"
                break
            begin = time.perf_counter()
            picture = fitted(frame.picture, settings.size_px)
            picture = mirrored(picture) if settings.mirror else picture
            took = {} if picture is frame.picture else {FIT: time.perf_counter() - begin}
            known, edited = edit_frame(known, picture, number, frame.time_s, job, settings.follow)
            took |= edited.seconds | _hand_out(edited.picture, frame.time_s, outputs)
            now = time.perf_counter()
            meter.add(ShownFrame(now, now - frame.came_s, bool(edited.edited), took))
            on_frame(LiveFigures(meter.recent(), number + 1, mailbox.came, mailbox.dropped))
            if number + 1 == settings.frames:
                ended = "frames"
                break
        else:
            ended = "asked" if stop.is_set() and not problems else "source"
    problem = problems[0] if problems else None
    if problem is not None and not isinstance(problem, LianpuError):
        raise problem
    return CameraDone(meter.total(), mailbox.came, mailbox.dropped, ended, problem)


def warm_up(job: EditJob, portrait: Picture, settings: FollowSettings) -> None:
    """Edit a portrait (H, W, 3) for nothing: what is loaded and made ready in the first edit shall not hold up a live picture.

    Raises:
        LianpuError: the job cannot edit.
    """
    edit_frame(Following(), portrait, 0, 0.0, job, settings)


def _hand_out(picture: Picture, time_s: float, outputs: Sequence[CameraOutput]) -> dict[str, float]:
    took = {}
    for output in outputs:
        begin = time.perf_counter()
        output.show(picture, time_s)
        took[output.name] = time.perf_counter() - begin
    return took


def _taken(mailbox: Mailbox[CameraFrame], stop: threading.Event) -> Iterator[CameraFrame]:
    """The newest frames, one after the other. It looks up now and then: a signal's handler may have set `stop`."""
    while not stop.is_set() and not mailbox.ended:
        frame = mailbox.take(_LOOK_UP_S)
        if frame is not None and not stop.is_set():
            yield frame


@contextmanager
def _read(source: CameraSource, stop: threading.Event) -> Iterator[tuple[Mailbox[CameraFrame], list[Exception]]]:
    """A mailbox that a thread fills from the source while the block runs, and a list for the problem that ended the thread."""
    mailbox: Mailbox[CameraFrame] = Mailbox()
    problems: list[Exception] = []
    enough = threading.Event()

    def read() -> None:
        try:
            for frame in source.frames(enough):
                mailbox.put(frame)
                if enough.is_set():
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
        enough.set()
        reader.join(_GOODBYE_S)


Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """Holds the newest thing that was put in. For one thread that puts and one that takes."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: Item | None = None
        self._closed = False
        self._put = 0
        self._taken = 0

    def put(self, item: Item) -> None:
        """Put in what came; what nobody has taken is dropped."""
        with self._changed:
            self._item = item
            self._put += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing more will come. What is in it can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, timeout_s: float) -> Item | None:
        """The newest thing that nobody has taken; None when nothing came in time, or nothing more will come (`ended`)."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed, timeout_s)
            item, self._item = self._item, None
            self._taken += item is not None
            return item

    @property
    def ended(self) -> bool:
        """Whether it is closed and empty."""
        with self._changed:
            return self._closed and self._item is None

    @property
    def came(self) -> int:
        """How many things were put in."""
        with self._changed:
            return self._put

    @property
    def dropped(self) -> int:
        """How many of them were replaced before anybody took them."""
        with self._changed:
            return self._put - self._taken - (self._item is not None)
