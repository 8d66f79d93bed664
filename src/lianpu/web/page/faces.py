"""The choice of faces: a picture with numbered boxes to click, and check boxes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lianpu.faces.analyzer import EVERY
from lianpu.faces.overlays import face_color
from lianpu.faces.results import Face
from lianpu.imaging.geometry import scale_box, scale_points, scaled_size
from lianpu.imaging.picture import Picture
from lianpu.web.language import Words, page_error
from lianpu.web.photos import OpenUpload

LONGEST_PX = 800
"""Longer side of the picture. Smaller photos are enlarged, so that the numbers have the same size on all."""

_TAG_PX = 34

_GREY = (165, 165, 165)


def with_numbers(photo: Picture, faces: Sequence[Face], chosen: Collection[int] | None = None) -> Picture:
    """The photo (H, W, 3) at `LONGEST_PX`, with a box around each face and its number, from 1, on a tag above it.

    Faces that are not among `chosen` (numbers from 0; None for all) have a thin grey box.
    """
    scale = scale_of(photo)
    size = scaled_size(photo, scale)
    image = Image.fromarray(photo).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    draw = ImageDraw.Draw(image)
    for number, face in reversed(list(enumerate(faces))):  # the largest last: its tag lies on top
        left, top, right, bottom = (round(value) for value in scale_box(face.box_xyxy, scale))
        is_chosen = chosen is None or number in chosen
        color, width = (face_color(number), 4) if is_chosen else (_GREY, 2)
        draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=(20, 20, 20), width=width + 2)
        draw.rectangle((left, top, right, bottom), outline=color, width=width)
        _tag(draw, str(number + 1), left, top, color, size)
    return np.asarray(image, dtype=np.uint8)


def face_at(photo: Picture, faces: Sequence[Face], x: float, y: float) -> int | None:
    """The number (from 0) of the face at a point of `with_numbers`: the smallest of several, or None."""
    x, y = scale_points((x, y), 1 / scale_of(photo)).tolist()
    hits = [(face.area, number) for number, face in enumerate(faces) if _is_in(face, x, y)]
    return min(hits)[1] if hits else None


def scale_of(photo: Picture) -> float:
    """Scale from the photo to the picture with numbers."""
    return LONGEST_PX / max(photo.shape[:2])


def _is_in(face: Face, x: float, y: float) -> bool:
    left, top, right, bottom = face.box_xyxy
    return left <= x <= right and top <= y <= bottom


def _tag(draw: ImageDraw.ImageDraw, word: str, x: int, y: int, color: tuple[int, int, int], size: tuple[int, int]) -> None:
    """Draw a filled tag with the text above a box's corner, moved to lie within the picture."""
    font = ImageFont.load_default(size=_TAG_PX * 0.85)
    wide = max(_TAG_PX, round(draw.textlength(word, font=font)) + 14)
    x, y = min(max(x - 2, 0), max(0, size[0] - wide)), min(max(y - _TAG_PX, 0), max(0, size[1] - _TAG_PX))
    draw.rectangle((x, y, x + wide, y + _TAG_PX), fill=color)
    draw.text((x + wide / 2, y + _TAG_PX / 2), word, fill=(20, 20, 20), font=font, anchor="mm")


def face_choices(photo: OpenUpload, words: Words) -> list[tuple[str, str]]:
    """A label and a value for each face: labels count from 1, values from 0 (the largest)."""
    return [(words.line("photo.one_face", number=number + 1), str(number)) for number in range(len(photo.subjects))]


def every_face(photo: OpenUpload) -> list[str]:
    """The values of all faces."""
    return [str(number) for number in range(len(photo.subjects))]


def toggled(picked: Sequence[str], number: int, count: int) -> list[str]:
    """The chosen values after a click on a face.

    The first click chooses that face alone; further clicks add or remove faces; after the last is removed, all are chosen.

    Args:
        picked: the values chosen before.
        number: the clicked face, from 0.
        count: the number of faces.
    """
    before = {int(value) for value in picked}
    after = {number} if len(before) == count else before ^ {number}
    return [str(value) for value in sorted(after or range(count))]


def faces_option(picked: Sequence[str] | None, photo: OpenUpload) -> str:
    """The chosen values as `faces.analyzer.choose` takes them: `all`, or `0,2`. Raises PageError when none is chosen."""
    numbers = sorted({int(value) for value in picked or ()})
    if not numbers:
        raise page_error("no_face_chosen")
    return EVERY if len(numbers) == len(photo.subjects) else ",".join(map(str, numbers))
