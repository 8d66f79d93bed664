import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lianpu.cli.main import main
from lianpu.cli.train import describe_plan, parse_arguments
from lianpu.errors import SettingsError
from lianpu.runs import Run
from lianpu.training.plan import Plan

ROOT = Path(__file__).parents[2]
SPECIFIED = "--dataset CelebA --image-size 256 --batch_size 16 --num_epochs 200 --selected-attrs Black_Hair Blond_Hair Male Young"


def test_the_command_of_the_specification_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    parsed, settings = parse_arguments(SPECIFIED.split())
    assert parsed.dataset == "CelebA" and parsed.data_dir == Path("data/celeba")
    assert settings.selected_attrs == ("Black_Hair", "Blond_Hair", "Male", "Young")
    assert settings.training.num_epochs == 200 and settings.model.image_size == 256


def test_config_yaml_of_the_working_folder_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.yaml").write_text("model: {image_size: 128}\ntraining: {batch_size: 8, n_critic: 3}\n")
    monkeypatch.chdir(tmp_path)
    settings = parse_arguments(["--batch-size", "4"])[1]
    assert (settings.model.image_size, settings.training.batch_size, settings.training.n_critic) == (128, 4, 3)
    (tmp_path / "other.yaml").write_text("loss: {lambda_cls: 2.0}\n")
    settings = parse_arguments(["--config", "other.yaml"])[1]
    assert settings.loss.lambda_cls == 2.0 and settings.model.image_size == 256


def test_without_a_file_the_published_values_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_arguments([])[1].training.n_critic == 5


def test_wrong_settings_on_the_command_line_are_named_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="image_size 130 is not a multiple of 4"):
        parse_arguments(["--image-size", "130"])
    with pytest.raises(SettingsError, match=r"image_size 130.*training\.batch_size: .*got 0"):
        parse_arguments(["--image-size", "130", "--batch_size", "0"])
    with pytest.raises(SystemExit) as caught:
        main(["train", "--image-size", "130"])
    assert caught.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("lianpu: ") and error.count("\n") == 1


def test_an_unknown_flag_is_refused_with_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["train", "--n_critci", "3"])
    assert caught.value.code
    assert "n-critic" in capsys.readouterr().err


def test_data_that_is_not_there_is_one_line_and_exit_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(["train"])
    assert caught.value.code == 1
    assert "data/celeba is not there. Give the data folder with --data-dir" in capsys.readouterr().err


def test_an_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["trian"])
    assert caught.value.code == 2
    assert "did you mean 'train'?" in capsys.readouterr().err


def test_training_through_the_command_leaves_a_run_and_says_what_it_will_cost(
    drawn_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    sizes = "--image-size 32 --g_conv_dim 4 --d_conv_dim 4 --g_repeat_num 1 --d_repeat_num 3 --batch_size 4 --num_iters 2 --device cpu"
    main(["train", "--dataset", "CelebAMask-HQ", "--data-dir", str(drawn_folder), "--run-dir", "run", *sizes.split()])
    printed = capsys.readouterr().out
    assert "Starting: 2 steps" in printed and "Memory about" in printed
    assert Run(Path("run")).checkpoint_steps() == (2,)
    command = Run(Path("run")).read_config()["command"]
    assert command.startswith("lianpu train --dataset CelebAMask-HQ")


def test_all_classes_of_a_folder_are_taken_when_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lianpu import draw_face, write_image

    monkeypatch.chdir(tmp_path)
    for index in range(24):
        write_image(
            tmp_path / "faces" / ("smiling" if index % 2 else "calm") / f"{index:02}.png", draw_face(0, index, 32).picture
        )
    sizes = "--image-size 32 --g_conv_dim 4 --d_conv_dim 4 --g_repeat_num 1 --d_repeat_num 3 --batch_size 4 --num_iters 2 --device cpu"
    main(["train", "--dataset", "folder", "--data-dir", "faces", "--run-dir", "run", *sizes.split()])
    data = Run(Path("run")).read_config()["data"]
    assert data["attributes"] == {"names": ["calm", "smiling"], "groups": [["calm", "smiling"]], "one_class": True}


def test_long_plans_are_told_in_days() -> None:
    plan = Plan(first_step=1001, total_steps=2_500_000, epochs=200.0, seconds=30 * 86400.0, memory_mb=8192.0, checkpoint_mb=900.0)
    words = describe_plan(plan)
    assert "Resuming from step 1000: 2,500,000 steps (200.0 epochs), about 30.0 days from now" in words
    assert "Memory about 8.0 GB; 900 MB on disk per checkpoint." in words


def test_ctrl_c_while_pairs_are_made_is_one_line_and_what_was_made_is_kept(drawn_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ["train", "--dataset", "CelebAMask-HQ", "--data-dir", str(drawn_folder), "--run-dir", str(run)]
    process = subprocess.Popen(
        [sys.executable, "-m", "lianpu", *words, "--preset", "fields", "--teacher", "drawn", "--image-size", "128"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while not (run / "pairs" / "of.json").is_file():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=300)
    assert process.returncode in (1, 130) and error.startswith("lianpu: ") and error.count("\n") == 1
    assert (run / "pairs" / "of.json").is_file()
