"""Whether a face was taken already in a near-identical picture: copies, resized, brightened and mirrored ones, burst shots.

The hashes of all taken faces lie in a file that is searched from end to end: 72 MB and some hundredths of a second for a million. No tree or
table of keys does better: aligned faces are so alike that many share any few bits. Memory holds one block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from lianpu.preparation.analysis import FitFace
from lianpu.preparation.hashes import BITS, BYTES, FacePrint
from lianpu.preparation.quality import Rejection
from lianpu.preparation.settings import PrepareSettings
from lianpu.preparation.store import Store

HASH_FILE = "prints.bin"

_RECORD = np.dtype([("id", "<i8"), ("face", "<u8", (BYTES // 8,)), ("photo", "<u8", (BYTES // 8,))])

_BLOCK = 16384


class HashFile:
    """HashFile by the number of their face. The notebook has them too: what a crash has left out is written anew from it.

    Args:
        file: where they are kept.
        all_prints: every print that should be there with its face's number, in rising order.
    """

    def __init__(self, file: Path, all_prints: Iterable[tuple[int, FacePrint]]) -> None:
        self._file = file
        with file.open("wb") as stream:
            for number, face_print in all_prints:
                stream.write(_record(number, face_print))

    def add(self, number: int, face_print: FacePrint) -> None:
        """Keep one more."""
        with self._file.open("ab") as stream:
            stream.write(_record(number, face_print))

    def near(self, face_print: FacePrint, most_bits: int) -> Iterator[tuple[int, int]]:
        """(number, bits) of the faces whose crop, or else whose photo, differs in no more than `most_bits`, first kept first."""
        face, photo = (np.frombuffer(value, dtype="<u8") for value in (face_print.face, face_print.photo))
        with self._file.open("rb") as stream:
            while len(block := np.fromfile(stream, dtype=_RECORD, count=_BLOCK)):
                bits = np.minimum(_differing(block["face"], face), _differing(block["photo"], photo))
                for at in np.flatnonzero(bits <= most_bits):
                    yield int(block["id"][at]), int(bits[at])


def _record(number: int, face_print: FacePrint) -> bytes:
    return number.to_bytes(8, "little", signed=True) + face_print.face + face_print.photo


def _differing(many: np.ndarray, one: np.ndarray) -> np.ndarray:
    """(N,) in how many bits rows (N, W) uint64 differ from one (W,)."""
    total = np.zeros(len(many), dtype=np.uint16)
    for word in range(len(one)):
        total += _bit_count(many[:, word] ^ one[word])
    return total


def _bit_count(values: np.ndarray) -> np.ndarray:
    """(N,) how many bits are set in each of (N,) uint64."""
    if hasattr(np, "bitwise_count"):
        return np.bitwise_count(values)
    return np.unpackbits(values.view(np.uint8)).reshape(len(values), 64).sum(axis=1, dtype=np.uint16)  # numpy before 2.0


NEAR_IDENTITY = 0.25
"""Distance of dlib's identities (of length 1) below which two faces may be one picture.

Of 50 faces, changed copies (JPEG 30, a quarter of the size, brightness, crop, turn by 5 degrees, mirrored) stayed within 0.23 of the
original. Of 404,550 pairs of different photos, some of one person, 28 were nearer than 0.25.
"""

_SURE_BITS = 26
"""Without an identity to ask, only hashes as near as this are taken for one picture."""


def double_of(face: FitFace, store: Store, prints: HashFile, settings: PrepareSettings) -> Rejection | None:
    """Why the face is a double of one that was taken; None when it is none. The first that was taken stays.

    Two faces are doubles when the hashes of their crops or photos, as they are or one mirrored, differ in few bits and their identities
    hardly differ: many faces have near hashes in a large set, and one person may well be there in many pictures.
    """
    if settings.max_hash_distance < 0:
        return None
    for mirrored, own in ((False, face.face_print), (True, face.mirrored_print)):
        for number, bits in prints.near(own, settings.max_hash_distance):
            file, identity = store.taken_face(number)
            if _may_be_one_picture(face.identity, identity, bits):
                return Rejection("doubled", f"{file}{' mirrored' if mirrored else ''}, {bits} of {BITS} bits differ")
    return None


def _may_be_one_picture(one: np.ndarray, other: np.ndarray, bits: int) -> bool:
    if not len(one) or len(one) != len(other):
        return bits <= _SURE_BITS
    return float(np.linalg.norm(one - other)) < NEAR_IDENTITY
