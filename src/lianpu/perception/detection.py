"""Finding every face of a picture: with a border where a face may fill it, and turned where people lie or hang."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from PIL import Image

from lianpu.image import Picture, check_picture
from lianpu.perception.face_geometry import largest_first, merged, moved, turned_back
from lianpu.perception.results import TURNS, Face

BORDER = 0.5
"""Border that is added on each side, as a share of the longer side of the picture."""

_TOUCHES = 0.01
_FILLS = 0.6
_BORDERED_SIDE_PX = 1280
"""A picture is scaled down to this before it gets a border: the face in question is large."""


class Detector(Protocol):
    """Finds the faces that stand about upright in a picture; it need not care for borders."""

    name: str
    second_look_score: float
    """What is found only with a border, or only in a turned picture, must be at least this sure: every further look finds more
    that is no face. 0 takes all."""

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        """The faces of a picture (H, W, 3) uint8 RGB, in any order."""
        ...


def find_faces(
    picture: Picture, detector: Detector, *, upright: bool = False, min_score: float | None = None
) -> tuple[Face, ...]:
    """The faces of a picture (H, W, 3) uint8 RGB, largest first; an empty tuple when there is none.

    Detectors miss a face that fills the picture: when nothing is found, or a face touches the edge, the picture is searched
    again with a border. A face that is found twice counts once, as the more confident finding. What only a second look finds
    (with a border, or turned) must be surer than the rest: see `Detector`.

    Args:
        picture: the picture.
        detector: what looks for faces.
        upright: also search the picture turned by 90, 180 and 270 degrees (four times the work). A face's `turned` says
            how far the picture had to be turned.
        min_score: leave out faces below this score; None leaves it to the detector.
    """
    check_picture(picture)
    height, width = picture.shape[:2]
    found: list[Face] = []
    for turn in TURNS if upright else TURNS[:1]:
        turned = np.ascontiguousarray(np.rot90(picture, turn // 90)) if turn else picture
        found += [turned_back(face, turn, width, height) for face in _with_border(turned, detector, first_look=not turn)]
    least = 0.0 if min_score is None else min_score
    return largest_first(face for face in merged(found) if face.score >= least)


def _with_border(picture: Picture, detector: Detector, *, first_look: bool) -> tuple[Face, ...]:
    """What is found in the picture and, if a face may fill it, in a copy with a border."""
    height, width = picture.shape[:2]
    found = detector.detect(picture) if first_look else _sure(detector.detect(picture), detector)
    if found and not any(may_fill(face, width, height) for face in found):
        return found
    bordered, scale, border = add_border(picture)
    again = [moved(face, scale, border, border) for face in _sure(detector.detect(bordered), detector)]
    return (*found, *(face for face in again if _is_inside(face, width, height)))


def _sure(faces: tuple[Face, ...], detector: Detector) -> tuple[Face, ...]:
    return tuple(face for face in faces if face.score >= detector.second_look_score)


def may_fill(face: Face, width: int, height: int) -> bool:
    """Whether a face touches the edge of its picture, or takes more than 60 % of its width or height."""
    x1, y1, x2, y2 = face.box_xyxy
    near = _TOUCHES * max(width, height)
    touches = x1 <= near or y1 <= near or x2 >= width - 1 - near or y2 >= height - 1 - near
    return touches or face.width_px > _FILLS * width or face.height_px > _FILLS * height


def add_border(picture: Picture) -> tuple[Picture, float, int]:
    """The picture, scaled down when it is large, in the middle of a black border; the scale; and the border in pixels."""
    height, width = picture.shape[:2]
    scale = min(1.0, _BORDERED_SIDE_PX / max(height, width))
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0), dtype=np.uint8)
    border = max(1, round(BORDER * max(picture.shape[:2])))
    return np.pad(picture, ((border, border), (border, border), (0, 0))), scale, border


def _is_inside(face: Face, width: int, height: int) -> bool:
    x, y = (face.box_xyxy[0] + face.box_xyxy[2]) / 2, (face.box_xyxy[1] + face.box_xyxy[3]) / 2
    return 0 <= x < width and 0 <= y < height
