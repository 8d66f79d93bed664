"""A folder of real photos, and what `prepare_faces` makes of it, once for many tests."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lianpu.preparation.prepare import Prepared, prepare_faces
from lianpu.preparation.settings import PrepareSettings
from tests.support.shared import SHARED

PHOTOS = SHARED / "data" / "photos"
FACES = SHARED / "data" / "celebamask_mini"
YUNET = SHARED / "models" / "yunet_n_640_640.onnx"

SETTINGS = PrepareSettings(size_px=64, detector=str(YUNET), parser="none")
"""Small crops, and a detector that lies beside the repository."""


def fill_with_photos(folder: Path) -> Path:
    """Groups, portraits, a profile, a blurred one, a landscape, a resized and a mirrored copy, and files that cannot be read."""
    below = folder / "more" / "of them"
    below.mkdir(parents=True)
    for name in ("p03_group.jpg", "p12_profile.jpg", "p17_portrait.png", "p21_motion_blur.jpg", "p25_landscape.jpg"):
        shutil.copy(PHOTOS / name, folder / name)
    shutil.copy(PHOTOS / "p23_portrait.jpg", below / "Zoë 2.jpg")
    with Image.open(PHOTOS / "p17_portrait.png") as portrait:
        portrait.convert("RGB").resize((320, 393)).save(below / "smaller.jpg", quality=80)
        portrait.convert("RGB").transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(below / "turned round.jpg")
    (folder / "broken.jpg").write_bytes((PHOTOS / "p17_portrait.png").read_bytes()[:5000])
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden.jpg").write_bytes(b"")
    declare_large(folder / "large.png", 40_000)
    return folder


def declare_large(file: Path, side: int) -> None:
    """A PNG of a few bytes whose head declares side x side pixels."""
    from zlib import crc32

    Image.fromarray(np.zeros((4, 4, 3), dtype=np.uint8)).save(file)
    content = bytearray(file.read_bytes())
    content[16:24] = side.to_bytes(4, "big") * 2
    content[29:33] = crc32(bytes(content[12:29])).to_bytes(4, "big")
    file.write_bytes(bytes(content))


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of photos; skips where the shared data is not there."""
    if not PHOTOS.is_dir() or not YUNET.is_file():
        pytest.skip("../shared is not there")
    return fill_with_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="session")
def prepared(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """What one undisturbed process makes of it. Tests that change it copy it first."""
    return prepare_faces(photos, tmp_path_factory.mktemp("out") / "faces", SETTINGS)


@pytest.fixture
def copy_of(prepared: Prepared, tmp_path: Path) -> Path:
    """A prepared folder that may be changed."""
    return Path(shutil.copytree(prepared.folder, tmp_path / "faces"))
