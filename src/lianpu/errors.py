"""The errors a user can fix. The command line prints their message as one line and exits with 1."""

import difflib
import reprlib
import string
from collections.abc import Iterable, Mapping
from typing import Any

_SHOWN = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxother = 60
_SHOWN.maxlevel = 3

LONGEST_VALUE = 80
"""Characters of a quoted value in a message."""

_LONGEST_TEXT = 1000
"""Characters of a word in a message; longer ones, which can only come from outside, are cut to `LONGEST_VALUE`."""

MOST_PROBLEMS = 20
"""Problems that one message lists."""


def shown(value: object) -> str:
    """`repr` of a value from outside for a message, at most `LONGEST_VALUE` characters and never built in full."""
    try:
        text = " ".join(_SHOWN.repr(value).split())
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        text = f"<{type(value).__name__}>"
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."


def brief(value: object) -> str:
    """`str` of a value from outside for a message, at most `LONGEST_VALUE` characters."""
    text = value if isinstance(value, str) else shown(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."


class _Formatter(string.Formatter):
    """`str.format` whose `!r` is `shown`."""

    def convert_field(self, value: Any, conversion: Any) -> Any:
        return shown(value) if conversion == "r" else super().convert_field(value, conversion)

    def format_field(self, value: Any, format_spec: str) -> str:
        too_long = type(value) is str and len(value) > _LONGEST_TEXT
        return super().format_field(f"{value[: LONGEST_VALUE - 3]}..." if too_long else value, format_spec)


def filled_in(template: str, values: Mapping[str, object]) -> str:
    """A message's template with its values; those that it quotes (`{value!r}`) are shortened by `shown`."""
    return _Formatter().vformat(template, (), values)


class Message(str):
    """An English text that knows its key and values, so that it can be written in another language (`web/words`).

    Args:
        template: the English text with its values as `{name}`, as for `str.format`; taken as it is where there is no key.
        key: finds the same text in another language: `effect.strength`.
        values: numbers, names and paths; messages and errors, which are translated as well; or a tuple of messages, which is written as
            a list.
    """

    key: str
    values: Mapping[str, object]

    def __new__(cls, template: str, *, key: str = "", **values: object) -> "Message":
        """The text with its values filled in."""
        text = filled_in(template, {name: _listed(value) for name, value in values.items()}) if key else template
        self = super().__new__(cls, text)
        self.key, self.values = key, values
        return self


def _listed(value: object) -> object:
    if not isinstance(value, tuple):
        return value
    more = f"; and {len(value) - MOST_PROBLEMS:,} more" if len(value) > MOST_PROBLEMS else ""
    return "; ".join(str(one).rstrip(".") for one in value[:MOST_PROBLEMS]) + more


class LianpuError(Exception):
    """Something the user can fix: the message says what was wrong, where, and what to do next, in one line.

    An error that visitors of the page can meet has a key and values (see `Message`); `str(error)` is the English text in any case.
    """

    def __init__(self, message: str, *, key: str = "", **values: object) -> None:
        super().__init__(Message(message, key=key, **values) if key else message)

    @property
    def message(self) -> str:
        """The English text: a `Message` where the error has a key."""
        return self.args[0] if isinstance(self.args[0], Message) else str(self)

    @property
    def key(self) -> str:
        """Finds the text in another language; empty without one."""
        return self.message.key if isinstance(self.message, Message) else ""

    @property
    def values(self) -> Mapping[str, object]:
        """What the text is filled with; empty without a key."""
        return self.message.values if isinstance(self.message, Message) else {}


class SettingsError(LianpuError):
    """A settings file or a command-line value that cannot work."""


class DataError(LianpuError):
    """A folder of faces, a label file or a split that cannot be used."""


class PictureError(DataError):
    """A picture file that cannot be read or written."""


class VideoError(DataError):
    """A video file that cannot be read or written."""


class RunError(LianpuError):
    """A run folder that is missing, damaged, or of another dataset."""


class CheckpointError(RunError):
    """A checkpoint that is missing, damaged, or of another model."""


class TrainingError(LianpuError):
    """Training that cannot go on (NaN, infinite loss, full disk)."""


class ModelError(LianpuError):
    """A model file that cannot be loaded, exported or quantized."""


class WeightsError(LianpuError):
    """Pretrained weights that are missing, damaged or not allowed here."""


class ScoreError(LianpuError):
    """A score that cannot be computed, or two scores whose protocols differ."""


def nearest_name(name: str, known: Iterable[str]) -> str:
    """The message ` (did you mean 'X'?)` for the known name most like `name`, or an empty text when none is near.

    Examples:
        >>> str(nearest_name("lipstik", ["lipstick", "blush"]))
        " (did you mean 'lipstick'?)"
    """
    by_lower = {word.lower().replace("-", "_"): word for word in known}
    near = difflib.get_close_matches(name.lower().replace("-", "_"), list(by_lower), n=1, cutoff=0.6)
    return Message(" (did you mean '{name}'?)", key="did_you_mean", name=by_lower[near[0]]) if near else ""
