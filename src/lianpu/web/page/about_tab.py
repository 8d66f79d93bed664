"""The tab on models: what edits, what sees, what each may be used for, and what the page keeps and marks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lianpu.errors import WeightsError
from lianpu.models.table import model_file
from lianpu.photo import c2pa as content_credentials
from lianpu.web.language import Words
from lianpu.web.page.controls import Labels
from lianpu.web.page.controls_column import attribute_title
from lianpu.web.photos import PageEngine
from lianpu.web.toolkit import gr

_WEIGHTS = {"buffalo_l": "scrfd-10g", "yunet_n_640_640": "yunet-640", "dlib": ""}
"""Detectors whose weights have another name in the table; dlib's is part of its library."""

_CARDS = {"en": ".md", "zh": ".zh-CN.md"}

_DLIB = "Boost Software License (dlib)"


def about_tab(labels: Labels, engine: PageEngine, cards: Mapping[str, str]) -> None:
    """The text, made where Gradio stands."""
    labels.made(gr.Markdown, lambda words: {"value": about_text(words, engine, cards)}, elem_id="about")


def about_text(words: Words, engine: PageEngine, cards: Mapping[str, str]) -> str:
    """All that the tab says, as Markdown.

    Args:
        words: the page's language.
        engine: what edits.
        cards: the editor's model card, Markdown, by language (see `cards_of`); none in the page's language is shown in English.
    """
    limits = engine.limits
    card = cards.get(words.code) or cards.get("en", "")
    parts = [
        f"### {words.say('about.editor')}\n\n{editor_text(words, engine)}",
        f"### {words.say('about.others')}\n\n{_table(_seeing(words, engine))}",
        f"### {words.say('about.mark')}\n\n{words.say('about.mark_text', credentials=_credentials(words, engine))}",
        "### "
        + words.say("about.limits")
        + "\n\n"
        + words.say(
            "about.limits_text",
            mb=f"{limits.max_mb:g}",
            megapixels=f"{limits.max_megapixels:g}",
            photos=limits.max_photos,
            minutes=f"{limits.keep_minutes:g}",
        ),
        f"### {words.say('about.api')}\n\n{words.say('about.api_text', url=words.say('about.api_url'))}",
    ]
    if card:
        parts.insert(1, f"### {words.say('about.card')}\n\n{_lowered(card)}")
    return "\n\n".join(parts)


def editor_text(words: Words, engine: PageEngine) -> str:
    """The editor as a table: what it was loaded from, its attributes, and its licence."""
    if engine.session.editor is None:
        return words.say("about.no_editor")
    info = engine.session.editor.info
    run = f"{info.run_id}, {info.step:,} {words.say('about.steps')}" if info.run_id else ""
    rows = {
        "file": engine.session.model,
        "kind": engine.session.editor.kind,
        "attributes": ", ".join(f"{attribute_title(words, name)} (`{name}`)" for name in info.attributes.names),
        "size": f"{info.image_size} × {info.image_size}",
        "licence": f"**{info.licence}**",
        "run": run,
    }
    return _table({words.say(f"about.{key}"): value for key, value in rows.items() if value})


def cards_of(source: Path) -> dict[str, str]:
    """The model cards that lie beside a model file, by language: `model.md` in English, `model.zh-CN.md` in Chinese."""
    if not source.is_file():
        return {}
    files = {code: source.with_suffix(ending) for code, ending in _CARDS.items()}
    return {code: file.read_text(encoding="utf-8") for code, file in files.items() if file.is_file()}


def _seeing(words: Words, engine: PageEngine) -> dict[str, str]:
    parser = engine.session.analyzer.parser
    landmarks = engine.own_landmarks or f"dlib: {model_file('dlib-landmarks-68').licence}"
    return {
        words.say(
            "about.detector"
        ): f"{engine.session.analyzer.detector.name}: {_licence(engine.session.analyzer.detector.name)}",
        words.say("about.parser"): f"{parser.name}: {parser.licence}",
        words.say("about.landmarks"): landmarks,
    }


def _licence(detector: str) -> str:
    name = _WEIGHTS.get(detector, detector)
    if not name:
        return _DLIB
    try:
        return model_file(name).licence
    except WeightsError:
        return "–"


def _credentials(words: Words, engine: PageEngine) -> str:
    if engine.session.signing is not None:
        return words.say("about.signed")
    return words.say("about.unsigned_no_certificate" if content_credentials.is_installed() else "about.unsigned_absent")


def _table(rows: dict[str, Any]) -> str:
    lines = [f"| {name} | {str(value).replace('|', '/')} |" for name, value in rows.items()]
    return "\n".join(["| | |", "|---|---|", *lines])


def _lowered(card: str) -> str:
    """A card with its headings below the tab's."""
    return "\n".join(f"###{line}" if line.startswith("#") else line for line in card.splitlines())
