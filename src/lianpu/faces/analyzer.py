"""Find and describe the faces of photos: a detector, a parser and 68 points, opened from one set of options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np

from lianpu.errors import DataError, Message, ModelError, SettingsError, WeightsError
from lianpu.face_parsing.runtime import FaceParser
from lianpu.faces.alignment import TEMPLATES, alignment_matrix, window_of_crop
from lianpu.faces.detection import Detector, find_faces
from lianpu.faces.face_check import FaceCheck, is_face, look_again_turned
from lianpu.faces.mesh import MeshReader, five_points
from lianpu.faces.parts import (
    BUNDLED_PARSER,
    NO_PARSER,
    load_parser,
    parse_wide,
    parse_windows,
    soft_parser,
    windows_by_mesh,
)
from lianpu.faces.results import Face, FaceParts, Landmarks, Mesh, Points, Subject
from lianpu.imaging.geometry import scale_of
from lianpu.imaging.picture import Picture
from lianpu.models.store.conversion import require_onnx
from lianpu.models.store.locate import COMMERCIAL_SAFE_NOTE, is_commercial_safe, is_usable

EVERY, LARGEST = "all", "largest"
"""The words that `choose` knows."""

Part = Literal["detector", "parser", "landmarks"]

_FREE: dict[Part, str] = {
    "detector": "Give --detector blazeface.",
    "parser": "Give --parser FILE (train it: lianpu parser train).",
    "landmarks": "Give --landmarks mesh, or FILE (train it: lianpu landmarks train).",
}
"""What may take the place of a model under --commercial-safe."""


@dataclass(frozen=True)
class AnalyzerSettings:
    """How faces are found and described: the options `--detector --landmarks --parser --upright` of every command.

    Args:
        detector: `auto`, `buffalo_l`, `yunet`, `blazeface`, `dlib`, or the path of an .onnx file (`faces.detectors.load_detector`).
        landmarks: `auto`, `mesh`, `mesh-468`, `dlib`, or the path of a .dat file (`load_landmarks`).
        parser: `auto` (the bundled one), `bisenet`, a path (`faces.parts.load_parser`), or `none`: parts come from the face mesh, and hair
            is not seen. Under --commercial-safe `auto` is `none`, because the bundled parser is not for commercial use.
        upright: also look for faces in the photo turned by 90, 180 and 270 degrees: four times the work.
    """

    detector: str = "auto"
    landmarks: str = "auto"
    parser: str = "auto"
    upright: bool = False


@dataclass(frozen=True, eq=False)
class FaceAnalyzer:
    """A detector, a parser and a reader of 68 points, opened once for any number of photos: see `open_analyzer`.

    Args:
        detector: finds the faces.
        parser: labels the parts of each; None where they come from the face mesh, which `landmarks` then reads.
        landmarks: reads 68 points of each.
        upright: also look for turned faces.
    """

    detector: Detector
    parser: FaceParser | None
    landmarks: LandmarkReader
    upright: bool = False

    def analyze(self, photo: Picture, *, wide: bool = True, doubtful: bool = False) -> tuple[Subject, ...]:
        """The faces of a photo (H, W, 3), largest first; an empty tuple when there is none. Arguments: as `look` takes them."""
        return self.look(photo, wide=wide, doubtful=doubtful).subjects

    def look(self, photo: Picture, *, wide: bool = True, doubtful: bool = False) -> SeenFaces:
        """The faces of a photo, and how many findings were left out because they are no faces of people.

        Args:
            photo: (H, W, 3) uint8 RGB.
            wide: parse a second, wider crop where hair leaves a face's crop (`parts.parse_wide`): for hair and backgrounds.
            doubtful: keep also what mesh and parser take for no face (`face_check.is_face`), as a dog: for edits that must miss nobody.
        """
        subjects, others = look_again_turned(
            lambda upright: self._told_apart(photo, upright=upright), lambda subject: subject.face, upright=self.upright
        )
        left_out = 0 if doubtful else len(others)
        if doubtful:
            subjects = tuple(sorted([*subjects, *others], key=lambda subject: -subject.face.area))
        subjects = _knowing_others(subjects)
        if wide and self.parser is not None:
            subjects = parse_wide(photo, subjects, self.parser)
        return SeenFaces(subjects, left_out)

    def _told_apart(self, photo: Picture, *, upright: bool) -> tuple[tuple[Subject, ...], tuple[Subject, ...]]:
        """The faces of a photo, and what was taken for one and is none; without a mesh all are faces."""
        found = describe_faces(photo, find_faces(photo, self.detector, upright=upright), self.parser, self.landmarks)
        if not isinstance(self.landmarks, MeshReader):
            return found, ()
        real = [_is_face(photo, subject, self.landmarks) for subject in found]
        subjects = tuple(_with_mesh_points(subject) for subject, is_one in zip(found, real, strict=True) if is_one)
        return (
            _parsed_again(photo, subjects, self.parser),
            tuple(subject for subject, is_one in zip(found, real, strict=True) if not is_one),
        )


@dataclass(frozen=True)
class SeenFaces:
    """The faces of a photo, and how many findings were left out as no faces of people (`face_check.left_out_note`)."""

    subjects: tuple[Subject, ...]
    left_out: int


def _knowing_others(subjects: tuple[Subject, ...]) -> tuple[Subject, ...]:
    """The subjects of a photo, each with the places of the others."""
    places = [(*subject.face.points.mean(axis=0).tolist(), subject.face.unit_px) for subject in subjects]
    return tuple(replace(subject, others=tuple(places[:index] + places[index + 1 :])) for index, subject in enumerate(subjects))


def _with_mesh_points(subject: Subject) -> Subject:
    """The subject with the five points of its mesh: a detector's are two to four times as far off, and BlazeFace guesses the mouth's corners.

    Not before it is known that it is a face: points the wrong way round must be found out by then.
    """
    if subject.mesh is None:
        return subject
    return replace(subject, face=replace(subject.face, points=five_points(subject.mesh)))


_CROP = TEMPLATES["celebamask-hq"]

_MOVED = 0.04
"""A face whose crop by the mesh's points is farther than this from the one that was parsed, in crops, is parsed again: a profile, say."""


