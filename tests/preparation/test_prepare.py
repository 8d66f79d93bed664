"""From photos to a training set: what is kept and what is not, killed and resumed, with several processes, and bad input."""

import csv
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lianpu.dataset.check import check_data
from lianpu.dataset.sources import open_dataset, read_table
from lianpu.errors import DataError, SettingsError
from lianpu.photo.reading import read_image
from lianpu.preparation.analysis import AnalyzedPhoto, FailedPhoto
from lianpu.preparation.prepare import Prepared, crop_name, prepare_faces, walk_photos
from lianpu.preparation.settings import RECORD_FILE, PrepareSettings, begin_record, settings_from_json
from lianpu.preparation.workers import analyze_in_order
from tests.support.portraits import PEOPLE, write_portrait

SETTINGS = PrepareSettings(size_px=64, detector="dlib", parser="none")


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _result(folder: Path) -> dict[str, bytes]:
    """Everything in a prepared folder that people and training read, by name."""
    names = ["list_attr.txt", "chances.csv", "faces.csv", "dropped.csv", "train.txt", "val.txt", "sheets/Male.html"]
    files = [folder / name for name in names] + sorted((folder / "images").iterdir())
    return {file.relative_to(folder).as_posix(): file.read_bytes().replace(str(folder).encode(), b"OUT") for file in files}


def test_good_faces_are_taken_once(prepared: Prepared) -> None:
    assert sorted(row["photo"] for row in _rows(prepared.folder / "faces.csv")) == [
        *["group.jpg"] * 4,
        "more/of them/Zoë 2.jpg",
        "more/of them/smaller.jpg",
    ]
    assert (prepared.photos, prepared.faces) == (10, 6)


def test_every_photo_and_face_that_is_not_taken_has_its_reason(prepared: Prepared) -> None:
    reasons = {(row["photo"], row["reason"]): row["detail"] for row in _rows(prepared.folder / "dropped.csv")}
    assert set(reasons) == {
        ("broken.jpg", "broken"),
        ("large.png", "broken"),
        ("more/of them/turned round.jpg", "doubled"),
        ("profile.jpg", "turned away"),
        ("portrait.png", "doubled"),
        ("blurred.jpg", "blurred"),
        ("wall.jpg", "no face"),
    }
    assert "mirrored" in reasons["more/of them/turned round.jpg", "doubled"] and "smaller-" in reasons["portrait.png", "doubled"]
    assert "too large" in reasons["large.png", "broken"] and "cut off" in reasons["broken.jpg", "broken"]
    assert prepared.dropped == {"broken": 2, "doubled": 2, "turned away": 1, "blurred": 1, "no face": 1}


def test_the_folder_is_read_by_training_as_it_stands(prepared: Prepared) -> None:
    report = check_data(read_table("CelebAMask-HQ", prepared.folder), 64)
    assert not {"missing", "broken", "unlisted", "not square", "too small", "empty split"} & set(report.by_kind())
    dataset = open_dataset("CelebAMask-HQ", prepared.folder, 64, ["Male"])
    assert dataset.alignment == "celeba-center-crop-178" and "non-commercial" in dataset.licence
    assert dataset.train.read(0).shape == (64, 64, 3)


def test_faces_of_one_photo_are_on_one_side_of_the_split(prepared: Prepared) -> None:
    held_out = (prepared.folder / "val.txt").read_text().split()
    train = (prepared.folder / "train.txt").read_text().split()
    assert held_out and train and len(held_out) + len(train) == prepared.faces
    photo_of = {row["file"]: row["photo"] for row in _rows(prepared.folder / "faces.csv")}
    assert not {photo_of[file] for file in held_out} & {photo_of[file] for file in train}


def test_crops_are_the_celeba_crop(prepared: Prepared) -> None:
    row = next(row for row in _rows(prepared.folder / "faces.csv") if row["photo"].startswith("more/of them/Zoë"))
    assert row["file"].startswith("Zoë-2-") and row["file"].endswith("-0.jpg")
    assert read_image(prepared.folder / "images" / row["file"]).shape == (64, 64, 3)


