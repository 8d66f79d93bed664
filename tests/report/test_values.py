"""Values from files: what is there has its type, what is not there is None, what is wrong names the file."""

from collections.abc import Callable

import pytest

from lianpu.errors import RunError
from lianpu.report.values import Values, as_values

VALUES = Values(
    "export/parity.json",
    {"a": 1.5, "n": None, "nan": float("nan"), "s": "x", "deep": {"b": 2, "yes": True}, "list": [{"c": 3}], "names": ["p", "q"]},
)


def test_what_is_there_is_given() -> None:
    assert VALUES.number("a") == 1.5 and VALUES.integer("deep", "b") == 2 and VALUES.text("s") == "x"
    assert VALUES.text("deep", "yes") == "True" and VALUES.texts("names") == ("p", "q")
    assert [row.integer("c") for row in VALUES.rows("list")] == [3]
    assert VALUES.section("deep").number("b") == 2


def test_what_is_not_there_null_or_nan_is_none() -> None:
    assert VALUES.number("no") is VALUES.number("n") is VALUES.number("nan") is VALUES.number("deep", "no", "further") is None
    assert (
        VALUES.text("no") is None and VALUES.rows("no") == () and VALUES.texts("n") == () and VALUES.section("no").mapping == {}
    )


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: VALUES.number("s"), r"export/parity\.json: 's' should be a number, got 'x'\. Write the file again"),
        (lambda: VALUES.number("deep", "yes"), "'deep.yes' should be a number, got True"),
        (lambda: VALUES.integer("a"), r"'a' should be a whole number, got 1\.5"),
        (lambda: VALUES.text("names"), "'names' should be a text"),
        (lambda: VALUES.texts("s"), "'s' should be a list of texts"),
        (lambda: VALUES.rows("names"), "'names' should be a list of sections"),
        (lambda: VALUES.section("s"), "'s' should be a section"),
        (lambda: VALUES.number("s", "further"), "'s' should be a section, got 'x'"),
        (lambda: as_values("environment.json", [1]), r"environment\.json should hold named values, got list"),
    ],
)
def test_a_wrong_type_names_file_entry_and_value(ask: Callable[[], object], message: str) -> None:
    with pytest.raises(RunError, match=message):
        ask()


def test_long_values_are_shown_in_short() -> None:
    with pytest.raises(RunError, match=r"got 'x{56}\.\.\.\. Write"):
        Values("f", {"k": "x" * 500}).number("k")
