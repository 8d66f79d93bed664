"""`lianpu bench train | curves | infer | faces | effects | video`: speed as ratios, measured in one process, the contenders taking turns."""

from __future__ import annotations

from lianpu.cli.subcommands import run_subcommand

BENCHES = {
    "train": ("lianpu.bench.training", "our training step against the same mathematics written plainly"),
    "curves": ("lianpu.bench.curves", "scores of several runs against minutes of training, as a table and a chart"),
    "infer": ("lianpu.bench.inference", "PyTorch, ONNX and INT8 side by side"),
    "faces": (
        "lianpu.bench.faces",
        "faces found by each detector; a pack of face networks against the insightface package",
    ),
    "effects": ("lianpu.bench.effects", "seconds and memory of each effect on a large photo"),
    "video": (
        "lianpu.bench.video",
        "frames a second of each stage and effect on a video; flicker before and after smoothing",
    ),
}


def main(arguments: list[str]) -> None:
    """Run the bench that the first word names."""
    run_subcommand("bench", BENCHES, arguments)
