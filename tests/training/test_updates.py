"""Our step against the same mathematics written plainly, as yunjey/stargan's solver does it."""

from typing import Any

import pytest
import torch
from torch import nn

from lianpu.errors import SettingsError
from lianpu.stargan.augment import draw_variation
from lianpu.training.config import RunConfig, parse_config
from lianpu.training.guides import Guides
from lianpu.training.inputs import StepInputs
from lianpu.training.plain import plain_discriminator_step, plain_generator_step
from lianpu.training.processes import start_processes
from lianpu.training.state import new_state
from lianpu.training.updates import Edit, discriminator_update, generator_update, one_step


def _inputs(**more: Any) -> StepInputs:
    """Noise, and labels that are coins."""
    faces, labels, targets = torch.rand(4, 3, 32, 32) * 2 - 1, torch.rand(4, 5).round(), torch.rand(4, 5).round()
    return StepInputs(faces, labels, targets, targets, labels, torch.rand(4, 1, 1, 1), False, **more)


def test_three_steps_equal_those_of_the_published_solver(small: RunConfig) -> None:
    torch.manual_seed(1)
    processes = start_processes("cpu", "fp32", 4)
    ours, plain = (new_state(small.model, small.training, 5, processes.device) for _ in range(2))
    for _ in range(3):
        inputs = _inputs()
        expected = (plain_discriminator_step(plain, inputs, small.loss), plain_generator_step(plain, inputs, small.loss))
        edited = ours.generator(inputs.faces, inputs.targets)
        d_losses = discriminator_update(ours, inputs, edited, small.loss, processes)
        g_losses = generator_update(ours, ours.generator, inputs, Edit(edited), small.loss, processes)
        torch.testing.assert_close((float(d_losses["d_loss"]), float(g_losses["g_loss"])), expected, rtol=1e-4, atol=1e-4)
    # Adam turns a rounding difference in a gradient near zero into a step of the learning rate, so single weights may differ by a few.
    for networks in ((ours.generator, plain.generator), (ours.discriminator, plain.discriminator)):
        for own, expected_weight in zip(*(network.parameters() for network in networks), strict=True):
            difference = (own - expected_weight).abs()
            assert difference.max() < 6e-4 and difference.mean() < 1e-5


def test_bfloat16_gives_nearly_the_same_losses_and_may_follow_float32_in_one_process(small: RunConfig) -> None:
    torch.manual_seed(1)
    inputs = _inputs()
    losses = {}
    for precision in ("fp32", "bf16"):
        processes = start_processes("cpu", precision, 4)
        state = new_state(small.model, small.training, 5, processes.device)
        with processes.mixed_precision():
            edited = state.generator(inputs.faces, inputs.targets)
        assert edited.dtype == (torch.bfloat16 if precision == "bf16" else torch.float32)
        losses[precision] = discriminator_update(state, inputs, edited, small.loss, processes)["d_loss"].item()
        generator_update(state, state.generator, inputs, Edit(edited), small.loss, processes)
        assert all(parameter.dtype == torch.float32 for parameter in state.generator.parameters())
    assert abs(losses["bf16"] - losses["fp32"]) < 0.1
    assert losses["bf16"] != losses["fp32"]


def _lite(**changes: Any) -> RunConfig:
    sizes = {"generator": "lite", "lite_size": "S", "image_size": 32, "d_conv_dim": 4, "g_repeat_num": 1, "d_repeat_num": 3}
    training = {"batch_size": 4, "n_critic": 1, "device": "cpu", **changes.pop("training", {})}
    return parse_config({"model": sizes, "training": training, "loss": changes}, "test")


class _Brightness(nn.Module):
    """A guide that takes bright faces for having every attribute."""

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return batch.mean(dim=(1, 2, 3))[:, None].expand(-1, 5) * 4


def test_each_further_term_is_logged_and_its_gradient_reaches_the_generator() -> None:
    torch.manual_seed(0)
    config = _lite(lambda_guide=1.0, lambda_outside=1.0, lambda_mask=1.0, lambda_cls=0.0, lambda_rec=0.0, lambda_adv=0.0)
    processes = start_processes("cpu", "fp32", 4)
    inputs = _inputs(outside=torch.ones(4, 1, 32, 32))
    first: dict[str, float] = {}
    state = new_state(config.model, config.training, 5, processes.device)
    for step in range(1, 31):
        losses = one_step(state, state.generator, step, inputs, config, processes, Guides(classifier=_Brightness()))
        first = first or {name: float(value) for name, value in losses.items()}
    assert {"g_guide", "g_outside", "g_mask"} <= first.keys()
    for name in ("g_outside", "g_mask"):
        assert float(losses[name]) < first[name], name


