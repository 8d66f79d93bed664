"""Temporal parsing: a face's parts, averaged from frame to frame along the optical flow, so that their edges do not flicker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from lianpu.face_parsing.runtime import FaceParser, Masks
from lianpu.imaging.picture import Picture
from lianpu.part_names import PARTS
from lianpu.video.tracking.motion import Grey, crop_flow

_SIDE_PX = 192

_CHANGED_FROM, _CHANGED_TO = 12.0, 40.0


@dataclass(frozen=True, eq=False)
class PartState:
    """A face's parts in its upright crop, averaged over the frames so far.

    Args:
        shares: (19, s, s) float32: the weight of each part at each pixel, 0 to 1; they sum to 1.
        parsed: (19, s, s) float32: the parser's last result, warped to the last frame.
        grey: (s, s) uint8, the crop of the last frame.
    """

    shares: np.ndarray
    parsed: np.ndarray
    grey: Grey


def update_parts(
    state: PartState | None, crop: Picture, mask: np.ndarray | None, seconds: float, time_constant_s: float
) -> PartState:
    """The state after another frame.

    In every frame, parsed or not, `shares` moves towards the parser's last result by 1 - exp(-seconds / time_constant_s): an update in
    parsed frames alone would show as steps. Where the crop of a parsed frame differs from the warped crop before (a mouth that opens, a
    hand before the face), it moves by up to all of the difference.

    Args:
        state: of the frame before; None for a new face, which needs a mask.
        crop: (S, S, 3), the upright crop of the face, aligned by smoothed points.
        mask: (S, S) class indices of this frame; None for a frame that was not parsed.
        seconds: since the frame before.
        time_constant_s: of the average; 0 takes every mask as it is.
    """
    small = cv2.resize(crop, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    if state is None:
        assert mask is not None, "a new face is parsed"
        shares = _shares(mask)
        return PartState(shares, shares, grey)
    flow = crop_flow(state.grey, grey)
    y, x = np.mgrid[:_SIDE_PX, :_SIDE_PX].astype(np.float32)
    back = (x + flow[:, :, 0], y + flow[:, :, 1])
    moved = _moved(state.shares, back)
    rate = 1 - math.exp(-seconds / time_constant_s) if time_constant_s > 0 else 1.0
    if mask is None:
        parsed = _moved(state.parsed, back)
        moved += np.float32(rate) * (parsed - moved)
        return PartState(moved, parsed, grey)
    expected = cv2.remap(state.grey, *back, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    error = cv2.GaussianBlur(cv2.absdiff(expected, grey).astype(np.float32), (0, 0), 2.0)
    changed = np.clip((error - _CHANGED_FROM) / (_CHANGED_TO - _CHANGED_FROM), 0, 1)
    weight = (rate + (1 - rate) * changed).astype(np.float32)
    parsed = _shares(mask)
    moved += weight * (parsed - moved)
    return PartState(moved, parsed, grey)


def part_mask(state: PartState, size_px: int) -> np.ndarray:
    """The mask (size_px, size_px) uint8: at each pixel the part with the largest share."""
    best = np.full((size_px, size_px), -1.0, dtype=np.float32)
    mask = np.zeros((size_px, size_px), dtype=np.uint8)
    for part in range(len(PARTS)):
        if state.shares[part].any():
            share = cv2.resize(state.shares[part], (size_px, size_px), interpolation=cv2.INTER_LINEAR)
            wins = share > best
            mask[wins] = part
            np.maximum(best, share, out=best)
    return mask


def _moved(shares: np.ndarray, back: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    moved = np.zeros_like(shares)
    for part in range(len(PARTS)):
        if shares[part].any():
            moved[part] = cv2.remap(shares[part], *back, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return moved


def _shares(mask: np.ndarray) -> np.ndarray:
    shares = np.zeros((len(PARTS), _SIDE_PX, _SIDE_PX), dtype=np.float32)
    for part in np.unique(mask):
        one = (mask == part).astype(np.float32)
        shares[part] = cv2.resize(one, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    return shares


class TemporalParser:
    """A parser for the faces of one frame, called once with their crops; afterwards `states` holds the new states.

    Args:
        parser: the parser of single crops.
        states: of the frame before, one for each face in the order of the crops; None for a new face.
        parse: whether faces that have a state are parsed in this frame; new ones always are.
        seconds: since the frame before.
        time_constant_s: see `update_parts`; 0 averages nothing.
    """

    def __init__(
        self, parser: FaceParser, states: Sequence[PartState | None], parse: bool, seconds: float, time_constant_s: float
    ) -> None:
        self.name, self.file, self.licence, self.size_px = parser.name, parser.file, parser.licence, parser.size_px
        self.states = list(states)
        self._parser, self._parse, self._seconds, self._time_constant_s = parser, parse, seconds, time_constant_s

    def parse_crops(self, crops: Sequence[Picture]) -> Masks:
        """Class indices (N, S, S) of the faces' crops (S, S, 3)."""
        assert len(crops) == len(self.states), "one crop for each face"
        if self._time_constant_s <= 0 and self._parse:
            return self._parser.parse_crops(crops)
        parsed = [index for index, state in enumerate(self.states) if self._parse or state is None]
        masks = dict(zip(parsed, self._parser.parse_crops([crops[index] for index in parsed]), strict=True))
        for index, crop in enumerate(crops):
            self.states[index] = update_parts(self.states[index], crop, masks.get(index), self._seconds, self._time_constant_s)
        masks_now = [part_mask(state, crop.shape[0]) for state, crop in zip(self.states, crops, strict=True) if state is not None]
        return np.stack(masks_now) if masks_now else np.zeros((0, 0, 0), dtype=np.uint8)
