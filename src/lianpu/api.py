"""Public functions that join stages: what a notebook calls where the command line has a command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lianpu.dataset.faces import Dataset
from lianpu.devices import pick_device
from lianpu.evaluation.judges import METRICS, prepare_judges
from lianpu.evaluation.results import EvaluationResult
from lianpu.evaluation.run_scores import score_in_run
from lianpu.guidance.parts import part_maps_from_masks
from lianpu.runs import Checkpoint, Run, open_run
from lianpu.training.record import read_record


def evaluate(
    run: Run | Path | str,
    dataset: Dataset,
    metrics: Sequence[str] = METRICS,
    transforms: Sequence[str] = (),
    *,
    model: Checkpoint | Path | None = None,
    device: str = "auto",
    on_progress: Callable[[int, int], None] | None = None,
    **judging: Any,
) -> EvaluationResult:
    """Scores of a run on the held-out faces of `dataset`, also left in the run's scores folder.

    Args:
        run: the run, or its folder.
        dataset: the data that it was trained on.
        metrics: some of fid, kid, is, lpips, attribute_success.
        transforms: rows, as 'Black_Hair -> Blond_Hair'; all pairs of a group and flips of the rest unless given.
        model: a checkpoint or model file of the run; its last checkpoint unless given.
        device: where a torch generator and the networks that judge run.
        on_progress: called with edits done and in all, while the model is scored.
        judging: as `prepare_judges` takes it (features, reference_split, max_faces, seed, inception_weights, ...).

    Raises:
        LianpuError: the run has no checkpoint, weights are missing, or a name is unknown.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    record = read_record(opened)
    parts = part_maps_from_masks(dataset.test) if "outside" in metrics else None
    judges = prepare_judges(
        dataset, metrics, classifier_folder=opened.classifier_folder, parts=parts, device=pick_device(device), **judging
    )
    return score_in_run(
        opened,
        model or opened.last_checkpoint(),
        judges,
        tuple(transforms) or record.config.eval_transforms,
        batch_size=record.config.training.batch_size,
        train_count=record.train_count,
        device=device,
        on_progress=on_progress,
    )
