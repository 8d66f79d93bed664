"""Presets: effects and edits one after the other, in a YAML file that people can share.

name: Evening
steps:
  - effect: lipstick
    strength: 0.6
    color: "#aa2233"
  - edit: {Blond_Hair: yes}
    strength: 0.8
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lianpu.attributes import SHADE_OF
from lianpu.editing.attribute_masks import OF_HAIR
from lianpu.effects.catalogue import PICKED, STRONGEST, Effect, check_strength, effect_of, no_parser
from lianpu.errors import Message, SettingsError, nearest_name
from lianpu.yaml_text import dump_yaml, load_yaml

if TYPE_CHECKING:
    from lianpu.editors.editor import Editor
    from lianpu.faces.results import Subject
    from lianpu.imaging.picture import Picture

PRESET_FOLDER = Path(__file__).parent / "presets"
"""The bundled presets: their names are the names of the files without .yaml."""

_LARGEST_BYTES = 100_000

MOST_STEPS = 50
"""Steps of one preset: a call of the page with thousands would hold its worker for minutes."""

_KEYS = ("name", "steps")


@dataclass(frozen=True)
class EffectStep:
    """An effect of the catalogue with its strength and options; options that are not named have their defaults.

    Raises:
        SettingsError: a strength out of range, an unknown option, or a wrong value.
    """

    effect: Effect
    strength: float = 1.0
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", check_strength(self.strength, self.effect.name))
        read = self.effect.read_options(self.options)
        object.__setattr__(self, "options", {name: read[name] for name in self.options})


@dataclass(frozen=True)
class EditStep:
    """Attributes for an editor to set, as {"Blond_Hair": True}. Raises SettingsError without attributes, or for a strength out of range."""

    values: Mapping[str, bool]
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not self.values:
            raise SettingsError("edit: no attribute is set. Write {{Blond_Hair: yes}}.", key="preset.empty_edit")
        object.__setattr__(self, "strength", check_strength(self.strength, "edit"))


Step = EffectStep | EditStep


@dataclass(frozen=True)
class Preset:
    """Named steps, applied one after the other."""

    name: str
    steps: tuple[Step, ...]

    @property
    def needs_editor(self) -> bool:
        """Whether a step sets attributes."""
        return any(isinstance(step, EditStep) for step in self.steps)

    @property
    def needs_mesh(self) -> bool:
        """Whether a step works on the mesh of faces, by a learned transform."""
        return any(isinstance(step, EffectStep) and step.effect.needs_mesh for step in self.steps)

    @property
    def beyond_crop(self) -> bool:
        """Whether a step reaches beyond the faces' crops, so that `FaceAnalyzer.analyze` must parse wide."""
        from lianpu.editing.residual_transfer import is_about_hair

        return any(
            any(is_about_hair((name,)) for name in step.values) if isinstance(step, EditStep) else step.effect.beyond_crop
            for step in self.steps
        )


def apply_preset(
    photo: Picture,
    subjects: Sequence[Subject],
    preset: Preset,
    editor: Editor | None = None,
    known: Mapping[str, bool] | None = None,
    on_unchanged: Callable[[Step], None] | None = None,
) -> Picture:
    """The photo (H, W, 3) after all steps; the given one stays as it is.

    Faces are detected once, before the first step: put a step that moves things in the picture last.

    Args:
        photo: (H, W, 3) uint8 RGB.
        subjects: of `FaceAnalyzer.analyze`, or some of them.
        preset: what to do.
        editor: needed where `preset.needs_editor`.
        known: labels of the faces, for an editor whose input is all labels.
        on_unchanged: called with each effect that changed no face, and with the attributes of a step that all faces surely have already.

    Raises:
        SettingsError: a step sets attributes and there is no editor, or the editor does not know them.
        ModelError: the editor does not say how its faces were cut out.
    """
    from lianpu.editing.attributes import (  # OpenCV and NumPy are not needed to list presets
        apply_attribute_edits,
        plan_attribute_edits,
    )

    check_editor(preset, editor)
    for step in preset.steps:
        if isinstance(step, EffectStep):
            before = photo
            photo = step.effect.apply(photo, subjects, step.strength, **step.options)
            if photo is before and subjects and on_unchanged is not None:
                on_unchanged(step)
        else:
            assert editor is not None
            edits = plan_attribute_edits(photo, subjects, editor, step.values, known)
            left = {name: step.values[name] for name in step.values if edits and all(name in edit.left for edit in edits)}
            if left and on_unchanged is not None:
                on_unchanged(EditStep(left, step.strength))
            photo = apply_attribute_edits(photo, edits, step.strength)
    return photo


