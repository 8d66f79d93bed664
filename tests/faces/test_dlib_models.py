"""dlib on drawn and real faces: found, pointed at, and told apart; and boxes of other detectors turned into dlib's."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lianpu.errors import ModelError, WeightsError
from lianpu.faces.dlib_models import (
    SAME_PERSON_DISTANCE,
    DlibDetector,
    DlibEncoder,
    HogFinder,
    ShapePredictor,
    dlib_box,
    five_of_68,
    load_landmarks_68,
    roll_deg,
)
from lianpu.faces.results import Face
from lianpu.imaging.geometry import map_points, warp
from lianpu.imaging.picture import Picture
from lianpu.models.store.locate import commercial_safe, require_model_file
from lianpu.photo.reading import read_image
from tests.support.portraits import PEOPLE, portrait
from tests.support.shared import real_faces


@pytest.fixture(scope="module")
def detector() -> DlibDetector:
    return DlibDetector()


@pytest.fixture(scope="module")
def landmarks() -> ShapePredictor:
    return load_landmarks_68()


@pytest.fixture(scope="module")
def encoder() -> DlibEncoder:
    return DlibEncoder()


def drawn(number: int) -> Picture:
    return portrait(number).picture


def as_another_found_it(face: Face) -> Face:
    """The same points with the box of a detector of another habit: from brow to chin, narrow."""
    low, high = face.points.min(axis=0) - (20, 90), face.points.max(axis=0) + np.array([20, 60])
    return Face((low[0], low[1], high[0], high[1]), 0.9, face.points, "another")


def error(points: np.ndarray, reference: np.ndarray) -> float:
    """Mean distance of 68 points, divided by the distance of the outer eye corners."""
    return float(np.linalg.norm(points - reference, axis=1).mean() / np.linalg.norm(reference[36] - reference[45]))


def test_faces_are_found_once_with_their_points(detector: DlibDetector) -> None:
    for number in PEOPLE:
        (face,) = detector.detect(drawn(number))
        assert face.detector == "dlib" and 0.5 < face.score <= 1
        five = five_of_68(portrait(number).points)
        assert np.abs(face.points - five).max() < 0.15 * face.eye_distance_px
        assert face.points[0, 0] < face.points[1, 0] and face.points[3, 0] < face.points[4, 0]


def test_a_surer_find_has_a_higher_score() -> None:
    small = np.asarray(Image.fromarray(drawn(PEOPLE[1])).resize((256, 256)))
    picture = np.concatenate([drawn(PEOPLE[0])[:256, :256] // 2 + 60, small, drawn(PEOPLE[2])[128:384, 128:384]], axis=1)
    low = HogFinder(lowest_margin=-0.5).find(picture)
    margins = [margin for _, margin in low]
    scores = [face.score for face in DlibDetector(lowest_margin=-0.5).detect(picture)]
    assert len(low) > 1 and scores == sorted(scores, reverse=True) == [1 / (1 + np.exp(-2 * margin)) for margin in margins]


def test_small_faces_are_found_because_the_picture_is_enlarged(detector: DlibDetector) -> None:
    small = np.asarray(Image.fromarray(drawn(PEOPLE[0])).resize((88, 88), Image.Resampling.LANCZOS))
    assert HogFinder(smallest_px=80).find(small) == ()
    (face,) = detector.detect(small)
    assert 40 < face.width_px < 65
    assert np.abs(face.points - five_of_68(portrait(PEOPLE[0]).points) * (88 / 512)).max() < 0.2 * face.eye_distance_px


def test_a_large_picture_is_searched_in_a_smaller_copy(detector: DlibDetector) -> None:
    large = np.asarray(Image.fromarray(drawn(PEOPLE[1])).resize((4096, 4096), Image.Resampling.BILINEAR))
    (face,) = detector.detect(large)
    assert np.abs(face.points / 8 - five_of_68(portrait(PEOPLE[1]).points)).max() < 0.15 * face.eye_distance_px / 8


def test_no_face_and_tiny_pictures_give_nothing(detector: DlibDetector) -> None:
    assert detector.detect(np.full((200, 300, 3), 128, dtype=np.uint8)) == ()
    assert detector.detect(np.zeros((1, 1, 3), dtype=np.uint8)) == ()
    assert detector.detect(np.zeros((3, 2000, 3), dtype=np.uint8)) == ()


def test_what_is_no_picture_is_refused(detector: DlibDetector) -> None:
    with pytest.raises(ValueError, match=r"uint8 RGB \(H, W, 3\), got float64"):
        detector.detect(np.zeros((9, 9, 3)))  # type: ignore[arg-type]


def test_a_view_of_a_picture_gives_what_its_copy_gives(detector: DlibDetector, landmarks: ShapePredictor) -> None:
    picture = drawn(PEOPLE[0])
    view = np.ascontiguousarray(picture[:, ::-1])[:, ::-1]
    assert not view.flags.c_contiguous
    (face,), (same,) = detector.detect(picture), detector.detect(view)
    assert face.box_xyxy == same.box_xyxy
    np.testing.assert_array_equal(landmarks.of_face(picture, face), landmarks.of_face(view, same))


def test_landmarks_of_dlibs_own_box_are_dlibs(detector: DlibDetector, landmarks: ShapePredictor) -> None:
    import dlib

    picture = drawn(PEOPLE[2])
    (face,) = detector.detect(picture)
    predictor = dlib.shape_predictor(str(require_model_file("dlib-landmarks-68")))
    found = predictor(picture, dlib.rectangle(*(round(edge) for edge in face.box_xyxy)))
    theirs = np.array([(point.x, point.y) for point in found.parts()])
    np.testing.assert_array_equal(landmarks.of_face(picture, face), theirs)


def test_boxes_of_other_detectors_are_adjusted_to_dlibs_habit(detector: DlibDetector, landmarks: ShapePredictor) -> None:
    predictor = ShapePredictor(require_model_file("dlib-landmarks-68"), 68)
    adjusted, raw = [], []
    for number in PEOPLE:
        picture = drawn(number)
        (own,) = detector.detect(picture)
        reference = landmarks.of_face(picture, own)
        other = as_another_found_it(own)
        adjusted.append(error(landmarks.of_face(picture, other), reference))
        raw.append(error(predictor.predict(picture, other.box_xyxy), reference))
    assert np.mean(adjusted) < 0.02 and np.mean(adjusted) < 0.6 * np.mean(raw), (np.mean(adjusted), np.mean(raw))


@pytest.mark.parametrize("turn_deg", [-150, -90, -40, 20, 60, 180])
def test_a_turned_face_has_its_points_where_they_are(detector: DlibDetector, landmarks: ShapePredictor, turn_deg: int) -> None:
    picture = drawn(PEOPLE[3])
    (face,) = detector.detect(picture)
    reference = landmarks.of_face(picture, face)
    turn = np.deg2rad(turn_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = np.array([255.5, 255.5])
    matrix = np.column_stack([rotation, middle - rotation @ middle])
    points = map_points(matrix, face.points)
    low, high = points.min(axis=0) - 50, points.max(axis=0) + 50
    turned = Face((low[0], low[1], high[0], high[1]), 0.9, points, "another")
    difference = roll_deg(turned) - turn_deg - roll_deg(face)
    assert (difference + 180) % 360 - 180 == pytest.approx(0, abs=0.1)
    found = landmarks.of_face(warp(picture, matrix, (512, 512)), turned)
    assert error(found, map_points(matrix, reference)) < 0.035


def test_faces_partly_or_wholly_outside_of_the_picture_have_points_and_an_identity(
    landmarks: ShapePredictor, encoder: DlibEncoder
) -> None:
    picture = drawn(PEOPLE[0])
    five = five_of_68(portrait(PEOPLE[0]).points)
    faces = []
    for shift in ((-260, 0), (0, 300), (-5000, -5000), (100_000, 7)):
        points = five + np.array(shift, dtype=np.float32)
        low, high = points.min(axis=0) - 50, points.max(axis=0) + 50
        faces += [Face((low[0], low[1], high[0], high[1]), 0.5, points, who) for who in ("dlib", "another")]
    assert all(landmarks.of_face(picture, face).shape == (68, 2) for face in faces) and len(encoder.of(picture, faces)) == 8
    profile = Face((0, 0, 9, 9), 0.5, np.array([(5, 5), (5, 5), (5, 5), (5, 5), (5, 5.01)], dtype=np.float32), "another")
    assert landmarks.of_face(picture, profile).shape == (68, 2)


def test_dlibs_box_of_a_face_follows_its_points() -> None:
    five = five_of_68(portrait(PEOPLE[0]).points)
    face = Face((0, 0, 9, 9), 0.5, five, "another")
    x1, y1, x2, y2 = dlib_box(face)
    half_as_large = Face((0, 0, 9, 9), 0.5, (five / 2 + np.array([7, 3])).astype(np.float32), "another")
    np.testing.assert_allclose(dlib_box(half_as_large), (x1 / 2 + 7, y1 / 2 + 3, x2 / 2 + 7, y2 / 2 + 3), atol=1e-3)
    assert dlib_box(Face((1, 2, 30, 40), 0.5, five, "dlib")) == (1, 2, 30, 40)


REAL_PEOPLE = (4, 24, 44, 64, 84, 104)


def test_a_face_is_itself_mirrored_and_compressed_and_nobody_else(detector: DlibDetector, encoder: DlibEncoder) -> None:
    folder = real_faces() / "images"
    people = [read_image(folder / f"{number:06d}.jpg") for number in REAL_PEOPLE]
    identities = [encoder.of(picture, detector.detect(picture))[0] for picture in people]
    for picture, identity in zip(people, identities, strict=True):
        stored = BytesIO()
        Image.fromarray(picture).resize((256, 256)).save(stored, "JPEG", quality=30)
        compressed = np.asarray(Image.open(stored).convert("RGB"))
        mirrored = np.ascontiguousarray(picture[:, ::-1])
        for same in (compressed, mirrored):
            (again,) = encoder.of(same, detector.detect(same))
            assert identity.distance(again) < 0.6 * SAME_PERSON_DISTANCE
    others = [one.distance(other) for at, one in enumerate(identities) for other in identities[:at]]
    assert min(others) > 0.9 * SAME_PERSON_DISTANCE and np.median(others) > 1.3 * SAME_PERSON_DISTANCE


def test_all_faces_of_a_picture_are_encoded_as_one_batch_with_the_same_result(
    detector: DlibDetector, encoder: DlibEncoder
) -> None:
    both = np.concatenate([drawn(PEOPLE[0]), drawn(PEOPLE[1])], axis=1)
    faces = detector.detect(both)
    assert len(faces) == 2
    together, alone = encoder.of(both, faces), [encoder.of(both, [face])[0] for face in faces]
    for first, second in zip(together, alone, strict=True):
        assert first.encoder == "dlib-face-encoder" and first.vector.shape == (128,)
        np.testing.assert_allclose(first.vector, second.vector, atol=1e-5)
    assert encoder.of(both, ()) == ()


def test_vectors_are_dlibs_own_at_length_one(detector: DlibDetector, encoder: DlibEncoder) -> None:
    import dlib

    picture = drawn(PEOPLE[4])
    (face,) = detector.detect(picture)
    five = dlib.shape_predictor(str(require_model_file("dlib-landmarks-5")))
    network = dlib.face_recognition_model_v1(str(require_model_file("dlib-face-encoder")))
    box = dlib.rectangle(*(round(edge) for edge in face.box_xyxy))
    theirs = np.array(network.compute_face_descriptor(picture, five(picture, box)))
    assert 1.2 < np.linalg.norm(theirs) < 1.7
    np.testing.assert_allclose(encoder.of(picture, [face])[0].vector, theirs / np.linalg.norm(theirs), atol=1e-5)


def test_a_predictor_of_other_points_and_other_files_are_refused(tmp_path: Path) -> None:
    five_points = require_model_file("dlib-landmarks-5")
    with pytest.raises(ModelError, match=r"predicts 5 points, not 68\. Give a predictor of 68 points"):
        load_landmarks_68(five_points)
    cut = tmp_path / "cut.dat"
    cut.write_bytes(five_points.read_bytes()[:100_000])
    with pytest.raises(ModelError, match=r"cut\.dat is no dlib shape predictor, or is cut off"):
        ShapePredictor(cut)
    with pytest.raises(WeightsError, match="is not dlib-face-encoder"):
        DlibEncoder(cut)


def test_commercial_use_leaves_the_encoder_but_not_the_68_points() -> None:
    with commercial_safe(True):
        assert DlibEncoder().name == "dlib-face-encoder"
        with pytest.raises(WeightsError, match="may not be used commercially"):
            DlibDetector()


@pytest.mark.parametrize("size", [(96, 65_539), (40, 60_000), (12, 4_000)])
def test_a_thin_and_very_wide_array_is_searched_without_harm(size: tuple[int, int]) -> None:
    """Given to the library as an array, it meets no limit of a reader; dlib by itself would corrupt memory."""
    noise = np.random.default_rng(0).integers(0, 4, (*size, 3), dtype=np.uint8) * 60
    assert isinstance(HogFinder().find(noise), tuple)
