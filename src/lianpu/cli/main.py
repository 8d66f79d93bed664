"""`lianpu COMMAND ...`: finds the command's file and runs it; nothing else is imported before."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from lianpu.errors import LianpuError, nearest_name
from lianpu.version import __version__

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("lianpu.cli.demo", "a whole run on drawn faces, from data to report, in minutes"),
    "data": ("lianpu.cli.data", "check a folder of labelled faces; draw faces"),
    "prepare": ("lianpu.cli.prepare", "from a folder of photos to a labelled training set"),
    "train": ("lianpu.cli.train", "train an editor, or go on with a stopped run"),
    "evaluate": ("lianpu.cli.evaluate", "score a run on the held-out faces"),
    "export": ("lianpu.cli.export", "write one ONNX file and prove that it agrees with PyTorch"),
    "quantize": ("lianpu.cli.quantize", "make the INT8 model, calibrated on training faces"),
    "compare": ("lianpu.cli.compare", "size, latency and quality of PyTorch, ONNX and INT8 side by side"),
    "report": ("lianpu.cli.report", "write the report of a run as HTML and Markdown"),
    "edit": ("lianpu.cli.edit", "edit the faces of a photo: hair colour, and what else the editor knows"),
    "serve": ("lianpu.cli.serve", "the page in the browser: drop a photo, edit its faces, download it"),
    "video": ("lianpu.cli.video", "the same for videos: faces followed, sound and times kept"),
    "camera": ("lianpu.cli.camera", "the same for the live picture of a webcam, shown, recorded, or as a virtual camera"),
    "faces": ("lianpu.cli.faces", "faces in photos: find them, their landmarks, parts and identity"),
    "parse": ("lianpu.cli.parse", "the parts of every face in photos: masks and tinted pictures"),
    "parser": ("lianpu.cli.parser", "train a face parser, or score one"),
    "bench": ("lianpu.cli.bench", "measure training and inference speed as ratios"),
    "landmarks": ("lianpu.cli.landmarks", "train, score and convert 68-point predictors of one's own"),
    "models": ("lianpu.cli.models", "pretrained files: list, fetch, check, import; their licences"),
    "doctor": ("lianpu.cli.doctor", "what this machine has, what is missing, and how to mend it"),
}

COMMERCIAL_SAFE = "--commercial-safe"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 when it went well, 1 with one line when the user can mend it, 2 for wrong usage."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_usage())
        return
    if words[0] in ("-V", "--version"):
        print(f"lianpu {__version__}")
        return
    if words[0] not in COMMANDS:
        print(f"lianpu: '{words[0]}' is no command{nearest_name(words[0], COMMANDS)}. See: lianpu --help", file=sys.stderr)
        raise SystemExit(2)
    module, _ = COMMANDS[words[0]]
    arguments_left = [word for word in words[1:] if word.replace("_", "-") != COMMERCIAL_SAFE]
    with _commercial_safe(len(arguments_left) < len(words) - 1):
        run_command(importlib.import_module(module).main, arguments_left)


def _commercial_safe(wanted: bool) -> AbstractContextManager[None]:
    """Any command takes `--commercial-safe`: it holds for every model file that is loaded, so it is obeyed in one place."""
    if not wanted:
        return nullcontext()
    from lianpu.models.store.policy import commercial_safe

    return commercial_safe(True)


def run_command(command: object, arguments: Sequence[str]) -> None:
    """Call `command(arguments)`; an error that the user can mend becomes one line and exit code 1."""
    assert callable(command)
    try:
        command(list(arguments))
    except LianpuError as problem:
        print(f"lianpu: {' '.join(str(problem).split())}", file=sys.stderr)
        raise SystemExit(1) from None
    except BrokenPipeError:
        raise SystemExit(1) from None


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {summary}" for name, (_, summary) in COMMANDS.items()]
    return "\n".join(
        [
            "lianpu (脸谱): from faces to shipped face-effect models",
            "",
            "usage: lianpu COMMAND ...        lianpu COMMAND --help tells all",
            "       --commercial-safe after any command refuses model files whose licence does not allow commercial use",
            "",
            *lines,
            "",
            "first steps: lianpu demo",
        ]
    )
