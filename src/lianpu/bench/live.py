"""`lianpu bench live`: frames per second and latency of the live picture, every path over the same frames in one run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.bench.live_speed import LivePath, PathSpeed
    from lianpu.imaging.picture import Picture

CASES: dict[str, tuple[str, ...]] = {
    "none": (),
    "lipstick": ("lipstick",),
    "skin + lips": ("smooth_skin", "lipstick"),
    "hair": ("hair_color",),
    "skin + lips + hair": ("smooth_skin", "lipstick", "hair_color"),
    "slim": ("slim_face",),
    "blur": ("blur_background",),
    "all": ("smooth_skin", "lipstick", "hair_color", "slim_face", "blur_background"),
}
"""What is measured: effects by the name of their row."""

SIZES = ("640x480", "1280x720")

_QUICK_FRAMES, _FRAMES, _LEAST_FRAMES = 16, 45, 6

_DRAWN_PX = 640
"""Side of the drawn portrait that the camera moves over where no photo is given."""

_WAY_FRAMES = 120
"""Frames of the camera's whole path: its speed does not depend on the number of frames."""


@dataclass(frozen=True)
class BenchLiveArguments:
    """Compare the ways to edit a live picture: frames per second, latency, processor time, and milliseconds of each stage.

    All of them edit the same frames in one process and take turns: a synthetic camera that moves over a drawn portrait, or over photos.
    """

    photo: tuple[Path, ...] = ()
    """Photos with faces for the synthetic camera; a drawn portrait when none are given."""
    sizes: tuple[str, ...] = SIZES
    """Sizes of the frames, as WIDTHxHEIGHT."""
    threads: tuple[int, ...] = (1, 2)
    """Numbers of threads."""
    cases: tuple[str, ...] = tuple(CASES)
    """What is edited: rows of the table."""
    frames: int = _FRAMES
    """Frames of each pass; the first six are not counted."""
    rounds: int = 2
    """Passes of each path."""
    detector: str = "auto"
    """What finds faces: auto (as in lianpu camera), buffalo_l, yunet, dlib, or the path of an .onnx file."""
    parser: str = "auto"
    """The face parser: auto (the bundled one), bisenet, or a path."""
    motion: Literal["pan", "mouth", "turn", "blink", "zoom", "light"] = "pan"
    """What moves: the camera (pan), or the face of a still: it talks all the time (mouth), turns, blinks, comes nearer, or its light changes."""
    quick: bool = False
    """Few frames, one pass, one thread: a look, not a result."""
    json: Path | None = None
    """Also write the numbers to this file."""


def main(arguments: list[str]) -> None:
    """Parse the command line, measure, print tables, and write the JSON file."""
    parsed = tyro.cli(BenchLiveArguments, args=arguments, prog="lianpu bench live")
    from lianpu.devices import describe_machine
    from lianpu.files import write_json
    from lianpu.terminal import console

    check(parsed)
    cpu = describe_machine().cpu
    measured = []
    for one in measure(parsed):
        measured.append(one)
        console.print(speed_table(one, cpu))
        console.print(stage_table(one))
    if parsed.json is not None:
        write_json(parsed.json, {"machine": cpu, "measured": [as_json(one) for one in measured]})


def check(parsed: BenchLiveArguments) -> list[tuple[int, int]]:
    """The requested sizes. Raises SettingsError for invalid options."""
    from lianpu.errors import SettingsError, nearest_name

    for name, value, least in (("rounds", parsed.rounds, 1), ("frames", parsed.frames, _LEAST_FRAMES + 2)):
        if value < least:
            raise SettingsError(f"--{name} {value}: give at least {least}.")
    if not parsed.threads or min(parsed.threads) < 1:
        raise SettingsError(f"--threads {' '.join(map(str, parsed.threads))}: give at least 1.")
    for case in parsed.cases:
        if case not in CASES:
            raise SettingsError(f"--cases: '{case}' is no case{nearest_name(case, CASES)}. Known: {', '.join(CASES)}.")
    sizes = []
    for word in parsed.sizes:
        found = re.fullmatch(r"(\d{2,4})x(\d{2,4})", word)
        if found is None:
            raise SettingsError(f"--sizes {word}: write WIDTHxHEIGHT in pixels, as 640x480.")
        sizes.append((int(found[1]), int(found[2])))
    return sizes


