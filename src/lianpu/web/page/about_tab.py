"""The tab on models: the editor, the face models and their licences, the XMP mark, and the limits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lianpu.errors import WeightsError
from lianpu.faces.mesh import MeshReader
from lianpu.models.table import model_file
from lianpu.photo import c2pa as content_credentials
from lianpu.web.language import Words
from lianpu.web.page.controls import Labels
from lianpu.web.page.controls_column import attribute_title
from lianpu.web.photos import PageEngine
from lianpu.web.toolkit import gr

_WEIGHTS = {"buffalo_l": "scrfd-10g", "yunet_n_640_640": "yunet-640", "blazeface": "blazeface-full", "dlib": ""}
"""Names in the model table of detectors whose name differs there; empty for dlib's, which is part of its library."""

_CARDS = {"en": ".md", "zh": ".zh-CN.md"}

_DLIB = "Boost Software License (dlib)"


def about_tab(labels: Labels, engine: PageEngine, cards: Mapping[str, str]) -> None:
    """Make the text in the current Gradio context."""
    labels.add(gr.Markdown, lambda words: {"value": about_text(words, engine, cards)}, elem_id="about")


def about_text(words: Words, engine: PageEngine, cards: Mapping[str, str]) -> str:
    """The text of the tab, as Markdown.

    Args:
        words: the page's language.
        engine: the session with its models, and the limits.
        cards: the editor's model card, Markdown, by language (`model_cards`); English where the page's language has none.
    """
    limits = engine.limits
    card = cards.get(words.code) or cards.get("en", "")
    parts = [
        f"### {words.line('about.editor')}\n\n{editor_text(words, engine)}",
        f"### {words.line('about.others')}\n\n{_table(_face_models(words, engine))}",
        f"### {words.line('about.mark')}\n\n{words.line('about.mark_text', credentials=_credentials(words, engine))}",
        "### "
        + words.line("about.limits")
        + "\n\n"
        + words.line(
            "about.limits_text",
            mb=f"{limits.max_mb:g}",
            megapixels=f"{limits.max_megapixels:g}",
            photos=limits.max_photos,
            minutes=f"{limits.keep_minutes:g}",
        ),
        f"### {words.line('about.api')}\n\n{words.line('about.api_text', url=words.line('about.api_url'))}",
    ]
    if card:
        parts.insert(1, f"### {words.line('about.card')}\n\n{_with_lower_headings(card)}")
    return "\n\n".join(parts)


def editor_text(words: Words, engine: PageEngine) -> str:
    """The editor as a table: its file, attributes and licence."""
    if engine.session.editor is None:
        return words.line("about.no_editor")
    info = engine.session.editor.info
    run = f"{info.run_id}, {info.step:,} {words.line('about.steps')}" if info.run_id else ""
    rows = {
        "file": engine.editor_name,
        "kind": engine.session.editor.kind,
        "attributes": ", ".join(f"{attribute_title(words, name)} (`{name}`)" for name in info.attributes.names),
        "size": f"{info.image_size} × {info.image_size}",
        "licence": f"**{info.licence}**",
        "run": run,
    }
    return _table({words.line(f"about.{key}"): value for key, value in rows.items() if value})


def model_cards(source: Path) -> dict[str, str]:
    """The model cards next to a model file by language: `model.md` in English, `model.zh-CN.md` in Chinese."""
    if not source.is_file():
        return {}
    files = {code: source.with_suffix(ending) for code, ending in _CARDS.items()}
    return {code: file.read_text(encoding="utf-8") for code, file in files.items() if file.is_file()}


def _face_models(words: Words, engine: PageEngine) -> dict[str, str]:
    parser = engine.session.analyzer.parser
    is_mesh = isinstance(engine.session.analyzer.landmarks, MeshReader)
    by_default = (
        f"face mesh: {model_file('face-mesh').licence}" if is_mesh else f"dlib: {model_file('dlib-landmarks-68').licence}"
    )
    landmarks = engine.own_landmarks or by_default
    return {
        words.line(
            "about.detector"
        ): f"{engine.session.analyzer.detector.name}: {_licence(engine.session.analyzer.detector.name)}",
        words.line("about.parser"): words.line("about.no_parser") if parser is None else f"{parser.name}: {parser.licence}",
        words.line("about.landmarks"): landmarks,
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
        return words.line("about.signed")
    return words.line("about.unsigned_no_certificate" if content_credentials.is_installed() else "about.unsigned_absent")


def _table(rows: dict[str, Any]) -> str:
    lines = [f"| {name} | {str(value).replace('|', '/')} |" for name, value in rows.items()]
    return "\n".join(["| | |", "|---|---|", *lines])


def _with_lower_headings(card: str) -> str:
    """A card with its headings three levels lower, below those of the tab."""
    return "\n".join(f"###{line}" if line.startswith("#") else line for line in card.splitlines())
