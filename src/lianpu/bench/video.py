"""`lianpu bench video`: the time of each stage and effect on a video, and the flicker before and after smoothing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from lianpu.cli.edit_options import FaceOptions, analyzer_settings

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.bench.flicker import Contender, Flicker
    from lianpu.bench.motions import MotionFigures
    from lianpu.bench.video_speed import ClipSpeed
    from lianpu.camera.moving_picture import MadeFrame
    from lianpu.editing.presets import Preset
    from lianpu.editing.session import EditJob, EditSession
    from lianpu.faces.analyzer import FaceAnalyzer
    from lianpu.faces.results import Subject
    from lianpu.imaging.picture import Picture
    from lianpu.video.io.encoding import Encoding
    from lianpu.video.job.frame_pipeline import FramePipeline, Tracked
    from lianpu.video.tracking.tracker import TrackedFaces


EDIT = "edit"
"""The editor's name among the effects."""


@dataclass(frozen=True)
class BenchVideoArguments(FaceOptions):
    """Compare effects on a video: milliseconds per frame and frames per second of each stage and effect, interleaved on every frame.

    The video is a file, or is synthetic: a camera that moves over pictures (--photos) or over drawn portraits. In a synthetic video the true
    motion is known, so the flicker from frame to frame is measured, too: without smoothing and with it.
    """

    video: Annotated[Path | None, tyro.conf.Positional] = None
    """A video; without one, a synthetic video is made."""
    photos: tuple[Path, ...] = ()
    """Pictures with faces for a synthetic video; drawn portraits when neither a video nor pictures are given."""
    sizes: tuple[str, ...] = ()
    """Sizes as WIDTHxHEIGHT. Default: 640x360 and 1280x720 for synthetic videos, that of the file for others."""
    frames: int = 48
    """Number of frames: the first ones of a file; in a synthetic video in equal shares of its pictures."""
    effects: tuple[str, ...] = ()
    """Names of effects, and edit for the editor; default: all."""
    set: str = "Blond_Hair=yes"
    """The attribute for the editor."""
    model: Annotated[str, tyro.conf.arg(aliases=["--editor"])] = "lite"
    """The editor: lite (the bundled one), a run folder, a checkpoint folder, or an .onnx file."""
    strength: float = 1.0
    """Strength of every effect."""
    rounds: int = 3
    """Rounds over all frames; the median of each frame counts."""
    clock: Literal["wall", "processor"] = "wall"
    """wall: elapsed time; processor: processor time, for machines that other programs keep busy."""
    threads: int | None = None
    """Threads of OpenCV, ONNX Runtime and the encoder; default: the number of cores."""
    motions: bool = False
    """With --photos: their faces open the mouth, turn, blink, come nearer and change light (the still is warped along the mesh), in --frames
    each; how far each of --effects (also with options, as age=+25 or beard=stubble) flickers and swims, in --sizes at most."""
    json: Path | None = None
    """Also write the numbers to this file."""


def main(arguments: list[str]) -> None:
    """Parse the command line, measure, print tables, and write the JSON file."""
    parsed = tyro.cli(BenchVideoArguments, args=arguments, prog="lianpu bench video")
    from lianpu.devices import describe_machine
    from lianpu.files import write_json
    from lianpu.terminal import console

    check(parsed)
    cpu = describe_machine().cpu
    if parsed.motions:
        moved = measure_motions(parsed)
        console.print(motions_table(moved, f"{_photos(len(parsed.photos))}, {parsed.frames} frames a motion"))
        if parsed.json is not None:
            write_json(parsed.json, {effect: {name: asdict(one) for name, one in of.items()} for effect, of in moved.items()})
        return
    measured = []
    for one in measure(parsed):
        measured.append(one)
        console.print(speed_table(one, f"{cpu}, {parsed.clock} time, median of {parsed.rounds}"))
        if one.raw is not None and one.smoothed is not None:
            console.print(flicker_table(one.size, one.raw, one.smoothed, one.live))
    if parsed.json is not None:
        write_json(parsed.json, as_json(measured, cpu, parsed.clock, parsed.rounds))


