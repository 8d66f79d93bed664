"""`lianpu bench faces`: faces that detectors find, distances of points to masks, and speed against the insightface package."""

from __future__ import annotations

import csv
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import cv2
import tyro

from lianpu.errors import DataError
from lianpu.faces.detection import Detector, find_faces
from lianpu.faces.face_check import FaceCheck, find_people
from lianpu.photo.reading import read_image

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.faces.insightface_models import BuffaloL
    from lianpu.faces.results import Face
    from lianpu.imaging.picture import Picture

    Analyse = Callable[[Picture], int]


@dataclass(frozen=True)
class BenchFacesArguments:
    """Count the faces that detectors find in photos with a known number of faces, measure points, or time a pack on one photo.

    With --truth: found and expected faces of each detector, alone, by one search, by find_faces, by find_faces with turned pictures,
    and as commands do it (animals and other things left out), and the processor time of one thread (give --threads 1: others are not counted).
    With --points: faces with masks (CelebAMask-HQ's layout, as lianpu parser train takes them): how far the centres of eyes and mouth are
    from the masks', by the points of each reader, in faces that the first detector finds.
    With --speed: a photo through a detector and three networks of buffalo_l's kinds and about its sizes, with random weights
    (the real ones cannot be had everywhere): ours, all faces at once, against FaceAnalysis.get of the insightface package.
    """

    photos: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PHOTOS")]
    """A folder of photos; with --points a folder of faces with masks, with --speed a photo."""
    truth: Path | None = None
    """CSV with the columns file and faces."""
    detectors: tuple[str, ...] = ("auto",)
    """Names or .onnx files of SCRFD's, YuNet's or BlazeFace's form; with --speed one SCRFD file."""
    points: bool = False
    """Measure points on a folder of faces with masks."""
    landmarks: tuple[str, ...] = ("mesh", "dlib")
    """With --points: the readers, as --landmarks of other commands names them."""
    split: str = "val"
    """With --points: which faces of the folder: train, val or test."""
    speed: bool = False
    """Time one photo."""
    rounds: int = 10
    """Timed rounds of each kind, after one to warm up."""
    threads: int | None = None
    """Threads for one operation."""


def main(arguments: list[str]) -> None:
    """Parse the command line, measure, and print a table."""
    parsed = tyro.cli(BenchFacesArguments, args=arguments, prog="lianpu bench faces")
    from lianpu.errors import SettingsError
    from lianpu.terminal import console

    if parsed.rounds < 1:
        raise SettingsError(f"--rounds {parsed.rounds}: give at least 1.")
    if parsed.speed:
        console.print(speed_table(parsed))
        return
    if parsed.points:
        console.print(_measured_points(parsed))
        return
    if parsed.truth is None:
        raise SettingsError(
            "Give --truth CSV (columns file, faces) to count faces, --points to measure points, or --speed to time one photo."
        )
    console.print(count_table(_counted(parsed, parsed.truth)))


def _counted(parsed: BenchFacesArguments, truth: Path) -> tuple[FaceCounts, ...]:
    from lianpu.faces.analyzer import open_check
    from lianpu.faces.detectors import load_detector
    from lianpu.terminal import stage

    if parsed.threads is not None:
        cv2.setNumThreads(parsed.threads)  # YuNet runs in OpenCV
    detectors = [load_detector(name, threads=parsed.threads) for name in parsed.detectors]
    with stage("Photos") as on_progress:
        return count_faces(parsed.photos, read_truth(truth), detectors, open_check(threads=parsed.threads), on_progress)


def _measured_points(parsed: BenchFacesArguments) -> Table:
    from lianpu.bench.points import point_errors, points_table
    from lianpu.face_parsing.data.masks import open_parsing_set
    from lianpu.faces.analyzer import load_landmarks
    from lianpu.faces.detectors import load_detector
    from lianpu.terminal import stage

    faces = open_parsing_set(parsed.photos).faces(parsed.split)
    readers = {name: load_landmarks(name, threads=parsed.threads) for name in parsed.landmarks}
    detector = load_detector(parsed.detectors[0], threads=parsed.threads)
    with stage("Faces") as on_progress:
        errors = point_errors(faces, readers, detector, on_progress)
    return points_table(errors, f"{parsed.photos.name}, {len(faces)} {parsed.split} faces, found by {detector.name}")


