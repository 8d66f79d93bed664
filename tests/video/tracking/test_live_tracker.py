"""Live tracking of drawn portraits that move, by MediaPipe's mesh: where points must lie, who is who, and what is averaged."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from lianpu.camera.moving_picture import MadeFrame, pan_over
from lianpu.face_parsing.shares import SharesParser
from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.faces.detectors import load_detector
from lianpu.faces.mesh import MeshReader
from lianpu.faces.parts import load_parser
from lianpu.faces.results import SexAge, Subject
from lianpu.imaging.geometry import inverse, map_points, shrink
from lianpu.imaging.picture import Picture
from lianpu.models.store.conversion import require_onnx
from lianpu.photo.reading import read_image
from lianpu.video.tracking.live_tracker import LiveModels, LiveSettings, LiveState, TrackedScene, track_live
from lianpu.video.tracking.tracker import TrackerState, TrackSettings, track_faces
from tests.support.portraits import PEOPLE, portrait
from tests.support.shared import YUNET, real_model, real_photo

SIZE = (320, 240)
RATE = 30.0


@pytest.fixture
def models(mediapipe_models: Path, analyzer: FaceAnalyzer) -> LiveModels:
    assert analyzer.parser is not None
    return LiveModels(analyzer, MeshReader(require_onnx("face-mesh"), 1), SharesParser(load_parser(threads=1)))


def _track(frames: Sequence[Picture], models: LiveModels, settings: LiveSettings | None = None) -> list[TrackedScene]:
    state, tracked = LiveState(), []
    for number, frame in enumerate(frames):
        state, scene = track_live(state, frame, number, number / RATE, models, settings or LiveSettings(parse_every=4))
        tracked.append(scene)
    return tracked


def _wander(made: Sequence[MadeFrame], tracked: Sequence[TrackedScene]) -> float:
    """How far the points wander over the photo that the camera shows: mean distance from their own mean there, in eye distances."""
    there = []
    for frame, one in zip(made, tracked, strict=True):
        (face,) = one.scene.faces
        there.append(map_points(inverse(frame.matrix), face.mesh.points[:, :2]))
    stack = np.array(there)
    unit = np.linalg.norm(stack[:, 33] - stack[:, 263], axis=1).mean()
    return float(np.linalg.norm(stack - stack.mean(axis=0), axis=2).mean() / unit)


def test_how_a_face_looks_is_averaged_where_the_edit_asks_for_it(models: LiveModels) -> None:
    frames = [frame.picture for frame in pan_over([portrait(side_px=384).picture], 34, SIZE, way_frames=60)]
    read: list[float] = []

    def looks(picture: Picture, subject: Subject) -> SexAge:
        assert subject.mesh is not None
        read.append(40.0 + 5 * (-1) ** len(read))
        return SexAge(0.5, read[-1], "test")

    faces = [one.scene.faces[0] for one in _track(frames, replace(models, looks=looks))]
    ages = [0.0 if face.looks is None else face.looks.age for face in faces]
    assert ages[0] == read[0] and len(read) == 2  # the first frame, and the 31st
    assert 0 < np.abs(np.diff(ages)).max() < 0.5
    assert all(one.scene.faces[0].looks is None for one in _track(frames[:2], models))


def test_points_follow_the_true_motion_of_a_drawn_portrait(models: LiveModels) -> None:
    made = list(pan_over([portrait(side_px=384).picture], 20, SIZE, way_frames=60))
    tracked = _track([frame.picture for frame in made], models)
    assert _wander(made, tracked) < 0.02
    assert [one.detected for one in tracked] == [True] + [False] * 14 + [True] + [False] * 4
    shares = tracked[-1].scene.faces[0].shares
    assert shares["hair"].max() > 200 and shares["skin"].max() > 200


@pytest.mark.parametrize("name", ["p18", "p14"])
def test_points_follow_the_true_motion_of_real_faces(name: str, models: LiveModels) -> None:
    made = list(pan_over([read_image(real_photo(name))], 20, (640, 480), way_frames=60))
    assert _wander(made, _track([frame.picture for frame in made], models)) < 0.02


def _beside(left: Picture, right: Picture, at: float) -> Picture:
    """Two portraits on grey that have crossed by `at`, 0 to 1: the first one is in front."""
    side = left.shape[0]
    scene = np.full((side, 3 * side, 3), 120, np.uint8)
    for picture, x in ((right, 2 * side * (1 - at)), (left, 2 * side * at)):
        scene[:, round(x) : round(x) + side] = picture
    return scene


def test_two_faces_that_cross_are_both_tracked_before_and_after(models: LiveModels) -> None:
    first, second = (portrait(number, 200).picture for number in PEOPLE[:2])
    tracked = _track([_beside(first, second, at) for at in np.linspace(0, 1, 40)], models)
    counts = [len(one.scene.faces) for one in tracked]
    assert counts[:5] == [2] * 5 and counts[-3:] == [2] * 3 and min(counts) >= 1
    x = sorted(float(face.mesh.points[:, 0].mean()) for face in tracked[-1].scene.faces)
    assert x[0] == pytest.approx(100, abs=25) and x[1] == pytest.approx(500, abs=25)


def test_a_face_that_leaves_is_lost_and_found_again_when_it_returns(models: LiveModels) -> None:
    face = portrait(side_px=240).picture
    scene = np.full((240, 720, 3), 120, np.uint8)
    scene[:, :240] = face
    xs = [*np.linspace(0, 420, 15), *[460] * 8, *np.linspace(420, 0, 15), *[0] * 8]
    tracked = _track([np.ascontiguousarray(scene[:, round(x) : round(x) + 260]) for x in xs], models)
    counts = [len(one.scene.faces) for one in tracked]
    assert counts[0] == 1 and counts[15:23] == [0] * 8
    assert counts[-4:] == [1] * 4
    after_loss = next(index for index, count in enumerate(counts) if not count)
    assert tracked[after_loss].detected, "a face that is lost is looked for at once"


def test_a_cut_begins_anew(models: LiveModels) -> None:
    first, second = portrait(PEOPLE[0], 240).picture, 255 - portrait(PEOPLE[1], 240).picture[::-1]
    tracked = _track([first] * 5 + [np.ascontiguousarray(second)] * 3, models)
    assert [one.cut for one in tracked] == [False] * 5 + [True, False, False]
    assert [len(one.scene.faces) for one in tracked[:5]] == [1] * 5


def test_the_same_frames_give_the_same_faces(models: LiveModels) -> None:
    frames = [frame.picture for frame in pan_over([portrait(side_px=256).picture], 6, (240, 200), way_frames=60)]
    first, second = (_track(frames, models)[-1].scene.faces[0] for _ in range(2))
    assert np.array_equal(first.mesh.points, second.mesh.points) and first.mouth_visible == second.mouth_visible
    assert all(np.array_equal(first.shares[name], second.shares[name]) for name in first.shares)


def test_without_a_parser_there_are_no_shares_and_the_small_mesh_has_468_points(models: LiveModels) -> None:
    small = LiveModels(models.analyzer, MeshReader(require_onnx("face-mesh-468"), 1))
    (tracked,) = _track([portrait(side_px=256).picture], small)
    (face,) = tracked.scene.faces
    assert face.mesh.points.shape == (468, 3) and not face.shares and face.mouth_visible == 1


def _speaking(picture: Picture, open_px: float) -> Picture:
    """The portrait with its lower lip and chin this many pixels lower."""
    points = portrait(side_px=picture.shape[0]).points
    (x, y), wide = points[57], float(np.linalg.norm(points[54] - points[48]))
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    near = np.exp(-(((columns - x) / (0.7 * wide)) ** 2) - ((rows - y - 0.3 * wide) / (0.55 * wide)) ** 2)
    back = (rows - open_px * near).astype(np.float32)
    return np.asarray(cv2.remap(picture, columns, back, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


def test_mesh_and_parser_run_more_rarely_while_nothing_changes(models: LiveModels) -> None:
    still = portrait(side_px=320).picture
    settings = LiveSettings(parse_every=2, rest_every=6, mesh_every=2)

    def runs(frames: Sequence[Picture]) -> tuple[list[int], list[int]]:
        """The frames in which the mesh was read, and those in which the parser ran."""
        state, mesh, parser = LiveState(), [], []
        for number, frame in enumerate(frames):
            state, _ = track_live(state, frame, number, number / RATE, models, settings)
            mesh += [number] * (state.tracks[0].unread == 0)
            parts = state.tracks[0].parts
            parser += [number] * (parts is not None and parts.age == 0)
        return mesh, parser

    assert runs([still] * 13) == ([0, 2, 4, 6, 8, 10, 12], [0, 6, 12])
    darker = [np.asarray(still * (1 - 0.1 * number), dtype=np.uint8) for number in range(6)]
    assert runs(darker)[1] == [0, 2, 4]
    speaking = [_speaking(still, 6 * (number % 4)) for number in range(8)]
    assert runs(speaking)[0] == list(range(8))


def test_a_dog_is_followed_only_for_edits_that_must_miss_nobody(models: LiveModels) -> None:
    photo = read_image(real_photo("p27_animal"))
    frames = [shrink(photo, 640).astype(np.uint8)] * 2
    analyzer = replace(models.analyzer, detector=load_detector(str(real_model(YUNET)), threads=1), landmarks=models.mesh)
    models = replace(models, analyzer=analyzer)
    for doubtful in (False, True):
        live = _track(frames, models, LiveSettings(parse_every=4, doubtful=doubtful))
        _, careful = track_faces(TrackerState(), frames[0], 0, 0.0, analyzer, TrackSettings(doubtful=doubtful))
        assert [bool(one.scene.faces) for one in live] == [doubtful] * 2 and bool(careful.subjects) == doubtful
    assert TrackSettings().for_hidden_faces().doubtful and LiveSettings(detect_every=5).for_hidden_faces().doubtful
