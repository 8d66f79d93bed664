"""A face parser from the folder of its training, before it is exported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from lianpu.errors import ModelError
from lianpu.files import read_json
from lianpu.image import Picture, to_batch
from lianpu.parser.face_parser import Masks, parse_by_batches
from lianpu.parser.networks import trained_network
from lianpu.parser.parts_form import PartsForm
from lianpu.parser.run_folder import ParserRun

STRIDE = 32
"""Both networks take sides that are multiples of this."""


class TrainedParser:
    """The network that `lianpu parser train` left in a run folder, as a FaceParser.

    Args:
        folder: a parser run that was trained to its end.
        size_px: side that the network sees, a multiple of 32; that of the last training stage when None.
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
