import cv2
import numpy as np
import pytest
import torch

from lianpu.attributes import AttributeSet, Labels
from lianpu.editing.attribute_masks import attribute_mask, parts_of
from lianpu.editing.attributes import (
    apply_attribute_edits,
    edit_attributes,
    edit_crops,
    edit_photo,
    label_request,
    plan_attribute_edits,
)
from lianpu.editing.presets import apply_preset, preset_from_options, unchanged_note
from lianpu.editing.residual_transfer import fit_guided_residual, residual_bands, without_tint
from lianpu.editors.editor import ModelInfo
from lianpu.errors import ModelError, SettingsError
from tests.support.subjects import subject_at

NAMES = ("Black_Hair", "Blond_Hair", "Male", "Young")


class Brighter:
    """An editor that makes the middle of a crop brighter by the sum of what it is told."""

    kind = "test"

    def __init__(self, label_input: str = "difference", alignment: str = "celebamask-hq") -> None:
        self.info = ModelInfo(AttributeSet.of(NAMES), 64, alignment, label_input=label_input)
        self.calls = 0

    def edit(self, batch: torch.Tensor, labels: Labels) -> torch.Tensor:
        self.calls += 1
        edited = batch.clone()
        edited[:, :, 10:50, 12:52] += 0.2 * torch.from_numpy(labels).sum(dim=1)[:, None, None, None]
        return edited.clamp(-1, 1)


def _photo() -> np.ndarray:
    return np.random.default_rng(0).integers(90, 130, (300, 400, 3), dtype=np.uint8)


def test_only_hair_changes_when_hair_is_asked_for_and_the_rest_keeps_every_byte() -> None:
    photo = _photo()
    subject = subject_at(photo, 200, 150, 40)
    edit = plan_attribute_edits(photo, [subject], Brighter(), {"Blond_Hair": True})[0]
    edited, mask = apply_attribute_edits(photo, [edit], 1.0), edit.change.mask(photo)
    allowed = np.zeros(photo.shape[:2], dtype=bool)
    allowed[subject.window] = mask > 0
    assert np.array_equal(edited[~allowed], photo[~allowed])
    hair = np.zeros_like(allowed)
    hair[subject.window] = mask == 255
    assert hair.sum() > 900 and not hair[150:200, 190:210].any()


def test_male_changes_face_and_hair() -> None:
    photo = np.full((300, 400, 3), 100, dtype=np.uint8)
    subject = subject_at(photo, 200, 150, 40)
    difference = edit_attributes(photo, [subject], Brighter(), {"Male": True}).astype(int) - photo
    assert 5 < difference[120:140, 190:210].mean() < 0.7 * 0.2 * 127.5  # a face does not become that much lighter with its sex
    assert not difference[280:].any() and not difference[:, :60].any()


