"""Copies of a face are found among many, however they were changed; other faces are not."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from lianpu.photo.reading import read_image
from lianpu.preparation.near_duplicates import BYTES, FaceHashes, HashFile, picture_hash
from tests.support.shared import REAL_FACES, needs

FACES = REAL_FACES


def _hashes(number: int) -> FaceHashes:
    chance = np.random.default_rng(number)
    return FaceHashes(chance.bytes(BYTES), chance.bytes(BYTES))


def _flipped(value: bytes, bits: int) -> bytes:
    return (int.from_bytes(value, "big") ^ (2**bits - 1)).to_bytes(BYTES, "big")


def _distance(one: bytes, other: bytes) -> int:
    return bin(int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).count("1")


def test_the_hash_of_a_picture_is_worked_out_by_hand() -> None:
    rising = np.repeat(np.arange(0, 17, dtype=np.uint8)[None, :, None] * 10, 16, axis=0).repeat(3, axis=2)
    assert picture_hash(rising) == b"\xff" * BYTES
    assert picture_hash(rising[:, ::-1]) == b"\x00" * BYTES
    half = rising.copy()
    half[:8] = 7
    assert picture_hash(half) == b"\x00" * (BYTES // 2) + b"\xff" * (BYTES // 2)


def test_a_near_print_is_found_among_many_and_a_far_one_is_not(tmp_path: Path) -> None:
    kept = [(3 * number, _hashes(number)) for number in range(20_000)]  # more than two blocks
    prints = HashFile(tmp_path / "prints.bin", kept)
    wanted = kept[19_000][1]
    other = _hashes(-1 % 2**32)
    assert list(prints.near(FaceHashes(_flipped(wanted.face, 46), other.photo), 46)) == [(57_000, 46)]
    assert list(prints.near(FaceHashes(_flipped(wanted.face, 47), other.photo), 46)) == []
    assert list(prints.near(FaceHashes(other.face, _flipped(wanted.photo, 2)), 46)) == [(57_000, 2)]


def test_prints_are_found_in_the_order_in_which_they_were_kept(tmp_path: Path) -> None:
    prints = HashFile(tmp_path / "prints.bin", [(1, _hashes(1))])
    prints.add(2, _hashes(2))
    prints.add(5, FaceHashes(_flipped(_hashes(1).face, 1), _hashes(5).photo))
    assert [number for number, _ in prints.near(_hashes(1), 5)] == [1, 5]


def test_an_older_numpy_counts_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prints = HashFile(tmp_path / "prints.bin", [(number, _hashes(number)) for number in range(50)])
    found = list(prints.near(_hashes(3), 120))
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert list(prints.near(_hashes(3), 120)) == found and 3 < len(found) < 50


def test_a_file_left_by_a_crash_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "prints.bin").write_bytes(b"half a record")
    assert list(HashFile(tmp_path / "prints.bin", [(7, _hashes(7))]).near(_hashes(7), 0)) == [(7, 0)]


@needs(FACES)
def test_hashes_of_changed_real_pictures_stay_near_and_those_of_others_far(tmp_path: Path) -> None:
    originals = [read_image(FACES / "images" / f"{number:06d}.jpg") for number in range(1, 13)]
    hashes = [picture_hash(picture) for picture in originals]
    for own, picture in zip(hashes, originals, strict=True):
        image = Image.fromarray(picture)
        image.save(tmp_path / "copy.jpg", quality=30)
        changed = [
            read_image(tmp_path / "copy.jpg"),
            np.asarray(image.resize((100, 100))),
            np.asarray(ImageEnhance.Brightness(image).enhance(1.2)),
        ]
        assert max(_distance(own, picture_hash(copy)) for copy in changed) <= 46
    others = [_distance(one, other) for at, one in enumerate(hashes) for other in hashes[:at]]
    assert min(others) > 46