_TRANSFORMED = ("Male", "Young")
"""CelebA attributes that the learned transforms of `effects/age_gender` set: the order in which they do."""

BY_EFFECTS = (*SHADE_OF, *_TRANSFORMED)
"""CelebA attributes that effects set where no editor is named (`with_transforms`)."""


def with_transforms(preset: Preset) -> Preset:
    """The preset with hair colours and sex and age set by effects: `with_hair_shades`, and the learned transforms, each by itself.

    An editor that is asked for several things at once gives ghosts, and a small one draws dirt where a transform is clean.

    Raises:
        SettingsError: as `with_hair_shades`.
    """
    preset = with_hair_shades(preset)
    colored = any(_colors_hair(step) for step in preset.steps)
    steps: list[Step] = []
    transforms: list[EffectStep] = []
    for step in preset.steps:
        if isinstance(step, EffectStep):
            if not _colors_hair(step):  # hair is coloured first; a transform must not slip past anything else, as a sticker
                steps += _in_order(transforms)
                transforms.clear()
            if step.effect.name == "age" and colored and "hair" not in step.options:
                step = EffectStep(step.effect, step.strength, {**step.options, "hair": False})
            steps.append(step)
            continue
        rest = {name: value for name, value in step.values.items() if name not in _TRANSFORMED}
        if rest:
            steps.append(EditStep(rest, step.strength))
        if "Male" in step.values:
            towards = "male" if step.values["Male"] else "female"
            transforms.append(EffectStep(effect_of("gender"), step.strength, {"towards": towards}))
        if "Young" in step.values:
            years: dict[str, Any] = {"years": -25.0 if step.values["Young"] else 25.0, "if_needed": True}
            asked = {"hair": False} if colored else {}  # hair that is asked to be black is not to turn grey
            transforms.append(EffectStep(effect_of("age"), step.strength, years | asked))
    return replace(preset, steps=(*steps, *_in_order(transforms)))


def _in_order(transforms: Sequence[EffectStep]) -> list[EffectStep]:
    """Sex before age. What moves the face comes after all edits that recolour it."""
    return sorted(transforms, key=lambda one: one.effect.name == "age")


def with_hair_shades(preset: Preset) -> Preset:
    """The preset with hair colours (`Blond_Hair`) set by the effect `hair_color`, before the other attributes of their step.

    Of several colours of hair only the last one stays (`hair_notes`): dyed twice, hair would lose its strands. Several that it shall not
    have in one step are one colouring, away from whichever it has.

    Raises:
        SettingsError: two colours in one step exclude each other, or a step leaves none.
    """
    steps: list[Step] = []
    for step in preset.steps:
        if isinstance(step, EffectStep):
            steps.append(step)
            continue
        shades = {name: value for name, value in step.values.items() if name in SHADE_OF}
        wanted = [name for name, value in shades.items() if value]
        if len(wanted) > 1:
            raise SettingsError(
                "{names} exclude each other. Set one of them.", key="attribute.exclusive", names=" and ".join(wanted)
            )
        if len(shades) == len(SHADE_OF) and not wanted:
            raise SettingsError(
                "{names} leave no colour for hair. Leave one of them out.", key="attribute.no_colour", names=" and ".join(shades)
            )
        if shades:
            unwanted = "+".join(f"not_{shade}" for name, shade in SHADE_OF.items() if name in shades)
            shade = SHADE_OF[wanted[0]] if wanted else unwanted
            steps.append(EffectStep(effect_of("hair_color"), step.strength, {"shade": shade}))
        rest = {name: value for name, value in step.values.items() if name not in shades}
        if rest:
            steps.append(EditStep(rest, step.strength))
    colored = [step for step in steps if _colors_hair(step)]
    return replace(preset, steps=tuple(step for step in steps if not _colors_hair(step) or step is colored[-1]))


