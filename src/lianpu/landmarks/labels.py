"""One labelled face."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lianpu.landmarks.scheme68 import Points68
from lianpu.perception.dlib_boxes import BoxXyxy


@dataclass(frozen=True, eq=False)
class FaceLabel:
    """The points of one face, as labelled.

    Args:
        picture: the picture's file.
        points: (68, 2) float32.
        box_xyxy: left, top, right, bottom (the last pixel inside), or None where the form has no boxes.
    """

    picture: Path
    points: Points68
    box_xyxy: BoxXyxy | None
