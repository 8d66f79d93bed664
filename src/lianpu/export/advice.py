"""Whether to ship the INT8 model on this machine, in words, from the rows of the deployment table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ASKED_PSNR_DB = 30.0
WORTH_TIMES = 1.1
"""INT8 must be at least this many times as fast as the float ONNX model to be worth its loss."""
WORSE_SHARE = 0.1
"""A distance that grows by more than this share is named."""


def advise(rows: Sequence[Mapping[str, Any]], cpu: str, threads: int) -> str:
    """One paragraph: ship INT8 here or not, and why. `rows` are those of benchmark.json."""
    by_model = {str(row["model"]): row for row in rows}
    pytorch, onnx, int8 = (by_model.get(name) for name in ("PyTorch FP32", "ONNX FP32", "ONNX INT8"))
    where = f"on {cpu} with {threads} thread{'' if threads == 1 else 's'}"
    if int8 is None:
        return f"INT8 was not measured {where}: make it with lianpu quantize RUN, then compare again."
    reference = onnx or pytorch
    if reference is None:
        return f"INT8 was measured alone {where}: compare it with the float model before you ship it."
    times = reference["latency_ms"] / int8["latency_ms"]
    size = int8["bytes"] / reference["bytes"]
    psnr = int8["psnr_to_fp32_db"]
    name = reference["model"]
    facts = f"{times:.2f} times as fast as {name} {where}, {size:.0%} of its size"
    faithful = psnr is None or psnr >= ASKED_PSNR_DB
    loss = "" if psnr is None else f", PSNR {psnr:.1f} dB to FP32"
    if not faithful:
        return (
            f"Do not ship INT8: its edits are {psnr:.1f} dB from FP32's, where {ASKED_PSNR_DB:.0f} is asked ({facts}). "
            "Calibrate with more faces or another --method, or ship ONNX FP32."
        )
    if times < WORTH_TIMES:
        return f"Do not ship INT8 here for speed: it is {facts}{loss}. Ship ONNX FP32, unless the size of the download matters."
    return f"Ship INT8 here: {facts}{loss}.{_distance_warning(reference, int8)}"


def _distance_warning(reference: Mapping[str, Any], int8: Mapping[str, Any]) -> str:
    before = {score["metric"]: score["value"] for score in reference["scores"]}
    worse = [
        f"{score['metric']} grows from {before[score['metric']]:.4g} to {score['value']:.4g}"
        for score in int8["scores"]
        if score["better"] == "lower" and score["value"] > before.get(score["metric"], float("inf")) * (1 + WORSE_SHARE)
    ]
    return f" But {', '.join(worse)}: look at the pictures first." if worse else ""
