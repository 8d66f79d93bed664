"""`lianpu camera`: edit the live picture of a webcam; show it in a page, record it, or offer it as a virtual camera."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from lianpu.cli.edit_options import EditOptions, edit_request
from lianpu.cli.video import EncodingOptions, speed_table

if TYPE_CHECKING:
    from lianpu.camera.loop import CameraSettings
    from lianpu.camera.sources import CameraSource
    from lianpu.editing.session import EditJob
    from lianpu.imaging.picture import Picture
    from lianpu.video.io.encoding import Encoding
    from lianpu.video.job.frame_pipeline import FramePipeline


@dataclass(frozen=True)
class CameraArguments(EncodingOptions, EditOptions):
    """Edit the live picture of a camera: always its newest frame, so that the picture is never late by more than one edit.

    Ctrl-C, q in the terminal, or q in the page stops it.
    """

    source: str = "0"
    """A camera's number or device (0, /dev/video1), a video file, or test (a drawn face that moves)."""
    size: str | None = None
    """Width and height, as 1280x720: requested from a webcam; other frames are scaled to fit. Default: that of the source (test: 640x360)."""
    mirror: bool = False
    """Flip left and right, as in a mirror."""
    loop: bool = False
    """Start a video file again at its end."""
    preview: bool = True
    """Show the picture in a page on this machine (127.0.0.1)."""
    browser: bool = True
    """Open the page in a browser where there is a display."""
    port: int = 0
    """Port of the page; 0 takes a free one."""
    record: Path | None = None
    """Also record the picture: .mp4, .m4v, .mov, .mkv or .webm. --encoder, --crf, --encoder-preset and --force belong to this file."""
    virtual_camera: tuple[str, ...] | None = None
    """Be a camera for other programs: the first virtual camera (v4l2loopback, OBS), or the one with the given name."""
    frames: int | None = None
    """Stop after this many edited frames."""
    seconds: float | None = None
    """Stop after this many seconds."""
    quality: bool = False
    """Edit as lianpu video does: the effects of photos, four to eight times the work."""
    hold: float = 30.0
    """Frames per second to hold on a slower processor, where care may be given up for it; at most those of the source. 0 gives up
    nothing."""
    detect_every: int | None = None
    """Detect faces every N edited frames; track them in between. Default: 15 (--quality: 10); 1 where faces are hidden (anonymise): with
    more, or with --faces largest, they are only tracked, and faces that are missed show."""
    detect_px: int = 480
    """Longer side of the frame for detection; a smaller one is faster and misses small faces."""
    parse_every: int | None = None
    """Parse the parts of faces every N edited frames; move them with the face in between. Default: what the effects need."""


FIRST_LOOK = "fresh"
"""The preset that is shown where none is named."""


