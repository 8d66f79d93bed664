"""`lianpu quantize RUN`: write the INT8 model of a run; `--search`: try many ways, and say which to ship here, if any."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.dataset.faces import Faces
    from lianpu.export.quantization import Quantization
    from lianpu.export.tournament import Tournament
    from lianpu.runs import Run


@dataclass(frozen=True)
class QuantizeArguments:
    """Write RUN/export/model.int8.onnx, calibrated on training faces. The float model is exported first if needed."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run folder; for --search also an .onnx file or lite, the bundled editor, with the faces of --data-dir."""
    search: bool = False
    """Hold a tournament on this CPU: calibrators, per channel or tensor, 7 or 8 bits, first and last convolution in float, signed activations,
    the most sensitive convolutions in float, float16 weights; on ONNX Runtime and, where it is installed, OpenVINO. A run's winner becomes its INT8 model."""
    budget_psnr: float = 40.0
    """With --search: dB that edits must keep to those of the float model."""
    max_ms: float | None = None
    """With --search: the most milliseconds that one face may take here."""
    threads: int = 1
    """With --search: threads of every engine."""
    rounds: int = 15
    """With --search: timed rounds; every candidate edits one face in each. More of them narrow the intervals of a busy machine."""
    out: Path | None = None
    """With --search: folder of the candidates, tournament.json and the plot. Default: RUN/export/tournament, or tournament here."""
    dataset: str = "CelebAMask-HQ"
    """With --search of a file: the form of --data-dir."""
    calibration_faces: int = 256
    """How many training faces the activation ranges are calibrated on."""
    method: Literal["minmax", "moving_average", "percentile", "entropy"] = "minmax"
    """Calibration method of the ranges."""
    reduce_range: bool | None = None
    """Quantize weights to 7 bits, which CPUs without VNNI need. Default: as this CPU needs."""
    seed: int = 0
    """Seed of the calibration faces and their target labels."""
    data_dir: Path | None = None
    """The data folder, if it was moved since training; with --search of a file, faces with its labels."""


SEARCH_FACES = 32
"""Calibration faces of a search, at most: a few batches order the candidates as many do."""


def main(arguments: list[str]) -> None:
    """Parse the command line, quantize, and print what was written."""
    parsed = tyro.cli(QuantizeArguments, args=arguments, prog="lianpu quantize")
    from lianpu.errors import SettingsError
    from lianpu.runs import open_run
    from lianpu.terminal import console

    if parsed.calibration_faces < 1:
        raise SettingsError(f"--calibration-faces is {parsed.calibration_faces}. Give at least 1; 256 is usual.")
    if parsed.rounds < 1:
        raise SettingsError(f"--rounds is {parsed.rounds}. Give at least 1.")
    if parsed.search:
        search_with_words(parsed)
        return
    run = open_run(parsed.run)
    quantize_with_words(run, parsed)
    console.print(f"Next: lianpu compare {run.folder}", soft_wrap=True)


def quantize_with_words(run: Run, parsed: QuantizeArguments) -> Quantization:
    """Quantize a run's ONNX model and print what was written and how far its edits are from the float model's."""
    from lianpu.cli.export import export_with_words
    from lianpu.editors.onnx_editor import OnnxEditor
    from lianpu.export.comparison import compare_edits
    from lianpu.export.quantization import QuantizationSettings, quantize_run
    from lianpu.terminal import console, stage
    from lianpu.training.record import read_record

    dataset = read_record(run).open_dataset(parsed.data_dir)
    if not run.onnx_file.is_file():
        export_with_words(run, data_dir=parsed.data_dir)
    settings = QuantizationSettings(method=parsed.method, reduce_range=parsed.reduce_range, seed=parsed.seed)
    with stage("Choosing INT8 ranges") as on_progress:
        quantization = quantize_run(run, dataset.calibration(parsed.calibration_faces, parsed.seed), settings, on_progress)
    held_out = dataset.test.sample(32, seed=0)
    fidelity = compare_edits(OnnxEditor(run.int8_file), OnnxEditor(run.onnx_file), held_out)
    console.print(
        f"{quantization.file}: {quantization.bytes / 1e6:.1f} MB, {quantization.bytes / quantization.bytes_fp32:.0%} of the float file. "
        f"PSNR against the float model on {fidelity.faces} held-out faces: {fidelity.psnr_db:.1f} dB, worst face {fidelity.worst_db:.1f} dB.",
        soft_wrap=True,
    )
    bits = 7 if quantization.reduce_range else 8
    console.print(
        f"Calibrated on {quantization.calibration_faces} {quantization.calibration_split} faces ({parsed.method}); {bits}-bit weights ({quantization.why}).",
        soft_wrap=True,
    )
    return quantization


