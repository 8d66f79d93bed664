"""What a person has said about faces, in a CSV: it wins over every model, and is applied again whenever labels are made."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

from lianpu.attributes import HAIR_COLORS
from lianpu.dataset.lines import read_text, refuse_lines
from lianpu.errors import nearest_name
from lianpu.preparation.labels import ATTRIBUTES, NO, UNKNOWN, YES
from lianpu.preparation.store import Store

CORRECTIONS_FILE = "corrections.csv"
FACE = "Face"
"""What is said to be `no` where a crop shows no face, or one that is not wanted: it is left out of the set."""
HEADER = ("file", "attribute", "value")

_VALUES = {"1": YES, "yes": YES, "true": YES, "-1": NO, "no": NO, "false": NO, "0": UNKNOWN, "unknown": UNKNOWN, "": UNKNOWN}

Corrections = dict[str, dict[str, int]]
"""file -> attribute -> 1, -1 or 0."""


def read_corrections(file: Path, store: Store) -> Corrections:
    """The corrections in a file; none when it is not there. Of two lines for one value the later holds.

    Besides the attributes there is `Face`: with `no` the face is left out of the set.

    Raises:
        DataError: an unknown face, attribute or value, two hair colours of one face, or another header; each with its line and,
            where one is near, the name that may have been meant. Nothing is applied then.
    """
    if not file.is_file():
        return {}
    reader = csv.reader(StringIO(read_text(file), newline=""), skipinitialspace=True)
    header = tuple(cell.strip().lower() for cell in next(reader, []))
    if header != HEADER:
        refuse_lines(file, [(1, f"expected {','.join(HEADER)}, got '{','.join(header)[:60]}'")], "Mend the file.")
    corrections: Corrections = {}
    problems: list[tuple[int, str]] = []
    for row in reader:
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        problem = _problem_of(cells, store)
        if problem:
            problems.append((reader.line_num, problem))
            continue
        of_face = corrections.setdefault(cells[0], {})
        of_face[cells[1]] = _VALUES[cells[2].lower()]
        colors = [name for name in HAIR_COLORS if of_face.get(name) == YES]
        if len(colors) > 1:
            problems.append((reader.line_num, f"{cells[0]} has {' and '.join(colors)}, which exclude each other"))
    refuse_lines(file, problems, "Mend the file; no label was changed.")
    return corrections


def removed_faces(corrections: Corrections) -> frozenset[str]:
    """The files that a person wants left out."""
    return frozenset(file for file, said in corrections.items() if said.get(FACE) == NO)


def _problem_of(cells: list[str], store: Store) -> str:
    """What is wrong with a row; an empty string when nothing is."""
    if len(cells) != len(HEADER):
        return f"{len(cells)} cells for {len(HEADER)} columns"
    file, attribute, value = cells
    known = (*ATTRIBUTES, FACE)
    if attribute not in known:
        return f"'{attribute}' is not labelled here{nearest_name(attribute, known)}, known are {', '.join(known)}"
    if value.lower() not in _VALUES:
        return f"'{value}' is none of {', '.join(word for word in _VALUES if word)}"
    if not store.has_file(file):
        return f"'{file}' is no face here{nearest_name(file, store.files_like(file[:4]))}"
    return ""
