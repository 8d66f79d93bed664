"""`lianpu demo`: every stage of a run, on drawn faces."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lianpu.dataset.drawn import DrawnFace
    from lianpu.editors.editor import Editor
    from lianpu.faces.mesh import MeshReader
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

SHEET_FACES, SHEET_PX = 4, 256
"""How many held-out faces are shown large, and their side in pixels: four times that of training."""

STEPS = {"lite": 600, "stargan": 500}
"""Training steps by generator."""


@dataclass(frozen=True)
class DemoArguments:
    """Run every stage on drawn faces: draw, train, evaluate, export, quantize, compare, show edits large, report. About 6 minutes on 2 CPU cores.

    It needs no download. MediaPipe's face models (Apache-2.0), which `lianpu edit` uses, are fetched at the end where a network is, and the learned
    transforms of age and sex are shown with them. Repeat the command to resume a stopped demo.
    """

    run_dir: Path = Path("runs/demo")
    """The run folder; the drawn faces go to RUN_DIR-faces."""
    generator: Literal["lite", "stargan"] = "lite"
    """lite: the fast generator with fields, which learns from the same people drawn with another attribute; stargan: the published network at a quarter of
    its size, which learns from labels alone."""
    faces: int = 400
    """How many faces are drawn; a tenth of them is held out."""
    num_iters: int | None = None
    """Training steps; 600 for lite, 500 for stargan."""
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
    print(f"Edits, large: {run.large_edits_file}\nThe report: {run.report_file(options.language, 'html')}", flush=True)
    fetch_face_models()  # last: no stage needs them, and without a network this waits
    if not run.transforms_file.is_file() and show_transforms(run, options):
        from lianpu.report.page import write_report

        write_report(run, options.language)


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
    console.print(str(comparison.advice), soft_wrap=True)
    with console.status("Showing edits large"):
        show_large_edits(run, options)
        show_bundled_editor(run, options)
        show_transforms(run, options)
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
    from lianpu.editors.loading import load_editor
    from lianpu.errors import WeightsError
    from lianpu.photo.writing import write_image
    from lianpu.terminal import console

    try:
        editor = load_editor("lite")
    except WeightsError as refused:  # by --commercial-safe: the demo itself needs no such file
        console.print(f"Skipped the bundled editor: {refused}", markup=False, highlight=False, soft_wrap=True)
        return
    write_image(run.bundled_editor_file, bundled_editor_sheet(held_out_portraits(options), editor))


def show_large_edits(run: Run, options: DemoArguments) -> None:
    """Write a sheet of the trained editor's edits to the run folder: of held-out faces, drawn larger."""
    from lianpu.editors.loading import load_editor
    from lianpu.photo.writing import write_image

    editor = load_editor(run.onnx_file)
    write_image(run.large_edits_file, large_edits_sheet(held_out_portraits(options), editor))


def show_transforms(run: Run, options: DemoArguments) -> bool:
    """Write a sheet of the learned transforms to the run folder, where the face mesh and the transforms are; whether they were."""
    from lianpu.errors import LianpuError
    from lianpu.faces.analyzer import load_landmarks
    from lianpu.faces.mesh import MeshReader
    from lianpu.photo.writing import write_image
    from lianpu.transforms.model import is_transform_usable

    try:
        reader = load_landmarks("mesh") if is_transform_usable() else None
    except LianpuError:
        return False
    if not isinstance(reader, MeshReader):
        return False
    write_image(run.transforms_file, transforms_sheet(held_out_portraits(options), reader))
    return True


