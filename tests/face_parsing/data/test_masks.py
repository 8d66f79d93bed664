"""Faces with masks from every layout in one form, and the folders that are refused."""

import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lianpu.dataset.drawn import draw_dataset, draw_face
from lianpu.errors import DataError, SettingsError
from lianpu.face_parsing.data.mask_files import IGNORED, IndexMask, PartMasks, write_mask
from lianpu.face_parsing.data.masks import open_parsing_set, read_official_split
from lianpu.part_names import BISENET_ORDER, PARTS

SIDE = 32


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_dataset(tmp_path_factory.mktemp("masks") / "faces", count=6, size_px=SIDE, seed=3, held_out=2)


def _save(file: Path, values: np.ndarray) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values.astype(np.uint8)).save(file)
    return file


def _as_downloaded(root: Path, numbers: Sequence[int]) -> dict[int, np.ndarray]:
    """CelebAMask-HQ's own layout with drawn faces: pictures of twice the masks' side, a file per part that is there."""
    masks = {}
    for number in numbers:
        face = draw_face(1, number, SIDE)
        masks[number] = face.mask
        _save(root / "CelebA-HQ-img" / f"{number}.jpg", draw_face(1, number, 2 * SIDE).picture)
        for index in np.unique(face.mask)[1:]:
            white = np.where(face.mask == index, 255, 0)
            _save(
                root / "CelebAMask-HQ-mask-anno" / str(number // 2000) / f"{number:05d}_{PARTS[index]}.png",
                np.stack([white] * 3, -1),
            )
    return masks


def test_real_faces_are_read_with_their_masks_and_split(real_faces: Path) -> None:
    data = open_parsing_set(real_faces)
    assert (len(data.train), len(data.val), len(data.test)) == (800, 100, 0)
    assert data.split_from == "train.txt and val.txt" and data.val.names[0] == "000801.jpg" and data.val.split == "val"
    picture, mask = data.val.read(0)
    assert picture.shape == (512, 512, 3) and mask.shape == (512, 512) and mask.dtype == picture.dtype == np.uint8
    left_eye, right_eye = (np.nonzero(mask == PARTS.index(name))[1].mean() for name in ("l_eye", "r_eye"))
    assert left_eye > 256 > right_eye  # the subject's left is on the picture's right
    assert np.array_equal(data.val.read_mask(0), mask)
    assert "non-commercial" in data.licence


def test_drawn_faces_come_back_with_the_masks_that_were_drawn(drawn: Path) -> None:
    data = open_parsing_set(drawn)
    face = draw_face(3, 0, SIDE)
    picture, mask = data.train.read(0)
    assert np.array_equal(picture, face.picture) and np.array_equal(mask, face.mask)
    assert (len(data.train), len(data.val)) == (4, 2) and data.licence.startswith("drawn by a program")


def test_faces_can_be_sent_to_another_process(drawn: Path) -> None:
    faces = open_parsing_set(drawn).val
    again = pickle.loads(pickle.dumps(faces))
    assert again.names == faces.names and np.array_equal(again.read_mask(1), faces.read_mask(1))


def test_separate_part_files_become_one_mask_and_the_picture_its_size(tmp_path: Path) -> None:
    masks = _as_downloaded(tmp_path, [0, 1, 2, 10, 2001])
    data = open_parsing_set(tmp_path)
    assert data.layout == "CelebAMask-HQ as downloaded" and data.split_from.startswith("the hash of the names")
    names = [*data.train.names, *data.val.names]
    assert sorted(names) == ["0.jpg", "1.jpg", "10.jpg", "2.jpg", "2001.jpg"] and len(data.val) >= 1
    for faces in (data.train, data.val):
        for index, name in enumerate(faces.names):
            picture, mask = faces.read(index)
            assert np.array_equal(mask, masks[int(Path(name).stem)]) and picture.shape == (SIDE, SIDE, 3)


def test_parts_are_painted_in_the_official_order_the_later_over_the_earlier(tmp_path: Path) -> None:
    everywhere = np.full((4, 4), 255)
    left = everywhere.copy()
    left[:, 2:] = 0
    files = {"hair": _save(tmp_path / "hair.png", left), "skin": _save(tmp_path / "skin.png", everywhere)}
    mask = PartMasks(files).read()
    assert (mask[:, :2] == PARTS.index("hair")).all() and (mask[:, 2:] == PARTS.index("skin")).all()


def test_the_official_split_has_its_borders_where_celeba_has_them(tmp_path: Path) -> None:
    mapping = tmp_path / "CelebA-HQ-to-CelebA-mapping.txt"
    places = [0, 162770, 162771, 182637, 182638, 202598]
    rows = [f"{number}  {place}  {place + 1:06d}.jpg" for number, place in enumerate(places)]
    mapping.write_text("\n".join(["idx     orig_idx        orig_file", *rows]) + "\n")
    assert list(read_official_split(mapping).values()) == ["train", "train", "val", "val", "test", "test"]
    _as_downloaded(tmp_path, range(6))
    data = open_parsing_set(tmp_path)
    assert (data.train.names, data.val.names, data.test.names) == (("0.jpg", "1.jpg"), ("2.jpg", "3.jpg"), ("4.jpg", "5.jpg"))
    assert data.split_from == "CelebA-HQ-to-CelebA-mapping.txt" and data.faces("test") is data.test


def test_masks_in_the_order_of_the_published_bisenet_are_mapped_by_name(tmp_path: Path) -> None:
    face = draw_face(1, 0, SIDE)
    theirs = np.array([BISENET_ORDER.index(name) for name in PARTS])[face.mask]
    _save(tmp_path / "CelebA-HQ-img" / "0.jpg", face.picture)
    _save(tmp_path / "mask" / "0.png", theirs)
    data = open_parsing_set(tmp_path)
    assert data.layout.startswith("zllrunning") and np.array_equal(data.train.read_mask(0), face.mask)


def test_masks_made_by_the_official_script_are_in_our_order_already(tmp_path: Path) -> None:
    face = draw_face(1, 0, SIDE)
    _save(tmp_path / "CelebA-HQ-img" / "0.jpg", face.picture)
    _save(tmp_path / "CelebAMask-HQ-mask" / "0.png", np.stack([face.mask] * 3, -1))
    assert np.array_equal(open_parsing_set(tmp_path).train.read_mask(0), face.mask)


def test_a_written_mask_is_read_back_and_unknown_pixels_stay_unknown(tmp_path: Path) -> None:
    mask = np.arange(20, dtype=np.uint8).reshape(4, 5)
    mask[3, 4] = IGNORED
    assert np.array_equal(IndexMask(write_mask(tmp_path / "a.png", mask)).read(), mask)


def test_the_same_set_has_the_same_fingerprint_and_another_split_another(drawn: Path, tmp_path: Path) -> None:
    assert open_parsing_set(drawn).fingerprint == open_parsing_set(str(drawn)).fingerprint
    other = _copy(drawn, tmp_path)
    (other / "val.txt").write_text("000005.png\n")
    assert open_parsing_set(other).fingerprint != open_parsing_set(drawn).fingerprint


def _copy(drawn: Path, target: Path) -> Path:
    for folder in ("images", "masks"):
        for file in (drawn / folder).iterdir():
            (target / folder).mkdir(exist_ok=True)
            (target / folder / file.name).write_bytes(file.read_bytes())
    for name in ("train.txt", "val.txt"):
        (target / name).write_text((drawn / name).read_text())
    return target


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full((4, 4), 19), r"a\.png has the values 19, which are no class: 0 to 18"),
        (np.arange(100, 116).reshape(4, 4), r"has the values 100, 101, 102, 103, 104, \.\.\., which are no class"),
        (np.arange(48).reshape(4, 4, 3), r"a\.png is a coloured picture \(RGB\)"),
    ],
)
def test_a_mask_that_holds_no_classes_is_refused_with_its_values(values: np.ndarray, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        IndexMask(_save(tmp_path / "a.png", values)).read()


def test_a_broken_mask_is_refused_with_its_name(tmp_path: Path) -> None:
    file = _save(tmp_path / "a.png", np.zeros((64, 64)))
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(DataError, match=r"a\.png cannot be read as a mask"):
        IndexMask(file).read()
    with pytest.raises(DataError, match=r"b\.png is not there"):
        IndexMask(tmp_path / "b.png").read()


def test_a_picture_that_does_not_fit_its_mask_is_refused_with_both_sizes(drawn: Path, tmp_path: Path) -> None:
    root = _copy(drawn, tmp_path)
    _save(root / "masks" / "000001.png", np.zeros((SIDE, SIDE + 2)))
    with pytest.raises(DataError, match=r"000001\.png is 32x32 pixels, its mask .*000001\.png is 34x32"):
        open_parsing_set(root).train.read(0)


def test_part_files_of_two_sizes_are_refused(tmp_path: Path) -> None:
    files = {
        "skin": _save(tmp_path / "00000_skin.png", np.ones((4, 4))),
        "hair": _save(tmp_path / "00000_hair.png", np.ones((5, 5))),
    }
    with pytest.raises(DataError, match=r"00000_hair\.png is 5x5 pixels, the face's other parts are 4x4"):
        PartMasks(files).read()


def test_missing_files_are_counted_and_named(drawn: Path, tmp_path: Path) -> None:
    root = _copy(drawn, tmp_path)
    (root / "masks" / "000002.png").unlink()
    with pytest.raises(DataError, match=r"1 of 6 pictures have no mask: 000002\.png"):
        open_parsing_set(root)
    (root / "images" / "000003.png").unlink()
    with pytest.raises(DataError, match=r"1 of 6 pictures are named in its lists but not on disk: 000003\.png"):
        open_parsing_set(root)


def test_a_misspelled_part_file_is_refused_with_the_nearest_part(tmp_path: Path) -> None:
    _as_downloaded(tmp_path, [0])
    folder = tmp_path / "CelebAMask-HQ-mask-anno" / "0"
    (folder / "00000_hair.png").rename(folder / "00000_hiar.png")
    with pytest.raises(DataError, match=r"1 files that name no part, first 0/00000_hiar\.png \(did you mean 'hair'\?\)"):
        open_parsing_set(tmp_path)


def test_splits_that_cannot_be_meant_are_refused(drawn: Path, tmp_path: Path) -> None:
    root = _copy(drawn, tmp_path)
    (root / "val.txt").write_text("000001.png\n")
    with pytest.raises(DataError, match=r"val\.txt names 000001\.png, which is in train\.txt already"):
        open_parsing_set(root)
    (root / "val.txt").unlink()
    with pytest.raises(DataError, match=r"has only train\.txt: train\.txt and val\.txt are both needed"):
        open_parsing_set(root)
    with pytest.raises(SettingsError, match=r"'vall' is no split \(did you mean 'val'\?\)"):
        open_parsing_set(drawn).faces("vall")
    with pytest.raises(SettingsError, match=r"has no test faces \(split from train\.txt and val\.txt\)"):
        open_parsing_set(drawn).faces("test")


def test_a_broken_mapping_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "mapping.txt"
    file.write_text("idx orig_idx orig_file\n0 5 000006.jpg\none two\n")
    with pytest.raises(DataError, match=r"mapping\.txt, line 3: expected a face's number and its place in CelebA, got 'one two'"):
        read_official_split(file)


def test_a_folder_of_no_known_layout_is_refused_with_those_known(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is of no known layout\. Known: images/ and masks/"):
        open_parsing_set(tmp_path)
    with pytest.raises(DataError, match=r"nothing is no folder"):
        open_parsing_set(tmp_path / "nothing")
    (tmp_path / "CelebA-HQ-img").mkdir()
    with pytest.raises(DataError, match=r"has pictures in CelebA-HQ-img but no masks"):
        open_parsing_set(tmp_path)
    (tmp_path / "mask").mkdir()
    with pytest.raises(DataError, match=r"has no pictures"):
        open_parsing_set(tmp_path)


def test_a_mask_that_is_too_long_for_native_code_is_refused_as_a_photo_is(tmp_path: Path) -> None:
    Image.new("L", (40_000, 8)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png cannot be read as a mask \(is 40000 x 8 pixels"):
        IndexMask(tmp_path / "a.png").read()
