"""The table of pretrained model files holds together, and the page about licences tells the same."""

import hashlib
import re
from importlib import resources
from pathlib import Path

import pytest

from lianpu.errors import WeightsError
from lianpu.models.table import MODEL_FILES, OUR_PACKAGE, ModelFile, model_file, model_files

DOCS = Path(__file__).parents[2] / "docs" / "weights-and-licences.md"


@pytest.mark.parametrize("entry", MODEL_FILES, ids=lambda entry: entry.name)
def test_every_entry_is_whole(entry: ModelFile) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
    assert entry.size_bytes > 0
    assert entry.url or entry.archive or entry.package
    assert all(url.startswith("https://") for url in entry.urls)
    assert all((entry.file, entry.family, entry.used_for, entry.licence, entry.trained_on, entry.citation))
    assert bool(entry.package) == bool(entry.package_folder)


def test_every_archive_is_whole() -> None:
    archives = {entry.archive for entry in MODEL_FILES if entry.archive}
    assert {archive.file for archive in archives} >= {"buffalo_l.zip", "shape_predictor_68_face_landmarks.dat.bz2"}
    for archive in archives:
        assert re.fullmatch(r"[0-9a-f]{64}", archive.sha256) and archive.size_bytes > 0
        assert all(url.startswith("https://") for url in (archive.url, *archive.mirrors))
        packed = [entry.size_bytes for entry in MODEL_FILES if entry.archive == archive]
        assert sum(packed) < 2 * archive.size_bytes


def test_names_and_hashes_are_told_apart() -> None:
    assert len({entry.name for entry in MODEL_FILES}) == len({entry.sha256 for entry in MODEL_FILES}) == len(MODEL_FILES)


def test_hashes_agree_with_the_prefixes_that_file_names_carry() -> None:
    prefixes = {entry.file: match[1] for entry in MODEL_FILES if (match := re.search(r"-([0-9a-f]{8})\.pth$", entry.file))}
    assert len(prefixes) >= 3
    assert all(entry.sha256.startswith(prefixes[entry.file]) for entry in MODEL_FILES if entry.file in prefixes)


def test_weights_of_non_commercial_training_data_are_not_called_commercial() -> None:
    forbidden = {entry.file for entry in MODEL_FILES if not entry.commercial_use}
    assert forbidden == {
        "det_10g.onnx",
        "2d106det.onnx",
        "genderage.onnx",
        "w600k_r50.onnx",
        "79999_iter.pth",
        "shape_predictor_68_face_landmarks.dat",
        "face-parser-small.onnx",
        "face-editor-lite.onnx",
        "label_rules.json",
        "face-transform.npz",
    }


def test_the_page_about_licences_tells_the_same_as_the_table() -> None:
    lines = DOCS.read_text(encoding="utf-8").splitlines()
    for entry in MODEL_FILES:
        row = next(line for line in lines if line.startswith(f"| `{entry.file}`"))
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells == [
            f"`{entry.file}`",
            f"`{entry.name}`",
            entry.used_for,
            f"{entry.size_bytes:,}",
            entry.licence,
            "yes" if entry.commercial_use else "**no**",
            entry.trained_on,
        ]
        assert any(f"`{entry.sha256}`" in line and entry.file in line for line in lines)


@pytest.mark.parametrize("entry", [entry for entry in MODEL_FILES if entry.package == OUR_PACKAGE], ids=lambda entry: entry.name)
def test_what_we_ship_lies_in_the_package_with_its_card_and_is_what_the_table_says(entry: ModelFile) -> None:
    package, _, folder = entry.package_folder.partition("/")
    shipped = resources.files(package).joinpath(folder)
    content = shipped.joinpath(entry.file).read_bytes()
    assert len(content) == entry.size_bytes < 5_000_000 and hashlib.sha256(content).hexdigest() == entry.sha256
    card = shipped.joinpath(entry.file).with_suffix(".md").read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert entry.file in card and "non-commercial" in card and "--commercial-safe" in card
    assert entry.how_to_get == "pip install --force-reinstall --no-deps lianpu"


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(WeightsError, match=r"No pretrained model is called 'inception-v3'.*did you mean 'inception-v3-fid'"):
        model_file("inception-v3")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["yunet"], ["yunet"]),
        (["YuNet"], ["yunet", "yunet-640"]),
        (["buffalo_l"], ["scrfd-10g", "landmarks-106", "gender-age", "arcface-r50"]),
        (["buffalo-l", "det_10g.onnx"], ["scrfd-10g", "landmarks-106", "gender-age", "arcface-r50"]),
        (["alexnet_imagenet", "Inception v3"], ["inception-v3-fid", "alexnet-imagenet"]),
        (["dlib"], ["dlib-landmarks-68", "dlib-landmarks-5", "dlib-face-encoder"]),
        (["all"], [entry.name for entry in MODEL_FILES]),
        ([], []),
    ],
)
def test_words_mean_names_files_packs_and_families(words: list[str], names: list[str]) -> None:
    assert [entry.name for entry in model_files(words)] == names


def test_a_word_that_means_nothing_gets_the_nearest() -> None:
    with pytest.raises(WeightsError, match=r"called 'buffalo'.*did you mean 'buffalo_l'.*lianpu models list"):
        model_files(["yunet", "buffalo"])
