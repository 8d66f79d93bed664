from dataclasses import replace

import cv2
import numpy as np
import pytest

from lianpu.effects.matting import PersonMatte, person_matte
from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.faces.mesh import MESH_PARTS
from lianpu.faces.results import FaceParts, Subject
from lianpu.imaging.picture import Picture
from tests.support.portraits import portrait
from tests.support.shared import REAL_FACES, needs
from tests.support.subjects import HARD_CASES, subject_of, windowed

GREEN = np.array((40, 200, 60), np.float32)


def _composite(ground: np.ndarray = GREEN, soft_px: float = 3.0) -> tuple[Picture, Subject, np.ndarray, np.ndarray]:
    """A drawn person before a background, with soft edges: photo, subject, the true alpha (H, W), the person's true colours (H, W, 3)."""
    drawn = portrait(1, 384)
    inside = (drawn.mask > 0).astype(np.float32)
    weight = cv2.GaussianBlur(inside, (0, 0), 6)[:, :, None] + 1e-3
    spread = cv2.GaussianBlur(drawn.picture * inside[:, :, None], (0, 0), 6) / weight
    own = np.where(inside[:, :, None] > 0, drawn.picture, np.clip(spread, 0, 255)).astype(np.float32)
    alpha = cv2.GaussianBlur(inside, (0, 0), soft_px)
    photo = own * alpha[:, :, None] + ground * (1 - alpha[:, :, None])
    return np.rint(photo).astype(np.uint8), subject_of(drawn.mask, drawn.points), alpha, own


def _whole(matte: PersonMatte, photo: Picture) -> tuple[np.ndarray, np.ndarray]:
    """Alpha and the person's colours (0 to 255) over the photo."""
    rows, columns = slice(0, photo.shape[0]), slice(0, photo.shape[1])
    pixels = photo.astype(np.float32) / np.float32(255)
    alpha = matte.alpha(pixels, rows, columns)
    matte.remove_ground(pixels, alpha, rows, columns)
    return alpha, pixels * 255


def test_the_old_background_is_taken_out_of_mixed_pixels() -> None:
    photo, subject, alpha, own = _composite()
    found, colors = _whole(person_matte(photo, [subject]), photo)
    mixed = (found > 0.1) & (found < 0.9)
    assert mixed.sum() > 500
    before = np.abs(photo[mixed] - own[mixed]).mean()
    after = np.abs(colors[mixed] - own[mixed]).mean()
    assert after < 0.5 * before

    def fringe(picture: np.ndarray) -> float:
        """How much greener than the person the mixed pixels are."""
        return float((picture[mixed] - own[mixed])[:, 1].clip(0).mean())

    assert fringe(colors) < 0.25 * fringe(photo)
    assert np.abs(found - alpha).mean() < 0.03


def test_a_sharp_edge_stays_sharp_and_where_it_is() -> None:
    photo, subject, alpha, _ = _composite(soft_px=0.6)
    found, _ = _whole(person_matte(photo, [subject]), photo)
    assert ((found > 0.5) != (alpha > 0.5)).mean() < 0.01
    assert ((found > 0.1) & (found < 0.9)).mean() < 0.06


def test_pixels_that_are_all_person_keep_their_bytes() -> None:
    photo, subject, _, _ = _composite()
    found, colors = _whole(person_matte(photo, [subject]), photo)
    assert (colors[found == 1] == photo[found == 1]).all()


def test_a_part_of_the_photo_has_the_matte_of_the_whole() -> None:
    photo, subject, _, _ = _composite()
    matte = person_matte(photo, [subject])
    whole, colors = _whole(matte, photo)
    rows, columns = slice(90, 131), slice(60, 201)
    pixels = photo[rows, columns].astype(np.float32) / np.float32(255)
    alpha = matte.alpha(pixels, rows, columns)
    matte.remove_ground(pixels, alpha, rows, columns)
    assert np.abs(alpha - whole[rows, columns]).max() < 1e-4
    assert np.abs(pixels * 255 - colors[rows, columns]).max() < 0.1


@pytest.mark.usefixtures("mediapipe_models")
@pytest.mark.parametrize("case", HARD_CASES)
def test_hard_cases_have_a_matte(case: str) -> None:
    photo, subject = HARD_CASES[case]()
    alpha, colors = _whole(person_matte(photo, [subject]), photo)
    assert alpha.shape == photo.shape[:2] and alpha.min() >= 0 and alpha.max() <= 1
    assert np.isfinite(colors).all()


def _pair() -> tuple[Picture, list[Subject]]:
    """Two drawn people, a gap of wall between them."""
    photo = np.full((384, 900, 3), (150, 170, 160), np.uint8)
    photo[::7] -= 12
    subjects = []
    for number, left in ((1, 30), (4, 500)):
        drawn = portrait(number, 384)
        part = photo[:, left : left + 384]
        part[drawn.mask > 0] = drawn.picture[drawn.mask > 0]
        mask = np.zeros(photo.shape[:2], np.uint8)
        mask[:, left : left + 384] = drawn.mask
        subjects.append(windowed(subject_of(mask, drawn.points + np.array((left, 0))), slice(0, 384), slice(left, left + 384)))
    return photo, subjects


@pytest.mark.usefixtures("mediapipe_models")
def test_the_gap_between_two_people_is_background_and_they_are_not() -> None:
    photo, subjects = _pair()
    alpha, _ = _whole(person_matte(photo, subjects), photo)
    people = np.zeros(alpha.shape, bool)
    for subject in subjects:
        people[subject.window] |= subject.parts.mask > 0
    gap = ~cv2.dilate(people.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    assert alpha[gap].mean() < 0.02
    sure = cv2.erode(people.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    assert alpha[sure].mean() > 0.97


def _faces_only(subject: Subject) -> Subject:
    """What the face mesh gives without a parser: no hair, no neck, no clothes."""
    known = subject.parts.where("skin", "nose", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip")
    return replace(subject, parts=FaceParts(np.where(known, subject.parts.mask, 0).astype(np.uint8), MESH_PARTS))


def _hair_kept() -> float:
    photo, subject, _, _ = _composite(np.array((120, 150, 190), np.float32))
    alpha, _ = _whole(person_matte(photo, [_faces_only(subject)]), photo)
    return float(alpha[subject.parts.where("hair")].mean())


@pytest.mark.usefixtures("mediapipe_models")
def test_nobodys_hair_is_cut_off_without_a_parser() -> None:
    assert _hair_kept() > 0.9


def test_most_hair_stays_without_a_parser_and_without_the_network() -> None:
    assert _hair_kept() > 0.7


@needs(REAL_FACES)
@pytest.mark.usefixtures("mediapipe_models")
def test_real_people_are_covered_as_their_masks_say(analyzer: FaceAnalyzer) -> None:
    from PIL import Image

    shares = []
    for name in (REAL_FACES / "val.txt").read_text().split()[:10]:
        picture = np.asarray(Image.open(REAL_FACES / "images" / name).convert("RGB"))
        mask = np.asarray(Image.open(REAL_FACES / "masks" / name.replace("jpg", "png"))) > 0
        if subjects := analyzer.analyze(picture):
            alpha, _ = _whole(person_matte(picture, subjects), picture)
            shares.append(((alpha > 0.5) & mask).sum() / ((alpha > 0.5) | mask).sum())
    assert len(shares) >= 8 and np.median(shares) > 0.94
