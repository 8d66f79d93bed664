"""Every command reads every format of photos by its content, and says which files of a folder it passes over."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image, features

from lianpu.cli.main import main
from lianpu.dataset.check import check_data
from lianpu.dataset.drawn import draw_face
from lianpu.dataset.sources import read_table
from lianpu.models.store.locate import find_model_file
from lianpu.photo.reading import read_image
from tests.support.colour_parser import write_colour_parser

pytestmark = pytest.mark.skipif(find_model_file("dlib-landmarks-68") is None, reason="needs dlib's 68 points")
heif = pytest.importorskip("pillow_heif")

NAMES = {
    "bmp": "BMP",
    "gif": "GIF",
    "jpeg.txt": "JPEG",
    "photo.jfif": "JPEG",
    "png": "PNG",
    "tiff.png": "TIFF",
    "webp.jpg": "WEBP",
}
NAMES |= {"jp2.dat": "JPEG2000"} if features.check("jpg_2000") else {}
NAMES |= {"avif": "AVIF"} if features.check("avif") else {}
IGNORED = "2 other files passed over: movie.mp4, notes.txt."


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same drawn portrait in every format, with no ending or a wrong one."""
    folder = tmp_path_factory.mktemp("photos")
    image = Image.fromarray(draw_face(2, 1, 160, {"Young": True, "Eyeglasses": False}).picture)
    for name, form in NAMES.items():
        image.save(folder / name, form)
    with (folder / "heic.jpg").open("wb") as stream:
        heif.from_pillow(image).save(stream, quality=95)
    (folder / "notes.txt").write_text("no photo")
    (folder / "movie.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(12))
    return folder


def _run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[str, str]:
    main([str(word) for word in words])
    printed = capsys.readouterr()
    return printed.out, printed.err


def test_faces_are_found(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = _run(capsys, "faces", "find", photos, "--detector", "dlib", "--json")
    found = {Path(one["file"]).name: len(one["faces"]) for one in json.loads(out)["photos"]}
    assert found == dict.fromkeys([*NAMES, "heic.jpg"], 1)
    assert IGNORED in _run(capsys, "faces", "find", photos, "--detector", "dlib")[0]


def test_faces_are_parsed(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = write_colour_parser(tmp_path / "colours.onnx", 128)
    out, _ = _run(capsys, "parse", photos, "--out", tmp_path / "out", "--parser", parser, "--detector", "dlib")
    assert IGNORED in out and len(list((tmp_path / "out").glob("*.parts.png"))) == len(NAMES) + 1


def test_a_folder_is_edited(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = _run(capsys, "edit", photos, tmp_path / "out", "--effect", "lipstick", "--detector", "dlib")
    assert err == "" and f"{len(NAMES) + 1} photos: {len(NAMES) + 1} edited" in out and IGNORED in out
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert {"bmp.bmp", "gif.png", "heic.jpg", "jpeg.jpg", "photo.jpg", "png.png", "tiff.png", "webp.jpg"} < names
    assert (read_image(tmp_path / "out" / "png.png") != read_image(photos / "png")).any()


def test_a_training_set_is_prepared(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = _run(
        capsys,
        "prepare",
        photos,
        tmp_path / "faces",
        "--size",
        64,
        "--detector",
        "dlib",
        "--parser",
        "none",
        "--max-hash-distance=-1",
    )
    assert f"{len(NAMES) + 1} photos, {len(NAMES) + 1} faces kept" in " ".join(out.split())
    assert "2 other files passed over" in out


def test_a_folder_of_photos_is_a_data_source(photos: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        shutil.copytree(photos, tmp_path / name)
    table = read_table("folder", tmp_path)
    assert len(table.files) == 2 * (len(NAMES) + 1)
    assert "broken" not in check_data(table, 64).by_kind()
