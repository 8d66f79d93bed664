"""The analysis of one photo: the same in this process, in another one, or on a machine of a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from lianpu.errors import PictureError
from lianpu.faces.alignment import TEMPLATES, align
from lianpu.faces.results import Face
from lianpu.files import as_on_disk
from lianpu.imaging.picture import Picture
from lianpu.photo.reading import read_image
from lianpu.preparation.measures import NO_PERSON, FaceQuality, Measures, Rejection, part_measures, quality_of, rejection_of
from lianpu.preparation.models import AnalysisModels, open_analysis_models
from lianpu.preparation.near_duplicates import FaceHashes
from lianpu.preparation.settings import PrepareSettings


@dataclass(frozen=True)
class FacePosition:
    """Where a face is in its photo, and how it was found.

    Args:
        number: 0 for the largest face of the photo.
        box_xyxy: left, top, right, bottom in pixels of the photo turned upright.
        score: how sure the detector is.
        turned: degrees that the photo had to be turned by to find it.
        enlarged: whether it was found only in an enlarged copy.
    """

    number: int
    box_xyxy: tuple[float, float, float, float]
    score: float
    turned: int
    enlarged: bool = False

    @classmethod
    def of(cls, number: int, face: Face) -> FacePosition:
        """The position of a found face."""
        return cls(number, face.box_xyxy, face.score, face.turned, face.enlarged)


@dataclass(frozen=True)
class RejectedFace:
    """A face that is not kept, with the number that decided."""

    position: FacePosition
    quality: FaceQuality
    rejection: Rejection


@dataclass(frozen=True, eq=False)
class FitFace:
    """A face that is good enough.

    Args:
        place: where it is in its photo.
        quality: what was measured on it.
        crop: its crop as the bytes of a picture file.
        hashes: tells near-identical pictures of it.
        mirrored_hashes: the same of the mirrored photo.
        identity: unit vector (F,) float32 of who it is; empty when no encoder is there.
        measures: what its labels are made from.
    """

    position: FacePosition
    quality: FaceQuality
    crop: bytes
    hashes: FaceHashes
    mirrored_hashes: FaceHashes
    identity: np.ndarray
    measures: Measures


@dataclass(frozen=True, eq=False)
class AnalyzedPhoto:
    """A photo that was read: its faces, largest first, perhaps none.

    Args:
        photo: its path below the folder of photos, with forward slashes.
        faces: what was found.
    """

    photo: str
    faces: tuple[RejectedFace | FitFace, ...]


@dataclass(frozen=True)
class FailedPhoto:
    """A photo that gave nothing: `broken` when it cannot be read, `failed` when a model stopped on it.

    Args:
        photo: its path below the folder of photos, with forward slashes.
        rejection: why.
    """

    photo: str
    rejection: Rejection


Analyzed = AnalyzedPhoto | FailedPhoto

PARSED_PX = 512
"""Side of the crops whose parts are measured."""

CHECKED_PX = 256
"""Side of the crops on which faces are checked and compared, whatever size is asked for: the same photos give the same faces."""

_AT_ONCE = 16
"""Faces of a crowd that are measured together: memory does not grow with the crowd."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A face that was found good enough, and the crop on which it was checked."""

    face: Face
    position: FacePosition
    quality: FaceQuality
    checked_crop: Picture


class PhotoAnalyzer:
    """Analyzes photos of one folder; every worker process has one of its own, with its own models.

    Args:
        root: the folder of photos.
        settings: as `prepare_faces` was asked.
        threads: threads for one operation of a model; None takes as many as there are cores.
    """

    def __init__(self, root: Path, settings: PrepareSettings, threads: int | None = None) -> None:
        self._root = root
        self._settings = settings
        self._models = open_analysis_models(settings, threads)

    def analyze(self, photo: str) -> Analyzed:
        """What is in a photo of the folder; a photo that cannot be read, or stops a model, is a result too."""
        path = self._root / as_on_disk(photo, self._root)
        try:
            return AnalyzedPhoto(photo, analyze_photo(read_image(path), self._models, self._settings))
        except PictureError as problem:
            return FailedPhoto(photo, Rejection("broken", str(problem).removeprefix(f"{path} ")))
        except (
            Exception
        ) as problem:  # one strange photo among a million must not stop the others; the reason is kept, and it is tried again
            return FailedPhoto(photo, Rejection("failed", f"{type(problem).__name__}: {' '.join(str(problem).split())[:200]}"))


def analyze_photo(photo: Picture, models: AnalysisModels, settings: PrepareSettings) -> tuple[RejectedFace | FitFace, ...]:
    """The faces of a photo (H, W, 3), largest first, then what is no face of a person, each rejected or fit."""
    rejected: list[RejectedFace | FitFace] = []
    candidates: list[Candidate] = []
    people, others = models.find(photo, upright=settings.upright, min_score=settings.min_score, from_px=settings.least_face_px)
    for number, face in enumerate((*people, *others)):
        aligned = align(photo, face, TEMPLATES["celeba"], CHECKED_PX)
        quality = quality_of(face, aligned.picture, aligned.matrix, (photo.shape[1], photo.shape[0]))
        rejection = rejection_of(quality, settings) if number < len(people) else NO_PERSON
        if rejection is not None:
            rejected.append(RejectedFace(FacePosition.of(number, face), quality, rejection))
        else:
            candidates.append(Candidate(face, FacePosition.of(number, face), quality, aligned.picture))
    faces = [candidate.face for candidate in candidates]
    fit = [
        FitFace(
            position=one.position,
            quality=one.quality,
            crop=encoded(align(photo, one.face, TEMPLATES["celeba"], settings.size_px).picture, settings.picture_format),
            hashes=FaceHashes.of(one.checked_crop, photo),
            mirrored_hashes=FaceHashes.of(one.checked_crop[:, ::-1], photo[:, ::-1]),
            identity=identity,
            measures=measures,
        )
        for one, (identity, measures) in zip(candidates, measured(photo, faces, models), strict=True)
    ]
    return tuple(sorted([*rejected, *fit], key=lambda face: face.position.number))


def measured(photo: Picture, faces: Sequence[Face], models: AnalysisModels) -> Iterator[tuple[np.ndarray, Measures]]:
    """For each face its identity (F,), empty without an encoder, and what its labels are made from."""
    for start in range(0, len(faces), _AT_ONCE):
        some = faces[start : start + _AT_ONCE]
        identities = [each.vector for each in models.encoder.of(photo, some)] if models.encoder else [_no_identity()] * len(some)
        measures = _parts(photo, some, models)
        for at, sex_age in enumerate(models.sex_age.of(photo, some) if models.sex_age else ()):
            measures[at] |= {"male_score": sex_age.male_score, "age": sex_age.age}
        yield from zip(identities, measures, strict=True)


def encoded(crop: Picture, picture_format: str) -> bytes:
    """The crop as the bytes of a picture file."""
    stream = BytesIO()
    options = {"quality": 95, "subsampling": 0} if picture_format == "jpg" else {}
    Image.fromarray(crop).save(stream, format="JPEG" if picture_format == "jpg" else "PNG", **options)
    return stream.getvalue()


def _parts(photo: Picture, faces: Sequence[Face], models: AnalysisModels) -> list[Measures]:
    if models.parser is None:
        return [{} for _ in faces]
    crops = [align(photo, face, TEMPLATES["celebamask-hq"], PARSED_PX).picture for face in faces]
    masks = models.parser.parse_crops(crops)
    return [part_measures(crop, mask) for crop, mask in zip(crops, masks, strict=True)]


def _no_identity() -> np.ndarray:
    return np.zeros(0, dtype=np.float32)
