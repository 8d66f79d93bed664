"""Faces that a child could label: hair is the upper half, and Male has a dark bar across the lower."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from lianpu.attributes import AttributeSet, Labels
from lianpu.dataset.faces import Dataset, Faces
from lianpu.dataset.table import FaceTable, Split
from lianpu.editors.editor import ModelInfo
from lianpu.evaluation.judges import METRICS, Judges, features_of_faces, prepare_judges
from lianpu.image import Picture, to_batch, to_pictures, write_image
from lianpu.metrics.classifier_training import ClassifierSettings
from lianpu.metrics.lpips_distance import LpipsDistance

SIDE_PX = 32
NAMES = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male")
COLORS = {0: (20, 20, 25), 1: (225, 200, 120), 2: (120, 70, 35)}
QUICK = ClassifierSettings(input_px=32, epochs=1, least_steps=80, most_steps=80, batch_size=16)


def paint(picture: Picture, labels: np.ndarray) -> Picture:
    """The picture with the hair and the bar that the labels (A,) ask for."""
    painted = picture.copy()
    for column, color in COLORS.items():
        if labels[column] > 0.5:
            painted[: SIDE_PX // 2] = color
    painted[22:26] = (40, 40, 60) if labels[3] > 0.5 else (210, 170, 150)
    return painted


def draw(number: int, labels: np.ndarray) -> Picture:
    chance = np.random.default_rng(number)
    skin = np.full((SIDE_PX, SIDE_PX, 3), (210, 170, 150), dtype=np.uint8)
    noise = chance.integers(-12, 13, (SIDE_PX, SIDE_PX, 3))
    return np.clip(paint(skin, labels).astype(int) + noise, 0, 255).astype(np.uint8)


def labels_of(count: int) -> np.ndarray:
    """Hair black, blond and brown in turn; every second three are Male."""
    labels = np.zeros((count, 4), dtype=np.uint8)
    labels[np.arange(count), np.arange(count) % 3] = 1
    labels[:, 3] = np.arange(count) // 3 % 2
    return labels


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """48 faces to train on, 36 held out."""
    root = tmp_path_factory.mktemp("painted")
    labels = np.concatenate([labels_of(48), labels_of(36)])
    files = tuple(f"{number:03d}.png" for number in range(len(labels)))
    for number, file in enumerate(files):
        write_image(root / file, draw(number, labels[number]))
    splits: tuple[Split, ...] = ("train",) * 48 + ("val",) * 36
    table = FaceTable("csv", root, files, NAMES, labels, splits)
    attributes = AttributeSet.of(NAMES)
    train = Faces(table, np.arange(48), attributes, SIDE_PX, "train")
    held_out = Faces(table, np.arange(48, 84), attributes, SIDE_PX, "val")
    return Dataset("csv", train.table.root, train, held_out, fingerprint="painted", alignment="none", licence="ours")


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
