"""Cuts, on clips whose cuts are known."""

from lianpu.camera.moving_picture import pan_over
from lianpu.dataset.drawn import draw_face
from lianpu.video.tracking.cuts import Difference, difference, frame_signature, is_cut, with_difference


def test_a_cut_between_portraits_is_seen_and_a_moving_camera_is_none() -> None:
    portraits = [draw_face(1, index, 256).picture for index in range(4)]
    frames = list(pan_over(portraits, 12, (240, 180)))
    earlier: tuple[Difference, ...] = ()
    found = []
    for number in range(1, len(frames)):
        now = difference(frame_signature(frames[number - 1].picture), frame_signature(frames[number].picture))
        if is_cut(now, earlier):
            found.append(number)
            earlier = ()
        else:
            earlier = with_difference(earlier, now)
    assert found == [12, 24, 36]
