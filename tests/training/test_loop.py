import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from lianpu import files
from lianpu.cli.main import main
from lianpu.dataset.faces import Dataset
from lianpu.dataset.sources import open_dataset
from lianpu.editors.loading import load_editor
from lianpu.errors import CheckpointError, RunError, SettingsError, TrainingError
from lianpu.runs import Run
from lianpu.training.config import RunConfig
from lianpu.training.interrupt import Interrupted
from lianpu.training.loop import Callbacks, train
from lianpu.training.record import read_record


def _weights(run: Run, step: int) -> dict[str, torch.Tensor]:
    checkpoint = run.checkpoint(step)
    files_of_it = (checkpoint.generator_file, checkpoint.ema_file, checkpoint.discriminator_file, checkpoint.optimizers_file)
    return {f"{file.name}:{name}": tensor for file in files_of_it for name, tensor in load_file(file).items()}


def test_a_run_leaves_everything_that_later_stages_read(drawn: Dataset, small: RunConfig, tmp_path: Path) -> None:
    plans: list[Any] = []
    run = train(drawn, small, tmp_path / "run", command="lianpu train ...", callbacks=Callbacks(on_plan=plans.append))
    assert run.checkpoint_steps() == (3, 6)
    assert run.sample_steps() == (3, 6)
    assert plans[0].total_steps == 6 and plans[0].seconds > 0 and plans[0].memory_mb > 0
    steps = run.read_steps()
    assert [values["step"] for values in steps] == [1, 2, 3, 4, 5, 6]
    assert "g_loss" not in steps[0] and steps[1]["g_loss"]  # n_critic is 2
    assert steps[2]["edit_change"] > 0 and 0 <= steps[2]["edit_success"] <= 1
    assert steps[5]["d_lr"] == pytest.approx(0.0001 / 4)
    record = read_record(run)
    assert record.command == "lianpu train ..."
    assert record.fingerprint == drawn.fingerprint and record.attributes == drawn.attributes
    assert record.open_dataset().fingerprint == drawn.fingerprint
    editor = load_editor(run)
    assert editor.info.step == 6 and editor.info.attributes == drawn.attributes
    batch, labels = drawn.test.batch([0, 1])
    assert editor.edit(batch, labels).shape == batch.shape
    assert list(run.tensorboard_folder.iterdir())


def test_stopped_and_resumed_equals_never_stopped_bit_for_bit(drawn: Dataset, small_with: Any, tmp_path: Path) -> None:
    whole = train(drawn, small_with(num_iters=6), tmp_path / "whole")

    def stop_at_4(done: int, total: int) -> None:
        if done == 4:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match=r"stopped after step [45] of 6.*Run the same command again"):
        train(drawn, small_with(num_iters=6), tmp_path / "parts", callbacks=Callbacks(on_step=stop_at_4))
    parts = train(drawn, small_with(num_iters=6), tmp_path / "parts")
    first, second = _weights(whole, 6), _weights(parts, 6)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
    losses = [{name: value for name, value in values.items() if name != "seconds"} for values in whole.read_steps()]
    assert losses == [{name: value for name, value in values.items() if name != "seconds"} for values in parts.read_steps()]


def tiny_networks(batch_size: int) -> list[str]:
    """Flags of networks that train in a moment."""
    sizes = {"image_size": 32, "g_conv_dim": 4, "d_conv_dim": 4, "g_repeat_num": 1, "d_repeat_num": 3, "n_critic": 2}
    return [word for name, value in {**sizes, "batch_size": batch_size}.items() for word in (f"--{name}", str(value))]


