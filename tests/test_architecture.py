"""The picture of the architecture, as a test that fails when it stops being true (docs/architecture.md shows the same)."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "lianpu"

MAY_IMPORT: dict[str, set[str]] = {
    # single files at the top
    "version": set(),
    "provenance": {"version"},
    "content_credentials": {"errors", "files", "provenance", "version"},
    "errors": set(),
    "files": {"errors"},
    "image": {"errors", "files"},
    "attributes": {"errors"},
    "photo_exif": set(),
    "photo_reading": {"errors", "image", "photo_exif"},
    "photo_file": {"errors", "files", "image", "photo_exif", "photo_reading"},
    "part_names": {"errors"},
    "weights": {"errors"},
    "sessions": {"errors"},
    "settings": {"errors"},
    "onnx_trace": set(),
    "allocator": set(),
    "efficientnet": {"errors", "weights", "model_store"},
    "devices": {"errors", "version"},
    "runs": {"errors", "files"},
    # folders
    "model_store": {"errors", "files", "weights"},
    "parser": {
        "allocator",
        "settings",
        "onnx_trace",
        "errors",
        "files",
        "image",
        "devices",
        "efficientnet",
        "weights",
        "model_store",
        "part_names",
        "sessions",
        "version",
    },
    "perception": {"errors", "files", "image", "weights", "model_store", "sessions", "part_names", "parser"},
    "landmarks": {"errors", "files", "image", "perception"},
    "preparation": {
        "errors",
        "files",
        "image",
        "attributes",
        "weights",
        "model_store",
        "part_names",
        "perception",
        "dataset",
        "version",
    },
    "stargan": {"errors", "attributes"},
    "metrics": {"errors", "files", "devices", "efficientnet", "weights", "model_store", "image", "attributes"},
    "report": {"errors", "files", "image", "runs", "version", "weights", "model_store"},
    "drawing": {"errors", "image", "attributes", "part_names"},
    "dataset": {"errors", "files", "image", "attributes", "drawing", "part_names"},
    "editors": {
        "errors",
        "files",
        "image",
        "attributes",
        "devices",
        "model_store",
        "sessions",
        "runs",
        "stargan",
        "version",
        "weights",
    },
    "training": {
        "allocator",
        "settings",
        "errors",
        "files",
        "image",
        "devices",
        "runs",
        "attributes",
        "dataset",
        "stargan",
        "editors",
        "version",
    },
    "guidance": {
        "errors",
        "files",
        "image",
        "devices",
        "runs",
        "dataset",
        "editors",
        "efficientnet",
        "evaluation",
        "metrics",
        "parser",
        "perception",
        "training",
    },
    "evaluation": {"errors", "files", "image", "devices", "runs", "attributes", "dataset", "editors", "metrics", "perception"},
    "effects": {
        "errors",
        "files",
        "image",
        "attributes",
        "parser",
        "part_names",
        "perception",
        "editors",
        "weights",
        "model_store",
        "photo_file",
        "provenance",
        "version",
    },
    "web": {
        "content_credentials",
        "errors",
        "image",
        "editors",
        "effects",
        "perception",
        "photo_file",
        "photo_reading",
        "provenance",
        "report",
        "weights",
    },
    "video": {"errors", "files", "image", "perception", "effects", "editors", "parser", "part_names", "model_store", "version"},
    "api": {"devices", "dataset", "evaluation", "guidance", "runs", "training"},
    "export": {
        "errors",
        "files",
        "image",
        "devices",
        "sessions",
        "runs",
        "attributes",
        "dataset",
        "stargan",
        "editors",
        "onnx_trace",
        "version",
    },
}
"""Who may import whom inside the package; `cli` and the top `__init__` may import anything."""

ONE_DOOR: dict[str, set[str]] = {
    "torch_fidelity": {"metrics/fidelity.py"},
    "lpips": {"metrics/lpips_distance.py"},
    "onnxruntime.quantization": {"export/quantization.py"},
    "onnxruntime": {"sessions.py", "export/quantization.py"},
    "accelerate": {"training/processes.py"},
    "tensorboard": {"training/log.py"},
    "torch.utils.tensorboard": {"training/log.py"},
    "matplotlib": {"report/charts.py"},
    "jinja2": {"report/page.py", "preparation/sheet.py"},
    "cpuinfo": {"devices.py"},
    "insightface": {"perception/insightface_models.py"},
    "dlib": {"perception/dlib_models.py", "perception/dlib_predictor.py", "landmarks/training.py"},
    "ray": {"preparation/ray_run.py"},
    "timm": {"efficientnet.py"},
    "av": {"video/library.py"},
    "pyvirtualcam": {"video/virtual_camera.py"},
    "psutil": {"devices.py"},
    "pillow_heif": {"photo_reading.py"},
    "requests": {"model_store/transfer.py"},
    "urllib3": {"model_store/transfer.py"},
    "gdown": {"model_store/google_drive.py"},
    "c2pa": {"content_credentials.py"},
    "gradio": {"web/toolkit.py"},
    "starlette": {"web/toolkit.py"},
}
"""The only files that may import a heavy library."""


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _part(file: Path) -> str:
    relative = file.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def _imports(file: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: import from the exact file, not relatively"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("file", _modules(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_follow_the_table(file: Path) -> None:
    part = _part(file)
    if part in ("cli", "__init__", "__main__"):
        return
    assert part in MAY_IMPORT, f"{part} is not in the table: add it, and docs/architecture.md, in the same commit"
    for name in _imports(file):
        if name.startswith("lianpu."):
            target = name.split(".")[1]
            assert target == part or target in MAY_IMPORT[part], f"{part} may not import {target} ({name})"


@pytest.mark.parametrize("file", _modules(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_heavy_libraries_enter_by_one_door(file: Path) -> None:
    relative = file.relative_to(PACKAGE).as_posix()
    for name in _imports(file):
        for library, doors in ONE_DOOR.items():
            if name == library or name.startswith(library + "."):
                assert relative in doors, f"{library} enters by {sorted(doors)}, not by {relative}"


def test_folder_inits_hold_a_sentence_and_nothing_more() -> None:
    for file in PACKAGE.glob("*/__init__.py"):
        body = ast.parse(file.read_text(encoding="utf-8")).body
        assert len(body) == 1 and isinstance(body[0], ast.Expr), f"{file} holds more than its sentence"