def test_the_guide_alone_teaches_what_it_sees() -> None:
    torch.manual_seed(0)
    config = _lite(lambda_guide=1.0, lambda_cls=0.0, lambda_rec=0.0, lambda_adv=0.0, training={"g_lr": 0.002})
    processes = start_processes("cpu", "fp32", 4)
    state = new_state(config.model, config.training, 5, processes.device)
    faces, labels = torch.zeros(4, 3, 32, 32), torch.zeros(4, 5)
    targets = torch.tensor([0.0, 0.0, 1.0, 1.0])[:, None].expand(4, 5).contiguous()
    inputs = StepInputs(faces, labels, targets, targets, labels, torch.rand(4, 1, 1, 1), False)
    for step in range(1, 61):
        one_step(state, state.generator, step, inputs, config, processes, Guides(classifier=_Brightness()))
    brightness = state.generator(faces, targets).mean(dim=(1, 2, 3))
    assert brightness[2:].min() > brightness[:2].max() + 0.2


def test_the_penalty_comes_every_few_steps_and_weighs_as_much_on_the_whole() -> None:
    torch.manual_seed(0)
    processes = start_processes("cpu", "fp32", 4)
    inputs = _inputs()
    lazy, always = _lite(penalty_every=3), _lite()
    states = [new_state(always.model, always.training, 5, processes.device) for _ in range(2)]
    totals = []
    for state, config in zip(states, (lazy, always), strict=True):
        losses = [one_step(state, state.generator, step, inputs, config, processes) for step in (1, 2, 3)]
        assert ["d_gp" in one for one in losses] == ([False, False, True] if config is lazy else [True, True, True])
        last = losses[2]
        totals.append(float(last["d_loss"] - last["d_adv"] - last["d_cls"]) / float(last["d_gp"]))
    assert totals == pytest.approx([30.0, 10.0], rel=1e-3)


def test_only_the_discriminator_learns_in_the_first_steps() -> None:
    config = _lite(training={"d_first_steps": 2})
    processes = start_processes("cpu", "fp32", 4)
    state = new_state(config.model, config.training, 5, processes.device)
    before = [parameter.clone() for parameter in state.generator.parameters()]
    for step in (1, 2):
        assert "g_loss" not in one_step(state, state.generator, step, _inputs(), config, processes)
    assert all(torch.equal(old, new) for old, new in zip(before, state.generator.parameters(), strict=True))
    assert "g_loss" in one_step(state, state.generator, 3, _inputs(), config, processes)


@pytest.mark.parametrize(("adversarial", "penalty"), [("logistic", "r1"), ("relativistic", "r1+r2")])
def test_the_other_adversarial_losses_tell_real_faces_from_edited_ones(adversarial: str, penalty: str) -> None:
    torch.manual_seed(0)
    config = _lite(
        adversarial=adversarial, penalty=penalty, lambda_gp=0.001, lambda_cls=0.0, training={"n_critic": 1000, "d_lr": 0.01}
    )
    processes = start_processes("cpu", "fp32", 4)
    state = new_state(config.model, config.training, 5, processes.device)
    inputs = _inputs()
    losses = [float(one_step(state, state.generator, step, inputs, config, processes)["d_adv"]) for step in range(1, 41)]
    assert losses[-1] < 0.5 * losses[0]


def test_variation_reaches_real_and_edited_faces_alike() -> None:
    config = _lite(training={"n_critic": 1000})
    processes = start_processes("cpu", "fp32", 4)
    seen = []
    for kinds in ((), ("light",)):
        torch.manual_seed(0)
        state = new_state(config.model, config.training, 5, processes.device)
        variation = draw_variation(4, 32, kinds, torch.Generator().manual_seed(1), processes.device) if kinds else None
        state.discriminator.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].mean(dim=(1, 2, 3))))
        one_step(state, state.generator, 1, _inputs(variation=variation), config, processes)
    plain, varied = seen
    difference = varied - plain
    torch.testing.assert_close(difference[:4], difference[4:], rtol=0, atol=1e-5)
    assert difference.abs().max() > 0.01


def test_a_guide_that_the_settings_ask_for_and_that_is_not_there_is_said() -> None:
    with pytest.raises(SettingsError, match=r"loss\.lambda_outside is 10, but train\(\) was given no guide"):
        Guides().check(_lite(lambda_outside=10.0))