@contextmanager
def one_thread() -> Iterator[None]:
    """torch with one thread, as in processes with OMP_NUM_THREADS=1."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_killed_with_kill_9_and_run_again_equals_twenty_steps(drawn_folder: Path, tmp_path: Path) -> None:
    def command(folder: str) -> list[str]:
        rest = ["--num_iters", "20", "--checkpoint_every", "10", "--log_every", "1", "--device", "cpu"]
        where = ["--dataset", "CelebAMask-HQ", "--data-dir", str(drawn_folder), "--run-dir", str(tmp_path / folder)]
        return ["train", *where, *tiny_networks(batch_size=4), *rest]

    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with one_thread():
        main(command("whole"))
    process = subprocess.Popen(
        [sys.executable, "-m", "lianpu", *command("parts")], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    parts = Run(tmp_path / "parts")
    while not parts.checkpoint_steps():
        assert process.poll() is None
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert parts.checkpoint_steps() in ((10,), (10, 20))
    with one_thread():
        main(command("parts"))
    first, second = _weights(Run(tmp_path / "whole"), 20), _weights(parts, 20)
    assert all(torch.equal(first[name], second[name]) for name in first)


TINY_FIELDS = [
    *("--preset", "fields", "--teacher", "drawn", "--pairs-per-face", "2", "--image-size", "32", "--lite-size", "S"),
    *(
        "--g-repeat-num",
        "1",
        "--d-conv-dim",
        "4",
        "--d-repeat-num",
        "3",
        "--batch-size",
        "8",
        "--lambda-adv",
        "0.05",
        "--g-lr",
        "0.0001",
    ),
]
"""Flags of an editor with fields that learns from pairs in a moment; the discriminator has a say in its residual."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["published", "fields taught by pairs"])
def test_two_processes_give_what_one_gives(drawn_folder: Path, tmp_path: Path, kind: str) -> None:
    rest = ["--num_iters", "6", "--log_every", "1", "--device", "cpu"]
    where = ["--dataset", "CelebAMask-HQ", "--data-dir", str(drawn_folder)]
    words = ["train", *where, *(tiny_networks(batch_size=8) if kind == "published" else TINY_FIELDS), *rest, "--run-dir"]
    with one_thread():
        main([*words, str(tmp_path / "one")])
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone", "-m", "lianpu"]
    done = subprocess.run(
        [*launch, *words, str(tmp_path / "two")],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    one, two = Run(tmp_path / "one"), Run(tmp_path / "two")
    losses = [
        [values[name] for values in run.read_steps() for name in ("d_loss", "g_loss") if name in values] for run in (one, two)
    ]
    torch.testing.assert_close(torch.tensor(losses[1]), torch.tensor(losses[0]), rtol=1e-3, atol=1e-3)
    # Adam turns a rounding difference in a gradient near zero into a step of the learning rate, so single weights may differ by a few.
    for name, tensor in _weights(one, 6).items():
        if not name.startswith("optimizers"):
            difference = (_weights(two, 6)[name] - tensor).abs()
            assert difference.max() < 6e-4 and difference.mean() < 1e-5, name


def test_a_loss_that_is_not_finite_stops_with_the_step_and_the_last_good_checkpoint(
    drawn: Dataset, small_with: Any, tmp_path: Path
) -> None:
    train(drawn, small_with(num_iters=3), tmp_path / "run")
    with pytest.raises(TrainingError, match=r"stopped at step \d: .* (nan|inf).*last good checkpoint is .*000000003.*Lower g_lr"):
        train(drawn, small_with(num_iters=9, d_lr=1e30, g_lr=1e30), tmp_path / "run")
    assert Run(tmp_path / "run").checkpoint_steps() == (3,)


def test_a_full_disk_leaves_the_last_good_checkpoint(
    drawn: Dataset, small_with: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(drawn, small_with(num_iters=3), tmp_path / "run")
    before = _weights(run, 3)

    def full(file: Path) -> None:
        if "safetensors" in file.name:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "flush_to_disk", full)
    with pytest.raises(TrainingError, match=r"disk is full.*000000006.*last good checkpoint is .*000000003"):
        train(drawn, small_with(num_iters=6), tmp_path / "run")
    monkeypatch.undo()
    assert [entry.name for entry in run.checkpoints_folder.iterdir()] == ["000000003"]
    assert all(torch.equal(tensor, before[name]) for name, tensor in _weights(run, 3).items())
    assert train(drawn, small_with(num_iters=6), tmp_path / "run").checkpoint_steps() == (3, 6)


@pytest.mark.parametrize("name", ["generator.safetensors", "optimizers.safetensors", "state.json"])
def test_a_checkpoint_cut_in_half_is_named_and_the_one_before_still_works(
    drawn: Dataset, small_with: Any, tmp_path: Path, name: str
) -> None:
    run = train(drawn, small_with(num_iters=6), tmp_path / "run")
    file = run.checkpoint(6).folder / name
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(CheckpointError, match=r"000000006"):
        train(drawn, small_with(num_iters=9), tmp_path / "run")
    run.checkpoint(6).folder.rename(tmp_path / "damaged")
    assert train(drawn, small_with(num_iters=9), tmp_path / "run").checkpoint_steps() == (3, 6, 9)


def test_a_run_goes_on_only_with_its_own_labels_data_and_sizes(
    drawn: Dataset, drawn_folder: Path, small: RunConfig, tmp_path: Path
) -> None:
    train(drawn, small, tmp_path / "run")
    other_labels = open_dataset("CelebAMask-HQ", drawn_folder, 32, ("Young", "Male"))
    with pytest.raises(RunError, match=r"was trained for the labels Black_Hair .* not Young Male"):
        train(other_labels, small, tmp_path / "run")
    with pytest.raises(RunError, match="was trained on other data"):
        train(replace(drawn, fingerprint="0" * 64), small, tmp_path / "run")
    wider = small.model_copy(update={"model": small.model.model_copy(update={"g_conv_dim": 8})})
    with pytest.raises(RunError, match=r"another network .*g_conv_dim 4 -> 8"):
        train(drawn, wider, tmp_path / "run")


def test_a_checkpoint_of_other_labels_is_refused(drawn: Dataset, drawn_folder: Path, small: RunConfig, tmp_path: Path) -> None:
    other = open_dataset("CelebAMask-HQ", drawn_folder, 32, ("Young", "Male", "Black_Hair", "Blond_Hair", "Brown_Hair"))
    run, foreign = train(drawn, small, tmp_path / "run"), train(other, small, tmp_path / "foreign")
    run.checkpoint(6).folder.rename(tmp_path / "aside")
    foreign.checkpoint(6).folder.rename(run.checkpoint(6).folder)
    with pytest.raises(CheckpointError, match="was trained for the labels Young Male"):
        train(drawn, small, tmp_path / "run")


def test_a_folder_with_other_files_is_not_written_to(drawn: Dataset, small: RunConfig, tmp_path: Path) -> None:
    (tmp_path / "photo.txt").write_text("mine")
    with pytest.raises(RunError, match="holds files but no run"):
        train(drawn, small, tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["photo.txt"]


def test_faces_of_another_size_are_refused(drawn_folder: Path, small: RunConfig, tmp_path: Path) -> None:
    faces = open_dataset("CelebAMask-HQ", drawn_folder, 48, ("Male",))
    with pytest.raises(SettingsError, match=r"48 px but model.image_size is 32"):
        train(faces, small, tmp_path / "run")


def test_a_finished_run_stays_as_it_is(drawn: Dataset, small: RunConfig, tmp_path: Path) -> None:
    run = train(drawn, small, tmp_path / "run")
    before = run.read_steps()
    assert train(drawn, small, tmp_path / "run").read_steps() == before


def test_a_finished_run_called_again_with_other_settings_claims_none_of_them(
    drawn: Dataset, small: RunConfig, small_with: Any, tmp_path: Path
) -> None:
    run = train(drawn, small, tmp_path / "run", command="first")
    before = run.config_file.read_bytes()
    finished: list[int] = []
    callbacks = Callbacks(on_finished=finished.append)
    train(drawn, small_with(g_lr=0.5, num_iters=4), tmp_path / "run", command="second", callbacks=callbacks)
    assert run.config_file.read_bytes() == before and finished == [6]


def test_settings_changed_at_a_resume_are_kept_with_the_step_until_which_the_old_ones_held(
    drawn: Dataset, small: RunConfig, small_with: Any, tmp_path: Path
) -> None:
    run = train(drawn, small, tmp_path / "run", command="first")
    train(drawn, small, tmp_path / "run", command="again")
    assert read_record(run).history == ()
    train(drawn, small_with(num_iters=8, g_lr=0.0002), tmp_path / "run", command="second")
    train(drawn, small_with(num_iters=9, g_lr=0.0002), tmp_path / "run", command="third")
    record = read_record(run)
    assert [(change.after_step, change.command, dict(change.changed)) for change in record.history] == [
        (6, "second", {"training.num_iters": (6, 8), "training.g_lr": (0.0001, 0.0002)}),
        (8, "third", {"training.num_iters": (8, 9)}),
    ]
    assert record.config.training.num_iters == 9 and record.command == "third"


def test_a_flipped_byte_of_a_checkpoint_is_noticed_and_the_one_before_named(
    drawn: Dataset, small: RunConfig, tmp_path: Path
) -> None:
    run = train(drawn, small, tmp_path / "run")
    for file in (run.checkpoint(6).generator_file, run.checkpoint(6).optimizers_file):
        stored = bytearray(file.read_bytes())
        stored[-3] ^= 0x40  # within the last tensor: it loads
        file.write_bytes(stored)
        with pytest.raises(
            CheckpointError, match=rf"{file.name} is damaged: its bytes .*resumes from the checkpoint before \(0+3\)"
        ):
            train(drawn, make_longer(small), tmp_path / "run")
        stored[-3] ^= 0x40
        file.write_bytes(stored)
    train(drawn, make_longer(small), tmp_path / "run")


def make_longer(config: RunConfig) -> RunConfig:
    """The settings with two more steps."""
    return config.model_copy(update={"training": config.training.model_copy(update={"num_iters": 8})})


def test_two_trainers_do_not_share_a_folder_and_a_killed_one_holds_it_no_longer(
    drawn: Dataset, small: RunConfig, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    holder = (
        "import sys, time\nfrom pathlib import Path\nfrom lianpu.runs import Run\nfrom lianpu.training.record import locked\n"
        "with locked(Run(Path(sys.argv[1]))):\n    print('held', flush=True)\n    time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", holder, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        with pytest.raises(RunError, match=r"run is being trained by another process"):
            train(drawn, small, folder)
    finally:
        process.kill()
        process.communicate()
    assert train(drawn, small, folder).checkpoint_steps() == (3, 6)


def test_what_a_kill_in_the_first_write_leaves_is_ours(drawn: Dataset, small: RunConfig, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / ".000000003.abc.partial").mkdir(parents=True)
    (folder / ".config.abc.partial.yaml").write_text("a: 1")
    run = train(drawn, small, folder)
    assert run.checkpoint_steps() == (3, 6) and not [path for path in folder.iterdir() if ".partial" in path.name]


def test_only_the_last_checkpoints_are_kept(drawn: Dataset, small_with: Any, tmp_path: Path) -> None:
    run = train(drawn, small_with(num_iters=5, checkpoint_every=1, keep_checkpoints=2), tmp_path / "run")
    assert run.checkpoint_steps() == (4, 5)


def test_progress_is_told_to_callbacks(drawn: Dataset, small: RunConfig, tmp_path: Path) -> None:
    steps, read, logged = [], [], []
    told = Callbacks(
        on_step=lambda *counts: steps.append(counts),
        on_read=lambda *counts: read.append(counts),
        on_log=lambda values: logged.append(values["step"]),
    )
    train(drawn, small, tmp_path / "run", callbacks=told)
    last = small.training.num_iters or 0
    assert steps == [(done, last) for done in range(1, last + 1)] and logged == sorted(logged) and logged[-1] == last
    assert read and read[-1][0] == read[-1][1]


def test_epochs_count_when_num_iters_is_not_given(drawn: Dataset, small_with: Any, tmp_path: Path) -> None:
    run = train(drawn, small_with(num_iters=None, num_epochs=1, batch_size=8), tmp_path / "run")
    assert run.read_steps()[-1]["step"] == math.ceil(len(drawn.train) / 8)
    assert run.read_steps()[-1]["epoch"] == 1.0


def test_training_works_outside_the_main_thread(drawn: Dataset, small: RunConfig, tmp_path: Path) -> None:
    thread = threading.Thread(target=train, args=(drawn, small, tmp_path / "run"))
    thread.start()
    thread.join()
    assert Run(tmp_path / "run").checkpoint_steps() == (3, 6)


def test_scores_are_asked_for_at_their_checkpoints(drawn: Dataset, small_with: Any, tmp_path: Path) -> None:
    scored: list[str] = []
    callbacks = Callbacks(on_score=lambda run, checkpoint: scored.append(checkpoint.folder.name))
    train(drawn, small_with(eval_every=6), tmp_path / "run", callbacks=callbacks)
    assert scored == ["000000006"]
