"""What a photo's file carries beside the pixels comes back out of the file that is written."""

import io
import struct
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, JpegImagePlugin

from lianpu.errors import PictureError
from lianpu.photo.exif import without_small_picture
from lianpu.photo.reading import read_image, read_photo
from lianpu.photo.writing import lost_in, write_photo

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'


def _linear_grey_profile() -> bytes:
    """An ICC profile of linear grey values."""
    d50 = struct.pack(">3i", 63190, 65536, 54061)
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"grey\0" + bytes(78),
        b"wtpt": b"XYZ \0\0\0\0" + d50,
        b"kTRC": b"curv\0\0\0\0" + struct.pack(">IH", 1, 256),  # gamma 1
        b"cprt": b"text\0\0\0\0none\0",
    }
    table, data = struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        table += name + struct.pack(">2I", 132 + 12 * len(tags) + len(data), len(tag))
        data += tag + bytes(-len(tag) % 4)
    body = table + data
    head = struct.pack(">I", 128 + len(body)) + bytes(4) + b"\2\x10\0\0" + b"mntrGRAYXYZ " + bytes(12) + b"acsp" + bytes(28) + d50
    return head.ljust(128, b"\0") + body


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_grey_with_a_grey_profile_becomes_srgb_for_no_rgb_file_can_carry_that_profile(mode: str, tmp_path: Path) -> None:
    grey = np.full((8, 8), 128, dtype=np.uint8)
    image = Image.fromarray(grey.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(grey).convert(mode)
    image.save(tmp_path / "grey.png", icc_profile=_linear_grey_profile())
    photo = read_photo(tmp_path / "grey.png")
    assert abs(int(photo.picture[4, 4, 0]) - 188) <= 1, "linear 128 of 255 is 188 in sRGB"
    assert photo.icc == b"" and "the grey colour profile (converted to sRGB)" in photo.lost
    assert (photo.alpha is not None) == (mode == "LA")
    written = write_photo(tmp_path / "out.png", photo.picture, photo)
    with Image.open(written) as after:
        assert "icc_profile" not in after.info and np.asarray(after)[4, 4, 0] == photo.picture[4, 4, 0]


def _pixels(height: int = 40, width: int = 60) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.dstack([3 * x, 5 * y, x + y]).astype(np.uint8)


def _exif(orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    return exif.tobytes()


def _save(file: Path, **options: object) -> Path:
    Image.fromarray(_pixels()).save(file, **options)  # type: ignore[arg-type]
    return file


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif"])
def test_a_turned_photo_is_upright_to_work_on_and_turned_again_in_the_file(tmp_path: Path, ending: str, orientation: int) -> None:
    options = {"lossless": True} if ending == ".webp" else {}
    source = _save(tmp_path / f"in{ending}", exif=_exif(orientation), **options)
    photo = read_photo(source)
    assert np.array_equal(photo.picture, read_image(source))
    written = write_photo(tmp_path / f"out{ending}", photo.picture, photo)
    with Image.open(written) as after, Image.open(source) as before:
        assert after.size == before.size and after.getexif()[0x0112] == orientation
        assert after.getexif()[0x010F] == "Maker" and after.getexif().get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"
        if ending != ".jpg":
            assert np.array_equal(np.asarray(after), np.asarray(before))


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif"])
def test_profile_and_xmp_stay_and_a_new_packet_takes_the_old_ones_place(tmp_path: Path, ending: str) -> None:
    plain = read_photo(_save(tmp_path / "plain.png", icc_profile=ICC, dpi=(300, 300)))
    marked = read_photo(write_photo(tmp_path / f"a{ending}", plain.picture, plain, xmp=XMP))
    assert marked.icc == ICC and marked.xmp is not None and marked.xmp.strip(b"\0") == XMP
    assert read_photo(write_photo(tmp_path / f"b{ending}", plain.picture, marked)).xmp == marked.xmp
    other = XMP.replace(b"rdf:RDF", b"rdf:RDF ")
    assert read_photo(write_photo(tmp_path / f"c{ending}", plain.picture, marked, xmp=other)).xmp == other


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("quality", [40, 75, 98])
def test_a_jpeg_keeps_its_tables_and_its_subsampling(tmp_path: Path, quality: int, subsampling: int) -> None:
    source = _save(tmp_path / "in.jpg", quality=quality, subsampling=subsampling, progressive=quality == 75)
    photo = read_photo(source)
    changed = photo.picture.copy()
    changed[:8, :8] = 255
    with Image.open(write_photo(tmp_path / "out.jpg", changed, photo)) as after, Image.open(source) as before:
        assert isinstance(after, JpegImagePlugin.JpegImageFile) and isinstance(before, JpegImagePlugin.JpegImageFile)
        assert after.quantization == before.quantization
        assert JpegImagePlugin.get_sampling(after) == subsampling
        assert bool(after.info.get("progressive")) == (quality == 75)


def test_a_grey_jpeg_may_become_coloured(tmp_path: Path) -> None:
    Image.fromarray(_pixels()[:, :, 0]).save(tmp_path / "in.jpg", quality=90)
    photo = read_photo(tmp_path / "in.jpg")
    changed = photo.picture.copy()
    changed[8:24, 8:24] = (200, 30, 90)
    after = read_image(write_photo(tmp_path / "out.jpg", changed, photo))
    assert np.abs(after[10:20, 10:20].astype(int) - (200, 30, 90)).max() < 25


def test_transparency_stays_with_the_colours_under_it(tmp_path: Path) -> None:
    rgba = np.dstack([_pixels(), np.tile(np.arange(60, dtype=np.uint8) * 4, (40, 1))])
    Image.fromarray(rgba).save(tmp_path / "in.png")
    photo = read_photo(tmp_path / "in.png")
    for ending in (".png", ".webp", ".tif"):
        with Image.open(write_photo(tmp_path / f"out{ending}", photo.picture, photo)) as after:
            assert np.array_equal(np.asarray(after), rgba)
    assert lost_in(photo, ".png") == () and "transparency" in lost_in(photo, ".jpg")[0]
    assert np.array_equal(read_image(write_photo(tmp_path / "o.bmp", photo.picture, photo)), read_image(tmp_path / "in.png"))


def test_a_palette_with_a_transparent_colour_is_read_as_what_it_shows(tmp_path: Path) -> None:
    image = Image.fromarray(_pixels()).quantize(16)
    image.save(tmp_path / "in.png", transparency=3)
    photo = read_photo(tmp_path / "in.png")
    assert photo.alpha is not None and set(np.unique(photo.alpha)) == {0, 255}


def test_a_small_picture_of_the_photo_before_does_not_stay_in_the_exif() -> None:
    small = io.BytesIO()
    Image.new("RGB", (16, 16), (250, 0, 0)).save(small, "JPEG")
    body = b"II*\0" + (8).to_bytes(4, "little")
    body += (1).to_bytes(2, "little") + b"\x12\x01\x03\x00\x01\0\0\0\x06\0\0\0" + (26).to_bytes(4, "little")
    entries = [(0x0201, 4, 1, 56), (0x0202, 4, 1, len(small.getvalue()))]
    body += len(entries).to_bytes(2, "little")
    for tag, kind, count, value in entries:
        body += tag.to_bytes(2, "little") + kind.to_bytes(2, "little") + count.to_bytes(4, "little") + value.to_bytes(4, "little")
    body += bytes(4)
    body += small.getvalue()
    assert small.getvalue() in body and body.index(small.getvalue()) == 56
    cleaned = without_small_picture(b"Exif\0\0" + body)
    assert small.getvalue() not in cleaned and len(cleaned) == len(body) + 6
    read = Image.Exif()
    read.load(cleaned)
    assert read[0x0112] == 6 and not read.get_ifd(1)
    assert without_small_picture(b"nonsense") == b"nonsense"


def test_an_animation_is_refused_and_one_frame_is_not(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (20, 20), (shade, 0, 0)) for shade in (0, 90, 180)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(PictureError, match=r"a\.gif is a GIF of 3 pictures .*Save the picture that you want as a PNG"):
        read_photo(tmp_path / "a.gif")
    frames[0].save(tmp_path / "one.gif")
    photo = read_photo(tmp_path / "one.gif")
    with pytest.raises(PictureError, match=r"photos are written as .*, not '\.gif'"):
        write_photo(tmp_path / "out.gif", photo.picture, photo)


def test_what_is_lost_is_said(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 40_000, dtype=np.uint16)).save(tmp_path / "deep.png")
    assert read_photo(tmp_path / "deep.png").lost == ("more than 8 bits per colour",)
    assert cv2.imwrite(str(tmp_path / "deep3.png"), np.full((8, 8, 3), 40_000, dtype=np.uint16))
    assert read_photo(tmp_path / "deep3.png").lost == ("more than 8 bits per colour",)
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "print.jpg")
    photo = read_photo(tmp_path / "print.jpg")
    assert photo.lost == ("CMYK (converted to sRGB)",) and photo.jpeg == {}
    plain = read_photo(_save(tmp_path / "p.png", icc_profile=ICC))
    assert "colour profile" in lost_in(plain, ".bmp")[0]


