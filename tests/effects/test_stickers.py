import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lianpu.effects.catalogue import effect_of
from lianpu.effects.stickers import face_places, read_anchors, read_sticker
from lianpu.errors import LianpuError, PictureError, SettingsError
from lianpu.faces.mesh import five_points
from lianpu.faces.results import Face, FaceParts, Landmarks, Mesh, Subject
from lianpu.part_names import part_index
from tests.support.live_faces import mesh_of
from tests.support.subjects import drawn_photo


def _square(folder: Path, anchors: object = None) -> Path:
    file = folder / "mark.png"
    Image.fromarray(np.full((20, 60, 4), (255, 0, 0, 255), np.uint8)).save(file)
    if anchors is not None:
        file.with_suffix(".json").write_text(json.dumps(anchors), encoding="utf-8")
    return file


def _middle_of_change(photo: np.ndarray, after: np.ndarray) -> np.ndarray:
    y, x = np.nonzero((after != photo).any(axis=2))
    return np.array([(x.min() + x.max()) / 2, (y.min() + y.max()) / 2])


@pytest.mark.parametrize("turn", [0, 30, 90, 180, 270])
@pytest.mark.parametrize("meshed", [True, False])
def test_glasses_sit_on_the_eyes_however_the_head_is_turned(turn: float, meshed: bool) -> None:
    photo, subject = drawn_photo(turn=turn, width=400, height=400, left=100, top=100)
    subject = replace(subject, mesh=mesh_of(subject.landmarks.points) if meshed else None)
    after = effect_of("sticker").apply(photo, [subject], 1.0, which="sunglasses")
    eyes = subject.face.points[:2]
    assert (
        np.linalg.norm(_middle_of_change(photo, after) - eyes.mean(axis=0)) < 0.4 * subject.face.eye_distance_px
    )  # an arm may be seen on one side
    for x, y in eyes.round().astype(int):
        assert after[y, x].mean() < 100  # behind dark lenses


def test_a_hat_is_above_the_eyes_of_the_head_also_when_it_hangs_down() -> None:
    for turn, above in ((0, (0, -1)), (180, (0, 1)), (90, (-1, 0))):
        photo, subject = drawn_photo(turn=turn, width=400, height=400, left=100, top=100)
        after = effect_of("sticker").apply(photo, [subject], 1.0, which="hat")
        y, x = np.nonzero((after != photo).any(axis=2))
        way = np.array([x.mean(), y.mean()]) - subject.face.points[:2].mean(axis=0)
        assert way @ np.array(above) > 0.9 * np.linalg.norm(way)


def _turned_aside(yaw: float) -> tuple[Subject, float]:
    """A head that is turned aside by degrees, its eyes 50 px apart when it looks ahead, and where (x) the middle of its skull lies."""
    sine, cosine = np.sin(np.radians(yaw)), np.cos(np.radians(yaw))

    def seen(x: float, y: float, z: float) -> tuple[float, float]:
        return 150 + 50 * (x * cosine + z * sine), 120 + 50 * y

    middle = seen(0, 0, -1.3)[0]
    five = np.array([seen(*at) for at in ((-0.5, 0, 0), (0.5, 0, 0), (0, 0.6, 0.42), (-0.42, 1.04, 0), (0.42, 1.04, 0))])
    points = np.tile(five[2], (68, 1))
    points[0], points[16] = seen(-1.2, 0.2, -0.85), seen(1.2, 0.2, -0.85)
    points[16 if yaw > 0 else 0] = (seen(0, 0, -0.85)[0] + (60 if yaw > 0 else -60), 130)  # an ear behind the face: its outline
    face = Face((100.0, 70.0, 200.0, 200.0), 0.9, five.astype(np.float32), "test")
    parts = FaceParts(np.zeros((300, 300), np.uint8), "test")
    return Subject(face, Landmarks(points.astype(np.float32), "dlib-68"), (slice(0, 300), slice(0, 300)), parts), middle


