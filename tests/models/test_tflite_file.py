"""A .tflite file is read whole; what is damaged, hostile or something else is one error, quickly and with little memory."""

from __future__ import annotations

import random

import numpy as np
import pytest

from lianpu.errors import ModelError
from lianpu.models import tflite_file
from lianpu.models.tflite_file import flexbuffer_numbers, read_tflite
from lianpu.models.tflite_to_onnx import converted
from tests.support.tflite_writer import Sparse, TFLiteWriter


def small_file(sparse: Sparse | None = None) -> bytes:
    """A convolution with sparse weights, (2, 1, 1, 3), of which three numbers are stored."""
    writer = TFLiteWriter()
    image = writer.value("image", 1, 4, 4, 3)
    sparse = sparse or Sparse((0, 1, 2, 3), (2, 1, 1, ([0, 1, 3], [2, 0, 1])))
    packed = writer.constant(np.array([1, 2, 3], np.float32), (2, 1, 1, 3), sparse)
    weights = writer.operator("DENSIFY", [packed], writer.value("weights", 2, 1, 1, 3))
    options = {"Padding": 0, "StrideH": 1, "StrideW": 1, "DilationHFactor": 1, "DilationWFactor": 1, "FusedActivationFunction": 1}
    bias = writer.constant(np.zeros(2, np.float32))
    out = writer.operator("CONV_2D", [image, weights, bias], writer.value("out", 1, 4, 4, 2), options)
    return writer.content([image], [out])


def test_the_parts_of_a_file_are_read() -> None:
    network = read_tflite(small_file())
    assert [step.kind for step in network.operators] == ["DENSIFY", "CONV_2D"]
    assert network.operators[1].options["FusedActivationFunction"] == 1
    assert (network.tensors[network.inputs[0]].name, network.tensors[network.outputs[0]].shape) == ("image", (1, 4, 4, 2))
    values = network.tensors[network.operators[0].inputs[0]].values
    assert values is not None and values.reshape(2, 3).tolist() == [[0, 0, 1], [2, 3, 0]]


@pytest.mark.parametrize(
    "axes", [((0, 1, 2, 3), (2, 1, 1, 3)), ((3, 1, 2, 0), (3, 1, 1, 2)), ((0, 1, 2, 3), (([0, 2], [0, 1]), 1, 1, 3))]
)
def test_dense_and_compressed_axes_may_come_in_any_order(
    axes: tuple[tuple[int, ...], tuple[int | tuple[list[int], list[int]], ...]],
) -> None:
    writer = TFLiteWriter()
    image = writer.value("image", 1, 4, 4, 3)
    dense = np.arange(6, dtype=np.float32).reshape(2, 1, 1, 3)
    writer.constant(dense.transpose(axes[0]), dense.shape, Sparse(*axes))
    values = (
        read_tflite(writer.content([image], [writer.operator("RELU", [image], writer.value("out", 1, 4, 4, 3))]))
        .tensors[1]
        .values
    )
    np.testing.assert_array_equal(values, dense)


@pytest.mark.parametrize(
    ("sparse", "words"),
    [
        (Sparse((0, 1, 2, 3), (2, 1, 1, ([0, 1, 3], [2, 0, 3]))), "index outside"),
        (Sparse((0, 1, 2, 3), (2, 1, 1, ([0, 2, 1], [2, 0, 1]))), "segments contradict"),
        (Sparse((0, 1, 2, 3), (2, 1, 1, ([0, 3], [2, 0, 1]))), "segments contradict"),
        (Sparse((0, 1, 2, 3), (2, 1, 1, ([0, 1, 2], [2, 0]))), "more or fewer numbers"),
        (Sparse((0, 1, 2, 2), (2, 1, 1, ([0, 1, 3], [2, 0, 1]))), "stored in blocks"),
        (Sparse((0, 1, 2, 3), (2, 1, ([0, 1, 3], [2, 0, 1]))), "stored in blocks"),
    ],
)  # fmt: skip
def test_sparse_weights_that_contradict_themselves_are_refused(sparse: Sparse, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        read_tflite(small_file(sparse))


def test_a_compressed_axis_cannot_ask_for_more_than_the_tensor_holds() -> None:
    """A few bytes that name one index thousands of times, with a long dense axis inside: no memory is taken for their product."""
    writer = TFLiteWriter()
    image = writer.value("image", 1, 4, 4, 3)
    repeated = ([0, 50_000], [0] * 50_000)
    writer.constant(np.zeros(3, np.float32), (1, 1, 1, 200_000), Sparse((0, 1, 2, 3), (repeated, 1, 1, 200_000), "Int32Vector"))
    content = writer.content([image], [writer.operator("RELU", [image], writer.value("out", 1, 4, 4, 3))])
    with pytest.raises(ModelError, match="segments contradict"):
        read_tflite(content)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0" * 100, b"PK\x03\x04" + b"x" * 100, b"\x08\x07\x12\x07pytorch" * 20])
def test_another_file_is_told_apart_by_its_mark(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"no .tflite file: the mark TFL3 is missing"):
        read_tflite(content)


def test_a_file_that_is_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tflite_file, "MAX_BYTES", 100)
    with pytest.raises(ModelError, match="100 is the limit"):
        read_tflite(small_file())


def test_a_type_of_number_that_is_not_read_is_named() -> None:
    writer = TFLiteWriter()
    image = writer.value("image", 1, 2, 2, 1)
    writer.constant(np.zeros(4, np.uint8))
    content = writer.content([image], [writer.operator("RELU", [image], writer.value("out", 1, 2, 2, 1))])
    with pytest.raises(ModelError, match="only float32, float16, int32 and int64 are read"):
        read_tflite(content)


@pytest.mark.parametrize("shape", [(1, 1 << 20, 1 << 20, 3), (1, 0, 2, 3), (1, -4, 4, 3)])
def test_a_shape_that_cannot_be_is_refused(shape: tuple[int, ...]) -> None:
    writer = TFLiteWriter()
    image = writer.value("image", *shape)
    with pytest.raises(ModelError, match="a tensor of shape"):
        read_tflite(writer.content([image], [writer.operator("RELU", [image], writer.value("out", 1, 4, 4, 3))]))


def test_a_file_cut_off_anywhere_is_an_error_or_what_it_was() -> None:
    content = small_file()
    for length in range(len(content)):
        with pytest.raises(ModelError):
            converted(content[:length])


def test_changed_bytes_are_an_error_or_another_network_and_never_more() -> None:
    """Every byte of the file by itself, and hundreds of times several at once: no other exception, and no large piece of memory."""
    resource = pytest.importorskip("resource", reason="the system does not tell how much memory was taken")
    content, chance = small_file(), random.Random(0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    changes = [{place: value} for place in range(len(content)) for value in (0xFF, content[place] ^ 1)]
    changes += [{chance.randrange(len(content)): chance.randrange(256) for _ in range(5)} for _ in range(500)]
    refused = 0
    for change in changes:
        damaged = bytearray(content)
        for place, value in change.items():
            damaged[place] = value
        try:
            converted(bytes(damaged))
        except ModelError as problem:
            refused += 1
            assert "\n" not in str(problem) and len(str(problem)) < 250
    assert refused > len(changes) // 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


@pytest.mark.parametrize("content", [b"", b"\0", b"\xff" * 40, b"abc"])
def test_damaged_options_of_a_custom_operator_are_an_error(content: bytes) -> None:
    with pytest.raises(ModelError, match="options of a custom operator are damaged"):
        flexbuffer_numbers(content)
