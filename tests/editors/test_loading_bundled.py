"""The editor that the package carries."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lianpu.editors.loading import BUNDLED_EDITORS, bundled_editor_file, load_editor
from lianpu.errors import WeightsError
from lianpu.imaging.picture import resize, to_batch, to_pictures
from lianpu.models import table as weights
from lianpu.models.table import MODEL_FILES, model_file
from lianpu.part_names import PARTS
from lianpu.photo.reading import read_image
from tests.support.shared import REAL_FACES, needs

FACES = REAL_FACES
needs_faces = needs(FACES)


def test_it_is_here_without_a_download_small_and_says_what_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path))
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    editor = load_editor("lite", threads=1)
    info = editor.info
    assert info.attributes.names == ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair", "Male", "Young") and info.has_fields
    assert info.image_size >= 128 and info.alignment == "celebamask-hq" and info.label_input == "difference"
    assert info.licence == model_file("face-editor-lite").licence
    assert bundled_editor_file("lite").stat().st_size <= 4_000_000


def test_its_bytes_are_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy = Path(shutil.copy(bundled_editor_file("lite"), tmp_path))
    with copy.open("r+b") as file:
        file.write(b"x")
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path))
    with pytest.raises(WeightsError, match=r"is not face-editor-lite: expected SHA-256 .* --force-reinstall --no-deps lianpu"):
        load_editor("lite")


def test_it_is_refused_where_only_commercial_files_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANPU_COMMERCIAL_SAFE", "1")
    with pytest.raises(WeightsError, match=r"face-editor-lite.* may not be used commercially"):
        load_editor("lite")


def test_an_installation_without_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tuple(replace(entry, package_folder="lianpu/nowhere") for entry in MODEL_FILES)
    monkeypatch.setattr(weights, "MODEL_FILES", elsewhere)
    for name in BUNDLED_EDITORS:
        with pytest.raises(WeightsError, match=r"face-editor-lite\.onnx .* Install Lianpu again .* or name another editor"):
            load_editor(name)


@needs_faces
def test_it_makes_the_hair_of_a_real_face_darker_or_lighter_and_leaves_its_surroundings() -> None:
    """Hair and what is behind it are where CelebAMask-HQ's masks say so."""
    editor = load_editor("lite", threads=1)
    side, black, blond = editor.info.image_size, [], []
    hair_change, ground_change = [], []
    held_out = (FACES / "val.txt").read_text().split()[:12]
    for name in (Path(line).stem for line in held_out):
        face = resize(read_image(FACES / "images" / f"{name}.jpg"), side)
        with Image.open(FACES / "masks" / f"{name}.png") as stored:
            mask = np.asarray(stored.resize((side, side), Image.Resampling.NEAREST))
        hair, ground = mask == PARTS.index("hair"), mask == PARTS.index("background")
        if hair.mean() < 0.05 or ground.mean() < 0.05:
            continue
        asked = np.eye(2, 6, dtype=np.float32)
        made = to_pictures(editor.edit(to_batch([face, face]), asked)).astype(float)
        black.append((made[0] - face)[hair].mean())
        blond.append((made[1] - face)[hair].mean())
        change = np.abs(made - face).mean(axis=(0, 3))
        hair_change.append(change[hair].mean())
        ground_change.append(change[ground].mean())
    assert len(black) >= 6
    assert np.mean(black) < -5 < 5 < np.mean(blond)
    assert np.mean(ground_change) < 0.5 * np.mean(hair_change)
