"""`lianpu evaluate RUN`: score a run's model on the held-out faces, each score with its protocol."""

from __future__ import annotations

import functools
import shlex
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    from lianpu.evaluation.judges import Judges
    from lianpu.evaluation.results import EvaluationResult
    from lianpu.runs import Checkpoint, Run
    from lianpu.terminal import OnProgress


@dataclass(frozen=True)
class EvaluateArguments:
    """Score a run on its held-out faces: overall, and one row per transform. Results go to RUN/scores."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run folder."""
    model: Path | None = None
    """A checkpoint folder or model file to score. Default: the last checkpoint."""
    metrics: tuple[str, ...] = ("fid", "kid", "is", "lpips", "attribute_success", "identity", "outside")
    """The metrics to measure."""
    transforms: tuple[str, ...] = ()
    """Rows, such as 'Black_Hair -> Blond_Hair'. Default: the run's eval_transforms; else every pair in a group, and every other attribute flipped."""
    features: Literal["auto", "inception", "efficientnet-lite0"] = "auto"
    """Feature network. inception: FID, KID and IS; efficientnet-lite0: similar distances without a download; auto: Inception if available."""
    reference: Literal["train", "test"] = "train"
    """Split of the real faces that edits are compared with; test is the held-out one."""
    max_faces: int | None = None
    """Use at most this many faces of each split."""
    seed: int = 0
    """Seed of the targets, the faces chosen by --max-faces, and the classifier."""
    card: bool = False
    """Also write the scorecard to RUN/cards: drift, dirt (with the face mesh) and the worst faces of each transform."""
    every_checkpoint: bool = False
    """Score every checkpoint (overall) for the training curve, and the last one in full."""
    inception_weights: Path | None = None
    """Path of pt_inception-2015-12-05-6726825d.pth, if it is not found by itself."""
    alexnet_weights: Path | None = None
    """Path of alexnet-owt-7be5be79.pth (LPIPS), if it is not found by itself."""
    data_dir: Path | None = None
    """The data folder, if it was moved since training."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1, mps."""


def main(arguments: list[str]) -> None:
    """Parse the command line, score, and print the tables."""
    parsed = tyro.cli(EvaluateArguments, args=arguments, prog="lianpu evaluate")
    evaluate_run(parsed, shlex.join(["lianpu", "evaluate", *arguments]))


def evaluate_run(parsed: EvaluateArguments, command: str) -> list[EvaluationResult]:
    """Score the requested models, print their tables, and return the results."""
    from lianpu.cli.score_tables import curve_table, judge_table, notes_of, score_table
    from lianpu.devices import pick_device
    from lianpu.errors import SettingsError
    from lianpu.evaluation.judges import prepare_judges
    from lianpu.evaluation.run_scores import read_results, score_in_run, score_name, training_curve, transforms_for_curve
    from lianpu.guidance.parts import part_maps_from_masks
    from lianpu.runs import open_run
    from lianpu.terminal import console, stage
    from lianpu.training.record import read_record

    if parsed.max_faces is not None and parsed.max_faces < 2:
        raise SettingsError(f"--max-faces is {parsed.max_faces}. Scores need at least 2 faces.")
    if parsed.every_checkpoint and parsed.model is not None:
        raise SettingsError("--every-checkpoint and --model exclude each other. Give one of them.")
    run = open_run(parsed.run)
    record = read_record(run)
    models = _models(run, parsed)
    transforms = parsed.transforms or record.config.eval_transforms
    dataset = record.open_dataset(parsed.data_dir)
    with ExitStack() as stages:
        judges = prepare_judges(
            dataset,
            parsed.metrics,
            reference_split=parsed.reference,
            max_faces=parsed.max_faces,
            seed=parsed.seed,
            features=parsed.features,
            inception_weights=parsed.inception_weights,
            alexnet_weights=parsed.alexnet_weights,
            classifier_folder=run.classifier_folder,
            parts=part_maps_from_masks(dataset.test) if "outside" in parsed.metrics else None,
            with_dirt=parsed.card,
            device=pick_device(parsed.device),
            stage=lambda title: next_stage(stages, title),
        )
    results = []
    for model in models:
        rows = transforms_for_curve(run, model, transforms) if parsed.every_checkpoint else transforms
        with stage(f"Editing and scoring {_name(model)}") as on_progress:
            results.append(
                score_in_run(
                    run,
                    model,
                    judges,
                    rows,
                    batch_size=record.config.training.batch_size,
                    train_count=record.train_count,
                    command=command,
                    device=parsed.device,
                    with_card=parsed.card and model == models[-1],
                    on_progress=on_progress,
                )
            )
    console.print(score_table(results[-1]))
    if results[-1].judge:
        console.print(judge_table(results[-1].judge, results[-1].by_attribute))
    if parsed.every_checkpoint:
        checkpoints = [result for name, result in read_results(run).items() if name.startswith("step-")]
        console.print(curve_table(training_curve(run.read_steps(), checkpoints)))
    for note in notes_of(results[-1]):
        console.print(f"Note: {note}", soft_wrap=True, markup=False, highlight=False)
    if parsed.card:
        from lianpu.report.page import write_card

        console.print(f"Scorecard: {write_card(run, score_name(models[-1]))}", soft_wrap=True)
    console.print(f"Scores: {run.scores_folder}. Next: lianpu export {run.folder}", soft_wrap=True)
    return results


def score_checkpoint(run: Run, checkpoint: Checkpoint) -> EvaluationResult:
    """Overall scores of a checkpoint during training; what all checkpoints share is prepared once."""
    from lianpu.evaluation.run_scores import score_in_run
    from lianpu.evaluation.scoring import OVERALL_ONLY
    from lianpu.training.record import read_record

    record = read_record(run)
    return score_in_run(
        run,
        checkpoint,
        _judges_while_training(run),
        OVERALL_ONLY,
        batch_size=record.config.training.batch_size,
        train_count=record.train_count,
        command=record.command,
        device=record.config.training.device,
    )


@functools.lru_cache(maxsize=1)
def _judges_while_training(run: Run) -> Judges:
    from lianpu.devices import pick_device
    from lianpu.evaluation.judges import prepare_judges
    from lianpu.training.record import read_record

    record = read_record(run)
    device = pick_device(record.config.training.device)
    return prepare_judges(record.open_dataset(), classifier_folder=run.classifier_folder, device=device)


def _models(run: Run, parsed: EvaluateArguments) -> list[Checkpoint | Path]:
    from lianpu.errors import RunError
    from lianpu.runs import Checkpoint

    if parsed.every_checkpoint:
        run.last_checkpoint()  # says what to do when there is none
        return [run.checkpoint(step) for step in run.checkpoint_steps()]
    if parsed.model is None:
        return [run.last_checkpoint()]
    if not parsed.model.exists():
        raise RunError(f"{parsed.model} is not there. Give a checkpoint folder or a model file with --model.")
    return [Checkpoint(parsed.model) if parsed.model.is_dir() else parsed.model]


def _name(model: Checkpoint | Path) -> str:
    return (
        model.name
        if isinstance(model, Path)
        else f"step {int(model.folder.name):,}"
        if model.folder.name.isdigit()
        else str(model.folder)
    )


def next_stage(stages: ExitStack, title: str) -> OnProgress:
    """The progress bar of the next stage: created at its first progress, when the bar before it is closed."""
    from lianpu.terminal import stage

    bars: list[OnProgress] = []

    def on_progress(done: int, total: int) -> None:
        if not bars:
            stages.close()
            bars.append(stages.enter_context(stage(title)))
        bars[0](done, total)

    return on_progress
