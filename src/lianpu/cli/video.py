"""`lianpu video IN OUT --preset P`: the faces of a video edited, with its sound, times and turn as they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from lianpu.cli.edit_options import EditOptions, edit_request

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.video.job.job import EditedVideo


@dataclass(frozen=True)
class EncodingOptions:
    """How a video is encoded."""

    encoder: str = "auto"
    """What encodes: auto (H.264; VP9 for .webm), or FFmpeg's name of an encoder."""
    crf: float | None = None
    """Quality of the encoder, smaller is better; 18 for H.264 unless given."""
    force: bool = False
    """Write over a file that is there."""


@dataclass(frozen=True)
class VideoArguments(EncodingOptions, EditOptions):
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
    from lianpu.errors import SettingsError
    from lianpu.terminal import console, stage
    from lianpu.video.job.job import VideoSettings, edit_video
    from lianpu.video.tracking.tracker import FollowSettings

    if parsed.search_every < 1 or parsed.parse_every < 1:
        raise SettingsError(
            f"--search_every {parsed.search_every} --parse_every {parsed.parse_every}: give at least 1 (every frame)."
        )
    request = edit_request(parsed, for_video=True)
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
