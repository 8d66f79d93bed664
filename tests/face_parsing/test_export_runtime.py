"""The exported graph, rewritten for the runtime: other operations, the same classes."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn
from torch.nn import functional

from lianpu.face_parsing.export import suit_runtime
from lianpu.models.onnx_trace import trace_to_onnx
from lianpu.models.sessions import open_session


class _Enlarged(nn.Module):
    """Logits of six classes, 16 px, brought to `side`, and the likeliest class; or that and the logits."""

    def __init__(self, side: int, with_logits: bool = False) -> None:
        super().__init__()
        self.logits = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.side, self.with_logits = side, with_logits

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        full = functional.interpolate(self.logits(image), size=(self.side, self.side), mode="bilinear", align_corners=False)
        parts = full.argmax(dim=1)
        return parts + full.sum(dim=1) if self.with_logits else parts


def _traced(network: nn.Module) -> onnx.ModelProto:
    return trace_to_onnx(network.eval(), {"image": torch.zeros(2, 3, 32, 32)}, ["parts"])


def _run(model: onnx.ModelProto, file: Path, batch: np.ndarray) -> np.ndarray:
    onnx.save_model(model, str(file))
    return np.asarray(open_session(file, 1).run(None, {"image": batch})[0])


def _operations(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize(("side", "with_logits"), [(32, False), (48, False), (40, False), (32, True)])
def test_the_rewritten_graph_gives_the_same(side: int, with_logits: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = _traced(_Enlarged(side, with_logits))
    batch = np.random.default_rng(0).normal(size=(3, 3, 32, 32)).astype(np.float32)
    before = _run(model, tmp_path / "before.onnx", batch)
    suit_runtime(model)
    onnx.checker.check_model(model, full_check=True)
    after = _run(model, tmp_path / "after.onnx", batch)
    assert after.shape == before.shape == (3, side, side)
    assert np.allclose(after, before, atol=1e-5)


def test_whole_scales_become_constants_and_classes_are_compared_innermost() -> None:
    model = _traced(_Enlarged(32))
    suit_runtime(model)
    assert _operations(model)[:4] == ["Conv", "Transpose", "Resize", "ArgMax"] and "Shape" not in _operations(model)
    resize, choice = (next(node for node in model.graph.node if node.op_type == name) for name in ("Resize", "ArgMax"))
    scales = {tensor.name: onnx.numpy_helper.to_array(tensor).tolist() for tensor in model.graph.initializer}
    assert scales[resize.input[2]] == [1, 2, 2, 1] and len(resize.input) == 3
    assert {attribute.name: attribute.i for attribute in choice.attribute}["axis"] == 3
    assert {name for node in model.graph.node for name in node.input} >= set(scales)


def test_what_is_not_a_whole_scale_or_is_read_twice_keeps_its_layout() -> None:
    for network in (_Enlarged(40), _Enlarged(32, with_logits=True)):
        model = _traced(network)
        suit_runtime(model)
        assert "Transpose" not in _operations(model)