def test_strength_grows_from_nothing_without_a_jump() -> None:
    photo = _photo()
    edits = plan_attribute_edits(photo, [subject_at(photo, 200, 150, 40)], Brighter(), {"Male": True})
    amounts = [
        float((apply_attribute_edits(photo, edits, s).astype(int) - photo).mean()) for s in (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
    ]
    assert amounts[0] == 0.0 and np.array_equal(apply_attribute_edits(photo, edits, 0.0), photo)
    steps = np.diff(amounts)
    assert (steps > 0).all() and steps.max() < 1.2 * steps.min()


def test_several_faces_are_edited_and_the_given_photo_is_not_touched() -> None:
    photo = _photo()
    before = photo.copy()
    editor = Brighter()
    subjects = [subject_at(photo, 90, 150, 25), subject_at(photo, 300, 150, 25)]
    edited = edit_attributes(photo, subjects, editor, {"Male": True})
    for x in (90, 300):
        assert (edited[150:160, x - 5 : x + 5].astype(int) - photo[150:160, x - 5 : x + 5]).mean() > 7
    assert np.array_equal(photo, before) and editor.calls == 2  # once as they are, once mirrored
    assert np.array_equal(edit_attributes(photo, [], editor, {"Young": True}), photo)


def _two_heads() -> np.ndarray:
    """Black hair on the left, blond hair on the right."""
    photo = _photo()
    photo[:, :200] = 20
    photo[:, 200:] = (205, 170, 110)
    return photo


def test_a_colour_that_hair_surely_has_not_need_not_be_taken_from_it() -> None:
    photo, editor = _two_heads(), Brighter()
    dark, blond = subject_at(photo, 90, 150, 25), subject_at(photo, 310, 150, 25)
    assert edit_attributes(photo, [dark], editor, {"Blond_Hair": False}) is photo and editor.calls == 0
    assert edit_attributes(photo, [blond], editor, {"Blond_Hair": True}) is photo and editor.calls == 0
    left, asked = plan_attribute_edits(photo, [dark, blond], editor, {"Blond_Hair": False})
    assert (left.left, left.sure) == (("Blond_Hair",), 0.0) and not left.change.mask(photo).any()
    assert asked.left == () and editor.calls == 1


def test_the_other_attributes_are_asked_for_all_the_same() -> None:
    photo, editor = _two_heads(), Brighter()
    subject = subject_at(photo, 90, 150, 25)
    (edit,) = plan_attribute_edits(photo, [subject], editor, {"Blond_Hair": False, "Male": True})
    assert edit.left == ("Blond_Hair",) and edit.sure == 1.0
    alone = apply_attribute_edits(photo, plan_attribute_edits(photo, [subject], editor, {"Male": True}), 1.0)
    assert np.array_equal(apply_attribute_edits(photo, [edit], 1.0), alone) and not np.array_equal(alone, photo)


def test_labels_that_are_given_are_believed_before_the_hair() -> None:
    photo = _two_heads()
    subject = subject_at(photo, 90, 150, 25)
    known = {"Black_Hair": False, "Blond_Hair": True, "Male": True, "Young": True}
    editor = Brighter("target")
    assert plan_attribute_edits(photo, [subject], editor, {"Blond_Hair": False}, known)[0].left == ()
    assert plan_attribute_edits(photo, [subject], editor, {"Young": True}, known)[0].left == ("Young",)


def test_what_is_left_alone_is_said() -> None:
    photo, said = _two_heads(), []
    preset = preset_from_options(["Blond_Hair=no", "Male=yes"], "1", None, [])
    subjects = [subject_at(photo, 90, 150, 25)]
    apply_preset(photo, subjects, preset, Brighter(), on_unchanged=lambda step: said.append(unchanged_note(step)))
    assert said == ["left alone: Blond_Hair=no holds already"]


def test_many_faces_go_through_the_editor_a_few_at_a_time() -> None:
    editor = Brighter()
    crops = np.full((20, 64, 64, 3), 100, dtype=np.uint8)
    assert (edit_crops(crops, editor, {"Young": True})[:, 10:50, 12:52] > 100).all() and editor.calls == 3


def test_a_face_at_the_edge_of_the_photo_is_edited_as_far_as_it_is_seen() -> None:
    photo = _photo()
    edited = edit_attributes(photo, [subject_at(photo, 5, 150, 40)], Brighter(), {"Male": True})
    assert (edited[150:170, :15].astype(int) - photo[150:170, :15]).mean() > 10


def test_an_editor_of_differences_is_asked_for_the_change_alone() -> None:
    info = Brighter().info
    assert label_request(info, {"Blond_Hair": True}).tolist() == [[0, 1, 0, 0]]
    assert label_request(info, {"Male": False, "Young": True}).tolist() == [[0, 0, -1, 1]]


def test_an_editor_of_targets_wants_to_know_the_face_and_blond_turns_black_off() -> None:
    info = Brighter("target").info
    known = {"Black_Hair": True, "Male": True, "Young": False}
    assert label_request(info, {"Blond_Hair": True}, known).tolist() == [[0, 1, 1, 0]]
    with pytest.raises(SettingsError, match=r"give those of the face: Male, Young\. On the command line: --known Male=yes"):
        label_request(info, {"Blond_Hair": True})


def test_wrong_names_wrong_strengths_and_nothing_to_set_are_said() -> None:
    with pytest.raises(SettingsError, match=r"'Blond_Hiar' is not an attribute here.*Known: Black_Hair, Blond_Hair, Male, Young"):
        label_request(Brighter().info, {"Blond_Hiar": True})
    with pytest.raises(SettingsError, match="No attribute is set"):
        label_request(Brighter().info, {})
    with pytest.raises(SettingsError, match="exclude each other"):
        label_request(Brighter().info, {"Black_Hair": True, "Blond_Hair": True})
    for wrong in (7, -1, "abc", float("nan")):
        with pytest.raises(SettingsError, match=r"edit: strength"):
            edit_attributes(_photo(), [], Brighter(), {"Young": True}, wrong)  # type: ignore[arg-type]


def test_an_editor_that_does_not_say_how_its_faces_were_cut_out_edits_crops_only() -> None:
    photo = _photo()
    with pytest.raises(ModelError, match="alignment 'none' is none of"):
        edit_attributes(photo, [subject_at(photo, 200, 150, 40)], Brighter(alignment="none"), {"Young": True})


def test_faces_are_chosen_by_number_in_edit_photo() -> None:
    photo = _photo()
    subjects = (subject_at(photo, 100, 150, 30), subject_at(photo, 300, 150, 25))

    class Room:
        def analyze(self, photo: np.ndarray, *, wide: bool = True) -> tuple:
            return subjects

    edited = edit_photo(photo, Brighter(), {"Male": True}, faces=[1], analyzer=Room())  # type: ignore[arg-type]
    assert np.array_equal(edited[:, :180], photo[:, :180]) and not np.array_equal(edited[:, 280:], photo[:, 280:])


def test_attributes_say_where_they_may_change_a_face() -> None:
    assert parts_of(["Blond_Hair"]) == ("hair",)
    assert "hair" in parts_of(["Male"]) and "skin" in parts_of(["Male"])
    assert parts_of(["Eyeglasses"]) == ("eyes",)
    assert "hair" not in parts_of(["Smiling"]) and set(parts_of(["Smiling", "Gray_Hair"])) > {"hair", "skin"}


def test_glasses_change_a_region_around_the_eyes_and_not_the_mouth() -> None:
    photo = _photo()
    subject = subject_at(photo, 200, 150, 40)
    mask = np.zeros(photo.shape[:2], dtype=np.uint8)
    mask[subject.window] = attribute_mask(photo, subject, ["Eyeglasses"])
    assert mask[145, 180] == mask[145, 220] == 255
    assert not mask[195:].any() and not mask[:, :120].any()


def test_a_mask_follows_an_edge_of_colour_that_the_parser_missed_a_little() -> None:
    photo = np.full((300, 400, 3), 210, dtype=np.uint8)
    subject = subject_at(photo, 200, 150, 40)
    hair = subject.parts.where("hair", "skin")
    ground = np.pad(hair, 2)[:-4, 2:-2]  # the head as it really lies, two pixels lower
    photo[subject.window][ground] = 40
    mask = attribute_mask(photo, subject, ["Male"])
    really = photo[subject.window][..., 0] == 40
    wrong = (mask > 127) != really
    assert wrong.sum() < 0.4 * (hair != really).sum()


def test_the_change_is_a_function_of_colours_that_holds_at_full_resolution() -> None:
    y, x = np.mgrid[:64, :64]
    crop = np.where(((x // 9 + y // 13) % 2)[..., None] == 0, (90, 80, 70), (160, 150, 140)).astype(np.uint8)
    change = np.repeat((0.15 * crop.astype(np.float32).mean(axis=2))[:, :, None], 3, axis=2)
    guided = fit_guided_residual(crop, change, np.ones((64, 64), np.float32), 6, 0.0)
    large = np.repeat(np.repeat(crop, 4, axis=0), 4, axis=1)
    bands = residual_bands(guided, large, np.array([[0.25, 0, -0.375], [0, 0.25, -0.375]]), (slice(0, 256), slice(0, 256)))
    whole = np.concatenate([band for _, band in bands])
    wanted = 0.15 * large.astype(np.float32).mean(axis=2, keepdims=True)
    enlarged = cv2.resize(change, (256, 256), interpolation=cv2.INTER_LINEAR)
    assert np.abs(whole - wanted).max() < 3.5 < np.abs(enlarged - wanted).max()  # sharp at every edge of the large picture


def test_a_tint_of_the_whole_crop_is_no_part_of_an_edit() -> None:
    change = np.full((64, 64, 3), (6.0, -3.0, 2.0), dtype=np.float32)
    change[:20] += 30
    weight = np.zeros((64, 64), dtype=np.float32)
    weight[:20] = 1
    matched = without_tint(change, weight, 1.0)
    assert np.allclose(matched[:20], 30) and np.allclose(matched[20:], 0)
    face = without_tint(np.tile(np.array([20, 0, -20], np.float32), (64, 64, 1)), np.ones((64, 64), np.float32), 0.5)
    assert np.abs(face - face.mean()).max() < 1e-3  # the complexion stays
