"""A file is wholly there or as it was, whatever goes wrong while it is written."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from lianpu import files
from lianpu.errors import LianpuError, RunError
from lianpu.files import (
    append_text,
    atomic_file,
    atomic_folder,
    read_json,
    read_json_lines,
    remove_leftovers_of,
    remove_partial_files,
    sha256_of,
    write_json,
    write_text,
)


def _full_disk(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_written_file_is_there_and_nothing_else_is(tmp_path: Path) -> None:
    target = write_text(tmp_path / "new" / "a.txt", "脸谱")
    assert target.read_text(encoding="utf-8") == "脸谱"
    assert _names(target.parent) == ["a.txt"]


def test_a_written_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    assert (write_text(tmp_path / "a.txt", "x").stat().st_mode & 0o777) == (plain.stat().st_mode & 0o777)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    target = write_text(tmp_path / "a.txt", "old")
    monkeypatch.setattr(files.os, step, _full_disk)
    with pytest.raises(
        LianpuError, match=r"The disk is full: .*a\.txt could not be written and was left as it was. Free some space"
    ):
        write_text(target, "new")
    assert target.read_text() == "old" and _names(tmp_path) == ["a.txt"]


def test_a_full_disk_in_the_middle_of_the_writing_leaves_the_old_file(tmp_path: Path) -> None:
    target = write_text(tmp_path / "a.txt", "old")
    with pytest.raises(LianpuError, match="The disk is full"), atomic_file(target) as partial:
        partial.write_text("ne")
        _full_disk()
    assert target.read_text() == "old" and _names(tmp_path) == ["a.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_really_full_device_is_said_to_be_full() -> None:
    with pytest.raises(LianpuError, match="The disk is full: /dev/full"):
        append_text(Path("/dev/full"), "x" * 100_000)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError])
def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, interruption: type[BaseException]) -> None:
    target = write_text(tmp_path / "a.txt", "old")
    with pytest.raises(interruption), atomic_file(target) as partial:
        partial.write_text("half")
        raise interruption
    assert target.read_text() == "old" and _names(tmp_path) == ["a.txt"]


def test_a_process_killed_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    target = write_text(tmp_path / "a.txt", "old")
    program = (
        "import os, signal\nfrom pathlib import Path\nfrom lianpu.files import atomic_file\n"
        f"with atomic_file(Path({str(target)!r})) as partial:\n"
        "    partial.write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL
    assert target.read_text() == "old"
    assert all(name == "a.txt" or name.startswith(".a.") for name in _names(tmp_path))


@pytest.mark.parametrize("make", ["file in the way", "folder in the way"])
def test_a_target_that_cannot_be_is_refused_in_one_line(tmp_path: Path, make: str) -> None:
    if make == "file in the way":
        (tmp_path / "x").write_text("old")
        target = tmp_path / "x" / "a.txt"
    else:
        target = tmp_path / "a.txt"
        (target / "inner").mkdir(parents=True)
    with pytest.raises(LianpuError, match=r"a\.txt cannot be written \(.*\). Choose a folder that you may write to"):
        write_text(target, "new")


def test_a_folder_that_may_not_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(**_: object) -> NoReturn:  # as for any user but root, who runs many tests
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(files.tempfile, "mkstemp", forbidden)
    with pytest.raises(LianpuError, match=r"a\.txt cannot be written \(Permission denied\)"):
        write_text(tmp_path / "a.txt", "new")


def _fill(target: Path, text: str) -> None:
    with atomic_folder(target) as partial:
        (partial / "inner").mkdir()
        (partial / "inner" / "a.txt").write_text(text)


def test_a_folder_takes_the_place_of_the_old_one_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "000000010"
    _fill(target, "old")
    (target / "only in the old one").touch()
    _fill(target, "new")
    assert (target / "inner" / "a.txt").read_text() == "new"
    assert _names(target) == ["inner"] and _names(tmp_path) == ["000000010"]


@pytest.mark.parametrize("failing_call", [1, 2])
def test_a_disk_that_fills_while_folders_change_places_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing_call: int
) -> None:
    target = tmp_path / "000000010"
    _fill(target, "old")
    real_replace, calls = os.replace, 0

    def replace(source: Path, destination: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == failing_call:
            _full_disk()
        real_replace(source, destination)

    monkeypatch.setattr(files.os, "replace", replace)
    with pytest.raises(LianpuError, match="The disk is full"):
        _fill(target, "new")
    assert (target / "inner" / "a.txt").read_text() == "old" and _names(tmp_path) == ["000000010"]


def test_a_disk_that_fills_while_a_folder_is_filled_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "000000010"
    _fill(target, "old")
    monkeypatch.setattr(files.os, "fsync", _full_disk)
    with pytest.raises(LianpuError, match="The disk is full"):
        _fill(target, "new")
    assert (target / "inner" / "a.txt").read_text() == "old" and _names(tmp_path) == ["000000010"]


def test_an_error_of_the_caller_passes_through_unchanged(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="mine"), atomic_folder(tmp_path / "x"):
        raise RunError("mine")
    assert _names(tmp_path) == []


def test_json_is_written_and_read_back(tmp_path: Path) -> None:
    value = {"名": [1, 2.5, None, True]}
    file = write_json(tmp_path / "a.json", value)
    assert read_json(file, RunError) == value and "名" in file.read_text(encoding="utf-8")


def test_nan_is_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    file = write_json(tmp_path / "a.json", {"value": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(file, {"value": float("nan")})
    assert json.loads(file.read_text()) == {"value": 1}


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, r"a\.json is not there"), (b'{"a":', r"a\.json cannot be read as JSON \("), (b"\xff\xfe", "cannot be read as JSON")],
)
def test_missing_and_broken_json_raise_the_error_that_was_asked_for(tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(RunError, match=words):
        read_json(tmp_path / "a.json", RunError)


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_sha256_is_that_of_the_bytes(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"x" * size
    (tmp_path / "a").write_bytes(content)
    expected = hashlib.sha256(content).hexdigest()
    assert sha256_of(tmp_path / "a") == expected
    monkeypatch.delattr(hashlib, "file_digest", raising=False)  # Python 3.10 has none
    assert sha256_of(tmp_path / "a") == expected


def test_what_a_killed_process_left_half_written_is_removed_and_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / "whole.txt", "whole")
    (tmp_path / ".hidden").write_text("a user's")
    with pytest.raises(KeyboardInterrupt), atomic_file(tmp_path / "picture.jpg") as partial:
        kept = partial.with_name(partial.name + ".copy")
        partial.replace(kept)  # out of reach of the cleaning that a killed process never does
        raise KeyboardInterrupt
    kept.rename(partial)
    assert _names(tmp_path) == sorted([".hidden", "whole.txt", partial.name])

    remove_partial_files(tmp_path)

    assert _names(tmp_path) == [".hidden", "whole.txt"]


def test_a_last_line_cut_by_a_crash_is_left_out_and_a_broken_one_before_is_named(tmp_path: Path) -> None:
    file = write_text(tmp_path / "steps.jsonl", '{"step": 1}\n{"step": 2}\n{"st')
    assert read_json_lines(file, RunError) == [{"step": 1}, {"step": 2}]
    write_text(file, '{"step": 1}\n{"st\n{"step": 3}\n')
    with pytest.raises(RunError, match=r"steps\.jsonl, line 2, is no JSON"):
        read_json_lines(file, RunError)


def test_what_was_left_of_one_file_is_removed_and_of_others_is_not(tmp_path: Path) -> None:
    for name in (".a.x8d.partial.jpg", ".ab.x8d.partial.jpg", ".a.x8d.partial.png", "a.jpg"):
        (tmp_path / name).touch()
    remove_leftovers_of(tmp_path / "a.jpg")
    assert _names(tmp_path) == [".a.x8d.partial.png", ".ab.x8d.partial.jpg", "a.jpg"]
