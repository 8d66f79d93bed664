"""The scorecard of an editor: per transform all that tells whether to ship it, and the faces that it did worst, as pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lianpu.editors.editor import Editor
from lianpu.evaluation.judges import Judges
from lianpu.evaluation.plan import EditTask, success_by_face
from lianpu.evaluation.protocol import OVERALL
from lianpu.evaluation.results import EvaluationResult
from lianpu.evaluation.scores import drift_by_face
from lianpu.evaluation.scoring import Edits
from lianpu.files import write_json
from lianpu.imaging.picture import grid, to_batch, to_pictures
from lianpu.photo.writing import write_image

WORST = 4
"""Faces shown per transform."""

_SHOWN_PX = 256
"""Smaller faces are enlarged to this side, so that dirt is seen."""


@dataclass
class CardMaker:
    """Collects what each transform's card needs while `score_editor` runs: give `add` as its `on_edits`, then `write`."""

    editor: Editor
    judges: Judges
    folder: Path
    _tasks: list[dict[str, Any]] = field(default_factory=list)

    def add(self, task: EditTask, edits: Edits) -> None:
        """Note a transform: what drifted, and its worst faces, edited once more for their pictures."""
        worst = _worst(self.judges, task, edits)
        name = "overall" if task.name == OVERALL else re.sub(r"[^A-Za-z0-9]+", "-", task.name).strip("-")
        file = self.folder / "pictures" / f"worst-{name}.png"
        write_image(file, self._pairs(task, worst))
        drifted: list[list[Any]] = []
        if edits.seen is not None and self.judges.seen is not None:
            moved = drift_by_face(self.judges, task, edits.seen)
            for column, attribute in enumerate(self.judges.held_out.attributes.names):
                free = moved[:, column][~np.isnan(moved[:, column])]
                drifted += [[attribute, float(free.mean()), len(free)]] if len(free) and free.any() else []
        self._tasks.append(
            {
                "transform": task.name,
                "faces": len(task),
                "drifted": sorted(drifted, key=lambda one: -one[1]),
                "worst_picture": file.name,
                "worst": [self._describe(task, edits, place) for place in worst],
            }
        )

    def write(self, result: EvaluationResult) -> dict[str, Any]:
        """`card.json`: each transform with its scores (value, interval, protocol), what `add` noted, and which were left out, and why; also returned."""
        origin, shown = result.origin, {one["transform"] for one in self._tasks}
        card = {
            "file": origin.file,
            "kind": origin.kind,
            "step": origin.step,
            "command": origin.command,
            "transforms": [
                one | {"scores": [score.to_json() for score in result.scores if score.transform == one["transform"]]}
                for one in self._tasks
            ],
            "left_out": [
                list(one)
                for one in dict.fromkeys(
                    (each.transform, each.reason) for each in result.not_measured if each.transform not in shown
                )
            ],
            "not_measured": sorted({f"{one.metric}: {one.reason}" for one in result.not_measured}),
        }
        write_json(self.folder / "card.json", card)
        return card

    def _pairs(self, task: EditTask, places: Sequence[int]) -> Any:
        faces = self.judges.read(task.source_rows[list(places)])
        request = self.editor.info.request(task.source_labels[list(places)], task.target_labels[list(places)])
        edited = to_pictures(self.editor.edit(to_batch(faces), request))
        times = max(1, -(-_SHOWN_PX // faces[0].shape[0]))
        return grid([[_enlarged(one, times) for pair in zip(faces, edited, strict=True) for one in pair]])

    def _describe(self, task: EditTask, edits: Edits, place: int) -> dict[str, Any]:
        faces = self.judges.held_out
        file = faces.table.files[faces.rows[task.source_rows[place]]]
        found: dict[str, Any] = {"face": str(file), "change": round(float(edits.change[place]), 4)}
        if edits.seen is not None:
            reached, asked = success_by_face(faces.attributes, edits.seen, task)[place].tolist()
            found["reached"], found["asked"] = int(reached), int(asked)
        for name, values in (("identity", edits.identity), ("outside", edits.outside)):
            if values is not None:
                found[name] = round(float(values[place]), 4)
        return found


def _enlarged(picture: np.ndarray, times: int) -> np.ndarray:
    return picture.repeat(times, axis=0).repeat(times, axis=1)


def _worst(judges: Judges, task: EditTask, edits: Edits) -> list[int]:
    """Places of the worst faces of a task, the worst first: by the mean of their ranks in what was measured.

    That is success, identity, change outside and drift; by least change where none of them was.
    """
    bad: list[np.ndarray] = []
    if edits.seen is not None:
        reached, asked = success_by_face(judges.held_out.attributes, edits.seen, task).T
        bad.append(asked - reached)
        if judges.seen is not None:
            bad.append(np.nan_to_num(drift_by_face(judges, task, edits.seen)).sum(axis=1))
    bad += [-edits.identity] if edits.identity is not None else []
    bad += [edits.outside] if edits.outside is not None else []
    ranks = [np.searchsorted(np.sort(values), values) for values in bad or [-edits.change]]
    order = np.argsort(-np.mean(ranks, axis=0), kind="stable")
    return [int(place) for place in order[:WORST]]
