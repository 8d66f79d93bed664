import numpy as np
import torch

from lianpu.dataset.faces import Dataset
from lianpu.editors.editor import ModelInfo
from lianpu.stargan.networks import Discriminator, Generator
from lianpu.training.samples import SampleResult, choose_fixed_faces, effect_alarm, sample


def _info(dataset: Dataset) -> ModelInfo:
    return ModelInfo(dataset.attributes, 32)


def _result(change: float, success: float) -> SampleResult:
    return SampleResult(np.zeros((4, 4, 3), np.uint8), change, success)


def test_the_alarm_waits_and_then_names_what_is_wrong() -> None:
    assert effect_alarm(_result(0.0, 0.0), step=10, total=100) is None
    assert effect_alarm(_result(0.2, 0.8), step=90, total=100) is None
    invisible = effect_alarm(_result(0.001, 0.9), step=90, total=100)
    assert invisible is not None and "cannot be seen" in invisible and "lambda_cls" in invisible
    useless = effect_alarm(_result(0.2, 0.1), step=90, total=100)
    assert useless is not None and "only 10% of the edits" in useless


def test_fixed_faces_are_the_same_each_time_and_the_grid_has_a_column_per_attribute(drawn: Dataset) -> None:
    fixed = choose_fixed_faces(drawn.test, 4, seed=3)
    assert torch.equal(fixed.batch, choose_fixed_faces(drawn.test, 4, seed=3).batch)
    torch.manual_seed(0)
    result = sample(Generator(4, 5, 1), _info(drawn), Discriminator(32, 4, 5, 3), fixed, torch.device("cpu"))
    assert result.picture.shape == (4 * 34 - 2, 6 * 34 - 2, 3)
    assert 0 < result.change < 2 and 0 <= result.success <= 1


def test_an_editor_that_does_nothing_changes_nothing(drawn: Dataset) -> None:
    class Identity(Generator):
        def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            return x

    fixed = choose_fixed_faces(drawn.test, 4, seed=0)
    result = sample(Identity(4, 5, 1), _info(drawn), Discriminator(32, 4, 5, 3), fixed, torch.device("cpu"))
    assert result.change == 0.0
