"""What users import, and what importing costs them."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import lianpu

HEAVY = ("torch", "numpy", "matplotlib", "onnxruntime", "accelerate", "pydantic", "tyro", "rich", "PIL")


def _loaded_by(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_every_public_name_is_there() -> None:
    for name in lianpu.__all__:
        assert getattr(lianpu, name) is not None
        assert name in dir(lianpu)


def test_names_for_type_checkers_are_the_names_that_load() -> None:
    tree = ast.parse(Path(lianpu.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(typed) == set(lianpu.__all__) - {"__version__"}
    for name, module in typed.items():
        assert getattr(lianpu, name) is getattr(importlib.import_module(str(module)), name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(lianpu, "trian")


def test_importing_lianpu_and_its_help_load_nothing_heavy() -> None:
    assert not _loaded_by("import lianpu") & set(HEAVY)
    assert not _loaded_by("from lianpu.cli.main import main; main(['--help'])") & set(HEAVY)


def test_every_command_of_the_table_has_a_main() -> None:
    from lianpu.cli.main import COMMANDS

    for command in COMMANDS.values():
        assert callable(importlib.import_module(command.module).main)
        assert command.summary
