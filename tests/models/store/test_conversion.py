"""A .tflite of the table becomes one ONNX file, once; it is made again when it is damaged or old; and it is fetched at first use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from lianpu.errors import WeightsError
from lianpu.models import table
from lianpu.models.store import conversion, wheels
from lianpu.models.store.conversion import (
    convert_model_file,
    find_file_or_onnx,
    has_onnx,
    is_current,
    onnx_file,
    require_onnx,
    sealed,
)
from lianpu.models.store.first_use import OnProgress, fetches_shown_by
from lianpu.models.store.locate import models_folder
from lianpu.models.table import ModelFile, model_file

NAME = "blazeface-short"
ENTRY = model_file(NAME)
MESH = model_file("face-mesh")


@pytest.fixture
def store(converted_mediapipe: Path, empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models with one .tflite file in it, not yet converted; offline."""
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    models_folder().mkdir()
    shutil.copyfile(converted_mediapipe / ENTRY.file, models_folder() / ENTRY.file)
    return models_folder()


def test_a_model_is_converted_at_its_first_use_and_then_left_alone(store: Path) -> None:
    assert has_onnx(NAME) and not onnx_file(ENTRY).exists()
    file = require_onnx(NAME)
    assert file == store / "face_detection_short_range.onnx" and is_current(file, ENTRY)
    written = file.stat().st_mtime_ns
    assert require_onnx(NAME) == file and file.stat().st_mtime_ns == written
    assert [node.name for node in onnxruntime.InferenceSession(file).get_outputs()] == ["boxes", "scores"]


def test_the_converted_file_is_enough(store: Path) -> None:
    file = require_onnx(NAME)
    (store / ENTRY.file).unlink()
    assert has_onnx(NAME) and require_onnx(NAME) == file and find_file_or_onnx(ENTRY) == file


@pytest.mark.parametrize("place", [0, 2000, -200, -3])
def test_a_damaged_file_is_made_again(store: Path, place: int) -> None:
    file = require_onnx(NAME)
    whole = file.read_bytes()
    damaged = bytearray(whole)
    damaged[place] ^= 1
    for content in (bytes(damaged), whole[:-1], whole[:100], b"", whole + b"\0"):
        file.write_bytes(content)
        assert not is_current(file, ENTRY)
        assert require_onnx(NAME).read_bytes() == whole


