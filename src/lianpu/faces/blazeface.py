"""BlazeFace by MediaPipe: two small detectors under Apache-2.0, and the search of a picture at all its scales with one of them.

Bazarevsky et al. 2019, BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs, arXiv:1907.05047. Anchors, decoding, thresholds
and the weighted non-maximum suppression follow MediaPipe's graphs `face_detection_short_range` and `face_detection_full_range`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lianpu.faces.detection import sureness, turned_back
from lianpu.faces.onnx_networks import BLAZEFACE, is_strip, open_network
from lianpu.faces.results import TURNS, Face, Points
from lianpu.imaging.geometry import scale_between, scale_box, scale_points, scaled_size, scaling, warp
from lianpu.imaging.picture import Picture, check_picture

SHORT_RANGE_PX = 128
"""Side of the input of the short-range network, which is fixed; that of the full-range one is open."""

MIN_SCORE = 0.6
"""MediaPipe's least score of the full-range network; here that of all findings of a face together (`combined`)."""

_SHORT_MIN_SCORE = 0.5

_CANDIDATE_SCORE = 0.3
"""Findings from this score on support one another: a face that two scales find at 0.45 each is one, a hand that one finds is none."""

_SAME_FACE_IOU = 0.3

_STEP_PX = 32
"""A picture is padded to a multiple of the network's largest stride."""

SCALES_PX = (80, 192, 384, 768, 1536, 3072)
"""Longer sides of the copies that are searched. The first, within a border, is for a face that fills the picture."""

_ENLARGED_PX = 1152
"""The finest copy of a picture that is smaller than that, where small faces are found."""

_LARGE, _FILLS = 0.45, 0.65
"""Width of a face that this copy may find, and from which on it needs no high score, as shares of that side: the other copies find
smaller ones, and this one also hands and dogs (up to 0.81)."""

_CLEAR_SCORE = 0.85

_FEWEST_SCALES = 3

_SMALLEST_PX = 10
"""What is narrower in a copy is left to a finer one: below, boxes are guesses."""

_SURE_PX = 56
"""Where the smallest face of a copy is as wide, no finer copy is searched: the network finds faces from 12 px, a quarter of it."""

_SMALL_PX = 40
"""Where the smallest face of a copy is smaller, a small picture is enlarged once more."""

_ENLARGED = 1.3
"""Only then is a picture enlarged more than this many times; and never more than `_MOST_ENLARGED` times."""

_MOST_ENLARGED = 2.0

_TILE_PX = 1536

_TILE_OVERLAP_PX = 160
"""Wider than a face that only this scale finds."""

_DOUBTFUL_SCORE = 0.95
"""A face with a lower score may lie on its side or upside down: it is looked at turned, too."""

_MOST_DOUBTFUL = 8

_LOOK_PX, _LOOK_FACE_PX = 192, 75
"""Side of the crop in which a doubtful face is looked at, and width of the face in it."""

_TURNED_BY = 0.15
"""A face is taken to be turned when it is this much surer (`detection.sureness`) in the turned crop."""

_MOUTH_HALF_WIDTH = 0.389
"""Half the width of a closed mouth in eye distances: of MediaPipe's canonical face (canonical_face_model.obj, Apache-2.0), whose corner 291
lies 2.456 beside the middle and whose eyes (`mesh.five_points`) 3.160."""


@dataclass(frozen=True, eq=False)
class Findings:
    """What the network found in one picture, before or after suppression.

    Args:
        boxes: (N, 4) float64: left, top, right, bottom in pixels of the picture; 0 is the centre of the first pixel.
        keys: (N, 6, 2): the eye on the picture's left, the other eye, tip of the nose, middle of the mouth, the ear (tragion) on the
            left, and on the right.
        scores: (N,), 0 to 1.
    """

    boxes: np.ndarray
    keys: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    def of(self, rows: np.ndarray | Sequence[int]) -> Findings:
        """Some of them."""
        return Findings(self.boxes[rows], self.keys[rows], self.scores[rows])

    def mapped(self, by: tuple[float, float], left: float = 0.0, top: float = 0.0) -> Findings:
        """The findings of a part of a copy in the picture itself: shifted by (left, top), then scaled by `by`."""
        shift = (left, top)
        boxes = scale_points(self.boxes.reshape(-1, 2) + shift, by).reshape(-1, 4)
        return Findings(boxes, scale_points(self.keys + shift, by), self.scores)


