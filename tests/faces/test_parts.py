"""The parts of faces in whole photos, and which parser is loaded for which name."""

import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from scipy import ndimage

from lianpu.dataset.drawn import draw_face
from lianpu.errors import LianpuError, ModelError, SettingsError, WeightsError
from lianpu.face_parsing.networks.bisenet import BiSeNet
from lianpu.face_parsing.runtime import FaceParser
from lianpu.face_parsing.torch_parsers import PublishedParser
from lianpu.faces.alignment import TEMPLATES
from lianpu.faces.parts import BUNDLED_PARSER, all_parts, load_parser, parse_faces, parse_windows, probability_over
from lianpu.faces.results import Face, FaceParts
from lianpu.models import table as weights
from lianpu.models.store.locate import find_model_file
from lianpu.models.table import MODEL_FILES, model_file
from lianpu.part_names import BISENET_ORDER, PART_INDEX, PARTS
from lianpu.photo.reading import read_image
from tests.support.colour_parser import paint, write_colour_parser
from tests.support.shared import REAL_FACES, needs
from tests.support.subjects import drawn_photo

SIDE = 128


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> FaceParser:
    return load_parser(write_colour_parser(tmp_path_factory.mktemp("model") / "colours.onnx", SIDE))


def _face(middle: tuple[float, float], width_px: float, degrees: float = 0.0) -> Face:
    """A face whose aligned crop is a square of `width_px` around `middle`, turned."""
    scale = width_px / 512
    turn = np.deg2rad(degrees)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = (TEMPLATES["celebamask-hq"].points - 255.5) @ matrix.T + middle
    x, y = middle
    half = width_px / 3
    return Face((x - half, y - half, x + half, y + half), 0.9, points.astype(np.float32), "made")


def _photo_mask(width: int, height: int) -> np.ndarray:
    """A photo's mask: a drawn face in its middle, large."""
    side = max(width, height)
    mask = draw_face(2, 4, 512).mask
    large = np.asarray(Image.fromarray(mask).resize((side, side), Image.Resampling.NEAREST))
    top, left = (side - height) // 2, (side - width) // 2
    return large[top : top + height, left : left + width]


def _away_from_edges(mask: np.ndarray, px: int) -> np.ndarray:
    """Where all pixels within `px` have the same class."""
    side = 2 * px + 1
    return ndimage.minimum_filter(mask, side) == ndimage.maximum_filter(mask, side)


@pytest.mark.parametrize(
    ("middle", "width_px", "degrees"),
    [
        ((150, 120), 200, 0),
        ((150, 120), 190, 30),
        ((160, 110), 128, -75),
        ((140, 130), 420, 10),
        ((20, 30), 180, 0),
        ((150, 120), 70, 180),
    ],
)
def test_parts_lie_in_the_photo_where_they_are(
    middle: tuple[float, float], width_px: float, degrees: float, colours: FaceParser
) -> None:
    truth = _photo_mask(300, 240)
    (parts,) = parse_faces(paint(truth), [_face(middle, width_px, degrees)], colours)
    y, x = np.mgrid[:240, :300]
    turn = np.deg2rad(-degrees)
    across = np.cos(turn) * (x - middle[0]) - np.sin(turn) * (y - middle[1])
    down = np.sin(turn) * (x - middle[0]) + np.cos(turn) * (y - middle[1])
    reach = np.maximum(abs(across), abs(down))
    px = max(2, round(2.5 * width_px / SIDE))
    inside = (reach < width_px / 2 - px) & _away_from_edges(truth, px)
    assert inside.sum() > 500 and (parts.mask[inside] == truth[inside]).all()
    assert not parts.mask[reach > width_px / 2 + 2].any()
    near_edges = reach < width_px / 2 - px
    assert (parts.mask[near_edges] == truth[near_edges]).mean() > 0.9
    assert parts.parser == "colours" and parts.mask.shape == (240, 300)


