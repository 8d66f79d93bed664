"""Our SCRFD gives the package's numbers, and says what is wrong with a file that is none."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from insightface.app import FaceAnalysis

from lianpu.bench.stand_ins import write_landmark_network
from lianpu.errors import ModelError
from lianpu.faces.insightface_models import Landmarks106, ScrfdDetector
from lianpu.photo.reading import read_image
from tests.support.detectors import write_scrfd
from tests.support.shared import SCRFD, YUNET, real_model


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> FaceAnalysis:
    """The package's own way: a folder with the one detector."""
    folder = tmp_path_factory.mktemp("pack")
    (folder / "scrfd_500m_kps.onnx").symlink_to(real_model(SCRFD).resolve())
    app = FaceAnalysis(name=str(folder), providers=["CPUExecutionProvider"])
    app.prepare(ctx_id=0)
    return app


@pytest.mark.parametrize(
    "photo", ["p01_group.jpg", "p07_group_small_faces.jpg", "p12_profile.jpg", "p19_eyeglasses.jpg", "p25_landscape.jpg"]
)
def test_boxes_scores_and_points_are_those_of_the_package(
    photos: Path, scrfd: ScrfdDetector, package: FaceAnalysis, photo: str
) -> None:
    expected = package.get(cv2.imread(str(photos / photo)))
    got = scrfd.detect(read_image(photos / photo))
    assert len(got) == len(expected)
    for ours, theirs in zip(got, expected, strict=True):
        assert ours.box_xyxy == pytest.approx(
            theirs.bbox.tolist(), abs=0.5
        )  # the JPEG decoders differ by a grey value here and there
        assert ours.score == pytest.approx(float(theirs.det_score), abs=0.01)
        np.testing.assert_allclose(ours.points, theirs.kps, atol=0.5)


def test_the_eye_on_the_left_comes_first(scrfd: ScrfdDetector, group: np.ndarray) -> None:
    for face in scrfd.detect(group):
        left_eye, right_eye, nose, left_mouth, right_mouth = face.points.tolist()
        assert left_eye[0] < right_eye[0] and left_mouth[0] < right_mouth[0]
        assert left_eye[1] < nose[1] < left_mouth[1]
        assert face.detector == "scrfd_500m_kps"


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 900, 3), (700, 2, 3), (16, 16, 3)])
def test_odd_sizes_hold_no_face_and_are_no_error(scrfd: ScrfdDetector, shape: tuple[int, int, int]) -> None:
    assert scrfd.detect(np.zeros(shape, dtype=np.uint8)) == ()


def test_a_higher_least_score_leaves_out_the_unsure(scrfd: ScrfdDetector, photos: Path) -> None:
    picture = read_image(photos / "p16_surgical_masks.jpg")
    strict = ScrfdDetector(real_model(SCRFD), threads=1, min_score=0.75)
    expected = [face.score for face in scrfd.detect(picture) if face.score >= 0.75]
    assert [face.score for face in strict.detect(picture)] == expected
    assert 0 < len(expected) < len(scrfd.detect(picture))


def test_another_kind_of_network_is_named(tmp_path: Path) -> None:
    file = write_landmark_network(tmp_path / "points.onnx", width=8)
    with pytest.raises(
        ModelError, match=r"points\.onnx is a network of 106 landmarks .+; expected a SCRFD detector with 5 points"
    ):
        ScrfdDetector(file)
    with pytest.raises(ModelError, match=r"yunet_n_640_640\.onnx is a YuNet detector .+; expected a SCRFD detector"):
        ScrfdDetector(real_model(YUNET))
    with pytest.raises(ModelError, match=r"scrfd_500m_kps\.onnx is a SCRFD detector .+; expected a network of 106 landmarks"):
        Landmarks106(real_model(SCRFD))


def test_a_cut_off_file_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "det_10g.onnx"
    file.write_bytes(write_scrfd(file, (), 320, 320).read_bytes()[:100_000])
    with pytest.raises(
        ModelError, match=r"det_10g\.onnx cannot be loaded as ONNX \(.+\)\. Get it again \(lianpu models fetch NAME\)"
    ) as caught:
        ScrfdDetector(file)
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match=r"absent\.onnx is not there"):
        ScrfdDetector(tmp_path / "absent.onnx")
