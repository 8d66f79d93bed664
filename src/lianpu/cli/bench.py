"""`lianpu bench train | curves | infer | faces | people | effects | edits | photos | video | live`: measure speed and quality."""

from __future__ import annotations

from lianpu.cli.subcommands import Command, run_subcommand

BENCHES = {
    "train": Command(
        "lianpu.bench.training",
        "our training step compared with a plain implementation of it",
        "BenchTrainArguments",
        ("train",),
    ),
    "curves": Command(
        "lianpu.bench.curves", "scores of several runs against minutes of training", "BenchCurvesArguments", ("report",)
    ),
    "infer": Command("lianpu.bench.inference", "PyTorch, ONNX and INT8 compared", "BenchInferArguments", ("train",)),
    "faces": Command(
        "lianpu.bench.faces",
        "faces found by each detector; distances of points to masks; our face networks compared with the insightface package",
        "BenchFacesArguments",
    ),
    "people": Command(
        "lianpu.bench.people",
        "how well backgrounds tell people from what is behind them, on faces with masks",
        "BenchPeopleArguments",
    ),
    "effects": Command("lianpu.bench.effects", "seconds and memory of each effect on a large photo", "BenchEffectsArguments"),
    "edits": Command(
        "lianpu.bench.edits",
        "success, identity and side effects of edits on held-out faces; contact sheets to grade",
        "BenchEditsArguments",
    ),
    "photos": Command(
        "lianpu.bench.photos",
        "photos a second of editing a folder and of prepare; seconds of the whole command on a large photo",
        "BenchPhotosArguments",
    ),
    "video": Command(
        "lianpu.bench.video",
        "frames per second of each stage and effect on a video; flicker before and after smoothing",
        "BenchVideoArguments",
        ("video",),
    ),
    "live": Command(
        "lianpu.bench.live",
        "frames per second, latency and stages of the live picture, on one core and on two",
        "BenchLiveArguments",
        ("video",),
    ),
}


def main(arguments: list[str]) -> None:
    """Run the benchmark that the first word names."""
    run_subcommand("lianpu bench", BENCHES, arguments)
