"""Exporting: a model file appears only when it was proved to compute what the network computes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn

from lianpu.dataset.faces import Faces
from lianpu.editors.checkpoint_editor import load_generator
from lianpu.editors.editor import ModelInfo
from lianpu.export.graph import file_bytes, opset_of, write_graph
from lianpu.export.parity import Parity, noise_faces, random_labels, require_parity
from lianpu.files import atomic_file, write_json
from lianpu.runs import Checkpoint, Run, open_run

PARITY_FACES = 16


@dataclass(frozen=True)
class Export:
    """A float ONNX file: the operator set it was written for, its size with all that belongs to it, and the proof."""

    file: Path
    opset: int
    bytes: int
    parity: Parity

    def to_json(self) -> dict[str, Any]:
        """Plain values, as parity.json holds them."""
        return {"file": self.file.name, "opset": self.opset, "bytes": self.bytes, **self.parity.to_json()}


def export_generator(generator: nn.Module, info: ModelInfo, target: Path, faces: torch.Tensor | None = None) -> Export:
    """The generator as one ONNX file at `target`, proved equal on `faces` (N, 3, S, S), or on noise when there are none.

    Raises:
        ModelError: the file would be too large, or does not compute the same; what stood at `target` is left as it was.
    """
    probes = noise_faces(PARITY_FACES, info.image_size) if faces is None else faces
    labels = random_labels(len(probes), len(info.attributes))
    with atomic_file(target) as partial:
        write_graph(generator, info, partial)
        parity = require_parity(generator, partial, probes, labels, real_faces=faces is not None)
    return Export(target, opset_of(onnx.load_model(str(target), load_external_data=False)), file_bytes(target), parity)


def export_run(run: Run, checkpoint: Checkpoint | None = None, faces: Faces | None = None) -> Export:
    """The generator of a run's checkpoint (the last one when None) as `export/model.onnx`, with `parity.json` beside it.

    Files that were made of an earlier `model.onnx` are removed: they are of another model now.

    Args:
        faces: where the faces for the proof are taken from; noise when None.

    Raises:
        LianpuError: there is no checkpoint, it is damaged, or the file does not compute the same.
    """
    generator, info, _ = load_generator(checkpoint or run.last_checkpoint())
    probes = None
    if faces is not None:
        chosen = faces.sample(PARITY_FACES, seed=0)
        probes, _ = chosen.batch(range(len(chosen)))
    export = export_generator(generator, info, run.onnx_file, probes)
    for outdated in (run.int8_file, run.quantization_file, run.benchmark_file):
        outdated.unlink(missing_ok=True)
    write_json(run.parity_file, export.to_json())
    return export


def export_onnx(run: Run | Path | str, faces: Faces | None = None) -> Path:
    """`export/model.onnx` of a run's last checkpoint, proved equal to PyTorch. See `export_run` for what more is known."""
    return export_run(run if isinstance(run, Run) else open_run(run), faces=faces).file
