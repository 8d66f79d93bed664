"""What the page does with photos, without a browser."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lianpu.editing.presets import Preset, hides_faces, parse_preset
from lianpu.editing.session import EditSession
from lianpu.faces.analyzer import AnalyzerSettings, FaceAnalyzer, open_analyzer
from lianpu.imaging.picture import Picture
from lianpu.photo.c2pa import SigningFiles, credential_of, open_signing, sign
from lianpu.photo.reading import read_image
from lianpu.photo.xmp import ALGORITHMIC, source_type_of
from lianpu.web.language import PageError
from lianpu.web.photos import (
    Limits,
    OpenUpload,
    PageEngine,
    analyze_upload,
    export_edit,
    face_lines,
    open_upload,
    preview_edit,
    reload_pixels,
)

LIPS = parse_preset("name: x\nsteps: [{effect: lipstick, strength: 1.0, color: '#7030c0'}]")  # not the red that is painted
HIDDEN = parse_preset("name: x\nsteps: [{effect: anonymise}]")


@pytest.fixture(scope="module")
def engine() -> PageEngine:
    return PageEngine(EditSession(open_analyzer(AnalyzerSettings("dlib"), threads=1)), Limits(max_mb=20))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, portrait: Picture) -> Path:
    """The portrait enlarged three times: the page shows less of it."""
    file = tmp_path_factory.mktemp("large") / "anna.png"
    Image.fromarray(portrait).resize((1536, 1536), Image.Resampling.BICUBIC).save(file)
    return file


@pytest.fixture(scope="module")
def opened(engine: PageEngine, large: Path) -> OpenUpload:
    return open_upload(engine, large, large.name)


def test_a_large_photo_is_shown_smaller_and_what_is_tried_is_what_is_finished(
    engine: PageEngine, opened: OpenUpload, tmp_path: Path
) -> None:
    (face,) = face_lines(opened.subjects)
    assert face["number"] == 0 and len(face["points"]) == 5  # type: ignore[arg-type]
    assert opened.size == (1536, 1536) and opened.is_shown_smaller and opened.preview.picture.shape == (1280, 1280, 3)
    shown = preview_edit(engine, opened, LIPS, "all", {}).astype(float)
    whole = read_image(export_edit(engine, reload_pixels(opened), LIPS, "all", {}, tmp_path))
    smaller = np.asarray(Image.fromarray(whole).resize((1280, 1280), Image.Resampling.BOX), dtype=float)
    changed = np.abs(shown - opened.preview.picture).sum(axis=2) > 30
    assert changed.sum() > 500
    assert np.abs(shown - smaller)[changed].mean() < 8 < np.abs(opened.preview.picture - smaller)[changed].mean()


@pytest.mark.parametrize(
    ("stored", "name", "form", "expected"),
    [
        ("JPEG", "a.jpeg", "same", "a-edited.jpeg"),
        ("JPEG", "a.png", "same", "a-edited.jpg"),
        ("PNG", "no-ending", "same", "no-ending-edited.png"),
        ("WEBP", "a.webp", "same", "a-edited.webp"),
        ("TIFF", "a.tif", "same", "a-edited.tif"),
        ("BMP", "a.bmp", "same", "a-edited.png"),
        ("PNG", "a.png", "jpg", "a-edited.jpg"),
    ],
)
def test_every_download_has_a_form_that_carries_the_mark(
    stored: str, name: str, form: str, expected: str, engine: PageEngine, portrait: Picture, tmp_path: Path
) -> None:
    source = tmp_path / name
    Image.fromarray(portrait).save(source, stored)
    file = export_edit(engine, analyze_upload(engine, source, name), LIPS, "all", {}, tmp_path, form)
    assert file.name == expected
    with Image.open(file) as image:
        mark = image.info.get("xmp") or image.getexif()[700]
    assert source_type_of(mark) == ALGORITHMIC


def test_a_photo_whose_file_was_swept_away_is_asked_for_again(engine: PageEngine, portrait_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "anna.png"
    file.write_bytes(portrait_file.read_bytes())
    opened = open_upload(engine, file, file.name)
    file.unlink()
    with pytest.raises(PageError, match="removed after a time without use"):
        reload_pixels(opened)


def test_nothing_to_do_is_said(engine: PageEngine, opened: OpenUpload, tmp_path: Path) -> None:
    with pytest.raises(PageError, match="Nothing is set"):
        export_edit(engine, reload_pixels(opened), Preset("x", ()), "all", {}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_signed_download_goes_on_from_the_photo_unless_faces_are_hidden(
    engine: PageEngine, portrait_file: Path, pem: Path, tmp_path: Path
) -> None:
    pytest.importorskip("c2pa", reason="needs c2pa-python")
    signing = open_signing(SigningFiles(pem / "chain.pem", pem / "key.pem"))
    signing_engine = replace(engine, session=replace(engine.session, signing=signing))
    photo = tmp_path / "anna.png"
    photo.write_bytes(portrait_file.read_bytes())
    sign(photo, signing, "taken")
    seen = analyze_upload(signing_engine, photo, photo.name)
    for preset, goes_on in ((LIPS, True), (HIDDEN, False)):
        assert hides_faces(preset) != goes_on
        manifest: Any = credential_of(export_edit(signing_engine, seen, preset, "all", {}, tmp_path))
        assert ("active_manifest" in manifest["ingredients"][0]) == goes_on


def test_where_faces_are_hidden_what_may_be_none_is_hidden_too(
    engine: PageEngine, large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    look = FaceAnalyzer.look

    def recorded(analyzer: FaceAnalyzer, photo: Picture, *, wide: bool = True, doubtful: bool = False) -> Any:
        asked.append(doubtful)
        return look(analyzer, photo, wide=wide, doubtful=doubtful)

    monkeypatch.setattr(FaceAnalyzer, "look", recorded)
    photo = analyze_upload(engine, large, large.name)
    export_edit(engine, photo, HIDDEN, "all", {}, tmp_path)
    assert asked == [False, True]
    analyze_upload(engine, large, large.name, HIDDEN)
    (tmp_path / "lips").mkdir()
    export_edit(engine, photo, LIPS, "all", {}, tmp_path / "lips")
    assert asked == [False, True, True]
