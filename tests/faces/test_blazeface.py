"""BlazeFace: anchors, decoding and suppression by hand; then real photos through the converted networks."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lianpu.errors import ModelError
from lianpu.faces import detectors
from lianpu.faces.blazeface import (
    BlazeFace,
    Findings,
    FullRangeDetector,
    ShortRangeDetector,
    anchors,
    combined,
    five_points,
    suppressed,
)
from lianpu.faces.detection import find_faces, overlap, second_look, turned_back
from lianpu.faces.detectors import best_detector, load_detector, video_detector
from lianpu.faces.results import Face
from lianpu.imaging.geometry import scale_points, scaling, warp
from lianpu.models.store.conversion import require_onnx
from lianpu.photo.reading import read_image
from tests.support.portraits import portrait
from tests.support.shared import real_photo


def test_anchors_are_those_of_mediapipe_s_generator() -> None:
    """896 for the short range: two in each of 16 x 16 cells, six in each of 8 x 8; 2304 for the full range, one in each of 48 x 48."""
    short = anchors(128, 128, (8, 16, 16, 16), 2)
    assert short.shape == (896, 2)
    assert short[:3].tolist() == [[4, 4], [4, 4], [12, 4]] and short[32].tolist() == [4, 12]
    assert short[512:519].tolist() == [[8, 8]] * 6 + [[24, 8]]
    full = anchors(192, 192, (4,), 1)
    assert (
        full.shape == (2304, 2) and full[0].tolist() == [2, 2] and full[48].tolist() == [2, 6] and full[-1].tolist() == [190, 190]
    )
    assert anchors(64, 96, (4,), 1).shape == (16 * 24, 2)


def test_findings_of_one_face_are_averaged_by_their_scores_and_keep_the_highest() -> None:
    boxes = np.array([(0, 0, 100, 100), (10, 0, 110, 100), (200, 0, 300, 100)], dtype=float)
    keys = np.zeros((3, 6, 2)) + np.array([0, 10, 200])[:, None, None]
    one, other = (suppressed(Findings(boxes, keys, np.array([0.6, 0.9, 0.7]))).of([row]) for row in (0, 1))
    assert one.boxes[0] == pytest.approx((6, 0, 106, 100)) and one.keys[0] == pytest.approx(np.full((6, 2), 6.0))
    assert one.scores == [0.9] and other.scores == [0.7] and other.boxes[0].tolist() == [200, 0, 300, 100]
    assert len(suppressed(Findings(np.zeros((0, 4)), np.zeros((0, 6, 2)), np.zeros(0)))) == 0


def test_scales_that_agree_make_a_face_surer() -> None:
    assert combined(np.array([0.5])) == 0.5
    assert combined(np.array([0.5, 0.4])) == pytest.approx(0.7)


def test_the_corners_of_the_mouth_lie_beside_its_middle_parallel_to_the_eyes() -> None:
    keys = np.array([(40, 50), (60, 50), (50, 60), (50, 72), (30, 52), (70, 52)], dtype=float)
    points = five_points(keys)
    assert points[:3].tolist() == [[40, 50], [60, 50], [50, 60]]
    assert points[3:] == pytest.approx(np.array([(50 - 7.78, 72), (50 + 7.78, 72)]), abs=0.01)
    turned = five_points(keys @ np.array([[0, 1], [-1, 0]]))
    assert turned == pytest.approx(points @ np.array([[0, 1], [-1, 0]]), abs=1e-4)


def write_blazeface(file: Path, row: int, offsets: np.ndarray, logit: float) -> Path:
    """A file of the short-range form that finds one face, whatever it is shown: the 16 numbers of one anchor, and its score's logit."""
    boxes, scores = np.zeros((1, 896, 16), dtype=np.float32), np.full((1, 896, 1), -100, dtype=np.float32)
    boxes[0, row], scores[0, row] = offsets, logit
    graph = helper.make_graph(
        [helper.make_node("Identity", [f"constant_{name}"], [name]) for name in ("boxes", "scores")],
        "the same face always",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 128, 128])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 896, n]) for name, n in (("boxes", 16), ("scores", 1))],
        [numpy_helper.from_array(boxes, "constant_boxes"), numpy_helper.from_array(scores, "constant_scores")],
    )
    onnx.save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), str(file))
    return file


def test_a_face_is_decoded_from_its_anchor_with_half_pixel_centres(tmp_path: Path) -> None:
    """Anchor 2 lies 12 px from the left edge and 4 from the top. In a picture twice as large pixels count from -0.5, too."""
    offsets = np.array([20, 30, 16, 24, *(value for k in range(6) for value in (k, 2 * k))], dtype=np.float32)
    detector = ShortRangeDetector(write_blazeface(tmp_path / "short.onnx", 2, offsets, 2.0), 1)
    (face,) = detector.detect(np.zeros((128, 96, 3), dtype=np.uint8))
    assert face.box_xyxy == pytest.approx((32 - 8 - 0.5, 34 - 12 - 0.5, 32 + 8 - 0.5, 34 + 12 - 0.5))
    assert face.points[:3] == pytest.approx(np.array([(11.5, 3.5), (12.5, 5.5), (13.5, 7.5)]))
    assert face.score == pytest.approx(1 / (1 + np.exp(-2)))
    (large,) = detector.detect(np.zeros((256, 192, 3), dtype=np.uint8))
    assert large.points == pytest.approx(scale_points(face.points, 2.0), abs=1e-4)
    unsure = ShortRangeDetector(write_blazeface(tmp_path / "unsure.onnx", 2, offsets, -0.1), 1)
    assert unsure.detect(np.zeros((128, 96, 3), dtype=np.uint8)) == ()