def hair_notes(preset: Preset) -> str:
    """What there is to say of a preset that colours hair more than once, before `with_hair_shades`; empty where it does not."""
    names: list[str] = []
    for step in preset.steps:
        if _colors_hair(step):
            names.append("hair_color")
        elif isinstance(step, EditStep):
            colors = [name for name in step.values if name in SHADE_OF]
            wanted = [name for name in colors if step.values[name]]
            names += wanted or ([" and ".join(f"{name}=no" for name in colors)] if colors else [])
    return f"hair is coloured once, by the last that asks for it: {names[-1]}, not {', '.join(names[:-1])}" if names[1:] else ""


def _colors_hair(step: Step) -> bool:
    return isinstance(step, EffectStep) and step.effect.name == "hair_color" and step.strength > 0


def unchanged_note(step: Step) -> str:
    """What there is to say of a step that changed nothing; empty where that is plain."""
    if not step.strength:
        return ""
    if isinstance(step, EditStep):
        asked = ", ".join(f"{name}={'yes' if value else 'no'}" for name, value in step.values.items())
        return f"left alone: {asked} holds already"
    shade = str(step.options.get("shade", PICKED))
    if step.effect.name == "hair_color":
        if shade == PICKED:
            return "no hair is seen"
        shed = " or ".join(name.removeprefix("not_") for name in shade.split("+"))
        has = f"the hair is not {shed}" if shade.startswith("not_") else f"the hair is {shade} already"
        return f"left alone: {has}, or none is seen"
    if step.effect.needs_mesh:
        return f"{step.effect.name} changed nothing: the face looks so already, or too little of it is seen"
    return ""


def check_editor(preset: Preset, editor: Editor | None, others: Sequence[str] = ()) -> None:
    """Raise unless the editor can do what the preset asks.

    Args:
        preset: its steps; those with attributes are checked.
        editor: the editor, or None.
        others: attributes that are set without it, for the message.

    Raises:
        SettingsError: a step sets attributes and there is no editor, or the editor does not know them, or two exclude each other.
    """
    if not preset.needs_editor:
        return
    if editor is None:
        raise SettingsError(
            "The preset '{preset}' sets attributes, which needs an editor. Name one with --model.",
            key="preset.needs_editor",
            preset=preset.name,
        )
    import numpy as np

    attributes = editor.info.attributes
    known = tuple(dict.fromkeys((*attributes.names, *others)))
    for step in preset.steps:
        if isinstance(step, EditStep):
            for name in step.values:
                if name not in known:
                    raise SettingsError(
                        "'{name}' is not an attribute here{nearest}. Known: {known}.",
                        key="attribute.unknown",
                        name=name,
                        nearest=nearest_name(name, known),
                        known=", ".join(known),
                    )
            attributes.with_values(np.zeros((1, len(attributes)), dtype=np.float32), step.values)


def check_parser(preset: Preset) -> None:
    """Refuse what needs a face parser, where there is none: hair.

    Raises:
        SettingsError: naming the first such effect or attribute.
    """
    for step in preset.steps:
        if isinstance(step, EffectStep):
            names = [step.effect.name] if step.effect.needs_parser and step.strength else []
        else:
            names = [name for name in step.values if name in OF_HAIR]
        if names:
            raise no_parser(names[0])


