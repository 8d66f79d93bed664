"""The tournament: every way is measured, the most sensitive convolutions are found, and the answer may be no."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lianpu.dataset.faces import Dataset
from lianpu.editors.onnx_editor import OnnxEditor
from lianpu.export.comparison import Fidelity
from lianpu.export.quantization import QuantizationSettings
from lianpu.export.timing import Timing
from lianpu.export.tournament import FLOAT, Entry, Tournament, choose, hold_tournament, pareto


@pytest.fixture(scope="module")
def tournament(onnx_file: Path, drawn: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Tournament:
    folder = tmp_path_factory.mktemp("tournament")
    return hold_tournament(onnx_file, folder, drawn.calibration(4), drawn.test, budget_psnr=20.0, runs=2)


def test_every_way_is_a_file_that_edits(tournament: Tournament) -> None:
    names = [entry.name for entry in tournament.entries if entry.engine == "onnxruntime"]
    assert names[0] == FLOAT and {"float16 weights", "minmax, per channel, 7 bits", "entropy, per channel, 7 bits"} <= set(names)
    assert any("per tensor" in name for name in names) and any("8 bits" in name for name in names)
    assert any("first and last float" in name for name in names) and any("signed" in name for name in names)
    for entry in tournament.entries:
        assert OnnxEditor(entry.file).info.attributes == OnnxEditor(tournament.entries[0].file).info.attributes
    assert tournament.entries[0].fidelity.psnr_db == 200.0


def test_each_convolution_is_asked_alone_and_the_most_harmful_comes_first(tournament: Tournament) -> None:
    psnrs = [psnr for _, psnr in tournament.sensitivity]
    assert len(psnrs) == 14 and psnrs == sorted(psnrs)
    kept = next(entry for entry in tournament.entries if entry.name.endswith("1 most sensitive float"))
    assert kept.settings and kept.settings.keep_float == (tournament.sensitivity[0][0],)


def test_its_file_is_plain_and_names_the_front(tournament: Tournament) -> None:
    values = json.loads(json.dumps(tournament.to_json(), allow_nan=False))
    assert len(values["entries"]) == len(tournament.entries) and values["advice"] == tournament.advice
    assert len(values["pareto"]) == len(pareto(tournament.entries)) >= 1


def entry(name: str, psnr: float, times: tuple[float, float, float], ms: float = 10.0) -> Entry:
    settings = None if name == FLOAT else QuantizationSettings()
    return Entry(name, "onnxruntime", Path(name), 100, settings, Fidelity(psnr, psnr, 4), Timing(ms, ms, ms, 3), times)


BASE = entry(FLOAT, 200.0, (1.0, 1.0, 1.0))


def test_the_fastest_that_keeps_the_budget_wins_and_of_equals_the_nearest() -> None:
    ways = [BASE, entry("a", 35.0, (1.8, 2.0, 2.2)), entry("b", 45.0, (1.8, 1.98, 2.2)), entry("c", 25.0, (2.8, 3.0, 3.2))]
    winner, advice = choose(ways, 30.0, None)
    assert winner is ways[2] and advice.startswith("Ship b on onnxruntime: 1.98 (1.80–2.20) times")


@pytest.mark.parametrize(
    ("psnr", "times", "max_ms", "words"),
    [
        (25.0, (1.8, 2.0, 2.2), None, "Do not ship INT8 here: the nearest of 1 is 25.0 dB from float"),
        (45.0, (0.9, 1.2, 1.4), None, "Do not ship INT8 here for speed"),
        (45.0, (1.8, 2.0, 2.2), 5.0, "Nothing keeps 30 dB within 5 ms: the fastest takes 10.0 ms"),
    ],
)
def test_the_answer_may_be_no(psnr: float, times: tuple[float, float, float], max_ms: float | None, words: str) -> None:
    winner, advice = choose([BASE, entry("a", psnr, times)], 30.0, max_ms)
    assert winner is None and words in advice
