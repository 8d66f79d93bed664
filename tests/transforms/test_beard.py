"""Shaving: a drawn beard comes off, a bare face hardly changes; the tile of stubble has no seams."""

from dataclasses import replace

import cv2
import numpy as np

from lianpu.part_names import PART_INDEX
from lianpu.transforms.apply import transformed
from lianpu.transforms.beard import beard_seen, shave, skin_grain, stubble_density, stubble_tile
from lianpu.transforms.model import load_transform
from lianpu.transforms.reading import read_face
from lianpu.transforms.surface import at_places
from tests.support.live_faces import mesh_of
from tests.support.subjects import drawn_photo

MODEL = load_transform()


def _bearded(dark: float, beside: float = 0.0) -> tuple[np.ndarray, np.ndarray, object]:
    """A drawn face, the same with a rough dark beard, and its subject; the beard grows farther than `beside` units from the middle."""
    photo, subject = drawn_photo(360, 360, 300, 30, 30, index=2)
    subject = replace(subject, mesh=mesh_of(subject.landmarks.points))
    reading = read_face(photo, subject, MODEL.template)
    assert reading is not None
    where = MODEL.zones.beard * (np.abs(np.arange(96) - 47.5) * 512 / 96 > beside)
    zone = at_places(where.astype(np.float32), reading.to_frame) * reading.cover("skin", "nose")
    rows, columns = reading.view.window
    whole = np.zeros(photo.shape[:2], np.float32)
    whole[rows, columns] = cv2.resize(zone, (columns.stop - columns.start, rows.stop - rows.start))
    grain = np.random.default_rng(0).uniform(0.6, 1.4, whole.shape)
    beard = photo * (1 - np.clip(dark * whole * grain, 0, 0.9))[..., None]
    return photo, beard.astype(np.uint8), subject


def test_a_beard_is_seen_as_one_and_comes_off() -> None:
    photo, bearded, subject = _bearded(0.5)
    looks = []
    for picture in (photo, bearded):
        reading = read_face(picture, subject, MODEL.template)  # type: ignore[arg-type]
        assert reading is not None
        looks.append(shave(reading, MODEL, 1.0, 0.5).beardness)
    assert looks[1] > looks[0] + 0.1
    shaved = transformed(bearded, subject, MODEL, beard=-1.0)  # type: ignore[arg-type]
    zone = np.abs(bearded.astype(int) - photo).max(axis=2) > 20
    before, after = (np.abs(one.astype(int) - photo)[zone].mean() for one in (bearded, shaved))
    assert after < 0.6 * before


def test_hair_over_a_womans_jaw_is_no_beard() -> None:
    photo, subject = drawn_photo(360, 360, 300, 30, 30, index=2)
    reading = read_face(photo, replace(subject, mesh=mesh_of(subject.landmarks.points)), MODEL.template)
    assert reading is not None
    hair = reading.cover("hair") > 0.9
    woman, man = (shave(reading, MODEL, 1.0, male).zone for male in (-0.5, 0.5))
    assert woman[hair].sum() <= man[hair].sum() and woman[hair].mean() < 0.05


def test_the_tile_of_stubble_goes_on_over_its_borders_and_is_the_same_every_time() -> None:
    tile = stubble_tile()
    assert tile.shape == (512, 512) and tile.min() >= 0 and tile.max() <= 1
    inside = np.abs(np.diff(tile, axis=1)).mean()
    assert abs(np.abs(tile[:, 0] - tile[:, -1]).mean() / inside - 1) < 0.35
    assert abs(stubble_tile(1.0).mean() - tile.mean()) < 0.01 and len(stubble_tile(1.0)) == 128
    stubble_tile.cache_clear()
    assert (stubble_tile() == tile).all()


def test_hair_gives_way_to_skin_and_bare_skin_stays() -> None:
    photo, bearded, subject = _bearded(0.5)
    replaced = []
    for picture in (photo, bearded):
        reading = read_face(picture, subject, MODEL.template)  # type: ignore[arg-type]
        assert reading is not None
        zone = reading.sampled(MODEL.zones.density) * reading.cover("skin") > 0.8
        replaced.append(float(shave(reading, MODEL, 1.0, 0.5).replaced[zone].mean()))
    assert replaced[0] < 0.1 and replaced[1] > 0.7


