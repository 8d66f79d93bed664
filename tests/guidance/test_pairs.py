"""Pairs of faces and their edits, as a teacher."""

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from lianpu.attributes import AttributeSet
from lianpu.dataset.faces import Dataset
from lianpu.dataset.sources import open_dataset
from lianpu.errors import DataError, LianpuError, RunError, SettingsError, WeightsError
from lianpu.faces.analyzer import AnalyzerSettings, open_analyzer
from lianpu.guidance import pairs as pairs_file
from lianpu.guidance.making import make_guides
from lianpu.guidance.pairs import PairSet, check_lessons, drawn_edits, obtain_pairs, teachable, transform_edits
from lianpu.imaging.picture import Picture, to_pictures
from lianpu.runs import Run
from lianpu.training.config import RunConfig, TrainingConfig, parse_config
from lianpu.training.guides import Guides
from lianpu.training.loop import Callbacks, train
from lianpu.training.record import locked, read_record
from tests.support.shared import real_faces


def _darker_men(dataset: Dataset) -> PairSet:
    """Pairs in which every face but the first changes its sex and gets dark."""
    faces, labels = dataset.train.batch(range(len(dataset.train)))
    rows = np.arange(1, len(dataset.train))
    targets = labels[rows].copy()
    male = dataset.attributes.index("Male")
    targets[:, male] = 1 - targets[:, male]
    return PairSet(rows, targets, to_pictures(faces)[rows] // 2, labels, "for study only")


def _pictures(pairs: object) -> Picture:
    assert isinstance(pairs, PairSet)
    return pairs.pictures[np.arange(len(pairs.rows))]


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
    assert np.array_equal(taught[asked], _pictures(pairs)[chosen[asked]][:, :, ::-1]) and not taught[~asked].any()
    assert not faces.any()


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
    assert read_record(parted).licence == f"{drawn.licence}; taught by: for study only"


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
    assert not (tmp_path / "run").exists()


def test_a_mistyped_teacher_is_told_the_names_there_are(drawn: Dataset, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"'transfrms' is no teacher.*transforms.*drawn, lite, or the path of a run folder"):
        make_guides(drawn, _config(teacher="transfrms"), tmp_path / "run")


def test_a_refused_teacher_or_run_leaves_the_pairs_that_are_there(drawn: Dataset, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    make_guides(drawn, _config(teacher="drawn"), run.folder)
    before = {file.name: file.read_bytes() for file in run.pairs_folder.iterdir()}
    assert before.keys() == {"of.json", "000000.npz", "000000.npy", "000025.npz", "000025.npy"}
    with pytest.raises(SettingsError, match="needs the face mesh"):
        make_guides(drawn, _config(teacher="transforms"), run.folder)
    with locked(run), pytest.raises(RunError, match="being trained by another process"):
        make_guides(drawn, _config(teacher="drawn", seed=1), run.folder)
    other = _config(teacher="", num_iters=1)
    train(drawn, other.model_copy(update={"model": other.model.model_copy(update={"d_conv_dim": 8})}), run.folder)
    with pytest.raises(RunError, match="has another network"):
        make_guides(drawn, _config(teacher="drawn", seed=1), run.folder)
    assert {file.name: file.read_bytes() for file in run.pairs_folder.iterdir()} == before


def test_pairs_of_anything_else_are_removed_and_that_is_said(drawn: Dataset, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(drawn.folder, data)
    run, said = tmp_path / "run", list[str]()

    def removed(**training: object) -> str:
        said.clear()
        dataset = open_dataset("CelebAMask-HQ", data, 32, drawn.attributes.names)
        guides = make_guides(dataset, _config(teacher="drawn", pairs_per_face=1, **training), run, say=said.append)
        said[:] = [line for line in said if not line.startswith(("Before training: ", "Made in "))]  # what every guide says
        assert len(_pictures(guides.pairs)) and any(line.endswith(f"MB in {run / 'pairs'}.") for line in said)
        return said[0] if said[0].startswith("Removed") else ""

    assert not removed() and said[0].startswith("Making pairs of") and "up to" in said[0] and len(said) == 2
    assert not removed() and len(said) == 1
    assert removed(seed=4).endswith("4 files): they were made with other seed.")
    first = next((data / "images").glob("000001.*"))
    first.write_bytes(first.with_name("000002.png").read_bytes())  # another face of the same name
    assert removed(seed=4).endswith("made with other pictures.")
    table = data / "list_attr.txt"
    lines = table.read_text().splitlines()
    name, *values = lines[2].split()
    values[lines[1].split().index("Smiling")] = "0"  # of an attribute that is not even edited
    lines[2] = " ".join([name, *("1" if value == "-1" else value.replace("0", "-1") for value in values)])
    table.write_text("\n".join(lines) + "\n")
    assert "made with other data or labels" in removed(seed=4)
    (run / "pairs" / "of.json").write_text("cut")
    assert "nothing says what they were made of" in removed(seed=4)


def test_processes_wait_until_the_first_has_begun_and_share_the_work(
    drawn: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, training = Run(tmp_path / "run"), _config(teacher="drawn").training
    edits = drawn_edits(drawn.train)
    found: list[PairSet] = []
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    second = threading.Thread(target=lambda: found.append(obtain_pairs(drawn, run, edits, training)), daemon=True)
    second.start()
    second.join(0.5)
    assert second.is_alive() and not run.folder.exists()
    monkeypatch.setenv("RANK", "0")
    first = obtain_pairs(drawn, run, edits, training)
    second.join(60)
    assert np.array_equal(_pictures(found[0]), _pictures(first)) and np.array_equal(found[0].rows, first.rows)


def test_pictures_are_read_when_asked_for_and_a_lost_file_is_named(drawn: Dataset, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    pairs = obtain_pairs(drawn, run, drawn_edits(drawn.train), _config(teacher="drawn").training)
    whole = np.concatenate([np.load(file) for file in sorted(run.pairs_folder.glob("*.npy"))])
    chosen = np.array([len(whole) - 1, 0, len(whole) // 2, 0])
    assert np.array_equal(pairs.pictures[chosen], whole[chosen])
    (run.pairs_folder / "000025.npy").write_bytes(b"cut off")
    with pytest.raises(DataError, match=r"000025\.npy is gone or damaged\. Run the command again"):
        pairs.pictures[chosen]
    again = obtain_pairs(drawn, run, drawn_edits(drawn.train), _config(teacher="drawn").training)
    assert np.array_equal(_pictures(again), whole)


def test_pairs_without_the_likeness_that_a_loss_needs_are_refused(drawn: Dataset) -> None:
    config = _config()
    config = config.model_copy(update={"loss": config.loss.model_copy(update={"lambda_features": 1.0})})
    with pytest.raises(SettingsError, match=r"loss\.lambda_features is 1, but train\(\) was given pairs without a likeness"):
        Guides(pairs=_darker_men(drawn)).check(config)


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
    edits = transform_edits(few_faces.train, open_analyzer(AnalyzerSettings("blazeface"), threads=1))
    said: list[str] = []
    told: list[tuple[int, int]] = []
    training, run = TrainingConfig(teacher="transforms", pairs_per_face=2), Run(tmp_path / "run")
    pairs = obtain_pairs(few_faces, run, edits, training, lambda *done: told.append(done), said.append)
    assert _pictures(pairs).shape[1:] == (64, 64, 3) and 5 <= len(pairs.rows) <= 10 and told[-1] == (5, 5)
    assert "up to 10" in said[0] and "min on one CPU core" in said[0] and "pairs of" in said[1] and "MB in" in said[1]
    assert "CelebAMask-HQ" in pairs.licence and "(parts by small)" in pairs.licence  # of the transforms and of the parser
    changed = (pairs.targets != few_faces.train.labels[pairs.rows]).any(axis=1)
    assert changed.all()
    faces = to_pictures(few_faces.train.batch(range(5))[0])
    before = _pictures(pairs)
    assert np.abs(before.astype(int) - faces[pairs.rows]).mean(axis=(1, 2, 3)).min() > 0.3
    (run.pairs_folder / "000002.npz").write_bytes(b"cut off")
    said.clear()
    assert np.array_equal(_pictures(obtain_pairs(few_faces, run, edits, training, say=said.append)), before)
    assert "pairs of 2 faces" in said[0]
    said.clear()
    obtain_pairs(few_faces, run, edits, training, say=said.append)
    assert len(said) == 1  # nothing was left to do


@pytest.mark.parametrize(
    ("names", "error", "words"),
    [
        (("Black_Hair", "Young"), SettingsError, "hair_color: shade=.* exclude commercial use"),
        (("Male", "Young"), WeightsError, "may not be used commercially"),
    ],
)
def test_what_no_face_could_get_is_refused_before_the_first(
    names: tuple[str, ...],
    error: type[LianpuError],
    words: str,
    drawn: Dataset,
    mediapipe_models: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset = open_dataset("CelebAMask-HQ", drawn.folder, 32, names)
    monkeypatch.setenv("LIANPU_COMMERCIAL_SAFE", "1")
    analyzer = open_analyzer(AnalyzerSettings("blazeface"), threads=1)
    with pytest.raises(error, match=words):
        transform_edits(dataset.train, analyzer)


def test_drawn_faces_are_drawn_anew_and_keep_their_hair_where_sex_or_age_changes(drawn: Dataset, tmp_path: Path) -> None:
    config = _config(teacher="drawn")
    guides = make_guides(drawn, config, tmp_path / "run")
    pairs, again = guides.pairs, make_guides(drawn, config, tmp_path / "run").pairs
    assert isinstance(pairs, PairSet) and isinstance(again, PairSet) and guides.likeness is None
    assert pairs.counts.min() >= 3 and np.array_equal(_pictures(again), _pictures(pairs)) and not guides.licence
    male = drawn.attributes.index("Male")
    of_sex = np.flatnonzero(pairs.targets[:, male] != pairs.labels[pairs.rows, male])
    faces = to_pictures(drawn.train.batch(range(len(drawn.train)))[0])
    change = np.abs(_pictures(pairs)[of_sex].astype(int) - faces[pairs.rows[of_sex]]).mean(axis=(0, 3))
    assert change[12:24, 10:22].mean() > 4 * change[:3].mean()


def test_drawn_is_for_drawn_faces(few_faces: Dataset) -> None:
    with pytest.raises(SettingsError, match=r"The teacher drawn is for drawn faces \(lianpu data draw\)"):
        drawn_edits(few_faces.train)
