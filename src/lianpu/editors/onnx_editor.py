"""An editor from one ONNX file, which describes itself: the metadata entry that its writer and its reader share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lianpu.attributes import Labels
from lianpu.editors.editor import ModelInfo, check_edit_inputs, short_name
from lianpu.errors import ModelError, nearest_name, shown
from lianpu.models.openvino import OpenVinoSession
from lianpu.models.sessions import metadata_of, open_session
from lianpu.version import __version__

if TYPE_CHECKING:
    import torch


Engine = Literal["onnxruntime", "openvino"]
ENGINES: tuple[Engine, ...] = ("onnxruntime", "openvino")
"""What can run an ONNX file; OpenVINO where it is installed."""

METADATA_KEY = "lianpu"
ONNX_FP32 = "ONNX FP32"
ONNX_FLOAT16 = "ONNX float16"
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
    """What the entries of a file say: its labels and size, and its kind (`ONNX FP32`, `ONNX float16`, `ONNX INT8`).

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
    except (KeyError, RecursionError, TypeError, ValueError) as problem:
        raise ModelError(
            f"{source} has a damaged metadata entry '{METADATA_KEY}' ({shown(problem)}). Export it again: lianpu export RUN"
        ) from None
    return ModelInfo.from_json(described, source), kind


class OnnxEditor:
    """A float or INT8 model as an Editor, run on the CPU by ONNX Runtime, or by OpenVINO.

    Args:
        file: written by `lianpu export` or `lianpu quantize`; it describes itself.
        threads: threads for one operation; None takes as many as there are cores.
        engine: one of ENGINES.

    Raises:
        ModelError: the file is broken, no ONNX file, or does not describe its labels and size; or the engine is not installed.
    """

    def __init__(self, file: Path | str, threads: int | None = None, engine: Engine = "onnxruntime") -> None:
        if engine not in ENGINES:
            raise ModelError(
                f"There is no engine {shown(engine)}{nearest_name(str(engine), ENGINES)}. Engines: {', '.join(ENGINES)}."
            )
        self.file = Path(file)
        self._session = open_session(self.file, threads)
        self.info, self.kind = read_metadata(metadata_of(self._session, self.file), str(self.file))
        lacking = set(self.info.outputs) - {output.name for output in self._session.get_outputs()}
        if lacking:
            raise ModelError(
                f"{self.file} says that it gives {', '.join(self.info.outputs)}, but {', '.join(sorted(lacking))} is missing. "
                "Export it again: lianpu export RUN"
            )
        if engine == "openvino":
            self._session = OpenVinoSession(self.file, threads)

    def __repr__(self) -> str:
        return short_name(self.kind, self.file, self.info)

    def edit(self, batch: torch.Tensor, labels: Labels) -> torch.Tensor:
        """Faces (B, 3, S, S) in [-1, 1] and target labels (B, A) to edited faces of the same form."""
        import torch

        return torch.from_numpy(self.edit_array(batch.detach().to("cpu", torch.float32).numpy(), labels))

    def edit_array(self, batch: np.ndarray, labels: Labels) -> np.ndarray:
        """The same for float32 arrays of the same forms, without torch, which takes a second to load and 480 MB."""
        check_edit_inputs(self.info, batch, labels)
        target = np.ascontiguousarray(labels, dtype=np.float32)
        edited: np.ndarray = self._session.run(["edited"], {"image": np.ascontiguousarray(batch), "labels": target})[0]
        return edited

    def fields_array(self, batch: np.ndarray, labels: Labels) -> dict[str, np.ndarray]:
        """As `FieldEditor` says."""
        if not self.info.has_fields:
            raise ModelError(f"{self.file} gives an edited face and no fields. Train one with --output fields.")
        check_edit_inputs(self.info, batch, labels)
        target = np.ascontiguousarray(labels, dtype=np.float32)
        got = self._session.run(list(self.info.outputs), {"image": np.ascontiguousarray(batch), "labels": target})
        return dict(zip(self.info.outputs, got, strict=True))
