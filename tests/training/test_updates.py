"""Our step against the same mathematics written plainly, as yunjey/stargan's solver does it."""

import torch

from lianpu.training.config import RunConfig
from lianpu.training.inputs import StepInputs
from lianpu.training.plain import plain_discriminator_step, plain_generator_step
from lianpu.training.processes import start_processes
from lianpu.training.state import new_state
from lianpu.training.updates import discriminator_update, generator_update


def test_three_steps_equal_those_of_the_published_solver(small: RunConfig) -> None:
    torch.manual_seed(1)
    processes = start_processes("cpu", "fp32", 4)
    ours, plain = (new_state(small.model, small.training, 5, processes.device) for _ in range(2))
    for _ in range(3):
        inputs = StepInputs(
            torch.rand(4, 3, 32, 32) * 2 - 1, torch.rand(4, 5).round(), torch.rand(4, 5).round(), torch.rand(4, 1, 1, 1), False
        )
        expected = (plain_discriminator_step(plain, inputs, small.loss), plain_generator_step(plain, inputs, small.loss))
        edited = ours.generator(inputs.faces, inputs.targets)
        d_losses = discriminator_update(ours, inputs, edited, small.loss, processes)
        g_losses = generator_update(ours, ours.generator, inputs, edited, small.loss, processes)
        torch.testing.assert_close((float(d_losses["d_loss"]), float(g_losses["g_loss"])), expected, rtol=1e-4, atol=1e-4)
    # Adam turns a rounding difference in a gradient near zero into a step of the learning rate, so single weights may differ by a few.
    for networks in ((ours.generator, plain.generator), (ours.discriminator, plain.discriminator)):
        for own, expected_weight in zip(*(network.parameters() for network in networks), strict=True):
            difference = (own - expected_weight).abs()
            assert difference.max() < 6e-4 and difference.mean() < 1e-5


def test_bfloat16_gives_nearly_the_same_losses_and_may_follow_float32_in_one_process(small: RunConfig) -> None:
    torch.manual_seed(1)
    inputs = StepInputs(
        torch.rand(4, 3, 32, 32) * 2 - 1, torch.rand(4, 5).round(), torch.rand(4, 5).round(), torch.rand(4, 1, 1, 1), False
    )
    losses = {}
    for precision in ("fp32", "bf16"):
        processes = start_processes("cpu", precision, 4)
        state = new_state(small.model, small.training, 5, processes.device)
        with processes.mixed_precision():
            edited = state.generator(inputs.faces, inputs.targets)
        assert edited.dtype == (torch.bfloat16 if precision == "bf16" else torch.float32)
        losses[precision] = discriminator_update(state, inputs, edited, small.loss, processes)["d_loss"].item()
        generator_update(state, state.generator, inputs, edited, small.loss, processes)
        assert all(parameter.dtype == torch.float32 for parameter in state.generator.parameters())
    assert abs(losses["bf16"] - losses["fp32"]) < 0.1
    assert losses["bf16"] != losses["fp32"]
