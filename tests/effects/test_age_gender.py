"""Age, gender and beard as effects: options, faces that already are what is asked for, and hair that greys."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lianpu.editing.photo_job import edit_file
from lianpu.editing.presets import Preset, dump_preset, parse_effect, preset_from_options
from lianpu.editing.session import EditRequest, EditSession, open_job
from lianpu.effects.age_gender import age, beard, gender, live_age
from lianpu.errors import SettingsError
from lianpu.faces.analyzer import AnalyzerSettings, open_analyzer
from lianpu.faces.mesh import MeshReader
from lianpu.faces.results import Face, Mesh, SexAge, Subject
from lianpu.imaging.color import rgb_to_lab
from lianpu.imaging.picture import Picture
from lianpu.photo.reading import read_image
from lianpu.transforms.model import TransformModel
from tests.support.live_faces import live_face, mesh_of
from tests.support.portraits import write_portrait
from tests.support.subjects import drawn_photo


def _face(index: int = 1) -> tuple[Picture, Subject]:
    photo, subject = drawn_photo(300, 260, 200, 50, 40, index=index)
    return photo, replace(subject, mesh=mesh_of(subject.landmarks.points))


def test_a_word_that_is_no_strength_is_the_main_option() -> None:
    assert parse_effect("age=-25").options == {"years": -25.0} and parse_effect("age=-25").strength == 1.0
    assert parse_effect("age=25").options == {"years": 25.0}
    assert parse_effect("age=0.5").strength == 0.5 and parse_effect("lipstick=+0.5").strength == 0.5
    for word, years in (("+1", 1.0), ("+0.5", 0.5), ("-1", -1.0), ("2", 2.0)):  # 1 without a sign is a strength
        step = parse_effect(f"age={word}")
        assert step.options == {"years": years} and step.strength == 1.0
    assert parse_effect("age=1").options == {} and parse_effect("age=1").strength == 1.0
    assert parse_effect("gender=female:strength=0.7").options == {"towards": "female"}
    assert parse_effect("gender=female:strength=0.7").strength == 0.7
    assert parse_effect("beard=stubble").options == {"way": "stubble"}
    with pytest.raises(SettingsError, match=r"gender=famale: 'famale' is neither a strength .*did you mean 'female'"):
        parse_effect("gender=famale")
    with pytest.raises(SettingsError, match=r"age: option years: 90\.?0* is not from -40 to 40"):
        parse_effect("age=90")


@pytest.mark.parametrize(("chance", "kept"), [(0.99, "male"), (0.01, "female")])
def test_a_face_that_surely_is_what_is_asked_for_stays(chance: float, kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    photo, subject = _face()
    monkeypatch.setattr(TransformModel, "judged", lambda model, reading: SexAge(chance, 35.0, ""))
    for towards in ("male", "female"):
        assert (gender(photo, subject, 1.0, towards) is photo) == (towards == kept)
    assert gender(photo, subject, 1.0, "other") is not photo


def test_near_what_is_asked_for_less_is_done_and_nothing_flips(monkeypatch: pytest.MonkeyPatch) -> None:
    photo, subject = _face()
    change = []
    for chance in (0.5, 0.93, 0.95, 0.97):
        monkeypatch.setattr(TransformModel, "judged", lambda model, reading, chance=chance: SexAge(chance, 35.0, ""))
        change.append(float(np.abs(gender(photo, subject, 1.0, "male").astype(int) - photo).mean()))
    assert change[1] > change[2] > change[3] > 0 and change[3] < 0.5 * change[1]


def test_hair_greys_with_the_years_and_not_when_they_go_back() -> None:
    photo, subject = _face(2)
    hair = subject.parts.where("hair")
    before, older, younger = (
        np.hypot(*rgb_to_lab(picture.astype(np.float32) / np.float32(255))[hair][:, 1:].mean(axis=0))
        for picture in (photo, age(photo, subject, 1.5, 40.0, False), age(photo, subject, 1.0, -20.0, False))
    )
    assert older < 0.8 * before and younger > 0.9 * before


def test_grey_hair_keeps_its_shadows() -> None:
    photo, subject = _face(2)
    hair = subject.parts.where("hair")
    locks = np.broadcast_to(np.sin(np.arange(photo.shape[1]) * 0.8), hair.shape)
    photo[hair] = (44 + 16 * locks[hair])[:, None] * (1.0, 0.8, 0.6)
    older = age(photo, replace(subject, looks=SexAge(0.5, 30.0, "")), 1.0, 25.0, False)
    before, after = (rgb_to_lab(picture.astype(np.float32) / np.float32(255))[..., 0] for picture in (photo, older))
    lit, dark = (float((after - before)[hair & (side > 0.6)].mean()) for side in (locks, -locks))
    assert lit > 8 and dark < 0.45 * lit  # the same share of both gave 0.63


def test_in_dim_light_live_hair_gets_no_lighter_grey_than_in_a_photo() -> None:
    photo, subject = _face(2)
    hair = subject.parts.where("hair")
    dim = np.rint(0.45 * photo).astype(np.uint8)
    frame = dim.copy()
    live_age(frame, live_face(subject), 1.5, 40.0, False)
    live, still = (
        float(np.median(rgb_to_lab(picture.astype(np.float32) / np.float32(255))[hair][:, 0]))
        for picture in (frame, age(dim, subject, 1.5, 40.0, False))
    )
    assert live == pytest.approx(still, abs=5)  # beside skin of the usual light it would be lighter by 17


def test_no_years_change_nothing() -> None:
    photo, subject = _face()
    assert age(photo, subject, 1.0, 0.0, False) is photo


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


@pytest.mark.parametrize(("years", "looks", "stays"), [(-25, 24, True), (-25, 45, False), (25, 66, True), (25, 45, False)])
def test_a_face_that_surely_is_of_that_age_stays_where_asked(
    years: float, looks: float, stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, subject = _face()
    monkeypatch.setattr(TransformModel, "judged", lambda model, reading: SexAge(0.5, looks, ""))
    assert (age(photo, subject, 1.0, years, True) is photo) == stays
    assert age(photo, subject, 1.0, years, False) is not photo


@pytest.mark.usefixtures("mediapipe_models")
def test_set_without_a_model_takes_the_transforms_and_a_named_model_itself(tmp_path: Path) -> None:
    photo = write_portrait(tmp_path / "photo.png")
    done = {}
    for model in ("auto", "lite"):
        out = tmp_path / f"{model}.png"
        preset = preset_from_options(["Male=yes", "Black_Hair=yes"], "1", None, ())
        settings = AnalyzerSettings(detector="dlib", landmarks="mesh")
        job = open_job(EditRequest(dump_preset(preset), model, analyzer=settings), threads=1)
        edit_file(job, photo, out)
        done[model] = read_image(out)
    by_hand = preset_from_options([], "1", None, ["gender=male"])
    job = open_job(EditRequest(dump_preset(by_hand), analyzer=AnalyzerSettings("dlib", "mesh")), threads=1)
    assert job.session.editor is None, "effects need no editor"
    assert (done["auto"] != done["lite"]).any()
    hair = open_job(
        EditRequest(dump_preset(preset_from_options(["Black_Hair=yes"], "1", None, ())), analyzer=settings), threads=1
    )
    edit_file(hair, photo, tmp_path / "hair.png")
    edit_file(job, tmp_path / "hair.png", tmp_path / "both.png")
    both, only_hair = read_image(tmp_path / "both.png").astype(int), read_image(tmp_path / "hair.png").astype(int)
    apart, of_the_face = np.abs(both - done["auto"]).mean(), np.abs(only_hair - done["auto"]).mean()
    assert apart < 0.25 * of_the_face, "hair and face, each as alone; the face is read anew here"


def test_a_womans_jaw_has_no_beard_to_take_off() -> None:
    photo, subject = _face()
    woman, man = (replace(subject, looks=SexAge(score, 30.0, "told")) for score in (0.3, 0.9))
    assert beard(photo, woman, 1.0, "remove") is photo
    assert (beard(photo, man, 1.0, "remove") != photo).any() and (beard(photo, woman, 1.0, "stubble") != photo).any()
