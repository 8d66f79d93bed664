"""A parser scored on a split, and the command that does it."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lianpu.cli.main import main
from lianpu.dataset.drawn import draw_dataset
from lianpu.errors import ScoreError
from lianpu.face_parsing.data.masks import ParsingSet, open_parsing_set
from lianpu.face_parsing.evaluation import evaluate_parser, score_masks
from lianpu.face_parsing.runtime import OnnxParser
from lianpu.files import sha256_of
from lianpu.part_names import PART_INDEX, PARTS, mirrored_index
from tests.support.colour_parser import paint, write_colour_parser

SIDE = 64


@pytest.fixture(scope="module")
def blend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve drawn faces whose pictures are their masks, painted; so a colour parser is right everywhere."""
    root = draw_dataset(tmp_path_factory.mktemp("evaluation") / "faces", count=12, size_px=SIDE, seed=5, held_out=4)
    for file in (root / "masks").iterdir():
        Image.fromarray(paint(np.asarray(Image.open(file)))).save(root / "images" / file.name)
    return root


@pytest.fixture(scope="module")
def data(blend: Path) -> ParsingSet:
    return open_parsing_set(blend)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written: Path = write_colour_parser(tmp_path_factory.mktemp("model") / "colours.onnx", SIDE)
    return written


class _Mirrored:
    """A parser that is right but for left and right."""

    name, licence, size_px = "mirrored", "free for any use", SIDE

    def __init__(self, parser: OnnxParser) -> None:
        self._parser = parser
        self.file = parser.file

    def parse_crops(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        return mirrored_index()[self._parser.parse_crops(crops)]


def test_a_parser_that_is_right_everywhere_has_the_highest_scores(model: Path, data: ParsingSet) -> None:
    told: list[tuple[int, int]] = []
    scores = evaluate_parser(OnnxParser(model), data.val, SIDE, lambda done, total: told.append((done, total)))
    assert scores.mean_iou == scores.mean_f1 == scores.mean_boundary_f1 == scores.accuracy == 1
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert scores.protocol.count == 4 and scores.protocol.split == "val" and scores.protocol.size_px == SIDE
    assert scores.sha256 == sha256_of(model) and scores.file == "colours.onnx"
    present = {PARTS[index] for face in range(4) for index in np.unique(data.val.read_mask(face))}
    assert {part.name for part in scores.parts if part.faces} == present
    absent = [part for part in scores.parts if not part.faces]
    assert absent and all(math.isnan(part.f1) for part in absent)


def test_confused_sides_cost_only_those_classes_and_nothing_when_merged(model: Path, data: ParsingSet) -> None:
    wrong = _Mirrored(OnnxParser(model))
    split = evaluate_parser(wrong, data.val, SIDE)
    merged = evaluate_parser(wrong, data.val, SIDE, merge_sides=True)
    assert split.part("l_eye").f1 == split.part("r_brow").iou == 0 and split.part("hair").f1 == 1
    assert merged.mean_f1 == 1 and merged.part("eye").faces == 4 and merged.protocol.merged_sides
    with pytest.raises(ScoreError, match=r"'l_eye' was not scored\. Scored: background, skin"):
        merged.part("l_eye")


def test_pooled_and_per_face_figures_are_those_worked_out_by_hand() -> None:
    nose = PART_INDEX["nose"]
    large, small = np.full((1, 10), nose, dtype=np.uint8), np.zeros((1, 10), dtype=np.uint8)
    small[0, :2] = nose
    missed = np.zeros((1, 10), dtype=np.uint8)
    parts, right = score_masks([(large, large), (small, missed)])
    score = parts[nose]
    assert score.f1 == pytest.approx(2 * 10 / (12 + 10)) and score.iou == pytest.approx(10 / 12)
    assert score.face_f1 == pytest.approx((1 + 0) / 2)
    assert score.faces == 2 and score.share == 12 / 20 and right == 18 / 20


def test_at_another_size_a_parser_is_still_nearly_right(model: Path, data: ParsingSet) -> None:
    scores = evaluate_parser(OnnxParser(model), data.val, 2 * SIDE)
    assert 0.95 < scores.part("skin").f1 < 1 and scores.part("cloth").f1 > 0.9 and scores.protocol.size_px == 2 * SIDE


def test_scores_are_written_as_json_without_nan(model: Path, data: ParsingSet) -> None:
    written = json.loads(json.dumps(evaluate_parser(OnnxParser(model), data.val, SIDE).to_json(), allow_nan=False))
    assert written["mean_f1"] == written["mean_f1_with_background"] == 1
    assert written["protocol"]["pooled"] == "over all pixels of all faces"
    assert next(part for part in written["parts"] if part["name"] == "neck_l")["f1"] is None


def test_no_faces_are_refused(model: Path, data: ParsingSet) -> None:
    with pytest.raises(ScoreError, match="no test faces"):
        evaluate_parser(OnnxParser(model), data.test, SIDE)


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = 0
    try:
        main(["parser", *words])
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_command_prints_a_row_per_class_and_writes_its_file(
    model: Path, blend: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("evaluate", str(model), str(blend), "--size", str(SIDE), "--json", str(tmp_path / "scores.json"), "--merge_sides")
    code, out, err = _run(capsys, *words, "--threads", "1")
    assert code == 0 and err == ""
    assert "colours: 100.00% of pixels correct" in out and "brow" in out and "mean of the" in out and "1.000" in out
    assert "4 val faces of" in out and "Licence: free for any use" in out
    written = json.loads((tmp_path / "scores.json").read_text())
    assert f"{written['ms_per_face']:.0f} ms a face (threads: 1)" in out and written["ms_per_face"] > 0
    assert written["protocol"]["merged_sides"] and written["mean_iou"] == 1 and len(written["fingerprint"]) == 64


def test_wrong_words_end_with_one_line(model: Path, blend: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = _run(capsys, "evaluat", str(model))
    assert (
        code == 1
        and "'evaluat' is not a command of lianpu parser (did you mean 'evaluate'?). Known: train, evaluate, export." in err
    )
    code, _, err = _run(capsys, "evaluate", str(model), str(blend), "--split", "test")
    assert code == 1 and "has no test faces" in err and len(err.splitlines()) == 1
    code, _, err = _run(capsys, "evaluate", str(model), str(blend), "--size", "3")
    assert code == 1 and "--size is from 16 to 4096 pixels, got 3" in err
    code, _, err = _run(capsys, "evaluate", "smal", str(blend))
    assert code == 1 and "'smal' is no parser (did you mean 'small'?)" in err