def _parsed_again(photo: Picture, subjects: tuple[Subject, ...], parser: FaceParser | None) -> tuple[Subject, ...]:
    """The subjects; those that were parsed in a crop that does not fit their points, with the parts of the one that does."""
    moved = [_crop_moved(subject, photo.shape) > _MOVED for subject in subjects]
    if parser is None or not any(moved):
        return subjects
    only = [number for number, away in enumerate(moved) if away]
    windows = parse_windows(photo, [subject.face for subject in subjects], parser, only=only)
    soft = soft_parser(parser)
    return tuple(
        subject if window is None else replace(subject, window=window[0], parts=FaceParts(window[1], parser.name, soft))
        for subject, window in zip(subjects, windows, strict=True)
    )


def _crop_moved(subject: Subject, photo_shape: tuple[int, ...]) -> float:
    """How far the sides of the parsed window are from those of the crop that the face's points lead to, in sides of the crop."""
    matrix = alignment_matrix(subject.face.points, _CROP, _CROP.width)
    window = window_of_crop(matrix, _CROP.width, photo_shape[1], photo_shape[0])
    if window is None:
        return 0.0
    apart = [
        abs(new - old)
        for one, other in zip(window, subject.window, strict=True)
        for new, old in ((one.start, other.start), (one.stop, other.stop))
    ]
    return max(apart) * scale_of(matrix) / _CROP.width


def _is_face(photo: Picture, subject: Subject, reader: MeshReader) -> bool:
    mesh = subject.mesh or reader.guess(photo, subject.face)
    return is_face(subject.face, mesh, subject.window, subject.parts)


def open_analyzer(settings: AnalyzerSettings | None = None, *, threads: int | None = None) -> FaceAnalyzer:
    """Open the models that the settings name; None for the defaults.

    Raises:
        SettingsError: a name is unknown, or there is neither a parser nor a face mesh.
        WeightsError, ModelError: as `open_models`.
    """
    asked = settings or AnalyzerSettings()
    if asked.parser == NO_PARSER or (
        asked.parser == "auto" and is_commercial_safe() and asked.landmarks in ("auto", MESH, SMALL_MESH)
    ):
        detector, landmarks = open_models(asked, "detector", "landmarks", threads=threads)
        if not isinstance(landmarks, MeshReader):
            raise SettingsError(
                "Without a parser (--parser none), the parts of faces come from the face mesh. Give --landmarks mesh "
                "(lianpu models fetch face-mesh), or a parser."
            )
        return FaceAnalyzer(detector, None, landmarks, asked.upright)
    detector, parser, landmarks = open_models(asked, "detector", "parser", "landmarks", threads=threads)
    return FaceAnalyzer(detector, parser, landmarks, asked.upright)


