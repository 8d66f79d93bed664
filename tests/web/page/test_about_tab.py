"""The card of the editor, in the page's language."""

import re
from pathlib import Path
from typing import Any

from lianpu.editing.session import EditSession
from lianpu.editors.loading import bundled_editor_file
from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.web.language import load_words
from lianpu.web.page.about_tab import about_text, model_cards
from lianpu.web.photos import Limits, PageEngine

NUMBER = re.compile(r"\d[\d,.]*\d|\d")


def _engine() -> PageEngine:
    named: Any = type("Named", (), {"name": "dlib", "licence": "free"})()
    return PageEngine(EditSession(FaceAnalyzer(named, named, named)), Limits())


def test_the_packages_editor_has_the_same_figures_on_its_card_in_english_and_chinese() -> None:
    cards = model_cards(bundled_editor_file("lite"))
    assert NUMBER.findall(cards["en"]) == NUMBER.findall(cards["zh"])
    assert "仅限非商业" in cards["zh"] and "non-commercial" in cards["en"]


def test_the_card_is_in_the_pages_language_and_else_in_english(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.touch()
    assert model_cards(model) == {}
    (tmp_path / "model.md").write_text("# Only English", encoding="utf-8")
    assert "#### Only English" in about_text(load_words("zh"), _engine(), model_cards(model))
    (tmp_path / "model.zh-CN.md").write_text("# 中文", encoding="utf-8")
    assert "#### 中文" in about_text(load_words("zh"), _engine(), model_cards(model))
    assert "Only English" in about_text(load_words("en"), _engine(), model_cards(model))
