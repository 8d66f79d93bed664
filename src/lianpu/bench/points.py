"""How far points of faces lie from masks drawn by people: centres of the eyes and of the mouth, in per cent of the eye distance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lianpu.faces.analyzer import LandmarkReader
from lianpu.faces.detection import Detector, find_faces
from lianpu.faces.mesh import MeshReader, outline
from lianpu.imaging.picture import Picture
from lianpu.part_names import part_index

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.face_parsing.data.masks import ParsingFaces
    from lianpu.faces.results import Face

_PLACES: Mapping[str, tuple[tuple[str, ...], slice]] = {
    "right_eye": (("r_eye",), slice(36, 42)),
    "left_eye": (("l_eye",), slice(42, 48)),
    "lips_outer": (("mouth", "u_lip", "l_lip"), slice(48, 60)),
}
"""Region of a mesh: parts of a mask that it covers, and iBUG's points around it."""

_LEAST_PX = 30
"""A part of fewer pixels is hidden, more or less: its centre says little."""


@dataclass(frozen=True)
class PointErrors:
    """Distances of one reader over a set, in per cent of the distance of the eyes' masks.

    Args:
        reader: what read the points.
        faces: how many faces were compared.
        missed: in how many pictures no face was found.
        eyes: distance of each eye's centre.
        mouth: distance of each mouth's centre.
    """

    reader: str
    faces: int
    missed: int
    eyes: tuple[float, ...]
    mouth: tuple[float, ...]


def point_errors(
    faces: ParsingFaces,
    readers: Mapping[str, LandmarkReader],
    detector: Detector,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[PointErrors, ...]:
    """The distances of every reader's points in the largest face of each picture. A centre is that of all pixels of a part, and of all
    pixels inside the outline of the points around it."""
    eyes: dict[str, list[float]] = {name: [] for name in readers}
    mouth: dict[str, list[float]] = {name: [] for name in readers}
    compared = missed = 0
    for index in range(len(faces)):
        picture, mask = faces.read(index)
        found = find_faces(picture, detector)
        truth = {place: _centre(np.isin(mask, [part_index(name) for name in parts])) for place, (parts, _) in _PLACES.items()}
        right, left = truth["right_eye"], truth["left_eye"]
        if on_progress:
            on_progress(index + 1, len(faces))
        if not found:
            missed += 1
            continue
        if right is None or left is None:
            continue
        compared += 1
        unit = float(np.linalg.norm(right - left)) / 100
        for name, reader in readers.items():
            for place, points in _outlines(reader, picture, found[0]).items():
                there, read = truth[place], _centre(_filled(points, mask.shape))
                if there is not None and read is not None:
                    (mouth if place == "lips_outer" else eyes)[name].append(float(np.linalg.norm(there - read)) / unit)
    return tuple(PointErrors(name, compared, missed, tuple(eyes[name]), tuple(mouth[name])) for name in readers)


def points_table(errors: Sequence[PointErrors], title: str) -> Table:
    """Medians and 95th percentiles as they are printed."""
    from rich.table import Table

    table = Table(
        title=title, caption="Distance of centres to the masks', per cent of the eye distance: median (95th percentile)."
    )
    for heading in ("points", "faces", "not found", "eyes", "mouth"):
        table.add_column(heading, justify="left" if heading == "points" else "right")
    for row in errors:
        table.add_row(row.reader, str(row.faces), str(row.missed), _in_words(row.eyes), _in_words(row.mouth))
    return table


def _in_words(values: Sequence[float]) -> str:
    return f"{np.median(values):.2f} ({np.percentile(values, 95):.2f})" if values else "-"


def _outlines(reader: LandmarkReader, picture: Picture, face: Face) -> dict[str, np.ndarray]:
    """The points (K, 2) around eyes and lips."""
    if isinstance(reader, MeshReader):
        points, mesh = reader.read(picture, face)
        if mesh is not None:
            return {place: outline(mesh, place) for place in _PLACES}
    else:
        points = reader.of_face(picture, face)
    return {place: points[around] for place, (_, around) in _PLACES.items()}


def _filled(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    filled = np.zeros(shape, dtype=np.uint8)
    cv2.fillPoly(filled, [np.rint(points * 16).astype(np.int32)], 1, shift=4)
    return filled > 0


def _centre(where: np.ndarray) -> np.ndarray | None:
    """The mean position (x, y) of the true pixels; None for too few."""
    y, x = np.nonzero(where)
    return np.array([x.mean(), y.mean()]) if len(x) >= _LEAST_PX else None
