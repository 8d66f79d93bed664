"""The stand-in: right weights, right preprocessing, shown on pictures that anyone can name."""

import numpy as np
import pytest
import torch

from lianpu.errors import WeightsError
from lianpu.imaging.picture import center_crop
from lianpu.metrics.features import EfficientNetFeatures, to_network_input
from lianpu.models.efficientnet import in_order
from lianpu.photo.reading import read_image
from tests.support.shared import PHOTOS, needs


@pytest.fixture(scope="module")
def network() -> EfficientNetFeatures:
    return EfficientNetFeatures()


@needs(PHOTOS)
@pytest.mark.parametrize(("name", "imagenet_class"), [("p28_object.png", 967), ("p25_landscape.jpg", 975)])
def test_a_photo_of_an_espresso_or_a_lakeside_is_recognised(
    network: EfficientNetFeatures, name: str, imagenet_class: int
) -> None:
    _, logits = network.extract(center_crop(read_image(PHOTOS / name), 10_000)[None])
    assert int(logits.argmax()) == imagenet_class
    assert float(logits.softmax(1).max()) > 0.5


@needs(PHOTOS)
def test_a_photo_of_a_dog_is_taken_for_a_dog(network: EfficientNetFeatures) -> None:
    """ImageNet's dogs, wild ones included, are classes 151 to 275."""
    _, logits = network.extract(read_image(PHOTOS / "p27_animal.jpg")[None])
    assert float(logits.softmax(1)[0, 151:276].sum()) > 0.8


def test_features_and_logits_have_their_shapes_for_small_and_large_faces(network: EfficientNetFeatures) -> None:
    for side_px in (64, 256):
        features, logits = network.extract(np.zeros((2, side_px, side_px, 3), dtype=np.uint8))
        assert features.shape == (2, 1280) and logits.shape == (2, 1000)
        assert features.dtype == torch.float32


def test_features_of_a_picture_do_not_depend_on_its_batch(network: EfficientNetFeatures) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    alone, together = network.extract(pictures[:1])[0], network.extract(pictures)[0][:1]
    assert torch.allclose(alone, together, atol=1e-4)


def test_input_is_what_google_trained_with() -> None:
    picture = np.full((1, 224, 224, 3), 255, dtype=np.uint8)
    assert to_network_input(picture).unique().tolist() == [1.0]
    assert to_network_input(np.zeros((1, 64, 64, 3), dtype=np.uint8)).unique().tolist() == [-127 / 128]


def test_a_file_of_another_network_is_refused_with_the_first_tensor_that_differs() -> None:
    ours = {"stem.weight": torch.zeros(2, 3), "stem.bias": torch.zeros(2)}
    with pytest.raises(WeightsError, match=r"stem\.bias is \(2,\), but _b in its place is \(5,\)"):
        in_order({"_w": torch.zeros(2, 3), "_b": torch.zeros(5)}, ours)
    with pytest.raises(WeightsError, match="has 2 tensors, the file has 1"):
        in_order({"_w": torch.zeros(2, 3)}, ours)
