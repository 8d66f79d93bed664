import numpy as np
import torch

from lianpu.stargan.targets import shuffled_targets, step_generator


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
