"""The parts of every face in a photo: each face is aligned, all are parsed at once, and the masks are warped back into the photo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lianpu.errors import ModelError, SettingsError, WeightsError, nearest_name
from lianpu.face_parsing.data.mask_warp import warped_mask
from lianpu.face_parsing.onnx_parser import ALIGNMENT, FaceParser, OnnxParser
from lianpu.faces.alignment import TEMPLATES, Aligned, align, window_of
from lianpu.faces.results import Face, FaceParts
from lianpu.imaging.geometry import Window, inverse, scale_of
from lianpu.imaging.picture import Picture, check_picture
from lianpu.models.store.locate import check_model_file, find_model_file, missing, require_model_file
from lianpu.models.store.policy import ASKED_BY, is_commercial_safe
from lianpu.models.table import model_file

PARSERS: dict[str, str] = {
    "auto": "the same as small",
    "small": "the bundled parser",
    "bisenet": "the published BiSeNet, 79999_iter.pth",
}
"""The names that `load_parser` knows, with a line on each."""

BUNDLED_PARSER = "face-parser-small"
"""Its name in the table of weights."""


def load_parser(name_or_path: str | Path = "auto", *, threads: int | None = None) -> FaceParser:
    """The parser of a name of `PARSERS`, of an .onnx or .pth file, or of the folder of a parser's training.

    A .pth file is taken to be in the form of 79999_iter.pth: its class order, and left and right by place.

    Args:
        name_or_path: a name, or a path.
        threads: threads for one operation of ONNX Runtime; None takes as many as there are cores.

    Raises:
        SettingsError: the name is unknown.
        WeightsError: the model is not on this machine, damaged, or not allowed under --commercial-safe.
        ModelError: the file or folder is broken, or holds something else.
    """
    name = str(name_or_path)
    path = Path(name).expanduser()
    if name in ("auto", "small"):
        return _allowed(_bundled(threads))
    if name == "bisenet":
        return _published(require_model_file("bisenet-celebamask"), name)
    if path.is_dir():
        return _allowed(_from_run(path, threads))
    if path.suffix.lower() == ".onnx":
        return _allowed(OnnxParser(path, threads=threads))
    if path.suffix.lower() in (".pth", ".pt"):
        return _allowed(_published(path, path.stem))
    raise SettingsError(
        f"'{name}' is no parser{nearest_name(name, PARSERS)}. Known: {', '.join(PARSERS)}, "
        "the path of an .onnx or .pth file, or the folder of a parser's training."
    )


def parse_faces(picture: Picture, faces: Sequence[Face], parser: FaceParser) -> tuple[FaceParts, ...]:
    """The parts of each face over the whole picture (H, W), in the order of the faces.

    Outside of a face's aligned crop all is background, so long hair ends at the crop's edge. Where the crops of two faces
    overlap, a pixel belongs to the face whose middle is nearer, measured in face sizes: no pixel belongs to two.

    Args:
        picture: (H, W, 3) uint8 RGB.
        faces: found in that picture.
        parser: see `load_parser`.
    """
    parts = []
    for found in parse_windows(picture, faces, parser):
        whole = np.zeros(picture.shape[:2], dtype=np.uint8)
        if found is not None:
            window, mask = found
            whole[window] = mask
        parts.append(FaceParts(whole, parser.name))
    return tuple(parts)


def parse_windows(
    picture: Picture, faces: Sequence[Face], parser: FaceParser
) -> tuple[tuple[Window, np.ndarray[Any, np.dtype[np.uint8]]] | None, ...]:
    """The same as `parse_faces`, each face's mask (h, w) only where its crop lies in the picture; None for a face that lies outside.

    In a large photo of many faces this is a hundredth of the memory.
    """
    check_picture(picture)
    aligned = [align(picture, face, TEMPLATES[ALIGNMENT], parser.size_px) for face in faces]
    masks = parser.parse_crops([one.picture for one in aligned])
    middles = np.array([face.points.mean(axis=0) for face in faces], dtype=np.float64).reshape(-1, 2)
    sizes = np.array([1 / scale_of(one.matrix) for one in aligned], dtype=np.float64)
    found: list[tuple[Window, np.ndarray] | None] = []
    for index, (one, mask) in enumerate(zip(aligned, masks, strict=True)):
        window = window_of(one, picture.shape[1], picture.shape[0])
        if window is None:
            found.append(None)
            continue
        own = _in_window(one, mask, window)
        own[_nearer_to_others(index, middles, sizes, window)] = 0
        found.append((window, own))
    return tuple(found)


def all_parts(parts: Sequence[FaceParts], height: int, width: int) -> np.ndarray:
    """The parts of all faces of a picture in one mask (H, W) uint8; what `parse_faces` gives never overlaps."""
    whole = np.zeros((height, width), dtype=np.uint8)
    for one in parts:
        np.maximum(whole, one.mask, out=whole)
    return whole


def _bundled(threads: int | None) -> FaceParser:
    entry = model_file(BUNDLED_PARSER)
    file = find_model_file(entry.name)
    if file is None:
        raise WeightsError(
            f"{missing(entry)}, although it is bundled. Install Lianpu again ({entry.how_to_get}), or name another parser: "
            "an .onnx file, bisenet, or the folder of a finished lianpu parser train."
        )
    return OnnxParser(check_model_file(file, entry), name="small", threads=threads)


def _published(file: Path, name: str) -> FaceParser:
    from lianpu.face_parsing.torch_parsers import PublishedParser

    return PublishedParser(file, name, model_file("bisenet-celebamask").licence)


def _from_run(folder: Path, threads: int | None) -> FaceParser:
    from lianpu.face_parsing.config import ParserRun

    run = ParserRun(folder)
    if run.onnx_file.is_file():
        return OnnxParser(run.onnx_file, name=folder.name, threads=threads)
    if not run.exists():
        raise ModelError(
            f"{folder} is no parser's training (it has no {run.config_file.name}). Give a folder of lianpu parser train."
        )
    from lianpu.face_parsing.torch_parsers import TrainedParser

    return TrainedParser(folder)


def _allowed(parser: FaceParser) -> FaceParser:
    """The parser, unless only files for commercial use are wanted and its licence forbids that."""
    if is_commercial_safe() and "non-commercial" in parser.licence:
        raise WeightsError(
            f"{parser.file.name} may not be used commercially: {parser.licence}. Train a parser on pictures that you may use "
            f"(lianpu parser train DATA RUN) and name it: --parser RUN. {ASKED_BY}"
        )
    return parser


def _in_window(aligned: Aligned, mask: np.ndarray, window: Window) -> np.ndarray:
    rows, columns = window
    back = inverse(aligned.matrix)
    back[:, 2] -= (columns.start, rows.start)
    return warped_mask(mask, back, (columns.stop - columns.start, rows.stop - rows.start))


def _nearer_to_others(index: int, middles: np.ndarray, sizes: np.ndarray, window: Window) -> np.ndarray:
    """Which pixels of a window lie nearer to the middle of another face, each distance divided by the face's size."""
    rows, columns = window
    y, x = np.ogrid[rows.start : rows.stop, columns.start : columns.stop]

    def distance(face: int) -> np.ndarray:
        return ((x - middles[face, 0]) ** 2 + (y - middles[face, 1]) ** 2) / sizes[face] ** 2

    foreign = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.bool_)
    if len(middles) == 1:
        return foreign
    own = distance(index)
    for other in range(len(middles)):
        if other != index:
            theirs = distance(other)
            foreign |= (theirs < own) | ((theirs == own) & (other < index))
    return foreign
