"""The one pool of worker processes: for folders of photos, videos and the preparation of training sets.

Why not a library: pebble's ProcessPool also starts processes that ignore Ctrl-C, and names the task of one that died. But it drops what an
initializer raises and starts the process again without end, keeps no result of it (our opened models), takes every task at once, and has no
ticks, no order with a bound, no second try alone, and no limit on threads: what it would replace is a third of this file. The executor of
`concurrent.futures` breaks as a whole when one process dies.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

from lianpu.errors import SettingsError

Task = TypeVar("Task")
Result = TypeVar("Result")

Tick = Callable[[], None]
"""Called by a long task after each step: counts the step, and ends the task there when the job was stopped."""

Opener = Callable[[Tick], Callable[[Task], Result]]
"""Called once in each process (so it must be picklable: a `functools.partial` of a module's function); returns the function for tasks."""

_AHEAD_EACH = 4
"""Tasks per process that may be handed out ahead of the next result in order; more keeps processes busier and takes more memory."""

_TICKS_EVERY_S = 0.2

_FALSE_STARTS = 3


class WorkerDiedError(Exception):
    """A process died during `task`."""

    def __init__(self, task: object) -> None:
        super().__init__(f"the process that worked on {task} died")
        self.task = task


class _StoppedError(Exception):
    """The job was stopped during the task."""


@dataclass(eq=False)
class _Worker(Generic[Task]):
    process: BaseProcess
    pipe: Connection
    item: tuple[int, Task] | None = None
    ready: bool = False

    def hand_out(self, item: tuple[int, Task]) -> None:
        self.item = item
        with suppress(OSError):  # it died: reading from it will show that
            self.pipe.send(item[1])


def threads_each(jobs: int) -> int:
    """The threads of each of `jobs` processes that share this machine's processors."""
    return max(1, (os.cpu_count() or 1) // jobs)


def run_tasks(
    tasks: Iterable[Task],
    opener: Opener[Task, Result],
    jobs: int,
    *,
    threads: int = 1,
    in_order: bool = False,
    on_begin: Callable[[Task], None] = lambda task: None,
    on_ticks: Callable[[int], None] | None = None,
    died: Callable[[Task], Result] | None = None,
) -> Generator[tuple[Task, Result], None, None]:
    """Each task with its result, computed by `jobs` spawned processes; a bounded number of tasks is taken from `tasks` ahead.

    Only this process receives Ctrl-C. When the iterator is closed, running tasks end first (or at their next tick) and no other begins;
    when this process is killed, likewise.

    Args:
        tasks: small, picklable values.
        opener: opens in each process what tasks need, and returns the function for one task.
        jobs: number of processes.
        threads: of each process, for OpenMP, and for OpenCV and torch if `opener` has imported them.
        in_order: yield in the order of `tasks`; otherwise as soon as a result is ready.
        on_begin: called in this process before a task is handed out, also when it is tried again.
        on_ticks: called with the number of ticks since its last call.
        died: the result for a task that killed its process, and then a second one in which it ran alone (memory may have been short).

    Raises:
        SettingsError: the processes cannot start.
        WorkerDiedError: a process died during a task and `died` is not given.
        Exception: what `opener` or a task raised.
    """
    pool: _Pool[Task, Result] = _Pool(opener, jobs, threads)
    unread, numbers, given = iter(tasks), 0, 0
    suspects: deque[tuple[int, Task]] = deque()  # ran in a process that died
    alone: int | None = None  # the suspect that is tried again while no other task runs
    results: dict[int, tuple[Task, Result]] = {}

    def next_item() -> tuple[int, Task] | None:
        nonlocal numbers, alone
        if suspects or alone is not None:
            if pool.busy or not suspects:
                return None
            alone = suspects[0][0]
            return suspects.popleft()
        if in_order and numbers - given >= jobs * _AHEAD_EACH:
            return None
        for task in unread:
            numbers += 1
            return numbers - 1, task
        return None

    try:
        while True:
            for worker in pool.idle():
                if (item := next_item()) is None:
                    break
                on_begin(item[1])
                worker.hand_out(item)
            while results and (not in_order or given in results):
                given += 1
                yield results.pop(given - 1 if in_order else next(iter(results)))
            if given == numbers and pool.ready and not pool.busy:
                return
            for worker in pool.heard(None if on_ticks is None else _TICKS_EVERY_S):
                try:
                    answer = worker.pipe.recv()
                except (EOFError, OSError):
                    lost = pool.replace(worker)
                    if lost is None:
                        continue
                    if died is None:
                        raise WorkerDiedError(lost[1]) from None
                    if lost[0] == alone:
                        results[lost[0]], alone = (lost[1], died(lost[1])), None
                    else:
                        suspects.append(lost)
                    continue
                if isinstance(answer, _Failure):
                    raise answer.problem from RuntimeError(answer.trace)
                if worker.item is not None:
                    number, task = worker.item
                    results[number], worker.item = (task, answer), None
                    alone = None if number == alone else alone
                worker.ready = True
                pool.has_started()
            if on_ticks is not None and (ticks := pool.new_ticks()):
                on_ticks(ticks)
    finally:
        pool.close()


class _Pool(Generic[Task, Result]):
    """The processes and the task of each."""

    def __init__(self, opener: Opener[Task, Result], jobs: int, threads: int) -> None:
        self._context = get_context("spawn")
        self._stop: Any = self._context.RawValue("b", 0)  # without locks: a process may be killed that holds one
        self._ticks: Any = self._context.RawArray("q", jobs)
        self._reported = 0
        self._false_starts, self._false_starts_allowed = 0, 0
        self._opener, self._threads = opener, threads
        self._workers: list[_Worker[Task]] = []
        with _starting(threads):
            for place in range(jobs):
                self._workers.append(self._start(place))

    @property
    def busy(self) -> bool:
        return any(worker.item is not None for worker in self._workers)

    @property
    def ready(self) -> bool:
        return any(worker.ready for worker in self._workers)

    def idle(self) -> list[_Worker[Task]]:
        return [worker for worker in self._workers if worker.ready and worker.item is None]

    def heard(self, timeout_s: float | None) -> list[_Worker[Task]]:
        """The workers that have answered or died; waits for the first."""
        readable = wait([worker.pipe for worker in self._workers], timeout_s)
        return [worker for worker in self._workers if worker.pipe in readable]

    def has_started(self) -> None:
        """Note that processes can start here: from now on, one that dies while it starts is started again, a few times in a row."""
        self._false_starts, self._false_starts_allowed = 0, _FALSE_STARTS

    def new_ticks(self) -> int:
        before, self._reported = self._reported, sum(self._ticks)
        return self._reported - before

    def replace(self, worker: _Worker[Task]) -> tuple[int, Task] | None:
        """Start another process for one that died; returns the task that it had."""
        if not worker.ready:
            self._false_starts += 1
        if self._false_starts > self._false_starts_allowed:
            raise SettingsError(
                "A worker process died while it started. In a script, call this below `if __name__ == '__main__':`, for every "
                "worker reads the script too; or use one job."
            )
        worker.pipe.close()
        worker.process.join()
        place = self._workers.index(worker)
        with _starting(self._threads):
            self._workers[place] = self._start(place)
        return worker.item

    def close(self) -> None:
        self._stop.value = 1
        for worker in self._workers:
            worker.pipe.close()
        for worker in self._workers:
            worker.process.join()

    def _start(self, place: int) -> _Worker[Task]:
        ours, theirs = self._context.Pipe()
        arguments = (theirs, self._opener, self._threads, self._stop, self._ticks, place)
        process = self._context.Process(target=_serve, args=arguments, daemon=True)
        process.start()
        theirs.close()  # so that its end is seen here
        return _Worker(process, ours)


@contextmanager
def _starting(threads: int) -> Iterator[None]:
    """Processes that start in this block use this many threads from their first import on, and ignore Ctrl-C."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = str(threads)
    in_main = threading.current_thread() is threading.main_thread()  # only there can signals be set
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if in_main else None
    try:
        yield
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


@dataclass(frozen=True)
class _Failure:
    """An exception of a worker."""

    problem: Exception
    trace: str

    @classmethod
    def of(cls, problem: Exception) -> _Failure:
        trace = "".join(traceback.format_exception(type(problem), problem, problem.__traceback__))
        try:
            pickle.loads(pickle.dumps(problem))
        except Exception:  # some exceptions cannot be pickled, but their text can
            problem = RuntimeError(f"{type(problem).__name__}: {problem}")
        return cls(problem, trace)


def _serve(pipe: Connection, opener: Opener[Any, Any], threads: int, stop: Any, ticks: Any, place: int) -> None:
    """Run a worker: open, report that it is ready, and do one task after the other until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    at_work = threading.Lock()
    threading.Thread(target=_end_with_parent, args=(stop, at_work), daemon=True).start()

    def tick() -> None:
        ticks[place] += 1
        if stop.value:
            raise _StoppedError

    try:
        work = opener(tick)
        for library, set_threads in (("cv2", "setNumThreads"), ("torch", "set_num_threads")):
            if library in sys.modules:  # not imported just for this
                getattr(sys.modules[library], set_threads)(threads)
        answer: Any = None
        while True:
            pipe.send(answer)
            task = pipe.recv()
            with at_work:
                if stop.value:
                    return
                answer = _tried(work, task)
    except (EOFError, BrokenPipeError, ConnectionError, _StoppedError):
        return
    except Exception as problem:
        pipe.send(_Failure.of(problem))


def _tried(work: Callable[[Any], Any], task: Any) -> Any:
    try:
        return work(task)
    except _StoppedError:
        raise
    except Exception as problem:  # raised again in the process that asked
        return _Failure.of(problem)


def _end_with_parent(stop: Any, at_work: threading.Lock) -> None:
    """End this process after its task when its parent was killed: nothing else would end it."""
    parent = parent_process()
    assert parent is not None, "a worker has a parent"
    parent.join()
    stop.value = 1
    with at_work:
        os._exit(1)
