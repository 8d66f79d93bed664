"""YAML from outside, read within limits: no aliases, and a bounded size, depth and number of values."""

from __future__ import annotations

from typing import Any

MOST_CHARACTERS = 1_000_000

MOST_VALUES = 20_000
"""Keys, values, lists and mappings together."""

DEEPEST = 30
"""Lists and mappings inside each other."""


def load_yaml(text: str) -> Any:
    """The plain values of a YAML text, by PyYAML's safe loader.

    Limits are checked on the parser's events, before any value is built: a text of 400 bytes may otherwise unfold to gigabytes by
    aliases ("billion laughs"), or nest deeper than the loader's recursion.

    Raises:
        ValueError: the text is no YAML, or beyond a limit; the reason is one line.
    """
    import yaml

    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"it has {len(text):,} characters, more than {MOST_CHARACTERS:,}")
    values = depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise ValueError(f"line {_line(event)} has an alias (*{str(event.anchor)[:40]}); write the value out")
            # a constructor that is given a value it was not made for raises whatever it stumbles over
            tag = getattr(event, "tag", None)
            if tag:
                raise ValueError(f"line {_line(event)} has a tag ({str(tag)[:40]}); write the plain value")
            values += isinstance(event, yaml.NodeEvent)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if values > MOST_VALUES:
                raise ValueError(f"it has more than {MOST_VALUES:,} values")
            if depth > DEEPEST:
                raise ValueError(f"line {_line(event)} lies more than {DEEPEST} levels deep")
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, LookupError, AttributeError, TypeError, OverflowError) as problem:
        raise ValueError(" ".join(str(problem).split())[:200] or type(problem).__name__) from None


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def dump_yaml(value: Any) -> str:
    """Plain values as YAML in the order they have, without aliases, which `load_yaml` refuses.

    Raises:
        ValueError: they are nested too deep, or are not plain.
    """
    import yaml

    class _Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    try:
        return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True))
    except (yaml.YAMLError, RecursionError) as problem:
        raise ValueError(" ".join(str(problem).split())[:200]) from None
