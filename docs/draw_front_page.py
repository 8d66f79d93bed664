"""Draws the pictures of the front page and of docs/editing.md: `python docs/draw_front_page.py` writes docs/images/front-*.jpg and presets.jpg.

The faces are drawn (nobody is pictured), and edited as `lianpu edit` edits a photo: with the bundled editor, parser and the found faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lianpu.dataset.drawn import draw_face
from lianpu.editing.presets import Preset, preset_from_options
from lianpu.editing.session import EditSession
from lianpu.editors.loading import load_editor
from lianpu.faces.analyzer import open_analyzer
from lianpu.faces.overlays import draw_faces, draw_parts
from lianpu.imaging.picture import Picture

IMAGES = Path(__file__).parent / "images"
SIDE, TILE, GAP, LINE = 768, 300, 4, 34
YOUNG = {"Mouth_Slightly_Open": True, "Smiling": True, "Eyeglasses": False, "Wearing_Hat": False, "Young": True}

Person = tuple[int, int]
"""Seed and index of a drawn face."""
LONG_BROWN, BROWN_BOB, LONG_BLACK, SHORT_BROWN, MAN, BLOND_MAN, OUTDOORS = (
    (23, 9),
    (26, 8),
    (21, 11),
    (21, 2),
    (28, 1),
    (24, 11),
    (24, 10),
)

LOOKS: tuple[tuple[Person, str], ...] = (
    (LONG_BROWN, "--set Blond_Hair=yes"),
    (LONG_BLACK, "--effect hair_color:color=#3050e0"),
    (SHORT_BROWN, "--preset evening"),
    (OUTDOORS, "--effect replace_background:color=#f2c14e"),
    (MAN, "--effect sticker:which=sunglasses"),
    (BLOND_MAN, "--effect anonymise:way=mosaic"),
)
"""Who is drawn, and what `lianpu edit` is asked for."""
CLOSER = {"--preset evening": (0.16, 0.26, 0.84, 0.94)}
"""Make-up is shown from nearer: left, top, right and bottom, as shares of the portrait."""
PRESETS = ("natural", "evening", "copper", "portrait", "party", "hidden")


def portrait(person: Person) -> Picture:
    """A drawn portrait."""
    return draw_face(*person, SIDE, YOUNG).picture


def asked(words: str) -> Preset:
    """The steps of `--set A=yes`, `--effect NAME` or `--preset NAME`."""
    option, _, value = words.partition(" ")
    return preset_from_options(
        (value,) if option == "--set" else (),
        "1",
        value if option == "--preset" else None,
        (value,) if option == "--effect" else (),
    )


def edited(session: EditSession, photo: Picture, words: str) -> Picture:
    """The photo as `lianpu edit` gives it back."""
    return session.edit(photo, session.analyze(photo), asked(words))


def tile(picture: Picture, side: int, part: tuple[float, ...] = (0.0, 0.0, 1.0, 1.0)) -> Image.Image:
    """A part of a picture at the size of a tile."""
    box = tuple(round(SIDE * share) for share in part)
    return Image.fromarray(picture).crop(box).resize((side, side), Image.Resampling.LANCZOS)  # type: ignore[arg-type]


def hero(session: EditSession) -> Image.Image:
    """Six pairs of before and after, each with its option below."""
    columns, pair = 3, 2 * TILE + GAP
    rows = len(LOOKS) // columns
    sheet = Image.new("RGB", (columns * pair + (columns - 1) * 5 * GAP, rows * (TILE + LINE)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(19)
    for number, (person, words) in enumerate(LOOKS):
        photo = portrait(person)
        x, y = number % columns * (pair + 5 * GAP), number // columns * (TILE + LINE)
        part = CLOSER.get(words, (0.0, 0.0, 1.0, 1.0))
        sheet.paste(tile(photo, TILE, part), (x, y))
        sheet.paste(tile(edited(session, photo, words), TILE, part), (x + TILE + GAP, y))
        pen.text((x + pair / 2, y + TILE + LINE / 2 - 2), words, fill=(70, 70, 70), font=font, anchor="mm")
    return sheet


def presets(session: EditSession, people: Sequence[Person], side: int = 232) -> Image.Image:
    """A row for each person: before, and every preset."""
    sheet = Image.new("RGB", ((len(PRESETS) + 1) * (side + GAP) - GAP, len(people) * (side + GAP) - GAP), "white")
    for row, person in enumerate(people):
        photo = portrait(person)
        subjects = session.analyze(photo)
        pictures = [photo, *(session.edit(photo, subjects, asked(f"--preset {name}")) for name in PRESETS)]
        for column, picture in enumerate(pictures):
            sheet.paste(tile(picture, side), (column * (side + GAP), row * (side + GAP)))
    return sheet


def seen(session: EditSession, people: Sequence[Person]) -> tuple[Image.Image, Image.Image]:
    """A group as `lianpu faces find --draw` and as `lianpu parse` show it."""
    group = np.concatenate([portrait(person) for person in people], axis=1)
    subjects = session.analyze(group)
    faces = draw_faces(group, [subject.face for subject in subjects], [str(number) for number in range(len(subjects))])
    parts = group.copy()
    for subject in subjects:
        parts[subject.window] = draw_parts(group[subject.window], [subject.parts])
    size = (len(people) * 200, 200)
    found, parsed = (Image.fromarray(one).resize(size, Image.Resampling.LANCZOS) for one in (faces, parts))
    return found, parsed


def main() -> None:
    """Write the pictures."""
    session = EditSession(open_analyzer(), load_editor("lite"), "lite")
    found, parsed = seen(session, (BROWN_BOB, BLOND_MAN, LONG_BLACK))
    for name, picture in {
        "front-edits": hero(session),
        "presets": presets(session, (BROWN_BOB, LONG_BLACK, MAN)),
        "front-faces": found,
        "front-parts": parsed,
    }.items():
        picture.save(IMAGES / f"{name}.jpg", quality=90, optimize=True)


if __name__ == "__main__":
    main()
