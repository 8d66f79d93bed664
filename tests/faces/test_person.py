from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from lianpu.errors import WeightsError
from lianpu.faces.person import PersonTracker, people_in
from lianpu.faces.results import Face
from tests.support.portraits import portrait
from tests.support.shared import REAL_FACES, needs
from tests.support.subjects import face_at


def _scene() -> tuple[np.ndarray, tuple[Face, ...]]:
    """Two drawn portraits of 220 px with a plain wall between them and beside them."""
    photo = np.full((360, 900, 3), (150, 170, 160), np.uint8)
    faces = []
    for number, left in ((1, 80), (4, 560)):
        drawn = portrait(number, 256)
        photo[104:, left : left + 256] = np.where(drawn.mask[:, :, None] > 0, drawn.picture, photo[104:, left : left + 256])
        x, y = drawn.points[36:48].mean(axis=0).tolist()
        faces.append(face_at(left + x, 104 + y, float(np.ptp(drawn.points[36:48, 0])) * 0.7))
    return photo, tuple(faces)


@pytest.mark.usefixtures("mediapipe_models")
def test_people_are_found_and_the_wall_between_them_is_not() -> None:
    photo, faces = _scene()
    people = people_in(photo, faces, (180, 450))
    assert people is not None and people.shape == (180, 450) and people.dtype == np.float32
    assert people.min() >= 0 and people.max() <= 1
    for face in faces:
        x, y = (face.points[2] / 2).astype(int)
        assert people[y, x] > 0.9
    assert people[60:, 190:260].max() < 0.3, "the gap"
    assert people[:40].mean() < 0.05, "above the heads"


@pytest.mark.usefixtures("mediapipe_models")
def test_a_turned_photo_gives_a_turned_mask() -> None:
    photo, faces = _scene()
    photo, faces = np.ascontiguousarray(photo[:, :450]), faces[:1]
    upright = people_in(photo, faces, (180, 225))
    side = photo.shape[1]
    points = faces[0].points
    turned_points = np.column_stack([points[:, 1], side - 1 - points[:, 0]]).astype(np.float32)
    box = (turned_points[:, 0].min(), turned_points[:, 1].min(), turned_points[:, 0].max(), turned_points[:, 1].max())
    turned = people_in(np.ascontiguousarray(np.rot90(photo)), [Face(box, 0.9, turned_points, "test")], (225, 180))
    assert upright is not None and turned is not None
    assert np.abs(np.rot90(turned, -1) - upright).mean() < 0.02


@pytest.mark.usefixtures("mediapipe_models")
def test_someone_whose_face_was_not_found_is_a_person_too() -> None:
    photo, _ = _scene()
    people = people_in(np.ascontiguousarray(photo[:, :450]), [], (180, 225))
    assert people is not None and people[110:170, 90:120].mean() > 0.8


@pytest.mark.usefixtures("mediapipe_models")
@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (700, 3), (20, 20)])
def test_the_smallest_and_thinnest_pictures_have_a_mask(shape: tuple[int, int]) -> None:
    people = people_in(np.zeros((*shape, 3), np.uint8), [face_at(2, 2, 5)], shape)
    assert people is not None and people.shape == shape and np.isfinite(people).all()


def test_without_the_network_there_is_no_mask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path))
    photo, faces = _scene()
    assert people_in(photo, faces, (90, 225)) is None
    with pytest.raises(WeightsError, match="selfie_segmentation"):
        PersonTracker()


@pytest.mark.usefixtures("mediapipe_models")
def test_a_tracker_smooths_over_frames_and_jumps_at_a_cut() -> None:
    photo, _ = _scene()
    near = np.ascontiguousarray(photo[60:360, :400])
    first = PersonTracker().person_mask(near)
    tracker = PersonTracker()
    assert first.dtype == np.uint8 and first.shape == (144, 256)
    assert (tracker.person_mask(near) == first).all()
    moved = np.ascontiguousarray(np.roll(near, 12, axis=1))
    alone = PersonTracker().person_mask(moved)
    between = tracker.person_mask(moved)
    lagging = np.abs(between.astype(int) - alone).mean()
    assert 0 < lagging < np.abs(first.astype(int) - alone).mean()
    for _ in range(12):
        between = tracker.person_mask(moved)
    assert np.abs(between.astype(int) - alone).max() <= 2
    tracker.restart()
    assert (tracker.person_mask(near) == first).all()
    closer = np.ascontiguousarray(cv2.resize(near[60:260, 90:330], (400, 300)))
    assert PersonTracker().person_mask(np.ascontiguousarray(closer.transpose(1, 0, 2))).shape == (256, 256)


@pytest.mark.usefixtures("mediapipe_models")
def test_a_tracker_may_be_called_from_several_threads() -> None:
    photo, _ = _scene()
    tracker, frame = PersonTracker(), np.ascontiguousarray(photo[60:360, :400])
    expected = PersonTracker().person_mask(frame)
    with ThreadPoolExecutor(4) as pool:
        masks = list(pool.map(tracker.person_mask, [frame] * 12))
    assert all(np.abs(mask.astype(int) - expected).max() <= 1 for mask in masks)


@needs(REAL_FACES)
@pytest.mark.usefixtures("mediapipe_models")
def test_real_people_are_covered_as_their_masks_say() -> None:
    from PIL import Image

    shares = []
    for name in (REAL_FACES / "val.txt").read_text().split()[:12]:
        picture = np.asarray(Image.open(REAL_FACES / "images" / name).convert("RGB"))
        mask = np.asarray(Image.open(REAL_FACES / "masks" / name.replace("jpg", "png"))) > 0
        people = people_in(picture, [], mask.shape)
        assert people is not None
        shares.append(((people > 0.5) & mask).sum() / ((people > 0.5) | mask).sum())
    assert np.median(shares) > 0.92
