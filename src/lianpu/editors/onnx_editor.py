"""An editor from one ONNX file, which describes itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lianpu.attributes import Labels
from lianpu.editors.editor import check_edit_inputs
from lianpu.editors.onnx_metadata import read_metadata
from lianpu.models.sessions import open_session

if TYPE_CHECKING:
    import torch


class OnnxEditor:
    """A float or INT8 model as an Editor, run by ONNX Runtime on the CPU.

    Args:
        file: written by `lianpu export` or `lianpu quantize`; nothing beside it is read.
        threads: threads for one operation; None takes as many as there are cores.

    Raises:
        ModelError: the file is broken, no ONNX file, or does not describe its labels and size.
    """

    def __init__(self, file: Path | str, threads: int | None = None) -> None:
        self.file = Path(file)
        self._session = open_session(self.file, threads)
        self.info, self.kind = read_metadata(self._session.get_modelmeta().custom_metadata_map, str(self.file))

    def edit(self, batch: torch.Tensor, labels: Labels) -> torch.Tensor:
        """Faces (B, 3, S, S) in [-1, 1] and target labels (B, A) to edited faces of the same form."""
        import torch

        return torch.from_numpy(self.edit_array(batch.detach().to("cpu", torch.float32).numpy(), labels))

    def edit_array(self, batch: np.ndarray, labels: Labels) -> np.ndarray:
        """The same for float32 arrays of the same forms, without torch, which takes a second to load and 480 MB."""
        check_edit_inputs(self.info, batch, labels)
        target = np.ascontiguousarray(labels, dtype=np.float32)
        edited: np.ndarray = self._session.run(["edited"], {"image": np.ascontiguousarray(batch), "labels": target})[0]
        return edited
