"""Files of visitors: private, and removed in time."""

import os
from pathlib import Path

import pytest

from lianpu.web.language import PageError
from lianpu.web.server.visitor_files import VisitorFiles


class Clock:
    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


def _upload(root: Path, name: str = "photo.png") -> Path:
    file = root / "hash" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"pixels")
    return file


def test_an_upload_is_moved_into_the_visitors_own_folder(tmp_path: Path) -> None:
    visitor_files = VisitorFiles(tmp_path, 60)
    upload = _upload(tmp_path)
    claimed = visitor_files.claim(str(upload), "anna")
    assert claimed.name == "photo.png" and claimed.read_bytes() == b"pixels" and not upload.parent.exists()
    assert claimed.is_relative_to(visitor_files.folder("anna")) and not claimed.is_relative_to(visitor_files.folder("bert"))


def test_a_visitors_id_never_becomes_a_path(tmp_path: Path) -> None:
    root = tmp_path / "root"
    folder = VisitorFiles(root, 60).folder("../../evil")
    assert folder.parent == root and "evil" not in str(folder)
    assert folder.stat().st_mode & 0o077 == 0


def test_only_uploads_of_this_server_can_be_claimed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "secret.txt"
    root.mkdir()
    outside.write_text("secret", encoding="utf-8")
    (root / "link.png").symlink_to(outside)
    visitor_files = VisitorFiles(root, 60)
    for path in (outside, root / ".." / "secret.txt", root / "link.png", root, root / "none.png"):
        with pytest.raises(PageError, match="not here any more"):
            visitor_files.claim(str(path), "anna")
    assert outside.exists()


def test_of_a_kind_only_the_last_ones_stay(tmp_path: Path) -> None:
    visitor_files = VisitorFiles(tmp_path, 60)
    photo, *afters = (
        visitor_files.new_folder("anna", "photo", keep=2),
        *(visitor_files.new_folder("anna", "after", keep=2) for _ in range(5)),
    )
    others = [visitor_files.new_folder("anna") for _ in range(3)]
    assert [folder.exists() for folder in (photo, *afters)] == [True, False, False, False, True, True]
    assert all(folder.exists() for folder in others)


def test_all_files_of_a_visitor_are_removed_and_nobody_elses(tmp_path: Path) -> None:
    visitor_files = VisitorFiles(tmp_path, 60)
    visitor_files.claim(_upload(tmp_path), "anna")
    kept = visitor_files.claim(_upload(tmp_path), "bert")
    visitor_files.remove("anna")
    visitor_files.remove("nobody")
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [kept]
    assert visitor_files.folder("anna").is_dir()  # who comes again gets a new folder


def test_a_registered_upload_stays_in_place_until_the_visitors_files_are_removed(tmp_path: Path) -> None:
    visitor_files = VisitorFiles(tmp_path, 60)
    upload = _upload(tmp_path, "beach.jpg")
    assert visitor_files.register(str(upload), "anna") == upload == visitor_files.register(str(upload), "anna")
    with pytest.raises(PageError, match="not here any more"):
        visitor_files.register("/etc/passwd", "anna")
    visitor_files.remove("anna")
    assert not upload.parent.exists()


def test_files_without_requests_for_long_are_removed(tmp_path: Path) -> None:
    clock = Clock()
    visitor_files = VisitorFiles(tmp_path, 60, clock)
    silent, there = visitor_files.claim(_upload(tmp_path), "silent"), visitor_files.claim(_upload(tmp_path), "there")
    forgotten = _upload(tmp_path, "never-used.png")
    (tmp_path / "empty.tmp").touch()
    for path in (forgotten, forgotten.parent, tmp_path / "empty.tmp"):
        os.utime(path, (clock.now_s, clock.now_s))
    clock.now_s += 50
    visitor_files.folder("there")
    visitor_files.remove_expired()
    assert silent.exists() and forgotten.exists()
    clock.now_s += 20
    visitor_files.remove_expired()
    assert not silent.exists() and there.exists() and not forgotten.parent.exists() and not (tmp_path / "empty.tmp").exists()
