"""`lianpu bench infer [RUN]`: the speed of the generator as PyTorch, ONNX and INT8, as ratios."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.editors.editor import ModelInfo
    from lianpu.export.inference_benchmark import FormSpeed
    from lianpu.stargan.build import AnyGenerator


@dataclass(frozen=True)
class BenchInferArguments:
    """Time the forms of a generator in turn, in one process. Without RUN: the published one, with random weights."""

    run: Annotated[Path | None, tyro.conf.Positional] = None
    """A run folder, whose last checkpoint is timed at its own size."""
    image_size: tuple[int, ...] = (128, 256)
    """Sides in pixels for the published generator."""
    threads: tuple[int, ...] = (1, 2)
    """Counts of threads."""
    runs: int = 20
    """Timed calls of each form."""
    compiled: bool = False
    """Time torch.compile too; it needs a C++ compiler."""


def main(arguments: list[str]) -> None:
    """Parse the command line, measure, and print a table for each size."""
    parsed = tyro.cli(BenchInferArguments, args=arguments, prog="lianpu bench infer")
    from lianpu.cli.progress import console, stage
    from lianpu.devices import describe_machine
    from lianpu.errors import SettingsError
    from lianpu.export.inference_benchmark import bench_inference, count_multiplications

    if parsed.runs < 1 or min(parsed.threads, default=0) < 1:
        raise SettingsError(f"--runs {parsed.runs} --threads {' '.join(map(str, parsed.threads)) or '(none)'}: give at least 1.")
    machine = describe_machine()
    for generator, info in _generators(parsed):
        with stage(f"Timing at {info.image_size} px") as on_progress:
            speeds = bench_inference(generator, info, parsed.threads, parsed.runs, parsed.compiled, on_progress)
        console.print(speed_table(speeds, info.image_size, count_multiplications(generator, info), machine.cpu))


def speed_table(speeds: list[FormSpeed], image_size: int, multiplications: int, cpu: str) -> Table:
    """The table of one size as it is printed."""
    from rich.table import Table

    table = Table(title=f"{image_size} px, one face, {multiplications / 1e9:.1f} GMACs, {cpu}, median of {speeds[0].timing.runs}")
    for column in ("form", "threads", "MB", "ms", "10 to 90 %", "x eager"):
        table.add_column(column, justify="left" if column == "form" else "right", no_wrap=True)
    for speed in speeds:
        timing = speed.timing
        spread = f"{timing.p10_ms:.1f} to {timing.p90_ms:.1f}"
        table.add_row(
            speed.form,
            str(speed.threads),
            f"{speed.bytes / 1e6:.1f}",
            f"{timing.median_ms:.1f}",
            spread,
            f"{speed.times_eager:.2f}",
        )
    return table


def _generators(parsed: BenchInferArguments) -> list[tuple[AnyGenerator, ModelInfo]]:
    import torch

    from lianpu.attributes import AttributeSet
    from lianpu.editors.checkpoint_editor import load_generator
    from lianpu.editors.editor import ModelInfo
    from lianpu.runs import open_run
    from lianpu.stargan.networks import Generator

    if parsed.run is not None:
        generator, info, _ = load_generator(open_run(parsed.run).last_checkpoint())
        return [(generator, info)]
    attributes = AttributeSet.of(("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"))
    torch.manual_seed(0)
    published = Generator(attribute_count=len(attributes))
    return [(published, ModelInfo(attributes, _checked_size(size))) for size in parsed.image_size]


def _checked_size(image_size: int) -> int:
    from lianpu.errors import SettingsError

    if image_size < 16 or image_size % 4:
        raise SettingsError(f"--image_size {image_size} is not a multiple of 4 of at least 16. Take 128 or 256.")
    return image_size
