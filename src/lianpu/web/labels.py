"""Components that know their words in every language, so that the page can change its language while it is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lianpu.web.language import Words
from lianpu.web.toolkit import gr

Describe = Callable[[Words], dict[str, Any]]
"""Gives a component's words: {"label": ..., "info": ...}."""


class Labels:
    """The components of one page in the order in which they were made, and how each is called."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self._entries: list[tuple[Any, Describe]] = []

    def made(self, kind: Callable[..., Any], describe: Describe, **fixed: Any) -> Any:
        """A component of that kind in the page's first language; it will be renamed with the others."""
        component = kind(**describe(self.words), **fixed)
        self._entries.append((component, describe))
        return component

    @property
    def components(self) -> list[Any]:
        """What `renamed` gives updates for."""
        return [component for component, _ in self._entries]

    def renamed(self, words: Words) -> list[Any]:
        """An update for each of `components`, in their order."""
        return [gr.update(**describe(words)) for _, describe in self._entries]


def says(**keys: str) -> Describe:
    """Words by key: says(label="photo.file") is {"label": words.say("photo.file")}."""
    return lambda words: {name: words.say(key) for name, key in keys.items()}