def check_mesh(preset: Preset) -> None:
    """Refuse what works on the mesh of faces, where none is read.

    Raises:
        SettingsError: naming the first such effect.
    """
    for step in preset.steps:
        if isinstance(step, EffectStep) and step.effect.needs_mesh and step.strength:
            raise SettingsError(
                "{name} needs the face mesh. Give --landmarks mesh (to have it: lianpu models fetch face-mesh).",
                key="preset.needs_mesh",
                name=step.effect.name,
            )


def check_terms(preset: Preset) -> None:
    """Refuse what may not be used under --commercial-safe, where that is asked for: natural shades of hair.

    Raises:
        SettingsError: naming the first such option.
    """
    for step in preset.steps:
        if isinstance(step, EffectStep) and step.strength:
            step.effect.check_terms(step.options)


def describe_steps(preset: Preset) -> str:
    """What a preset does in one line: `edit Blond_Hair=yes 0.8; lipstick 0.6`."""
    parts = []
    for step in preset.steps:
        if isinstance(step, EffectStep):
            parts.append(f"{step.effect.name} {step.strength:g}")
        else:
            values = " ".join(f"{name}={'yes' if value else 'no'}" for name, value in step.values.items())
            parts.append(f"edit {values} {step.strength:g}")
    return "; ".join(parts)


def hides_faces(preset: Preset) -> bool:
    """Whether a step makes faces unrecognisable: then nothing of the original may be copied (thumbnail, credential)."""
    return bool(hiding_steps(preset).steps)


def hiding_steps(preset: Preset) -> Preset:
    """The preset with only the steps that make faces unrecognisable."""
    hiding = tuple(step for step in preset.steps if isinstance(step, EffectStep) and step.effect.name == "anonymise")
    return replace(preset, steps=hiding)


def scale_preset(preset: Preset, by: float) -> Preset:
    """The preset with every strength multiplied by a strength, up to `STRONGEST`. Raises SettingsError for a number out of range."""
    by = check_strength(by, f"preset {preset.name}")
    steps: list[Step] = []
    for step in preset.steps:
        strength = min(STRONGEST, step.strength * by)
        if isinstance(step, EffectStep):
            steps.append(EffectStep(step.effect, strength, step.options))
        else:
            steps.append(EditStep(step.values, strength))
    return Preset(preset.name, tuple(steps))


def bundled_presets() -> tuple[str, ...]:
    """The names of the bundled presets."""
    return tuple(sorted(file.stem for file in PRESET_FOLDER.glob("*.yaml")))


def find_preset(name_or_file: str | Path) -> Preset:
    """The preset of a name of `bundled_presets`, or of a YAML file. Raises SettingsError as `read_preset` does."""
    word = str(name_or_file)
    if word in bundled_presets():
        return read_preset(PRESET_FOLDER / f"{word}.yaml")
    if Path(word).suffix.lower() in (".yaml", ".yml") or Path(word).is_file():
        return read_preset(Path(word))
    known = bundled_presets()
    raise SettingsError(
        "'{name}' is no preset{nearest}. Known: {known}, or the path of a .yaml file of your own.",
        key="preset.unknown",
        name=word,
        nearest=nearest_name(word, known),
        known=", ".join(known),
    )


def read_preset(file: Path | str) -> Preset:
    """The preset in a YAML file. Raises SettingsError that names the file and every problem in it."""
    path = Path(file)
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise SettingsError(
                f"{path} has {path.stat().st_size:,} bytes, too many for a preset. Give a small YAML file with steps."
            )
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"{path} is not there. Give the YAML file of a preset, or one of: {_names()}.") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsError(f"{path} cannot be read ({problem}). Give a YAML file.") from None
    return parse_preset(text, str(path), path.parent)


