"""`lianpu camera`: the live picture of a webcam, edited; shown in a page, recorded, or given to other programs as a camera."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from lianpu.cli.edit_options import EditOptions, edit_request
from lianpu.cli.video import EncodingOptions, speed_table

if TYPE_CHECKING:
    from lianpu.camera.loop import CameraSettings
    from lianpu.camera.sources import CameraSource
    from lianpu.imaging.picture import Picture
    from lianpu.video.io.encoding import Encoding


@dataclass(frozen=True)
class CameraArguments(EncodingOptions, EditOptions):
    """Edit the live picture of a camera: always its newest frame, so that the picture is never late by more than one edit.

    Ctrl-C, q in the terminal, or q in the page ends it well.
    """

    source: str = "0"
    """A camera's number or device (0, /dev/video1), a video's file, or test (a drawn face that moves)."""
    size: str | None = None
    """Width and height: 1280x720. A webcam is asked for it; a file is fitted in. Unless said: the source's own (test: 640x360)."""
    mirror: bool = False
    """Left and right change places, as in a mirror."""
    loop: bool = False
    """A file begins anew at its end."""
    preview: bool = True
    """Show the picture in a page of this machine (127.0.0.1)."""
    browser: bool = True
    """Open that page, where there is a display."""
    port: int = 0
    """Of that page; 0 takes a free one."""
    record: Path | None = None
    """Write what is shown, too: .mp4, .m4v, .mov, .mkv or .webm. --encoder, --crf and --force are for this file."""
    virtual_camera: tuple[str, ...] | None = None
    """Be a camera for other programs: the first that there is (v4l2loopback, OBS), or the one of that name."""
    frames: int | None = None
    """Stop after so many edited frames."""
    seconds: float | None = None
    """Stop after so many seconds."""
    search_every: int = 10
    """In every how manieth edited frame faces are looked for; in between they are followed."""
    search_px: int = 480
    """Frames are made this small (their longer side) for looking, so that a search does not hold the picture up."""
    parse_every: int = 2
    """In every how manieth edited frame the parts of faces are parsed; in between they move along."""


def main(arguments: list[str]) -> None:
    """Parse the command line, edit until something ends it, and say how fast it was."""
    parsed = tyro.cli(CameraArguments, args=arguments, prog="lianpu camera")
    from lianpu.camera.loop import run_camera, warm_up
    from lianpu.cli.camera_outputs import Asked, in_words, live_line, open_outputs
    from lianpu.cli.stopping import stoppable
    from lianpu.editing.session import open_job
    from lianpu.terminal import console

    _check(parsed)
    encoding = _encoding(parsed)
    request = edit_request(parsed, for_video=True)
    source = _source(parsed)
    settings = _settings(parsed, source)
    name = parsed.virtual_camera[0] if parsed.virtual_camera else None
    asked = Asked(parsed.preview, parsed.browser, parsed.port, parsed.record, encoding, parsed.virtual_camera is not None, name)
    with stoppable() as stop:
        job = open_job(request)
        warm_up(job, _portrait(192), settings.follow)
        with open_outputs(asked, settings.size_px, source.rate, stop) as (outputs, preview):
            with live_line(preview) as on_frame:
                done = run_camera(source, job, outputs, settings, stop, on_frame)
            if done.problem is not None and not done.figures.frames:
                raise done.problem
    if done.figures.frames:
        console.print(speed_table(done.figures.took, done.figures.frames, "Time per frame"))
    console.print(in_words(done, source.name, parsed.record), markup=False, highlight=False, soft_wrap=True)
    if done.problem is not None:
        raise done.problem


def _check(parsed: CameraArguments) -> None:
    """What can be said before anything is opened. Raises SettingsError."""
    from lianpu.errors import SettingsError

    if not parsed.preview and parsed.record is None and parsed.virtual_camera is None:
        raise SettingsError("--no-preview: then nothing shows the picture. Give --record FILE or --virtual_camera, too.")
    for name in ("search_every", "parse_every", "frames"):
        value = getattr(parsed, name)
        if value is not None and value < 1:
            raise SettingsError(f"--{name} {value}: give at least 1.")
    if parsed.search_px < 80:
        raise SettingsError(f"--search_px {parsed.search_px}: give at least 80; no face is found in less.")
    if parsed.seconds is not None and not parsed.seconds > 0:
        raise SettingsError(f"--seconds {parsed.seconds:g}: give more than 0.")
    if parsed.virtual_camera is not None and len(parsed.virtual_camera) > 1:
        raise SettingsError(f"--virtual_camera {' '.join(parsed.virtual_camera)}: give one name, in quotes, or none.")


def _encoding(parsed: CameraArguments) -> Encoding | None:
    from lianpu.camera.outputs import recording_encoding

    return None if parsed.record is None else recording_encoding(parsed.record, parsed.encoder, parsed.crf, force=parsed.force)


def _source(parsed: CameraArguments) -> CameraSource:
    """What the words of --source stand for, opened. Raises SettingsError or VideoError."""
    from lianpu.camera.sources import FileCamera, read_size
    from lianpu.camera.webcam import is_camera, open_webcam
    from lianpu.errors import VideoError
    from lianpu.video.io.probe import read_facts

    size = None if parsed.size is None else read_size(parsed.size)
    if parsed.source == "test":
        return _test_picture((640, 360) if size is None else size)
    if is_camera(parsed.source):
        return open_webcam(parsed.source, size)
    if "://" in parsed.source:
        raise VideoError(f"--source {parsed.source}: addresses are not read. Give a camera's number, a video's file, or test.")
    return FileCamera(read_facts(Path(parsed.source)), parsed.loop)


def _test_picture(size_px: tuple[int, int]) -> CameraSource:
    from lianpu.camera.sources import MovingPicture

    return MovingPicture(_portrait(min(480, max(64, min(size_px)))), size_px)


def _portrait(size_px: int) -> Picture:
    from lianpu.dataset.drawn import draw_face

    looks = {"Young": True, "Male": False, "Eyeglasses": False, "Wearing_Hat": False, "Brown_Hair": True}
    return draw_face(7, 2, size_px, looks).picture


def _settings(parsed: CameraArguments, source: CameraSource) -> CameraSettings:
    from lianpu.camera.loop import CameraSettings
    from lianpu.camera.sources import read_size
    from lianpu.video.tracking.tracker import FollowSettings

    size = source.size_px if parsed.size is None else read_size(parsed.size)
    follow = FollowSettings(parsed.search_every, parsed.search_px, parsed.parse_every)
    return CameraSettings(size, parsed.mirror, parsed.frames, parsed.seconds, follow)
