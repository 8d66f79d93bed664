"""The picture of the architecture, as a test that fails when it stops being true (docs/architecture.md shows the same)."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "lianpu"

MAY_IMPORT: dict[str, set[str]] = {
    "version": set(),
    "errors": set(),
    "extras": {"errors"},
    "files": {"errors"},
    "settings": {"errors"},
    "yaml_text": set(),
    "attributes": {"errors"},
    "part_names": {"errors"},
    "allocator": set(),
    "terminal": set(),
    "devices": {"errors", "version"},
    "runs": {"errors", "files", "yaml_text"},
    "workers": {"errors"},
    "weights": {"errors"},
    "imaging": set(),
    "photo": {"errors", "files", "imaging", "version"},
    "models": {"errors", "files", "weights"},
    "face_parsing": {
        "allocator",
        "devices",
        "errors",
        "files",
        "imaging",
        "models",
        "part_names",
        "photo",
        "settings",
        "version",
        "weights",
    },
    "faces": {"errors", "face_parsing", "imaging", "models", "part_names"},
    "landmarks": {"errors", "faces", "files", "imaging", "photo"},
    "drawing": {"attributes", "errors", "imaging", "part_names"},
    "dataset": {"attributes", "drawing", "errors", "files", "imaging", "models", "part_names", "photo"},
    "preparation": {
        "attributes",
        "dataset",
        "errors",
        "extras",
        "face_parsing",
        "faces",
        "files",
        "imaging",
        "models",
        "part_names",
        "photo",
        "version",
        "workers",
    },
    "stargan": {"attributes", "errors", "weights"},
    "editors": {"attributes", "devices", "errors", "files", "models", "runs", "stargan", "version", "weights"},
    "training": {
        "allocator",
        "attributes",
        "dataset",
        "devices",
        "editors",
        "errors",
        "files",
        "imaging",
        "photo",
        "runs",
        "settings",
        "stargan",
        "version",
        "weights",
        "yaml_text",
    },
    "metrics": {"attributes", "errors", "files", "imaging", "models", "weights"},
    "evaluation": {
        "allocator",
        "attributes",
        "dataset",
        "editors",
        "errors",
        "faces",
        "files",
        "imaging",
        "metrics",
        "models",
        "photo",
        "runs",
    },
    "guidance": {
        "attributes",
        "dataset",
        "devices",
        "editing",
        "editors",
        "errors",
        "evaluation",
        "face_parsing",
        "faces",
        "files",
        "imaging",
        "metrics",
        "models",
        "part_names",
        "photo",
        "runs",
        "training",
        "transforms",
        "version",
    },
    "export": {
        "attributes",
        "dataset",
        "devices",
        "editors",
        "errors",
        "files",
        "imaging",
        "models",
        "photo",
        "runs",
        "stargan",
        "version",
    },
    "report": {"errors", "files", "imaging", "models", "photo", "runs", "stargan", "version", "yaml_text"},
    "transforms": {"dataset", "errors", "face_parsing", "faces", "files", "imaging", "models", "part_names", "photo"},
    "effects": {"errors", "faces", "imaging", "models", "part_names", "photo", "transforms"},
    "editing": {
        "attributes",
        "editors",
        "effects",
        "errors",
        "faces",
        "files",
        "imaging",
        "photo",
        "stargan",
        "transforms",
        "version",
        "workers",
        "yaml_text",
    },
    "video": {
        "allocator",
        "editing",
        "errors",
        "face_parsing",
        "faces",
        "files",
        "imaging",
        "models",
        "part_names",
        "version",
        "workers",
    },
    "camera": {"editing", "errors", "files", "imaging", "video"},
    "web": {
        "dataset",
        "editing",
        "editors",
        "effects",
        "errors",
        "extras",
        "faces",
        "files",
        "imaging",
        "models",
        "photo",
        "transforms",
        "version",
        "video",
        "workers",
        "yaml_text",
    },
    "bench": {
        "allocator",
        "attributes",
        "camera",
        "cli",
        "dataset",
        "devices",
        "editing",
        "editors",
        "effects",
        "errors",
        "evaluation",
        "export",
        "extras",
        "face_parsing",
        "faces",
        "files",
        "imaging",
        "metrics",
        "models",
        "part_names",
        "photo",
        "preparation",
        "report",
        "runs",
        "stargan",
        "terminal",
        "training",
        "transforms",
        "video",
    },
    "api": {"dataset", "devices", "evaluation", "guidance", "runs", "training"},
}
"""Who may import whom inside the package; `cli` and the top `__init__` may import anything."""

ONE_DOOR: dict[str, set[str]] = {
    "torch_fidelity": {"metrics/fidelity.py"},
    "lpips": {"metrics/lpips_distance.py"},
    "onnxruntime.quantization": {"export/quantization.py"},
    "tflite": {"models/tflite_file.py"},
    "flatbuffers": {"models/tflite_file.py"},
    "onnxruntime": {"models/sessions.py", "export/quantization.py"},
    "accelerate": {"training/processes.py", "training/log.py"},
    "openvino": {"models/openvino.py"},
    "tensorboard": {"training/log.py"},
    "torch.utils.tensorboard": {"training/log.py"},
    "matplotlib": {"report/charts.py"},
    "weasyprint": {"report/page.py"},
    "jinja2": {"report/page.py", "preparation/sheet.py"},
    "cpuinfo": {"devices.py"},
    "insightface": {"faces/insightface_models.py"},
    "dlib": {"faces/dlib_models.py", "landmarks/training.py"},
    "ray": {"preparation/workers.py"},
    "timm": {"models/efficientnet.py"},
    "av": {"video/io/av_library.py"},
    "pyvirtualcam": {"camera/outputs.py"},
    "psutil": {"devices.py"},
    "pillow_heif": {"photo/reading.py"},
    "requests": {"models/store/transfer.py"},
    "urllib3": {"models/store/transfer.py"},
    "gdown": {"models/store/sources.py"},
    "huggingface_hub": {"models/store/hub.py"},
    "pyarrow": {"dataset/shards.py"},
    "c2pa": {"photo/c2pa.py"},
    "fastapi": {"web/server.py"},
    "starlette": {"web/server.py"},
    "uvicorn": {"web/server.py"},
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
    for file in PACKAGE.rglob("*/__init__.py"):
        body = ast.parse(file.read_text(encoding="utf-8")).body
        assert len(body) == 1 and isinstance(body[0], ast.Expr), f"{file} holds more than its sentence"


def test_no_modules_import_each_other() -> None:
    """Neither two modules nor a longer ring of them, counting imports inside functions and those for type checkers."""
    imported = {_name(file): {target for name in _imports(file) for target in _modules_named(name)} for file in _modules()}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " imports ".join((*path[path.index(module) :], module))
        if module not in done:
            for target in sorted(imported.get(module, set()) - {module}):
                visit(target, (*path, module))
            done.add(module)

    for module in sorted(imported):
        visit(module, ())


def _name(file: Path) -> str:
    return "lianpu." + file.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")


def _modules_named(name: str) -> set[str]:
    """The module that an imported name is, or lies in."""
    path = PACKAGE.parent / name.replace(".", "/")
    return {name} if path.with_suffix(".py").is_file() else {name.rpartition(".")[0]}


TESTS = Path(__file__).parent


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _private_names(file: Path) -> list[str]:
    """Private names of other modules and objects that a test uses: imported, read, or patched by a string."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names if _is_private(alias.name)]
        elif isinstance(node, ast.Attribute) and _is_private(node.attr):
            whose = ast.unparse(node.value)
            if whose not in ("self", "cls") and (whose, node.attr) != (
                "os",
                "_exit",
            ):  # os._exit is public by Python's documentation
                found.append(f"{whose}.{node.attr}")
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("setattr", "delattr", "getattr"):
            words = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            found += [word for word in words if isinstance(word, str) and any(map(_is_private, word.split(".")))]
    return found


def test_tests_use_public_names_only() -> None:
    """Test through a public function, or give the thing a good public name."""
    used = {str(file.relative_to(TESTS)): names for file in sorted(TESTS.rglob("*.py")) if (names := _private_names(file))}
    assert not used


def test_tests_follow_the_layout_of_the_package() -> None:
    """`tests/a/test_b.py` and `tests/a/test_b_aspect.py` are about `src/lianpu/a/b.py`."""
    wrong = []
    for file in sorted(TESTS.rglob("test_*.py")):
        if file.parent == TESTS / "robustness":  # what every command must withstand
            continue
        words = file.stem.removeprefix("test_").split("_")
        folder = PACKAGE / file.parent.relative_to(TESTS)
        names = ["_".join(words[:count]) for count in range(1, len(words) + 1)]
        if not any((folder / f"{name}.py").is_file() or (folder / name).is_dir() for name in names):
            wrong.append(str(file.relative_to(TESTS)))
    assert wrong == ABOUT_THE_WHOLE


ABOUT_THE_WHOLE = ["test_architecture.py", "test_docs.py", "test_installation.py"]
"""Tests of no single module."""
