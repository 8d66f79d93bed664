"""Timing in turn, fidelity and the benchmark of forms."""

import time

import numpy as np
import pytest
import torch

from lianpu.attributes import AttributeSet, Labels
from lianpu.dataset.faces import Dataset
from lianpu.editors.editor import ModelInfo
from lianpu.export.comparison import compare_edits
from lianpu.export.inference_benchmark import bench_inference, count_multiplications
from lianpu.export.timing import WARM_UP_ROUNDS, time_in_turn, torch_threads
from lianpu.stargan.lite import LiteGenerator
from lianpu.stargan.networks import Generator


def test_calls_take_turns_and_the_first_rounds_do_not_count() -> None:
    calls: list[str] = []

    def first() -> None:
        calls.append("a")
        time.sleep(0.2 if len(calls) <= 2 * WARM_UP_ROUNDS else 0.002)

    timings = time_in_turn({"a": first, "b": lambda: calls.append("b")}, runs=4)
    assert "".join(calls) == "ab" * (WARM_UP_ROUNDS + 4)
    assert 2 <= timings["a"].p10_ms <= timings["a"].median_ms < 100
    assert timings["a"].runs == 4 and timings["b"].median_ms < timings["a"].median_ms


def test_no_runs_is_a_misuse() -> None:
    with pytest.raises(ValueError, match="runs is at least 1, got 0"):
        time_in_turn({}, 0)


def test_threads_come_back_even_after_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(KeyError), torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise KeyError
    assert torch.get_num_threads() == before


class _Shift:
    """An editor that adds a constant."""

    kind = "shift"

    def __init__(self, info: ModelInfo, amount: float) -> None:
        self.info, self.amount = info, amount

    def edit(self, batch: torch.Tensor, labels: Labels) -> torch.Tensor:
        return batch + self.amount


def test_psnr_of_a_known_difference(drawn: Dataset, info: ModelInfo) -> None:
    fidelity = compare_edits(_Shift(info, 0.02), _Shift(info, 0.0), drawn.test)
    assert fidelity.psnr_db == pytest.approx(40.0, abs=1e-4) and fidelity.worst_db == pytest.approx(
        40.0, abs=1e-4
    )  # 10 log10(4 / 0.02^2)
    assert fidelity.faces == len(drawn.test)
    assert compare_edits(_Shift(info, 0.1), _Shift(info, 0.1), drawn.test).psnr_db == 200


def test_multiplications_of_the_published_generator_follow_from_its_layers() -> None:
    info = ModelInfo(AttributeSet.of(("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")), 128)
    s = 128 * 128
    first, last = s * 49 * 8 * 64, s * 49 * 64 * 3
    down = s // 4 * 16 * 64 * 128 + s // 16 * 16 * 128 * 256
    up = s // 16 * 16 * 256 * 128 + s // 4 * 16 * 128 * 64
    assert count_multiplications(Generator(), info) == first + down + 12 * (s // 16 * 9 * 256 * 256) + up + last


def test_the_benchmark_times_each_form_with_each_count_of_threads(generator: Generator, info: ModelInfo) -> None:
    speeds = bench_inference({"one": generator}, info, threads=(1, 2), runs=2)
    forms = ["PyTorch eager", "PyTorch NHWC", "ONNX FP32", "ONNX INT8"]
    assert [(speed.form, speed.threads) for speed in speeds] == [(form, threads) for threads in (1, 2) for form in forms]
    assert speeds[0].times_eager == 1 and speeds[2].times_first == 1
    assert speeds[3].bytes < 0.3 * speeds[2].bytes
    assert np.all([speed.timing.median_ms > 0 for speed in speeds])


def test_generators_are_compared_with_the_first_ones_float_model(generator: Generator, info: ModelInfo) -> None:
    lite = LiteGenerator(8, len(info.attributes), 1)
    speeds = bench_inference({"published": generator, "lite": lite}, info, threads=(1,), runs=2)
    assert [speed.generator for speed in speeds] == ["published"] * 4 + ["lite"] * 4
    first = speeds[2]
    for speed in speeds:
        assert speed.times_first == pytest.approx(first.timing.median_ms / speed.timing.median_ms)
    assert speeds[4].times_eager == 1
