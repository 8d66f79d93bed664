import torch

from lianpu.training.config import RunConfig
from lianpu.training.state import learning_rate_scale, new_state

FIRST = "main.0.weight"


def test_linear_schedule_holds_and_then_falls_towards_zero() -> None:
    scales = [learning_rate_scale(step, 10, "linear") for step in range(1, 11)]
    assert scales[:5] == [1.0] * 5
    assert scales[5:] == [5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]
    assert learning_rate_scale(10, 10, "constant") == 1.0
    assert learning_rate_scale(1, 1, "linear") > 0


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
