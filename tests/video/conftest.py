"""Small videos of a drawn portrait under a moving camera, written as a test asks for them."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from lianpu.camera.moving_picture import pan_over
from lianpu.dataset.drawn import draw_face
from lianpu.editing.presets import EffectStep, Preset, dump_preset
from lianpu.editing.session import EditJob, EditRequest, open_job
from lianpu.effects.catalogue import effect_of
from lianpu.faces.analyzer import AnalyzerSettings

WriteVideo = Callable[..., Path]


@pytest.fixture(scope="session")
def frames() -> list[np.ndarray]:
    """24 frames (200, 200, 3)."""
    return [frame.picture for frame in pan_over([draw_face(3, 1, 320).picture], 24, (200, 200), noise=0)]


@pytest.fixture(scope="session")
def blue_hair() -> EditRequest:
    """An effect that is easily seen."""
    step = EffectStep(effect_of("hair_color"), 1.0, {"color": "#2040ff"})
    return EditRequest(dump_preset(Preset("blue", (step,))), analyzer=AnalyzerSettings("dlib"))


@pytest.fixture(scope="session")
def blue_job(blue_hair: EditRequest) -> EditJob:
    """What it needs, opened once for all tests."""
    return open_job(blue_hair)


@pytest.fixture(scope="session")
def write_video() -> WriteVideo:
    """Writes pictures (H, W, 3) as a video: see `_write_video`."""
    return _write_video


def _write_video(
    file: Path,
    pictures: Sequence[np.ndarray],
    *,
    encoder: str = "libx264",
    options: dict[str, str] | None = None,
    pixel_format: str = "yuv420p",
    timestamps: Sequence[int] | None = None,
    base: Fraction = Fraction(1, 25),
    rate: int = 25,
    sound: str | None = None,
    matrix: tuple[int, ...] = (),
    colors: tuple[int, int, int] | None = None,
    settings: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
) -> Path:
    """The file, with a tone where `sound` names an encoder, frames at `timestamps` of `base`, and turned for showing by `matrix`."""
    with av.open(str(file), "w", options=settings or {}) as container:
        container.metadata.update(tags or {})
        video = container.add_stream(encoder, rate=rate, options=options or {})
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt = pixel_format
        video.codec_context.time_base = base
        if matrix:
            video.set_display_matrix(matrix)
        if colors is not None:
            video.codec_context.color_primaries, video.codec_context.color_trc, video.codec_context.colorspace = colors
        audio = container.add_stream(sound, rate=48000, layout="mono") if sound else None
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgba" if picture.shape[2] == 4 else "rgb24")
            frame = frame.reformat(format=pixel_format)
            frame.pts, frame.time_base = number if timestamps is None else timestamps[number], base
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            tone = np.sin(np.arange(48000) * 0.05).astype(np.float32)
            samples = (tone * 20000).astype(np.int16) if sound == "pcm_s16le" else tone
            form = "s16" if sound == "pcm_s16le" else "fltp" if sound == "aac" else "flt"
            for start in range(0, 48000, 960):
                heard = av.AudioFrame.from_ndarray(samples[None, start : start + 960], format=form, layout="mono")
                heard.sample_rate, heard.pts, heard.time_base = 48000, start, Fraction(1, 48000)
                container.mux(audio.encode(heard))
            container.mux(audio.encode(None))
    return file


@pytest.fixture(scope="session")
def write_sound() -> Callable[[Path], Path]:
    """Writes a file that holds a tone and no pictures."""

    def write(file: Path) -> Path:
        with av.open(str(file), "w") as container:
            audio = container.add_stream("aac", rate=48000, layout="mono")
            for start in range(0, 9600, 960):
                heard = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.float32), format="fltp", layout="mono")
                heard.sample_rate, heard.pts, heard.time_base = 48000, start, Fraction(1, 48000)
                container.mux(audio.encode(heard))
            container.mux(audio.encode(None))
        return file

    return write
