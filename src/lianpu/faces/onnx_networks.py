"""Face networks in ONNX files: which kind one is, by its inputs and outputs, and all faces through it as one batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lianpu.errors import ModelError
from lianpu.imaging.picture import Picture
from lianpu.models.sessions import RUN_PROBLEMS, open_session

SCRFD = "a SCRFD detector with 5 points (9 outputs, as det_10g.onnx)"

YUNET = "a YuNet detector (outputs cls_8 to kps_32)"

LANDMARKS_106 = "a network of 106 landmarks (192 x 192 to 212 numbers, as 2d106det.onnx)"

BLAZEFACE = "a BlazeFace detector (outputs boxes and scores, converted from a .tflite file of MediaPipe)"

SEX_AGE = "a network of sex and age (96 x 96 to 3 numbers, as genderage.onnx)"

IDENTITY = "a network of identity (112 x 112 to a vector, as w600k_r50.onnx)"

_LONGEST_STRIP = 100

Batch = np.ndarray[Any, np.dtype[np.float32]]


def is_strip(picture: Picture) -> bool:
    """Whether a picture is more than 100 times as long as wide: no detector sees a face in it, and some stumble over it."""
    height, width = picture.shape[:2]
    return max(height, width) > _LONGEST_STRIP * min(height, width)


def open_network(file: Path | str, kind: str, threads: int | None = None) -> Any:
    """A session for the network in `file`, once it is known to be of `kind` (one of the names above).

    Raises:
        ModelError: the file is missing, broken, or holds another kind of network; the message says which.
    """
    session = open_session(file, threads, advice="Get it again (lianpu models fetch NAME), or give another file.")
    got = network_kind(session)
    if got != kind:
        raise ModelError(f"{file} is {got}; expected {kind}. Give that file instead.")
    return session


def network_kind(session: Any) -> str:
    """The kind of a session's network, as one of the names above; else its inputs and outputs in words."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    names = {output.name for output in outputs}
    if {"cls_8", "obj_8", "bbox_8", "kps_8"} <= names:
        return YUNET
    if names == {"boxes", "scores"} and [_last(output) for output in sorted(outputs, key=lambda one: one.name)] == [16, 1]:
        return BLAZEFACE
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].shape[1] != 3:
        return f"a network of another kind ({_in_words(inputs)} to {_in_words(outputs)})"
    if len(outputs) == 9 and [_last(output) for output in outputs] in ([1] * 3 + [4] * 3 + [10] * 3, [None] * 9):
        return SCRFD
    by_sizes: dict[tuple[Any, ...], str] = {(192, 192, 212): LANDMARKS_106, (96, 96, 3): SEX_AGE}
    sizes = (*inputs[0].shape[2:], _last(outputs[0]))
    if len(outputs) == 1 and sizes in by_sizes:
        return by_sizes[sizes]
    if len(outputs) == 1 and sizes[:2] == (112, 112) and sizes[2] is not None and len(outputs[0].shape) == 2:
        return IDENTITY
    return f"a network of another kind ({_in_words(inputs)} to {_in_words(outputs)})"


def _last(output: Any) -> int | None:
    """The length of an output's last axis; None when the file leaves it open."""
    last = output.shape[-1] if output.shape else None
    return last if isinstance(last, int) else None


def _in_words(tensors: list[Any]) -> str:
    shapes = ["x".join(str(size or "?") for size in tensor.shape) for tensor in tensors[:3]]
    more = f" and {len(tensors) - 3} more" if len(tensors) > 3 else ""
    return ", ".join(f"{tensor.name} {shape}" for tensor, shape in zip(tensors, shapes, strict=False)) + more


def run_faces(session: Any, batch: Batch) -> Batch:
    """What a network with one input and one output says of N faces (N, 3, S, S): (N, F) float32.

    All faces go through at once where the network allows it, else one by one (its batch is fixed at 1 in the file, or it
    turns out to be fixed inside).

    Raises:
        ModelError: the network cannot run even on one face.
    """
    name, length = session.get_inputs()[0].name, session.get_inputs()[0].shape[0]
    try:
        if not isinstance(length, int) or length == len(batch):
            rows = session.run(None, {name: batch})[0]
            if len(rows) == len(batch):
                return _as_rows(rows, len(batch))
    except RUN_PROBLEMS:
        pass  # fixed inside: the single faces below say whether it can run at all
    try:
        return _as_rows(np.concatenate([session.run(None, {name: batch[i : i + 1]})[0] for i in range(len(batch))]), len(batch))
    except RUN_PROBLEMS as problem:
        raise ModelError(
            "the network with input {name} cannot run on one face {shape} ({reason})",
            key="model.cannot_run",
            name=name,
            shape=str(batch[:1].shape),
            reason=str(problem),
        ) from None


def _as_rows(values: np.ndarray, count: int) -> Batch:
    return np.asarray(values, dtype=np.float32).reshape(count, -1)
