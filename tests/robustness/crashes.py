"""Commands that are killed, or whose disk is full, at each of their writes: a child that hooks the places at which files get their names.

    python -m tests.robustness.crashes JOB WORK [HOW:NUMBER ...]

The hook lies in this child alone: it replaces `os.replace`, by which every file and folder of ours gets its name, and the appending of
`lianpu.files`, before any command is loaded. HOW is `kill` (kill -9) or `full` (no space left). For each write (all, both ways, where none is
named), the command runs in a fork until
that write, then again in another fork to its end; the results must be those of a run that nothing stopped.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lianpu import files

_replace, _append = os.replace, files.append_text
_hook: Callable[[], None] = lambda: None  # noqa: E731


def _hooked_replace(source: Any, target: Any, **options: Any) -> None:
    _hook()
    _replace(source, target, **options)


def _hooked_append(target: Path, text: str) -> Path:
    with files.disk_errors_named(target):
        _hook()
    return _append(target, text)


@dataclass(frozen=True)
class Job:
    """A command and what its results are.

    Args:
        prepare: writes the inputs into a folder.
        words: the command line, with the folder of inputs and that of results.
        results: what must be equal, from the folder of results.
    """

    prepare: Callable[[Path], None]
    words: Callable[[Path, Path], list[str]]
    results: Callable[[Path], dict[str, Any]]


def _draw_faces(inputs: Path) -> None:
    from lianpu.dataset.drawn import draw_dataset

    draw_dataset(inputs / "faces", 12, 32, seed=0, held_out=0.25)


def _draw_photos(inputs: Path) -> None:
    from tests.support.portraits import write_portrait

    (inputs / "photos").mkdir()
    for number in (1, 2):
        write_portrait(inputs / "photos" / f"{number}.jpg", number, 128)


def _draw_video(inputs: Path) -> None:
    import av

    from tests.support.portraits import portrait

    picture = portrait(1, 128).picture
    with av.open(str(inputs / "film.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width = stream.height = 128
        stream.pix_fmt = "yuv420p"
        for number in range(4):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.roll(picture, number, axis=1)), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _train(inputs: Path, out: Path) -> list[str]:
    size = [
        "--image-size",
        "32",
        "--g-conv-dim",
        "4",
        "--d-conv-dim",
        "4",
        "--g-repeat-num",
        "1",
        "--d-repeat-num",
        "3",
        "--batch-size",
        "4",
        "--selected-attrs",
        "Male",
        "Young",
    ]
    often = [
        "--num-iters",
        "3",
        "--n-critic",
        "1",
        "--log-every",
        "1",
        "--sample-every",
        "2",
        "--checkpoint-every",
        "1",
        "--keep-checkpoints",
        "9",
        "--device",
        "cpu",
    ]
    return ["train", "--dataset", "CelebAMask-HQ", "--data-dir", str(inputs / "faces"), "--run-dir", str(out), *size, *often]


def _trained(out: Path) -> dict[str, Any]:
    timed = ("seconds", "seconds_per_step", "faces_per_second", "time")
    lines = [json.loads(line) for line in (out / "steps.jsonl").read_text().splitlines()]
    steps = [{name: value for name, value in line.items() if "second" not in name and name not in timed} for line in lines]
    weights = {
        file.relative_to(out).as_posix(): file.read_bytes() for file in sorted((out / "checkpoints").rglob("*.safetensors"))
    }
    samples = {file.name: file.read_bytes() for file in sorted((out / "samples").glob("*.png"))}
    return {"steps": steps, "weights": weights, "samples": samples}


def _texts(out: Path, *names: str) -> dict[str, Any]:
    return {name: (out / name).read_bytes() for name in names}


def _prepared(out: Path) -> dict[str, Any]:
    crops = {file.name: file.read_bytes() for file in sorted((out / "images").iterdir())}
    return crops | _texts(out, "list_attr.txt", "faces.csv", "dropped.csv", "train.txt", "val.txt")


def _edited(out: Path) -> dict[str, Any]:
    from lianpu.photo.reading import read_image

    return {file.name: read_image(file).tobytes() for file in sorted(out.glob("[!.]*.jpg"))}


def _filmed(out: Path) -> dict[str, Any]:
    import av

    with av.open(str(out / "film.mp4")) as container:
        return {str(frame.pts): frame.to_ndarray(format="rgb24").tobytes() for frame in container.decode(video=0)}


_EFFECT = ["--effect", "anonymise=mosaic", "--detector", "dlib", "--landmarks", "dlib"]

JOBS: dict[str, Job] = {
    "train": Job(_draw_faces, _train, _trained),
    "prepare": Job(
        _draw_photos,
        lambda inputs, out: [
            "prepare",
            str(inputs / "photos"),
            str(out),
            "--size",
            "32",
            "--max-hash-distance=-1",
            "--parser",
            "none",
            "--detector",
            "dlib",
        ],
        _prepared,
    ),
    "edit": Job(_draw_photos, lambda inputs, out: ["edit", str(inputs / "photos"), str(out), *_EFFECT], _edited),
    "video": Job(
        _draw_video,
        lambda inputs, out: ["video", str(inputs / "film.mp4"), str(out / "film.mp4"), *_EFFECT],
        _filmed,
    ),
}
"""The commands that resume, by name."""


def _run(words: list[str], hook: Callable[[], None] | None, log: Path) -> int:
    """The command in a fork, with the hook at each write: its exit code, or minus the signal that ended it."""
    child = os.fork()
    if not child:
        global _hook
        code = 70
        try:
            _hook = hook or _hook
            with log.open("w") as stream, contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
                from lianpu.cli.main import main

                try:
                    main(words)
                    code = 0
                except SystemExit as end:
                    code = end.code if isinstance(end.code, int) else 1
                except BaseException:
                    import traceback

                    traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _counting(file: Path) -> Callable[[], None]:
    def count() -> None:
        with file.open("a") as stream:
            stream.write("x")

    return count


def _at(number: int, then: Callable[[], None]) -> Callable[[], None]:
    seen = 0

    def hook() -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            then()

    return hook


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def try_each(name: str, work: Path, asked: list[str]) -> dict[str, Any]:
    """What went wrong at which write of a job (`kill:-1` is a kill at the last one)."""
    job = JOBS[name]
    inputs = work / "inputs"
    inputs.mkdir(parents=True)
    job.prepare(inputs)
    log, counted = work / "log", work / "count"
    whole = work / "whole"
    if code := _run(job.words(inputs, whole), _counting(counted), log):
        return {"writes": 0, "problems": [f"the whole run ends with {code}: {log.read_text()[-1500:]}"]}
    expected, writes = job.results(whole), len(counted.read_text())
    assert expected
    problems = []
    pairs = [(how, int(number)) for how, _, number in (one.partition(":") for one in asked)]
    chosen = [(how, number if number > 0 else writes + 1 + number) for how, number in pairs]
    chosen = chosen or [(how, number) for number in range(1, writes + 1) for how in ("kill", "full")]
    for how, number in chosen:
        out = work / f"{how}-{number}"
        code = _run(job.words(inputs, out), _at(number, _kill if how == "kill" else _full), log)
        said = log.read_text()
        if how == "kill" and code != -signal.SIGKILL:
            problems.append(f"{how} at write {number}: ends with {code} instead of being killed: {said[-800:]}")
        if how == "full" and (code != 1 or "The disk is full" not in said or "Traceback" in said):
            problems.append(f"{how} at write {number}: a full disk ends with {code}: {said[-800:]}")
        if code := _run(job.words(inputs, out), None, log):
            problems.append(f"{how} at write {number}: the second call ends with {code}: {log.read_text()[-1500:]}")
            continue
        got = job.results(out)
        if different := [key for key in expected if got.get(key) != expected[key]] + [key for key in got if key not in expected]:
            problems.append(f"{how} at write {number}: other results than without a stop: {', '.join(different)}")
        if left := [
            path.relative_to(work).as_posix() for path in [*out.rglob("*"), *out.parent.glob(".*")] if files.is_leftover(path)
        ]:
            problems.append(f"{how} at write {number}: left behind: {', '.join(left)}")
        shutil.rmtree(out, ignore_errors=True)
    return {"writes": writes, "tried": chosen, "problems": problems}


def main() -> None:
    """Print what was found as JSON."""
    name, work, *asked = sys.argv[1:]
    os.replace = _hooked_replace  # type: ignore[assignment]
    files.append_text = _hooked_append
    with contextlib.redirect_stdout(io.StringIO()):
        found = try_each(name, Path(work), asked)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
