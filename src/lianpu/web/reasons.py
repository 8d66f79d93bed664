"""The library's own sentences in another language: what visitors seldom see, such as a broken file, and programs that call with wrong words."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

import yaml

from lianpu.web.language import Words

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
