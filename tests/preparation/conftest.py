"""A folder of drawn photos, and what `prepare_faces` makes of it, once for many tests."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from lianpu.imaging.picture import Picture
from lianpu.photo.writing import write_image
from lianpu.preparation.prepare import Prepared, prepare_faces
from lianpu.preparation.settings import PrepareSettings
from tests.support.portraits import PEOPLE, group, portrait, write_portrait

SETTINGS = PrepareSettings(size_px=64, detector="dlib", parser="none")
"""Small crops, and the detector of the base install."""


def fill_with_photos(folder: Path) -> Path:
    """A group, portraits, a profile, a blurred one, a wall, a resized and a mirrored copy, and files that cannot be read."""
    below = folder / "more" / "of them"
    below.mkdir(parents=True)
    write_image(folder / "group.jpg", group(PEOPLE[:4], 256, columns=2)[0])
    person, other = Image.fromarray(portrait(PEOPLE[4]).picture), portrait(PEOPLE[6]).picture
    person.save(folder / "portrait.png")
    person.resize((320, 320)).save(below / "smaller.jpg", quality=80)
    person.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(below / "turned round.jpg")
    write_image(folder / "profile.jpg", turned_away(other))
    write_image(folder / "blurred.jpg", cv2.GaussianBlur(portrait(PEOPLE[2]).picture, (0, 0), 7).astype(np.uint8))
    write_image(folder / "wall.jpg", np.full((300, 400, 3), 128, dtype=np.uint8))
    write_portrait(below / "Zoë 2.jpg", PEOPLE[5])
    (folder / "broken.jpg").write_bytes((folder / "portrait.png").read_bytes()[:5000])
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden.jpg").write_bytes(b"")
    declare_large(folder / "large.png", 40_000)
    return folder


def turned_away(picture: Picture) -> Picture:
    """The portrait with its left half squeezed, as a head that looks to that side shows it."""
    side = picture.shape[1]
    source = np.interp(np.arange(side), [0, 0.19 * side, side - 1], [0, 0.5 * side, side - 1]).astype(np.float32)
    rows = np.arange(picture.shape[0], dtype=np.float32)
    columns, lines = np.meshgrid(source, rows)
    return cv2.remap(picture, columns, lines, cv2.INTER_LINEAR).astype(np.uint8)


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
    """The folder of photos."""
    return fill_with_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="session")
def prepared(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """What one undisturbed process makes of it. Tests that change it copy it first."""
    return prepare_faces(photos, tmp_path_factory.mktemp("out") / "faces", SETTINGS)


@pytest.fixture
def copy_of(prepared: Prepared, tmp_path: Path) -> Path:
    """A prepared folder that may be changed."""
    return Path(shutil.copytree(prepared.folder, tmp_path / "faces"))
