"""YAML from outside, within limits."""

import tracemalloc

import pytest

from lianpu.yaml_text import DEEPEST, MOST_VALUES, dump_yaml, load_yaml


def test_plain_values_come_back_in_their_order() -> None:
    values = {"steps": [{"effect": "lipstick", "strength": 0.5}, {"edit": {"Male": True}}], "name": "晚妆: a"}
    assert load_yaml(dump_yaml(values)) == values and list(load_yaml(dump_yaml(values))) == ["steps", "name"]


def test_what_is_written_twice_is_written_out() -> None:
    shared = ["a", "b"]
    assert load_yaml(dump_yaml({"one": shared, "two": shared})) == {"one": shared, "two": shared}


def test_aliases_are_refused_before_they_unfold() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"line 2 has an alias \(\*a0\); write the value out"):
        load_yaml("\n".join(lines))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_depth_and_number_of_values_are_limited() -> None:
    assert load_yaml("[" * DEEPEST + "]" * DEEPEST)
    with pytest.raises(ValueError, match=f"more than {DEEPEST} levels deep"):
        load_yaml("[" * 100_000)
    with pytest.raises(ValueError, match=f"more than {MOST_VALUES:,} values"):
        load_yaml("[" + "1," * (MOST_VALUES + 1) + "]")
    with pytest.raises(ValueError, match="characters"):
        load_yaml("#" * 1_000_001)


def test_what_is_no_yaml_says_so_in_one_line() -> None:
    for text in ("a: [", "a: \x07", "!!python/object/apply:os.system ['true']", "2024-13-45", "a: 1\n b: 2"):
        with pytest.raises(ValueError, match=r".") as problem:
            load_yaml(text)
        assert "\n" not in str(problem.value), text


@pytest.mark.parametrize(
    "text", ["a: !!bool x", "a: !!int ''", "a: !!float ''", "a: !!timestamp x", "a: !own {}", "a: !!set {x}"]
)
def test_tags_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="line 1 has a tag"):
        load_yaml(text)


def test_values_nested_too_deep_cannot_be_written() -> None:
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match=r"."):
        dump_yaml(deep)
    while deep:  # taken apart by hand: freeing it at once would recurse as deep
        deep = deep[0]
