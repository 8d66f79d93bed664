"""Faces with 68 labelled points: read from dlib's XML (as iBUG 300-W comes for dlib), CSV and .pts files; written as XML."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree

import numpy as np

from lianpu.errors import DataError
from lianpu.faces.dlib_models import BoxXyxy
from lianpu.files import atomic_file
from lianpu.landmarks.scheme68 import COUNT, FaceLabel, Points68
from lianpu.photo.formats import PHOTO_ENDINGS

_NAMES = tuple(f"{index:02d}" for index in range(COUNT))


class Boxed(Protocol):
    """A face that can be written: a picture, points and a box."""

    @property
    def picture(self) -> Path: ...
    @property
    def points(self) -> Points68: ...
    @property
    def box_xyxy(self) -> BoxXyxy: ...


def read_xml(file: Path) -> tuple[FaceLabel, ...]:
    """The faces of an XML file; pictures are named relative to its folder. Boxes marked `ignore` are left out.

    Raises:
        DataError: it is no such XML, or a box lacks a part or a number.
    """
    try:
        root = ElementTree.parse(file).getroot()
    except (ElementTree.ParseError, OSError, LookupError, ValueError) as problem:
        raise DataError(f"{file} cannot be read as XML ({problem}). Give a file in the layout of iBUG 300-W for dlib.") from None
    labels = tuple(_faces(root, file))
    if not labels:
        raise DataError(f"{file} holds no box with parts (<images><image><box><part>). Give labelled faces.")
    return labels


def _faces(root: ElementTree.Element, file: Path) -> Iterator[FaceLabel]:
    for image in root.iter("image"):
        name = image.get("file")
        if not name:
            raise DataError(f"{file}: an <image> has no file='...'. Add it, or remove the image.")
        for number, box in enumerate(image.iter("box"), start=1):
            if box.get("ignore", "0") != "1":
                where = f"{file}: box {number} of {name}"
                yield FaceLabel(file.parent / name, _points(box, where), _box(box, where))


def _box(box: ElementTree.Element, where: str) -> BoxXyxy:
    left, top, width, height = (_number(box, name, where) for name in ("left", "top", "width", "height"))
    if width < 1 or height < 1:
        raise DataError(f"{where} is {width:g} x {height:g} pixels. Give it a size.")
    return (left, top, left + width - 1, top + height - 1)


def _points(box: ElementTree.Element, where: str) -> Points68:
    parts = {part.get("name", ""): part for part in box.iter("part")}
    lacking = [name for name in _NAMES if name not in parts]
    if lacking or len(parts) != COUNT:
        others = [name for name in parts if name not in _NAMES]
        what = f"lacks part {', '.join(lacking[:5])}" + (f" and {len(lacking) - 5} more" if len(lacking) > 5 else "")
        raise DataError(f"{where} {what if lacking else f'has parts {others[:5]} besides'}: 68 parts are named 00 to 67.")
    rows = [[_number(parts[name], axis, f"{where}, part {name},") for axis in ("x", "y")] for name in _NAMES]
    return np.array(rows, dtype=np.float32)


def _number(element: ElementTree.Element, name: str, where: str) -> float:
    text = element.get(name)
    try:
        value = float(text if text is not None else "")
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise DataError(f"{where} has {name}='{'' if text is None else text}', not a number. Fix it.")
    return value


def write_xml(file: Path, faces: Sequence[Boxed], name: str = "labelled faces") -> Path:
    """`file`, holding the faces as dlib's tools read them: whole pixels, pictures named relative to its folder."""
    dataset = ElementTree.Element("dataset")
    ElementTree.SubElement(dataset, "name").text = name
    images = ElementTree.SubElement(dataset, "images")
    by_picture: dict[str, ElementTree.Element] = {}
    for face in faces:
        path = _relative(face.picture, file.parent)
        if path not in by_picture:
            by_picture[path] = ElementTree.SubElement(images, "image", file=path)
        left, top, right, bottom = (round(edge) for edge in face.box_xyxy)
        sizes = {"top": top, "left": left, "width": right - left + 1, "height": bottom - top + 1}
        box = ElementTree.SubElement(by_picture[path], "box", {key: str(value) for key, value in sizes.items()})
        for part, (x, y) in zip(_NAMES, face.points, strict=True):
            ElementTree.SubElement(box, "part", name=part, x=str(round(float(x))), y=str(round(float(y))))
    ElementTree.indent(dataset)
    with atomic_file(file) as partial:
        ElementTree.ElementTree(dataset).write(partial, encoding="utf-8", xml_declaration=True)
    return file


def _relative(picture: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(picture, folder)).as_posix()
    except ValueError:  # another drive
        return picture.resolve().as_posix()


_HEADING = ["filename", *(f"{axis}{index}" for index in range(COUNT) for axis in "xy")]


