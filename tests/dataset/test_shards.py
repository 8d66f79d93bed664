"""Parquet and Arrow files of labelled pictures, on this machine and on a stand-in of the Hub."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lianpu.cli.main import main
from lianpu.dataset.sources import open_dataset, read_table
from lianpu.errors import DataError, ModelError, SettingsError
from lianpu.photo.reading import read_image
from tests.support.hub import Hub, hub_stand_in

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(autouse=True)
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIANPU_DATASETS", str(tmp_path / "copies"))
    return tmp_path / "copies"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    pytest.importorskip("huggingface_hub")
    with hub_stand_in(tmp_path / "cache", monkeypatch) as server:
        yield server


def picture(level: int, format: str = "PNG") -> bytes:
    """A grey picture, 20 pixels square."""
    stream = io.BytesIO()
    Image.fromarray(np.full((20, 20, 3), level, dtype=np.uint8)).save(stream, format)
    return stream.getvalue()


def pictures(count: int, first: int = 0) -> list[dict[str, object]]:
    return [{"bytes": picture(first + number), "path": f"{number}.png"} for number in range(count)]


def write(file: Path, columns: dict[str, Any], metadata: dict[str, Any] | None = None) -> Path:
    table = pa.table(columns)
    if metadata is not None:
        table = table.replace_schema_metadata({b"huggingface": json.dumps({"info": {"features": metadata}}).encode()})
    file.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, file, row_group_size=3)
    return file


def celeba(folder: Path) -> Path:
    """Seven training and four held-out faces, as data sets of the Hub are laid out."""
    for name, count, first in (
        ("train-00000-of-00002", 4, 0),
        ("train-00001-of-00002", 3, 50),
        ("validation-00000-of-00001", 4, 100),
    ):
        bits = [bool(number % 2) for number in range(count)]
        columns: dict[str, Any] = {
            "image": list(pictures(count, first)),
            "celeb_id": [1000 + number for number in range(count)],
            "Male": list(bits),
            "Young": [-1 if bit else 1 for bit in bits],
            "Smiling": [["no", "yes", None][number % 3] for number in range(count)],
            "caption": [f"a face, number {number}" for number in range(count)],
        }
        write(folder / "data" / f"{name}.parquet", columns)
    return folder


def test_columns_of_every_kind_of_yes_and_no_are_labels_and_files_are_splits(tmp_path: Path) -> None:
    table = read_table("huggingface", celeba(tmp_path / "faces"))
    assert table.attributes == ("Male", "Young", "Smiling") and table.source == "huggingface"
    assert table.splits == ("train",) * 7 + ("val",) * 4
    assert table.labels[:4].tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 2], [1, 0, 0]]
    dataset = open_dataset("HuggingFace", tmp_path / "faces", 16, ["Young", "Male"])
    assert dataset.train.labels.tolist()[:2] == [[1, 0], [0, 1]]
    assert [int(dataset.train.read(row)[0, 0, 0]) for row in range(7)] == [0, 1, 2, 3, 50, 51, 52]


def test_pictures_keep_their_bytes_and_are_unpacked_once(tmp_path: Path, copies: Path) -> None:
    data = [picture(9, "JPEG"), picture(7), picture(8, "WEBP")]
    file = write(tmp_path / "mine.parquet", {"img": list(data), "hat": [1, 0, 1]})
    table = read_table("huggingface", file)
    assert [(table.root / name).read_bytes() for name in table.files] == data
    assert [Path(name).suffix for name in table.files] == [".jpg", ".png", ".webp"]
    (table.root / table.files[0]).unlink()
    assert read_table("huggingface", file).root == table.root and not (table.root / table.files[0]).exists()
    write(file, {"img": list(data), "hat": [1, 0, 0]})
    assert read_table("huggingface", file).labels.tolist() == [[1], [0], [0]]


def test_a_copy_that_was_broken_off_is_made_anew(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.parquet", {"image": pictures(12), "hat": [number % 2 for number in range(12)]})
    root = read_table("huggingface", file).root
    (root / "labels.csv").unlink()
    table = read_table("huggingface", file)
    assert len(table.files) == 12 and read_image(table.root / table.files[11]).shape == (20, 20, 3)


def test_classes_of_datasets_become_attributes_of_which_each_face_has_one(tmp_path: Path) -> None:
    names = {"hair": {"_type": "ClassLabel", "names": ["black", "blond", "brown"]}, "image": {"_type": "Image"}}
    columns: dict[str, Any] = {"image": list(pictures(30)), "hair": [number % 3 for number in range(30)]}
    table = read_table("huggingface", write(tmp_path / "hair.parquet", columns, names))
    assert table.attributes == ("black", "blond", "brown") and table.one_class
    assert table.labels[:3].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert {"train", "test"} == set(table.splits)
    two = {"glasses": {"_type": "ClassLabel", "names": ["no", "yes"]}}
    table = read_table("huggingface", write(tmp_path / "two.parquet", {"image": pictures(2), "glasses": [1, 0]}, two))
    assert table.attributes == ("glasses",) and table.labels.tolist() == [[1], [0]] and not table.one_class


@pytest.mark.filterwarnings("default")  # those of `datasets` itself
def test_a_folder_that_datasets_saved_is_read_without_it(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"image": datasets.Image(), "hat": datasets.Value("bool")})
    rows = {"image": pictures(5), "hat": [True, False, True, False, True]}
    table = pa.table({"image": features["image"].cast_storage(pa.array(rows["image"])), "hat": rows["hat"]})
    about = datasets.DatasetInfo(features=features)
    for split in ("train", "test"):  # with a fingerprint of ours: its own pickles parts of pyarrow, which not every version can
        whole = datasets.Dataset(datasets.table.InMemoryTable(table), about, fingerprint=split)
        whole.save_to_disk(str(tmp_path / "saved" / split))
    read = read_table("huggingface", tmp_path / "saved")
    assert read.splits == ("test",) * 5 + ("train",) * 5
    assert read.labels[:, 0].tolist() == [1, 0, 1, 0, 1] * 2


def test_arrow_streams_are_read_in_slices(tmp_path: Path) -> None:
    batch = pa.record_batch({"image": pa.array([picture(number) for number in range(100)]), "hat": pa.array([0, 1] * 50)})
    with pa.OSFile(str(tmp_path / "data-00000-of-00001.arrow"), "wb") as sink, pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    table = read_table("huggingface", tmp_path)
    assert len(table.files) == 100 and table.labels[:, 0].tolist() == [0, 1] * 50
    assert int(read_image(table.root / table.files[99])[0, 0, 0]) == 99


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"image": [picture(0)], "age": [31]}, "has no column of labels.*beside the pictures in 'image': age"),
        ({"hat": [1], "age": [31]}, "has no column of pictures .* It has: hat, age"),
        (
            {"left": [picture(0)], "right": [picture(1)], "hat": [1]},
            "several columns of pictures: left, right. Name the right one 'image'",
        ),
        ({"image": [b""], "hat": [1]}, "The picture in row 1 of .* is empty"),
        (
            {"image": [{"bytes": None, "path": "../x.png"}], "hat": [1]},
            "row 1 of .*it names ../x.png, which is not beside the file",
        ),
    ],
)
def test_files_that_cannot_be_used_are_refused_in_a_line(tmp_path: Path, columns: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_table("huggingface", write(tmp_path / "a.parquet", columns))


def test_broken_files_and_wrong_names_are_refused_in_a_line(tmp_path: Path) -> None:
    celeba(tmp_path / "faces")
    (tmp_path / "faces" / "data" / "train-00001-of-00002.parquet").write_bytes(b"PAR1 and then nothing PAR1")
    with pytest.raises(DataError, match=r"train-00001-of-00002\.parquet cannot be read as Parquet"):
        read_table("huggingface", tmp_path / "faces")
    with pytest.raises(DataError, match=r"is not there, and is no data set of the Hub \(user/name\)"):
        read_table("huggingface", tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"holds no \.parquet or \.arrow files"):
        read_table("huggingface", tmp_path / "empty")
    with pytest.raises(DataError, match="It looks like huggingface: try that as the dataset"):
        read_table("csv", celeba(tmp_path / "other"))
    with pytest.raises(SettingsError, match=r"did you mean 'huggingface'"):
        read_table("hugingface", tmp_path)


def on_the_hub(folder: Path, card: str) -> dict[str, bytes]:
    files = {file.relative_to(folder).as_posix(): file.read_bytes() for file in celeba(folder).rglob("*.parquet")}
    return {**files, "README.md": card.encode()}


def test_a_data_set_of_the_hub_by_its_name_and_offline_once_it_is_here(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.repos["anna/faces"] = on_the_hub(tmp_path / "made", "---\nlicense: cc0-1.0\n---\n# Faces\n")
    main(["data", "check", "huggingface", "anna/faces", "--image-size", "16"])
    said = " ".join(capsys.readouterr().out.split())
    assert "7 train, 4 val" in said and "Licence: cc0-1.0 (by its card on the Hub)" in said
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    hub.asked.clear()
    assert len(read_table("huggingface", "anna/faces/data").files) == 11 and not hub.asked
    with pytest.raises(ModelError, match=r"hf://anna/others cannot be had from the Hub \(it was not fetched before"):
        read_table("huggingface", "anna/others")
    assert not hub.asked


def test_a_data_set_of_the_hub_without_parquet_files_is_refused(hub: Hub) -> None:
    hub.repos["anna/pictures"] = {"a.zip": b"", "README.md": b"# none"}
    with pytest.raises(DataError, match="anna/pictures: this data set of the Hub has no Parquet files"):
        read_table("huggingface", "anna/pictures")
