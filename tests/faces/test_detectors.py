"""YuNet through OpenCV: faces where faces are, at any size of picture, and clear words for a wrong file."""

from pathlib import Path

import numpy as np
import pytest

from lianpu.errors import ModelError
from lianpu.faces.detection import find_faces, overlap
from lianpu.faces.detectors import YuNetDetector
from lianpu.faces.insightface_models import ScrfdDetector
from lianpu.imaging.geometry import scale_box, scale_points, scaling, warp
from lianpu.photo.reading import read_image
from tests.support.detectors import write_scrfd
from tests.support.shared import YUNET, real_model


def test_yunet_finds_the_six_faces_where_scrfd_finds_them(yunet: YuNetDetector, scrfd: ScrfdDetector, group: np.ndarray) -> None:
    got, expected = find_faces(group, yunet), find_faces(group, scrfd)
    assert len(got) == 6
    for face in got:
        twin = max(expected, key=lambda other: overlap(face, other))
        assert overlap(face, twin) > 0.6
        assert np.abs(face.points - twin.points).mean() < 0.12 * twin.width_px


@pytest.mark.parametrize("name", ["yunet_n_320_320.onnx", "yunet_n_640_640.onnx"])
@pytest.mark.parametrize("size", [(320, 320), (325, 402), (101, 127), (1280, 1920)])
def test_the_place_of_a_face_does_not_depend_on_the_size_of_the_picture(photos: Path, name: str, size: tuple[int, int]) -> None:
    from PIL import Image

    picture = read_image(photos / "p08_portrait_upright.jpg")
    width, height = size
    resized = np.asarray(Image.fromarray(picture).resize((width, height)), dtype=np.uint8)
    detector = YuNetDetector(real_model(YUNET.with_name(name)))
    (whole,), (face,) = find_faces(picture, detector), find_faces(resized, detector)
    scale = np.array([width / picture.shape[1], height / picture.shape[0]])
    assert np.abs(face.points / scale - whole.points).max() < 0.08 * whole.width_px


def test_a_face_of_a_picture_four_times_as_large_has_scaled_points(photos: Path) -> None:
    """With every pixel repeated the network sees the same: half-pixel centres, as everywhere."""
    picture = read_image(photos / "p08_portrait_upright.jpg")
    detector = YuNetDetector(real_model(YUNET))
    (face,) = detector.detect(small := warp(picture, scaling(640 / 402), (517, 640)))
    (large,) = detector.detect(np.ascontiguousarray(small.repeat(4, axis=0).repeat(4, axis=1)))
    assert large.points == pytest.approx(scale_points(face.points, 4), abs=0.01)
    assert large.box_xyxy == pytest.approx(scale_box(face.box_xyxy, 4), abs=0.01)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 900, 3), (3000, 2, 3)])
def test_odd_sizes_hold_no_face_and_are_no_error(yunet: YuNetDetector, shape: tuple[int, int, int]) -> None:
    assert yunet.detect(np.zeros(shape, dtype=np.uint8)) == ()


def test_another_kind_of_network_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"scrfd_500m_kps\.onnx is a SCRFD detector .+; expected a YuNet detector"):
        YuNetDetector(write_scrfd(tmp_path / "scrfd_500m_kps.onnx", (), 320, 320))


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "yunet.onnx"
    file.write_bytes(b"no network")
    with pytest.raises(ModelError, match=r"yunet\.onnx cannot be loaded as ONNX"):
        YuNetDetector(file)
