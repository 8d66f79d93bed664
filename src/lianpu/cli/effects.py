"""`lianpu effects`: list every effect with its options, the presets, the stickers, and the attributes of an editor."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import tyro

if TYPE_CHECKING:
    from lianpu.effects.catalogue import Effect, Option

Language = Literal["en", "zh"]

_WORDS = {
    "en": {
        "effects": "Effects (--effect NAME=STRENGTH or NAME:OPTION=VALUE,OPTION=VALUE; strength 0 to {strongest}, 1 unless given; "
        "the value of a main option (*) may stand in place of the strength: age=-20, sticker=cat)",
        "presets": "Presets (--preset NAME)",
        "stickers": "Stickers (--effect sticker=NAME)",
        "attributes": "Attributes of the editor {editor} (--set NAME=yes or NAME=no)",
        "by_effects": "Attributes set by effects where no --model is named (--set NAME=yes or NAME=no)",
        "default": "default",
        "group": "one of",
        "picture": "the path of a picture",
        "switch": "yes or no",
    },
    "zh": {
        "effects": "效果（--effect 名称=强度，或 名称:选项=值,选项=值；强度 0 到 {strongest}，默认 1；"
        "主选项（*）的值可写在强度的位置：age=-20、sticker=cat）",
        "presets": "预设（--preset 名称）",
        "stickers": "贴纸（--effect sticker=名称）",
        "by_effects": "不指定 --model 时由效果设置的属性（--set 名称=yes 或 名称=no）",
        "attributes": "编辑器 {editor} 的属性（--set 名称=yes 或 名称=no）",
        "default": "默认",
        "group": "择一",
        "picture": "图片路径",
        "switch": "yes 或 no",
    },
}


@dataclass(frozen=True)
class EffectsArguments:
    """List every effect with its options, defaults and ranges, the presets, the stickers, and the attributes of an editor."""

    language: Language = "en"
    """Language of the list: en or zh."""
    model: str = "lite"
    """The editor whose attributes are listed: lite (the bundled one), a run folder, a checkpoint folder, or an .onnx file."""
    json: bool = False
    """Print JSON, with titles in both languages."""


def main(arguments: list[str]) -> None:
    """Parse the command line and print the lists."""
    parsed = tyro.cli(EffectsArguments, args=arguments, prog="lianpu effects")
    contents = _contents(parsed.model)
    if parsed.json:
        print(json.dumps(contents, indent=2, ensure_ascii=False))
    else:
        print(_in_words(contents, parsed.language))


def names_for_help() -> str:
    """The names of effects, presets and stickers in a few lines: the end of `lianpu edit --help`."""
    from lianpu.editing.presets import bundled_presets
    from lianpu.effects.catalogue import EFFECTS, STICKERS

    return "\n".join(
        [
            f"effects:   {' '.join(EFFECTS)}",
            f"presets:   {' '.join(bundled_presets())}",
            f"stickers:  {' '.join(STICKERS)}",
            "What each does, its options and their ranges, and the attributes for --set: lianpu effects",
        ]
    )


def _contents(model: str) -> dict[str, Any]:
    """Everything that is listed, as plain values. Raises ModelError when `model` cannot be loaded."""
    from lianpu.editing.presets import BY_EFFECTS, bundled_presets, find_preset
    from lianpu.effects.catalogue import EFFECTS, STICKERS

    presets = [find_preset(name) for name in bundled_presets()]
    return {
        "effects": [_effect_values(effect) for effect in EFFECTS.values()],
        "presets": [
            {"name": name, "title": preset.name, "steps": [_step_values(step) for step in preset.steps]}
            for name, preset in zip(bundled_presets(), presets, strict=True)
        ],
        "stickers": list(STICKERS),
        "by_effects": list(BY_EFFECTS),
        "editor": _editor_values(model),
    }


def _effect_values(effect: Effect) -> dict[str, Any]:
    from lianpu.effects.catalogue import STRONGEST

    return {
        "name": effect.name,
        "title": dict(effect.title),
        "summary": dict(effect.summary),
        "scope": effect.scope,
        "strength": {"default": 1.0, "low": 0.0, "high": STRONGEST},
        "main": effect.main,
        "options": [_option_values(option) for option in effect.options],
    }


def _option_values(option: Option) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": option.name,
        "kind": option.kind,
        "default": option.default,
        "title": dict(option.title),
    }
    if option.kind == "choice":
        values["choices"] = list(option.choices)
    if option.kind == "number":
        values |= {"low": option.low, "high": option.high}
    return values


def _step_values(step: Any) -> dict[str, Any]:
    from lianpu.editing.presets import EditStep

    if isinstance(step, EditStep):
        return {"edit": dict(step.values), "strength": step.strength}
    return {"effect": step.effect.name, "strength": step.strength, "options": dict(step.options)}


def _editor_values(model: str) -> dict[str, Any]:
    """The editor's attributes; for the bundled editor under --commercial-safe, the reason why it cannot be used."""
    from lianpu.editors.loading import load_editor
    from lianpu.errors import WeightsError

    try:
        info = load_editor(model).info
    except WeightsError as refused:
        return {"name": model, "attributes": [], "exclusive_groups": [], "problem": str(refused)}
    groups = [list(group) for group in info.attributes.groups]
    return {"name": model, "attributes": list(info.attributes.names), "exclusive_groups": groups, "licence": info.licence}


