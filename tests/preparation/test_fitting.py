"""Rules fitted to faces whose labels are known: from made measures, and what is measured on real faces."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from lianpu.errors import DataError
from lianpu.preparation.fitting import KnownFace, fit_rules, known_faces, score_rules
from lianpu.preparation.models import open_analysis_models
from lianpu.preparation.settings import PrepareSettings
from tests.support.shared import SHARED, needs

FACES = SHARED / "data" / "celebamask_mini"
YUNET = SHARED / "models" / "yunet_n_640_640.onnx"


def _made_faces(count: int, seed: int) -> list[KnownFace]:
    """Faces whose hat is seen, whose sex is in the first number of their identity, and whose grey hair is pale and not young."""
    chance = np.random.default_rng(seed)
    faces = []
    for _ in range(count):
        male, hat, old = (bool(value) for value in chance.random(3) < 0.4)
        pale = bool(chance.random() < 0.5)
        identity = chance.normal(0, 0.05, 8) + np.array([male * 0.5, old * 0.5, *[0.1] * 6])
        lab = {
            "hair_lightness": 30 + 40 * pale + chance.normal(0, 3),
            "hair_a": chance.normal(3, 1),
            "hair_b": chance.normal(5, 2),
        }
        measures = {"hat": (-0.8 if hat else -4.5) + chance.normal(0, 0.3), **lab}
        labels = {"Male": male, "Wearing_Hat": hat, "Young": not old, "Gray_Hair": pale and old, "Smiling": hat}
        faces.append(KnownFace(labels, measures, identity.astype(np.float32)))
    return faces


def test_rules_are_learnt_for_what_is_labelled_and_hold_on_new_faces() -> None:
    rules = fit_rules(_made_faces(400, 0), "made faces", "free", "made", "made")
    assert set(rules.measured) == {"Wearing_Hat", "Gray_Hair"} and set(rules.probed) == {"Male", "Young"}
    score = score_rules(rules, _made_faces(400, 1), 0.8)
    assert [one.attribute for one in score.agreements] == ["Gray_Hair", "Male", "Wearing_Hat", "Young"]
    for one in score.agreements:
        assert one.coverage > 0.9 and one.accuracy is not None and one.accuracy > 0.97, one


def test_too_few_faces_of_a_kind_are_named() -> None:
    faces = [
        KnownFace({"Wearing_Hat": number < 3}, {"hat": -float(number)}, np.zeros(0, dtype=np.float32)) for number in range(30)
    ]
    with pytest.raises(DataError, match=r"Wearing_Hat cannot be fitted: 3 faces with it and 27 without, 5 of each are needed"):
        fit_rules(faces, "x", "free", "none", "none")
    with pytest.raises(
        DataError, match=r"Eyeglasses cannot be fitted: glasses were measured on no face\. Give a parser or masks"
    ):
        fit_rules([KnownFace({"Eyeglasses": True}, {}, np.zeros(0, dtype=np.float32))], "x", "free", "none", "none")


@needs(FACES)
def test_real_faces_are_measured_with_given_masks(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "images").mkdir(parents=True)
    lines = (FACES / "list_attr.txt").read_text().splitlines()
    (data / "list_attr.txt").write_text("\n".join(["3", *lines[1:5]]) + "\n")
    for number in (1, 2, 3):
        shutil.copy(FACES / "images" / f"{number:06d}.jpg", data / "images")
    (data / "train.txt").write_text("000001.jpg\n000002.jpg\n")
    (data / "val.txt").write_text("000003.jpg\n")
    models = open_analysis_models(PrepareSettings(detector=str(YUNET), parser="none"), threads=1)
    table, faces = known_faces(data, "train", models, FACES / "masks")
    assert "non-commercial" in table.licence and len(faces) == 2
    assert len(faces[0].identity) == 128 and "hair_lightness" in faces[0].measures
    assert faces[1].labels["Mouth_Slightly_Open"] and faces[1].measures["mouth_open"] > faces[0].measures["mouth_open"]
    with pytest.raises(DataError, match=r"000001\.png cannot be read as a mask"):
        known_faces(data, "train", models, tmp_path)
    with pytest.raises(DataError, match="no faces in the split 'test'"):
        known_faces(data, "test", models)
