"""The errors that visitors can meet, raised in earnest, in every language of the page."""

import ast
import re
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lianpu
from lianpu.attributes import AttributeSet
from lianpu.editing.attributes import crop_template, label_request
from lianpu.editing.presets import (
    EditStep,
    EffectStep,
    Preset,
    apply_preset,
    check_mesh,
    find_preset,
    parse_preset,
    with_hair_shades,
)
from lianpu.editors.editor import ModelInfo
from lianpu.effects.catalogue import EFFECTS, Option, check_strength
from lianpu.effects.stickers import read_sticker
from lianpu.errors import LianpuError, PictureError, SettingsError
from lianpu.faces.analyzer import choose
from lianpu.files import write_text
from lianpu.models.store.locate import commercial_safe
from lianpu.photo.reading import read_photo
from lianpu.transforms.apply import transformed
from lianpu.transforms.model import load_transform
from lianpu.web.language import LANGUAGES, error_line, load_words, translated
from lianpu.web.requests import read_known, requested_preset
from tests.support.subjects import drawn_photo

ATTRIBUTES = AttributeSet.of(("Black_Hair", "Blond_Hair", "Male"))
NEEDS_LABELS = ModelInfo(ATTRIBUTES, 64, "celebamask-hq", licence="none", label_input="target")
FACES: Any = [SimpleNamespace(face=SimpleNamespace(area=1))] * 3


