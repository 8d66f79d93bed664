"""Parts of a face in a live picture: probabilities that are some frames old, moved with the mesh and averaged over time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np

from lianpu.face_parsing.runtime import ALIGNMENT
from lianpu.face_parsing.shares import SharesParser
from lianpu.faces.alignment import TEMPLATES, alignment_matrix
from lianpu.faces.live import HairColor, Share, around_matrix
from lianpu.faces.mesh import REGIONS
from lianpu.imaging.geometry import (
    Matrix,
    compose,
    enlarge,
    inverse,
    map_points,
    quick_warp,
    scale_points,
    scaling,
    similarity,
    warp_values,
)
from lianpu.imaging.picture import Picture
from lianpu.part_names import PARTS, part_index
from lianpu.video.tracking.motion import GreyFrame

CONTROL = tuple(
    dict.fromkeys(
        (
            *REGIONS["face_oval"][::2],
            *(point for name in ("right_eye", "left_eye", "right_brow", "left_brow") for point in REGIONS[name][::3]),
            *(1, 4, 5, 6, 168, 195, 61, 291, 0, 17, 13, 14, 205, 425, 50, 280, 9, 151, 8),
        )
    )
)
"""Points of the mesh that carry the parts along."""

_GRID = 9

AROUND_PX = 192
"""Side of the wider crops that hair beyond the faces' own is parsed at."""

_REACH = 0.12
"""How far a point of the mesh carries what is around it, as a share of the crop's side (standard deviation)."""

_STILL_PX = 0.6
"""Parts are not warped before a point has gone this far in the crop, in pixels of the shares: every warp blurs them a little."""

_ALIGNED = 0.02
"""The crop is aligned anew where its corners lie farther than this share of its side from where the five points want them."""

_TURNED_PX, _TURNED_FAR_PX = 1.0, 2.5
"""How far points of the mesh have gone in the crop since a parse, in pixels of the shares, from which on the next one comes sooner, and as
soon as it may."""

_RELIT, _RELIT_FAR = 7.0, 16.0
"""The same of the mean change of brightness at and around the face, of 255: another light, a hand, a hat."""

_HURRY, _HURRY_S = 0.8, 0.25
"""While the face turns, the average follows faster, by up to this share of its time constant, and for so many seconds after: what lags would
show more than what flickers."""

_RING = 1.4
"""Beside the mesh's own points, brightness is compared at its oval enlarged so many times: hair, and what comes before it."""

_LIKELY = 64
"""A part that is nowhere likelier than this, of 255, is not there."""

_BLUR_PX = 9

_HAIR = "hair"

_CHANGED_FROM, _CHANGED_TO = 90.0, 180.0
"""Difference of a new parse from the average (blurred, of 255) from which on the average follows faster, and from which on at once."""

_HIDDEN, _SEEN = 0.4, 0.6
"""Share of lips and mouth inside the mesh's lips at which a mouth counts as covered, and as seen."""

_LEAST_MOUTH_PX = 16.0
"""A mouth of fewer pixels says nothing."""

MOUTH_S = 0.15
"""Time constant of `mouth_visible`, in seconds."""


