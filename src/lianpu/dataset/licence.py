"""What faces may be used for, as far as a source can tell."""

from pathlib import Path

from lianpu.dataset.lines import read_text

CELEBA_LICENCE = "non-commercial research and education only (CelebA)"
UNKNOWN_LICENCE = "follows the training data"


def licence_of(folder: Path, otherwise: str) -> str:
    """The words of the folder's `licence.txt` in one line; `otherwise` when it has none."""
    file = folder / "licence.txt"
    return " ".join(read_text(file).split()) or otherwise if file.is_file() else otherwise
