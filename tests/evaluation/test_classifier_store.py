"""The judge is trained once per run and data, and is used again only where all agrees."""

from dataclasses import replace
from pathlib import Path

import pytest

from lianpu.dataset.faces import Dataset
from lianpu.errors import ModelError
from lianpu.evaluation.classifier_store import obtain_classifier, see_faces
from lianpu.metrics.classifier_training import ClassifierSettings

QUICK = ClassifierSettings(input_px=32, least_steps=3, most_steps=3, batch_size=8)


@pytest.fixture
def counted() -> list[tuple[int, int]]:
    return []


def test_a_kept_classifier_is_used_again_and_sees_the_same(
    dataset: Dataset, tmp_path: Path, counted: list[tuple[int, int]]
) -> None:
    first, accuracy = obtain_classifier(dataset, tmp_path / "judge", settings=QUICK)
    again, again_accuracy = obtain_classifier(
        dataset, tmp_path / "judge", settings=QUICK, on_progress=lambda *step: counted.append(step)
    )
    assert counted == [] and again_accuracy == accuracy and again.digest == first.digest
    assert (see_faces(again, dataset.test) == see_faces(first, dataset.test)).all()


@pytest.mark.parametrize("change", ["fingerprint", "seed", "settings"])
def test_a_classifier_of_other_data_seed_or_settings_is_trained_anew(
    dataset: Dataset, tmp_path: Path, counted: list[tuple[int, int]], change: str
) -> None:
    obtain_classifier(dataset, tmp_path / "judge", settings=QUICK)
    obtain_classifier(
        replace(dataset, fingerprint="other") if change == "fingerprint" else dataset,
        tmp_path / "judge",
        seed=1 if change == "seed" else 0,
        settings=replace(QUICK, input_px=48) if change == "settings" else QUICK,
        on_progress=lambda *step: counted.append(step),
    )
    assert counted[-1] == (3, 3)


def test_the_same_seed_gives_the_same_classifier_and_another_seed_another(dataset: Dataset) -> None:
    digests = [obtain_classifier(dataset, seed=seed, settings=QUICK)[0].digest for seed in (0, 0, 1)]
    assert digests[0] == digests[1] != digests[2]


def test_a_damaged_classifier_is_named_with_its_folder(dataset: Dataset, tmp_path: Path) -> None:
    obtain_classifier(dataset, tmp_path / "judge", settings=QUICK)
    file = tmp_path / "judge" / "classifier.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"judge holds a damaged classifier .*Remove the folder"):
        obtain_classifier(dataset, tmp_path / "judge", settings=QUICK)
