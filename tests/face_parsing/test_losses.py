import math

import pytest
import torch

from lianpu.face_parsing.data.mask_files import IGNORED
from lianpu.face_parsing.losses import at_size_of, ohem_cross_entropy, total_loss, weighted_dice_loss


def logits_for(mask: torch.Tensor, sureness: float, classes: int = 3) -> torch.Tensor:
    """Logits that give the mask's classes, the higher the surer."""
    return sureness * torch.nn.functional.one_hot(mask.long(), classes).permute(0, 3, 1, 2).float()


def test_hard_pixels_alone_count_when_there_are_enough_of_them():
    mask = torch.zeros(1, 4, 4, dtype=torch.uint8)
    logits = torch.zeros(1, 2, 4, 4)
    logits[:, 0, 2:] = 20.0  # the lower half is easy, the upper half is a toss

    assert ohem_cross_entropy(logits, mask).item() == pytest.approx(math.log(2))


def test_the_hardest_share_counts_when_all_pixels_are_easy():
    mask = torch.zeros(1, 4, 4, dtype=torch.uint8)
    logits = torch.zeros(1, 2, 4, 4)
    logits[:, 0] = 3.0
    logits[0, 0, 0, 0] = 2.0  # one of 16 pixels is less sure, and the least share is one of 16

    assert ohem_cross_entropy(logits, mask).item() == pytest.approx(math.log(1 + math.exp(-2.0)), rel=1e-5)


@pytest.mark.parametrize("loss", [ohem_cross_entropy, lambda logits, mask: weighted_dice_loss(logits, mask, torch.ones(3))])
def test_ignored_pixels_do_not_matter(loss):
    mask = torch.randint(0, 3, (2, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    mask[:, :2] = IGNORED
    logits = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    other = logits.clone()
    other[:, :, :2] += torch.randn(2, 3, 2, 8)

    assert torch.allclose(loss(logits, mask), loss(other, mask))


def test_dice_of_a_sure_and_right_parser_is_nothing_and_of_a_wrong_one_is_one():
    mask = torch.tensor([[[0, 0], [1, 2]]], dtype=torch.uint8)
    wrong = torch.tensor([[[1, 1], [2, 0]]], dtype=torch.uint8)
    weights = torch.ones(3)

    assert weighted_dice_loss(logits_for(mask, 50), mask, weights).item() == pytest.approx(0, abs=1e-5)
    assert weighted_dice_loss(logits_for(wrong, 50), mask, weights).item() == pytest.approx(50 + 1, rel=1e-4)


def test_a_class_that_the_batch_does_not_hold_does_not_enter_the_dice():
    mask = torch.tensor([[[0, 0], [1, 1]]], dtype=torch.uint8)
    without, with_third = logits_for(mask, 50, 2), logits_for(mask, 50, 3)

    assert torch.allclose(
        weighted_dice_loss(without, mask, torch.ones(2)), weighted_dice_loss(with_third, mask, torch.ones(3)), atol=1e-5
    )


def test_auxiliary_outputs_count_at_their_weight_and_coarse_ones_are_enlarged():
    mask = torch.zeros(1, 8, 8, dtype=torch.uint8)
    main, coarse = torch.zeros(1, 2, 8, 8), torch.zeros(1, 2, 2, 2)

    total = total_loss((main, coarse), mask, ohem_cross_entropy, 0.3)

    assert total.item() == pytest.approx(1.3 * math.log(2))
    assert at_size_of(coarse, mask).shape == (1, 2, 8, 8)
