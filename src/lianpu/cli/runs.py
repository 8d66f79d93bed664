"""`lianpu runs`: the runs of a folder with their state, scores and sizes, and what differs between two of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from lianpu.cli.subcommands import Command, run_subcommand

if TYPE_CHECKING:
    from lianpu.runs import Run

State = Literal["finished", "training", "stopped", "damaged"]


@dataclass(frozen=True)
class RunsArguments:
    """List the runs in a folder and in the folders below it, the newest last: state, steps, last scores, time and size."""

    folder: Annotated[Path, tyro.conf.Positional] = Path("runs")
    """Where runs lie, or one of them."""
    json: bool = False
    """Print JSON instead of a table."""


@dataclass(frozen=True)
class RunsCompareArguments:
    """Show the settings in which two runs differ, and their last scores side by side.

    `lianpu compare A --against B` measures the difference of their scores on the same faces, with its interval.
    """

    first: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN_A")]
    """A run folder."""
    second: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN_B")]
    """Another one."""
    json: bool = False
    """Print JSON instead of tables."""


def main(arguments: list[str]) -> None:
    """Parse the command line, then list or compare. A folder named like the subcommand is written ./compare."""
    if arguments and arguments[0] in RUNS_COMMANDS:
        run_subcommand("lianpu runs", RUNS_COMMANDS, arguments)
    else:
        list_runs(tyro.cli(RunsArguments, args=arguments, prog="lianpu runs"))


def compare_main(arguments: list[str]) -> None:
    """Parse the command line, then compare two runs."""
    compare_runs(tyro.cli(RunsCompareArguments, args=arguments, prog="lianpu runs compare"))


RUNS_COMMANDS = {
    "compare": Command("lianpu.cli.runs:compare_main", "settings and scores in which two runs differ", "RunsCompareArguments"),
}
"""Subcommands of `lianpu runs`; without one it lists."""


@dataclass(frozen=True)
class RunSummary:
    """What is known of a run without loading a model.

    Args:
        folder: the run folder.
        state: finished has its last step; training is held by a process now; stopped can be resumed; damaged cannot be read.
        step: the last checkpoint's, 0 without one.
        steps: those that it was asked for, 0 where that is not known.
        created: when it began, as ISO 8601; empty where damaged.
        train_seconds: training time so far; None before the first checkpoint.
        size_bytes: of all files in the folder.
        scores: those over all edits of its last scored checkpoint, by metric.
        scored_step: that checkpoint's step; None without scores.
        problem: what is damaged; empty where nothing is.
    """

    folder: Path
    state: State
    step: int
    steps: int
    created: str
    train_seconds: float | None
    size_bytes: int
    scores: dict[str, float]
    scored_step: int | None
    problem: str = ""


def find_runs(folder: Path) -> list[RunSummary]:
    """The runs in a folder and below, the oldest first; the folder may be a run itself. Folders inside a run are not searched.

    Raises:
        RunError: the folder is not there.
    """
    from lianpu.errors import RunError
    from lianpu.runs import Run

    if not folder.is_dir():
        raise RunError(f"{folder} is not there. Give the folder where your runs lie: lianpu runs FOLDER")
    found: list[RunSummary] = []
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        if Run(place).config_file.is_file():
            found.append(summary_of(Run(place)))
            continue
        try:
            waiting += [
                inner for inner in place.iterdir() if inner.is_dir() and not inner.name.startswith(".") and not inner.is_symlink()
            ]
        except PermissionError:
            continue
    return sorted(found, key=lambda run: (run.created, str(run.folder)))


def summary_of(run: Run) -> RunSummary:
    """What is known of one run; damage is told in it instead of raised."""
    from lianpu.errors import LianpuError, RunError
    from lianpu.files import read_json

    size = sum(file.lstat().st_size for file in run.folder.rglob("*") if file.is_file())
    try:
        config = run.read_config()
        step, asked = max(run.checkpoint_steps(), default=0), _steps_asked(config)
        environment = read_json(run.environment_file, RunError) if run.environment_file.is_file() else {}
        scored_step, scores = _last_scores(run)
        state: State = "training" if _is_held(run) else "finished" if asked and step >= asked else "stopped"
        seconds = environment.get("train_seconds")
        created = str(config.get("created", ""))
        return RunSummary(run.folder, state, step, asked, created, seconds, size, scores, scored_step)
    except (LianpuError, AttributeError, KeyError, TypeError, ValueError) as problem:
        return RunSummary(run.folder, "damaged", 0, 0, "", None, size, {}, None, " ".join(str(problem).split()))


def _steps_asked(config: Mapping[str, Any]) -> int:
    """The steps of the whole run, as `training.plan.count_steps` counts them (which needs torch)."""
    training = config["training"]
    if training.get("num_iters") is not None:
        return int(training["num_iters"])
    return math.ceil(int(training["num_epochs"]) * int(config["data"]["train_count"]) / int(training["batch_size"]))


def _last_scores(run: Run) -> tuple[int | None, dict[str, float]]:
    """The step of the last scored checkpoint, and its scores over all edits."""
    checkpoints = {name: values for name, values in run.read_scores().items() if name.startswith("step-")}
    if not checkpoints:
        return None, {}
    values = checkpoints[max(checkpoints)]
    return int(values["step"]), {row["metric"]: float(row["value"]) for row in values["scores"] if row["transform"] == "overall"}


def _is_held(run: Run) -> bool:
    """Whether a process is training there now."""
    from filelock import FileLock, Timeout

    if not run.lock_file.is_file():
        return False
    try:
        with FileLock(run.lock_file, timeout=0):
            return False
    except (Timeout, OSError):
        return True


def list_runs(parsed: RunsArguments) -> list[RunSummary]:
    """Print the runs of a folder, and return them."""
    from rich.table import Table

    from lianpu.terminal import console

    runs = find_runs(parsed.folder)
    if parsed.json:
        print(json.dumps([{**asdict(run), "folder": str(run.folder)} for run in runs], indent=2, ensure_ascii=False))
        return runs
    if not runs:
        console.print(f"No runs in {parsed.folder}. lianpu train writes one.", markup=False, highlight=False, soft_wrap=True)
        return runs
    table = Table()
    for heading in ("run", "state", "step", "distance", "success", "scored at", "time", "size"):
        table.add_column(heading, justify="left" if heading in ("run", "state") else "right", overflow="fold")
    for run in runs:
        name = str(run.folder.relative_to(parsed.folder)) if run.folder != parsed.folder else str(run.folder)
        distance = next((f"{run.scores[metric]:.1f}" for metric in _DISTANCES if metric in run.scores), "")
        success = f"{run.scores['attribute_success']:.0%}" if "attribute_success" in run.scores else ""
        scored = "" if run.scored_step is None else f"{run.scored_step:,}"
        step = "" if run.state == "damaged" else f"{run.step:,} of {run.steps:,}"
        table.add_row(
            name,
            run.state,
            step,
            distance,
            success,
            scored,
            _duration(run.train_seconds),
            _size(run.size_bytes),
            style=_STYLES[run.state],
        )
    console.print(table)
    for run in runs:
        if run.problem:
            console.print(f"{run.folder}: {run.problem}", markup=False, highlight=False, soft_wrap=True)
    return runs


_DISTANCES = ("fid", "fid_infinity", "frechet_efficientnet_lite0", "frechet_efficientnet_lite0_infinity")
_STYLES = {"finished": "", "training": "green", "stopped": "yellow", "damaged": "red"}


def compare_runs(parsed: RunsCompareArguments) -> None:
    """Print in which settings two runs differ, and their scores side by side.

    Raises:
        RunError: one is no run, or damaged.
    """
    from rich.table import Table

    from lianpu.errors import RunError
    from lianpu.runs import open_run
    from lianpu.terminal import console

    runs = [open_run(folder) for folder in (parsed.first, parsed.second)]
    about = [summary_of(run) for run in runs]
    for run in about:
        if run.problem:
            raise RunError(f"{run.folder} is damaged: {run.problem}")
    settings = differing_settings(*(run.read_config() for run in runs))
    metrics = sorted(about[0].scores.keys() | about[1].scores.keys())
    if parsed.json:
        both = {metric: [run.scores.get(metric) for run in about] for metric in metrics}
        plain = [{**asdict(run), "folder": str(run.folder)} for run in about]
        print(json.dumps({"runs": plain, "settings": settings, "scores": both}, indent=2, ensure_ascii=False))
        return
    table = Table(title="What differs")
    for heading in ("", *(str(run.folder) for run in about)):
        table.add_column(heading, overflow="fold")
    table.add_row("state", *(f"{run.state}, step {run.step:,} of {run.steps:,}" for run in about))
    table.add_row("time, size", *(f"{_duration(run.train_seconds)} {_size(run.size_bytes)}".strip() for run in about))
    for name, values in settings.items():
        table.add_row(name, *("" if value is None else str(value) for value in values))
    console.print(table)
    if metrics:
        table = Table(title="Scores over all edits, of the last scored checkpoints")
        for heading in (
            "",
            *(f"step {run.scored_step:,}" if run.scored_step is not None else "not scored" for run in about),
            "difference",
        ):
            table.add_column(heading, justify="right" if heading else "left")
        for metric in metrics:
            first, second = (run.scores.get(metric) for run in about)
            difference = "" if first is None or second is None else f"{second - first:+.4g}"
            table.add_row(metric, *("" if value is None else f"{value:.4g}" for value in (first, second)), difference)
        console.print(table)
    words = f"With intervals, on the same faces: lianpu compare {parsed.first} --against {parsed.second}"
    console.print(words, markup=False, highlight=False, soft_wrap=True)


def differing_settings(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The settings, by dotted name, whose values differ; None where a run has none. What differs between any two runs is left out."""
    flat = [_flat(values) for values in (first, second)]
    names = [
        name for name in {**flat[0], **flat[1]} if name not in ("run_id", "created", "command") and not name.startswith("history")
    ]
    return {name: (flat[0].get(name), flat[1].get(name)) for name in names if flat[0].get(name) != flat[1].get(name)}


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, Mapping) else {f"{before}{name}": value}
    return flat


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count < 1e9 else f"{count / 1e9:,.1f} GB"
