"""`lianpu bench video`: frames a second of each stage and effect on a video, and how much flickers before and after smoothing."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    from lianpu.cli.bench_video_report import SizeMeasured
    from lianpu.editors.editor import Editor
    from lianpu.effects.presets import Preset
    from lianpu.effects.studio import Studio
    from lianpu.effects.subject import Subject
    from lianpu.image import Picture
    from lianpu.video.encoding import Encoding
    from lianpu.video.flicker import Contender

EDIT = "edit"
"""The editor's name among the effects."""


@dataclass(frozen=True)
class BenchVideoArguments:
    """Compare effects on a video: milliseconds a frame and frames a second of each stage and of each effect, which take turns on every frame.

    The video is a file, or is made: a camera that moves over pictures (--photos), or over drawn portraits. In a made one the true motion is
    known, so that it is also measured how much flickers from frame to frame, with every reading as it is and smoothed.
    """

    video: Annotated[Path | None, tyro.conf.Positional] = None
    """A video; one is made when none is given."""
    photos: tuple[Path, ...] = ()
    """Pictures with faces that a video is made of; drawn portraits when there is neither a video nor a picture."""
    sizes: tuple[str, ...] = ()
    """Sizes as WIDTHxHEIGHT: 640x360 and 1280x720 for made videos, that of the file for others, unless said."""
    frames: int = 48
    """How many frames: the first ones of a file; as many of a made one, in equal shares of its pictures."""
    effects: tuple[str, ...] = ()
    """Names of effects, and edit for the editor; all of them when none is given."""
    set: str = "Blond_Hair=yes"
    """What the editor shall do."""
    model: Annotated[str, tyro.conf.arg(aliases=["--editor"])] = "lite"
    """The editor: lite (the one in the package), a run folder, a checkpoint folder, or an .onnx file."""
    strength: float = 1.0
    """Strength of every effect."""
    rounds: int = 3
    """Rounds over all frames; of each frame the median counts."""
    clock: Literal["wall", "processor"] = "wall"
    """wall: time as it passes; processor: time that processors worked, where other programs keep them busy."""
    detector: str = "auto"
    """auto (yunet where it is, else dlib), buffalo_l, yunet, dlib, or the path of an .onnx file."""
    parser: str = "auto"
    """What sees the parts of faces: auto (the one in the package), bisenet, or a path."""
    threads: int | None = None
    """Threads of OpenCV, ONNX Runtime and the encoder; as many as there are cores when left out."""
    json: Path | None = None
    """Also write the numbers to this file."""


def main(arguments: list[str]) -> None:
    """Parse the command line, measure, print tables, and write the numbers where they are asked for."""
    parsed = tyro.cli(BenchVideoArguments, args=arguments, prog="lianpu bench video")
    from lianpu.cli.bench_video_report import as_json, flicker_table, speed_table
    from lianpu.cli.progress import console
    from lianpu.devices import describe_machine
    from lianpu.files import write_json

    check(parsed)
    cpu = describe_machine().cpu
    measured = []
    for one in measure(parsed):
        measured.append(one)
        console.print(speed_table(one, f"{cpu}, {parsed.clock} time, median of {parsed.rounds}"))
        if one.raw is not None and one.smoothed is not None:
            console.print(flicker_table(one.size, one.raw, one.smoothed))
    if parsed.json is not None:
        write_json(parsed.json, as_json(measured, cpu, parsed.clock, parsed.rounds))


def check(parsed: BenchVideoArguments) -> list[tuple[int, int]]:
    """The sizes that are asked for. Raises SettingsError for numbers and words that cannot be."""
    from lianpu.errors import SettingsError

    for name, value, least in (("rounds", parsed.rounds, 1), ("frames", parsed.frames, 2)):
        if value < least:
            raise SettingsError(f"--{name} {value}: give at least {least}.")
    if parsed.video is not None and parsed.photos:
        raise SettingsError(f"Both a video ({parsed.video}) and --photos are given. Give one of them.")
    sizes = []
    for word in parsed.sizes or (() if parsed.video is not None else ("640x360", "1280x720")):
        found = re.fullmatch(r"(\d{2,4})x(\d{2,4})", word)
        if found is None or int(found[1]) % 2 or int(found[2]) % 2:
            raise SettingsError(f"--sizes {word}: write WIDTHxHEIGHT in even pixels, as 640x360.")
        sizes.append((int(found[1]), int(found[2])))
    return sizes


