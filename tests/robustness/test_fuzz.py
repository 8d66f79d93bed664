"""Broken files end in words: a small share of what `make fuzz` feeds, and text made by hypothesis."""

import random
from pathlib import Path

import pytest

from lianpu.editing.presets import parse_effect, parse_preset, parse_values
from lianpu.errors import LianpuError
from lianpu.photo.xmp import attached_data, edited_xmp
from lianpu.yaml_text import load_yaml
from tests.robustness.fuzz import TARGETS, fuzz, mutated, with_odd_values

hypothesis = pytest.importorskip("hypothesis")
strategies = pytest.importorskip("hypothesis.strategies")

QUICK = ("photo", "csv", "run", "notebook", "onnx-metadata")
"""Targets of `make test`: 2 seconds each at most."""


@pytest.mark.parametrize("name", QUICK)
def test_a_broken_file_is_refused_in_words(name: str, tmp_path: Path) -> None:
    fed = fuzz([name], 60, 2.0, tmp_path / "failures", seed=4)[0]
    problems = [file.read_text()[-1500:] for file in fed.failures]
    assert not problems, f"saved as {', '.join(map(str, fed.failures))}\n" + "\n".join(problems[:2])


def test_an_input_is_made_again_from_its_number_and_differs_from_its_seed() -> None:
    data = bytes(range(256)) * 4
    made = [mutated(data, random.Random(f"x 1 {number}"), [data]) for number in range(50)]
    assert made == [mutated(data, random.Random(f"x 1 {number}"), [data]) for number in range(50)]
    assert sum(one != data for one in made) > 40
    assert with_odd_values(b'{"a": [1, 2], "b": {"c": "x"}}', random.Random(3)) != b'{"a": [1, 2], "b": {"c": "x"}}'


def test_a_reader_that_fails_is_found_and_its_input_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The harness itself can fail: a target whose reader raises for one byte in the file."""
    from tests.robustness import fuzz as harness

    def seeds(folder: Path) -> list[Path]:
        (folder / "0-a.txt").write_bytes(b"abc" * 50)
        return [folder / "0-a.txt"]

    def read(file: Path) -> None:
        if b"\xff" in file.read_bytes():
            raise KeyError("found")

    monkeypatch.setitem(TARGETS, "planted", harness.Target(seeds, read))
    monkeypatch.setattr(harness.resource, "setrlimit", lambda *_: None)  # of this process
    harness.feed("planted", 0, 0, 200, 5.0, tmp_path / "work", tmp_path / "failures")
    saved = sorted((tmp_path / "failures").iterdir())
    assert saved and any(b"\xff" in file.read_bytes() for file in saved if file.suffix == ".txt")
    assert "KeyError" in next(file for file in saved if file.name.endswith(".problem.txt")).read_text()


SETTINGS = hypothesis.settings(max_examples=60, deadline=None, derandomize=True, database=None)


def _in_words(read: object, *given: object) -> None:
    try:
        read(*given)  # type: ignore[operator]
    except LianpuError as problem:
        assert len(str(problem)) < 3000


@SETTINGS
@hypothesis.given(strategies.text(max_size=300))
def test_any_text_is_a_preset_or_refused_in_words(text: str) -> None:
    _in_words(parse_preset, text)
    _in_words(parse_effect, text)
    _in_words(parse_values, [text], "--set")


@SETTINGS
@hypothesis.given(
    strategies.recursive(
        strategies.none() | strategies.booleans() | strategies.floats() | strategies.text(max_size=9),
        lambda inner: (
            strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(max_size=9), inner, max_size=3)
        ),
        max_leaves=9,
    )
)
def test_any_value_in_place_of_a_step_is_refused_in_words(value: object) -> None:
    import json

    _in_words(parse_preset, f"name: x\nsteps: {json.dumps(value)}")
    _in_words(parse_preset, f"name: x\nsteps:\n- effect: lipstick\n  strength: {json.dumps(value)}")


@SETTINGS
@hypothesis.given(strategies.text(max_size=200))
def test_any_text_is_yaml_or_a_value_error(text: str) -> None:
    try:
        load_yaml(text)
    except ValueError as problem:
        assert len(str(problem)) < 3000


@SETTINGS
@hypothesis.given(strategies.binary(max_size=300))
def test_any_bytes_are_an_earlier_packet(packet: bytes) -> None:
    attached_data(packet)
    assert b"xpacket" in edited_xmp("x", earlier=packet)
