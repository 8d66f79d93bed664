import pickle
from pathlib import Path

import pytest
import torch

from lianpu.errors import CheckpointError
from lianpu.stargan.networks import Discriminator, Generator
from lianpu.stargan.published import load_published_generator, write_published_weights


def test_a_published_generator_loads_with_its_sizes_and_without_running_statistics(tmp_path: Path) -> None:
    torch.manual_seed(0)
    ours = Generator(8, 4, 3)
    file = write_published_weights(ours, tmp_path / "200000-G.ckpt")
    state = torch.load(file, weights_only=True)
    assert state["main.1.running_mean"].shape == (8,)  # as InstanceNorm2d(track_running_stats=True) saves it
    assert state["main.9.main.1.num_batches_tracked"].item() == 0

    loaded = load_published_generator(file)
    faces, labels = torch.rand(1, 3, 32, 32), torch.rand(1, 4)
    torch.testing.assert_close(loaded(faces, labels), ours(faces, labels))


def test_a_written_generator_has_the_keys_of_the_published_network(tmp_path: Path) -> None:
    # The published network, with the norms that it has.
    def tracked(network: torch.nn.Module) -> torch.nn.Module:
        for module in network.modules():
            if isinstance(module, torch.nn.InstanceNorm2d):
                module.track_running_stats = True
                module.register_buffer("running_mean", torch.zeros(module.num_features))
                module.register_buffer("running_var", torch.ones(module.num_features))
                module.register_buffer("num_batches_tracked", torch.tensor(0))
        return network

    file = write_published_weights(Generator(8, 5, 6), tmp_path / "G.ckpt")
    tracked(Generator(8, 5, 6)).load_state_dict(torch.load(file, weights_only=True), strict=True)


def test_a_discriminator_is_written_as_the_published_code_loads_it(tmp_path: Path) -> None:
    ours, theirs = Discriminator(64, 8, 5, 4), Discriminator(64, 8, 5, 4)
    file = write_published_weights(ours, tmp_path / "200000-D.ckpt")
    theirs.load_state_dict(torch.load(file, weights_only=True), strict=True)
    faces = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(theirs(faces), ours(faces))


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("echo run > ran.txt",)


def test_a_pickle_that_would_run_code_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "evil-G.ckpt"
    torch.save({"main.0.weight": _Evil()}, file)
    with pytest.raises(CheckpointError, match="might run code, so it was not loaded"):
        load_published_generator(file)
    file.write_bytes(pickle.dumps(_Evil()))
    with pytest.raises(CheckpointError, match=r"evil-G\.ckpt"):
        load_published_generator(file)
    assert not (tmp_path / "ran.txt").exists()


def test_a_checkpoint_cut_in_half_is_named(tmp_path: Path) -> None:
    file = write_published_weights(Generator(8, 4, 1), tmp_path / "G.ckpt")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(CheckpointError, match=r"G\.ckpt is damaged or cut off"):
        load_published_generator(file)


def test_a_discriminator_given_as_generator_is_refused(tmp_path: Path) -> None:
    file = write_published_weights(Discriminator(32, 8, 5, 3), tmp_path / "D.ckpt")
    with pytest.raises(CheckpointError, match="does not fit the StarGAN network"):
        load_published_generator(file)
    with pytest.raises(CheckpointError, match="is not there"):
        load_published_generator(tmp_path / "none.ckpt")
