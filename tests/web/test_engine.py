"""What the engine does with photos, without a server."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lianpu.editing.presets import apply_preset, parse_preset
from lianpu.editors.loading import load_editor
from lianpu.errors import SettingsError, WeightsError
from lianpu.faces.analyzer import AnalyzerSettings, FaceAnalyzer, open_analyzer
from lianpu.imaging.picture import Picture
from lianpu.models.store.locate import commercial_safe
from lianpu.photo.c2pa import SigningFiles, credential_of, open_signing, sign
from lianpu.photo.reading import read_image
from lianpu.photo.writing import write_image
from lianpu.photo.xmp import ALGORITHMIC, source_type_of
from lianpu.web.engine import TILE_PX, Asked, Call, Engine, EngineSettings, open_engine
from lianpu.web.language import PageError
from lianpu.web.limits import Limits

LIPS = Asked("name: x\nsteps: [{effect: lipstick, strength: 1.0, color: '#7030c0'}]")  # not the red that is painted
HIDDEN = Asked("name: x\nsteps: [{effect: anonymise}]")
NOTHING = Asked("name: x\nsteps: [{effect: lipstick, strength: 0}]")
SETTINGS = EngineSettings(AnalyzerSettings("dlib"), "none", limits=Limits(max_mb=20), threads=1)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(SETTINGS)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, portrait: Picture) -> Path:
    """The portrait enlarged three times: a screen shows less of it."""
    file = tmp_path_factory.mktemp("large") / "anna.png"
    Image.fromarray(portrait).resize((1536, 1536), Image.Resampling.BICUBIC).save(file)
    return file


def _picture(content: bytes) -> Picture:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


def test_a_large_photo_is_shown_smaller_and_what_is_tried_is_what_is_finished(
    engine: Engine, large: Path, tmp_path: Path
) -> None:
    opened = engine.open_photo(large, large.name)
    (face,) = opened["faces"]
    before = _picture(opened["preview"]).astype(float)
    assert (opened["width"], opened["height"]) == (1536, 1536) and before.shape == (1280, 1280, 3)
    assert face["number"] == 0 and len(face["points"]) == 5
    shown, left = engine.preview(large, large.name, LIPS)
    whole = read_image(engine.export(large, large.name, LIPS, tmp_path, "same")["file"])
    smaller = np.asarray(Image.fromarray(whole).resize((1280, 1280), Image.Resampling.BOX), dtype=float)
    after = _picture(shown).astype(float)
    changed = np.abs(after - before).sum(axis=2) > 60
    assert left is None and changed.sum() > 500
    assert np.abs(after - smaller)[changed].mean() < 10 < np.abs(before - smaller)[changed].mean()


def test_a_tile_shows_the_head_with_the_edit(engine: Engine, large: Path) -> None:
    plain, edited = (_picture(engine.tile(large, large.name, asked, 0)).astype(float) for asked in (NOTHING, LIPS))
    assert plain.shape == edited.shape == (TILE_PX, TILE_PX, 3)
    changed = np.abs(plain - edited).sum(axis=2) > 60
    rows, columns = np.nonzero(changed)
    assert changed.sum() > 60 and 0.5 < rows.mean() / TILE_PX < 0.85 and 0.35 < columns.mean() / TILE_PX < 0.65


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
    stored: str, name: str, form: str, expected: str, engine: Engine, portrait: Picture, tmp_path: Path
) -> None:
    source = tmp_path / "upload"
    Image.fromarray(portrait).save(source, stored)
    done = engine.export(source, name, LIPS, tmp_path, form)
    assert done["file"].name == expected and done["faces"] == 1 and done["done"] == "lipstick 1" and done["left"] is None
    with Image.open(done["file"]) as image:
        mark = image.info.get("xmp") or image.getexif()[700]
    assert source_type_of(mark) == ALGORITHMIC


def test_an_export_is_the_librarys_edit(editor_file: Path, portrait: Picture, portrait_file: Path, tmp_path: Path) -> None:
    text = "name: x\nsteps: [{effect: hair_color, strength: 0.9}, {edit: {Male: yes}, strength: 0.5}]"
    own = Engine(replace(SETTINGS, model=str(editor_file)))
    done = own.export(portrait_file, "anna.png", Asked(text), tmp_path, "png")
    subjects = open_analyzer(AnalyzerSettings("dlib"), threads=1).analyze(portrait)
    expected = apply_preset(portrait, subjects, parse_preset(text), load_editor(editor_file, threads=1))
    assert (read_image(done["file"]) == expected).all() and (expected != portrait).any()


def test_a_photo_whose_file_was_removed_is_asked_for_again(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(PageError, match="removed after a time without use"):
        engine.preview(tmp_path / "anna.png", "anna.png", LIPS)


def test_nothing_to_do_no_face_and_an_unknown_format_are_said(engine: Engine, portrait_file: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there are no steps"):
        engine.batch([], Asked("name: x\nsteps: []"), tmp_path, lambda value: None)
    with pytest.raises(SettingsError, match="file_format 'exe' is none of same, jpg, png, webp"):
        engine.export(portrait_file, "anna.png", LIPS, tmp_path, "exe")
    wall = write_image(tmp_path / "wall.png", np.full((200, 200, 3), 128, dtype=np.uint8))
    with pytest.raises(PageError, match=r"No face was found in wall\.png"):
        engine.export(wall, "wall.png", LIPS, tmp_path, "same")


def test_a_batch_is_a_zip_with_a_line_for_each_photo(engine: Engine, portrait_file: Path, tmp_path: Path) -> None:
    wall = write_image(tmp_path / "wall.png", np.full((200, 200, 3), 128, dtype=np.uint8))
    copies = []
    for number in range(2):
        copies.append(tmp_path / f"{number}.png")
        copies[-1].write_bytes(portrait_file.read_bytes())
    (tmp_path / "out").mkdir()
    seen: list[Any] = []
    done = engine.batch(
        [(copies[0], "anna.png"), (wall, "wall.png"), (copies[1], "anna.png")], LIPS, tmp_path / "out", seen.append
    )
    assert [(row["name"], row["faces"], row["problem"] is None) for row in done["rows"]] == [
        ("anna.png", 1, True),
        ("wall.png", 0, False),
        ("anna.png", 1, True),
    ]
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)] and not any(file.exists() for file in (*copies, wall))
    with zipfile.ZipFile(done["file"]) as archive:
        assert archive.namelist() == ["anna-edited.png", "anna-edited-2.png"]


def test_a_video_comes_back_as_mp4_and_one_that_is_too_long_is_refused(engine: Engine, portrait: Picture, tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="needs lianpu[video]")
    film = tmp_path / "film.mp4"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width = stream.height = 256
        small = np.asarray(Image.fromarray(portrait).resize((256, 256)))
        for _ in range(4):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(small, "rgb24")))
        container.mux(stream.encode(None))
    seen: list[tuple[int, int]] = []
    done = engine.video(film, "film.mov", LIPS, tmp_path, False, seen.append)
    assert done["file"].name == "film-edited.mp4" and done["frames"] == done["with_faces"] == 4 and seen[-1] == (4, 4)
    short = Engine(replace(SETTINGS, limits=Limits(max_video_s=0.1)))
    with pytest.raises(PageError, match=r"film\.mov is 0 seconds long; this page takes up to 0\.1"):
        short.video(film, "film.mov", LIPS, tmp_path, False, seen.append)


def test_a_signed_download_goes_on_from_the_photo_unless_faces_are_hidden(portrait_file: Path, pem: Path, tmp_path: Path) -> None:
    pytest.importorskip("c2pa", reason="needs c2pa-python")
    files = SigningFiles(pem / "chain.pem", pem / "key.pem")
    own = Engine(replace(SETTINGS, signing=files))
    assert own.describe()["signs"]
    photo = tmp_path / "anna.png"
    photo.write_bytes(portrait_file.read_bytes())
    sign(photo, open_signing(files), "taken")
    for asked, goes_on in ((LIPS, True), (HIDDEN, False)):
        manifest: Any = credential_of(own.export(photo, "anna.png", asked, tmp_path, "same")["file"])
        assert ("active_manifest" in manifest["ingredients"][0]) == goes_on


def test_where_faces_are_hidden_what_may_be_none_is_hidden_too(
    engine: Engine, large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    look = FaceAnalyzer.look

    def recorded(analyzer: FaceAnalyzer, photo: Picture, *, wide: bool = True, doubtful: bool = False) -> Any:
        asked.append(doubtful)
        return look(analyzer, photo, wide=wide, doubtful=doubtful)

    engine.open_photo(large, large.name)
    monkeypatch.setattr(FaceAnalyzer, "look", recorded)
    engine.export(large, large.name, HIDDEN, tmp_path, "same")
    engine.export(large, large.name, LIPS, tmp_path, "same")
    assert asked == [True], "faces that are known are not searched again, but to hide all"


def test_what_it_can_do_is_described_with_licences(engine: Engine, editor_file: Path) -> None:
    facts = engine.describe()
    assert "lipstick" in facts["effects"] and facts["editor"] is None and facts["attributes"] == [] and not facts["signs"]
    assert facts["models"]["detector: dlib"] == "Boost Software License (dlib)" and all(
        "/" not in name for name in facts["models"]
    )
    own = Engine(replace(SETTINGS, model=str(editor_file))).describe()
    assert own["attributes"] == ["Black_Hair", "Blond_Hair", "Male"] and own["editor"]["licence"] == "free for any use"
    assert own["card"]["en"].startswith("# A random editor")


def test_all_models_that_may_not_be_used_are_named_at_once() -> None:
    with commercial_safe(True), pytest.raises(WeightsError) as problem:
        Engine(replace(SETTINGS, analyzer=AnalyzerSettings("dlib", "dlib"), model="lite"))
    assert "--parser auto: " in str(problem.value) or "--landmarks dlib: " in str(problem.value)
    assert "--model lite: " in str(problem.value)


def test_nothing_but_its_calls_can_be_called() -> None:
    answered: Callable[[Call, Any], Any] = open_engine(SETTINGS)
    with pytest.raises(AssertionError, match="_opened"):
        answered(Call("_opened", {}), print)
