"""Help, spelling of options, completion, and the list of effects: what people read before they do anything."""

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from lianpu.cli.completion import completion_script
from lianpu.cli.main import COMMANDS, main
from lianpu.cli.subcommands import Command
from lianpu.cli.train import GROUPS, parse_arguments
from lianpu.editing.presets import bundled_presets
from lianpu.effects.catalogue import EFFECTS, STICKERS


@pytest.fixture(autouse=True)
def narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Help in one column of panels."""
    monkeypatch.setenv("COLUMNS", "80")


def _all_commands() -> Iterator[tuple[str, ...]]:
    import importlib

    for name, command in COMMANDS.items():
        yield (name,)
        if command.subcommands:
            below: dict[str, Command] = getattr(importlib.import_module(command.module), command.subcommands)
            yield from ((name, word) for word in below)
    yield from (("faces", "landmarks"), ("models", "fetch"), ("landmarks", "train"), ("data", "check"))


def _help(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    try:
        main([*words, "--help"])
    except SystemExit as end:
        assert not end.code
    return capsys.readouterr().out


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["edit", "--help"]], ids=" ".join)
def test_a_reader_that_stops_early_sees_no_traceback(words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-m", "lianpu", *words], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_no_help_loads_torch() -> None:
    heavy = ("torch", "matplotlib", "fastapi", "dlib", "av", "scipy", "ray", "insightface")
    code = (
        "import contextlib, io, sys\nfrom lianpu.cli.main import main\n"
        f"for words in {list(_all_commands())!r}:\n"
        "    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "        main([*words, '--help'])\n"
        f"    print(words, [name for name in {heavy!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == len(list(_all_commands())) and all(line.endswith("[]") for line in lines), done.stdout


def test_the_same_option_has_the_same_text_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    texts: dict[str, set[str]] = {}
    for words in (
        *(("edit",), ("video",), ("camera",), ("serve",), ("faces", "parts"), ("faces", "find"), ("parse",)),
        *(("prepare",), ("prepare", "fit"), ("bench", "effects")),
    ):
        said = " ".join(_help(*words, capsys=capsys).replace("│", " ").split())
        for option in ("--detector", "--landmarks", "--parser"):
            for text in re.findall(rf"{option} STR (.*?\(default: \w+\))", said):
                texts.setdefault(option, set()).add(text)
    assert set(texts) == {"--detector", "--landmarks", "--parser"}
    assert {option: len(found) for option, found in texts.items()} == dict.fromkeys(texts, 1), texts


def test_hyphens_and_underscores_are_both_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_arguments(["--run-dir", "here"])[0].run_dir == parse_arguments(["--run_dir", "here"])[0].run_dir == Path("here")


def test_help_spells_options_with_hyphens(capsys: pytest.CaptureFixture[str]) -> None:
    for words in _all_commands():
        assert not re.findall(r"--[a-z]+_[a-z_]+", _help(*words, capsys=capsys)), words


def test_the_help_of_edit_ends_with_what_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    said = _help("edit", capsys=capsys)
    for name in (*EFFECTS, *bundled_presets(), *STICKERS):
        assert f" {name}" in said.rpartition("╯")[2]
    assert said.rstrip().endswith("lianpu effects")


def test_the_help_of_train_has_every_setting_in_one_group(capsys: pytest.CaptureFixture[str]) -> None:
    from lianpu.training.config import LossConfig, ModelConfig, RunConfig, TrainingConfig

    known = [name for section in (ModelConfig, TrainingConfig, LossConfig) for name in section.model_fields]
    known += [name for name in RunConfig.model_fields if name not in ("model", "training", "loss")]
    assert sorted(name for group in GROUPS.values() for name in inspect.signature(group).parameters) == sorted(known)
    titles = re.findall(r"^ ?(?:╭─ )?(\w+ )?options ", _help("train", capsys=capsys), re.MULTILINE)
    assert [title.strip() for title in titles] == ["", *GROUPS]


def test_effects_are_listed_with_options_defaults_and_choices(capsys: pytest.CaptureFixture[str]) -> None:
    main(["effects", "--json"])
    listed = json.loads(capsys.readouterr().out)
    assert [effect["name"] for effect in listed["effects"]] == list(EFFECTS)
    way = next(effect for effect in listed["effects"] if effect["name"] == "anonymise")["options"][0]
    assert way["choices"] == ["blur", "mosaic", "solid"] and way["default"] == "blur"
    assert [preset["name"] for preset in listed["presets"]] == list(bundled_presets())
    assert listed["stickers"] == list(STICKERS)
    assert listed["editor"]["attributes"] == ["Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair", "Male", "Young"]
    main(["effects", "--language", "zh"])
    said = capsys.readouterr().out
    assert "口红" in said and "#b3263e" in said and "Black_Hair Blond_Hair Brown_Hair" in said


def test_commercial_safe_says_why_there_are_no_attributes(capsys: pytest.CaptureFixture[str]) -> None:
    main(["effects", "--commercial-safe"])
    assert "may not be used commercially" in capsys.readouterr().out


def _completed(script: Path, *words: str) -> list[str]:
    """What bash offers for the last of the words."""
    line = " ".join(f"'{word}'" for word in words)
    code = f"source {script}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _lianpu; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True, cwd=script.parent)
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_commands_options_and_choices(tmp_path: Path) -> None:
    script = tmp_path / "lianpu.bash"
    script.write_text(completion_script("bash"), encoding="utf-8")
    assert _completed(script, "lianpu", "trai") == ["train"]
    assert _completed(script, "lianpu", "train", "--run") == ["--run-dir"]
    assert _completed(script, "lianpu", "parser", "") == ["train", "evaluate", "export"]
    assert _completed(script, "lianpu", "parser", "train", "--network", "") == ["bisenet", "small"]
    assert _completed(script, "lianpu", "faces", "landmarks", "--sch") == ["--scheme"]
    assert _completed(script, "lianpu", "edit", "lian") == ["lianpu.bash"]


def _ran_by_zsh(script: Path, typed: Sequence[str]) -> list[str]:
    """The arguments with which zsh runs lianpu when each line is typed, completed with the Tab key, and entered."""
    import pty

    ours, theirs = pty.openpty()
    shell = subprocess.Popen(["zsh", "-f", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, cwd=script.parent, close_fds=True)
    os.close(theirs)
    seen = ""

    def read_until(pattern: str) -> str:
        nonlocal seen
        while not (found := re.search(pattern, seen)):
            seen += os.read(ours, 4096).decode(errors="replace")
        seen = seen[found.end() :]
        return found[1]

    try:
        os.write(ours, f"PS1='<%%>'; source {script.name}; lianpu() {{ print -r \"<$*>\" }}\n".encode())
        read_until("(<%>)")  # the prompt
        given = []
        for line in typed:
            os.write(ours, f"lianpu {line}\t\n".encode())
            given.append(read_until(r"\r\n<(.*?)>\r\n"))
            read_until("(<%>)")
        return given
    finally:
        os.close(ours)
        shell.kill()
        shell.wait()


@pytest.mark.skipif(shutil.which("zsh") is None, reason="needs zsh")
def test_zsh_completes_commands_options_choices_and_files(tmp_path: Path) -> None:
    script = tmp_path / "lianpu.zsh"
    script.write_text(completion_script("zsh"), encoding="utf-8")
    typed = ("trai", "train --run", "parser ev", "parser train --network bi", "faces landmarks --sch", "edit lian")
    assert _ran_by_zsh(script, typed) == [
        "train",
        "train --run-dir",
        "parser evaluate",
        "parser train --network bisenet",
        "faces landmarks --scheme",
        "edit lianpu.zsh",
    ]


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
def test_fish_completes_commands_options_choices_and_files(tmp_path: Path) -> None:
    script = tmp_path / "lianpu.fish"
    script.write_text(completion_script("fish"), encoding="utf-8")

    def offered(line: str) -> list[str]:
        code = f"source lianpu.fish; complete -C '{line}'"
        environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
        done = subprocess.run(["fish", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, env=environment)
        return [word.partition("\t")[0] for word in done.stdout.splitlines()]

    assert offered("lianpu trai") == ["train"]
    assert sorted(offered("lianpu parser ")) == ["evaluate", "export", "train"]
    assert sorted(offered("lianpu parser train --network ")) == ["bisenet", "small"]
    assert offered("lianpu train --run") == ["--run-dir"]
    assert offered("lianpu faces landmarks --sch") == ["--scheme"]
    assert offered("lianpu edit lian") == ["lianpu.fish"]


def test_completion_knows_every_option_of_every_help(capsys: pytest.CaptureFixture[str]) -> None:
    script = completion_script("fish")
    for words in _all_commands():
        known = set(re.findall(rf'= "{" ".join(words)}"\' -l ([a-z0-9-]+)', script))
        told = set(re.findall(r"^[│ ]+(?:-h, )?--([a-z][a-z0-9-]+)", _help(*words, capsys=capsys), re.MULTILINE))
        assert (told or words in (("parser",), ("bench",), ("web",))) and told <= known, f"{words}: {told - known}"
