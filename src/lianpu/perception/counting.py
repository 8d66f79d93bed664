"""How many of the faces in photos a detector finds, where only their number is known."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lianpu.errors import DataError
from lianpu.image import read_image
from lianpu.perception.detection import Detector, find_faces

WAYS = ("detector alone", "find_faces", "find_faces upright")
"""As the detector is; with a border and a second look; and with the picture turned too."""


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
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[FaceCounts, ...]:
    """How many faces each detector finds in each of the `WAYS`, over the photos of a folder that the truth names."""
    counts: dict[tuple[str, str], list[int]] = {(detector.name, way): [] for detector in detectors for way in WAYS}
    for index, name in enumerate(truth, 1):
        picture = read_image(folder / name)
        for detector in detectors:
            counts[detector.name, WAYS[0]].append(len(detector.detect(picture)))
            counts[detector.name, WAYS[1]].append(len(find_faces(picture, detector)))
            counts[detector.name, WAYS[2]].append(len(find_faces(picture, detector, upright=True)))
        if on_progress:
            on_progress(index, len(truth))
    expected = tuple(truth.values())
    return tuple(FaceCounts(name, way, tuple(found), expected) for (name, way), found in counts.items())
