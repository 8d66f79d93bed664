"""`lianpu bench train | curves | infer | faces | effects | video`: speed as ratios, measured in one process, the contenders taking turns."""

from __future__ import annotations

from lianpu.cli.subcommands import run_subcommand

BENCHES = {
    "train": ("lianpu.cli.bench_train", "our training step against the same mathematics written plainly"),
    "curves": ("lianpu.cli.bench_curves", "scores of several runs against minutes of training, as a table and a chart"),
    "infer": ("lianpu.cli.bench_infer", "PyTorch, ONNX and INT8 side by side"),
    "faces": (
        "lianpu.cli.bench_faces",
        "faces found by each detector; a pack of face networks against the insightface package",
    ),
    "effects": ("lianpu.cli.bench_effects", "seconds and memory of each effect on a large photo"),
    "video": (
        "lianpu.cli.bench_video",
        "frames a second of each stage and effect on a video; flicker before and after smoothing",
    ),
}


def main(arguments: list[str]) -> None:
    """Run the bench that the first word names."""
    run_subcommand("bench", BENCHES, arguments)
