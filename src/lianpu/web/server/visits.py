"""Who is here, and the files of each: a folder per visit that is removed when the visitor leaves, or is not heard of for long."""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lianpu.web.language import page_error


@dataclass
class _Visit:
    folder: Path
    last_seen_s: float
    kept: dict[str, list[Path]] = field(default_factory=dict)
    others: set[Path] = field(default_factory=set)


@dataclass(eq=False)
class Visits:
    """The visits of one server, below one private folder.

    Uploads arrive in `root` itself, where Gradio writes them; `take` moves them into the visit's folder. The names of folders are drawn
    at random: what a visitor says of itself never becomes a path.

    Args:
        root: the private folder; everything in it belongs to the server and may be removed.
        keep_s: seconds after which what nobody used is removed by `sweep`.
        clock: the time in seconds, as time.time.
    """

    root: Path
    keep_s: float
    clock: Callable[[], float] = time.time
    _visits: dict[str, _Visit] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def folder(self, visitor: str) -> Path:
        """The folder of a visitor (a session's name), made when it is new."""
        with self._lock:
            visit = self._visits.get(visitor)
            if visit is None or not visit.folder.is_dir():
                folder = self.root / f"visit-{secrets.token_urlsafe(18)}"
                folder.mkdir(parents=True, mode=0o700)
                visit = self._visits[visitor] = _Visit(folder, 0.0)
            visit.last_seen_s = self.clock()
            return visit.folder

    def new_folder(self, visitor: str, kind: str = "", keep: int | None = None) -> Path:
        """An empty folder within the visitor's, for a file that keeps its own name; of its kind only the last `keep` stay."""
        folder = self.folder(visitor) / secrets.token_urlsafe(6)
        folder.mkdir()
        with self._lock:
            same = self._visits[visitor].kept.setdefault(kind, [])
            same.append(folder)
            old, same[:] = ([], same) if keep is None else (same[:-keep], same[-keep:])
        for one in old:
            shutil.rmtree(one, ignore_errors=True)
        return folder

    def take(self, uploaded: str | Path, visitor: str, kind: str = "", keep: int | None = None) -> Path:
        """An upload, moved to where only this visit has it; see `new_folder`.

        Raises:
            PageError: it is no file of this server's uploads, or it is gone.
        """
        file = self._uploaded(uploaded)
        target = self.new_folder(visitor, kind, keep) / file.name
        try:
            file.replace(target)
        except OSError:
            raise page_error("upload_gone") from None
        if file.parent.resolve() != self.root.resolve():
            remove_if_empty(file.parent)
        return target

    def lend(self, uploaded: str | Path, visitor: str) -> Path:
        """An upload that stays where it is, since the page sends its place again and again; it goes with the visitor.

        Raises:
            PageError: it is no file of this server's uploads, or it is gone.
        """
        file = self._uploaded(uploaded)
        self.folder(visitor)
        with self._lock:
            self._visits[visitor].others.add(file)
        return file

    def leave(self, visitor: str) -> None:
        """Forget a visitor and remove its files; one that is unknown is left alone."""
        with self._lock:
            visit = self._visits.pop(visitor, None)
        if visit is not None:
            shutil.rmtree(visit.folder, ignore_errors=True)
            for file in visit.others:
                file.unlink(missing_ok=True)
                remove_if_empty(file.parent)

    def _uploaded(self, path: str | Path) -> Path:
        """A path that was seen to be an upload. Raises PageError."""
        file = Path(path)
        inside = file.resolve().is_relative_to(self.root.resolve()) and not file.is_symlink()
        if not inside or not file.is_file():
            raise page_error("upload_gone")
        return file

    def sweep(self) -> None:
        """Remove the files of visitors who were not heard of for long, and uploads that nobody came for."""
        now = self.clock()
        with self._lock:
            silent = [visitor for visitor, visit in self._visits.items() if now - visit.last_seen_s > self.keep_s]
            known = {visit.folder for visit in self._visits.values()}
        for visitor in silent:
            self.leave(visitor)
        for entry in list(self.root.iterdir()):
            if entry not in known and now - _changed_s(entry) > self.keep_s:
                shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)


def remove_if_empty(folder: Path) -> None:
    """Remove a folder, unless something is in it."""
    try:
        folder.rmdir()
    except OSError:
        return


def _changed_s(entry: Path) -> float:
    """When a file or folder, or anything in it, was last written; long ago for what is gone meanwhile."""
    try:
        inside = [each.lstat().st_mtime for each in entry.rglob("*")] if entry.is_dir() else []
        return max([entry.lstat().st_mtime, *inside])
    except FileNotFoundError:
        return 0.0
