"""Where hidden faces may be: a square of noise as the face, moved by hand over a plain background, found in some frames and not in others."""

import numpy as np
import pytest

from lianpu.faces.results import Face
from lianpu.video.tracking.hiding import KEPT_S, HiddenFace, HidingState, grown, look_back, uncovered, watch
from lianpu.video.tracking.motion import GreyFrame, grey_frame

SECONDS = 0.04
FIVE = np.array([(0.3, 0.35), (0.7, 0.35), (0.5, 0.55), (0.35, 0.78), (0.65, 0.78)])
TEXTURE = np.random.default_rng(0).integers(0, 255, (24, 24, 3), dtype=np.uint8).repeat(4, axis=0).repeat(4, axis=1)


def face_at(left: float, top: float = 60, side: float = 80, score: float = 0.95) -> Face:
    return Face((left, top, left + side, top + side), score, (FIVE * side + (left, top)).astype(np.float32), "test")


def frame(left: int, top: int = 60) -> GreyFrame:
    """(200, 400): the texture of 96 px around a face of 80 px at `left`; it may lie partly or wholly outside."""
    picture = np.full((200, 400, 3), 128, dtype=np.uint8)
    x1, x2 = max(0, left - 8), min(400, left + 88)
    if x1 < x2:
        picture[top - 8 : top + 88, x1:x2] = TEXTURE[:, x1 - left + 8 : x2 - left + 8]
    return grey_frame(picture)


def covers(one: HiddenFace, left: float, margin: float = 8) -> bool:
    """Whether the outline covers a face of 80 px at `left`, but for `margin` pixels."""
    x1, y1, x2, y2 = one.outline.box_xyxy
    return x1 <= left + margin and x2 >= left + 80 - margin and y1 <= 60 + margin and y2 >= 140 - margin


def test_a_face_that_is_missed_is_followed_by_its_pixels_and_grows_with_the_doubt() -> None:
    state = watch(HidingState(), frame(100), [face_at(100)], SECONDS, cut=False)
    doubts = []
    for number in range(1, 11):
        state = watch(state, frame(100 + 6 * number), [], SECONDS, cut=False)
        (one,) = state.faces
        assert covers(one, 100 + 6 * number) and one.unseen_s == pytest.approx(number * SECONDS)
        doubts.append(one.doubt)
    assert doubts == sorted(doubts) and doubts[-1] > doubts[0] > 0
    found = watch(state, frame(166), [face_at(166)], SECONDS, cut=False)
    assert [(one.number, one.unseen_s) for one in found.faces] == [(0, 0.0)]
    assert found.faces[0].doubt < doubts[-1]


def test_a_face_is_given_up_after_a_time_at_a_cut_and_when_it_has_left() -> None:
    state = watch(HidingState(), frame(100), [face_at(100)], SECONDS, cut=False)
    assert watch(state, frame(100), [], SECONDS, cut=True).faces == ()
    waiting = state
    for _ in range(round(KEPT_S / SECONDS) - 1):
        waiting = watch(waiting, frame(100), [], SECONDS, cut=False)
        assert waiting.faces
    assert not watch(waiting, frame(100), [], 2 * SECONDS, cut=False).faces
    for number in range(1, 30):
        state = watch(state, frame(100 - 14 * number), [], SECONDS, cut=False)
    assert state.faces == ()


def test_a_face_hidden_by_another_goes_on_with_its_own_speed() -> None:
    """Both cross; the flow where the one behind should be is that of the one before it."""
    state = HidingState()
    for number in range(4):
        state = watch(state, frame(100 + 8 * number), [face_at(100 + 8 * number), face_at(260 - 8 * number)], SECONDS, cut=False)
    assert [one.sightings for one in state.faces] == [4, 4]
    for number in range(4, 14):
        state = watch(state, frame(100 + 8 * number), [face_at(100 + 8 * number)], SECONDS, cut=False)
    behind = next(one for one in state.faces if one.number == 1)
    assert abs(behind.face.box_xyxy[0] - (260 - 8 * 13)) < 40 and covers(behind, 260 - 8 * 13, margin=12)


def test_a_face_that_walks_in_is_covered_before_it_was_first_found() -> None:
    """It enters at the left with 10 px a frame and is first found 8 frames later, when it is wholly in the picture."""
    frames = [frame(-90 + 10 * number) for number in range(12)]
    state = watch(HidingState(), frames[9], [face_at(0)], SECONDS, cut=False)
    (one,) = state.faces
    earlier = [(frames[number], SECONDS) for number in range(8, -1, -1)]
    back = list(look_back(one, earlier, frames[9]))
    assert len(back) >= 7
    for number, at in zip(range(8, 1, -1), back, strict=False):
        assert at.outline.box_xyxy[2] >= -90 + 10 * number + 80 - 8
    assert list(look_back(one, [], frames[9])) == []


def test_speed_takes_a_face_back_where_its_pixels_say_nothing() -> None:
    blank = grey_frame(np.full((200, 400, 3), 128, dtype=np.uint8))
    one = HiddenFace(0, face_at(200), np.array([250.0, 0.0]))
    back = list(look_back(one, [(blank, SECONDS)] * 5, blank))
    assert [round(at.face.box_xyxy[0]) for at in back] == [190, 180, 170, 160, 150]


def test_only_faces_in_doubt_and_faces_that_nobody_tracks_need_a_cover() -> None:
    (sure,) = watch(HidingState(), frame(100), [face_at(100)], SECONDS, cut=False).faces
    assert uncovered([sure], [face_at(102)]) == ()
    assert uncovered([sure], []) == (sure,)
    assert uncovered([sure], [face_at(150)]) == (sure,)
    assert uncovered([sure], [face_at(115, 75, 40)]) == (sure,)
    (unsure,) = watch(HidingState(), frame(100), [face_at(100, score=0.5)], SECONDS, cut=False).faces
    assert uncovered([unsure], [face_at(100)]) == (unsure,)


def test_an_outline_grows_about_its_middle() -> None:
    large = grown(face_at(100), 1.5)
    assert large.box_xyxy == (80, 40, 200, 160)
    assert large.unit_px == pytest.approx(1.5 * face_at(100).unit_px)
