"""The database of a preparation: one SQLite file in which every photo is either wholly done or not begun.

So a killed run can be resumed, and a million photos need no more memory than a hundred.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lianpu.errors import DataError, shown
from lianpu.preparation.analysis import FacePosition, FitFace, RejectedFace
from lianpu.preparation.measures import FaceQuality, Measures, Rejection
from lianpu.preparation.near_duplicates import BYTES, FaceHashes

STORE_FILE = "prepare.sqlite"

_PAGE = 1000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS photos (photo TEXT PRIMARY KEY, done INTEGER NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL)
WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS waiting ON photos (photo) WHERE done = 0;
CREATE TABLE IF NOT EXISTS faces (id INTEGER PRIMARY KEY, photo TEXT NOT NULL, number INTEGER NOT NULL, file TEXT UNIQUE,
    place TEXT NOT NULL, quality TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, face_hash BLOB, photo_hash BLOB, identity BLOB, measures TEXT,
    UNIQUE (photo, number));
"""


Identity = np.ndarray[Any, np.dtype[np.float32]]
"""Vector (F,) of who a face is; empty when no encoder was there. Kept with 16 bits a number."""


@dataclass(frozen=True)
class PhotoRow:
    """A photo that gave no face at all, and why."""

    photo: str
    rejection: Rejection


@dataclass(frozen=True)
class DroppedRow:
    """A face that was not kept, and why."""

    photo: str
    position: FacePosition
    quality: FaceQuality
    rejection: Rejection


@dataclass(frozen=True, eq=False)
class KeptRow:
    """A face that was kept; `file` is the name of its crop."""

    photo: str
    file: str
    position: FacePosition
    quality: FaceQuality
    identity: Identity
    measures: Measures


