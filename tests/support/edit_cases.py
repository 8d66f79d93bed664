"""Edit a fixed list of cases and write one SHA-256 of the pixels per case: run before and after a change, and compare.

    python tests/support/edit_cases.py PHOTOS OUT.json

PHOTOS is a folder of photos with faces. The cases go through the command line, so they do not depend on the layout of the package.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from lianpu.cli.main import main

EFFECTS = (
    "hair_color:color=#aa3355", "hair_color:color=#d8b46a,strength=0.7", "lipstick=0.8", "blush=0.8", "eye_shadow=0.8", "smooth_skin=1",
    "whiten_teeth=1", "brighten_eyes=1", "under_eye=1", "skin_tone=tan", "larger_eyes=0.8", "slim_face=0.8", "blur_background=1", "replace_background:color=#3366aa",
    "sticker:which=glasses", "sticker:which=hat", "anonymise:way=blur", "anonymise:way=mosaic",
)  # fmt: skip
PRESETS = ("natural", "evening", "party", "portrait", "copper", "hidden")
SETS = (("Blond_Hair=yes",), ("Black_Hair=yes",), ("Male=yes",), ("Male=no",), ("Young=no",), ("Brown_Hair=yes", "Young=yes"))


def cases() -> dict[str, list[str]]:
    """Arguments of `lianpu edit` by the name of the case."""
    result = {f"effect {word}": ["--effect", word] for word in EFFECTS}
    result |= {f"preset {name}": ["--preset", name] for name in PRESETS}
    result |= {f"set {' '.join(words)}": ["--set", *words] for words in SETS}
    return result


def edited_hash(photo: Path, arguments: list[str]) -> str:
    """SHA-256 of the edited pixels, or the line with which the command ended."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.png"
        try:
            main(["edit", str(photo), str(out), *arguments])
        except SystemExit as end:
            if not out.exists():
                return f"exit {end.code}"
        picture = np.asarray(Image.open(out))
        return hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).hexdigest()[:20]


def run(folder: Path) -> dict[str, str]:
    """The hash of every case on every photo of the folder."""
    photos = sorted(file for file in folder.iterdir() if file.suffix in (".jpg", ".png"))
    return {f"{photo.name}: {name}": edited_hash(photo, arguments) for photo in photos for name, arguments in cases().items()}


if __name__ == "__main__":
    source, target = (Path(word) for word in sys.argv[1:3])
    target.write_text(json.dumps(run(source), indent=1) + "\n", encoding="utf-8")