@pytest.mark.parametrize("yaw", [-60, -40, -20, 0, 20, 40, 60])
def test_what_sits_on_the_head_sits_on_its_middle_also_when_it_is_turned_aside(yaw: float) -> None:
    subject, middle = _turned_aside(yaw)
    assert abs(face_places(subject)["forehead"][0] - middle) < 0.2 * 50


@pytest.mark.parametrize("which", ["crown", "hat", "paper_crown", "halo", "cat", "dog", "flower_crown"])
def test_what_sits_on_a_head_stays_large_and_mostly_within_a_tight_photo(which: str) -> None:
    def changed(photo: np.ndarray, subject: Subject) -> np.ndarray:
        after = effect_of("sticker").apply(photo, [subject], 1.0, which=which)
        return np.asarray(np.abs(after.astype(int) - photo).max(axis=2) > 12)

    tight, subject = drawn_photo(width=300, height=260, side=330, left=-15, top=-20)
    assert subject.face.points[:2, 1].mean() < 1.75 * subject.face.unit_px  # hardly room for a hat
    here, with_room = changed(tight, subject), changed(*drawn_photo(width=900, height=900, side=330, left=285, top=400))
    assert here[:60].any() and 0.25 * with_room.sum() < here.sum() <= 1.05 * with_room.sum()
    if which in ("crown", "paper_crown", "flower_crown", "cat"):
        assert not here[0].any()  # nothing is cut off


def _changed(photo: np.ndarray, after: np.ndarray) -> np.ndarray:
    return np.asarray(np.abs(after.astype(int) - photo).max(axis=2) > 12)


def test_a_party_hat_is_whole_and_more_than_a_third_as_wide_as_the_head_also_where_there_is_little_room() -> None:
    for photo, subject in (
        drawn_photo(width=300, height=260, side=330, left=-15, top=-20),
        drawn_photo(width=900, height=900, side=330, left=285, top=400),
    ):
        after = effect_of("sticker").apply(photo, [subject], 1.0, which="party_hat")
        eyes, unit = subject.face.points[:2].mean(axis=0), subject.face.unit_px
        hat = _changed(photo, after)[: round(eyes[1] - 0.7 * unit)]
        widest = max(float(np.ptp(np.nonzero(row)[0])) for row in hat if row.any())
        assert widest > 0.35 * 2.4 * unit
        assert np.count_nonzero(hat[0]) < 0.2 * unit  # no more than the tip's tinsel is cut


@pytest.mark.parametrize("which", ["cat", "bunny"])
def test_ears_stand_on_a_band_and_end_in_no_haze(which: str) -> None:
    photo, subject = drawn_photo(width=900, height=900, side=330, left=285, top=400)
    photo[:] = (0, 255, 0)
    after = effect_of("sticker").apply(photo, [subject], 1.0, which=which)
    eyes, unit = subject.face.points[:2].mean(axis=0), subject.face.unit_px
    above = after[: round(eyes[1] - 0.6 * unit)].astype(int)
    share = 1 - np.clip((above[:, :, 1] - np.maximum(above[:, :, 0], above[:, :, 2])) / 255, 0, 1)  # green shines through
    assert np.count_nonzero((share > 0.45) & (share < 0.85)) < 0.12 * np.count_nonzero(share >= 0.85)
    middle = share[:, round(eyes[0]) - 3 : round(eyes[0]) + 3]
    assert (middle > 0.95).any(axis=0).all()  # the band, between the ears


