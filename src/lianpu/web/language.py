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

from lianpu.errors import LianpuError, PictureError, SettingsError, nearest_name

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


class PageProblem(LianpuError):
    """Something the visitor can mend. `key` and `values` find its line in any language; the message itself is English."""

    def __init__(self, key: str, **values: object) -> None:
        self.key, self.values = key, values
        super().__init__(load_words("en").say(f"problems.{key}", **values))


def problem_line(problem: Exception, words: Words, hide: Path | None = None) -> str:
    """One line for the visitor, in the page's language, without the paths of the server.

    Args:
        problem: what was raised. Anything but a LianpuError is a defect of ours: it is said that there was one, no more.
        words: the page's language.
        hide: the server's folder for uploads; its paths are shortened to the file's name.
    """
    if isinstance(problem, PageProblem):
        return words.say(f"problems.{problem.key}", **problem.values)
    if not isinstance(problem, LianpuError):
        return words.say("problems.defect")
    text = " ".join(str(problem).split())
    if hide is not None:
        for word in text.split(" "):
            if str(hide) in word:
                text = text.replace(word, Path(word).name)
    reason = in_language(text, words)
    return words.say("problems.unreadable" if isinstance(problem, PictureError) else "problems.other", reason=reason)


_PLACE = re.compile(r"<(\w+)>")


def in_language(reason: str, words: Words) -> str:
    """An error's English message in the language of `words`, as far as that language has its sentences (`words/reasons-CODE.yaml`)."""
    for pattern, sentence in _sentences(words.code):
        reason = pattern.sub(sentence, reason)
    return reason.strip()


@cache
def _sentences(code: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Each English sentence as a pattern, and what takes its place."""
    file = resources.files("lianpu.web").joinpath("words", f"reasons-{code}.yaml")
    if not file.is_file():
        return ()
    return tuple((_pattern(english), _PLACE.sub(r"\\g<\1>", other)) for english, other in yaml.safe_load(file.read_text("utf-8")))


def _pattern(english: str) -> re.Pattern[str]:
    parts = _PLACE.split(english)  # text, name, text, name, ..., text
    return re.compile("".join(f"(?P<{part}>.+?)" if number % 2 else re.escape(part) for number, part in enumerate(parts)))