class Store:
    """The rows of a preparation. Use `open_store`, which closes it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add_photos(self, photos: Iterable[str]) -> None:
        """Record photos that are to be analyzed; those known already stay as they are."""
        with self._connection:
            rows = ((photo, "", "") for photo in photos)
            self._connection.executemany("INSERT OR IGNORE INTO photos VALUES (?, 0, ?, ?)", rows)

    def retry_failed(self) -> None:
        """Photos on which a model stopped are to be analyzed again."""
        with self._connection:
            self._connection.execute("UPDATE photos SET done = 0, reason = '', detail = '' WHERE reason = 'failed'")

    def photo_counts(self) -> tuple[int, int]:
        """How many photos are done, and how many there are."""
        done, total = self._connection.execute("SELECT coalesce(sum(done), 0), count(*) FROM photos").fetchone()
        return int(done), int(total)

    def waiting_photos(self) -> Iterator[str]:
        """The photos that are not done, in the order of their paths; photos may become done meanwhile."""
        last = ""
        while page := self._connection.execute(
            "SELECT photo FROM photos WHERE done = 0 AND photo > ? ORDER BY photo LIMIT ?", (last, _PAGE)
        ).fetchall():
            yield from (photo for (photo,) in page)
            last = page[-1][0]

    @contextmanager
    def photo_done(self, photo: str, rejection: Rejection | None) -> Iterator[None]:
        """Whatever is written in the block and the note that the photo is done are kept together, or not at all."""
        with self._connection:
            yield
            reason, detail = (rejection.reason, rejection.detail) if rejection else ("", "")
            self._connection.execute(
                "UPDATE photos SET done = 1, reason = ?, detail = ? WHERE photo = ?", (reason, detail, photo)
            )

    def add_rejected(self, photo: str, face: RejectedFace | FitFace, rejection: Rejection) -> None:
        """Record a face that is not kept."""
        self._connection.execute(
            "INSERT INTO faces (photo, number, place, quality, reason, detail) VALUES (?, ?, ?, ?, ?, ?)",
            (photo, face.position.number, _packed(face.position), _packed(face.quality), rejection.reason, rejection.detail),
        )

    def add_kept(self, photo: str, file: str, face: FitFace) -> int:
        """Record a face that is kept, and give its number."""
        row = (
            photo,
            face.position.number,
            file,
            _packed(face.position),
            _packed(face.quality),
            face.hashes.face,
            face.hashes.photo,
            face.identity.astype(np.float16).tobytes(),
            json.dumps(face.measures),
        )
        cursor = self._connection.execute(
            "INSERT INTO faces (photo, number, file, place, quality, reason, detail, face_hash, photo_hash, identity, measures) "
            "VALUES (?, ?, ?, ?, ?, '', '', ?, ?, ?, ?)",
            row,
        )
        assert cursor.lastrowid is not None, "an INSERT gives its row a number"
        return cursor.lastrowid

    def hashes(self) -> Iterator[tuple[int, FaceHashes]]:
        """The number and hashes of every face that was kept, in the order in which they were kept."""
        for number, face, photo in self._connection.execute(
            "SELECT id, face_hash, photo_hash FROM faces WHERE reason = '' ORDER BY id"
        ):
            with _rows_of_ours():
                if not (isinstance(face, bytes) and isinstance(photo, bytes) and len(face) == len(photo) == BYTES):
                    raise ValueError(f"hashes of face {number}")
                hashes = FaceHashes(face, photo)
            yield number, hashes

    def kept_face(self, number: int) -> tuple[str, Identity]:
        """The file and the identity of a face that was kept."""
        file, identity = self._connection.execute("SELECT file, identity FROM faces WHERE id = ?", (number,)).fetchone()
        return file, _vector(identity)

    def kept(self) -> Iterator[KeptRow]:
        """The faces that were kept, in the order of their files."""
        for row in self._connection.execute(
            "SELECT photo, file, place, quality, identity, measures FROM faces WHERE reason = '' ORDER BY file"
        ):
            photo, file, place, quality, identity, measures = row
            with _rows_of_ours():
                kept = KeptRow(photo, file, _position(place), _quality(quality), _vector(identity), json.loads(measures))
            yield kept

    def dropped(self) -> Iterator[PhotoRow | DroppedRow]:
        """The photos that gave no face and the faces that were not kept, in the order of their photos."""
        rows = self._connection.execute(
            "SELECT photo, -1 AS number, '', '', reason, detail FROM photos WHERE reason != '' UNION ALL "
            "SELECT photo, number, place, quality, reason, detail FROM faces WHERE reason != '' ORDER BY photo, number"
        )
        for photo, number, place, quality, reason, detail in rows:
            rejection = Rejection(reason, detail)
            with _rows_of_ours():
                if number < 0:
                    dropped: PhotoRow | DroppedRow = PhotoRow(photo, rejection)
                else:
                    dropped = DroppedRow(photo, _position(place), _quality(quality), rejection)
            yield dropped

    def kept_count(self) -> int:
        """How many faces were kept."""
        return int(self._connection.execute("SELECT count(*) FROM faces WHERE reason = ''").fetchone()[0])

    def reason_counts(self) -> dict[str, int]:
        """How many photos and faces were not kept for each reason."""
        return dict(
            self._connection.execute(
                "SELECT reason, count(*) FROM (SELECT reason FROM photos UNION ALL SELECT reason FROM faces) "
                "WHERE reason != '' GROUP BY reason"
            )
        )

    def has_file(self, file: str) -> bool:
        """Whether a face that was kept has this file name."""
        return self._connection.execute("SELECT 1 FROM faces WHERE file = ?", (file,)).fetchone() is not None

    def files_like(self, start: str, limit: int = 200) -> list[str]:
        """Some file names that begin like this."""
        rows = self._connection.execute(
            "SELECT file FROM faces WHERE file >= ? AND file < ? ORDER BY file LIMIT ?", (start, start + "\U0010ffff", limit)
        )
        return [file for (file,) in rows]


@contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    """The database in a folder, created if missing; no other process can use it meanwhile.

    Raises:
        DataError: another process uses it, or it is damaged.
    """
    file = folder / STORE_FILE
    connection = sqlite3.connect(file, timeout=1.0)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = TRUNCATE")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN EXCLUSIVE")
        connection.commit()
        connection.executescript(_SCHEMA)
        yield Store(connection)
        connection.execute("PRAGMA journal_mode = DELETE")  # its journal goes with it
    except sqlite3.OperationalError as problem:
        if "locked" in str(problem):
            raise DataError(f"{folder} is in use by another lianpu prepare. Wait until it has ended.") from None
        raise DataError(
            f"{file} cannot be used ({problem}). Free some space, or choose a folder that you may write to."
        ) from None
    except (sqlite3.DatabaseError, UnicodeDecodeError) as problem:  # SQLite's message may itself quote damaged text
        raise DataError(f"{file} is damaged ({problem}). Prepare the photos anew into another folder.") from None
    finally:
        connection.close()


@contextmanager
def _rows_of_ours() -> Iterator[None]:
    """What is wrong with a row that is none of ours is what is wrong with the database."""
    try:
        yield
    except (TypeError, ValueError, LookupError, AttributeError, RecursionError) as problem:
        raise sqlite3.DatabaseError(f"a row cannot be read: {shown(problem)}") from None


def _packed(value: FacePosition | FaceQuality) -> str:
    return json.dumps(list(asdict(value).values()))


def _position(text: str) -> FacePosition:
    number, box, score, turned, *rest = json.loads(text)  # a folder of before has no `enlarged`
    return FacePosition(number, (box[0], box[1], box[2], box[3]), score, turned, *rest)


def _quality(text: str) -> FaceQuality:
    return FaceQuality(*json.loads(text))


def _vector(packed: bytes | None) -> Identity:
    return np.frombuffer(packed or b"", dtype=np.float16).astype(np.float32)
