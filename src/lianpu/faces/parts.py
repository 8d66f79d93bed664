"""The parts of every face in a photo: each face is aligned, all are parsed at once, and the masks are warped back into the photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lianpu.errors import ModelError, SettingsError, WeightsError, nearest_name
from lianpu.face_parsing.data.mask_files import warped_mask
from lianpu.face_parsing.runtime import ALIGNMENT, FaceParser, OnnxParser
from lianpu.faces.alignment import TEMPLATES, Aligned, align, alignment_matrix, window_of, window_of_crop
from lianpu.faces.covered_mouth import mouth_is_covered
from lianpu.faces.mesh import MESH_PARTS, mesh_parts
from lianpu.faces.results import WIDE_SCALE, Face, FaceParts, Mesh, SoftParser, Subject, WideParts
from lianpu.imaging.geometry import Matrix, Window, compose, inverse, map_points, scale_of, warp_values
from lianpu.imaging.picture import Picture, check_picture
from lianpu.models.store.locate import (
    COMMERCIAL_SAFE_NOTE,
    check_model_file,
    find_model_file,
    is_commercial_safe,
    missing,
    require_model_file,
)
from lianpu.models.table import model_file
from lianpu.part_names import part_index

NO_PARSER = "none"
"""The name that stands for doing without a parser, where a face mesh gives parts (`faces.analyzer.open_analyzer`)."""

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
    if name == NO_PARSER:
        raise SettingsError(
            "'none' is no parser, and this needs one. Give --parser FILE (train it: lianpu parser train), or leave it out."
        )
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
        parts.append(FaceParts(whole, parser.name, soft_parser(parser)))
    return tuple(parts)


def parse_windows(
    picture: Picture, faces: Sequence[Face], parser: FaceParser, *, only: Sequence[int] | None = None
) -> tuple[tuple[Window, np.ndarray[Any, np.dtype[np.uint8]]] | None, ...]:
    """The same as `parse_faces`, each face's mask (h, w) only where its crop lies in the picture; None for a face that lies outside.

    In a large photo of many faces this is a hundredth of the memory. With `only`, the faces of these numbers are parsed and the others
    are None: they still keep what is nearer to them.
    """
    check_picture(picture)
    chosen = range(len(faces)) if only is None else only
    aligned = [align(picture, faces[index], TEMPLATES[ALIGNMENT], parser.size_px) for index in chosen]
    masks = parser.parse_crops([one.picture for one in aligned])
    middles = np.array([face.points.mean(axis=0) for face in faces], dtype=np.float64).reshape(-1, 2)
    matrices = [alignment_matrix(face.points, TEMPLATES[ALIGNMENT], parser.size_px) for face in faces]
    sizes = np.array([1 / scale_of(matrix) for matrix in matrices], dtype=np.float64)
    found: list[tuple[Window, np.ndarray] | None] = [None] * len(faces)
    for index, one, mask in zip(chosen, aligned, masks, strict=True):
        window = window_of(one, picture.shape[1], picture.shape[0])
        if window is not None:
            own = _in_window(one, mask, window)
            own[_nearer_to_others(index, middles, sizes, window)] = 0
            found[index] = (window, own)
    return tuple(found)


def windows_by_mesh(
    picture: Picture, faces: Sequence[Face], meshes: Sequence[Mesh | None]
) -> tuple[tuple[Window, FaceParts] | None, ...]:
    """The same as `parse_windows` without a parser: the parts that each mesh knows, none where there is no mesh; no lips on a mask."""
    height, width = check_picture(picture).shape[:2]
    matrices = [alignment_matrix(face.points, _CROP, _CROP.width) for face in faces]
    middles = np.array([face.points.mean(axis=0) for face in faces], dtype=np.float64).reshape(-1, 2)
    sizes = np.array([1 / scale_of(matrix) for matrix in matrices], dtype=np.float64)
    found: list[tuple[Window, FaceParts] | None] = []
    for index, (matrix, mesh) in enumerate(zip(matrices, meshes, strict=True)):
        window = window_of_crop(matrix, _CROP.width, width, height)
        if window is None:
            found.append(None)
            continue
        shape = (window[0].stop - window[0].start, window[1].stop - window[1].start)
        mask = np.zeros(shape, dtype=np.uint8)
        if mesh is not None:
            mask = mesh_parts(mesh, window, with_mouth=not mouth_is_covered(picture, mesh)).mask
        mask[_nearer_to_others(index, middles, sizes, window)] = 0
        found.append((window, FaceParts(mask, MESH_PARTS)))
    return tuple(found)


def probability_over(
    photo: Picture, subject: Subject, part: str, shape: tuple[int, int]
) -> np.ndarray[Any, np.dtype[np.float32]] | None:
    """The probability of a part, 0 to 1, over the subject's window at a size of `shape`: (h, w).

    They come from where the parts do (`FaceParts.soft`): the same parser, or the average over a video's frames, which nothing is parsed
    for. None where there are no probabilities: parts of a mesh, of a .pth file, or of an .onnx file without `shares`.

    Args:
        photo: (H, W, 3) that the subject was found in.
        subject: a face; of one that is `wide`, the middle comes from its narrow crop.
        part: a name of `part_names.PARTS`.
        shape: h and w.
    """
    soft = subject.parts.soft
    if soft is None or (isinstance(soft, np.ndarray) and subject.parts_scale != 1):
        return None
    rows, columns = subject.window
    by = (shape[1] / (columns.stop - columns.start), shape[0] / (rows.stop - rows.start))
    to_view = np.array([[by[0], 0, (0.5 - columns.start) * by[0] - 0.5], [0, by[1], (0.5 - rows.start) * by[1] - 0.5]])

    def probability(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if isinstance(soft, np.ndarray):
            share = soft[part_index(part)]
        else:
            crop = align(photo, replace(subject.face, points=points), _CROP, soft.size_px).picture
            share = soft.part_shares(crop)[part_index(part)].astype(np.float32) / np.float32(255)
        edge = max(1, round(_BELIEVED * len(share)))
        inner = np.zeros_like(share)
        inner[edge:-edge, edge:-edge] = 1
        matrix = compose(to_view, inverse(alignment_matrix(points, _CROP, len(share))))
        both = warp_values(np.dstack([share, cv2.blur(inner, (edge, edge))]), matrix, (shape[1], shape[0]), 0.0)
        return both[:, :, 0], both[:, :, 1]

    narrow, believed = probability(subject.face.points)
    if subject.parts_scale == 1:
        return narrow
    wide, _ = probability(_spread(subject.face.points))
    return np.asarray(wide + (narrow - wide) * believed, dtype=np.float32)


def soft_parser(parser: FaceParser) -> SoftParser | None:
    """The parser, where it also gives probabilities."""
    return parser if isinstance(parser, OnnxParser) and parser.gives_shares else None


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
            f"(lianpu parser train DATA RUN) and name it: --parser RUN. {COMMERCIAL_SAFE_NOTE}"
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


_CROP = TEMPLATES["celebamask-hq"]

_HAIR = part_index("hair")

_YIELDING = tuple(part_index(name) for name in ("background", "neck", "cloth"))
"""What of another face gives way to hair that hangs before it."""

_GRID_PX = 128

_BORDER = 4
"""Hair this near to the crop's border, in pixels of the grid, is taken to go on beyond it."""

