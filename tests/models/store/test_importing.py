"""Files that a person brings are known by their bytes; the person's own stay as they are."""

import bz2
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lianpu.errors import WeightsError
from lianpu.models.store.conversion import is_current, onnx_file
from lianpu.models.store.importing import import_models
from lianpu.models.store.locate import find_model_file, models_folder
from lianpu.models.table import MODEL_FILES


def put(file: Path, content: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def test_a_file_is_known_by_its_bytes_whatever_its_name(tmp_path: Path, know: Any, made: Any) -> None:
    know(made.entry_of())
    mine = put(tmp_path / "downloads" / "file (1).bin", made.BYTES)
    (item,) = import_models(mine).imported
    assert (item.entry.name, item.file, item.was_here) == ("tried", models_folder() / "tried.bin", False)
    assert find_model_file("tried") == item.file and item.file.read_bytes() == made.BYTES
    assert mine.read_bytes() == made.BYTES


def test_a_second_import_changes_nothing(tmp_path: Path, know: Any, made: Any) -> None:
    know(made.entry_of())
    mine = put(tmp_path / "tried.bin", made.BYTES)
    when = import_models(mine).imported[0].file.stat().st_mtime_ns
    (item,) = import_models(mine).imported
    assert item.was_here and item.file.stat().st_mtime_ns == when


@pytest.mark.parametrize("folder", ["", "buffalo_l"])
def test_a_folder_is_looked_at_and_the_folders_in_it(tmp_path: Path, know: Any, made: Any, folder: str) -> None:
    know(made.entry_of(), made.entry_of(b"other", name="other", file="other.bin"))
    put(tmp_path / "given" / folder / "tried.bin", made.BYTES)
    put(tmp_path / "given" / folder / "notes.txt", b"notes")
    progress: list[tuple[int, int]] = []
    report = import_models(tmp_path / "given", lambda done, total: progress.append((done, total)))
    assert [item.entry.name for item in report.imported] == ["tried"]
    assert progress[-1] == (2, 2)


def test_a_zip_gives_what_the_table_knows(tmp_path: Path, know: Any, made: Any) -> None:
    know(made.entry_of(), made.entry_of(b"other", name="other", file="other.bin"))
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        archive.writestr("deep/tried.bin", made.BYTES)
        archive.writestr("deep/other.bin", b"another")
    report = import_models(tmp_path / "mine.zip")
    assert [item.entry.name for item in report.imported] == ["tried"]
    (miss,) = report.near_misses
    assert (miss.entry.name, miss.problem) == ("other", "expected 5 bytes, got 7")
    assert [file.name for file in models_folder().iterdir()] == ["tried.bin"]


def test_a_bz2_as_dlib_publishes_it_is_unpacked(tmp_path: Path, know: Any, made: Any) -> None:
    packed = bz2.compress(made.BYTES)
    know(made.entry_of(archive=made.archive_of(packed, "tried.bin.bz2")))
    put(tmp_path / "downloads" / "tried.bin.bz2", packed)
    assert import_models(tmp_path / "downloads").imported[0].file.read_bytes() == made.BYTES


def test_in_a_folder_unknown_zips_are_left_alone(tmp_path: Path, know: Any, made: Any) -> None:
    know(made.entry_of())
    put(tmp_path / "downloads" / "tried.bin", made.BYTES)
    with zipfile.ZipFile(tmp_path / "downloads" / "else.zip", "w") as archive:
        archive.writestr("../evil", b"evil")
    assert len(import_models(tmp_path / "downloads").imported) == 1


def test_an_unsafe_zip_imports_nothing(tmp_path: Path, know: Any, made: Any) -> None:
    know(made.entry_of())
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("tried.bin", made.BYTES)
        archive.writestr("../../evil", b"evil")
    with pytest.raises(WeightsError, match=r"a\.zip is not unpacked: its member '\.\./\.\./evil' leads out of the folder"):
        import_models(tmp_path / "a.zip")
    assert find_model_file("tried") is None


def test_a_near_miss_is_told_with_both_lengths(tmp_path: Path, know: Any, made: Any) -> None:
    know(made.entry_of())
    mine = put(tmp_path / "tried.bin", b"cut")
    with pytest.raises(
        WeightsError,
        match=r"Nothing was imported\. .*tried\.bin is not tried: expected 131,072 bytes, got 3 \(cut off.*models fetch tried",
    ):
        import_models(mine)


def test_nothing_known_and_nothing_there_are_told_apart(tmp_path: Path, know: Any, made: Any) -> None:
    know(made.entry_of())
    put(tmp_path / "given" / "notes.txt", b"notes")
    with pytest.raises(WeightsError, match=r"given: none of 1 files is a model file that Lianpu knows .*lianpu models list"):
        import_models(tmp_path / "given")
    with pytest.raises(WeightsError, match=r"nowhere is not there\. Give a model file, a folder or a zip"):
        import_models(tmp_path / "nowhere")


def test_another_file_in_the_place_of_the_model_is_never_replaced(tmp_path: Path, know: Any, made: Any) -> None:
    know(made.entry_of())
    theirs = put(models_folder() / "tried.bin", b"something of the user's")
    with pytest.raises(WeightsError, match=r"tried\.bin is in its place and holds other bytes; move that away"):
        import_models(put(tmp_path / "tried.bin", made.BYTES))
    assert theirs.read_bytes() == b"something of the user's"


def test_a_licence_that_is_not_allowed_is_not_imported(
    tmp_path: Path, know: Any, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(made.entry_of(commercial_use=False, licence="for research only"))
    monkeypatch.setenv("LIANPU_COMMERCIAL_SAFE", "1")
    with pytest.raises(WeightsError, match=r"tried\.bin \(tried\) may not be used commercially: for research only"):
        import_models(put(tmp_path / "tried.bin", made.BYTES))
    assert find_model_file("tried") is None


def test_a_wheel_is_a_zip_whose_members_are_known_by_their_bytes(tmp_path: Path, converted_mediapipe: Path) -> None:
    entries = [entry for entry in MODEL_FILES if entry.onnx]
    wheel = tmp_path / "downloads" / "mediapipe-0.10.21-cp312-cp312-win_amd64.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("mediapipe/__init__.py", "")
        for number, entry in enumerate(entries):
            archive.write(converted_mediapipe / entry.file, f"mediapipe/modules/{number}/{entry.file if number else 'renamed'}")
    for path in (wheel.parent, wheel):  # a folder that holds it, and the wheel itself
        report = import_models(path)
        assert [item.entry.name for item in report.imported] == [entry.name for entry in entries] and not report.near_misses
        assert {item.was_here for item in report.imported} == {path == wheel}
    for entry in entries:
        assert is_current(onnx_file(entry), entry), "converted at import"


def test_a_wheel_of_another_version_tells_what_differs(tmp_path: Path) -> None:
    wheel = tmp_path / "mediapipe-0.8.0-cp39-cp39-win_amd64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("mediapipe/modules/face_landmark/face_landmark.tflite", b"older")
    with pytest.raises(WeightsError, match=r"face_landmark.tflite is not face-mesh-468: expected 1,242,398 bytes, got 5"):
        import_models(wheel)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("mediapipe/__init__.py", b"")
    with pytest.raises(WeightsError, match="none of 1 files is a model file"):
        import_models(wheel)


def test_a_tflite_file_is_converted_at_once_and_again_where_that_is_gone(tmp_path: Path, converted_mediapipe: Path) -> None:
    mine = put(tmp_path / "mine.bin", (converted_mediapipe / "selfie_segmentation.tflite").read_bytes())
    (item,) = import_models(mine).imported
    assert item.file == models_folder() / "selfie_segmentation.tflite" and not item.was_here
    onnx_file(item.entry).unlink()
    (item,) = import_models(mine).imported
    assert item.was_here and is_current(onnx_file(item.entry), item.entry)
