"""Counting found faces: worked out by hand, and the figures of the small SCRFD on the real photos."""

from pathlib import Path

import pytest

from lianpu.bench.faces import FaceCounts, count_faces, read_truth
from lianpu.errors import DataError
from lianpu.faces.insightface_models import ScrfdDetector
from tests.support.shared import SCRFD, real_model, real_photos


def test_found_missed_and_false_faces_are_counted_apart() -> None:
    counts = FaceCounts("d", "alone", found=(3, 7, 1, 2, 0), expected=(4, 6, 1, 0, 0))
    assert (counts.faces_found, counts.faces_expected, counts.too_many, counts.false_faces) == (3 + 6 + 1, 11, 1, 2)
    assert counts.photos_right == 2


def test_truth_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "truth.csv"
    with pytest.raises(DataError, match=r"truth\.csv cannot be read"):
        read_truth(file)
    for text in ("name,faces\na.jpg,1\n", "file,faces\na.jpg,two\n", "file,faces\na.jpg\n"):
        file.write_text(text)
        with pytest.raises(DataError, match="needs the columns file and faces"):
            read_truth(file)


def test_a_border_and_turns_find_what_the_detector_alone_misses() -> None:
    photos, scrfd = real_photos(), ScrfdDetector(real_model(SCRFD), threads=1)
    truth = {name: count for name, count in read_truth(photos / "photos.csv").items() if name[:3] in ("p10", "p17", "p25", "p27")}
    alone, bordered, again, upright, people = count_faces(photos, truth, [scrfd], None)
    assert (alone.found, alone.expected) == ((0, 0, 0, 0), (1, 1, 0, 0))
    assert bordered.found == (0, 1, 0, 0)
    assert again.found == upright.found == people.found == (1, 1, 0, 0)
    assert all(way.seconds > 0 for way in (alone, bordered, again, upright))
    assert (upright.faces_found, upright.false_faces, upright.photos_right) == (2, 0, 4)
