"""`lianpu bench video` as it is typed."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lianpu.bench.video_clips import write_clip
from lianpu.camera.moving_picture import pan_over
from lianpu.cli.main import main
from lianpu.dataset.drawn import draw_face
from lianpu.photo.writing import write_image
from lianpu.video.io.encoding import choose_encoding

QUICK = ["--detector", "dlib", "--threads", "1", "--rounds", "1", "--frames", "6"]


def test_stages_effects_and_the_editor_are_timed_on_a_made_video_and_its_flicker_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo, numbers = tmp_path / "photo.png", tmp_path / "numbers.json"
    write_image(photo, draw_face(3, 1, 320).picture)
    effects = ["--effects", "lipstick", "edit"]
    main(["bench", "video", "--photos", str(photo), "--sizes", "200x240", *effects, "--json", str(numbers), *QUICK])
    said = " ".join(capsys.readouterr().out.split())
    assert "200 x 240, 6 frames, 1.0 faces per frame" in said and "blush" not in said
    assert "5 pairs of frames" in said
    told = json.loads(numbers.read_text(encoding="utf-8"))["sizes"][0]
    assert set(told["stages"]) == {"read", "detect", "track", "parse", "write"} and min(told["stages"].values()) > 0
    whole = sum(told["stages"].values())
    assert told["ratios"]["edit"] == pytest.approx((whole + told["steps"]["edit"]) / whole)
    as_read, smoothed = told["flicker"]["as_read"], told["flicker"]["smoothed"]
    assert 0 < smoothed["points"] < as_read["points"]
    assert set(smoothed["effects"]) == {"lipstick", "edit"}


def test_effects_that_need_the_mesh_change_tracked_faces(mediapipe_models: Path, tmp_path: Path) -> None:
    photo, numbers = tmp_path / "photo.png", tmp_path / "numbers.json"
    write_image(photo, draw_face(3, 1, 320).picture)
    main(["bench", "video", "--photos", str(photo), "--sizes", "200x240", "--effects", "beard", "--json", str(numbers), *QUICK])
    told = json.loads(numbers.read_text(encoding="utf-8"))["sizes"][0]
    assert told["flicker"]["smoothed"]["effects"]["beard"] > 0  # 0 is said of an effect that changes nothing


def test_the_begin_of_a_file_is_measured_at_another_size_and_without_flicker(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encoding = choose_encoding(Path("in.mp4"), {"mpeg4"}, "mpeg4")
    frames = (frame.picture for frame in pan_over([draw_face(3, 1, 320).picture], 8, (200, 200)))
    write_clip(tmp_path / "in.mp4", frames, (200, 200), Fraction(25), encoding)
    main(["bench", "video", str(tmp_path / "in.mp4"), "--sizes", "160x160", "--effects", "lipstick", *QUICK])
    said = " ".join(capsys.readouterr().out.split())
    assert "160 x 160, 6 frames" in said and "no effect: all stages" in said and "pairs of frames" not in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rounds", "0"], "--rounds 0: give at least 1."),
        (["--frames", "1"], "--frames 1: give at least 2."),
        (["--sizes", "640"], "--sizes 640: write WIDTHxHEIGHT in even pixels, as 640x360."),
        (["--sizes", "641x360"], "--sizes 641x360: write"),
        (["--effects", "lipstik"], "did you mean 'lipstick'?"),
        (["--effects", "edit", "--set", "Blond_Hair"], "--set Blond_Hair: write NAME=yes"),
        (["absent.mp4", "--photos", "a.png"], "Give one of them."),
        (["absent.mp4", "--effects", "lipstick"], "absent.mp4 is not there."),
    ],
)
def test_what_cannot_be_measured_is_said(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["bench", "video", *words, "--detector", "dlib"])
    assert stopped.value.code == 1
    said = " ".join(capsys.readouterr().err.split())
    assert message in said


def test_a_video_without_a_face_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_image(tmp_path / "grey.png", np.full((200, 200, 3), 120, np.uint8))
    with pytest.raises(SystemExit):
        main(["bench", "video", "--photos", str(tmp_path / "grey.png"), "--sizes", "64x64", "--effects", "lipstick", *QUICK])
    assert "No face was found in any frame" in capsys.readouterr().err
