"""The sources of labelled faces by name, and the one way to open them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lianpu.dataset.celeba import LAYOUT as CELEBA_LAYOUT
from lianpu.dataset.celeba import looks_like_celeba, read_celeba
from lianpu.dataset.celebamask import LAYOUT as CELEBAMASK_LAYOUT
from lianpu.dataset.celebamask import looks_like_celebamask, read_celebamask
from lianpu.dataset.faces import Dataset
from lianpu.dataset.folder import LAYOUT as FOLDER_LAYOUT
from lianpu.dataset.folder import looks_like_classes, read_folder
from lianpu.dataset.listing import refuse_missing_pictures
from lianpu.dataset.selection import check_image_size, refuse_constant_attributes, select_attributes, select_faces
from lianpu.dataset.table import FaceTable, fingerprint_of
from lianpu.dataset.table_csv import LAYOUT as CSV_LAYOUT
from lianpu.dataset.table_csv import looks_like_csv, read_csv
from lianpu.errors import DataError, SettingsError, nearest_name

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Source:
    """A kind of data folder.

    Args:
        read: the table of all faces in a folder of this kind.
        looks_like: whether a folder seems to be of this kind.
        layout: what such a folder holds, for people.
    """

    read: Callable[[Path], FaceTable]
    looks_like: Callable[[Path], bool]
    layout: str


SOURCES: dict[str, Source] = {
    "CelebA": Source(read_celeba, looks_like_celeba, CELEBA_LAYOUT),
    "CelebAMask-HQ": Source(read_celebamask, looks_like_celebamask, CELEBAMASK_LAYOUT),
    "folder": Source(read_folder, looks_like_classes, FOLDER_LAYOUT),
    "csv": Source(read_csv, looks_like_csv, CSV_LAYOUT),
}
"""Folders of files. Add a source here and in a file of its own."""

SHARDS = "huggingface"
"""The source that is no folder of pictures: Parquet or Arrow files, or the name of a data set on the Hub."""

SOURCE_NAMES = (*SOURCES, SHARDS)


def open_dataset(
    source: str,
    root: Path | str,
    image_size: int,
    attributes: Sequence[str] | None = None,
    on_progress: OnProgress | None = None,
) -> Dataset:
    """Training and held-out faces of a folder, checked by label files and a listing of the pictures only.

    Args:
        source: `CelebA`, `CelebAMask-HQ`, `folder`, `csv` or `huggingface`, in any case.
        root: the data folder; with `huggingface` also a Parquet file or the name of a data set on the Hub.
        image_size: side of the square faces in pixels, a multiple of 4.
        attributes: what to edit, in the order of the label vector; may be left out for `folder`, where it is all classes.
        on_progress: called with rows unpacked, and rows in all, where Parquet files are read for the first time.

    Raises:
        SettingsError: an unknown source or attribute, or a size that cannot work.
        DataError: something is missing or wrong, or an attribute cannot be learned because all training faces agree in it.
    """
    check_image_size(image_size)
    table = read_table(source, root, on_progress)
    selected = select_attributes(table, attributes)
    refuse_missing_pictures(table)
    train = select_faces(table, selected, image_size, "train")
    test = select_faces(table, selected, image_size, table.held_out_split())
    refuse_constant_attributes(train)
    return Dataset(
        source=table.source,
        folder=Path(root),
        train=train,
        test=test,
        fingerprint=fingerprint_of(table),
        alignment=table.alignment,
        licence=table.licence,
    )


def read_table(source: str, root: Path | str, on_progress: OnProgress | None = None) -> FaceTable:
    """Everything a folder's label files say, before attributes are chosen; pictures may be missing or broken.

    Raises:
        SettingsError: an unknown source.
        DataError: the folder or its label files are missing or wrong.
        ModelError: a data set of the Hub cannot be had.
    """
    folder = Path(root)
    if source.lower() == SHARDS:
        from lianpu.dataset.shards import read_shards, unpack_shards

        return read_shards(unpack_shards(folder, on_progress))
    kind = _source_named(source)
    if not folder.exists():
        raise DataError(f"{folder} is not there. Give the data folder with --data-dir; it holds {kind.layout}.")
    if not kind.looks_like(folder):
        other = next((name for name, each in SOURCES.items() if each.looks_like(folder)), None)
        other = SHARDS if other is None and any(folder.rglob("*.parquet")) else other
        hint = f" It looks like {other}: try that as the dataset." if other else ""
        raise DataError(f"{folder} does not look like {source}, which holds {kind.layout}.{hint}")
    return kind.read(folder)


def _source_named(name: str) -> Source:
    by_lower = {known.lower(): source for known, source in SOURCES.items()}
    if name.lower() not in by_lower:
        raise SettingsError(f"'{name}' is no dataset{nearest_name(name, SOURCE_NAMES)}. Known: {', '.join(SOURCE_NAMES)}.")
    return by_lower[name.lower()]
