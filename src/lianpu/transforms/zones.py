"""Places of the canonical face that transforms treat in a way of their own: the outline's fade, beard, cheeks, eyes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lianpu.faces.mesh import REGIONS
from lianpu.imaging.compositing import Field
from lianpu.imaging.masks import smoothstep
from lianpu.transforms.reading import outline_map
from lianpu.transforms.surface import FRAME, MAP_PX, OVAL, Coordinates, frame_grid

_UNIT = FRAME / MAP_PX

_LIDS = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 190, 56, 28, 27, 29, 30, 247),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 414, 286, 258, 257, 259, 260, 467),
)
"""Outlines of the upper lids, of points of MediaPipe's mesh."""

_GROWTH = (
    (90, 282),
    (124, 288),
    (131, 316),
    (140, 342),
    (156, 360),
    (176, 366),
    (194, 356),
    (214, 346),
    (256, 348),
    (256, 500),
    (90, 500),
)
"""Where a beard grows on one half of the face, in the canonical frame: before the ear, below the cheek's line, and from the nose down."""


@dataclass(frozen=True, eq=False)
class Zones:
    """Maps (M, M), 0 to 1, over the canonical frame.

    Args:
        face: the whole face, soft outside of its outline.
        fade: 0 at the outline, 1 from `26` units inside.
        beard: where beards grow, without the lips.
        hairy: where hair is a beard's, and not long hair that falls over the cheeks.
        density: by how much more detail men have there.
        grows: how densely stubble grows: from the sideburns to the jaw, the moustache, the chin, thinning out towards the cheeks.
        cheeks: skin without beard, lids or hair: what a face's own skin is measured on.
        eyes: around the eyes.
        lids: the upper lids, from the lashes to the crease.
        below: from the bridge of the nose down, soft: what a surgical mask covers.
    """

    face: Field
    fade: Field
    beard: Field
    hairy: Field
    density: Field
    grows: Field
    cheeks: Field
    eyes: Field
    lids: Field
    below: Field


def zones_of(canonical: Coordinates, male_energy: Field) -> Zones:
    """The zones of a canonical mesh (K, 3); the beard's density follows the detail that men have more of, `male_energy` (M, M, 4)."""
    grid = frame_grid(MAP_PX).reshape(MAP_PX, MAP_PX, 2)
    x, y = np.abs(grid[..., 0] - (FRAME - 1) / 2), grid[..., 1]
    oval = outline_map(canonical, OVAL)
    inside = np.asarray(cv2.distanceTransform(oval, cv2.DIST_L2, 5), dtype=np.float32) * np.float32(_UNIT)
    lips = cv2.dilate(outline_map(canonical, REGIONS["lips_outer"]), np.ones((3, 3), np.uint8))
    high = canonical[:, 1]
    moustache = (y > high[2] + 3) & (oval > 0)
    jaw = (y > high[234] + 22) & (oval > 0) & (inside < 72) & (x > 72)
    beard = ((moustache | jaw) & (lips == 0)).astype(np.float32)
    reach = np.asarray(cv2.dilate(beard, np.ones((5, 5))) * (lips == 0), dtype=np.float32)
    rough = cv2.GaussianBlur(male_energy[..., :3].mean(axis=-1), (0, 0), 0.8)
    rough = rough / max(float(np.quantile(rough[beard > 0], 0.85)), 1e-3)
    soft = cv2.GaussianBlur(beard, (0, 0), 1.6)
    cheeks = (y > high[195] - 25) & (y < high[2] - 4) & (inside > 40) & (x > 45) | (y < high[9] - 12) & (inside > 25) & (oval > 0)
    chin = (np.abs(grid[..., 0] - (FRAME - 1) / 2) < 62) & (y > high[152] - 24) & (y < high[152] + 26)
    eyes = ((y > high[105] - 8) & (y < high[119] + 16) & (oval > 0)).astype(np.float32)
    density = np.asarray(smoothstep(rough, 0.05, 0.75) * soft, dtype=np.float32)
    return Zones(
        face=_blurred(cv2.dilate(oval, np.ones((3, 3))).astype(np.float32), 2.0),
        fade=smoothstep(inside, 0, 26),
        beard=_blurred(reach, 1.2),
        hairy=np.maximum(_blurred((jaw | (y > high[2])) & (inside > 3), 1.2), _blurred(chin, 1.2)),
        density=density,
        grows=_growth(density, cv2.dilate(oval, np.ones((5, 5), np.uint8)), y, float(high[2])),
        cheeks=cheeks.astype(np.float32),
        eyes=_blurred(eyes, 2.2),
        lids=_blurred(np.maximum(*(outline_map(canonical, lid) for lid in _LIDS)).astype(np.float32), 0.9),
        below=smoothstep(y, float(high[197]) - 14, float(high[195]) + 14),
    )


def _growth(density: Field, face: np.ndarray, y: np.ndarray, nose: float) -> Field:
    """(M, M): soft towards the cheeks, sharper at the moustache; 0.7 of it everywhere, the rest by the learned `density`."""
    half = np.zeros((MAP_PX, MAP_PX), dtype=np.uint8)
    points = (np.array(_GROWTH) + 0.5) / _UNIT - 0.5
    cv2.fillPoly(half, [np.rint(points * 16).astype(np.int32)], 1, shift=4)
    whole = np.maximum(half, half[:, ::-1]).astype(np.float32)
    wide, near = _blurred(whole, 4.5), _blurred(whole, 1.1)
    aside = np.abs(np.arange(MAP_PX, dtype=np.float32) - np.float32((MAP_PX - 1) / 2))[None] * np.float32(_UNIT)
    moustache = smoothstep(y, nose - 12, nose + 6) * (1 - smoothstep(aside, 40, 76))
    soft = smoothstep(wide, 0.12, 1.0)
    soft = soft + moustache * (1.25 * smoothstep(near, 0.2, 0.9) - soft)
    learned = np.float32(0.7) + np.float32(0.3) * _blurred(density, 1.5)
    return np.asarray(soft * learned * _blurred(face, 1.5), dtype=np.float32)


def _blurred(values: np.ndarray, sigma: float) -> Field:
    return np.asarray(cv2.GaussianBlur(values.astype(np.float32), (0, 0), sigma), dtype=np.float32)