@pytest.mark.parametrize("which", ["party_hat", "bunny"])
def test_what_stands_up_high_shrinks_and_moves_to_the_hairline_before_it_is_cut_off(which: str) -> None:
    tight, subject = drawn_photo(width=300, height=260, side=330, left=-15, top=-20)
    after = effect_of("sticker").apply(tight, [subject], 1.0, which=which)
    changed = np.abs(after.astype(int) - tight).max(axis=2) > 12
    eyes, unit = subject.face.points[:2].mean(axis=0), subject.face.unit_px
    above = changed[: round(eyes[1] - 0.5 * unit)]
    assert np.count_nonzero(above[0]) < 0.3 * np.count_nonzero(above.any(axis=0))  # no more than a tip is cut
    assert np.ptp(np.nonzero(above)[0]) > 0.4 * unit and np.ptp(np.nonzero(above)[1]) > 0.5 * unit


def _hanging_over(subject: Subject, x: float) -> Subject:
    """The subject with hair on all that is left of a column."""
    mask = subject.parts.mask.copy()
    mask[:, : round(x)] = part_index("hair")
    return replace(subject, parts=FaceParts(mask, "test"))


def test_hair_that_hangs_over_the_face_hides_what_is_painted_on_it() -> None:
    photo, subject = drawn_photo(width=400, height=400, side=340, left=30, top=30)
    middle = float(subject.face.points[2, 0])
    behind = _hanging_over(subject, middle)
    after = effect_of("sticker").apply(photo, [behind], 1.0, which="hearts")
    changed = np.abs(after.astype(int) - photo).max(axis=2) > 20
    assert not changed[:, : round(middle) - 6].any() and changed[:, round(middle) :].any()


def _yawed(subject: Subject, degrees: float) -> Subject:
    """The subject's mesh turned aside about the vertical axis through the point between its eyes."""
    points = mesh_of(subject.landmarks.points).points.astype(np.float64)
    origin = points[[33, 133, 263, 362]].mean(axis=0)
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    # a point in front of the face (z below 0) moves to the right of the picture for a positive angle
    moved = (points - origin) @ np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]]) + origin
    mesh = Mesh(moved.astype(np.float32), 1.0)
    return replace(subject, mesh=mesh, face=replace(subject.face, points=five_points(mesh)))


def _width(photo: np.ndarray, after: np.ndarray, rows: slice) -> float:
    return float(np.ptp(np.nonzero((np.abs(after.astype(int) - photo).max(axis=2) > 25)[rows])[1]))


def test_a_face_that_turns_aside_foreshortens_what_lies_on_it_and_not_what_sits_on_the_head() -> None:
    photo, subject = drawn_photo(width=500, height=500, side=300, left=100, top=150)
    photo[:] = 128
    widths: dict[str, list[float]] = {"moustache": [], "hat": []}
    for yaw in (0, 30):
        for which, found in widths.items():
            after = effect_of("sticker").apply(photo, [_yawed(subject, yaw)], 1.0, which=which)
            found.append(_width(photo, after, slice(0, 500)))
    assert widths["moustache"][1] / widths["moustache"][0] == pytest.approx(np.cos(np.radians(30)), abs=0.08)
    assert widths["hat"][1] / widths["hat"][0] == pytest.approx(1.0, abs=0.08)


def test_the_arm_of_glasses_is_seen_on_the_near_side_only() -> None:
    photo, subject = drawn_photo(width=500, height=500, side=300, left=100, top=150)
    photo[:] = 128
    subject = replace(subject, parts=FaceParts(np.full_like(subject.parts.mask, part_index("skin")), "test"))
    reach = {}
    for yaw in (-30, 0, 30):
        turned = _yawed(subject, yaw)
        after = effect_of("sticker").apply(photo, [turned], 1.0, which="sunglasses")
        columns = np.nonzero((np.abs(after.astype(int) - photo).max(axis=2) > 40).any(axis=0))[0]
        middle = turned.face.points[:2, 0].mean()
        reach[yaw] = (middle - columns.min(), columns.max() - middle)
    assert reach[30][0] > reach[0][0] + 5 and reach[-30][1] > reach[0][1] + 5
    assert reach[30][1] < reach[0][1] and reach[-30][0] < reach[0][0]


