import numpy as np
import torch

from lianpu.attributes import AttributeSet
from lianpu.stargan.targets import shuffled_targets, step_generator, with_one_change


def test_the_same_seed_and_step_give_the_same_numbers() -> None:
    def draw(seed: int, step: int) -> torch.Tensor:
        return torch.rand(4, generator=step_generator(seed, step))

    assert torch.equal(draw(1, 7), draw(1, 7))
    assert not torch.equal(draw(1, 7), draw(1, 8))
    assert not torch.equal(draw(1, 7), draw(2, 7))


def test_targets_are_the_labels_of_the_batch_dealt_out_anew() -> None:
    labels = np.eye(5, dtype=np.float32)
    targets = shuffled_targets(labels, step_generator(0, 1))
    assert not np.array_equal(targets, labels)
    assert np.array_equal(np.sort(targets.argmax(1)), np.arange(5))


def test_one_change_puts_on_another_hair_colour_or_flips_one_attribute() -> None:
    attributes = AttributeSet.of(("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"))
    labels = np.tile(np.array([1, 0, 0, 1, 1], dtype=np.float32), (300, 1))
    targets = with_one_change(labels, labels, attributes, 1.0, step_generator(0, 1))
    hair = (targets[:, :3] != labels[:, :3]).any(axis=1)
    changed = np.stack([hair, targets[:, 3] != 1, targets[:, 4] != 1], axis=1)
    assert (changed.sum(axis=1) == 1).all()
    assert (changed.mean(axis=0) > 0.25).all()
    assert (targets[hair, :3].sum(axis=1) == 1).all() and not targets[hair, 0].any()
    assert targets[hair, 1].any() and targets[hair, 2].any()


def test_the_other_rows_keep_their_targets() -> None:
    attributes = AttributeSet.of(("Male", "Young"))
    labels, targets = np.zeros((400, 2), np.float32), np.ones((400, 2), np.float32)
    mixed = with_one_change(labels, targets, attributes, 0.25, step_generator(0, 1))
    kept = (mixed == 1).all(axis=1).mean()
    assert 0.65 < kept < 0.85 and (mixed.sum(axis=1) >= 1).all()
