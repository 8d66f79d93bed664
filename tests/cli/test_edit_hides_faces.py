"""What `lianpu edit` writes of a photo whose faces it hides holds no earlier picture of them: no thumbnail, no earlier credential."""

import io
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lianpu.cli.main import main
from lianpu.dataset.drawn import draw_face
from lianpu.models.store.locate import find_model_file
from lianpu.photo.c2pa import SigningFiles, credential_of, open_signing, sign

pytestmark = pytest.mark.skipif(find_model_file("dlib-landmarks-68") is None, reason="needs dlib's 68 points")
pytest.importorskip("c2pa", reason="needs c2pa-python")

XMP_THUMBNAIL = b"AAAABBBBthe-face-as-it-wasCCCCDDDD"
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:g="http://ns.adobe.com/xap/1.0/g/img/">'
    b'<xmp:Thumbnails><rdf:Alt><rdf:li rdf:parseType="Resource"><g:image>%s</g:image></rdf:li></rdf:Alt></xmp:Thumbnails>'
    b"</rdf:Description></rdf:RDF></x:xmpmeta>" % XMP_THUMBNAIL
)


@pytest.fixture
def thumbnail() -> bytes:
    stored = io.BytesIO()
    Image.fromarray(draw_face(2, 1, 64, {"Young": True}).picture).save(stored, "JPEG")
    return stored.getvalue()


@pytest.fixture
def photo(tmp_path: Path, pem: Path, thumbnail: bytes) -> Path:
    """A signed portrait with thumbnails in its EXIF and in its XMP."""
    exif = b"Exif\0\0II*\0" + struct.pack("<I", 8)
    exif += struct.pack("<H", 1) + struct.pack("<HHII", 0x0112, 3, 1, 1) + struct.pack("<I", 26)
    exif += struct.pack("<H", 2) + struct.pack("<HHII", 0x0201, 4, 1, 56) + struct.pack("<HHII", 0x0202, 4, 1, len(thumbnail))
    exif += struct.pack("<I", 0) + thumbnail
    file = tmp_path / "in" / "photo.jpg"
    file.parent.mkdir()
    portrait = draw_face(2, 1, 256, {"Young": True, "Eyeglasses": False}).picture
    Image.fromarray(portrait).save(file, quality=95, exif=exif, xmp=XMP)
    assert sign(file, open_signing(SigningFiles(pem / "chain.pem", pem / "key.pem")), "taken")
    stored = file.read_bytes()
    assert thumbnail in stored and XMP_THUMBNAIL in stored and credential_of(file) is not None
    return file


@pytest.mark.parametrize("words", [("--preset", "hidden"), ("--effect", "anonymise"), ("--effect", "anonymise:way=mosaic")])
@pytest.mark.parametrize("whole_folder", [False, True])
@pytest.mark.parametrize("signed", [False, True])
def test_hidden_faces_stay_hidden(
    photo: Path, thumbnail: bytes, pem: Path, tmp_path: Path, words: tuple[str, str], whole_folder: bool, signed: bool
) -> None:
    source, target = (photo.parent, tmp_path / "out") if whole_folder else (photo, tmp_path / "out" / "photo.jpg")
    if not whole_folder:
        target.parent.mkdir()
    signing = ["--c2pa-cert", pem / "chain.pem", "--c2pa-key", pem / "key.pem"] if signed else []
    main([str(word) for word in ("edit", source, target, *words, "--detector", "dlib", *signing)])
    written = tmp_path / "out" / "photo.jpg"
    stored = written.read_bytes()
    assert thumbnail not in stored and XMP_THUMBNAIL not in stored
    credential: Any = credential_of(written)
    assert (credential is not None) == signed
    if signed:
        assert "active_manifest" not in json.dumps(credential) and "thumbnail" not in json.dumps(credential)


def test_a_photo_that_hiding_leaves_as_it_is_is_not_copied_with_its_metadata(
    photo: Path, thumbnail: bytes, tmp_path: Path
) -> None:
    main([str(word) for word in ("edit", photo, tmp_path / "out.jpg", "--effect", "anonymise=0", "--detector", "dlib")])
    stored = (tmp_path / "out.jpg").read_bytes()
    assert thumbnail not in stored and XMP_THUMBNAIL not in stored


def test_an_edit_that_hides_nobody_goes_on_from_the_earlier_credential(
    photo: Path, thumbnail: bytes, pem: Path, tmp_path: Path
) -> None:
    signing = ("--c2pa-cert", pem / "chain.pem", "--c2pa-key", pem / "key.pem")
    out = tmp_path / "out.jpg"
    main([str(word) for word in ("edit", photo, out, "--effect", "lipstick", "--detector", "dlib", *signing)])
    credential: Any = credential_of(out)
    assert credential["ingredients"][0]["active_manifest"]


def test_a_format_that_holds_no_signature_is_named(
    photo: Path, pem: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signing = ("--c2pa-cert", pem / "chain.pem", "--c2pa-key", pem / "key.pem")
    main([str(word) for word in ("edit", photo, tmp_path / "out.bmp", "--effect", "lipstick", "--detector", "dlib", *signing)])
    assert "the C2PA signature (.bmp cannot carry one)" in " ".join(capsys.readouterr().out.split())
