"""The notebook keeps a photo wholly or not at all, serves one process, and says when it cannot be used."""

from pathlib import Path

import numpy as np
import pytest

from lianpu.errors import DataError
from lianpu.preparation.analysis import FacePosition, FitFace, RejectedFace
from lianpu.preparation.measures import FaceQuality, Rejection
from lianpu.preparation.near_duplicates import BYTES, FaceHashes
from lianpu.preparation.store import DroppedRow, PhotoRow, open_store

PLACE = FacePosition(0, (1.5, 2.0, 30.0, 40.25), 0.9, 0)
FIGURES = FaceQuality(28.5, 12.0, 0.3, 4.0, 0.1)
PRINT = FaceHashes(b"f" * BYTES, b"p" * BYTES)


def _face(number: int = 0) -> FitFace:
    identity = np.array([0.6, -0.8], dtype=np.float32)
    return FitFace(FacePosition(number, PLACE.box_xyxy, 0.9, 0), FIGURES, b"crop", PRINT, PRINT, identity, {"hat": -5.0})


def test_photos_come_back_in_the_order_of_their_paths_and_only_once(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.add_photos(["b.jpg", "a/z.jpg", "a.jpg"])
        store.add_photos(["b.jpg", "c.jpg"])
        assert store.photo_counts() == (0, 4)
        seen = []
        for photo in store.waiting_photos():
            seen.append(photo)
            with store.photo_done(photo, None):
                pass
        assert seen == ["a.jpg", "a/z.jpg", "b.jpg", "c.jpg"]
        assert store.photo_counts() == (4, 4) and not list(store.waiting_photos())


def test_a_photo_that_is_interrupted_was_not_begun(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.add_photos(["a.jpg"])
        with pytest.raises(RuntimeError), store.photo_done("a.jpg", None):
            store.add_kept("a.jpg", "a-0.jpg", _face())
            raise RuntimeError
        assert not list(store.kept()) and list(store.waiting_photos()) == ["a.jpg"]


def test_what_is_written_is_read_again_after_closing(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.add_photos(["a.jpg", "b.jpg"])
        with store.photo_done("a.jpg", None):
            number = store.add_kept("a.jpg", "a-0.jpg", _face())
            store.add_rejected(
                "a.jpg",
                RejectedFace(FacePosition(1, PLACE.box_xyxy, 0.9, 0), FIGURES, Rejection("small", "5 px")),
                Rejection("small", "5 px"),
            )
        with store.photo_done("b.jpg", Rejection("broken", "cut off")):
            pass
    with open_store(tmp_path) as store:
        [row] = store.kept()
        assert (row.file, row.photo, row.position, row.quality, row.measures) == (
            "a-0.jpg",
            "a.jpg",
            PLACE,
            FIGURES,
            {"hat": -5.0},
        )
        assert np.allclose(row.identity, [0.6, -0.8], atol=1e-3)
        assert list(store.hashes()) == [(number, PRINT)]
        face, photo = store.dropped()
        assert isinstance(face, DroppedRow) and (face.position.number, face.rejection) == (1, Rejection("small", "5 px"))
        assert photo == PhotoRow("b.jpg", Rejection("broken", "cut off"))
        assert store.reason_counts() == {"small": 1, "broken": 1}


def test_photos_that_stopped_a_model_are_tried_again_and_broken_ones_are_not(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.add_photos(["a.jpg", "b.jpg"])
        for photo, reason in (("a.jpg", "failed"), ("b.jpg", "broken")):
            with store.photo_done(photo, Rejection(reason, "")):
                pass
        store.retry_failed()
        assert list(store.waiting_photos()) == ["a.jpg"] and store.reason_counts() == {"broken": 1}


def test_a_second_process_is_told_to_wait(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.add_photos(["a.jpg"])
        with pytest.raises(DataError, match=r"is in use by another lianpu prepare\. Wait"), open_store(tmp_path):
            pass


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "prepare.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(DataError, match=r"prepare\.sqlite is damaged .* another folder"), open_store(tmp_path):
        pass


def test_no_journal_is_left_beside_the_notebook(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.add_photos(["a.jpg"])
    assert [file.name for file in tmp_path.iterdir()] == ["prepare.sqlite"]
    with open_store(tmp_path) as store:
        assert store.photo_counts() == (0, 1)


def test_damaged_text_in_the_notebook_is_named(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.add_photos(["a.jpg"])
    file = tmp_path / "prepare.sqlite"
    sound = file.read_bytes()
    assert b"CREATE TABLE photos" in sound
    for broken in (b"CREATE TABLE ph\xa9tos", b"CREATE \xa9ABLE photos"):
        file.write_bytes(sound.replace(b"CREATE TABLE photos", broken))
        with pytest.raises(DataError, match=r"prepare\.sqlite (is damaged|cannot be used)"), open_store(tmp_path) as store:
            list(store.waiting_photos())
