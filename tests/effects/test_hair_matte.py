import cv2
import numpy as np
import pytest
from PIL import Image

from lianpu.effects.hair import hair_color
from lianpu.effects.hair_matte import HairMatte, hair_matte, own_color
from lianpu.faces.analyzer import AnalyzerSettings, open_analyzer
from lianpu.imaging.picture import Picture
from lianpu.part_names import part_index
from lianpu.photo.reading import read_image
from tests.support.shared import REAL_FACES, YUNET, needs
from tests.support.subjects import drawn_photo, subject_of


def _alpha(photo: Picture, matte: HairMatte) -> np.ndarray:
    """The matte over the whole photo."""
    whole = np.zeros(photo.shape[:2], dtype=np.float32)
    rows, columns = matte.view.window
    pixels = np.ascontiguousarray(photo[rows, columns], dtype=np.float32) / np.float32(255)
    whole[rows, columns] = matte.alpha(pixels, rows, columns)
    return whole


def test_the_hairs_own_colour_is_what_remains_without_the_ground() -> None:
    hair, ground = np.array([[[0.2, 0.1, 0.05]]], np.float32), np.array([[[0.8, 0.7, 0.6]]], np.float32)
    sides = np.concatenate([hair, ground], axis=2)
    for share in (0.0, 0.3, 1.0):
        alpha = np.full((1, 1), share, np.float32)
        assert np.allclose(own_color(share * hair + (1 - share) * ground, alpha, sides, alpha), hair, atol=1e-6)
    lighter, whole = 0.5 * hair + 0.5 * ground, np.ones((1, 1), np.float32)
    assert np.allclose(own_color(lighter, whole, sides, whole), lighter)  # a highlight inside
    assert np.allclose(own_color(lighter, whole, sides, 0 * whole), hair)  # what shines through at the edge


def test_mixed_pixels_get_their_share_and_what_shows_through_stays() -> None:
    _, subject = drawn_photo()
    parts = np.zeros((260, 300), np.uint8)
    parts[70:150, 95:205] = part_index("hair")
    share = cv2.GaussianBlur((parts > 0).astype(np.float32), (0, 0), 2)[:, :, None]
    photo = np.rint(share * np.array([40, 25, 20]) + (1 - share) * np.array([210, 180, 160])).astype(np.uint8)
    matte = hair_matte(photo, subject_of(parts, subject.landmarks.points))
    assert matte is not None
    alpha = _alpha(photo, matte)
    assert np.abs(alpha - share[:, :, 0])[90:130].mean() < 0.03
    after = hair_color(photo, subject_of(parts, subject.landmarks.points), 1.0, "#c8a060").astype(float)
    assert after[110, 80:110].sum(axis=1).max() <= photo[110, 80].astype(float).sum() + 6  # no rim brighter than the ground
    assert (np.diff(after[92:128, 80:110].mean(axis=0).sum(axis=1)) < 25).all()


def test_a_hairline_thins_out_on_the_forehead_and_the_skin_replaces_the_hair_that_was_there() -> None:
    photo, subject = drawn_photo(width=400, height=400, side=300, left=50, top=50)
    parts = np.zeros((400, 400), np.uint8)
    parts[100:350, 100:300] = part_index("skin")
    parts[40:130, 90:310] = part_index("hair")
    photo = np.full((400, 400, 3), 120, np.uint8)
    photo[parts == part_index("skin")] = (220, 175, 150)
    photo[parts == part_index("hair")] = (235, 235, 235)
    subject = subject_of(parts, subject.landmarks.points)
    matte = hair_matte(photo, subject)
    assert matte is not None
    most = matte.fields[:, :, 12]
    assert most[:70].min() > 0.99  # within the hair
    rows = most[100:140, 150:250].mean(axis=1)
    assert ((rows > 0.15) & (rows < 0.85)).sum() >= 4  # soft
    assert most[100:140, 150:250].std(axis=1).max() > 0.05  # strand by strand
    after = hair_color(photo, subject, 1.0, "#181412")[100:140, 150:250].astype(int)
    assert after.max(axis=(0, 1))[2] < 200  # no white rest between the black hair and the skin


def test_without_hair_there_is_no_matte_and_a_thin_rim_is_no_hair() -> None:
    photo, subject = drawn_photo()
    parts = np.where(subject.parts.where("hair"), 0, subject.parts.mask).astype(np.uint8)
    assert hair_matte(photo, subject_of(parts, subject.landmarks.points)) is None
    ring = np.zeros_like(parts)
    cv2.circle(ring, (150, 120), 60, part_index("hair"), 1)
    thin = hair_matte(photo, subject_of(ring, subject.landmarks.points))
    assert thin is not None and thin.matte.max() < 0.3


@needs(REAL_FACES, YUNET)
def test_the_matte_of_real_faces_agrees_with_their_masks_and_keeps_off_hats() -> None:
    names = ("000006", "000126", "000169", "000209", "000280", "000409")
    analyzer = open_analyzer(AnalyzerSettings(detector=str(YUNET)), threads=1)
    both = found = true = 0.0
    for name in names:
        photo = read_image(next((REAL_FACES / "images").glob(f"{name}.*")))
        mask = np.asarray(
            Image.open(next((REAL_FACES / "masks").glob(f"{name}.*"))).resize(photo.shape[1::-1], Image.Resampling.NEAREST)
        )
        (subject, *_) = analyzer.analyze(photo)
        matte = hair_matte(photo, subject)
        assert matte is not None
        ours, theirs = _alpha(photo, matte) > 0.5, mask == part_index("hair")
        both, found, true = both + (ours & theirs).sum(), found + ours.sum(), true + theirs.sum()
    assert 2 * both / (found + true) > 0.92


@pytest.mark.parametrize("part", ["hat", "l_brow", "cloth"])
def test_parts_beside_hair_keep_their_colour(part: str) -> None:
    photo, subject = drawn_photo()
    parts = subject.parts.mask.copy()
    rows, columns = np.nonzero(parts == part_index("hair"))
    upper = np.zeros_like(parts, dtype=bool)
    upper[rows[rows < np.median(rows)], columns[rows < np.median(rows)]] = True
    parts[upper] = part_index(part)
    photo = photo.copy()
    photo[subject.window][upper] = (30, 90, 160)
    after = hair_color(photo, subject_of(parts, subject.landmarks.points), 1.0, "#c8a060")
    inside = cv2.erode(upper.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert inside.any() and np.abs(after[subject.window].astype(int) - photo[subject.window])[inside].max() < 8
