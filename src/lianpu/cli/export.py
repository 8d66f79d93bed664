"""`lianpu export RUN`: write one ONNX file of a run and check it against PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from lianpu.dataset.faces import Dataset
    from lianpu.export.onnx_export import Export
    from lianpu.runs import Checkpoint, Run


@dataclass(frozen=True)
class ExportArguments:
    """Write RUN/export/model.onnx and check that it gives the same results as PyTorch. Otherwise, it is not kept."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run folder."""
    checkpoint: int | None = None
    """Step of the checkpoint. Default: the last one."""
    data_dir: Path | None = None
    """The data folder, if it was moved since training."""
    opset: int | None = None
    """Version of ONNX's operators, where older or newer runtimes need one (15 to 24). Default: the exporter's own, 18."""
    float16: bool = False
    """Also write RUN/export/model.float16.onnx: the weights in float16, half the size. It takes, gives and computes float32, and runs wherever the
    float file does."""
    published: bool = False
    """Write STEP-G.ckpt and STEP-D.ckpt in the format of the published code (yunjey/stargan) instead."""
    web: Path | None = None
    """Also write this folder: the page that edits in the browser with this model (lianpu web build). The run's network gives fields."""
    runtime: str = "npm"
    """With --web: where ONNX Runtime Web comes from (lianpu web build --runtime)."""


def main(arguments: list[str]) -> None:
    """Parse the command line, export, and print what was written."""
    parsed = tyro.cli(ExportArguments, args=arguments, prog="lianpu export")
    from lianpu.runs import open_run
    from lianpu.terminal import console

    run = open_run(parsed.run)
    if parsed.published:
        for file in write_published(run, parsed.checkpoint):
            console.print(file, soft_wrap=True)
        return
    export = export_with_words(run, parsed.checkpoint, parsed.data_dir, parsed.opset, float16=parsed.float16)
    if parsed.web is not None:
        from lianpu.cli.web import build_with_words

        build_with_words(parsed.web, parsed.runtime, str(export.file))
        return
    console.print(f"Next: lianpu quantize {run.folder}", soft_wrap=True)


def export_with_words(
    run: Run, step: int | None = None, data_dir: Path | None = None, opset: int | None = None, *, float16: bool = False
) -> Export:
    """Export a run's checkpoint and print what was written and how exact it is."""
    from lianpu.export.onnx_export import export_float16, export_run
    from lianpu.terminal import console

    checkpoint = _checkpoint(run, step)
    dataset = _dataset_or_none(run, data_dir)
    with console.status("Writing the ONNX file and comparing it with PyTorch"):
        faces = dataset.test if dataset else None
        exports = [export_run(run, checkpoint, faces, opset)]
        if float16:
            exports.append(export_float16(run, checkpoint, faces))
    for export in exports:
        parity = export.parity
        shown = f"{parity.faces} {'faces' if parity.real_faces else 'noise pictures (the data was not found)'}"
        console.print(
            f"{export.file}: {export.bytes / 1e6:.1f} MB, opset {export.opset}, any batch size. "
            f"Largest difference from PyTorch: {parity.max_abs_difference:.1e} (limit {parity.limit:.0e}) on {shown}.",
            soft_wrap=True,
        )
    return exports[0]


def write_published(run: Run, step: int | None = None) -> tuple[Path, Path]:
    """The generator (averaged, if the run averages) and discriminator of a checkpoint as published files, in the export folder."""
    from lianpu.editors.checkpoint_editor import load_generator, load_weights
    from lianpu.errors import CheckpointError
    from lianpu.files import atomic_file
    from lianpu.stargan.networks import Discriminator, Generator
    from lianpu.stargan.published import write_published_weights

    checkpoint = _checkpoint(run, step)
    generator, info, model = load_generator(checkpoint)
    if not isinstance(generator, Generator):
        raise CheckpointError(
            f"{run.folder} has a {model.generator} generator, which the published format (*-G.ckpt) cannot hold. Export it to ONNX: lianpu export {run.folder}"
        )
    discriminator = Discriminator(model.image_size, model.d_conv_dim, len(info.attributes), model.d_repeat_num)
    load_weights(discriminator, checkpoint.discriminator_file)
    targets = (run.export_folder / f"{info.step}-G.ckpt", run.export_folder / f"{info.step}-D.ckpt")
    with atomic_file(targets[0]) as partial:
        write_published_weights(generator, partial)
    with atomic_file(targets[1]) as partial:
        write_published_weights(discriminator, partial)
    return targets


def _checkpoint(run: Run, step: int | None) -> Checkpoint:
    from lianpu.errors import CheckpointError

    if step is None:
        return run.last_checkpoint()
    if step not in run.checkpoint_steps():
        steps = ", ".join(map(str, run.checkpoint_steps())) or "none"
        raise CheckpointError(f"{run.folder} has no checkpoint of step {step}. It has: {steps}.")
    return run.checkpoint(step)


def _dataset_or_none(run: Run, data_dir: Path | None) -> Dataset | None:
    """The run's data; None if it was moved and no folder is given: the check then uses noise."""
    from lianpu.errors import DataError
    from lianpu.training.record import read_record

    try:
        return read_record(run).open_dataset(data_dir)
    except DataError:
        if data_dir is not None:
            raise
        return None
