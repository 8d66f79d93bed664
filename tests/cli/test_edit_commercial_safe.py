"""`--commercial-safe` with the face mesh and no parser: effects work in photos, folders, videos, cameras and on the page; hair says why not."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from lianpu.cli.main import main
from lianpu.cli.serve import ServeArguments, engine_settings
from lianpu.editing.presets import EffectStep, Preset
from lianpu.effects.catalogue import EFFECTS
from lianpu.errors import SettingsError
from lianpu.faces.analyzer import AnalyzerSettings, open_analyzer
from lianpu.photo.reading import read_image
from lianpu.web.engine import Engine
from tests.support.shared import YUNET, real_model, real_photo

pytestmark = pytest.mark.usefixtures("mediapipe_models")

FACE_EFFECTS = ("smooth_skin", "lipstick", "blush", "eye_shadow", "whiten_teeth", "brighten_eyes", "larger_eyes", "slim_face")

BEYOND_THE_FACE = ("anonymise", "blur_background", "replace_background")


@pytest.fixture
def photo() -> Path:
    """A smiling woman, 427 x 524."""
    return real_photo("p17_portrait.png")


def _run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = 0
    try:
        main([*map(str, words), "--detector", str(real_model(YUNET)), "--commercial-safe"])
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def _change(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return np.abs(before.astype(int) - after).max(axis=2)


@pytest.mark.parametrize("effect", [*FACE_EFFECTS, "sticker", "anonymise", "blur_background", "replace_background"])
def test_effects_on_a_photo(effect: str, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = _run(capsys, "edit", photo, tmp_path / "out.png", "--effect", effect)
    assert code == 0, err
    change = _change(read_image(photo), read_image(tmp_path / "out.png"))
    assert np.count_nonzero(change > 8) > 60, "it does something"
    assert effect in BEYOND_THE_FACE or not change[:20].any(), "and nothing at the border"


def test_lipstick_keeps_to_the_lips_that_a_parser_sees(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = _run(capsys, "edit", photo, tmp_path / "out.png", "--effect", "lipstick:color=#2020ff")
    assert code == 0, err
    monkeypatch.delenv("LIANPU_COMMERCIAL_SAFE", raising=False)
    picture = read_image(photo)
    (subject,) = open_analyzer(AnalyzerSettings(str(YUNET)), threads=1).analyze(picture)
    assert subject.parts.parser == "small"
    lips = np.zeros(picture.shape[:2], dtype=bool)
    lips[subject.window] = subject.parts.where("u_lip", "l_lip")
    painted = _change(picture, read_image(tmp_path / "out.png")) > 24
    assert (painted & lips).sum() / (painted | lips).sum() > 0.65
    near = cv2.dilate(lips.astype(np.uint8), np.ones((17, 17), np.uint8)) > 0
    assert not (painted & ~near).any()


def test_with_all_defaults(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """BlazeFace finds the face: MediaPipe's models are all that is needed."""
    monkeypatch.setenv("LIANPU_COMMERCIAL_SAFE", "1")
    main(["edit", str(photo), str(tmp_path / "out.png"), "--effect", "lipstick", "smooth_skin"])
    assert "Edited 1 face" in capsys.readouterr().out
    assert (_change(read_image(photo), read_image(tmp_path / "out.png")) > 8).sum() > 200


def test_a_folder(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(2):
        Image.open(photo).save(photos / f"{number}.png")
    code, out, err = _run(capsys, "edit", photos, tmp_path / "out", "--effect", "smooth_skin")
    assert code == 0 and len(list((tmp_path / "out").glob("*.png"))) == 2, out + err


def test_hair_says_in_one_line_that_it_needs_a_parser(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("edit", photo, tmp_path / "out.png"), ("edit", photo.parent, tmp_path / "out")):
        code, _, err = _run(capsys, *words, "--effect", "hair_color")
        assert code == 1 and err.count("\n") == 1, err
        assert "hair_color needs a face parser" in err and "--parser FILE" in err and "lianpu parser train" in err
        assert not words[2].exists()


def test_the_bundled_editor_says_why_it_is_not_there(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = _run(capsys, "edit", photo, tmp_path / "out.png", "--set", "Young=no")
    assert code == 1 and "face-editor-lite.onnx" in err and "may not be used commercially" in err


def _clip(photo: Path, file: Path, frames: int = 6) -> Path:
    """A short clip in which the portrait drifts to the side."""
    picture = read_image(photo)[:, :, ::-1]
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), 25, (426, 524))
    for number in range(frames):
        writer.write(np.ascontiguousarray(np.roll(picture, 2 * number, axis=1)[:524, :426]))
    writer.release()
    return file


