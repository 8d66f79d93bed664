"""`lianpu video IN OUT --preset P`: edit the faces of a video; sound, frame times and rotation stay."""

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
    """How the video is encoded."""

    encoder: str = "auto"
    """The encoder: auto (H.264; VP9 for .webm), or FFmpeg's name of one."""
    crf: float | None = None
    """Quality of the encoder, smaller is better; default: 18 for H.264."""
    encoder_preset: str | None = None
    """How much time the encoder takes: ultrafast to veryslow for H.264 and H.265, 0 to 13 for AV1. Faster files are larger."""
    force: bool = False
    """Overwrite an existing file."""


@dataclass(frozen=True)
class VideoArguments(EncodingOptions, EditOptions):
    """Edit the faces of a video. Sound is copied; frame times, rotation and colours stay. Faces are tracked, so that edits do not jitter.

    Repeat a stopped command to resume it: finished segments are kept in a folder next to OUT until the video is complete.
    """

    video: Annotated[Path, tyro.conf.Positional] = tyro.MISSING
    """The video to edit."""
    out: Annotated[Path, tyro.conf.Positional] = tyro.MISSING
    """The edited video: .mp4, .m4v, .mov, .mkv or .webm."""
    jobs: int = 1
    """Processes that edit segments at the same time; the result does not depend on their number."""
    fast: bool = False
    """Edit as lianpu camera does, in a fifth of the time: effects coarser at edges."""
    detect_every: int | None = None
    """Detect faces every N frames; track them in between. Default: 10 (--fast: 15); 1 where faces are hidden (anonymise): with more,
    or with --faces largest, they are only tracked, and faces that are missed show."""
    parse_every: int | None = None
    """Parse the parts of faces every N frames; move them with the face in between. Default: 2 (--fast: what the effects need)."""


def main(arguments: list[str]) -> None:
    """Parse the command line, edit the video, and print the time of each step."""
    parsed = tyro.cli(VideoArguments, args=arguments, prog="lianpu video")
    from lianpu.editing.presets import parse_preset
    from lianpu.errors import SettingsError
    from lianpu.terminal import console, stage
    from lianpu.video.job.frame_pipeline import live_settings
    from lianpu.video.job.job import VideoSettings, edit_video
    from lianpu.video.tracking.tracker import TrackSettings

    for option, value in (("--detect-every", parsed.detect_every), ("--parse-every", parsed.parse_every)):
        if value is not None and value < 1:
            raise SettingsError(f"{option} {value}: give at least 1 (every frame).")
    request = edit_request(parsed, for_video=True)
    tracking: TrackSettings
    if parsed.fast:
        tracking = live_settings(parse_preset(request.preset), parsed.detect_every, parse_every=parsed.parse_every)
    else:
        tracking = TrackSettings(parsed.detect_every, parse_every=2 if parsed.parse_every is None else parsed.parse_every)
    settings = VideoSettings(parsed.jobs, parsed.encoder, parsed.crf, parsed.encoder_preset, tracking)
    try:
        with stage("Frames") as on_progress:
            done = edit_video(parsed.video, parsed.out, request, settings, force=parsed.force, on_progress=on_progress)
    except KeyboardInterrupt:
        console.print("Stopped. Finished segments are kept: repeat the command to resume.", highlight=False, soft_wrap=True)
        raise SystemExit(130) from None
    if done.took:
        console.print(speed_table(done.took, done.frames, f"Time per frame, {parsed.jobs} process{'es' * (parsed.jobs > 1)}"))
    console.print(_summary(done), markup=False, highlight=False, soft_wrap=True)


def speed_table(took: Mapping[str, float], frames: int, title: str) -> Table:
    """Milliseconds per frame and frames per second of each stage and step."""
    from rich.table import Table

    table = Table(title=title)
    for heading in ("step", "ms per frame", "frames per second"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    order = ("read", "detect", "track", "parse")
    names = [name for name in order if name in took] + [name for name in took if name not in (*order, "write")]
    for name in (*names, *(["write"] if "write" in took else [])):
        table.add_row(name, *_speed(took[name], frames))
    table.add_section()
    table.add_row("total", *_speed(sum(took.values()), frames))
    return table


def _speed(seconds: float, frames: int) -> tuple[str, str]:
    each = seconds / max(1, frames)
    return f"{1000 * each:.1f}", f"{1 / each:.1f}" if each > 0 else ""


def _summary(done: EditedVideo) -> str:
    cuts = f", {len(done.cuts)} cuts (at {', '.join(f'{cut:.2f}' for cut in done.cuts[:8])} s)" if done.cuts else ""
    kept = f" ({done.kept} of them by an earlier command)" if done.kept else ""
    summary = (
        f"Edited {done.with_faces} of {done.frames} frames{kept}{cuts} in {done.wall_s:.1f} s, "
        f"{(done.frames - done.kept) / max(done.wall_s, 1e-3):.1f} frames per second, with {done.encoder}. Written: {done.target}."
    )
    return summary + "".join(f" {note[0].upper()}{note[1:]}." for note in done.notes)
