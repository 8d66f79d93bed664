"""Fields in the photo against the same fields at the size of the crop."""

import cv2
import numpy as np
import pytest
import torch

from lianpu.attributes import AttributeSet
from lianpu.editing.attributes import apply_attribute_edits, edit_attributes, plan_attribute_edits
from lianpu.editing.field_transfer import AppliedFields, CropFields, transfer_fields
from lianpu.editors.checkpoint_editor import CheckpointEditor
from lianpu.editors.editor import ModelInfo
from lianpu.faces.alignment import TEMPLATES, align
from lianpu.faces.results import Subject
from lianpu.stargan.layers import FIELD_NAMES
from lianpu.stargan.lite import LiteGenerator
from tests.support.subjects import drawn_photo, subject_at

NAMES = ("Blond_Hair", "Male", "Young")


def _editor(side: int = 64, *, residual: bool = False) -> CheckpointEditor:
    """A generator whose fields bend, tint and sharpen a face visibly; its residual only where asked for."""
    torch.manual_seed(0)
    generator = LiteGenerator(8, 3, 1, output="fields")
    assert generator.field_head is not None
    with torch.no_grad():
        generator.field_head.leave.weight.normal_(0, 0.15)
        generator.field_head.leave.weight[2:14] *= 0.3
        if not residual:
            generator.leave.bias[3:] = -50  # type: ignore[index]
    info = ModelInfo(AttributeSet.of(NAMES), side, "celebamask-hq", label_input="difference", outputs=("edited", *FIELD_NAMES))
    return CheckpointEditor(generator, info, torch.device("cpu"))


def _whole_face(eyes_px: float) -> tuple[np.ndarray, Subject]:
    """A photo that is all face, just larger than its crop: smooth, so that sizes can be compared."""
    side = round(eyes_px * 512 / 124.2)
    y, x = np.mgrid[: side + 40, : side + 40] / (side + 40)
    waves = np.dstack([np.sin(9 * x) * np.cos(7 * y), np.cos(8 * x + 5 * y), np.sin(6 * y - 4 * x)])
    photo = np.rint(128 + 60 * waves).astype(np.uint8)
    return photo, subject_at(photo, photo.shape[1] / 2, photo.shape[0] / 2, eyes_px)


@pytest.mark.parametrize("eyes_px", [124.2 / 8, 124.2 / 2])
def test_in_the_photo_they_do_what_the_network_does_to_its_crop(eyes_px: float) -> None:
    """Photos of the crop's size and of four times that: on the face the difference is small against the edit."""
    photo, subject = _whole_face(eyes_px)
    edit = plan_attribute_edits(photo, [subject], _editor(), {"Male": True})[0]
    after = apply_attribute_edits(photo, [edit], 1.0)
    seen = align(after, edit.subject.face, TEMPLATES["celebamask-hq"], 64).picture
    middle = (slice(24, 44), slice(24, 40))
    wanted, given = edit.edited[middle].astype(float), edit.aligned.picture[middle].astype(float)
    change = np.abs(wanted - given).mean()
    assert change > 4
    assert np.abs(seen[middle] - wanted).mean() < 0.25 * change


def test_half_the_strength_is_about_half_the_change_and_none_is_none() -> None:
    photo, subject = drawn_photo(300, 300, 260, 20, 20)
    editor = _editor()
    whole, half, none = (edit_attributes(photo, [subject], editor, {"Male": True}, strength) for strength in (1.0, 0.5, 0.0))
    assert np.array_equal(none, photo)
    amounts = [np.abs(each.astype(int) - photo).mean() for each in (half, whole)]
    assert 0.35 < amounts[0] / amounts[1] < 0.7


@pytest.mark.parametrize("turn", [0, 35, 180])
def test_beyond_the_crop_every_byte_stays_however_the_face_is_turned(turn: float) -> None:
    photo, subject = drawn_photo(500, 460, 200, 150, 120, turn=turn)
    edited = edit_attributes(photo, [subject], _editor(residual=True), {"Young": False})
    changed = np.any(edited != photo, axis=2)
    assert changed.sum() > 2000
    rows, columns = np.nonzero(changed)
    middle = subject.face.points.mean(axis=0)
    reach = 0.75 * 512 / 124.2 * subject.face.unit_px
    assert np.hypot(columns - middle[0], rows - middle[1]).max() < reach
    assert not changed[:20].any() and not changed[:, :20].any()


def test_a_turned_face_is_bent_as_an_upright_one() -> None:
    upright, subject = drawn_photo(400, 400, 300, 50, 50)
    turned, other = drawn_photo(400, 400, 300, 50, 50, turn=90)
    editor = _editor()
    first = edit_attributes(upright, [subject], editor, {"Male": True}).astype(int) - upright
    second = edit_attributes(turned, [other], editor, {"Male": True}).astype(int) - turned
    back = np.rot90(second, -1)
    together = (first * back).sum() / np.sqrt((first**2).sum() * (back**2).sum())
    assert together > 0.9


def test_hair_goes_its_own_way() -> None:
    photo, subject = drawn_photo(300, 300, 260, 20, 20)
    edit = plan_attribute_edits(photo, [subject], _editor(), {"Blond_Hair": True})[0]
    assert not isinstance(edit.change, AppliedFields)


def _as_parts(subject: Subject, photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Dark hair, light skin, on blue; and where the hair is."""
    painted = np.full_like(photo, (40, 60, 160))
    hair, skin = (np.zeros(photo.shape[:2], dtype=bool) for _ in range(2))
    hair[subject.window], skin[subject.window] = subject.parts.where("hair"), subject.parts.where("skin")
    painted[hair], painted[skin] = (60, 40, 30), (190, 150, 130)
    return painted, hair


def test_colours_of_hair_stay_off_the_forehead_though_cells_are_wide() -> None:
    """Hair grows lighter by 50 grey levels, in fields whose cells blur that far into the face; an edit that is about the face alone has no hair."""
    blank = np.zeros((400, 400, 3), dtype=np.uint8)
    subject = subject_at(blank, 200, 210, 90)
    photo, hair = _as_parts(subject, blank)
    aligned = align(photo, subject.face, TEMPLATES["celebamask-hq"], 64)
    share = cv2.warpAffine(hair.astype(np.float32), aligned.matrix, (64, 64))
    share = cv2.resize(cv2.GaussianBlur(share, (0, 0), 3), (16, 16), interpolation=cv2.INTER_AREA)
    colours = np.zeros((16, 16, 12), dtype=np.float32)
    colours[..., 9:] = 50 / 127.5 * share[..., None]
    still = np.zeros((16, 16, 2), dtype=np.float32)
    fields = CropFields(still, colours, still, np.zeros((32, 32, 3), dtype=np.float32))

    changed = {
        name: transfer_fields(photo, subject, aligned, fields, [name]).put(photo, 1.0).astype(float).mean(axis=2)
        - photo.mean(axis=2)
        for name in ("Young", "Smiling")
    }
    skin = np.zeros(hair.shape, dtype=bool)
    skin[subject.window] = subject.parts.where("skin")

    def beside(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        near = one & (cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, 5) < 25)
        return np.asarray(cv2.erode(near.astype(np.uint8), np.ones((9, 9))) > 0)

    forehead, hairline = beside(skin, hair), beside(hair, skin)
    assert changed["Smiling"][forehead].mean() > 8
    assert abs(changed["Young"][forehead].mean()) < 2
    assert changed["Young"][hairline].mean() > 25
