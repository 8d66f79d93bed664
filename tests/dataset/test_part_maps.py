import numpy as np
import pytest

from lianpu.attributes import AttributeSet
from lianpu.dataset.part_maps import EDITED_PARTS, MAP_PX, PartMaps, editable_parts, shrunk_map
from lianpu.part_names import PART_INDEX, PARTS

ATTRIBUTES = AttributeSet.of(("Blond_Hair", "Male", "Wearing_Hat"))


def _half_hair() -> PartMaps:
    """Hair on the left half, background on the right."""
    maps = np.zeros((1, MAP_PX, MAP_PX), dtype=np.uint8)
    maps[:, :, : MAP_PX // 2] = PART_INDEX["hair"]
    return PartMaps(maps)


def _outside(changed: tuple[bool, bool, bool], flipped: bool = False) -> np.ndarray:
    flips, rows = np.array([flipped]), np.array([0])
    return _half_hair().outside(rows, flips, np.array([changed]), ATTRIBUTES, 128).numpy()[0, 0]


def test_a_hair_edit_may_change_hair_and_a_little_around_it() -> None:
    outside = _outside((True, False, False))
    assert outside[:, :64].max() == 0 and outside[:, 72:].min() == 1
    assert outside[60, 67] == 0.25 and outside[60, 68] == 0.75  # two pixels of the map beyond the hair, then bilinear


def test_the_map_is_mirrored_with_its_face() -> None:
    assert np.array_equal(_outside((True, False, False), flipped=True), _outside((True, False, False))[:, ::-1])


def test_no_change_may_change_nothing_and_an_unknown_attribute_everything() -> None:
    assert _outside((False, False, False)).min() == 1
    assert _outside((False, False, True)).max() == 0


def test_every_named_part_exists() -> None:
    assert {part for parts in EDITED_PARTS.values() for part in parts} <= set(PARTS)
    table = editable_parts(ATTRIBUTES)
    assert table[0].sum() == 1 and table[1, PART_INDEX["cloth"]] == 0 and table[2].all()


def test_a_mask_becomes_a_small_map_of_the_classes_in_the_middles() -> None:
    mask = np.zeros((512, 512), dtype=np.uint8)
    mask[:256] = PART_INDEX["hair"]
    mask[300:] = 255  # nobody knows
    small = shrunk_map(mask)
    assert small.shape == (MAP_PX, MAP_PX)
    assert (small[:32] == PART_INDEX["hair"]).all() and (small[32:] == 0).all()


def test_maps_of_another_form_are_refused() -> None:
    with pytest.raises(ValueError, match="part maps are"):
        PartMaps(np.full((1, 4, 4), 19, dtype=np.uint8))
