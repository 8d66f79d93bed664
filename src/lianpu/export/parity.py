"""Proof that a model file computes what the network computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lianpu.attributes import Labels
from lianpu.errors import ModelError
from lianpu.models.sessions import open_session, runtime_version

LIMIT = 1e-4
"""Largest difference that is let pass, in units of the batch: a grey level is 80 times as much."""
BATCH_SIZES = (1, 2, 5)


@dataclass(frozen=True)
class Parity:
    """How far a model file is from the network it was made of.

    Args:
        max_abs_difference: over all pixels of all faces, in units of the batch ([-1, 1]).
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
    expected = generator.eval()(faces, torch.from_numpy(labels)).numpy()
    got = session.run(None, {"image": faces.numpy(), "labels": labels})[0]
    difference = np.abs(expected - got).max() if got.shape == expected.shape else np.inf
    return float(difference) if np.isfinite(difference) else float("inf")


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
