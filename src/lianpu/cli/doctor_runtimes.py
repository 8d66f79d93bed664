"""Checks of torch and ONNX Runtime for `lianpu doctor`. ONNX Runtime's own list has the providers it was built with, not those that run."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lianpu.devices import Machine, instruction_sets

State = Literal["ok", "note", "absent", "broken"]
"""note: works, but could be better; absent: optional and not here; broken: something necessary does not work."""


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    subject: str
    state: State
    what: str
    fix: str = ""
    """A command or a sentence; empty where nothing needs fixing."""


PACKAGES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")
"""All of them install into the same folder, so two at once overwrite each other."""

NOT_LOCAL = ("CPUExecutionProvider", "AzureExecutionProvider")

_TIMEOUT_S = 60

_TRY = """
import json, sys
import numpy
from lianpu.models.sessions import open_session
session = open_session(sys.argv[1], 1, [sys.argv[2], "CPUExecutionProvider"])
session.run(None, {"x": numpy.ones((1, 3, 8, 8), numpy.float32)})
print(json.dumps(session.get_providers()))
"""


@dataclass(frozen=True)
class Trial:
    """The result of running a small network with one provider."""

    provider: str
    works: bool
    why_not: str = ""

    @property
    def name(self) -> str:
        return self.provider.removesuffix("ExecutionProvider")


def installed_packages() -> tuple[str, ...]:
    """The packages of ONNX Runtime that are installed, each with its version."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return tuple(found)


def try_providers(providers: Sequence[str]) -> list[Trial]:
    """Run one convolution with each provider but the CPU, each in its own process, which a wrong provider may crash."""
    local = [provider for provider in providers if provider not in NOT_LOCAL]
    if not local:
        return []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "convolution.onnx"
        _write_convolution(file)
        return [_try(provider, file) for provider in local]


def _try(provider: str, file: Path) -> Trial:
    command = [sys.executable, "-c", _TRY, str(file), provider]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return Trial(provider, False, f"no result within {_TIMEOUT_S} s")
    if ended.returncode == 0 and provider in json.loads(ended.stdout.splitlines()[-1]):
        return Trial(provider, True)
    return Trial(provider, False, reason_in(ended.stderr) or f"it fell back to the CPU (exit code {ended.returncode})")


def reason_in(errors: str) -> str:
    """The reason in ONNX Runtime's output: the line with the missing library, or the last line."""
    lines = [" ".join(re.sub(r"\x1b\[[0-9;]*m", "", line).split()) for line in errors.splitlines() if line.strip()]
    telling = next((line for line in lines if "cannot open shared object" in line or "Failed to load library" in line), "")
    chosen = telling or (lines[-1] if lines else "")
    return chosen.rpartition("with error: ")[2][:200]


def _write_convolution(file: Path) -> None:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(np.ones((4, 3, 3, 3), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "convolution",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 6, 6])],
        [weight],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), file)


def check_device(machine: Machine, device: str, *, has_nvidia_driver: bool, torch_cuda: str | None) -> Finding:
    """The device of training and evaluation, and why it is that one. `torch_cuda` is the CUDA version torch was built for, or None."""
    here = f"torch {machine.torch} works on {device}"
    if device.startswith("cuda"):
        names = ", ".join(f"{gpu.name} ({gpu.memory_gb} GB)" for gpu in machine.gpus)
        return Finding("Device", "ok", f"{here}: {names}, CUDA {machine.cuda}")
    if device == "mps":
        return Finding("Device", "ok", f"{here}: {machine.gpus[0].name}")
    if machine.gpus:
        return Finding("Device", "ok", f"{here}, as asked, though there is {machine.gpus[0].name}")
    if has_nvidia_driver and torch_cuda is None:
        return Finding(
            "Device",
            "note",
            f"{here}: there is an NVIDIA driver, but this torch was built without CUDA",
            "pip uninstall torch torchvision; then install them for your CUDA version: https://pytorch.org/get-started/locally",
        )
    if has_nvidia_driver:
        return Finding(
            "Device",
            "note",
            f"{here}: there is an NVIDIA driver, but torch (built for CUDA {torch_cuda}) sees no GPU",
            "see whether nvidia-smi lists the GPU; if it does, install a torch for its CUDA version: https://pytorch.org/get-started/locally",
        )
    return Finding("Device", "ok", f"{here}: there is no GPU. lianpu train says how long it will take before it starts")


