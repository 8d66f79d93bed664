"""Names that a disk may hold: each command that takes a folder works on them, and what it writes has a name that can be kept."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lianpu.cli.main import main
from lianpu.files import as_on_disk, encodable, fitted_name
from lianpu.models.store.locate import find_model_file
from lianpu.photo.formats import photos_in
from lianpu.photo.reading import read_image
from tests.support.portraits import write_portrait

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse some of these names"),
    pytest.mark.skipif(find_model_file("dlib-landmarks-68") is None, reason="needs dlib's 68 points"),
]

NAMES = (
    os.fsdecode(b"not\xff\xfeutf8.jpg"),
    "n" * 251 + ".jpg",
    "长" * 80 + ".jpg",
    "-dash.jpg",
    "line\nfeed.jpg",
    "e" * 255,  # a photo without an ending: what is written has one
)
FACES = ("--detector", "dlib")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one drawn portrait under each of NAMES."""
    folder = tmp_path_factory.mktemp("odd") / "photos"
    folder.mkdir()
    one = write_portrait(folder.parent / "one.jpg", side_px=160)
    for name in NAMES:
        shutil.copy(one, folder / name)
    return folder


def _run(*words: object) -> None:
    main([str(word) for word in words])


def _all_readable(folder: Path, ending: str = "") -> int:
    found = [photo for photo in photos_in(folder) if photo.name.endswith(ending)]
    assert all(len(os.fsencode(photo.name)) <= 255 and read_image(photo).size for photo in found)
    return len(found)


def test_a_folder_is_edited_and_a_second_call_finds_all_done(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ("edit", photos, tmp_path / "out", "--effect", "lipstick", *FACES)
    _run(*call)
    assert f"{len(NAMES)} edited" in capsys.readouterr().out and _all_readable(tmp_path / "out") == len(NAMES)
    _run(*call)
    assert capsys.readouterr().out.count("done before") == len(NAMES)


def test_faces_are_drawn_and_named(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run("faces", "landmarks", photos, "--draw", tmp_path / "drawn", *FACES)
    assert _all_readable(tmp_path / "drawn") == len(NAMES)
    capsys.readouterr()
    _run("faces", "find", photos, "--json", *FACES)
    found = json.loads(capsys.readouterr().out)["photos"]
    assert {Path(one["file"]).name for one in found} == set(NAMES)


def test_parts_are_written(photos: Path, tmp_path: Path) -> None:
    _run("parse", photos, "--out", tmp_path, *FACES)
    assert _all_readable(tmp_path, ".parts.png") == _all_readable(tmp_path, ".overlay.jpg") == len(NAMES)


def test_a_training_set_is_prepared_and_labelled_again(photos: Path, tmp_path: Path) -> None:
    _run("prepare", photos, tmp_path / "set", "--size", 32, "--max-hash-distance=-1", "--parser", "none", *FACES)
    assert len(list((tmp_path / "set" / "images").iterdir())) == len(NAMES)
    assert (tmp_path / "set" / "dropped.csv").read_text().count("\n") == 1  # the heading alone
    _run("prepare", "labels", tmp_path / "set")
    with (tmp_path / "set" / "faces.csv").open(encoding="utf-8", newline="") as stream:
        assert {as_on_disk(row["photo"], photos) for row in csv.DictReader(stream)} == set(NAMES)


def test_class_folders_are_checked(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (os.fsdecode(b"class\xff"), "-b"):
        shutil.copytree(photos, tmp_path / name)
    _run("data", "check", "folder", tmp_path, "--image-size", 32)
    assert "Nothing here would stop training" in capsys.readouterr().out


FOLDERS = (os.fsdecode(b"not\xff\xfeutf8"), "n" * 255, "长" * 80, "-dash", "line\nfeed")


@pytest.mark.parametrize("name", FOLDERS)
def test_a_run_is_trained_and_resumed_in_a_folder_of_that_name(name: str, photos: Path, tmp_path: Path) -> None:
    for kind in ("a", "b"):
        shutil.copytree(photos, tmp_path / name / kind)
    size = ("--image-size", 32, "--g-conv-dim", 4, "--d-conv-dim", 4, "--g-repeat-num", 1, "--d-repeat-num", 3, "--batch-size", 4)
    often = ("--n-critic", 1, "--sample-every", 1, "--checkpoint-every", 1, "--device", "cpu")
    run = tmp_path / "runs" / name
    for steps in (1, 2):
        _run(
            "train", "--dataset=folder", f"--data-dir={tmp_path / name}", f"--run-dir={run}", *size, *often, "--num-iters", steps
        )
    assert len(list((run / "checkpoints").iterdir())) == 2
    assert [json.loads(line)["step"] for line in (run / "steps.jsonl").read_text().splitlines()] == [1, 2]


@pytest.mark.parametrize("name", FOLDERS)
def test_a_film_is_edited_whatever_it_and_its_target_are_called(name: str, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    picture = read_image(write_portrait(tmp_path / "one.jpg", side_px=128))
    name = name[:251] + ".mp4" if name.isascii() else name + ".mp4"
    with av.open(str(tmp_path / "film.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 128, 128, "yuv420p"
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    (tmp_path / "films").mkdir()
    (tmp_path / "film.mp4").rename(tmp_path / "films" / name)
    _run("video", tmp_path / "films" / name, tmp_path / name, "--effect", "anonymise=mosaic", "--landmarks", "dlib", *FACES)
    shutil.copy(tmp_path / name, tmp_path / "edited.mp4")
    with av.open(str(tmp_path / "edited.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"one.jpg", "films", name, "edited.mp4"}


def test_one_photo_is_edited_whatever_it_and_its_target_are_called(photos: Path, tmp_path: Path) -> None:
    for name in NAMES[:2]:
        _run("edit", photos / name, tmp_path / name, "--effect", "lipstick", *FACES)
    assert _all_readable(tmp_path) == 2


def test_a_terminal_that_takes_only_utf8_prints_the_names(photos: Path) -> None:
    """The encoder of a usual UTF-8 terminal is strict; that of the C locale is not."""
    call = [sys.executable, "-m", "lianpu", "data", "check", "folder", str(photos.parent)]
    done = subprocess.run(call, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"}, timeout=60)
    assert done.returncode == 1 and b"Traceback" not in done.stderr
    call = [sys.executable, "-m", "lianpu", "edit", str(photos / NAMES[0]), "out.txt", "--effect", "lipstick"]
    done = subprocess.run(call, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"}, timeout=60)
    assert done.returncode == 1 and b"Traceback" not in done.stderr


@pytest.mark.parametrize("name", [*NAMES, "short", "a\\udcff"])
def test_names_are_told_apart_and_come_back(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    assert as_on_disk(encodable(name), tmp_path) == name
    encodable(name).encode()  # does not raise
    cut = fitted_name(name, ".overlay.jpg", 4)
    assert len(os.fsencode(cut)) <= 251 and cut.endswith(".overlay.jpg")
    assert cut == name + ".overlay.jpg" or cut != fitted_name(name + "x", ".overlay.jpg", 4)
