"""What it takes to see the faces of photos, opened once: a detector, a parser and 68 points."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from lianpu.effects.subject import LandmarkReader, Subject, describe_faces
from lianpu.effects.surroundings import looked_around
from lianpu.errors import DataError, SettingsError
from lianpu.image import Picture, check_picture
from lianpu.parser.face_parser import FaceParser
from lianpu.perception.detection import Detector, find_faces
from lianpu.perception.results import Face

EVERY, LARGEST = "all", "largest"
"""The words that `choose` knows."""

LOOKED_AT_PX = 1280
"""A larger photo is first searched for faces smaller: at half of this size for one that fills it, and at this size."""
_WORTH_WHILE = 0.75
_SURE_PX = {LOOKED_AT_PX // 2: 200, LOOKED_AT_PX: 80}
"""Where all faces are at least this wide in the small picture, nobody who stands beside them was missed."""


@dataclass(frozen=True, eq=False)
class Studio:
    """A detector, a parser and a reader of 68 points, ready for any number of photos; see `open_studio`."""

    detector: Detector
    parser: FaceParser
    landmarks: LandmarkReader

    def subjects(self, photo: Picture, *, upright: bool = False, beyond_crop: bool = True) -> tuple[Subject, ...]:
        """The faces of a photo (H, W, 3), largest first; an empty tuple when there is none.

        Args:
            photo: (H, W, 3) uint8 RGB.
            upright: also look for faces in the photo turned by 90, 180 and 270 degrees (four times the work).
            beyond_crop: look a second time where hair leaves a face's crop (`surroundings.looked_around`): for hair and backgrounds.
        """
        faces = find_in_large(photo, self.detector, upright=upright)
        subjects = describe_faces(photo, faces, self.parser, self.landmarks)
        return looked_around(photo, subjects, self.parser) if beyond_crop else subjects


def find_in_large(photo: Picture, detector: Detector, *, upright: bool = False) -> tuple[Face, ...]:
    """The faces of a photo (H, W, 3), largest first, as `find_faces` gives them, sooner where the photo is large.

    It is first searched small: see `LOOKED_AT_PX`. If no face is found there, or one is so small that others may have been missed, it is
    searched as it is.
    """
    height, width = photo.shape[:2]
    if _WORTH_WHILE * max(height, width) < LOOKED_AT_PX:
        return find_faces(photo, detector, upright=upright)
    for longest, sure_px in _SURE_PX.items():
        scale = longest / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = np.asarray(Image.fromarray(check_picture(photo)).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))
        found = find_faces(small, detector, upright=upright)
        if found and min(face.width_px for face in found) >= sure_px:
            return tuple(_enlarged(face, width / size[0], height / size[1]) for face in found)
    return find_faces(photo, detector, upright=upright)


def _enlarged(face: Face, by_x: float, by_y: float) -> Face:
    by = np.array([by_x, by_y])
    corners = (np.array(face.box_xyxy).reshape(2, 2) + 0.5) * by - 0.5
    points = (face.points.astype(np.float64) + 0.5) * by - 0.5
    left, top, right, bottom = (float(value) for value in corners.reshape(-1))
    return replace(face, box_xyxy=(left, top, right, bottom), points=points.astype(np.float32))


def open_studio(detector: str = "auto", parser: str | Path = "auto", threads: int | None = None) -> Studio:
    """A studio of the detector and the parser that these names or paths stand for, and dlib's 68 points.

    Args:
        detector: as `perception.detectors.load_detector` takes it.
        parser: as `perception.parsing.load_parser` takes it.
        threads: threads for one operation; None takes as many as there are cores.

    Raises:
        SettingsError: a name is unknown.
        WeightsError: a model is not on this machine, damaged, or not allowed under --commercial-safe.
        ModelError: a file is broken or holds something else.
    """
    from lianpu.model_store.locate import require_model_file
    from lianpu.perception.detectors import load_detector
    from lianpu.perception.dlib_predictor import ShapePredictor
    from lianpu.perception.parsing import load_parser

    return Studio(
        load_detector(detector, threads=threads),
        load_parser(parser, threads=threads),
        ShapePredictor(require_model_file("dlib-landmarks-68"), 68),
    )


def choose(subjects: Sequence[Subject], which: str) -> tuple[Subject, ...]:
    """Some of the faces of a photo: `all`, `largest`, or numbers as `0,2`, where 0 is the largest. Without faces there are none to choose.

    Raises:
        SettingsError: `which` is none of these.
        DataError: a number that no face has.
    """
    numbers = face_numbers(which)
    if numbers is None:
        by_size = sorted(subjects, key=lambda subject: -subject.face.area)
        return tuple(by_size[:1] if which == LARGEST else subjects)
    too_large = [number for number in numbers if number >= len(subjects)]
    if subjects and too_large:
        known = "only face 0" if len(subjects) == 1 else f"faces 0 to {len(subjects) - 1}"
        raise DataError(f"There is no face {too_large[0]}: {known} can be chosen here (0 is the largest).")
    return tuple(subjects[number] for number in numbers) if subjects else ()


def face_numbers(which: str) -> tuple[int, ...] | None:
    """The numbers of `0,2`, each once; None for `all` and `largest`. Raises SettingsError for anything else."""
    if which in (EVERY, LARGEST):
        return None
    if not re.fullmatch(r"\s*\d{1,6}\s*(,\s*\d{1,6}\s*)*", which):
        raise SettingsError(f"faces '{which}': write {EVERY}, {LARGEST}, or numbers as 0,2 (0 is the largest face).")
    return tuple(dict.fromkeys(int(number) for number in which.split(",")))
