"""`lianpu parse` as it is typed: masks and overlays of photos with a face, words about the others."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lianpu.cli.main import main
from lianpu.cli.parse import output_names
from lianpu.photo.reading import read_image
from tests.support.colour_parser import write_colour_parser
from tests.support.portraits import PEOPLE, write_portrait
from tests.support.shared import YUNET, real_model, real_photo


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written: Path = write_colour_parser(tmp_path_factory.mktemp("model") / "colours.onnx", 128)
    return written


def _run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = 0
    try:
        main(["parse", *map(str, words)])
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def _grey(file: Path) -> Path:
    Image.new("RGB", (200, 160), (128, 128, 128)).save(file)
    return file


def test_each_photo_gets_a_mask_and_an_overlay_and_a_row(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    write_portrait(folder / "000801.jpg")
    write_portrait(folder / "000802.jpg", PEOPLE[1])
    _grey(folder / "wall.png")
    code, out, err = _run(capsys, folder, "--out", tmp_path / "out", "--parser", model, "--detector", "dlib")
    assert code == 0 and err == ""
    assert "000801.jpg" in out and "no face found" in out and "Licence: free for any use" in out
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "000801.overlay.jpg",
        "000801.parts.png",
        "000802.overlay.jpg",
        "000802.parts.png",
    ]
    with Image.open(tmp_path / "out" / "000801.parts.png") as mask:
        assert mask.mode == "P" and mask.size == (512, 512)
        values = np.asarray(mask)
    assert 0 < values.max() <= 18
    overlay, photo = read_image(tmp_path / "out" / "000801.overlay.jpg"), read_image(folder / "000801.jpg")
    changed = np.abs(overlay.astype(int) - photo).mean(axis=2)
    assert changed[values > 0].mean() > 5 * changed[values == 0].mean()


def test_a_photo_without_a_face_is_said_in_one_line(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wall = _grey(tmp_path / "wall.png")
    code, out, err = _run(capsys, wall, "--out", tmp_path / "out", "--parser", model, "--detector", "dlib")
    assert code == 1 and "no face found" in out
    assert err == "lianpu: No face was found in 1 photos. Try --upright, or another --detector.\n"
    assert not (tmp_path / "out").exists()


def test_one_broken_photo_does_not_cost_the_others(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = write_portrait(tmp_path / "000802.jpg")
    (tmp_path / "broken.jpg").write_bytes(good.read_bytes()[:300])
    code, out, err = _run(
        capsys, tmp_path / "broken.jpg", good, "--out", tmp_path / "out", "--parser", model, "--detector", "dlib"
    )
    assert code == 1 and "000802.jpg" in out
    assert "1 of 2 photos could not be read." in err and "broken.jpg is broken or cut off" in err and len(err.splitlines()) == 1
    assert (tmp_path / "out" / "000802.parts.png").is_file()


def test_no_option_and_no_network_are_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path / "no models"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    code, out, err = _run(capsys, write_portrait(tmp_path / "000802.jpg"))
    assert (
        code == 0 and err == "" and "Parser: small. Licence: non-commercial research and education only (CelebAMask-HQ)." in out
    )
    assert (tmp_path / "parts" / "000802.parts.png").is_file()


def test_what_is_not_there_is_said(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = _run(capsys, tmp_path / "none.jpg", "--parser", model, "--detector", "dlib")
    assert code == 1 and "1 of 1 photos could not be read." in err and "none.jpg is not there. Check the path." in err
    assert "Parts of faces" not in out
    (tmp_path / "empty").mkdir()
    code, _, err = _run(capsys, tmp_path / "empty", "--parser", model)
    assert code == 1 and "empty has no photos (JPEG, PNG" in err
    code, _, err = _run(capsys, _grey(tmp_path / "wall.png"), "--parser", "smal", "--detector", "dlib")
    assert code == 1 and "'smal' is no parser (did you mean 'small'?)" in err


def test_photos_of_one_name_get_names_of_their_own() -> None:
    photos = [Path("a/anna.jpg"), Path("b/anna.png"), Path("c/anna-2.jpg"), Path("bert.jpg")]
    assert output_names(photos) == ["anna", "anna-2", "anna-2-2", "bert"]


def test_a_dog_is_left_out_and_said(mediapipe_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = [real_photo("p27_animal"), real_photo("p08")]
    code, out, _ = _run(capsys, *photos, "--out", tmp_path, "--detector", real_model(YUNET))
    assert code == 0 and "p27_animal.jpg: animal/other faces left out: 1" in out
    assert [file.name[:3] for file in tmp_path.iterdir()] == ["p08", "p08"]


def test_recursive_takes_photos_of_folders_below(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    below = tmp_path / "photos" / "2024" / "may"
    below.mkdir(parents=True)
    write_portrait(below / "anna.jpg")
    options = (tmp_path / "photos", "--out", tmp_path / "out", "--parser", model, "--detector", "dlib")
    code, _, err = _run(capsys, *options)
    assert code == 1 and "There are some in folders below: --recursive takes them, too" in " ".join(err.split())
    write_portrait(tmp_path / "photos" / "anna.jpg", PEOPLE[1])
    code, out, _ = _run(capsys, *options, "--recursive")
    assert code == 0 and out.count("anna") == 2
    assert len(list((tmp_path / "out").rglob("*.parts.png"))) == 2
