"""Tracking with the models and options of the analyzer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from lianpu.editing.session import EditJob
from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.faces.parts import probability_over
from lianpu.faces.results import Face, SexAge, Subject
from lianpu.video.tracking.tracker import TrackedFaces, TrackerState, TrackSettings, track_faces


def _track(frames: Sequence[np.ndarray], analyzer: FaceAnalyzer, settings: TrackSettings) -> list[TrackedFaces]:
    state, tracked = TrackerState(), []
    for number, frame in enumerate(frames):
        state, faces = track_faces(state, frame, number, number / 25, analyzer, settings)
        tracked.append(faces)
    return tracked


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_faces_are_detected_where_asked_and_keep_their_turn(
    turns: int, frames: list[np.ndarray], blue_job: EditJob
) -> None:
    turned = [np.ascontiguousarray(np.rot90(frame, turns)) for frame in frames[:5]]
    analyzer, settings = blue_job.session.analyzer, TrackSettings(detect_every=2)
    assert not any(one.subjects for one in _track(turned, analyzer, settings))
    tracked = _track(turned, replace(analyzer, upright=True), settings)
    assert [len(one.subjects) for one in tracked] == [1] * 5 and [one.detected for one in tracked] == [True, False] * 2 + [True]
    upright = _track(frames[:5], analyzer, settings)
    for one, other in zip(tracked, upright, strict=True):
        x, y = other.subjects[0].landmarks.points.T
        side = frames[0].shape[0] - 1
        expected = {1: (y, side - x), 2: (side - x, side - y), 3: (side - y, x)}[turns]
        apart = np.linalg.norm(one.subjects[0].landmarks.points - np.stack(expected, axis=1), axis=1)
        assert apart.mean() < 0.12 * other.subjects[0].face.eye_distance_px


def test_how_a_face_looks_is_averaged_over_its_frames(frames: list[np.ndarray], blue_job: EditJob) -> None:
    read: list[float] = []

    def looks(picture: np.ndarray, subject: Subject) -> SexAge:
        read.append(40.0 + 5 * (-1) ** len(read))
        return SexAge(0.5, read[-1], "test")

    state, ages = TrackerState(), []
    for number, frame in enumerate(frames):
        state, faces = track_faces(state, frame, number, number / 25, blue_job.session.analyzer, TrackSettings(), looks=looks)
        (subject,) = faces.subjects
        assert subject.looks is not None
        ages.append(subject.looks.age)
    assert ages[0] == read[0] and 2 < len(read) < len(frames) / 2
    assert 0 < np.abs(np.diff(ages)).max() < 0.5


@dataclass
class _Shifted:
    """A reader of points that puts all of them a little to the right."""

    analyzer: FaceAnalyzer
    calls: int = 0

    def of_face(self, picture: np.ndarray, face: Face) -> np.ndarray:
        self.calls += 1
        return self.analyzer.landmarks.of_face(picture, face) + np.array([3.0, 0.0], dtype=np.float32)


def test_points_come_from_the_reader_of_the_analyzer(frames: list[np.ndarray], blue_job: EditJob) -> None:
    analyzer = blue_job.session.analyzer
    shifted = _Shifted(analyzer)
    settings = TrackSettings(points=None)
    with_shift = _track(frames[:3], replace(analyzer, landmarks=shifted), settings)
    plain = _track(frames[:3], analyzer, settings)
    first, second = (one[0].subjects[0].landmarks.points for one in (with_shift, plain))
    assert np.allclose(first - second, (3, 0), atol=1e-3)
    assert shifted.calls >= 3, "read in every frame"


def test_a_tracked_face_carries_the_probabilities_that_were_averaged(frames: list[np.ndarray], blue_job: EditJob) -> None:
    analyzer = blue_job.session.analyzer
    settings = TrackSettings(parse_every=2)
    state = TrackerState()
    for number, frame in enumerate(frames[:4]):
        state, tracked = track_faces(state, frame, number, number / 25, analyzer, settings)
        (subject,), (track,) = tracked.subjects, state.tracks
        assert track.parts is not None and subject.parts.soft is track.parts.shares
        hair = probability_over(frame, subject, "hair", subject.parts.mask.shape)
        assert hair is not None and ((hair > 0.5) == subject.parts.where("hair")).mean() > 0.97
    unsmoothed = replace(settings, time_constant_s=0.0, parse_every=1)
    _, tracked = track_faces(TrackerState(), frames[0], 0, 0.0, analyzer, unsmoothed)
    assert not isinstance(tracked.subjects[0].parts.soft, np.ndarray)
