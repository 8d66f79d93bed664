"""What one of our ONNX files says of itself, under one metadata entry that both its writer and its reader know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lianpu.editors.editor import ModelInfo
from lianpu.errors import ModelError
from lianpu.version import __version__

METADATA_KEY = "lianpu"
ONNX_FP32 = "ONNX FP32"
ONNX_INT8 = "ONNX INT8"


def write_metadata(info: ModelInfo, kind: str, facts: Mapping[str, Any]) -> dict[str, str]:
    """Metadata entries: all of it as JSON for programs, and what people look for in a viewer in plain words."""
    described = info.to_json() | {"kind": kind, "lianpu": __version__} | dict(facts)
    return {
        METADATA_KEY: json.dumps(described, ensure_ascii=False),
        "kind": kind,
        "attributes": ", ".join(info.attributes.names),
        "licence": info.licence,
    }


def read_metadata(entries: Mapping[str, str], source: str) -> tuple[ModelInfo, str]:
    """What the entries of a file say: its labels and size, and its kind (`ONNX FP32`, `ONNX INT8`).

    Raises:
        ModelError: the entries were not written by us, or are damaged; `source` is named.
    """
    if METADATA_KEY not in entries:
        raise ModelError(
            f"{source} does not say its labels and their order (it has no metadata entry '{METADATA_KEY}'). "
            "Export the run that it came from: lianpu export RUN"
        )
    try:
        described = json.loads(entries[METADATA_KEY])
        kind = str(described["kind"])
    except (json.JSONDecodeError, KeyError, TypeError) as problem:
        raise ModelError(
            f"{source} has a damaged metadata entry '{METADATA_KEY}' ({problem!r}). Export it again: lianpu export RUN"
        ) from None
    return ModelInfo.from_json(described, source), kind
