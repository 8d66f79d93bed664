"""The editor that the package carries."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

SHIPPED_NAME = "lite"
"""What `load_editor` calls it."""
SHIPPED_FILE = "face-editor-lite.onnx"


def shipped_editor() -> Path:
    """Where the file lies."""
    return Path(str(resources.files("lianpu.editors").joinpath("models", SHIPPED_FILE)))
