"""The file of a transform: small, describing itself, read without running code, and refused in one line where it cannot be."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lianpu.errors import ModelError, WeightsError
from lianpu.models.store.locate import commercial_safe, find_model_file
from lianpu.transforms.model import (
    BUNDLED,
    LARGEST_BYTES,
    VERSION,
    is_non_commercial,
    load_transform,
    save_transform,
    with_licence,
)

MODEL = load_transform()


def _arrays() -> dict[str, np.ndarray]:
    file = find_model_file(BUNDLED)
    assert file is not None
    with np.load(file, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _write(file: Path, arrays: dict[str, np.ndarray]) -> Path:
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file


def _about(**changed: object) -> np.ndarray:
    return np.frombuffer(json.dumps({**MODEL.about, **changed}).encode(), dtype=np.uint8)


def test_a_saved_model_is_read_again_and_stays_what_it_was(tmp_path: Path) -> None:
    file = save_transform(MODEL, tmp_path / "again.npz")
    assert file.stat().st_size <= LARGEST_BYTES
    again = load_transform(file)
    assert again.about == MODEL.about
    for name in ("canonical", "normals", "lips", "shaved_spread"):
        np.testing.assert_allclose(getattr(again, name), getattr(MODEL, name), atol=1e-3)
    for term in MODEL.low:
        np.testing.assert_allclose(again.low[term], MODEL.low[term], atol=np.abs(MODEL.low[term]).max() / 60)
        assert (again.low[term] == again.low[term][:, ::-1]).all(), "maps are symmetric"


def test_the_bundled_model_says_what_it_is() -> None:
    about = MODEL.about
    assert about["version"] == VERSION and not MODEL.commercial_use
    assert "non-commercial" in MODEL.licence and "CC BY-NC-SA" in MODEL.licence
    assert sum(one["faces"] for one in about["trained_on"]) > 1000
    assert about["figures"]["sex_right"] > 0.9 and about["figures"]["age_error_years"] < 8


@pytest.mark.parametrize(
    "licence",
    [
        "CC BY-NC-SA 4.0", "CC BY NC 4.0", "Non-commercial research only", "noncommercial", "non commercial use", "research only",
        "Academic use only", "for educational purposes", "not for commercial use", "follows the training data", "unknown", " ",
        "MIT (code); weights follow CelebAMask-HQ", "仅供非商业使用",
    ],
)  # fmt: skip
def test_a_licence_is_non_commercial_by_its_words_or_where_it_does_not_say(licence: str) -> None:
    assert is_non_commercial(licence)


@pytest.mark.parametrize(
    "licence",
    ["drawn by a program, no real faces: free for any use", "CC0", "Apache-2.0", "CC BY 4.0", "ours, commercial use allowed"],
)
def test_a_free_licence_is_not_taken_for_another(licence: str) -> None:
    assert not is_non_commercial(licence)


def test_a_licence_of_ones_own_does_not_undo_that_of_a_parser() -> None:
    bare = replace(MODEL, about={**MODEL.about, "parsers": []})
    parsed = replace(MODEL, about={**MODEL.about, "parsers": [{"name": "bisenet", "licence": "non-commercial research only"}]})
    free, bound = with_licence(bare, "CC0"), with_licence(parsed, "CC0")
    assert free.commercial_use and free.licence == "CC0"
    assert not bound.commercial_use and bound.licence == "CC0; non-commercial research only (parts by bisenet)"
    assert not with_licence(bare, "research only").commercial_use


def test_the_bundled_model_is_refused_under_commercial_safe() -> None:
    with commercial_safe(True), pytest.raises(WeightsError, match=r"may not be used commercially"):
        load_transform()


def test_a_file_of_ones_own_is_judged_by_its_own_licence(tmp_path: Path) -> None:
    file = _write(tmp_path / "own.npz", _arrays())
    free = _write(tmp_path / "free.npz", _arrays() | {"about": _about(licence="ours", commercial_use=True)})
    with commercial_safe(True):
        assert load_transform(free).commercial_use
        with pytest.raises(WeightsError, match=r"own\.npz may not be used commercially: .*lianpu transform fit"):
            load_transform(file)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda arrays: arrays | {"about": _about(version=99)}, r"a transform of version 99, this Lianpu reads 1\."),
        (lambda arrays: arrays | {"about": _about(format="words")}, r"is no transform of faces \(it is something else\)"),
        (lambda arrays: {name: value for name, value in arrays.items() if name != "about"}, r"does not say what it is"),
        (lambda arrays: {name: value for name, value in arrays.items() if name != "judge"}, r"is no transform of faces"),
        (lambda arrays: arrays | {"canonical": arrays["canonical"][:100]}, r"expected \(468, 3\) finite numbers"),
        (lambda arrays: arrays | {"lips": arrays["lips"] * np.nan}, r"finite numbers"),
        (lambda arrays: arrays | {"mirror": arrays["mirror"] * 0}, r"mirror images are no pairs"),
        (lambda arrays: arrays | {"low.age": arrays["low.age"].astype(np.float32)}, r"low\.age is not in 8-bit numbers"),
        (lambda arrays: arrays | {"about": np.array([object()], dtype=object)}, r"is no transform of faces"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(
    tmp_path: Path, change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]], words: str
) -> None:
    file = tmp_path / "x.npz"
    np.savez_compressed(file, **change(_arrays()))  # type: ignore[arg-type]  # one of them holds an object, on purpose
    with pytest.raises(ModelError, match=words) as problem:
        load_transform(file)
    assert "\n" not in str(problem.value) and "lianpu transform fit" in str(problem.value)


def test_what_is_no_npz_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 cut off")
    (tmp_path / "y.npz").write_text("words", encoding="utf-8")
    for name in ("x.npz", "y.npz", "none.npz"):
        with pytest.raises(ModelError, match=name):
            load_transform(tmp_path / name)
