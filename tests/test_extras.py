"""The extras: one table of their modules, kept together with pyproject.toml and with what the package imports."""

import ast
import re
import sys
from pathlib import Path

import pytest

import lianpu
from lianpu.cli.main import COMMANDS, main
from lianpu.errors import LianpuError
from lianpu.extras import EXTRAS, check_extras, install_line, missing_library

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # comes with pytest there

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

MODULES = {
    "c2pa-python": "c2pa",
    "dlib-bin": "dlib",
    "opencv-python": "cv2",
    "pillow": "PIL",
    "py-cpuinfo": "cpuinfo",
    "pyyaml": "yaml",
}
"""Packages whose modules are called otherwise than they are."""

BROUGHT = {"google": "onnx", "markupsafe": "jinja2", "starlette": "fastapi"}
"""Modules that come with another package."""

OPTIONAL = {"gdown", "openvino", "weasyprint"}
"""What is tried, and told in a line where it is not installed: Google Drive's files; another runtime; PDF."""


def _modules(requirements: list[str]) -> set[str]:
    names = [re.split(r"[\[><=;]", requirement)[0].strip() for requirement in requirements]
    return {MODULES.get(name, name.replace("-", "_")) for name in names}


def test_the_table_of_extras_is_that_of_the_project() -> None:
    declared = PROJECT["optional-dependencies"]
    assert {extra: set(modules) for extra, modules in EXTRAS.items()} == {extra: _modules(declared[extra]) for extra in EXTRAS}
    assert set(declared) == {*EXTRAS, "all", "test", "docs", "dev"}
    assert declared["all"] == [f"lianpu[{','.join(EXTRAS)}]"]


def test_the_base_installation_has_nothing_of_training() -> None:
    heavy = {"torch", "torchvision", "matplotlib", "insightface", "timm", "tensorboard", "fastapi", "av"}
    assert not _modules(PROJECT["dependencies"]) & heavy


def test_torch_and_torchvision_are_asked_for_together() -> None:
    for requirements in PROJECT["optional-dependencies"].values():
        assert ("torch" in _modules(requirements)) == ("torchvision" in _modules(requirements))


def test_every_library_that_is_imported_is_declared() -> None:
    known = _modules(PROJECT["dependencies"]) | {module for modules in EXTRAS.values() for module in modules}
    for file in Path(lianpu.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                top = str(name).partition(".")[0]
                assert top in {"lianpu", *sys.stdlib_module_names, *OPTIONAL} or BROUGHT.get(top, top) in known, f"{file}: {name}"


def test_extras_that_texts_name_exist() -> None:
    texts = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("src/lianpu/**/*.py"), *ROOT.glob("src/lianpu/**/*.yaml")]
    for file in texts:
        for names in re.findall(r"lianpu\[([a-z0-9,]+)\]", file.read_text(encoding="utf-8")):
            assert set(names.split(",")) <= set(PROJECT["optional-dependencies"]), f"{file}: lianpu[{names}]"


def test_commands_name_extras_that_exist() -> None:
    assert {extra for command in COMMANDS.values() for extra in command.extras} <= set(EXTRAS)


def test_a_command_without_its_extra_says_the_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lianpu.extras.find_spec", lambda name: None)
    with pytest.raises(SystemExit) as stopped:
        main(["demo"])
    said = capsys.readouterr().err
    assert stopped.value.code == 1 and said.count("\n") == 1
    assert said.startswith("lianpu: lianpu demo needs libraries that are not installed (torch, torchvision, accelerate and ")
    assert said.endswith("Install them: pip install 'lianpu[train,report]'\n")
    with pytest.raises(SystemExit) as stopped:
        main(["demo", "--help"])
    assert not stopped.value.code


def test_an_import_that_fails_later_says_it_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ModuleNotFoundError) as problem:
        __import__("timm.layers")
    assert (
        str(missing_library(problem.value)) == "This needs timm, which is not installed. Install it: pip install 'lianpu[train]'"
    )
    monkeypatch.setattr("lianpu.cli.effects.main", lambda arguments: __import__("timm.layers"))
    with pytest.raises(SystemExit) as stopped:
        main(["effects"])
    assert stopped.value.code == 1 and "pip install 'lianpu[train]'" in capsys.readouterr().err


def test_a_module_of_no_extra_stays_an_import_error() -> None:
    assert missing_library(ModuleNotFoundError("no", name="lianpu.nowhere")) is None
    assert missing_library(ModuleNotFoundError("no", name="torch.nowhere")) is None, "torch is installed, and broken"


def test_installed_extras_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    check_extras("lianpu report", ("report",))
    with pytest.raises(LianpuError, match=re.escape(install_line(["ray"]))):
        monkeypatch.setitem(sys.modules, "ray", None)
        check_extras("lianpu prepare --ray", ("ray",))
