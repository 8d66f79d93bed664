"""Errors with keys and values: what other languages are written from."""

import pickle

import pytest

from lianpu.errors import LianpuError, Message, PictureError, SettingsError, nearest_name, shown


def test_without_a_key_the_message_is_taken_as_it_is() -> None:
    error = SettingsError("Write {Blond_Hair: yes}.")
    assert str(error) == "Write {Blond_Hair: yes}." == error.message and error.key == ""


def test_with_a_key_the_values_are_filled_in() -> None:
    error = SettingsError("{what}: {value:.1f} of {most!r}, {{x}}", key="a.b", what="size", value=2, most="3")
    assert str(error) == "size: 2.0 of '3', {x}" and error.key == "a.b" and error.args == (str(error),)
    assert isinstance(error.message, Message) and error.values == {"what": "size", "value": 2, "most": "3"}


def test_errors_and_lists_of_messages_are_values() -> None:
    inner = SettingsError("{value} is wrong.", key="inner", value=3)
    parts = (Message("step {number}: {problem}", key="step", number=1, problem=inner), Message("it is late.", key="late"))
    outer = SettingsError("preset: {problems}.", key="outer", problems=parts)
    assert str(outer) == "preset: step 1: 3 is wrong; it is late."


def test_a_value_that_is_missing_is_noticed_where_the_error_is_made() -> None:
    with pytest.raises(KeyError, match="value"):
        SettingsError("{value} is wrong.", key="inner")


@pytest.mark.parametrize("kind", [LianpuError, PictureError])
def test_an_error_crosses_a_process_border_with_its_key_and_values(kind: type[LianpuError]) -> None:
    inner = SettingsError("{value} is wrong.", key="inner", value=3)
    error = pickle.loads(pickle.dumps(kind("{file}: {problem}", key="outer", file="a.png", problem=inner)))
    assert type(error) is kind and str(error) == "a.png: 3 is wrong." and error.key == "outer"
    assert error.values["problem"].key == "inner"  # type: ignore[attr-defined]
    plain = pickle.loads(pickle.dumps(kind("as it {was}")))
    assert str(plain) == "as it {was}" and plain.key == "" and plain.values == {}


def test_the_nearest_name_is_a_message_or_nothing() -> None:
    near = nearest_name("Blond_Har", ["Blond_Hair", "Male"])
    assert near == " (did you mean 'Blond_Hair'?)" and isinstance(near, Message) and near.values == {"name": "Blond_Hair"}
    assert nearest_name("zzz", ["Male"]) == ""


def test_a_quoted_value_is_shortened_and_never_written_in_full() -> None:
    huge = [["x" * 10_000_000] * 1000] * 1000
    error = SettingsError("got {value!r}", key="a.b", value=huge)
    assert len(str(error)) < 100 and str(error).startswith("got [['xxx")
    assert len(shown({"a": "\n" * 500})) <= 80 and shown("ab") == "'ab'"
    named = SettingsError("'{name}' is unknown", key="a.b", name="y" * 5000)
    assert str(named) == f"'{'y' * 77}...' is unknown"


def test_a_list_of_many_problems_says_how_many_more_there_are() -> None:
    parts = tuple(Message("step {number}", key="step", number=number) for number in range(1500))
    text = str(SettingsError("{problems}.", key="outer", problems=parts))
    assert text.endswith("step 19; and 1,480 more.")