@dataclass(frozen=True, eq=False)
class LiveParts:
    """The parts of one face, in the pixels of its crop.

    Args:
        names: the parts that the parser has seen, in our order, without background.
        shares: (N, s, s) float32, 0 to 255: their probabilities, averaged over the frames so far.
        parsed: likewise, of the parser's last run.
        points: (K, 2) float32: where the mesh's points were in the crop when `shares` was moved last.
        mouth: how much of the mouth is visible, smooth, 0 to 1.
        mouth_parsed: the same as of the parser's last run.
        hair: colour of the hair, averaged.
        hair_seen: the same as it was measured last.
        around: (s, s) float32, 0 to 255: probability of hair in a crop `AROUND` times as wide, averaged; None before it is parsed.
        around_parsed: the same as of the parser's last run.
        matrix: (2, 3), from pixels of the frame to those of the shares: it follows all of `CONTROL` as one, so what lies still on the
            head lies still in the shares.
        age: frames since the parser's last run.
        around_age: the same of `around`.
        gone_px: how far the points went in earlier frames since then.
        brightness: (J,) float32, 0 to 255, at and around the face in the frame of the parser's last run.
        hurry: how much has changed lately, 0 to 1.
    """

    names: tuple[str, ...]
    shares: np.ndarray[Any, np.dtype[np.float32]]
    parsed: np.ndarray[Any, np.dtype[np.float32]]
    points: np.ndarray[Any, np.dtype[np.float32]]
    mouth: float
    mouth_parsed: float
    hair: HairColor | None = None
    hair_seen: HairColor | None = None
    around: np.ndarray[Any, np.dtype[np.float32]] | None = None
    around_parsed: np.ndarray[Any, np.dtype[np.float32]] | None = None
    matrix: Matrix = field(default_factory=lambda: np.eye(2, 3))
    age: int = 0
    around_age: int = 0
    gone_px: float = 0.0
    brightness: np.ndarray[Any, np.dtype[np.float32]] = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    hurry: float = 0.0

    def as_shares(self) -> Mapping[str, Share]:
        """The averaged probabilities by part (s, s) uint8."""
        rounded = cv2.convertScaleAbs(self.shares.reshape(len(self.names), -1)) if self.names else np.zeros((0, 0), np.uint8)
        side = self.shares.shape[-1]
        return {name: share.reshape(side, side) for name, share in zip(self.names, rounded, strict=True)}

    def with_hair(self, seen: HairColor | None, rate: float) -> LiveParts:
        """With the hair's colour moved by `rate`, 0 to 1, towards that of this frame, or, where that is None, towards the last one that was
        measured: a step now and then would show."""
        seen = seen or self.hair_seen
        if seen is None:
            return self
        return replace(self, hair=seen if self.hair is None else self.hair.moved_to(seen, rate), hair_seen=seen)

    def hair_around(self) -> Share | None:
        """`around` as uint8."""
        return None if self.around is None else np.asarray(cv2.convertScaleAbs(self.around), dtype=np.uint8)


def with_hair_around(parts: LiveParts, picture: Picture, parser: SharesParser) -> LiveParts:
    """The parts with the hair that leaves the face's crop parsed in a wider one; the average follows in the next frames.

    Only hair that hangs together with that in the crop counts: other people's would be coloured, too.

    Args:
        parts: of this frame.
        picture: (H, W, 3), the frame.
        parser: gives probabilities; fewer pixels than those of the parts are enough.
    """
    side = parser.side_px
    wide = around_matrix(parts.matrix, parts.shares.shape[-1], side)
    crop = quick_warp(picture, compose(scaling(2.0), wide), (parser.size_px, parser.size_px))
    found = parser.shares(crop)[part_index(_HAIR)]
    near = np.zeros_like(found)
    if _HAIR in parts.names:
        known = cv2.convertScaleAbs(parts.shares[parts.names.index(_HAIR)])
        near = np.asarray(warp_values(known, compose(wide, inverse(parts.matrix)), (side, side), outside=0), dtype=np.uint8)
    _, labels = cv2.connectedComponents((np.maximum(found, near) > 127).astype(np.uint8))
    own = np.isin(labels, np.setdiff1d(np.unique(labels[near > 127]), [0])).astype(np.uint8)
    soft = cv2.dilate(own, np.ones((5, 5), dtype=np.uint8))
    new = (found * soft).astype(np.float32)
    return replace(parts, around=new if parts.around is None else parts.around, around_parsed=new, around_age=0)


def crop_matrix(five: np.ndarray, parser: SharesParser) -> Matrix:
    """The matrix (2, 3) from pixels of the frame to pixels of the shares of a face with these five points (5, 2)."""
    return compose(scaling(0.5), alignment_matrix(five, TEMPLATES[ALIGNMENT], parser.size_px))


def brightness_at(mesh: np.ndarray, grey: GreyFrame) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The brightness (J,) float32, 0 to 255, of a small copy of the frame at points of a face's mesh (K, 2 or more) and around them."""
    oval = mesh[list(REGIONS["face_oval"][::2]), :2]
    points = np.concatenate([mesh[list(CONTROL), :2], oval + (_RING - 1) * (oval - oval.mean(axis=0))])
    x, y = scale_points(points, grey.scale).astype(np.float32).T
    values = cv2.remap(grey.grey, x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values[0], dtype=np.float32)


