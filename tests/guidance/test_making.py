"""Guides are made once per run and found again."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from lianpu.dataset.faces import Dataset
from lianpu.dataset.sources import open_dataset
from lianpu.errors import DataError, RunError
from lianpu.guidance import making as guide_file
from lianpu.guidance.making import make_guides
from lianpu.guidance.parts import obtain_part_maps
from lianpu.metrics.classifier_training import ClassifierSettings
from lianpu.part_names import PART_INDEX
from lianpu.training.config import RunConfig, parse_config

ATTRIBUTES = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")


def _config(**loss: float) -> RunConfig:
    return parse_config({"model": {"image_size": 32, "d_repeat_num": 3}, "training": {"device": "cpu"}, "loss": loss}, "test")


def _no_parser() -> None:
    raise AssertionError("masks lie beside the faces, so no parser is asked for")


def test_nothing_is_made_when_nothing_is_asked_for(drawn: Dataset, tmp_path: Path) -> None:
    guides = make_guides(drawn, _config(), tmp_path / "run")
    assert guides.classifier is None and guides.parts is None and not (tmp_path / "run").exists()


def test_a_guide_is_trained_once_and_sees_gradients(drawn: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guide_file, "GUIDE_SETTINGS", ClassifierSettings(input_px=32, least_steps=2, epochs=1, batch_size=16))
    stages: list[str] = []
    said: list[str] = []
    config = _config(lambda_guide=1.0)
    first = make_guides(drawn, config, tmp_path / "run", stage=lambda name: stages.append(name), say=said.append)
    assert said[0].startswith("Before training: the guide, a classifier, is trained. That takes minutes, once")
    assert said[-1].startswith("Made in ") and first.seconds > 0
    again = make_guides(drawn, config, tmp_path / "run", say=said.append)
    assert len(said) == 2 and again.seconds == 0, "what was kept is not announced, and costs nothing"
    assert first.classifier is not None and again.classifier is not None
    faces = (torch.rand(2, 3, 32, 32) * 2 - 1).requires_grad_(True)
    logits = first.classifier(faces)
    assert logits.shape == (2, 5)
    torch.testing.assert_close(logits, again.classifier(faces))
    logits.sum().backward()
    assert faces.grad is not None and float(faces.grad.abs().sum()) > 0
    assert not any(parameter.requires_grad for parameter in first.classifier.parameters())
    assert stages == ["Training the guide"]


def test_guides_are_not_written_among_other_peoples_files(drawn: Dataset, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match="holds files but no run"):
        make_guides(drawn, _config(lambda_guide=1.0), tmp_path)


@pytest.fixture
def bare_folder(drawn_folder: Path, tmp_path: Path) -> Path:
    """Drawn faces without their masks."""
    folder = tmp_path / "data"
    folder.mkdir()
    for item in drawn_folder.iterdir():
        if item.name != "masks":
            (folder / item.name).symlink_to(item)
    return folder


@pytest.fixture
def faces_with_masks(bare_folder: Path) -> Dataset:
    """Drawn faces with masks whose left half is hair."""
    folder = bare_folder
    (folder / "masks").mkdir()
    mask = np.zeros((96, 96), dtype=np.uint8)
    mask[:, :48] = PART_INDEX["hair"]
    for picture in (folder / "images").iterdir():
        Image.fromarray(mask).save(folder / "masks" / f"{picture.stem}.png")
    return open_dataset("CelebAMask-HQ", folder, 32, ATTRIBUTES)


def test_part_maps_are_read_from_masks_beside_the_faces_and_kept(faces_with_masks: Dataset, tmp_path: Path) -> None:
    file = tmp_path / "run" / "parts.npz"
    parts = obtain_part_maps(faces_with_masks.train, file, _no_parser)  # type: ignore[arg-type]
    assert parts.maps.shape == (48, 64, 64)
    assert (parts.maps[:, :, :32] == PART_INDEX["hair"]).all() and not parts.maps[:, :, 32:].any()
    for mask in (faces_with_masks.train.table.root.parent / "masks").iterdir():
        mask.unlink()
    assert np.array_equal(obtain_part_maps(faces_with_masks.train, file, _no_parser).maps, parts.maps)  # type: ignore[arg-type]


def test_a_face_without_a_mask_is_named(faces_with_masks: Dataset, tmp_path: Path) -> None:
    masks = faces_with_masks.train.table.root.parent / "masks"
    name = Path(faces_with_masks.train.table.files[faces_with_masks.train.rows[7]])
    (masks / f"{name.stem}.png").unlink()
    with pytest.raises(DataError, match=rf"{name} has no mask in .*Give every picture one"):
        obtain_part_maps(faces_with_masks.train, tmp_path / "parts.npz", _no_parser)  # type: ignore[arg-type]


def test_kept_maps_that_are_cut_off_are_made_again(faces_with_masks: Dataset, tmp_path: Path) -> None:
    file = tmp_path / "parts.npz"
    file.write_bytes(b"PK\x03\x04 cut off")
    assert len(obtain_part_maps(faces_with_masks.train, file, _no_parser).maps) == 48  # type: ignore[arg-type]


def test_without_masks_a_parser_looks_at_every_face(bare_folder: Path, tmp_path: Path) -> None:
    faces = open_dataset("CelebAMask-HQ", bare_folder, 32, ATTRIBUTES).train

    class Everything:
        """A parser that takes all for hair."""

        size_px = 64

        def parse_crops(self, crops: list[np.ndarray]) -> np.ndarray:
            assert crops[0].shape == (64, 64, 3)
            return np.full((len(crops), 64, 64), PART_INDEX["hair"], dtype=np.uint8)

    told: list[tuple[int, int]] = []
    parser: Any = Everything
    parts = obtain_part_maps(faces, tmp_path / "parts.npz", parser, on_progress=lambda done, total: told.append((done, total)))
    assert (parts.maps == PART_INDEX["hair"]).all() and told[-1] == (48, 48)
