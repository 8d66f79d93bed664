"""Which pipeline edits frames, with which settings."""

import numpy as np
import pytest

from lianpu.editing.presets import Preset, dump_preset, preset_from_options
from lianpu.editing.session import EditRequest, open_job
from lianpu.faces.analyzer import AnalyzerSettings
from lianpu.video.job.frame_pipeline import HidingPipeline, QualityPipeline, live_settings, open_pipeline
from lianpu.video.tracking.tracker import TrackSettings


@pytest.mark.parametrize(("detect_every", "expected"), [(None, (1, 30)), (1, (1, 30)), (4, (4, 3))])
def test_faces_to_hide_are_detected_in_every_frame_and_kept_unless_a_larger_number_is_given(
    detect_every: int | None, expected: tuple[int, int]
) -> None:
    hiding = "name: hide\nsteps:\n  - effect: anonymise\n    strength: 1\n"
    job = open_job(EditRequest(hiding, analyzer=AnalyzerSettings("dlib")), threads=1)
    pipeline = open_pipeline(job, TrackSettings(detect_every=detect_every))
    assert isinstance(pipeline, HidingPipeline) == (detect_every in (None, 1))
    inner = pipeline.inner if isinstance(pipeline, HidingPipeline) else pipeline
    assert isinstance(inner, QualityPipeline)
    assert (inner.settings.detect_every, inner.settings.lost_after) == expected


def _preset(*effects: str) -> Preset:
    return preset_from_options((), "1", None, effects)


def test_live_settings_follow_what_the_effects_need() -> None:
    assert live_settings(_preset("hair_color", "lipstick")).parse_every == 4
    assert live_settings(_preset("lipstick")).parse_every == 8
    assert live_settings(_preset("smooth_skin")).parse_every == 4
    reshaped = live_settings(_preset("larger_eyes"))
    assert reshaped.parse_every == 0 and not reshaped.person
    assert live_settings(_preset("blur_background")).person
    assert live_settings(_preset("hair_color")).around_every and not live_settings(_preset("lipstick")).around_every
    assert live_settings(_preset("hair_color"), parse_every=3).parse_every == 3


@pytest.mark.usefixtures("mediapipe_models")
@pytest.mark.parametrize("live", [False, True])
def test_the_sex_and_age_of_a_face_are_those_of_its_track(frames: list[np.ndarray], live: bool) -> None:
    for effect, reads in (("gender=male", True), ("smooth_skin", False)):
        preset = _preset(effect)
        job = open_job(EditRequest(dump_preset(preset), analyzer=AnalyzerSettings("dlib", "mesh")), threads=1)
        pipeline = open_pipeline(job, live_settings(preset) if live else TrackSettings(), threads=1)
        state, looks = pipeline.begin(), []
        for number in range(5):
            state, tracked = pipeline.track(state, frames[0], number, number / 25)
            looks.append(tracked.largest[0].looks)
        assert [one is not None for one in looks] == [reads] * 5
