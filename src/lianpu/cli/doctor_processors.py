"""What `lianpu doctor` says of the processors: where torch and ONNX Runtime really run, why there, and what the CPU can do."""

from __future__ import annotations

from collections.abc import Sequence

from lianpu.cli.doctor_finding import Finding
from lianpu.cli.doctor_providers import Trial
from lianpu.devices import Machine, instruction_sets


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


def torch_cuda_version() -> str | None:
    """The CUDA that torch was built for, or None."""
    import torch

    return torch.version.cuda


def check_torch_works(device: str) -> Finding:
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


def known_providers() -> tuple[str, ...]:
    """The providers that ONNX Runtime was built with."""
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
