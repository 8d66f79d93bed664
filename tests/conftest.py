"""What many tests use: small sets of drawn faces, made once."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lianpu.dataset.drawn import draw_dataset
from lianpu.dataset.faces import Dataset
from lianpu.dataset.sources import open_dataset
from lianpu.faces.analyzer import AnalyzerSettings, FaceAnalyzer, open_analyzer
from lianpu.models.store.importing import import_models
from lianpu.models.store.locate import models_folder
from tests.support.certificates import write_certificates
from tests.support.shared import REASON, SHARED, mediapipe_files

os.environ["COLUMNS"] = "220"  # tables are as wide in every order of tests; the console is made when it is first imported

# No test touches the network, or finds a model that the user of this machine has fetched, unless it says so itself.
# Several processes read this file in turn, each with the environment of the one before.
USERS_MODELS = Path(os.environ.setdefault("LIANPU_TESTS_USERS_MODELS", str(models_folder())))
_empty = tempfile.TemporaryDirectory(prefix="lianpu-no-models-")
os.environ["LIANPU_OFFLINE"] = "1"
os.environ["LIANPU_MODELS"] = _empty.name

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
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with chain.pem, key.pem and other.pem: see `tests/support/certificates.py`."""
    return write_certificates(tmp_path_factory.mktemp("pem"))


@pytest.fixture(scope="session")
def analyzer() -> FaceAnalyzer:
    """The face analyzer of the base install, opened once for all tests: its models take seconds to read."""
    return open_analyzer(AnalyzerSettings("dlib"), threads=1)


@pytest.fixture(scope="session")
def converted_mediapipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with MediaPipe's six models, imported and converted once. Skips where the files are neither shared nor fetched."""
    source = mediapipe_files(USERS_MODELS)
    folder = tmp_path_factory.mktemp("mediapipe")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIANPU_MODELS", str(folder))
        for file in sorted(source.glob("*.tflite")):
            import_models(file)
    return folder


@pytest.fixture
def mediapipe_models(converted_mediapipe: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """LIANPU_MODELS with MediaPipe's six models in it, and nothing else; still offline."""
    monkeypatch.setenv("LIANPU_MODELS", str(converted_mediapipe))
    yield converted_mediapipe


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one place how many tests were skipped because real photos, faces or models are absent, and where they are looked for."""
    absent: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if REASON in reason:
            what = reason.split(f"{REASON}: ")[-1]
            absent[what] = absent.get(what, 0) + 1
    if absent:
        terminalreporter.section("skipped for want of real data")
        count = sum(absent.values())
        all_of_them = sum(
            len(reports) for kind, reports in terminalreporter.stats.items() if kind in ("passed", "failed", "skipped")
        )
        terminalreporter.line(
            f"{count} of {all_of_them} tests need real photos, faces or models, which are not part of the repository. They are looked for"
            f" in {SHARED}; LIANPU_SHARED names another folder. See tests/support/shared.py."
        )
        for what, times in sorted(absent.items()):
            terminalreporter.line(f"{times:5} {what}")
