"""Dirt of crops: edits with specks are farther from real faces than clean ones; a face without a mesh has no patches."""

from pathlib import Path

import numpy as np
import pytest

from lianpu.dataset.drawn import draw_dataset
from lianpu.dataset.sources import open_dataset
from lianpu.errors import ScoreError
from lianpu.evaluation.dirt import DirtOfCrops
from lianpu.imaging.picture import Picture
from lianpu.metrics.patch_distance import ZONES, patch_distance

COUNT = 8


def with_specks(picture: Picture) -> Picture:
    dirty = picture.copy()
    places = np.random.default_rng(0).integers(20, len(picture) - 20, (150, 2))
    for y, x in places:
        dirty[y : y + 2, x : x + 2] = 20
    return dirty


@pytest.mark.usefixtures("mediapipe_models")
def test_specks_make_edits_dirtier_and_what_shows_no_face_is_left_out(tmp_path: Path) -> None:
    folder = draw_dataset(tmp_path / "drawn", 2 * COUNT, 128, seed=0, held_out=0.5)
    data = open_dataset("CelebAMask-HQ", folder, 128, ["Male"])
    dirt = DirtOfCrops("celebamask-hq")
    real = dirt.of_real(data.train, np.arange(COUNT))
    assert len(real) == COUNT and real[0].shape[0] == len(ZONES)
    pictures = [data.test.read(row) for row in range(COUNT)]
    clean, dirty = (
        np.stack(
            [
                patches
                for row, (face, edit) in enumerate(zip(pictures, edits, strict=True))
                if (patches := dirt.of_edit(row, face, edit)) is not None
            ]
        )
        for edits in (pictures, list(map(with_specks, pictures)))
    )
    assert len(clean) == len(dirty) == COUNT
    distances = [patch_distance(edits, np.stack(real), 0).all.value for edits in (clean, dirty)]
    assert distances[1] > 2 * abs(distances[0])
    grey = np.full((128, 128, 3), 128, np.uint8)
    assert dirt.of_edit(COUNT, grey, grey) is None


def test_data_that_does_not_say_how_faces_were_cut_out_has_no_dirt() -> None:
    with pytest.raises(ScoreError, match="'center-square' of how its faces were cut out"):
        DirtOfCrops("center-square")
