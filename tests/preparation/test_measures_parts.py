"""What masks say: worked out by hand on drawn masks, and the same at every size."""

import numpy as np
import pytest

from lianpu.imaging.color import rgb_to_lab
from lianpu.part_names import PART_INDEX
from lianpu.preparation.measures import part_measures

SKIN, HAIR = (200, 160, 140), (60, 40, 25)


def _face(side: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """A crop and its mask: hair in the upper quarter, skin in the middle, background around."""
    mask = np.zeros((side, side), dtype=np.uint8)
    crop = np.zeros((side, side, 3), dtype=np.uint8)
    quarter = side // 4
    mask[:quarter] = PART_INDEX["hair"]
    mask[quarter : 3 * quarter, quarter : 3 * quarter] = PART_INDEX["skin"]
    crop[mask == PART_INDEX["hair"]], crop[mask == PART_INDEX["skin"]] = HAIR, SKIN
    return crop, mask


def _with(mask: np.ndarray, part: str, rows: slice, columns: slice) -> np.ndarray:
    changed = mask.copy()
    changed[rows, columns] = PART_INDEX[part]
    return changed


def test_areas_are_logarithms_of_shares_and_none_is_minus_5() -> None:
    crop, mask = _face()
    measures = part_measures(crop, _with(mask, "hat", slice(0, 20), slice(0, 200)))
    assert measures["hat"] == pytest.approx(-1.0)
    assert measures["glasses"] == measures["earrings"] == pytest.approx(-5.0)


def test_glasses_pushed_up_on_the_head_do_not_count() -> None:
    crop, mask = _face()
    assert part_measures(crop, _with(mask, "eye_g", slice(60, 78), slice(60, 140)))["glasses"] == pytest.approx(-5.0)
    assert part_measures(crop, _with(mask, "eye_g", slice(90, 100), slice(60, 140)))["glasses"] == pytest.approx(np.log10(0.02))


def test_a_mouth_is_as_open_as_its_inside_is_large_beside_the_lips() -> None:
    crop, mask = _face()
    assert "mouth_open" not in part_measures(crop, mask)
    lips = _with(_with(mask, "u_lip", slice(140, 145), slice(80, 120)), "l_lip", slice(150, 155), slice(80, 120))
    assert part_measures(crop, lips)["mouth_open"] == pytest.approx(-2.0)
    assert part_measures(crop, _with(lips, "mouth", slice(145, 150), slice(80, 120)))["mouth_open"] == pytest.approx(
        np.log10(0.51)
    )


def test_hair_has_the_median_colour_of_its_inside() -> None:
    crop, mask = _face()
    crop[49] = 255  # the rim mixes with what is behind
    measures = part_measures(crop, mask)
    expected = rgb_to_lab(np.array([[HAIR]], dtype=np.float32) / np.float32(255))[0, 0]
    assert [measures[name] for name in ("hair_lightness", "hair_a", "hair_b")] == pytest.approx(expected.tolist())


def test_no_colour_is_told_from_too_little_hair_or_a_grey_photo() -> None:
    crop, mask = _face()
    bald = np.where(mask == PART_INDEX["hair"], PART_INDEX["background"], mask).astype(np.uint8)
    assert "hair_lightness" not in part_measures(crop, bald)
    grey = np.repeat(crop.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    assert "hair_lightness" not in part_measures(grey, mask)


def test_the_size_of_the_crop_does_not_matter() -> None:
    small, large = (part_measures(*_face(side)) for side in (200, 600))
    assert small.keys() == large.keys()
    assert all(small[name] == pytest.approx(large[name], abs=1e-6) for name in small)
