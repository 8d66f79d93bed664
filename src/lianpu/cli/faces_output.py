"""How `lianpu faces` shows its results: as a table, as JSON, or drawn on the photos."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.faces.results import Face, FaceParts, Identity, Landmarks, Mesh
    from lianpu.imaging.picture import Picture

    Detail = Landmarks | Mesh | FaceParts | Identity


@dataclass(frozen=True)
class PhotoResult:
    """A photo with its faces, for each face the details that the command reads (none for `find`), and the number of findings that are
    no faces of people."""

    file: Path
    picture: Picture
    faces: tuple[Face, ...]
    details: tuple[Detail, ...]
    left_out: int


_PAIRS_SHOWN = 30


def print_results(
    results: Iterable[PhotoResult],
    failed: Mapping[Path, str],
    drawn: Mapping[Path, Path],
    as_json: bool,
    *,
    upright: bool = False,
) -> None:
    """Print the results, write the annotated picture of each photo in `drawn`, and compare identities at the end.

    `failed` has the reason for each photo that could not be read; it is filled while `results` is iterated. `upright` says that turned
    faces were asked for.
    """
    from lianpu.cli.parse import finding_lines
    from lianpu.photo.writing import write_image
    from lianpu.terminal import console

    table = photo_table()
    records: list[dict[str, Any]] = []
    people: list[tuple[str, Identity]] = []
    found: list[tuple[Path, tuple[Face, ...], int]] = []
    written: set[str] = set()
    for result in results:
        if result.file in drawn:
            written.add(str(write_image(drawn[result.file], drawn_picture(result)).parent))
        records.append(photo_record(result))
        people += named_identities(result)
        found.append((result.file, result.faces, result.left_out))
        add_rows(table, result)
    pairs = compared(people)
    if as_json:
        records += [{"file": str(file), "error": message} for file, message in failed.items()]
        print(json.dumps({"photos": records, "pairs": pairs} if people else {"photos": records}, indent=2, ensure_ascii=False))
        return
    if records:
        console.print(table)
    for line in finding_lines(found, upright=upright):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if pairs:
        console.print(pair_table(pairs))
    elif people:
        console.print("One face: there is no other to compare it with. Give more photos.", markup=False, soft_wrap=True)
    if written:
        console.print(f"Drawn: {', '.join(sorted(written))}", markup=False, soft_wrap=True)


def photo_table() -> Table:
    """An empty table of faces."""
    from rich.table import Table

    table = Table()
    for heading in ("photo", "face", "score", "box (left, top, right, bottom)", "turned", "found by", "more"):
        table.add_column(heading, justify="right" if heading in ("face", "score", "turned") else "left")
    return table


def add_rows(table: Table, result: PhotoResult) -> None:
    """Add a row for each face of a photo, or one that says there is none."""
    from rich.markup import escape

    if not result.faces:
        table.add_row(escape(result.file.name), "-", "", "no face found", "", "", "")
    for index, face in enumerate(result.faces):
        more = in_words(result.details[index]) if result.details else ""
        box = ", ".join(f"{value:.0f}" for value in face.box_xyxy)
        name = escape(result.file.name) if index == 0 else ""
        table.add_row(
            name, str(index + 1), f"{face.score:.2f}", box, str(face.turned) if face.turned else "", face.detector, more
        )


def in_words(detail: Detail) -> str:
    """A result in a few words; for parts, the per cent of the face's pixels of each."""
    from lianpu.cli.parse import shares_in_words
    from lianpu.faces.mesh import head_pose
    from lianpu.faces.results import FaceParts, Landmarks, Mesh

    if isinstance(detail, FaceParts):
        return shares_in_words(detail)
    if isinstance(detail, Mesh):
        pose = head_pose(detail)
        return f"{len(detail.points)} points (mesh); yaw {pose.yaw:.0f}°, pitch {pose.pitch:.0f}°, roll {pose.roll:.0f}°"
    if isinstance(detail, Landmarks):
        return f"{len(detail.points)} points ({detail.scheme})"
    return f"{len(detail.vector)} numbers ({detail.encoder})"


def part_shares(parts: FaceParts) -> dict[str, float]:
    """The parts that are present, with their share of the picture, largest first."""
    from lianpu.part_names import PARTS

    shares = {name: parts.share(name) for name in PARTS[1:]}
    return dict(sorted(((name, share) for name, share in shares.items() if share), key=lambda item: -item[1]))


