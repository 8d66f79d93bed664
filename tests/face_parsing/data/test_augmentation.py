from dataclasses import replace

import numpy as np
import pytest

from lianpu.face_parsing.data.augmentation import Augmentation, augmented, mirrored, with_part_of
from lianpu.face_parsing.data.mask_files import IGNORED
from lianpu.part_names import part_index

STILL = Augmentation(mirror=0, scale=(1.0, 1.0), turn_degrees=0, shift=0, colour=0, gamma=0, grey=0, blur=0, noise=0)


Face = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def face() -> Face:
    """A red square (nose) right of the middle on grey (skin)."""
    picture = np.full((64, 64, 3), 120, np.uint8)
    mask = np.full((64, 64), part_index("skin"), np.uint8)
    picture[24:40, 36:52] = (220, 30, 30)
    mask[24:40, 36:52] = part_index("nose")
    return picture, mask


def is_red(picture: np.ndarray) -> np.ndarray:
    return (picture[..., 0].astype(int) - picture[..., 1]) > 60


def test_without_changes_a_face_stays_as_it_is_but_for_brightness(face: Face) -> None:
    picture, mask = augmented(*face, 64, np.random.default_rng(0), STILL)

    assert np.array_equal(mask, face[1])
    shift = picture.astype(int) - face[0]
    assert shift.std() < 3 and abs(shift.mean()) <= 20


def test_mask_and_picture_move_together(face: Face) -> None:
    for seed in range(20):
        picture, mask = augmented(
            *face, 96, np.random.default_rng(seed), replace(STILL, mirror=0.5, turn_degrees=30, scale=(0.8, 1.3), shift=0.1)
        )
        red, nose = is_red(picture), mask == part_index("nose")
        assert (red & nose).sum() / (red | nose).sum() > 0.85


def test_what_comes_from_outside_of_the_picture_is_ignored(face: Face) -> None:
    _, mask = augmented(*face, 64, np.random.default_rng(0), replace(STILL, scale=(0.5, 0.5)))

    assert (mask == IGNORED).mean() == pytest.approx(0.75, abs=0.05)
    assert mask[32, 34] != IGNORED and mask[2, 2] == IGNORED


def test_a_mirrored_face_swaps_its_eyes_and_keeps_its_lower_lip() -> None:
    mask = np.array([[part_index("l_eye"), part_index("l_lip"), IGNORED]], np.uint8)

    _, turned = mirrored(np.zeros((1, 3, 3), np.uint8), mask)

    assert turned[0].tolist() == [IGNORED, part_index("l_lip"), part_index("r_eye")]


def test_a_face_puts_on_the_glasses_of_another_one(face: Face) -> None:
    donor = np.full((64, 64, 3), 10, np.uint8)
    worn = np.zeros((64, 64), np.uint8)
    worn[10:20, 10:50] = part_index("eye_g")

    picture, mask = with_part_of(*face, donor, worn, "eye_g")

    assert np.array_equal(mask == part_index("eye_g"), worn > 0)
    assert (picture[15, 30] == 10).all() and np.array_equal(picture[40:], face[0][40:])


def test_the_same_stream_gives_the_same_picture_and_another_stream_another(face: Face) -> None:
    first, again, other = (augmented(*face, 64, np.random.default_rng(seed), Augmentation())[0] for seed in (5, 5, 6))

    assert np.array_equal(first, again) and not np.array_equal(first, other)
