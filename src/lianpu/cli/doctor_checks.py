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

from lianpu.cli.doctor_providers import Trial, installed_packages, try_providers
from lianpu.devices import (
    Machine,
    available_memory_mb,
    describe_machine,
    has_int8_dot_product,
    instruction_sets,
    pick_device,
)
from lianpu.errors import LianpuError

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
    has_driver = shutil.which("nvidia-smi") is not None
    return [
        *findings,
        check_device(machine, str(device), has_nvidia_driver=has_driver, torch_cuda=_torch_cuda()),
        _check_torch_works(str(device)),
        check_onnxruntime(machine, installed_packages(), try_providers(_execution_providers()), has_nvidia_driver=has_driver),
        check_cpu(machine),
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


def check_device(machine: Machine, device: str, *, has_nvidia_driver: bool, torch_cuda: str | None) -> Finding:
    """Where training and evaluation would run, and why there. `torch_cuda` is the CUDA that torch was built for, or None."""
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


def _torch_cuda() -> str | None:
    import torch

    return torch.version.cuda


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


def check_onnxruntime(machine: Machine, packages: Sequence[str], trials: Sequence[Trial], *, has_nvidia_driver: bool) -> Finding:
    """What ONNX models run on, and why there. Lianpu's own sessions ask for the CPU, so that figures of two machines mean the same."""
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
        return Finding("ONNX Runtime", "ok", f"{what}; your own programs can use {works} too (tried)")
    gpu = next((gpu.name for gpu in machine.gpus if machine.cuda), "an NVIDIA driver" if has_nvidia_driver else "")
    if not gpu:
        return Finding("ONNX Runtime", "ok", f"{what}; there is nothing else that it could use")
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
    """Which of the instruction sets that matter the CPU has."""
    sets = instruction_sets(machine.cpu_features)
    found = [
        f"{name} ({', '.join(features)})" if features != (name.lower(),) else name for name, features in sets.items() if features
    ]
    lacking = [name for name, features in sets.items() if not features]
    without = f"; without {', '.join(lacking)}" if lacking else ""
    return Finding("CPU", "ok", f"{machine.cpu}: {', '.join(found) or 'no known instruction sets'}{without}")


def check_int8(machine: Machine, exact: bool) -> Finding:
    """What the CPU's instructions mean for the INT8 model."""
    features = ", ".join(machine.cpu_features) or "no known instruction sets"
    if exact:
        return Finding("INT8", "ok", f"adds 8-bit products exactly ({features}), so weights keep all 8 bits")
    return Finding(
        "INT8",
        "note",
        f"no VNNI or AMX ({features}), so 8-bit products saturate and lianpu quantize keeps weights to 7 bits. "
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


def first_broken(findings: Sequence[Finding]) -> LianpuError | None:
    """The error to end with when something necessary is broken."""
    broken = [finding for finding in findings if finding.state == "broken"]
    if not broken:
        return None
    return LianpuError(f"{broken[0].subject}: {broken[0].what}. To mend it: {broken[0].mend}")
