"""The words of a report in one language, and how numbers, sizes and times are written.

A language is one file in `words/`, the same keys in each. A new language is a new file, and one line in LANGUAGES.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from lianpu.errors import SettingsError, nearest_name
from lianpu.report.document import Cell

LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Language:
    """Words by dotted key (`overview.title`), and the formats of figures. None is always said as "not measured"."""

    code: str
    words: Mapping[str, str]

    def say(self, key: str, **values: object) -> str:
        """The text of a key with its {places} filled; full-width punctuation, which brings its own space, has none beside it."""
        return re.sub(r" *([（），。；：、]) *", r"\1", self.words[key].format(**values))

    def has(self, key: str) -> bool:
        """Whether the language has words for that key; metrics and attributes may be new."""
        return key in self.words

    def join(self, sentences: Iterable[str]) -> str:
        """Sentences as one paragraph: with spaces between them where the language has them."""
        return self.words["language.between_sentences"].join(sentences)

    def listed(self, names: Iterable[str]) -> str:
        """Names as a list within a sentence."""
        return self.words["language.between_names"].join(names)

    def cell(self, text: str | None, small: str = "") -> Cell:
        """A cell with the text, or one that says that it was not measured."""
        return Cell(self.say("not_measured"), small, missing=True) if text is None else Cell(text, small)

    def number(self, value: float | None, digits: int | None = None, small: str = "") -> Cell:
        """A number with thousands separated; without `digits`, with three or four figures that count."""
        if value is None:
            return self.cell(None)
        return Cell(_grouped(value, digits_for([value]) if digits is None else digits), small)

    def percent(self, share: float | None, small: str = "") -> Cell:
        """A share from 0 to 1 as a percentage with one decimal."""
        return self.cell(None if share is None else as_percent(share), small)

    def bytes(self, count: float | None, small: str = "") -> Cell:
        """A file size in decimal megabytes, as the document that the report follows gives sizes."""
        return self.cell(None if count is None else as_megabytes(count), small)

    def duration(self, seconds: float | None) -> Cell:
        """A time in the largest unit that keeps it above one."""
        if seconds is None:
            return self.cell(None)
        for name, length_s in (("hours", 3600.0), ("minutes", 60.0)):
            if seconds >= length_s:
                return Cell(self.say(f"units.{name}", count=_grouped(seconds / length_s, 1)))
        return Cell(self.say("units.seconds", count=_grouped(seconds, 0 if seconds >= 10 else 1)))

    def metric(self, name: str) -> str:
        """A metric as it is called in text; an unknown one by its own spelling."""
        return self.words.get(f"metrics.{name}.name", name)

    def metric_column(self, name: str) -> str:
        """A metric as a column is headed, with an arrow to the better side."""
        return self.words.get(f"metrics.{name}.column", name)

    def attribute(self, name: str, value: bool = True) -> str:
        """An attribute, or its absence, in words; an unknown one by its own name."""
        known = self.words.get(f"attributes.{name}.{'has' if value else 'lacks'}")
        if known is not None:
            return known
        plain = self.words.get(f"attributes.{name}.has", name)
        return plain if value else self.say("language.not", name=plain)

    def transform(self, spelled: str) -> str:
        """`Black_Hair -> not Male` in words."""
        if spelled == "overall":
            return self.say("evaluation.overall")
        return " → ".join(self._values(side) for side in spelled.split("->"))

    def _values(self, side: str) -> str:
        words = [value.strip() for value in side.split("+")]
        return " + ".join(self.attribute(word.removeprefix("not ").strip(), not word.startswith("not ")) for word in words)


def digits_for(values: Iterable[float | None]) -> int:
    """Decimals that show about three figures of the largest value: 1 for 31.2, 2 for 2.63, 4 for 0.0312."""
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    return 3 if largest == 0 else min(max(2 - math.floor(math.log10(largest)), 1), 6)


def as_percent(share: float) -> str:
    """`86.0%`."""
    return f"{100 * share:.1f}%"


def as_megabytes(count: float) -> str:
    """Bytes as `33.7 MB` (10**6 bytes); small ones as `12 kB`."""
    if count < 1e5:
        return f"{count / 1e3:.0f} kB"
    return f"{_grouped(count / 1e6, 2 if count < 1e6 else 1)} MB"


def scientific(value: float) -> str:
    """`3.1 × 10⁻⁶`."""
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')} × 10{str(int(exponent)).translate(_RAISED)}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def readable_time(text: str) -> str:
    """`2025-03-01T10:00:00+00:00` as `2025-03-01 10:00:00 +00:00`; other texts as they are."""
    return re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d)?)(?:\.\d+)?", r"\1 \2 ", text).strip()


def _grouped(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}".replace("-", "−")


def load_language(code: str) -> Language:
    """The language of that code.

    Raises:
        SettingsError: there is none; the message names those there are.
    """
    if code not in LANGUAGES:
        raise SettingsError(
            f"The report is not written in '{code}'{nearest_name(code, LANGUAGES)}. Languages: {', '.join(LANGUAGES)}."
        )
    text = resources.files("lianpu.report").joinpath("words", f"{code}.yaml").read_text(encoding="utf-8")
    return Language(code, dict(_flat(yaml.safe_load(text))))


def _flat(values: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", str(value).strip("\n")