@dataclass(frozen=True)
class LiveMeasured:
    """The measurements at one size (width, height) with one number of threads: of each path, by case, by the path's name."""

    size: tuple[int, int]
    threads: int
    cases: Mapping[str, Mapping[str, PathSpeed]]

    @property
    def title(self) -> str:
        """Size and threads, in words."""
        return f"{self.size[0]} x {self.size[1]}, {self.threads} thread{'s' * (self.threads > 1)}"


def measure(parsed: BenchLiveArguments) -> Iterator[LiveMeasured]:
    """The measurements of each size and number of threads. Raises LianpuError for what cannot be measured."""
    from lianpu.bench.effects import limit_threads
    from lianpu.bench.live_speed import measure_paths
    from lianpu.terminal import stages

    rounds, frames = (1, _QUICK_FRAMES) if parsed.quick else (parsed.rounds, parsed.frames)
    for size in check(parsed):
        clip = _clip(parsed.photo, frames, size)
        if parsed.motion != "pan":
            clip = _moving(clip[0], parsed, frames)
        for threads in parsed.threads[:1] if parsed.quick else parsed.threads:
            limit_threads(threads)
            cases = {}
            with stages() as begin:
                on_progress = begin(f"{size[0]} x {size[1]}, {threads} thread{'s' * (threads > 1)}")
                for number, case in enumerate(parsed.cases):
                    cases[case] = measure_paths(_paths(parsed, case, threads), clip, rounds, warm_frames=_LEAST_FRAMES)
                    on_progress(number + 1, len(parsed.cases))
            yield LiveMeasured(size, threads, cases)


