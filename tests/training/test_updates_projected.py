"""Training against a second discriminator that looks at frozen features."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from lianpu.dataset.faces import Dataset
from lianpu.errors import SettingsError
from lianpu.runs import Run
from lianpu.training.config import RunConfig, parse_config
from lianpu.training.guides import Guides
from lianpu.training.interrupt import Interrupted
from lianpu.training.loop import Callbacks, train


class _Blocks:
    """Features that are means over squares of 4 and 8 pixels."""

    channels = (3, 3)

    def __call__(self, batch: torch.Tensor) -> list[torch.Tensor]:
        return [torch.nn.functional.avg_pool2d(batch, side) for side in (4, 8)]


GUIDES = Guides(features=_Blocks())


def _config(num_iters: int, **loss: float) -> RunConfig:
    model = {"generator": "lite", "lite_size": "S", "image_size": 32, "d_conv_dim": 4, "g_repeat_num": 1, "d_repeat_num": 3}
    training = {"batch_size": 8, "n_critic": 1, "num_iters": num_iters, "log_every": 1, "checkpoint_every": 2, "device": "cpu"}
    rates = {"g_lr": 0.002, "d_lr": 0.004, "lr_schedule": "constant"}
    return parse_config({"model": model, "training": training | rates, "loss": {"lambda_projected": 1.0} | loss}, "test")


def _weights(run: Run) -> dict[str, torch.Tensor]:
    last = run.last_checkpoint()
    files = (last.generator_file, last.discriminator_file, last.projected_file, last.optimizers_file)
    return {f"{file.name}:{name}": tensor for file in files for name, tensor in load_file(file).items()}


def test_both_sides_learn_from_it_alone(drawn: Dataset, tmp_path: Path) -> None:
    """The discriminator finds out what a generator draws that is held still; a generator that moves brings it back towards guessing."""
    nothing_else = {"lambda_adv": 0.0, "lambda_cls": 0.0, "lambda_rec": 0.0}
    losses: dict[str, list[float]] = {}
    for kind, rate in (("still", 1e-12), ("moving", 0.002)):
        config = _config(120, **nothing_else)
        config = config.model_copy(update={"training": config.training.model_copy(update={"g_lr": rate, "ema_decay": 0.0})})
        seen: list[dict[str, Any]] = []
        train(drawn, config, tmp_path / kind, guides=GUIDES, callbacks=Callbacks(on_log=seen.append))
        losses[kind] = [values["d_projected"] for values in seen]
        assert all(values["g_projected"] > 0 for values in seen)
    last = {kind: sum(values[-20:]) / 20 for kind, values in losses.items()}
    assert last["still"] < 0.9 * losses["still"][0]
    assert last["moving"] > last["still"] + 0.05


def test_a_stopped_run_goes_on_bit_for_bit(drawn: Dataset, tmp_path: Path) -> None:
    whole = train(drawn, _config(6), tmp_path / "whole", guides=GUIDES)

    def stop_at_4(done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, Interrupted)):
        train(drawn, _config(6), tmp_path / "parts", guides=GUIDES, callbacks=Callbacks(on_step=stop_at_4))
    parts = train(drawn, _config(6), tmp_path / "parts", guides=GUIDES)
    one, other = _weights(whole), _weights(parts)
    assert one.keys() == other.keys() and any(name.startswith("projected_discriminator") for name in one)
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_it_can_be_switched_on_and_off_in_the_middle(drawn: Dataset, tmp_path: Path) -> None:
    run = train(drawn, _config(2, lambda_projected=0.0), tmp_path / "run")
    assert not run.last_checkpoint().projected_file.exists()
    train(drawn, _config(4), tmp_path / "run", guides=GUIDES)
    assert run.last_checkpoint().projected_file.is_file()
    train(drawn, _config(6, lambda_projected=0.0), tmp_path / "run")
    assert run.last_checkpoint().folder.name.endswith("6") and not run.last_checkpoint().projected_file.exists()


def test_without_features_it_is_refused(drawn: Dataset, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"loss\.lambda_projected is 1, but train\(\) was given no guide for it"):
        train(drawn, _config(2), tmp_path / "run")
