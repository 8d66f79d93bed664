"""Labels for all faces of a prepared folder, made from the measures in its database: no photo is analyzed again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lianpu.files import sha256_of, write_text
from lianpu.preparation.label_rules import LabelRules, load_rules
from lianpu.preparation.labels import (
    ATTRIBUTES,
    CORRECTIONS_FILE,
    FACE,
    HEADER,
    NO,
    UNKNOWN,
    YES,
    Corrections,
    Label,
    labels_of,
    read_corrections,
    removed_faces,
)
from lianpu.preparation.settings import RECORD_FILE, note_in_record, read_record, settings_from_json
from lianpu.preparation.sheet import SheetFaces, write_sheets
from lianpu.preparation.store import KeptRow, Store, open_store
from lianpu.preparation.tables import LABEL_FILE, write_label_files, write_split, write_terms


@dataclass(frozen=True)
class LabelCounts:
    """How many faces have an attribute, have it not, or are unlabelled."""

    yes: int
    no: int
    unlabelled: int


def relabel(folder: Path | str, confidence: float | None = None, rules: Path | None = None) -> dict[str, LabelCounts]:
    """Make the labels of a prepared folder again, with its corrections.csv; `lianpu prepare labels`.

    Args:
        folder: what `prepare_faces` made.
        confidence: labels less sure than this stay unlabelled; as before when None.
        rules: a file of label rules; as before when None.

    Raises:
        DataError: the folder was not prepared, or corrections.csv has mistakes; the labels are as they were then.
    """
    root = Path(folder)
    record = read_record(root)
    before = settings_from_json(record["settings"], root / RECORD_FILE)
    settings = replace(
        before,
        confidence=before.confidence if confidence is None else confidence,
        rules=before.rules if rules is None else str(rules),
    )
    with open_store(root) as store:
        counts = label_faces(store, root, load_rules(settings.rules), settings.confidence, record["models"])
    note_in_record(root, settings=settings.to_json())
    return counts


def label_faces(
    store: Store, folder: Path, rules: LabelRules, confidence: float, models: dict[str, Any]
) -> dict[str, LabelCounts]:
    """Write labels, chances, faces, split, terms and contact sheets of a folder, and give the counts by attribute."""
    corrections = read_corrections(folder / CORRECTIONS_FILE, store)
    sheets = {name: SheetFaces() for name in ATTRIBUTES}
    removed = removed_faces(corrections)
    write_label_files(folder, store.kept_count() - len(removed), _labelled(store, rules, confidence, corrections, sheets))
    write_split(folder, store, removed)
    write_terms(folder, models, rules.licence)
    if not (folder / CORRECTIONS_FILE).is_file():
        write_text(folder / CORRECTIONS_FILE, ",".join(HEADER) + "\n")
    counts = {name: LabelCounts(*(sheet.count(value) for value in (YES, NO, UNKNOWN))) for name, sheet in sheets.items()}
    write_sheets(folder, sheets, confidence)
    note_in_record(
        folder,
        label_rules={"trained_on": rules.trained_on, "licence": rules.licence, "encoder": rules.encoder, "parser": rules.parser},
        corrected_values=sum(map(len, corrections.values())),
        removed_faces=len(removed),
        fingerprint={name: sha256_of(folder / name) for name in (LABEL_FILE, "train.txt", "val.txt")},
    )
    return counts


def _labelled(
    store: Store, rules: LabelRules, confidence: float, corrections: Corrections, sheets: dict[str, SheetFaces]
) -> Iterator[tuple[KeptRow, dict[str, Label]]]:
    removed = removed_faces(corrections)
    for row in store.kept():
        if row.file in removed:
            continue
        given = {name: value for name, value in corrections.get(row.file, {}).items() if name != FACE}
        labels = labels_of(row.measures, row.identity, rules, confidence, given)
        for name, label in labels.items():
            sheets[name].add(row.file, label)
        yield row, labels
