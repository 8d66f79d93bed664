"""`lianpu faces`: detect the faces of photos, their landmarks, parts and identity; as a table, as JSON, or drawn on the photos."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from lianpu.cli.edit_options import DetectorOptions, LandmarkOptions, ParserOptions, UprightOptions

if TYPE_CHECKING:
    from lianpu.cli.faces_output import Detail, PhotoResult
    from lianpu.face_parsing.runtime import FaceParser
    from lianpu.faces.mesh import MeshReader
    from lianpu.faces.results import Face, Landmarks, Mesh, Points
    from lianpu.imaging.picture import Picture

    Describe = Callable[[Picture, Sequence[Face]], Sequence[Detail]]


@dataclass(frozen=True)
class FindArguments(UprightOptions, LandmarkOptions, DetectorOptions):
    """Detect the faces of photos: box, five points, score."""

    photos: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="PHOTO...")] = tyro.MISSING
    """Photos, or folders of photos."""
    models: Path | None = None
    """Folder or zip of the buffalo_l pack, if it is not in the models folder."""
    min_score: float | None = None
    """Ignore faces with a lower detection score."""
    json: bool = False
    """Print JSON instead of a table."""
    draw: Path | None = None
    """Write annotated pictures: a folder, or a picture file for one photo."""
    recursive: bool = False
    """Also the photos in folders below those given."""
    threads: int | None = None
    """Threads for one operation."""


@dataclass(frozen=True)
class LandmarksArguments(FindArguments):
    """Predict the landmarks of each face."""

    scheme: Literal["auto", "mesh-478", "insightface-106", "dlib-68"] = "auto"
    """Which landmarks: the 478 points of the face mesh in 3-D with the head's pose, InsightFace's 106, or 68 points in iBUG's order. auto:
    the mesh where it can be had and --landmarks allows it, else 106 if their network is installed, else 68."""


@dataclass(frozen=True)
class PartsArguments(ParserOptions, FindArguments):
    """Parse each face into its parts (CelebAMask-HQ's 19 classes)."""


@dataclass(frozen=True)
class IdentityArguments(FindArguments):
    """Compare every face with every other."""

    encoder: Literal["auto", "arcface", "dlib"] = "auto"
    """The identity network. auto: ArcFace of buffalo_l if it is installed, else dlib's."""


Arguments = (
    Annotated[FindArguments, tyro.conf.subcommand("find", prefix_name=False)]
    | Annotated[LandmarksArguments, tyro.conf.subcommand("landmarks", prefix_name=False)]
    | Annotated[PartsArguments, tyro.conf.subcommand("parts", prefix_name=False)]
    | Annotated[IdentityArguments, tyro.conf.subcommand("identity", prefix_name=False)]
)


def main(arguments: list[str]) -> None:
    """Parse the command line, analyze every photo, and print the results.

    Raises:
        DataError: photos could not be read; raised after the others were printed.
    """
    parsed = tyro.cli(Arguments, args=arguments, prog="lianpu faces", description=__doc__)
    from lianpu.cli.faces_output import print_results
    from lianpu.cli.parse import named_photos
    from lianpu.errors import DataError, SettingsError
    from lianpu.photo.formats import WRITTEN_ENDINGS
    from lianpu.terminal import console

    if parsed.min_score is not None and not 0.0 <= parsed.min_score <= 1.0:
        raise SettingsError(f"--min-score {parsed.min_score} is not from 0 to 1.")
    files, ignored = named_photos(parsed.photos, parsed.recursive)
    if parsed.draw is not None and parsed.draw.suffix.lower() in WRITTEN_ENDINGS and len(files) > 1:
        raise SettingsError(f"--draw {parsed.draw} is one picture, but there are {len(files)} photos. Give a folder.")
    failed: dict[Path, str] = {}
    print_results(
        analyze_photos(files, parsed, failed), failed, drawn_files(files, parsed.draw), parsed.json, upright=parsed.upright
    )
    if ignored.count and not parsed.json:
        console.print(str(ignored), markup=False, highlight=False, soft_wrap=True)
    if failed:
        raise DataError(f"{len(failed)} of {len(files)} photos could not be read. {' '.join(failed.values())}")


def analyze_photos(files: Sequence[Path], parsed: FindArguments, failed: dict[Path, str]) -> Iterator[PhotoResult]:
    """The result of each photo. A photo that cannot be read gives none; the reason goes into `failed`."""
    from lianpu.cli.faces_output import PhotoResult
    from lianpu.errors import PictureError
    from lianpu.faces.analyzer import open_check
    from lianpu.faces.detectors import load_detector
    from lianpu.faces.face_check import find_people
    from lianpu.photo.reading import read_image

    detector = load_detector(parsed.detector, models=parsed.models, landmarks=parsed.landmarks, threads=parsed.threads)
    parser = _parser(parsed)
    describe = _open_models(parsed, parser)
    check = open_check(parsed.landmarks, parser, threads=parsed.threads)
    for file in files:
        try:
            picture = read_image(file)
        except PictureError as problem:
            failed[file] = str(problem)
            continue
        found = find_people(picture, detector, check, upright=parsed.upright, min_score=parsed.min_score)
        yield PhotoResult(
            file, picture, found.faces, tuple(describe(picture, found.faces)) if found.faces else (), len(found.others)
        )


def drawn_files(files: Sequence[Path], target: Path | None) -> dict[Path, Path]:
    """The file for each photo's annotated picture: `target` itself if it is a picture file; empty when it is None."""
    from lianpu.cli.parse import output_names
    from lianpu.photo.formats import WRITTEN_ENDINGS

    if target is None:
        return {}
    if target.suffix.lower() in WRITTEN_ENDINGS:
        return {files[0]: target}
    return {file: target / f"{name}.jpg" for file, name in zip(files, output_names(files), strict=True)}


def _parser(parsed: FindArguments) -> FaceParser | None:
    """The parser that the command prints the parts of; None where it prints none."""
    if not isinstance(parsed, PartsArguments):
        return None
    from lianpu.faces.parts import load_parser

    return load_parser(parsed.parser, threads=parsed.threads)


def _open_models(parsed: FindArguments, parser: FaceParser | None) -> Describe:
    """A function that gives the details of each face that the command prints."""
    if isinstance(parsed, LandmarksArguments):
        return _landmarks(parsed)
    if parser is not None:
        from lianpu.faces.parts import parse_faces

        return lambda picture, faces: parse_faces(picture, faces, parser)
    if isinstance(parsed, IdentityArguments):
        return _identity(parsed)
    return lambda picture, faces: ()


def _landmarks(parsed: LandmarksArguments) -> Describe:
    from lianpu.errors import SettingsError
    from lianpu.faces.analyzer import load_landmarks
    from lianpu.faces.mesh import MeshReader

    if parsed.scheme == "insightface-106":
        from lianpu.faces.insightface_models import open_buffalo

        return open_buffalo(parsed.models, ("landmarks",), parsed.threads).landmarks
    if parsed.scheme == "mesh-478" and parsed.landmarks not in ("auto", "mesh"):
        raise SettingsError(f"--scheme mesh-478 is the face mesh, and --landmarks {parsed.landmarks} is not. Give one of them.")
    reader = load_landmarks("mesh" if parsed.scheme == "mesh-478" else parsed.landmarks, threads=parsed.threads)
    if isinstance(reader, MeshReader) and parsed.scheme != "dlib-68":
        return lambda picture, faces: [_mesh_or_points(reader, picture, face) for face in faces]
    if parsed.scheme == "auto" and parsed.landmarks == "auto" and _has_buffalo("landmarks-106"):
        from lianpu.faces.insightface_models import open_buffalo

        return open_buffalo(parsed.models, ("landmarks",), parsed.threads).landmarks
    return lambda picture, faces: [_points_68(reader.of_face(picture, face)) for face in faces]


def _mesh_or_points(reader: MeshReader, picture: Picture, face: Face) -> Mesh | Landmarks:
    """The mesh of a face, or its 68 points where the mesh is not believed."""
    points, mesh = reader.read(picture, face)
    return mesh if mesh is not None else _points_68(points)


def _points_68(points: Points) -> Landmarks:
    from lianpu.faces.results import Landmarks

    return Landmarks(points, "dlib-68")


def _has_buffalo(name: str) -> bool:
    """Whether a network of buffalo_l can be used: its file exists and is allowed, and insightface is installed."""
    from lianpu.extras import missing_modules
    from lianpu.models.store.locate import is_usable

    return is_usable(name) and not missing_modules("insightface")


def _identity(parsed: IdentityArguments) -> Describe:
    if parsed.encoder == "arcface" or (parsed.encoder == "auto" and _has_buffalo("arcface-r50")):
        from lianpu.faces.insightface_models import open_buffalo

        return open_buffalo(parsed.models, ("identity",), parsed.threads).identity
    from lianpu.faces.dlib_models import DlibEncoder

    return DlibEncoder().of
