"""The mesh of a face beside the canonical one: the head's placement, smooth maps between both, and a warp that never folds.

The canonical frame has `FRAME` units a side, as a face's crop of 512 px; maps over it have `MAP_PX` pixels a side, with pixel centres as
in `imaging.geometry`. Only the first 468 points of a mesh count: those of the surface, without the irises.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from lianpu.faces.mesh import REGIONS
from lianpu.imaging.compositing import Field
from lianpu.imaging.geometry import enlarge
from lianpu.imaging.masks import smoothstep

Coordinates = np.ndarray[Any, np.dtype[np.float64]]
"""Points (K, 2) or (K, 3)."""

FRAME = 512
MAP_PX = 96
SURFACE = 468

OVAL = REGIONS["face_oval"]

_CONTROLS = 150
"""Points of the mesh that carry the smooth maps."""

_FACING = 0.15
"""A point of the surface is seen where the cosine of its normal and our line of sight is above this."""

_BESIDE, _FAR = 1.5, 2.1
"""Where the outline, pushed outwards from its middle, anchors the maps and ends the warp."""

_STEEPEST = 0.75
"""Largest gradient of a warp: below 1 it never folds."""


@dataclass(frozen=True, eq=False)
class Placement:
    """A head's place in a picture: point = scale x rotation x canonical + shift, z included."""

    scale: float
    rotation: Coordinates
    shift: Coordinates

    def into_frame(self, points: Coordinates) -> Coordinates:
        """Points (K, 3) of the picture in the canonical frame."""
        return np.asarray((points - self.shift) @ self.rotation / self.scale)

    def turned(self, vectors: Coordinates) -> Coordinates:
        """Vectors (K, 3) of the canonical frame in the picture."""
        return np.asarray(self.scale * vectors @ self.rotation.T)

    @property
    def yaw(self) -> float:
        """Degrees that the head is turned to a side, without sign."""
        return float(abs(np.degrees(np.arctan2(self.rotation[2, 0], self.rotation[2, 2]))))

    @property
    def angles(self) -> tuple[float, float]:
        """Yaw and pitch in radians, with signs."""
        turn = self.rotation
        return float(np.arctan2(turn[2, 0], turn[2, 2])), float(np.arctan2(turn[2, 1], turn[2, 2]))


def place(points: Coordinates, canonical: Coordinates) -> Placement:
    """The least-squares placement of the canonical mesh (K, 3) on a mesh (K, 3): Umeyama 1991, in 3-D."""
    middle, own_middle = points.mean(axis=0), canonical.mean(axis=0)
    left, spread, right = np.linalg.svd((points - middle).T @ (canonical - own_middle))
    signs = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = left @ signs @ right
    scale = float((spread * np.diag(signs)).sum() / ((canonical - own_middle) ** 2).sum())
    return Placement(scale, rotation, middle - scale * rotation @ own_middle)


def facing(placement: Placement, normals: Coordinates) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """(K,) bool: which points of the surface look at us, by the canonical mesh's normals (K, 3), whose z is negative towards us."""
    return np.asarray((normals @ placement.rotation.T)[:, 2] < -_FACING)


class ThinPlate:
    """Thin-plate spline through values (K, D) at centres (K, 2), with smoothing (Duchon 1977; Bookstein 1989)."""

    def __init__(self, centres: Coordinates, values: Coordinates, smoothing: float = 0.0) -> None:
        self._unit = float(np.abs(centres - centres.mean(axis=0)).max()) or 1.0
        self._middle = centres.mean(axis=0)
        self._centres = (centres - self._middle) / self._unit
        count = len(centres)
        plane = np.hstack([np.ones((count, 1)), self._centres])
        system = np.zeros((count + 3, count + 3))
        system[:count, :count] = _bend(_squared(self._centres, self._centres)) + smoothing * np.eye(count)
        system[:count, count:], system[count:, :count] = plane, plane.T
        self._weights = np.linalg.solve(system, np.vstack([values, np.zeros((3, values.shape[1]))]))

    def __call__(self, points: Coordinates) -> Coordinates:
        """Values (N, D) at points (N, 2)."""
        at = (points - self._middle) / self._unit
        bend = _bend(_squared(at.astype(np.float32), self._centres.astype(np.float32)))
        flat = np.hstack([np.ones((len(at), 1)), at]) @ self._weights[-3:]
        return np.asarray(bend @ self._weights[:-3].astype(np.float32) + flat)


