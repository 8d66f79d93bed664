"""An editor that edits, one that does nothing and a random one, before the same judges."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lianpu.dataset.faces import Dataset
from lianpu.dataset.part_maps import PartMaps
from lianpu.editors.checkpoint_editor import CheckpointEditor
from lianpu.editors.editor import Editor, ModelInfo
from lianpu.errors import ScoreError, SettingsError, WeightsError
from lianpu.evaluation.judges import Judges, prepare_judges
from lianpu.evaluation.protocol import OVERALL, Score, compare_scores
from lianpu.evaluation.results import EvaluationResult
from lianpu.evaluation.scoring import OVERALL_ONLY, score_editor
from lianpu.imaging.picture import Picture
from lianpu.part_names import PART_INDEX
from lianpu.stargan.networks import Generator


def value(result: EvaluationResult, metric: str, transform: str = OVERALL) -> float:
    score = result.find(metric, transform)
    assert score is not None, (metric, transform)
    return score.value


def test_an_editor_that_makes_the_edit_succeeds_and_one_that_does_nothing_has_the_rate_of_unedited_faces(
    judges: Judges, painter: Editor, lazy: Editor
) -> None:
    good, idle = score_editor(painter, judges), score_editor(lazy, judges)
    for transform in good.transforms():
        assert value(good, "attribute_success", transform) > 0.75  # 12 faces a row; torch 2.6 trains the judge to 0.83
        unedited = value(idle, "attribute_success_unedited", transform)
        assert value(idle, "attribute_success", transform) == unedited < 0.2
        assert value(good, "attribute_success_unedited", transform) == unedited


def test_an_editor_that_does_nothing_changes_nothing_and_has_the_floors_distance(judges: Judges, lazy: Editor) -> None:
    result = score_editor(lazy, judges, OVERALL_ONLY)
    assert value(result, "edit_change") == value(result, "reconstruction_l1") == 0.0
    assert value(result, "lpips_edit") == value(result, "lpips_reconstruction") == 0.0
    assert [(score.metric, score.value) for score in result.floor] == [
        (score.metric, score.value) for score in result.scores if score.protocol.features == "tiny"
    ]


def test_an_edit_brings_the_faces_nearer_to_real_ones_of_the_target(judges: Judges, painter: Editor, lazy: Editor) -> None:
    good, idle = (score_editor(editor, judges, ["Black_Hair -> Blond_Hair"]) for editor in (painter, lazy))
    pair = [result.find("frechet_tiny", "Black_Hair -> Blond_Hair") for result in (idle, good)]
    assert pair[0] and pair[1] and compare_scores(pair[0], pair[1]).winner == "second"
    assert pair[1].value < pair[0].value / 5


def test_every_default_transform_has_a_row_with_its_counts(judges: Judges, lazy: Editor, dataset: Dataset) -> None:
    result = score_editor(lazy, judges)
    assert result.transforms() == (OVERALL, *(transform.name for transform in dataset.attributes.transforms()))
    score = result.find("frechet_tiny", "Black_Hair -> Brown_Hair")
    assert score and (score.protocol.fake_count, score.protocol.real_count) == (12, 16)
    assert (score.protocol.fake_split, score.protocol.real_split) == ("val", "train")
    assert result.not_measured == ()


def test_a_row_with_too_few_faces_is_not_measured_and_says_why(judges: Judges, lazy: Editor) -> None:
    few = replace(judges, held_out=judges.held_out.subset(range(12)), seen=judges.seen[:12] if judges.seen is not None else None)
    result = score_editor(lazy, few, ["Black_Hair -> Blond_Hair"])
    assert {score.transform for score in result.scores} == {OVERALL}
    missing = {one.metric: one.reason for one in result.not_measured}
    assert missing["frechet_tiny"] == "4 held-out faces have the source values; at least 10 are needed"
    assert {"kernel_tiny", "lpips_edit", "attribute_success", "edit_change"} <= set(missing)


def test_few_pictures_are_said_to_lack_rank(judges: Judges, lazy: Editor) -> None:
    notes = " ".join(score_editor(lazy, judges).notes)
    assert "frechet_tiny: sets of 12 to 48 pictures" in notes and "48 features" in notes and "lacks rank" in notes


def test_only_the_overall_row_is_scored_when_asked(judges: Judges, lazy: Editor) -> None:
    assert score_editor(lazy, judges, OVERALL_ONLY).transforms() == (OVERALL,)


def test_a_random_generator_is_scored_too_and_progress_reaches_the_end(judges: Judges, dataset: Dataset) -> None:
    torch.manual_seed(0)
    info = ModelInfo(dataset.attributes, 32, step=7)
    editor = CheckpointEditor(Generator(8, 4, 1), info, torch.device("cpu"))
    progress: list[tuple[int, int]] = []
    result = score_editor(editor, judges, on_progress=lambda done, total: progress.append((done, total)))
    assert progress[-1][0] == progress[-1][1] == 36 + 6 * 12 + 2 * 18
    assert value(result, "edit_change") > 0.1 and result.origin.step == 7
    assert value(result, "lpips_edit") > 0


def test_a_result_survives_the_way_to_json_and_back(judges: Judges, painter: Editor) -> None:
    result = score_editor(painter, judges, file="checkpoints/000000030", epoch=1.5, command="lianpu evaluate runs/x")
    values = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert EvaluationResult.from_json(values, "x.json") == result
    assert values["file"] == "checkpoints/000000030" and values["kind"] == "PyTorch FP32" and values["epoch"] == 1.5
    assert set(values["classifier"]["accuracy"]["Male"]) == {"accuracy", "balanced_accuracy", "positives", "count"}
    del values["scores"]
    with pytest.raises(ScoreError, match=r"x\.json is damaged .*'scores'"):
        EvaluationResult.from_json(values, "x.json")


def test_an_editor_of_other_labels_or_size_is_refused(judges: Judges, painter: Any, dataset: Dataset) -> None:
    painter.info = replace(painter.info, image_size=64)
    with pytest.raises(ScoreError, match="edits 64 px faces, but the data was opened at 32 px"):
        score_editor(painter, judges)
    turned = replace(dataset.attributes, names=dataset.attributes.names[::-1])
    painter.info = ModelInfo(turned, 32)
    with pytest.raises(ScoreError, match="edits Male, Brown_Hair"):
        score_editor(painter, judges)


def test_offline_the_stand_in_measures_under_its_own_names_and_says_where_inception_belongs(
    offline: None, dataset: Dataset, lazy: Editor, tmp_path: Path
) -> None:
    judges = prepare_judges(dataset, ("fid", "kid", "is", "lpips"), max_faces=12)
    result = score_editor(lazy, judges, OVERALL_ONLY)
    assert {"frechet_efficientnet_lite0", "kernel_efficientnet_lite0", "inception_score_efficientnet_lite0"} <= set(
        result.metrics()
    )
    assert not {"fid", "kid", "is"} & set(result.metrics())
    assert "pt_inception-2015-12-05-6726825d.pth" in result.notes[0] and str(tmp_path / "models") in result.notes[0]
    missing = {one.metric: one.reason for one in result.not_measured}
    assert set(missing) == {"lpips_edit", "lpips_reconstruction"} and "alexnet-owt-7be5be79.pth" in missing["lpips_edit"]
    distance = result.distance()
    assert isinstance(distance, Score) and (distance.protocol.real_count, distance.protocol.fake_count) == (12, 12)
    assert 1 <= value(result, "inception_score_efficientnet_lite0") <= 12


def test_inception_that_was_asked_for_by_name_is_not_replaced(offline: None, dataset: Dataset) -> None:
    with pytest.raises(WeightsError, match="pt_inception"):
        prepare_judges(dataset, ("fid",), features="inception")


def test_a_reference_of_held_out_faces_has_no_floor_and_a_warning(offline: None, dataset: Dataset, lazy: Editor) -> None:
    judges = prepare_judges(dataset, ("fid",), reference_split="test", max_faces=10, features="efficientnet-lite0")
    result = score_editor(lazy, judges, OVERALL_ONLY)
    assert result.floor == () and any("look better than they are" in note for note in result.notes)
    assert value(result, "frechet_efficientnet_lite0") == pytest.approx(0, abs=1e-3)


def test_an_unknown_metric_is_named_with_the_nearest_known_one(dataset: Dataset) -> None:
    with pytest.raises(SettingsError, match=r"'lpip' is no metric \(did you mean 'lpips'\?\)"):
        prepare_judges(dataset, ("lpip",))


def test_a_change_where_nothing_should_change_is_counted(judges: Judges, painter: Editor, lazy: Editor, dataset: Dataset) -> None:
    hair = np.full((len(dataset.test), 64, 64), PART_INDEX["hair"], dtype=np.uint8)
    cloth = np.full_like(hair, PART_INDEX["cloth"])
    row = ["Black_Hair -> Blond_Hair"]
    inside, outside = (score_editor(painter, replace(judges, parts=PartMaps(maps)), row) for maps in (hair, cloth))
    assert value(inside, "change_outside", row[0]) == 0
    assert value(outside, "change_outside", row[0]) == pytest.approx(value(outside, "edit_change", row[0]), rel=1e-5)
    assert value(score_editor(lazy, replace(judges, parts=PartMaps(cloth)), row), "change_outside", row[0]) == 0


def test_identity_is_the_cosine_with_the_unedited_face_and_its_lack_has_a_reason(judges: Judges, painter: Editor) -> None:
    class MeanColour:
        """Who a face is, by its mean colour."""

        name, resize = "mean colour", "none"

        def vectors(self, pictures: Picture) -> np.ndarray:
            means = pictures.mean(axis=(1, 2)) + 1
            return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True))

    encoder: Any = MeanColour()
    own = encoder.vectors(np.stack([judges.held_out.read(row) for row in range(len(judges.held_out))]))
    result = score_editor(painter, replace(judges, identity=encoder, own=own), OVERALL_ONLY)
    assert 0.5 < value(result, "identity") < 1
    lacking = score_editor(painter, replace(judges, identity_missing="no dlib"), OVERALL_ONLY)
    assert [row.reason for row in lacking.not_measured if row.metric == "identity"] == ["no dlib"]
