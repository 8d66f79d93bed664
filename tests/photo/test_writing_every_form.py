"""Each form that is read, written into each form that is written: pixels lie upright, and every tag is kept or named as lost."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, features

from lianpu.photo.formats import WRITTEN_ENDINGS
from lianpu.photo.reading import read_photo
from lianpu.photo.writing import lost_in, write_photo
from lianpu.photo.xmp import edited_xmp

_EXIF_DIRECTORY, _GPS_DIRECTORY = 0x8769, 0x8825
MAIN = {
    0x010F: "Maker",
    0x0110: "Model 3",
    0x0131: "Firmware 1.2",
    0x0132: "2021:02:03 04:05:06",
    0x013B: "Anna",
    0x8298: "(c) Anna",
}
CAPTURE = {0x9003: "2020:01:02 03:04:05", 0x829A: 0.01, 0x8827: 200, 0x927C: b"maker's own note \0\x01\xff", 0xA434: "Lens 35 mm"}
GPS = {1: "N", 2: (48.0, 8.0, 15.5), 3: "E", 4: (11.0, 34.0, 30.0)}
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = edited_xmp("a test")

READ = {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF"}
READ |= {".avif": "AVIF"} if features.check("avif") else {}


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif.update(MAIN | {0x0112: orientation})
    exif.get_ifd(_EXIF_DIRECTORY).update(CAPTURE)
    exif.get_ifd(_GPS_DIRECTORY).update(GPS)
    return exif


def _written_by_others(file: Path, orientation: int) -> Path:
    """A photo as cameras and other programs write it, lying as `orientation` says."""
    y, x = np.mgrid[:40, :64]
    image = Image.fromarray(np.dstack([3 * x, 5 * y, 2 * x + y]).astype(np.uint8))
    exif = _exif(orientation)
    options: dict[str, object] = {"icc_profile": ICC}
    if file.suffix == ".heic":
        heif = pytest.importorskip("pillow_heif")
        stored = heif.from_pillow(image)
        with file.open("wb") as stream:
            stored.save(stream, quality=-1, exif=exif.tobytes(), xmp=XMP, icc_profile=ICC)
        return file
    if file.suffix == ".tif":
        stored_exif = Image.Exif()
        stored_exif.load(exif.tobytes())  # Pillow writes directories into a TIFF only where they were read
        stored_exif[700] = XMP
        options |= {"exif": stored_exif}
    elif file.suffix == ".png":
        from PIL import PngImagePlugin

        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        options |= {"exif": exif.tobytes(), "pnginfo": text}
    else:
        options |= {"exif": exif.tobytes(), "xmp": XMP, "quality": 100} | ({"lossless": True} if file.suffix == ".webp" else {})
    image.save(file, READ[file.suffix], **options)
    return file


def _plain(values: Mapping[int, object]) -> dict[int, object]:
    return {
        tag: tuple(round(float(one), 4) for one in value)
        if isinstance(value, tuple)
        else value
        if isinstance(value, (str, bytes))
        else round(float(value), 4)  # type: ignore[arg-type]
        for tag, value in values.items()
    }


@pytest.mark.parametrize("orientation", [1, 6, 7])
@pytest.mark.parametrize("target", WRITTEN_ENDINGS)
@pytest.mark.parametrize("source", [*READ, ".heic"])
def test_upright_pixels_and_each_tag_are_kept_or_named(source: str, target: str, orientation: int, tmp_path: Path) -> None:
    photo = read_photo(_written_by_others(tmp_path / f"in{source}", orientation))
    assert photo.xmp is not None and photo.icc and photo.exif
    written = read_photo(write_photo(tmp_path / f"out{target}", photo.picture, photo))
    upright = photo.picture.shape[:2] if source == ".heic" else ((40, 64) if orientation == 1 else (64, 40))
    assert written.picture.shape[:2] == photo.picture.shape[:2] == upright
    difference = np.abs(written.picture.astype(int) - photo.picture)
    assert difference.mean() < (3 if target in (".jpg", ".jpeg", ".webp") else 1e-9)
    if lost := lost_in(photo, target):
        assert target == ".bmp" and lost == ("EXIF, colour profile and XMP (.bmp holds none)",)
        return
    assert written.icc == ICC and written.xmp is not None and written.xmp.strip(b"\0") == XMP
    exif = Image.Exif()
    exif.load(written.exif)
    assert {tag: exif.get(tag) for tag in MAIN} == MAIN
    captured = exif.get_ifd(_EXIF_DIRECTORY)
    assert _plain({tag: captured.get(tag) for tag in CAPTURE}) == _plain(CAPTURE)
    place = exif.get_ifd(_GPS_DIRECTORY)
    assert _plain({tag: place.get(tag) for tag in GPS}) == _plain(GPS)
    with Image.open(tmp_path / f"out{target}") as stored:  # what other programs see
        stored.load()
        turned = BytesIO()
        stored.convert("RGB").save(turned, "PNG")
        assert stored.getexif().get(0x0112, 1) == photo.orientation or target in (".tif", ".tiff")
