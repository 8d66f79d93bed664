"""A page that is really served, by `lianpu serve` in a process of its own, and the portrait that is dropped on it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from lianpu.attributes import AttributeSet
from lianpu.dataset.drawn import draw_face
from lianpu.editors.editor import ModelInfo
from lianpu.export.onnx_export import export_generator
from lianpu.imaging.picture import Picture
from lianpu.photo.writing import write_image
from lianpu.stargan.layers import FIELD_NAMES
from lianpu.stargan.lite import LiteGenerator

MAX_MB, MAX_MEGAPIXELS = 2, 1
PATIENCE_S = 240.0
"""How long a test waits for what must come. It is no measure: where all processors are busy, a page starts in a minute."""


@dataclass(frozen=True)
class Running:
    """A page that is running: where, below which folder it keeps files, and what it wrote."""

    url: str
    folder: Path
    log: Path
    process: subprocess.Popen[bytes]

    def kept(self) -> list[Path]:
        """All files of visitors that it keeps now."""
        roots = self.folder.glob("lianpu-serve-*/visit-*")
        files = [Path(folder, name) for root in roots for folder, _, names in os.walk(root) for name in names]
        return [file for file in files if _size(file)]

    def end(self) -> int:
        """Stop it as Ctrl-C does, and give its exit code; it is gone in any case."""
        try:
            self.process.send_signal(signal.SIGINT)
            return self.process.wait(timeout=PATIENCE_S)
        finally:
            self.process.kill()
            self.process.wait()

    @staticmethod
    def eventually(holds: Callable[[], bool], seconds: float = PATIENCE_S) -> bool:
        """Whether it becomes true in time."""
        until = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True


def _size(file: Path) -> int:
    """The bytes of a file; none of one that was removed meanwhile."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def start(folder: Path, *words: object, environment: dict[str, str] | None = None) -> Running:
    """`lianpu serve` with these words, on a free port, with temporary files in `folder`; returns when it answers."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder.parent / f"{folder.name}.log"
    command = [
        sys.executable,
        "-m",
        "lianpu",
        "serve",
        "--port",
        "0",
        "--detector",
        "dlib",
        "--threads",
        "1",
        "--runtime",
        "none",
    ]
    command += map(str, words)
    variables = {**os.environ, "TMPDIR": str(folder), "COLUMNS": "200", **(environment or {})}
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=variables)
    for _ in range(int(PATIENCE_S / 0.1)):
        text = log.read_text(encoding="utf-8")
        if "The page is at " in text and "Ctrl-C" in text:
            return Running(text.partition("The page is at ")[2].split()[0], folder, log, process)
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    process.wait()
    raise AssertionError(f"lianpu serve did not start: {log.read_text(encoding='utf-8')}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests come first: xdist deals out the first tests in one piece, so that one process starts the page and the browser, and not each."""
    items.sort(key=lambda item: not item.path.is_relative_to(Path(__file__).parent))


@pytest.fixture(scope="session")
def start_page() -> Callable[..., Running]:
    """`start`, for tests that need a page with words of their own."""
    return start


@pytest.fixture(scope="session")
def editor_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lite editor with random weights and an open mask: its edits are seen."""
    torch.manual_seed(0)
    attributes = AttributeSet.of(("Black_Hair", "Blond_Hair", "Male"))
    info = ModelInfo(attributes, 64, "celebamask-hq", licence="free for any use", label_input="difference")
    generator = LiteGenerator(8, 3, 1)
    with torch.no_grad():
        generator.leave.bias[3:] = 3.0  # type: ignore[index]
    file = export_generator(generator, info, tmp_path_factory.mktemp("editor") / "editor.onnx").file
    file.with_suffix(".md").write_text("# A random editor\n\nIt has learned nothing.\n", encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def fields_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lite editor whose random fields bend, tint and sharpen a face visibly."""
    torch.manual_seed(0)
    generator = LiteGenerator(8, 3, 1, output="fields")
    assert generator.field_head is not None
    with torch.no_grad():
        generator.field_head.leave.weight.normal_(0, 0.1)
        generator.field_head.leave.weight[2:14] *= 0.3
        generator.leave.bias[3:] = -50  # type: ignore[index]
    attributes = AttributeSet.of(("Blond_Hair", "Male", "Young"))
    outputs = ("edited", *FIELD_NAMES)
    info = ModelInfo(attributes, 64, "celebamask-hq", licence="free for any use", label_input="difference", outputs=outputs)
    file = export_generator(generator, info, tmp_path_factory.mktemp("fields") / "fields.onnx").file
    file.with_suffix(".md").write_text("# A random editor\n\nIt has learned nothing.\n", encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, editor_file: Path) -> Iterator[Running]:
    """The page, with small limits."""
    running = start(
        tmp_path_factory.mktemp("served") / "files",
        "--model",
        editor_file,
        "--max-mb",
        MAX_MB,
        "--max-megapixels",
        MAX_MEGAPIXELS,
    )
    yield running
    running.end()


@pytest.fixture(scope="session")
def portrait() -> Picture:
    """A drawn person with black hair, 512 pixels."""
    return draw_face(3, 4, 512, {"Black_Hair": True, "Wearing_Hat": False}).picture


@pytest.fixture(scope="session")
def portrait_file(tmp_path_factory: pytest.TempPathFactory, portrait: Picture) -> Path:
    return write_image(tmp_path_factory.mktemp("portrait") / "anna.png", portrait)