def read_csv(file: Path) -> tuple[FaceLabel, ...]:
    """The faces of a CSV with the columns filename, x0, y0 to x67, y67; a row without numbers is a picture without a face.

    Pictures lie next to the file, or in `images/` next to it.

    Raises:
        DataError: other columns, or a cell that is not a number; the message names the line.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise DataError(f"{file} cannot be read as CSV ({problem}).") from None
    if not rows or [name.strip() for name in rows[0]] != _HEADING:
        got = ",".join(rows[0])[:60] if rows else ""
        raise DataError(f"{file} begins with '{got}'. A landmark CSV has the columns filename,x0,y0 to x67,y67.")
    folder = file.parent / "images" if (file.parent / "images").is_dir() else file.parent
    labels = [
        FaceLabel(folder / row[0].strip(), _row_points(row[1:], f"{file}, line {number}"), None)
        for number, row in enumerate(rows[1:], start=2)
        if any(cell.strip() for cell in row[1:])
    ]
    if not labels:
        raise DataError(f"{file} holds no row with points. Give labelled faces.")
    return tuple(labels)


def _row_points(cells: list[str], where: str) -> Points68:
    if len(cells) != 2 * COUNT:
        raise DataError(f"{where} has {len(cells)} numbers instead of {2 * COUNT}. Fix or remove the row.")
    return _numbers_of_line(cells, where)


def _numbers_of_line(cells: list[str], where: str) -> Points68:
    try:
        points = np.array([float(cell) for cell in cells], dtype=np.float32).reshape(COUNT, 2)
    except ValueError as problem:
        raise DataError(f"{where} holds something that is not a number ({problem}). Fix or remove it.") from None
    if not np.isfinite(points).all():
        raise DataError(f"{where} holds a number that is not finite. Fix or remove it.")
    return points


def read_pts_folder(folder: Path) -> tuple[FaceLabel, ...]:
    """The faces of all .pts files in a folder and the folders within, each with the picture of the same name.

    iBUG counts pixels from 1, as MATLAB does; the points here count from 0.

    Raises:
        DataError: there is no .pts file, or one has no picture or not 68 points.
    """
    files = sorted(folder.rglob("*.pts"))
    if not files:
        raise DataError(f"{folder} holds no .pts file. Give a folder of .pts files beside their pictures, an .xml or a .csv.")
    return tuple(FaceLabel(_picture_of(file), read_pts(file), None) for file in files)


def read_pts(file: Path) -> Points68:
    """The 68 points of a .pts file, with pixels counted from 0. Raises DataError for another number of points."""
    try:
        _, opened, rest = file.read_text(encoding="utf-8").partition("{")
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(f"{file} cannot be read ({problem}).") from None
    body, closed, _ = rest.partition("}")
    numbers = body.split()
    if not opened or not closed or len(numbers) != 2 * COUNT:
        raise DataError(f"{file} holds {len(numbers) / 2:g} points between braces instead of {COUNT}. Fix or remove it.")
    return _numbers_of_line(numbers, str(file)) - 1


def _picture_of(file: Path) -> Path:
    for ending in PHOTO_ENDINGS:
        for candidate in (file.with_suffix(ending), file.with_suffix(ending.upper())):
            if candidate.is_file():
                return candidate
    raise DataError(f"{file} has no picture of the same name ({', '.join(PHOTO_ENDINGS)}) beside it. Add it, or remove the file.")


def read_labels(data: Path, only: Path | None = None) -> tuple[FaceLabel, ...]:
    """The labelled faces in `data`: an .xml in iBUG 300-W's layout, a .csv with x0,y0 to x67,y67, or a folder of .pts files.

    Args:
        data: the file or folder.
        only: a text file with names of pictures, one a line; only these are taken.

    Raises:
        DataError: nothing is there, or it has another form, or a label or a picture is missing or broken.
    """
    if data.is_dir():
        labels = read_pts_folder(data)
    elif not data.exists():
        raise DataError(f"{data} is not there. Give an .xml or .csv of labelled faces, or a folder of .pts files.")
    elif data.suffix.lower() == ".xml":
        labels = read_xml(data)
    elif data.suffix.lower() == ".csv":
        labels = read_csv(data)
    else:
        raise DataError(f"{data}: labelled faces are read from .xml, .csv or a folder of .pts files, not from '{data.suffix}'.")
    chosen = labels if only is None else _only(labels, only)
    if missing := next((label.picture for label in chosen if not label.picture.is_file()), None):
        raise DataError(f"{data} names {missing}, which is not there. Put the picture there, or remove its label.")
    return chosen


def _only(labels: tuple[FaceLabel, ...], only: Path) -> tuple[FaceLabel, ...]:
    try:
        lines = only.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(f"{only} cannot be read as a list of pictures ({problem}). Give a text file, one name a line.") from None
    names = {Path(line.strip()).name for line in lines if line.strip()}
    chosen = tuple(label for label in labels if label.picture.name in names)
    if not chosen:
        raise DataError(f"None of the {len(names)} pictures that {only} names has a label. Give another list, or other data.")
    return chosen
