"""The effects by name: what the command line, presets and the page read."""

from __future__ import annotations

from lianpu.effects.effect import Effect, Option
from lianpu.effects.hair_color import hair_color
from lianpu.effects.makeup import lipstick
from lianpu.errors import SettingsError, nearest_name


def _color(default: str) -> Option:
    return Option("color", "color", default, {"en": "Colour", "zh": "颜色"})


EFFECTS: dict[str, Effect] = {
    effect.name: effect
    for effect in (
        Effect(
            "hair_color",
            {"en": "Hair colour", "zh": "染发"},
            {"en": "Hair in any colour; its light and strands stay.", "zh": "把头发染成任意颜色，保留光泽与发丝。"},
            "face",
            hair_color,
            (_color("#c9a063"),),
        ),
        Effect(
            "lipstick",
            {"en": "Lipstick", "zh": "口红"},
            {"en": "Lips in any colour; their lines and shine stay.", "zh": "给嘴唇上色，保留唇纹与光泽。"},
            "face",
            lipstick,
            (_color("#b3263e"),),
        ),
    )
}
"""Every effect, in the order in which people are shown them."""


def effect_of(name: str) -> Effect:
    """The effect of a name. Raises SettingsError with the nearest known name."""
    if name not in EFFECTS:
        raise SettingsError(f"'{name}' is no effect{nearest_name(name, EFFECTS)}. Known: {', '.join(EFFECTS)}.")
    return EFFECTS[name]
