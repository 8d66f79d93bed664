"""Results check themselves, cannot be changed, and say what was wrong with what they were given."""

import dataclasses

import numpy as np
import pytest

from lianpu.errors import SettingsError
from lianpu.faces.results import Face, FaceParts, Identity, Landmarks, SexAge, Subject
from lianpu.imaging.geometry import scale_points
from lianpu.part_names import PART_INDEX

FIVE = np.array([[10, 20], [30, 20], [20, 30], [12, 40], [28, 40]], dtype=np.float32)


def test_a_face_measures_its_box_and_the_distance_of_its_eyes() -> None:
    face = Face((5, 10, 35, 50), 0.9, FIVE, "drawn")
    assert (face.width_px, face.height_px, face.area, face.eye_distance_px) == (30, 40, 1200, 20)
    assert face.turned == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"box_xyxy": (35, 10, 5, 50)}, "right > left"),
        ({"box_xyxy": (5, 10, float("nan"), 50)}, "a box is left, top, right, bottom"),
        ({"box_xyxy": (5, 10, 35)}, "a box is left, top, right, bottom"),
        ({"score": 1.2}, "a score is from 0 to 1, got 1.2"),
        ({"score": float("nan")}, "a score is from 0 to 1, got nan"),
        ({"points": FIVE[:4]}, r"a face has 5 finite points \(5, 2\), got \(4, 2\)"),
        ({"points": np.full((5, 2), np.inf)}, "5 finite points"),
        ({"turned": 45}, r"\(0, 90, 180, 270\) degrees, got 45"),
    ],
)
def test_a_face_refuses_what_cannot_be(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Face(**({"box_xyxy": (5, 10, 35, 50), "score": 0.9, "points": FIVE, "detector": "drawn"} | changes))  # type: ignore[arg-type]


def test_points_of_a_face_are_its_own_and_do_not_change() -> None:
    given = FIVE.copy()
    face = Face((5, 10, 35, 50), 0.9, given, "drawn")
    given[0, 0] = 99
    assert face.points[0, 0] == 10
    with pytest.raises(ValueError, match="read-only"):
        face.points[0, 0] = 99
    with pytest.raises(dataclasses.FrozenInstanceError):
        face.score = 0.1  # type: ignore[misc]


def test_landmarks_have_as_many_points_as_their_scheme() -> None:
    assert Landmarks(np.zeros((68, 2), np.float32), "dlib-68").points.dtype == np.float32
    with pytest.raises(ValueError, match=r"dlib-68 has 68 finite points \(68, 2\), got \(106, 2\)"):
        Landmarks(np.zeros((106, 2), np.float32), "dlib-68")
    with pytest.raises(ValueError, match="landmarks are dlib-68 or insightface-106, got 'mine'"):
        Landmarks(np.zeros((68, 2), np.float32), "mine")  # type: ignore[arg-type]


def test_parts_say_where_they_are_and_how_much_of_the_picture_they_take() -> None:
    mask = np.zeros((4, 5), dtype=np.uint8)
    mask[0, :2], mask[1, 0] = PART_INDEX["hair"], PART_INDEX["hat"]
    parts = FaceParts(mask, "by hand")
    assert parts.where("hair").sum() == 2
    assert parts.where("hair", "hat").sum() == 3
    assert parts.where("hair", "hat")[1, 0]
    assert parts.share("hair") == 0.1
    with pytest.raises(SettingsError, match=r"'hairs' is no part of a face \(did you mean 'hair'\?\)"):
        parts.where("hairs")


@pytest.mark.parametrize("mask", [np.zeros((4, 5)), np.zeros((4, 5, 1), np.uint8), np.full((4, 5), 19, np.uint8)])
def test_parts_refuse_a_mask_of_another_kind(mask: np.ndarray) -> None:
    with pytest.raises(ValueError, match="a mask"):
        FaceParts(mask, "by hand")


def test_identities_compare_by_angle_and_distance() -> None:
    east, north = Identity(np.array([1.0, 0.0]), "e"), Identity(np.array([0.0, 1.0]), "e")
    assert east.cosine(east) == 1 and east.distance(east) == 0
    assert east.cosine(north) == 0 and east.distance(north) == pytest.approx(np.sqrt(2))


def test_identities_of_two_encoders_are_not_compared() -> None:
    one, other = Identity(np.array([1.0, 0.0]), "arcface"), Identity(np.array([1.0, 0.0]), "dlib")
    for compare in (one.cosine, one.distance):
        with pytest.raises(ValueError, match="identities of arcface and dlib cannot be compared"):
            compare(other)


@pytest.mark.parametrize("vector", [[1.0, 1.0], [np.nan, 1.0], [], [[1.0, 0.0]]])
def test_an_identity_is_a_finite_unit_vector(vector: list[float]) -> None:
    with pytest.raises(ValueError, match="of length 1"):
        Identity(np.array(vector), "e")


def test_sex_and_age_stay_in_range() -> None:
    assert SexAge(0.3, 41.5, "m") == SexAge(0.3, 41.5, "m")
    with pytest.raises(ValueError, match=r"a male score is from 0 to 1, got -0\.1"):
        SexAge(-0.1, 41.5, "m")
    with pytest.raises(ValueError, match="a finite number of years, got nan"):
        SexAge(0.3, float("nan"), "m")


@pytest.mark.parametrize("by", [0.25, 0.4, 1.0, 2.3])
def test_the_parts_of_a_scaled_subject_lie_where_its_points_do(by: float) -> None:
    rows, columns = np.mgrid[:240, :320]
    disc = ((columns - 150.3) ** 2 + (rows - 110.8) ** 2 < 70**2).astype(np.uint8)
    window = (slice(40, 200), slice(61, 253))
    face = Face((5, 10, 35, 50), 0.9, FIVE, "drawn")
    parts = FaceParts(disc[window], "drawn")
    subject = Subject(face, Landmarks(np.zeros((68, 2), np.float32), "dlib-68"), window, parts, others=((150.3, 110.8, 20.0),))
    scaled = subject.scaled((by, by), (round(320 * by), round(240 * by)))
    across = np.nonzero(scaled.parts.mask)
    middle = (across[1].mean() + scaled.window[1].start, across[0].mean() + scaled.window[0].start)
    assert middle == pytest.approx(scale_points(np.array([150.3, 110.8]), by), abs=0.2)
    assert scaled.others[0] == pytest.approx((*scale_points(np.array([150.3, 110.8]), by), 20 * by))
