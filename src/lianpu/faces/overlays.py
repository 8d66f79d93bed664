"""What was seen, drawn on the photo: boxes, points, parts and words that can be read on any background."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lianpu.faces.mesh import REGIONS, outline
from lianpu.faces.results import Face, FaceParts, Landmarks, Mesh
from lianpu.imaging.picture import Picture, check_picture
from lianpu.part_names import PART_COLORS

FACE_COLORS: tuple[tuple[int, int, int], ...] = (
    *((255, 214, 10), (64, 200, 255), (255, 105, 180), (80, 220, 100), (255, 140, 40), (190, 140, 255)),
)
"""A colour for each face in turn."""

_DARK = (20, 20, 20)


def draw_faces(picture: Picture, faces: Sequence[Face], words: Sequence[str] | None = None) -> Picture:
    """A copy of the picture (H, W, 3) with each face's box, its five points, and a word above it.

    Args:
        picture: the photo.
        faces: what was found in it.
        words: one for each face; its number, from 1, unless given.
    """
    image = Image.fromarray(check_picture(picture).copy())
    draw = ImageDraw.Draw(image)
    labels = [str(number) for number in range(1, len(faces) + 1)] if words is None else words
    for index, (face, label) in enumerate(zip(faces, labels, strict=True)):
        color, width = face_color(index), line_width(face)
        _box(draw, face.box_xyxy, color, width)
        _dots(draw, face.points, color, radius=max(1.5, 0.02 * face.width_px))
        _word(draw, label, face, color, image.size)
    return np.asarray(image, dtype=np.uint8)


def draw_landmarks(picture: Picture, landmarks: Sequence[Landmarks]) -> Picture:
    """A copy of the picture with the points of each face."""
    image = Image.fromarray(check_picture(picture).copy())
    draw = ImageDraw.Draw(image)
    for index, marks in enumerate(landmarks):
        extent = float(np.ptp(marks.points, axis=0).max())
        _dots(draw, marks.points, face_color(index), radius=max(1.0, 0.008 * extent))
    return np.asarray(image, dtype=np.uint8)


def draw_meshes(picture: Picture, meshes: Sequence[Mesh]) -> Picture:
    """A copy of the picture with the outlines of each mesh's regions: oval, brows, lids, irises, nose and lips."""
    image = Image.fromarray(check_picture(picture).copy())
    draw = ImageDraw.Draw(image)
    for index, mesh in enumerate(meshes):
        width = max(1, round(0.006 * float(np.ptp(mesh.points[:, :2], axis=0).max())))
        for region in REGIONS:
            if max(REGIONS[region]) < len(mesh.points):
                corners = [tuple(point) for point in outline(mesh, region).tolist()]
                draw.line([*corners, corners[0]], fill=_DARK, width=width + 2, joint="curve")
                draw.line([*corners, corners[0]], fill=face_color(index), width=width, joint="curve")
    return np.asarray(image, dtype=np.uint8)


def draw_parts(picture: Picture, parts: Sequence[FaceParts], strength: float = 0.55) -> Picture:
    """A copy of the picture with each face's parts tinted in CelebAMask-HQ's colours.

    Raises:
        ValueError: a mask has another size than the picture.
    """
    colors = np.array(PART_COLORS, dtype=np.float32)
    mixed = check_picture(picture).astype(np.float32)
    for one in parts:
        if one.mask.shape != picture.shape[:2]:
            raise ValueError(f"a mask {one.mask.shape} lies on a picture {picture.shape[:2]}: they must have one size")
        seen = one.mask > 0
        mixed[seen] += strength * (colors[one.mask[seen]] - mixed[seen])
    return np.rint(mixed).astype(np.uint8)


def face_color(index: int) -> tuple[int, int, int]:
    """The colour of the face of that number, from 0."""
    return FACE_COLORS[index % len(FACE_COLORS)]


def line_width(face: Face) -> int:
    """Pixels of a line that goes with the size of the face: 2 for a small one, more for a large one."""
    return max(2, round(0.012 * max(face.width_px, face.height_px)))


def _box(draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], color: tuple[int, int, int], width: int) -> None:
    x1, y1, x2, y2 = box
    draw.rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), outline=_DARK, width=width + 2)
    draw.rectangle(box, outline=color, width=width)


def _dots(draw: ImageDraw.ImageDraw, points: np.ndarray, color: tuple[int, int, int], radius: float) -> None:
    for x, y in points.tolist():
        draw.ellipse((x - radius - 1, y - radius - 1, x + radius + 1, y + radius + 1), fill=_DARK)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)


def _word(draw: ImageDraw.ImageDraw, word: str, face: Face, color: tuple[int, int, int], size: tuple[int, int]) -> None:
    """The word above the box, or where it still lies within the picture."""
    font = ImageFont.load_default(size=float(np.clip(0.18 * face.width_px, 11, 48)))
    left, top, right, bottom = draw.textbbox((0, 0), word, font=font, stroke_width=2)
    x = min(max(face.box_xyxy[0], 0), size[0] - (right - left))
    y = min(max(face.box_xyxy[1] - (bottom - top) - 4, 0), size[1] - (bottom - top))
    draw.text((x - left, y - top), word, fill=color, font=font, stroke_width=2, stroke_fill=_DARK)
