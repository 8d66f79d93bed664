"""`lianpu quantize RUN`: write the INT8 model of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    from lianpu.export.quantization import Quantization
    from lianpu.runs import Run


@dataclass(frozen=True)
class QuantizeArguments:
    """Write RUN/export/model.int8.onnx, calibrated on training faces. The float model is exported first if needed."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run folder."""
    calibration_faces: int = 256
    """How many training faces the activation ranges are calibrated on."""
    method: Literal["minmax", "moving_average", "percentile", "entropy"] = "minmax"
    """Calibration method of the ranges."""
    reduce_range: bool | None = None
    """Quantize weights to 7 bits, which CPUs without VNNI need. Default: as this CPU needs."""
    seed: int = 0
    """Seed of the calibration faces and their target labels."""
    data_dir: Path | None = None
    """The data folder, if it was moved since training."""


def main(arguments: list[str]) -> None:
    """Parse the command line, quantize, and print what was written."""
    parsed = tyro.cli(QuantizeArguments, args=arguments, prog="lianpu quantize")
    from lianpu.runs import open_run
    from lianpu.terminal import console

    run = open_run(parsed.run)
    quantize_with_words(run, parsed)
    console.print(f"Next: lianpu compare {run.folder}", soft_wrap=True)


def quantize_with_words(run: Run, parsed: QuantizeArguments) -> Quantization:
    """Quantize a run's ONNX model and print what was written and how far its edits are from the float model's."""
    from lianpu.cli.export import export_with_words
    from lianpu.editors.onnx_editor import OnnxEditor
    from lianpu.errors import SettingsError
    from lianpu.export.comparison import compare_edits
    from lianpu.export.quantization import QuantizationSettings, quantize_run
    from lianpu.terminal import console, stage
    from lianpu.training.record import read_record

    if parsed.calibration_faces < 1:
        raise SettingsError(f"--calibration-faces is {parsed.calibration_faces}. Give at least 1; 256 is usual.")
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