_LEAST_PX = 40

_BELIEVED = 0.06
"""Farther than this share of the crop's side from its border, the narrow crop is trusted: it has more resolution."""

_PIECES_PX = 384

_THREAD_SHARE = 0.008
"""What hangs together with hair by less than twice this share of the wider crop's side is no hair."""


def parse_wide(photo: Picture, subjects: Sequence[Subject], parser: FaceParser) -> tuple[Subject, ...]:
    """The subjects; those whose hair leaves the crop get `wide_parts`. Subjects that may hide one another must be given at once."""
    return tuple(
        _with_wide_parts(photo, subjects, number, parser) if hair_goes_on(photo, subjects, number) else subject
        for number, subject in enumerate(subjects)
    )


def hair_goes_on(photo: Picture, subjects: Sequence[Subject], number: int) -> bool:
    """Whether a subject's hair reaches the border of its crop, or the line from which on another face is nearer, and the photo continues there."""
    subject = subjects[number]
    side = _GRID_PX + 2 * _BORDER
    grid = np.mgrid[-_BORDER : _GRID_PX + _BORDER, -_BORDER : _GRID_PX + _BORDER][::-1].reshape(2, -1).T
    points = map_points(inverse(alignment_matrix(subject.face.points, _CROP, _GRID_PX)), grid)
    inside = ((points >= 0) & (points <= (photo.shape[1] - 1, photo.shape[0] - 1))).all(axis=1).reshape(side, side)
    within = np.abs(grid + 0.5 - _GRID_PX / 2).max(axis=1).reshape(side, side) < _GRID_PX / 2
    unknown = inside & (~within | _foreign(subjects, number, points).reshape(side, side))
    near = cv2.dilate(unknown.astype(np.uint8), np.ones((2 * _BORDER + 1, 2 * _BORDER + 1), dtype=np.uint8)) > 0
    return bool((near & (_part_at(subject, points).reshape(side, side) == _HAIR)).sum() > _LEAST_PX)


def _with_wide_parts(photo: Picture, subjects: Sequence[Subject], number: int, parser: FaceParser) -> Subject:
    subject = subjects[number]
    (found,) = parse_windows(photo, [replace(subject.face, points=_spread(subject.face.points))], parser)
    if found is None:
        return subject
    window, mask = found
    merged = mask.copy()
    _keep_narrow_parts(merged, window, subjects, number)
    for other in subjects:
        if other is not subject:
            _give_to(merged, window, other)
    _keep_own_hair(merged, window, subject)
    return replace(subject, wide_parts=WideParts(window, FaceParts(merged, parser.name, soft_parser(parser))))


