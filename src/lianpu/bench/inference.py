"""`lianpu bench infer [RUN]`: the speed of generators as PyTorch, ONNX and INT8, as ratios."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.editors.editor import ModelInfo
    from lianpu.export.inference_benchmark import FormSpeed
    from lianpu.stargan.lite import AnyGenerator


PUBLISHED = "stargan"


@dataclass(frozen=True)
class BenchInferArguments:
    """Time the forms of generators in turn, in one process: the published one and the lite ones, with random weights.

    With RUN: the published one and the generator of the run, at the run's size, beside the run's distance where it was scored.
    """

    run: Annotated[Path | None, tyro.conf.Positional] = None
    """A run folder, whose last checkpoint is timed at its own size."""
    image_size: tuple[int, ...] = (128, 256)
    """Sides in pixels without a run."""
    generators: tuple[str, ...] = (PUBLISHED, "lite-S", "lite-M", "lite-L")
    """Which generators without a run; the others are compared with the first. fields-S, -M, -L are lite ones with fields."""
    threads: tuple[int, ...] = (1, 2)
    """Counts of threads."""
    runs: int = 20
    """Timed calls of each form."""
    compiled: bool = False
    """Time torch.compile too; it needs a C++ compiler."""


def main(arguments: list[str]) -> None:
    """Parse the command line, measure, and print a table for each size."""
    parsed = tyro.cli(BenchInferArguments, args=arguments, prog="lianpu bench infer")
    from lianpu.devices import describe_machine
    from lianpu.errors import SettingsError
    from lianpu.export.inference_benchmark import bench_inference, count_multiplications
    from lianpu.terminal import console, stage

    if parsed.runs < 1 or min(parsed.threads, default=0) < 1:
        raise SettingsError(f"--runs {parsed.runs} --threads {' '.join(map(str, parsed.threads)) or '(none)'}: give at least 1.")
    machine = describe_machine()
    for generators, info in _contests(parsed):
        with stage(f"Timing at {info.image_size} px") as on_progress:
            speeds = bench_inference(generators, info, parsed.threads, parsed.runs, parsed.compiled, on_progress)
        work = {name: count_multiplications(generator, info) for name, generator in generators.items()}
        console.print(speed_table(speeds, info.image_size, work, machine.cpu))
        if parsed.run is not None:
            console.print(_distance_line(parsed.run), markup=False, highlight=False, soft_wrap=True)


def speed_table(speeds: list[FormSpeed], image_size: int, multiplications: Mapping[str, int], cpu: str) -> Table:
    """The table of one size as it is printed."""
    from rich.table import Table

    first = speeds[0].generator
    table = Table(title=f"{image_size} px, one face, {cpu}, median of {speeds[0].timing.runs}")
    headings = ("generator", "form", "GMACs", "threads", "MB", "ms", "10 to 90 %", "x eager", f"x {first} ONNX FP32")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("generator", "form") else "right", no_wrap=True)
    for speed in sorted(speeds, key=lambda speed: (speed.threads, list(multiplications).index(speed.generator))):
        timing = speed.timing
        table.add_row(
            speed.generator,
            speed.form,
            f"{multiplications[speed.generator] / 1e9:.2f}",
            str(speed.threads),
            f"{speed.bytes / 1e6:.1f}",
            f"{timing.median_ms:.1f}",
            f"{timing.p10_ms:.1f} to {timing.p90_ms:.1f}",
            f"{speed.times_eager:.2f}",
            f"{speed.times_first:.2f}",
        )
    return table


def _contests(parsed: BenchInferArguments) -> list[tuple[dict[str, AnyGenerator], ModelInfo]]:
    """The generators of each table, and what they edit."""
    import torch

    from lianpu.attributes import AttributeSet
    from lianpu.editors.checkpoint_editor import load_generator
    from lianpu.editors.editor import ModelInfo
    from lianpu.runs import open_run

    torch.manual_seed(0)
    if parsed.run is not None:
        generator, info, _ = load_generator(open_run(parsed.run).last_checkpoint())
        return [({PUBLISHED: _built(PUBLISHED, len(info.attributes)), parsed.run.name: generator}, info)]
    attributes = AttributeSet.of(("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"))
    generators = {name: _built(name, len(attributes)) for name in parsed.generators}
    return [(generators, ModelInfo(attributes, _checked_size(size))) for size in parsed.image_size]


def _built(name: str, attribute_count: int) -> AnyGenerator:
    """A generator of that name with random weights."""
    from lianpu.errors import SettingsError, nearest_name
    from lianpu.stargan.config import ModelConfig
    from lianpu.stargan.layers import LITE_CHANNELS
    from lianpu.stargan.lite import build_generator

    known = {PUBLISHED: ModelConfig()} | {
        f"{name}-{size}": ModelConfig.model_validate({"generator": "lite", "lite_size": size, "output": output})
        for name, output in (("lite", "mask"), ("fields", "fields"))
        for size in LITE_CHANNELS
    }
    if name not in known:
        raise SettingsError(f"--generators: '{name}' is no generator{nearest_name(name, known)}. Known: {', '.join(known)}.")
    return build_generator(known[name], attribute_count)


def _distance_line(folder: Path) -> str:
    """The distance and success of the run's last scored model, or where to get them."""
    from lianpu.evaluation.protocol import OVERALL
    from lianpu.evaluation.run_scores import read_results
    from lianpu.runs import open_run

    results = read_results(open_run(folder))
    if not results:
        return f"No distance: {folder} was not scored yet (lianpu evaluate {folder})."
    name, result = max(results.items(), key=lambda item: item[1].origin.step)
    figures = [f"{score.metric} {score.value:.4g}" for score in result.scores if score.transform == OVERALL]
    return f"Scores of {name}, overall: {', '.join(figures)}."


def _checked_size(image_size: int) -> int:
    from lianpu.errors import SettingsError

    if image_size < 16 or image_size % 8:
        raise SettingsError(f"--image-size {image_size} is not a multiple of 8 of at least 16. Take 128 or 256.")
    return image_size