def _squared(points: Coordinates, others: Coordinates) -> Coordinates:
    return np.asarray(np.maximum((points**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None] - 2 * points @ others.T, 0))


def _bend(squared: np.ndarray) -> np.ndarray:
    return np.asarray(squared * np.log(squared + squared.dtype.type(1e-12)))


def control_points(canonical: Coordinates, mirror: np.ndarray) -> np.ndarray:
    """Indices of `_CONTROLS` points or a few more that lie evenly over the canonical mesh, and their mirror images."""
    return _controls(canonical[:SURFACE, :2].tobytes(), mirror[:SURFACE].tobytes(), mirror.dtype.str)


@lru_cache(maxsize=4)
def _controls(canonical: bytes, mirror: bytes, kind: str) -> np.ndarray:
    flat = np.frombuffer(canonical).reshape(-1, 2)
    chosen = sorted(
        set(OVAL[::2]) | set(REGIONS["lips_outer"][::2]) | set(REGIONS["left_eye"][::3]) | set(REGIONS["left_brow"][::3])
    )
    distance = np.sqrt(_squared(flat, flat[chosen])).min(axis=1)
    while len(chosen) < _CONTROLS * 0.6:
        furthest = int(distance.argmax())
        chosen.append(furthest)
        distance = np.minimum(distance, np.linalg.norm(flat - flat[furthest], axis=1))
    return np.unique(np.concatenate([chosen, np.frombuffer(mirror, dtype=kind)[chosen]]))


def frame_grid(count: int) -> Coordinates:
    """Centres (count², 2) of the pixels of a map over the canonical frame, in its units."""
    steps = (np.arange(count) + 0.5) * (FRAME / count) - 0.5
    x, y = np.meshgrid(steps, steps)
    return np.stack([x.ravel(), y.ravel()], axis=1)


def ring(flat: Coordinates, factor: float) -> Coordinates:
    """The outline (36, 2) of a mesh, pushed away from its middle."""
    outline = flat[list(OVAL)]
    middle = outline.mean(axis=0)
    return np.asarray(middle + (outline - middle) * factor)


def places_in_picture(flat: Coordinates, canonical: Coordinates, controls: np.ndarray) -> Field:
    """(MAP_PX, MAP_PX, 2) float32: where in the picture each pixel of a canonical map lies, by a mesh's points (K, 2)."""
    centres = np.vstack([canonical[controls, :2], ring(canonical[:, :2], _BESIDE)[::2]])
    values = np.vstack([flat[controls], ring(flat, _BESIDE)[::2]])
    count = MAP_PX // 2
    return _finer(ThinPlate(centres, values, 1e-4)(frame_grid(count)).reshape(count, count, 2), (MAP_PX, MAP_PX))


def places_in_frame(flat: Coordinates, canonical: Coordinates, controls: np.ndarray, shape: tuple[int, int]) -> Field:
    """(h, w, 2) float32: the pixel of a canonical map that each pixel of a view (h, w) shows."""
    centres = np.vstack([flat[controls], ring(flat, _BESIDE)[::2]])
    values = np.vstack([canonical[controls, :2], ring(canonical[:, :2], _BESIDE)[::2]])
    high, wide = shape
    rows, columns = max(2, min(40, high)), max(2, min(40, wide))
    y, x = (np.arange(rows) + 0.5) * high / rows - 0.5, (np.arange(columns) + 0.5) * wide / columns - 0.5
    grid = np.stack([a.ravel() for a in np.meshgrid(x, y)], axis=1)
    return _finer(((ThinPlate(centres, values, 1e-4)(grid) + 0.5) * (MAP_PX / FRAME) - 0.5).reshape(rows, columns, 2), shape)


