import pytest
import torch

from lianpu.guidance.teacher import FrozenFeatures
from lianpu.models.efficientnet import build_efficientnet


@pytest.fixture(scope="module")
def features() -> FrozenFeatures:
    torch.manual_seed(0)
    return FrozenFeatures(build_efficientnet(), (1, 2, 4, 6))


def test_maps_have_the_strides_and_channels_that_are_named(features: FrozenFeatures) -> None:
    maps = features(torch.zeros(2, 3, 64, 64))
    assert features.channels == (24, 40, 112, 320)
    assert [tuple(each.shape) for each in maps] == [(2, 24, 16, 16), (2, 40, 8, 8), (2, 112, 4, 4), (2, 320, 2, 2)]


def test_faces_get_a_gradient_and_the_weights_are_held(features: FrozenFeatures) -> None:
    faces = torch.rand(1, 3, 64, 64).requires_grad_(True)
    sum(each.square().mean() for each in features(faces)).backward()
    assert faces.grad is not None and float(faces.grad.abs().sum()) > 0
    assert all(parameter.grad is None for parameter in features.parameters())


def test_statistics_are_those_of_the_weights_not_of_the_batch(features: FrozenFeatures) -> None:
    faces = torch.rand(2, 3, 64, 64)
    both, alone = features(faces), features(faces[:1])
    for one, other in zip(both, alone, strict=True):
        assert float((one[:1] - other).abs().max()) < 1e-3 * float(other.abs().max())