def test_a_file_of_an_older_converter_is_made_again(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = require_onnx(NAME)
    assert is_current(file, ENTRY)
    monkeypatch.setattr(conversion, "CONVERTER_VERSION", 99)
    os.utime(file, (1, 1))  # the answer about the same file is remembered
    assert not is_current(file, ENTRY)
    assert onnxruntime.InferenceSession(require_onnx(NAME)).get_modelmeta().custom_metadata_map["converter"] == "lianpu 99"


def test_a_file_made_of_another_model_is_not_taken(store: Path) -> None:
    shutil.copyfile(require_onnx(NAME), onnx_file(MESH))
    assert not is_current(onnx_file(MESH), MESH) and not has_onnx("face-mesh")


def test_a_seal_is_part_of_the_model_for_any_reader(store: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(require_onnx(NAME))
    told = {entry.key: entry.value for entry in model.metadata_props}
    assert list(told) == ["source", "source_sha256", "converter", "sha256"] and told["source_sha256"] == ENTRY.sha256
    assert sealed(b"abc", ENTRY) != sealed(b"abd", ENTRY)


def test_a_damaged_tflite_is_refused_in_one_line(store: Path) -> None:
    (store / ENTRY.file).write_bytes(b"x" * ENTRY.size_bytes)
    assert not has_onnx(NAME)
    with pytest.raises(WeightsError, match=r"face_detection_short_range.tflite is not blazeface-short: expected SHA-256"):
        require_onnx(NAME)
    with pytest.raises(WeightsError, match="expected 2,495,106 bytes"):
        convert_model_file(store / ENTRY.file, MESH)


@pytest.mark.parametrize("place", [".locks", f".locks/{ENTRY.onnx}.lock"])
def test_a_folder_that_cannot_be_written_is_one_line(store: Path, place: str) -> None:
    """Stood in for by something in the way of what is written first: who runs the tests may be allowed to write anywhere."""
    if place == ".locks":
        (store / place).write_text("a file where a folder should be", encoding="utf-8")
    else:
        (store / place).mkdir(parents=True)
    with pytest.raises(WeightsError, match=r"blazeface-short cannot be made ready: .* cannot be written") as caught:
        require_onnx(NAME)
    assert caught.value.key == "model.not_ready" and "\n" not in str(caught.value)


@pytest.fixture
def converter_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The converter is imported anew."""
    for module in ("mediapipe_models", "tflite_file", "tflite_to_onnx"):
        monkeypatch.delitem(sys.modules, f"lianpu.models.{module}", raising=False)


@pytest.mark.usefixtures("converter_not_loaded")
def test_where_the_converter_is_not_installed_the_package_is_named(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tflite", None)
    with pytest.raises(WeightsError, match="needs the package tflite: pip install tflite"):
        require_onnx(NAME)


@pytest.mark.usefixtures("converter_not_loaded")
@pytest.mark.parametrize("error", ["ImportError", "TypeError"])
def test_a_package_of_the_converter_that_is_broken_is_one_line(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    """As protobuf's "Descriptors cannot be created directly", a TypeError of several lines."""
    (tmp_path / "tflite.py").write_text(f"raise {error}('cannot be\\ncreated directly')", encoding="utf-8")
    for module in [name for name in sys.modules if name.partition(".")[0] == "tflite"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        WeightsError, match=r"cannot be loaded \(cannot be created directly\): pip install --upgrade onnx"
    ) as caught:
        require_onnx(NAME)
    assert caught.value.key == "model.converter_broken"


def test_only_files_that_are_converted_are_asked_for() -> None:
    with pytest.raises(ValueError, match=r"yunet is no .tflite file"):
        require_onnx("yunet")
    with pytest.raises(WeightsError, match="did you mean 'face-mesh'"):
        has_onnx("facemesh")


def test_commercial_safe_allows_them(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANPU_COMMERCIAL_SAFE", "1")
    assert has_onnx(NAME) and require_onnx(NAME).is_file()


def test_several_processes_at_once_make_one_file(store: Path) -> None:
    code = f"from lianpu.models.store.conversion import require_onnx; print(require_onnx({NAME!r}))"
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert {process.communicate()[0].strip() for process in running} == {str(onnx_file(ENTRY))}
    assert is_current(onnx_file(ENTRY), ENTRY)
    assert sorted(file.name for file in store.iterdir()) == [".locks", ENTRY.onnx, ENTRY.file]


# First use.


def test_offline_a_missing_model_is_one_line_that_says_what_to_do(store: Path) -> None:
    assert not has_onnx("face-mesh")
    with pytest.raises(
        WeightsError, match=r"478 face points; 2.5 MB; Apache-2.0.*LIANPU_OFFLINE is set.*or a wheel of mediapipe 0.10.21"
    ):
        require_onnx("face-mesh")


@pytest.fixture
def online(store: Path, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is not here, and comes from a server on this machine alone."""
    (store / ENTRY.file).unlink()
    monkeypatch.setattr(table, "MODEL_FILES", (replace(ENTRY, url=f"{server.base}/face.tflite", wheel=None),))
    monkeypatch.delenv("LIANPU_OFFLINE")


@pytest.mark.usefixtures("online")
def test_a_missing_model_is_fetched_shown_and_converted(server: Any, converted_mediapipe: Path) -> None:
    told: list[str] = []
    server.files["/face.tflite"] = (converted_mediapipe / ENTRY.file).read_bytes()

    @contextmanager
    def show(entry: ModelFile) -> Iterator[OnProgress]:
        told.append(entry.name)
        yield lambda done, total: told.append(f"{done} of {total}")

    with fetches_shown_by(show):
        assert require_onnx(NAME) == onnx_file(ENTRY)
        assert require_onnx(NAME) == onnx_file(ENTRY)
    assert told[0] == NAME and told[-1] == "229714 of 229714" and told.count(NAME) == 1


PIPS_AND_PROXIES = ("PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE", "PIP_PROXY", "ALL_PROXY")


@pytest.mark.usefixtures("online")
def test_a_full_disk_is_no_failure_of_the_network(store: Path, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (entry,) = table.MODEL_FILES
    monkeypatch.setattr(table, "MODEL_FILES", (replace(entry, size_bytes=1 << 60),))
    for _ in range(2):
        with pytest.raises(WeightsError, match="Free some space"):
            require_onnx(NAME)
    assert not list((store / ".locks").glob("*.failed")) and server.requests == []


@pytest.mark.usefixtures("online")
@pytest.mark.parametrize(
    ("ends", "why"),
    [
        ("sys.exit('ERROR: Operation cancelled by user')", "pip was interrupted"),
        ("os.kill(os.getpid(), 9)", "pip was interrupted"),
        ("sys.exit('ERROR: Could not install packages due to an OSError: [Errno 28] No space left')", "pip found the disk full"),
    ],
)
def test_a_pip_that_was_stopped_is_no_failure_of_the_network(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str, why: str
) -> None:
    """pip is stood in for by a program that ends as pip does."""
    if "kill" in ends and sys.platform == "win32":
        pytest.skip("Windows has no signals that end a program from outside")
    program = tmp_path / "ends.py"
    program.write_text(f"import os, sys\n{ends}", encoding="utf-8")
    monkeypatch.setattr(wheels, "pip_command", lambda: [sys.executable, str(program)])
    (entry,) = table.MODEL_FILES
    monkeypatch.setattr(table, "MODEL_FILES", (replace(entry, wheel=ENTRY.wheel),))
    for _ in range(2):
        with pytest.raises(WeightsError, match=f"mediapipe 0.10.21 was not downloaded: {why}"):
            require_onnx(NAME)
    assert not list((store / ".locks").glob("*.failed"))


@pytest.mark.usefixtures("online")
def test_a_fetch_that_failed_is_not_tried_again_at_once(store: Path, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError, match="HTTP 404"):
        require_onnx(NAME)
    asked = len(server.requests)
    with pytest.raises(
        WeightsError, match=r"Downloading failed at \d\d:\d\d.*unless you ask for it: lianpu models fetch"
    ) as caught:
        require_onnx(NAME)
    assert caught.value.key == "model.tried_lately" and len(server.requests) == asked

    for name, value in (("LIANPU_TIMEOUT", "5"), *((name, "/dev/null") for name in PIPS_AND_PROXIES)):
        monkeypatch.setenv(name, value)  # other settings: worth another try
        with pytest.raises(WeightsError, match="HTTP 404"):
            require_onnx(NAME)
    (memory,) = (store / ".locks").glob("*.failed")
    os.utime(memory, (1, 1))  # long ago
    with pytest.raises(WeightsError, match="HTTP 404"):
        require_onnx(NAME)