def _in_words(contents: dict[str, Any], language: Language) -> str:
    words = _WORDS[language]
    strongest = contents["effects"][0]["strength"]["high"]
    lines = [words["effects"].format(strongest=f"{strongest:g}"), ""]
    width = max(len(effect["name"]) for effect in contents["effects"])
    for effect in contents["effects"]:
        lines.append(f"  {effect['name']:<{width}}  {effect['title'][language]}: {effect['summary'][language]}")
        for option in effect["options"]:
            mark = "*" if option["name"] == effect["main"] else ""
            lines.append(f"  {'':<{width}}    {mark}{_option_line(option, words, language)}")
    lines += ["", words["presets"], ""]
    width = max(len(preset["name"]) for preset in contents["presets"])
    lines += [f"  {preset['name']:<{width}}  {', '.join(map(_step_words, preset['steps']))}" for preset in contents["presets"]]
    lines += ["", words["stickers"], "", f"  {' '.join(contents['stickers'])}"]
    lines += ["", words["by_effects"], "", f"  {' '.join(contents['by_effects'])}"]
    editor = contents["editor"]
    lines += ["", words["attributes"].format(editor=editor["name"]), ""]
    if "problem" in editor:
        return "\n".join([*lines, f"  {editor['problem']}"])
    grouped = {name for group in editor["exclusive_groups"] for name in group}
    lines += [f"  {words['group']}: {' '.join(group)}" for group in editor["exclusive_groups"]]
    single = [name for name in editor["attributes"] if name not in grouped]
    return "\n".join([*lines, f"  {' '.join(single)}"] if single else lines)


def _option_line(option: dict[str, Any], words: dict[str, str], language: Language) -> str:
    allowed = {
        "color": "#rrggbb",
        "choice": " ".join(option.get("choices", ())),
        "number": f"{option.get('low', 0):g} - {option.get('high', 0):g}",
        "switch": words["switch"],
        "picture": words["picture"],
    }[option["kind"]]
    default = f" ({words['default']}: {option['default']})" if option["default"] != "" else ""
    return f"{option['name']}: {option['title'][language]}; {allowed}{default}"


def _step_words(step: dict[str, Any]) -> str:
    if "edit" in step:
        return " ".join(f"{name}={'yes' if value else 'no'}" for name, value in step["edit"].items())
    options = "".join(f" {name}={value}" for name, value in step["options"].items())
    return f"{step['effect']}={step['strength']:g}{options}"
