"""Wrinkles: none for nobody, deeper with age, dark valleys beside lit ridges, and the same lines every time."""

import numpy as np
import pytest

from lianpu.faces.mesh import REGIONS
from lianpu.transforms.model import load_transform
from lianpu.transforms.surface import SURFACE
from lianpu.transforms.wrinkles import FOLDS, wrinkle_field

MODEL = load_transform()
SHAPE = (512, 512)


def _field(
    amount: float, age: float, seen: np.ndarray | None = None, scale: float = 1.0, light: tuple[float, float] = (0.0, 0.0)
) -> np.ndarray:
    shape = (round(SHAPE[0] * scale), round(SHAPE[1] * scale))
    return wrinkle_field(
        (MODEL.canonical[:, :2] + 0.5) * scale - 0.5, scale, (np.array([1.0, 0.0]), np.array([0.0, 1.0])), light, MODEL.mirror,
        np.full_like(MODEL.skin, 0.45), MODEL.canonical, amount, age, np.ones(SURFACE) if seen is None else seen, shape,
    )  # fmt: skip


def test_nobody_gets_wrinkles_without_asking_and_more_years_make_them_deeper() -> None:
    assert not _field(0.0, 70).any() and not _field(-1.0, 70).any()
    depths = [-_field(amount, 40 + 25 * amount).min() for amount in (0.3, 0.6, 1.0, 1.5)]
    assert depths == sorted(depths) and 0.05 < depths[2] < 0.6


def test_a_fold_has_a_dark_valley_and_a_lit_side() -> None:
    field = _field(1.0, 70)
    assert field.min() < -0.08 and field.max() > 0.02
    assert abs(field.mean()) < 0.02, "the face as a whole gets neither darker nor lighter"


def test_eyes_and_lips_are_left_out() -> None:
    import cv2

    field = _field(1.0, 70)
    for name in ("left_eye", "right_eye", "lips_outer"):
        inside = np.zeros(SHAPE, np.uint8)
        cv2.fillPoly(inside, [np.rint(MODEL.canonical[list(REGIONS[name]), :2]).astype(np.int32)], 1)
        core = cv2.erode(inside, np.ones((7, 7), np.uint8)) > 0
        assert np.abs(field[core]).max() < 0.03


def test_both_sides_have_lines_that_are_not_copies_of_each_other() -> None:
    field = _field(1.0, 70)
    left, right = np.abs(field[:, :256]), np.abs(field[:, :255:-1])
    assert 0.7 < left.sum() / right.sum() < 1.4
    assert np.abs(left - right).max() > 0.03


def test_points_that_are_not_seen_get_no_lines() -> None:
    seen = MODEL.canonical[:, 0] < 255.5
    field = _field(1.0, 70, seen.astype(float))
    assert np.abs(field[:, 290:]).max() < 0.01 and np.abs(field[:, :220]).max() > 0.05


def test_folds_on_a_cheek_that_turns_away_are_fainter() -> None:
    half, whole = (np.abs(_field(1.0, 70, np.full(SURFACE, share))).sum() for share in (0.4, 1.0))
    assert 0.2 * whole < half < 0.6 * whole


def test_a_fold_shades_by_the_side_that_light_comes_from() -> None:
    none, left, right = (_field(1.0, 70, light=(across, 0.0)) for across in (0.0, -0.4, 0.4))
    cheek = (slice(300, 400), slice(130, 200))  # beside the mouth, on the picture's left
    assert np.abs(left - none)[cheek].max() > 0.03
    np.testing.assert_allclose((left - none)[cheek], (none - right)[cheek], atol=0.02)


@pytest.mark.parametrize("scale", [0.3, 2.0])
def test_a_field_of_another_size_is_the_same_field(scale: float) -> None:
    import cv2

    large = _field(1.0, 70)
    other = cv2.resize(_field(1.0, 70, scale=scale), SHAPE, interpolation=cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR)
    soft, soft_other = (cv2.GaussianBlur(one, (0, 0), 5) for one in (large, other))
    assert np.corrcoef(soft.ravel(), soft_other.ravel())[0, 1] > 0.9


def test_every_fold_names_points_of_the_surface() -> None:
    for fold in FOLDS.values():
        for path in fold.paths:
            assert all(0 <= first < SURFACE and 0 <= second < SURFACE and 0 <= share <= 1 for first, second, share in path)
