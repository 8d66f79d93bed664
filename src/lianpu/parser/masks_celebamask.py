"""CelebAMask-HQ as it is downloaded: 30,000 faces of 1024 px, and a 512 px file for each part that a face has.

Cheng-Han Lee, Ziwei Liu, Lingyun Wu, Ping Luo: MaskGAN, CVPR 2020 (github.com/switchablenorms/CelebAMask-HQ).
"""

from __future__ import annotations

import re
from pathlib import Path

from lianpu.errors import DataError, nearest_name
from lianpu.parser.mask_files import PartMasks
from lianpu.part_names import PARTS

PICTURES = "CelebA-HQ-img"
PART_FILES = "CelebAMask-HQ-mask-anno"
MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"

_PART_FILE = re.compile(r"(\d+)_(\w+)\.png")
_FIRST_VAL, _FIRST_TEST = 162771, 182638
"""Places in CelebA (the mapping's second column) at which `g_partition.py` begins its val and its test part."""


def read_part_files(folder: Path) -> dict[int, PartMasks]:
    """The part files of each face, by the face's number; they lie in folders 0 to 14, or all in one.

    Raises:
        DataError: a file names no part, or there is none at all.
    """
    by_face: dict[int, dict[str, Path]] = {}
    unknown: list[str] = []
    for file in sorted(folder.rglob("*.png")):
        matched = _PART_FILE.fullmatch(file.name)
        if file.name.startswith("."):
            continue
        if matched is None or matched[2] not in PARTS[1:]:
            near = nearest_name(matched[2], PARTS[1:]) if matched else ""
            unknown.append(f"{file.relative_to(folder)}{near}")
        else:
            by_face.setdefault(int(matched[1]), {})[matched[2]] = file
    if unknown:
        raise DataError(
            f"{folder} has {len(unknown)} files that name no part, first {unknown[0]}. "
            f"They are called NUMBER_PART.png, as 00000_hair.png: rename or remove them. Parts: {', '.join(PARTS[1:])}."
        )
    if not by_face:
        raise DataError(f"{folder} has no part files (as 0/00000_hair.png). Unpack CelebAMask-HQ again.")
    return {face: PartMasks(files) for face, files in by_face.items()}


def read_official_split(mapping: Path) -> dict[int, str]:
    """train, val or test for each face's number, as the authors' `g_partition.py` divides them: 24,183, 2,993 and 2,824.

    Raises:
        DataError: the mapping is not as published; the line is said.
    """
    splits: dict[int, str] = {}
    try:
        lines = mapping.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(f"{mapping} cannot be read ({problem}). Download it again.") from None
    for number, line in enumerate(lines[1:], start=2):
        words = line.split()
        if not words:
            continue
        if len(words) < 2 or not (words[0].isdecimal() and words[1].isdecimal()):
            raise DataError(
                f"{mapping}, line {number}: expected a face's number and its place in CelebA, got '{line[:60]}'. Download it again."
            )
        place = int(words[1])
        splits[int(words[0])] = "test" if place >= _FIRST_TEST else "val" if place >= _FIRST_VAL else "train"
    return splits
