"""Made motions of a face, and how edits behave on them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lianpu.bench.motions import MOTIONS, MovedFrame, motion_figures, moving_face
from lianpu.cli.main import main
from lianpu.errors import DataError
from lianpu.faces.results import Mesh
from lianpu.imaging.picture import Picture
from lianpu.video.job.frame_pipeline import EditedFrame
from tests.support.portraits import portrait, write_portrait

MESH = Path(__file__).parents[1] / "support" / "drawn_mesh.txt"


def mesh() -> Mesh:
    """A mesh of the drawn portrait's place: its points may lie anywhere on it, they only steer the warp."""
    points = np.loadtxt(MESH, dtype=np.float32).reshape(-1, 3)
    points[:, :2] = 130 + 250 * (points[:, :2] - points[:, :2].min(axis=0)) / np.ptp(points[:, :2], axis=0)
    return Mesh(points, 1.0)


@pytest.mark.parametrize("motion", MOTIONS)
def test_frames_brought_back_are_the_still(motion: str) -> None:
    photo = np.asarray(cv2.GaussianBlur(portrait().picture, (0, 0), 3), dtype=np.uint8)
    frames = list(moving_face(photo, mesh(), motion, 8, noise=0.0))
    first, middle = frames[0], frames[4] if motion != "turn" else frames[2]
    assert np.abs(first.picture.astype(int) - photo).max() <= 1, "it starts as the still"
    assert np.abs(middle.picture.astype(int) - photo).max() > 10, "it moves"
    if motion != "light":
        back = cv2.remap(middle.picture, middle.onward[..., 0], middle.onward[..., 1], cv2.INTER_LINEAR)
        x, y = middle.onward[..., 0], middle.onward[..., 1]
        inside = (x >= 0) & (y >= 0) & (x <= 511) & (y <= 511)
        moved = np.abs(middle.picture.astype(int) - photo)[inside].mean()
        assert np.abs(back.astype(int) - photo)[inside].mean() < 0.6 * moved


@dataclass(frozen=True)
class Painted:
    """Paints a square: on the face's own surface, or jumping from side to side."""

    jump_px: int
    size: int = 40

    @property
    def job(self) -> Any:
        return None

    def begin(self) -> int:
        return 0

    def track(self, before: int, picture: Picture, number: int, time_s: float) -> tuple[int, Any]:
        return before + 1, before

    def render(self, picture: Picture, tracked: Any) -> EditedFrame:
        done = picture.copy()
        left = 240 + self.jump_px * (tracked % 2)
        done[300 : 300 + self.size, left : left + self.size] = 255
        return EditedFrame(done, tracked, 1 if self.size else 0, {})


def clip() -> list[MovedFrame]:
    y, x = np.mgrid[0:512, 0:512].astype(np.float32)
    grey = np.full((512, 512, 3), 90, np.uint8)
    return [MovedFrame(grey, np.dstack([x, y])) for _ in range(6)]


def test_an_edit_that_stays_does_not_flicker_and_one_that_jumps_does() -> None:
    still, jumping = motion_figures(clip(), Painted(0)), motion_figures(clip(), Painted(8))
    assert (still.flicker, still.swim, still.frames) == (0.0, 0.0, 6)
    assert jumping.flicker > 30 and jumping.swim > 10


def test_an_edit_that_does_nothing_cannot_be_measured() -> None:
    with pytest.raises(DataError, match="changed nothing"):
        motion_figures(clip(), Painted(0, 0))


@pytest.mark.usefixtures("mediapipe_models")
def test_motions_are_measured_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = write_portrait(tmp_path / "one.png", side_px=256)
    words = ["--photos", str(photo), "--motions", "--effects", "lipstick=0.8", "--frames", "3", "--threads", "1"]
    main(["bench", "video", *words, "--detector", "dlib", "--json", str(tmp_path / "motions.json")])
    shown = capsys.readouterr().out
    assert "1 photo, 3 frames a motion" in " ".join(shown.split()) and "lipstick=0.8 (live)" in shown
    assert all(motion in shown for motion in MOTIONS)
    assert (tmp_path / "motions.json").is_file()


def test_motions_need_photos_and_effects(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["bench", "video", "--motions"])
    assert stopped.value.code == 1 and "--motions needs --photos of faces, and --effects." in capsys.readouterr().err
