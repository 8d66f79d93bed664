"""A trained parser as one ONNX file that describes itself: pictures in, class indices out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from lianpu.errors import ModelError
from lianpu.files import atomic_file
from lianpu.onnx_trace import trace_to_onnx
from lianpu.parser.half_weights import with_half_weights
from lianpu.parser.onnx_parser import METADATA_KEY
from lianpu.parser.parts_form import PartsForm
from lianpu.parser.runtime_graph import suit_runtime
from lianpu.part_names import PARTS
from lianpu.sessions import open_session
from lianpu.version import __version__

LEAST_AGREEMENT = 0.995
"""The share of pixels that must get the same class from the file as from PyTorch."""


@dataclass(frozen=True)
class ExportedParser:
    """A written file and how it was proved.

    Args:
        file: the ONNX file.
        bytes: its size.
        agreement: share of pixels with the same class as PyTorch gives, over the pictures it was tried on.
    """

    file: Path
    bytes: int
    agreement: float


def export_parser(
    network: nn.Module,
    target: Path,
    size_px: int,
    facts: Mapping[str, Any],
    pictures: torch.Tensor,
    biases: torch.Tensor | None = None,
) -> ExportedParser:
    """`target`: input `image` (B, 3, S, S) float32 in [-1, 1], output `parts` (B, S, S) uint8 in CelebAMask-HQ's order; any B.

    Weights are stored in 16 bits and computed with in 32.

    Args:
        network: a trained parser whose first output are logits.
        target: the ONNX file to write.
        size_px: the side S, a multiple of 32.
        facts: what else the file says of itself (`licence`, `trained_on`, `scores`, ...), plain values.
        pictures: a batch (N, 3, S, S) on which the file must agree with PyTorch.
        biases: what the file adds to the logits of the classes, (19,); nothing when None.

    Raises:
        ModelError: the file does not agree with PyTorch; nothing is written then.
    """
    form = PartsForm(network.cpu().to(memory_format=torch.contiguous_format), biases).eval()
    model = trace_to_onnx(form, {"image": torch.zeros(2, 3, size_px, size_px)}, "parts")
    suit_runtime(model)
    with_half_weights(model)
    _describe(model, size_px, facts)
    with atomic_file(Path(target)) as partial:
        onnx.save_model(model, str(partial))
        agreement = _agreement(form, partial, pictures)
        if agreement < LEAST_AGREEMENT:
            raise ModelError(
                f"The exported parser gives the class of PyTorch to {agreement:.2%} of pixels only; {LEAST_AGREEMENT:.1%} are asked. Nothing was written."
            )
    return ExportedParser(Path(target), Path(target).stat().st_size, agreement)


def _describe(model: onnx.ModelProto, size_px: int, facts: Mapping[str, Any]) -> None:
    described = {"parts": list(PARTS), "size_px": size_px, "alignment": "celebamask-hq", "lianpu": __version__, **facts}
    del model.metadata_props[:]
    entries = {METADATA_KEY: json.dumps(described, ensure_ascii=False), "parts": ", ".join(PARTS)}
    if "licence" in facts:
        entries["licence"] = str(facts["licence"])
    onnx.helper.set_model_props(model, entries)
    model.producer_name, model.producer_version = "lianpu", __version__
    model.doc_string = f"Face parser, {size_px} px, RGB in [-1, 1]; class indices in the order of `parts`"


def _agreement(form: nn.Module, file: Path, pictures: torch.Tensor) -> float:
    session = open_session(file)
    same = []
    with torch.inference_mode():
        for picture in pictures.split(1):
            ours = form(picture).numpy()
            theirs = session.run(None, {"image": picture.numpy()})[0]
            same.append(float(np.mean(ours == theirs)))
    return float(np.mean(same))