def _clip(photos: Sequence[Path], frames: int, size: tuple[int, int]) -> list[Picture]:
    from lianpu.camera.moving_picture import pan_over
    from lianpu.dataset.drawn import draw_face
    from lianpu.photo.reading import read_image

    looks = {"Young": True, "Male": False, "Eyeglasses": False, "Wearing_Hat": False, "Brown_Hair": True}
    pictures = [read_image(photo) for photo in photos] or [draw_face(7, 2, _DRAWN_PX, looks).picture]
    each = max(2, frames // len(pictures))
    return [frame.picture for frame in pan_over(pictures, each, size, way_frames=_WAY_FRAMES)]


_MOTION_FRAMES = 20
"""Frames of one motion there and back: two thirds of a second, a syllable or two."""


def _moving(still: Picture, parsed: BenchLiveArguments, frames: int) -> list[Picture]:
    """The largest face of a frame in `parsed.motion`, again and again. Raises DataError where there is none whose mesh is believed."""
    from itertools import cycle, islice

    from lianpu.bench.motions import moving_face
    from lianpu.errors import DataError
    from lianpu.faces.analyzer import AnalyzerSettings, open_analyzer

    found = open_analyzer(AnalyzerSettings(parsed.detector, parser=parsed.parser), threads=1).analyze(still)
    if not found or found[0].mesh is None:
        raise DataError(f"--motion {parsed.motion} needs a photo of a face whose mesh is believed.")
    once = [one.picture for one in moving_face(still, found[0].mesh, parsed.motion, min(frames, _MOTION_FRAMES))]
    return list(islice(cycle(once), frames))


def _paths(parsed: BenchLiveArguments, case: str, threads: int) -> list[LivePath]:
    """The careful pipeline with all threads in each step; the live one with a thread for tracking and one for rendering, if there are two.

    And, in the end, the live one with the settings that `lianpu camera` would choose on a slower processor.
    """
    from lianpu.bench.live_speed import OneThread, TwoThreads
    from lianpu.editing.presets import EffectStep, Preset, dump_preset
    from lianpu.editing.session import EditJob, EditRequest, EditSession
    from lianpu.effects.catalogue import EFFECTS
    from lianpu.faces.analyzer import AnalyzerSettings, open_analyzer
    from lianpu.faces.detectors import video_detector
    from lianpu.video.job.frame_pipeline import LivePipeline, live_settings, open_pipeline
    from lianpu.video.tracking.tracker import TrackSettings

    preset = Preset(case, tuple(EffectStep(EFFECTS[name]) for name in CASES[case]))
    settings = AnalyzerSettings(video_detector() if parsed.detector == "auto" else parsed.detector, parser=parsed.parser)
    request = EditRequest(dump_preset(preset), analyzer=settings)
    careful = EditJob(request, preset, EditSession(open_analyzer(settings, threads=threads)))
    quick = EditJob(request, preset, EditSession(open_analyzer(settings, threads=1))) if threads > 1 else careful
    live = open_pipeline(quick, live_settings(preset), 1)
    assert isinstance(live, LivePipeline)
    fewer = live.with_settings(replace(live.settings, parse_every=min(8, 2 * live.settings.parse_every), small_mesh=True))
    path = TwoThreads if threads > 1 else OneThread
    return [
        OneThread("quality", open_pipeline(careful, TrackSettings(detect_px=480), threads)),
        path("live", live),
        path("slower", fewer),
    ]


def speed_table(measured: LiveMeasured, cpu: str) -> Table:
    """Frames per second, latency and processor time of each case and path, and how many times as fast a path is as the first one."""
    from rich.table import Table

    frames = next(iter(next(iter(measured.cases.values())).values())).frames
    table = Table(
        title=f"{measured.title}, {frames} frames",
        caption=f"{cpu}. Processor: of all threads; a core: the frames per second that it allows on one. Times: by processor time.",
    )
    for heading in ("edit", "path"):
        table.add_column(heading, no_wrap=True)
    for heading in ("fps", "latency ms", "95 %", "processor ms", "fps a core", "times"):
        table.add_column(heading, justify="right")
    for case, speeds in measured.cases.items():
        first = next(iter(speeds.values()))
        for place, (path, speed) in enumerate(speeds.items()):
            latency = (f"{1000 * speed.latency_s:.1f}", f"{1000 * speed.late_s:.1f}")
            processor = (f"{1000 * speed.processor_s:.1f}", f"{1 / speed.processor_s:.1f}")
            times = f"{first.processor_s / speed.processor_s:.1f}"
            table.add_row("" if place else case, path, f"{speed.rate:.1f}", *latency, *processor, times)
        table.add_section()
    return table


def stage_table(measured: LiveMeasured) -> Table:
    """Milliseconds a frame of each stage of each path, in the case that does most."""
    from rich.table import Table

    case, speeds = max(measured.cases.items(), key=lambda item: len(CASES[item[0]]))
    table = Table(title=f"{measured.title}, {case}: ms a frame")
    table.add_column("stage")
    for path in speeds:
        table.add_column(path, justify="right")
    for stage in dict.fromkeys(stage for speed in speeds.values() for stage in speed.stages):
        times = (speed.stages.get(stage) for speed in speeds.values())
        table.add_row(stage, *("" if seconds is None else f"{1000 * seconds:.2f}" for seconds in times))
    return table


def as_json(measured: LiveMeasured) -> dict[str, Any]:
    """All numbers, in seconds."""
    from dataclasses import asdict

    cases = {case: {path: asdict(speed) for path, speed in speeds.items()} for case, speeds in measured.cases.items()}
    return {"size": list(measured.size), "threads": measured.threads, "cases": cases}
