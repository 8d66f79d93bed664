"""`lianpu video IN OUT --preset P`: the faces of a video edited, with its sound, times and turn as they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.effects.photo_job import EditRequest
    from lianpu.video.video_job import EditedVideo


@dataclass(frozen=True)
class AskedArguments:
    """What is asked of each frame: the words of `lianpu edit`."""

    set: tuple[str, ...] = ()
    """What shall be, by an editor: Blond_Hair=yes Young=no."""
    effect: tuple[str, ...] = ()
    """Effects that need no editor: lipstick=0.8 hair_color:color=#aa3355,strength=0.6."""
    preset: str | None = None
    """Steps of a preset: its name, or a YAML file."""
    strength: str = "1"
    """How strong --set is, and by what the strengths of --preset are multiplied: 0 (nothing) to 1.5."""
    model: Annotated[str, tyro.conf.arg(aliases=["--editor"])] = "lite"
    """The editor for attributes: lite (the one in the package), a run folder, a checkpoint folder, or an .onnx file."""
    faces: str = "all"
    """all or largest."""
    known: tuple[str, ...] = ()
    """What the faces are (Male=yes Young=yes): only for editors that are told all labels."""
    detector: str = "auto"
    """auto (yunet where it is, else dlib: buffalo_l is slow), buffalo_l, yunet, dlib, or the path of an .onnx file."""
    parser: str = "auto"
    """What sees the parts of faces: auto (the one in the package), bisenet, or a path."""
    encoder: str = "auto"
    """What encodes: auto (H.264; VP9 for .webm), or FFmpeg's name of an encoder."""
    crf: float | None = None
    """Quality of the encoder, smaller is better; 18 for H.264 unless said."""
    force: bool = False
    """Write over a file that is there."""


@dataclass(frozen=True)
class VideoArguments(AskedArguments):
    """Edit the faces of a video. Sound is copied; frame times, rotation and colours stay; faces are followed, so that nothing jitters.

    A stopped command goes on where it was: finished segments lie in a folder beside OUT until all is done.
    """

    video: Annotated[Path, tyro.conf.Positional] = tyro.MISSING
    """A video."""
    out: Annotated[Path, tyro.conf.Positional] = tyro.MISSING
    """The video that is written: .mp4, .m4v, .mov, .mkv or .webm."""
    jobs: int = 1
    """Processes that edit segments; the result is the same with any number."""
    search_every: int = 10
    """In every how manieth frame faces are looked for; in between they are followed."""
    parse_every: int = 2
    """In every how manieth frame the parts of faces are parsed; in between they move along."""


def main(arguments: list[str]) -> None:
    """Parse the command line, edit, and say how long each step took."""
    parsed = tyro.cli(VideoArguments, args=arguments, prog="lianpu video")
    from lianpu.cli.progress import console, stage
    from lianpu.errors import SettingsError
    from lianpu.video.following import FollowSettings
    from lianpu.video.video_job import VideoSettings, edit_video

    if parsed.search_every < 1 or parsed.parse_every < 1:
        raise SettingsError(
            f"--search_every {parsed.search_every} --parse_every {parsed.parse_every}: give at least 1 (every frame)."
        )
    request = asked_request(parsed)
    follow = FollowSettings(search_every=parsed.search_every, parse_every=parsed.parse_every)
    settings = VideoSettings(parsed.jobs, parsed.encoder, parsed.crf, follow)
    try:
        with stage("Frames") as on_progress:
            done = edit_video(parsed.video, parsed.out, request, settings, force=parsed.force, on_progress=on_progress)
    except KeyboardInterrupt:
        console.print("Stopped. Finished segments are kept: the same command goes on there.", highlight=False, soft_wrap=True)
        raise SystemExit(130) from None
    if done.took:
        console.print(speed_table(done.took, done.frames, f"Time per frame, {parsed.jobs} process{'es' * (parsed.jobs > 1)}"))
    console.print(_in_words(done), markup=False, highlight=False, soft_wrap=True)


def asked_request(parsed: AskedArguments) -> EditRequest:
    """What is asked, in the words that other processes are given. Raises SettingsError as `lianpu edit` does."""
    from lianpu.cli.edit_words import asked_preset, read_values
    from lianpu.effects.photo_job import EditRequest
    from lianpu.effects.presets import preset_text
    from lianpu.video.detector import video_detector
    from lianpu.video.frame_edit import check_faces

    check_faces(parsed.faces)
    preset = asked_preset(parsed.set, parsed.strength, parsed.preset, parsed.effect)
    detector = video_detector() if parsed.detector == "auto" else parsed.detector
    return EditRequest(
        preset_text(preset), parsed.model, parsed.faces, read_values(parsed.known, "--known"), detector, parsed.parser
    )


def speed_table(took: Mapping[str, float], frames: int, title: str) -> Table:
    """Milliseconds a frame and frames a second of each stage and step."""
    from rich.table import Table

    table = Table(title=title)
    for heading in ("step", "ms a frame", "frames a second"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    order = ("read", "search", "follow", "parts")
    names = [name for name in order if name in took] + [name for name in took if name not in (*order, "write")]
    for name in (*names, *(["write"] if "write" in took else [])):
        table.add_row(name, *_speed(took[name], frames))
    table.add_section()
    table.add_row("all of it", *_speed(sum(took.values()), frames))
    return table


def _speed(seconds: float, frames: int) -> tuple[str, str]:
    each = seconds / max(1, frames)
    return f"{1000 * each:.1f}", f"{1 / each:.1f}" if each > 0 else ""


def _in_words(done: EditedVideo) -> str:
    cuts = f", {len(done.cuts)} cuts (at {', '.join(f'{cut:.2f}' for cut in done.cuts[:8])} s)" if done.cuts else ""
    kept = f" ({done.kept} of them by an earlier command)" if done.kept else ""
    said = (
        f"Edited {done.with_faces} of {done.frames} frames{kept}{cuts} in {done.wall_s:.1f} s, "
        f"{(done.frames - done.kept) / max(done.wall_s, 1e-3):.1f} frames a second, with {done.encoder}. Written: {done.target}."
    )
    return said + "".join(f" {words[0].upper()}{words[1:]}." for words in done.words)