def parse_preset(text: str, source: str = "the preset", folder: Path | None = None) -> Preset:
    """The preset in a YAML text. Raises SettingsError that names `source` and every problem.

    Args:
        text: YAML.
        source: its name in messages.
        folder: where relative paths of pictures start.
    """
    try:
        value = load_yaml(text)
    except ValueError as problem:
        raise SettingsError(
            "{source} is no YAML ({reason}). Fix it.",
            key="preset.no_yaml",
            source=source,
            reason=" ".join(str(problem).split())[:200],
        ) from None
    if not isinstance(value, dict):
        raise SettingsError(
            "{source} has no steps. Write name: and steps:, as lianpu's own presets do ({known}).",
            key="preset.no_steps",
            source=source,
            known=_names(),
        )
    problems = [
        Message("unknown key '{name}'{nearest}", key="preset.unknown_key", name=key, nearest=nearest_name(str(key), _KEYS))
        for key in value
        if key not in _KEYS
    ]
    name, listed = value.get("name"), value.get("steps")
    if not isinstance(name, str) or not name.strip():
        problems.append(Message("name is a word, got {value!r}", key="preset.name", value=name))
    if not isinstance(listed, list) or not listed:
        none = Message("there are no steps", key="preset.empty")
        problems.append(Message("steps is a list, got {value!r}", key="preset.no_list", value=listed) if listed else none)
        listed = []
    if len(listed) > MOST_STEPS:
        raise SettingsError(
            "{source} has {count} steps; a preset has at most {most}. Leave some out.",
            key="preset.too_many_steps",
            source=source,
            count=len(listed),
            most=MOST_STEPS,
        )
    steps: list[Step] = []
    for number, entry in enumerate(listed, start=1):
        try:
            steps.append(_step(entry, folder))
        except SettingsError as problem:
            problems.append(Message("step {number}: {problem}", key="preset.step", number=number, problem=problem))
    if problems:
        raise SettingsError("{source}: {problems}.", key="preset.problems", source=source, problems=tuple(problems))
    return Preset(str(name).strip(), tuple(steps))


def dump_preset(preset: Preset) -> str:
    """The preset as YAML that `read_preset` reads."""
    steps: list[dict[str, Any]] = []
    for step in preset.steps:
        what: dict[str, Any] = {"effect": step.effect.name} if isinstance(step, EffectStep) else {"edit": dict(step.values)}
        more = dict(step.options) if isinstance(step, EffectStep) else {}
        steps.append(what | {"strength": step.strength} | more)
    return dump_yaml({"name": preset.name, "steps": steps})


def _step(entry: object, folder: Path | None) -> Step:
    if not isinstance(entry, dict) or ("effect" in entry) == ("edit" in entry):
        raise SettingsError(
            "a step is either effect: NAME or edit: {{ATTRIBUTE: yes}}, got {value!r}", key="preset.no_step", value=entry
        )
    rest = {str(key): value for key, value in entry.items() if key not in ("effect", "edit", "strength")}
    strength = entry.get("strength", 1.0)
    if "effect" in entry:
        effect = effect_of(str(entry["effect"]))
        return EffectStep(effect, strength, rest if folder is None else _found_from(folder, effect, rest))
    values = entry["edit"]
    if rest:
        raise SettingsError(
            "edit has no option '{name}'. It takes a strength, no more", key="preset.edit_option", name=next(iter(rest))
        )
    if not isinstance(values, dict) or not all(isinstance(value, bool) for value in values.values()):
        raise SettingsError(
            "edit: write {{ATTRIBUTE: yes}} or {{ATTRIBUTE: no}}, got {value!r}", key="preset.no_values", value=values
        )
    return EditStep({str(name): value for name, value in values.items()}, strength)


