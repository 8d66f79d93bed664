"""A photo whose faces are hidden carries no earlier picture of them, no name, place, date or serial number, in whatever pocket it lay."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin

from lianpu.editing.presets import EffectStep, Preset
from lianpu.editing.session import export_photo
from lianpu.effects.catalogue import effect_of
from lianpu.photo.anonymous import anonymous_exif, anonymous_profile
from lianpu.photo.exif import without_small_picture
from lianpu.photo.reading import read_photo

NAME, PLACE, SERIAL, DAY = "Annabella Quist", "Flensburg", "SN-77120043", "2021:03:04 05:06:07"
HIDDEN = Preset("hidden", (EffectStep(effect_of("anonymise")),))
LIPSTICK = Preset("lips", (EffectStep(effect_of("lipstick")),))


@pytest.fixture(scope="module")
def face() -> bytes:
    """A small JPEG, as cameras put into EXIF, maker notes and XMP."""
    stored = io.BytesIO()
    Image.fromarray(np.random.default_rng(7).integers(0, 255, (24, 24, 3), dtype=np.uint8)).save(stored, "JPEG")
    return stored.getvalue()


def _exif(face: bytes) -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Maker", "Model X", 6
    exif[0x010E], exif[0x013B], exif[0x8298], exif[0x0132] = f"{NAME} in {PLACE}", NAME, NAME, DAY
    exif[0x9C9D], exif[0xC4A5] = NAME.encode("utf-16-le"), face
    camera = exif.get_ifd(0x8769)
    camera[0x829A], camera[0x829D], camera[0x8827], camera[0x9000] = 0.01, 2.8, 400, b"0232"
    camera[0xA434] = "50mm f/1.8"
    camera[0x927C], camera[0x9286], camera[0xA430], camera[0xA431], camera[0x9003] = face, face, NAME, SERIAL, DAY
    camera[0xA420] = SERIAL
    camera[0x9101] = face  # a short tag that is not short
    place = exif.get_ifd(0x8825)
    place[1], place[2], place[0x1B] = "N", (54.0, 47.0, 5.0), face
    return exif.tobytes()


def _xmp(face: bytes) -> bytes:
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:g="http://ns.adobe.com/xap/1.0/g/img/" '
        b'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:City="%s">'
        b"<dc:creator><rdf:Seq><rdf:li>%s</rdf:li></rdf:Seq></dc:creator>"
        b'<xmp:Thumbnails><rdf:Alt><rdf:li rdf:parseType="Resource"><g:image>%s</g:image></rdf:li></rdf:Alt></xmp:Thumbnails>'
        b"</rdf:Description></rdf:RDF></x:xmpmeta>" % (PLACE.encode(), NAME.encode(), face.hex().encode())
    )


def _profile(face: bytes) -> bytes:
    """sRGB's profile with a private tag that holds the face."""
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    (count,) = struct.unpack_from(">I", icc, 128)
    table = bytearray(icc[132 : 132 + 12 * count])
    for index in range(count):
        name, offset, length = struct.unpack_from(">4s2I", table, 12 * index)
        struct.pack_into(">4s2I", table, 12 * index, name, offset + 12, length)
    table += struct.pack(">4s2I", b"fACE", len(icc) + 12, len(face))
    whole = icc[:128] + struct.pack(">I", count + 1) + bytes(table) + icc[132 + 12 * count :] + face
    return struct.pack(">I", len(whole)) + whole[4:]


def _photo(folder: Path, ending: str, face: bytes) -> Path:
    file = folder / f"photo{ending}"
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 255, (40, 60, 3), dtype=np.uint8))
    options: dict[str, object] = {"exif": _exif(face), "icc_profile": _profile(face)}
    if ending == ".jpg":
        options |= {"xmp": _xmp(face), "comment": NAME.encode() + face}
    elif ending == ".webp":
        options |= {"xmp": _xmp(face), "lossless": True}
    elif ending == ".png":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", _xmp(face).decode())
        info.add_text("Author", NAME)
        info.add_text("Raw profile type exif", face.hex())
        options |= {"pnginfo": info}
    elif ending == ".tif":
        directory = TiffImagePlugin.ImageFileDirectory_v2()
        directory[700], directory.tagtype[700] = _xmp(face), 1
        directory[315] = NAME
        directory[0x8769] = {0x927C: face}
        directory[34377] = face  # Photoshop's own block
        options = {"icc_profile": _profile(face), "tiffinfo": directory}
    else:
        pillow_heif = pytest.importorskip("pillow_heif", reason="needs pillow-heif")
        pillow_heif.register_heif_opener()
        options |= {"xmp": _xmp(face)}
    picture.save(file, **options)  # type: ignore[arg-type]
    return file


