"""Photos are recognised by their first bytes: every format, with a wrong ending and with none, in every command."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from lianpu.cli.main import main
from lianpu.errors import PictureError
from lianpu.photo.formats import (
    FORMATS,
    PHOTO_ENDINGS,
    WRITTEN_ENDINGS,
    IgnoredFiles,
    is_photo,
    photo_format,
    photos_in,
    written_ending,
)
from lianpu.photo.reading import picture_facts, read_image, read_photo

MADE = {
    ".jpg": "JPEG",
    ".jfif": "JPEG",
    ".jpe": "JPEG",
    ".png": "PNG",
    ".bmp": "BMP",
    ".webp": "WEBP",
    ".tiff": "TIFF",
    ".gif": "GIF",
    ".jp2": "JPEG2000",
    ".avif": "AVIF",
    ".heic": "HEIF",
}
"""The formats that can be written here, by an ending of theirs."""

NEEDED = {"AVIF": "avif", "JPEG2000": "jpg_2000", "WEBP": "webp"}


def save(picture: np.ndarray, file: Path, form: str) -> Path:
    """The picture in a file of this format, whatever its name."""
    if form in NEEDED and not features.check(NEEDED[form]):
        pytest.skip(f"Pillow was built without {form}")
    if form == "HEIF":
        heif = pytest.importorskip("pillow_heif")
        with file.open("wb") as stream:
            heif.from_pillow(Image.fromarray(picture)).save(stream, quality=95)
        return file
    Image.fromarray(picture).save(file, form, **({"quality": 95} if form in ("JPEG", "AVIF", "WEBP") else {}))
    return file


@pytest.fixture
def smooth() -> np.ndarray:
    y, x = np.mgrid[:48, :64]
    return np.dstack([3 * x, 4 * y, x + y]).astype(np.uint8)


@pytest.mark.parametrize(("ending", "form"), MADE.items())
@pytest.mark.parametrize("name", ["photo{}", "photo", "photo.txt", "photo.png", "photo.JPG"])
def test_every_format_is_read_by_its_content(tmp_path: Path, smooth: np.ndarray, ending: str, form: str, name: str) -> None:
    file = save(smooth, tmp_path / name.format(ending), form)
    assert photo_format(file) == form and is_photo(file)
    picture, photo = read_image(file), read_photo(file)
    assert picture.shape == smooth.shape and np.abs(picture.astype(int) - smooth).mean() < 12
    assert (photo.picture == picture).all() and photo.format == form
    assert (picture_facts(file).width, picture_facts(file).height) == (64, 48)


def test_the_list_of_written_formats_is_part_of_the_list_of_read_ones() -> None:
    assert set(WRITTEN_ENDINGS) < set(PHOTO_ENDINGS) and set(MADE.values()) == set(FORMATS)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"404 Not Found",
        b"%PDF-1.7",
        b"%!PS-Adobe-3.0 EPSF-3.0",
        b"\0\0\0\x18ftypisom" + bytes(12),
        b"RIFF\0\0\0\0WAVEfmt ",
        b"\x89PNG",
    ],
)
def test_other_files_are_no_photos(tmp_path: Path, head: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(head)
    assert photo_format(file) is None and not is_photo(file)
    with pytest.raises(PictureError, match=r"not a picture that can be read|is empty"):
        read_image(file)


def test_raw_files_of_cameras_are_not_taken_for_their_thumbnails(tmp_path: Path, smooth: np.ndarray) -> None:
    file = save(smooth, tmp_path / "IMG_1.NEF", "TIFF")
    assert not is_photo(file) and is_photo(file.rename(tmp_path / "IMG_1"))


def test_a_folder_gives_its_photos_and_counts_the_others(tmp_path: Path, smooth: np.ndarray) -> None:
    for name in ("b.heic.txt", "a"):
        save(smooth, tmp_path / name, "PNG")
    for name in ("notes.txt", "d.mp4", "c.pdf", "e", ".hidden"):
        (tmp_path / name).write_text("no photo")
    (tmp_path / "broken.jpg").write_text("a broken photo is reported where it is read")
    (tmp_path / "folder.jpg").mkdir()
    ignored = IgnoredFiles()
    assert [file.name for file in photos_in(tmp_path, ignored)] == ["a", "b.heic.txt", "broken.jpg"]
    assert str(ignored) == "4 other files passed over: c.pdf, d.mp4, e and 1 more."
    assert str(IgnoredFiles()) == ""


def test_an_edited_photo_keeps_its_format_where_that_is_written(tmp_path: Path, smooth: np.ndarray) -> None:
    written = {form: written_ending(save(smooth, tmp_path / form, form)) for form in ("PNG", "GIF", "JPEG", "TIFF", "JPEG2000")}
    assert written == {"PNG": ".png", "GIF": ".png", "JPEG": ".jpg", "TIFF": ".tif", "JPEG2000": ".jpg"}


def test_without_pillow_heif_one_line_says_what_to_type(
    tmp_path: Path, smooth: np.ndarray, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save(smooth, tmp_path / "photo", "HEIF")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for read in (read_image, read_photo, picture_facts):
        reader: Callable[[Path], object] = read
        with pytest.raises(
            PictureError, match=r"is a HEIC photo, which needs pillow-heif\. Install it \(pip install 'lianpu\[heif\]'\)"
        ):
            reader(file)
    with pytest.raises(SystemExit):
        main(["faces", "find", str(file), "--detector", "dlib"])
    assert "pip install 'lianpu[heif]'" in capsys.readouterr().err
