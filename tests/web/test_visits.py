"""Files of visitors: private, bounded, and removed in time."""

from pathlib import Path

import pytest
from filelock import FileLock

from lianpu.web.language import PageError
from lianpu.web.visits import Stored, Visit, Visits, clean_name, private_root


class Clock:
    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


def _stored(visit: Visit, size: int = 6, name: str = "anna.png") -> Stored:
    stored = visit.new_file(name)
    stored.file.write_bytes(bytes(size))
    return stored


def test_a_visit_is_found_by_its_token_and_nobody_elses_photo_is(tmp_path: Path) -> None:
    visits = Visits(tmp_path, 60, 1e6, 1e6)
    anna, token = visits.begin()
    bert, other = visits.begin()
    number = anna.keep(_stored(anna))
    assert visits.of(token, "1.2.3.4") == (anna, token) and visits.of(other, "1.2.3.4") == (bert, other)
    assert anna.photo(number).name == "anna.png"
    with pytest.raises(PageError, match="Drop it again"):
        bert.photo(number)
    assert anna.folder != bert.folder and anna.folder.stat().st_mode & 0o077 == 0


def test_a_token_that_nobody_was_given_is_the_addresss_own_visit(tmp_path: Path) -> None:
    visits = Visits(tmp_path, 60, 1e6, 1e6)
    invented, token = visits.of("../../etc", "1.2.3.4")
    assert token is None and visits.of(None, "1.2.3.4")[0] is invented and visits.of("x", "1.2.3.5")[0] is not invented
    assert invented.folder.parent == tmp_path


def test_all_goes_with_the_visit_and_what_is_not_used(tmp_path: Path) -> None:
    clock = Clock()
    visits = Visits(tmp_path, 60, 1e6, 1e6, clock)
    anna, token = visits.begin()
    bert, other = visits.begin()
    _stored(anna), _stored(bert)
    visits.end(token)
    visits.end("unknown")
    assert not anna.folder.exists() and bert.folder.exists()
    clock.now_s += 50
    visits.of(other, "")
    clock.now_s += 50
    visits.remove_expired()
    assert bert.folder.exists()
    clock.now_s += 61
    visits.remove_expired()
    assert not list(tmp_path.iterdir())


def test_a_visit_and_all_visits_together_have_bounds(tmp_path: Path) -> None:
    visits = Visits(tmp_path, 60, 1000, 1500)
    anna, _ = visits.begin()
    bert, _ = visits.begin()
    visits.check_room(anna, 1000)
    _stored(anna, 800)
    with pytest.raises(PageError, match="more than 0 MB together"):
        visits.check_room(anna, 300)
    visits.check_room(bert, 700)
    with pytest.raises(PageError, match="no room for more files"):
        visits.check_room(bert, 701)


def test_of_open_photos_the_last_thirty_stay(tmp_path: Path) -> None:
    visit, _ = Visits(tmp_path, 60, 1e6, 1e6).begin()
    numbers = [visit.keep(_stored(visit)) for _ in range(32)]
    assert list(visit.photos) == numbers[2:] and len(list(visit.folder.iterdir())) == 30
    visit.drop(numbers[5])
    visit.drop("unknown")
    assert len(list(visit.folder.iterdir())) == 29


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("anna.jpg", "anna.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\anna.jpg", "anna.jpg"),
        ("a\nb\0c.png", "abc.png"),
        ("..", "photo"),
        (".hidden.png", "hidden.png"),
        ("", "photo"),
        ("安娜.png", "安娜.png"),
    ],
)
def test_a_name_is_shown_and_never_a_path(name: str, expected: str, tmp_path: Path) -> None:
    assert clean_name(name) == expected
    visit, _ = Visits(tmp_path, 60, 1e6, 1e6).begin()
    assert visit.new_file(name).file.parent.parent == visit.folder


def test_a_long_name_fits_with_what_is_added(tmp_path: Path) -> None:
    name = clean_name("安" * 200 + ".png")
    assert len(name.encode()) <= 215 and name.endswith(".png")
    (tmp_path / f"{Path(name).stem}-edited-2.png").touch()


def test_folders_of_servers_that_died_are_removed_and_of_living_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    living, lock = private_root()
    dead = tmp_path / "lianpu-serve-dead"
    (dead / "visit-x").mkdir(parents=True)
    (dead / "owner.lock").touch()  # nobody holds it
    foreign = tmp_path / "lianpu-serve-just-made"
    foreign.mkdir()
    other, other_lock = private_root()
    assert living.is_dir() and other.is_dir() and foreign.is_dir() and not dead.exists()
    assert isinstance(lock, FileLock) and lock.is_locked
    lock.release()
    other_lock.release()