def check(parsed: BenchVideoArguments) -> list[tuple[int, int]]:
    """The requested sizes. Raises SettingsError for invalid options."""
    from lianpu.errors import SettingsError

    for name, value, least in (("rounds", parsed.rounds, 1), ("frames", parsed.frames, 2)):
        if value < least:
            raise SettingsError(f"--{name} {value}: give at least {least}.")
    if parsed.motions and (not parsed.photos or not parsed.effects):
        raise SettingsError("--motions needs --photos of faces, and --effects.")
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
    """The measurements of each size, one after the other. Raises LianpuError for what cannot be measured."""
    from lianpu.bench.effects import limit_threads
    from lianpu.faces.analyzer import open_analyzer
    from lianpu.faces.detectors import video_detector
    from lianpu.video.io.av_library import load_av
    from lianpu.video.io.encoding import choose_encoding
    from lianpu.video.io.probe import probe_video

    if parsed.video is not None:
        probe_video(parsed.video)  # an error here comes before models are loaded
    limit_threads(parsed.threads)
    encoding = choose_encoding(Path("written.mp4"), load_av().codecs_available)
    settings = analyzer_settings(parsed)
    if settings.detector == "auto":
        settings = replace(settings, detector=video_detector())
    analyzer = open_analyzer(settings, threads=parsed.threads)
    applied = contenders(parsed, analyzer)
    sizes: list[tuple[int, int] | None] = [*check(parsed)] or [None]
    for size in sizes:
        with TemporaryDirectory(prefix="lianpu-bench-") as folder:
            yield _measure_size(parsed, size, applied, analyzer, encoding, Path(folder))


def contenders(parsed: BenchVideoArguments, analyzer: FaceAnalyzer) -> dict[str, Contender]:
    """The effects and the editor by name, in the order of the catalogue, as a session applies them: it reads the mesh of tracked faces.

    Raises SettingsError for an unknown name.
    """
    from lianpu.editing.presets import EditStep, EffectStep, Preset, Step, check_editor, parse_values
    from lianpu.editing.session import EditSession
    from lianpu.editors.loading import load_editor
    from lianpu.effects.catalogue import EFFECTS, effect_of

    steps: dict[str, Step] = {}
    for name in parsed.effects or (*EFFECTS, EDIT):
        if name == EDIT:
            steps[name] = EditStep(parse_values([parsed.set], "--set"), parsed.strength)
        else:
            steps[name] = EffectStep(effect_of(name), parsed.strength)
    editor = load_editor(parsed.model, threads=parsed.threads) if EDIT in steps else None
    presets = {name: Preset(name, (step,)) for name, step in steps.items()}
    for preset in presets.values():
        check_editor(preset, editor)
    session = EditSession(analyzer, editor)
    return {name: partial(_apply, session, preset) for name, preset in presets.items()}


def _apply(session: EditSession, preset: Preset, picture: Picture, subjects: Sequence[Subject]) -> Picture:
    return session.edit(picture, subjects, preset)


def _measure_size(
    parsed: BenchVideoArguments,
    size: tuple[int, int] | None,
    applied: dict[str, Contender],
    analyzer: FaceAnalyzer,
    encoding: Encoding,
    folder: Path,
) -> SizeMeasured:
    from lianpu.bench.flicker import clip_flicker
    from lianpu.bench.video_clips import clip_of_file, synthetic_clip
    from lianpu.bench.video_speed import measure_speed
    from lianpu.editing.presets import EffectStep, Preset
    from lianpu.editing.session import EditJob, EditRequest, EditSession
    from lianpu.effects.catalogue import effect_of
    from lianpu.terminal import stages
    from lianpu.video.job.frame_pipeline import has_mesh, open_pipeline
    from lianpu.video.tracking.tracker import UNSMOOTHED, TrackSettings

    synthetic = None
    if parsed.video is not None:
        probe = clip_of_file(parsed.video, parsed.frames, size, encoding, folder)
    else:
        assert size is not None, "synthetic videos have sizes"
        probe, synthetic = synthetic_clip(parsed.photos, parsed.frames, size, encoding, folder)
    clock = time.perf_counter if parsed.clock == "wall" else time.process_time
    flicker: list[Flicker] = []
    with stages() as begin:
        on_progress = begin(f"{probe.width} x {probe.height}, {probe.file.name}")
        speed = measure_speed(
            probe,
            applied,
            analyzer,
            encoding,
            folder,
            carriers={name: kept for name in applied if (kept := _kept_by(name))},
            rounds=parsed.rounds,
            threads=parsed.threads,
            clock=clock,
            on_progress=on_progress,
        )
        if synthetic is not None:
            largest = {name: partial(_on_largest, contender) for name, contender in applied.items()}
            job = EditJob(EditRequest(""), Preset("", ()), EditSession(analyzer))
            carried = Preset("", tuple(EffectStep(effect_of(name)) for name in applied if _kept_by(name)))
            for settings, title in ((UNSMOOTHED, "without"), (TrackSettings(), "with")):
                tracking = open_pipeline(job if settings is UNSMOOTHED else replace(job, preset=carried), settings)
                flicker.append(clip_flicker(synthetic, tracking, largest, on_progress=begin(f"Flicker {title} smoothing")))
            if has_mesh():
                flicker.append(_live_flicker(parsed, job, synthetic, list(applied), begin("Flicker of the live pipeline")))
    return SizeMeasured((probe.width, probe.height), speed, *flicker)