@lru_cache(maxsize=32)
def anchors(height: int, width: int, strides: tuple[int, ...], per_layer: int) -> np.ndarray:
    """The centres of MediaPipe's SSD anchors of a fixed size, (N, 2), x then y in pixels from the picture's left and top edge.

    Layers that follow one another with the same stride share their cells: each cell has all their anchors, one after the other.

    Args:
        height: of the network's input.
        width: likewise.
        strides: of each layer.
        per_layer: anchors of a cell for each layer: 1, or 2 with `interpolated_scale_aspect_ratio: 1`.
    """
    parts = []
    for stride in dict.fromkeys(strides):
        rows, columns = -(-height // stride), -(-width // stride)
        y, x = np.mgrid[:rows, :columns]
        centres = np.stack([x.ravel() + 0.5, y.ravel() + 0.5], axis=1) * stride
        parts.append(np.repeat(centres, per_layer * strides.count(stride), axis=0))
    return np.concatenate(parts)


class BlazeFace:
    """One of the two networks: faces of a picture at the size that it has.

    Args:
        file: the converted ONNX file (`models.store.conversion.require_onnx`): the short-range one, or the full-range one, whose
            input takes any multiple of 32 px.
        threads: threads for one operation; None takes as many as there are cores.

    Raises:
        ModelError: the file is missing, broken, or another kind of network.
    """

    def __init__(self, file: Path | str, threads: int | None = None) -> None:
        self._session = open_network(file, BLAZEFACE, threads)
        height = self._session.get_inputs()[0].shape[2]
        self.is_short_range = height == SHORT_RANGE_PX
        self._strides: tuple[int, ...] = (8, 16, 16, 16) if self.is_short_range else (4,)
        self._per_layer = 2 if self.is_short_range else 1

    def search(self, picture: Picture, least: float) -> Findings:
        """The faces of a picture (H, W, 3), each once, surest first: what scores `least` or more, merged as MediaPipe merges.

        The picture is at most as large as the input of the short-range network; a smaller one is padded at its right and bottom.
        """
        height, width = picture.shape[:2]
        side = (
            (SHORT_RANGE_PX,) * 2
            if self.is_short_range
            else (-(-height // _STEP_PX) * _STEP_PX, -(-width // _STEP_PX) * _STEP_PX)
        )
        canvas = np.zeros((*side, 3), dtype=np.uint8)
        canvas[:height, :width] = picture
        batch = cv2.dnn.blobFromImage(canvas, 1 / 127.5, mean=(127.5, 127.5, 127.5))
        boxes, logits = self._session.run(["boxes", "scores"], {"image": batch})
        scores = 1 / (1 + np.exp(-np.clip(logits.reshape(-1).astype(np.float64), -100, 100)))
        rows = np.flatnonzero(scores >= least)
        raw = boxes.reshape(len(scores), 16)[rows].astype(np.float64)
        centres = anchors(*side, self._strides, self._per_layer)[rows] - 0.5
        middle, half = centres + raw[:, :2], raw[:, 2:4] / 2
        found = Findings(
            np.concatenate([middle - half, middle + half], axis=1), centres[:, None] + raw[:, 4:].reshape(-1, 6, 2), scores[rows]
        )
        return suppressed(found.of(np.flatnonzero((half > 0).all(axis=1))))


def suppressed(found: Findings) -> Findings:
    """Each face once, surest first: overlapping findings are averaged, weighted by their scores; the score is the highest."""
    groups = overlapping(found)
    boxes = [np.average(found.boxes[group], axis=0, weights=found.scores[group]) for group in groups]
    keys = [np.average(found.keys[group], axis=0, weights=found.scores[group]) for group in groups]
    scores = [found.scores[group[0]] for group in groups]
    return Findings(np.array(boxes).reshape(-1, 4), np.array(keys).reshape(-1, 6, 2), np.array(scores, dtype=np.float64))


def overlapping(found: Findings) -> tuple[np.ndarray, ...]:
    """The findings in groups, as rows, surest first: each group's surest and all that overlap it and are in no group before."""
    order = np.argsort(-found.scores, kind="stable")
    groups = []
    while len(order):
        same = _overlaps(found.boxes[order[0]], found.boxes[order]) > _SAME_FACE_IOU
        same[0] = True
        groups.append(order[same])
        order = order[~same]
    return tuple(groups)


def _overlaps(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Intersection over union of one box with each of (N, 4)."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    return np.asarray(shared / ((box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) - shared))


def combined(scores: np.ndarray) -> float:
    """The score of a face that several scales find, 0 to 1: what is left when all of them are wrong, were they independent."""
    return float(1 - np.prod(1 - scores))


def five_points(keys: np.ndarray) -> Points:
    """The five points of `Face`, (5, 2), from BlazeFace's six (6, 2).

    It has the middle of the mouth and not its corners: these are put beside it, parallel to the eyes, as far apart as in MediaPipe's canonical face.
    On a turned head they are a guess; the mesh reads the real ones.
    """
    eyes, mouth = keys[:2], keys[3]
    half = _MOUTH_HALF_WIDTH * (eyes[1] - eyes[0])
    return np.stack([eyes[0], eyes[1], keys[2], mouth - half, mouth + half]).astype(np.float32)


class ShortRangeDetector:
    """Faces of at least about 30 % of the picture's height, as before a camera: the whole picture in one 128 px search (1 ms).

    Args:
        file: the converted short-range network.
        threads: threads for one operation; None takes as many as there are cores.

    Raises:
        ModelError: the file is missing, broken, or another kind of network.
    """

    name = "blazeface-short"
    second_search_score = 0.6
    multiscale = False

    def __init__(self, file: Path | str, threads: int | None = None) -> None:
        self._network = BlazeFace(file, threads)

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        """The faces of a picture (H, W, 3) uint8 RGB that stand about upright, surest first."""
        if is_strip(check_picture(picture)):
            return ()
        small = _resized(picture, SHORT_RANGE_PX)
        found = self._network.search(small, _SHORT_MIN_SCORE).mapped(scale_between(small, picture))
        return tuple(_face(found, row, float(found.scores[row]), self.name) for row in range(len(found)))


class FullRangeDetector:
    """Faces of all sizes, from 12 px on: the full-range network at all scales of the picture (`SCALES_PX`), large ones in tiles.

    The network is convolutional throughout, so a copy of any size goes through it at once. A face counts as found when one scale scores
    it `min_score`, or several together (`combined`). A face in doubt is looked at again in its own crop, also turned: BlazeFace finds
    many a face that lies on its side, with points the wrong way up.

    Args:
        file: the converted full-range network.
        threads: threads for one operation; None takes as many as there are cores.
        min_score: leave out what is less sure, 0 to 1.

    Raises:
        ModelError: the file is missing, broken, or another kind of network.
    """

    name = "blazeface"
    second_search_score = 0.75
    multiscale = True

    def __init__(self, file: Path | str, threads: int | None = None, *, min_score: float = MIN_SCORE) -> None:
        self._network = BlazeFace(file, threads)
        self._min_score = min_score

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        """The faces of a picture (H, W, 3) uint8 RGB, surest first; `turned` is set where one was found to lie."""
        if is_strip(check_picture(picture)):
            return ()
        found: list[Findings] = []
        faces: list[Face] = []
        longest, searched_px = max(picture.shape[:2]), 0
        for side in _sides(longest):
            smallest_px = min((face.width_px for face in faces), default=0.0) * searched_px / longest
            if _is_enough(len(found), smallest_px, side / longest):
                break
            copy, searched_px = _resized(picture, side), side
            found.append(self._tiles(copy, border=0 if found else side // 2).mapped(scale_between(copy, picture)))
            faces = self._accepted(_joined(found))
        doubtful = sorted((face for face in faces if face.score < _DOUBTFUL_SCORE), key=lambda face: -face.area)[:_MOST_DOUBTFUL]
        return tuple(self._upright(picture, face) if face in doubtful else face for face in faces)

    def _tiles(self, copy: Picture, border: int) -> Findings:
        """The findings in a copy, in its pixels, searched in overlapping tiles where it is large."""
        if border:
            around = np.asarray(cv2.copyMakeBorder(copy, border, border, border, border, cv2.BORDER_CONSTANT), dtype=np.uint8)
            all_found = self._network.search(around, _CANDIDATE_SCORE).mapped((1.0, 1.0), -border, -border)
            share = (all_found.boxes[:, 2] - all_found.boxes[:, 0]) / max(copy.shape[:2])
            clear = (share >= _FILLS) | (all_found.scores >= _CLEAR_SCORE)
            return all_found.of(np.flatnonzero((share >= _LARGE) & clear))
        height, width = copy.shape[:2]
        found = [
            self._network.search(copy[top : top + _TILE_PX, left : left + _TILE_PX], _CANDIDATE_SCORE).mapped(
                (1.0, 1.0), left, top
            )
            for top in _starts(height)
            for left in _starts(width)
        ]
        whole = found[0] if len(found) == 1 else suppressed(_joined(found))
        return whole.of(np.flatnonzero(whole.boxes[:, 2] - whole.boxes[:, 0] >= _SMALLEST_PX))

    def _accepted(self, found: Findings) -> list[Face]:
        """The faces among the findings of all scales: box and points of the surest, the score of all together."""
        scored = [(group[0], combined(found.scores[group])) for group in overlapping(found)]
        return [_face(found, row, score, self.name) for row, score in scored if score >= self._min_score]

    def _upright(self, picture: Picture, face: Face) -> Face:
        """The face, read again from a turned crop where it is surer there by `_TURNED_BY`."""
        left, top, right, bottom = face.box_xyxy
        by = _LOOK_FACE_PX / max(right - left, bottom - top)
        matrix = scaling(by)
        matrix[:, 2] += (_LOOK_PX - 1) / 2 - (matrix[:, :2] @ ((left + right) / 2, (top + bottom) / 2) + matrix[:, 2])
        crop = warp(picture, matrix, (_LOOK_PX, _LOOK_PX))
        looks = [self._middle(np.ascontiguousarray(np.rot90(crop, turn // 90)), turn) for turn in TURNS]
        best = max((look for look in looks if look is not None), key=sureness, default=None)
        plain = 0.0 if looks[0] is None else sureness(looks[0])
        if best is None or not best.turned or sureness(best) < plain + _TURNED_BY:
            return face
        shift = matrix[:, 2] - (by - 1) / 2
        box = scale_box(tuple(np.subtract(best.box_xyxy, (*shift, *shift)).tolist()), 1 / by)
        points = scale_points(best.points - shift, 1 / by).astype(np.float32)
        return replace(best, box_xyxy=box, points=points, score=max(face.score, best.score))

    def _middle(self, crop: Picture, turn: int) -> Face | None:
        """The face in the middle of a crop that was turned, as it lies in the crop before; None when nothing is there."""
        found = self._network.search(crop, _CANDIDATE_SCORE)
        away = np.abs(found.boxes.reshape(-1, 2, 2).mean(axis=1) - (_LOOK_PX - 1) / 2).max(axis=1, initial=0.0)
        near = np.flatnonzero(away < _LOOK_FACE_PX / 3)
        if not len(near):
            return None
        return turned_back(_face(found, near[0], float(found.scores[near[0]]), self.name), turn, _LOOK_PX, _LOOK_PX)


def _sides(longest_px: int) -> tuple[int, ...]:
    """The longer sides of the copies of a picture, smallest first."""
    kept = [side for number, side in enumerate(SCALES_PX) if number < 2 or side <= _ENLARGED * longest_px]
    enlarged = [side for side in (*SCALES_PX[2:4], _ENLARGED_PX) if kept[-1] < side <= _MOST_ENLARGED * longest_px]
    return (*kept, *enlarged)


def _is_enough(searched: int, smallest_px: float, next_scale: float) -> bool:
    """Whether no finer copy need be searched.

    Args:
        searched: how many copies were.
        smallest_px: width of the smallest face in the last of them; 0 for none.
        next_scale: of the next copy, in sides of the picture.
    """
    if searched < 2:
        return False
    if next_scale > (1.0 if searched > _FEWEST_SCALES else _ENLARGED) and not 0 < smallest_px < _SMALL_PX:
        return True
    return searched >= _FEWEST_SCALES and smallest_px >= _SURE_PX


def _resized(picture: Picture, longest_px: int) -> Picture:
    while max(picture.shape[:2]) >= 4 * longest_px and min(picture.shape[:2]) > 1:  # a fifth of the time
        high, wide = picture.shape[0] // 2, picture.shape[1] // 2
        half = cv2.resize(picture[: 2 * high, : 2 * wide], (wide, high), interpolation=cv2.INTER_AREA)
        picture = np.asarray(half, dtype=np.uint8)
    by = longest_px / max(picture.shape[:2])
    how = cv2.INTER_AREA if by < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, scaled_size(picture, by), interpolation=how), dtype=np.uint8)


def _starts(length: int) -> tuple[int, ...]:
    """Where the tiles of one side begin: as few as overlap by `_TILE_OVERLAP_PX`, evenly spread."""
    count = max(1, math.ceil((length - _TILE_OVERLAP_PX) / (_TILE_PX - _TILE_OVERLAP_PX)))
    return tuple(round(index * (length - _TILE_PX) / (count - 1)) for index in range(count)) if count > 1 else (0,)


def _joined(found: Sequence[Findings]) -> Findings:
    parts: Any = zip(*((one.boxes, one.keys, one.scores) for one in found), strict=True)
    return Findings(*(np.concatenate(arrays) for arrays in parts))


def _face(found: Findings, row: int, score: float, name: str) -> Face:
    left, top, right, bottom = found.boxes[row].tolist()
    return Face((left, top, right, bottom), score, five_points(found.keys[row]), name)
