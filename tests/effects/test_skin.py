import cv2
import numpy as np
import pytest

from lianpu.effects.face_masks import face_unit
from lianpu.effects.skin import clear_spots, smooth_skin
from tests.support.subjects import drawn_photo


def _with(photo: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    return np.clip(photo.astype(float) + pattern[:, :, None], 0, 255).astype(np.uint8)


def _inner(subject) -> np.ndarray:
    return cv2.erode(subject.parts.where("skin").astype(np.uint8), np.ones((15, 15), np.uint8)) > 0


def test_blotches_fade_and_pores_stay() -> None:
    photo, subject = drawn_photo(width=560, height=560, side=520, left=20, top=20)
    chance = np.random.default_rng(0)
    pores = chance.normal(0, 6, photo.shape[:2])
    blotches = cv2.GaussianBlur(chance.normal(0, 1, photo.shape[:2]), (0, 0), 0.03 * face_unit(subject))
    blotches *= 5 / blotches.std()
    smooth_photo = cv2.GaussianBlur(photo, (0, 0), 6).astype(np.uint8)
    skin = _inner(subject)

    def left_of(pattern: np.ndarray) -> float:
        """The share of a pattern that is still there afterwards."""
        with_it = smooth_skin(_with(smooth_photo, pattern), subject, 1.0).astype(float).mean(axis=2)
        without = smooth_skin(smooth_photo, subject, 1.0).astype(float).mean(axis=2)
        return float(np.polyfit(pattern[skin], (with_it - without)[skin], 1)[0])

    assert left_of(pores) > 0.85
    assert left_of(blotches) < 0.6


def test_an_edge_in_the_skin_stays_sharp() -> None:
    photo, subject = drawn_photo(width=560, height=560, side=520, left=20, top=20)
    photo = np.full_like(photo, 190)
    row, column = subject.landmarks.points[30][::-1].round().astype(int)
    photo[:, : column + 40] = 110
    after = smooth_skin(photo, subject, 1.0).astype(int)
    assert after[row + 10, column + 45, 0] - after[row + 10, column + 35, 0] > 0.88 * 80


def _spotted(
    photo: np.ndarray,
    subject,
    radius: float,
    darker: float,
    many: int = 12,
    tint: tuple[float, float, float] = (0.5, 1.2, 1.0),
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """The photo with round spots of a radius (in units of the face) on bare skin, by how much darker in
    red, green and blue, and where they are (x, y)."""
    y, x = np.nonzero(cv2.erode(subject.parts.where("skin").astype(np.uint8), np.ones((61, 61), np.uint8)))
    away = np.linalg.norm(np.column_stack([x, y])[:, None] - subject.landmarks.points[None, 17:], axis=2).min(axis=1)
    places = np.column_stack([x, y])[away > 0.3 * face_unit(subject)]
    chosen: list[tuple[int, int]] = []
    for at in np.random.default_rng(2).permutation(places):
        if len(chosen) < many and all(np.hypot(*(at - one)) > 0.3 * face_unit(subject) for one in chosen):
            chosen.append((int(at[0]), int(at[1])))
    mask: np.ndarray = np.zeros(photo.shape[:2], np.float32)
    for one in chosen:
        cv2.circle(mask, one, round(radius * face_unit(subject)), 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.15 * radius * face_unit(subject) + 0.5)
    return np.clip(photo - mask[:, :, None] * darker * np.array(tint), 0, 255).astype(np.uint8), chosen


def _contrast(photo: np.ndarray, at: tuple[int, int], radius: float) -> float:
    """How much darker (green) a spot is than the skin around it."""
    x, y = at
    green = photo[:, :, 1].astype(float)
    far = np.hypot(*(np.mgrid[: photo.shape[0], : photo.shape[1]][::-1] - np.array([x, y])[:, None, None]))
    return float(green[(far > 2 * radius) & (far < 3 * radius)].mean() - green[far < 0.5 * radius + 1].mean())


@pytest.mark.parametrize("radius", [0.02, 0.045])
def test_spots_are_taken_from_the_skin(radius: float) -> None:
    photo, subject = drawn_photo(width=780, height=780, side=740, left=20, top=20, index=5)
    spotted, places = _spotted(photo, subject, radius, 26)
    after = smooth_skin(spotted, subject, 1.0)
    size = radius * face_unit(subject)
    left = [_contrast(after, at, size) / _contrast(spotted, at, size) for at in places]
    assert len(places) >= 6 and sum(one < 0.35 for one in left) >= 0.9 * len(places)


def test_a_mole_stays() -> None:
    photo, subject = drawn_photo(width=780, height=780, side=740, left=20, top=20)
    spotted, places = _spotted(photo, subject, 0.05, 110, many=3)
    after = smooth_skin(spotted, subject, 1.0)
    size = 0.05 * face_unit(subject)
    assert all(_contrast(after, at, size) > 0.8 * _contrast(spotted, at, size) for at in places)


def test_small_brown_moles_stay_and_red_spots_as_large_go() -> None:
    photo, subject = drawn_photo(width=780, height=780, side=740, left=20, top=20)
    size, left = 0.03 * face_unit(subject), {}
    for name, tint in (("mole", (1.0, 1.0, 0.9)), ("blemish", (0.2, 1.0, 0.9))):
        spotted, places = _spotted(photo, subject, 0.03, 44, many=4, tint=tint)
        after = smooth_skin(spotted, subject, 1.0)
        left[name] = [_contrast(after, at, size) / _contrast(spotted, at, size) for at in places]
    assert min(left["mole"]) > 0.5 and max(left["blemish"]) < 0.4


def test_hairs_of_a_beard_stay_sharp() -> None:
    photo, subject = drawn_photo(width=560, height=560, side=520, left=20, top=20)
    y, x = np.mgrid[:560, :560]
    hairs = 45 * np.sin(1.1 * x + 0.3 * np.sin(y / 7))
    chin = subject.parts.where("skin") & (y > subject.face.points[3:, 1].max())
    bearded = _with(np.where(chin[:, :, None], photo * 0.6, photo), hairs * chin)
    after = smooth_skin(bearded, subject, 1.0)
    inner = cv2.erode(chin.astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
    assert (
        np.polyfit(hairs[inner], after[..., 1].astype(float)[inner], 1)[0]
        > 0.86 * np.polyfit(hairs[inner], bearded[..., 1].astype(float)[inner], 1)[0]
    )


def test_spots_can_go_without_any_smoothing() -> None:
    photo, subject = drawn_photo(width=560, height=560, side=520, left=20, top=20)
    photo = cv2.GaussianBlur(photo, (0, 0), 6).astype(np.uint8)
    unit = face_unit(subject)
    eye, mouth = subject.landmarks.points[41], subject.landmarks.points[48]
    x, y = (0.5 * (eye + mouth)).round().astype(int)
    spot = np.zeros(photo.shape[:2], np.uint8)
    cv2.circle(spot, (int(x), int(y)), max(2, round(0.03 * unit)), 1, -1)
    spotted = photo.copy()
    spotted[spot > 0] = (spotted[spot > 0] * (0.85, 0.7, 0.7)).astype(np.uint8)
    after = clear_spots(spotted, subject, 1.0)
    before, left = (np.abs(one.astype(int) - photo)[spot > 0].mean() for one in (spotted, after))
    away = cv2.dilate(spot, np.ones((41, 41), np.uint8)) == 0
    assert left < 0.5 * before and (after == spotted)[away].mean() > 0.99