def test_another_network_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.onnx"
    file.write_bytes(b"no network")
    with pytest.raises(ModelError, match=r"other\.onnx cannot be loaded as ONNX"):
        BlazeFace(file)


@pytest.fixture(scope="module")
def blazeface(converted_mediapipe: Path) -> FullRangeDetector:
    """The full-range detector, by its converted file: recognised by its form."""
    detector = load_detector(str(converted_mediapipe / "face_detection_full_range_sparse.onnx"), threads=1)
    assert isinstance(detector, FullRangeDetector)
    return detector


def test_blazeface_is_chosen_where_nothing_better_is_here_and_dlib_where_it_cannot_be_had(
    mediapipe_models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert (best_detector(), video_detector(), load_detector(threads=1).name) == ("blazeface",) * 3
    assert load_detector("blazeface-short", threads=1).name == "blazeface-short"
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path))
    assert (best_detector(), video_detector()) == ("dlib", "dlib")


def test_a_video_takes_blazeface_beside_buffalo_l_also_where_it_is_not_yet_ready(
    mediapipe_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready: list[str] = []

    def require(name: str) -> Path:
        ready.append(name)
        return require_onnx(name)

    monkeypatch.setattr(detectors, "best_detector", lambda: "buffalo_l")
    monkeypatch.setattr(detectors, "require_onnx", require)
    assert video_detector() == "blazeface" and ready == ["blazeface-full"]
    monkeypatch.setenv("LIANPU_MODELS", str(mediapipe_models / "nothing"))
    assert video_detector() == "dlib" and ready == ["blazeface-full"] * 2


@pytest.mark.parametrize(
    ("photo", "count"),
    [
        ("p01_group", 6),
        ("p02_group", 16),
        ("p07_group_small_faces", 8),
        ("p12_profile", 1),
        ("p16_surgical_masks", 10),
        ("p17_portrait", 1),
        ("p20_full_length", 1),
        ("p25_landscape", 0),
        ("p26_surgical_mask_only", 0),
        ("p27_animal", 0),
        ("p28_object", 0),
    ],
)
def test_every_face_of_groups_portraits_and_masks_is_found_and_nothing_else(
    blazeface: FullRangeDetector, photo: str, count: int
) -> None:
    faces = find_faces(read_image(real_photo(photo)), blazeface)
    assert len(faces) == count
    assert second_look(faces) is None


@pytest.mark.parametrize(("photo", "turn"), [("p09_rotated_90", 90), ("p10_rotated_180", 180), ("p11_rotated_270", 270)])
def test_a_lying_face_is_found_with_its_points_the_right_way_round(blazeface: FullRangeDetector, photo: str, turn: int) -> None:
    (upright,) = find_faces(read_image(real_photo("p08_portrait_upright")), blazeface)
    picture = read_image(real_photo(photo))
    (found,) = find_faces(picture, blazeface)
    assert found.turned == turn
    expected = turned_back(upright, turn, picture.shape[1], picture.shape[0])
    assert overlap(found, expected) > 0.75
    assert np.abs(found.points - expected.points).max() < 0.12 * upright.width_px
    assert str(second_look([found])) == f"faces found in the picture turned by {turn} degrees: 1"
    assert second_look([found], upright=True) is None


def test_the_place_of_a_face_does_not_depend_on_the_size_of_the_picture(blazeface: FullRangeDetector) -> None:
    picture = read_image(real_photo("p08_portrait_upright"))
    (whole,) = blazeface.detect(picture)
    for by in (0.35, 0.7, 2.0, 5.0):
        size = round(picture.shape[1] * by), round(picture.shape[0] * by)
        (face,) = blazeface.detect(warp(picture, scaling(by), size))
        assert np.abs(scale_points(face.points, 1 / by) - whole.points).max() < 0.08 * whole.width_px


def test_small_faces_of_a_small_picture_are_found_in_enlarged_copies(blazeface: FullRangeDetector) -> None:
    picture = np.full((400, 600, 3), 120, dtype=np.uint8)
    middles = [(90 + 140 * column, 110 + 180 * row) for row in range(2) for column in range(4)]
    for number, (x, y) in enumerate(middles):
        picture[y - 26 : y + 26, x - 26 : x + 26] = portrait(number, 52).picture
    faces = blazeface.detect(picture)
    assert len(faces) == 8
    assert all(20 < face.width_px < 34 for face in faces)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 900, 3), (3000, 2, 3), (31, 33, 3)])
def test_odd_sizes_hold_no_face_and_are_no_error(blazeface: FullRangeDetector, shape: tuple[int, int, int]) -> None:
    assert blazeface.detect(np.zeros(shape, dtype=np.uint8)) == ()


def test_a_face_of_a_very_large_photo_is_found_in_tiles_where_it_is(blazeface: FullRangeDetector) -> None:
    """4000 px wide, one face of about 60 px: only the finest copy shows it well, and that is searched in tiles."""
    face = warp(read_image(real_photo("p08_portrait_upright")), scaling(0.4), (130, 161))
    picture = np.full((2000, 4000, 3), 128, dtype=np.uint8)
    picture[900 : 900 + 161, 2950 : 2950 + 130] = face
    (found,) = blazeface.detect(picture)
    x, y = np.mean(found.points, axis=0)
    assert 2980 < x < 3050 and 940 < y < 1010
    assert isinstance(found, Face) and 40 < found.width_px < 90
