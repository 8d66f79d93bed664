"""The texts of the page in English and Chinese (`words/CODE.yaml`), and errors in the language of the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from lianpu.errors import MOST_PROBLEMS, LianpuError, Message, PictureError, SettingsError, filled_in, nearest_name

LANGUAGES: dict[str, str] = {"en": "English", "zh": "中文"}
"""Language codes, and the name of each in the language itself."""


@dataclass(frozen=True)
class Words:
    """The texts of one language by dotted key (`photo.drop`)."""

    code: str
    lines: Mapping[str, str]

    def line(self, key: str, **values: object) -> str:
        """The text of a key with its values filled in. Raises KeyError for an unknown key."""
        return self.lines[key].format(**values)

    def title(self, titles: Mapping[str, str]) -> str:
        """The title in this language, otherwise in English."""
        return titles.get(self.code) or titles["en"]


@cache
def load_words(code: str) -> Words:
    """The texts of a language of LANGUAGES. Raises SettingsError for any other code."""
    if code not in LANGUAGES:
        raise SettingsError(f"The page has no language '{code}'{nearest_name(code, LANGUAGES)}. Known: {', '.join(LANGUAGES)}.")
    text = resources.files("lianpu.web").joinpath("words", f"{code}.yaml").read_text(encoding="utf-8")
    return Words(code, dict(_flat(yaml.safe_load(text))))


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", str(value).strip("\n")


class PageError(LianpuError):
    """An error of the page itself that the visitor can correct; made by `page_error`."""


def page_error(key: str, **values: object) -> PageError:
    """The error with the text `errors.page.KEY`."""
    return PageError(load_words("en").lines[f"errors.page.{key}"], key=f"page.{key}", **values)


def error_line(error: Exception, words: Words, hide: Path | None = None) -> str:
    """One line for the visitor, in the page's language, without paths of the server.

    Args:
        error: what was raised. Anything but a LianpuError is a bug of ours: the line gives no details.
        words: the page's language.
        hide: the server's folder for uploads; paths below it are shortened to the file's name.
    """
    if not isinstance(error, LianpuError):
        return words.line("problems.defect")
    text = " ".join(translated(error, words).split())
    if hide is not None:
        text = re.sub(re.escape(str(hide)) + r"/(?:[\w-]+/)*", "", text)
    if isinstance(error, PageError):
        return text
    return words.line("problems.unreadable" if isinstance(error, PictureError) else "problems.other", reason=text)


def translated(text: object, words: Words) -> str:
    """An error or message in the language of `words`; in English where it has no key or the language has no text `errors.KEY`."""
    message = text.message if isinstance(text, LianpuError) else text
    line = words.lines.get(f"errors.{message.key}") if isinstance(message, Message) else None
    if line is None or not isinstance(message, Message):
        return str(message)
    return filled_in(line, {name: _translated_value(value, words) for name, value in message.values.items()})


def _translated_value(value: object, words: Words) -> object:
    if isinstance(value, tuple):
        listed = words.line("problems.separator").join(translated(one, words).rstrip(".。") for one in value[:MOST_PROBLEMS])
        return f"{listed} (+{len(value) - MOST_PROBLEMS:,})" if len(value) > MOST_PROBLEMS else listed
    return translated(value, words) if isinstance(value, (LianpuError, Message)) else value
