"""Biases of classes that are called too often, or too seldom."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from lianpu.dataset.drawn import draw_dataset
from lianpu.face_parsing.calibration import best_biases, calibrated_biases
from lianpu.face_parsing.data.masks import open_parsing_set
from lianpu.face_parsing.scores import count_pixels, f1
from lianpu.part_names import PART_INDEX, PARTS


def _mean_f1(logits: np.ndarray, truth: np.ndarray) -> float:
    return float(np.nanmean(f1(count_pixels(truth[None], logits.argmax(axis=0).astype(np.uint8)[None], len(logits)))))


def _made(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits of three classes that say the truth (class 2 is rare), but for noise, and an offset of 1.5 for class 2."""
    chance = np.random.default_rng(seed)
    truth = chance.choice(3, size=count, p=[0.6, 0.38, 0.02]).astype(np.uint8)
    logits = chance.normal(size=(3, count)) + 3 * (truth == np.arange(3)[:, None])
    logits[2] += 1.5
    return logits.astype(np.float32), truth


def test_a_class_that_is_called_too_often_is_held_back() -> None:
    logits, truth = _made(0, 20_000)
    biases = best_biases(logits, truth)
    assert biases[2] < -1.4 and np.isclose(biases, np.round(biases, 1)).all()
    assert _mean_f1(logits + biases[:, None], truth) > _mean_f1(logits, truth) + 0.1
    others, other_truth = _made(1, 20_000)
    assert _mean_f1(others + biases[:, None], other_truth) > _mean_f1(others, other_truth) + 0.1


def test_no_single_change_of_a_bias_would_be_better() -> None:
    logits, truth = _made(2, 3_000)
    biases = best_biases(logits, truth)
    reached = _mean_f1(logits + biases[:, None], truth)
    for index in range(3):
        for change in (-0.4, -0.1, 0.1, 0.4):
            changed = biases.copy()
            changed[index] += change
            assert _mean_f1(logits + changed[:, None], truth) <= reached + 1e-9


def test_logits_that_are_right_and_classes_that_are_not_there_stay_as_they_are() -> None:
    truth = np.array([0, 0, 2, 2, 2, 0], dtype=np.uint8)
    logits = np.where(truth == np.arange(4)[:, None], 2.0, 0.0).astype(np.float32)
    assert not best_biases(logits, truth).any()


class _Painted(nn.Module):
    """Reads the classes off painted pictures, half their size; sees hair a little everywhere."""

    colours: torch.Tensor

    def __init__(self, colours: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("colours", torch.from_numpy(colours))

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor]:
        small = batch[:, :, ::2, ::2]
        logits = -((small[:, None] - self.colours[None, :, :, None, None]) ** 2).sum(dim=2)
        logits[:, PART_INDEX["hair"]] += 3.0
        return (logits,)


def test_biases_come_from_the_faces_as_they_are(tmp_path: Path) -> None:
    data = open_parsing_set(draw_dataset(tmp_path / "faces", count=6, size_px=64, seed=3, held_out=2)).train
    colours = np.stack([_mean_colour(data, index) for index in range(len(PARTS))])
    told: list[tuple[int, int]] = []
    biases = calibrated_biases(_Painted(colours).eval(), data, 64, 3, lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert biases.shape == (19,) and biases.dtype == np.float32
    assert biases[PART_INDEX["hair"]] < biases[PART_INDEX["skin"]] - 1.0


def _mean_colour(data: object, index: int) -> np.ndarray:
    """The mean colour of a part over the faces, in [-1, 1]; far off where no face has it."""
    pixels = [picture[mask == index] for picture, mask in (data.read(number) for number in range(len(data)))]  # type: ignore[attr-defined, arg-type]
    found = np.concatenate(pixels)
    return (found.mean(axis=0) / 127.5 - 1 if len(found) else np.full(3, 9.0)).astype(np.float32)
