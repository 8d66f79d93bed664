"""`lianpu bench people`: how well the matte of people covers faces with masks, with the segmentation network and with GrabCut."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from lianpu.bench.effects import limit_threads
from lianpu.cli.edit_options import FaceOptions, analyzer_settings

if TYPE_CHECKING:
    import numpy as np
    from rich.table import Table

    from lianpu.faces.analyzer import FaceAnalyzer
    from lianpu.terminal import OnProgress

_UNKNOWN = 255
"""Value of a mask's pixels that count for nothing."""

_GOOD = 0.9


@dataclass(frozen=True)
class BenchPeopleArguments(FaceOptions):
    """Compare the matte of people (backgrounds) with masks: all parts of a face's mask together are the person.

    Masks of CelebAMask-HQ leave out hands, what people hold, and other people, which a matte keeps: 1 cannot be reached.
    --parser none shows what remains without a parser.
    """

    dataset: Annotated[Path, tyro.conf.Positional] = tyro.MISSING
    """Faces with masks: a folder that lianpu parser evaluate takes."""
    split: Literal["train", "val", "test"] = "val"
    """Which of its faces."""
    count: int = 0
    """The first so many; 0 for all."""
    threads: int | None = None
    """Threads of OpenCV and ONNX Runtime; as many as there are cores when left out."""


@dataclass(frozen=True)
class Covering:
    """How well a way of finding people covers them.

    Args:
        way: its name.
        people: intersection over union of each face's person.
        grounds: the same of each face's background.
        seconds: processor time of each matte.
    """

    way: str
    people: tuple[float, ...]
    grounds: tuple[float, ...]
    seconds: tuple[float, ...]


def main(arguments: list[str]) -> None:
    """Parse the command line, measure, and print a table."""
    parsed = tyro.cli(BenchPeopleArguments, args=arguments, prog="lianpu bench people")
    from lianpu.errors import SettingsError
    from lianpu.faces.analyzer import open_analyzer
    from lianpu.models.store.conversion import require_onnx
    from lianpu.terminal import console, stage

    if parsed.count < 0:
        raise SettingsError(f"--count {parsed.count}: give a number of faces, or 0 for all.")
    limit_threads(parsed.threads)
    require_onnx("selfie-segmentation")
    analyzer = open_analyzer(analyzer_settings(parsed), threads=parsed.threads)
    with stage("Faces") as on_progress:
        rows = measure(parsed, analyzer, on_progress)
    console.print(people_table(rows, parsed))


def measure(parsed: BenchPeopleArguments, analyzer: FaceAnalyzer, on_progress: OnProgress) -> tuple[Covering, ...]:
    """Both ways over the faces that the analyzer finds, the largest of each picture. Raises DataError when it finds none."""
    from lianpu.effects.matting import person_matte
    from lianpu.errors import DataError
    from lianpu.face_parsing.data.masks import open_parsing_set
    from lianpu.imaging.geometry import enlarge

    faces = open_parsing_set(parsed.dataset).faces(parsed.split)
    count = min(len(faces), parsed.count or len(faces))
    ways = {"network": True, "GrabCut": False}
    results: dict[str, list[tuple[float, float, float]]] = {way: [] for way in ways}
    for index in range(count):
        picture, mask = faces.read(index)
        subjects = analyzer.analyze(picture)[:1]
        for way, network in ways.items() if subjects else ():
            start = time.process_time()
            matte = person_matte(picture, subjects, network=network).matte
            seconds = time.process_time() - start
            found = enlarge(matte, mask.shape[::-1]) > 0.5
            known = mask != _UNKNOWN
            results[way].append((_shared(found & known, (mask > 0) & known), _shared(~found & known, mask == 0), seconds))
        on_progress(index + 1, count)
    if not results["network"]:
        raise DataError(f"No face was found in the {count} {parsed.split} faces of {parsed.dataset}. Try another --detector.")
    return tuple(Covering(way, *map(tuple, zip(*rows, strict=True))) for way, rows in results.items())


def _shared(found: np.ndarray, true: np.ndarray) -> float:
    """Intersection over union; 1 for two empty ones."""
    return float((found & true).sum() / max(1, (found | true).sum())) if (found | true).any() else 1.0


def people_table(rows: Sequence[Covering], parsed: BenchPeopleArguments) -> Table:
    """The measurements as they are printed."""
    from rich.table import Table

    from lianpu.devices import describe_machine

    table = Table(
        title=f"{parsed.dataset.name}, {len(rows[0].people)} {parsed.split} faces, parser {parsed.parser}; {describe_machine().cpu}"
    )
    for heading in ("people by", "person IoU", "median", f"above {_GOOD:g}", "background IoU", "processor ms"):
        table.add_column(heading, justify="left" if heading == "people by" else "right")
    for row in rows:
        good = sum(share > _GOOD for share in row.people) / len(row.people)
        means = f"{statistics.mean(row.people):.3f}", f"{statistics.median(row.people):.3f}", f"{100 * good:.0f} %"
        table.add_row(row.way, *means, f"{statistics.mean(row.grounds):.3f}", f"{1000 * statistics.median(row.seconds):.0f}")
    return table
