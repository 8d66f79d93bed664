"""A mesh has lips under a mask, too: their colour tells."""

import cv2
import numpy as np
import pytest

from lianpu.faces.analyzer import AnalyzerSettings, open_analyzer
from lianpu.faces.covered_mouth import mouth_is_covered
from lianpu.faces.mesh import outline
from lianpu.photo.reading import read_image
from tests.support.shared import YUNET, real_model, real_photo

pytestmark = pytest.mark.usefixtures("mediapipe_models")


@pytest.mark.parametrize(
    ("photo", "masks"),
    [("p15_surgical_mask", 1), ("p16_surgical_masks", 10), ("p17_portrait", 0), ("p03_group", 0), ("p12_profile", 0)],
)
def test_masks_of_every_pattern_are_told_from_lips(photo: str, masks: int) -> None:
    picture = read_image(real_photo(photo))
    subjects = open_analyzer(AnalyzerSettings(str(real_model(YUNET)), parser="none"), threads=1).analyze(picture)
    covered = [subject for subject in subjects if subject.mesh is not None and mouth_is_covered(picture, subject.mesh)]
    assert len(covered) == masks
    for subject in subjects:
        assert subject.parts.where("u_lip", "l_lip", "mouth").any() == (subject not in covered)


def test_a_painted_mask_covers_and_grey_pictures_are_believed() -> None:
    picture = read_image(real_photo("p17_portrait"))
    (subject,) = open_analyzer(AnalyzerSettings(str(real_model(YUNET)), parser="none"), threads=1).analyze(picture)
    assert subject.mesh is not None
    masked = picture.copy()
    lips = outline(subject.mesh, "lips_outer")
    around = lips.mean(axis=0) + 2.5 * (lips - lips.mean(axis=0))
    cv2.fillPoly(masked, [np.rint(around).astype(np.int32)], (140, 170, 200))
    assert mouth_is_covered(masked, subject.mesh)
    grey = np.asarray(np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2), dtype=np.uint8)
    assert not mouth_is_covered(grey, subject.mesh)
    assert not mouth_is_covered(np.zeros((4, 4, 3), np.uint8), subject.mesh)