def _kept_by(name: str) -> dict[str, Callable[..., object]]:
    """What a contender keeps of each face from frame to frame (`EditSession.carriers`)."""
    from lianpu.effects.catalogue import effect_of

    carrier = None if name == EDIT else effect_of(name).carrier()
    return {} if carrier is None else dict([carrier])


def _on_largest(contender: Contender, picture: Picture, tracked: TrackedFaces) -> Picture:
    return contender(picture, tracked.largest)


def _live_flicker(
    parsed: BenchVideoArguments,
    job: EditJob,
    frames: Sequence[MadeFrame],
    names: Sequence[str],
    on_progress: Callable[[int, int], None],
) -> Flicker:
    """The flicker of the live form of each effect, each tracked as that effect needs; without the editor, which has no live form.

    Points and parts are those of the first effect that parses most often.
    """
    from lianpu.bench.flicker import clip_flicker
    from lianpu.editing.presets import EffectStep, Preset
    from lianpu.effects.catalogue import effect_of
    from lianpu.video.job.frame_pipeline import live_settings, open_pipeline

    presets = {name: Preset(name, (EffectStep(effect_of(name), parsed.strength),)) for name in names if name != EDIT}
    settings = {name: live_settings(preset) for name, preset in presets.items()} or {"": live_settings(Preset("", ()))}
    measured = {}
    for number, (name, one) in enumerate(settings.items()):
        pipeline = open_pipeline(replace(job, preset=presets.get(name, job.preset)), one, parsed.threads)
        render = partial(_render, pipeline)
        measured[name] = clip_flicker(frames, pipeline, {name: render} if name else {})
        on_progress(number + 1, len(settings))
    best = min(measured, key=lambda name: settings[name].parse_every or 99)
    return replace(measured[best], effects={name: one.effects[name] for name, one in measured.items() if name})


def _render(pipeline: FramePipeline, picture: Picture, tracked: Tracked) -> Picture:
    return pipeline.render(picture, tracked).picture


MOTION_FAST = " (live)"
"""What follows an effect's name where its live form was measured."""


def measure_motions(parsed: BenchVideoArguments) -> dict[str, dict[str, MotionFigures]]:
    """By effect and motion how far it flickers and swims on moving faces, mean over the photos; also its live form, where it has one.

    Raises:
        DataError: a photo without a face whose mesh is believed.
        LianpuError: an effect cannot be applied.
    """
    from lianpu.bench.effects import limit_threads
    from lianpu.bench.motions import MOTIONS, motion_figures, moving_face
    from lianpu.editing.presets import Preset, parse_effect
    from lianpu.editing.session import EditJob, EditRequest, EditSession
    from lianpu.errors import DataError
    from lianpu.faces.analyzer import open_analyzer
    from lianpu.photo.reading import read_image
    from lianpu.terminal import stages
    from lianpu.video.job.frame_pipeline import live_settings, open_pipeline
    from lianpu.video.tracking.tracker import TrackSettings

    limit_threads(parsed.threads)
    session = EditSession(open_analyzer(analyzer_settings(parsed), threads=parsed.threads))
    pipelines = {}
    for word in parsed.effects:
        step = parse_effect(word)
        job = EditJob(EditRequest(""), Preset(word, (step,)), session)
        pipelines[word] = open_pipeline(job, TrackSettings(), parsed.threads)
        if step.effect.live:
            pipelines[word + MOTION_FAST] = open_pipeline(job, live_settings(job.preset), parsed.threads)
    measured: dict[str, dict[str, list[MotionFigures]]] = {name: {motion: [] for motion in MOTIONS} for name in pipelines}
    with stages() as begin:
        on_progress, done = begin("Motions"), 0
        for file in parsed.photos:
            photo = read_image(file)
            found = session.analyze(photo)
            if not found or found[0].mesh is None:
                raise DataError(f"{file} shows no face whose mesh is believed. Give photos of one face each.")
            for motion in MOTIONS:
                clip = list(moving_face(photo, found[0].mesh, motion, parsed.frames))
                for name, pipeline in pipelines.items():
                    measured[name][motion].append(motion_figures(clip, pipeline))
                    done += 1
                    on_progress(done, len(parsed.photos) * len(MOTIONS) * len(pipelines))
    return {name: {motion: _mean_of(figures) for motion, figures in of.items()} for name, of in measured.items()}


