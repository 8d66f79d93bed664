"""How fast generators run in their forms: PyTorch as it is, channels last, compiled, ONNX, INT8; all of them in turn."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lianpu.dataset.faces import Faces
from lianpu.dataset.table import FaceTable, Split
from lianpu.editors.editor import ModelInfo
from lianpu.editors.onnx_editor import ONNX_FP32, ONNX_INT8, OnnxEditor
from lianpu.export.onnx_export import export_generator, noise_faces, random_labels
from lianpu.export.quantization import quantize_onnx
from lianpu.export.timing import OnProgress, Timing, time_in_turn, torch_threads
from lianpu.imaging.picture import to_pictures
from lianpu.photo.writing import write_image

CALIBRATION_FACES = 4
"""Ranges do not change the speed, so a few will do."""
EAGER = "PyTorch eager"


@dataclass(frozen=True)
class FormSpeed:
    """One form of one generator with one count of threads.

    Args:
        generator: its name.
        form: `PyTorch eager`, `ONNX FP32`, ...
        bytes: of the file, or of the weights.
        timing: of one face.
        times_eager: how many times as fast as the same generator in PyTorch as it is.
        times_first: how many times as fast as the first generator's ONNX FP32.
    """

    generator: str
    form: str
    threads: int
    bytes: int
    timing: Timing
    times_eager: float
    times_first: float


def bench_inference(
    generators: Mapping[str, nn.Module],
    info: ModelInfo,
    threads: Sequence[int],
    runs: int = 20,
    compiled: bool = False,
    on_progress: OnProgress | None = None,
) -> list[FormSpeed]:
    """Speeds of all forms of all generators, for each count of threads: one process, one face at a time, all in turn.

    Args:
        generators: by name, each for faces of `info`'s size and labels; the first is what the others are compared with.
        compiled: measure torch.compile too; it needs a C++ compiler and a minute.
        runs: timed calls of each form.
        on_progress: called with (rounds done, rounds in all) for each count of threads anew.
    """
    speeds: list[FormSpeed] = []
    with tempfile.TemporaryDirectory() as folder:
        files = {
            name: _write_files(generator.eval(), info, Path(folder) / str(at))
            for at, (name, generator) in enumerate(generators.items())
        }
        for count in threads:
            with torch_threads(count), torch.inference_mode():
                calls: dict[tuple[str, str], Callable[[], Any]] = {}
                for name, generator in generators.items():
                    forms = _torch_calls(generator, info, compiled)
                    forms |= {form: _onnx_call(OnnxEditor(file, count)) for form, file in files[name].items()}
                    calls |= {(name, form): call for form, call in forms.items()}
                timings = time_in_turn(calls, runs, on_progress)
            first = timings[next(iter(generators)), ONNX_FP32].median_ms
            for (name, form), timing in timings.items():
                file, eager = files[name].get(form), timings[name, EAGER].median_ms
                size = file.stat().st_size if file else _weight_bytes(generators[name])
                ratios = (eager / timing.median_ms, first / timing.median_ms)
                speeds.append(FormSpeed(name, form, count, size, timing, *ratios))
    return speeds


def _write_files(generator: nn.Module, info: ModelInfo, folder: Path) -> dict[str, Path]:
    """The float and the INT8 file of a generator, by their form."""
    folder.mkdir()
    float_file = export_generator(generator, info, folder / "model.onnx", noise_faces(3, info.image_size)).file
    int8_file = folder / "model.int8.onnx"
    quantize_onnx(float_file, int8_file, _noise_on_disk(folder / "faces", info))
    return {ONNX_FP32: float_file, ONNX_INT8: int8_file}


def _weight_bytes(generator: nn.Module) -> int:
    return sum(parameter.numel() * parameter.element_size() for parameter in generator.parameters())


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


def _torch_calls(generator: nn.Module, info: ModelInfo, compiled: bool) -> dict[str, Callable[[], Any]]:
    face = noise_faces(1, info.image_size)
    labels = torch.from_numpy(random_labels(1, len(info.attributes)))
    channels_last = copy.deepcopy(generator).to(memory_format=torch.channels_last)
    last_face = face.contiguous(memory_format=torch.channels_last)
    calls: dict[str, Callable[[], Any]] = {
        EAGER: lambda: generator(face, labels),
        "PyTorch NHWC": lambda: channels_last(last_face, labels),
    }
    if compiled:
        faster = torch.compile(channels_last)
        calls["PyTorch compiled"] = lambda: faster(last_face, labels)
    return calls


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
