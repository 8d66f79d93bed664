"""Size, sharpness, turn and border of a face: by hand, on turned heads, and on real photos."""

import numpy as np
import pytest

from lianpu.errors import SettingsError
from lianpu.faces.alignment import TEMPLATES, align
from lianpu.faces.detection import find_faces
from lianpu.faces.detectors import load_detector
from lianpu.photo.reading import read_image
from lianpu.preparation.measures import REASONS, FaceQuality, outside_share, quality_of, rejection_of, sharpness_of, yaw_of
from lianpu.preparation.settings import PrepareSettings
from tests.support.shared import PHOTOS, YUNET, needs

HEAD = np.array([(-0.5, 0, 0), (0.5, 0, 0), (0, 0.6, 0.6), (-0.4, 1.1, 0.05), (0.4, 1.1, 0.05)])
"""Eyes, tip of the nose and corners of the mouth of a head, in eye distances: x right, y down, z towards the camera."""

GOOD = FaceQuality(width_px=100, eye_distance_px=45, sharpness=0.3, yaw_deg=5, outside=0.0)


def _seen(yaw_deg: float, roll_deg: float = 0.0) -> np.ndarray:
    """The head's points (5, 2), turned to a side and then tilted."""
    yaw, roll = np.radians(yaw_deg), np.radians(roll_deg)
    turned = np.stack([HEAD[:, 0] * np.cos(yaw) + HEAD[:, 2] * np.sin(yaw), HEAD[:, 1]], axis=1)
    return turned @ np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]]) * 40 + 100


@pytest.mark.parametrize("yaw", [0, 10, 25, 40, 60])
@pytest.mark.parametrize("roll", [0, -30, 120])
def test_the_turn_of_a_head_is_found_however_it_is_tilted(yaw: float, roll: float) -> None:
    assert yaw_of(_seen(yaw, roll)) == pytest.approx(yaw, abs=3)
    assert yaw_of(_seen(-yaw, roll)) == pytest.approx(yaw, abs=3)


def test_points_that_cannot_be_a_frontal_face_count_as_turned() -> None:
    assert yaw_of(np.zeros((5, 2))) == 90.0
    assert yaw_of(_seen(0)[[1, 0, 2, 3, 4]]) == 90.0


def test_sharpness_falls_with_blur_and_not_with_contrast_or_light() -> None:
    face = np.random.default_rng(0).integers(0, 200, (128, 128), dtype=np.uint8)
    smooth = np.mean([np.roll(face, shift, (0, 1)) for shift in np.ndindex(3, 3)], axis=0).astype(np.uint8)
    pictures = [np.repeat(grey[..., None], 3, axis=2) for grey in (face, smooth, face // 2 + 50)]
    sharp, blurred, pale = map(sharpness_of, pictures)
    assert sharp > 2 * blurred
    assert pale == pytest.approx(sharp, rel=0.02)
    assert sharpness_of(np.full((64, 64, 3), 128, dtype=np.uint8)) == 0.0


def test_a_ramp_has_no_sharpness_and_a_chequered_face_what_is_worked_out_by_hand() -> None:
    ramp = np.repeat(np.arange(128, dtype=np.uint8)[None, :, None], 128, axis=0).repeat(3, axis=2)
    assert sharpness_of(ramp) == pytest.approx(0.0, abs=1e-9)
    chequered = (np.indices((128, 128)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    assert sharpness_of(chequered) == pytest.approx(64.0, rel=1e-3)  # the Laplacian is 8 times the distance from the mean


@pytest.mark.parametrize(("shift", "share"), [((0, 0), 0.0), ((50, 0), 0.5), ((50, 50), 0.75), ((200, 0), 1.0)])
def test_the_share_outside_is_counted(shift: tuple[int, int], share: float) -> None:
    matrix = np.array([[1.0, 0.0, -shift[0]], [0.0, 1.0, -shift[1]]])  # the crop's corner is `shift` in a photo of 100 x 100
    assert outside_share(matrix, 100, (100, 100)) == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize(
    ("change", "reason", "detail"),
    [
        ({"width_px": 63}, "small", "63 px wide, 64 are needed"),
        ({"outside": 0.6}, "cut off", "60% of the crop, 50% at most"),
        ({"yaw_deg": 50}, "turned away", "about 50 degrees, 35 at most"),
        ({"sharpness": 0.01}, "blurred", "sharpness 0.0100, 0.0500 is needed"),
    ],
)
def test_each_reason_has_its_figure(change: dict[str, float], reason: str, detail: str) -> None:
    rejection = rejection_of(FaceQuality(**(vars(GOOD) | change)), PrepareSettings(size_px=256))
    assert rejection is not None and (rejection.reason, rejection.detail) == (reason, detail)
    assert reason in REASONS


def test_a_good_face_is_not_rejected_and_all_can_be_let_through() -> None:
    assert rejection_of(GOOD, PrepareSettings()) is None
    bad = FaceQuality(width_px=5, eye_distance_px=2, sharpness=0, yaw_deg=89, outside=1)
    assert rejection_of(bad, PrepareSettings(min_face_px=1, min_sharpness=0, max_yaw_deg=90, max_outside=1)) is None


def test_all_settings_that_cannot_work_are_named_together() -> None:
    with pytest.raises(SettingsError) as caught:
        PrepareSettings(size_px=30, confidence=0.3, max_yaw_deg=0, picture_format="gif")  # type: ignore[arg-type]
    for words in ("size_px is a multiple of 4", "got 30", "confidence is from 0.5 to 1, got 0.3", "max_yaw_deg", "got 'gif'"):
        assert words in str(caught.value)


@needs(PHOTOS)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("p21_motion_blur.jpg", "blurred"),
        ("p12_profile.jpg", "turned away"),
        ("p18_portrait.jpg", None),
        ("p19_eyeglasses.jpg", None),
    ],
)
def test_real_photos_are_judged_as_an_eye_does(name: str, reason: str | None) -> None:
    photo = read_image(PHOTOS / name)
    face = find_faces(photo, load_detector(str(YUNET)))[0]
    aligned = align(photo, face, TEMPLATES["celeba"], 256)
    quality = quality_of(face, aligned.picture, aligned.matrix, (photo.shape[1], photo.shape[0]))
    rejection = rejection_of(quality, PrepareSettings())
    assert (rejection.reason if rejection else None) == reason
