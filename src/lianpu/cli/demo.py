"""`lianpu demo`: every stage of a run, on drawn faces."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lianpu.dataset.drawn import DrawnFace
    from lianpu.editors.editor import Editor
    from lianpu.faces.results import Subject
    from lianpu.imaging.picture import Picture
    from lianpu.runs import Run
    from lianpu.training.config import RunConfig


ATTRIBUTES = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")

TRANSFORMS = (
    "Black_Hair -> Blond_Hair",
    "Blond_Hair -> Black_Hair",
    "Brown_Hair -> Blond_Hair",
    "Male -> not Male",
    "Young -> not Young",
)
"""The rows of the demo's score table; a full evaluation has one for every pair of attributes."""

SHEET_FACES, SHEET_PX = 4, 192
"""How many faces the bundled editor edits for the report, and their side in pixels."""


@dataclass(frozen=True)
class DemoArguments:
    """Run every stage on drawn faces: draw, train, evaluate, export, quantize, compare, edit with the bundled editor, report. About 8 minutes on 2 CPU cores.

    It needs no download. MediaPipe's face models (Apache-2.0), which `lianpu edit` uses, are fetched at the end where a network is.
    Repeat the command to resume a stopped demo.
    """

    run_dir: Path = Path("runs/demo")
    """The run folder; the drawn faces go to RUN_DIR-faces."""
    faces: int = 800
    """How many faces are drawn; a tenth of them is held out."""
    num_iters: int = 500
    """Training steps."""
    image_size: int = 64
    """Side of the faces in pixels."""
    language: Literal["en", "zh"] = "en"
    """Language of the report."""
    device: str = "auto"
    """auto, cpu, cuda, ..."""


def main(arguments: list[str]) -> None:
    """Run all stages and print where the report is."""
    options = tyro.cli(DemoArguments, args=arguments, prog="lianpu demo")
    run = run_demo(options, shlex.join(["lianpu", "demo", *arguments]))
    print(f"The report: {run.report_file(options.language, 'html')}", flush=True)
    fetch_face_models()  # last: no stage needs them, and without a network this waits


def run_demo(options: DemoArguments, command: str) -> Run:
    """The finished run. Stages that a stopped demo has finished are not repeated."""
    from lianpu.cli.compare import CompareArguments, compare_run, comparison_table
    from lianpu.cli.evaluate import EvaluateArguments, evaluate_run
    from lianpu.cli.export import export_with_words
    from lianpu.cli.quantize import QuantizeArguments, quantize_with_words
    from lianpu.cli.train import train_with_progress
    from lianpu.dataset.drawn import draw_dataset
    from lianpu.dataset.sources import open_dataset
    from lianpu.report.page import write_report
    from lianpu.terminal import console, stage

    folder = options.run_dir.with_name(f"{options.run_dir.name}-faces")
    with stage("Drawing faces") as on_progress:
        draw_dataset(folder, options.faces, options.image_size, seed=0, held_out=0.1, on_progress=on_progress)
    dataset = open_dataset("CelebAMask-HQ", folder, options.image_size, ATTRIBUTES)
    run = train_with_progress(dataset, demo_config(options), options.run_dir, command)
    scoring: dict[str, Any] = {"metrics": ("fid", "kid", "is", "attribute_success"), "features": "efficientnet-lite0"}
    evaluate_run(
        EvaluateArguments(run.folder, transforms=TRANSFORMS, device=options.device, **scoring), f"lianpu evaluate {run.folder}"
    )
    export_with_words(run)
    quantize_with_words(run, QuantizeArguments(run.folder, calibration_faces=64))
    comparison = compare_run(
        run, CompareArguments(run.folder, features="efficientnet-lite0", device=options.device), f"lianpu compare {run.folder}"
    )
    console.print(comparison_table(comparison))
    console.print(comparison.advice, soft_wrap=True)
    with console.status("Editing with the bundled editor"):
        show_bundled_editor(run, options)
    with console.status("Writing the report"):
        write_report(run, options.language)
    return run


