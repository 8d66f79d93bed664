"""The guides of a run: an attribute classifier, part maps, features, a teacher. They are kept in its folder, so that a resumed run has the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from lianpu.dataset.faces import Dataset, Faces
from lianpu.devices import pick_device
from lianpu.editors.loading import BUNDLED_EDITORS
from lianpu.errors import SettingsError, nearest_name
from lianpu.evaluation.classifier_store import obtain_classifier
from lianpu.faces.analyzer import open_analyzer
from lianpu.faces.parts import load_parser
from lianpu.guidance.pairs import DRAWN, Edits, check_lessons, drawn_edits, obtain_pairs, transform_edits
from lianpu.guidance.parts import obtain_part_maps
from lianpu.guidance.teacher import STAGES, EditorTeacher, FeatureDistance, FrozenFeatures, obtain_teacher
from lianpu.metrics.attribute_classifier import AttributeClassifier
from lianpu.metrics.classifier_training import ClassifierSettings
from lianpu.models.efficientnet import load_efficientnet
from lianpu.runs import Run
from lianpu.training.config import PAIR_TEACHERS, RunConfig
from lianpu.training.guides import Guides
from lianpu.training.record import check_resumable, read_record, refuse_foreign_folder

GUIDE_SEED = 7919
"""Far from the seeds of judges."""
GUIDE_SETTINGS = ClassifierSettings(input_px=112, epochs=12)


class Guide(nn.Module):
    """Faces to attribute logits, differentiable in the faces; its weights are held."""

    def __init__(self, classifier: AttributeClassifier) -> None:
        super().__init__()
        self.network = classifier.network.eval().requires_grad_(False)
        self.input_px = classifier.info.input_px

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Faces (B, 3, S, S) in [-1, 1] to logits (B, A)."""
        if batch.shape[2] != self.input_px:
            size = (self.input_px, self.input_px)
            batch = functional.interpolate(batch, size=size, mode="bilinear", antialias=True, align_corners=False)
        pixels = (batch * 127.5 + 0.5) / 128.0  # (value - 127) / 128, as the network was trained
        logits: torch.Tensor = self.network(pixels.contiguous(memory_format=torch.channels_last))
        return logits


def obtain_guide(
    dataset: Dataset, folder: Path, device: torch.device | str = "cpu", on_progress: Callable[[int, int], None] | None = None
) -> Guide:
    """The guide in `folder` when it was trained on the same faces, else a new one, left there with its held-out accuracy.

    Raises:
        WeightsError: the ImageNet weights cannot be had.
        ModelError: the folder holds a damaged classifier.
    """
    return Guide(obtain_classifier(dataset, folder, GUIDE_SEED, GUIDE_SETTINGS, device, on_progress)[0])


PROJECTED_BLOCKS = (1, 2, 4, 6)
"""Blocks of the network that the projected discriminator gets: strides 4, 8, 16 and 32, as in Projected GAN."""

Stage = Callable[[str], Callable[[int, int], None] | None]


def make_guides(
    dataset: Dataset,
    config: RunConfig,
    run_folder: Path | str,
    *,
    stage: Stage = lambda name: None,
    say: Callable[[str], None] = lambda line: None,
) -> Guides:
    """What the settings ask for: an attribute classifier trained on the training faces (loss.lambda_guide), their part maps
    (loss.lambda_outside), the features of the projected discriminator (loss.lambda_projected), and a teacher (training.teacher).

    Args:
        dataset: that the editor is trained on.
        run_folder: the run's; the guides are kept there and taken from there.
        stage: called as each longer part begins; gives the callback for its progress.
        say: called with a line about what was made.

    Raises:
        LianpuError: the folder is another's, weights cannot be had, masks are broken, or the teacher has other labels or another size.
    """
    wanted = _to_be_made(config, Run(Path(run_folder)))
    if wanted:
        say(f"Before training: {', '.join(wanted)}. That takes minutes, once; it is kept in {run_folder}.")
    begin = time.perf_counter()
    guides = _make_guides(dataset, config, Run(Path(run_folder)), stage, say)
    took = time.perf_counter() - begin if wanted else 0.0
    if wanted:
        say(f"Made in {took / 60:.1f} minutes.")
    return replace(guides, seconds=took)


def _to_be_made(config: RunConfig, run: Run) -> list[str]:
    """What the settings ask for and the run folder does not have, in words."""
    asked = (
        ("pairs of faces and their edits are made", config.training.teacher in PAIR_TEACHERS and not run.pairs_folder.is_dir()),
        ("the guide, a classifier, is trained", bool(config.loss.lambda_guide) and not run.guide_folder.is_dir()),
        ("the parts of the faces are found", bool(config.loss.lambda_outside) and not run.part_maps_file.is_file()),
    )
    return [words for words, missing in asked if missing]


def _make_guides(dataset: Dataset, config: RunConfig, run: Run, stage: Stage, say: Callable[[str], None]) -> Guides:
    loss = config.loss
    device = pick_device(config.training.device)
    source = config.training.teacher
    by_pairs = source in PAIR_TEACHERS
    teacher = _obtain_editor(source, dataset, config.training.device) if source and not by_pairs else None
    pairs = likeness = None
    if by_pairs:
        refuse_foreign_folder(run)
        if run.config_file.exists():  # a run that will be refused must not lose its pairs
            check_resumable(run, read_record(run), config, dataset)
        edits = _open_edits(source, dataset.train)
        pairs = obtain_pairs(dataset, run, edits, config.training, stage("Making pairs"), say)
        likeness = FeatureDistance(FrozenFeatures(load_efficientnet(), STAGES)).to(device) if loss.lambda_features else None
    features = FrozenFeatures(load_efficientnet(), PROJECTED_BLOCKS).to(device) if loss.lambda_projected else None
    if not (loss.lambda_guide or loss.lambda_outside):
        return Guides(teacher=teacher, features=features, pairs=pairs, likeness=likeness)
    if not (run.guide_folder.is_dir() or run.part_maps_file.is_file()):
        refuse_foreign_folder(run)
    classifier = parts = None
    if loss.lambda_guide:
        classifier = obtain_guide(dataset, run.guide_folder, device, stage("Training the guide"))
    if loss.lambda_outside:
        parts = obtain_part_maps(dataset.train, run.part_maps_file, load_parser, stage("Finding face parts"))
    return Guides(classifier, parts, teacher, features, pairs, likeness)


def _open_edits(source: str, faces: Faces) -> Edits:
    if source == DRAWN:
        return drawn_edits(faces)
    check_lessons(faces.attributes)  # before the models are opened
    return transform_edits(faces, open_analyzer(threads=1))


def _obtain_editor(source: str, dataset: Dataset, device: str) -> EditorTeacher:
    """The editor `source` as a teacher. Raises SettingsError with the names there are where it is neither a name nor a path."""
    if source not in BUNDLED_EDITORS and not Path(source).exists():
        known = (*PAIR_TEACHERS, *BUNDLED_EDITORS)
        raise SettingsError(
            f"'{source}' is no teacher{nearest_name(source, known)}. Give {', '.join(known)}, or the path of a run folder, checkpoint "
            "folder or .onnx file."
        )
    return obtain_teacher(source, dataset, device)