def _finer(places: Coordinates, shape: tuple[int, int]) -> Field:
    """Places (n, m, 2) upsampled to a shape (h, w): their affine part exactly, also at the border, the rest bilinearly."""
    rows, columns = places.shape[:2]

    def plane(high: int, wide: int) -> Coordinates:
        y, x = (np.arange(high) + 0.5) / high, (np.arange(wide) + 0.5) / wide
        return np.stack([np.ones((high, wide)), *np.meshgrid(x, y)], axis=-1)

    coarse = plane(rows, columns).reshape(-1, 3)
    affine = np.linalg.lstsq(coarse, places.reshape(-1, 2), rcond=None)[0]
    rest = (places.reshape(-1, 2) - coarse @ affine).reshape(rows, columns, 2).astype(np.float32)
    return np.asarray(enlarge(rest, shape[::-1]) + (plane(*shape) @ affine), dtype=np.float32)


def at_places(values: np.ndarray, places: Field) -> Field:
    """Values (h, w, ...) sampled bilinearly at places (n, m, 2), x then y; the border goes on."""
    channels = np.ascontiguousarray(values, dtype=np.float32)
    sampled = cv2.remap(channels, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, dtype=np.float32).reshape(*places.shape[:2], *channels.shape[2:])


def backward_flow(
    flat: Coordinates, moved: Coordinates, seen: np.ndarray, shape: tuple[int, int], ends: Field, rigid: Coordinates
) -> Field:
    """(h, w, 2) float32: for each pixel of the result its source's offset, in pixels, where points of a face move.

    Smooth, 0 far from the face and where `ends` is 0, and damped where it is too steep, so that nothing folds.

    Args:
        flat: (K, 2) a mesh's points in a view.
        moved: (K, 2) how far each moves.
        seen: indices of the points that count.
        shape: height and width of the view.
        ends: (h, w), 0 to 1, multiplies the flow.
        rigid: (N, 2) places that stay: those of glasses.
    """
    still = np.vstack([ring(flat, _BESIDE)[::2], ring(flat, _FAR)[::3], rigid])
    centres = np.vstack([flat[seen] + moved[seen], still])
    plate = ThinPlate(centres, np.vstack([-moved[seen], np.zeros_like(still)]), 2e-3)
    high, wide = shape
    rows, columns = max(2, min(56, high)), max(2, min(56, wide))
    y, x = (np.arange(rows) + 0.5) * high / rows - 0.5, (np.arange(columns) + 0.5) * wide / columns - 0.5
    gx, gy = np.meshgrid(x, y)
    flow = plate(np.stack([gx.ravel(), gy.ravel()], axis=1)).reshape(rows, columns, 2).astype(np.float32)
    outer = ring(flat, _FAR)
    middle, reach = outer.mean(axis=0), np.abs(outer - outer.mean(axis=0)).max(axis=0)
    out = np.sqrt(((gx - middle[0]) / max(reach[0], 1)) ** 2 + ((gy - middle[1]) / max(reach[1], 1)) ** 2)
    flow *= (1 - smoothstep(out, 0.75, 1.0))[..., None]
    flow = np.asarray(enlarge(flow, (wide, high)), dtype=np.float32) * ends[..., None]
    steepest = max(
        float(np.add(*(np.abs(np.gradient(flow[..., way], axis=axis)) for way in (0, 1))).max()) if flow.shape[axis] > 1 else 0.0
        for axis in (0, 1)
    )
    return np.asarray(flow * np.float32(min(1.0, _STEEPEST / max(steepest, 1e-6))), dtype=np.float32)
