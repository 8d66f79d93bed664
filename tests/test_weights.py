import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from lianpu.errors import CheckpointError, ModelError
from lianpu.face_parsing import training as parser_training
from lianpu.training import updates
from lianpu.weights import read_tensors, save_tensors, update_average

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(3)}


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("run",)


def _same(read: dict[str, torch.Tensor]) -> bool:
    return read.keys() == TENSORS.keys() and all(torch.equal(read[name], tensor) for name, tensor in TENSORS.items())


def test_what_is_written_is_read(tmp_path: Path) -> None:
    save_tensors(TENSORS, tmp_path / "ours.safetensors")
    torch.save(TENSORS, tmp_path / "theirs.pth")
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in TENSORS.items()}}, tmp_path / "wrapped.ckpt")
    for name in ("ours.safetensors", "theirs.pth", "wrapped.ckpt"):
        assert _same(read_tensors(tmp_path / name, ModelError)), name


@pytest.mark.parametrize("ending", ["safetensors", "pth"])
def test_broken_files_are_named_with_what_to_do(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"w.{ending}"
    with pytest.raises(CheckpointError, match=rf"w\.{ending} is not there\. Train again\.$"):
        read_tensors(file, CheckpointError, "Train again.")
    save_tensors(TENSORS, file) if ending == "safetensors" else torch.save(TENSORS, file)
    for content in (file.read_bytes()[:50], b"Not found"):
        file.write_bytes(content)
        with pytest.raises(CheckpointError, match=rf"w\.{ending} is damaged or cut off \(.+\)\. Train again\.$"):
            read_tensors(file, CheckpointError, "Train again.")
    with pytest.raises(CheckpointError, match=r"is a folder"):
        read_tensors(tmp_path, CheckpointError)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_fsdp_wrapped_module."])
def test_names_that_wrappers_write_are_read_as_the_networks_own(tmp_path: Path, prefix: str) -> None:
    torch.save({f"{prefix}{name}": tensor for name, tensor in TENSORS.items()}, tmp_path / "w.pth")
    assert _same(read_tensors(tmp_path / "w.pth", ModelError))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\n <!DOCTYPE html><html><title>Google Drive - Virus scan warning</title>", r"is a web page \(HTML\), not the file"),
        (b"<html><body>404", r"is a web page \(HTML\)"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "is a Git LFS pointer, .* git lfs pull"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "is an XML file"),
        (b'{"error": "not found"}', "is a JSON file"),
        (b"\x1f\x8b\x08\0\0\0", r"is compressed \(gzip\)"),
        (b"", "is empty"),
    ],
)
def test_what_came_in_place_of_weights_is_told_by_its_first_bytes(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "200000-G.ckpt").write_bytes(content)
    with pytest.raises(ModelError, match=rf"200000-G\.ckpt {words}.*\. Get it again\.$"):
        read_tensors(tmp_path / "200000-G.ckpt", ModelError)


def test_no_code_in_a_file_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "evil.pth"
    torch.save({"a": _Evil()}, file)
    with pytest.raises(ModelError, match=r"evil\.pth holds more than weights and might run code, so it was not loaded"):
        read_tensors(file, ModelError)
    file.write_bytes(pickle.dumps(_Evil()))
    with pytest.raises(ModelError, match=r"evil\.pth"):
        read_tensors(file, ModelError)
    torch.save({"a": 1.0}, file)
    with pytest.raises(ModelError, match="holds no table of weights"):
        read_tensors(file, ModelError)
    assert capsys.readouterr().out == ""


def test_the_average_forgets_the_random_start_and_then_moves_slowly() -> None:
    averaged, network = nn.Linear(3, 2), nn.Linear(3, 2)
    for updates_done, expected in ((0, 0.9), (10**6, 0.001)):
        before = averaged.weight.detach().clone()
        update_average(averaged, network, updates_done, decay=0.999)
        torch.testing.assert_close(averaged.weight.detach(), before + expected * (network.weight.detach() - before))


def test_statistics_of_norms_are_averaged_and_counters_copied() -> None:
    averaged, network = nn.BatchNorm2d(2), nn.BatchNorm2d(2)
    network(torch.rand(4, 2, 3, 3))
    moved = 0.75 * network.running_mean  # type: ignore[operator]
    update_average(averaged, network, 2, decay=0.999)  # (1 + 2) / (10 + 2) is a quarter
    torch.testing.assert_close(averaged.running_mean, moved)
    assert averaged.num_batches_tracked == 1


def test_both_trainings_average_by_it() -> None:
    assert updates.update_average is update_average is parser_training.update_average