def test_a_heic_is_read_or_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heif = pytest.importorskip("pillow_heif")
    file = tmp_path / "photo.heic"
    heif.from_pillow(Image.fromarray(_pixels(64, 96))).save(file, quality=95)
    photo = read_photo(file)
    assert photo.picture.shape == (64, 96, 3) and np.abs(photo.picture.astype(int) - _pixels(64, 96)).mean() < 6
    assert np.array_equal(read_image(write_photo(tmp_path / "o.png", photo.picture, photo)), photo.picture)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PictureError, match=r"photo\.heic is a HEIC photo, which needs pillow-heif"):
        read_photo(file)


def test_what_is_no_photo_is_said(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="is not there"):
        read_photo(tmp_path / "none.jpg")
    (tmp_path / "cut.jpg").write_bytes(_save(tmp_path / "in.jpg").read_bytes()[:600])
    with pytest.raises(PictureError, match=r"cut\.jpg is broken or cut off"):
        read_photo(tmp_path / "cut.jpg")
    (tmp_path / "empty.png").touch()
    with pytest.raises(PictureError, match="is empty"):
        read_photo(tmp_path / "empty.png")


@pytest.mark.parametrize("damage", [lambda exif: b"\0\0\0\x06" + exif, lambda exif: b"Exif\0\0" + b"\xff" * 40])
def test_a_damaged_exif_block_does_not_stop_an_edit_and_is_named_where_it_is_lost(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    photo = replace(read_photo(_save(tmp_path / "in.png")), exif=damage(_exif(6)))
    for ending in (".jpg", ".png", ".webp", ".tif"):
        written = read_photo(write_photo(tmp_path / f"out{ending}", photo.picture, photo, xmp=XMP))
        assert written.picture.shape == photo.picture.shape
    assert "EXIF (damaged)" in lost_in(photo, ".tif") and "EXIF (damaged)" not in lost_in(photo, ".png")
