"""The tab on models: what edits, what sees, what each may be used for, and what the page keeps and marks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lianpu import content_credentials
from lianpu.errors import WeightsError
from lianpu.web.controls_column import attribute_title
from lianpu.web.desk import Desk
from lianpu.web.labels import Labels
from lianpu.web.language import Words
from lianpu.web.toolkit import gr
from lianpu.weights import model_file

_WEIGHTS = {"buffalo_l": "scrfd-10g", "yunet_n_640_640": "yunet-640", "dlib": ""}
"""Detectors whose weights have another name in the table; dlib's is part of its library."""
_CARDS = {"en": ".md", "zh": ".zh-CN.md"}
_DLIB = "Boost Software License (dlib)"


def about_tab(labels: Labels, desk: Desk, cards: Mapping[str, str]) -> None:
    """The text, made where Gradio stands."""
    labels.made(gr.Markdown, lambda words: {"value": about_text(words, desk, cards)}, elem_id="about")


def about_text(words: Words, desk: Desk, cards: Mapping[str, str]) -> str:
    """All that the tab says, as Markdown.

    Args:
        words: the page's language.
        desk: what edits.
        cards: the editor's model card, Markdown, by language (see `cards_of`); none in the page's language is shown in English.
    """
    limits = desk.limits
    card = cards.get(words.code) or cards.get("en", "")
    parts = [
        f"### {words.say('about.editor')}\n\n{editor_text(words, desk)}",
        f"### {words.say('about.others')}\n\n{_table(_seeing(words, desk))}",
        f"### {words.say('about.mark')}\n\n{words.say('about.mark_text', credentials=_credentials(words, desk))}",
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


def editor_text(words: Words, desk: Desk) -> str:
    """The editor as a table: what it was loaded from, its attributes, and its licence."""
    if desk.editor is None:
        return words.say("about.no_editor")
    info = desk.editor.info
    run = f"{info.run_id}, {info.step:,} {words.say('about.steps')}" if info.run_id else ""
    rows = {
        "file": desk.editor_name,
        "kind": desk.editor.kind,
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


def _seeing(words: Words, desk: Desk) -> dict[str, str]:
    parser = desk.studio.parser
    landmarks = desk.own_landmarks or f"dlib: {model_file('dlib-landmarks-68').licence}"
    return {
        words.say("about.detector"): f"{desk.studio.detector.name}: {_licence(desk.studio.detector.name)}",
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


def _credentials(words: Words, desk: Desk) -> str:
    if desk.signing is not None:
        return words.say("about.signed")
    return words.say("about.unsigned_no_certificate" if content_credentials.is_installed() else "about.unsigned_absent")


def _table(rows: dict[str, Any]) -> str:
    lines = [f"| {name} | {str(value).replace('|', '/')} |" for name, value in rows.items()]
    return "\n".join(["| | |", "|---|---|", *lines])


def _lowered(card: str) -> str:
    """A card with its headings below the tab's."""
    return "\n".join(f"###{line}" if line.startswith("#") else line for line in card.splitlines())
