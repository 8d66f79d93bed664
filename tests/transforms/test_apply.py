"""Transforms of faces: nothing at strength 0, the same in bands as in one piece, only where the face is, and mirrored for a mirrored face."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from lianpu.errors import DataError
from lianpu.faces.results import Face, FaceParts, Landmarks, Mesh, SexAge, Subject
from lianpu.imaging import compositing
from lianpu.imaging.picture import Picture
from lianpu.part_names import PART_INDEX
from lianpu.transforms.apply import edited, transformed, wish_for
from lianpu.transforms.model import BUNDLED, load_transform
from lianpu.transforms.reading import Reading, read_face
from tests.support.live_faces import mesh_of
from tests.support.subjects import drawn_photo

MODEL = load_transform()

WISHES = ({"gender": 1.0}, {"gender": -1.0}, {"age_years": 25.0}, {"age_years": -25.0}, {"beard": 1.0}, {"beard": -1.0})


def _face(side: float = 230.0, index: int = 1) -> tuple[Picture, Subject]:
    photo, subject = drawn_photo(300, 300, side, 35, 35, index=index)
    return photo, replace(subject, mesh=mesh_of(subject.landmarks.points))


def _mirrored(photo: Picture, subject: Subject) -> tuple[Picture, Subject]:
    wide = photo.shape[1]
    swap = np.arange(256, dtype=np.uint8)
    for own, opposite in (("l_eye", "r_eye"), ("l_brow", "r_brow"), ("l_ear", "r_ear")):
        swap[PART_INDEX[own]], swap[PART_INDEX[opposite]] = PART_INDEX[opposite], PART_INDEX[own]
    assert subject.mesh is not None
    mesh = subject.mesh.points.copy()
    mesh[:468] = mesh[MODEL.mirror]
    mesh[:, 0] = wide - 1 - mesh[:, 0]
    five = subject.face.points[[1, 0, 2, 4, 3]] * (-1, 1) + (wide - 1, 0)
    left, top, right, bottom = subject.face.box_xyxy
    face = Face((wide - 1 - right, top, wide - 1 - left, bottom), 0.9, five.astype(np.float32), "drawn")
    mask = swap[np.ascontiguousarray(subject.parts.mask[:, ::-1])]
    points = subject.landmarks.points * (-1, 1) + (wide - 1, 0)
    other = Subject(
        face, Landmarks(points.astype(np.float32), "dlib-68"), subject.window, FaceParts(mask, "drawn"), mesh=Mesh(mesh, 1.0)
    )
    return np.ascontiguousarray(photo[:, ::-1]), other


@pytest.mark.parametrize("wish", WISHES, ids=str)
def test_a_wish_changes_the_face_and_leaves_the_given_picture(wish: dict[str, float]) -> None:
    photo, subject = _face()
    before = photo.copy()
    after = transformed(photo, subject, MODEL, **wish)
    changed = np.abs(after.astype(int) - photo)
    assert (photo == before).all() and changed.max() > 5
    assert not changed[:8].any() and not changed[:, :8].any(), "the picture's border stays"


def test_nothing_asked_for_gives_the_same_object() -> None:
    photo, subject = _face()
    assert transformed(photo, subject, MODEL) is photo
    assert transformed(photo, replace(subject, mesh=None), MODEL) is photo


def test_a_face_without_a_mesh_is_refused_in_one_line() -> None:
    photo, subject = _face()
    with pytest.raises(DataError, match=r"A face has no mesh, .*lianpu models fetch face-mesh"):
        transformed(photo, replace(subject, mesh=None), MODEL, gender=1.0)


@pytest.mark.parametrize("wish", WISHES, ids=str)
def test_bands_of_rows_give_the_same_as_one_piece(wish: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> None:
    photo, subject = _face()
    whole = transformed(photo, subject, MODEL, **wish)
    monkeypatch.setattr(compositing, "BAND_PIXELS", 4000)
    bands = transformed(photo, subject, MODEL, **wish)
    assert np.abs(bands.astype(int) - whole).max() <= 1


@pytest.mark.parametrize("wish", [{"gender": 1.0}, {"gender": -1.0}, {"age_years": -25.0}, {"beard": -1.0}], ids=str)
def test_a_mirrored_face_gives_the_mirrored_result(wish: dict[str, float]) -> None:
    # stubble and wrinkles are irregular on purpose; all else has no side
    photo, subject = _face()
    straight = transformed(photo, subject, MODEL, **wish)
    other_photo, other = _mirrored(photo, subject)
    mirrored = transformed(other_photo, other, MODEL, **wish)[:, ::-1]
    moved = np.abs(straight.astype(int) - photo).mean()
    assert np.abs(straight.astype(int) - mirrored).mean() < 0.35 * moved + 0.05


def test_the_same_call_gives_the_same_pixels() -> None:
    photo, subject = _face()
    for wish in ({"age_years": 30.0}, {"beard": 1.0}):
        assert (transformed(photo, subject, MODEL, **wish) == transformed(photo, subject, MODEL, **wish)).all()


@pytest.mark.parametrize("wish", [{"beard": 1.0}, {"beard": -1.0}], ids=str)
def test_what_is_neither_skin_nor_beard_is_not_painted(wish: dict[str, float]) -> None:
    photo, subject = _face()
    mask = subject.parts.mask.copy()
    rows = np.flatnonzero((mask == PART_INDEX["skin"]).any(axis=1))
    hidden = np.zeros(mask.shape, dtype=bool)
    hidden[rows[len(rows) // 2] :, 150:] = True  # a cloth over the right half of the lower face
    mask[hidden] = PART_INDEX["cloth"]
    after = transformed(photo, replace(subject, parts=FaceParts(mask, "drawn")), MODEL, **wish)
    changed = np.abs(after.astype(int) - photo).max(axis=2)
    inner = cv2.erode(hidden.astype(np.uint8), np.ones((31, 31), np.uint8)) > 0
    assert inner.any() and changed[inner].max() <= 1
    assert changed[:, :140].max() > 3


@pytest.mark.parametrize("wish", WISHES, ids=str)
def test_under_a_surgical_mask_nothing_is_painted_below_the_nose(wish: dict[str, float]) -> None:
    photo, subject = _face()
    mask = subject.parts.mask.copy()
    lips = np.isin(mask, [PART_INDEX[name] for name in ("u_lip", "l_lip", "mouth")])
    mask[lips] = PART_INDEX["skin"]  # parsers take a mask over the mouth for skin
    after = transformed(photo, replace(subject, parts=FaceParts(mask, "drawn")), MODEL, **wish)
    changed = np.abs(after.astype(int) - photo).max(axis=2)
    assert changed[lips].max() <= 6


def test_older_is_undone_by_no_means_but_younger_goes_the_other_way() -> None:
    photo, subject = _face()
    older, younger = (transformed(photo, subject, MODEL, age_years=years).astype(int) - photo for years in (25.0, -25.0))
    skin = subject.parts.where("skin")
    rough, before, smooth = (
        float(np.abs(cv2.Laplacian((photo + change).astype(np.float32).mean(axis=2), cv2.CV_32F))[skin].mean())
        for change in (older, 0, younger)
    )
    assert rough > 1.03 * before and rough > 1.05 * smooth  # drawn skin is nearly as rough as old skin already
    assert np.corrcoef(older[skin].ravel(), younger[skin].ravel())[0, 1] < 0.3


def _older_and_younger(photo: Picture, subject: Subject, years: float) -> Picture:
    return transformed(photo, replace(subject, looks=SexAge(0.3, 60.0 if years < 0 else 30.0, "")), MODEL, age_years=years)


def test_younger_skin_loses_lines_and_keeps_its_shine() -> None:
    photo, subject = drawn_photo(600, 600, 460, 70, 70)
    subject = replace(subject, mesh=mesh_of(subject.landmarks.points))
    assert subject.mesh is not None
    across, down = np.rint(subject.mesh.points[50, :2]).astype(int)  # on a cheek
    y, x = np.mgrid[:600, :600]
    shine = 22 * np.exp(-((x - across) ** 2 + (y - down) ** 2) / 50)
    line = -40 * np.exp(-((y - down) ** 2) / 12.5) * (np.abs(x - across) < 25)
    plain = _older_and_younger(photo, subject, -25.0).astype(float).mean(axis=2)
    lit, lined = (
        _older_and_younger(np.clip(photo + one[..., None], 0, 255).astype(np.uint8), subject, -25.0).mean(axis=2) - plain
        for one in (shine, line)
    )
    near = (slice(down - 14, down + 15), slice(across - 14, across + 15))
    assert lit[near].max() > 0.6 * 22 and lined[near].min() > -0.55 * 40


@pytest.mark.parametrize(("years", "least", "most"), [(-25.0, 1.0, 1.13), (25.0, 0.84, 1.0)])
def test_a_mouth_grows_or_shrinks_by_a_tenth_with_the_years(years: float, least: float, most: float) -> None:
    photo, subject = drawn_photo(600, 600, 460, 70, 70)
    subject = replace(subject, mesh=mesh_of(subject.landmarks.points))
    photo[subject.parts.where("u_lip", "l_lip", "mouth")] = (0, 0, 255)
    before, after = (
        int(((one[..., 2] - one[..., 0] > 100) & (one[..., 2] - one[..., 1] > 60)).sum())
        for one in (photo.astype(int), _older_and_younger(photo, subject, years).astype(int))
    )
    assert least < after / before < most  # 1.2 and 0.8 were fat and shrunken lips


def test_older_draws_no_folds_into_the_shadow_beneath_a_nose() -> None:
    photo, subject = drawn_photo(600, 600, 460, 70, 70)
    subject = replace(subject, mesh=mesh_of(subject.landmarks.points))
    assert subject.mesh is not None
    across, down = subject.mesh.points[203, :2]  # where the fold beside the mouth begins
    y, x = np.mgrid[:600, :600]
    away = np.hypot(x - across, y - down)
    shadow = np.where((away < 60)[..., None], (photo * 0.3).astype(np.uint8), photo)
    depths = []
    for one in (photo, shadow):
        older = _older_and_younger(one, subject, 25.0)[away < 22]
        depths.append(float(np.percentile(np.log((older + 1.0) / (one[away < 22] + 1.0)).mean(axis=1), 5)))
    assert depths[0] < -0.15 and depths[1] > 0.6 * depths[0]  # 1.1 of it before


def test_eyes_and_brows_that_the_parser_takes_for_skin_are_no_folds() -> None:
    photo, subject = drawn_photo(600, 600, 460, 70, 70)
    mask = subject.parts.mask.copy()
    own = subject.parts.where("l_eye", "r_eye", "l_brow", "r_brow")
    mask[own] = PART_INDEX["skin"]
    closed = replace(subject, mesh=mesh_of(subject.landmarks.points), parts=FaceParts(mask, "drawn"))
    before, after = (one.mean(axis=2)[own].std() for one in (photo, _older_and_younger(photo, closed, -25.0)))
    assert after > 0.85 * before


@pytest.mark.parametrize("years", [-25.0, 25.0])
def test_glasses_do_not_bend(years: float) -> None:
    photo, subject = drawn_photo(600, 600, 460, 70, 70)
    rows, columns = np.nonzero(subject.parts.where("l_eye", "r_eye"))
    glasses = (slice(rows.min() - 14, rows.max() + 15), slice(columns.min() - 20, columns.max() + 21))
    mask = subject.parts.mask.copy()
    mask[glasses] = PART_INDEX["eye_g"]
    photo[glasses][::6] = 0
    photo[glasses][:, ::6] = 0
    worn = replace(subject, mesh=mesh_of(subject.landmarks.points), parts=FaceParts(mask, "drawn"))
    changed = np.abs(_older_and_younger(photo, worn, years).astype(int) - photo).max(axis=2)
    assert changed[glasses].mean() < 8 and changed.mean() > 1  # 79 before


def test_a_turned_head_changes_less() -> None:
    photo, subject = _face()
    assert subject.mesh is not None
    points = subject.mesh.points.astype(np.float64)
    middle = points.mean(axis=0)
    angle = np.radians(55)
    turn = np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]])
    turned = replace(subject, mesh=Mesh(((points - middle) @ turn.T + middle).astype(np.float32), 1.0))
    straight, aside = (np.abs(transformed(photo, one, MODEL, gender=1.0).astype(int) - photo).mean() for one in (subject, turned))
    assert aside < 0.7 * straight
    reading = read_face(photo, turned, MODEL.template)
    assert reading is not None
    wish = wish_for(reading, SexAge(0.5, 40.0, ""), gender=1.0, age_years=25.0, beard=1.0)
    assert wish.gender == wish.age == wish.beard < 0.5


def test_a_child_gets_a_trace_of_stubble() -> None:
    photo, subject = _face()
    child, man = (
        np.abs(transformed(photo, replace(subject, looks=SexAge(0.9, years, "")), MODEL, beard=1.0).astype(int) - photo).mean()
        for years in (7.0, 35.0)
    )
    assert 0 < child < 0.3 * man


def test_what_a_track_has_averaged_counts_for_more_than_one_frame() -> None:
    photo, subject = _face()
    asked: list[SexAge] = []

    def wish_of(reading: Reading, looks: SexAge) -> None:
        asked.append(looks)

    averaged = SexAge(0.8, 61.0, "")
    for looks in (averaged, None):
        assert edited(photo, replace(subject, looks=looks), MODEL, wish_of) is photo
    assert asked[0] == averaged and asked[1].source == BUNDLED


def test_a_face_of_a_few_pixels_or_beside_the_picture_stays() -> None:
    for side, stays in ((30, True), (60, False)):
        photo, subject = drawn_photo(80, 80, side, 10, 10)
        after = transformed(photo, replace(subject, mesh=mesh_of(subject.landmarks.points)), MODEL, age_years=25.0)
        assert (after is photo) == stays and bool((after == photo).all()) == stays
    large, whole = _face()
    assert whole.mesh is not None
    away = replace(whole, mesh=Mesh(np.add(whole.mesh.points, (5000, 0, 0)).astype(np.float32), 1.0))
    assert transformed(large, away, MODEL, age_years=25.0) is large
