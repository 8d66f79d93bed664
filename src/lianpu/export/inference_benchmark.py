"""How fast one generator runs in its forms: PyTorch as it is, channels last, compiled, ONNX, INT8."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lianpu.dataset.faces import Faces
from lianpu.dataset.table import FaceTable, Split
from lianpu.editors.editor import ModelInfo
from lianpu.editors.onnx_editor import OnnxEditor
from lianpu.export.onnx_export import export_generator
from lianpu.export.parity import noise_faces, random_labels
from lianpu.export.quantization import quantize_onnx
from lianpu.export.timing import OnProgress, Timing, time_in_turn, torch_threads
from lianpu.image import to_pictures, write_image

CALIBRATION_FACES = 4
"""Ranges do not change the speed, so a few will do."""
EAGER = "PyTorch eager"


@dataclass(frozen=True)
class FormSpeed:
    """One form of the generator with one count of threads: the timing of one face, and how many times as fast as eager."""

    form: str
    threads: int
    bytes: int
    timing: Timing
    times_eager: float


def bench_inference(
    generator: nn.Module,
    info: ModelInfo,
    threads: Sequence[int],
    runs: int = 20,
    compiled: bool = False,
    on_progress: OnProgress | None = None,
) -> list[FormSpeed]:
    """Speeds of all forms, for each count of threads: one process, one face at a time, the forms in turn.

    Args:
        compiled: measure torch.compile too; it needs a C++ compiler and a minute.
        runs: timed calls of each form.
        on_progress: told (rounds done, rounds in all) for each count of threads anew.
    """
    generator = generator.eval()
    with tempfile.TemporaryDirectory() as folder:
        float_file = export_generator(generator, info, Path(folder) / "model.onnx", noise_faces(3, info.image_size)).file
        int8_file = Path(folder) / "model.int8.onnx"
        quantize_onnx(float_file, int8_file, _noise_on_disk(Path(folder) / "faces", info))
        weights = sum(parameter.numel() * parameter.element_size() for parameter in generator.parameters())
        sizes = {"ONNX FP32": float_file.stat().st_size, "ONNX INT8": int8_file.stat().st_size}
        speeds: list[FormSpeed] = []
        for count in threads:
            with torch_threads(count), _torch_forms(generator, info, compiled) as calls:
                for name, file in (("ONNX FP32", float_file), ("ONNX INT8", int8_file)):
                    calls[name] = _onnx_call(OnnxEditor(file, count))
                timings = time_in_turn(calls, runs, on_progress)
            eager = timings[EAGER].median_ms
            speeds += [
                FormSpeed(form, count, sizes.get(form, weights), timing, eager / timing.median_ms)
                for form, timing in timings.items()
            ]
    return speeds


def count_multiplications(generator: nn.Module, info: ModelInfo) -> int:
    """Multiplications in the convolutions for one face (multiply-accumulates, MACs)."""
    total = 0

    def add(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
        # Each tap meets each output pixel of a convolution, and each input pixel of a transposed one.
        pixels = output if isinstance(layer, nn.Conv2d) else inputs[0]
        total += layer.weight.numel() * pixels.shape[2] * pixels.shape[3]

    shapes_only = copy.deepcopy(generator).to("meta")
    for layer in shapes_only.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(add)
    shapes_only(
        torch.empty(1, 3, info.image_size, info.image_size, device="meta"), torch.empty(1, len(info.attributes), device="meta")
    )
    return total


@contextmanager
def _torch_forms(generator: nn.Module, info: ModelInfo, compiled: bool) -> Iterator[dict[str, Callable[[], Any]]]:
    face = noise_faces(1, info.image_size)
    labels = torch.from_numpy(random_labels(1, len(info.attributes)))
    channels_last = copy.deepcopy(generator).to(memory_format=torch.channels_last)
    last_face = face.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        calls: dict[str, Callable[[], Any]] = {
            EAGER: lambda: generator(face, labels),
            "PyTorch NHWC": lambda: channels_last(last_face, labels),
        }
        if compiled:
            faster = torch.compile(channels_last)
            calls["PyTorch compiled"] = lambda: faster(last_face, labels)
        yield calls


def _onnx_call(editor: OnnxEditor) -> Callable[[], Any]:
    face, labels = noise_faces(1, editor.info.image_size), random_labels(1, len(editor.info.attributes))
    return lambda: editor.edit(face, labels)


def _noise_on_disk(folder: Path, info: ModelInfo) -> Faces:
    pictures = to_pictures(noise_faces(CALIBRATION_FACES, info.image_size))
    files = tuple(f"{index}.png" for index in range(CALIBRATION_FACES))
    for file, picture in zip(files, pictures, strict=True):
        write_image(folder / file, picture)
    labels = random_labels(CALIBRATION_FACES, len(info.attributes)).astype(np.uint8)
    splits: tuple[Split, ...] = tuple("train" for _ in files)
    table = FaceTable("noise", folder, files, info.attributes.names, labels, splits)
    return Faces(table, np.arange(CALIBRATION_FACES), info.attributes, info.image_size, "noise")
