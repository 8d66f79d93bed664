"""Every effect on real faces, with the parts and points that people and dlib gave them."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from lianpu.effects.catalogue import EFFECTS, Effect
from lianpu.effects.hair import hair_color
from lianpu.effects.skin import whiten_teeth
from lianpu.faces.results import Mesh
from lianpu.imaging.color import lab_of_color, rgb_to_lab
from lianpu.photo.reading import read_image
from tests.support.shared import REAL_FACES, needs
from tests.support.subjects import subject_of

DATA = REAL_FACES
pytestmark = needs(DATA)

SMILING, PROFILE, GLASSES = "000002", "000301", "000004"


def _face(name: str):
    lines = (DATA / "landmarks68.csv").read_text(encoding="utf-8").splitlines()
    row = next(line for line in lines if line.startswith(f"{name}.jpg"))
    points = np.array([float(value) for value in row.split(",")[1:]], np.float32).reshape(68, 2)
    mask = np.array(Image.open(DATA / "masks" / f"{name}.png"))
    with np.load(DATA / "mesh478.npz") as meshes:
        mesh = Mesh(meshes[name], 1.0)
    return read_image(DATA / "images" / f"{name}.jpg"), replace(subject_of(mask, points), mesh=mesh)


@pytest.mark.parametrize("name", [SMILING, PROFILE, GLASSES])
@pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS)
def test_an_effect_changes_a_part_of_a_real_face(effect: Effect, name: str) -> None:
    photo, subject = _face(name)
    after = effect.apply(photo, [subject], 1.0)
    share = (after != photo).any(axis=2).mean()
    nothing_to_do = effect.name in ("whiten_teeth", "brighten_eyes", "beard") or (effect.name, name) in (
        ("eye_shadow", GLASSES),
        ("sticker", GLASSES),
    )
    assert 0.0005 < share < 0.9 or (share == 0 and nothing_to_do)


def test_dark_hair_becomes_blond_as_blond_hair_is() -> None:
    photo, subject = _face(SMILING)
    hair = subject.parts.where("hair")
    after = rgb_to_lab(hair_color(photo, subject, 1.0, "#b8936a").astype(np.float32) / np.float32(255))[hair]
    low, middle, high = np.percentile(after[:, 0], (5, 50, 95))
    assert middle == pytest.approx(lab_of_color("#b8936a")[0], abs=6)
    assert middle - low > 12 and high - middle > 12  # real blond hair: 31 and 22
    assert 15 < np.hypot(*after[:, 1:].mean(axis=0)) < 40


def test_a_smile_becomes_less_yellow() -> None:
    photo, subject = _face(SMILING)
    mouth = subject.parts.where("mouth")
    before, after = (
        rgb_to_lab(picture.astype(np.float32) / np.float32(255))[mouth] for picture in (photo, whiten_teeth(photo, subject, 1.0))
    )
    light = before[:, 0] > 60
    assert after[light, 2].mean() < before[light, 2].mean() - 1 and after[light, 0].mean() > before[light, 0].mean()
