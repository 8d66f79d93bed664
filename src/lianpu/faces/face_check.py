"""Which of a detector's findings are faces of people: one decision for every command. An animal, a hand or a ball is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from lianpu.errors import Message
from lianpu.face_parsing.runtime import FaceParser
from lianpu.faces.detection import Detector, find_faces, is_same_face
from lianpu.faces.mesh import CONTRADICTS, MESH_PARTS, SURE, MeshReader, disagreement, five_points, mesh_parts
from lianpu.faces.parts import parse_windows
from lianpu.faces.results import Face, FaceParts, Mesh
from lianpu.imaging.geometry import Window
from lianpu.imaging.picture import Picture


@dataclass(frozen=True, eq=False)
class FoundFace:
    """A face as a detector found it, with its mesh; None where the mesh is not believed or not read."""

    face: Face
    mesh: Mesh | None = None

    @property
    def with_mesh_points(self) -> Face:
        """The face with the five points of its mesh, which lie nearer than a detector's."""
        return self.face if self.mesh is None else replace(self.face, points=five_points(self.mesh))


@dataclass(frozen=True, eq=False)
class FoundFaces:
    """The findings of a detector in a photo, told apart, both largest first.

    Args:
        people: faces of people.
        others: what was taken for a face and is none.
    """

    people: tuple[FoundFace, ...]
    others: tuple[FoundFace, ...] = ()

    @property
    def faces(self) -> tuple[Face, ...]:
        """The faces of people, as the detector found them."""
        return tuple(one.face for one in self.people)


@dataclass(frozen=True, eq=False)
class FaceCheck:
    """What the decision asks: a face mesh and, where there is one, a parser (`is_face`)."""

    mesh: MeshReader
    parser: FaceParser | None

    def tell_apart(self, photo: Picture, faces: Sequence[Face], *, from_px: float = 0.0) -> FoundFaces:
        """The faces of a photo (H, W, 3) and the other findings. Faces narrower than `from_px` are not asked about, and count as faces."""
        asked = [index for index, face in enumerate(faces) if face.width_px >= from_px]
        large = [index for index in asked if faces[index].unit_px >= _JUDGED_FROM_PX]
        windows = parse_windows(photo, faces, self.parser, only=large) if self.parser and large else (None,) * len(faces)
        people: list[FoundFace] = []
        others: list[FoundFace] = []
        for index, face in enumerate(faces):
            if index not in asked:
                people.append(FoundFace(face))
                continue
            mesh, seen = self.mesh.guess(photo, face), windows[index]
            parts = None if seen is None or self.parser is None else FaceParts(seen[1], self.parser.name)
            is_one = is_face(face, mesh, None if seen is None else seen[0], parts)
            found = FoundFace(face, mesh if _believed(face, mesh) else None)
            (people if is_one else others).append(found)
        return FoundFaces(tuple(people), tuple(others))


def find_people(
    photo: Picture,
    detector: Detector,
    check: FaceCheck | None,
    *,
    upright: bool = False,
    min_score: float | None = None,
    from_px: float = 0.0,
) -> FoundFaces:
    """The faces of people in a photo (H, W, 3), as `find_faces`, and what was taken for a face and is none.

    Args:
        photo: (H, W, 3) uint8 RGB.
        detector: finds the faces.
        check: tells them apart; None, where there is no face mesh, takes all for faces.
        upright, min_score: as `find_faces` takes them.
        from_px: faces narrower than this are not asked about.
    """

    def look(turned: bool) -> tuple[tuple[FoundFace, ...], tuple[FoundFace, ...]]:
        found = find_faces(photo, detector, upright=turned, min_score=min_score)
        if check is None:
            return tuple(FoundFace(face) for face in found), ()
        told = check.tell_apart(photo, found, from_px=from_px)
        return told.people, told.others

    return FoundFaces(*look_again_turned(look, lambda found: found.face, upright=upright))


Finding = TypeVar("Finding")


