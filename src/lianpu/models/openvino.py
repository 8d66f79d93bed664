"""OpenVINO as an engine for the ONNX files of editors, where it is installed: the only door to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from lianpu.errors import ModelError


def has_openvino() -> bool:
    """Whether OpenVINO is installed; it is not imported for this."""
    return find_spec("openvino") is not None


class OpenVinoSession:
    """A model run by OpenVINO on the CPU, asked as an ONNX Runtime session is.

    Args:
        file: an ONNX file.
        threads: threads for one operation; None lets OpenVINO choose.

    Raises:
        ModelError: OpenVINO is not installed, or cannot read the file.
    """

    def __init__(self, file: Path | str, threads: int | None = None) -> None:
        if not has_openvino():
            raise ModelError(f"{file} was to run on OpenVINO, which is not installed. Install it: pip install openvino")
        import openvino

        settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        try:
            compiled = openvino.Core().compile_model(str(file), "CPU", settings)
        except RuntimeError as problem:
            reason = " ".join(str(problem).split())[-200:]
            raise ModelError(f"{file} cannot be run by OpenVINO ({reason}). Use the engine onnxruntime.") from None
        self._request = compiled.create_infer_request()

    def run(self, outputs: Sequence[str], feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The outputs of these names for inputs by name."""
        self._request.infer(dict(feeds))
        return [np.array(self._request.get_tensor(name).data) for name in outputs]


def openvino_version() -> str:
    """The version of OpenVINO, empty where it is not installed."""
    if not has_openvino():
        return ""
    import openvino

    return str(openvino.__version__).partition("-")[0]