def open_models(settings: AnalyzerSettings, *parts: Part, threads: int | None = None) -> tuple[Any, ...]:
    """The models of some parts, in the order given: a `Detector`, a `FaceParser`, a `LandmarkReader`.

    Args:
        settings: their names or files.
        parts: those that are needed.
        threads: threads for one operation; None takes as many as there are cores.

    Raises:
        SettingsError: a name is unknown.
        WeightsError: a model is not on this machine, damaged, or not allowed under --commercial-safe; all such models in one message.
        ModelError: a file is broken or holds something else; likewise.
    """
    opened: list[Any] = []
    problems: dict[Part, WeightsError | ModelError] = {}
    for part in parts:
        try:
            opened.append(_open(part, settings, threads))
        except (WeightsError, ModelError) as problem:
            problems[part] = problem
    if not is_commercial_safe() and str(problems.get("detector", "")) == str(problems.get("landmarks")):
        del problems["detector"]  # dlib's detector needs the same file of landmarks: name it once
    if problems:
        kind = WeightsError if any(isinstance(problem, WeightsError) for problem in problems.values()) else ModelError
        lines = [_explained(part, settings, str(problem)) for part, problem in problems.items()]
        raise kind(" ".join([*lines, COMMERCIAL_SAFE_NOTE] if is_commercial_safe() else lines))
    return tuple(opened)


def _open(part: Part, settings: AnalyzerSettings, threads: int | None) -> Any:
    if part == "detector":
        from lianpu.faces.detectors import load_detector

        return load_detector(settings.detector, landmarks=settings.landmarks, threads=threads)
    if part == "parser":
        return load_parser(settings.parser, threads=threads)
    return load_landmarks(settings.landmarks, threads=threads)


MESH, SMALL_MESH = "mesh", "mesh-468"
"""The names of the face meshes among landmarks."""


def open_mesh(name: str = "auto", *, threads: int | None = None) -> MeshReader | None:
    """The face mesh, where the landmarks of this name are one; None for others, and with `auto` where it cannot be had.

    Raises:
        WeightsError: a mesh that was named is not on this machine and cannot be fetched, or is damaged.
        ModelError: its file is broken.
    """
    if name not in ("auto", MESH, SMALL_MESH):
        return None
    try:
        return MeshReader(require_onnx("face-mesh-468" if name == SMALL_MESH else "face-mesh"), threads)
    except WeightsError:
        if name == "auto":
            return None
        raise


def open_check(landmarks: str = "auto", parser: FaceParser | None = None, *, threads: int | None = None) -> FaceCheck | None:
    """What tells faces of people from animals and other things; None where the landmarks of this name are no face mesh.

    Args:
        landmarks: as `load_landmarks` takes it.
        parser: an open one; None takes the bundled one, if it may be used.
        threads: threads for one operation; None takes as many as there are cores.

    Raises:
        WeightsError, ModelError: as `open_mesh`.
    """
    mesh = open_mesh(landmarks, threads=threads)
    if mesh is None:
        return None
    if parser is None and is_usable(BUNDLED_PARSER):
        parser = load_parser(threads=threads)
    return FaceCheck(mesh, parser)


def load_landmarks(name: str = "auto", *, threads: int | None = None) -> LandmarkReader:
    """The reader of 68 points that a name or a path stands for.

    Args:
        name: `mesh`: MediaPipe's face mesh, 478 points in 3-D (a `MeshReader`), fetched at first use; `dlib`: its published 68 points;
            `auto`: the mesh where it is on this machine or can be fetched, else dlib; `mesh-468`: the mesh without irises, in half the
            time; or the path of a .dat file (`lianpu landmarks train`).
        threads: threads for one operation; None takes as many as there are cores.

    Raises:
        WeightsError: the model is not on this machine and cannot be fetched, is damaged, or is not allowed under --commercial-safe.
        ModelError: the file is no shape predictor, or has another number of points.
    """
    if name not in ("auto", MESH, SMALL_MESH):
        return _by_dlib(name)
    try:
        file = require_onnx("face-mesh-468" if name == SMALL_MESH else "face-mesh")
    except WeightsError:
        if name != "auto" or is_commercial_safe():
            raise
        return _by_dlib("auto")
    may_fall_back = is_usable("dlib-landmarks-68")
    return MeshReader(file, threads, _points_by_dlib if may_fall_back else None)


def _points_by_dlib(picture: Picture, face: Face) -> Points:
    """The 68 points of a face whose mesh is not believed."""
    return _by_dlib("auto").of_face(picture, face)