def measure(parsed: BenchVideoArguments) -> Iterator[SizeMeasured]:
    """What was measured at each size, as it comes. Raises LianpuError children for what cannot be measured."""
    from lianpu.cli.bench_effects import limit_threads
    from lianpu.effects.studio import open_studio
    from lianpu.video.detector import video_detector
    from lianpu.video.encoding import choose_encoding
    from lianpu.video.facts import read_facts
    from lianpu.video.library import load_av

    if parsed.video is not None:
        read_facts(parsed.video)  # what is no video is said before models are loaded
    limit_threads(parsed.threads)
    applied = contenders(parsed)
    encoding = choose_encoding(Path("written.mp4"), load_av().codecs_available)
    detector = video_detector() if parsed.detector == "auto" else parsed.detector
    studio = open_studio(detector, parsed.parser, parsed.threads)
    sizes: list[tuple[int, int] | None] = [*check(parsed)] or [None]
    for size in sizes:
        with TemporaryDirectory(prefix="lianpu-bench-") as folder:
            yield _measure_size(parsed, size, applied, studio, encoding, Path(folder))


def contenders(parsed: BenchVideoArguments) -> dict[str, Contender]:
    """The effects and the editor, by name, in the catalogue's order. Raises SettingsError for the name of none of them."""
    from lianpu.cli.edit_words import read_values
    from lianpu.editors.loading import load_editor
    from lianpu.effects.catalogue import EFFECTS, effect_of
    from lianpu.effects.presets import EditStep, EffectStep, Preset, Step, check_editor

    steps: dict[str, Step] = {}
    for name in parsed.effects or (*EFFECTS, EDIT):
        if name == EDIT:
            steps[name] = EditStep(read_values([parsed.set], "--set"), parsed.strength)
        else:
            steps[name] = EffectStep(effect_of(name), parsed.strength)
    editor = load_editor(parsed.model, threads=parsed.threads) if EDIT in steps else None
    presets = {name: Preset(name, (step,)) for name, step in steps.items()}
    for preset in presets.values():
        check_editor(preset, editor)
    return {name: partial(_apply, preset, editor) for name, preset in presets.items()}


def _apply(preset: Preset, editor: Editor | None, picture: Picture, subjects: Sequence[Subject]) -> Picture:
    from lianpu.effects.presets import apply_preset

    return apply_preset(picture, subjects, preset, editor)


def _measure_size(
    parsed: BenchVideoArguments,
    size: tuple[int, int] | None,
    applied: dict[str, Contender],
    studio: Studio,
    encoding: Encoding,
    folder: Path,
) -> SizeMeasured:
    from lianpu.cli.bench_video_clip import clip_of_file, made_clip
    from lianpu.cli.bench_video_report import SizeMeasured
    from lianpu.cli.progress import stages
    from lianpu.video.clip_speed import measure_speed
    from lianpu.video.flicker import clip_flicker
    from lianpu.video.following import UNSMOOTHED, FollowSettings

    made = None
    if parsed.video is not None:
        facts = clip_of_file(parsed.video, parsed.frames, size, encoding, folder)
    else:
        assert size is not None, "made videos have sizes"
        facts, made = made_clip(parsed.photos, parsed.frames, size, encoding, folder)
    clock = time.perf_counter if parsed.clock == "wall" else time.process_time
    raw = smoothed = None
    with stages() as begin:
        on_progress = begin(f"{facts.width} x {facts.height}, {facts.file.name}")
        speed = measure_speed(
            facts,
            applied,
            studio,
            encoding,
            folder,
            rounds=parsed.rounds,
            threads=parsed.threads,
            clock=clock,
            on_progress=on_progress,
        )
        if made is not None:
            raw = clip_flicker(made, studio, UNSMOOTHED, applied, on_progress=begin("Flicker as it is read"))
            smoothed = clip_flicker(made, studio, FollowSettings(), applied, on_progress=begin("Flicker smoothed"))
    return SizeMeasured((facts.width, facts.height), speed, raw, smoothed)
