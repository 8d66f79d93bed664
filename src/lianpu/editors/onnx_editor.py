"""An editor from one ONNX file, which describes itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from lianpu.attributes import Labels
from lianpu.editors.editor import check_edit_inputs
from lianpu.editors.onnx_metadata import read_metadata
from lianpu.sessions import open_session


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
        check_edit_inputs(self.info, batch, labels)
        image = np.ascontiguousarray(batch.detach().to("cpu", torch.float32).numpy())
        target = np.ascontiguousarray(labels, dtype=np.float32)
        return torch.from_numpy(self._session.run(["edited"], {"image": image, "labels": target})[0])
