"""The files of each visitor: a private folder per visitor, removed when the visitor leaves or after a time without requests."""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lianpu.web.language import page_error


@dataclass
class _Visitor:
    folder: Path
    last_request_s: float
    kept: dict[str, list[Path]] = field(default_factory=dict)
    registered: set[Path] = field(default_factory=set)


@dataclass(eq=False)
class VisitorFiles:
    """The files of all visitors of one server, below one private folder.

    Uploads arrive in `root` itself, where Gradio writes them; `claim` moves one into the visitor's folder. Folders have random names: a
    visitor's id, which the browser chooses, never becomes part of a path.

    Args:
        root: the private folder; everything in it belongs to the server and may be removed.
        keep_s: seconds without a request after which `remove_expired` removes files.
        clock: the time in seconds, as time.time.
    """

    root: Path
    keep_s: float
    clock: Callable[[], float] = time.time
    _visitors: dict[str, _Visitor] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def folder(self, visitor: str) -> Path:
        """The folder of a visitor (the id of a browser session), made for a new one."""
        with self._lock:
            known = self._visitors.get(visitor)
            if known is None or not known.folder.is_dir():
                folder = self.root / f"visit-{secrets.token_urlsafe(18)}"
                folder.mkdir(parents=True, mode=0o700)
                known = self._visitors[visitor] = _Visitor(folder, 0.0)
            known.last_request_s = self.clock()
            return known.folder

    def new_folder(self, visitor: str, kind: str = "", keep: int | None = None) -> Path:
        """A new empty folder within the visitor's, for a file that keeps its own name; of its kind only the last `keep` stay."""
        folder = self.folder(visitor) / secrets.token_urlsafe(6)
        folder.mkdir()
        with self._lock:
            same = self._visitors[visitor].kept.setdefault(kind, [])
            same.append(folder)
            old, same[:] = ([], same) if keep is None else (same[:-keep], same[-keep:])
        for one in old:
            shutil.rmtree(one, ignore_errors=True)
        return folder

    def claim(self, upload: str | Path, visitor: str, kind: str = "", keep: int | None = None) -> Path:
        """Move an upload into a new folder of this visitor (`new_folder`), and return its path there.

        Raises:
            PageError: it is not an upload of this server, or it is gone.
        """
        file = self._checked(upload)
        target = self.new_folder(visitor, kind, keep) / file.name
        try:
            file.replace(target)
        except OSError:
            raise page_error("upload_gone") from None
        if file.parent.resolve() != self.root.resolve():
            remove_if_empty(file.parent)
        return target

    def register(self, upload: str | Path, visitor: str) -> Path:
        """Leave an upload where it is, as the page sends its path with every event; it is removed with the visitor's other files.

        Raises:
            PageError: it is not an upload of this server, or it is gone.
        """
        file = self._checked(upload)
        self.folder(visitor)
        with self._lock:
            self._visitors[visitor].registered.add(file)
        return file

    def remove(self, visitor: str) -> None:
        """Remove all files of a visitor; an unknown one has none."""
        with self._lock:
            known = self._visitors.pop(visitor, None)
        if known is not None:
            shutil.rmtree(known.folder, ignore_errors=True)
            for file in known.registered:
                file.unlink(missing_ok=True)
                remove_if_empty(file.parent)

    def remove_expired(self) -> None:
        """Remove the files of visitors without a request for `keep_s`, and uploads that were never used."""
        now = self.clock()
        with self._lock:
            expired = [visitor for visitor, known in self._visitors.items() if now - known.last_request_s > self.keep_s]
            in_use = {known.folder for known in self._visitors.values()}
        for visitor in expired:
            self.remove(visitor)
        for entry in list(self.root.iterdir()):
            if entry not in in_use and now - _changed_s(entry) > self.keep_s:
                shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)

    def _checked(self, upload: str | Path) -> Path:
        """The path of an upload. Raises PageError for a path outside of the server's folder, a link, or a file that is gone."""
        file = Path(upload)
        inside = file.resolve().is_relative_to(self.root.resolve()) and not file.is_symlink()
        if not inside or not file.is_file():
            raise page_error("upload_gone")
        return file


def visitor_id(request: Any) -> str:
    """The id of the browser session that sent a request of Gradio; the browser or the client chose it."""
    return str(request.session_hash or "")


def remove_if_empty(folder: Path) -> None:
    """Remove a folder, unless something is in it."""
    try:
        folder.rmdir()
    except OSError:
        return


def _changed_s(entry: Path) -> float:
    """When a file or folder, or anything in it, was last written; 0 for one that was removed meanwhile."""
    try:
        inside = [each.lstat().st_mtime for each in entry.rglob("*")] if entry.is_dir() else []
        return max([entry.lstat().st_mtime, *inside])
    except FileNotFoundError:
        return 0.0