def search_with_words(parsed: QuantizeArguments) -> Tournament:
    """Hold the tournament, print its table and advice, and write its files; a run's winner on ONNX Runtime becomes its INT8 model."""
    from contextlib import ExitStack

    from lianpu.cli.evaluate import next_stage
    from lianpu.export.tournament import hold_tournament
    from lianpu.files import write_json
    from lianpu.report.charts import draw_trade_off
    from lianpu.terminal import console

    source, calibration, held_out, run = _searched(parsed)
    folder = parsed.out or (run.tournament_folder if run else Path("tournament"))
    with ExitStack() as stages:
        found = hold_tournament(
            source,
            folder,
            calibration,
            held_out,
            budget_psnr=parsed.budget_psnr,
            max_ms=parsed.max_ms,
            threads=parsed.threads,
            runs=parsed.rounds,
            stage=lambda title: next_stage(stages, title),
        )
    write_json(folder / "tournament.json", found.to_json())
    points = [
        (f"{entry.name} ({entry.engine})", entry.speed[1], entry.fidelity.psnr_db, entry.bytes)
        for entry in found.entries
        if entry.speed
    ]
    plot = draw_trade_off(folder / "tournament.svg", points, parsed.budget_psnr)
    console.print(_search_table(found))
    if found.sensitivity:
        worst = ", ".join(f"{name} {psnr:.1f} dB" for name, psnr in found.sensitivity[:3])
        console.print(f"Most sensitive convolutions, each alone in INT8: {worst}.", soft_wrap=True, markup=False, highlight=False)
    console.print(found.advice, soft_wrap=True, markup=False, highlight=False)
    if run and found.winner and found.winner.settings and found.winner.engine == "onnxruntime":
        from lianpu.export.quantization import quantize_run
        from lianpu.training.record import read_record

        faces = read_record(run).open_dataset(parsed.data_dir).calibration(parsed.calibration_faces, parsed.seed)
        console.print(
            f"{quantize_run(run, faces, found.winner.settings).file}: the winner, calibrated on {len(faces)} faces.",
            soft_wrap=True,
        )
    console.print(f"Files: {folder}, plot: {plot}", soft_wrap=True)
    return found


def _searched(parsed: QuantizeArguments) -> tuple[Path, Faces, Faces, Run | None]:
    """The float model, calibration and held-out faces, and the run if it is one."""
    from lianpu.cli.export import export_with_words
    from lianpu.dataset.sources import open_dataset
    from lianpu.editors.loading import BUNDLED_EDITORS, bundled_editor_file
    from lianpu.editors.onnx_editor import OnnxEditor
    from lianpu.errors import SettingsError
    from lianpu.runs import open_run
    from lianpu.training.record import read_record

    count = min(parsed.calibration_faces, SEARCH_FACES)
    if parsed.run.suffix == ".onnx" or str(parsed.run) in BUNDLED_EDITORS:
        if parsed.data_dir is None:
            raise SettingsError(
                f"A search for {parsed.run} needs labelled faces: give their folder with --data-dir (and --dataset)."
            )
        file = bundled_editor_file(str(parsed.run)) if str(parsed.run) in BUNDLED_EDITORS else parsed.run
        info = OnnxEditor(file).info
        data = open_dataset(parsed.dataset, parsed.data_dir, info.image_size, info.attributes.names)
        return file, data.calibration(count, parsed.seed), data.test, None
    run = open_run(parsed.run)
    if not run.onnx_file.is_file():
        export_with_words(run, data_dir=parsed.data_dir)
    data = read_record(run).open_dataset(parsed.data_dir)
    return run.onnx_file, data.calibration(count, parsed.seed), data.test, run


def _search_table(found: Tournament) -> Table:
    from rich.table import Table

    table = Table(
        title=f"{found.cpu}, {found.threads} thread{'' if found.threads == 1 else 's'}: times as fast as float on ONNX Runtime"
    )
    for title in ("", "Engine", "Size", "PSNR", "Worst face", "ms", "Times (95 %)"):
        table.add_column(title, justify="left" if title in ("", "Engine") else "right")
    for entry in found.entries:
        speed = f"{entry.speed[1]:.2f} ({entry.speed[0]:.2f}-{entry.speed[2]:.2f})" if entry.speed else "-"
        table.add_row(
            f"{'> ' if entry is found.winner else ''}{entry.name}",
            entry.engine,
            f"{entry.bytes / 1e6:.2f} MB",
            f"{entry.fidelity.psnr_db:.1f}",
            f"{entry.fidelity.worst_db:.1f}",
            f"{entry.timing.median_ms:.1f}" if entry.timing else "-",
            speed,
        )
    return table
