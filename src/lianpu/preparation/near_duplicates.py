"""Near-identical pictures of a face: copies, resized, brightened and mirrored ones, burst shots.

The hash is the usual difference hash: grey at 17 x 16, a bit for each pixel that is darker than the one to its right. On aligned faces
256 bits tell copies from other pictures where 64 do not, and it bears the jitter of the five points better than the hash by cosine
transform (docs/results.md). The imagehash package has it too, but needs PyWavelets and gives objects where bytes are kept.

The hashes of all faces that were kept lie in a file that is searched from end to end: 72 MB and some hundredths of a second for a
million. No tree or table of keys does better: aligned faces are so alike that many share any few bits. Memory holds one block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from lianpu.imaging.picture import Picture

BITS = 256
BYTES = BITS // 8


@dataclass(frozen=True)
class FaceHashes:
    """What near-identical pictures of a face are known by: the hash of its crop and that of the whole photo.

    Args:
        face: of its crop, 32 bytes.
        photo: of its photo, 32 bytes.
    """

    face: bytes
    photo: bytes

    @classmethod
    def of(cls, crop: Picture, photo: Picture) -> FaceHashes:
        """The hashes of a face from its crop (S, S, 3) and its photo (H, W, 3)."""
        return cls(picture_hash(crop), picture_hash(photo))


def picture_hash(picture: Picture) -> bytes:
    """The 256 bits of a picture; the top left pixel has the highest bit of the first byte."""
    side = int(BITS**0.5)
    grey = Image.fromarray(np.ascontiguousarray(picture)).convert("L").resize((side + 1, side), Image.Resampling.BOX)
    bits = np.diff(np.asarray(grey, dtype=np.int16), axis=1) > 0
    return np.packbits(bits.ravel()).tobytes()


HASH_FILE = "prints.bin"

_RECORD = np.dtype([("id", "<i8"), ("face", "<u8", (BYTES // 8,)), ("photo", "<u8", (BYTES // 8,))])

_BLOCK = 16384


class HashFile:
    """Hashes by the number of their face. The database has them too, and the file is written anew from it at each start.

    Args:
        file: where they are kept.
        all_hashes: the hashes of every face that was kept with its number, in rising order.
    """

    def __init__(self, file: Path, all_hashes: Iterable[tuple[int, FaceHashes]]) -> None:
        self._file = file
        with file.open("wb") as stream:
            for number, hashes in all_hashes:
                stream.write(_record(number, hashes))

    def add(self, number: int, hashes: FaceHashes) -> None:
        """Keep one more."""
        with self._file.open("ab") as stream:
            stream.write(_record(number, hashes))

    def near(self, hashes: FaceHashes, most_bits: int) -> Iterator[tuple[int, int]]:
        """(number, bits) of the faces whose crop, or else whose photo, differs in no more than `most_bits`, first kept first."""
        face, photo = (np.frombuffer(value, dtype="<u8") for value in (hashes.face, hashes.photo))
        with self._file.open("rb") as stream:
            while len(block := np.fromfile(stream, dtype=_RECORD, count=_BLOCK)):
                bits = np.minimum(_differing(block["face"], face), _differing(block["photo"], photo))
                for at in np.flatnonzero(bits <= most_bits):
                    yield int(block["id"][at]), int(bits[at])


def _record(number: int, hashes: FaceHashes) -> bytes:
    return number.to_bytes(8, "little", signed=True) + hashes.face + hashes.photo


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
