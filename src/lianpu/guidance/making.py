"""The guides of a run, kept in its folder so that a resumed run has the same ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lianpu.dataset.faces import Dataset
from lianpu.devices import pick_device
from lianpu.guidance.classifier import obtain_guide
from lianpu.guidance.parts import obtain_part_maps
from lianpu.perception.parsing import load_parser
from lianpu.runs import Run
from lianpu.training.config import RunConfig
from lianpu.training.guides import Guides
from lianpu.training.record import refuse_foreign_folder

Stage = Callable[[str], Callable[[int, int], None] | None]


def make_guides(dataset: Dataset, config: RunConfig, run_folder: Path | str, *, stage: Stage = lambda name: None) -> Guides:
    """What loss.lambda_guide and loss.lambda_outside ask for: an attribute classifier trained on the training faces, and their part maps.

    Args:
        dataset: that the editor is trained on.
        run_folder: the run's; the guides are kept there and taken from there.
        stage: called as each longer part begins; gives what is told of its progress.

    Raises:
        LianpuError: the folder is another's, weights cannot be had, or masks are broken.
    """
    run = Run(Path(run_folder))
    loss = config.loss
    if not (loss.lambda_guide or loss.lambda_outside):
        return Guides()
    if not (run.guide_folder.is_dir() or run.part_maps_file.is_file()):
        refuse_foreign_folder(run)
    classifier = parts = None
    if loss.lambda_guide:
        device = pick_device(config.training.device)
        classifier = obtain_guide(dataset, run.guide_folder, device, stage("Training the guide"))
    if loss.lambda_outside:
        parts = obtain_part_maps(dataset.train, run.part_maps_file, load_parser, stage("Finding face parts"))
    return Guides(classifier, parts)
