"""A small generator that edits smoothly, as a run, as ONNX and as INT8: made once."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lianpu.dataset.faces import Dataset
from lianpu.editors.editor import ModelInfo
from lianpu.export.graph import write_graph
from lianpu.export.quantization import Quantization, quantize_onnx
from lianpu.files import write_json
from lianpu.runs import Run
from lianpu.stargan.config import ModelConfig
from lianpu.stargan.networks import Generator
from lianpu.training.config import RunConfig
from lianpu.training.record import new_record, write_record

MODEL = ModelConfig(image_size=32, g_conv_dim=16, g_repeat_num=1, d_repeat_num=5)


def make_generator(seed: int = 0) -> Generator:
    """Random weights, with channels of unlike gain in front of each InstanceNorm as training leaves them."""
    torch.manual_seed(seed)
    generator = Generator(MODEL.g_conv_dim, 5, MODEL.g_repeat_num)
    with torch.no_grad():
        for layer in generator.modules():
            if isinstance(layer, torch.nn.Conv2d) and layer.out_channels > 3:
                layer.weight *= torch.logspace(0, 1, layer.out_channels)[:, None, None, None]
    return generator.eval()


@pytest.fixture(scope="session")
def generator() -> Generator:
    return make_generator()


@pytest.fixture(scope="session")
def info(drawn: Dataset) -> ModelInfo:
    return ModelInfo(drawn.attributes, 32, alignment="none", run_id="cafe0123", step=7, licence="drawn by the package: free")


@pytest.fixture(scope="session")
def onnx_file(generator: Generator, info: ModelInfo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_graph(generator, info, tmp_path_factory.mktemp("onnx") / "model.onnx")


@pytest.fixture(scope="session")
def int8(onnx_file: Path, drawn: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Quantization:
    return quantize_onnx(onnx_file, tmp_path_factory.mktemp("int8") / "model.int8.onnx", drawn.calibration(8))


@pytest.fixture
def run(tmp_path: Path, generator: Generator, info: ModelInfo, drawn: Dataset) -> Run:
    """A run folder with its settings and one checkpoint, as training leaves it."""
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    write_record(run, new_record(RunConfig(model=MODEL), drawn, drawn.folder, "lianpu train"))
    checkpoint = run.checkpoint(7)
    checkpoint.folder.mkdir(parents=True)
    save_file(generator.state_dict(), checkpoint.generator_file)
    write_json(checkpoint.state_file, {"step": 7, "info": info.to_json(), "model": MODEL.model_dump()})
    return run
