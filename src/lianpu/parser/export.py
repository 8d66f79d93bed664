"""A trained parser as one ONNX file that describes itself: pictures in, class indices out."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional

from lianpu.errors import ModelError
from lianpu.files import atomic_file
from lianpu.parser.half_weights import with_half_weights
from lianpu.parser.onnx_parser import METADATA_KEY
from lianpu.part_names import PARTS
from lianpu.sessions import open_session
from lianpu.version import __version__

OPSET = 18
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


class PartsForm(nn.Module):
    """What is exported: a batch (B, 3, S, S) float32 in [-1, 1] in, class indices (B, S, S) uint8 out."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits = self.network(image)[0]
        full = functional.interpolate(logits, size=image.shape[2:], mode="bilinear", align_corners=False)
        return full.argmax(dim=1).to(torch.uint8)


def export_parser(
    network: nn.Module, target: Path, size_px: int, facts: Mapping[str, Any], pictures: torch.Tensor, half: bool = True
) -> ExportedParser:
    """`target`: input `image` (B, 3, S, S) float32 in [-1, 1], output `parts` (B, S, S) uint8 in CelebAMask-HQ's order; any B.

    Args:
        network: a trained parser whose first output are logits.
        target: the ONNX file to write.
        size_px: the side S, a multiple of 32.
        facts: what else the file says of itself (`licence`, `trained_on`, `scores`, ...), plain values.
        pictures: a batch (N, 3, S, S) on which the file must agree with PyTorch.
        half: store weights in 16 bits; they are computed with in 32.

    Raises:
        ModelError: the file does not agree with PyTorch; nothing is written then.
    """
    form = PartsForm(network.cpu().to(memory_format=torch.contiguous_format)).eval()
    model = _trace(form, size_px)
    if half:
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


def _trace(form: nn.Module, size_px: int) -> onnx.ModelProto:
    image = torch.zeros(2, 3, size_px, size_px)  # a batch of one would be taken for a constant
    batch = torch.export.Dim("batch", min=1, max=1 << 16)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # torch's own
        warnings.filterwarnings("ignore", category=FutureWarning)
        program = torch.onnx.export(
            form,
            (image,),
            input_names=["image"],
            output_names=["parts"],
            dynamic_shapes=({0: batch},),
            opset_version=OPSET,
            dynamo=True,
            optimize=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    for holder in (model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info):
        del holder.metadata_props[:]  # source lines and folders of this machine
    for initializer in model.graph.initializer:
        del initializer.metadata_props[:]
    return model


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
