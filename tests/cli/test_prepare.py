"""`lianpu prepare` as it is typed: what it prints, and one line for what the user can fix."""

from pathlib import Path

import numpy as np
import pytest

from lianpu.cli.main import main
from lianpu.photo.writing import write_image
from tests.support.portraits import PEOPLE, group, write_portrait
from tests.support.shared import YUNET, real_model, real_photo

OPTIONS = ["--size", "64", "--detector", "dlib", "--parser", "none"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of four people, one of another, and one without a face."""
    folder = tmp_path_factory.mktemp("photos")
    write_image(folder / "group.jpg", group(PEOPLE[:4], 256, columns=2)[0])
    write_portrait(folder / "portrait.jpg", PEOPLE[4])
    write_image(folder / "wall.jpg", np.full((300, 400, 3), 128, dtype=np.uint8))
    return folder


def _error(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as caught:
        main(["prepare", *words])
    assert caught.value.code == 1
    text = capsys.readouterr().err
    assert text.startswith("lianpu: ") and text.count("\n") == 1
    return text


def test_photos_become_a_training_set_that_is_corrected_and_scored(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "faces"
    main(["prepare", str(photos), str(out), *OPTIONS])
    printed = capsys.readouterr().out
    assert "3 photos, 5 faces kept" in printed and "Dropped: 1 no face (listed in dropped.csv)" in printed
    assert f"lianpu data check CelebAMask-HQ {out}" in printed
    main(["data", "check", "CelebAMask-HQ", str(out), "--image-size", "64", "--show", "20"])
    assert "Wearing_Hat: 5 of 5 faces" in capsys.readouterr().out
    file = sorted(path.name for path in (out / "images").iterdir())[0]
    (out / "corrections.csv").write_text(f"file,attribute,value\n{file},Wearing_Hat,1\n")
    main(["prepare", "labels", str(out), "--confidence", "0.6"])
    assert "Wearing_Hat" in capsys.readouterr().out
    labels = tmp_path / "labels.txt"
    labels.write_text("1\nMale Wearing_Hat\ngroup.jpg -1 -1\n")
    main(["prepare", "score", str(out), str(labels)])
    assert "1 of 1 labelled photos have a face" in capsys.readouterr().out


def test_what_the_user_can_mend_is_one_line(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is not there. Give the folder" in _error(capsys, str(tmp_path / "nothing"), str(tmp_path / "out"), *OPTIONS)
    assert "size_px is a multiple of 4" in _error(capsys, str(photos), str(tmp_path / "out"), "--size", "7")
    assert "'yunnet' is no detector (did you mean 'yunet'?)" in _error(
        capsys, str(photos), str(tmp_path / "out"), "--detector", "yunnet"
    )
    assert "was not made by lianpu prepare" in _error(capsys, "labels", str(tmp_path))
    assert not (tmp_path / "out").exists()


def test_the_rules_of_the_package_are_refused_when_commercial_use_is_wanted(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "label_rules.json may not be used commercially" in _error(
        capsys, str(photos), str(tmp_path / "out"), *OPTIONS, "--commercial-safe"
    )


def test_help_names_the_other_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["prepare", "--help"])
    assert caught.value.code == 0
    assert "labels | score | fit" in " ".join(capsys.readouterr().out.split())


def test_a_dog_is_dropped_and_listed(mediapipe_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    write_portrait(photos / "portrait.jpg", PEOPLE[4])
    (photos / "dog.jpg").write_bytes(real_photo("p27_animal").read_bytes())
    main(["prepare", str(photos), str(tmp_path / "out"), "--size", "64", "--detector", str(real_model(YUNET))])
    printed = capsys.readouterr().out
    assert "2 photos, 1 faces kept" in printed and "Dropped: 1 animal/other" in printed
    assert "dog.jpg,0,animal/other," in (tmp_path / "out" / "dropped.csv").read_text()
