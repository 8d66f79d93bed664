"""Live faces without models: made of subjects whose parts and points are known."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator

from lianpu.faces.alignment import TEMPLATES, alignment_matrix
from lianpu.faces.live import LiveFace
from lianpu.faces.mesh import points_68
from lianpu.faces.results import Mesh, Subject
from lianpu.imaging.geometry import compose, scaling, similarity
from lianpu.part_names import PARTS

_CROP = TEMPLATES["celebamask-hq"]


@lru_cache(maxsize=1)
def drawn_mesh() -> Mesh:
    """What MediaPipe's mesh reads in the portrait of `subjects.drawn_photo` (its first one, 384 pixels wide)."""
    return Mesh(np.loadtxt(Path(__file__).with_name("drawn_mesh.txt"), dtype=np.float32), 1.0)


def mesh_of(points: np.ndarray) -> Mesh:
    """The drawn mesh, bent so that its 68 points are these (68, 2); points that lie in one line only move it."""
    drawn = drawn_mesh()
    own, target = points_68(drawn).astype(np.float64), np.asarray(points, dtype=np.float64)
    moved = similarity(own, target)
    depth = drawn.points[:, 2:] * np.sqrt(abs(np.linalg.det(moved[:, :2])))
    if np.linalg.matrix_rank(target - target.mean(axis=0), tol=1.0) < 2:
        return Mesh(np.concatenate([drawn.points[:, :2] @ moved[:, :2].T + moved[:, 2], depth], axis=1), 1.0)
    bent = RBFInterpolator(own, target, kernel="thin_plate_spline", smoothing=1.0)(drawn.points[:, :2].astype(np.float64))
    return Mesh(np.concatenate([bent, depth], axis=1), 1.0)


def live_face(subject: Subject, side_px: int = 128, mouth_visible: float = 1.0, *, parsed: bool = True) -> LiveFace:
    """The live face of a subject: its mesh, or the drawn one at its points, and its parts as shares, where `parsed`."""
    mesh = subject.mesh or mesh_of(subject.landmarks.points)
    to_crop = alignment_matrix(subject.face.points, _CROP, _CROP.width)
    rows, columns = subject.window
    from_window = compose(to_crop, np.array([[1.0, 0.0, columns.start], [0.0, 1.0, rows.start]]))
    shares = {}
    for index, name in enumerate(PARTS):
        one = np.where(subject.parts.mask == index, 255, 0).astype(np.uint8)
        if parsed and index and one.any():
            large = cv2.warpAffine(one, from_window, (_CROP.width, _CROP.width), flags=cv2.INTER_LINEAR)
            shares[name] = np.asarray(cv2.resize(large, (side_px, side_px), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return LiveFace(subject.face, mesh, shares, compose(scaling(side_px / _CROP.width), to_crop), mouth_visible)
