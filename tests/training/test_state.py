import torch

from lianpu.stargan.networks import Generator
from lianpu.training.config import RunConfig
from lianpu.training.state import learning_rate_scale, new_state, update_average

FIRST = "main.0.weight"


def test_linear_schedule_holds_and_then_falls_towards_zero() -> None:
    scales = [learning_rate_scale(step, 10, "linear") for step in range(1, 11)]
    assert scales[:5] == [1.0] * 5
    assert scales[5:] == [5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]
    assert learning_rate_scale(10, 10, "constant") == 1.0
    assert learning_rate_scale(1, 1, "linear") > 0


def test_the_average_forgets_the_random_start_and_then_moves_slowly() -> None:
    averaged, generator = Generator(4, 2, 1), Generator(4, 2, 1)
    before = averaged.state_dict()[FIRST].clone()
    update_average(averaged, generator, generator_steps=0, decay=0.999)
    torch.testing.assert_close(averaged.state_dict()[FIRST], before + 0.9 * (generator.state_dict()[FIRST] - before))
    before = averaged.state_dict()[FIRST].clone()
    update_average(averaged, generator, generator_steps=10**6, decay=0.999)
    torch.testing.assert_close(averaged.state_dict()[FIRST], before + 0.001 * (generator.state_dict()[FIRST] - before))


def test_weights_follow_from_the_seed_and_leave_the_global_chance_alone(small: RunConfig) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first = new_state(small.model, small.training, 5, torch.device("cpu"))
    assert torch.equal(torch.rand(1), expected)
    second = new_state(small.model, small.training, 5, torch.device("cpu"))
    other = new_state(small.model, small.training.model_copy(update={"seed": 1}), 5, torch.device("cpu"))
    weights = [state.generator.state_dict()[FIRST] for state in (first, second, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