def test_a_wreath_goes_around_the_head_and_turns_with_it() -> None:
    photo, subject = drawn_photo(width=500, height=500, side=300, left=100, top=150)
    photo[:] = 128
    middles, drops = [], []
    for yaw in (-30, 0, 30):
        after = effect_of("sticker").apply(photo, [_yawed(subject, yaw)], 1.0, which="flower_crown")
        y, x = np.nonzero(np.abs(after.astype(int) - photo).max(axis=2) > 40)
        middles.append(float(x[y == y.min()].mean()))  # the front is the highest
        centre = (x.min() + x.max()) / 2
        drops.append(y[np.abs(x - centre) < 10].max() < y.max())
    assert middles[0] < middles[1] - 3 and middles[2] > middles[1] + 3 and all(drops)


def _wearing(subject: Subject, eyes_seen: bool) -> Subject:
    """The subject with glasses on all around its eyes; the eyes are seen through them or not."""
    mask = subject.parts.mask.copy()
    unit = subject.face.unit_px
    for x, y in subject.face.points[:2]:
        rows, columns = (
            slice(round(y - 0.25 * unit), round(y + 0.3 * unit)),
            slice(round(x - 0.45 * unit), round(x + 0.45 * unit)),
        )
        part = mask[rows, columns]
        part[~np.isin(part, [part_index("l_eye"), part_index("r_eye")]) | (not eyes_seen)] = part_index("eye_g")
    return replace(subject, parts=FaceParts(mask, "test"))


@pytest.mark.parametrize("which", ["confetti", "snowflakes"])
def test_what_falls_around_a_head_keeps_off_other_faces(which: str) -> None:
    photo, subject = drawn_photo(width=600, height=400, side=300, left=60, top=40)
    unit = subject.face.unit_px
    at = subject.face.points[:2].mean(axis=0) + np.array([1.6 * unit, 0.2 * unit])
    near = (slice(round(at[1] - unit), round(at[1] + unit)), slice(round(at[0] - 0.8 * unit), round(at[0] + 0.8 * unit)))
    alone = effect_of("sticker").apply(photo, [subject], 1.0, which=which)
    beside = replace(subject, others=((float(at[0]), float(at[1]), unit),))
    after = effect_of("sticker").apply(photo, [beside], 1.0, which=which)
    assert (alone[near] != photo[near]).any() and np.array_equal(after[near], photo[near]) and (after != photo).any()


def test_no_paper_falls_on_the_face() -> None:
    photo, subject = drawn_photo(width=700, height=700, side=300, left=200, top=200)
    after = effect_of("sticker").apply(photo, [subject], 1.0, which="confetti")
    assert (after != photo).any() and not _changed(photo, after)[
        subject.parts.where("skin", "nose", "l_eye", "r_eye", "mouth")
    ].any()


def test_no_second_pair_of_glasses_is_put_over_a_worn_one() -> None:
    photo, subject = drawn_photo()
    dark, clear = _wearing(subject, False), _wearing(subject, True)
    for which, wearer, stays in (("sunglasses", dark, True), ("glasses", clear, True), ("sunglasses", clear, False)):
        after = effect_of("sticker").apply(photo, [wearer], 1.0, which=which)
        assert np.array_equal(after, photo) == stays, which


def test_stickers_are_darker_in_a_dark_photo() -> None:
    photo, subject = drawn_photo()
    dark = (photo * 0.15).astype(np.uint8)
    tops = [effect_of("sticker").apply(one, [subject], 1.0, which="clown_nose").max() for one in (photo, dark)]
    assert tops[1] < 0.8 * tops[0]


