"""The parts of a face, remembered from frame to frame along what moves, so that their edges do not flicker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lianpu.face_parsing.face_parser import FaceParser, Masks
from lianpu.imaging.picture import Picture
from lianpu.part_names import PARTS
from lianpu.video.tracking.motion import Grey, crop_flow

_SIDE_PX = 192

_CHANGED_FROM, _CHANGED_TO = 12.0, 40.0


@dataclass(frozen=True, eq=False)
class PartMemory:
    """What is known of a face's parts, in its upright crop.

    Args:
        shares: (19, s, s) float32: how sure each part is at each place, 0 to 1; they sum to 1.
        parsed: (19, s, s) float32: what the parser said last, moved along since.
        grey: (s, s) uint8, the crop when it was last seen.
    """

    shares: np.ndarray
    parsed: np.ndarray
    grey: Grey


def remember(memory: PartMemory | None, crop: Picture, mask: np.ndarray | None, seconds: float, settle_s: float) -> PartMemory:
    """The memory after another frame.

    In every frame, parsed or not, what is known goes 1 - exp(-seconds / settle_s) of the way to what the parser said last: taken over
    in parsed frames alone, a change would come in steps. Where the crop of a parsed frame does not look as the flow from the frame
    before says that it should (a mouth that opens, a hand before the face) it goes up to all of the way.

    Args:
        memory: of the frame before; None for a face that is new, which then needs a mask.
        crop: (S, S, 3), the face upright, as smoothed points place it.
        mask: (S, S) class indices of this frame; None for a frame that was not parsed: what is known moves along.
        seconds: since the frame before.
        settle_s: the time in which two thirds of a change are taken over; 0 takes every mask as it is at once.
    """
    small = cv2.resize(crop, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    if memory is None:
        assert mask is not None, "a new face is parsed"
        shares = _shares(mask)
        return PartMemory(shares, shares, grey)
    flow = crop_flow(memory.grey, grey)
    y, x = np.mgrid[:_SIDE_PX, :_SIDE_PX].astype(np.float32)
    back = (x + flow[:, :, 0], y + flow[:, :, 1])
    moved = _moved(memory.shares, back)
    usual = 1 - math.exp(-seconds / settle_s) if settle_s > 0 else 1.0
    if mask is None:
        parsed = _moved(memory.parsed, back)
        moved += np.float32(usual) * (parsed - moved)
        return PartMemory(moved, parsed, grey)
    expected = cv2.remap(memory.grey, *back, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    wrong = cv2.GaussianBlur(cv2.absdiff(expected, grey).astype(np.float32), (0, 0), 2.0)
    surprise = np.clip((wrong - _CHANGED_FROM) / (_CHANGED_TO - _CHANGED_FROM), 0, 1)
    weight = (usual + (1 - usual) * surprise).astype(np.float32)
    parsed = _shares(mask)
    moved += weight * (parsed - moved)
    return PartMemory(moved, parsed, grey)


def recalled(memory: PartMemory, size_px: int) -> np.ndarray:
    """The mask (size_px, size_px) uint8 of what is known: at each place the surest part."""
    best = np.full((size_px, size_px), -1.0, dtype=np.float32)
    mask = np.zeros((size_px, size_px), dtype=np.uint8)
    for part in range(len(PARTS)):
        if memory.shares[part].any():
            share = cv2.resize(memory.shares[part], (size_px, size_px), interpolation=cv2.INTER_LINEAR)
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


class RememberingParser:
    """Made for one frame and asked once, with the crops of the faces whose memories it was given, in that order.

    Args:
        parser: what parses.
        memories: of the frame before, one for each face; None for a face that is new.
        parse: whether known faces are parsed in this frame; new ones always are.
        seconds: since the frame before.
        settle_s: see `part_memory.remember`; 0 keeps nothing.
    """

    def __init__(
        self, parser: FaceParser, memories: Sequence[PartMemory | None], parse: bool, seconds: float, settle_s: float
    ) -> None:
        self._parser, self._parse, self._seconds, self._settle_s = parser, parse, seconds, settle_s
        self.memories = list(memories)
        """After `parse_crops`: what is known now."""

    @property
    def name(self) -> str:
        """The parser's."""
        return self._parser.name

    @property
    def file(self) -> Path:
        """The parser's."""
        return self._parser.file

    @property
    def licence(self) -> str:
        """The parser's."""
        return self._parser.licence

    @property
    def size_px(self) -> int:
        """The parser's."""
        return self._parser.size_px

    def parse_crops(self, crops: Sequence[Picture]) -> Masks:
        """Class indices (N, S, S) of the faces' crops (S, S, 3)."""
        assert len(crops) == len(self.memories), "one crop for each face"
        if self._settle_s <= 0 and self._parse:
            return self._parser.parse_crops(crops)
        parsed = [index for index, memory in enumerate(self.memories) if self._parse or memory is None]
        masks = dict(zip(parsed, self._parser.parse_crops([crops[index] for index in parsed]), strict=True))
        for index, crop in enumerate(crops):
            self.memories[index] = remember(self.memories[index], crop, masks.get(index), self._seconds, self._settle_s)
        known = [recalled(memory, crop.shape[0]) for memory, crop in zip(self.memories, crops, strict=True) if memory is not None]
        return np.stack(known) if known else np.zeros((0, 0, 0), dtype=np.uint8)
