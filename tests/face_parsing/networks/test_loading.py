"""A parser from the folder of its training, the same before and after it is exported."""

from pathlib import Path

import numpy as np
import pytest

from lianpu.dataset.drawn import draw_face
from lianpu.errors import ModelError
from lianpu.face_parsing.config import ParserRun, parser_config
from lianpu.face_parsing.data.masks import open_parsing_set
from lianpu.face_parsing.evaluation import evaluate_parser
from lianpu.face_parsing.export import export_parser
from lianpu.face_parsing.networks.loading import trained_network
from lianpu.face_parsing.runtime import OnnxParser
from lianpu.face_parsing.torch_parsers import TrainedParser
from lianpu.face_parsing.training import train_parser
from lianpu.imaging.picture import to_batch

TINY = {"start": "random", "sizes": (64,), "stages": (1.0,), "batch_size": 2, "num_iters": 2, "workers": 0, "device": "cpu"}


@pytest.fixture(scope="module")
def run(drawn_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> ParserRun:
    folder = tmp_path_factory.mktemp("trained") / "tiny"
    return train_parser(open_parsing_set(drawn_folder), parser_config("small", TINY), folder)


def test_a_trained_folder_is_a_parser_that_can_be_scored(run: ParserRun, drawn_folder: Path) -> None:
    parser = TrainedParser(run.folder)
    assert (parser.name, parser.size_px) == ("tiny", 64) and parser.licence.startswith("drawn by a program")
    scores = evaluate_parser(parser, open_parsing_set(drawn_folder).val, 48)
    assert scores.file == "parser.safetensors" and 0 <= scores.mean_f1 <= 1 and scores.protocol.count == 12


def test_the_exported_file_gives_the_same_parts(run: ParserRun, tmp_path: Path) -> None:
    crops = [draw_face(0, index, 64).picture for index in range(3)]
    facts = {"licence": "free", "trained_on": "drawn faces", "scores": {"mean_f1": 0.5}}
    network, _ = trained_network(run.folder)
    file = export_parser(network, tmp_path / "tiny.onnx", 64, facts, to_batch(crops)).file
    exported = OnnxParser(file)
    assert (exported.parse_crops(crops) == TrainedParser(run.folder).parse_crops(crops)).mean() > 0.999
    assert exported.info.scores == {"mean_f1": 0.5} and exported.licence == "free" and exported.size_px == 64


def test_another_size_may_be_seen_and_one_that_does_not_fit_is_refused(run: ParserRun) -> None:
    crops = [draw_face(0, 0, 64).picture]
    assert TrainedParser(run.folder, size_px=96).parse_crops(crops).shape == (1, 64, 64)
    with pytest.raises(ModelError, match=r"multiples of 32 pixels, got 50"):
        TrainedParser(run.folder, size_px=50)


def test_a_training_that_has_not_ended_is_refused(run: ParserRun, tmp_path: Path) -> None:
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    (unfinished / "config.json").write_bytes(run.config_file.read_bytes())
    with pytest.raises(ModelError, match=r"was not trained to its end"):
        TrainedParser(unfinished)
    np.testing.assert_array_equal(TrainedParser(run.folder).parse_crops([]).shape, (0, 0, 0))