def main(arguments: list[str]) -> None:
    """Parse the command line, edit until the camera is stopped, and print the speed."""
    parsed = tyro.cli(CameraArguments, args=arguments, prog="lianpu camera")
    from lianpu.camera.holding import available_cores
    from lianpu.camera.loop import run_camera, warm_up
    from lianpu.cli.camera_outputs import OutputOptions, live_line, open_outputs, summary
    from lianpu.cli.stopping import stoppable
    from lianpu.editing.session import open_job
    from lianpu.terminal import console

    _check(parsed)
    if not (parsed.effect or parsed.set or parsed.preset):
        parsed = replace(parsed, preset=FIRST_LOOK)
        console.print(
            f"No effect was asked for: this is --preset {FIRST_LOOK}. Others: lianpu effects.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    encoding = _encoding(parsed)
    request = edit_request(parsed, for_video=True)
    source = _source(parsed)
    settings = _settings(parsed, source)
    name = parsed.virtual_camera[0] if parsed.virtual_camera else None
    asked = OutputOptions(
        parsed.preview, parsed.browser, parsed.port, parsed.record, encoding, parsed.virtual_camera is not None, name
    )
    threads = None if parsed.quality else max(1, available_cores() // 2)  # the other half renders
    try:  # models may have to be fetched first: there, Ctrl-C ends the command at once
        pipeline = _pipeline(parsed, open_job(request, threads), threads)
        warm_up(pipeline, _portrait(192))
    except KeyboardInterrupt:
        console.print("Stopped before the first frame.", highlight=False)
        raise SystemExit(130) from None
    with stoppable() as stop, open_outputs(asked, settings.size_px, source.rate, stop) as (outputs, preview):
        with live_line(preview) as on_frame:
            done = run_camera(source, pipeline, outputs, settings, stop, on_frame)
        if done.problem is not None and not done.statistics.frames:
            raise done.problem
    if done.statistics.frames:
        if done.chosen:
            console.print(done.chosen, markup=False, highlight=False, soft_wrap=True)
        console.print(speed_table(done.statistics.took, done.statistics.frames, "Time per frame"))
    console.print(summary(done, source.name, parsed.record), markup=False, highlight=False, soft_wrap=True)
    if done.problem is not None:
        raise done.problem


def _check(parsed: CameraArguments) -> None:
    """Raise SettingsError for options that cannot work, before anything is opened."""
    from lianpu.errors import SettingsError

    if not parsed.preview and parsed.record is None and parsed.virtual_camera is None:
        raise SettingsError("--no-preview leaves no output. Give --record FILE or --virtual-camera.")
    for name in ("detect_every", "parse_every", "frames"):
        value = getattr(parsed, name)
        if value is not None and value < 1:
            raise SettingsError(f"--{name.replace('_', '-')} {value}: give at least 1.")
    if parsed.detect_px < 80:
        raise SettingsError(f"--detect-px {parsed.detect_px}: give at least 80; smaller frames show no faces.")
    if not 0 <= parsed.hold <= 240:
        raise SettingsError(f"--hold {parsed.hold:g}: give frames per second from 1 to 240, or 0.")
    if parsed.seconds is not None and not parsed.seconds > 0:
        raise SettingsError(f"--seconds {parsed.seconds:g}: give more than 0.")
    if parsed.virtual_camera is not None and len(parsed.virtual_camera) > 1:
        raise SettingsError(f"--virtual-camera {' '.join(parsed.virtual_camera)}: give one name, in quotes, or none.")


def _encoding(parsed: CameraArguments) -> Encoding | None:
    from lianpu.camera.outputs import recording_encoding

    if parsed.record is None:
        return None
    return recording_encoding(parsed.record, parsed.encoder, parsed.crf, parsed.encoder_preset, force=parsed.force)


def _source(parsed: CameraArguments) -> CameraSource:
    """Open the source that --source names. Raises SettingsError or VideoError."""
    from lianpu.camera.sources import FileCamera, read_size
    from lianpu.camera.webcam import is_camera, open_webcam
    from lianpu.errors import VideoError
    from lianpu.video.io.probe import probe_video

    size = None if parsed.size is None else read_size(parsed.size)
    if parsed.source == "test":
        return _test_picture((640, 360) if size is None else size)
    if is_camera(parsed.source):
        return open_webcam(parsed.source, size)
    if "://" in parsed.source:
        raise VideoError(
            f"--source {parsed.source}: network addresses are not supported. Give a camera's number, a video file, or test."
        )
    return FileCamera(probe_video(Path(parsed.source)), parsed.loop)


def _test_picture(size_px: tuple[int, int]) -> CameraSource:
    from lianpu.camera.sources import MovingPicture

    return MovingPicture(_portrait(min(480, max(64, min(size_px)))), size_px)


def _portrait(size_px: int) -> Picture:
    from lianpu.dataset.drawn import draw_face

    looks = {"Young": True, "Male": False, "Eyeglasses": False, "Wearing_Hat": False, "Brown_Hair": True}
    return draw_face(7, 2, size_px, looks).picture


def _settings(parsed: CameraArguments, source: CameraSource) -> CameraSettings:
    from lianpu.camera.holding import rate_to_hold
    from lianpu.camera.loop import CameraSettings
    from lianpu.camera.sources import read_size

    hold = rate_to_hold(parsed.hold, source.rate)
    size = source.size_px if parsed.size is None else read_size(parsed.size)
    return CameraSettings(size, parsed.mirror, parsed.frames, parsed.seconds, hold, parsed.parse_every is not None)


def _pipeline(parsed: CameraArguments, job: EditJob, threads: int | None) -> FramePipeline:
    """The live pipeline, or the careful one where it is asked for; also, with a line that says so, where the face mesh is not here."""
    from lianpu.errors import WeightsError
    from lianpu.terminal import console
    from lianpu.video.job.frame_pipeline import live_settings, open_pipeline
    from lianpu.video.tracking.tracker import TrackSettings

    careful = TrackSettings(parsed.detect_every, parsed.detect_px, 2 if parsed.parse_every is None else parsed.parse_every)
    if parsed.quality:
        return open_pipeline(job, careful)
    try:
        settings = live_settings(job.preset, parsed.detect_every, parsed.detect_px, parsed.parse_every)
        return open_pipeline(job, settings, threads)
    except WeightsError as problem:
        console.print(f"Without the live pipeline, as with --quality: {problem}", markup=False, highlight=False, soft_wrap=True)
        return open_pipeline(job, careful)
