"""One ONNX file of a run's generator, once it agrees with PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from lianpu.attributes import Labels
from lianpu.dataset.faces import Faces
from lianpu.editors.checkpoint_editor import load_generator
from lianpu.editors.editor import ModelInfo
from lianpu.editors.onnx_editor import ONNX_FLOAT16
from lianpu.errors import ModelError
from lianpu.export.graph import describe, file_bytes, opset_of, with_float16_weights, write_graph
from lianpu.files import atomic_file, write_json
from lianpu.models.sessions import open_session, runtime_version
from lianpu.runs import Checkpoint, Run, open_run
from lianpu.stargan.lite import AllOutputs, LiteGenerator, outputs_of

LIMIT = 1e-4
"""Largest difference that is let pass, in units of the batch: a grey level is 80 times as much."""
FLOAT16_LIMIT = 0.016
"""The same for weights in float16: two grey levels."""
BATCH_SIZES = (1, 2, 5)


@dataclass(frozen=True)
class Parity:
    """How far a model file is from the network it was made of.

    Args:
        max_abs_difference: over all pixels of all faces, in units of the batch ([-1, 1]), and over all fields where it gives some.
        limit: what it had to stay below.
        faces: how many faces were edited, each to random labels.
        real_faces: whether they were faces of the data, not noise.
        batch_sizes: the sizes of the batches that they were edited in.
    """

    max_abs_difference: float
    limit: float
    faces: int
    real_faces: bool
    batch_sizes: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values, with the versions that were compared."""
        return {
            "max_abs_difference": self.max_abs_difference,
            "limit": self.limit,
            "faces": self.faces,
            "real_faces": self.real_faces,
            "batch_sizes": list(self.batch_sizes),
            "torch": torch.__version__,
            "onnxruntime": runtime_version(),
        }


def require_parity(
    generator: nn.Module, file: Path, faces: torch.Tensor, labels: Labels, real_faces: bool, limit: float = LIMIT
) -> Parity:
    """The parity of `file` with the generator on faces (N, 3, S, S) and labels (N, A), in batches of several sizes.

    Raises:
        ModelError: the difference reaches the limit, or is no number.
    """
    session = open_session(file)
    worst = 0.0
    starts = _batches(len(faces), BATCH_SIZES)
    for start, stop in starts:
        worst = max(worst, _difference(generator, session, faces[start:stop], labels[start:stop]))
    sizes = tuple(sorted({stop - start for start, stop in starts}))
    if not worst < limit:
        raise ModelError(
            f"{file.name} differs from PyTorch by {worst:.2g}, where less than {limit:.0e} is asked, so it was not kept. "
            "Report this with the versions that lianpu doctor prints."
        )
    return Parity(worst, limit, len(faces), real_faces, sizes)


@torch.inference_mode()
def _difference(generator: nn.Module, session: Any, faces: torch.Tensor, labels: Labels) -> float:
    """The largest difference of any output."""
    outputs = outputs_of(generator)
    network = AllOutputs(generator) if isinstance(generator, LiteGenerator) and len(outputs) > 1 else generator
    expected = network.eval()(faces, torch.from_numpy(labels))
    got = session.run(list(outputs), {"image": faces.numpy(), "labels": labels})
    differences = [
        np.abs(ours.numpy() - theirs).max() if theirs.shape == tuple(ours.shape) else np.inf
        for ours, theirs in zip(expected if isinstance(expected, tuple) else (expected,), got, strict=True)
    ]
    worst = float(np.max(differences))
    return worst if np.isfinite(worst) else float("inf")


