"""Training on drawn faces with masks: it learns, it goes on after a stop as if nothing had been, and it says what is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from lianpu.cli.main import main
from lianpu.errors import ModelError, RunError, TrainingError
from lianpu.face_parsing.config import ParserConfig, parser_config
from lianpu.face_parsing.data.augmentation import PartCounts, TrainingFaces
from lianpu.face_parsing.data.masks import ParsingSet, open_parsing_set
from lianpu.face_parsing.evaluation import evaluate_parser
from lianpu.face_parsing.networks.loading import trained_network
from lianpu.face_parsing.runtime import OnnxParser
from lianpu.face_parsing.torch_parsers import TrainedParser
from lianpu.face_parsing.training import Callbacks, train_parser
from lianpu.part_names import PARTS, part_index

TINY = {"start": "random", "sizes": (64,), "stages": (1.0,), "batch_size": 4, "workers": 0, "device": "cpu", "warmup_iters": 2}


def tiny(**changes: object) -> ParserConfig:
    return parser_config("small", {**TINY, **changes})


@pytest.fixture(scope="module")
def drawn_masks(drawn_folder: Path) -> ParsingSet:
    return open_parsing_set(drawn_folder)


@pytest.mark.slow
def test_a_parser_learns_hair_and_skin_of_drawn_faces_and_is_exported(drawn_masks: ParsingSet, tmp_path: Path) -> None:
    config = tiny(start="imagenet", num_iters=60, lr=0.004, ema_decay=0.9)
    run = train_parser(drawn_masks, config, tmp_path / "run")
    scores = evaluate_parser(TrainedParser(run.folder), drawn_masks.val, 64)
    assert min(scores.part(name).f1 for name in ("background", "skin", "hair")) > 0.6

    main(["parser", "export", str(run.folder), str(drawn_masks.folder), "--calibrate-on", "0"])
    exported = evaluate_parser(OnnxParser(run.onnx_file), drawn_masks.val, 64)
    assert exported.part("hair").f1 == pytest.approx(scores.part("hair").f1, abs=0.01)
    main(["parser", "export", str(run.folder), str(drawn_masks.folder), "--calibrate-on", "16"])
    assert evaluate_parser(OnnxParser(run.onnx_file), drawn_masks.val, 64).mean_f1 > exported.mean_f1


def test_a_logged_step_that_a_crash_cut_is_left_out_when_training_goes_on(drawn_masks: ParsingSet, tmp_path: Path) -> None:
    run = train_parser(drawn_masks, tiny(num_iters=2, log_every=1), tmp_path / "run")
    whole = run.steps_file.read_text()
    run.steps_file.write_text(whole + '{"step": 3, "los')
    train_parser(drawn_masks, tiny(num_iters=2, log_every=1), tmp_path / "run")
    assert run.steps_file.read_text() == whole


def test_stopped_and_gone_on_equals_a_whole_training_bit_for_bit(drawn_masks: ParsingSet, tmp_path: Path) -> None:
    whole = train_parser(drawn_masks, tiny(num_iters=4, log_every=1), tmp_path / "whole")
    steps: list[int] = []
    callbacks = Callbacks(on_step=lambda done, total: steps.append(done), should_stop=lambda: len(steps) == 1)
    with pytest.raises(TrainingError, match="Stopped at step 2 of 4"):
        train_parser(drawn_masks, tiny(num_iters=4, log_every=1), tmp_path / "parts", callbacks=callbacks)
    parts = train_parser(drawn_masks, tiny(num_iters=4, log_every=1), tmp_path / "parts")

    first, second = load_file(whole.weights_file), load_file(parts.weights_file)
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    losses = [[json.loads(line)["loss"] for line in run.steps_file.read_text().splitlines()] for run in (whole, parts)]
    assert losses[0] == losses[1] and len(losses[0]) == 4


def test_a_run_with_other_settings_is_not_gone_on_with(drawn_masks: ParsingSet, tmp_path: Path) -> None:
    train_parser(drawn_masks, tiny(num_iters=1), tmp_path / "run")
    with pytest.raises(RunError, match="was begun with other settings"):
        train_parser(drawn_masks, tiny(num_iters=2), tmp_path / "run")


def test_a_loss_that_is_no_number_stops_with_its_step(drawn_masks: ParsingSet, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"The loss is (nan|inf) at step \d+\. Lower --lr"):
        train_parser(drawn_masks, tiny(num_iters=20, lr=1e30, optimizer="sgd"), tmp_path / "run")


def test_a_damaged_checkpoint_is_named(drawn_masks: ParsingSet, tmp_path: Path) -> None:
    run = train_parser(drawn_masks, tiny(num_iters=1), tmp_path / "run")
    (run.checkpoint_folder / "network.safetensors").write_bytes(b"nothing")
    with pytest.raises(RunError, match=r"safetensors is damaged .*Remove .*checkpoint; training"):
        train_parser(drawn_masks, tiny(num_iters=1), tmp_path / "run")


def test_an_unfinished_folder_is_no_parser(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config.json is not there.*lianpu parser train"):
        trained_network(tmp_path)


def test_faces_with_rare_parts_are_drawn_more_often_as_asked() -> None:
    pixels = np.zeros((10, len(PARTS)), np.int64)
    pixels[:, part_index("skin")] = 100
    pixels[0, part_index("neck_l")] = 1
    counts = PartCounts(pixels)

    assert counts.chances(0.0) == pytest.approx(np.full(10, 0.1))
    assert counts.chances(1.0)[0] / counts.chances(1.0)[1] == pytest.approx(10)
    assert counts.wearing("neck_l").tolist() == [0]
    weights = counts.class_weights()
    assert weights[part_index("neck_l")] > weights[part_index("skin")] and weights.mean() == pytest.approx(1)


def test_a_training_sample_depends_on_nothing_but_its_number(drawn_masks: ParsingSet) -> None:
    counts = PartCounts.of(drawn_masks.train)
    first, second = (TrainingFaces(drawn_masks.train, counts, tiny(num_iters=9, lay_on=1.0)) for _ in range(2))
    _ = first[3]

    assert all(np.array_equal(one, other) for one, other in zip(first[7], second[7], strict=True))
    assert not np.array_equal(first[7][0], first[8][0])
