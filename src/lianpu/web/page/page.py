"""The page: its tabs and controls, their events, and the calls of the API."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from lianpu.editing.presets import bundled_presets, find_preset
from lianpu.web.api.endpoints import Endpoints
from lianpu.web.language import LANGUAGES, Words, load_words
from lianpu.web.page.about_tab import about_tab
from lianpu.web.page.batch_tab import BatchEvents, batch_tab, bind_batch_tab
from lianpu.web.page.controls import Controls, Labels, texts
from lianpu.web.page.controls_column import QUIETLY, controls_column
from lianpu.web.page.photo_tab import PhotoEvents, PhotoTab, bind_photo_tab, photo_tab
from lianpu.web.page.theme import quoted
from lianpu.web.photos import PageEngine
from lianpu.web.server.visitor_files import VisitorFiles, visitor_id
from lianpu.web.toolkit import gr


def build_page(
    engine: PageEngine, visitor_files: VisitorFiles, language: str, cards: Mapping[str, str] | None = None
) -> gr.Blocks:
    """The page as Gradio's Blocks.

    Args:
        engine: analyzes and edits the photos.
        visitor_files: the files of visitors; Gradio must write its own below the same folder (GRADIO_TEMP_DIR).
        language: the one that the page opens in, of LANGUAGES.
        cards: the editor's model card, Markdown, by language.
    """
    labels = Labels(load_words(language))
    keep_s = 60 * engine.limits.keep_minutes
    with gr.Blocks(title="Lianpu 脸谱", analytics_enabled=False, delete_cache=(60, int(keep_s) + 60)) as page:
        labels.add(gr.HTML, _drop_texts, elem_id="words")
        with gr.Row(elem_id="top"):
            labels.add(gr.HTML, _brand, elem_id="brand")
            choice = gr.Radio(
                [(title, code) for code, title in LANGUAGES.items()],
                value=language,
                show_label=False,
                container=False,
                elem_id="language",
            )
        with gr.Row(elem_id="main"):
            with gr.Column(scale=7, min_width=300, elem_id="left"):
                with gr.Tabs():
                    with labels.add(gr.Tab, texts(label="photo.tab")):
                        photo = photo_tab(labels, keep_s)
                    with labels.add(gr.Tab, texts(label="batch.tab")):
                        batch = batch_tab(labels)
                    with labels.add(gr.Tab, texts(label="about.tab")):
                        about_tab(labels, engine, cards or {})
                labels.add(gr.Markdown, texts(value="page.privacy"), elem_id="privacy")
            with gr.Column(scale=5, min_width=300, elem_id="controls"):
                preset, reset = _preset_row(labels)
                controls = controls_column(labels, engine.session.editor, engine.session.effects)
                preset_yaml = _preset_view(labels)
        events = PhotoEvents(engine, visitor_files, controls)
        bind_photo_tab(photo, events, choice, preset_yaml)
        bind_batch_tab(batch, BatchEvents(events), choice)
        _bind_presets(preset, reset, controls)
        _bind_language(choice, labels, photo, events)
        page.unload(_remove_files(visitor_files))
        _add_endpoints(Endpoints(engine, visitor_files))
    return page


def _preset_row(labels: Labels) -> tuple[Any, Any]:
    with gr.Row(equal_height=True, elem_id="presets"):
        preset = labels.add(gr.Dropdown, _presets, value="", scale=3, min_width=160, elem_id="preset")
        reset = labels.add(gr.Button, texts(value="controls.reset"), scale=1, min_width=80, size="sm", elem_id="reset")
    return preset, reset


def _presets(words: Words) -> dict[str, Any]:
    choices = [(words.line("controls.preset_none"), ""), *((find_preset(name).name, name) for name in bundled_presets())]
    return {"label": words.line("controls.preset"), "choices": choices}


def _preset_view(labels: Labels) -> Any:
    with labels.add(gr.Accordion, texts(label="controls.recipe"), open=False):
        return gr.Code("", language="yaml", interactive=False, show_label=False, lines=3, elem_id="recipe")


def _bind_presets(preset: Any, reset: Any, controls: Controls) -> None:
    def chosen(name: str) -> list[Any]:
        return controls.neutral() if not name else controls.values_of(find_preset(name))

    preset.input(chosen, preset, controls.components, **QUIETLY)
    reset.click(lambda: ["", *controls.neutral()], None, [preset, *controls.components], **QUIETLY)


def _bind_language(choice: Any, labels: Labels, photo: PhotoTab, events: PhotoEvents) -> None:
    choice.change(lambda code: labels.updates(load_words(code)), choice, labels.components, **QUIETLY)
    choice.change(events.on_language, [photo.state, choice], [photo.faces, photo.found, photo.status], **QUIETLY)


def _remove_files(visitor_files: VisitorFiles) -> Any:
    def remove(request: gr.Request) -> None:
        visitor_files.remove(visitor_id(request))

    return remove


def _add_endpoints(calls: Endpoints) -> None:
    together = {"concurrency_id": "engine", "concurrency_limit": 1}
    for call in (calls.faces, calls.edit, calls.batch):
        gr.api(call, api_name=call.__name__, api_description=inspect.getdoc(call), **together)
    gr.api(calls.catalogue, api_name="catalogue", api_description=inspect.getdoc(calls.catalogue), queue=False)


def _brand(words: Words) -> dict[str, Any]:
    return {"value": f"<h1>{words.line('page.title')}</h1><p>{words.line('page.subtitle')}</p>"}


def _drop_texts(words: Words) -> dict[str, Any]:
    """The texts of the drop zones as CSS: they cover Gradio's own, which are in the browser's language."""
    drop, many = quoted(words.line("photo.drop")), quoted(words.line("batch.drop"))
    return {"value": f"<style>:root{{--lianpu-drop:{drop};--lianpu-drop-many:{many}}}</style>"}
