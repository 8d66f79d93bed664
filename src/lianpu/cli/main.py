"""`lianpu COMMAND ...`: finds the command's file and runs it; nothing else is imported before."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, NoReturn

from lianpu.cli.subcommands import HELP, Command, run_command
from lianpu.errors import LianpuError, nearest_name
from lianpu.extras import missing_library
from lianpu.models.store.first_use import OnProgress, fetches_shown_by
from lianpu.version import __version__

if TYPE_CHECKING:
    from lianpu.models.table import ModelFile

GROUPS: dict[str, dict[str, Command]] = {
    "Edit faces": {
        "edit": Command("lianpu.cli.edit", "edit the faces of a photo or of a folder of photos", "EditArguments"),
        "video": Command("lianpu.cli.video", "edit the faces of a video", "VideoArguments", ("video",)),
        "camera": Command("lianpu.cli.camera", "edit the live picture of a webcam", "CameraArguments"),
        "serve": Command("lianpu.cli.serve", "open the page for editing in a browser", "ServeArguments", ("web",)),
        "web": Command("lianpu.cli.web", "write the page that edits in the browser, with no server", subcommands="WEB_COMMANDS"),
        "effects": Command("lianpu.cli.effects", "list effects, presets, stickers and attributes", "EffectsArguments"),
    },
    "Analyze faces": {
        "faces": Command("lianpu.cli.faces", "find faces, their landmarks, parts and identity", "Arguments"),
        "parse": Command("lianpu.cli.parse", "label the parts of every face: masks and overlays", "ParseArguments"),
    },
    "Train an editor": {
        "demo": Command(
            "lianpu.cli.demo",
            "run every stage on drawn faces, from data to report, in minutes",
            "DemoArguments",
            ("train", "report"),
        ),
        "prepare": Command(
            "lianpu.cli.prepare",
            "turn a folder of photos into a labelled training set",
            "PrepareArguments",
            subcommands="PREPARE_COMMANDS",
        ),
        "data": Command("lianpu.cli.data", "check a folder of labelled faces; draw faces", "Arguments"),
        "train": Command("lianpu.cli.train", "train an editor, or resume a stopped run", "TrainArguments", ("train",)),
        "evaluate": Command("lianpu.cli.evaluate", "score a run on the held-out faces", "EvaluateArguments", ("train",)),
        "export": Command("lianpu.cli.export", "write one ONNX file and check it against PyTorch", "ExportArguments", ("train",)),
        "quantize": Command(
            "lianpu.cli.quantize", "make the INT8 model, calibrated on training faces", "QuantizeArguments", ("train",)
        ),
        "compare": Command(
            "lianpu.cli.compare", "compare size, latency and quality of PyTorch, ONNX and INT8", "CompareArguments", ("train",)
        ),
        "push": Command(
            "lianpu.cli.push", "publish a run's model on the Hugging Face Hub, with its card", "PushArguments", ("hub",)
        ),
        "runs": Command(
            "lianpu.cli.runs",
            "list runs with their state, scores and sizes; compare two",
            "RunsArguments",
            subcommands="RUNS_COMMANDS",
        ),
        "report": Command("lianpu.cli.report", "write the report of a run as HTML and Markdown", "ReportArguments", ("report",)),
    },
    "Train face models": {
        "parser": Command("lianpu.cli.parser", "train, score and export a face parser", subcommands="PARSER_COMMANDS"),
        "transform": Command("lianpu.cli.transform", "learn how sex and age change faces, from labelled ones", "Arguments"),
        "landmarks": Command("lianpu.cli.landmarks", "train, score and convert predictors of 68 points", "Arguments", ("dlib",)),
    },
    "This installation": {
        "models": Command("lianpu.cli.models", "list, fetch, check and import pretrained files", "Arguments"),
        "doctor": Command("lianpu.cli.doctor", "show what this machine has, what is missing, and how to get it", "DoctorOptions"),
        "bench": Command("lianpu.cli.bench", "measure speed as ratios", subcommands="BENCHES"),
        "completion": Command("lianpu.cli.completion", "print a completion script for bash, zsh or fish", "CompletionArguments"),
    },
}
"""The commands, as `lianpu --help` groups them."""

COMMANDS: dict[str, Command] = {name: command for commands in GROUPS.values() for name, command in commands.items()}

COMMERCIAL_SAFE = "--commercial-safe"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 when it worked, 1 with one line when the user can fix it, 2 for wrong usage."""
    _print_any_name()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in (*HELP, "help", "-V", "--version"):
        with _errors_as_one_line():
            print(f"lianpu {__version__}" if words and words[0] in ("-V", "--version") else _usage(), flush=True)
        return
    if words[0] not in COMMANDS:
        print(f"lianpu: '{words[0]}' is not a command{nearest_name(words[0], COMMANDS)}. See: lianpu --help", file=sys.stderr)
        raise SystemExit(2)
    rest = [word for word in words[1:] if word.replace("_", "-") != COMMERCIAL_SAFE]
    with _commercial_safe(len(rest) < len(words) - 1), fetches_shown_by(_show_fetch), _errors_as_one_line():
        run_command(f"lianpu {words[0]}", COMMANDS[words[0]], rest)


def _print_any_name() -> None:
    """Names of files that are no UTF-8 are printed with backslashes instead of ending the command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _commercial_safe(wanted: bool) -> AbstractContextManager[None]:
    """Every command takes `--commercial-safe`: it applies to each model file that is loaded, so it is handled in one place."""
    if not wanted:
        return nullcontext()
    from lianpu.models.store.locate import commercial_safe

    return commercial_safe(True)


@contextmanager
def _show_fetch(entry: ModelFile) -> Iterator[OnProgress | None]:
    """A line and a bar around a model file that is fetched because the command needs it."""
    from lianpu.terminal import first_use

    with first_use(entry.name, f"{entry.used_for}; {entry.size_bytes / 1e6:.1f} MB; {entry.licence}") as on_progress:
        yield on_progress


@contextmanager
def _errors_as_one_line() -> Iterator[None]:
    """An error that the user can fix, and a library of an extra that is missing, become one line and exit code 1; Ctrl-C one line and 130."""
    try:
        yield
    except LianpuError as problem:
        _exit_with(problem)
    except ModuleNotFoundError as problem:
        missing = missing_library(problem)
        if missing is None:
            raise
        _exit_with(missing)
    except BrokenPipeError:
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("lianpu: stopped.", file=sys.stderr)
        raise SystemExit(130) from None


def _exit_with(problem: LianpuError) -> NoReturn:
    print(f"lianpu: {' '.join(str(problem).split())}", file=sys.stderr)
    raise SystemExit(1) from None


def _usage() -> str:
    width = max(map(len, COMMANDS))
    groups = [
        f"{title}:\n" + "\n".join(f"  {name:<{width}}  {command.summary}" for name, command in commands.items())
        for title, commands in GROUPS.items()
    ]
    return "\n\n".join(
        [
            "lianpu (脸谱): edit faces in photos and videos; train, score, export and report the models that do it",
            "usage: lianpu COMMAND ...     all options of a command: lianpu COMMAND --help\n"
            "       --commercial-safe after any command refuses model files whose licence does not allow commercial use",
            *groups,
            "First steps: lianpu edit PHOTO OUT --effect lipstick=0.8",
        ]
    )
