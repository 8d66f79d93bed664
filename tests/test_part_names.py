import numpy as np
import pytest

from lianpu.errors import SettingsError
from lianpu.part_names import BISENET_ORDER, PART_COLORS, PARTS, mirrored_index, order_to_ours, part_index


def test_every_order_names_the_same_19_classes():
    assert len(PARTS) == len(set(PARTS)) == len(PART_COLORS) == 19
    assert sorted(BISENET_ORDER) == sorted(PARTS)


def test_an_index_of_the_published_bisenet_becomes_the_class_of_the_same_name():
    mask = np.array([[BISENET_ORDER.index("hair"), BISENET_ORDER.index("nose")]])

    assert [PARTS[index] for index in order_to_ours(BISENET_ORDER)[mask][0]] == ["hair", "nose"]


def test_mirroring_swaps_sides_and_leaves_the_lower_lip_alone():
    table = mirrored_index()

    assert PARTS[table[part_index("l_eye")]] == "r_eye"
    assert PARTS[table[part_index("l_lip")]] == "l_lip"
    assert np.array_equal(table[table], np.arange(19))


def test_an_unknown_part_names_the_nearest_one():
    with pytest.raises(SettingsError, match=r"'hairs' is no part of a face \(did you mean 'hair'\?\)"):
        part_index("hairs")
