"""A face parser that remembers the frame before: to everyone else a parser, for the faces of one frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lianpu.image import Picture
from lianpu.parser.face_parser import FaceParser, Masks
from lianpu.video.part_memory import PartMemory, recalled, remember


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
