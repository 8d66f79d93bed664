"""The files of each visitor: a private folder per visit, removed when the visitor leaves or after a time without calls."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from lianpu.files import encodable, fitted_name
from lianpu.web.language import page_error

_PREFIX = "lianpu-serve-"

_LOCK = "owner.lock"

_MOST_PHOTOS = 30
"""Photos, and pictures, that one visit keeps; the oldest goes first."""


@dataclass(frozen=True)
class Stored:
    """An upload: its file, and the visitor's name for it."""

    file: Path
    name: str


@dataclass(eq=False)
class Visit:
    """What one visitor keeps here: a folder with a random name, and in it open photos, and pictures for steps that take one, by their ids."""

    folder: Path
    last_call_s: float
    photos: dict[str, Stored] = field(default_factory=dict)
    pictures: dict[str, Stored] = field(default_factory=dict)

    def bytes(self) -> int:
        """Of all files; folders of other calls may go meanwhile, which os.walk, unlike rglob, passes over."""
        return sum(_size(Path(folder, name)) for folder, _, names in os.walk(self.folder) for name in names)

    def new_folder(self) -> Path:
        """A new empty folder in the visit's."""
        folder = self.folder / secrets.token_urlsafe(9)
        folder.mkdir()
        return folder

    def new_file(self, name: str) -> Stored:
        """Where an upload is to be written; its own name is used for nothing but the ending of the file."""
        name = clean_name(name)
        ending = Path(name).suffix[:12]
        return Stored(self.new_folder() / f"upload{ending}", name)

    def keep(self, stored: Stored) -> str:
        """Keep a photo open, and return its id."""
        return self._kept(stored, self.photos)

    def keep_picture(self, stored: Stored) -> str:
        """Keep a picture for steps, and return its id."""
        return self._kept(stored, self.pictures)

    def _kept(self, stored: Stored, kind: dict[str, Stored]) -> str:
        number = secrets.token_urlsafe(12)
        kind[number] = stored
        while len(kind) > _MOST_PHOTOS:
            remove(kind.pop(next(iter(kind))))
        return number

    def photo(self, number: str) -> Stored:
        """An open photo. Raises PageError for one that is not here, or not here any more."""
        stored = self.photos.get(number)
        if stored is None or not stored.file.is_file():
            raise page_error("forgotten")
        return stored

    def drop(self, number: str) -> None:
        """Remove an open photo; an unknown one is none."""
        if (stored := self.photos.pop(number, None)) is not None:
            remove(stored)


def remove(*stored: Stored) -> None:
    """Remove uploads, each with its folder."""
    for one in stored:
        shutil.rmtree(one.file.parent, ignore_errors=True)


def clean_name(name: str) -> str:
    """A file name as it may be shown and written: the last part of a path, without control characters, short enough for any disk."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = encodable("".join(sign for sign in last if sign.isprintable())).strip().lstrip(".") or "photo"
    stem, ending = Path(plain).stem, Path(plain).suffix[:12]
    return fitted_name(stem, ending, spare=40)


@dataclass(eq=False)
class Visits:
    """The visits of one server, below one private folder.

    Args:
        root: the private folder; everything in it belongs to the server and may be removed.
        keep_s: seconds without a call after which `remove_expired` removes a visit.
        most_visit_bytes: of all files of one visit.
        most_bytes: of all files of all visits.
        clock: the time in seconds, as time.time.
    """

    root: Path
    keep_s: float
    most_visit_bytes: float
    most_bytes: float
    clock: Callable[[], float] = time.time
    _visits: dict[str, Visit] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, token: str | None, address: str) -> tuple[Visit, str | None]:
        """The visit that a token (of a cookie) names, else the one of callers without a cookie at an address.

        Returns:
            The visit, and its token where it has one.
        """
        with self._lock:
            key = token if token is not None and token in self._visits else f"address {address}"
            visit = self._visits.get(key)
            if visit is None or not visit.folder.is_dir():
                visit = self._visits[key] = self._new()
            visit.last_call_s = self.clock()
            return visit, token if key == token else None

    def begin(self) -> tuple[Visit, str]:
        """A new visit, and its token."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            visit = self._visits[token] = self._new()
        return visit, token

    def check_room(self, visit: Visit, more_bytes: int) -> None:
        """Raise PageError unless `more_bytes` more may be stored for this visit."""
        used = visit.bytes()
        if used + more_bytes > self.most_visit_bytes:
            raise page_error("too_much", limit=f"{self.most_visit_bytes / 1e6:,.0f}")
        with self._lock:
            others = [one for one in self._visits.values() if one is not visit]
        if used + more_bytes + sum(one.bytes() for one in others) > self.most_bytes:
            raise page_error("full")

    def end(self, token: str | None) -> None:
        """Remove everything of a visit; an unknown one has nothing."""
        with self._lock:
            visit = None if token is None else self._visits.pop(token, None)
        if visit is not None:
            shutil.rmtree(visit.folder, ignore_errors=True)

    def remove_expired(self) -> None:
        """Remove visits without a call for `keep_s`."""
        now = self.clock()
        with self._lock:
            expired = [key for key, visit in self._visits.items() if now - visit.last_call_s > self.keep_s]
        for key in expired:
            self.end(key)

    def _new(self) -> Visit:
        folder = self.root / f"visit-{secrets.token_urlsafe(18)}"
        folder.mkdir(parents=True, mode=0o700)
        return Visit(folder, self.clock())


def _size(file: Path) -> int:
    """The bytes of a file; none of one that was removed meanwhile."""
    try:
        return file.stat().st_size if file.is_file() else 0
    except FileNotFoundError:
        return 0


def private_root() -> tuple[Path, FileLock]:
    """A new private folder for a server's files, and the lock that says its owner lives; folders of servers that died are removed."""
    above = Path(tempfile.gettempdir())
    for old in above.glob(f"{_PREFIX}*"):
        lock = FileLock(old / _LOCK)
        try:
            if (old / _LOCK).is_file():  # a folder without one is just being made
                with lock.acquire(timeout=0):
                    shutil.rmtree(old, ignore_errors=True)
        except (Timeout, OSError):  # it is in use, or another user's
            continue
    root = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
    lock = FileLock(root / _LOCK)
    lock.acquire()
    return root, lock
