"""Files in the form of 79999_iter.pth: loaded as they are, their classes by name, left and right by place."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lianpu.errors import ModelError
from lianpu.face_parsing.data.masks import open_parsing_set
from lianpu.face_parsing.networks.bisenet import BiSeNet
from lianpu.face_parsing.torch_parsers import PartsForm, PublishedParser, load_bisenet, sides_by_place
from lianpu.imaging.picture import to_batch
from lianpu.part_names import BISENET_ORDER, PART_INDEX, PARTS, SIDES, mirrored_index


@pytest.fixture(scope="module")
def network() -> BiSeNet:
    torch.manual_seed(1)
    return BiSeNet().eval()


@pytest.fixture(scope="module")
def file(network: BiSeNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights under the published names, saved as torch saved in 2019."""
    path = tmp_path_factory.mktemp("published") / "79999_iter.pth"
    torch.save(network.state_dict(), path, _use_new_zipfile_serialization=False)
    return path


def _same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(first, second) for first, second in pairs)


def test_a_file_of_that_form_is_loaded_as_it_is(file: Path, network: BiSeNet) -> None:
    loaded = load_bisenet(file)
    assert _same(loaded, network) and not loaded.training


def test_counters_prefixes_and_wrappings_of_other_programs_do_not_matter(network: BiSeNet, tmp_path: Path) -> None:
    state = network.state_dict()
    forms = {
        "no_counters": {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")},
        "parallel": {f"module.{name}": tensor for name, tensor in state.items()},
        "wrapped": {"state_dict": dict(state)},
    }
    for name, form in forms.items():
        torch.save(form, tmp_path / f"{name}.pth")
        assert _same(load_bisenet(tmp_path / f"{name}.pth"), network), name


def test_its_classes_are_ours_by_name_whatever_their_order(file: Path, network: BiSeNet) -> None:
    crops = [np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)]
    with torch.inference_mode():
        theirs = PartsForm(network)(to_batch(crops)).numpy()[0]
    ours = PublishedParser(file).parse_crops(crops)[0]
    sided = {name for pair in SIDES for name in pair}
    for index, name in enumerate(BISENET_ORDER):
        if name not in sided:
            assert np.array_equal(theirs == index, ours == PARTS.index(name)), name
    assert len(np.unique(ours)) > 3


def test_left_and_right_follow_from_the_place_and_not_from_what_was_said() -> None:
    mask = np.zeros((8, 12), dtype=np.uint8)
    mask[4:6, 5:7] = PART_INDEX["nose"]
    mask[2:4, 1:4] = PART_INDEX["l_eye"]  # wrong: on the picture's left is the subject's right
    mask[2:4, 8:10], mask[2:4, 10] = PART_INDEX["r_eye"], PART_INDEX["l_eye"]  # one eye, half one and half the other
    mask[0, 1:11] = PART_INDEX["l_brow"]  # brows that have grown together
    mask[7, 0] = PART_INDEX["l_lip"]  # the lower lip has no side
    decided = sides_by_place(mask)
    assert (decided[2:4, 1:4] == PART_INDEX["r_eye"]).all() and (decided[2:4, 8:11] == PART_INDEX["l_eye"]).all()
    assert (decided[0, 1:6] == PART_INDEX["r_brow"]).all() and (decided[0, 6:11] == PART_INDEX["l_brow"]).all()
    assert decided[7, 0] == PART_INDEX["l_lip"] and (decided == 0).sum() == (mask == 0).sum()


def test_without_a_nose_the_skin_and_without_skin_the_middle_says_what_is_left() -> None:
    mask = np.zeros((4, 20), dtype=np.uint8)
    mask[0, 6] = PART_INDEX["l_ear"]
    assert sides_by_place(mask)[0, 6] == PART_INDEX["r_ear"]
    mask[2, 0:9] = PART_INDEX["skin"]
    assert sides_by_place(mask)[0, 6] == PART_INDEX["l_ear"]


@pytest.mark.parametrize("confusion", ["swapped", "noise"])
def test_on_real_faces_the_place_finds_the_true_side(confusion: str, real_faces: Path) -> None:
    """However left and right were confused, at least 99 % of the pixels of eyes, brows and ears get their true side back."""
    faces = open_parsing_set(real_faces).val
    stream = np.random.default_rng(0)
    right = total = 0
    for index in range(len(faces)):
        truth = faces.read_mask(index)[::2, ::2]
        wrong = mirrored_index()[truth]
        confused = wrong if confusion == "swapped" else np.where(stream.random(truth.shape) < 0.5, wrong, truth)
        sided = wrong != truth
        right += int((sides_by_place(confused) == truth)[sided].sum())
        total += int(sided.sum())
    assert right / total > 0.99


def test_other_files_are_refused_with_what_is_wrong(network: BiSeNet, tmp_path: Path) -> None:
    state = network.state_dict()
    torch.save({name: tensor for name, tensor in state.items() if not name.startswith("ffm.conv1")}, tmp_path / "less.pth")
    with pytest.raises(ModelError, match=r"less\.pth is no BiSeNet of 19 classes \(ffm\.conv1\.weight is missing\)"):
        load_bisenet(tmp_path / "less.pth")
    torch.save(BiSeNet(classes=11).state_dict(), tmp_path / "eleven.pth")
    with pytest.raises(ModelError, match=r"conv_out\.conv_out\.weight is 11x256x1x1, not 19x256x1x1"):
        load_bisenet(tmp_path / "eleven.pth")
    torch.save({"epoch": 3, "weights": [1, 2]}, tmp_path / "table.pth")
    with pytest.raises(ModelError, match=r"table\.pth holds no table of weights"):
        load_bisenet(tmp_path / "table.pth")
    torch.save(network, tmp_path / "module.pth")
    with pytest.raises(ModelError, match=r"module\.pth holds more than weights and might run code"):
        load_bisenet(tmp_path / "module.pth")


def test_broken_files_are_refused(file: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.pth").write_bytes(file.read_bytes()[:1000])
    (tmp_path / "empty.pth").write_bytes(b"")
    (tmp_path / "text.pth").write_text("Not found")
    for name in ("cut.pth", "empty.pth", "text.pth"):
        with pytest.raises(ModelError, match=rf"{name} is (empty|damaged or cut off).*Get it again"):
            load_bisenet(tmp_path / name)
    with pytest.raises(ModelError, match=r"none\.pth is not there"):
        load_bisenet(tmp_path / "none.pth")
    with pytest.raises(ModelError, match=r"is a folder"):
        load_bisenet(tmp_path)
