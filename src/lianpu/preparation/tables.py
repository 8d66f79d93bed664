"""The files of a prepared folder, written row by row from its database: labels, split, faces, and what was dropped and why."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from lianpu.dataset.celeba import ALIGNMENT
from lianpu.dataset.splits import HELD_OUT_SHARE
from lianpu.dataset.text_files import ALIGNMENT_FILE, LICENCE_FILE
from lianpu.files import atomic_file, write_text
from lianpu.preparation.labels import ATTRIBUTES, Label
from lianpu.preparation.store import DroppedRow, KeptRow, PhotoRow, Store

IMAGES = "images"
LABEL_FILE = "list_attr.txt"
FACES_FILE = "faces.csv"
DROPPED_FILE = "dropped.csv"
CHANCES_FILE = "chances.csv"

_FACE_COLUMNS = (
    "left",
    "top",
    "right",
    "bottom",
    "score",
    "turned",
    "width_px",
    "eye_distance_px",
    "sharpness",
    "yaw_deg",
    "outside",
)


def write_label_files(folder: Path, count: int, labelled: Iterable[tuple[KeptRow, dict[str, Label]]]) -> None:
    """Write list_attr.txt (CelebA's form; 0 is unlabelled), chances.csv and faces.csv in one pass over the faces."""
    with (
        _written(folder / LABEL_FILE) as labels,
        _written(folder / CHANCES_FILE) as chances,
        _written(folder / FACES_FILE) as faces,
    ):
        labels.write(f"{count}\n{' '.join(ATTRIBUTES)}\n")
        chance_rows, face_rows = (csv.writer(stream, lineterminator="\n") for stream in (chances, faces))
        chance_rows.writerow(["file", *ATTRIBUTES])
        face_rows.writerow(["file", "photo", "face", *_FACE_COLUMNS, "age"])
        for row, of_face in labelled:
            labels.write(f"{row.file} {' '.join(f'{of_face[name].value:>2d}' for name in ATTRIBUTES)}\n")
            chance_rows.writerow([row.file, *(_chance(of_face[name]) for name in ATTRIBUTES)])
            age = f"{row.measures['age']:.0f}" if "age" in row.measures else ""
            face_rows.writerow([row.file, row.photo, row.position.number, *_face_cells(row), age])


def write_dropped(folder: Path, store: Store) -> None:
    """Write dropped.csv: a row for every photo without a face and every face that was not kept, with the reason."""
    with _written(folder / DROPPED_FILE) as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(["photo", "face", "reason", "detail", *_FACE_COLUMNS])
        for row in store.dropped():
            if isinstance(row, PhotoRow):
                rows.writerow([row.photo, "", row.rejection.reason, row.rejection.detail, *([""] * len(_FACE_COLUMNS))])
            else:
                rows.writerow([row.photo, row.position.number, row.rejection.reason, row.rejection.detail, *_face_cells(row)])


def write_split(folder: Path, store: Store, removed: Collection[str]) -> None:
    """Write train.txt and val.txt: one photo in ten, with all its faces, is held out by the hash of its path.

    So two faces of one photo never stand on both sides, and a set that grows moves no face from train to val. Where the hash holds
    out none of two or more photos, the one nearest to it is.
    """
    nearest, others = (1.0, ""), False
    for row in _left(store, removed):
        others |= bool(nearest[1]) and nearest[1] != row.photo
        nearest = min(nearest, (split_share(row.photo), row.photo))
    always = nearest[1] if others else None
    with _written(folder / "train.txt") as train, _written(folder / "val.txt") as val:
        for row in _left(store, removed):
            held_out = split_share(row.photo) < HELD_OUT_SHARE or row.photo == always
            (val if held_out else train).write(row.file + "\n")


def write_terms(folder: Path, models: dict[str, Any], rules_licence: str) -> None:
    """Write licence.txt and alignment.txt, which readers of the folder pass on to the models trained on it."""
    terms = "; ".join(f"{model['name']}: {model['licence']}" for model in models.values() if model is not None)
    write_text(
        folder / LICENCE_FILE, f"the pictures follow the photos they come from; made with {terms}; labels: {rules_licence}\n"
    )
    write_text(folder / ALIGNMENT_FILE, ALIGNMENT + "\n")


@contextmanager
def _written(file: Path) -> Iterator[TextIO]:
    """A text file to write row by row, which is there when it is complete."""
    with atomic_file(file) as partial, partial.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
        yield stream


def split_share(photo: str) -> float:
    """From 0 to 1, by the hash of a photo's path: what decides on its split."""
    return int.from_bytes(hashlib.sha256(os.fsencode(photo)).digest()[:8], "big") / 2**64


def _left(store: Store, removed: Collection[str]) -> Iterator[KeptRow]:
    yield from (row for row in store.kept() if row.file not in removed)


def _chance(label: Label) -> str:
    return f"{label.estimate.chance:.3f}" if label.estimate else ""


def _face_cells(row: KeptRow | DroppedRow) -> Iterator[str]:
    quality = row.quality
    yield from (f"{edge:.1f}" for edge in row.position.box_xyxy)
    yield from (
        f"{row.position.score:.3f}",
        f"{row.position.turned}",
        f"{quality.width_px:.1f}",
        f"{quality.eye_distance_px:.1f}",
    )
    yield from (f"{quality.sharpness:.4f}", f"{quality.yaw_deg:.1f}", f"{quality.outside:.3f}")
