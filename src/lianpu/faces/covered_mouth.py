"""Whether a mouth is covered, by colour: for faces without a parser, because a mesh is sure of the lips under a surgical mask, too."""

from __future__ import annotations

import math

import cv2
import numpy as np

from lianpu.faces.mesh import outline, square_of_mesh
from lianpu.faces.results import Mesh
from lianpu.imaging.geometry import map_points, quick_warp
from lianpu.imaging.picture import Picture

_SIDE_PX = 112

_AROUND = (1.15, 1.55)
"""The ring around the mouth, as multiples of the lips' outline."""

_BARE = ((117, 118, 119, 100, 101, 50), (346, 347, 348, 329, 330, 280), (109, 10, 338, 337, 151, 108), (6, 197, 195, 248, 3))
"""Points of the mesh around skin that masks leave free: under the eyes, on the forehead, on the bridge of the nose."""

_LIKE_AROUND, _LESS_THAN_SKIN = (-3.0, 1.2), -1.5
"""Redness (a of CIE Lab) of a mask where lips would be: as around them, and less than that of the skin. Lips are redder than what is
around them, or, on dark skin, clearly less red."""

_ALIKE, _UNLIKE = 2.5, 7.0
"""Distances (a, b of CIE Lab): lips and what is around them are of one colour, and that colour is not the skin's."""

_LEAST_PX = 4


def mouth_is_covered(picture: Picture, mesh: Mesh) -> bool:
    """Whether something else is where the mesh of a face has its lips: a mask, a hand with a cup.

    Lips differ from the skin around them by being redder; a mask does not, and it has another colour than the skin above it. True for 11
    of 11 faces with masks, of every pattern, and for 11 of 611 without, most of them cut off, tiny or painted; never in a grey picture.

    Args:
        picture: (H, W, 3) uint8 RGB.
        mesh: of a face in it.
    """
    matrix = square_of_mesh(mesh.points).matrix(_SIDE_PX)
    crop = quick_warp(picture, matrix, (_SIDE_PX, _SIDE_PX))
    tone = cv2.cvtColor(crop.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2Lab)[:, :, 1:]

    def region(*polygons: np.ndarray) -> np.ndarray:
        filled = np.zeros((_SIDE_PX, _SIDE_PX), dtype=np.uint8)
        for polygon in polygons:
            cv2.fillPoly(filled, [np.rint(map_points(matrix, polygon) * 16).astype(np.int32)], 1, shift=4)
        return filled > 0

    lips, inside = outline(mesh, "lips_outer"), outline(mesh, "lips_inner")
    middle = lips.mean(axis=0)
    near, far = (region(middle + by * (lips - middle)) for by in _AROUND)
    own = tone[region(lips) & ~region(inside)]
    around = tone[far & ~near & region(outline(mesh, "face_oval"))]
    skin = tone[region(*(mesh.points[list(points), :2] for points in _BARE))]
    if min(len(own), len(around), len(skin)) < _LEAST_PX:
        return False
    of_lips, of_ring, of_skin = (np.median(values, axis=0) for values in (own, around, skin))
    less_red = _LIKE_AROUND[0] <= of_lips[0] - of_ring[0] <= _LIKE_AROUND[1] and of_lips[0] - of_skin[0] <= _LESS_THAN_SKIN
    one_piece = math.dist(of_lips, of_ring) <= _ALIKE and math.dist(of_ring, of_skin) >= _UNLIKE
    return bool(less_red or one_piece)
