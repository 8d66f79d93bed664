"""Signed statements in edited pictures."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lianpu.errors import LianpuError, SettingsError
from lianpu.photo import c2pa as content_credentials
from lianpu.photo.c2pa import Signing, SigningFiles, credential_of, open_signing, sign
from lianpu.photo.reading import read_image
from lianpu.photo.xmp import ALGORITHMIC, GENERATIVE, edited_xmp, source_type_of

pytest.importorskip("c2pa", reason="needs c2pa-python")


@pytest.fixture(scope="module")
def signing(pem: Path) -> Signing:
    return open_signing(SigningFiles(pem / "chain.pem", pem / "key.pem"))


def _photo(file: Path, **options: Any) -> Path:
    colors = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(colors).save(file, **options)
    return file


def _actions(file: Path) -> list[dict[str, Any]]:
    manifest: Any = credential_of(file)
    return [action for entry in manifest["assertions"] if "actions" in entry["label"] for action in entry["data"]["actions"]]


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tiff"])
def test_a_signed_picture_says_what_was_done_and_keeps_its_pixels(ending: str, signing: Signing, tmp_path: Path) -> None:
    file = _photo(tmp_path / f"a.{ending}")
    before = read_image(file)
    assert sign(file, signing, "edit Young=no 1", "lite")
    assert (read_image(file) == before).all()
    opened, edited = _actions(file)
    assert opened["action"] == "c2pa.opened" and edited["action"] == "c2pa.edited"
    assert edited["description"] == "edit Young=no 1 (model: lite)" and edited["digitalSourceType"] == GENERATIVE


def test_signing_keeps_the_xmp_mark_and_says_when_no_model_painted(signing: Signing, tmp_path: Path) -> None:
    file = _photo(tmp_path / "a.jpg", xmp=edited_xmp("blush 1"))
    sign(file, signing, "blush 1")
    with Image.open(file) as image:
        assert source_type_of(image.info["xmp"]) == ALGORITHMIC
    assert _actions(file)[1]["digitalSourceType"] == ALGORITHMIC


def test_credentials_go_on_from_those_of_the_photo_and_hold_no_small_picture_of_it(signing: Signing, tmp_path: Path) -> None:
    before, after = _photo(tmp_path / "before.jpg"), _photo(tmp_path / "after.png")
    sign(before, signing, "first")
    sign(after, signing, "second", earlier=before)
    manifest: Any = credential_of(after)
    assert manifest["ingredients"][0]["active_manifest"] and "thumbnail" not in manifest
    assert "thumbnail" not in manifest["ingredients"][0]
    sign(alone := _photo(tmp_path / "alone.png"), signing, "third")
    manifest = credential_of(alone)
    assert "active_manifest" not in manifest["ingredients"][0]


def test_a_changed_picture_no_longer_agrees_with_its_credential(signing: Signing, tmp_path: Path) -> None:
    import c2pa

    file = _photo(tmp_path / "a.png")
    sign(file, signing, "blush 1")
    data = bytearray(file.read_bytes())
    data[-30] ^= 1
    file.write_bytes(data)
    with c2pa.Reader(str(file)) as reader:
        assert reader.get_validation_state() == "Invalid"


def test_a_format_that_carries_none_is_left_as_it_is(signing: Signing, tmp_path: Path) -> None:
    file = _photo(tmp_path / "a.bmp")
    before = file.read_bytes()
    assert not sign(file, signing, "blush 1")
    assert file.read_bytes() == before


def test_a_picture_without_a_credential_has_none(tmp_path: Path) -> None:
    assert credential_of(_photo(tmp_path / "a.png")) is None


@pytest.mark.parametrize(
    ("chain", "key", "algorithm", "said"),
    [
        ("none.pem", "key.pem", "es256", "none.pem is not there. Give a PEM file."),
        ("chain.pem", "chain.pem", "es256", "holds no PRIVATE KEY in PEM form"),
        ("key.pem", "key.pem", "es256", "holds no CERTIFICATE in PEM form"),
        ("chain.pem", "key.pem", "rsa", "'rsa' is no signing algorithm. Known: es256"),
        ("chain.pem", "other.pem", "es256", "cannot sign with es256"),
        ("chain.pem", "key.pem", "ed25519", "cannot sign with ed25519"),
    ],
)
def test_what_cannot_sign_is_said_before_any_photo(chain: str, key: str, algorithm: str, said: str, pem: Path) -> None:
    with pytest.raises(SettingsError) as problem:
        open_signing(SigningFiles(pem / chain, pem / key, algorithm))
    assert said in str(problem.value) and "\n" not in str(problem.value)


def test_without_the_library_it_is_named(pem: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_credentials, "find_spec", lambda name: None)
    for call in (
        lambda: open_signing(SigningFiles(pem / "chain.pem", pem / "key.pem")),
        lambda: credential_of(tmp_path / "a.png"),
    ):
        with pytest.raises(
            LianpuError, match=r"c2pa-python, which is not installed here. Install it: pip install 'lianpu\[c2pa\]'"
        ):
            call()


def test_a_key_is_never_shown(signing: Signing) -> None:
    assert "PRIVATE" not in repr(signing)