def _foreign(subjects: Sequence[Subject], number: int, points: np.ndarray) -> np.ndarray:
    """(K,) bool: which points (K, 2) are nearer to another face, in face sizes, as `parse_windows` has it."""
    distances = []
    for subject in subjects:
        size = 1 / scale_of(alignment_matrix(subject.face.points, _CROP, _CROP.width))
        distances.append(((points - subject.face.points.mean(axis=0)) ** 2).sum(axis=-1) / size**2)
    return np.asarray(np.argmin(distances, axis=0) != number)


def _part_at(subject: Subject, points: np.ndarray) -> np.ndarray:
    """The part (K,) at points of the photo (K, 2); 0 outside of the window."""
    rows, columns = subject.window
    x, y = np.rint(points - (columns.start, rows.start)).astype(int).T
    high, wide = subject.parts.mask.shape
    inside = (x >= 0) & (x < wide) & (y >= 0) & (y < high)
    return np.where(inside, subject.parts.mask[y.clip(0, high - 1), x.clip(0, wide - 1)], 0)


def _spread(points: np.ndarray) -> np.ndarray:
    """Five points (5, 2), apart by `WIDE_SCALE` from the middle of their crop: their crop is that much wider, around the same middle."""
    back = inverse(alignment_matrix(points, _CROP, _CROP.width))
    middle = map_points(back, np.full((1, 2), (_CROP.width - 1) / 2))[0]
    return np.asarray(middle + WIDE_SCALE * (points - middle), dtype=np.float32)


def _keep_narrow_parts(merged: np.ndarray, window: Window, subjects: Sequence[Subject], number: int) -> None:
    """Copy the parts of the narrow crop into `merged` (h, w), well inside of that crop, where no other face is nearer."""
    subject = subjects[number]
    part, first, (top, left) = _overlap(merged, window, subject)
    places = np.abs(_places(alignment_matrix(subject.face.points, _CROP, _CROP.width) / _CROP.width, part.shape, top, left) - 0.5)
    within = places.max(axis=0) < 0.5 - _BELIEVED
    if len(subjects) > 1:
        y, x = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]]
        within &= ~_foreign(subjects, number, np.dstack([x, y]))
    np.copyto(part, first, where=within)


def _places(matrix: Matrix, shape: tuple[int, ...], top: int, left: int) -> np.ndarray:
    """(2, h, w): where the matrix takes the pixels of a part of the photo that begins at `top` and `left`."""
    y, x = np.ogrid[top : top + shape[0], left : left + shape[1]]
    return np.stack([(row[0] * x + row[2]).astype(np.float32) + (row[1] * y).astype(np.float32) for row in matrix])


def _give_to(merged: np.ndarray, window: Window, other: Subject) -> None:
    """Take out of `merged` what another face has as its own."""
    part, theirs, _ = _overlap(merged, window, other)
    part[~np.isin(theirs, _YIELDING)] = 0


def _overlap(merged: np.ndarray, window: Window, subject: Subject) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """The part of `merged` and of a subject's parts that lie over each other, and the photo's row and column where they begin."""
    (rows, columns), (own_rows, own_columns) = window, subject.window
    top, left = max(rows.start, own_rows.start), max(columns.start, own_columns.start)
    bottom, right = max(top, min(rows.stop, own_rows.stop)), max(left, min(columns.stop, own_columns.stop))
    ours = merged[top - rows.start : bottom - rows.start, left - columns.start : right - columns.start]
    theirs = subject.parts.mask[
        top - own_rows.start : bottom - own_rows.start, left - own_columns.start : right - own_columns.start
    ]
    return ours, theirs, (top, left)


def _keep_own_hair(merged: np.ndarray, window: Window, subject: Subject) -> None:
    """Remove hair from `merged` that is not connected to hair of the narrow crop, or only by a thread: it is a sleeve, say."""
    hair = (merged == _HAIR).astype(np.uint8)
    shrink = min(1.0, _PIECES_PX / max(hair.shape))
    size = (max(1, round(hair.shape[1] * shrink)), max(1, round(hair.shape[0] * shrink)))
    small = (cv2.resize(255 * hair, size, interpolation=cv2.INTER_AREA) > 127).astype(np.uint8)
    seed = np.zeros_like(hair)
    part, first, _ = _overlap(seed, window, subject)
    part[first == _HAIR] = 255
    seeds = cv2.resize(seed, size, interpolation=cv2.INTER_AREA) > 127
    thread = max(1, round(_THREAD_SHARE * max(size)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * thread + 1, 2 * thread + 1))
    _, labels = cv2.connectedComponents(cv2.erode(small, kernel))
    own = np.isin(labels, np.setdiff1d(np.unique(labels[seeds]), [0])) | seeds
    near = cv2.dilate(own.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (4 * thread + 1, 4 * thread + 1)))
    kept = cv2.resize(near, hair.shape[::-1], interpolation=cv2.INTER_NEAREST)
    merged[(hair > kept)] = 0
