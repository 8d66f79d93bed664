"""Dirt of edited crops: how far patches of them are from those of real faces of the wanted kind, with no detector."""

from __future__ import annotations

import numpy as np

from lianpu.dataset.faces import Faces
from lianpu.errors import ScoreError
from lianpu.faces.alignment import CROP_TEMPLATES, TEMPLATES
from lianpu.faces.mesh import SURE, MeshReader
from lianpu.faces.results import Face
from lianpu.imaging.picture import Picture, resize
from lianpu.metrics.patch_distance import CROP_PX, PatchFeatures
from lianpu.models.store.conversion import require_onnx

MOST_REAL = 60
"""Real faces that a row is compared with, at most: the first ones of the wanted kind."""


class DirtOfCrops:
    """Patches of crops, at the points of the mesh of the face before its edit.

    Raises:
        ScoreError: the data does not say how its faces were cut out.
        WeightsError: the face mesh or the feature network is not on this machine.
    """

    name = f"patch distance, {PatchFeatures.name}"
    resize = f"enlarged to {CROP_PX} px where smaller"

    def __init__(self, alignment: str) -> None:
        if alignment not in CROP_TEMPLATES:
            raise ScoreError(f"The data says '{alignment}' of how its faces were cut out: where the eyes lie is not known.")
        self._template = TEMPLATES[CROP_TEMPLATES[alignment]]
        self._reader = MeshReader(require_onnx("face-mesh"))
        self._features = PatchFeatures()
        self._real: dict[int, np.ndarray | None] = {}
        self._points: dict[int, np.ndarray | None] = {}

    def of_edit(self, row: int, unedited: Picture, edited: Picture) -> np.ndarray | None:
        """(Z, D) of the edit of held-out face `row`; its mesh is read once. None without a mesh."""
        if row not in self._points:
            self._points[row] = self.points(unedited)
        return self.patches(edited, self._points[row])

    def points(self, picture: Picture) -> np.ndarray | None:
        """(K, 2) of the mesh of an unedited crop, in pixels of one of CROP_PX; None where there is no mesh to be sure of."""
        crop = resize(picture, CROP_PX)
        face = Face((0.0, 0.0, CROP_PX, CROP_PX), 1.0, self._template.scaled(CROP_PX).astype(np.float32), "template", 0)
        mesh = self._reader.guess(crop, face)
        return mesh.points[:, :2] if mesh.presence >= SURE else None

    def patches(self, picture: Picture, points: np.ndarray | None) -> np.ndarray | None:
        """(Z, D) of a crop, edited or not, at the points of the unedited one; None without these."""
        return None if points is None else self._features.patches(resize(picture, CROP_PX), points)

    def of_real(self, faces: Faces, rows: np.ndarray) -> list[np.ndarray]:
        """(Z, D) of real faces, at most MOST_REAL; each is read once."""
        found: list[np.ndarray] = []
        for row in map(int, rows):
            if row not in self._real:
                picture = faces.read(row)
                self._real[row] = self.patches(picture, self.points(picture))
            patches = self._real[row]
            found += [patches] if patches is not None else []
            if len(found) == MOST_REAL:
                break
        return found
