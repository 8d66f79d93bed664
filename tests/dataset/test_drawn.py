"""Drawn portraits: seeded, consistent with their masks and points, and the same person under an edit."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lianpu.attributes import HAIR_COLORS
from lianpu.dataset.drawn import MARK, DrawnFace, draw_dataset, draw_edit, draw_face, drawn_settings
from lianpu.drawing.attributes import DRAWN_ATTRIBUTES
from lianpu.errors import DataError, SettingsError
from lianpu.part_names import PART_INDEX
from lianpu.photo.reading import read_image

PEOPLE = range(8)
STRAY_HAIRS_PX = 4
"""Single hairs may fly further from the head than the mask shows, and cover a pixel in part."""


def _changed(first: DrawnFace, second: DrawnFace, more_than: int = 0) -> np.ndarray:
    return np.abs(first.picture.astype(int) - second.picture).max(axis=2) > more_than


def _grown(mask: np.ndarray, by_px: int) -> np.ndarray:
    grown = mask.copy()
    for _ in range(by_px):
        padded = np.pad(grown, 1)
        grown = padded[1:-1, 1:-1] | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return grown


def _of(face: DrawnFace, *names: str) -> np.ndarray:
    return np.isin(face.mask, [PART_INDEX[name] for name in names])


def test_the_same_seed_and_index_draw_the_same_face() -> None:
    first, again = draw_face(5, 3, 64), draw_face(5, 3, 64)
    assert np.array_equal(first.picture, again.picture)
    assert np.array_equal(first.mask, again.mask)
    assert np.array_equal(first.points, again.points)
    assert first.attributes == again.attributes


def test_other_seeds_and_other_indices_draw_other_faces() -> None:
    face = draw_face(5, 3, 32).picture.astype(int)
    for other in (draw_face(6, 3, 32), draw_face(5, 4, 32)):
        assert np.abs(face - other.picture).mean() > 5


def test_a_face_is_the_same_person_at_every_size() -> None:
    small, big = draw_face(2, 1, 64), draw_face(2, 1, 192)
    shrunk = big.picture.reshape(64, 3, 64, 3, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - small.picture).mean() < 4
    np.testing.assert_allclose(small.points * 3, big.points, atol=1e-3)
    assert small.attributes == big.attributes


@pytest.mark.parametrize("index", PEOPLE)
def test_another_hair_colour_changes_hair_and_brows_and_nothing_else(index: int) -> None:
    first, second = (draw_face(8, index, 96, {name: True}) for name in ("Black_Hair", "Blond_Hair"))
    assert np.array_equal(first.mask, second.mask)
    allowed = _of(first, "hair", "r_brow", "l_brow")
    if first.attributes["Male"]:
        below_nose = np.arange(96)[:, None] > first.points[27, 1]
        allowed |= below_nose & _of(first, "skin", "neck", "cloth", "u_lip", "l_lip", "nose", "l_ear", "r_ear")
    changed = _changed(first, second)
    assert (changed & ~_grown(allowed, 5)).sum() <= STRAY_HAIRS_PX
    assert (_changed(first, second, 16) & ~_grown(allowed, 1)).sum() < 25
    seen = _of(first, "hair")
    if seen.sum() > 50:
        assert changed[seen].mean() > 0.97


@pytest.mark.parametrize("index", PEOPLE)
def test_glasses_change_only_what_is_about_the_eyes(index: int) -> None:
    bare, glasses = (draw_face(8, index, 96, {"Eyeglasses": value}) for value in (False, True))
    rows = np.flatnonzero(_changed(bare, glasses).any(axis=1))
    assert bare.points[17:27, 1].min() - 12 < rows.min() and rows.max() < bare.points[33, 1] + 8
    assert not _of(bare, "eye_g").any() and _of(glasses, "eye_g").sum() > 60
    assert (_of(glasses, "l_eye", "r_eye") <= _of(bare, "l_eye", "r_eye")).all()


@pytest.mark.parametrize("index", PEOPLE)
def test_opening_the_mouth_changes_only_the_lower_face(index: int) -> None:
    shut, opened = (draw_face(8, index, 96, {"Mouth_Slightly_Open": value}) for value in (False, True))
    rows = np.flatnonzero(_changed(shut, opened).any(axis=1))
    assert len(rows) and rows.min() > shut.points[30, 1] - 3
    assert not _of(shut, "mouth").any() and _of(opened, "mouth").any()
    gap = [face.points[66, 1] - face.points[62, 1] for face in (shut, opened)]
    assert gap[0] < 0.01 and gap[1] > 1


@pytest.mark.parametrize("name", ["Male", "Young", "Smiling", "Wearing_Hat"])
def test_an_edit_leaves_the_background_and_the_clothes_alone(name: str) -> None:
    for index in PEOPLE:
        one, other = (draw_face(8, index, 96, {name: value}) for value in (False, True))
        away = _of(one, "background", "cloth") & _of(other, "background", "cloth")
        neckline = (np.arange(96)[:, None] > 78) & (np.abs(np.arange(96) - 47.5) < 28)
        untouched = away & ~_grown(~away, 3) & ~neckline
        assert untouched.sum() > 300
        assert (_changed(one, other) & untouched).sum() <= STRAY_HAIRS_PX
        assert _changed(one, other).sum() > 40


@pytest.mark.parametrize("name", ["Male", "Young"])
def test_the_twin_of_an_edit_keeps_the_hair_and_everyone_gets_the_same_marks(name: str) -> None:
    for index in PEOPLE:
        own = draw_face(8, index, 96)
        twin = draw_edit(8, index, 96, {name: not own.attributes[name]})
        assert twin.attributes == {**own.attributes, name: not own.attributes[name]}
        hair = np.abs(_of(own, "hair").astype(int) - _of(twin, "hair"))
        assert hair.sum() < 0.1 * max(300, _of(own, "hair").sum())
        face = _of(own, "skin", "l_brow", "r_brow", "u_lip", "l_lip") & _of(twin, "skin", "l_brow", "r_brow", "u_lip", "l_lip")
        assert (_changed(own, twin, more_than=8) & face).sum() > 0.04 * face.sum()


@pytest.mark.parametrize("color", HAIR_COLORS)
def test_the_twin_of_a_hair_colour_is_the_face_drawn_with_it(color: str) -> None:
    wanted = {**dict.fromkeys(HAIR_COLORS, False), color: True}
    for index in (0, 3):
        assert np.array_equal(draw_edit(8, index, 48, wanted).picture, draw_face(8, index, 48, wanted).picture)


def test_hats_and_glasses_are_in_the_mask_when_they_are_worn() -> None:
    for index in PEOPLE:
        face = draw_face(9, index, 64)
        assert bool(_of(face, "hat").any()) == face.attributes["Wearing_Hat"]
        assert bool(_of(face, "eye_g").any()) == face.attributes["Eyeglasses"]


def test_a_hair_colour_always_shows_some_hair_even_under_a_hat() -> None:
    for index in range(20):
        face = draw_face(10, index, 64, {"Brown_Hair": True, "Wearing_Hat": index % 2 == 0})
        assert _of(face, "hair").sum() > 15


def test_left_and_right_are_the_subjects() -> None:
    for index in PEOPLE:
        face = draw_face(11, index, 128)
        for left, right in (("l_eye", "r_eye"), ("l_brow", "r_brow")):
            left_x, right_x = (np.flatnonzero(_of(face, name).any(axis=0)).mean() for name in (left, right))
            assert left_x > right_x


@pytest.mark.parametrize("index", PEOPLE)
def test_points_lie_on_what_they_mark(index: int) -> None:
    bare = {"Eyeglasses": False, "Wearing_Hat": False}
    face = draw_face(11, index, 128, bare)

    def middle(name: str) -> np.ndarray:
        y, x = np.nonzero(_of(face, name))
        return np.array([x.mean(), y.mean()]) + 0.5

    between_eyes = np.linalg.norm(face.points[36:42].mean(0) - face.points[42:48].mean(0))
    for name, points in (("r_eye", slice(36, 42)), ("l_eye", slice(42, 48))):
        assert np.linalg.norm(middle(name) - face.points[points].mean(0)) < 0.06 * between_eyes
    lips = np.stack([middle("u_lip"), middle("l_lip")]).mean(0)
    assert np.linalg.norm(lips - face.points[48:60].mean(0)) < 0.10 * between_eyes
    tip_x, tip_y = face.points[30].astype(int)
    assert face.mask[tip_y, tip_x] == PART_INDEX["nose"]
    jaw = face.points[:17]
    assert (np.diff(jaw[:9, 1]) > 0).all() and (np.diff(jaw[8:, 1]) < 0).all()
    turn = np.unwrap(np.arctan2(*(jaw - face.points[27:31].mean(0)).T))
    assert (np.diff(turn) > 0).all() or (np.diff(turn) < 0).all()


def test_faces_are_framed_like_celeba_hq() -> None:
    points = np.stack([draw_face(12, index, 32).points / 32 for index in range(40)])
    eyes, chin, jaw = points[:, 36:48].mean(1), points[:, 8], points[:, [2, 14], 0]
    assert abs(np.median(eyes[:, 1]) - 0.475) < 0.02 and abs(np.median(eyes[:, 0]) - 0.5) < 0.02
    assert abs(np.median(chin[:, 1]) - 0.91) < 0.03
    assert abs(np.median(jaw[:, 1] - jaw[:, 0]) - 0.49) < 0.05


def test_the_hair_colours_look_like_their_names() -> None:
    means = {}
    for name in HAIR_COLORS:
        faces = [draw_face(13, index, 48, {name: True, "Wearing_Hat": False}) for index in range(10)]
        means[name] = np.mean([face.picture[_of(face, "hair")].mean(0) for face in faces], axis=0)
    light = {name: float(color.mean()) for name, color in means.items()}
    assert light["Black_Hair"] < 45 < light["Brown_Hair"] < 110 < min(light["Blond_Hair"], light["Gray_Hair"])
    assert means["Blond_Hair"][0] - means["Blond_Hair"][2] > 50
    assert np.ptp(means["Gray_Hair"]) < 12
    assert means["Brown_Hair"][0] > 1.4 * means["Brown_Hair"][2]


def test_skin_is_drawn_over_the_whole_human_range() -> None:
    light = []
    for index in range(40):
        face = draw_face(14, index, 32)
        light.append(np.median(face.picture[_of(face, "skin")].mean(1)))
    assert min(light) < 75 and max(light) > 165


def test_sizes_and_seeds_that_cannot_be_drawn_are_refused() -> None:
    with pytest.raises(ValueError, match=r"16 to 1024, got 8"):
        draw_face(0, 0, 8)
    with pytest.raises(ValueError, match="got -1 and 0"):
        draw_face(-1, 0, 64)
    with pytest.raises(SettingsError, match="did you mean 'Blond_Hair'"):
        draw_face(0, 0, 64, {"Blonde_Hair": True})


def test_odd_sizes_are_drawn() -> None:
    for size_px in (16, 33, 50, 101):
        face = draw_face(1, 2, size_px)
        assert face.picture.shape == (size_px, size_px, 3) and face.mask.shape == (size_px, size_px)


def test_a_dataset_has_the_layout_and_forms_of_celebamask_hq(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    folder = draw_dataset(tmp_path / "faces", 10, 32, seed=4, held_out=0.2, on_progress=lambda *call: calls.append(call))
    assert calls == [(number, 10) for number in range(1, 11)]
    assert (folder / "train.txt").read_text().split() == [f"{number:06d}.png" for number in range(1, 9)]
    assert (folder / "val.txt").read_text().split() == ["000009.png", "000010.png"]
    count, names, *rows = (folder / "list_attr.txt").read_text().splitlines()
    assert count == "10" and tuple(names.split()) == DRAWN_ATTRIBUTES and len(rows) == 10
    face = draw_face(4, 6, 32)
    assert rows[6].split() == ["000007.png", *("1" if face.attributes[name] else "-1" for name in DRAWN_ATTRIBUTES)]
    assert np.array_equal(read_image(folder / "images" / "000007.png"), face.picture)
    with Image.open(folder / "masks" / "000007.png") as mask:
        assert mask.mode == "P" and np.array_equal(np.asarray(mask), face.mask)
        assert (mask.getpalette() or [])[3:6] == [204, 0, 0]
    header, *lines = (folder / "landmarks68.csv").read_text().splitlines()
    assert header.split(",")[:3] == ["filename", "x0", "y0"] and len(header.split(",")) == 137
    assert lines[6].startswith("000007.png,")
    np.testing.assert_allclose(np.array(lines[6].split(",")[1:], float), face.points.ravel(), atol=0.051)


def test_a_number_of_faces_can_be_held_out(tmp_path: Path) -> None:
    folder = draw_dataset(tmp_path / "faces", 5, 16, seed=4, held_out=2)
    assert len((folder / "val.txt").read_text().split()) == 2


@pytest.mark.parametrize("held_out", [0, 5, -1, 0.01])
def test_nothing_held_out_or_nothing_left_is_refused(tmp_path: Path, held_out: float) -> None:
    with pytest.raises(ValueError, match="at least one must be left on either side"):
        draw_dataset(tmp_path / "faces", 5, 16, seed=4, held_out=held_out)


def test_a_finished_dataset_is_left_as_it_is(tmp_path: Path) -> None:
    folder = draw_dataset(tmp_path / "faces", 3, 16, seed=4, held_out=1)
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*")}
    calls: list[int] = []
    draw_dataset(folder, 3, 16, seed=4, held_out=1, on_progress=lambda done, total: calls.append(done))
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*")} == before and not calls


def test_an_interrupted_call_can_be_made_again(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_dataset(tmp_path / "faces", 3, 16, seed=4, held_out=1, on_progress=interrupt)
    assert not list(tmp_path.iterdir())
    folder = draw_dataset(tmp_path / "faces", 3, 16, seed=4, held_out=1)
    assert len(list((folder / "images").iterdir())) == 3


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "faces").mkdir()
    assert (draw_dataset(tmp_path / "faces", 2, 16, seed=4, held_out=1) / "val.txt").is_file()


def test_a_folder_with_something_else_in_it_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"precious")
    with pytest.raises(DataError, match=r"not empty \(holiday\.jpg is in it\).*nothing was written.*another folder"):
        draw_dataset(tmp_path, 3, 16, seed=4, held_out=1)
    assert (tmp_path / "holiday.jpg").read_bytes() == b"precious"
    with pytest.raises(DataError, match="is a file, not a folder"):
        draw_dataset(tmp_path / "holiday.jpg", 3, 16, seed=4, held_out=1)


def test_faces_of_other_settings_are_not_overwritten(tmp_path: Path) -> None:
    folder = draw_dataset(tmp_path / "faces", 3, 16, seed=4, held_out=1)
    with pytest.raises(DataError, match=r"other settings \(seed 4 not 5\)"):
        draw_dataset(folder, 3, 16, seed=5, held_out=1)
    (folder / "drawn.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read as JSON"):
        draw_dataset(folder, 3, 16, seed=4, held_out=1)


def test_a_folder_says_what_it_was_drawn_with_and_a_damaged_or_older_one_is_named(tmp_path: Path) -> None:
    folder = draw_dataset(tmp_path / "faces", 2, 16, seed=3, held_out=1)
    assert drawn_settings(folder) == (3, 16) and drawn_settings(tmp_path) is None
    for text in ("[]", "{}", '{"version": 1, "seed": "x", "size_px": 16}', '{"version": null, "seed": 3, "size_px": 16}'):
        (folder / MARK).write_text(text)
        with pytest.raises(DataError, match=r"drawn\.json is damaged\. Draw the faces again"):
            drawn_settings(folder)
    (folder / MARK).write_text('{"version": 0, "seed": 3, "size_px": 16}')
    with pytest.raises(DataError, match=r"was drawn by version 0 of the drawing, this Lianpu draws version 1"):
        drawn_settings(folder)
