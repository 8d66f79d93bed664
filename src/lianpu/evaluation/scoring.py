"""Scores of an editor: every held-out face is edited with every transform, and judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from lianpu.attributes import AttributeSet, Labels
from lianpu.dataset.part_maps import PartMaps
from lianpu.editors.editor import Editor
from lianpu.errors import ScoreError
from lianpu.evaluation.judges import BATCH, Judges
from lianpu.evaluation.plan import EditTask, TooFew, chosen_transforms, overall_task, success_by_face, transform_task
from lianpu.evaluation.protocol import OVERALL, NotMeasured, Score
from lianpu.evaluation.results import ASKED, EvaluationResult, Origin
from lianpu.evaluation.scores import (
    attribute_scores,
    dirt_scores,
    distance_scores,
    drift_scores,
    edit_score,
    metric_names,
    rank_note,
    success_scores,
)
from lianpu.imaging.picture import to_batch, to_pictures
from lianpu.metrics.features import Features, join_features
from lianpu.metrics.intervals import bootstrap

OVERALL_ONLY: tuple[str, ...] = (OVERALL,)
"""As `transforms`: no row per transform, as for the curve over checkpoints."""


@dataclass(frozen=True)
class Edits:
    """What was seen of the N edited faces of a task.

    Args:
        features: of the edited pictures, None without a feature network.
        seen: (N, A) attributes that the classifier sees, None without one.
        change: (N,) mean |edit - face| of each, 0 to 2.
        reconstruction: (N,) mean |edit back - face|, 0 to 2.
        lpips_edit, lpips_reconstruction: (N,) the same in LPIPS, None without it.
        identity: (N,) cosine with the unedited face, None without an encoder.
        outside: (N,) mean |edit - face| where the edit should change nothing, and `inside`: where it may; None without part maps.
        patches: (M, Z, D) of the M faces with a mesh, for dirt; None unless it is measured.
    """

    features: Features | None
    seen: Labels | None
    change: np.ndarray
    reconstruction: np.ndarray
    lpips_edit: np.ndarray | None
    lpips_reconstruction: np.ndarray | None
    identity: np.ndarray | None
    outside: np.ndarray | None
    inside: np.ndarray | None
    patches: np.ndarray | None


def score_editor(
    editor: Editor,
    judges: Judges,
    transforms: Sequence[str] = (),
    *,
    file: str = "",
    epoch: float | None = None,
    command: str = "",
    on_progress: Callable[[int, int], None] | None = None,
    on_features: Callable[[Features], None] | None = None,
    on_edits: Callable[[EditTask, Edits], None] | None = None,
) -> EvaluationResult:
    """All scores of one editor.

    Args:
        transforms: as tables print them; empty takes the default ones of the attributes; OVERALL_ONLY takes none.
        file, epoch, command: for the record; see Origin.
        on_progress: called with faces edited and faces in all.
        on_features: called with the features of the overall edits, in the order of the faces.
        on_edits: called with each row of the table and what was seen of its edits.

    Raises:
        ScoreError: the editor has other labels or another size than the faces, or there are no held-out faces.
        SettingsError: a transform of unknown attributes.
    """
    start = time.perf_counter()
    _check_fit(editor, judges)
    tasks, skipped = _plan(judges, transforms)
    total, done = sum(map(len, tasks)), 0
    scores: list[Score] = []
    not_measured = list(_missing_rows(judges, skipped))
    by_attribute: list[Score] = []
    by_face: dict[str, tuple[float, ...]] = {}
    for task in tasks:
        edits = _edit_all(editor, judges, task, done, total, on_progress)
        if task.name == OVERALL:
            by_face = _by_face(judges, task, edits)
            if on_features and edits.features is not None:
                on_features(edits.features)
        if on_edits:
            on_edits(task, edits)
        done += len(task)
        scores += _scores_of(judges, task, edits)
        if judges.lpips is None and judges.lpips_missing:
            not_measured += [
                NotMeasured(name, task.name, judges.lpips_missing) for name in ("lpips_edit", "lpips_reconstruction")
            ]
        if judges.identity is None and judges.identity_missing:
            not_measured.append(NotMeasured("identity", task.name, judges.identity_missing))
        if judges.dirt is None and judges.dirt_missing:
            not_measured.append(NotMeasured("dirt", task.name, judges.dirt_missing))
        if task.name == OVERALL and edits.seen is not None:
            by_attribute = attribute_scores(judges, task, edits.seen)
    counts = [count for task in tasks for count in (len(task), len(task.real_rows))]
    notes = [*judges.notes, rank_note(judges, counts), _floor_note(judges)]
    return EvaluationResult(
        origin=Origin(file, editor.kind, editor.info.step, epoch, command),
        seconds=round(time.perf_counter() - start, 1),
        scores=tuple(scores),
        by_attribute=tuple(by_attribute),
        floor=tuple(_floor(judges)),
        not_measured=tuple(not_measured),
        notes=tuple(note for note in notes if note),
        judge=judges.judge,
        by_face=by_face,
    )


def _check_fit(editor: Editor, judges: Judges) -> None:
    ours, theirs = judges.held_out.attributes, editor.info.attributes
    if ours.names != theirs.names:
        raise ScoreError(
            f"The model edits {', '.join(theirs.names)}, but the faces are labelled with {', '.join(ours.names)}. "
            "Open the data with the model's attributes, in its order."
        )
    if judges.held_out.image_size != editor.info.image_size:
        raise ScoreError(
            f"The model edits {editor.info.image_size} px faces, but the data was opened at {judges.held_out.image_size} px. "
            "Open it at the model's size."
        )
    if len(judges.held_out) < 2:
        raise ScoreError(f"The held-out split has {len(judges.held_out)} faces. Scores need at least 2.")


def _plan(judges: Judges, transforms: Sequence[str]) -> tuple[list[EditTask], list[TooFew]]:
    held_out, reference = judges.held_out, judges.reference
    attributes = held_out.attributes
    tasks = [overall_task(attributes, held_out.labels, len(reference), judges.seed)]
    skipped: list[TooFew] = []
    if tuple(transforms) == OVERALL_ONLY:
        return tasks, skipped
    for transform in chosen_transforms(attributes, transforms):
        planned = transform_task(attributes, transform, held_out.labels, reference.labels)
        if isinstance(planned, TooFew):
            skipped.append(planned)
        else:
            tasks.append(planned)
    return tasks, skipped


def _missing_rows(judges: Judges, skipped: Sequence[TooFew]) -> list[NotMeasured]:
    names = metric_names(judges.network.name) if judges.network else {}
    metrics = [names[metric] for metric in ("fid", "kid", "is") if metric in judges.metrics]
    metrics += ["lpips_edit", "lpips_reconstruction"] if "lpips" in judges.metrics else []
    metrics += ["attribute_success"] if "attribute_success" in judges.metrics else []
    metrics += ["edit_change", "reconstruction_l1"]
    return [NotMeasured(metric, row.name, row.reason) for row in skipped for metric in metrics]


def _edit_all(
    editor: Editor,
    judges: Judges,
    task: EditTask,
    done: int,
    total: int,
    on_progress: Callable[[int, int], None] | None,
) -> Edits:
    """Edit the faces of a task, and back; the judges look at the pictures that a user would get (8 bits a channel)."""
    features, seen, sums, cosines, regions, patches = [], [], [], [], [], []
    for start in range(0, len(task), BATCH):
        part = slice(start, start + BATCH)
        unedited = judges.read(task.source_rows[part])
        batch = to_batch(unedited)
        sources, targets = task.source_labels[part], task.target_labels[part]
        edited = editor.edit(batch, editor.info.request(sources, targets))
        back = editor.edit(edited, editor.info.request(targets, sources))
        pictures = to_pictures(edited)
        if judges.network is not None:
            features.append(Features(*judges.network.extract(pictures)))
        if judges.classifier is not None:
            seen.append(judges.classifier.see(pictures))
        if judges.identity is not None and judges.own is not None:
            cosines.append((judges.identity.vectors(pictures) * judges.own[task.source_rows[part]]).sum(axis=1))
        if judges.parts is not None:
            regions.append(_changes_by_region(judges.parts, judges.held_out.attributes, task, part, batch, edited))
        if judges.dirt is not None:
            triples = zip(map(int, task.source_rows[part]), unedited, pictures, strict=True)
            found = [judges.dirt.of_edit(*triple) for triple in triples]
            patches += [one for one in found if one is not None]
        sums.append(_changes_of(judges, batch, edited, back))
        done += len(batch)
        if on_progress:
            on_progress(done, total)
    change, reconstruction, lpips_edit, lpips_reconstruction = np.concatenate(sums, axis=1)
    outside, inside = np.concatenate(regions, axis=1) if regions else (None, None)
    return Edits(
        features=join_features(features) if features else None,
        seen=np.concatenate(seen) if seen else None,
        change=change,
        reconstruction=reconstruction,
        lpips_edit=lpips_edit if judges.lpips else None,
        lpips_reconstruction=lpips_reconstruction if judges.lpips else None,
        identity=np.concatenate(cosines) if cosines else None,
        outside=outside,
        inside=inside,
        patches=np.stack(patches) if patches else None,
    )


def _changes_by_region(
    parts: PartMaps, attributes: AttributeSet, task: EditTask, part: slice, batch: torch.Tensor, edited: torch.Tensor
) -> np.ndarray:
    """(2, B) mean |edit - face|, 0 to 2, outside and inside the parts that the asked attributes are about."""
    rows, changed = task.source_rows[part], task.target_labels[part] != task.source_labels[part]
    outside = parts.outside(rows, np.zeros(len(rows), dtype=np.bool_), changed, attributes, batch.shape[2])
    change = (edited - batch).abs().mean(dim=1, keepdim=True)
    means = [(change * region).sum(dim=(1, 2, 3)) / region.sum(dim=(1, 2, 3)).clamp_min(1.0) for region in (outside, 1 - outside)]
    return torch.stack(means).numpy()


def _changes_of(judges: Judges, batch: torch.Tensor, edited: torch.Tensor, back: torch.Tensor) -> np.ndarray:
    """(4, B) of the faces of a batch: |edit - face| and |back - face| per face, then both in LPIPS."""
    changes = [(other - batch).abs().mean(dim=(1, 2, 3)) for other in (edited, back)]
    if judges.lpips is None:
        changes += [torch.zeros(len(batch))] * 2
    else:
        changes += [judges.lpips.distances(batch, other) for other in (edited, back)]
    return torch.stack(changes).double().numpy()


def _scores_of(judges: Judges, task: EditTask, edits: Edits) -> list[Score]:
    scores: list[Score] = []
    if edits.features is not None and judges.real is not None:
        scores += distance_scores(judges, task.name, judges.real.subset(task.real_rows), edits.features)
    scores += success_scores(judges, task, edits.seen)
    if judges.lpips is not None and edits.lpips_edit is not None and edits.lpips_reconstruction is not None:
        network, resize = judges.lpips.name, judges.lpips.resize
        back = bootstrap(edits.lpips_reconstruction, judges.seed)
        scores.append(
            edit_score(judges, task, "lpips_edit", bootstrap(edits.lpips_edit, judges.seed), "neither", network, resize)
        )
        scores.append(edit_score(judges, task, "lpips_reconstruction", back, "lower", network, resize))
    if edits.identity is not None and judges.identity is not None:
        encoder = judges.identity
        kept = bootstrap(edits.identity, judges.seed)
        scores.append(edit_score(judges, task, "identity", kept, "higher", encoder.name, encoder.resize))
    scores.append(edit_score(judges, task, "edit_change", bootstrap(edits.change, judges.seed), "neither"))
    if edits.outside is not None:
        scores.append(edit_score(judges, task, "change_outside", bootstrap(edits.outside, judges.seed), "lower"))
    if edits.inside is not None:
        scores.append(edit_score(judges, task, "change_inside", bootstrap(edits.inside, judges.seed), "neither"))
    scores += drift_scores(judges, task, edits.seen)
    scores += dirt_scores(judges, task, edits.patches)
    scores.append(edit_score(judges, task, "reconstruction_l1", bootstrap(edits.reconstruction, judges.seed), "lower"))
    return scores


def _by_face(judges: Judges, task: EditTask, edits: Edits) -> dict[str, tuple[float, ...]]:
    """What each face of a task got, by metric: what paired differences are computed from."""
    found = {
        "lpips_edit": edits.lpips_edit,
        "lpips_reconstruction": edits.lpips_reconstruction,
        "identity": edits.identity,
        "edit_change": edits.change,
        "change_outside": edits.outside,
        "reconstruction_l1": edits.reconstruction,
    }
    if edits.seen is not None:
        reached, asked = success_by_face(judges.held_out.attributes, edits.seen, task).T
        found |= {"attribute_success": reached, ASKED: asked}
    return {name: tuple(np.round(values, 5).tolist()) for name, values in found.items() if values is not None}


def _floor(judges: Judges) -> list[Score]:
    """Distances of the unedited held-out faces from the reference; none when the reference is the held-out split itself."""
    if judges.real is None or judges.unedited is None or judges.reference.split == judges.held_out.split:
        return []
    return distance_scores(judges, OVERALL, judges.real, judges.unedited)


def _floor_note(judges: Judges) -> str | None:
    if judges.network is None:
        return None
    if judges.reference.split == judges.held_out.split:
        return "The reference is the held-out split itself: its faces are those that were edited, so distances look better than they are."
    return None