def fetch_face_models() -> None:
    """MediaPipe's models for `lianpu edit`, fetched and converted where they are not here. A failure is one line: the demo needs none."""
    from lianpu.errors import LianpuError
    from lianpu.models.store.conversion import require_onnx
    from lianpu.models.table import MODEL_FILES
    from lianpu.terminal import console

    try:
        for entry in MODEL_FILES:
            if entry.onnx:
                require_onnx(entry.name)
    except LianpuError as problem:
        line = " ".join(str(problem).split())
        console.print(f"Without MediaPipe's face models: {line}", markup=False, highlight=False, soft_wrap=True)


def show_bundled_editor(run: Run, options: DemoArguments) -> None:
    """Write a sheet of the bundled editor's edits to the run folder: of held-out faces, drawn larger."""
    from lianpu.dataset.drawn import draw_face
    from lianpu.editors.loading import load_editor
    from lianpu.errors import WeightsError
    from lianpu.photo.writing import write_image
    from lianpu.terminal import console

    try:
        editor = load_editor("lite")
    except WeightsError as refused:  # by --commercial-safe: the demo itself needs no such file
        console.print(f"Skipped the bundled editor: {refused}", markup=False, highlight=False, soft_wrap=True)
        return
    portraits = [draw_face(0, options.faces - 1 - back, SHEET_PX) for back in range(min(SHEET_FACES, options.faces))]
    write_image(run.bundled_editor_file, bundled_editor_sheet(portraits, editor))


def demo_config(options: DemoArguments) -> RunConfig:
    """A small StarGAN that learns to edit drawn faces within minutes: one generator step per discriminator step, higher rates."""
    from lianpu.training.config import parse_config

    return parse_config(
        {
            "model": {"image_size": options.image_size, "g_conv_dim": 16, "d_conv_dim": 32, "g_repeat_num": 4, "d_repeat_num": 5},
            "training": {
                "batch_size": 16,
                "num_iters": options.num_iters,
                "n_critic": 1,
                "g_lr": 0.0005,
                "d_lr": 0.0005,
                "ema_decay": 0.99,
                "sample_every": 100,
                "checkpoint_every": 200,
                "device": options.device,
            },
            "selected_attrs": ATTRIBUTES,
            "eval_transforms": TRANSFORMS,
        },
        "lianpu demo",
    )


HAIR = ("Black_Hair", "Blond_Hair", "Brown_Hair")

FLIPPED = ("Male", "Young")


def bundled_editor_sheet(portraits: Sequence[DrawnFace], editor: Editor) -> Picture:
    """A row for each portrait: the face, three hair colours, sex changed, age changed; (H, W, 3) for portraits of (S, S, 3)."""
    from lianpu.editing.attributes import edit_attributes
    from lianpu.imaging.picture import grid

    rows = []
    for portrait in portraits:
        wanted = [{name: True} for name in HAIR] + [{name: not portrait.attributes[name]} for name in FLIPPED]
        edits = [edit_attributes(portrait.picture, [subject_of(portrait)], editor, values) for values in wanted]
        rows.append([portrait.picture, *edits])
    return grid(rows)


def subject_of(portrait: DrawnFace) -> Subject:
    """The face of a drawn portrait for effects, from the points and parts that it was drawn with: nothing is detected."""
    from lianpu.faces.dlib_models import five_of_68
    from lianpu.faces.results import Face, FaceParts, Landmarks, Subject

    left, top = (float(value) for value in portrait.points.min(axis=0))
    right, bottom = (float(value) for value in portrait.points.max(axis=0))
    side = slice(0, len(portrait.picture))
    return Subject(
        Face((left, top, right, bottom), 1.0, five_of_68(portrait.points), "drawn"),
        Landmarks(portrait.points, "dlib-68"),
        (side, side),
        FaceParts(portrait.mask, "drawn"),
    )