def photo_record(result: PhotoResult) -> dict[str, Any]:
    """A photo as JSON: its size and its faces."""
    height, width = result.picture.shape[:2]
    faces = [face_record(face) for face in result.faces]
    for record, detail in zip(faces, result.details, strict=False):
        record.update(detail_record(detail))
    return {"file": str(result.file), "width": width, "height": height, "faces": faces, "left_out": result.left_out}


def face_record(face: Face) -> dict[str, Any]:
    """A face as JSON, pixels to two decimals."""
    return {
        "box_xyxy": [round(value, 2) for value in face.box_xyxy],
        "score": round(face.score, 4),
        "points": _rounded(face.points),
        "detector": face.detector,
        "turned": face.turned,
        "enlarged": face.enlarged,
    }


def detail_record(detail: Detail) -> dict[str, Any]:
    """Landmarks, parts or identity as JSON."""
    from lianpu.faces.mesh import head_pose
    from lianpu.faces.results import FaceParts, Landmarks, Mesh

    if isinstance(detail, Mesh):
        pose = {angle: round(degrees, 1) for angle, degrees in asdict(head_pose(detail)).items()}
        points = [[round(float(value), 2) for value in point] for point in detail.points]
        return {"scheme": f"mesh-{len(points)}", "presence": round(detail.presence, 4), "pose_degrees": pose, "landmarks": points}
    if isinstance(detail, Landmarks):
        return {"scheme": detail.scheme, "landmarks": _rounded(detail.points)}
    if isinstance(detail, FaceParts):
        return {"parser": detail.parser, "part_shares": {name: round(share, 5) for name, share in part_shares(detail).items()}}
    return {"encoder": detail.encoder, "vector": [round(float(value), 6) for value in detail.vector]}


def _rounded(points: Any) -> list[list[float]]:
    return [[round(float(x), 2), round(float(y), 2)] for x, y in points]


def named_identities(result: PhotoResult) -> list[tuple[str, Identity]]:
    """The identities of a photo with a name for each: `PHOTO face NUMBER`."""
    from lianpu.faces.results import Identity

    named = enumerate(result.details, 1)
    return [(f"{result.file.name} face {number}", one) for number, one in named if isinstance(one, Identity)]


def compared(people: list[tuple[str, Identity]]) -> list[dict[str, Any]]:
    """Every pair of faces, the most similar first."""
    pairs = [(one.cosine(two), one.distance(two), a, b) for (a, one), (b, two) in combinations(people, 2)]
    return [
        {"first": a, "second": b, "cosine": round(cosine, 4), "distance": round(distance, 4)}
        for cosine, distance, a, b in sorted(pairs, key=lambda pair: -pair[0])
    ]


def pair_table(pairs: list[dict[str, Any]]) -> Table:
    """The most similar pairs."""
    from rich.markup import escape
    from rich.table import Table

    rest = len(pairs) - _PAIRS_SHOWN
    table = Table(title="Most similar first", caption=f"and {rest:,} more (see --json)" if rest > 0 else None)
    for heading in ("one", "other", "cosine", "distance"):
        table.add_column(heading, justify="right" if heading in ("cosine", "distance") else "left")
    for pair in pairs[:_PAIRS_SHOWN]:
        table.add_row(escape(pair["first"]), escape(pair["second"]), f"{pair['cosine']:.3f}", f"{pair['distance']:.3f}")
    return table


def drawn_picture(result: PhotoResult) -> Any:
    """The photo with the results drawn on it."""
    from lianpu.faces.overlays import draw_faces, draw_landmarks, draw_meshes, draw_parts
    from lianpu.faces.results import FaceParts, Landmarks, Mesh

    marks = [detail for detail in result.details if isinstance(detail, Landmarks)]
    meshes = [detail for detail in result.details if isinstance(detail, Mesh)]
    if marks or meshes:
        return draw_meshes(draw_landmarks(result.picture, marks), meshes)
    parts = [detail for detail in result.details if isinstance(detail, FaceParts)]
    words = [f"{number} {face.score:.2f}" for number, face in enumerate(result.faces, 1)]
    return draw_faces(draw_parts(result.picture, parts), result.faces, words)