def _batches(count: int, sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Ranges that cover `count` faces in batches of `sizes`, in turn; the last one is what is left."""
    ranges: list[tuple[int, int]] = []
    start = 0
    while start < count:
        stop = min(count, start + sizes[len(ranges) % len(sizes)])
        ranges.append((start, stop))
        start = stop
    return ranges


def noise_faces(count: int, size_px: int, seed: int = 0) -> torch.Tensor:
    """Smooth random colour fields (count, 3, S, S) in [-1, 1], for where no faces are at hand."""
    coarse = torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return nn.functional.interpolate(coarse, size=(size_px, size_px), mode="bicubic").clamp(-1, 1).contiguous()


def random_labels(count: int, attribute_count: int, seed: int = 0) -> Labels:
    """Labels (count, A) of fair coins."""
    return np.random.default_rng(seed).integers(0, 2, (count, attribute_count)).astype(np.float32)


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


def export_generator(
    generator: nn.Module, info: ModelInfo, target: Path, faces: torch.Tensor | None = None, opset: int | None = None
) -> Export:
    """The generator as one ONNX file at `target`, proved equal on `faces` (N, 3, S, S), or on noise when there are none.

    `opset` is that of `write_graph`; `Export.opset` is read from the written file.

    Raises:
        ModelError: the file would be too large, cannot be written with that opset, or does not compute the same; what stood at `target` is left as it was.
    """
    probes = noise_faces(PARITY_FACES, info.image_size) if faces is None else faces
    labels = random_labels(len(probes), len(info.attributes))
    with atomic_file(target) as partial:
        write_graph(generator, info, partial, opset)
        parity = require_parity(generator, partial, probes, labels, real_faces=faces is not None)
    return Export(target, opset_of(onnx.load_model(str(target), load_external_data=False)), file_bytes(target), parity)


def export_run(run: Run, checkpoint: Checkpoint | None = None, faces: Faces | None = None, opset: int | None = None) -> Export:
    """The generator of a run's checkpoint (the last one when None) as `export/model.onnx`, and its `parity.json`.

    Files that were made of an earlier `model.onnx` are removed: they are of another model now.

    Args:
        faces: where the faces for the proof are taken from; noise when None.
        opset: version of ONNX's operators; the exporter's own when None.

    Raises:
        LianpuError: there is no checkpoint, it is damaged, or the file does not compute the same.
    """
    generator, info, _ = load_generator(checkpoint or run.last_checkpoint())
    probes = None if faces is None else _probes(faces)
    export = export_generator(generator, info, run.onnx_file, probes, opset)
    for outdated in (run.float16_file, run.int8_file, run.quantization_file, run.benchmark_file):
        outdated.unlink(missing_ok=True)
    write_json(run.parity_file, export.to_json())
    return export


def _probes(faces: Faces) -> torch.Tensor:
    """The faces (N, 3, S, S) that a file is compared on."""
    chosen = faces.sample(PARITY_FACES, seed=0)
    return chosen.batch(range(len(chosen)))[0]


def export_float16(run: Run, checkpoint: Checkpoint | None = None, faces: Faces | None = None) -> Export:
    """`export/model.onnx`, which `export_run` wrote of the same checkpoint, with its weights in float16, as `export/model.float16.onnx`.

    It takes and gives float32, and computes in it.

    Raises:
        ModelError: the difference from PyTorch is larger than `FLOAT16_LIMIT`.
    """
    generator, info, _ = load_generator(checkpoint or run.last_checkpoint())
    model = with_float16_weights(onnx.load_model(str(run.onnx_file)))
    info = replace(info, outputs=outputs_of(generator))
    describe(model, info, ONNX_FLOAT16, {"opset": opset_of(model), "weights": "float16, computed in float32"})
    probes = noise_faces(PARITY_FACES, info.image_size) if faces is None else _probes(faces)
    labels = random_labels(len(probes), len(info.attributes))
    with atomic_file(run.float16_file) as partial:
        onnx.save_model(model, str(partial))
        parity = require_parity(generator, partial, probes, labels, real_faces=faces is not None, limit=FLOAT16_LIMIT)
    return Export(run.float16_file, opset_of(model), file_bytes(run.float16_file), parity)


def export_onnx(run: Run | Path | str, faces: Faces | None = None) -> Path:
    """`export/model.onnx` of a run's last checkpoint, proved equal to PyTorch. See `export_run` for what more is known."""
    return export_run(run if isinstance(run, Run) else open_run(run), faces=faces).file