def _calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call in the package that gives a key: file and line, and the call."""
    root = Path(lianpu.__file__).parent
    for file in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                name = node.func.id
                if name == "page_error" or ((name == "Message" or name.endswith("Error")) and _constant(node, "key")):
                    yield f"{file.relative_to(root)}:{node.lineno}", node


def _constant(call: ast.Call, name: str) -> str:
    return next((str(one.value.value) for one in call.keywords if one.arg == name and isinstance(one.value, ast.Constant)), "")


def _first(call: ast.Call) -> str:
    """The template, or the key of `page_error`."""
    assert isinstance(call.args[0], ast.Constant), ast.unparse(call)
    return str(call.args[0].value)


def _places(line: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(line) if name}


def test_every_key_that_is_raised_has_a_line_in_every_language_with_the_same_values() -> None:
    used: set[str] = set()
    for where, call in _calls():
        from_words = getattr(call.func, "id", "") == "page_error"
        key = f"errors.page.{_first(call)}" if from_words else f"errors.{_constant(call, 'key')}"
        english = load_words("en").lines[key] if from_words else _first(call)
        given = {one.arg for one in call.keywords} - {"key"}
        assert _places(english) == given, where
        for code in LANGUAGES:
            if from_words or code != "en":  # the others' English stands where they are raised
                assert key in load_words(code).lines, f"{where}: {key} has no line in {code}.yaml"
                assert _places(load_words(code).lines[key]) == given, f"{where}: {key} in {code}.yaml"
        used.add(key)
    assert len(used) > 60
    for code in LANGUAGES:
        unused = {key for key in load_words(code).lines if key.startswith("errors.")} - used
        assert not unused, f"{code}.yaml has lines for errors that nobody raises"


def _preset(steps: str) -> Callable[[], object]:
    return lambda: parse_preset(f"name: x\nsteps: {steps}", "preset")


def _broken(folder: Path) -> object:
    file = folder / "cut.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(file)
    file.write_bytes(file.read_bytes()[:700])
    return read_photo(file)


def _animation(folder: Path) -> object:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save(folder / "dance.gif", save_all=True, append_images=frames[1:])
    return read_photo(folder / "dance.gif")


def _endless(folder: Path) -> object:
    Image.new("L", (60_000, 40)).save(folder / "endless.png")
    return read_photo(folder / "endless.png")


def _wide_sticker(folder: Path) -> object:
    Image.new("RGBA", (9000, 90)).save(folder / "line.png")
    return read_sticker(folder / "line.png")


def _letter(folder: Path) -> object:
    (folder / "letter.png").write_text("Dear Anna", encoding="utf-8")
    return read_photo(folder / "letter.png")


def _empty(folder: Path) -> object:
    (folder / "empty.png").touch()
    return read_photo(folder / "empty.png")


def _blond_commercially() -> None:
    with commercial_safe(True):
        EFFECTS["hair_color"].check_terms({"shade": "blond"})


def _option(kind: str) -> Option:
    return next(option for effect in EFFECTS.values() for option in effect.options if option.kind == kind)


def _without_options() -> Any:
    return next(effect for effect in EFFECTS.values() if not effect.options)


RAISED: list[tuple[str, Callable[[Path], object]]] = [
    ("photo.broken", _broken),
    ("photo.several", _animation),
    ("photo.sticker_too_large", _wide_sticker),
    ("photo.too_long", _endless),
    ("photo.not_a_picture", _letter),
    ("photo.empty", _empty),
    ("photo.not_there", lambda folder: read_photo(folder / "none.png")),
    ("photo.folder", read_photo),
    ("file.not_writable", lambda folder: write_text(Path("/proc/none/a.txt"), "x")),
    *(
        (key, lambda folder, call=call: call())
        for key, call in (
            ("faces.no_such_number", lambda: choose(FACES, "7")),
            ("faces.no_such_number", lambda: choose(FACES[:1], "7")),
            ("faces.unreadable", lambda: choose(FACES, "../x")),
            ("effect.strength_out_of_range", lambda: check_strength(7, "lipstick")),
            ("not_a_number", lambda: check_strength("abc", "lipstick")),
            ("effect.problem", lambda: EFFECTS["lipstick"].read_options({"color": "rosy"})),
            ("effect.unknown_option", lambda: EFFECTS["lipstick"].read_options({"colour": "#112233"})),
            ("effect.unknown_option", lambda: _without_options().read_options({"color": 1})),
            ("option.no_choice", lambda: _option("choice").read("zebra")),
            ("option.no_colour", lambda: _option("color").read("zebra")),
            ("option.out_of_range", lambda: Option("size", "number", 0.5, {"en": "Size"}).read(1e9)),
            ("not_a_number", lambda: Option("size", "number", 0.5, {"en": "Size"}).read("wide")),
            ("option.no_switch", lambda: Option("mirrored", "switch", False, {"en": "Mirrored"}).read("perhaps")),
            ("attribute.unknown", lambda: ATTRIBUTES.index("Blond")),
            (
                "attribute.exclusive",
                lambda: ATTRIBUTES.with_values(np.zeros((1, 3), np.float32), {"Black_Hair": True, "Blond_Hair": True}),
            ),
            (
                "attribute.no_colour",
                lambda: with_hair_shades(
                    Preset("x", (EditStep({f"{name}_Hair": False for name in ("Black", "Brown", "Blond", "Gray")}, 1.0),))
                ),
            ),
            ("effect.not_commercial", lambda: _blond_commercially()),
            ("attribute.none_set", lambda: label_request(NEEDS_LABELS, {})),
            ("attribute.no_truth", lambda: label_request(NEEDS_LABELS, {"Male": "no"})),  # type: ignore[dict-item]
            ("editor.needs_labels", lambda: label_request(NEEDS_LABELS, {"Blond_Hair": True})),
            ("editor.unknown_alignment", lambda: crop_template(ModelInfo(ATTRIBUTES, 64, "by hand"))),
            (
                "preset.needs_editor",
                lambda: apply_preset(np.zeros((8, 8, 3), np.uint8), (), Preset("x", (EditStep({"Male": True}, 1.0),)), None, {}),
            ),
            ("preset.needs_mesh", lambda: check_mesh(Preset("x", (EffectStep(EFFECTS["age"]),)))),
            ("transform.no_mesh", lambda: transformed(*drawn_photo(), load_transform(), gender=1.0)),
            ("preset.unknown", lambda: find_preset("evenin")),
            ("preset.no_yaml", lambda: parse_preset("a: [", "preset")),
            ("preset.no_steps", lambda: parse_preset("words", "preset")),
            ("preset.problems", lambda: parse_preset("name: x\nstps: []", "preset")),
            ("preset.problems", lambda: parse_preset("name: 3\nsteps: [{}]", "preset")),
            ("preset.problems", _preset("3")),
            ("preset.problems", _preset("[]")),
            ("preset.problems", _preset("[{effect: lipstik}, {}]")),
            ("preset.problems", _preset("[{edit: {Male: yes}, color: 1}]")),
            ("preset.problems", _preset("[{edit: {Male: 1}}]")),
            ("preset.problems", _preset("[{edit: {}}]")),
            (
                "api.file_option",
                lambda: requested_preset({"steps": [{"effect": "replace_background", "picture": "/x.png"}]}),
            ),
            ("api.known", lambda: read_known(3)),
            ("api.preset", lambda: requested_preset("evenin")),
        )
    ),
]


def _raised(call: Callable[[Path], object], folder: Path) -> LianpuError:
    with pytest.raises(LianpuError) as problem:
        call(folder)
    return problem.value


@pytest.mark.parametrize(("key", "call"), RAISED, ids=[key for key, _ in RAISED])
def test_an_error_has_its_key_and_its_chinese_has_no_english_sentence_left(
    key: str, call: Callable[[Path], object], tmp_path: Path
) -> None:
    problem = _raised(call, tmp_path)
    assert problem.key == key
    chinese = translated(problem, load_words("zh"))
    assert re.search(r"[\u4e00-\u9fff]", chinese)
    outside = re.sub(r"（[^（）]*）", "", chinese)  # a reason in brackets is another library's
    assert not re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", outside), chinese
    assert translated(problem, load_words("en")) == str(problem)


def test_what_an_error_is_about_is_kept_in_chinese() -> None:
    with pytest.raises(SettingsError) as problem:
        parse_preset("name: x\nstps: 3\nsteps: [{effect: lipstick, strength: 7}, {effect: lipstick, color: rosy}]", "preset")
    assert str(problem.value) == (
        "preset: unknown key 'stps' (did you mean 'steps'?); "
        "step 1: lipstick: strength 7 is not from 0 to 1.5. 0 changes nothing, 1 is the effect as it is meant; "
        "step 2: lipstick: option color: 'rosy' is no colour. Write it as #rrggbb, as in #aa3355."
    )
    assert translated(problem.value, load_words("zh")) == (
        "preset：未知的键“stps”（是不是“steps”？）；"
        "第 1 步：lipstick：强度 7 不在 0 到 1.5 之间。0 表示不变，1 为正常效果；"
        "第 2 步：lipstick：选项 color：“rosy”不是颜色。请写成 #rrggbb，例如 #aa3355。"
    )


def test_an_error_without_a_key_or_whose_key_has_no_line_is_english() -> None:
    words = load_words("zh")
    assert translated(SettingsError("Something {new}."), words) == "Something {new}."
    assert translated(SettingsError("{count} new things.", key="no.such.key", count=3), words) == "3 new things."
    inner = SettingsError("Something new.")
    assert translated(SettingsError("{effect}: {problem}", key="effect.problem", effect="lipstick", problem=inner), words) == (
        "lipstick：Something new."
    )


def test_a_line_names_no_folder_of_the_server_and_of_a_defect_no_details(tmp_path: Path) -> None:
    folder = tmp_path / "visit-1_x" / "a-b"
    problem = PictureError("{file} is empty (0 bytes).", key="photo.empty", file=folder / "my photo.jpg")
    assert error_line(problem, load_words("en"), tmp_path) == "The picture cannot be read: my photo.jpg is empty (0 bytes)."
    assert error_line(problem, load_words("zh"), tmp_path).startswith("图片无法读取：my photo.jpg 是空文件")
    assert error_line(LianpuError("first\nsecond"), load_words("en")) == "first second"
    for code in LANGUAGES:
        assert "secret" not in error_line(RuntimeError("secret"), load_words(code))
