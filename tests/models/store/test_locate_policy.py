"""With --commercial-safe no file is loaded whose licence does not allow commercial use, wherever it lies."""

import os
from pathlib import Path
from typing import Any

import pytest

from lianpu.errors import WeightsError
from lianpu.models.store.download import obtain_model_file
from lianpu.models.store.locate import (
    commercial_safe,
    is_commercial_safe,
    models_folder,
    refuse_non_commercial,
    require_model_file,
)
from lianpu.models.table import MODEL_FILES, model_file


@pytest.mark.parametrize(("value", "meant"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_the_setting_is_read(monkeypatch: pytest.MonkeyPatch, value: str, meant: bool) -> None:
    monkeypatch.setenv("LIANPU_COMMERCIAL_SAFE", value)
    assert is_commercial_safe() is meant


def test_unasked_nothing_is_refused() -> None:
    refuse_non_commercial(MODEL_FILES)


def test_the_refusal_names_file_licence_and_what_to_use_instead() -> None:
    with commercial_safe(True), pytest.raises(WeightsError) as refused:
        refuse_non_commercial([model_file("scrfd-10g"), model_file("yunet"), model_file("gender-age")])
    words = str(refused.value)
    assert "det_10g.onnx (scrfd-10g) may not be used commercially: InsightFace: non-commercial research only" in words
    assert "Use yunet instead (face boxes and 5 points" in words and "lianpu models fetch yunet" in words
    assert "genderage.onnx (gender-age)" in words and "train one on pictures that you may use" in words
    assert "face_detection_yunet_2023mar.onnx (yunet)" not in words


@pytest.mark.parametrize("load", [require_model_file, obtain_model_file])
def test_a_file_that_is_here_is_refused_too(know: Any, made: Any, load: Any, tmp_path: Path) -> None:
    know(made.entry_of(commercial_use=False, licence="for research only"))
    models_folder().mkdir()
    for folder in (models_folder(), tmp_path):
        (folder / "tried.bin").write_bytes(made.BYTES)
    assert load("tried") == models_folder() / "tried.bin"
    with commercial_safe(True):
        with pytest.raises(WeightsError, match="for research only"):
            load("tried")
        with pytest.raises(WeightsError, match="for research only"):
            load("tried", tmp_path / "tried.bin")


def test_nothing_is_downloaded_that_may_not_be_used(server: Any, know: Any, made: Any) -> None:
    know(made.entry_of(url=f"{server.base}/tried.bin", commercial_use=False))
    with commercial_safe(True), pytest.raises(WeightsError, match="may not be used commercially"):
        obtain_model_file("tried")
    assert server.requests == []


def test_the_block_leaves_the_setting_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    with commercial_safe(True):
        assert os.environ["LIANPU_COMMERCIAL_SAFE"] == "1"
    assert "LIANPU_COMMERCIAL_SAFE" not in os.environ
    monkeypatch.setenv("LIANPU_COMMERCIAL_SAFE", "yes")
    with commercial_safe(False):
        assert is_commercial_safe()
    with commercial_safe(True):
        pass
    assert os.environ["LIANPU_COMMERCIAL_SAFE"] == "yes"


def test_what_is_named_instead_is_free_and_exists() -> None:
    for entry in MODEL_FILES:
        if entry.instead:
            assert not entry.commercial_use and model_file(entry.instead).commercial_use
