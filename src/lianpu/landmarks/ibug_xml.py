"""The XML of dlib's image tools, as iBUG 300-W comes for dlib: images, boxes, and parts named 00 to 67."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree

import numpy as np

from lianpu.errors import DataError
from lianpu.files import atomic_file
from lianpu.landmarks.labels import FaceLabel
from lianpu.landmarks.scheme68 import COUNT, Points68
from lianpu.perception.dlib_boxes import BoxXyxy

_NAMES = tuple(f"{index:02d}" for index in range(COUNT))


class Boxed(Protocol):
    """What can be written: a picture, points and a box."""

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
        raise DataError(f"{where} has {name}='{'' if text is None else text}', not a number. Mend it.")
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
