from typing import Any

import pytest

from lianpu.training.config import RunConfig, parse_config


@pytest.fixture
def small() -> RunConfig:
    """Settings of a run that takes seconds."""
    return make_small()


def make_small(**training: Any) -> RunConfig:
    values = {
        "batch_size": 4,
        "num_iters": 6,
        "n_critic": 2,
        "log_every": 1,
        "sample_every": 3,
        "checkpoint_every": 3,
        "device": "cpu",
    }
    sizes = {"image_size": 32, "g_conv_dim": 4, "d_conv_dim": 4, "g_repeat_num": 1, "d_repeat_num": 3}
    return parse_config({"model": sizes, "training": values | training}, "test")


@pytest.fixture
def small_with() -> Any:
    """Those settings with some of `training:` changed."""
    return make_small
