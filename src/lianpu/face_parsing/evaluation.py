"""A parser scored on the faces of a split, each number with what it was measured on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image

from lianpu.errors import ScoreError
from lianpu.face_parsing.data.mask_files import Mask
from lianpu.face_parsing.data.masks import ParsingFaces
from lianpu.face_parsing.runtime import BATCH, FaceParser
from lianpu.face_parsing.scores import BOUNDARY_TOLERANCE, accuracy, boundary_f1, count_pixels, f1, iou, merged_sides
from lianpu.files import sha256_of
from lianpu.imaging.picture import Picture
from lianpu.part_names import PARTS

BACKGROUND = PARTS[0]


@dataclass(frozen=True)
class ScoreProtocol:
    """What scores were measured on; two with different ones cannot be compared.

    Args:
        split: train, val or test.
        count: faces.
        size_px: side at which truth and answer were compared.
        merged_sides: whether left and right counted as one class.
        boundary_tolerance: of contours, as a share of the diagonal.
        pooled: how IoU and F1 were counted, in words.
    """

    split: str
    count: int
    size_px: int
    merged_sides: bool
    boundary_tolerance: float
    pooled: str = "over all pixels of all faces"


@dataclass(frozen=True)
class PartScore:
    """One class. NaN where there was nothing to score.

    Args:
        name: of the part.
        iou: intersection over union, pooled over all faces.
        f1: F1 (Dice), pooled over all faces.
        face_f1: F1 in each face that has the class in truth or answer, their mean.
        boundary_f1: F1 of contours, likewise.
        faces: how many faces have the class in truth.
        share: of all true pixels.
    """

    name: str
    iou: float
    f1: float
    face_f1: float
    boundary_f1: float
    faces: int
    share: float


@dataclass(frozen=True)
class ParserScores:
    """All numbers of one evaluation of one parser.

    The means are over the classes that are present: those that at least one face has in truth.

    Args:
        parser: its name.
        file: its file's name.
        sha256: of that file, 64 hexadecimal digits.
        protocol: what it was measured on.
        parts: one score per class, background first.
        accuracy: share of pixels whose class is right.
        ms_per_face: time from a face's crop to its mask at the size of the protocol, median over batches: says as much of the machine.
    """

    parser: str
    file: str
    sha256: str
    protocol: ScoreProtocol
    parts: tuple[PartScore, ...]
    accuracy: float
    ms_per_face: float

    @property
    def mean_iou(self) -> float:
        """Mean IoU over the classes present, background left out."""
        return self.mean("iou")

    @property
    def mean_f1(self) -> float:
        """Mean F1 over the classes present, background left out."""
        return self.mean("f1")

    @property
    def mean_boundary_f1(self) -> float:
        """Mean contour F1 over the classes present, background left out."""
        return self.mean("boundary_f1")

    def mean(self, what: str, with_background: bool = False) -> float:
        """The mean of `iou`, `f1`, `face_f1` or `boundary_f1` over the classes present; NaN when there is none."""
        values = [getattr(part, what) for part in self.parts if part.faces and (with_background or part.name != BACKGROUND)]
        known = [value for value in values if not math.isnan(value)]
        return sum(known) / len(known) if known else math.nan

    def part(self, name: str) -> PartScore:
        """The score of a class by name. Raises ScoreError when it was not scored."""
        for part in self.parts:
            if part.name == name:
                return part
        raise ScoreError(f"'{name}' was not scored. Scored: {', '.join(part.name for part in self.parts)}.")

    def to_json(self) -> dict[str, Any]:
        """Everything, the means too; null where there was nothing to score."""
        means = {
            f"mean_{what}{'_with_background' if with_background else ''}": self.mean(what, with_background)
            for what in ("iou", "f1", "face_f1", "boundary_f1")
            for with_background in (False, True)
        }
        described: dict[str, Any] = _without_nan(asdict(self) | means)
        return described


def evaluate_parser(
    parser: FaceParser,
    faces: ParsingFaces,
    size_px: int = 512,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    merge_sides: bool = False,
) -> ParserScores:
    """How right a parser is on faces that are aligned already, compared at `size_px`.

    Raises:
        ScoreError: there are no faces.
        DataError: a picture or mask cannot be read.
    """
    if not len(faces):
        raise ScoreError(f"There are no {faces.split} faces to score a parser on.")
    times_s: list[float] = []
    answers = _pairs(parser, faces, size_px, on_progress, times_s)
    protocol = ScoreProtocol(faces.split, len(faces), size_px, merge_sides, BOUNDARY_TOLERANCE)
    parts, right = score_masks(answers, merge_sides)
    ms_per_face = 1000 * float(np.median(times_s))
    return ParserScores(parser.name, parser.file.name, sha256_of(parser.file), protocol, parts, right, ms_per_face)


def score_masks(pairs: Iterable[tuple[Mask, Mask]], merge_sides: bool = False) -> tuple[tuple[PartScore, ...], float]:
    """The score of each class over pairs of truth and answer, (H, W) uint8, and the share of pixels that are right."""
    table, names = merged_sides() if merge_sides else (np.arange(256, dtype=np.uint8), PARTS)
    pooled = np.zeros((len(names), len(names)), dtype=np.int64)
    by_face: list[np.ndarray] = []
    contours: list[np.ndarray] = []
    having = np.zeros(len(names), dtype=np.int64)
    for truth, answer in pairs:
        truth, answer = table[truth], table[answer]
        counts = count_pixels(truth, answer, len(names))
        pooled += counts
        having += counts.sum(axis=1) > 0
        by_face.append(f1(counts))
        contours.append(boundary_f1(truth, answer, len(names)))
    shares = pooled.sum(axis=1) / max(1, pooled.sum())
    overlap, dice, by_face_mean, contour_mean = iou(pooled), f1(pooled), _mean_of_known(by_face), _mean_of_known(contours)
    parts = tuple(
        PartScore(
            name=name,
            iou=float(overlap[index]),
            f1=float(dice[index]),
            face_f1=float(by_face_mean[index]),
            boundary_f1=float(contour_mean[index]),
            faces=int(having[index]),
            share=float(shares[index]),
        )
        for index, name in enumerate(names)
    )
    return parts, accuracy(pooled)


def _pairs(
    parser: FaceParser,
    faces: ParsingFaces,
    size_px: int,
    on_progress: Callable[[int, int], None] | None,
    times_s: list[float],
) -> Iterable[tuple[Mask, Mask]]:
    """Truth and answer of each face; the time that a face of each batch took is appended to `times_s`."""
    for start in range(0, len(faces), BATCH):
        read = [faces.read(index) for index in range(start, min(start + BATCH, len(faces)))]
        crops = [_at_size(picture, size_px) for picture, _ in read]
        began = time.perf_counter()
        answers = parser.parse_crops(crops)
        times_s.append((time.perf_counter() - began) / len(crops))
        for number, ((_, truth), answer) in enumerate(zip(read, answers, strict=True), start=start + 1):
            yield _at_size(truth, size_px), answer
            if on_progress is not None:
                on_progress(number, len(faces))


def _at_size(values: Picture | Mask, size_px: int) -> np.ndarray:
    """A picture resampled smoothly, or a mask by its nearest pixels, as a square of `size_px`."""
    if values.shape[:2] == (size_px, size_px):
        return values
    how = Image.Resampling.BILINEAR if values.ndim == 3 else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(values).resize((size_px, size_px), how), dtype=np.uint8)


def _mean_of_known(rows: list[np.ndarray]) -> np.ndarray:
    stacked = np.array(rows)
    known = ~np.isnan(stacked)
    sums, counts = np.where(known, stacked, 0).sum(axis=0), known.sum(axis=0)
    return np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
