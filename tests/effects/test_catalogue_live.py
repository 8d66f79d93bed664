"""The live form of every effect against its photo form, on the same faces: drawn ones, and real ones where they are.

The change that an effect makes (levels, 0 to 255) must have the same direction, size and place in both forms.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest
from PIL import Image

from lianpu.effects.age_gender import looks_in
from lianpu.effects.catalogue import EFFECTS, Effect
from lianpu.faces.live import LiveFace, LiveScene
from lianpu.faces.mesh import points_68
from lianpu.faces.results import Mesh, SexAge, Subject
from lianpu.imaging.picture import Picture
from lianpu.photo.reading import read_image
from lianpu.photo.writing import write_image
from tests.support.live_faces import live_face
from tests.support.shared import REAL_FACES, needs
from tests.support.subjects import HARD_CASES, drawn_photo, subject_of, windowed

LIVE = {name: effect for name, effect in EFFECTS.items() if effect.live}
OF_A_FACE = {name: effect for name, effect in LIVE.items() if effect.scope == "face"}


@dataclass(frozen=True)
class Bounds:
    """How far a live form may be from the photo form.

    Args:
        correlation: least correlation of the two changes where either changes a pixel visibly.
        inside: largest mean difference there, in levels.
        outside: likewise elsewhere.
        size: the two mean changes differ by at most this factor.
    """

    correlation: float
    inside: float
    outside: float = 0.15
    size: float = 1.33


BOUNDS = {
    "hair_color": Bounds(0.87, 12.5),  # photos draw locks and shadows where black hair shows none; live frames do not
    "smooth_skin": Bounds(0.85, 1.2),
    "skin_tone": Bounds(0.9, 3.0),
    "lipstick": Bounds(0.95, 4.0),
    "blush": Bounds(0.95, 1.0),
    "eye_shadow": Bounds(0.9, 5.5, 0.15, 2.0),  # by the light around, and windows around drawn faces differ
    "whiten_teeth": Bounds(0.9, 2.0),
    "brighten_eyes": Bounds(0.9, 3.0),
    "under_eye": Bounds(0.93, 1.5),
    "larger_eyes": Bounds(0.95, 3.0),
    "slim_face": Bounds(0.95, 3.0),
    "age": Bounds(0.8, 8.5, 0.6),  # a photo's hair greys strand by strand, live hair evenly
    "gender": Bounds(0.8, 4.0, 0.6, 2.0),
    "beard": Bounds(0.85, 4.0, 0.6),
    "sticker": Bounds(0.98, 3.0),
    "anonymise": Bounds(0.95, 5.0, 0.5),
    "blur_background": Bounds(0.9, 8.0, 0.5),
    "replace_background": Bounds(0.95, 5.0, 0.5),
}

OPTIONS = {"gender": {"towards": "male"}}
"""A drawn face looks neither like a man nor like a woman: which of them "other" is may differ between two sizes."""

A_MAN = SexAge(0.9, 40.0, "told")
"""Drawn faces look like women, whose jaws have no beard to take off."""

VISIBLE = 2
"""Levels."""


def both_forms(
    effect: Effect, photo: Picture, subject: Subject, face: LiveFace, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """The changes (H, W, 3) int that the photo form and the live form make."""
    frame = photo.copy()
    options = OPTIONS.get(effect.name, {})
    if effect.name == "beard" and subject.looks is None:
        face, subject = replace(face, looks=A_MAN), replace(subject, looks=A_MAN)
    effect.apply_live(frame, LiveScene((face,)), strength, **options)
    subject = replace(subject, mesh=face.mesh)
    return effect.apply(photo, [subject], strength, **options).astype(int) - photo, frame.astype(int) - photo


def check_alike(effect: Effect, still: np.ndarray, live: np.ndarray, bounds: Bounds | None = None) -> None:
    bounds = bounds or BOUNDS[effect.name]
    changed = (np.abs(still).max(axis=2) > VISIBLE) | (np.abs(live).max(axis=2) > VISIBLE)
    apart = np.abs(still - live)
    assert apart[~changed].mean() <= bounds.outside
    if changed.sum() < 20:
        return
    assert apart[changed].mean() <= bounds.inside
    if not still.any():
        return  # a hard threshold of the photo form, at which the live form fades
    assert np.corrcoef(still[changed].ravel(), live[changed].ravel())[0, 1] >= bounds.correlation
    assert 1 / bounds.size <= np.abs(live[changed]).mean() / np.abs(still[changed]).mean() <= bounds.size


@pytest.mark.parametrize("strength", [0.5, 1.0])
@pytest.mark.parametrize(("index", "side"), [(1, 340.0), (4, 340.0), (1, 500.0)])
@pytest.mark.parametrize("effect", OF_A_FACE.values(), ids=OF_A_FACE)
def test_a_drawn_face_changes_as_in_a_photo(effect: Effect, index: int, side: float, strength: float) -> None:
    photo, subject = drawn_photo(width=640, height=480, side=side, left=70.0, top=-10.0, index=index)
    still, live = both_forms(effect, photo, subject, live_face(subject), strength)
    assert (live != 0).any()
    check_alike(effect, still, live)


@pytest.mark.parametrize("effect", OF_A_FACE.values(), ids=OF_A_FACE)
def test_the_comparison_fails_for_another_change(effect: Effect) -> None:
    photo, subject = drawn_photo(width=400, height=380, side=340.0, left=30.0, top=20.0)
    still, live = both_forms(effect, photo, subject, live_face(subject), 1.0)
    check_alike(effect, still, live)
    for wrong in (0 * live, 2 * live, -live, np.roll(live, 25, axis=1)):
        with pytest.raises(AssertionError):
            check_alike(effect, still, wrong)


def person_of(subject: Subject, photo: Picture) -> np.ndarray:
    """A small matte (144, 256) uint8 of a subject whose parts cover the whole photo."""
    person = np.where(subject.parts.mask > 0, 255, 0).astype(np.uint8)
    return np.asarray(cv2.resize(person, (256, 144), interpolation=cv2.INTER_AREA), dtype=np.uint8)


@pytest.mark.parametrize("strength", [0.1, 1.0])
@pytest.mark.parametrize("size", [(640, 480), (333, 251)])
@pytest.mark.parametrize("name", ["blur_background", "replace_background"])
def test_a_background_changes_as_in_a_photo(name: str, size: tuple[int, int], strength: float) -> None:
    width, height = size
    photo, subject = drawn_photo(width=width, height=height, side=1.1 * height, left=0.3 * height, top=-0.1 * height)
    away = subject.parts.mask == 0
    stripes = np.random.default_rng(1).integers(0, 256, (height // 12 + 1, width // 12 + 1, 3), dtype=np.uint8)
    photo[away] = cv2.resize(stripes, (width, height), interpolation=cv2.INTER_NEAREST)[away]
    frame = photo.copy()
    EFFECTS[name].apply_live(frame, LiveScene((live_face(subject),), person_of(subject, photo)), strength)
    still = EFFECTS[name].apply(photo, [subject], strength).astype(int) - photo
    check_alike(EFFECTS[name], still, frame.astype(int) - photo)


def test_a_background_picture_lies_where_it_lies_in_a_photo(tmp_path) -> None:
    photo, subject = drawn_photo(width=640, height=480, side=400, left=120, top=40)
    y, x = np.mgrid[:300, :300]
    file = write_image(tmp_path / "new.png", np.dstack([x % 256, y % 256, (x + y) % 256]).astype(np.uint8))
    frame = photo.copy()
    EFFECTS["replace_background"].apply_live(
        frame, LiveScene((live_face(subject),), person_of(subject, photo)), 1.0, picture=str(file)
    )
    still = EFFECTS["replace_background"].apply(photo, [subject], 1.0, picture=str(file))
    check_alike(EFFECTS["replace_background"], still.astype(int) - photo, frame.astype(int) - photo)


@pytest.mark.parametrize("name", ["blur_background", "replace_background"])
def test_people_stay_and_an_empty_matte_is_all_background(name: str) -> None:
    photo, _ = drawn_photo(width=320, height=240, side=200, left=60, top=20)
    everyone, nobody = photo.copy(), photo.copy()
    EFFECTS[name].apply_live(everyone, LiveScene((), np.full((144, 256), 255, np.uint8)), 1.0)
    EFFECTS[name].apply_live(nobody, LiveScene((), np.zeros((144, 256), np.uint8)), 1.0)
    assert (everyone == photo).all() and (nobody != photo).any(axis=2).mean() > 0.7


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (641, 361), (7, 9)])
@pytest.mark.parametrize("name", ["blur_background", "replace_background"])
def test_frames_of_any_size_have_a_background(name: str, size: tuple[int, int]) -> None:
    frame = np.asarray(np.random.default_rng(2).integers(0, 256, (size[1], size[0], 3)), dtype=np.uint8)
    before = frame.copy()
    EFFECTS[name].apply_live(frame, LiveScene((), np.zeros((144, 256), np.uint8)), 1.5)
    assert frame.shape == before.shape and (name == "blur_background" or len(np.unique(frame.reshape(-1, 3), axis=0)) == 1)


@pytest.mark.parametrize("case", HARD_CASES.values(), ids=HARD_CASES)
@pytest.mark.parametrize("effect", OF_A_FACE.values(), ids=OF_A_FACE)
def test_any_face_can_be_edited_and_only_its_window_changes(effect: Effect, case) -> None:
    photo, subject = case()
    face = live_face(subject)
    frame = photo.copy()
    effect.apply_live(frame, LiveScene((face,)), 1.5)
    assert frame.shape == photo.shape and frame.dtype == np.uint8
    rows, columns = face.window(photo)
    away = np.ones(photo.shape[:2], dtype=bool)
    away[max(0, rows.start - 64) : rows.stop + 64, max(0, columns.start - 64) : columns.stop + 64] = False
    assert effect.name == "sticker" or (frame[away] == photo[away]).all()


@pytest.mark.parametrize("effect", LIVE.values(), ids=LIVE)
def test_a_strength_of_0_and_a_frame_without_faces_change_nothing(effect: Effect) -> None:
    photo, subject = drawn_photo()
    frame = photo.copy()
    effect.apply_live(frame, LiveScene((live_face(subject),)), 0.0)
    effect.apply_live(frame, LiveScene(()), 1.0)
    assert (frame == photo).all()


@pytest.mark.parametrize("name", ["lipstick", "blush", "whiten_teeth"])
def test_a_covered_mouth_stays_as_it_is(name: str) -> None:
    photo, subject = drawn_photo(width=400, height=380, side=340.0, left=30.0, top=20.0)
    changes = []
    for visible in (1.0, 0.5, 0.0):
        frame = photo.copy()
        EFFECTS[name].apply_live(frame, LiveScene((live_face(subject, mouth_visible=visible),)), 1.0)
        changes.append(np.abs(frame.astype(int) - photo).sum())
    assert changes[0] > 0 and changes[1] == pytest.approx(changes[0] / 2, rel=0.1) and changes[2] == 0


@pytest.mark.parametrize("effect", OF_A_FACE.values(), ids=OF_A_FACE)
def test_without_a_parser_a_face_changes_where_its_mesh_is(effect: Effect) -> None:
    photo, subject = drawn_photo(width=400, height=380, side=340.0, left=30.0, top=20.0)
    still, live = both_forms(effect, photo, subject, live_face(subject, parsed=False), 1.0)
    if effect.name == "hair_color":
        assert not live.any()
        return
    changed = np.abs(live).max(axis=2) > VISIBLE
    expected = np.abs(still).max(axis=2) > VISIBLE
    assert changed.any() and (changed & expected).sum() > 0.5 * min(changed.sum(), expected.sum())


def test_an_effect_without_a_live_form_edits_the_frame_as_a_photo() -> None:
    photo, subject = drawn_photo()
    face = live_face(subject)
    frame = photo.copy()
    effect = replace(EFFECTS["lipstick"], live="")
    effect.apply_live(frame, LiveScene((face,)), 1.0)
    assert (frame == effect.apply(photo, [face.subject(photo)], 1.0)).all() and (frame != photo).any()


@pytest.mark.parametrize("way", ["blur", "mosaic", "solid"])
@pytest.mark.parametrize("turn", [0.0, 35.0, 90.0])
@pytest.mark.parametrize("parsed", [True, False])
def test_a_live_face_is_hidden_wherever_it_is_in_photos(way: str, turn: float, parsed: bool) -> None:
    photo, subject = drawn_photo(width=400, height=380, side=300.0, left=50.0, top=40.0, turn=turn)
    noisy = np.asarray(np.random.default_rng(3).integers(0, 256, photo.shape), dtype=np.uint8)
    frame = noisy.copy()
    EFFECTS["anonymise"].apply_live(frame, LiveScene((live_face(subject, parsed=parsed),)), 1.0, way=way)
    face = subject.parts.where("skin", "nose", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip")
    if not parsed:  # the mesh does not know how far down the neck or up the forehead the drawn skin goes
        hull = cv2.convexHull(subject.landmarks.points.round().astype(np.int32))
        face &= np.asarray(cv2.fillConvexPoly(np.zeros(face.shape, np.uint8), hull, 1)) > 0
    before, after = (np.abs(picture.astype(int) - cv2.blur(picture, (3, 3))).max(axis=2)[face] for picture in (noisy, frame))
    assert before.mean() > 60 and after.max() <= (60 if way == "mosaic" else 8)  # a mosaic has borders between its squares


REAL = {
    "glasses": "000004",
    "beard": "000020",
    "black hair": "000011",
    "blond": "000038",
    "grey": "000028",
    "dark skin": "000332",
    "profile": "000301",
    "open mouth": "000002",
}
"""Real faces by what is special about them."""

REAL_BOUNDS = {
    "hair_color": Bounds(0.8, 20.0),  # as above
    "smooth_skin": Bounds(0.68, 1.8, 0.2, 1.3),  # single spots are taken out in photos only; without them 0.86 to 0.99
    "under_eye": Bounds(0.9, 3.1),  # a fifth of its change: the fold below a bag is finer than half a frame's pixels show
    "beard": Bounds(0.94, 3.0),  # all pixels of a full beard are new: it changes far more than any other
    "lipstick": Bounds(0.9, 5.0),
    "blush": Bounds(0.95, 1.0),
    "eye_shadow": Bounds(0.8, 4.0),
    "whiten_teeth": Bounds(0.9, 3.0),
    "brighten_eyes": Bounds(0.9, 4.0),
    "anonymise": Bounds(0.92, 7.0, 0.5),
}


@needs(REAL_FACES / "mesh478.npz")
@pytest.mark.parametrize("number", REAL.values(), ids=REAL)
@pytest.mark.parametrize("effect", OF_A_FACE.values(), ids=OF_A_FACE)
def test_a_real_face_changes_as_in_a_photo(effect: Effect, number: str) -> None:
    photo = read_image(REAL_FACES / "images" / f"{number}.jpg")
    mask = np.array(Image.open(REAL_FACES / "masks" / f"{number}.png"))
    with np.load(REAL_FACES / "mesh478.npz") as stored:
        mesh = Mesh(stored[number], 1.0)
    subject = replace(subject_of(mask, points_68(mesh)), mesh=mesh)
    subject = windowed(subject, *live_face(subject).window(photo))
    looks = looks_in(photo, subject) if effect.by_looks else None  # a video reads it for both forms alike
    face = replace(live_face(subject), looks=looks)
    still, live = both_forms(effect, photo, replace(subject, looks=looks), face, 1.0)
    check_alike(effect, still, live, REAL_BOUNDS.get(effect.name))