def _pieces(face: bytes) -> list[bytes]:
    middle = len(face) // 2
    return [face[at : at + 24] for at in (0, middle, len(face) - 24)] + [face[middle : middle + 12].hex().encode()]


@pytest.mark.parametrize("source", [".jpg", ".png", ".webp", ".tif", ".heic"])
@pytest.mark.parametrize("target", [".jpg", ".png", ".webp", ".tif"])
def test_no_pocket_of_the_file_gives_the_face_or_the_person_back(tmp_path: Path, face: bytes, source: str, target: str) -> None:
    file = _photo(tmp_path, source, face)
    assert any(piece in file.read_bytes() for piece in _pieces(face)), "the test puts the face into the file"
    photo = read_photo(file)
    written = tmp_path / f"out{target}"
    lost = export_photo(written, 255 - photo.picture, photo, HIDDEN, "", None)
    stored = written.read_bytes()
    for piece in (*_pieces(face), NAME.encode(), NAME.encode("utf-16-le"), PLACE.encode(), SERIAL.encode(), DAY.encode()):
        assert piece not in stored, piece
    assert any("faces are hidden" in one for one in lost)
    after = read_photo(written)
    assert np.array_equal(after.picture.shape, photo.picture.shape) and after.xmp is not None
    assert ImageCms.ImageCmsProfile(io.BytesIO(after.icc)).profile.profile_description
    with Image.open(written) as image:
        exif = image.getexif()
        assert not exif.get_ifd(0x8825) and 0x010E not in exif
        if source not in (".tif", ".heic"):
            assert (
                exif[0x010F] == "Maker" and exif.get_ifd(0x8769)[0x8827] == 400 and exif.get_ifd(0x8769)[0xA434] == "50mm f/1.8"
            )


def test_an_edit_that_hides_nobody_keeps_what_the_file_says(tmp_path: Path, face: bytes) -> None:
    photo = read_photo(_photo(tmp_path, ".jpg", face))
    lost = export_photo(tmp_path / "out.jpg", photo.picture, photo, LIPSTICK, "", None)
    assert not lost and read_photo(tmp_path / "out.jpg").icc == photo.icc
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.getexif()[0x013B] == NAME and image.getexif().get_ifd(0x8825)[2] == (54.0, 47.0, 5.0)


@pytest.mark.parametrize("damaged", [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\x7f", b"MM\0*\0\0\0\x08\xff\xff", b"\0" * 50])
def test_damaged_metadata_names_nobody(damaged: bytes) -> None:
    assert NAME.encode() not in anonymous_exif(damaged + NAME.encode()) and anonymous_profile(damaged + NAME.encode()) == b""


@pytest.mark.parametrize("kind", [3, 4, 8, 9, 13])
@pytest.mark.parametrize("count", [1, 3])
def test_a_thumbnail_is_blanked_whatever_integer_type_and_count_its_offset_has(face: bytes, kind: int, count: int) -> None:
    size = 2 if kind in (3, 8) else 4
    letter = {3: "H", 4: "I", 8: "h", 9: "i", 13: "I"}[kind]
    body = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1) + struct.pack("<HHII", 0x0112, 3, 1, 1) + struct.pack("<I", 26)
    far = 26 + 2 + 24 + 4
    values = far + (0 if count * size <= 4 else count * size)
    offset = struct.pack(f"<{count}{letter}", values, *[0] * (count - 1))
    inline = offset.ljust(4, b"\0") if len(offset) <= 4 else struct.pack("<I", far)
    body += struct.pack("<H", 2) + struct.pack("<HHI", 0x0201, kind, count) + inline
    body += struct.pack("<HHII", 0x0202, 4, 1, len(face)) + struct.pack("<I", 0)
    body += (b"" if len(offset) <= 4 else offset) + face
    assert face in body and face[len(face) // 2 :] not in without_small_picture(b"Exif\0\0" + body)