def test_no_pixel_belongs_to_two_faces_and_the_nearer_one_has_it(colours: FaceParser) -> None:
    photo = paint(np.full((200, 400), PART_INDEX["hair"], dtype=np.uint8))
    one, other = parse_faces(photo, [_face((130, 100), 200), _face((250, 100), 200)], colours)
    hair_one, hair_other = one.where("hair"), other.where("hair")
    assert not (hair_one & hair_other).any()
    middle = (130 + 250) / 2
    assert hair_one[10:190, 40 : int(middle) - 1].all() and hair_other[10:190, int(middle) + 2 : 340].all()
    assert np.array_equal(all_parts([one, other], 200, 400) == PART_INDEX["hair"], hair_one | hair_other)


def test_a_larger_face_reaches_further_than_a_small_one_beside_it(colours: FaceParser) -> None:
    photo = paint(np.full((300, 400), PART_INDEX["skin"], dtype=np.uint8))
    large, small = parse_faces(photo, [_face((150, 150), 280), _face((290, 150), 100)], colours)
    row = 150
    assert large.mask[row, 150 : 150 + 70].all() and small.mask[row, 260:330].all() and not (large.mask & small.mask).any()


def test_many_faces_come_back_in_their_order_and_no_face_gives_nothing(colours: FaceParser) -> None:
    truth = np.zeros((60, 1000), dtype=np.uint8)
    faces = [_face((50 + 100 * index, 30), 60) for index in range(10)]
    for index in range(10):
        truth[:, 100 * index : 100 * index + 100] = index + 1
    parts = parse_faces(paint(truth), faces, colours)
    assert [int(one.mask[30, 50 + 100 * index]) for index, one in enumerate(parts)] == list(range(1, 11))
    assert parse_faces(paint(truth), [], colours) == ()
    assert not all_parts([], 4, 5).any()


def test_a_face_outside_of_the_photo_is_all_background(colours: FaceParser) -> None:
    photo = paint(np.full((50, 50), PART_INDEX["skin"], dtype=np.uint8))
    (parts,) = parse_faces(photo, [_face((400, 400), 60)], colours)
    assert not parts.mask.any()


def test_crops_of_another_size_than_the_network_s_come_back_in_theirs(colours: FaceParser) -> None:
    truth = draw_face(0, 3, 256).mask
    (mask,) = colours.parse_crops([paint(truth)])
    assert mask.shape == (256, 256) and (mask == truth).mean() > 0.97
    assert colours.parse_crops([]).shape[0] == 0
    with pytest.raises(ValueError, match=r"crops are square and of one size"):
        colours.parse_crops([np.zeros((8, 9, 3), np.uint8)])


def test_only_some_faces_are_parsed_and_the_others_keep_what_is_nearer_to_them(colours: FaceParser) -> None:
    photo = paint(np.full((200, 400), PART_INDEX["hair"], dtype=np.uint8))
    faces = [_face((130, 100), 200), _face((250, 100), 200)]
    both, one = parse_windows(photo, faces, colours), parse_windows(photo, faces, colours, only=[1])
    assert one[0] is None and one[1] is not None and both[1] is not None
    assert one[1][0] == both[1][0] and np.array_equal(one[1][1], both[1][1])


def test_probabilities_come_from_the_parser_of_the_parts_whatever_its_name(tmp_path: Path) -> None:
    photo, subject = drawn_photo()
    without = load_parser(write_colour_parser(tmp_path / "small.onnx", 64))
    (parts,) = parse_faces(photo, [subject.face], without)
    assert parts.parser == "small" and probability_over(photo, replace(subject, parts=parts), "hair", (26, 30)) is None
    bundled = find_model_file(BUNDLED_PARSER)
    assert bundled is not None
    own = load_parser(shutil.copy(bundled, tmp_path / "own.onnx"), threads=1)
    (parts,) = parse_faces(photo, [subject.face], own)
    assert parts.parser == "own" and parts.soft is own
    hair = probability_over(photo, replace(subject, parts=parts), "hair", (260, 300))
    assert hair is not None and hair[parts.where("hair")].mean() > 0.7 > 0.3 > hair[~parts.where("hair")].mean()
    sent = pickle.loads(pickle.dumps(parts))
    assert np.array_equal(sent.mask, parts.mask) and sent.soft is None


