"""The words of the page in one language: a file of `words/` each, with the same keys in each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from lianpu.errors import SettingsError, nearest_name

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
