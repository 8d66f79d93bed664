"""Live faces made of drawn subjects, and what effects on photos get of them."""

from dataclasses import replace

import numpy as np
import pytest

from lianpu.errors import SettingsError
from lianpu.faces.live import AROUND, HairColor, LiveFace, LiveScene, around_matrix, hair_color_of
from lianpu.faces.results import Subject
from lianpu.imaging.color import rgb_to_lab
from lianpu.imaging.picture import Picture
from lianpu.part_names import PARTS
from tests.support.live_faces import live_face
from tests.support.subjects import HARD_CASES, drawn_photo


def big() -> tuple[Picture, Subject]:
    return drawn_photo(width=400, height=380, side=340.0, left=20.0, top=20.0)


def parts_agree(photo: Picture, live: Subject, subject: Subject) -> float:
    """Share of the pixels of the live window that are the same part as the subject's, whose window is the whole photo."""
    return float((live.parts.mask == subject.parts.mask[live.window]).mean())


def test_a_live_face_gives_the_subject_that_it_was_made_of() -> None:
    photo, subject = big()
    live = live_face(subject, 256).subject(photo)
    assert parts_agree(photo, live, subject) > 0.97
    assert np.abs(live.landmarks.points - subject.landmarks.points).max() < 3
    assert np.array_equal(live.face.points, subject.face.points) and live.face.box_xyxy == subject.face.box_xyxy
    assert live.mesh is not None and live.mesh.presence == 1.0


def test_without_a_parser_the_parts_are_those_of_the_mesh() -> None:
    photo, subject = big()
    live = live_face(subject, parsed=False).subject(photo)
    assert live.parts.parser == "mesh" and {PARTS[index] for index in np.unique(live.parts.mask)} >= {"skin", "u_lip", "l_eye"}
    assert not live.parts.where("hair").any()


def test_a_subject_in_a_smaller_copy_is_the_subject_made_smaller() -> None:
    _, subject = big()
    face = live_face(subject, 256)
    half = np.array([[0.5, 0.0, -0.25 - 10], [0.0, 0.5, -0.25 - 15]])
    small = face.subject_in(half, (slice(0, 150), slice(0, 160)))
    assert small.face.points == pytest.approx((subject.face.points + 0.5) / 2 - 0.5 - (10, 15), abs=1e-3)
    assert small.face.box_xyxy == pytest.approx((np.array(subject.face.box_xyxy) + 0.5) / 2 - 0.5 - (10, 15, 10, 15), abs=1e-3)
    assert small.mesh is not None and face.mesh.points[:, 2] / 2 == pytest.approx(small.mesh.points[:, 2], abs=1e-4)
    expected = subject.parts.mask[31 : 31 + 300 : 2, 21 : 21 + 320 : 2]
    assert (small.parts.mask == expected).mean() > 0.97


@pytest.mark.parametrize("case", HARD_CASES.values(), ids=HARD_CASES)
def test_any_face_has_a_window_within_the_frame(case) -> None:
    photo, subject = case()
    rows, columns = live_face(subject).window(photo)
    assert 0 <= rows.start < rows.stop <= photo.shape[0] and 0 <= columns.start < columns.stop <= photo.shape[1]
    assert live_face(subject).subject(photo).window == (rows, columns)


def test_hair_has_the_colour_of_its_pixels() -> None:
    photo, subject = big()
    found = hair_color_of(photo, live_face(subject))
    assert found is not None
    hair = rgb_to_lab(photo.astype(np.float32) / np.float32(255))[subject.parts.where("hair")]
    assert found.light == pytest.approx(np.percentile(hair[:, 0], (5, 50, 95)), abs=4)
    assert found.tone == pytest.approx(hair[:, 1:].mean(axis=0), abs=2)


def test_the_colour_of_little_hair_is_measured_too() -> None:
    photo, subject = big()
    face = live_face(subject)
    hair = face.shares["hair"].copy()
    rows, columns = np.nonzero(hair > 250)
    middle = len(rows) // 2
    few = np.zeros_like(hair)
    few[rows[middle] - 3 : rows[middle] + 4, columns[middle] - 3 : columns[middle] + 4] = 255
    assert hair_color_of(photo, replace(face, shares={**face.shares, "hair": np.minimum(few, hair)})) is not None


