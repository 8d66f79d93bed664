"""The words of the page in one language: a file of `words/` each, with the same keys in each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from lianpu.errors import LianpuError, Message, PictureError, SettingsError, nearest_name

LANGUAGES: dict[str, str] = {"en": "English", "zh": "中文"}
"""Codes, and what speakers call them."""


@dataclass(frozen=True)
class Words:
    """Lines by dotted key (`photo.drop`)."""

    code: str
    lines: Mapping[str, str]

    def say(self, key: str, **values: object) -> str:
        """The line of a key with its {places} filled. Raises KeyError for a key that there is not."""
        return self.lines[key].format(**values)

    def of(self, titles: Mapping[str, str]) -> str:
        """The title in this language, or the English one."""
        return titles.get(self.code) or titles["en"]


@cache
def load_words(code: str) -> Words:
    """The words of a language of LANGUAGES. Raises SettingsError for another."""
    if code not in LANGUAGES:
        raise SettingsError(
            f"The page is not written in '{code}'{nearest_name(code, LANGUAGES)}. Languages: {', '.join(LANGUAGES)}."
        )
    text = resources.files("lianpu.web").joinpath("words", f"{code}.yaml").read_text(encoding="utf-8")
    return Words(code, dict(_flat(yaml.safe_load(text))))


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", str(value).strip("\n")


class PageError(LianpuError):
    """Something that a visitor can mend on the page: made by `page_error`."""


def page_error(key: str, **values: object) -> PageError:
    """The error whose text is the line `errors.page.KEY` of the page's words."""
    return PageError(load_words("en").lines[f"errors.page.{key}"], key=f"page.{key}", **values)


def error_line(error: Exception, words: Words, hide: Path | None = None) -> str:
    """One line for the visitor, in the page's language, without the paths of the server.

    Args:
        error: what was raised. Of anything but a LianpuError, which is a defect of ours, no details are shown.
        words: the page's language.
        hide: the server's folder for uploads; its paths are shortened to the file's name.
    """
    if not isinstance(error, LianpuError):
        return words.say("problems.defect")
    text = " ".join(translated(error, words).split())
    if hide is not None:
        text = re.sub(re.escape(str(hide)) + r"/(?:[\w-]+/)*", "", text)
    if isinstance(error, PageError):
        return text
    return words.say("problems.unreadable" if isinstance(error, PictureError) else "problems.other", reason=text)


def translated(said: object, words: Words) -> str:
    """An error, or a value in one, in the language of `words`; in English where it has no key, or that language no line `errors.KEY`."""
    message = said.message if isinstance(said, LianpuError) else said
    line = words.lines.get(f"errors.{message.key}") if isinstance(message, Message) else None
    if line is None or not isinstance(message, Message):
        return str(message)
    return line.format(**{name: _translated_value(value, words) for name, value in message.values.items()})


def _translated_value(value: object, words: Words) -> object:
    if isinstance(value, tuple):
        return words.say("problems.separator").join(translated(one, words).rstrip(".。") for one in value)
    return translated(value, words) if isinstance(value, (LianpuError, Message)) else value
