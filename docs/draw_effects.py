"""Draws the pictures of docs/effects.md: `python docs/draw_effects.py` writes docs/images/effects-*.png. The faces are drawn; nobody is pictured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from lianpu.dataset.drawn import draw_face
from lianpu.effects.catalogue import effect_of
from lianpu.faces.results import Face, FaceParts, Landmarks, Subject
from lianpu.imaging.picture import Picture

IMAGES = Path(__file__).parent / "images"
SIDE, TILE = 768, 232
SMILE = {"Mouth_Slightly_Open": True, "Smiling": True, "Eyeglasses": False, "Wearing_Hat": False}
BLACK_HAIR, BROWN_HAIR, LIGHTS, OLD = 15, 13, 10, 11

SHEETS: dict[str, tuple[int, tuple[tuple[float, dict[str, str]], ...]]] = {
    "hair_color": (BLACK_HAIR, ((1.0, {"color": "#b8936a"}), (1.0, {"color": "#803018"}), (1.0, {"color": "#3050e0"}))),
    "smooth_skin": (OLD, ((0.5, {}), (1.0, {}), (1.5, {}))),
    "skin_tone": (BROWN_HAIR, ((1.0, {}), (1.0, {"tone": "light"}), (1.0, {"tone": "even"}))),
    "lipstick": (BROWN_HAIR, ((1.0, {"color": "#b3263e"}), (1.0, {"color": "#6e1f4a"}), (1.0, {"color": "#d8665f"}))),
    "blush": (BROWN_HAIR, ((0.5, {}), (1.0, {}), (1.5, {}))),
    "eye_shadow": (BROWN_HAIR, ((0.6, {}), (1.0, {}), (1.0, {"color": "#3a6a8c"}))),
    "whiten_teeth": (BLACK_HAIR, ((0.5, {}), (1.0, {}), (1.5, {}))),
    "under_eye": (OLD, ((0.5, {}), (1.0, {}), (1.5, {}))),
    "brighten_eyes": (BLACK_HAIR, ((0.5, {}), (1.0, {}), (1.5, {}))),
    "larger_eyes": (BROWN_HAIR, ((0.5, {}), (1.0, {}), (1.5, {}))),
    "slim_face": (BROWN_HAIR, ((0.5, {}), (1.0, {}), (1.5, {}))),
    "blur_background": (LIGHTS, ((0.3, {}), (1.0, {}), (1.5, {}))),
    "replace_background": (LIGHTS, ((1.0, {}), (1.0, {"color": "#f4efe6"}), (1.0, {"color": "#30343c"}))),
    "sticker": (BLACK_HAIR, ((1.0, {"which": "round_glasses"}), (1.0, {"which": "flower_crown"}), (1.0, {"which": "cat"}))),
    "anonymise": (BROWN_HAIR, ((1.0, {}), (1.0, {"way": "mosaic"}), (1.0, {"way": "solid"}))),
}
"""For each effect the drawn person, and strengths and options of three pictures beside the one before."""
FACE, MOUTH, EYES = (0.2, 0.8, 0.28, 0.88), (0.3, 0.74, 0.60, 0.86), (0.22, 0.78, 0.34, 0.60)
CLOSER = {
    **dict.fromkeys(("smooth_skin", "skin_tone", "blush", "larger_eyes", "slim_face"), FACE),
    **dict.fromkeys(("lipstick", "whiten_teeth"), MOUTH),
    **dict.fromkeys(("eye_shadow", "brighten_eyes", "under_eye"), EYES),
}
"""Left, right, top and bottom of what is shown, as shares of the portrait."""


TIRED = {"whiten_teeth": (("mouth",), (0.93, 0.84, 0.62)), "brighten_eyes": (("l_eye", "r_eye"), (0.92, 0.78, 0.72))}
"""Drawn teeth and eyes are white: for these sheets their parts are first tinted by a factor (R, G, B)."""


def drawn_subject(index: int) -> tuple[Picture, Subject]:
    """A drawn portrait, and what effects are told of it."""
    face = draw_face(7, index, SIDE, SMILE)
    points = face.points
    five = np.stack([points[36:42].mean(axis=0), points[42:48].mean(axis=0), points[30], points[48], points[54]])
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    found = Face((left, top, right, bottom), 1.0, five.astype(np.float32), "drawn")
    window = (slice(0, SIDE), slice(0, SIDE))
    return face.picture.copy(), Subject(found, Landmarks(points, "dlib-68"), window, FaceParts(face.mask, "drawn"))


def with_dark_circles(photo: Picture, subject: Subject) -> Picture:
    """The photo with shadows under both eyes: drawn people are not tired."""
    points, unit = subject.landmarks.points, subject.face.unit_px
    y, x = np.mgrid[:SIDE, :SIDE]
    dark = np.zeros((SIDE, SIDE, 1))
    for eye in (points[36:42], points[42:48]):
        middle = eye.mean(axis=0) + np.array([0, 0.2 * unit])
        dark[..., 0] += np.exp(-1.5 * (((x - middle[0]) / (0.24 * unit)) ** 2 + ((y - middle[1]) / (0.1 * unit)) ** 2))
    dark *= subject.parts.where("skin", "nose")[..., None]
    return np.rint(photo * (1 - dark * (0.22, 0.3, 0.22))).astype(np.uint8)


def sheet(name: str) -> Image.Image:
    """Before, and the effect three times, side by side."""
    index, looks = SHEETS[name]
    photo, subject = drawn_subject(index)
    if name in TIRED:
        parts, tint = TIRED[name]
        where = subject.parts.where(*parts)
        photo[where] = np.rint(photo[where] * np.array(tint)).astype(np.uint8)
    if name == "under_eye":
        photo = with_dark_circles(photo, subject)
    pictures = [photo, *(effect_of(name).apply(photo, [subject], strength, **options) for strength, options in looks)]
    left, right, top, bottom = (round(SIDE * share) for share in CLOSER.get(name, (0, 1, 0, 1)))
    height = round(TILE * (bottom - top) / (right - left))
    wide = Image.new("RGB", (len(pictures) * (TILE + 4) - 4, height), "white")
    for place, picture in enumerate(pictures):
        part = Image.fromarray(picture[top:bottom, left:right])
        wide.paste(part.resize((TILE, height), Image.Resampling.LANCZOS), (place * (TILE + 4), 0))
    return wide


def main() -> None:
    """Write one sheet for each effect."""
    for name in SHEETS:
        sheet(name).save(IMAGES / f"effects-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
