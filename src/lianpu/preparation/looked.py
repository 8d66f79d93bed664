"""What looking at one photo gives: the same whoever looked, this process, another one, or a machine of a cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lianpu.perception.results import Face
from lianpu.preparation.figures import FaceFigures, Rejection
from lianpu.preparation.part_measures import Measures
from lianpu.preparation.picture_hash import FacePrint


@dataclass(frozen=True)
class Place:
    """Where a face is in its photo.

    Args:
        number: 0 for the largest face of the photo.
        box_xyxy: left, top, right, bottom in pixels of the photo turned upright.
        score: how sure the detector is.
        turned: degrees that the photo had to be turned by to find it.
    """

    number: int
    box_xyxy: tuple[float, float, float, float]
    score: float
    turned: int

    @classmethod
    def of(cls, number: int, face: Face) -> Place:
        """The place of a found face."""
        return cls(number, face.box_xyxy, face.score, face.turned)


@dataclass(frozen=True)
class RejectedFace:
    """A face that is not taken, with the figure that says why."""

    place: Place
    figures: FaceFigures
    rejection: Rejection


@dataclass(frozen=True, eq=False)
class FitFace:
    """A face that is good enough.

    Args:
        place: where it is in its photo.
        figures: what was measured on it.
        crop: its crop as the bytes of a picture file.
        face_print: tells near-identical pictures of it.
        mirrored_print: the same of the mirrored photo.
        identity: unit vector (F,) float32 of who it is; empty when no encoder is there.
        measures: what its labels are made from.
    """

    place: Place
    figures: FaceFigures
    crop: bytes
    face_print: FacePrint
    mirrored_print: FacePrint
    identity: np.ndarray
    measures: Measures


@dataclass(frozen=True, eq=False)
class LookedPhoto:
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


Looked = LookedPhoto | FailedPhoto