def change_since_parse(parts: LiveParts, mesh: np.ndarray, brightness: np.ndarray) -> float:
    """How much has changed since the parser ran, 0 to 1: by how far points of the mesh (K, 2 or more) have gone in the crop, and by the
    brightness (J,) at the face; with 1, what the parser saw is stale."""
    control = mesh[list(CONTROL), :2]
    gone_px = parts.gone_px + _far(parts.points - map_points(similarity(control, parts.points), control))
    relit = float(np.abs(brightness - parts.brightness).mean()) if len(parts.brightness) == len(brightness) else _RELIT_FAR
    turned = (gone_px - _TURNED_PX) / (_TURNED_FAR_PX - _TURNED_PX)
    return min(1.0, max(0.0, turned, (relit - _RELIT) / (_RELIT_FAR - _RELIT)))


def update_live_parts(
    before: LiveParts | None,
    picture: Picture,
    mesh: np.ndarray,
    aligned: Matrix,
    parser: SharesParser,
    brightness: np.ndarray,
    *,
    change: float,
    parse: bool,
    seconds: float,
    time_constant_s: float,
) -> LiveParts:
    """The parts of a face in the next frame.

    In every frame, parsed or not, the average moves towards the parser's last result by 1 - exp(-seconds / time_constant_s); where the
    parser sees something else over more than an edge (a hand before the face), by up to all of it at once. While the face turns, the time
    constant is shorter.

    Args:
        before: of the frame before; None for a new face, which is parsed.
        picture: (H, W, 3), the frame.
        mesh: (K, 2 or 3) points of the face's mesh in the frame, smoothed.
        aligned: of `crop_matrix`.
        parser: gives probabilities.
        brightness: of `brightness_at`.
        change: of `change_since_parse`, before this frame.
        parse: whether the parser runs in this frame.
        seconds: since the frame before.
        time_constant_s: of the average; 0 takes every result as it is.
    """
    control = mesh[list(CONTROL), :2]
    hurry = 0.0
    if before is not None:
        hurry = max(before.hurry * math.exp(-seconds / _HURRY_S), change)
    moved = None if before is None else _moved_with(before, control)
    if moved is None or parse:
        matrix = aligned
        if moved is not None:
            moved = _aligned_anew(moved, aligned, control)
            matrix = moved.matrix
        crop = quick_warp(picture, compose(scaling(2.0), matrix), (parser.size_px, parser.size_px))
        moved = _with_parse(moved, parser.shares(crop), matrix, mesh)
        moved = replace(moved, age=0, gone_px=0.0, brightness=brightness)
    if before is None:
        return moved
    time_constant_s *= 1 - _HURRY * hurry
    rate = 1 - math.exp(-seconds / time_constant_s) if time_constant_s > 0 else 1.0
    shares = _towards(moved.shares, moved.parsed, rate)
    mouth = moved.mouth + (1 - math.exp(-seconds / MOUTH_S)) * (moved.mouth_parsed - moved.mouth)
    around = moved.around
    if around is not None and moved.around_parsed is not None:
        around = _towards(around, moved.around_parsed, rate)
    return replace(moved, shares=shares, mouth=mouth, around=around, hurry=hurry)


def _towards(average: np.ndarray, new: np.ndarray, rate: float) -> np.ndarray:
    """The average (..., s) moved towards `new` by `rate`, in one pass."""
    if not average.size:
        return average
    flat = (average.reshape(-1, average.shape[-1]), new.reshape(-1, new.shape[-1]))
    return np.asarray(cv2.addWeighted(flat[0], 1 - rate, flat[1], rate, 0.0), dtype=np.float32).reshape(average.shape)


def mouth_visible(shares: np.ndarray, lips: np.ndarray) -> float | None:
    """How much of a mouth is visible, 0 to 1, by the parser's probabilities (19, s, s) inside the outline (K, 2) of the mesh's lips; the
    mesh itself is sure of the lips under a surgical mask, too. None for a mouth too small to tell."""
    inside = np.zeros(shares.shape[1:], dtype=np.uint8)
    cv2.fillPoly(inside, [np.rint(lips * 16).astype(np.int32)], 1, lineType=cv2.LINE_8, shift=4)
    area = float(inside.sum())
    if area < _LEAST_MOUTH_PX:
        return None
    seen = sum(float(shares[part_index(name)][inside > 0].sum()) for name in ("u_lip", "l_lip", "mouth")) / (255 * area)
    return float(np.clip((seen - _HIDDEN) / (_SEEN - _HIDDEN), 0, 1))


