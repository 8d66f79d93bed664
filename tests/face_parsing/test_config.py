import pytest

from lianpu.errors import SettingsError
from lianpu.face_parsing.config import PRESETS, parser_config
from lianpu.face_parsing.training import learning_rate_scale


def test_presets_are_valid_as_they_stand():
    for name, preset in PRESETS.items():
        assert parser_config(name, {}) == preset


def test_every_wrong_value_is_named_in_one_message():
    with pytest.raises(SettingsError, match=r"batch_size: .*\(got 0\).*lr: .*\(got -1\)"):
        parser_config("small", {"batch_size": 0, "lr": -1})


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(SettingsError, match=r"'smal' is no preset \(did you mean 'small'\?\)"):
        parser_config("smal", {})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sizes": (256, 512)}, "sizes has 2 entries and stages 1"),
        ({"stages": (0.5,)}, "stages add up to 0.5"),
        ({"sizes": (250,)}, "sizes 250: give multiples of 32"),
    ],
)
def test_stages_that_do_not_fit_are_refused(changes, words):
    with pytest.raises(SettingsError, match=words):
        parser_config("bisenet", changes)


def test_each_stage_has_its_share_of_the_steps():
    config = parser_config("small", {"sizes": (64, 128), "stages": (0.3, 0.7), "num_iters": 10})

    assert [config.size_at(step) for step in range(1, 11)] == [64] * 3 + [128] * 7


def test_the_learning_rate_rises_then_falls_to_nearly_nothing():
    config = parser_config("small", {"num_iters": 100, "warmup_iters": 10})
    scales = [learning_rate_scale(step, config) for step in range(1, 101)]

    assert scales[0] == pytest.approx(0.1) and max(scales) == scales[9] == scales[10] == 1.0
    assert scales[10:] == sorted(scales[10:], reverse=True) and 0 < scales[-1] < 0.01


def test_the_published_rate_falls_by_the_power_0_9():
    config = parser_config("bisenet", {"num_iters": 110, "warmup_iters": 10})

    assert learning_rate_scale(61, config) == pytest.approx(0.5**0.9)
