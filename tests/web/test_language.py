"""The library's errors, raised in earnest, in the page's language."""

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lianpu.attributes import AttributeSet
from lianpu.editing.attributes import request_of
from lianpu.editing.presets import EditStep, Preset, apply_preset, preset_of_text
from lianpu.editors.editor import ModelInfo
from lianpu.effects.catalogue import EFFECTS
from lianpu.effects.effect import Option, check_strength
from lianpu.effects.stickers import read_sticker
from lianpu.errors import LianpuError, SettingsError
from lianpu.faces.analyzer import choose
from lianpu.photo.file import read_photo
from lianpu.web.api.endpoints import Endpoints, _labels, path_of
from lianpu.web.language import _sentences, in_language, load_words
from lianpu.web.page.controls import refuse_server_files

ATTRIBUTES = AttributeSet.of(("Black_Hair", "Blond_Hair", "Male"))
TOLD_ALL = ModelInfo(ATTRIBUTES, 64, "celebamask-hq", licence="none", label_input="target")
CALLS: Any = Endpoints(None, None)  # type: ignore[arg-type]  # reading a preset asks neither engine nor visits


def _preset(steps: str) -> Callable[[], object]:
    return lambda: preset_of_text(f"name: x\nsteps: {steps}", "preset")


def _broken(folder: Path) -> object:
    file = folder / "cut.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(file)
    file.write_bytes(file.read_bytes()[:700])
    return read_photo(file)


def _animation(folder: Path) -> object:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save(folder / "dance.gif", save_all=True, append_images=frames[1:])
    return read_photo(folder / "dance.gif")


def _wide_sticker(folder: Path) -> object:
    Image.new("RGBA", (9000, 1)).save(folder / "line.png")
    return read_sticker(folder / "line.png")


FACES: Any = [SimpleNamespace(face=SimpleNamespace(area=1))] * 3
RAISED: list[Callable[[Path], object]] = [
    _broken,
    _animation,
    _wide_sticker,
    *(
        (lambda folder, call=call: call())
        for call in (
            lambda: choose(FACES, "7"),
            lambda: choose(FACES[:1], "7"),
            lambda: choose(FACES, "../x"),
            lambda: check_strength(7, "lipstick"),
            lambda: check_strength("abc", "lipstick"),
            lambda: EFFECTS["lipstick"].read_options({"color": "rosy"}),
            lambda: EFFECTS["lipstick"].read_options({"colour": "#112233"}),
            lambda: _option("choice").read("zebra"),
            lambda: Option("size", "number", 0.5, {"en": "Size"}).read(1e9),
            lambda: Option("mirrored", "switch", False, {"en": "Mirrored"}).read("perhaps"),
            lambda: _without_options().read_options({"color": 1}),
            lambda: ATTRIBUTES.index("Blond"),
            lambda: ATTRIBUTES.with_values(np.zeros((1, 3), dtype=np.float32), {"Black_Hair": True, "Blond_Hair": True}),
            lambda: request_of(TOLD_ALL, {"Blond_Hair": True}),
            lambda: apply_preset(np.zeros((8, 8, 3), np.uint8), (), Preset("x", (EditStep({"Male": True}, 1.0),)), None, {}),
            lambda: preset_of_text("a: [", "preset"),
            lambda: preset_of_text("words", "preset"),
            lambda: preset_of_text("name: x\nstps: []", "preset"),
            _preset("3"),
            _preset("[]"),
            _preset("[{effect: lipstik}, {}]"),
            _preset("[{edit: {Male: yes}, color: 1}]"),
            _preset("[{edit: {Male: 1}}]"),
            _preset("[{edit: {}}]"),
            lambda: refuse_server_files(preset_of_text("name: x\nsteps: [{effect: replace_background, picture: /x.png}]")),
            lambda: _labels(3),
            lambda: path_of(None),
            lambda: CALLS._preset("evenin", 1.0),
        )
    ),
]


def _option(kind: str) -> Any:
    return next(option for effect in EFFECTS.values() for option in effect.options if option.kind == kind)


def _without_options() -> Any:
    return next(effect for effect in EFFECTS.values() if not effect.options)


def _said(raised: Callable[[Path], object], folder: Path) -> str:
    with pytest.raises(LianpuError) as problem:
        raised(folder)
    return " ".join(str(problem.value).split())


def test_every_sentence_is_said_in_chinese_and_every_chinese_one_is_used(tmp_path: Path) -> None:
    words, used = load_words("zh"), set()
    for raised in RAISED:
        english = _said(raised, tmp_path).replace(f"{tmp_path}/", "")
        chinese = in_language(english, words)
        assert not re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", chinese), (english, chinese)
        assert re.search(r"[\u4e00-\u9fff]", chinese), english
        for pattern, sentence in _sentences("zh"):
            if pattern.search(english):
                used.add(pattern.pattern)
                english = pattern.sub(sentence, english)
    assert used == {pattern.pattern for pattern, _ in _sentences("zh")}


def test_what_an_error_is_about_is_kept() -> None:
    words = load_words("zh")
    problem = SettingsError(
        "preset: step 2: lipstick: strength 7 is not from 0 to 1.5. 0 changes nothing, 1 is the effect as it is meant."
    )
    assert (
        in_language(str(problem), words) == "preset: 第 2 步：lipstick: strength 7 不在 0 到 1.5 之间。0 表示不变，1 为正常效果。"
    )
    assert in_language("Something new.", words) == "Something new."
    assert in_language(str(problem), load_words("en")) == str(problem)
