"""What faces may be used for, as far as a source can tell."""

from pathlib import Path

from lianpu.dataset.lines import read_text

CELEBA_LICENCE = "non-commercial research and education only (CelebA)"
UNKNOWN_LICENCE = "follows the training data"
DRAWN_LICENCE = "drawn by a program, no real faces: free for any use"

LICENCE_FILE = "licence.txt"
"""What it says goes before what a source takes for granted."""


def licence_of(folder: Path, otherwise: str) -> str:
    """The words of the folder's `licence.txt` in one line; `otherwise` when it has none."""
    file = folder / LICENCE_FILE
    return " ".join(read_text(file).split()) or otherwise if file.is_file() else otherwise