def test_a_picture_of_ones_own_goes_where_its_anchors_say(tmp_path: Path) -> None:
    photo, subject = drawn_photo()
    file = _square(tmp_path, {"anchors": {"mouth_left": [0, 10], "mouth_right": [59, 10]}})
    after = effect_of("sticker").apply(photo, [subject], 1.0, picture=str(file))
    y, x = np.nonzero((after == (255, 0, 0)).all(axis=2))
    places = face_places(subject)
    assert x.min() == pytest.approx(places["mouth_left"][0], abs=2) and x.max() == pytest.approx(places["mouth_right"][0], abs=2)
    assert y.mean() == pytest.approx(places["mouth"][1], abs=2)


def test_a_picture_without_anchors_goes_to_the_place_that_is_named(tmp_path: Path) -> None:
    photo, subject = drawn_photo()
    file = _square(tmp_path)
    heights = []
    for place in ("forehead", "eyes", "nose", "mouth"):
        after = effect_of("sticker").apply(photo, [subject], 1.0, picture=str(file), place=place)
        heights.append(np.nonzero((after != photo).any(axis=2))[0].mean())
    assert heights == sorted(heights)


def test_half_the_strength_is_half_transparent(tmp_path: Path) -> None:
    photo, subject = drawn_photo()
    photo[:] = 100
    after = effect_of("sticker").apply(photo, [subject], 0.5, picture=str(_square(tmp_path)))
    changed = after[(after != photo).any(axis=2)]
    assert np.median(changed[:, 0]) == pytest.approx((100 + 255) / 2, abs=2) and np.median(changed[:, 1]) == pytest.approx(
        50, abs=2
    )


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    file = _square(tmp_path)
    assert read_sticker(file).pixels.shape == (20, 60, 4)
    Image.fromarray(np.full((5, 7, 3), 9, np.uint8)).save(file)
    import os

    os.utime(file, (1, 1))
    again = read_sticker(file)
    assert again.pixels.shape == (5, 7, 4) and (again.pixels[..., 3] == 1).all()


@pytest.mark.parametrize(
    ("anchors", "words"),
    [
        ({"anchors": {"left_eey": [1, 2], "nose": [3, 4]}}, r"'left_eey' is no place of a face \(did you mean 'left_eye'\?\)"),
        ({"anchors": {"nose": [1, 2]}}, r"1 anchor\(s\)\. Two at different places are needed"),
        ({"anchors": {"nose": [1, 2], "chin": [1, 2]}}, "Two at different places are needed"),
        ({"anchors": {"nose": [1, 2, 3], "chin": [1, 2]}}, "no anchors"),
        ({"anchors": {"nose": ["a", 2], "chin": [1, 2]}}, "no anchors"),
        ({"anchors": {"nose": [float("nan"), 2], "chin": [1, 2]}}, "is not finite"),
        ({"places": {}}, "no anchors"),
        ([1, 2], "no anchors"),
    ],
)
def test_anchors_that_are_none_are_said(tmp_path: Path, anchors: object, words: str) -> None:
    file = _square(tmp_path, anchors).with_suffix(".json")
    with pytest.raises(SettingsError, match=words) as problem:
        read_anchors(file)
    assert "mark.json" in str(problem.value)


def test_a_sticker_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"none\.png is not there"):
        read_sticker(tmp_path / "none.png")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with pytest.raises(LianpuError, match=r"broken\.png"):
        read_sticker(broken)
    huge = tmp_path / "huge.png"
    Image.new("RGB", (5000, 50)).save(huge)
    with pytest.raises(PictureError, match="5000 x 50 pixels; stickers have at most 4096"):
        read_sticker(huge)


def test_a_folder_is_no_sticker_and_endless_anchors_are_one_line(tmp_path: Path) -> None:
    for folder in (Path(), tmp_path):
        with pytest.raises(PictureError, match=r"is a folder\. Give a picture"):
            read_sticker(folder)
    Image.new("RGBA", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "a.json").write_text('{"anchors": {"left_eye": [1' + "0" * 400 + ', 2], "right_eye": [3, 4]}}')
    with pytest.raises(SettingsError, match="no anchors"):
        read_sticker(tmp_path / "a.png")
