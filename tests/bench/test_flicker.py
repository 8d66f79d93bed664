"""Flicker of the live pipeline beside that of the careful one, on a clip with known motion."""

from pathlib import Path

import pytest

from lianpu.bench.flicker import clip_flicker
from lianpu.camera.moving_picture import MadeFrame, pan_over
from lianpu.editing.presets import preset_from_options
from lianpu.editing.session import EditJob, EditRequest, EditSession
from lianpu.faces.analyzer import AnalyzerSettings, open_analyzer
from lianpu.imaging.picture import Picture
from lianpu.video.job.frame_pipeline import FramePipeline, Tracked, live_settings, open_pipeline
from lianpu.video.tracking.tracker import TrackSettings
from tests.support.portraits import portrait


@pytest.fixture(scope="module")
def clip() -> list[MadeFrame]:
    return list(pan_over([portrait(side_px=384).picture], 16, (320, 240), way_frames=60))


def _flicker(clip: list[MadeFrame], pipeline: FramePipeline, effect: str) -> tuple[float, float]:
    def render(picture: Picture, tracked: Tracked) -> Picture:
        return pipeline.render(picture, tracked).picture

    flicker = clip_flicker(clip, pipeline, {effect: render})
    assert flicker.frames == len(clip) - 1
    return flicker.points, flicker.effects[effect]


@pytest.mark.parametrize("effect", ["hair_color", "smooth_skin", "slim_face"])
def test_the_live_pipeline_flickers_about_as_little_as_the_careful_one(
    effect: str, clip: list[MadeFrame], mediapipe_models: Path
) -> None:
    preset = preset_from_options((), "1", None, (effect,))
    job = EditJob(EditRequest(""), preset, EditSession(open_analyzer(AnalyzerSettings("dlib", "dlib"), threads=1)))
    careful_points, careful = _flicker(clip, open_pipeline(job, TrackSettings(), 1), effect)
    live_points, live = _flicker(clip, open_pipeline(job, live_settings(preset), 1), effect)
    assert live_points < max(1.2 * careful_points, 1.0)
    assert live < max(1.25 * careful, 4.0)
