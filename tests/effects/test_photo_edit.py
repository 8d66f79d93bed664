import numpy as np
import pytest
import torch

from lianpu.attributes import AttributeSet, Labels
from lianpu.editors.editor import ModelInfo
from lianpu.effects.photo_edit import edit_crops, edit_photo, request_of
from lianpu.errors import ModelError, SettingsError
from lianpu.perception.results import Face

NAMES = ("Black_Hair", "Blond_Hair", "Male", "Young")


class Brighter:
    """An editor that makes the upper half of a crop brighter by the sum of what it is told."""

    kind = "test"

    def __init__(self, label_input: str = "difference", alignment: str = "celebamask-hq", side_px: int = 64) -> None:
        self.info = ModelInfo(AttributeSet.of(NAMES), side_px, alignment, label_input=label_input)

    def edit(self, batch: torch.Tensor, labels: Labels) -> torch.Tensor:
        edited = batch.clone()
        edited[:, :, : batch.shape[2] // 2] += 0.2 * torch.from_numpy(labels).sum(dim=1)[:, None, None, None]
        return edited.clamp(-1, 1)


def _face(x: float, y: float, eyes_px: float) -> Face:
    """An upright face whose eyes are `eyes_px` apart, the middle between them at (x, y)."""
    unit = eyes_px / 124.2
    points = np.array([(-62.1, 0), (62.1, 0), (-1.2, 71.7), (-55.9, 129.5), (56.3, 129.7)]) * unit + (x, y)
    box = (x - eyes_px, y - eyes_px, x + eyes_px, y + 2 * eyes_px)
    return Face(box, 0.9, points.astype(np.float32), "test", 0)


def _photo() -> np.ndarray:
    return np.random.default_rng(0).integers(40, 180, (300, 400, 3), dtype=np.uint8)


def test_only_what_was_edited_changes_and_the_photo_keeps_its_grain() -> None:
    photo = _photo()
    edited = edit_photo(photo, Brighter(), {"Blond_Hair": True}, [_face(200, 150, 40)])
    difference = edited.astype(int) - photo.astype(int)
    assert difference[100:140, 180:220].mean() == pytest.approx(0.2 * 127.5, abs=1.5)
    assert difference[100:140, 180:220].std() < 3  # the same for every pixel, whatever its grain
    assert not difference[:, :60].any() and not difference[260:].any()


def test_without_faces_the_photo_is_as_it_was_and_the_given_one_is_not_touched() -> None:
    photo = _photo()
    before = photo.copy()
    assert np.array_equal(edit_photo(photo, Brighter(), {"Young": True}, []), photo)
    edit_photo(photo, Brighter(), {"Young": True}, [_face(200, 150, 40)])
    assert np.array_equal(photo, before)


def test_a_face_at_the_edge_of_the_photo_is_edited_as_far_as_it_is_seen() -> None:
    edited = edit_photo(_photo(), Brighter(), {"Young": True}, [_face(10, 150, 40)])
    assert (edited[110:140, :30].astype(int) - _photo()[110:140, :30]).mean() > 15


def test_an_editor_of_differences_is_asked_for_the_change_alone() -> None:
    info = Brighter().info
    assert request_of(info, {"Blond_Hair": True}).tolist() == [[0, 1, 0, 0]]
    assert request_of(info, {"Male": False, "Young": True}).tolist() == [[0, 0, -1, 1]]


def test_an_editor_of_targets_wants_to_know_the_face() -> None:
    info = Brighter("target").info
    known = {"Black_Hair": True, "Male": True, "Young": False}
    assert request_of(info, {"Blond_Hair": True}, known).tolist() == [[0, 1, 1, 0]]
    with pytest.raises(SettingsError, match=r"say what the face is: Male, Young\. On the command line: --face Male=yes"):
        request_of(info, {"Blond_Hair": True})


def test_wrong_names_and_nothing_to_set_are_said() -> None:
    with pytest.raises(SettingsError, match=r"'Blond_Hiar' is not an attribute here.*Blond_Hair"):
        request_of(Brighter().info, {"Blond_Hiar": True})
    with pytest.raises(SettingsError, match="No attribute is set"):
        request_of(Brighter().info, {})
    with pytest.raises(SettingsError, match="exclude each other"):
        request_of(Brighter().info, {"Black_Hair": True, "Blond_Hair": True})


def test_an_editor_that_does_not_say_how_its_faces_were_cut_out_edits_crops_only() -> None:
    editor = Brighter(alignment="none")
    with pytest.raises(ModelError, match="says 'none' of how its faces were cut out"):
        edit_photo(_photo(), editor, {"Young": True}, [_face(200, 150, 40)])
    crops = np.full((2, 64, 64, 3), 100, dtype=np.uint8)
    assert (edit_crops(crops, editor, {"Young": True})[:, :32] > 100).all()
