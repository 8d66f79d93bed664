"""Faces that a child could label: hair is the upper half, and Male has a dark bar across the lower."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from lianpu.attributes import AttributeSet, Labels
from lianpu.dataset.faces import Dataset
from lianpu.dataset.sources import open_dataset
from lianpu.editors.editor import ModelInfo
from lianpu.evaluation.judges import METRICS, Judges, features_of_faces, prepare_judges
from lianpu.imaging.picture import Picture, to_batch, to_pictures
from lianpu.metrics.classifier_training import ClassifierSettings
from lianpu.metrics.lpips_distance import LpipsDistance
from lianpu.photo.writing import write_image

SIDE_PX = 32
NAMES = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male")
COLORS = {0: (20, 20, 25), 1: (225, 200, 120), 2: (120, 70, 35)}
QUICK = ClassifierSettings(input_px=32, least_steps=40, most_steps=40, batch_size=16)


GRAIN = np.random.default_rng(0).integers(-12, 13, (SIDE_PX, SIDE_PX, 3))


def paint(picture: Picture, labels: np.ndarray) -> Picture:
    """The picture with the hair and the bar that the labels (A,) ask for, as grainy as the rest."""
    painted = picture.astype(int)
    for column, color in COLORS.items():
        if labels[column] > 0.5:
            painted[:16] = color + GRAIN[:16]
    painted[22:26] = (40, 40, 60) if labels[3] > 0.5 else (210, 170, 150)
    painted[22:26] += GRAIN[22:26]
    return np.clip(painted, 0, 255).astype(np.uint8)


def draw(number: int, labels: np.ndarray) -> Picture:
    skin = np.array([210, 170, 150]) + np.random.default_rng(number).integers(-12, 13, (SIDE_PX, SIDE_PX, 3))
    return paint(skin.astype(np.uint8), labels)


def labels_of(count: int) -> np.ndarray:
    """Hair black, blond and brown in turn; every second three are Male."""
    labels = np.zeros((count, 4), dtype=np.uint8)
    labels[np.arange(count), np.arange(count) % 3] = 1
    labels[:, 3] = np.arange(count) // 3 % 2
    return labels


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 faces to train on, 36 held out, as a CelebAMask-HQ-like folder."""
    root = tmp_path_factory.mktemp("painted")
    labels = np.concatenate([labels_of(48), labels_of(36)])
    names = [f"{number:03d}.png" for number in range(len(labels))]
    for number, name in enumerate(names):
        write_image(root / "images" / name, draw(number, labels[number]))
    rows = [f"{name} {' '.join(str(2 * int(value) - 1) for value in row)}" for name, row in zip(names, labels, strict=True)]
    (root / "list_attr.txt").write_text("\n".join([str(len(rows)), " ".join(NAMES), *rows]) + "\n")
    (root / "train.txt").write_text("\n".join(names[:48]) + "\n")
    (root / "val.txt").write_text("\n".join(names[48:]) + "\n")
    return root


@pytest.fixture(scope="session")
def dataset(data_folder: Path) -> Dataset:
    return open_dataset("CelebAMask-HQ", data_folder, SIDE_PX, NAMES)


class TinyNetwork:
    """Mean colours of a 4 x 4 grid: a feature network that costs nothing."""

    name = "tiny"
    resize = "none"

    def extract(self, pictures: Picture) -> tuple[torch.Tensor, torch.Tensor]:
        cells = pictures.reshape(len(pictures), 4, SIDE_PX // 4, 4, SIDE_PX // 4, 3).mean(axis=(2, 4)) / 255
        features = torch.from_numpy(cells.reshape(len(pictures), -1).astype(np.float32))
        return features, features[:, :10] * 20


@pytest.fixture(scope="session")
def judges(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Judges:
    """All judges, quick ones: the real classifier, real LPIPS on a random AlexNet, and TinyNetwork for distances."""
    alexnet = tmp_path_factory.mktemp("alexnet") / "alexnet.pth"
    torch.manual_seed(0)
    state = torchvision.models.alexnet(weights=None).state_dict()
    torch.save({name: tensor for name, tensor in state.items() if name.startswith("features.")}, alexnet)
    prepared = prepare_judges(dataset, ("attribute_success",), classifier_settings=QUICK)
    return replace(
        prepared,
        metrics=METRICS,
        network=TinyNetwork(),
        real=features_of_faces(TinyNetwork(), dataset.train, 0, 48, None),
        unedited=features_of_faces(TinyNetwork(), dataset.test, 0, 36, None),
        lpips=LpipsDistance(alexnet),
    )


class PaintingEditor:
    """An editor that really makes the edit."""

    kind = "PyTorch FP32"

    def __init__(self, attributes: AttributeSet) -> None:
        self.info = ModelInfo(attributes, SIDE_PX, step=30)

    def edit(self, batch: torch.Tensor, labels: Labels) -> torch.Tensor:
        return to_batch([paint(picture, wanted) for picture, wanted in zip(to_pictures(batch), labels, strict=True)])


class LazyEditor(PaintingEditor):
    """An editor that changes nothing."""

    def edit(self, batch: torch.Tensor, labels: Labels) -> torch.Tensor:
        return batch.clone()


@pytest.fixture
def painter(dataset: Dataset) -> PaintingEditor:
    return PaintingEditor(dataset.attributes)


@pytest.fixture
def lazy(dataset: Dataset) -> LazyEditor:
    return LazyEditor(dataset.attributes)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without network and without downloaded weights."""
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
