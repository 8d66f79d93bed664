"""How the faces of a folder were cut out, where the folder says so."""

from pathlib import Path

from lianpu.dataset.lines import read_text

ALIGNMENT_FILE = "alignment.txt"
"""Holds one word, as models carry it in their metadata (`celeba-center-crop-178`)."""


def alignment_of(folder: Path, otherwise: str) -> str:
    """The word in the folder's `alignment.txt`; `otherwise` when it has none."""
    file = folder / ALIGNMENT_FILE
    return " ".join(read_text(file).split()) or otherwise if file.is_file() else otherwise
