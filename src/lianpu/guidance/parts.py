"""Part maps of faces: from masks that lie with them, in any layout that `lianpu parser train` reads, or from a parser."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from lianpu.dataset.faces import Faces
from lianpu.dataset.part_maps import MAP_PX, PartMaps, shrunk_map
from lianpu.errors import DataError
from lianpu.face_parsing.data.mask_files import IndexMask, PartMasks
from lianpu.face_parsing.data.masks import find_masks
from lianpu.face_parsing.runtime import FaceParser
from lianpu.files import atomic_file
from lianpu.imaging.picture import resize

OnProgress = Callable[[int, int], None]


def obtain_part_maps(
    faces: Faces, file: Path, load_parser: Callable[[], FaceParser], on_progress: OnProgress | None = None
) -> PartMaps:
    """The part maps of `faces`, from `file` when they were kept there, else made and kept.

    Masks are read where they lie with the pictures; else `load_parser` gives a parser, which parses each face.

    Raises:
        DataError: a mask is missing or unreadable.
        LianpuError: there is no parser.
    """
    kept = _kept(file, len(faces))
    if kept is not None:
        return kept
    parts = part_maps_from_masks(faces, on_progress) or _from_parser(faces, load_parser(), on_progress)
    with atomic_file(file) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, maps=parts.maps)
    return parts


def part_maps_from_masks(faces: Faces, on_progress: OnProgress | None = None) -> PartMaps | None:
    """The part maps of faces whose masks lie with them; None without masks, or where faces are cut out of their pictures.

    Raises:
        DataError: a mask is missing or broken.
    """
    folder = faces.table.root.parent
    masks = None if faces.table.crop_px or not len(faces) else find_masks(folder)
    if masks is None:
        return None
    maps = np.zeros((len(faces), MAP_PX, MAP_PX), dtype=np.uint8)
    for row in range(len(faces)):
        maps[row] = shrunk_map(_middle_square(_mask_of(masks, faces.table.files[faces.rows[row]], folder)))
        if on_progress:
            on_progress(row + 1, len(faces))
    return PartMaps(maps)


def _mask_of(masks: Mapping[str, IndexMask | PartMasks], picture: str, folder: Path) -> np.ndarray:
    mask = masks.get(Path(picture).stem)
    if mask is None:
        raise DataError(
            f"{picture} has no mask in {folder}. Give every picture one, or move the masks away: then a parser is used."
        )
    return mask.read()


def _middle_square(mask: np.ndarray) -> np.ndarray:
    side = min(mask.shape)
    top, left = (mask.shape[0] - side) // 2, (mask.shape[1] - side) // 2
    return mask[top : top + side, left : left + side]


def _kept(file: Path, count: int) -> PartMaps | None:
    """The maps in a file; None if it is missing, cut off, or of another number of faces: they are only a copy."""
    try:
        with file.open("rb") as stream, np.load(stream) as stored:  # np.load itself leaves a broken file open
            maps = stored["maps"]
        return PartMaps(maps) if maps.shape == (count, MAP_PX, MAP_PX) else None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _from_parser(faces: Faces, parser: FaceParser, on_progress: OnProgress | None) -> PartMaps:
    maps = np.zeros((len(faces), MAP_PX, MAP_PX), dtype=np.uint8)
    for row in range(len(faces)):
        (mask,) = parser.parse_crops([resize(faces.read(row), parser.size_px)])
        maps[row] = shrunk_map(mask)
        if on_progress:
            on_progress(row + 1, len(faces))
    return PartMaps(maps)