def look_again_turned(
    look: Callable[[bool], tuple[tuple[Finding, ...], tuple[Finding, ...]]], face_of: Callable[[Finding], Face], *, upright: bool
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The faces of people and the other findings of a photo; where all are others, the photo is searched turned as well.

    A lying face may be found with its points the wrong way round: then it is told for none, and found right in the turned photo.

    Args:
        look: searches the photo, also turned where it is given true.
        face_of: the face of a finding.
        upright: search turned from the beginning.
    """
    people, others = look(upright)
    if others and not people and not upright:
        people, more = look(True)
        others = more or others
    kept = [face_of(one) for one in people]
    return people, tuple(one for one in others if not any(is_same_face(face_of(one), face) for face in kept))


def left_out_note(count: int) -> Message | None:
    """One line on what was found and is no face of a person; None for nothing."""
    return Message("animal/other faces left out: {count}", key="faces.left_out", count=count) if count else None


def is_face(face: Face, mesh: Mesh, window: Window | None = None, parts: FaceParts | None = None) -> bool:
    """Whether what a detector took for a face is one: a hand, a pattern or a dog is none.

    A mesh alone tells a hand or a pattern from a face, but is as sure of a dog's face. A parser tells it: it sees no brows on a dog, and
    the lips elsewhere. A covered mouth counts for nothing, and a face of a few pixels is not judged.

    Args:
        face: as it was found.
        mesh: of `MeshReader.guess`.
        window: the rows and columns that `parts` covers; None without a parser.
        parts: what a parser saw there.
    """
    believed = _believed(face, mesh)
    if window is None or parts is None or parts.parser == MESH_PARTS or face.unit_px < _JUDGED_FROM_PX:
        return believed
    mesh, window, parts = _thinned(mesh, window, parts)
    by_mesh = mesh_parts(mesh, window)
    whole = max(1, int(np.count_nonzero(by_mesh.mask)))
    if believed and _overlap(parts, by_mesh, ("nose",)) < _NOSE_SEEN:  # a mask or a hand, perhaps
        return int(np.count_nonzero(parts.where("l_brow", "r_brow", "l_eye", "r_eye", "eye_g", *_LIPS))) / whole >= _SOMETHING
    brows = int(np.count_nonzero(parts.where("l_brow", "r_brow"))) / whole
    return _overlap(parts, by_mesh, _LIPS) + min(brows / _BROWS, 1.0) >= _HUMAN


def _thinned(mesh: Mesh, window: Window, parts: FaceParts) -> tuple[Mesh, Window, FaceParts]:
    """The same with every n-th pixel of the parts, where a face is large: shares of areas need no more."""
    every = max(parts.mask.shape) // _ENOUGH_PX
    if every < 2:
        return mesh, window, parts
    first = every // 2
    mask = np.ascontiguousarray(parts.mask[first::every, first::every])
    to_small = np.array([[1, 0, -(window[1].start + first)], [0, 1, -(window[0].start + first)]], dtype=np.float64) / every
    return mesh.moved(to_small), (slice(0, mask.shape[0]), slice(0, mask.shape[1])), FaceParts(mask, parts.parser)


_ENOUGH_PX = 384
"""Longer side of parts from which they are thinned, when they are twice as large."""


def _believed(face: Face, mesh: Mesh) -> bool:
    return mesh.presence >= SURE and disagreement(face, mesh) <= CONTRADICTS


def _overlap(first: FaceParts, second: FaceParts, names: tuple[str, ...]) -> float:
    """Intersection over union of some parts, 0 to 1."""
    one, other = first.where(*names), second.where(*names)
    return float(np.count_nonzero(one & other)) / max(1.0, float(np.count_nonzero(one | other)))


_LIPS = ("u_lip", "l_lip", "mouth")

_JUDGED_FROM_PX = 14.0
"""Distance of the eyes from which a parser sees brows and lips."""

_BROWS = 0.02
"""Share of a face that its brows have, where they are seen at all (to 0.05)."""

_NOSE_SEEN = 0.35

_HUMAN = 0.8
"""Least sum of brows and lips: 0.9 and more in the 750 faces that were looked at, if the nose is seen; 0.2 to 0.7 in a dog, also turned,
small or grey."""

_SOMETHING = 0.012
"""Least share of brows, eyes, glasses and lips in a face whose nose is not seen."""
