"""What many tests use: small sets of drawn faces, made once."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

from lianpu.dataset.drawn import draw_dataset
from lianpu.dataset.faces import Dataset
from lianpu.dataset.sources import open_dataset

os.environ["COLUMNS"] = "220"  # tables are as wide in every order of tests; the console is made when it is first imported

ATTRIBUTES = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")


@pytest.fixture(scope="session")
def drawn_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 drawn faces of 48 px, 12 of them held out."""
    return draw_dataset(tmp_path_factory.mktemp("faces") / "drawn", 60, 48, seed=0, held_out=0.2)


@pytest.fixture(scope="session")
def drawn(drawn_folder: Path) -> Dataset:
    """The drawn faces as a dataset of side 32."""
    return open_dataset("CelebAMask-HQ", drawn_folder, 32, ATTRIBUTES)


@pytest.fixture(scope="session")
def colour_parser() -> ModuleType:
    """`tests/parser/colour_parser.py`: a small real ONNX parser, and the painter of pictures that it reads."""
    return _module(Path(__file__).with_name("parser") / "colour_parser.py")


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with chain.pem, key.pem and other.pem: see `tests/certificates.py`."""
    folder: Path = _module(Path(__file__).with_name("certificates.py")).write_certificates(tmp_path_factory.mktemp("pem"))
    return folder


def _module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
