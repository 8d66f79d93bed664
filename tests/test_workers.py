"""The pool of worker processes: order, deaths, Ctrl-C, a parent that is killed, and what processes import."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from functools import partial
from itertools import count, islice
from pathlib import Path

import pytest

from lianpu.editing.presets import EffectStep, Preset, dump_preset
from lianpu.editing.session import EditRequest
from lianpu.effects.catalogue import effect_of
from lianpu.errors import DataError, SettingsError
from lianpu.faces.analyzer import AnalyzerSettings
from lianpu.workers import TaskDroppedError, TaskProcess, TaskTimeoutError, WorkerDiedError, run_tasks

SUPPORT = Path(__file__).parent / "support"
sys.path.insert(0, str(SUPPORT))  # processes get this path, not the names that pytest gives to tests

from worker_tasks import (  # type: ignore[import-not-found]  # noqa: E402
    die_at_once,
    open_frame_worker,
    open_service,
    open_worker,
    refuse,
    refuse_service,
)

UNIX = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent another way there")


def test_results_come_in_order_or_as_soon_as_they_are_there(tmp_path: Path) -> None:
    tasks = ["0.5", "a", "b", "c"]
    opener = partial(open_worker, tmp_path)
    results = list(run_tasks(tasks, opener, 2, in_order=True))
    assert results == [(task, f"{task} done") for task in tasks]
    assert [task for task, _ in run_tasks(tasks, opener, 2)][-1] == "0.5"
    assert list(run_tasks([], opener, 2)) == []


def test_tasks_are_taken_a_bounded_number_ahead(tmp_path: Path) -> None:
    taken = []
    endless = (taken.append(number) or str(number / 1e6) for number in count())  # type: ignore[func-returns-value]
    for in_order in (True, False):
        taken.clear()
        with closing(run_tasks(endless, partial(open_worker, tmp_path), 2, in_order=in_order)) as results:
            assert len(list(islice(results, 20))) == 20
        assert len(taken) <= 20 + 2 * 4


def test_what_is_begun_and_what_ticks_is_told(tmp_path: Path) -> None:
    begun: list[str] = []
    ticks: list[int] = []
    done = list(run_tasks("abc", partial(open_worker, tmp_path), 2, on_begin=begun.append, on_ticks=ticks.append))
    assert begun == list("abc") and sum(ticks) == len(done) == 3 and min(ticks) > 0


def test_a_task_that_kills_its_process_costs_that_task_alone(tmp_path: Path) -> None:
    tasks = ["a", "die", "b", "c", "0.1"]
    results = list(run_tasks(tasks, partial(open_worker, tmp_path), 2, in_order=True, died=lambda task: "dead"))
    assert results == [(task, "dead" if task == "die" else f"{task} done") for task in tasks]


def test_a_task_whose_process_died_is_tried_again_alone(tmp_path: Path) -> None:
    results = dict(run_tasks(["0.1", "die once", "a"], partial(open_worker, tmp_path), 2, died=lambda task: "dead"))
    assert results["die once"] == "die once done"


def test_without_a_result_for_dead_tasks_the_death_is_an_error_that_names_the_task(tmp_path: Path) -> None:
    with pytest.raises(WorkerDiedError, match="worked on die died") as caught:
        list(run_tasks(["a", "die"], partial(open_worker, tmp_path), 2))
    assert caught.value.task == "die"


def test_errors_of_tasks_and_openers_are_raised_here(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such face"):
        list(run_tasks(["a", "raise"], partial(open_worker, tmp_path), 2))
    with pytest.raises(SettingsError, match="there is no such model"):
        list(run_tasks(["a"], refuse, 2))
    with pytest.raises(SettingsError, match="died while it started"):
        list(run_tasks(["a"], die_at_once, 2))


def test_a_script_without_its_main_guard_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(SUPPORT)!r})\n"
        "from worker_tasks import open_worker\nfrom functools import partial\nfrom pathlib import Path\n"
        "from lianpu.workers import run_tasks\nlist(run_tasks('ab', partial(open_worker, Path('.')), 2))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1 and "if __name__ == '__main__'" in done.stderr.splitlines()[-1]


def test_closing_the_results_ends_tasks_at_their_next_tick(tmp_path: Path) -> None:
    with closing(run_tasks(["a", "forever"], partial(open_worker, tmp_path), 2)) as results:
        assert next(results) == ("a", "a done")
        _wait_for(tmp_path / "forever")
    assert _is_gone(int((tmp_path / "forever").read_text()))


_PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts tests in the background has them ignore it
sys.path.insert(0, {tests!r})
from functools import partial
from pathlib import Path
from lianpu.workers import run_tasks
from worker_tasks import open_worker
if __name__ == "__main__":
    try:
        list(run_tasks(["forever1", "forever2"], partial(open_worker, Path({folder!r})), 2))
    except KeyboardInterrupt:
        sys.exit(130)
"""


@UNIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_a_parent_that_is_interrupted_or_killed_and_say_nothing(number: signal.Signals, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_PROGRAM.format(tests=str(SUPPORT), folder=str(tmp_path)))
    with subprocess.Popen([sys.executable, str(script)], stderr=subprocess.PIPE, start_new_session=True) as parent:
        workers = [int(_wait_for(tmp_path / f"forever{one}")) for one in (1, 2)]
        if number == signal.SIGINT:
            os.killpg(parent.pid, number)  # as a terminal does: to the workers, too
        else:
            parent.kill()
        _, said = parent.communicate(timeout=60)
    assert parent.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    assert not said
    assert all(_is_gone(worker) for worker in workers)


def _wait_for(file: Path) -> str:
    until = time.monotonic() + 120
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < until, f"{file} was not written"
        time.sleep(0.01)
    return file.read_text()


def _is_gone(process: int) -> bool:
    """Whether the process ends soon."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{process}/stat").is_file() and Path(f"/proc/{process}/stat").read_text().split()[2] == "Z":
            return True  # ended; who would collect it is gone, too
        time.sleep(0.02)
    return False


def test_processes_that_edit_frames_by_effects_use_so_many_threads_and_do_not_import_torch() -> None:
    preset = Preset("lianpu edit", (EffectStep(effect_of("lipstick"), 0.8),))  # the name that --effect alone gives
    request = EditRequest(dump_preset(preset), analyzer=AnalyzerSettings("dlib"))
    before = os.environ.get("OMP_NUM_THREADS")
    told = dict(run_tasks(["onnxruntime", "torch"], partial(open_frame_worker, request), 1, threads=1))
    assert told == {"onnxruntime": "1 1 True", "torch": "1 1 False"}
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_a_single_process_answers_reports_and_raises(tmp_path: Path) -> None:
    with closing(TaskProcess(partial(open_service, tmp_path), 1)) as process:
        seen: list[object] = []
        assert process.run("a", on_report=seen.append) == "a done" and seen == [(0, "a"), (1, "a"), (2, "a")]
        assert process.run("nothing") is None
        first = process.run("pid")
        with pytest.raises(DataError, match="no such face"):
            process.run("raise")
        assert process.run("pid") == first == process.pid != os.getpid(), "an error costs no process"


def test_a_task_that_dies_hangs_or_is_dropped_ends_its_process_and_the_next_has_a_new_one(tmp_path: Path) -> None:
    with closing(TaskProcess(partial(open_service, tmp_path), 1)) as process:
        first = process.run("pid")
        with pytest.raises(WorkerDiedError):
            process.run("die")
        second = process.run("pid")
        with pytest.raises(TaskTimeoutError):
            process.run("forever", limit_s=0.3)
        third = process.run("pid")
        dropped = threading.Event()
        dropped.set()
        with pytest.raises(TaskDroppedError):
            process.run("forever", dropped=dropped)
        assert len({first, second, third, process.run("pid")}) == 4
        assert process.run("a") == "a done"
    assert process.pid is None


def test_a_single_process_that_cannot_open_says_why() -> None:
    with pytest.raises(SettingsError, match="there is no such model"):
        TaskProcess(refuse_service, 1).start()


@UNIX
def test_a_single_process_ends_when_the_one_that_started_it_is_killed(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path[:0] = [{str(SUPPORT)!r}]\n"
        "from functools import partial\nfrom pathlib import Path\nfrom worker_tasks import open_service\nfrom lianpu.workers import TaskProcess\n"
        f"if __name__ == '__main__':\n    TaskProcess(partial(open_service, Path({str(tmp_path)!r})), 1).run('forever')\n"
    )
    (tmp_path / "job.py").write_text(code, encoding="utf-8")
    parent = subprocess.Popen([sys.executable, tmp_path / "job.py"])
    try:
        child = int(_wait_for(tmp_path / "forever"))
    finally:
        parent.kill()
        parent.wait()
    assert _is_gone(child)
