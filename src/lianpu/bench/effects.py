"""`lianpu bench effects`: what each effect of the catalogue costs on a large photo, in seconds and memory."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from lianpu.cli.edit_options import FaceOptions, analyzer_settings

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.faces.results import Subject
    from lianpu.imaging.picture import Picture
    from lianpu.terminal import OnProgress


@dataclass(frozen=True)
class BenchEffectsArguments(FaceOptions):
    """Time every effect on one photo, enlarged or shrunk to a number of megapixels, with all of its faces.

    Finding the faces is timed once and is no part of the effects' times. Memory is the most that the process held while the effect
    ran, with Python, the libraries, the models and the photo (Linux only). Where other programs keep the processors busy, go by the
    processor seconds.
    """

    photo: Annotated[Path, tyro.conf.Positional] = tyro.MISSING
    """A photo with one face or more."""
    effects: tuple[str, ...] = ()
    """Names of effects; all of them when none is given."""
    megapixels: float = 12.0
    """The photo is resized to this; 0 leaves it as it is."""
    rounds: int = 5
    """Timed rounds of each effect, after one to warm up."""
    strength: float = 1.0
    """Strength of every effect."""
    faces: str = "largest"
    """all, largest, or numbers as 0,2."""
    threads: int | None = None
    """Threads of OpenCV and ONNX Runtime; as many as there are cores when left out."""


@dataclass(frozen=True)
class Cost:
    """What an effect cost: seconds of each round, those that processors worked, and the most memory in MiB (None where the system does not say)."""

    effect: str
    seconds: tuple[float, ...]
    worked_s: tuple[float, ...]
    peak_mib: float | None


def main(arguments: list[str]) -> None:
    """Parse the command line, measure, and print a table."""
    parsed = tyro.cli(BenchEffectsArguments, args=arguments, prog="lianpu bench effects")
    from lianpu.errors import SettingsError
    from lianpu.terminal import console

    if parsed.rounds < 1:
        raise SettingsError(f"--rounds {parsed.rounds}: give at least 1.")
    if not 0 <= parsed.megapixels <= 200:
        raise SettingsError(f"--megapixels {parsed.megapixels:g}: give 0 (as it is) to 200.")
    console.print(effects_table(parsed))


def effects_table(parsed: BenchEffectsArguments) -> Table:
    """Seconds, seconds a megapixel and memory of each effect."""
    from rich.table import Table

    from lianpu.devices import describe_machine
    from lianpu.errors import DataError
    from lianpu.faces.analyzer import choose, open_analyzer
    from lianpu.photo.reading import read_image
    from lianpu.terminal import stage

    limit_threads(parsed.threads)
    photo = resized_to(read_image(parsed.photo), parsed.megapixels)
    analyzer = open_analyzer(analyzer_settings(parsed), threads=parsed.threads)
    start = time.perf_counter()
    found = analyzer.analyze(photo)
    looking_s = time.perf_counter() - start
    if not found:
        raise DataError(f"No face was found in {parsed.photo}. Take another photo, or another --detector.")
    subjects = choose(found, parsed.faces)
    with stage("Effects") as on_progress:
        costs = measure(photo, subjects, parsed, on_progress)
    size = photo.shape[0] * photo.shape[1] / 1e6
    rows, columns = subjects[0].window
    window = (rows.stop - rows.start) * (columns.stop - columns.start) / 1e6
    table = Table(
        title=f"{parsed.photo.name} as {photo.shape[1]} x {photo.shape[0]} ({size:.1f} megapixels), {len(subjects)} of {len(found)} "
        f"face(s), the first one's crop {window:.1f} megapixels; {describe_machine().cpu}, median of {parsed.rounds}",
        caption=f"Finding the faces with points and parts took {looking_s:.2f} s.",
    )
    for heading in ("effect", "seconds", "least to most", "processor seconds", "processor ms a megapixel", "peak MiB"):
        table.add_column(heading, justify="left" if heading == "effect" else "right")
    for cost in costs:
        median, worked_s = statistics.median(cost.seconds), statistics.median(cost.worked_s)
        spread = f"{min(cost.seconds):.2f} to {max(cost.seconds):.2f}"
        peak = "-" if cost.peak_mib is None else f"{cost.peak_mib:.0f}"
        table.add_row(cost.effect, f"{median:.2f}", spread, f"{worked_s:.2f}", f"{1000 * worked_s / size:.0f}", peak)
    return table


def measure(photo: Picture, subjects: Sequence[Subject], parsed: BenchEffectsArguments, on_progress: OnProgress) -> list[Cost]:
    """The cost of each effect on the photo; without a parser, not of those that need one. Raises SettingsError for the name of no effect."""
    from lianpu.effects.catalogue import EFFECTS, MESH_PARTS, effect_of

    chosen = [effect_of(name) for name in parsed.effects] or list(EFFECTS.values())
    if any(subject.parts.parser == MESH_PARTS for subject in subjects):
        chosen = [effect for effect in chosen if not effect.needs_parser]
    costs = []
    for index, effect in enumerate(chosen):
        reset = reset_peak()
        seconds, worked_s = [], []
        for _ in range(parsed.rounds + 1):
            start, started_s = time.perf_counter(), time.process_time()
            effect.apply(photo, subjects, parsed.strength)
            seconds.append(time.perf_counter() - start)
            worked_s.append(time.process_time() - started_s)
        costs.append(Cost(effect.name, tuple(seconds[1:]), tuple(worked_s[1:]), peak_mib() if reset else None))
        on_progress(index + 1, len(chosen))
    return costs


def resized_to(photo: Picture, megapixels: float) -> Picture:
    """The photo with about so many megapixels; 0 leaves it as it is."""
    import cv2
    import numpy as np

    if megapixels == 0:
        return photo
    grow = (megapixels * 1e6 / (photo.shape[0] * photo.shape[1])) ** 0.5
    size = (max(1, round(photo.shape[1] * grow)), max(1, round(photo.shape[0] * grow)))
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_CUBIC if grow > 1 else cv2.INTER_AREA), dtype=np.uint8)


def limit_threads(count: int | None) -> None:
    """OpenCV with so many threads."""
    import cv2

    if count is not None:
        cv2.setNumThreads(count)


def reset_peak() -> bool:
    """Whether the kernel's mark of the most memory that this process held could be set back."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def peak_mib() -> float | None:
    """The kernel's mark of the most memory that this process held, in MiB; None where there is none."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return None
    mark = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(mark[1]) / 1024 if mark else None
