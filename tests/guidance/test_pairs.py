"""Pairs of faces and their edits, as a teacher."""

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from lianpu.attributes import AttributeSet
from lianpu.dataset.faces import Dataset
from lianpu.dataset.sources import open_dataset
from lianpu.errors import SettingsError
from lianpu.faces.analyzer import AnalyzerSettings, open_analyzer
from lianpu.guidance import pairs as pairs_file
from lianpu.guidance.making import make_guides
from lianpu.guidance.pairs import Edits, PairSet, check_lessons, drawn_edits, obtain_pairs, teachable, transform_edits
from lianpu.imaging.picture import to_pictures
from lianpu.training.config import RunConfig, TrainingConfig, parse_config
from lianpu.training.guides import Guides
from lianpu.training.loop import Callbacks, train
from tests.support.shared import real_faces


def _darker_men(dataset: Dataset) -> PairSet:
    """Pairs in which every face but the first changes its sex and gets dark."""
    faces, labels = dataset.train.batch(range(len(dataset.train)))
    rows = np.arange(1, len(dataset.train))
    targets = labels[rows].copy()
    male = dataset.attributes.index("Male")
    targets[:, male] = 1 - targets[:, male]
    return PairSet(rows, targets, to_pictures(faces)[rows] // 2, labels)


def test_a_face_gets_one_of_its_own_pairs_or_stays_as_it_is(drawn: Dataset) -> None:
    pairs = _darker_men(drawn)
    rows = np.array([0, 3, 5, 7] * 50)
    chosen = pairs.choose(rows, torch.Generator().manual_seed(0))
    assert (chosen[rows == 0] == -1).all()
    asked = chosen >= 0
    assert np.array_equal(pairs.rows[chosen[asked]], rows[asked])
    assert 0.02 < (~asked[rows != 0]).mean() < 0.15
    targets = pairs.targets_of(chosen, rows)
    assert np.array_equal(targets[~asked], drawn.train.labels[rows[~asked]])
    assert ((targets != drawn.train.labels[rows]).sum(axis=1) == asked).all()
    faces = np.zeros((len(rows), 32, 32, 3), np.uint8)
    taught = pairs.taught(chosen, np.ones(len(rows), bool), faces)
    assert np.array_equal(taught[asked][0], pairs.pictures[chosen[asked][0]][:, ::-1]) and not taught[~asked].any()


def _config(**training: object) -> RunConfig:
    model = {"generator": "lite", "lite_size": "S", "image_size": 32, "d_conv_dim": 4, "g_repeat_num": 1, "d_repeat_num": 3}
    settings = {
        "batch_size": 8,
        "n_critic": 1,
        "num_iters": 40,
        "g_lr": 0.003,
        "ema_decay": 0.0,
        "device": "cpu",
        "teacher": "transforms",
        "lr_schedule": "constant",
        "checkpoint_every": 20,
        "sample_every": 20,
        "log_every": 1,
        **training,
    }
    loss = {"lambda_adv": 0.01, "lambda_cls": 0, "lambda_rec": 0, "lambda_features": 0, "lambda_smooth": 0.1, "lambda_mask": 0.01}
    return parse_config(
        {"model": {**model, "output": "fields", "label_input": "difference"}, "training": settings, "loss": loss}, "test"
    )


def test_a_generator_with_fields_learns_from_pairs_and_resumes_bit_for_bit(drawn: Dataset, tmp_path: Path) -> None:
    guides = Guides(pairs=_darker_men(drawn))
    seen: list[dict[str, float]] = []
    whole = train(drawn, _config(), tmp_path / "whole", guides=guides, callbacks=Callbacks(on_log=seen.append))
    assert seen[-1]["g_teacher"] < 0.6 * seen[0]["g_teacher"]
    assert {"g_smooth", "g_mask", "g_adv", "d_adv"} <= seen[0].keys() and "g_rec" not in seen[0]
    assert "edit_change" in seen[-1] and "edit_success" not in seen[-1]  # the class head is not trained
    train(drawn, _config(num_iters=20), tmp_path / "parted", guides=guides)
    parted = train(drawn, _config(), tmp_path / "parted", guides=guides)
    for name in ("generator.safetensors", "discriminator.safetensors"):
        files = [run.checkpoint(40).folder / name for run in (whole, parted)]
        assert files[0].read_bytes() == files[1].read_bytes(), name


def test_without_adversary_and_classes_the_discriminator_rests(drawn: Dataset, tmp_path: Path) -> None:
    config = _config(num_iters=3)
    config = config.model_copy(update={"loss": config.loss.model_copy(update={"lambda_adv": 0.0})})
    seen: list[dict[str, float]] = []
    train(drawn, config, tmp_path / "run", guides=Guides(pairs=_darker_men(drawn)), callbacks=Callbacks(on_log=seen.append))
    assert "d_loss" not in seen[-1] and "g_adv" not in seen[-1] and seen[-1]["g_teacher"] > 0


def test_what_cannot_be_taught_is_named_with_what_can() -> None:
    with pytest.raises(SettingsError, match=r"cannot teach Smiling\. It teaches Male, Young, Black_Hair.*Heavy_Makeup") as told:
        check_lessons(AttributeSet.of(("Male", "Smiling")))
    assert "\n" not in str(told.value)
    check_lessons(AttributeSet.of(teachable()))


def test_without_a_face_mesh_there_is_one_clear_line(drawn: Dataset, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"needs the face mesh, which is not here\. Get it: lianpu models fetch face-mesh"):
        make_guides(drawn, _config(), tmp_path / "run")


@pytest.fixture
def few_faces(tmp_path: Path) -> Dataset:
    """Five real training faces and one held out."""
    source, folder = real_faces(), tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    columns, *rows = [line.split() for line in (source / "list_attr.txt").read_text().splitlines()[1:]]
    listed = (source / "train.txt").read_text().split()
    known = [row for row in rows if row[0] in listed]
    chosen: list[str] = []
    for name, value in (
        ("Black_Hair", "1"),
        ("Blond_Hair", "1"),
        ("Brown_Hair", "1"),
        ("Young", "1"),
        ("Young", "-1"),
        ("Male", "1"),
    ):
        at = 1 + columns.index(name)
        chosen.append(next(row[0] for row in known if row[at] == value and row[0] not in chosen))
    stems = {Path(name).stem for name in chosen}
    for picture in (source / "images").iterdir():
        if picture.stem in stems:
            shutil.copy(picture, folder / "images")
    lines = (source / "list_attr.txt").read_text().splitlines()
    kept = [line for line in lines[2:] if Path(line.split()[0]).stem in stems]
    (folder / "list_attr.txt").write_text("\n".join([str(len(kept)), lines[1], *kept]) + "\n")
    (folder / "train.txt").write_text("\n".join(chosen[:5]) + "\n")
    (folder / "val.txt").write_text(chosen[5] + "\n")
    return open_dataset("CelebAMask-HQ", folder, 64, ("Black_Hair", "Blond_Hair", "Brown_Hair", "Young"))


def test_pairs_of_real_faces_are_made_at_full_size_once_and_found_again(
    few_faces: Dataset, mediapipe_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs_file, "SHARD_FACES", 2)
    opened: list[int] = []

    def open_edits() -> Edits:
        opened.append(1)
        return transform_edits(few_faces.train, open_analyzer(AnalyzerSettings("blazeface"), threads=1))

    said: list[str] = []
    told: list[tuple[int, int]] = []
    training = TrainingConfig(teacher="transforms", pairs_per_face=2)
    make = partial(obtain_pairs, few_faces.train, tmp_path / "pairs", open_edits, training)
    pairs = make(on_progress=lambda *done: told.append(done), say=said.append)
    assert pairs.pictures.shape[1:] == (64, 64, 3) and 5 <= len(pairs.rows) <= 10 and told[-1] == (5, 5)
    assert "pairs of" in said[0] and "MB in" in said[0]
    changed = (pairs.targets != few_faces.train.labels[pairs.rows]).any(axis=1)
    assert changed.all()
    faces = to_pictures(few_faces.train.batch(range(5))[0])
    assert np.abs(pairs.pictures.astype(int) - faces[pairs.rows]).mean(axis=(1, 2, 3)).min() > 0.3
    (tmp_path / "pairs" / "000002.npz").write_bytes(b"cut off")
    again = make()
    assert np.array_equal(again.pictures, pairs.pictures) and len(opened) == 2
    make()
    assert len(opened) == 2  # nothing was left to do


def test_drawn_faces_are_drawn_anew_and_keep_their_hair_where_sex_or_age_changes(drawn: Dataset, tmp_path: Path) -> None:
    config = _config(teacher="drawn")
    guides = make_guides(drawn, config, tmp_path / "run")
    pairs, again = guides.pairs, make_guides(drawn, config, tmp_path / "run").pairs
    assert isinstance(pairs, PairSet) and isinstance(again, PairSet) and guides.likeness is None
    assert pairs.counts.min() >= 3 and np.array_equal(again.pictures, pairs.pictures)
    male = drawn.attributes.index("Male")
    of_sex = np.flatnonzero(pairs.targets[:, male] != pairs.labels[pairs.rows, male])
    faces = to_pictures(drawn.train.batch(range(len(drawn.train)))[0])
    change = np.abs(pairs.pictures[of_sex].astype(int) - faces[pairs.rows[of_sex]]).mean(axis=(0, 3))
    assert change[12:24, 10:22].mean() > 4 * change[:3].mean()


def test_drawn_is_for_drawn_faces(few_faces: Dataset) -> None:
    with pytest.raises(SettingsError, match=r"The teacher drawn is for drawn faces \(lianpu data draw\)"):
        drawn_edits(few_faces.train)
