"""The effects by name: what the command line, presets and the page read."""

from __future__ import annotations

from lianpu.effects.anonymise import WAYS, anonymise
from lianpu.effects.background import blur_background, replace_background
from lianpu.effects.effect import Effect, Option
from lianpu.effects.hair import hair_color
from lianpu.effects.makeup import blush, eye_shadow, lipstick
from lianpu.effects.reshape import larger_eyes, slim_face
from lianpu.effects.skin import brighten_eyes, smooth_skin, whiten_teeth
from lianpu.effects.stickers import SPREAD, STICKERS, sticker
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
            (_color("#b8936a"),),
            beyond_crop=True,
        ),
        Effect(
            "smooth_skin",
            {"en": "Smooth skin", "zh": "磨皮"},
            {"en": "Blotches and fine lines fainter; edges and pores stay.", "zh": "淡化瑕疵与细纹，保留轮廓与毛孔。"},
            "face",
            smooth_skin,
        ),
        Effect(
            "lipstick",
            {"en": "Lipstick", "zh": "口红"},
            {"en": "Lips in any colour; their lines and shine stay.", "zh": "给嘴唇上色，保留唇纹与光泽。"},
            "face",
            lipstick,
            (_color("#b3263e"),),
        ),
        Effect(
            "blush",
            {"en": "Blush", "zh": "腮红"},
            {"en": "Colour on the cheeks.", "zh": "给脸颊上色。"},
            "face",
            blush,
            (_color("#d8665f"),),
        ),
        Effect(
            "eye_shadow",
            {"en": "Eye shadow", "zh": "眼影"},
            {"en": "Colour on the upper lids, fading towards the brow.", "zh": "给上眼睑上色，向眉毛方向渐淡。"},
            "face",
            eye_shadow,
            (_color("#7a4a6e"),),
        ),
        Effect(
            "whiten_teeth",
            {"en": "Whiter teeth", "zh": "美白牙齿"},
            {"en": "Teeth less yellow, where the mouth shows any.", "zh": "露出的牙齿更白，不显黄。"},
            "face",
            whiten_teeth,
        ),
        Effect(
            "brighten_eyes",
            {"en": "Brighter eyes", "zh": "亮眼"},
            {"en": "Whites of the eyes whiter, irises clearer.", "zh": "眼白更白，虹膜更清亮。"},
            "face",
            brighten_eyes,
        ),
        Effect(
            "larger_eyes",
            {"en": "Larger eyes", "zh": "大眼"},
            {"en": "Eyes larger, by an eighth at a strength of 1.", "zh": "放大双眼，强度为 1 时约八分之一。"},
            "face",
            larger_eyes,
        ),
        Effect(
            "slim_face",
            {"en": "Slimmer face", "zh": "瘦脸"},
            {"en": "Cheeks and jaw drawn in; what is behind the face stays straight.", "zh": "收窄脸颊与下颌，背景不变形。"},
            "face",
            slim_face,
        ),
        Effect(
            "blur_background",
            {"en": "Blurred background", "zh": "背景虚化"},
            {"en": "What is behind the people out of focus.", "zh": "虚化人物身后的背景。"},
            "photo",
            blur_background,
            beyond_crop=True,
        ),
        Effect(
            "replace_background",
            {"en": "New background", "zh": "更换背景"},
            {"en": "The people before a colour or a picture.", "zh": "把背景换成纯色或另一张图片。"},
            "photo",
            replace_background,
            (_color("#8fb8d8"), Option("picture", "picture", "", {"en": "Picture", "zh": "图片"})),
            beyond_crop=True,
        ),
        Effect(
            "sticker",
            {"en": "Sticker", "zh": "贴纸"},
            {
                "en": "Glasses, a hat, a moustache or a picture of your own on the face.",
                "zh": "给面部加上眼镜、帽子、胡子或自己的图片。",
            },
            "face",
            sticker,
            (
                Option("which", "choice", "glasses", {"en": "Sticker", "zh": "贴纸"}, tuple(STICKERS)),
                Option("picture", "picture", "", {"en": "Picture of your own (PNG)", "zh": "自己的图片（PNG）"}),
                Option(
                    "place",
                    "choice",
                    "eyes",
                    {"en": "Where a picture without anchors goes", "zh": "无锚点图片的位置"},
                    tuple(SPREAD),
                ),
            ),
        ),
        Effect(
            "anonymise",
            {"en": "Anonymise", "zh": "匿名"},
            {"en": "The face blurred, in squares or covered.", "zh": "模糊、马赛克或遮盖面部。"},
            "face",
            anonymise,
            (Option("way", "choice", "blur", {"en": "Way", "zh": "方式"}, WAYS), _color("#303030")),
        ),
    )
}
"""Every effect, in the order in which people are shown them."""


def effect_of(name: str) -> Effect:
    """The effect of a name. Raises SettingsError with the nearest known name."""
    if name not in EFFECTS:
        raise SettingsError(
            "'{name}' is no effect{nearest}. Known: {known}.",
            key="effect.unknown",
            name=name,
            nearest=nearest_name(name, EFFECTS),
            known=", ".join(EFFECTS),
        )
    return EFFECTS[name]
