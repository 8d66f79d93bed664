"""Biases of a trained parser's classes, so that it calls rare parts where they are and no more often than that.

Class weights, faces drawn for their rare parts and objects laid on teach a network that rare parts are frequent. On faces as they are
it then finds earrings and necklaces that are not there. A bias per class, chosen on training faces, takes that back at no cost.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import nn

from lianpu.face_parsing.data.masks import ParsingFaces
from lianpu.imaging.picture import resize, to_batch

CHOICES = np.linspace(-4.0, 4.0, 81)
"""The biases that are tried, 0 among them."""

_ROUNDS = 3

_EVERY = 2
"""Only every second row and column of the logits is used: neighbours agree."""


def calibrated_biases(
    network: nn.Module,
    faces: ParsingFaces,
    size_px: int,
    count: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """What to add to the logits of the C classes, (C,) float32, for the highest mean F1 over some faces as they are.

    Args:
        network: gives logits (B, C, s, s) as the first of a tuple; in eval mode.
        faces: training faces, never those that it is scored on.
        size_px: side of the network's input.
        count: how many of the faces to look at, evenly spread over them.
        on_progress: called with faces done and faces in all.
    """
    chosen = np.unique(np.linspace(0, len(faces) - 1, min(count, len(faces))).astype(int))
    logits, truth = [], []
    for number, index in enumerate(chosen, start=1):
        picture, mask = faces.read(int(index))
        with torch.inference_mode():
            answer = network(to_batch([resize(picture, size_px)]))[0][0].numpy()
        small = np.asarray(Image.fromarray(mask).resize(answer.shape[:0:-1], Image.Resampling.NEAREST))
        logits.append(answer[:, ::_EVERY, ::_EVERY].reshape(len(answer), -1))
        truth.append(small[::_EVERY, ::_EVERY].ravel())
        if on_progress is not None:
            on_progress(number, len(chosen))
    return best_biases(np.concatenate(logits, axis=1), np.concatenate(truth))


def best_biases(logits: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The biases (C,) float32 out of `CHOICES` that give logits (C, N) the highest mean F1 against `truth` (N,) uint8.

    One class after the other, rarest first, three times over. Classes that `truth` does not have keep 0. Every choice for a class is
    scored at once: all that a pixel needs to know is from which bias on it would be called that class, and what it is called before.
    """
    true_counts = np.bincount(truth, minlength=len(logits))
    present = np.flatnonzero(true_counts)
    biases = np.zeros(len(logits), dtype=np.float32)
    for _ in range(_ROUNDS):
        for index in present[np.argsort(true_counts[present])]:
            scores = _scores_of_choices(logits, biases, int(index), truth, true_counts)
            near_zero = np.abs(CHOICES)
            best = np.flatnonzero(scores >= scores.max() - 1e-6)
            biases[index] = CHOICES[best[np.argmin(near_zero[best])]]
    return biases


def _scores_of_choices(
    logits: np.ndarray, biases: np.ndarray, index: int, truth: np.ndarray, true_counts: np.ndarray
) -> np.ndarray:
    """Mean F1 over the classes that are present, for each of `CHOICES` as the bias of one class, (J,)."""
    classes, choices = len(logits), len(CHOICES)
    other, height = _strongest_but(logits, biases, index)
    needed = np.searchsorted(CHOICES, height - logits[index], side="right")  # the first choice from which on it is that class

    def by_choice(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How many of the pixels the class has at each choice, (J,), and how many the others still have, (C, J)."""
        table = np.bincount(other[pixels] * (choices + 1) + needed[pixels], minlength=classes * (choices + 1))
        taken = np.cumsum(table.reshape(classes, choices + 1), axis=1)[:, :choices]
        whole = table.reshape(classes, choices + 1).sum(axis=1, keepdims=True)
        return taken.sum(axis=0), whole - taken

    called_it, called = by_choice(np.ones(len(truth), dtype=np.bool_))
    called[index] = called_it
    right = np.zeros_like(called)
    right[index] = by_choice(truth == index)[0]
    others_right = by_choice(truth == other)[1]
    right[np.arange(classes) != index] = others_right[np.arange(classes) != index]
    present = true_counts > 0
    return np.asarray((2 * right[present] / (called + true_counts[:, None])[present]).mean(axis=0))


def _strongest_but(logits: np.ndarray, biases: np.ndarray, index: int) -> tuple[np.ndarray, np.ndarray]:
    """The strongest class besides one, (N,), and how strong it is."""
    others = [number for number in range(len(logits)) if number != index]
    strongest = np.full(logits.shape[1], others[0])
    height = logits[others[0]] + biases[others[0]]
    for number in others[1:]:
        value = logits[number] + biases[number]
        strongest[value > height] = number
        np.maximum(height, value, out=height)
    return strongest, height
