"""Words and figures in both languages."""

import ast
import re
import string
from pathlib import Path

import pytest

import lianpu.report.language as language_module
from lianpu.errors import SettingsError
from lianpu.report.language import LANGUAGES, digits_for, load_language, readable_time, scientific

ENGLISH, CHINESE = (load_language(code) for code in LANGUAGES)
SOURCES = Path(language_module.__file__).parent


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_languages_have_the_same_keys_and_places() -> None:
    assert set(ENGLISH.words) == set(CHINESE.words)
    other = [key for key in ENGLISH.words if _places(ENGLISH.words[key]) != _places(CHINESE.words[key])]
    assert not other


def test_chinese_sentences_are_chinese() -> None:
    """Names (FID, ONNX) stay Latin; nothing longer does."""
    words = {key: re.sub(r"\{\w+\}|`[^`]*`", "", text) for key, text in CHINESE.words.items()}
    untranslated = {key for key, text in words.items() if not re.search("[\u4e00-\u9fff]", text) and len(text.split()) > 2}
    assert not untranslated


def test_every_spelled_key_exists() -> None:
    keys: set[str] = set()
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "say":
                keys |= {str(word.value) for word in node.args[:1] if isinstance(word, ast.Constant)}
    assert len(keys) > 80
    assert keys <= set(ENGLISH.words)


def test_unknown_language_is_refused_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"not written in 'zhh' \(did you mean 'zh'\?\)\. Languages: en, zh\."):
        load_language("zhh")


def test_transforms_are_said_as_the_document_says_them() -> None:
    assert CHINESE.transform("Black_Hair -> Blond_Hair") == "黑发 → 金发"
    assert CHINESE.transform("Male -> not Male") == "男 → 女"
    assert CHINESE.transform("Young -> not Young") == "年轻 → 年老"
    assert ENGLISH.transform("Male + not Young -> Male + Young") == "male + old → male + young"


def test_unknown_attributes_and_metrics_keep_their_own_names() -> None:
    assert ENGLISH.transform("Freckles -> not Freckles") == "Freckles → not Freckles"
    assert CHINESE.transform("Freckles -> not Freckles") == "Freckles → 非Freckles"
    assert ENGLISH.metric("sharpness") == "sharpness" and CHINESE.metric_column("sharpness") == "sharpness"


def test_nothing_measured_is_said_never_a_number() -> None:
    for cell in (ENGLISH.number(None), ENGLISH.percent(None), ENGLISH.bytes(None), ENGLISH.duration(None), ENGLISH.cell(None)):
        assert cell.text == "not measured" and cell.missing
    assert CHINESE.number(None).text == "未测量"


def test_figures_have_sensible_digits() -> None:
    assert ENGLISH.number(31.2).text == "31.2"
    assert ENGLISH.number(2.634).text == "2.63"
    assert ENGLISH.number(0.03124).text == "0.0312"
    assert ENGLISH.number(12345.6).text == "12,345.6"
    assert ENGLISH.number(-0.5, 2).text == "−0.50"
    assert ENGLISH.percent(0.7575).text == "75.8%"
    assert ENGLISH.bytes(33_722_112).text == "33.7 MB" and ENGLISH.bytes(6_009).text == "6 kB"
    assert (
        ENGLISH.duration(5412).text == "1.5 h"
        and CHINESE.duration(90).text == "1.5 分钟"
        and ENGLISH.duration(42.0).text == "42 s"
    )
    assert digits_for([None, 0.0]) == 3 and digits_for([]) == 3 and digits_for([0.5, 31.2]) == 1
    assert scientific(3.1e-6) == "3.1 × 10⁻⁶" and scientific(1e-4) == "1 × 10⁻⁴"


def test_times_are_readable_and_other_texts_stay() -> None:
    assert readable_time("2025-03-01T10:00:00.123+08:00") == "2025-03-01 10:00:00 +08:00"
    assert readable_time("AMD EPYC") == "AMD EPYC"


def test_full_width_punctuation_has_no_spaces_beside_it() -> None:
    text = CHINESE.say("verdict.distance_fell", name="弗雷歇距离（EfficientNet-Lite0）", first="78.2", step="1,000", value="31.2")
    assert "）从第" in text and " ）" not in text
