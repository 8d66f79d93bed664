"""ONNX Runtime sessions: the only door to them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as states

from lianpu.errors import ModelError
from lianpu.files import encodable

Session = onnxruntime.InferenceSession

_LOAD_PROBLEMS = (
    states.EPFail,
    states.Fail,
    states.InvalidArgument,
    states.InvalidGraph,
    UnicodeDecodeError,  # a name in the graph that is no UTF-8
    states.InvalidProtobuf,
    states.NoSuchFile,
    states.NotImplemented,
    states.RuntimeException,
)

RUN_PROBLEMS = (states.Fail, states.InvalidArgument, states.RuntimeException)
"""What a session raises when a network cannot run on what it was given."""

_ERRORS_ONLY = 3


def open_session(
    file: Path | str,
    threads: int | None = None,
    providers: Sequence[str] | None = None,
    *,
    advice: str | None = None,
    outputs: Sequence[str] | None = None,
) -> Any:
    """A session that runs the model in `file`.

    Args:
        file: an ONNX file.
        threads: threads for one operation; None takes as many as there are cores.
        providers: ONNX Runtime's execution providers in order of preference; the CPU when None.
        advice: what the message says to do when the file is missing or broken; to export it, when None.
        outputs: run only what these outputs need: ONNX Runtime itself computes all of them in every run. All when None.

    Raises:
        ModelError: the file is missing, cut off, no ONNX file, or of a newer format; or a provider is not installed.
    """
    path = Path(file)
    if not path.is_file():
        raise ModelError(
            "{file} is not there. {advice}",
            key="model.file_not_there",
            file=path,
            advice=advice or "Write it with: lianpu export RUN",
        )
    wanted = list(providers or ("CPUExecutionProvider",))
    missing = [name for name in wanted if name not in onnxruntime.get_available_providers()]
    if missing:
        here = ", ".join(onnxruntime.get_available_providers())
        raise ModelError(f"ONNX Runtime has no {' or '.join(missing)} here, only {here}. Choose one of these.")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    # Its threads would go on spinning for a while after each run, and slow whatever comes next (torch, in our comparisons).
    options.add_session_config_entry("session.force_spinning_stop", "1")
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        return Session(_named(path) if outputs is None else _only(path, outputs), options, providers=wanted)
    except _LOAD_PROBLEMS as problem:
        advice = advice or "Export it again with: lianpu export RUN"
        raise ModelError(
            "{file} cannot be loaded as ONNX ({reason}). {advice}",
            key="model.no_onnx",
            file=path,
            reason=_reason(problem),
            advice=advice,
        ) from None


def metadata_of(session: Any, file: Path | str) -> dict[str, str]:
    """What a model file says of itself. Raises ModelError where that is no text."""
    try:
        return dict(session.get_modelmeta().custom_metadata_map)
    except UnicodeDecodeError:
        raise ModelError(
            "{file} is damaged: what it says of itself is no UTF-8 text. Take another copy, or export it again.",
            key="model.metadata_no_text",
            file=file,
        ) from None


def _named(file: Path) -> str | bytes:
    """What ONNX Runtime opens: the file's name, or what is in it where the name is no UTF-8."""
    return str(file) if encodable(str(file)) == str(file) else file.read_bytes()


def _only(file: Path, outputs: Sequence[str]) -> bytes:
    """The model with only these outputs, and the nodes that they need."""
    from lianpu.models.onnx_graph import only_outputs  # the onnx package is read in 0.1 s, and most sessions need none

    return only_outputs(file.read_bytes(), outputs)


def plain_options(threads: int | None = None) -> Any:
    """Session options as another library would make them, with the count of threads set: what ours are measured against."""
    options = onnxruntime.SessionOptions()
    if threads is not None:
        options.intra_op_num_threads = threads
    return options


def execution_providers() -> tuple[str, ...]:
    """The execution providers that this ONNX Runtime has, its best first."""
    return tuple(onnxruntime.get_available_providers())


def runtime_version() -> str:
    """The version of ONNX Runtime, whichever package it came in."""
    return str(onnxruntime.__version__)


def _reason(problem: Exception) -> str:
    """The telling part of ONNX Runtime's message, in one short line."""
    text = " ".join(str(problem).split()).rpartition(" : ")[2].rpartition(" failed:")[2]
    return text.strip(" .")[:200] or type(problem).__name__
