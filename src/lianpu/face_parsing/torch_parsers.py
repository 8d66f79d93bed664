"""What every torch parser does with its logits: bring them to the picture's size and take the likeliest class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from torch import nn
from torch.nn import functional

from lianpu.errors import ModelError
from lianpu.face_parsing.config import ParserRun
from lianpu.face_parsing.data.mask_files import Mask
from lianpu.face_parsing.networks.bisenet import BiSeNet
from lianpu.face_parsing.networks.loading import trained_network
from lianpu.face_parsing.runtime import Masks, parse_by_batches
from lianpu.files import read_json
from lianpu.imaging.picture import Picture, to_batch
from lianpu.part_names import BISENET_ORDER, PART_INDEX, SIDES, order_to_ours
from lianpu.weights import read_tensors


class PartsForm(nn.Module):
    """A parser as it is used and exported: a batch (B, 3, S, S) float32 in [-1, 1] in, class indices (B, S, S) uint8 out.

    Args:
        network: gives logits (B, C, s, s) as the first of a tuple.
        biases: what is added to the logits of each class, (C,); None adds nothing (see `calibration`).
    """

    biases: torch.Tensor | None

    def __init__(self, network: nn.Module, biases: torch.Tensor | None = None) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("biases", None if biases is None else biases.reshape(1, -1, 1, 1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits = self.network(image)[0]
        if self.biases is not None:
            logits = logits + self.biases
        full = functional.interpolate(logits, size=image.shape[2:], mode="bilinear", align_corners=False)
        return full.argmax(dim=1).to(torch.uint8)


STRIDE = 32
"""Both networks take sides that are multiples of this."""


class TrainedParser:
    """The network that `lianpu parser train` left in a run folder, as a FaceParser.

    Args:
        folder: a parser run that was trained to its end.
        size_px: side of the network's input, a multiple of 32; that of the last training stage when None.
        device: torch's name of the device that it runs on.

    Raises:
        ModelError: the folder holds no finished parser, or its files are damaged.
    """

    def __init__(self, folder: Path | str, size_px: int | None = None, device: str | torch.device = "cpu") -> None:
        run = ParserRun(Path(folder))
        self._device = torch.device(device)
        self.network, config = trained_network(run.folder)
        self._form = PartsForm(self.network).to(self._device)
        self.name, self.file = run.folder.name, run.weights_file
        self.licence = str(read_json(run.config_file, ModelError).get("licence", "follows the training data"))
        self.size_px = size_px or config.sizes[-1]
        if self.size_px % STRIDE or self.size_px < STRIDE:
            raise ModelError(f"A parser sees sides that are multiples of {STRIDE} pixels, got {self.size_px}. Give another size.")

    def parse_crops(self, crops: Sequence[Picture]) -> Masks:
        """Class indices (N, S, S) of crops (S, S, 3), in our order."""
        return parse_by_batches(crops, self.size_px, self._run)

    def _run(self, crops: Sequence[Picture]) -> Masks:
        with torch.inference_mode():
            masks: Masks = self._form(to_batch(crops).to(self._device)).cpu().numpy()
        return masks


PUBLISHED_SIZE_PX = 512

PUBLISHED_LICENCE = "MIT (code); weights follow CelebAMask-HQ: non-commercial research only"

_ADVICE = "Get it again, or give 79999_iter.pth of zllrunning/face-parsing.PyTorch, or another file with its names."


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
    given, wanted = read_tensors(path, ModelError, _ADVICE), network.state_dict()
    problems = [f"{name} is missing" for name in wanted if name not in given and not _is_counter(name)]
    problems += [f"{name} is not known" for name in given if name not in wanted]
    problems += [
        f"{name} is {_shape(tensor)}, not {_shape(wanted[name])}"
        for name, tensor in given.items()
        if name in wanted and tensor.shape != wanted[name].shape
    ]
    if problems:
        shown = "; ".join(problems[:3]) + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")
        raise ModelError(f"{path} is no BiSeNet of {len(BISENET_ORDER)} classes ({shown}). {_ADVICE}")
    network.load_state_dict(given, strict=False)  # all but the counters was compared above
    return network.eval()


def _is_counter(name: str) -> bool:
    return name.endswith(".num_batches_tracked")


def _shape(tensor: torch.Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"


_STRADDLES = 0.25
"""A patch with at least this share of its pixels on either side of the nose is two parts that touch, and is cut there."""


def sides_by_place(mask: Mask) -> Mask:
    """The mask (H, W) of an upright aligned face with eyes, brows and ears called left or right by where they lie.

    Each connected patch goes to the side of the nose that its centre is on; a patch that reaches far over both sides, as brows that
    have grown together, is cut there. Which of the two the mask says does not count. Without a nose the middle of the skin counts,
    and without skin the middle of the crop.
    """
    middle = _middle_column(mask)
    columns = np.arange(mask.shape[1])
    decided = mask.copy()
    for left, right in SIDES:
        either = (mask == PART_INDEX[left]) | (mask == PART_INDEX[right])
        patches, _ = ndimage.label(either, structure=np.ones((3, 3)))
        for number, place in enumerate(ndimage.find_objects(patches), start=1):
            patch = patches[place] == number
            on_left = columns[place[1]] > middle  # the subject's left is on the picture's right
            share = float(patch[:, on_left].sum()) / float(patch.sum())
            if not _STRADDLES <= share <= 1 - _STRADDLES:
                on_left = np.full(len(on_left), share > 0.5)
            table = np.where(on_left, PART_INDEX[left], PART_INDEX[right]).astype(np.uint8)
            decided[place] = np.where(patch, table, decided[place])
    return decided


def _middle_column(mask: Mask) -> float:
    for name in ("nose", "skin"):
        _, columns = np.nonzero(mask == PART_INDEX[name])
        if columns.size:
            return float(columns.mean())
    return (mask.shape[1] - 1) / 2