def test_a_beard_on_one_side_alone_is_a_shadow_or_a_hand() -> None:
    photo, bearded, subject = _bearded(0.5)
    half = bearded.copy()
    half[:, : photo.shape[1] // 2] = photo[:, : photo.shape[1] // 2]
    changed = []
    for picture in (bearded, half):
        reading = read_face(picture, subject, MODEL.template)  # type: ignore[arg-type]
        assert reading is not None
        changed.append(float(shave(reading, MODEL, 1.0, 0.5).replaced.sum()))
    assert changed[1] < 0.5 * changed[0]


def test_the_texture_of_skin_is_as_rough_as_asked_in_each_band_and_has_no_seams() -> None:
    rough = np.array((0.02, 0.01, 0.0, 0.0), dtype=np.float32)
    grain = skin_grain(rough, 4.0)
    assert grain.shape == (512, 512) and abs(grain.std() - np.hypot(0.02, 0.01)) < 0.003
    assert not skin_grain(np.zeros(4, dtype=np.float32), 1.0).any()
    inside = np.abs(np.diff(grain, axis=1)).mean()
    assert abs(np.abs(grain[:, 0] - grain[:, -1]).mean() / inside - 1) < 0.2


def test_a_face_that_grows_by_a_hundredth_keeps_its_grain() -> None:
    rough = np.array((0.02, 0.02, 0.01, 0.01), dtype=np.float32)
    tiles = [skin_grain(rough, per_unit) for per_unit in (1.20, 1.21, 1.22, 1.6)]
    assert len({len(tile) for tile in tiles}) == 4
    same_size = [cv2.resize(tile, (128, 128), interpolation=cv2.INTER_AREA).ravel() for tile in tiles]
    assert all(np.corrcoef(same_size[0], other)[0, 1] > 0.8 for other in same_size[1:])
    assert all(abs(tile.std() / tiles[0].std() - 1) < 0.1 for tile in tiles)


def test_rough_cheeks_without_hair_at_the_mouth_are_no_beard() -> None:
    _, folded, subject = _bearded(0.5, beside=70)
    reading = read_face(folded, subject, MODEL.template)  # type: ignore[arg-type]
    assert reading is not None
    assert shave(reading, MODEL, 1.0, 0.5).replaced.max() < 0.3


def test_skin_under_a_beard_gets_darker_below_the_jaw() -> None:
    _, bearded, subject = _bearded(0.5)
    reading = read_face(bearded, subject, MODEL.template)  # type: ignore[arg-type]
    assert reading is not None
    light = shave(reading, MODEL, 1.0, 0.5).shaved[..., 0]
    x, y = np.rint(reading.flat[152]).astype(int)
    step = round(16 * reading.scale)
    assert light[y + step, x] < light[y - step, x] - 0.1


def test_stubble_of_a_small_photo_is_no_even_film() -> None:
    assert stubble_tile(0.5).std() > 0.4 * stubble_tile().std()


def test_stubble_is_about_as_dense_on_both_sides_and_varies() -> None:
    photo, _, subject = _bearded(0.0)
    reading = read_face(photo, subject, MODEL.template)  # type: ignore[arg-type]
    assert reading is not None
    density = reading.in_frame(stubble_density(reading, MODEL))
    left, right = density[:, :48], density[:, 48:][:, ::-1]
    assert abs(left.sum() / right.sum() - 1) < 0.1
    both = (left > 0.3) & (right > 0.3)
    assert both.any() and 0.005 < np.abs(left - right)[both].mean() < 0.15


def test_stubble_ends_softly_and_close_below_the_chin() -> None:
    photo, _, subject = _bearded(0.0)
    reading = read_face(photo, subject, MODEL.template)  # type: ignore[arg-type]
    assert reading is not None
    density = stubble_density(reading, MODEL)
    cheeks = np.abs(np.arange(96) - 47.5) * 512 / 96 > 80
    steps = np.abs(np.diff(MODEL.zones.grows, axis=0))[:, cheeks]
    assert density.max() > 0.6 and steps[: round(360 * 96 / 512)].max() < 0.2
    assert density[round(float(reading.flat[152, 1] + 60 * reading.scale)) :].max(initial=0) < 0.05


def test_light_from_one_side_leaves_stubble_on_both() -> None:
    photo, _, subject = _bearded(0.0)
    slope = np.linspace(0.45, 1.0, photo.shape[1])[None, :, None]
    lit = (photo * slope).astype(np.uint8)
    grown = transformed(lit, subject, MODEL, beard=1.0)  # type: ignore[arg-type]
    darker = np.log(lit.mean(axis=2) + 8) - np.log(grown.mean(axis=2) + 8)
    middle = photo.shape[1] // 2
    left, right = darker[:, :middle].sum(), darker[:, middle:].sum()
    assert 0.5 < left / right < 2


def test_a_beard_is_seen_on_men_alone() -> None:
    photo, bearded, subject = _bearded(0.5)
    seen = []
    for picture, male in ((photo, 0.5), (bearded, 0.5), (bearded, -0.5)):
        reading = read_face(picture, subject, MODEL.template)  # type: ignore[arg-type]
        assert reading is not None
        seen.append(float(beard_seen(reading, MODEL, male).sum()))
    assert seen[0] < 0.1 * seen[1] and seen[2] == 0


def test_the_outline_of_a_bearded_face_stays_and_so_do_teeth_and_background() -> None:
    _, bearded, subject = _bearded(0.5)
    shaved = transformed(bearded, subject, MODEL, beard=-1.0)  # type: ignore[arg-type]
    parts = subject.parts  # type: ignore[attr-defined]
    rows, columns = subject.window  # type: ignore[attr-defined]
    behind, teeth = np.zeros(bearded.shape[:2], np.uint8), np.zeros(bearded.shape[:2], np.uint8)
    behind[rows, columns], teeth[rows, columns] = parts.where("background"), parts.where("mouth")
    changed = np.abs(shaved.astype(int) - bearded).max(axis=2)
    assert changed.max() > 30
    assert changed[cv2.erode(behind, np.ones((7, 7), np.uint8)) > 0].max(initial=0) <= 2
    assert changed[cv2.erode(teeth, np.ones((3, 3), np.uint8)) > 0].max(initial=0) <= 2


def test_a_beard_that_hangs_before_the_neck_only_gets_shorter() -> None:
    _, bearded, subject = _bearded(0.5)
    reading = read_face(bearded, subject, MODEL.template)  # type: ignore[arg-type]
    assert reading is not None
    x, y = np.rint(reading.flat[152]).astype(int)
    hanging, classes = bearded.copy(), reading.classes.copy()
    low, aside = round(52 * reading.scale), round(85 * reading.scale)
    classes[y - 4 : y + low, x - aside : x + aside] = PART_INDEX["skin"]
    view = reading.view
    top, left = (round(part.start + at / view.scale) for part, at in zip(view.window, (y, x), strict=True))
    down, half = round(low / view.scale), round(aside / view.scale)
    grain = np.random.default_rng(1).uniform(0.3, 0.7, (down, 2 * half, 1))
    colour = np.median(bearded[top - 12 : top - 2, left - 8 : left + 8].reshape(-1, 3), axis=0)
    hanging[top : top + down, left - half : left + half] = (colour * grain * 1.4).clip(0, 255).astype(np.uint8)
    again = read_face(hanging, subject, MODEL.template)  # type: ignore[arg-type]
    assert again is not None
    full = shave(reading, MODEL, 1.0, 0.5).replaced
    part = shave(replace(again, classes=classes), MODEL, 1.0, 0.5).replaced
    assert full.max() > 0.9 and 0.3 < part.max() < 0.8
