"""How `lianpu faces` shows what was seen: a table, JSON, or drawn on the photos."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.faces.results import Face, FaceParts, Identity, Landmarks
    from lianpu.imaging.picture import Picture

    Extra = Landmarks | FaceParts | Identity


@dataclass(frozen=True)
class Seen:
    """A photo and what was seen in it: for each face what the command asks for (nothing more for `find`)."""

    file: Path
    picture: Picture
    faces: tuple[Face, ...]
    extras: tuple[Extra, ...]


_PAIRS_SHOWN = 30


def print_seen(all_seen: Iterable[Seen], failed: Mapping[Path, str], drawn: Mapping[Path, Path], as_json: bool) -> None:
    """Print what was seen, drawing each photo that has a place in `drawn`; identities are compared at the end.

    `failed` says what is wrong with photos that could not be read, and is filled while `all_seen` goes on.
    """
    from lianpu.photo.writing import write_image
    from lianpu.terminal import console

    table = photo_table()
    records: list[dict[str, Any]] = []
    people: list[tuple[str, Identity]] = []
    for seen in all_seen:
        if seen.file in drawn:
            write_image(drawn[seen.file], drawn_picture(seen))
        records.append(photo_record(seen))
        people += named_identities(seen)
        add_rows(table, seen)
    pairs = compared(people)
    if as_json:
        records += [{"file": str(file), "error": message} for file, message in failed.items()]
        print(json.dumps({"photos": records, "pairs": pairs} if people else {"photos": records}, indent=2, ensure_ascii=False))
        return
    if records:
        console.print(table)
    if people:
        console.print(pair_table(pairs))
    if drawn:
        console.print(f"Drawn: {', '.join(sorted({str(file.parent) for file in drawn.values()}))}", markup=False, soft_wrap=True)


def photo_table() -> Table:
    """An empty table of faces."""
    from rich.table import Table

    table = Table()
    for heading in ("photo", "face", "score", "box (left, top, right, bottom)", "turned", "found by", "more"):
        table.add_column(heading, justify="right" if heading in ("face", "score", "turned") else "left")
    return table


def add_rows(table: Table, seen: Seen) -> None:
    """A row for each face of a photo, or one that says there is none."""
    from rich.markup import escape

    if not seen.faces:
        table.add_row(escape(seen.file.name), "-", "", "no face found", "", "", "")
    for index, face in enumerate(seen.faces):
        more = in_words(seen.extras[index]) if seen.extras else ""
        box = ", ".join(f"{value:.0f}" for value in face.box_xyxy)
        name = escape(seen.file.name) if index == 0 else ""
        table.add_row(
            name, str(index + 1), f"{face.score:.2f}", box, str(face.turned) if face.turned else "", face.detector, more
        )


def in_words(extra: Landmarks | FaceParts | Identity) -> str:
    """What a result is, in a few words; of parts, their per cent of the face's own pixels."""
    from lianpu.cli.parse import shares_in_words
    from lianpu.faces.results import FaceParts, Landmarks

    if isinstance(extra, FaceParts):
        return shares_in_words(extra)
    if isinstance(extra, Landmarks):
        return f"{len(extra.points)} points ({extra.scheme})"
    return f"{len(extra.vector)} numbers ({extra.encoder})"


def part_shares(parts: FaceParts) -> dict[str, float]:
    """The parts that were seen, with the share of the picture that each has, largest first."""
    from lianpu.part_names import PARTS

    shares = {name: parts.share(name) for name in PARTS[1:]}
    return dict(sorted(((name, share) for name, share in shares.items() if share), key=lambda item: -item[1]))


def photo_record(seen: Seen) -> dict[str, Any]:
    """A photo as JSON: its size and its faces."""
    height, width = seen.picture.shape[:2]
    faces = [face_record(face) for face in seen.faces]
    for record, extra in zip(faces, seen.extras, strict=False):
        record.update(extra_record(extra))
    return {"file": str(seen.file), "width": width, "height": height, "faces": faces}


def face_record(face: Face) -> dict[str, Any]:
    """A face as JSON, pixels to two decimals."""
    return {
        "box_xyxy": [round(value, 2) for value in face.box_xyxy],
        "score": round(face.score, 4),
        "points": _rounded(face.points),
        "detector": face.detector,
        "turned": face.turned,
    }


def extra_record(extra: Landmarks | FaceParts | Identity) -> dict[str, Any]:
    """Landmarks, parts or identity as JSON."""
    from lianpu.faces.results import FaceParts, Landmarks

    if isinstance(extra, Landmarks):
        return {"scheme": extra.scheme, "landmarks": _rounded(extra.points)}
    if isinstance(extra, FaceParts):
        return {"parser": extra.parser, "part_shares": {name: round(share, 5) for name, share in part_shares(extra).items()}}
    return {"encoder": extra.encoder, "vector": [round(float(value), 6) for value in extra.vector]}


def _rounded(points: Any) -> list[list[float]]:
    return [[round(float(x), 2), round(float(y), 2)] for x, y in points]


def named_identities(seen: Seen) -> list[tuple[str, Identity]]:
    """The identities of a photo with a name for each: `PHOTO face NUMBER`."""
    from lianpu.faces.results import Identity

    named = enumerate(seen.extras, 1)
    return [(f"{seen.file.name} face {number}", one) for number, one in named if isinstance(one, Identity)]


def compared(people: list[tuple[str, Identity]]) -> list[dict[str, Any]]:
    """Every pair of faces, the most alike first."""
    pairs = [(one.cosine(two), one.distance(two), a, b) for (a, one), (b, two) in combinations(people, 2)]
    return [
        {"first": a, "second": b, "cosine": round(cosine, 4), "distance": round(distance, 4)}
        for cosine, distance, a, b in sorted(pairs, key=lambda pair: -pair[0])
    ]


def pair_table(pairs: list[dict[str, Any]]) -> Table:
    """The pairs that are most alike."""
    from rich.markup import escape
    from rich.table import Table

    rest = len(pairs) - _PAIRS_SHOWN
    table = Table(title="Most alike first", caption=f"and {rest:,} more (see --json)" if rest > 0 else None)
    for heading in ("one", "other", "cosine", "distance"):
        table.add_column(heading, justify="right" if heading in ("cosine", "distance") else "left")
    for pair in pairs[:_PAIRS_SHOWN]:
        table.add_row(escape(pair["first"]), escape(pair["second"]), f"{pair['cosine']:.3f}", f"{pair['distance']:.3f}")
    return table


def drawn_picture(seen: Seen) -> Any:
    """The photo with what was seen drawn on it."""
    from lianpu.faces.overlays import draw_faces, draw_landmarks, draw_parts
    from lianpu.faces.results import FaceParts, Landmarks

    marks = [extra for extra in seen.extras if isinstance(extra, Landmarks)]
    if marks:
        return draw_landmarks(seen.picture, marks)
    parts = [extra for extra in seen.extras if isinstance(extra, FaceParts)]
    words = [f"{number} {face.score:.2f}" for number, face in enumerate(seen.faces, 1)]
    return draw_faces(draw_parts(seen.picture, parts), seen.faces, words)
