"""`lianpu bench photos`: photos a second of `lianpu edit` on a folder and of `lianpu prepare`, and seconds of the whole command on one photo."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.imaging.picture import Picture


@dataclass(frozen=True)
class BenchPhotosArguments:
    """Measure whole commands: editing a folder, preparing a training set, and editing one large photo, with each detector in turn."""

    photos: Annotated[Path, tyro.conf.Positional] = tyro.MISSING
    """A folder with photos."""
    detector: tuple[str, ...] = ("auto",)
    """What finds faces, one after the other: auto, buffalo_l, yunet, blazeface, dlib, or the path of an .onnx file."""
    effect: str = "lipstick"
    """The effect for the folder, as --effect of lianpu edit."""
    large: tuple[str, ...] = ("lipstick", "smooth_skin", "hair_color")
    """Effects on one large photo, each by a command of its own; --large without a value leaves it out."""
    megapixels: float = 12.0
    """Size that the photo with the largest face is brought to for that."""
    rounds: int = 2
    """Passes of each; the fastest counts, for other programs only slow it down."""
    threads: int | None = None
    """Threads of OpenCV and ONNX Runtime within this process; default: the number of cores."""
    json: Path | None = None
    """Also write the numbers to this file."""


@dataclass(frozen=True)
class PhotosMeasured:
    """One command.

    Args:
        command: `edit`, `prepare`, or `edit EFFECT` of one large photo.
        detector: what found the faces.
        photos: how many it worked on.
        seconds: elapsed, of the fastest pass.
        processor_s: processor time of that pass.
        faces: faces that were edited or kept.
    """

    command: str
    detector: str
    photos: int
    seconds: float
    processor_s: float
    faces: int


def main(arguments: list[str]) -> None:
    """Parse the command line, measure, print the table, and write the JSON file."""
    parsed = tyro.cli(BenchPhotosArguments, args=arguments, prog="lianpu bench photos")
    from lianpu.devices import describe_machine
    from lianpu.files import write_json
    from lianpu.terminal import console

    check(parsed)
    cpu = describe_machine().cpu
    measured = list(measure(parsed))
    console.print(table(measured, f"{cpu}, the fastest of {parsed.rounds}"))
    if parsed.json is not None:
        write_json(parsed.json, {"machine": cpu, "measured": [asdict(one) for one in measured]})


def check(parsed: BenchPhotosArguments) -> None:
    """Raise SettingsError for invalid options."""
    from lianpu.editing.presets import parse_effect
    from lianpu.errors import SettingsError

    if parsed.rounds < 1:
        raise SettingsError(f"--rounds {parsed.rounds}: give at least 1.")
    if not 0.1 <= parsed.megapixels <= 100:
        raise SettingsError(f"--megapixels {parsed.megapixels:g}: give 0.1 to 100.")
    for word in (parsed.effect, *parsed.large):
        parse_effect(word)
    if not parsed.photos.is_dir():
        raise SettingsError(f"{parsed.photos} is no folder of photos. Give a folder that holds photos.")


def measure(parsed: BenchPhotosArguments) -> Iterator[PhotosMeasured]:
    """Each command with each detector. Raises LianpuError for photos without faces, and for what is not installed."""
    from lianpu.bench.effects import limit_threads
    from lianpu.editing.folder_job import edit_folder
    from lianpu.editing.presets import dump_preset, preset_from_options
    from lianpu.editing.session import EditRequest
    from lianpu.faces.analyzer import AnalyzerSettings
    from lianpu.preparation.prepare import prepare_faces
    from lianpu.preparation.settings import PrepareSettings

    limit_threads(parsed.threads)
    preset = dump_preset(preset_from_options((), "1", None, (parsed.effect,)))
    for detector in parsed.detector:

        def edit(folder: Path, detector: str = detector) -> tuple[int, int]:
            done = edit_folder(parsed.photos, folder, EditRequest(preset, analyzer=AnalyzerSettings(detector)))
            return len(done), sum(one.edited for one in done)

        def prepare(folder: Path, detector: str = detector) -> tuple[int, int]:
            done = prepare_faces(parsed.photos, folder, PrepareSettings(detector=detector))
            return done.photos, done.faces

        for command, run in (("edit", edit), ("prepare", prepare)):
            yield _fastest(command, detector, run, parsed.rounds)
    if parsed.large:
        with TemporaryDirectory(prefix="lianpu-bench-") as folder:
            for detector in parsed.detector:
                photo = _large_photo(parsed.photos, detector, parsed.megapixels, Path(folder))
                for effect in parsed.large:
                    yield _fastest(f"edit {effect}", detector, _command(photo, effect, detector), parsed.rounds)


def _fastest(command: str, detector: str, run: Callable[[Path], tuple[int, int]], rounds: int) -> PhotosMeasured:
    """The fastest of several runs, each into a new folder; `run` gives photos and faces."""
    best: PhotosMeasured | None = None
    for _ in range(rounds):
        with TemporaryDirectory(prefix="lianpu-bench-") as folder, _taken() as seconds:
            photos, faces = run(Path(folder) / "out")
        elapsed, processor = seconds
        if best is None or elapsed < best.seconds:
            best = PhotosMeasured(command, detector, photos, elapsed, processor, faces)
    assert best is not None, "there is a round"
    return best


@contextmanager
def _taken() -> Iterator[list[float]]:
    """Elapsed seconds and processor seconds of the block, with its child processes, once it is over."""
    seconds: list[float] = []
    begin, before = time.perf_counter(), os.times()
    yield seconds
    after = os.times()
    seconds += [time.perf_counter() - begin, sum(after[:4]) - sum(before[:4])]


def _command(photo: Path, effect: str, detector: str) -> Callable[[Path], tuple[int, int]]:
    """`lianpu edit` on one photo, in a process of its own as a user starts it."""

    def run(folder: Path) -> tuple[int, int]:
        from lianpu.errors import DataError

        folder.mkdir()
        words = [sys.executable, "-m", "lianpu", "edit", str(photo), str(folder / photo.name), "--effect", effect]
        done = subprocess.run([*words, "--detector", detector], capture_output=True, text=True, check=False)
        if done.returncode:
            raise DataError(f"lianpu edit --effect {effect} failed: {done.stderr.strip()[-300:]}")
        edited = re.search(r"Edited (\d+)", done.stdout)
        return 1, int(edited[1]) if edited is not None else 0

    return run


def _large_photo(photos: Path, name: str, megapixels: float, folder: Path) -> Path:
    """A JPEG of that size of the photo with the largest face that a detector finds, by the share of its pixels. Raises DataError without a face."""
    from lianpu.errors import DataError
    from lianpu.faces.detectors import load_detector
    from lianpu.imaging.geometry import scaled_size
    from lianpu.photo.formats import photos_in
    from lianpu.photo.reading import read_image
    from lianpu.photo.writing import write_image

    detector = load_detector(name)
    best: tuple[float, Picture] | None = None
    for file in photos_in(photos):
        picture = read_image(file)
        share = max((face.area for face in detector.detect(picture)), default=0.0) / picture[..., 0].size
        if share > (best[0] if best else 0.0):
            best = (share, picture)
    if best is None:
        raise DataError(f"No face was found in any photo of {photos}. Give other photos.")
    import cv2
    import numpy as np

    picture = best[1]
    by = float(np.sqrt(megapixels * 1e6 / picture[..., 0].size))
    enlarged = np.asarray(cv2.resize(picture, scaled_size(picture, by), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    return write_image(folder / "large.jpg", enlarged, quality=92)


def table(measured: Sequence[PhotosMeasured], caption: str) -> Table:
    """A row for each command and detector."""
    from rich.table import Table

    made = Table(title="Whole commands", caption=caption)
    for heading in ("command", "detector"):
        made.add_column(heading, no_wrap=True)
    for heading in ("photos", "faces", "photos a second", "seconds a photo", "processor s a photo"):
        made.add_column(heading, justify="right")
    for one in measured:
        each, processor = one.seconds / one.photos, one.processor_s / one.photos
        rate = f"{1 / each:.2f}"
        made.add_row(one.command, one.detector, str(one.photos), str(one.faces), rate, f"{each:.2f}", f"{processor:.2f}")
    return made
