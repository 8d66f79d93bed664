"""Age, gender and beard as effects: options, faces that already are what is asked for, and hair that greys."""

from dataclasses import replace

import numpy as np
import pytest

from lianpu.editing.presets import Preset, parse_effect
from lianpu.editing.session import EditRequest, EditSession, open_job
from lianpu.effects.age_gender import age, gender
from lianpu.errors import SettingsError
from lianpu.faces.analyzer import AnalyzerSettings, open_analyzer
from lianpu.faces.mesh import MeshReader
from lianpu.faces.results import Face, Mesh, Subject
from lianpu.imaging.color import rgb_to_lab
from lianpu.imaging.picture import Picture
from lianpu.transforms.model import load_transform
from lianpu.transforms.reading import read_face
from tests.support.live_faces import mesh_of
from tests.support.subjects import drawn_photo


def _face(index: int = 1) -> tuple[Picture, Subject]:
    photo, subject = drawn_photo(300, 260, 200, 50, 40, index=index)
    return photo, replace(subject, mesh=mesh_of(subject.landmarks.points))


def test_a_word_that_is_no_strength_is_the_main_option() -> None:
    assert parse_effect("age=-25").options == {"years": -25.0} and parse_effect("age=-25").strength == 1.0
    assert parse_effect("age=25").options == {"years": 25.0}
    assert parse_effect("age=0.5").strength == 0.5
    assert parse_effect("gender=female:strength=0.7").options == {"towards": "female"}
    assert parse_effect("gender=female:strength=0.7").strength == 0.7
    assert parse_effect("beard=stubble").options == {"way": "stubble"}
    with pytest.raises(SettingsError, match=r"gender: option towards: 'famale' is none of .*did you mean 'female'"):
        parse_effect("gender=famale")
    with pytest.raises(SettingsError, match=r"age: option years: 90\.?0* is not from -40 to 40"):
        parse_effect("age=90")


def test_a_face_that_surely_is_what_is_asked_for_stays() -> None:
    photo, subject = _face()
    reading = read_face(photo, subject, load_transform().template)
    assert reading is not None
    chance, _ = load_transform().judged(reading)
    kept = [gender(photo, subject, 1.0, towards) is photo for towards in ("male", "female")]
    assert kept == [chance > 0.95, chance < 0.05]
    assert gender(photo, subject, 1.0, "other") is not photo


def test_hair_greys_with_the_years_and_not_when_they_go_back() -> None:
    photo, subject = _face(2)
    hair = subject.parts.where("hair")
    before, older, younger = (
        np.hypot(*rgb_to_lab(picture.astype(np.float32) / np.float32(255))[hair][:, 1:].mean(axis=0))
        for picture in (photo, age(photo, subject, 1.5, 40.0), age(photo, subject, 1.0, -20.0))
    )
    assert older < 0.8 * before and younger > 0.9 * before


def test_no_years_change_nothing() -> None:
    photo, subject = _face()
    assert age(photo, subject, 1.0, 0.0) is photo


def test_a_job_without_the_face_mesh_is_refused_before_a_photo_is_read() -> None:
    preset = "name: x\nsteps: [{effect: age, years: -20}]"
    settings = AnalyzerSettings(detector="dlib", landmarks="dlib")
    with pytest.raises(SettingsError, match=r"age needs the face mesh\. Give --landmarks mesh .*lianpu models fetch face-mesh"):
        open_job(EditRequest(preset, analyzer=settings), threads=1)


def test_a_tracked_face_without_a_mesh_gets_one_from_the_reader() -> None:
    photo, subject = _face()

    class Reader(MeshReader):
        def __init__(self) -> None:
            """Nothing to open: its mesh is known."""

        def mesh_of_face(self, picture: Picture, face: Face) -> Mesh | None:
            return subject.mesh

    analyzer = open_analyzer(AnalyzerSettings(detector="dlib", landmarks="dlib"), threads=1)
    session = EditSession(replace(analyzer, landmarks=Reader()))
    preset = Preset("x", (parse_effect("gender=other"),))
    tracked = session.edit(photo, [replace(subject, mesh=None)], preset)
    assert np.abs(tracked.astype(int) - session.edit(photo, [subject], preset)).mean() < 0.5
    assert (tracked != photo).any()
