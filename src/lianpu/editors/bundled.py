"""The editors that the package carries, by name."""

from __future__ import annotations

from pathlib import Path

from lianpu.errors import WeightsError
from lianpu.models.store.locate import check_model_file, find_model_file, missing
from lianpu.models.store.policy import refuse_non_commercial
from lianpu.models.table import model_file

BUNDLED_EDITORS: dict[str, str] = {"lite": "face-editor-lite"}
"""What `load_editor` calls them, and their names in the table of weights."""


def bundled_editor_file(name: str) -> Path:
    """The ONNX file of an editor of `BUNDLED_EDITORS`, its bytes checked.

    Raises:
        WeightsError: it is not there, damaged, or not allowed under --commercial-safe.
    """
    entry = model_file(BUNDLED_EDITORS[name])
    refuse_non_commercial([entry])
    file = find_model_file(entry.name)
    if file is None:
        raise WeightsError(
            f"{missing(entry)}, although the package carries it. Install Lianpu again ({entry.how_to_get}), or name another editor: "
            "a run folder or an .onnx file."
        )
    return check_model_file(file, entry)