def _by_dlib(name: str) -> LandmarkReader:
    from lianpu.faces.dlib_models import load_landmarks_68  # dlib is read in 0.1 s, and most photos do without it

    return load_landmarks_68(name)


def _explained(part: Part, settings: AnalyzerSettings, problem: str) -> str:
    """A part's problem with its option and, under --commercial-safe, what may take its place; `COMMERCIAL_SAFE_NOTE` comes once, at the end."""
    asked = getattr(settings, part)
    text = f"--{part} {asked}: {problem.removesuffix(COMMERCIAL_SAFE_NOTE).rstrip()}"
    is_in = f"--{part} " in problem or (part == "detector" and asked in ("auto", "yunet", "blazeface"))
    if part == "landmarks" and asked in ("auto", MESH, SMALL_MESH):
        return f"{text} Or give --landmarks FILE (train it: lianpu landmarks train)." if is_commercial_safe() else text
    return f"{text} {_FREE[part]}" if is_commercial_safe() and not is_in else text


def choose(subjects: Sequence[Subject], which: str) -> tuple[Subject, ...]:
    """Some of the faces of a photo: `all`, `largest`, or numbers as `0,2`, where 0 is the largest. An empty tuple for a photo without faces.

    Raises:
        SettingsError: `which` is something else.
        DataError: a number that no face has.
    """
    numbers = face_numbers(which)
    if numbers is None:
        by_size = sorted(subjects, key=lambda subject: -subject.face.area)
        return tuple(by_size[:1] if which == LARGEST else subjects)
    too_large = [number for number in numbers if number >= len(subjects)]
    if subjects and too_large:
        one = Message("only face 0", key="faces.only_one")
        several = Message("faces 0 to {last}", key="faces.up_to", last=len(subjects) - 1)
        raise DataError(
            "There is no face {number}: {known} can be chosen here (0 is the largest).",
            key="faces.no_such_number",
            number=too_large[0],
            known=one if len(subjects) == 1 else several,
        )
    return tuple(subjects[number] for number in numbers) if subjects else ()


def face_numbers(which: str) -> tuple[int, ...] | None:
    """The numbers of `0,2`, each once; None for `all` and `largest`. Raises SettingsError for anything else."""
    if which in (EVERY, LARGEST):
        return None
    if not re.fullmatch(r"\s*\d{1,6}\s*(,\s*\d{1,6}\s*)*", which):
        raise SettingsError(
            "faces '{value}': write all, largest, or numbers as 0,2 (0 is the largest face).", key="faces.unreadable", value=which
        )
    return tuple(dict.fromkeys(int(number) for number in which.split(",")))


class LandmarkReader(Protocol):
    """Anything that reads 68 points of a face: `faces.dlib_models.ShapePredictor`."""

    def of_face(self, picture: Picture, face: Face) -> Points:
        """The points (68, 2) of a face, in pixels of the picture."""
        ...


def describe_faces(
    photo: Picture, faces: Sequence[Face], parser: FaceParser | None, landmarks: LandmarkReader
) -> tuple[Subject, ...]:
    """The faces that were found in a photo (H, W, 3), with their points and parts, in the order given; all faces that may hide one
    another must be given at once. A face that lies outside of the photo altogether is left out.

    Args:
        photo: (H, W, 3) uint8 RGB.
        faces: of `faces.detection.find_faces`.
        parser: of `faces.parts.load_parser`; None takes the parts of the mesh, and no parts where it is not believed.
        landmarks: of 68 points; with a `MeshReader` the subjects have their meshes.
    """
    read = [_read(photo, face, landmarks) for face in faces]
    if parser is None:
        found = windows_by_mesh(photo, faces, [mesh for _, mesh in read])
    else:
        windows = parse_windows(photo, faces, parser)
        soft = soft_parser(parser)
        found = tuple(None if one is None else (one[0], FaceParts(one[1], parser.name, soft)) for one in windows)
    return tuple(
        Subject(face, Landmarks(points, "dlib-68"), *one, mesh=mesh)
        for face, (points, mesh), one in zip(faces, read, found, strict=True)
        if one is not None
    )


def _read(photo: Picture, face: Face, landmarks: LandmarkReader) -> tuple[Points, Mesh | None]:
    if isinstance(landmarks, MeshReader):
        return landmarks.read(photo, face)
    return np.asarray(landmarks.of_face(photo, face), dtype=np.float32), None
