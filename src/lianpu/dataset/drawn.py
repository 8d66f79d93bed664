"""Portraits that the package draws itself: the data of `lianpu demo`, of tests and of the documentation's pictures.

Nobody is pictured, nothing is downloaded, and the same person can be drawn with another attribute: the truth an edit aims at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lianpu.dataset.text_files import ALIGNMENT_FILE, DRAWN_LICENCE, LICENCE_FILE
from lianpu.drawing.attributes import DRAWN_ATTRIBUTES, sample_attributes
from lianpu.drawing.portrait import Person, Points, edited_person, paint_portrait, sample_person
from lianpu.errors import DataError
from lianpu.files import atomic_folder, read_json, write_json, write_text
from lianpu.imaging.picture import Picture, check_picture
from lianpu.part_names import PARTS, part_palette

SMALLEST_PX, LARGEST_PX = 16, 1024
VERSION = 1
"""Raised whenever the same seed draws other pixels."""
MARK = "drawn.json"
"""The file that says a folder was drawn here, and with which settings."""


@dataclass(frozen=True)
class DrawnFace:
    """One drawn portrait.

    Args:
        picture: (S, S, 3) uint8.
        mask: (S, S) uint8, CelebAMask-HQ's classes in their official order (l_ and r_ are the subject's left and right).
        points: (68, 2) float32, the iBUG points x, y in pixels of the picture.
        attributes: CelebA's names; at most one hair colour is true.
    """

    picture: Picture
    mask: np.ndarray[Any, np.dtype[np.uint8]]
    points: Points
    attributes: dict[str, bool]

    def __post_init__(self) -> None:
        side = check_picture(self.picture).shape[0]
        assert self.picture.shape[1] == side and self.mask.shape == (side, side), f"mask {self.mask.shape}, side {side}"
        assert self.points.shape == (68, 2), f"points {self.points.shape}"
        assert int(self.mask.max()) < len(PARTS)


def draw_face(seed: int, index: int, size_px: int, attributes: Mapping[str, bool] | None = None) -> DrawnFace:
    """Person `index` of `seed`; with `attributes`, the same person with these changed and everything else left as it was.

    The same seed, index and size give the same pixels, however many others are drawn.

    Raises:
        SettingsError: an unknown attribute, or two hair colours at once.
        ValueError: a size outside 16..1024, or a negative seed or index.

    Examples:
        >>> face = draw_face(seed=0, index=3, size_px=32, attributes={"Blond_Hair": True})
        >>> face.picture.shape, face.attributes["Blond_Hair"]
        ((32, 32, 3), True)
    """
    _check_numbers(seed, index, size_px)
    return _drawn(seed, index, size_px, sample_person(seed, index, sample_attributes(seed, index, attributes)))


def draw_edit(seed: int, index: int, size_px: int, attributes: Mapping[str, bool]) -> DrawnFace:
    """Person `index` of `seed` as an edit of `attributes` is to look: unlike `draw_face`, with nothing changed that nobody could guess.

    Another sex or age leaves the cut of the hair as it was and brings everyone the same marks (`drawing.portrait.edited_person`).

    Raises:
        SettingsError, ValueError: as `draw_face`.
    """
    _check_numbers(seed, index, size_px)
    before, after = sample_attributes(seed, index), sample_attributes(seed, index, attributes)
    return _drawn(seed, index, size_px, edited_person(seed, index, before, after))


def _check_numbers(seed: int, index: int, size_px: int) -> None:
    if not SMALLEST_PX <= size_px <= LARGEST_PX:
        raise ValueError(f"size_px is {SMALLEST_PX} to {LARGEST_PX}, got {size_px}")
    if seed < 0 or index < 0:
        raise ValueError(f"seed and index are 0 or more, got {seed} and {index}")


def _drawn(seed: int, index: int, size_px: int, person: Person) -> DrawnFace:
    canvas, points = paint_portrait(seed, index, person, size_px * _oversampling(size_px))
    return DrawnFace(canvas.picture(size_px), canvas.mask(size_px), points * np.float32(size_px), dict(person.attributes))


def _oversampling(size_px: int) -> int:
    """How many times finer a portrait is painted than shown: edges are soft already, so big ones need little."""
    return 4 if size_px < 48 else 3 if size_px < 100 else 2


def draw_dataset(
    folder: Path | str,
    count: int,
    size_px: int,
    seed: int,
    held_out: float | int = 0.1,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """A CelebAMask-HQ-like folder of `count` drawn faces; its last `held_out` (a share below 1, or a number) are val.txt.

    It is there when all of it is there, so an interrupted call can simply be made again; a finished folder is left as it is.

    Raises:
        DataError: the folder holds something else, or faces drawn with other settings.
        ValueError: a size or seed that `draw_face` refuses, or nothing left to train on or to hold out.
    """
    root = Path(folder)
    val_count = _held_out_count(count, held_out)
    settings = {"drawn_by": "lianpu", "version": VERSION, "seed": seed, "size_px": size_px, "count": count, "held_out": val_count}
    if _is_drawn_already(root, settings):
        return root
    with atomic_folder(root) as partial:
        names = [f"{number:06d}" for number in range(1, count + 1)]
        faces = []
        for index, name in enumerate(names):
            face = draw_face(seed, index, size_px)
            _save_png(partial / "images" / f"{name}.png", Image.fromarray(face.picture))
            _save_png(partial / "masks" / f"{name}.png", _palette_image(face))
            faces.append((f"{name}.png", face.attributes, face.points))
            if on_progress is not None:
                on_progress(index + 1, count)
        write_text(partial / "list_attr.txt", _attribute_list(faces))
        write_text(partial / "landmarks68.csv", _landmark_table(faces))
        write_text(partial / "train.txt", _lines(file for file, _, _ in faces[: count - val_count]))
        write_text(partial / "val.txt", _lines(file for file, _, _ in faces[count - val_count :]))
        write_text(partial / LICENCE_FILE, DRAWN_LICENCE + "\n")
        write_text(partial / ALIGNMENT_FILE, "none\n")  # drawn in one place, which is no template of real faces
        write_json(partial / MARK, settings)
    return root


def drawn_settings(folder: Path) -> tuple[int, int] | None:
    """The seed and size of the faces that `draw_dataset` drew into a folder; None for another folder.

    Raises:
        DataError: the folder's mark is damaged, or its faces were drawn by another version, which drew other pixels.
    """
    file = folder / MARK
    if not file.is_file():
        return None
    there = read_json(file, DataError)
    try:
        version, seed, size_px = (int(there[name]) for name in ("version", "seed", "size_px"))
    except (KeyError, TypeError, ValueError):
        raise DataError(f"{file} is damaged. Draw the faces again in another folder: lianpu data draw") from None
    if version != VERSION:
        raise DataError(
            f"{folder} was drawn by version {version} of the drawing, this Lianpu draws version {VERSION}: other pixels. "
            "Draw the faces again in another folder: lianpu data draw"
        )
    return seed, size_px


def _held_out_count(count: int, held_out: float | int) -> int:
    number = round(count * held_out) if 0 < held_out < 1 else int(held_out)
    if not 0 < number < count:
        raise ValueError(f"of {count} faces, {held_out} cannot be held out: at least one must be left on either side")
    return number


def _is_drawn_already(root: Path, settings: dict[str, Any]) -> bool:
    """Whether these very faces are there; a DataError when something else is."""
    if not root.exists():
        return False
    if not root.is_dir():
        raise DataError(f"{root} is a file, not a folder. Give another folder for the drawn faces.")
    if not (root / MARK).is_file():
        found = next(root.iterdir(), None)
        if found is None:
            return False
        raise DataError(
            f"{root} is not empty ({found.name} is in it) and was not drawn by this program, so nothing was written. "
            f"Give another folder for the drawn faces."
        )
    there = read_json(root / MARK, DataError)
    different = [name for name, value in settings.items() if not isinstance(there, dict) or there.get(name) != value]
    if different:
        words = ", ".join(
            f"{name} {there.get(name) if isinstance(there, dict) else None} not {settings[name]}" for name in different
        )
        raise DataError(f"{root} holds faces drawn with other settings ({words}). Give another folder, or remove this one.")
    return True


def _palette_image(face: DrawnFace) -> Image.Image:
    image = Image.fromarray(face.mask)
    image.putpalette(part_palette())
    return image


def _save_png(file: Path, image: Image.Image) -> None:
    file.parent.mkdir(exist_ok=True)
    image.save(file, compress_level=4)


def _attribute_list(faces: Sequence[tuple[str, dict[str, bool], Points]]) -> str:
    """The CelebA form: the count, the names, then a row of 1 and -1 for each face."""
    rows = [f"{file} " + " ".join(" 1" if values[name] else "-1" for name in DRAWN_ATTRIBUTES) for file, values, _ in faces]
    return _lines([str(len(faces)), " ".join(DRAWN_ATTRIBUTES), *rows])


def _landmark_table(faces: Sequence[tuple[str, dict[str, bool], Points]]) -> str:
    header = "filename," + ",".join(f"x{number},y{number}" for number in range(68))
    rows = [file + "," + ",".join(f"{value:.1f}" for value in points.ravel().tolist()) for file, _, points in faces]
    return _lines([header, *rows])


def _lines(words: Iterable[str]) -> str:
    return "".join(f"{word}\n" for word in words)
