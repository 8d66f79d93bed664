import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lianpu.effects.catalogue import effect_of
from lianpu.effects.stickers import STICKER_FILES, bundled_sticker, face_places, read_anchors, read_sticker, sticker_matrix
from lianpu.errors import LianpuError, PictureError, SettingsError
from lianpu.faces.results import Face, FaceParts, Landmarks, Subject
from tests.support.subjects import drawn_photo


def _square(folder: Path, anchors: object = None) -> Path:
    file = folder / "mark.png"
    Image.fromarray(np.full((20, 60, 4), (255, 0, 0, 255), np.uint8)).save(file)
    if anchors is not None:
        file.with_suffix(".json").write_text(json.dumps(anchors), encoding="utf-8")
    return file


@pytest.mark.parametrize("turn", [0, 30, 90, 180, 270])
def test_glasses_sit_on_the_eyes_however_the_head_is_turned(turn: float) -> None:
    _, subject = drawn_photo(turn=turn)
    (glasses,) = bundled_sticker("glasses")
    matrix = sticker_matrix(glasses, subject, "eyes")
    for name, eye in (("left_eye", subject.face.points[0]), ("right_eye", subject.face.points[1])):
        at = matrix[:, :2] @ glasses.anchors[name] + matrix[:, 2]
        assert np.linalg.norm(at - eye) < 0.12 * subject.face.eye_distance_px


def test_a_hat_is_above_the_eyes_of_the_head_also_when_it_hangs_down() -> None:
    for turn, above in ((0, (0, -1)), (180, (0, 1)), (90, (-1, 0))):
        photo, subject = drawn_photo(turn=turn, width=400, height=400, left=100, top=100)
        after = effect_of("sticker").apply(photo, [subject], 1.0, which="hat")
        y, x = np.nonzero((after != photo).any(axis=2))
        way = np.array([x.mean(), y.mean()]) - subject.face.points[:2].mean(axis=0)
        assert way @ np.array(above) > 0.9 * np.linalg.norm(way)


def _turned_aside(yaw: float) -> tuple[Subject, float]:
    """A head that is turned aside by degrees, its eyes 50 px apart when it looks ahead, and where (x) the middle of its skull lies."""
    sine, cosine = np.sin(np.radians(yaw)), np.cos(np.radians(yaw))

    def seen(x: float, y: float, z: float) -> tuple[float, float]:
        return 150 + 50 * (x * cosine + z * sine), 120 + 50 * y

    middle = seen(0, 0, -1.3)[0]
    five = np.array([seen(*at) for at in ((-0.5, 0, 0), (0.5, 0, 0), (0, 0.6, 0.42), (-0.42, 1.04, 0), (0.42, 1.04, 0))])
    points = np.tile(five[2], (68, 1))
    points[0], points[16] = seen(-1.2, 0.2, -0.85), seen(1.2, 0.2, -0.85)
    points[16 if yaw > 0 else 0] = (seen(0, 0, -0.85)[0] + (60 if yaw > 0 else -60), 130)  # an ear behind the face: its outline
    face = Face((100.0, 70.0, 200.0, 200.0), 0.9, five.astype(np.float32), "test")
    parts = FaceParts(np.zeros((300, 300), np.uint8), "test")
    return Subject(face, Landmarks(points.astype(np.float32), "dlib-68"), (slice(0, 300), slice(0, 300)), parts), middle


@pytest.mark.parametrize("yaw", [-60, -40, -20, 0, 20, 40, 60])
def test_what_sits_on_the_head_sits_on_its_middle_also_when_it_is_turned_aside(yaw: float) -> None:
    subject, middle = _turned_aside(yaw)
    assert abs(face_places(subject)["forehead"][0] - middle) < 0.2 * 50


@pytest.mark.parametrize("which", STICKER_FILES)
def test_every_carried_sticker_has_transparency_and_anchors(which: str) -> None:
    for layer in bundled_sticker(which):
        assert layer.pixels[0, 0, 3] == 0 and layer.pixels[..., 3].max() > 0.9
        assert len(layer.anchors) >= 2


def test_a_picture_of_ones_own_goes_where_its_anchors_say(tmp_path: Path) -> None:
    photo, subject = drawn_photo()
    file = _square(tmp_path, {"anchors": {"mouth_left": [0, 10], "mouth_right": [59, 10]}})
    after = effect_of("sticker").apply(photo, [subject], 1.0, picture=str(file))
    y, x = np.nonzero((after == (255, 0, 0)).all(axis=2))
    places = face_places(subject)
    assert x.min() == pytest.approx(places["mouth_left"][0], abs=2) and x.max() == pytest.approx(places["mouth_right"][0], abs=2)
    assert y.mean() == pytest.approx(places["mouth"][1], abs=2)


def test_a_picture_without_anchors_goes_to_the_place_that_is_named(tmp_path: Path) -> None:
    photo, subject = drawn_photo()
    file = _square(tmp_path)
    heights = []
    for place in ("forehead", "eyes", "nose", "mouth"):
        after = effect_of("sticker").apply(photo, [subject], 1.0, picture=str(file), place=place)
        heights.append(np.nonzero((after != photo).any(axis=2))[0].mean())
    assert heights == sorted(heights)


def test_half_the_strength_is_half_transparent(tmp_path: Path) -> None:
    photo, subject = drawn_photo()
    photo[:] = 100
    after = effect_of("sticker").apply(photo, [subject], 0.5, picture=str(_square(tmp_path)))
    changed = after[(after != photo).any(axis=2)]
    assert np.median(changed[:, 0]) == pytest.approx((100 + 255) / 2, abs=2) and np.median(changed[:, 1]) == pytest.approx(
        50, abs=2
    )


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    file = _square(tmp_path)
    assert read_sticker(file).pixels.shape == (20, 60, 4)
    Image.fromarray(np.full((5, 7, 3), 9, np.uint8)).save(file)
    import os

    os.utime(file, (1, 1))
    again = read_sticker(file)
    assert again.pixels.shape == (5, 7, 4) and (again.pixels[..., 3] == 1).all()


@pytest.mark.parametrize(
    ("anchors", "words"),
    [
        ({"anchors": {"left_eey": [1, 2], "nose": [3, 4]}}, r"'left_eey' is no place of a face \(did you mean 'left_eye'\?\)"),
        ({"anchors": {"nose": [1, 2]}}, r"1 anchor\(s\)\. Two at different places are needed"),
        ({"anchors": {"nose": [1, 2], "chin": [1, 2]}}, "Two at different places are needed"),
        ({"anchors": {"nose": [1, 2, 3], "chin": [1, 2]}}, "no anchors"),
        ({"anchors": {"nose": ["a", 2], "chin": [1, 2]}}, "no anchors"),
        ({"anchors": {"nose": [float("nan"), 2], "chin": [1, 2]}}, "is not finite"),
        ({"places": {}}, "no anchors"),
        ([1, 2], "no anchors"),
    ],
)
def test_anchors_that_are_none_are_said(tmp_path: Path, anchors: object, words: str) -> None:
    file = _square(tmp_path, anchors).with_suffix(".json")
    with pytest.raises(SettingsError, match=words) as problem:
        read_anchors(file)
    assert "mark.json" in str(problem.value)


def test_a_sticker_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"none\.png is not there"):
        read_sticker(tmp_path / "none.png")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with pytest.raises(LianpuError, match=r"broken\.png"):
        read_sticker(broken)
    huge = tmp_path / "huge.png"
    Image.new("RGB", (5000, 50)).save(huge)
    with pytest.raises(PictureError, match="5000 x 50 pixels; stickers have at most 4096"):
        read_sticker(huge)
