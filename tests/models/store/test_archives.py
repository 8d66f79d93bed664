"""Out of an archive comes a file that the table knows, or nothing, whatever the archive says of itself."""

import bz2
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lianpu.errors import WeightsError
from lianpu.models.store import archives
from lianpu.models.store.archives import members_like, open_zip, unpack_bz2, unpack_member


def write_zip(file: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def unpack(file: Path, entry: Any, target: Path) -> str:
    with open_zip(file) as archive:
        return unpack_member(archive, members_like(archive, entry)[0], entry, target)


@pytest.mark.parametrize("name", ["tried.bin", "pack/tried.bin", "pack/pack/tried.bin", "renamed.onnx"])
def test_a_file_is_found_in_any_folder_and_under_any_name(tmp_path: Path, made: Any, name: str) -> None:
    file = write_zip(tmp_path / "a.zip", {"readme.txt": b"hello", name: made.BYTES})
    assert unpack(file, made.entry_of(), tmp_path / "out" / "tried.bin") == ""
    assert (tmp_path / "out" / "tried.bin").read_bytes() == made.BYTES


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../tried.bin", "leads out of the folder"),
        ("pack/../../tried.bin", "leads out of the folder"),
        ("..\\tried.bin", "leads out of the folder"),
        ("/etc/tried.bin", "has an absolute name"),
        ("C:\\tried.bin", "has an absolute name"),
    ],
)
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, made: Any, name: str, reason: str) -> None:
    file = write_zip(tmp_path / "a.zip", {"tried.bin": made.BYTES, name: b"evil"})
    with pytest.raises(WeightsError, match=rf"a\.zip is not unpacked: its member '.*' {reason}\. Nothing was written"):
        unpack(file, made.entry_of(), tmp_path / "out" / "tried.bin")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.zip"] + (["home"] if (tmp_path / "home").exists() else [])


def test_links_are_refused(tmp_path: Path, made: Any) -> None:
    link = zipfile.ZipInfo("tried.bin")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(WeightsError, match=r"its member 'tried\.bin' is a link"):
        unpack(tmp_path / "a.zip", made.entry_of(), tmp_path / "out.bin")


def test_a_bomb_is_refused_by_what_it_says_of_itself(tmp_path: Path, made: Any) -> None:
    file = write_zip(tmp_path / "a.zip", {f"{index}": bytes(9 << 20) for index in range(8)})
    assert file.stat().st_size < 100_000
    with pytest.raises(WeightsError, match=r"its [\d,]+ bytes unpack to 75,497,472 \(a bomb\?\)"):
        unpack(file, made.entry_of(), tmp_path / "out.bin")


def test_a_zip_of_countless_members_is_refused(tmp_path: Path, made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    file = write_zip(tmp_path / "a.zip", {str(index): b"" for index in range(4)})
    with pytest.raises(WeightsError, match=r"it has 4 members"):
        unpack(file, made.entry_of(), tmp_path / "out.bin")


def test_a_bomb_that_lies_about_its_size_writes_no_more_than_it_said(tmp_path: Path, made: Any) -> None:
    """The list says 131,072 bytes; the compressed data are 50 MB of zeros."""
    file = write_zip(tmp_path / "a.zip", {"tried.bin": bytes(50 << 20)})
    content = bytearray(file.read_bytes())
    central = content.index(b"PK\x01\x02")
    content[central + 24 : central + 28] = struct.pack("<I", len(made.BYTES))
    content[22:26] = struct.pack("<I", len(made.BYTES))
    file.write_bytes(content)
    problem = unpack(file, made.entry_of(), tmp_path / "out" / "tried.bin")
    assert "CRC" in problem or "SHA-256" in problem
    assert list((tmp_path / "out").iterdir()) == []


def test_a_member_of_other_bytes_is_told_by_its_hash(tmp_path: Path, made: Any) -> None:
    file = write_zip(tmp_path / "a.zip", {"tried.bin": bytes(len(made.BYTES))})
    assert unpack(file, made.entry_of(), tmp_path / "out" / "tried.bin").startswith("expected SHA-256")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_damaged_zip_is_told(tmp_path: Path, made: Any) -> None:
    file = write_zip(tmp_path / "a.zip", {"tried.bin": made.BYTES}, zipfile.ZIP_STORED)
    content = bytearray(file.read_bytes())
    content[1000] ^= 255
    file.write_bytes(content)
    assert "CRC" in unpack(file, made.entry_of(), tmp_path / "out" / "tried.bin")
    file.write_bytes(content[:5000])
    with pytest.raises(WeightsError, match=r"a\.zip cannot be read as a zip \(File is not a zip file\)\. Download it again"):
        unpack(file, made.entry_of(), tmp_path / "out" / "tried.bin")


def test_an_encrypted_member_is_told(tmp_path: Path, made: Any) -> None:
    file = write_zip(tmp_path / "a.zip", {"tried.bin": made.BYTES})
    content = bytearray(file.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    content[6] |= 1
    file.write_bytes(content)
    assert "encrypted" in unpack(file, made.entry_of(), tmp_path / "out.bin")


def test_a_bz2_is_unpacked_when_its_bytes_are_right(tmp_path: Path, made: Any) -> None:
    file = tmp_path / "tried.bin.bz2"
    file.write_bytes(bz2.compress(made.BYTES))
    assert unpack_bz2(file, made.entry_of(), tmp_path / "tried.bin") == ""
    assert (tmp_path / "tried.bin").read_bytes() == made.BYTES


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (bz2.compress(bytes(10 << 20)), "holds more than the 131,072 bytes of tried.bin"),
        (bz2.compress(b"short"), "expected 131,072 bytes, got 5"),
        (b"no bz2 at all", "cannot be read (Invalid data stream)"),
        (bz2.compress(bytes(range(256)) * 512)[:200], "cannot be read (Compressed file ended"),
    ],
)
def test_a_bz2_of_anything_else_writes_nothing(tmp_path: Path, made: Any, content: bytes, problem: str) -> None:
    file = tmp_path / "tried.bin.bz2"
    file.write_bytes(content)
    assert unpack_bz2(file, made.entry_of(), tmp_path / "out" / "tried.bin").startswith(problem)
    assert list((tmp_path / "out").iterdir()) == []
