import math

import pytest
import torch

from lianpu.stargan.losses import (
    classification_loss,
    critic_loss,
    deception_loss,
    imitation_loss,
    penalty_of_gradient,
    reconstruction_loss,
)


def test_critic_loss_is_fake_minus_real() -> None:
    assert critic_loss(torch.tensor([3.0, 5.0]), torch.tensor([1.0, 1.0])).item() == -3.0
    assert deception_loss(torch.tensor([1.0, 3.0])).item() == -2.0


def test_binary_classification_is_summed_over_attributes_and_averaged_over_faces() -> None:
    logits, labels = torch.zeros(2, 3), torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(classification_loss(logits, labels, one_class=False).item(), 3 * math.log(2))


def test_classes_use_softmax() -> None:
    logits, labels = torch.zeros(2, 4), torch.eye(4)[:2]
    torch.testing.assert_close(classification_loss(logits, labels, one_class=True).item(), math.log(4))


def test_reconstruction_is_the_mean_absolute_difference() -> None:
    assert reconstruction_loss(torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), -0.5)).item() == 0.5


def test_penalty_is_zero_for_gradients_of_length_one() -> None:
    gradient = torch.zeros(2, 3, 4, 4)
    gradient[:, 1, 2, 2] = 1.0
    assert penalty_of_gradient(gradient).item() == 0.0
    assert penalty_of_gradient(gradient * 3).item() == 4.0


@pytest.mark.parametrize(("change", "weight"), [(0.0, 1.0), (0.25, 2.0), (0.5, 3.0), (1.0, 3.0)])
def test_what_a_teacher_changes_counts_up_to_three_times(change: float, weight: float) -> None:
    faces = torch.zeros(2, 3, 4, 4)
    taught = faces + change
    assert imitation_loss(faces, taught + 0.1, taught).item() == pytest.approx(0.1 * weight)
