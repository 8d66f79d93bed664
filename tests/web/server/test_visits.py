"""Files of visitors: whose they are, and that they do not stay."""

import os
from pathlib import Path

import pytest

from lianpu.web.language import PageError
from lianpu.web.server.visits import Visits


class Clock:
    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


def _upload(root: Path, name: str = "photo.png") -> Path:
    file = root / "hash" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"pixels")
    return file


def test_an_upload_is_moved_to_where_only_the_visit_has_it(tmp_path: Path) -> None:
    visits = Visits(tmp_path, 60)
    upload = _upload(tmp_path)
    taken = visits.take(str(upload), "anna")
    assert taken.name == "photo.png" and taken.read_bytes() == b"pixels" and not upload.parent.exists()
    assert taken.is_relative_to(visits.folder("anna")) and not taken.is_relative_to(visits.folder("bert"))


def test_what_a_visitor_calls_itself_never_becomes_a_path(tmp_path: Path) -> None:
    root = tmp_path / "root"
    folder = Visits(root, 60).folder("../../evil")
    assert folder.parent == root and "evil" not in str(folder)
    assert folder.stat().st_mode & 0o077 == 0


def test_only_uploads_of_this_server_can_be_taken(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "secret.txt"
    root.mkdir()
    outside.write_text("secret", encoding="utf-8")
    (root / "link.png").symlink_to(outside)
    visits = Visits(root, 60)
    for path in (outside, root / ".." / "secret.txt", root / "link.png", root, root / "none.png"):
        with pytest.raises(PageError, match="not here any more"):
            visits.take(str(path), "anna")
    assert outside.exists()


def test_of_a_kind_only_the_last_ones_stay(tmp_path: Path) -> None:
    visits = Visits(tmp_path, 60)
    photo, *afters = visits.new_folder("anna", "photo", keep=2), *(visits.new_folder("anna", "after", keep=2) for _ in range(5))
    others = [visits.new_folder("anna") for _ in range(3)]
    assert [folder.exists() for folder in (photo, *afters)] == [True, False, False, False, True, True]
    assert all(folder.exists() for folder in others)


def test_a_visitor_who_leaves_leaves_nothing(tmp_path: Path) -> None:
    visits = Visits(tmp_path, 60)
    visits.take(_upload(tmp_path), "anna")
    kept = visits.take(_upload(tmp_path), "bert")
    visits.leave("anna")
    visits.leave("nobody")
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [kept]
    assert visits.folder("anna").is_dir()  # who comes again gets a new folder


def test_an_upload_that_is_lent_stays_in_its_place_until_the_visitor_leaves(tmp_path: Path) -> None:
    visits = Visits(tmp_path, 60)
    upload = _upload(tmp_path, "beach.jpg")
    assert visits.lend(str(upload), "anna") == upload == visits.lend(str(upload), "anna")
    with pytest.raises(PageError, match="not here any more"):
        visits.lend("/etc/passwd", "anna")
    visits.leave("anna")
    assert not upload.parent.exists()


def test_what_nobody_is_heard_of_for_long_is_swept_away(tmp_path: Path) -> None:
    clock = Clock()
    visits = Visits(tmp_path, 60, clock)
    silent, there = visits.take(_upload(tmp_path), "silent"), visits.take(_upload(tmp_path), "there")
    forgotten = _upload(tmp_path, "never-used.png")
    (tmp_path / "empty.tmp").touch()
    for path in (forgotten, forgotten.parent, tmp_path / "empty.tmp"):
        os.utime(path, (clock.now_s, clock.now_s))
    clock.now_s += 50
    visits.folder("there")
    visits.sweep()
    assert silent.exists() and forgotten.exists()
    clock.now_s += 20
    visits.sweep()
    assert not silent.exists() and there.exists() and not forgotten.parent.exists() and not (tmp_path / "empty.tmp").exists()