def test_averaged_probabilities_are_taken_as_they_are() -> None:
    photo, subject = drawn_photo()
    shares = np.zeros((len(PARTS), 64, 64), dtype=np.float32)
    shares[PART_INDEX["hair"], :32] = 0.6
    soft = replace(subject, parts=FaceParts(subject.parts.mask, "drawn", shares))
    hair = probability_over(photo, soft, "hair", (260, 300))
    middle = subject.face.points[2]  # the crop's middle lies between the eyes and the tip of the nose
    assert hair is not None and hair[int(middle[1]) + 20, int(middle[0])] == 0
    assert hair[int(middle[1]) - 45, int(middle[0])] == pytest.approx(0.6, abs=0.01)
    small = soft.scaled((0.5, 0.5), (150, 130))
    assert small.parts.soft is shares


def test_classes_in_another_order_are_mapped_by_name(tmp_path: Path) -> None:
    parser = load_parser(write_colour_parser(tmp_path / "theirs.onnx", 64, BISENET_ORDER))
    truth = np.repeat(np.arange(19, dtype=np.uint8), 64 * 64 // 19 + 1)[: 64 * 64].reshape(64, 64)
    assert np.array_equal(parser.parse_crops([paint(truth)])[0], truth)


def test_a_pth_file_is_taken_to_be_in_the_published_form(tmp_path: Path) -> None:
    torch.save(BiSeNet().state_dict(), tmp_path / "mine.pth")
    parser = load_parser(tmp_path / "mine.pth")
    assert isinstance(parser, PublishedParser) and parser.name == "mine" and "non-commercial" in parser.licence


def _refused(file: Path, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        load_parser(file)


def test_broken_and_absent_files_are_refused(tmp_path: Path) -> None:
    good = write_colour_parser(tmp_path / "good.onnx", 64)
    (tmp_path / "cut.onnx").write_bytes(good.read_bytes()[:200])
    _refused(tmp_path / "cut.onnx", r"cut\.onnx cannot be loaded as ONNX .*Export it again")
    _refused(tmp_path / "none.onnx", r"none\.onnx is not there")
    _refused(tmp_path, r"is no parser's training \(it has no config\.json\)")


def test_models_of_other_classes_are_refused(tmp_path: Path) -> None:
    beard = write_colour_parser(tmp_path / "beard.onnx", 64, ["background", "skin", "beard"])
    _refused(beard, r"beard\.onnx gives classes that are not ours: 'beard' is no part of a face")
    fewer = load_parser(write_colour_parser(tmp_path / "fewer.onnx", 64, parts=["background", "skin"]))
    with pytest.raises(ModelError, match=r"fewer\.onnx gave \(1, 64, 64\) with classes up to 7, expected .* below 2"):
        fewer.parse_crops([paint(np.full((64, 64), 7, np.uint8))])


def test_a_file_whose_description_is_wrong_is_refused(tmp_path: Path) -> None:
    arcface = write_colour_parser(tmp_path / "arc.onnx", 64, alignment="arcface")
    _refused(arcface, r"takes faces aligned to 'arcface', not to 'celebamask-hq'")
    large = write_colour_parser(tmp_path / "size.onnx", 64, size_px="large")
    _refused(large, r"has a damaged metadata entry 'lianpu_parser'")
    smaller = load_parser(write_colour_parser(tmp_path / "smaller.onnx", 64, size_px=32))
    with pytest.raises(ModelError, match=r"smaller\.onnx cannot run on crops of 32 pixels"):
        smaller.parse_crops([np.zeros((32, 32, 3), np.uint8)])


def test_a_file_that_does_not_describe_itself_or_has_other_ends_is_refused(tmp_path: Path) -> None:
    good = write_colour_parser(tmp_path / "good.onnx", 64)
    model = onnx.load(str(good))
    del model.metadata_props[:]
    onnx.save_model(model, str(tmp_path / "silent.onnx"))
    _refused(tmp_path / "silent.onnx", r"silent\.onnx does not say which classes it gives")
    model.metadata_props.add(key="lianpu_parser", value=json.dumps(_described(good)))
    model.graph.output[0].name = model.graph.node[-1].output[0] = "classes"
    onnx.save_model(model, str(tmp_path / "ends.onnx"))
    _refused(tmp_path / "ends.onnx", r"takes image and gives classes; a parser takes image and gives parts")


def _described(file: Path) -> dict[str, object]:
    entries = {entry.key: entry.value for entry in onnx.load(str(file)).metadata_props}
    described: dict[str, object] = json.loads(entries["lianpu_parser"])
    return described


def test_unknown_names_and_absent_weights_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"'bisnet' is no parser \(did you mean 'bisenet'\?\)\. Known: auto, small, bisenet"):
        load_parser("bisnet")
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path))
    with pytest.raises(WeightsError, match=r"79999_iter\.pth .* is not on this machine"):
        load_parser("bisenet")


