"""What is seen from probabilities, how accuracy is counted, and a classifier that learns."""

import numpy as np
import pytest
import torch

from lianpu.attributes import AttributeSet
from lianpu.metrics.attribute_classifier import labels_seen, measure_accuracy
from lianpu.metrics.classifier_training import ClassifierSettings, train_classifier, vary

HAIR = AttributeSet.of(["Black_Hair", "Blond_Hair", "Male"])


def test_of_a_group_only_the_likeliest_is_seen_and_only_above_one_half() -> None:
    chances = np.array([[0.9, 0.8, 0.9], [0.4, 0.3, 0.1], [0.2, 0.6, 0.5]])
    assert labels_seen(HAIR, chances).tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]


def test_with_one_class_per_face_the_likeliest_is_seen_however_unsure() -> None:
    chances = np.array([[0.4, 0.35, 0.25], [0.1, 0.1, 0.8]])
    assert labels_seen(AttributeSet.of_classes(["cat", "dog", "fox"]), chances).tolist() == [[1, 0, 0], [0, 0, 1]]


def test_balanced_accuracy_gives_a_guesser_one_half() -> None:
    labels = np.array([[1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1]], dtype=np.float32)
    accuracy = measure_accuracy(HAIR, np.zeros_like(labels), labels)
    assert accuracy["Black_Hair"].accuracy == 0.75 and accuracy["Black_Hair"].balanced_accuracy == 0.5
    assert (accuracy["Black_Hair"].positives, accuracy["Black_Hair"].count) == (1, 4)


def test_balanced_accuracy_of_a_split_with_one_kind_only_is_none() -> None:
    labels = np.array([[1, 0, 0]], dtype=np.float32)
    assert measure_accuracy(HAIR, labels, labels)["Blond_Hair"].balanced_accuracy is None


class ColoredSquares:
    """Red or blue squares, rarely red: one attribute that only colour tells."""

    labels = (np.arange(40) % 5 == 0).astype(np.float32)[:, None]

    def __len__(self) -> int:
        return len(self.labels)

    def read(self, index: int) -> np.ndarray:
        color = (200, 40, 40) if self.labels[index, 0] else (40, 40, 200)
        noise = np.random.default_rng(index).integers(-30, 31, (32, 32, 3))
        return np.clip(np.array(color) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("one_class", [False, True])
def test_a_rare_attribute_is_learned_in_a_few_steps(one_class: bool) -> None:
    faces = ColoredSquares()
    attributes = AttributeSet.of(["Red"])
    if one_class:
        faces.labels = np.concatenate([faces.labels, 1 - faces.labels], axis=1)
        attributes = AttributeSet.of_classes(["Red", "Blue"])
    settings = ClassifierSettings(input_px=32, least_steps=25, most_steps=25, batch_size=16)
    classifier = train_classifier(faces, attributes, 32, "squares", settings=settings)
    seen = classifier.see(np.stack([faces.read(index) for index in range(40)]))
    accuracy = measure_accuracy(attributes, seen, faces.labels)["Red"].balanced_accuracy
    assert accuracy is not None and accuracy > 0.95
    assert classifier.info.train_count == 40 and classifier.info.steps == 25


def test_training_does_not_move_the_chance_of_others() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_classifier(
        ColoredSquares(), AttributeSet.of(["Red"]), 32, "x", settings=ClassifierSettings(32, 1, least_steps=1, most_steps=1)
    )
    assert torch.equal(torch.rand(3), expected)


def test_steps_follow_the_size_of_the_set_within_bounds() -> None:
    settings = ClassifierSettings(epochs=8, least_steps=120, most_steps=400, batch_size=32)
    assert [settings.steps(count) for count in (50, 800, 160_000)] == [120, 200, 400]


def test_variation_keeps_hue_and_moves_little() -> None:
    """A green square stays green, and the middle of a face stays the middle."""
    green = np.zeros((4, 64, 64, 3), dtype=np.uint8)
    green[:, 24:40, 24:40, 1] = 255
    varied = vary(green, 64, np.random.default_rng(0))
    assert varied.shape == (4, 3, 64, 64)
    middle = varied[:, :, 28:36, 28:36].mean(dim=(2, 3))
    assert (middle[:, 1] > middle[:, 0] + 1).all() and torch.allclose(middle[:, 0], middle[:, 2])
