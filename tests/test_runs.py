"""The run folder: what is written is read back, and what a crash left does no harm."""

import errno
from pathlib import Path

import pytest

from lianpu.errors import LianpuError, RunError
from lianpu.runs import Run, open_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run(tmp_path / "portraits")
    made.write_config({"run_id": "x", "名": "脸谱"})
    return made


def test_making_a_run_touches_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path / "none")
    assert run.checkpoint_steps() == () and run.sample_steps() == () and run.read_steps() == [] and run.read_scores() == {}
    assert not run.folder.exists()


def test_settings_are_read_back_in_their_order(run: Run) -> None:
    assert list(open_run(run.folder).read_config().items()) == [("run_id", "x"), ("名", "脸谱")]
    assert "脸谱" in run.config_file.read_text(encoding="utf-8")


def test_a_folder_that_is_not_there_is_refused_with_the_nearest_beside_it(run: Run) -> None:
    with pytest.raises(RunError, match=r"portrait is no run folder: it is not there \(did you mean 'portraits'\?\)"):
        open_run(run.folder.parent / "portrait")
    with pytest.raises(RunError, match="it is not there"):
        open_run(run.folder / "a" / "b")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "is not a run folder: it has no config.yaml. Give the folder that --run-dir named"),
        (b"a: [1", r"config\.yaml cannot be read \("),
        (b"\xff\xfe", "cannot be read"),
        (b"", "holds no settings. Restore it, or start a new run"),
        (b"- 1", "holds no settings"),
    ],
)
def test_a_damaged_config_is_refused_in_one_line(run: Run, content: bytes | None, words: str) -> None:
    run.config_file.unlink() if content is None else run.config_file.write_bytes(content)
    with pytest.raises(RunError, match=words) as caught:
        open_run(run.folder)
    assert "\n" not in str(caught.value)


def test_checkpoints_are_found_by_step_and_unfinished_ones_passed_over(run: Run) -> None:
    for name in ("000000100", "000000020", ".000000300.x.partial", ".000000020.x.old", "notes", "20"):
        (run.checkpoints_folder / name).mkdir(parents=True)
    assert run.checkpoint_steps() == (20, 100)
    assert run.last_checkpoint().folder.name == "000000100"
    assert run.checkpoint(20).state_file == run.checkpoints_folder / "000000020" / "state.json"


def test_a_run_without_checkpoints_says_how_to_train_it(run: Run) -> None:
    with pytest.raises(RunError, match=r"portraits has no checkpoint yet. Train it first: lianpu train --run-dir .*portraits"):
        run.last_checkpoint()


def test_sample_grids_are_found_by_step(run: Run) -> None:
    run.samples_folder.mkdir()
    for name in (run.sample_file(1000).name, run.sample_file(20).name, ".000000030.x.partial.png", "notes.png"):
        (run.samples_folder / name).touch()
    assert run.sample_steps() == (20, 1000)


def test_steps_are_read_back_oldest_first(run: Run) -> None:
    run.append_step({"step": 10, "d_loss": 0.5})
    run.append_step({"step": 20, "d_loss": 0.25, "note": "\u2028 is no line end"})
    assert [values["step"] for values in run.read_steps()] == [10, 20]


def test_a_last_line_cut_by_a_crash_is_left_out(run: Run) -> None:
    run.append_step({"step": 10})
    with run.steps_file.open("a") as stream:
        stream.write('{"step": 2')
    assert run.read_steps() == [{"step": 10}]


def test_a_damaged_line_in_the_middle_is_refused_with_its_number(run: Run) -> None:
    run.steps_file.write_text('{"step": 10}\n{"ste\n{"step": 30}\n')
    with pytest.raises(RunError, match=r"steps\.jsonl, line 2, is no JSON. Restore the file, or remove that line"):
        run.read_steps()


@pytest.mark.parametrize("before", ["", '{"step": 10}\n{"step": 20}\n'])
def test_going_on_after_a_crash_that_cut_a_line_keeps_the_log_whole(run: Run, before: str) -> None:
    run.steps_file.write_text(before + '{"step": 3')
    run.keep_steps_up_to(10)
    run.append_step({"step": 11})
    assert run.read_steps() == ([{"step": 10}] if before else []) + [{"step": 11}]


def test_going_on_from_an_older_checkpoint_drops_the_steps_after_it(run: Run) -> None:
    for step in (10, 20, 30):
        run.append_step({"step": step})
    run.keep_steps_up_to(20)
    assert [values["step"] for values in run.read_steps()] == [10, 20]
    run.keep_steps_up_to(0)
    assert run.read_steps() == [] and run.steps_file.is_file()


def test_nan_is_never_logged(run: Run) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        run.append_step({"step": 10, "d_loss": float("nan")})
    assert run.read_steps() == []


def test_a_full_disk_while_logging_is_said_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", full_disk)
    with pytest.raises(LianpuError, match=r"The disk is full: .*steps\.jsonl"):
        run.append_step({"step": 10})


def test_scores_are_read_back_by_name_and_unfinished_ones_passed_over(run: Run) -> None:
    run.write_score("step-000000010", {"scores": []})
    run.write_score("model.int8", {"scores": [1]})
    (run.scores_folder / ".model.x.partial.json").write_text('{"sco')
    assert run.read_scores() == {"step-000000010": {"scores": []}, "model.int8": {"scores": [1]}}


def test_a_damaged_score_is_refused_with_its_file(run: Run) -> None:
    run.write_score("a", {"scores": []}).write_text('{"sco')
    with pytest.raises(RunError, match=r"a\.json cannot be read as JSON"):
        run.read_scores()


@pytest.mark.parametrize(
    ("language", "ending", "name"),
    [("en", "html", "report.html"), ("zh", "html", "report.zh.html"), ("zh", "md", "report.zh.md")],
)
def test_reports_are_named_by_language(run: Run, language: str, ending: str, name: str) -> None:
    assert run.report_file(language, ending) == run.folder / "report" / name


def test_files_of_a_run_have_the_names_that_the_documents_say(run: Run) -> None:
    named = {
        "config.yaml": run.config_file,
        "steps.jsonl": run.steps_file,
        "samples/000010000.png": run.sample_file(10000),
        "checkpoints/000200000": run.checkpoint(200000).folder,
        "export/model.onnx": run.onnx_file,
        "export/model.float16.onnx": run.float16_file,
        "export/model.int8.onnx": run.int8_file,
        "export/parity.json": run.parity_file,
        "export/benchmark.json": run.benchmark_file,
        "scores": run.scores_folder,
    }
    assert {file.relative_to(run.folder).as_posix(): file for file in named.values()} == named