def test_only_commercial_files_are_loaded_when_that_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    free = write_colour_parser(tmp_path / "free.onnx", 32)
    bound = write_colour_parser(tmp_path / "bound.onnx", 32, licence="non-commercial research only")
    monkeypatch.setenv("LIANPU_COMMERCIAL_SAFE", "1")
    assert load_parser(free).licence == "free for any use"
    with pytest.raises(WeightsError, match=r"bound\.onnx may not be used commercially: non-commercial research only"):
        load_parser(bound)
    with pytest.raises(LianpuError, match=r"may not be used commercially"):
        load_parser("bisenet")
    for name in ("auto", "small"):
        with pytest.raises(WeightsError, match=r"face-parser-small\.onnx may not be used commercially: .* name it: --parser RUN"):
            load_parser(name)


def test_the_shipped_parser_is_here_without_a_download_and_its_bytes_are_checked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path))
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    parser = load_parser("auto")
    assert parser.name == "small" and parser.licence == model_file("face-parser-small").licence
    shutil.copy(parser.file, tmp_path / parser.file.name)
    with (tmp_path / parser.file.name).open("r+b") as copy:
        copy.write(b"x")
    with pytest.raises(WeightsError, match=r"is not face-parser-small: expected SHA-256 .* --force-reinstall --no-deps lianpu"):
        load_parser("small")


def test_an_installation_without_its_parser_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tuple(replace(entry, package_folder="lianpu/nowhere") for entry in MODEL_FILES)
    monkeypatch.setattr(weights, "MODEL_FILES", elsewhere)
    with pytest.raises(WeightsError, match=r"face-parser-small\.onnx .* Install Lianpu again .* or name another parser"):
        load_parser()


@needs(REAL_FACES)
def test_the_shipped_parser_finds_hair_and_skin_of_a_real_face_in_a_photo() -> None:
    parser = load_parser()
    assert parser.name == "small" and "non-commercial" in parser.licence
    picture = read_image(REAL_FACES / "images" / "000803.jpg")
    truth = np.asarray(Image.open(REAL_FACES / "masks" / "000803.png"))
    photo = np.full((900, 1100, 3), 128, dtype=np.uint8)
    photo[200:712, 300:812] = picture
    (parts,) = parse_faces(photo, [_face((300 + 255.5, 200 + 255.5), 512)], parser)
    found = parts.mask[200:712, 300:812]
    for name in ("hair", "skin", "nose", "l_eye", "r_eye"):
        index = PARTS.index(name)
        overlap = ((found == index) & (truth == index)).sum() / ((found == index) | (truth == index)).sum()
        assert overlap > (0.6 if "eye" in name else 0.8), name
