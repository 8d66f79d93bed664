from pathlib import Path

import numpy as np
import pytest

from lianpu.effects.background import blur_background, replace_background
from lianpu.effects.catalogue import effect_of
from lianpu.errors import PictureError
from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.photo.reading import read_image
from lianpu.photo.writing import write_image
from tests.support.shared import PHOTOS, needs
from tests.support.subjects import drawn_photo


def _striped():
    photo, subject = drawn_photo(width=420, height=360, side=260, left=80, top=100)
    empty = subject.parts.mask == 0
    photo[empty] = (120, 150, 190)
    photo[:, ::6][empty[:, ::6]] = (90, 120, 160)
    return photo, subject


def test_what_is_behind_is_blurred_and_the_face_is_not() -> None:
    photo, subject = _striped()
    after = blur_background(photo, [subject], 1.0)
    corner = np.s_[:80, :60]
    assert after[corner].std(axis=1).mean() < 0.3 * photo[corner].std(axis=1).mean()
    face = subject.parts.where("nose", "mouth", "l_eye", "r_eye", "u_lip", "l_lip")
    assert (after[face] == photo[face]).all()


def test_a_colour_comes_behind_and_hides_all_of_the_old() -> None:
    photo, subject = _striped()
    after = replace_background(photo, [subject], 1.0, "#40c060", "")
    assert (after[:60] == (0x40, 0xC0, 0x60)).all()
    face = subject.parts.where("nose", "mouth", "l_eye", "r_eye")
    assert (after[face] == photo[face]).all()


def test_a_picture_comes_behind_and_fills_the_photo(tmp_path: Path) -> None:
    photo, subject = _striped()
    other = np.zeros((50, 200, 3), np.uint8)
    other[:, :100], other[:, 100:] = (200, 0, 0), (0, 0, 200)
    file = write_image(tmp_path / "beach.png", other)
    after = effect_of("replace_background").apply(photo, [subject], 1.0, picture=str(file))
    assert (after[:40, :40] == (200, 0, 0)).all() and (after[:40, -40:] == (0, 0, 200)).all()


def test_a_picture_that_is_not_there_is_said() -> None:
    photo, subject = _striped()
    with pytest.raises(PictureError, match=r"beach\.png is not there\. Check the path\."):
        effect_of("replace_background").apply(photo, [subject], 1.0, picture="beach.png")


def test_the_same_photo_gives_the_same_mask() -> None:
    photo, subject = _striped()
    first = replace_background(photo, [subject], 1.0, "#40c060", "")
    np.random.default_rng(0).random(3)
    assert (first == replace_background(photo, [subject], 1.0, "#40c060", "")).all()


@needs(PHOTOS)
@pytest.mark.parametrize("network", [True, False])
def test_sleeves_and_arms_before_a_plain_wall_stay_and_the_wall_goes(
    request: pytest.FixtureRequest, analyzer: FaceAnalyzer, network: bool
) -> None:
    if network:
        request.getfixturevalue("mediapipe_models")
    photo = read_image(PHOTOS / "p20_full_length.jpg")
    after = replace_background(photo, analyzer.analyze(photo), 1.0, "#8fb8d8", "")
    changed = np.abs(after.astype(int) - photo).max(axis=2)
    for x, y in ((217, 868), (197, 1105), (780, 750), (900, 950), (500, 1000)):
        assert changed[y - 8 : y + 8, x - 8 : x + 8].max() < 20, f"a part of the person at {x}, {y}"
    for x, y in ((947, 1381), (80, 300), (60, 1300), (700, 200)):
        assert changed[y - 8 : y + 8, x - 8 : x + 8].min() > 20, f"the wall at {x}, {y}"


@needs(PHOTOS)
@pytest.mark.usefixtures("mediapipe_models")
def test_hands_in_the_hair_stay_and_the_wall_between_two_people_goes(analyzer: FaceAnalyzer) -> None:
    hands = read_image(PHOTOS / "p17_portrait.png")
    changed = np.abs(replace_background(hands, analyzer.analyze(hands), 1.0, "#8fb8d8", "").astype(int) - hands).max(axis=2)
    for x, y in ((30, 90), (385, 90)):
        assert changed[y - 6 : y + 6, x - 6 : x + 6].max() < 20, f"an arm at {x}, {y}"
    assert changed[240:270, 5:25].min() > 20, "the wall beside the face"
    pair = read_image(PHOTOS / "p05_group.jpg")
    changed = np.abs(replace_background(pair, analyzer.analyze(pair), 1.0, "#8fb8d8", "").astype(int) - pair).max(axis=2)
    for x, y in ((230, 200), (225, 260)):
        assert changed[y - 5 : y + 5, x - 5 : x + 5].min() > 8, f"the wall at {x}, {y}"
    for x, y in ((30, 130), (420, 220)):
        assert changed[y - 5 : y + 5, x - 5 : x + 5].max() < 20, f"a sleeve at {x}, {y}"
