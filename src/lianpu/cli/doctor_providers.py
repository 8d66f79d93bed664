"""Which execution providers of ONNX Runtime really work here: its list names those it was built with, not those that run."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")
"""All of them install the same folder, so two at once overwrite each other."""

_NOT_LOCAL = ("CPUExecutionProvider", "AzureExecutionProvider")
_TIMEOUT_S = 60
_TRY = """
import json, sys
import numpy
from lianpu.sessions import open_session
session = open_session(sys.argv[1], 1, [sys.argv[2], "CPUExecutionProvider"])
session.run(None, {"x": numpy.ones((1, 3, 8, 8), numpy.float32)})
print(json.dumps(session.get_providers()))
"""


@dataclass(frozen=True)
class Trial:
    """What became of one provider when a small network was run with it."""

    provider: str
    works: bool
    why_not: str = ""

    @property
    def name(self) -> str:
        return self.provider.removesuffix("ExecutionProvider")


def installed_packages() -> tuple[str, ...]:
    """The packages of ONNX Runtime that are installed, each with its version."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return tuple(found)


def try_providers(providers: Sequence[str]) -> list[Trial]:
    """Run one convolution with each provider but the CPU, each in a process of its own: one that does not fit may end it."""
    local = [provider for provider in providers if provider not in _NOT_LOCAL]
    if not local:
        return []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "convolution.onnx"
        _write_convolution(file)
        return [_try(provider, file) for provider in local]


def _try(provider: str, file: Path) -> Trial:
    command = [sys.executable, "-c", _TRY, str(file), provider]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return Trial(provider, False, f"no result within {_TIMEOUT_S} s")
    if ended.returncode == 0 and provider in json.loads(ended.stdout.splitlines()[-1]):
        return Trial(provider, True)
    return Trial(provider, False, reason_in(ended.stderr) or f"it fell back to the CPU (exit code {ended.returncode})")


def reason_in(errors: str) -> str:
    """The telling part of what ONNX Runtime wrote: the library that is missing, or the last line."""
    lines = [" ".join(re.sub(r"\x1b\[[0-9;]*m", "", line).split()) for line in errors.splitlines() if line.strip()]
    telling = next((line for line in lines if "cannot open shared object" in line or "Failed to load library" in line), "")
    chosen = telling or (lines[-1] if lines else "")
    return chosen.rpartition("with error: ")[2][:200]


def _write_convolution(file: Path) -> None:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(np.ones((4, 3, 3, 3), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "convolution",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 6, 6])],
        [weight],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), file)
