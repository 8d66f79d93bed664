"""Evaluation of one model, from data to result: `lianpu.evaluate`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from lianpu.dataset.faces import Dataset
from lianpu.editors.editor import Editor
from lianpu.evaluation.judges import METRICS, FeatureChoice, ReferenceSplit, Stage, prepare_judges
from lianpu.evaluation.results import EvaluationResult
from lianpu.evaluation.scoring import score_editor
from lianpu.metrics.classifier_training import ClassifierSettings


def evaluate(
    editor: Editor,
    dataset: Dataset,
    metrics: Sequence[str] = METRICS,
    transforms: Sequence[str] = (),
    *,
    reference_split: ReferenceSplit = "train",
    max_faces: int | None = None,
    seed: int = 0,
    features: FeatureChoice = "auto",
    inception_weights: Path | str | None = None,
    alexnet_weights: Path | str | None = None,
    classifier_folder: Path | None = None,
    classifier_settings: ClassifierSettings = ClassifierSettings(),  # noqa: B008 (frozen)
    device: torch.device | str = "cpu",
    file: str = "",
    epoch: float | None = None,
    command: str = "",
    stage: Stage = lambda name: None,
    on_progress: Callable[[int, int], None] | None = None,
) -> EvaluationResult:
    """Scores of an editor on the held-out faces: overall, and one row per transform.

    For several models of one run, make the judges once with `prepare_judges` and give them to `score_editor`; see there and
    there for the arguments.

    Raises:
        LianpuError: as those two.
    """
    judges = prepare_judges(
        dataset,
        metrics,
        reference_split=reference_split,
        max_faces=max_faces,
        seed=seed,
        features=features,
        inception_weights=inception_weights,
        alexnet_weights=alexnet_weights,
        classifier_folder=classifier_folder,
        classifier_settings=classifier_settings,
        device=device,
        stage=stage,
    )
    progress = on_progress or stage("Editing and scoring")
    return score_editor(editor, judges, transforms, file=file, epoch=epoch, command=command, on_progress=progress)
