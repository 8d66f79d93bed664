"""The effects of the catalogue, put together as people look for them."""

from __future__ import annotations

from collections.abc import Mapping

from lianpu.effects.effect import Effect

GROUPS: dict[str, tuple[str, ...]] = {
    "make_up": ("hair_color", "lipstick", "blush", "eye_shadow"),
    "skin": ("smooth_skin", "whiten_teeth", "brighten_eyes"),
    "shape": ("larger_eyes", "slim_face"),
    "background": ("blur_background", "replace_background"),
    "more": ("sticker", "anonymise"),
}
"""By the key of a group's title (`groups.KEY` of the page's words): names of effects."""


def grouped(effects: Mapping[str, Effect]) -> dict[str, list[Effect]]:
    """The effects of each group that has any; one that no group names is in the last."""
    known = {name for names in GROUPS.values() for name in names}
    named = {key: [effects[name] for name in names if name in effects] for key, names in GROUPS.items()}
    named[list(GROUPS)[-1]] += [effect for name, effect in effects.items() if name not in known]
    return {key: group for key, group in named.items() if group}
