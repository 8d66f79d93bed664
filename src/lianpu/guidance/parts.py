"""Part maps of the training faces: from masks that lie beside them, or seen by a parser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from lianpu.dataset.faces import Faces
from lianpu.dataset.part_maps import MAP_PX, PartMaps, shrunk_map
from lianpu.errors import DataError
from lianpu.files import atomic_file
from lianpu.image import read_image, resize
from lianpu.parser.face_parser import FaceParser
from lianpu.parser.mask_files import IndexMask

MASK_FOLDER = "masks"
"""Beside the pictures' folder: one index mask per picture, in CelebAMask-HQ's order."""


def obtain_part_maps(
    faces: Faces,
    file: Path,
    load_parser: Callable[[], FaceParser],
    on_progress: Callable[[int, int], None] | None = None,
) -> PartMaps:
    """The part maps of `faces`, from `file` when they were kept there, else made and kept.

    Masks are read where the data has a folder `masks` with one for every face; else `load_parser` gives a parser, which looks at each face.

    Raises:
        DataError: a mask is missing or unreadable.
        LianpuError: there is no parser.
    """
    if file.is_file():
        maps = np.load(file)["maps"]
        if maps.shape == (len(faces), MAP_PX, MAP_PX):
            return PartMaps(maps)
    masks = faces.table.root.parent / MASK_FOLDER
    maps = _from_masks(faces, masks, on_progress) if masks.is_dir() else _from_parser(faces, load_parser(), on_progress)
    with atomic_file(file) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, maps=maps)
    return PartMaps(maps)


def part_maps_from_masks(faces: Faces) -> PartMaps | None:
    """The part maps of faces that have masks beside them; None where there are none. Raises DataError for a mask that is missing or broken."""
    masks = faces.table.root.parent / MASK_FOLDER
    return PartMaps(_from_masks(faces, masks, None)) if masks.is_dir() and len(faces) else None


def _from_masks(faces: Faces, folder: Path, on_progress: Callable[[int, int], None] | None) -> np.ndarray:
    maps = np.zeros((len(faces), MAP_PX, MAP_PX), dtype=np.uint8)
    for row in range(len(faces)):
        file = folder / Path(faces.table.files[faces.rows[row]]).with_suffix(".png")
        if not file.is_file():
            raise DataError(
                f"{file} is not there. Give every picture a mask, or move {folder} away: then a parser looks at the faces."
            )
        maps[row] = shrunk_map(_cropped(IndexMask(file).read(), faces))
        if on_progress:
            on_progress(row + 1, len(faces))
    return maps


def _cropped(mask: np.ndarray, faces: Faces) -> np.ndarray:
    """The part of the mask that the face shows; masks have the pictures' proportions."""
    side = min(mask.shape)
    if faces.table.crop_px:
        first = read_image(faces.table.root / faces.table.files[faces.rows[0]])
        side = round(faces.table.crop_px * mask.shape[0] / first.shape[0])
    top, left = (mask.shape[0] - side) // 2, (mask.shape[1] - side) // 2
    return mask[top : top + side, left : left + side]


def _from_parser(faces: Faces, parser: FaceParser, on_progress: Callable[[int, int], None] | None) -> np.ndarray:
    maps = np.zeros((len(faces), MAP_PX, MAP_PX), dtype=np.uint8)
    for row in range(len(faces)):
        (mask,) = parser.parse_crops([resize(faces.read(row), parser.size_px)])
        maps[row] = shrunk_map(mask)
        if on_progress:
            on_progress(row + 1, len(faces))
    return maps
