"""Live faces made of drawn subjects, and what effects on photos get of them."""

from dataclasses import replace

import numpy as np
import pytest

from lianpu.errors import SettingsError
from lianpu.faces.live import HairColor, LiveFace, LiveScene, hair_color_of
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


def test_no_hair_has_no_colour() -> None:
    photo, subject = big()
    face = live_face(subject)
    assert hair_color_of(photo, replace(face, shares={})) is None
    assert hair_color_of(photo, replace(face, shares={"hair": np.zeros_like(face.shares["hair"])})) is None


def test_a_hair_colour_moves_by_its_rate() -> None:
    before, now = HairColor((10.0, 20.0, 30.0), (1.0, 2.0)), HairColor((20.0, 40.0, 50.0), (3.0, 6.0))
    assert before.moved_to(now, 0.0) == before and before.moved_to(now, 1.0) == now
    assert before.moved_to(now, 0.5) == HairColor((15.0, 30.0, 40.0), (2.0, 4.0))


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
    with pytest.raises(ValueError, match="matte"):
        LiveScene((), np.zeros((4, 4), np.float32))
    assert LiveScene((face,)).person is None and isinstance(LiveScene((face,)).faces[0], LiveFace)
