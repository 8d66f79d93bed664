"""What the server takes, and the line that it says of the rest."""

import string
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from lianpu.errors import SettingsError
from lianpu.web.engine import check_photo
from lianpu.web.language import LANGUAGES, PageError, error_line, load_words
from lianpu.web.limits import Limits

LIMITS = Limits(max_mb=0.1, max_megapixels=0.5)


def _said(file: Path, code: str = "en") -> str:
    with pytest.raises(PageError) as problem:
        check_photo(file, file.name, LIMITS)
    return error_line(problem.value, load_words(code))


def test_a_picture_within_the_limits_passes(tmp_path: Path) -> None:
    Image.new("RGB", (700, 700)).save(tmp_path / "a.png")
    check_photo(tmp_path / "a.png", "a.png", LIMITS)


def test_too_many_bytes_are_said_in_megabytes(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(bytes(250_000))
    assert _said(file) == "a.png has 0.2 MB; this page takes up to 0.1 MB. Make it smaller."
    assert _said(file, "zh") == "a.png 有 0.2 MB，本页面最多接受 0.1 MB。请先缩小。"


def test_too_many_pixels_are_seen_before_they_are_decoded(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    Image.new("1", (1000, 800)).save(file)
    assert "has 0.8 megapixels; this page takes up to 0.5" in _said(file)
    head = struct.pack(">IIBBBBB", 60_000, 50_000, 8, 2, 0, 0, 0)  # 9 gigabytes, if it were decoded
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(b"")))
    assert "megapixels; this page takes up to 0.5" in _said(file)


def test_a_picture_that_is_too_thin_is_said_with_its_size(tmp_path: Path) -> None:
    Image.new("L", (60_000, 40)).save(tmp_path / "a.png")
    assert _said(tmp_path / "a.png").startswith("a.png is 60000 x 40 pixels: too long")
    assert _said(tmp_path / "a.png", "zh").startswith("a.png 为 60000 x 40 像素")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.parametrize("content", [b"", b"words", b"\xff\xd8\xff\xe0 cut off"])
def test_what_is_no_picture_is_named_without_its_path(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "letter.jpg"
    file.write_bytes(content)
    assert _said(file).startswith("letter.jpg is not a picture that can be read.")
    assert _said(file, "zh").startswith("letter.jpg 不是可以读取的图片")


@pytest.mark.parametrize(
    "start", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 300 300\n%%EndComments\n", b"P6\n9 9\n255\n" + bytes(243)]
)
def test_what_pillow_would_open_and_is_no_photo_is_refused_whatever_its_name(start: bytes, tmp_path: Path) -> None:
    file = tmp_path / "photo.png"
    file.write_bytes(start)
    with Image.open(file) as image:
        assert image.format in ("EPS", "PPM")
    assert _said(file).startswith("photo.png is not a picture that can be read.")


def test_words_in_a_picture_that_unpack_to_very_many_are_not_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    words = _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(60_000_000)))
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + head + words + _chunk(b"IDAT", zlib.compress(bytes(200))) + _chunk(b"IEND", b""))
    assert "a.png is not a picture that can be read" in _said(file)


@pytest.mark.parametrize("name", sorted(Limits.__dataclass_fields__))
def test_limits_are_above_zero(name: str) -> None:
    with pytest.raises(SettingsError, match=f"--{name.replace('_', '-')} 0 is not above 0"):
        Limits(**{name: 0})


def test_both_languages_have_the_same_lines_with_the_same_places() -> None:
    english, *others = ({key: line for key, line in load_words(code).lines.items() if "errors." not in key} for code in LANGUAGES)
    for other in others:
        assert other.keys() == english.keys()
        for key, line in english.items():
            places = [{part[1] for part in string.Formatter().parse(text) if part[1]} for text in (line, other[key])]
            assert places[0] == places[1], key
    with pytest.raises(SettingsError, match=r"no language 'fr'\. Known: en, zh"):
        load_words("fr")
