import pytest
import torch

from lianpu.stargan.losses import penalty_of_gradient
from lianpu.stargan.networks import Discriminator
from lianpu.stargan.penalty import mixed_faces, score_gradient


def _reference(discriminator: Discriminator, faces: torch.Tensor) -> torch.Tensor:
    """The gradient as yunjey/stargan takes it: by double backward."""
    leaf = faces.clone().requires_grad_(True)
    scores, _ = discriminator(leaf)
    return torch.autograd.grad(scores, leaf, torch.ones_like(scores), create_graph=True, retain_graph=True)[0]


@pytest.mark.parametrize("size_px", [32, 36, 44])
def test_gradient_and_its_derivative_equal_double_backward(size_px: int) -> None:
    torch.manual_seed(0)
    discriminator = Discriminator(size_px, 8, 5, 4).double()
    faces = torch.randn(3, 3, size_px, size_px, dtype=torch.double)

    reference = _reference(discriminator, faces)
    penalty_of_gradient(reference).backward()
    expected = {name: parameter.grad for name, parameter in discriminator.named_parameters()}
    discriminator.zero_grad(set_to_none=True)
    gradient = score_gradient(discriminator, faces)
    penalty_of_gradient(gradient).backward()

    torch.testing.assert_close(gradient, reference)
    for name, parameter in discriminator.named_parameters():
        if name.endswith("weight") and name != "conv2.weight":
            torch.testing.assert_close(parameter.grad, expected[name])
        else:  # biases and the class head do not move the slope of the score
            assert parameter.grad is None
            reference_gradient = expected[name]
            assert reference_gradient is None or not reference_gradient.any()


def test_mixed_faces_lie_between_real_and_fake() -> None:
    real, fake = torch.ones(2, 3, 4, 4), -torch.ones(2, 3, 4, 4)
    mixed = mixed_faces(real, fake, torch.tensor([1.0, 0.25]).view(2, 1, 1, 1))
    assert mixed[0].unique().item() == 1.0
    assert mixed[1].unique().item() == -0.5