def _frames(file: Path) -> list[np.ndarray]:
    video = cv2.VideoCapture(str(file))
    frames = []
    while (read := video.read())[0]:
        frames.append(np.asarray(read[1]))
    return frames


def test_a_camera(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = _clip(photo, tmp_path / "clip.mp4")
    words = ("camera", "--source", clip, "--record", tmp_path / "out.mp4", "--no-preview")
    code, out, err = _run(capsys, *words, "--effect", "lipstick:color=#2020ff")
    assert code == 0 and (tmp_path / "out.mp4").is_file(), out + err
    assert re.search(r"[1-9]\d* of them with an edited face", " ".join(out.split())), out + err
    code, _, err = _run(capsys, *words, "--force", "--effect", "hair_color")
    assert code == 1 and "hair_color needs a face parser" in err and err.count("\n") == 1


def test_a_video(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = _clip(photo, tmp_path / "clip.mp4")
    code, out, err = _run(
        capsys, "video", clip, tmp_path / "out.mp4", "--effect", "lipstick:color=#2020ff", "--effect", "slim_face"
    )
    assert code == 0, out + err
    before, after = _frames(clip), _frames(tmp_path / "out.mp4")
    assert len(before) == len(after) and all((_change(*pair) > 40).sum() > 200 for pair in zip(before, after, strict=True))
    code, _, err = _run(capsys, "video", clip, tmp_path / "hair.mp4", "--effect", "hair_color")
    assert code == 1 and "hair_color needs a face parser" in err and err.count("\n") == 1


def test_the_page(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANPU_COMMERCIAL_SAFE", "1")
    engine = Engine(engine_settings(ServeArguments(detector=str(real_model(YUNET)), threads=1)))
    picture = read_image(photo)
    subjects = engine.session.analyze(picture)
    lips = Preset("lips", (EffectStep(EFFECTS["lipstick"]),))
    assert (engine.session.edit(picture, subjects, lips) != picture).any()
    with pytest.raises(SettingsError) as raised:
        engine.session.edit(picture, subjects, Preset("hair", (EffectStep(EFFECTS["hair_color"]),)))
    assert raised.value.key == "preset.needs_parser"
    facts = engine.describe()
    assert facts["models"]["parser: none"] == "hair is not seen" and "hair_color" not in facts["effects"]
    assert not any("non-commercial" in licence for licence in facts["models"].values())


def test_a_face_ages_by_its_mesh_alone_and_its_hair_stays_which_is_said(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["edit", str(photo), str(tmp_path / "old.png"), "--set", "Young=no", "--detector", str(real_model(YUNET))]
    main([*words, "--parser", "none"])
    out = capsys.readouterr().out
    assert "air keeps its colour: without a face parser it is not seen" in out
    assert "Licence of the transforms: non-commercial" in out and "Licence of the parser" not in out
    (subject,) = open_analyzer(AnalyzerSettings(detector=str(real_model(YUNET))), threads=1).analyze(read_image(photo))
    before, after = (read_image(file)[subject.window].astype(float) for file in (photo, tmp_path / "old.png"))
    assert np.median(np.abs(after - before)[subject.parts.where("skin")]) > 5
    hair = subject.parts.where("hair")
    assert np.abs(after[hair].mean(axis=0) - before[hair].mean(axis=0)).max() < 5
    code, _, err = _run(capsys, "edit", photo, tmp_path / "safe.png", "--effect", "age=20")
    assert code == 1 and "may not be used commercially" in err and not (tmp_path / "safe.png").exists()