def _found_from(folder: Path, effect: Effect, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, pictures among them as paths from `folder`."""
    pictures = {option.name for option in effect.options if option.kind == "picture"}
    return {name: str(folder / str(value)) if name in pictures and value else value for name, value in options.items()}


def _names() -> str:
    return ", ".join(bundled_presets())


YES = ("yes", "y", "true", "1", "on")

NO = ("no", "n", "false", "0", "off")


def parse_values(words: Sequence[str], option: str) -> dict[str, bool]:
    """`("Blond_Hair=yes",)` as {"Blond_Hair": True}. Raises SettingsError, naming `option`, for any other spelling."""
    values: dict[str, bool] = {}
    for word in words:
        name, _, value = word.partition("=")
        if value.lower() not in (*YES, *NO):
            raise SettingsError(f"{option} {word}: write NAME=yes or NAME=no.")
        if values.get(name, value.lower() in YES) != (value.lower() in YES):
            raise SettingsError(f"{option} says both yes and no of {name}. Give one of them.")
        values[name] = value.lower() in YES
    return values


def parse_effect(word: str) -> EffectStep:
    """`lipstick`, `lipstick=0.8`, `hair_color:color=#aa3355,strength=0.6` or `age=-25` (`Effect.main`) as a step.

    For an effect with a main option, a number with a sign is never the strength: `age=+1` is one year, `age=1` strength 1.

    Raises:
        SettingsError: an unknown effect or option, a strength out of range, or another spelling.
    """
    head, _, tail = word.partition(":")
    name, equals, strength = head.partition("=")
    options: dict[str, object] = {}
    for pair in filter(None, tail.split(",")):
        key, sign, value = pair.partition("=")
        if not sign or key in options:
            raise SettingsError(f"--effect {word}: write NAME=STRENGTH or NAME:OPTION=VALUE,OPTION=VALUE, each option once.")
        options[key] = value
    effect = effect_of(name)
    if equals and effect.main and effect.main not in options and not _is_strength(strength, effect):
        if "," in strength:
            raise SettingsError(
                f"--effect {word}: options come after a colon: {name}={strength.replace(',', ':', 1)}, or "
                f"{name}:{effect.main}={strength}."
            )
        main = next(option for option in effect.options if option.name == effect.main)
        if main.kind == "choice" and "+" not in strength and strength not in main.choices:
            raise SettingsError(
                f"--effect {word}: '{strength}' is neither a strength (0 to {STRONGEST:g}) nor known as {effect.main}"
                f"{nearest_name(strength, main.choices)}. Known: {', '.join(main.choices)}."
            )
        options[effect.main], equals = strength, ""
    if "color" in options and options.get("shade", PICKED) != PICKED:
        raise SettingsError(f"--effect {word}: the shade has a colour of its own. Give either color or shade.")
    if equals and "strength" in options:
        raise SettingsError(f"--effect {word} has two strengths. Give one.")
    return EffectStep(effect, strength if equals else options.pop("strength", 1.0), options)  # type: ignore[arg-type]  # words are read by the step


def _is_strength(word: str, effect: Effect) -> bool:
    """Whether a word is a strength and not the value of the main option.

    Where that option is a number, a strength is a number from 0 to `STRONGEST` without a sign; where it is a choice, any number is.
    """
    try:
        number = float(word)
    except ValueError:
        return False
    is_number = next(option.kind for option in effect.options if option.name == effect.main) == "number"
    return not is_number or (not word.strip().startswith(("+", "-")) and 0 <= number <= STRONGEST)


def preset_from_options(values: Sequence[str], strength: str, preset: str | Path | None, effects: Sequence[str]) -> Preset:
    """The steps that `--set`, `--preset` and `--effect` ask for, in this order.

    Raises:
        SettingsError: nothing is asked for, or a word is unknown.
    """
    how_strong = check_strength(strength, "--strength")
    steps: list[Step] = []
    name = "lianpu edit"
    if values:
        steps.append(EditStep(parse_values(values, "--set"), how_strong))
    if preset is not None:
        found = scale_preset(find_preset(preset), how_strong)
        name = found.name
        steps += found.steps
    steps += [parse_effect(word) for word in effects]
    if not steps:
        raise SettingsError("Nothing to do. Give --set Blond_Hair=yes, --effect lipstick=0.8, or --preset NAME.")
    if how_strong != 1.0 and not values and preset is None:
        raise SettingsError(
            f"--strength {strength} belongs to --set and --preset, and neither is given. Write --effect NAME={strength}."
        )
    return Preset(name, tuple(steps))