def torch_cuda_version() -> str | None:
    """The CUDA version that torch was built for, or None."""
    import torch

    return torch.version.cuda


def check_torch_works(device: str) -> Finding:
    """Whether a convolution and its gradient run: a torch that does not match its driver fails here, not an hour into training."""
    import torch

    try:
        picture = torch.randn(1, 3, 16, 16, device=device, requires_grad=True)
        torch.nn.functional.conv2d(picture, torch.ones(4, 3, 3, 3, device=device)).sum().backward()
    except RuntimeError as problem:
        return Finding(
            "torch",
            "broken",
            f"a convolution on {device} fails: {' '.join(str(problem).split())}",
            "reinstall torch for this machine: https://pytorch.org/get-started/locally",
        )
    return Finding("torch", "ok", f"a convolution on {device} and its gradient work")


def known_providers() -> tuple[str, ...]:
    """The providers that ONNX Runtime was built with."""
    from lianpu.models.sessions import execution_providers

    return execution_providers()


def check_onnxruntime(machine: Machine, packages: Sequence[str], trials: Sequence[Trial], *, has_nvidia_driver: bool) -> Finding:
    """What ONNX models run on. Lianpu always uses the CPU, so that measurements on two machines are comparable."""
    what = f"{', '.join(packages) or machine.onnxruntime}: Lianpu runs ONNX models on the CPU"
    works = ", ".join(trial.name for trial in trials if trial.works)
    fails = [trial for trial in trials if not trial.works]
    if len(packages) > 1:
        names = [package.split()[0] for package in packages]
        return Finding(
            "ONNX Runtime",
            "note",
            f"{what}; these packages overwrite each other's files",
            f"pip uninstall {' '.join(names)}; pip install {names[-1]}",
        )
    if works:
        return Finding("ONNX Runtime", "ok", f"{what}; your own programs can use {works}, too (tested)")
    gpu = next((gpu.name for gpu in machine.gpus if machine.cuda), "an NVIDIA driver" if has_nvidia_driver else "")
    if not gpu:
        return Finding("ONNX Runtime", "ok", f"{what}; there is no GPU")
    if fails:
        why = "; ".join(f"{trial.name} does not start: {trial.why_not}" for trial in fails)
        return Finding("ONNX Runtime", "note", f"{what}; there is {gpu}, but {why}", 'pip install "onnxruntime-gpu[cuda,cudnn]"')
    return Finding(
        "ONNX Runtime",
        "note",
        f"{what}; there is {gpu}, but this package was built without CUDA, so your own programs cannot use it either",
        "pip uninstall onnxruntime; pip install onnxruntime-gpu",
    )


def check_cpu(machine: Machine) -> Finding:
    """Which of the relevant instruction sets the CPU has."""
    sets = instruction_sets(machine.cpu_features)
    found = [
        f"{name} ({', '.join(features)})" if features != (name.lower(),) else name for name, features in sets.items() if features
    ]
    lacking = [name for name, features in sets.items() if not features]
    without = f"; without {', '.join(lacking)}" if lacking else ""
    return Finding("CPU", "ok", f"{machine.cpu}: {', '.join(found) or 'no known instruction sets'}{without}")


def check_int8(machine: Machine, exact: bool) -> Finding:
    """What the CPU's instruction sets mean for the INT8 model."""
    features = ", ".join(machine.cpu_features) or "no known instruction sets"
    if exact:
        return Finding("INT8", "ok", f"adds 8-bit products exactly ({features}), so weights keep all 8 bits")
    return Finding(
        "INT8",
        "note",
        f"no VNNI or AMX ({features}), so 8-bit products saturate and lianpu quantize keeps weights to 7 bits. "
        "INT8 may be no faster than float here: lianpu compare measures it",
    )
