"""LPIPS, the learned distance between two pictures of one scene (Zhang et al. 2018, arXiv:1801.03924): the only door to lpips.

Its linear heads are in the package; AlexNet's ImageNet weights are a file of their own (244 MB).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import torch

from lianpu.errors import ScoreError, WeightsError
from lianpu.models.store.download import obtain_model_file
from lianpu.weights import read_tensors

SMALLEST_PX = 32
"""Smaller pictures do not survive AlexNet's strides."""


class LpipsDistance:
    """LPIPS v0.1 on AlexNet, as the paper recommends for judging pictures. 0 for equal pictures."""

    name = "lpips-0.1-alexnet"
    resize = "none"

    def __init__(self, alexnet_file: Path, device: torch.device | str = "cpu") -> None:
        """The network with AlexNet's weights from a file.

        Raises:
            WeightsError: the file is not a state dict of torchvision's AlexNet.
        """
        self._device = torch.device(device)
        self._network = _build().to(self._device)
        state = read_tensors(alexnet_file, WeightsError)
        try:
            _load_alexnet(self._network, state)
        except (KeyError, RuntimeError) as problem:
            reason = " ".join(str(problem).split())[:200]
            raise WeightsError(f"{alexnet_file} holds no AlexNet weights as torchvision keeps them ({reason}).") from problem

    @torch.inference_mode()
    def distances(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """(B,) distances between batches (B, 3, S, S) in [-1, 1].

        Raises:
            ScoreError: pictures smaller than 32 px.
        """
        if first.shape[-1] < SMALLEST_PX:
            raise ScoreError(f"LPIPS needs pictures of {SMALLEST_PX} px or more, got {first.shape[-1]} px.")
        values: torch.Tensor = self._network(first.to(self._device), second.to(self._device))
        return values.flatten().cpu()


def _build() -> torch.nn.Module:
    """lpips.LPIPS with its own heads and a random AlexNet: its usual way would download AlexNet without asking."""
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        # lpips asks torchvision for AlexNet with arguments that torchvision has renamed.
        warnings.filterwarnings("ignore", message=".*'pretrained' is deprecated", category=UserWarning)
        warnings.filterwarnings("ignore", message="Arguments other than a weight enum", category=UserWarning)
        import lpips

        network: torch.nn.Module = lpips.LPIPS(net="alex", version="0.1", pnet_rand=True, verbose=False)
    return network.eval().requires_grad_(False)


def _load_alexnet(network: torch.nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Put torchvision's `features.N.*` into the five slices of lpips, which keep the numbers N. KeyError if one is missing."""
    ours = network.net.state_dict()  # type: ignore[union-attr]
    loaded = {name: state[f"features.{name.split('.', 1)[1]}"] for name in ours}
    network.net.load_state_dict(loaded)  # type: ignore[union-attr]


def load_lpips(
    path: Path | str | None = None,
    device: torch.device | str = "cpu",
    on_progress: Callable[[int, int], None] | None = None,
) -> LpipsDistance:
    """LPIPS, with AlexNet from `path`, from its usual places on this machine, or downloaded (244 MB).

    Raises:
        WeightsError: AlexNet's file cannot be had; the message says where to put it.
    """
    return LpipsDistance(obtain_model_file("alexnet-imagenet", path, on_progress), device)
