"""Parts with_difference from frame to frame."""

import numpy as np
import pytest

from lianpu.dataset.drawn import draw_face
from lianpu.part_names import PARTS
from lianpu.video.tracking.temporal_parsing import PartState, part_mask, update_parts

CROP = draw_face(3, 1, 192).picture
SKIN, HAIR = PARTS.index("skin"), PARTS.index("hair")


def _mask(rows: int) -> np.ndarray:
    """Hair in the upper rows, skin below."""
    mask = np.full((192, 192), SKIN, np.uint8)
    mask[:rows] = HAIR
    return mask


def _hair(state: PartState) -> float:
    return float(state.shares[HAIR].mean())


def test_a_change_is_taken_over_evenly_in_frames_that_are_parsed_and_that_are_not() -> None:
    state = update_parts(None, CROP, _mask(60), 0.04, 0.4)
    seen = [_hair(state)]
    for number in range(8):
        state = update_parts(state, CROP, _mask(100) if number % 2 == 0 else None, 0.04, 0.4)
        seen.append(_hair(state))
    steps = np.diff(seen)
    assert (steps > 0).all() and steps[1:] / steps[:-1] == pytest.approx(np.exp(-0.1), rel=0.05)
    assert _hair(state) == pytest.approx((100 - 40 * np.exp(-0.8)) / 192, rel=0.02)


def test_without_a_time_to_settle_the_last_mask_holds() -> None:
    state = update_parts(None, CROP, _mask(60), 0.04, 0.0)
    state = update_parts(state, CROP, _mask(100), 0.04, 0.0)
    assert np.array_equal(part_mask(state, 192), _mask(100))


def test_what_is_known_moves_along_with_what_is_seen() -> None:
    state = update_parts(None, CROP, _mask(96), 0.04, 0.4)
    lower = np.roll(CROP, 6, axis=0)
    state = update_parts(state, lower, None, 0.04, 0.4)
    edge = (part_mask(state, 192)[:, 60:132] == HAIR).sum(axis=0)
    assert np.median(edge) == pytest.approx(102, abs=1)


def test_where_the_picture_changed_unlike_the_motion_the_new_mask_holds_at_once() -> None:
    state = update_parts(None, CROP, _mask(60), 0.04, 0.4)
    hand = CROP.copy()
    hand[60:100, 60:120] = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    state = update_parts(state, hand, _mask(100), 0.04, 0.4)
    mask = part_mask(state, 192)
    assert (mask[68:92, 68:112] == HAIR).mean() > 0.95 and (mask[70:90, :30] == SKIN).all()