def test_what_cannot_be_told_is_unlabelled_and_sex_and_age_are_labelled_by_the_probe(prepared: Prepared) -> None:
    labels = prepared.labels
    assert (labels["Eyeglasses"].yes, labels["Eyeglasses"].no, labels["Eyeglasses"].unlabelled) == (0, 0, 6)
    assert labels["Male"].yes + labels["Male"].no >= 4 and labels["Male"].no >= 1
    record = json.loads((prepared.folder / "prepared.json").read_text())
    assert record["models"]["encoder"]["name"] == "dlib-face-encoder" and record["models"]["parser"] is None
    assert record["settings"]["size_px"] == 64 and set(record["fingerprint"]) == {"list_attr.txt", "train.txt", "val.txt"}


def test_a_killed_run_goes_on_and_gives_the_same(photos: Path, prepared: Prepared, tmp_path: Path) -> None:
    out = tmp_path / "faces"
    command = ["prepare", str(photos), str(out), "--size", "64", "--detector", "dlib", "--parser", "none"]
    process = subprocess.Popen([sys.executable, "-m", "lianpu", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not list((out / "images").glob("*.jpg")) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it was killed while it was at work"
    assert not (out / "list_attr.txt").exists()
    told: list[tuple[int, int]] = []
    prepare_faces(photos, out, SETTINGS, on_progress=lambda done, total: told.append((done, total)))
    assert told[0][0] > 1, "what was done is not done again"
    assert told[-1] == (10, 10)
    assert _result(out) == _result(prepared.folder)


def test_two_processes_give_the_same_as_one(photos: Path, prepared: Prepared, tmp_path: Path) -> None:
    prepare_faces(photos, tmp_path / "faces", SETTINGS, workers=2)
    assert _result(tmp_path / "faces") == _result(prepared.folder)


def test_a_process_that_dies_costs_no_other_photo(photos: Path) -> None:
    names = sorted(walk_photos(photos, but=photos / "out"))
    found: Iterator[AnalyzedPhoto | FailedPhoto] = analyze_in_order(photos, SETTINGS, names, 2)
    analyzed = [next(found)]
    for child in multiprocessing.active_children():
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
    analyzed += found
    assert [one.photo for one in analyzed] == names
    assert {one.photo for one in analyzed if isinstance(one, FailedPhoto)} == {"broken.jpg", "large.png"}


def test_processes_that_cannot_start_are_one_error_and_no_photo_is_blamed(photos: Path, tmp_path: Path) -> None:
    program = (
        "from lianpu.preparation.prepare import prepare_faces; from lianpu.preparation.settings import PrepareSettings\n"
        f"prepare_faces({str(photos)!r}, {str(tmp_path / 'faces')!r}, PrepareSettings(**{SETTINGS.to_json()!r}), workers=2)"
    )
    done = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, timeout=120)
    assert "SettingsError: A worker process died while it started. In a script, call this below" in done.stderr
    assert prepare_faces(photos, tmp_path / "faces", SETTINGS).dropped.keys() == {
        "broken",
        "doubled",
        "turned away",
        "blurred",
        "no face",
    }


def test_ray_gives_the_same_as_one_process(photos: Path, prepared: Prepared, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    program = (
        "from lianpu.preparation.prepare import prepare_faces; from lianpu.preparation.settings import PrepareSettings\n"
        f"prepare_faces({str(photos)!r}, {str(tmp_path / 'faces')!r}, PrepareSettings(**{SETTINGS.to_json()!r}), ray=True)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert _result(tmp_path / "faces") == _result(prepared.folder)


def test_photos_that_are_added_later_are_analyzed_and_others_are_not(photos: Path, copy_of: Path) -> None:
    more = copy_of.parent / "photos"
    shutil.copytree(photos, more)
    _moved_to(copy_of, more)
    write_portrait(more / "new one.jpg", PEOPLE[7])
    before = (copy_of / "train.txt").read_text().split()
    told: list[tuple[int, int]] = []
    made = prepare_faces(more, copy_of, SETTINGS, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(11, 11)] and made.faces == 7
    assert set(before) <= set((copy_of / "train.txt").read_text().split()), "no face changes sides"


def _moved_to(folder: Path, photos: Path) -> None:
    record = json.loads((folder / "prepared.json").read_text())
    (folder / "prepared.json").write_text(json.dumps(record | {"photos": str(photos.resolve())}))


def test_other_settings_or_photos_are_refused_and_nothing_is_lost(photos: Path, copy_of: Path, tmp_path: Path) -> None:
    before = _result(copy_of)
    with pytest.raises(
        SettingsError, match=r"begun with other settings or models \(max_yaw_deg 35\.0 not 20, size_px 64 not 128\)"
    ):
        prepare_faces(photos, copy_of, replace(SETTINGS, size_px=128, max_yaw_deg=20))
    (tmp_path / "others").mkdir()
    shutil.copy(photos / "wall.jpg", tmp_path / "others" / "a.jpg")
    with pytest.raises(DataError, match=r"holds faces of .*, not of .*others"):
        prepare_faces(tmp_path / "others", copy_of, SETTINGS)
    assert _result(copy_of) == before


def test_a_folder_that_holds_something_else_is_left_alone(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("mine")
    with pytest.raises(
        DataError, match=r"is not empty \(holiday\.txt is in it\) and was not made by lianpu prepare, so nothing was written"
    ):
        prepare_faces(photos, tmp_path, SETTINGS)
    assert [file.name for file in tmp_path.iterdir()] == ["holiday.txt"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder, "is not there. Give the folder"),
        (lambda folder: folder.mkdir(), r"holds no photos \(JPEG, PNG"),
        (lambda folder: folder.write_text("x"), "is a file, not a folder"),
    ],
)
def test_no_photos_is_an_error_that_leaves_nothing(tmp_path: Path, make: object, words: str) -> None:
    assert callable(make)
    make(tmp_path / "photos")
    with pytest.raises(DataError, match=words):
        prepare_faces(tmp_path / "photos", tmp_path / "out", SETTINGS)
    assert not (tmp_path / "out").exists()


def test_no_face_at_all_is_an_error_that_counts_the_reasons(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for name in ("wall.jpg", "blurred.jpg", "large.png"):
        shutil.copy(photos / name, tmp_path / "photos" / name)
    with pytest.raises(
        DataError, match=r"No face of the 3 photos was kept \(1 blurred, 1 broken, 1 no face\)\. Each is in .*dropped\.csv"
    ):
        prepare_faces(tmp_path / "photos", tmp_path / "out", SETTINGS)
    assert len(_rows(tmp_path / "out" / "dropped.csv")) == 3


def test_photos_and_results_may_lie_in_one_folder(photos: Path, tmp_path: Path) -> None:
    shutil.copy(photos / "group.jpg", tmp_path / "a.jpg")
    shutil.copy(photos / "more" / "of them" / "Zoë 2.jpg", tmp_path / "b.jpg")
    prepare_faces(tmp_path, tmp_path / "faces", SETTINGS)
    assert list(walk_photos(tmp_path, but=tmp_path / "faces")) in (["a.jpg", "b.jpg"], ["b.jpg", "a.jpg"])
    assert prepare_faces(tmp_path, tmp_path / "faces", SETTINGS).photos == 2


def test_names_of_crops_hold_no_blank_and_differ_for_photos_of_one_name() -> None:
    names = {crop_name(photo, 0, "jpg") for photo in ("a b/x y.jpg", "a/x y.jpg", "x y.png", "x-y.png")}
    assert len(names) == 4 and not any(" " in name for name in names)
    assert len(crop_name("a" * 250 + ".jpg", 12, "png")) < 70


def test_a_folder_that_was_begun_before_the_option_landmarks_is_resumed(tmp_path: Path) -> None:
    models = {"detector": {"name": "dlib", "licence": "none"}, "parser": None, "encoder": None, "sex_age": None}
    begin_record(tmp_path, tmp_path, PrepareSettings(), models)
    record = json.loads((tmp_path / RECORD_FILE).read_text())
    del record["settings"]["landmarks"]
    (tmp_path / RECORD_FILE).write_text(json.dumps(record))
    begin_record(tmp_path, tmp_path, PrepareSettings(), models)
    assert settings_from_json(record["settings"], tmp_path) == PrepareSettings()
    with pytest.raises(SettingsError, match=r"landmarks auto not own\.dat"):
        begin_record(tmp_path, tmp_path, PrepareSettings(landmarks="own.dat"), models)