def _with_parse(moved: LiveParts | None, found: np.ndarray, matrix: Matrix, mesh: np.ndarray) -> LiveParts:
    """The parts with a new result of the parser (19, s, s) uint8; the average follows at once where it sees something else."""
    names = tuple(
        name
        for number, name in enumerate(PARTS)
        if number and (found[number].max() >= _LIKELY or (moved is not None and name in moved.names))
    )
    parsed = found[[part_index(name) for name in names]].astype(np.float32)
    mouth = mouth_visible(found, map_points(matrix, mesh[list(REGIONS["lips_outer"]), :2]))
    if moved is None:
        seen = 1.0 if mouth is None else mouth
        return LiveParts(names, parsed, parsed, map_points(matrix, mesh[list(CONTROL), :2]), seen, seen, matrix=matrix)
    known = np.zeros_like(parsed)
    known[[names.index(name) for name in moved.names]] = moved.shares
    change = np.abs(parsed - known).sum(axis=0) / 2
    blurred = cv2.blur(change, (_BLUR_PX, _BLUR_PX))
    changed = np.clip((blurred - _CHANGED_FROM) / (_CHANGED_TO - _CHANGED_FROM), 0, 1)
    known += changed * (parsed - known)
    return replace(moved, names=names, shares=known, parsed=parsed, mouth_parsed=moved.mouth_parsed if mouth is None else mouth)


def _moved_with(parts: LiveParts, control: np.ndarray) -> LiveParts:
    """The parts in a frame in which `CONTROL` is at these points (K, 2): all move as one, which costs no sharpness; where the face itself
    has changed its shape, they are warped along a coarse, smooth flow."""
    matrix = similarity(control, parts.points)
    points = map_points(matrix, control)
    offset = parts.points - points
    onward = replace(parts, matrix=matrix, age=parts.age + 1, around_age=parts.around_age + 1)
    if not len(parts.names) or _far(offset) < _STILL_PX:
        return onward
    side = parts.shares.shape[-1]
    at = ((np.arange(_GRID) + 0.5) * side / _GRID - 0.5).astype(np.float32)
    across = np.exp(-(((at[:, None] - points[:, 0]) / (_REACH * side)) ** 2) / 2)
    down = np.exp(-(((at[:, None] - points[:, 1]) / (_REACH * side)) ** 2) / 2)
    weights = down[:, None, :] * across[None, :, :]
    flow = (weights @ offset / (weights.sum(axis=2, keepdims=True) + 0.3)).astype(np.float32)
    flow = enlarge(flow, (side, side))
    steps = np.arange(side, dtype=np.float32)
    x, y = flow[:, :, 0] + steps, flow[:, :, 1] + steps[:, None]
    shares, parsed = (
        np.array([cv2.remap(share, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for share in each], dtype=np.float32)
        for each in (parts.shares, parts.parsed)
    )
    return replace(onward, shares=shares, parsed=parsed, points=points, gone_px=parts.gone_px + _far(offset))


def _far(offset: np.ndarray) -> float:
    """The largest of offsets (K, 2), in either direction."""
    return float(np.abs(offset).max())


def _aligned_anew(parts: LiveParts, aligned: Matrix, control: np.ndarray) -> LiveParts:
    """The parts in the crop that the five points want, if theirs has drifted from it; else as they are: a crop that lies still on the head
    gives a parse that lies still."""
    side = parts.shares.shape[-1]
    corners = np.array([(0, 0), (side, 0), (0, side), (side, side)])
    anew = compose(aligned, inverse(parts.matrix))
    if np.linalg.norm(map_points(anew, corners) - corners, axis=1).max() <= _ALIGNED * side:
        return parts

    def warped(values: np.ndarray, matrix: Matrix) -> np.ndarray:
        return warp_values(values, matrix, (values.shape[1], values.shape[0]))

    shares, parsed = (
        np.array([warped(share, anew) for share in each], dtype=np.float32).reshape(each.shape)
        for each in (parts.shares, parts.parsed)
    )
    around, around_parsed = parts.around, parts.around_parsed
    if around is not None and around_parsed is not None:
        wide = len(around)
        wider = compose(around_matrix(aligned, side, wide), inverse(around_matrix(parts.matrix, side, wide)))
        around, around_parsed = warped(around, wider), warped(around_parsed, wider)
    return replace(
        parts,
        shares=shares,
        parsed=parsed,
        points=map_points(aligned, control),
        around=around,
        around_parsed=around_parsed,
        matrix=aligned,
    )
