"""Worker processes: the one pool for folders of photos, videos and the preparation of training sets, and single ones that may be ended.

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
import time
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

_LOOK_EVERY_S = 0.1
"""How often `TaskProcess.run` looks at its clock and at whether its answer is still wanted."""


class WorkerDiedError(Exception):
    """A process died during `task`."""

    def __init__(self, task: object) -> None:
        super().__init__(f"the process that worked on {task} died")
        self.task = task


class TaskTimeoutError(Exception):
    """A task took longer than it was given."""


class TaskDroppedError(Exception):
    """Nobody wants the answer any more."""


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


class TaskProcess(Generic[Task, Result]):
    """One spawned process for one task at a time, which may be ended in the middle of it: for work that strangers ask for.

    A task that crashes native code, hangs or fills the memory ends this process and no other; the next task has a new one.

    Args:
        opener: called once in each process (so it must be picklable); returns the function for tasks, which gets the task and a function
            that reports any picklable value while it works.
        threads: of the process, as `run_tasks` has it; None for as many as there are cores.
    """

    def __init__(self, opener: Callable[[], Callable[[Task, Callable[[Any], None]], Result]], threads: int | None = None) -> None:
        self._context = get_context("spawn")
        self._opener, self._threads = opener, threads_each(1) if threads is None else threads
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Of the process that runs now; None without one."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process and wait until it is open; one that runs stays.

        Raises:
            Exception: what `opener` raised.
            WorkerDiedError: the process died while it opened.
        """
        if self._process is not None and self._process.is_alive():
            return
        self._end()
        ours, theirs = self._context.Pipe()
        with _starting(self._threads):
            self._process = self._context.Process(target=_serve_tasks, args=(theirs, self._opener, self._threads), daemon=True)
            self._process.start()
        theirs.close()
        self._pipe = ours
        self._answer("its start", None, None, lambda value: None)

    def run(
        self,
        task: Task,
        limit_s: float | None = None,
        on_report: Callable[[Any], None] = lambda value: None,
        dropped: threading.Event | None = None,
    ) -> Result:
        """The result of a task; callers in other threads wait for their turn.

        Args:
            task: a picklable value.
            limit_s: seconds after which the process is ended; None for no limit.
            on_report: called here with what the task reports.
            dropped: set by another thread when the answer is not wanted any more: the process is ended.

        Raises:
            Exception: what the task raised.
            TaskTimeoutError, TaskDroppedError, WorkerDiedError: the process was ended, or died.
        """
        with self._lock:
            self.start()
            assert self._pipe is not None
            with suppress(OSError):  # it died: reading from it will show that
                self._pipe.send(task)
            result: Result = self._answer(task, limit_s, dropped, on_report)
            return result

    def close(self) -> None:
        """End the process, whatever it does."""
        self._end()

    def _answer(
        self, task: object, limit_s: float | None, dropped: threading.Event | None, on_report: Callable[[Any], None]
    ) -> Any:
        pipe, until = self._pipe, None if limit_s is None else time.monotonic() + limit_s
        assert pipe is not None
        while True:
            try:
                answer = pipe.recv() if pipe.poll(_LOOK_EVERY_S) else None
            except (EOFError, OSError):
                self._end()
                raise WorkerDiedError(task) from None
            if isinstance(answer, _Report):
                on_report(answer.value)
            elif isinstance(answer, _Failure):
                raise answer.problem from RuntimeError(answer.trace)
            elif answer is not None:
                return answer.value
            if dropped is not None and dropped.is_set():
                self._end()
                raise TaskDroppedError
            if until is not None and time.monotonic() > until:
                self._end()
                raise TaskTimeoutError

    def _end(self) -> None:
        process, pipe, self._process, self._pipe = self._process, self._pipe, None, None
        if process is not None:
            process.kill()
            process.join()
        if pipe is not None:
            pipe.close()


@dataclass(frozen=True)
class _Report:
    """What a task says while it works."""

    value: Any


@dataclass(frozen=True)
class _Done:
    """The result of a task."""

    value: Any


def _serve_tasks(pipe: Connection, opener: Callable[[], Callable[[Any, Callable[[Any], None]], Any]], threads: int) -> None:
    """Run the process of a `TaskProcess`: open, then one task after the other until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the one that started it decides
    threading.Thread(target=_die_with_parent, daemon=True).start()
    try:
        try:
            work = opener()
        except Exception as problem:
            pipe.send(_Failure.of(problem))
            return
        _limit_threads(threads)
        pipe.send(_Done(None))
        while True:
            task = pipe.recv()
            try:
                answer: Any = _Done(work(task, lambda value: pipe.send(_Report(value))))
            except Exception as problem:
                answer = _Failure.of(problem)
            pipe.send(answer)
    except (EOFError, OSError):
        return


def _die_with_parent() -> None:
    parent = parent_process()
    assert parent is not None, "a worker has a parent"
    parent.join()
    os._exit(1)


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
        _limit_threads(threads)
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


def _limit_threads(threads: int) -> None:
    for library, set_threads in (("cv2", "setNumThreads"), ("torch", "set_num_threads")):
        if library in sys.modules:  # not imported just for this
            getattr(sys.modules[library], set_threads)(threads)


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
