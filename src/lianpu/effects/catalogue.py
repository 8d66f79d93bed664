"""`Effect`, and the catalogue of all effects by name, read by the command line, presets and the web page."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

from lianpu.errors import Message, SettingsError, brief, nearest_name
from lianpu.models.store.locate import is_commercial_safe

if TYPE_CHECKING:
    from lianpu.faces.live import LiveScene
    from lianpu.faces.results import Subject
    from lianpu.imaging.picture import Picture

STRONGEST = 1.5
"""Largest strength: 0 leaves the picture unchanged, 1 is the intended effect."""

Value = str | float | bool


@dataclass(frozen=True)
class Option:
    """An option of an effect, in addition to its strength.

    Args:
        name: as written in presets and on the command line.
        kind: `color` (#rrggbb), `choice`, `number`, `switch` (true or false), or `picture` (the path of a file).
        default: its value if not given.
        title: displayed name, by language (`en`, `zh`).
        choices: of a `choice`.
        unlisted: values of a `choice` that are read as well, but not offered.
        bound: values of a `choice` that follow measurements of pictures which exclude commercial use (`Effect.check_terms`).
        low: smallest number.
        high: largest number.
    """

    name: str
    kind: Literal["color", "choice", "number", "switch", "picture"]
    default: Value
    title: Mapping[str, str]
    choices: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    bound: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0

    def read(self, value: object) -> Value:
        """The value, checked and converted, from YAML, a form or a command line. Raises SettingsError, naming the allowed values."""
        if self.kind == "number":
            number = as_number(value, Message("option {option}", key="option.name", option=self.name))
            if not self.low <= number <= self.high:
                raise SettingsError(
                    "option {option}: {value} is not from {low:g} to {high:g}.",
                    key="option.out_of_range",
                    option=self.name,
                    value=value,
                    low=self.low,
                    high=self.high,
                )
            return number
        if self.kind == "switch":
            return self._switch(value)
        word = str(value)
        if self.kind == "choice" and word not in (*self.choices, *self.unlisted):
            raise SettingsError(
                "option {option}: '{value}' is none of {choices}{nearest}.",
                key="option.no_choice",
                option=self.name,
                value=word,
                choices=", ".join(self.choices),
                nearest=nearest_name(word, self.choices),
            )
        if self.kind == "color" and not re.fullmatch(r"#[0-9a-fA-F]{6}", word):
            raise SettingsError(
                "option {option}: '{value}' is no colour. Write it as #rrggbb, as in #aa3355.",
                key="option.no_colour",
                option=self.name,
                value=word,
            )
        return word

    def _switch(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        word = str(value).lower()
        if word not in ("yes", "true", "on", "no", "false", "off"):
            raise SettingsError(
                "option {option}: '{value}' is neither yes nor no.", key="option.no_switch", option=self.name, value=value
            )
        return word in ("yes", "true", "on")


@dataclass(frozen=True)
class Effect:
    """One entry of the catalogue.

    Args:
        name: as written in presets and on the command line: `lipstick`.
        title: displayed name, by language (`en`, `zh`).
        summary: one line on what it does, by language.
        scope: `face`: called for each face as `function(photo, subject, strength, **options)`; `photo`: called once with all subjects,
            as `function(photo, subjects, strength, **options)`. Both return a new picture (H, W, 3), or the given one if nothing
            changes, and never modify their input.
        function: `module.function` of `lianpu.effects`, imported when it is first applied: a list of effects loads none of them.
        options: its options in addition to the strength.
        live: `module.function` of its live form, which changes a frame in place within a window: for the scope `face`
            `function(frame, face, strength, **options)` with a `LiveFace`, for `photo` `function(frame, scene, strength, **options)` with a
            `LiveScene`. It looks as the effect on a photo does, by coarser maths. Empty where there is none: then `function` edits frames.
        beyond_crop: whether it also changes hair or bodies beyond the face's crop (`Subject.wide`).
        needs_parser: whether it does nothing without a face parser: a face mesh has no hair.
        needs_mesh: whether it works on the face's mesh (`Subject.mesh`); a face without one stays as it is.
        carry: `module.function` of what a video keeps of a tracked face for it (`Subject.carried`), called in every frame as
            `function(before, frame, subject, seconds, turn)`; empty where every frame is edited by itself.
        carry_live: the same for its live form, with a `LiveFace` for the subject.
        by_looks: whether it does more or less by how male a face looks, where that can be read: a video reads it once for a track.
        main: the option that `NAME=VALUE` sets where the value is no strength: `age=-25`, `gender=female`.
    """

    name: str
    title: Mapping[str, str]
    summary: Mapping[str, str]
    scope: Literal["face", "photo"]
    function: str
    live: str = ""
    options: tuple[Option, ...] = ()
    beyond_crop: bool = False
    needs_parser: bool = False
    needs_mesh: bool = False
    carry: str = ""
    carry_live: str = ""
    by_looks: bool = False
    main: str = ""

    def read_options(self, values: Mapping[str, object]) -> dict[str, Value]:
        """All options: the given ones, checked, and defaults for the others. Raises SettingsError for a wrong name or value."""
        known = {option.name: option for option in self.options}
        for name in values:
            if name not in known:
                none = Message("It has none.", key="effect.no_options")
                some = Message("Known: {known}.", key="effect.options", known=", ".join(known))
                nearest = nearest_name(name, ("strength", *known))  # the strength is written among the options
                raise SettingsError(
                    "{effect}: '{name}' is no option of this effect{nearest}. {options}",
                    key="effect.unknown_option",
                    effect=self.name,
                    name=name,
                    nearest=nearest,
                    options=some if known else none,
                )
        try:
            return {name: option.read(values.get(name, option.default)) for name, option in known.items()}
        except SettingsError as problem:
            raise SettingsError("{effect}: {problem}", key="effect.problem", effect=self.name, problem=problem) from None

    def carrier(self, *, live: bool = False) -> tuple[str, Callable[..., Any]] | None:
        """The name in `Subject.carried` of what a video keeps for it, and the function of `carry` or `carry_live`; None without one."""
        name = self.carry_live if live else self.carry
        return (import_module(f"lianpu.effects.{name.partition('.')[0]}").CARRIED, _function(name)) if name else None

    def check_terms(self, options: Mapping[str, object]) -> None:
        """Raise SettingsError where an option has a value that may not be used under --commercial-safe (`Option.bound`)."""
        for option in self.options:
            value = options.get(option.name, option.default)
            if value in option.bound and is_commercial_safe():
                raise SettingsError(
                    "{effect}: {option}={value} follows measurements of faces whose terms exclude commercial use. "
                    "Give a colour of your own: --effect {effect}:color=#b8936a. (Asked for by --commercial-safe or "
                    "LIANPU_COMMERCIAL_SAFE.)",
                    key="effect.not_commercial",
                    effect=self.name,
                    option=option.name,
                    value=value,
                )

    def apply(self, photo: Picture, subjects: Sequence[Subject], strength: float = 1.0, **options: Any) -> Picture:
        """The photo (H, W, 3) with the effect on each subject. A strength of 0 returns the same picture.

        Raises:
            SettingsError: a wrong strength or option, one that may not be used, or the effect needs a parser and the parts of a subject
                come from its mesh.
        """
        strength, read = check_strength(strength, self.name), self.read_options(options)
        if strength == 0.0:
            return photo
        self.check_terms(read)
        if self.needs_parser and any(subject.parts.parser == MESH_PARTS for subject in subjects):
            raise no_parser(self.name)
        function = _function(self.function)
        if self.scope == "photo":
            return function(photo, subjects, strength, **read)
        for subject in subjects:
            photo = function(photo, subject, strength, **read)
        return photo

    def apply_live(self, frame: Picture, scene: LiveScene, strength: float = 1.0, **options: Any) -> None:
        """Put the effect on a live frame (H, W, 3), in place, by its live form where there is one. A strength of 0 changes nothing.

        Raises:
            SettingsError: a wrong strength or option, or one that may not be used.
        """
        strength, read = check_strength(strength, self.name), self.read_options(options)
        if strength == 0.0:
            return
        self.check_terms(read)
        if not self.live:
            frame[:] = self.apply(frame, [face.subject(frame) for face in scene.faces], strength, **read)
            return
        function = _function(self.live)
        for one in scene.faces if self.scope == "face" else (scene,):
            function(frame, one, strength, **read)


def _function(name: str) -> Callable[..., Any]:
    """The function `module.function` of `lianpu.effects`."""
    module, _, function = name.partition(".")
    found: Callable[..., Any] = getattr(import_module(f"lianpu.effects.{module}"), function)
    return found


def no_parser(name: str) -> SettingsError:
    """What is said of an effect or attribute of hair where no parser has found the hair."""
    return SettingsError(
        "{name} needs a face parser, which finds the hair; here the parts of faces come from the face mesh alone. "
        "Give --parser FILE (train one on faces that you may use: lianpu parser train).",
        key="preset.needs_parser",
        name=name,
    )


MESH_PARTS = "mesh"
"""`FaceParts.parser` of parts that come from a mesh (`faces.mesh.MESH_PARTS`, which is not imported here: a list of effects loads nothing)."""


def check_strength(value: object, what: str) -> float:
    """The strength as a number. Raises SettingsError, naming `what`, unless it is from 0 to 1.5."""
    if isinstance(value, float) and 0.0 <= value <= STRONGEST:
        return value  # in every frame: a message takes longer than some effects' share of it
    strength = as_number(value, Message("{what}: strength", key="effect.strength", what=what))
    if not 0.0 <= strength <= STRONGEST:
        raise SettingsError(
            "{what}: strength {value} is not from 0 to {strongest:g}. 0 changes nothing, 1 is the effect as it is meant.",
            key="effect.strength_out_of_range",
            what=what,
            value=value,
            strongest=STRONGEST,
        )
    return strength


def as_number(value: object, what: str) -> float:
    """A finite number, from a number or a word. Raises SettingsError, naming `what`."""
    try:
        number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise SettingsError("{what} '{value}' is not a number.", key="not_a_number", what=what, value=brief(value))
    return number


def _color(default: str) -> Option:
    return Option("color", "color", default, {"en": "Colour", "zh": "颜色"})


PICKED = "picked"
"""The shade of hair that stands for a colour of one's own."""

NATURAL = ("black", "brown", "blond", "gray")

_NOT = tuple(f"not_{name}" for name in NATURAL)

HAIR_SHADES = (PICKED, *NATURAL, *_NOT)
"""What hair can be coloured to, by name: a picked colour, a natural one, or the natural one next to it."""

_SEVERAL_NOT = tuple("+".join(names) for count in (2, 3) for names in combinations(_NOT, count))
"""Away from whichever of several colours the hair has, in the order of `NATURAL`: what `--set Black_Hair=no Blond_Hair=no` asks for."""

STICKERS = (
    *(
        "glasses",
        "round_glasses",
        "sunglasses",
        "star_glasses",
        "moustache",
        "hat",
        "party_hat",
        "crown",
        "paper_crown",
        "flower_crown",
        "halo",
    ),
    *("cat", "dog", "bunny", "hearts", "freckles", "clown_nose", "confetti", "snowflakes"),
)

TONES = ("tan", "light", "warm", "cool", "rosy", "even")

FINISHES = ("satin", "matte", "gloss")

STICKER_PLACES = ("eyes", "nose", "mouth", "forehead", "face")

ANONYMISE_WAYS = ("blur", "mosaic", "solid")

GENDERS = ("other", "male", "female")

BEARDS = ("remove", "stubble")

EFFECTS: dict[str, Effect] = {
    effect.name: effect
    for effect in (
        Effect(
            "hair_color",
            {"en": "Hair colour", "zh": "染发"},
            {
                "en": "Hair in any colour, or a natural one; its light and strands stay.",
                "zh": "把头发染成任意颜色或自然发色，保留光泽与发丝。",
            },
            "face",
            "hair.hair_color",
            "live_hair.live_hair_color",
            (
                _color("#b8936a"),
                Option(
                    "shade",
                    "choice",
                    PICKED,
                    {"en": "Shade", "zh": "色调"},
                    HAIR_SHADES,
                    unlisted=_SEVERAL_NOT,
                    bound=(*NATURAL, *_NOT, *_SEVERAL_NOT),
                ),
            ),
            beyond_crop=True,
            needs_parser=True,
            carry="hair_matte.carry_hair",
            carry_live="live_hair.carry_live_hair",
            main="shade",
        ),
        Effect(
            "smooth_skin",
            {"en": "Smooth skin", "zh": "磨皮"},
            {"en": "Blotches and fine lines fainter; edges and pores stay.", "zh": "淡化瑕疵与细纹，保留轮廓与毛孔。"},
            "face",
            "skin.smooth_skin",
            "skin.live_smooth_skin",
            carry="skin.carry_skin",
            carry_live="skin.carry_live_skin",
        ),
        Effect(
            "skin_tone",
            {"en": "Skin tone", "zh": "肤色"},
            {
                "en": "Skin tanned, lighter, warmer, cooler, rosier or more even.",
                "zh": "古铜、白皙、暖调、冷调、红润或均匀的肤色。",
            },
            "face",
            "skin_tone.skin_tone",
            "skin_tone.live_skin_tone",
            (Option("tone", "choice", "tan", {"en": "Tone", "zh": "色调"}, TONES),),
            beyond_crop=True,
            main="tone",
        ),
        Effect(
            "lipstick",
            {"en": "Lipstick", "zh": "口红"},
            {
                "en": "Lips in any colour, matte, satin or gloss; their lines stay.",
                "zh": "给嘴唇上色，可选哑光、缎光或亮泽，保留唇纹。",
            },
            "face",
            "makeup.lipstick",
            "makeup.live_lipstick",
            (_color("#b3263e"), Option("finish", "choice", "satin", {"en": "Finish", "zh": "质地"}, FINISHES)),
            by_looks=True,
            main="finish",
        ),
        Effect(
            "blush",
            {"en": "Blush", "zh": "腮红"},
            {"en": "Colour on the cheeks; freckles and pores stay.", "zh": "给脸颊上色，保留雀斑与毛孔。"},
            "face",
            "makeup.blush",
            "makeup.live_blush",
            (_color("#d8665f"),),
            by_looks=True,
        ),
        Effect(
            "eye_shadow",
            {"en": "Eye shadow", "zh": "眼影"},
            {"en": "Colour on the upper lids, fading towards the brow.", "zh": "给上眼睑上色，向眉毛方向渐淡。"},
            "face",
            "makeup.eye_shadow",
            "makeup.live_eye_shadow",
            (_color("#7a4f4c"),),
            by_looks=True,
        ),
        Effect(
            "whiten_teeth",
            {"en": "Whiter teeth", "zh": "美白牙齿"},
            {"en": "Teeth less yellow, where the mouth shows any.", "zh": "露出的牙齿更白，不显黄。"},
            "face",
            "skin.whiten_teeth",
            "skin.live_whiten_teeth",
        ),
        Effect(
            "brighten_eyes",
            {"en": "Brighter eyes", "zh": "亮眼"},
            {"en": "Whites of the eyes whiter, irises clearer.", "zh": "眼白更白，虹膜更清亮。"},
            "face",
            "eyes.brighten_eyes",
            "eyes.live_brighten_eyes",
        ),
        Effect(
            "under_eye",
            {"en": "Under the eyes", "zh": "祛黑眼圈"},
            {
                "en": "Dark circles and bags lighter, towards the tone of the cheeks.",
                "zh": "淡化黑眼圈与眼袋，使之接近脸颊肤色。",
            },
            "face",
            "eyes.under_eye",
            "eyes.live_under_eye",
        ),
        Effect(
            "larger_eyes",
            {"en": "Larger eyes", "zh": "大眼"},
            {"en": "Eyes larger, by an eighth at a strength of 1.", "zh": "放大双眼，强度为 1 时约八分之一。"},
            "face",
            "reshape.larger_eyes",
            "reshape.live_larger_eyes",
        ),
        Effect(
            "slim_face",
            {"en": "Slimmer face", "zh": "瘦脸"},
            {"en": "Cheeks and jaw drawn in; what is behind the face stays straight.", "zh": "收窄脸颊与下颌，背景不变形。"},
            "face",
            "reshape.slim_face",
            "reshape.live_slim_face",
        ),
        Effect(
            "age",
            {"en": "Age", "zh": "年龄"},
            {
                "en": "The face and its hair older, or younger, by some years; complexion and features stay.",
                "zh": "让面部与头发变老或变年轻若干岁，保留肤色与五官特征。",
            },
            "face",
            "age_gender.age",
            "age_gender.live_age",
            options=(
                Option("years", "number", 25.0, {"en": "Years", "zh": "岁数"}, low=-40.0, high=40.0),
                Option("if_needed", "switch", False, {"en": "Only if not so already", "zh": "已符合时不改"}),
                Option("hair", "switch", True, {"en": "Hair greys along", "zh": "头发随年龄变白"}),
            ),
            beyond_crop=True,
            needs_mesh=True,
            carry="hair_matte.carry_hair",
            carry_live="live_hair.carry_live_hair",
            main="years",
        ),
        Effect(
            "gender",
            {"en": "Gender", "zh": "性别"},
            {"en": "The face as a man's or a woman's; hair keeps its length.", "zh": "把面部变为男性或女性的样子，发长不变。"},
            "face",
            "age_gender.gender",
            "age_gender.live_gender",
            options=(Option("towards", "choice", "other", {"en": "Towards", "zh": "变为"}, GENDERS),),
            needs_mesh=True,
            main="towards",
        ),
        Effect(
            "beard",
            {"en": "Beard", "zh": "胡须"},
            {"en": "Beard off, or stubble.", "zh": "去掉胡须，或添上胡茬。"},
            "face",
            "age_gender.beard",
            "age_gender.live_beard",
            options=(Option("way", "choice", "remove", {"en": "Way", "zh": "方式"}, BEARDS),),
            needs_mesh=True,
            main="way",
        ),
        Effect(
            "blur_background",
            {"en": "Blurred background", "zh": "背景虚化"},
            {"en": "What is behind the people out of focus.", "zh": "虚化人物身后的背景。"},
            "photo",
            "background.blur_background",
            "background.live_blur_background",
            beyond_crop=True,
        ),
        Effect(
            "replace_background",
            {"en": "New background", "zh": "更换背景"},
            {"en": "The people before a colour or a picture.", "zh": "把背景换成纯色或另一张图片。"},
            "photo",
            "background.replace_background",
            "background.live_replace_background",
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
            "stickers.sticker",
            "stickers.live_sticker",
            (
                Option("which", "choice", "glasses", {"en": "Sticker", "zh": "贴纸"}, STICKERS),
                Option("picture", "picture", "", {"en": "Picture of your own (PNG)", "zh": "自己的图片（PNG）"}),
                Option(
                    "place",
                    "choice",
                    "eyes",
                    {"en": "Where a picture without anchors goes", "zh": "无锚点图片的位置"},
                    STICKER_PLACES,
                ),
            ),
            main="which",
        ),
        Effect(
            "anonymise",
            {"en": "Anonymise", "zh": "匿名"},
            {"en": "The face blurred, in squares or covered.", "zh": "模糊、马赛克或遮盖面部。"},
            "face",
            "anonymise.anonymise",
            "anonymise.live_anonymise",
            (Option("way", "choice", "blur", {"en": "Way", "zh": "方式"}, ANONYMISE_WAYS), _color("#303030")),
            main="way",
        ),
    )
}
"""Every effect, in display order."""


def effect_of(name: str) -> Effect:
    """The effect called `name`. Raises SettingsError with the nearest known name."""
    if name not in EFFECTS:
        raise SettingsError(
            "'{name}' is no effect{nearest}. Known: {known}.",
            key="effect.unknown",
            name=name,
            nearest=nearest_name(name, EFFECTS),
            known=", ".join(EFFECTS),
        )
    return EFFECTS[name]
