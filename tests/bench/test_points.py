"""Distances of points to masks: zero for points that outline the parts, and in per cent of the eye distance."""

from pathlib import Path

import numpy as np
import pytest

from lianpu.bench.points import point_errors
from lianpu.cli.main import main
from lianpu.dataset.drawn import draw_dataset
from lianpu.face_parsing.data.masks import open_parsing_set
from lianpu.faces.results import Face
from lianpu.imaging.picture import Picture
from tests.support.portraits import portrait_face


class One:
    """Finds the same face in every picture."""

    name = "test"
    second_search_score = 0.0
    multiscale = False

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        return (portrait_face(side_px=picture.shape[0]),)


class Known:
    """Points that outline circles: eyes 100 apart, and a mouth below them, all moved by `shift`."""

    def __init__(self, shift: float) -> None:
        self.shift = shift

    def of_face(self, picture: Picture, face: Face) -> np.ndarray:
        points = np.zeros((68, 2), dtype=np.float32)
        for around, middle in ((slice(36, 42), (100, 120)), (slice(42, 48), (200, 120)), (slice(48, 60), (150, 220))):
            at = np.arange(around.stop - around.start) * 2 * np.pi / (around.stop - around.start)
            points[around] = np.array(middle) + 12 * np.column_stack([np.cos(at), np.sin(at)]) + (self.shift, 0)
        return points


class Circles:
    """Faces whose masks are circles of the same centres."""

    def __len__(self) -> int:
        return 2

    def read(self, index: int) -> tuple[Picture, np.ndarray]:
        y, x = np.mgrid[:300, :300]
        mask = np.zeros((300, 300), dtype=np.uint8)
        for value, (across, down) in ((5, (100, 120)), (4, (200, 120)), (11, (150, 220))):
            mask[np.hypot(x - across, y - down) < 9] = value
        return np.full((300, 300, 3), 128, dtype=np.uint8), mask


def test_distances_are_in_per_cent_of_the_eye_distance() -> None:
    exact, aside = point_errors(Circles(), {"exact": Known(0), "aside": Known(3)}, One())  # type: ignore[arg-type]
    assert exact.faces == aside.faces == 2 and exact.missed == 0 and len(exact.eyes) == 4 and len(exact.mouth) == 2
    assert max(exact.eyes + exact.mouth) < 0.6
    assert np.allclose(aside.eyes, 3.0, atol=0.6) and np.allclose(aside.mouth, 3.0, atol=0.6)


def test_as_it_is_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = draw_dataset(tmp_path / "drawn", 12, 256, seed=3, held_out=0.5)
    assert open_parsing_set(folder).faces("val")
    main(["bench", "faces", str(folder), "--points", "--detectors", "dlib", "--landmarks", "dlib"])
    out = capsys.readouterr().out
    assert "per cent" in out and "eye" in out and "dlib" in out and "found by dlib" in out
    with pytest.raises(SystemExit):
        main(["bench", "faces", str(folder), "--points", "--detectors", "dlib", "--landmarks", "mesh"])
    error = capsys.readouterr().err
    assert "not on this machine" in error and error.count("\n") == 1