def test_no_hair_has_no_colour() -> None:
    photo, subject = big()
    face = live_face(subject)
    assert hair_color_of(photo, replace(face, shares={})) is None
    assert hair_color_of(photo, replace(face, shares={"hair": np.zeros_like(face.shares["hair"])})) is None


def test_a_hair_colour_moves_by_its_rate() -> None:
    before, now = HairColor((10.0, 20.0, 30.0), (1.0, 2.0)), HairColor((20.0, 40.0, 50.0), (3.0, 6.0))
    assert before.moved_to(now, 0.0) == before and before.moved_to(now, 1.0) == now
    assert before.moved_to(now, 0.5) == HairColor((15.0, 30.0, 40.0), (2.0, 4.0))


def test_hair_beyond_the_crop_is_that_of_the_wider_crop() -> None:
    _, subject = big()
    face = live_face(subject)
    side = face.side_px
    wide = replace(face, around=np.full((side, side), 255, np.uint8))
    to_wide = around_matrix(face.matrix, side, side)
    near, far = face.hair_over(to_wide, (side, side)), wide.hair_over(to_wide, (side, side))
    border = round(side * (1 - 1 / AROUND) / 2)
    inner = np.s_[border + 12 : -border - 12, border + 12 : -border - 12]
    assert (near[inner] == far[inner]).all() and (near[: border - 3] == 0).all()
    assert (far[3 : border - 3, 3:-3] == 255).all() and (far[3:-3, 3 : border - 3] == 255).all()


def test_the_hair_of_another_face_is_its_own() -> None:
    photo, subject = big()
    alone = live_face(subject)
    x, y = (float(value) for value in alone.face.points.mean(axis=0))
    both = replace(alone, others=((x + alone.face.unit_px, y, alone.face.unit_px),))
    size = photo.shape[1::-1]
    whole, own = alone.hair_over(np.eye(2, 3), size), both.hair_over(np.eye(2, 3), size)
    seam = round(x + alone.face.unit_px / 2)
    assert (own[:, : seam - 20] == whole[:, : seam - 20]).all() and own[:, seam + 20 :].max() == 0
    assert whole[:, seam + 20 :].max() == 255
    far = replace(alone, others=((x + 20 * alone.face.unit_px, y, alone.face.unit_px),))
    assert (far.hair_over(np.eye(2, 3), size) == whole).all()


@pytest.mark.parametrize("around", [False, True])
def test_the_window_of_hair_holds_the_hair_and_the_face(around: bool) -> None:
    photo, subject = drawn_photo(width=500, height=480, side=300.0, left=100.0, top=100.0)
    face = live_face(subject)
    if around:
        face = replace(face, around=np.full((64, 64), 255, np.uint8))
    window = face.hair_window(photo, 5.0)
    assert window is not None
    inside = np.zeros(photo.shape[:2], dtype=bool)
    inside[window] = True
    crop = np.zeros(photo.shape[:2], dtype=bool)
    crop[face.window(photo)] = True
    assert (
        inside[subject.parts.where("hair") & crop].all()
        and inside[face.face.points[:, 1].astype(int), face.face.points[:, 0].astype(int)].all()
    )
    assert (inside.sum() > crop.sum()) == around
    assert replace(face, shares={}, around=None).hair_window(photo, 5.0) is None


def test_what_is_no_live_face_is_refused() -> None:
    _, subject = drawn_photo()
    face = live_face(subject)
    with pytest.raises(ValueError, match="uint8"):
        replace(face, shares={"hair": np.zeros((8, 8), np.float32)})
    with pytest.raises(ValueError, match="hair"):
        replace(face, shares={"skin": np.zeros((8, 8), np.uint8), "hair": np.zeros((9, 9), np.uint8)})
    with pytest.raises(SettingsError, match="nose"):
        replace(face, shares={"nosee": np.zeros((8, 8), np.uint8)})
    with pytest.raises(ValueError, match="from 0 to 1"):
        replace(face, mouth_visible=1.5)
    with pytest.raises(ValueError, match="around"):
        replace(face, around=np.zeros((8, 8), np.float32))
    with pytest.raises(ValueError, match="matte"):
        LiveScene((), np.zeros((4, 4), np.float32))
    assert LiveScene((face,)).person is None and isinstance(LiveScene((face,)).faces[0], LiveFace)
