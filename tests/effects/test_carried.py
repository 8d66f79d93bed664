from dataclasses import replace

import numpy as np

from lianpu.effects.carried import Anchor, CarriedMaps
from lianpu.effects.catalogue import EFFECTS
from lianpu.effects.hair_matte import carry_hair, hair_matte
from lianpu.effects.live_hair import carry_live_hair, live_hair_color
from lianpu.effects.skin import carry_live_skin, carry_skin, live_smooth_skin, smooth_skin
from lianpu.imaging.compositing import view_of
from tests.support.live_faces import live_face
from tests.support.subjects import drawn_photo


def test_a_map_lies_still_on_a_face_that_turns_and_grows() -> None:
    photo, subject = drawn_photo()
    points = np.asarray(subject.landmarks.points, dtype=np.float64)
    anchor = Anchor.of(subject.face.points, points, 128)
    y, x = np.mgrid[:128, :128].astype(np.float32)
    turned = (points - points.mean(axis=0)) @ np.array([[1.05, 0.2], [-0.2, 1.05]]) + points.mean(axis=0)
    view = view_of(photo, (slice(0, photo.shape[0]), slice(0, photo.shape[1])))
    for bent in (False, True):
        over = anchor.over_view(np.dstack([x, y]), turned, view, bent=bent)
        for index in (30, 36, 45):  # each point of the face shows its own place of the map
            column, row = np.rint(turned[index]).astype(int)
            assert np.abs(over[row, column] - anchor.points[index]).max() < 1.5
        back = anchor.from_view(over, turned, view, bent=bent)
        assert np.abs(back - np.dstack([x, y]))[50:80, 50:80].max() < 0.6


def test_a_mouth_that_opens_bends_the_map() -> None:
    photo, subject = drawn_photo(width=560, height=560, side=520, left=20, top=20)
    points = np.asarray(subject.landmarks.points, dtype=np.float64)
    anchor = Anchor.of(subject.face.points, points, 256)
    y, x = np.mgrid[:256, :256].astype(np.float32)
    talking = points.copy()
    talking[4:13, 1] += 30
    talking[54:60, 1] += 30
    talking[64:68, 1] += 30
    view = view_of(photo, (slice(0, 560), slice(0, 560)))
    column, row = np.rint(view.to_view(talking)[57]).astype(int)
    stiff, bent = (anchor.over_view(np.dstack([x, y]), talking, view, bent=bent)[row, column] for bent in (False, True))
    assert np.linalg.norm(bent - anchor.points[57]) < 0.6 * np.linalg.norm(stiff - anchor.points[57])


def test_maps_follow_slowly_and_at_once_where_the_picture_has_become_another() -> None:
    points = np.random.default_rng(1).uniform(0, 64, (68, 2))
    anchor = Anchor(points, 64)  # lies in the frame as it is
    face, hand = np.full((64, 64, 3), 128, np.uint8), np.full((64, 64, 3), 128, np.uint8)
    hand[:, 32:] = 230
    first, second = (view_of(frame, (slice(0, 64), slice(0, 64))) for frame in (face, hand))
    nothing = np.zeros((64, 64, 2), np.float32)
    maps = CarriedMaps.begin(nothing, points, first, anchor).found_again(nothing + 1, points, second).followed(0.25)
    assert np.allclose(maps.shown[:, :16], 0.25)
    assert np.allclose(maps.shown[:, 48:], 1.0)


def test_skin_of_a_still_face_is_as_in_a_photo_and_flickers_less() -> None:
    photo, subject = drawn_photo(width=400, height=400, side=380, left=10, top=10)
    chance, kept = np.random.default_rng(1), None
    carried, alone = [], []
    for number in range(12):
        frame = np.clip(np.rint(photo + chance.normal(0, 3, photo.shape)), 0, 255).astype(np.uint8)
        kept = carry_skin(kept, frame, subject, 1 / 24, number)
        assert kept is not None
        carried.append(smooth_skin(frame, replace(subject, carried={"skin": kept}), 1.0).astype(float) - frame)
        alone.append(smooth_skin(frame, subject, 1.0).astype(float) - frame)
    skin = subject.parts.where("skin")
    before, after = np.stack(alone)[:, skin], np.stack(carried)[:, skin]
    assert np.corrcoef(before.mean(axis=0).ravel(), after.mean(axis=0).ravel())[0, 1] > 0.7
    assert np.abs(np.diff(after[5:], axis=0)).mean() < 0.5 * np.abs(np.diff(before[5:], axis=0)).mean()


def test_hair_is_found_now_and_then_and_carried_in_between() -> None:
    photo, subject = drawn_photo()
    alone = hair_matte(photo, subject)
    kept = carry_hair(None, photo, subject, 1 / 24, 0)
    assert alone is not None and kept is not None
    moved = np.roll(photo, 3, axis=1)
    points = replace(subject.landmarks, points=subject.landmarks.points + np.array((3, 0), dtype=np.float32))
    face = replace(subject.face, points=subject.face.points + np.array((3, 0), dtype=np.float32))
    later = carry_hair(
        kept, moved, replace(subject, landmarks=points, face=face), 1 / 24, 1
    )  # a frame in which it is not found anew
    assert later is not None and later.maps.found is kept.maps.found
    now = hair_matte(moved, replace(subject, landmarks=points, face=face, carried={"hair": later}))
    assert now is not None and now.matte.shape == alone.matte.shape
    assert np.abs(now.matte[:, 3:] - alone.matte[:, :-3]).mean() < 0.02


def test_live_skin_and_hair_that_are_carried_look_like_those_of_the_frame_alone() -> None:
    photo, subject = drawn_photo(width=400, height=400, side=380, left=10, top=10)
    alone = live_face(subject)
    carried = replace(
        alone,
        carried={
            "skin": carry_live_skin(None, photo, alone, 1 / 24, 0),
            "hair": carry_live_hair(None, photo, alone, 1 / 24, 0),
        },
    )
    for put in (
        lambda frame, face: live_smooth_skin(frame, face, 1.0),
        lambda frame, face: live_hair_color(frame, face, 1.0, "#2040ff"),
    ):
        first, second = photo.copy(), photo.copy()
        put(first, alone)
        put(second, carried)
        changes = [frame.astype(float) - photo for frame in (first, second)]
        assert np.abs(changes[0]).max() > 3
        assert np.corrcoef(changes[0].ravel(), changes[1].ravel())[0, 1] > 0.85


def test_the_catalogue_names_what_a_video_keeps() -> None:
    carriers = {name: effect.carrier() for name, effect in EFFECTS.items()}
    assert carriers["smooth_skin"] == ("skin", carry_skin)
    assert carriers["hair_color"] == carriers["age"] == ("hair", carry_hair)
    assert carriers["lipstick"] is None
