"""Real photos and small real detectors, and networks of buffalo_l's form with random weights."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from lianpu.bench.stand_ins import write_iresnet, write_landmark_network, write_sex_age_network
from lianpu.faces.detectors import YuNetDetector
from lianpu.faces.insightface_models import ScrfdDetector
from lianpu.imaging.picture import Picture
from lianpu.photo.reading import read_image
from tests.support.shared import SCRFD, YUNET, real_model, real_photos


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder of real photos."""
    return real_photos()


@pytest.fixture(scope="session")
def scrfd() -> ScrfdDetector:
    return ScrfdDetector(real_model(SCRFD), threads=1)


@pytest.fixture(scope="session")
def yunet() -> YuNetDetector:
    return YuNetDetector(real_model(YUNET))


@pytest.fixture(scope="session")
def group(photos: Path) -> Picture:
    """A real photo of six faces, (886, 1280, 3)."""
    return read_image(photos / "p01_group.jpg")


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One small network for each part of buffalo_l but the detector, with any number of faces in a batch."""
    folder = tmp_path_factory.mktemp("networks")
    return {
        "landmarks": write_landmark_network(folder / "2d106det.onnx", width=8),
        "sex_age": write_sex_age_network(folder / "genderage.onnx"),
        "identity": write_iresnet(folder / "w600k_r50.onnx", blocks=(1, 1, 1, 1), width=8),
    }
