"""A photo and its faces at the size of a preview; which effects a session has, and which faces an edit leaves as they are."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lianpu.editing.presets import dump_preset, preset_from_options
from lianpu.editing.session import EditRequest, EditSession, open_job
from lianpu.effects.catalogue import EFFECTS
from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.faces.mesh import MeshReader
from lianpu.faces.results import Face, FaceParts, Landmarks, Subject
from lianpu.imaging.picture import Picture
from lianpu.models.store.conversion import require_onnx
from lianpu.models.store.locate import commercial_safe
from tests.support.live_faces import drawn_mesh


def _subject(width: int, height: int) -> Subject:
    """A face in the middle half of a photo, whose parts are skin (1) on the left and hair (13) on the right."""
    rows, columns = slice(height // 4, 3 * height // 4), slice(width // 4, 3 * width // 4)
    mask = np.ones((rows.stop - rows.start, columns.stop - columns.start), dtype=np.uint8)
    mask[:, mask.shape[1] // 2 :] = 13
    box = (float(columns.start), float(rows.start), float(columns.stop), float(rows.stop))
    points = np.full((5, 2), (width / 2 - 0.5, height / 2 - 0.5), dtype=np.float32)
    marks = Landmarks(np.tile(points[:1], (68, 1)), "dlib-68")
    return Subject(Face(box, 0.9, points, "test"), marks, (rows, columns), FaceParts(mask, "test"))


def _preview(photo: Picture, subjects: list[Subject], longest_px: int) -> tuple[Picture, tuple[Subject, ...]]:
    nobody: Any = None
    preview = EditSession(nobody).preview(photo, subjects, longest_px)
    return preview.picture, preview.subjects


def test_a_small_photo_stays_as_it_is() -> None:
    photo = np.zeros((100, 80, 3), dtype=np.uint8)
    subject = _subject(80, 100)
    small, subjects = _preview(photo, [subject], 100)
    assert small is photo and subjects == (subject,)


def test_a_large_photo_and_all_that_was_seen_in_it_shrink_alike() -> None:
    photo = np.zeros((2000, 1600, 3), dtype=np.uint8)
    photo[500:1500, 400:1200] = 200
    small, (subject,) = _preview(photo, [_subject(1600, 2000)], 500)
    assert small.shape == (500, 400, 3)
    assert subject.window == (slice(125, 375), slice(100, 300)) and subject.face.box_xyxy == pytest.approx(
        (99.625, 124.625, 299.625, 374.625)
    )
    assert small[subject.window].min() == 200 and small[:120].max() == 0
    assert subject.face.points[0] == pytest.approx((199.5, 249.5))  # the middle stays the middle
    assert (subject.parts.mask[:, :100] == 1).all() and (subject.parts.mask[:, 100:] == 13).all()


@pytest.mark.parametrize(("width", "height"), [(1281, 7), (7, 1999), (1500, 1501)])
def test_odd_sizes_keep_every_face_within_the_picture(width: int, height: int) -> None:
    small, (subject,) = _preview(np.zeros((height, width, 3), dtype=np.uint8), [_subject(width, height)], 200)
    assert max(small.shape) == 200
    assert 0 <= subject.window[0].start < subject.window[0].stop <= small.shape[0]
    assert 0 <= subject.window[1].start < subject.window[1].stop <= small.shape[1]


def test_faces_whose_mesh_is_not_believed_are_not_counted_as_edited(analyzer: FaceAnalyzer) -> None:
    session = EditSession(analyzer, transforms=True)
    subjects = [_subject(80, 100), replace(_subject(80, 100), mesh=drawn_mesh())]
    alone, mixed, other = (
        session.left_as_they_are(subjects, preset_from_options(values, "1", None, effects))
        for values, effects in ((["Male=yes"], ["age=-20"]), (["Male=yes"], ["lipstick"]), ([], ["lipstick"]))
    )
    assert alone.count == 1 and alone.words is not None
    assert alone.words.startswith("no gender, age in 1 of 2 faces: the face mesh is not believed there")
    assert mixed.count == 0 and mixed.words is not None and mixed.words.startswith("no gender in 1 of 2 faces")
    assert other.count == 0 and other.words is None
    assert session.left_as_they_are(subjects[1:], preset_from_options(["Male=yes"], "1", None, [])).words is None


def test_a_job_takes_an_open_analyzer_and_an_open_editor(analyzer: FaceAnalyzer) -> None:
    def request(values: list[str], effects: list[str]) -> EditRequest:
        return EditRequest(dump_preset(preset_from_options(values, "1", None, effects)), "lite")

    first = open_job(request(["Male=yes"], []), 1, analyzer=analyzer).session
    assert first.analyzer is analyzer and first.editor is not None
    second = open_job(request(["Young=no"], []), 1, analyzer=analyzer, editor=first.editor).session
    assert second.analyzer is analyzer and second.editor is first.editor and second.model == first.model
    assert open_job(request([], ["lipstick"]), 1, analyzer=analyzer, editor=first.editor).session.editor is None


def test_a_session_has_only_effects_that_it_can_do(analyzer: FaceAnalyzer) -> None:
    without_mesh = EditSession(analyzer).effects
    assert "hair_color" in without_mesh and "age" not in without_mesh
    without_parser = EditSession(replace(analyzer, parser=None)).effects
    assert "hair_color" not in without_parser and "lipstick" in without_parser


def test_a_session_with_a_mesh_has_every_effect_unless_all_must_be_commercial(
    analyzer: FaceAnalyzer, mediapipe_models: Path
) -> None:
    session = EditSession(replace(analyzer, landmarks=MeshReader(require_onnx("face-mesh"), 1)))
    assert list(session.effects) == list(EFFECTS)
    with commercial_safe(True):
        assert "age" not in session.effects