def count_table(counts: Sequence[FaceCounts]) -> Table:
    """Found and false faces as they are printed."""
    from rich.table import Table

    photos, empty = len(counts[0].expected), counts[0].expected.count(0)
    table = Table(title=f"{photos} photos, {counts[0].faces_expected} faces; {empty} photos without a face")
    for heading in ("detector", "way", "faces found", "too many", "false, no face there", "photos right", "ms a photo"):
        table.add_column(heading, justify="left" if heading in ("detector", "way") else "right")
    for row in counts:
        found = f"{row.faces_found}/{row.faces_expected}"
        milliseconds = f"{1000 * row.seconds / photos:.0f}"
        right = f"{row.photos_right}/{photos}"
        table.add_row(row.detector, row.way, found, str(row.too_many), str(row.false_faces), right, milliseconds)
    return table


def speed_table(parsed: BenchFacesArguments) -> Table:
    """Milliseconds for one photo of ours and of insightface, measured alternately, and their ratio."""
    from rich.table import Table

    from lianpu.devices import describe_machine
    from lianpu.photo.reading import read_image
    from lianpu.terminal import stage

    picture = read_image(parsed.photos)
    with stage("Rounds") as on_progress, TemporaryDirectory() as folder:
        contenders = _contenders(Path(folder), Path(parsed.detectors[0]), parsed.threads)
        seconds, faces = measure(contenders, picture, parsed.rounds, on_progress)
    threads = "all threads" if parsed.threads is None else f"{parsed.threads} thread(s)"
    table = Table(
        title=f"{parsed.photos.name}: {faces} faces, {threads}, {describe_machine().cpu}, median of {parsed.rounds}",
        caption="Detector as given; the three networks have random weights and about the sizes of buffalo_l's.",
    )
    for heading in ("what", "FaceAnalysis ms", "ours ms", "times as fast", "10 to 90 % of rounds"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for part, (package, ours) in seconds.items():
        ratios = sorted(theirs / own for theirs, own in zip(package, ours, strict=True))
        spread = f"{ratios[len(ratios) // 10]:.2f} to {ratios[-1 - len(ratios) // 10]:.2f}"
        medians = [f"{1000 * statistics.median(values):.1f}" for values in (package, ours)]
        table.add_row(part, *medians, f"{statistics.median(ratios):.2f}", spread)
    return table


def measure(
    contenders: dict[str, tuple[Analyse, Analyse]], picture: Picture, rounds: int, on_progress: Callable[[int, int], None]
) -> tuple[dict[str, tuple[list[float], list[float]]], int]:
    """Seconds of each round of the package's and of ours, in turns, after one round that does not count; and the number of faces.

    Raises:
        ModelError: the two see different numbers of faces, so their times cannot be compared.
    """
    from lianpu.errors import ModelError

    seconds: dict[str, tuple[list[float], list[float]]] = {part: ([], []) for part in contenders}
    faces = 0
    for index in range(rounds + 1):
        for part, pair in contenders.items():
            seen = []
            for analyse, taken in zip(pair, seconds[part], strict=True):
                start = time.perf_counter()
                seen.append(analyse(picture))
                if index:
                    taken.append(time.perf_counter() - start)
            if seen[0] != seen[1]:
                raise ModelError(f"FaceAnalysis sees {seen[0]} faces and ours {seen[1]}. Take a photo in which both see all.")
            faces = seen[0]
        on_progress(index + 1, rounds + 1)
    return seconds, faces


def _contenders(folder: Path, scrfd: Path, threads: int | None) -> dict[str, tuple[Analyse, Analyse]]:
    """The package's way and ours: the detector by itself, with the two small networks, and with the large one too."""
    import shutil

    from lianpu.bench.stand_ins import write_iresnet, write_landmark_network, write_sex_age_network
    from lianpu.faces.insightface_models import BuffaloL, Part, package_analysis

    every: dict[Part, Path] = {
        "detection": Path(shutil.copy(scrfd, folder / "det_10g.onnx")),
        "landmarks": write_landmark_network(folder / "2d106det.onnx"),
        "sex_age": write_sex_age_network(folder / "genderage.onnx"),
        "identity": write_iresnet(folder / "w600k_r50.onnx"),
    }
    contenders: dict[str, tuple[Analyse, Analyse]] = {}
    for count in (1, 3, 4):
        files = dict(list(every.items())[:count])
        own = folder / str(count)
        own.mkdir()
        for file in files.values():
            (own / file.name).hardlink_to(file)
        contenders[", ".join(files)] = (package_analysis(own, threads), _ours(BuffaloL(files, threads)))
    return contenders


def _ours(buffalo: BuffaloL) -> Analyse:
    looks = {"landmarks": buffalo.landmarks, "sex_age": buffalo.sex_age, "identity": buffalo.identity}

    def analyse(picture: Picture) -> int:
        faces = buffalo.find(picture)
        for part in buffalo.parts[1:]:
            looks[part](picture, faces)
        return len(faces)

    return analyse


WAYS = ("detector alone", "one search", "find_faces", "find_faces upright", "people")
"""As the detector is; with a border where a face may fill the photo; with a second search, enlarged and turned, where nobody is found;
turned wherever; and as commands do it: `find_faces`, and animals and other things left out (`faces.face_check.find_people`)."""


@dataclass(frozen=True)
class FaceCounts:
    """What a detector found over photos with a known number of faces.

    A photo counts min(found, expected) faces as found: without boxes a false face can stand in for a missed one, so look at
    the drawn photos too.
    """

    detector: str
    way: str
    found: tuple[int, ...]
    expected: tuple[int, ...]
    seconds: float = 0.0
    """Processor time of this thread for all photos; the detectors take turns on each photo."""

    @property
    def faces_found(self) -> int:
        """Faces found, at most as many in a photo as there are."""
        return sum(min(pair) for pair in zip(self.found, self.expected, strict=True))

    @property
    def faces_expected(self) -> int:
        """Faces in all photos."""
        return sum(self.expected)

    @property
    def too_many(self) -> int:
        """What was found beyond the number of faces, in photos with faces."""
        return sum(max(0, got - there) for got, there in zip(self.found, self.expected, strict=True) if there)

    @property
    def false_faces(self) -> int:
        """What was found in the photos without a face."""
        return sum(got for got, there in zip(self.found, self.expected, strict=True) if not there)

    @property
    def photos_right(self) -> int:
        """Photos in which as many faces were found as there are."""
        return sum(got == there for got, there in zip(self.found, self.expected, strict=True))


def read_truth(file: Path) -> dict[str, int]:
    """The number of faces of each photo, from a CSV with the columns `file` and `faces`.

    Raises:
        DataError: the file is missing, has not these columns, or a count that is no number.
    """
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        return {row["file"]: int(row["faces"]) for row in rows}
    except OSError as problem:
        raise DataError(f"{file} cannot be read ({problem.strerror}). Give a CSV with the columns file and faces.") from None
    except (KeyError, ValueError, TypeError) as problem:
        raise DataError(
            f"{file} needs the columns file and faces, with a whole number of faces in each row ({problem})."
        ) from None


def count_faces(
    folder: Path,
    truth: Mapping[str, int],
    detectors: Sequence[Detector],
    check: FaceCheck | None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[FaceCounts, ...]:
    """How many faces each detector finds in each of the `WAYS`, over the photos of a folder that the truth names.

    `check` tells faces from animals and other things; None takes all for faces.
    """
    searches: tuple[Callable[[Picture, Detector], Sequence[Face]], ...] = (
        lambda picture, detector: detector.detect(picture),
        lambda picture, detector: find_faces(picture, detector, again=False),
        find_faces,
        lambda picture, detector: find_faces(picture, detector, upright=True),
        lambda picture, detector: find_people(picture, detector, check).faces,
    )
    counts: dict[tuple[str, str], list[int]] = {(detector.name, way): [] for detector in detectors for way in WAYS}
    seconds = dict.fromkeys(counts, 0.0)
    for index, name in enumerate(truth, 1):
        picture = read_image(folder / name)
        for detector in detectors:
            for way, search in zip(WAYS, searches, strict=True):
                begin = time.thread_time()
                counts[detector.name, way].append(len(search(picture, detector)))
                seconds[detector.name, way] += time.thread_time() - begin
        if on_progress:
            on_progress(index, len(truth))
    expected = tuple(truth.values())
    return tuple(FaceCounts(*key, tuple(found), expected, seconds[key]) for key, found in counts.items())
