"""The published BiSeNet: 79999_iter.pth of zllrunning/face-parsing.PyTorch, and any file in its form.

Its classes have an order of their own (part_names.BISENET_ORDER), which is turned into ours by name. Its left and right are not believed:
sides.py says why, and what is done instead.
"""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lianpu.errors import ModelError
from lianpu.image import Picture, to_batch
from lianpu.parser.bisenet import BiSeNet
from lianpu.parser.face_parser import Masks, parse_by_batches
from lianpu.parser.parts_form import PartsForm
from lianpu.parser.sides import sides_by_place
from lianpu.part_names import BISENET_ORDER, order_to_ours

PUBLISHED_SIZE_PX = 512
PUBLISHED_LICENCE = "MIT (code); weights follow CelebAMask-HQ: non-commercial research only"
_MEND = "Give 79999_iter.pth of zllrunning/face-parsing.PyTorch, or another file with its names."


class PublishedParser:
    """The published network as a FaceParser; its classes in our order, its left and right by place.

    Args:
        file: a state_dict with the names of 79999_iter.pth.
        name: what results call it.
        licence: what the file may be used for.
        device: torch's name of the device that it runs on.

    Raises:
        ModelError: the file is missing, damaged, would run code when loaded, or holds another network.
    """

    def __init__(
        self, file: Path | str, name: str = "bisenet", licence: str = PUBLISHED_LICENCE, device: str | torch.device = "cpu"
    ) -> None:
        self.file = Path(file)
        self.name, self.licence, self.size_px = name, licence, PUBLISHED_SIZE_PX
        self._device = torch.device(device)
        self._form = PartsForm(load_bisenet(self.file)).to(self._device)
        self._to_ours = order_to_ours(BISENET_ORDER)

    def parse_crops(self, crops: Sequence[Picture]) -> Masks:
        """Class indices (N, S, S) of crops (S, S, 3), in our order."""
        return parse_by_batches(crops, self.size_px, self._run)

    def _run(self, crops: Sequence[Picture]) -> Masks:
        with torch.inference_mode():
            indices = self._form(to_batch(crops).to(self._device)).cpu().numpy()
        return np.stack([sides_by_place(mask) for mask in self._to_ours[indices]])


def load_bisenet(file: Path | str) -> BiSeNet:
    """A BiSeNet of 19 classes holding the weights of a file, ready to run (eval mode).

    The file is a state_dict, by itself or under `state_dict`, with or without `num_batches_tracked`, and with or without the `module.`
    that DataParallel writes before each name. No code in it is run.

    Raises:
        ModelError: the file is missing, damaged, would run code when loaded, or does not fit; names and shapes are said.
    """
    path = Path(file)
    network = BiSeNet(len(BISENET_ORDER))
    given, wanted = _tensors(path), network.state_dict()
    problems = [f"{name} is missing" for name in wanted if name not in given and not _is_counter(name)]
    problems += [f"{name} is not known" for name in given if name not in wanted]
    problems += [
        f"{name} is {_shape(tensor)}, not {_shape(wanted[name])}"
        for name, tensor in given.items()
        if name in wanted and tensor.shape != wanted[name].shape
    ]
    if problems:
        shown = "; ".join(problems[:3]) + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")
        raise ModelError(f"{path} is no BiSeNet of {len(BISENET_ORDER)} classes ({shown}). {_MEND}")
    network.load_state_dict(given, strict=False)  # all but the counters was compared above
    return network.eval()


def _tensors(file: Path) -> dict[str, torch.Tensor]:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Detected pickle protocol")  # what is wrong with the file is said below
            loaded: Any = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ModelError(f"{file} is not there. Check the path.") from None
    except IsADirectoryError:
        raise ModelError(f"{file} is a folder. {_MEND}") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError, zipfile.BadZipFile) as problem:
        reason = (str(problem).strip() or type(problem).__name__).splitlines()[0][:120]
        raise ModelError(
            f"{file} is damaged, cut off, or holds more than weights, so it was not loaded ({reason}). Get it again."
        ) from None
    if isinstance(loaded, Mapping) and isinstance(loaded.get("state_dict"), Mapping):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, Mapping) or not all(isinstance(value, torch.Tensor) for value in loaded.values()):
        raise ModelError(f"{file} holds no table of weights. {_MEND}")
    return {str(name).removeprefix("module."): tensor for name, tensor in loaded.items()}


def _is_counter(name: str) -> bool:
    return name.endswith(".num_batches_tracked")


def _shape(tensor: torch.Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"
