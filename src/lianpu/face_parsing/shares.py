"""Probabilities of parts at the size of live pictures: a third of the work of a mask, and smooth where it has to be moved and averaged."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from lianpu.face_parsing.runtime import FaceParser, Masks, OnnxParser, parse_by_batches
from lianpu.imaging.geometry import enlarge
from lianpu.imaging.picture import Picture
from lianpu.part_names import PARTS

LIVE_PX = 256
"""Side of the crops that live pictures are parsed at."""

_CERTAIN = 255


class SharesParser:
    """A parser that gives the probability of each part of an aligned face; also a FaceParser, so that it can be scored.

    Args:
        parser: one of `faces.parts.load_parser`; of one whose file gives no probabilities, the masks are taken as certain.
        size_px: side of the crops, a multiple of 32.
    """

    def __init__(self, parser: FaceParser, size_px: int = LIVE_PX) -> None:
        self.name, self.file, self.licence, self.size_px = parser.name, parser.file, parser.licence, size_px
        self._parser = parser
        self._gives = isinstance(parser, OnnxParser) and parser.gives_shares

    @property
    def side_px(self) -> int:
        """Side of the probabilities: half of the crops'."""
        return self.size_px // 2

    def at(self, size_px: int) -> SharesParser:
        """The same parser, for crops of another side."""
        return SharesParser(self._parser, size_px)

    def shares(self, crop: Picture) -> Masks:
        """The probability of each part (19, `side_px`, `side_px`) uint8, 255 is certain, of a crop (`size_px`, `size_px`, 3).

        Raises:
            ModelError: the network cannot run.
        """
        if self._gives:
            assert isinstance(self._parser, OnnxParser)
            return self._parser.part_shares(crop)
        mask = self._parser.parse_crops([crop])[0]
        shares = np.zeros((len(PARTS), self.side_px, self.side_px), dtype=np.uint8)
        for part in np.unique(mask):
            certain = np.where(mask == part, np.uint8(_CERTAIN), np.uint8(0))
            shares[part] = cv2.resize(certain, (self.side_px, self.side_px), interpolation=cv2.INTER_AREA)
        return shares

    def parse_crops(self, crops: Sequence[Picture]) -> Masks:
        """Class indices (N, S, S) of square crops (S, S, 3) of one size: the most probable parts, enlarged."""
        return parse_by_batches(crops, self.size_px, self._most_probable, 1)

    def _most_probable(self, crops: Sequence[Picture]) -> Masks:
        size = (self.size_px, self.size_px)
        enlarged = [enlarge(np.ascontiguousarray(self.shares(crop).transpose(1, 2, 0)), size) for crop in crops]
        return np.stack([shares.argmax(axis=2).astype(np.uint8) for shares in enlarged])
