"""The scorecard: what drifted, the worst faces, and its numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from lianpu.attributes import Labels
from lianpu.dataset.part_maps import PartMaps
from lianpu.editors.editor import Editor
from lianpu.evaluation.card import WORST, CardMaker
from lianpu.evaluation.judges import Judges
from lianpu.evaluation.scoring import score_editor
from lianpu.part_names import PART_INDEX
from lianpu.photo.reading import read_image

BLOND = "Black_Hair -> Blond_Hair"


class Meddler:
    """Makes the edit, and makes everyone male besides."""

    kind = "PyTorch FP32"

    def __init__(self, painter: Editor) -> None:
        self.info, self._painter = painter.info, painter

    def edit(self, batch: torch.Tensor, labels: Labels) -> torch.Tensor:
        wanted = labels.copy()
        wanted[:, 3] = 1
        return self._painter.edit(batch, wanted)


def test_drift_is_what_changed_without_being_asked(judges: Judges, painter: Editor, tmp_path: Path) -> None:
    found = {}
    for name, editor in (("painter", painter), ("meddler", Meddler(painter))):
        maker = CardMaker(editor, judges, tmp_path / name)
        maker.write(score_editor(editor, judges, [BLOND], on_edits=maker.add))
        card = json.loads((tmp_path / name / "card.json").read_text(encoding="utf-8"))
        found[name] = next(one for one in card["transforms"] if one["transform"] == BLOND)
    drift = {name: next(score["value"] for score in one["scores"] if score["metric"] == "drift") for name, one in found.items()}
    assert drift["painter"] < 0.1 < drift["meddler"]  # only Male is free to drift, and half of the faces are male already
    assert [name for name, _, _ in found["meddler"]["drifted"]] == ["Male"]


def test_the_worst_faces_are_shown_before_and_after(judges: Judges, painter: Editor, tmp_path: Path) -> None:
    maker = CardMaker(Meddler(painter), judges, tmp_path)
    card = maker.write(score_editor(Meddler(painter), judges, [BLOND], on_edits=maker.add))
    row = card["transforms"][1]
    assert len(row["worst"]) == WORST and row["worst"][0]["reached"] <= row["worst"][0]["asked"] == 1
    picture = read_image(tmp_path / "pictures" / row["worst_picture"])
    assert picture.shape[1] > 2 * WORST * 256  # pairs, enlarged from 32 px


def test_change_is_told_inside_and_outside_the_region(judges: Judges, painter: Editor) -> None:
    maps = np.zeros((len(judges.held_out), 64, 64), dtype=np.uint8)
    maps[:, :32] = PART_INDEX["hair"]
    result = score_editor(painter, replace(judges, parts=PartMaps(maps)), [BLOND])
    inside, outside = (result.find(name, BLOND) for name in ("change_inside", "change_outside"))
    assert inside and outside and inside.value > 20 * outside.value


def test_a_transform_with_too_few_faces_is_named_with_its_reason(judges: Judges, painter: Editor, tmp_path: Path) -> None:
    few = replace(
        judges, held_out=judges.held_out.sample(12, 0), parts=None, pictures=None, own=None, identity=None, seen=None, lpips=None
    )
    maker = CardMaker(painter, few, tmp_path)
    card = maker.write(score_editor(painter, few, [BLOND], on_edits=maker.add))
    assert [one["transform"] for one in card["transforms"]] == ["overall"]
    ((transform, reason),) = card["left_out"]
    assert transform == BLOND and "have the source values" in reason
