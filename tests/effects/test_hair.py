import cv2
import numpy as np
import pytest

from lianpu.effects.catalogue import NATURAL, effect_of
from lianpu.effects.hair import (
    USUAL_SKIN,
    SkinLook,
    hair_chances,
    hair_color,
    hair_tone,
    natural_target,
    plan_hair,
    recolored,
    shade_target,
    skin_look,
)
from lianpu.effects.live_hair import live_skin_look
from lianpu.errors import SettingsError
from lianpu.faces.live import LiveScene
from lianpu.faces.results import Subject
from lianpu.imaging.color import lab_of_color, rgb_to_lab
from lianpu.imaging.compositing import view_of
from lianpu.imaging.picture import Picture
from lianpu.part_names import part_index
from tests.support.live_faces import live_face
from tests.support.subjects import drawn_photo, subject_of


def _lab(pixels: np.ndarray) -> np.ndarray:
    return rgb_to_lab(pixels.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("color", ["#b8936a", "#181412", "#3050e0", "#803018"])
def test_hair_takes_the_colour_and_keeps_its_strands(color: str) -> None:
    photo, subject = drawn_photo()
    hair = subject.parts.where("hair")
    before, after = _lab(photo)[hair], _lab(hair_color(photo, subject, 1.0, color))[hair]
    target = lab_of_color(color)
    assert np.median(after[:, 0]) == pytest.approx(target[0], abs=7)
    tone = after[:, 1:].mean(axis=0)
    assert np.hypot(*(tone - target[1:])) < 0.45 * np.hypot(*target[1:]) + 4
    assert after[:, 0].std() > 0.3 * before[:, 0].std() + 1  # never flat
    inner = cv2.erode(hair.astype(np.uint8), np.ones((9, 9), np.uint8))[hair] > 0  # a hairline thins out
    ranks = [np.argsort(np.argsort(lab[inner, 0])) for lab in (before, after)]
    assert np.corrcoef(ranks[0], ranks[1])[0, 1] > 0.7  # what was lighter is lighter


def test_whatever_its_colour_a_pixel_outside_of_the_mask_keeps_every_bit() -> None:
    photo, subject = drawn_photo()
    random = np.random.default_rng(0).integers(0, 256, photo.shape, dtype=np.uint8)
    noisy = np.where(subject.parts.where("hair")[:, :, None], photo, random).astype(np.uint8)
    plan = plan_hair(noisy, subject, lab_of_color("#d8b070"))
    assert plan is not None
    mask = plan.mask(noisy)
    changed = (plan.put(noisy, 1.0) != noisy).any(axis=2)[subject.window]
    assert not changed[mask == 0].any() and changed[mask == 255].mean() > 0.9 and 0.1 < (mask == 0).mean() < 0.95


def test_the_table_takes_the_middle_to_the_colour_and_rises() -> None:
    hair = np.random.default_rng(0).normal((12, 2, 4), (4, 1, 1), (500, 3)).astype(np.float32)
    table = hair_tone(hair, lab_of_color("#b8936a")).table
    middle = table[round(10 * float(np.median(hair[:, 0]))), 0]
    assert middle == pytest.approx(lab_of_color("#b8936a")[0], abs=0.5)
    assert (np.diff(table[:, 0]) >= 0).all() and table[0, 0] >= 0 and table[-1, 0] <= 100
    assert np.diff(table[:, 0]).max() < 0.1 * 5  # noise in black hair is not blown up


def test_hair_of_one_flat_colour_does_not_fail() -> None:
    for light in (0.0, 50.0, 100.0):
        table = hair_tone(np.full((10, 3), (light, 0, 0), np.float32), lab_of_color("#ffffff")).table
        assert np.isfinite(table).all()


def test_hair_that_leaves_the_crop_fades_and_shows_no_cut() -> None:
    photo, subject = drawn_photo(width=500, height=500, side=200, left=150, top=150)
    parts = np.full_like(subject.parts.mask, 13)
    photo = np.full_like(photo, 40)
    whole = subject_of(parts, subject.landmarks.points)
    after = hair_color(photo, whole, 1.0, "#b8936a").astype(int)
    steps = np.abs(np.diff(after[:, 200:300].mean(axis=1).sum(axis=1)))
    assert after[250, 250].sum() > 300 and (after[:5, 250] == 40).all()
    assert steps[:250].max() < 60 and steps[250:].max() < 25  # of a change by more than 200: long hair goes on below


def test_how_light_hair_is_does_not_come_from_the_edge_where_skin_shines_through() -> None:
    _, subject = drawn_photo()
    parts = np.zeros((260, 300), np.uint8)
    parts[20:130, 60:240] = 13
    inside = np.clip(cv2.distanceTransform((parts > 0).astype(np.uint8), cv2.DIST_L2, 5) / 4, 0, 1)[..., None]
    photo = np.rint(inside * 30 + (1 - inside) * np.array([200, 170, 150])).astype(np.uint8)
    plan = plan_hair(photo, subject_of(parts, subject.landmarks.points), lab_of_color("#3060c0"))
    assert plan is not None
    light, own = _lab(photo)[75, :, 0], plan.lights[75, :, 0]
    assert light[61] > own[150] + 30 and own[61] - own[150] < 0.5 * (light[61] - own[150])


@pytest.mark.parametrize("shade", NATURAL)
def test_a_natural_colour_looks_so_and_hair_that_has_it_is_left_alone(shade: str) -> None:
    photo, subject = drawn_photo()
    hair = subject.parts.where("hair")
    after = hair_color(photo, subject, 1.0, "#000000", shade)
    looks = hair_chances(np.median(_lab(after)[hair], axis=0))
    assert max(looks, key=lambda name: looks[name]) == shade
    assert hair_color(after, subject, 1.0, "#000000", f"not_{shade}") is not after


SURE = {"black": (16, 17, 18), "brown": (70, 45, 35), "blond": (165, 129, 59), "gray": (91, 106, 114)}
"""Hair that is surely called so."""


def _haired(name: str) -> tuple[Picture, Subject]:
    """A photo whose hair has such a colour."""
    photo, subject = drawn_photo()
    noise = np.random.default_rng(0).integers(-5, 6, (*photo.shape[:2], 1))
    hair = np.clip(np.array(SURE[name]) + noise, 0, 255).astype(np.uint8)
    return np.where(subject.parts.where("hair")[:, :, None], hair, photo).astype(np.uint8), subject


def _called(photo: Picture, subject: Subject) -> str:
    looks = hair_chances(np.median(_lab(photo)[subject.parts.where("hair")], axis=0))
    return max(looks, key=lambda name: looks[name])


@pytest.mark.parametrize("shade", NATURAL)
def test_hair_that_surely_has_the_colour_is_left_alone(shade: str) -> None:
    photo, subject = _haired(shade)
    assert hair_color(photo, subject, 1.0, "#000000", shade) is photo
    for other in set(NATURAL) - {shade}:
        assert hair_color(photo, subject, 1.0, "#000000", other) is not photo
        assert hair_color(photo, subject, 1.0, "#000000", f"not_{other}") is photo
    assert _called(hair_color(photo, subject, 1.0, "#000000", f"not_{shade}"), subject) != shade


@pytest.mark.parametrize("unwanted", [("black", "blond"), ("black", "brown"), ("brown", "blond"), ("black", "brown", "blond")])
def test_hair_gets_away_from_whichever_of_several_colours_it_has(unwanted: tuple[str, ...]) -> None:
    shade = "+".join(f"not_{name}" for name in unwanted)
    for name in NATURAL:
        photo, subject = _haired(name)
        after = effect_of("hair_color").apply(photo, [subject], 1.0, shade=shade)
        assert (after is photo) == (name not in unwanted)
        assert _called(after, subject) not in unwanted


def test_natural_shades_follow_faces_that_exclude_commercial_use(monkeypatch: pytest.MonkeyPatch) -> None:
    photo, subject = drawn_photo()
    hair = effect_of("hair_color")
    monkeypatch.setenv("LIANPU_COMMERCIAL_SAFE", "1")
    for shade in ("blond", "not_gray", "not_black+not_blond"):
        with pytest.raises(SettingsError, match=r"exclude commercial use.*hair_color:color=#b8936a.*--commercial-safe"):
            hair.apply(photo, [subject], 1.0, shade=shade)
        with pytest.raises(SettingsError, match="exclude commercial use"):
            hair.apply_live(photo.copy(), LiveScene((live_face(subject),), None), 1.0, shade=shade)
    after = hair.apply(photo, [subject], 1.0, color="#b8936a")
    middle = np.median(_lab(after)[subject.parts.where("hair")], axis=0)
    assert np.abs(middle - lab_of_color("#b8936a")).max() < 8


@pytest.mark.parametrize("color", ["#b8936a", "#181412", "#3050e0"])
def test_a_picked_colour_then_follows_light_alone(color: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hair = np.random.default_rng(0).normal((30, 6, 9), (6, 1, 1), (500, 3)).astype(np.float32)
    target = lab_of_color(color)
    usual = hair_tone(hair, target)
    monkeypatch.setenv("LIANPU_COMMERCIAL_SAFE", "1")
    tone = hair_tone(hair, target)
    assert not np.allclose(tone.tint, usual.tint, atol=0.5) and tone.fine == 1
    lights = np.linspace(0, 100, len(tone.tint))
    dimmer = np.minimum((lights + 16) / (target[0] + 16), 1)
    assert np.allclose(tone.tint, dimmer[:, None] * target[1:], atol=1e-3)
    low, middle = np.percentile(hair[:, 0], (5, 50))
    expected = (target[0] + 16) * (low + 16) / (middle + 16) - 16
    assert tone.table[round(10 * low), 0] == pytest.approx(max(expected, 0.2 * target[0]), abs=0.6)
    assert (np.diff(tone.table[:, 0]) >= 0).all()


def test_live_frames_see_the_light_on_the_skin_as_photos_do() -> None:
    photo, subject = drawn_photo()
    for share in (1.0, 0.4):
        lit = np.rint(photo * share).astype(np.uint8)
        seen, live = skin_look(subject, view_of(lit, subject.window)), live_skin_look(lit, live_face(subject))
        assert live.light == pytest.approx(seen.light, abs=3) and live.chroma == pytest.approx(seen.chroma, abs=4)


def test_natural_colours_follow_the_light_on_the_face() -> None:
    dark = np.array((8, 1, 2), dtype=np.float32)
    for shade in ("brown", "blond", "gray"):
        dim, bright = (natural_target(shade, dark, SkinLook(light, 24.0)) for light in (40.0, 80.0))
        assert dim[0] < bright[0] - 2
    light = np.array((60, 3, 15), dtype=np.float32)
    assert natural_target("blond", dark, USUAL_SKIN)[0] < natural_target("blond", light, USUAL_SKIN)[0]
    pale = natural_target("blond", dark, SkinLook(66.0, 8.0))
    assert np.hypot(*pale[1:]) < 0.6 * np.hypot(*natural_target("blond", dark, USUAL_SKIN)[1:])


def test_a_vivid_colour_is_no_stronger_in_the_shine_than_asked_for() -> None:
    hair = np.random.default_rng(0).normal((20, 4, 8), (12, 1, 1), (500, 3)).astype(np.float32)
    for color in ("#803018", "#3050b0", "#d060a0"):
        target = lab_of_color(color)
        middle, share = shade_target("picked", color, hair[0], USUAL_SKIN)
        assert share == 1 and middle[0] < target[0]  # lit strands have it
        tint = hair_tone(hair, middle).tint
        chroma = np.hypot(tint[:, 0], tint[:, 1])
        assert chroma.max() < 1.05 * np.hypot(*target[1:])
        assert chroma[round(0.3 * 10 * float(middle[0]))] < 0.4 * chroma.max()  # and its shadows are nearly black
        turned = np.abs(np.angle((tint[50:, 0] + 1j * tint[50:, 1]) / complex(*target[1:])))
        assert np.degrees(turned).max() < 8


def test_hair_that_is_one_black_in_the_photo_gets_strands_along_itself() -> None:
    photo, subject = drawn_photo(width=400, height=400, side=300, left=50, top=50)
    parts = np.zeros((400, 400), np.uint8)
    parts[30:390, 30:110] = 13  # at the left of the face
    flat = np.where(parts[:, :, None] > 0, np.uint8(12), photo)
    once, again = (hair_color(flat, subject_of(parts, subject.landmarks.points), 1.0, "#b8936a") for _ in range(2))
    assert np.array_equal(once, again)
    light = _lab(once)[200:340, 50:90, 0]
    assert 1.0 < (light - cv2.GaussianBlur(light, (0, 0), 6)).std() < 6
    along, across = (np.abs(np.diff(light, axis=axis)).mean() for axis in (0, 1))
    assert along < 0.8 * across  # beside the face it hangs


def test_hair_that_is_one_black_gets_its_shadows_where_it_hangs_behind_the_face() -> None:
    photo, subject = drawn_photo(width=400, height=400, side=300, left=50, top=50)
    parts = subject.parts.mask.copy()
    hair = np.zeros_like(parts, dtype=bool)
    hair[60:390, 60:340] = True
    parts[hair & (parts != part_index("skin"))] = part_index("hair")
    parts[300:390, 150:250] = part_index("neck")
    black = np.where((parts == part_index("hair"))[:, :, None], np.uint8(10), photo)
    light = _lab(hair_color(black, subject_of(parts, subject.landmarks.points), 1.0, "#c8a878"))[:, :, 0]
    assert np.median(light[300:380, 120:145]) < np.median(light[300:380, 65:85]) - 2  # beside the neck, and far from it


def test_dark_strands_of_warm_hair_do_not_become_blue() -> None:
    hair = np.random.default_rng(0).normal((55, 8, 28), (14, 1, 3), (500, 3)).astype(np.float32)
    for shade in NATURAL:
        target = natural_target(shade, np.median(hair, axis=0), USUAL_SKIN)
        tone = hair_tone(hair, target)
        gray, one = np.full((1, 1, 3), 0.02, np.float32), np.ones((1, 1), np.float32)
        sides = np.concatenate([gray, gray, one[:, :, None]], axis=2)
        light = rgb_to_lab(gray)[:, :, 0]
        after = rgb_to_lab(recolored(gray.copy(), tone, one, sides, light, tone.at(light)[:, :, 0], one))
        assert after[0, 0, 2] > -3  # it was -11