def held_out_portraits(options: DemoArguments) -> list[DrawnFace]:
    """The last held-out faces, drawn at `SHEET_PX`; those without a hat first, for hair is what one sees best."""
    from lianpu.dataset.drawn import draw_face

    held_out = range(options.faces - 1, options.faces - 1 - max(1, options.faces // 10), -1)
    small = {index: draw_face(0, index, 16).attributes for index in list(held_out)[: 4 * SHEET_FACES]}
    chosen = sorted(small, key=lambda index: (small[index]["Wearing_Hat"] or small[index]["Eyeglasses"], -index))[:SHEET_FACES]
    return [draw_face(0, index, SHEET_PX) for index in chosen]


def demo_config(options: DemoArguments) -> RunConfig:
    """Settings with which a generator learns to edit drawn faces within minutes."""
    from lianpu.training.config import parse_config
    from lianpu.training.presets import merged, preset_values

    values: dict[str, Any] = {
        "training": {"num_iters": options.num_iters or STEPS[options.generator], "device": options.device, "batch_size": 16},
        "selected_attrs": ATTRIBUTES,
        "eval_transforms": TRANSFORMS,
    }
    return parse_config(
        merged(
            merged(preset_values(GENERATORS[options.generator][0]), GENERATORS[options.generator][1]),
            merged(values, {"model": {"image_size": options.image_size}}),
        ),
        "lianpu demo",
    )


GENERATORS: dict[str, tuple[str, dict[str, Any]]] = {
    "lite": (
        "fields",
        {
            "model": {"d_repeat_num": 4, "g_repeat_num": 6},
            "training": {
                "teacher": "drawn",
                "pairs_per_face": 3,
                "g_lr": 0.002,
                "d_lr": 0.0004,
                "beta1": 0.5,
                "ema_decay": 0.99,
                "sample_every": 100,
                "checkpoint_every": 200,
            },
        },
    ),
    "stargan": (
        "stargan",
        {
            "model": {"g_conv_dim": 16, "d_conv_dim": 32, "g_repeat_num": 4, "d_repeat_num": 5},
            "training": {
                "n_critic": 1,
                "g_lr": 0.0005,
                "d_lr": 0.0005,
                "ema_decay": 0.99,
                "sample_every": 100,
                "checkpoint_every": 200,
            },
        },
    ),
}
"""The preset of each generator, and what the demo changes in it: smaller networks, higher rates, and one generator step per discriminator step."""


HAIR = ("Black_Hair", "Blond_Hair", "Brown_Hair")

FLIPPED = ("Male", "Young")


def bundled_editor_sheet(portraits: Sequence[DrawnFace], editor: Editor) -> Picture:
    """A row for each portrait: the face, three hair colours, sex changed, age changed; (H, W, 3) for portraits of (S, S, 3)."""
    from lianpu.editing.attributes import edit_attributes

    return _sheet(portraits, lambda portrait, values: edit_attributes(portrait.picture, [subject_of(portrait)], editor, values))


def large_edits_sheet(portraits: Sequence[DrawnFace], editor: Editor) -> Picture:
    """The same for an editor of drawn faces, whose crop is the whole picture."""
    return _sheet(portraits, lambda portrait, values: edited_large(portrait, editor, values))


def _sheet(portraits: Sequence[DrawnFace], edit: Callable[[DrawnFace, dict[str, bool]], Picture]) -> Picture:
    from lianpu.imaging.picture import grid

    rows = []  # a face that has the hair colour already stays as it is
    for portrait in portraits:
        wanted = [{name: True} for name in HAIR] + [{name: not portrait.attributes[name]} for name in FLIPPED]
        asked = [values for values in wanted if any(portrait.attributes[name] != value for name, value in values.items())]
        rows.append([portrait.picture, *(edit(portrait, values) if values in asked else portrait.picture for values in wanted)])
    return grid(rows)


def edited_large(portrait: DrawnFace, editor: Editor, values: dict[str, bool]) -> Picture:
    """A portrait of any size edited by an editor that was trained on whole drawn faces, as a photo is: by its fields, or by its change."""
    import numpy as np

    from lianpu.editing.attributes import edit_crops, fields_of_crops
    from lianpu.editing.field_transfer import transfer_fields
    from lianpu.editing.residual_transfer import transfer_residual
    from lianpu.editors.editor import FieldEditor
    from lianpu.faces.alignment import TEMPLATES, Aligned
    from lianpu.imaging.geometry import scaling
    from lianpu.imaging.picture import resize

    subject, side = subject_of(portrait), editor.info.image_size
    small = resize(portrait.picture, side)
    aligned = Aligned(
        small, scaling(side / len(portrait.picture)), TEMPLATES["celebamask-hq"]
    )  # not its template: the place is the whole picture
    if editor.info.has_fields and isinstance(editor, FieldEditor):
        ((_, fields),) = fields_of_crops(small[None], editor, values)
        return transfer_fields(portrait.picture, subject, aligned, fields, values).put(portrait.picture, 1.0)
    known = None if editor.info.label_input == "difference" else portrait.attributes
    known = None if known is None else {name: known[name] for name in editor.info.attributes.names}
    edited = edit_crops(np.ascontiguousarray(small[None]), editor, values, known)[0]
    return transfer_residual(portrait.picture, subject, aligned, edited, values).put(portrait.picture, 1.0)


def transforms_sheet(portraits: Sequence[DrawnFace], reader: MeshReader) -> Picture:
    """A row for each portrait: the face, sex changed, 25 years older, 25 years younger."""
    from dataclasses import replace

    from lianpu.effects.catalogue import effect_of
    from lianpu.imaging.picture import grid

    rows = []
    for portrait in portraits:
        bare = subject_of(portrait)
        subject = replace(bare, mesh=reader.mesh_of_face(portrait.picture, bare.face))
        row = [portrait.picture]
        if subject.mesh is not None:
            towards = "female" if portrait.attributes["Male"] else "male"
            asked: tuple[tuple[str, dict[str, Any]], ...] = (
                ("gender", {"towards": towards}),
                ("age", {"years": 25.0}),
                ("age", {"years": -25.0}),
            )
            row += [effect_of(name).apply(portrait.picture, [subject], 1.0, **options) for name, options in asked]
        rows.append(row + [portrait.picture] * (4 - len(row)))
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