def _photos(count: int) -> str:
    return "1 photo" if count == 1 else f"{count} photos"


def _mean_of(figures: Sequence[MotionFigures]) -> MotionFigures:
    import statistics

    from lianpu.bench.motions import MotionFigures

    return MotionFigures(
        statistics.mean(one.flicker for one in figures),
        statistics.mean(one.swim for one in figures),
        sum(one.frames for one in figures),
    )


def motions_table(measured: Mapping[str, Mapping[str, MotionFigures]], title: str) -> Table:
    """Flicker and swim of each effect in each motion."""
    from rich.table import Table

    table = Table(
        title=title, caption="Flicker (frame to frame) / swim (from the clip's mean), on the face's own surface, % of the effect."
    )
    table.add_column("effect")
    for motion in next(iter(measured.values())):
        table.add_column(motion, justify="right")
    for name, of in measured.items():
        table.add_row(name, *(f"{one.flicker:.1f} / {one.swim:.1f}" for one in of.values()))
    return table


@dataclass(frozen=True)
class SizeMeasured:
    """The measurements at one size (width, height); flicker only where the true motion is known, `live` where the face mesh is here."""

    size: tuple[int, int]
    speed: ClipSpeed
    raw: Flicker | None = None
    smoothed: Flicker | None = None
    live: Flicker | None = None


def speed_table(measured: SizeMeasured, circumstances: str) -> Table:
    """Milliseconds of each stage and effect, frames per second of a whole video with it, and the ratio to one without effects."""
    from rich.table import Table

    speed = measured.speed
    table = Table(
        title=f"{measured.size[0]} x {measured.size[1]}, {speed.frames} frames, {speed.faces:.1f} faces per frame",
        caption=f"{circumstances}. An effect's frames per second and ratio include all stages.",
    )
    for heading in ("stage or effect", "ms per frame", "frames per second", "times no effect"):
        table.add_column(heading, justify="left" if heading == "stage or effect" else "right")
    for name, seconds in speed.stages.items():
        table.add_row(name, f"{1000 * seconds:.1f}", f"{1 / seconds:.0f}" if seconds > 0 else "", "")
    table.add_section()
    whole = speed.without_steps_s
    table.add_row("no effect: all stages", f"{1000 * whole:.1f}", f"{1 / whole:.1f}", "1.00")
    for name, seconds in speed.steps.items():
        table.add_row(name, f"{1000 * seconds:.1f}", f"{1 / (whole + seconds):.1f}", f"{speed.ratio(name):.2f}")
    return table


def flicker_table(size: tuple[int, int], raw: Flicker, smoothed: Flicker, live: Flicker | None) -> Table:
    """The flicker before and after smoothing, and that of the live pipeline."""
    from rich.table import Table

    table = Table(
        title=f"{size[0]} x {size[1]}: change from frame to frame without the true motion, {raw.frames} pairs of frames",
        caption="Points: % of the eye distance. Parts: % of the face's pixels. Effects: % of the effect.",
    )
    for heading in ("of", "not smoothed", "smoothed", "ratio", *(["live"] if live else [])):
        table.add_column(heading, justify="left" if heading == "of" else "right")
    rows = {
        "points": (raw.points, smoothed.points, live and live.points),
        "parts": (raw.parts, smoothed.parts, live and live.parts),
    }
    rows |= {name: (raw.effects[name], smoothed.effects[name], live and live.effects.get(name)) for name in raw.effects}
    for name, (before, after, lively) in rows.items():
        left = f"{100 * after / before:.0f} %" if before > 0 else ""
        table.add_row(name, f"{before:.2f}", f"{after:.2f}", left, "" if lively is None else f"{lively:.2f}")
    return table


def as_json(measured: Sequence[SizeMeasured], cpu: str, clock: str, rounds: int) -> dict[str, Any]:
    """All numbers: seconds, and ratios to a video without effects."""
    sizes = []
    for one in measured:
        record = asdict(one.speed) | {"size": list(one.size), "ratios": {name: one.speed.ratio(name) for name in one.speed.steps}}
        if one.raw is not None and one.smoothed is not None:
            record["flicker"] = {"as_read": asdict(one.raw), "smoothed": asdict(one.smoothed)}
        sizes.append(record)
    return {"machine": cpu, "clock": clock, "rounds": rounds, "sizes": sizes}
