"""The effects as people look for them."""

from dataclasses import replace

from lianpu.effects.catalogue import EFFECTS
from lianpu.web.language import LANGUAGES, load_words
from lianpu.web.page.controls_column import GROUPS, grouped


def test_every_effect_is_in_one_group_that_has_a_title() -> None:
    groups = grouped(EFFECTS)
    assert sorted(effect.name for group in groups.values() for effect in group) == sorted(EFFECTS)
    for code in LANGUAGES:
        assert all(load_words(code).line(f"groups.{key}") for key in GROUPS)


def test_an_effect_that_no_group_names_is_in_the_last_and_an_empty_group_is_left_out() -> None:
    new = replace(EFFECTS["lipstick"], name="freckles")
    assert {key: [effect.name for effect in group] for key, group in grouped({"freckles": new}).items()} == {"more": ["freckles"]}
