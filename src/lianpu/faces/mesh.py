"""MediaPipe's face mesh: 478 points in 3-D of a face, the regions they enclose, 68 of them in iBUG's order, and the head's pose.

Kartynnik et al. 2019, Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs; Grishchenko et al. 2020, Attention Mesh.
The crop follows MediaPipe's graph `face_landmark_landmarks_to_roi`. Nothing here comes from a data set but the network's own weights
(Apache-2.0), so all of it may be used commercially.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from lianpu.errors import ModelError
from lianpu.faces.results import MESH_COUNTS, Face, FaceParts, Mesh, Points
from lianpu.imaging.geometry import Matrix, Window, inverse, map_points, quick_warp, scale_of, similarity, warp
from lianpu.imaging.picture import Picture, check_picture
from lianpu.models.sessions import RUN_PROBLEMS, open_session
from lianpu.part_names import part_index

_UPPER_LIP_TOP = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
_LOWER_LIP_BOTTOM = (146, 91, 181, 84, 17, 314, 405, 321, 375)
_UPPER_LIP_BOTTOM = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
_LOWER_LIP_TOP = (95, 88, 178, 87, 14, 317, 402, 318, 324)

REGIONS: Mapping[str, tuple[int, ...]] = {
    "face_oval": (
        *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
        *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
    ),
    "lips_outer": _UPPER_LIP_TOP + _LOWER_LIP_BOTTOM[::-1],
    "lips_inner": _UPPER_LIP_BOTTOM + _LOWER_LIP_TOP[::-1],
    "upper_lip": _UPPER_LIP_TOP + _UPPER_LIP_BOTTOM[::-1],
    "lower_lip": (61, *_LOWER_LIP_BOTTOM, 291, 308, *_LOWER_LIP_TOP[::-1], 78),
    "right_eye": (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    "left_eye": (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
    "right_brow": (46, 53, 52, 65, 55, 107, 66, 105, 63, 70),
    "left_brow": (276, 283, 282, 295, 285, 336, 296, 334, 293, 300),
    "right_iris": (469, 470, 471, 472),
    "left_iris": (474, 475, 476, 477),
    "nose": (*(168, 122, 174, 198, 209, 49, 48, 219, 64, 98, 97, 2, 326, 327, 294, 439, 278, 279, 429, 420, 399, 351),),
}
"""Points of the mesh around parts of a face, in order. `left` and `right` are the person's own, as in CelebAMask-HQ's `l_eye`: on an
upright face that looks at us, `left_eye` lies on the right of the picture. The irises need the mesh of 478 points."""

IRIS_CENTRES: Mapping[str, int] = {"right_iris": 468, "left_iris": 473}
"""The middle of each iris."""

_IBUG_68 = (
    *(127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356),  # jaw
    *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),  # brows
    *(168, 197, 5, 4, 98, 97, 2, 326, 327),  # nose
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),  # eyes
    *(61, 39, 37, 0, 267, 269, 291, 321, 314, 17, 84, 91),  # outline of the lips
    *(78, 82, 13, 312, 308, 317, 14, 87),  # inside of the lips
)
"""The mesh's point for each of iBUG 300-W's 68."""

_PAIRS = ((33, 263), (133, 362), (61, 291), (234, 454), (93, 323), (132, 361), (58, 288), (70, 300), (129, 358))
"""Points of the person's right side and their mirror images on the left."""

_FOREHEAD, _CHIN = 10, 152
"""The uppermost and the lowest point of the face's middle line."""

SURE = 0.5
"""Least presence of a mesh that is believed."""

_SIDE_OF_POINTS = 1.5
"""Side of the network's square, as a multiple of the box around the points: MediaPipe's."""

_SIDE_OF_FIVE = 3.3
"""Side of the first square, in units of the face (the distance of the eyes of a frontal face)."""

_SETTLED = 0.16
"""A square that moves, grows or turns by less than this (share of its side, radians) is not read again."""


def points_68(mesh: Mesh) -> Points:
    """The points (68, 2) float32 of iBUG 300-W's scheme, in pixels of the picture."""
    return np.ascontiguousarray(mesh.points[list(_IBUG_68), :2])


def five_points(mesh: Mesh) -> Points:
    """The points (5, 2) float32 of `Face.points`: middles of the lids, tip of the nose, corners of the mouth."""
    flat = mesh.points[:, :2]
    eyes = [outline(mesh, name).mean(axis=0) for name in ("right_eye", "left_eye")]
    return np.stack([*eyes, flat[4], flat[61], flat[291]]).astype(np.float32)


def outline(mesh: Mesh, region: str) -> Points:
    """The points (K, 2) around a region of `REGIONS`, in order.

    Raises:
        KeyError: no region has that name, or it is an iris and the mesh has 468 points.
    """
    chosen = REGIONS[region]
    if max(chosen) >= len(mesh.points):
        raise KeyError(f"a mesh of {len(mesh.points)} points has no {region}")
    return mesh.points[list(chosen), :2]


@dataclass(frozen=True)
class HeadPose:
    """How a head is turned, in degrees; 0 is a face that looks straight at us. A profile's yaw is too small: the mesh is too flat there.

    Args:
        yaw: positive where the face looks to the right of the picture.
        pitch: positive where it looks up. 0 is where the line from forehead to chin is as far away at both ends.
        roll: positive where the head leans clockwise.
    """

    yaw: float
    pitch: float
    roll: float


def head_pose(mesh: Mesh) -> HeadPose:
    """The head's pose by the mesh alone: one axis from the person's right to the left (symmetric pairs of points), one from the
    forehead to the chin, one straight through the head. MediaPipe's mesh has its depth in the same unit as x and y, under a weak
    perspective; no model of a head enters."""
    points = mesh.points.astype(np.float64)
    right, left = (points[list(side)] for side in zip(*_PAIRS, strict=True))
    across = _unit((left - right).sum(axis=0))
    down = points[_CHIN] - points[_FOREHEAD]
    down = _unit(down - across * float(down @ across))
    inward = np.cross(across, down)  # x to the right, y down, z away from us
    # roll turns the head in the picture after yaw, yaw after pitch
    roll = math.atan2(across[1], across[0])
    yaw = math.asin(float(np.clip(across[2], -1.0, 1.0)))
    pitch = -math.atan2(down[2], inward[2])
    return HeadPose(*(math.degrees(angle) for angle in (yaw, pitch, roll)))


def _unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))


def disagreement(face: Face, mesh: Mesh) -> float:
    """Mean distance of a detector's five points and those of the mesh, in units of the face: a hundredth or so where both see a face."""
    apart = np.linalg.norm(five_points(mesh) - face.points, axis=1)
    return float(apart.mean()) / face.unit_px


@dataclass(frozen=True)
class Square:
    """The square of a picture that the network reads.

    Args:
        middle: x and y.
        side: in pixels of the picture.
        angle: radians that the square is turned clockwise.
    """

    middle: tuple[float, float]
    side: float
    angle: float

    def matrix(self, size_px: int) -> Matrix:
        """The matrix (2, 3) that takes a point of the picture to the crop of `size_px`; 0 is the centre of the first pixel of both."""
        scale = size_px / self.side
        cosine, sine = math.cos(self.angle) * scale, math.sin(self.angle) * scale
        turn = np.array([[cosine, sine], [-sine, cosine]])
        return np.column_stack([turn, (size_px - 1) / 2 - turn @ np.array(self.middle)])

    def is_near(self, other: Square) -> bool:
        """Whether a mesh read in the one would be about the same in the other."""
        turned = abs((self.angle - other.angle + math.pi) % (2 * math.pi) - math.pi)
        moved = math.dist(self.middle, other.middle) / self.side
        return max(moved, abs(other.side / self.side - 1.0), turned) < _SETTLED


def square_of_mesh(points: np.ndarray) -> Square:
    """The square around a mesh (K, 2 or more), upright by its eyes: where the face is looked for in the next frame.

    MediaPipe's box is upright in the picture; ours is turned with the face, so it is the same for a face of any roll.
    """
    across = points[263, :2].astype(np.float64) - points[33, :2]
    angle = math.atan2(across[1], across[0])
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    upright = points[:, :2] @ turn.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    x, y = ((low + high) / 2 @ turn).tolist()
    return Square((x, y), max(1.0, float((high - low).max()) * _SIDE_OF_POINTS), angle)


def square_of_face(face: Face) -> Square:
    """The square around a face that a detector found, upright by its five points."""
    left, right, _, mouth_left, mouth_right = np.asarray(face.points, dtype=np.float64)
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    along, down = right - left, mouth - eyes
    if np.linalg.norm(along) < 0.3 * np.linalg.norm(down):  # a profile: its eyes say little about the angle
        along = np.array([down[1], -down[0]])
    x, y = (0.42 * mouth + 0.58 * eyes).tolist()
    return Square((x, y), _SIDE_OF_FIVE * face.unit_px, math.atan2(along[1], along[0]))


def brought_onto(points: np.ndarray, own: np.ndarray, target: np.ndarray) -> Points:
    """The points (K, 2) moved by the similarity that brings five of theirs, `own`, to `target`."""
    return map_points(similarity(own, target), points)


class MeshReader:
    """The face mesh of an ONNX file (`models.store.conversion.require_onnx("face-mesh")`), a reader of 68 points.

    A mesh is not believed where the network says that there is no face (`SURE`) or where it contradicts the detector's five points
    (`CONTRADICTS`): a hand before the face, a dog. Such a face gets the points of `fallback`, or, without one, the mesh's shape brought
    onto the detector's points, so that it still can be covered; its `mesh_of_face` is None.

    Args:
        file: input `image` (1, 3, S, S) float32 in 0 to 1, RGB; outputs `points` (478 or 468, 3) in pixels of the crop and `presence`, a logit.
        threads: threads for one operation; None takes as many as there are cores.
        fallback: reads 68 points of a face, for example dlib's.

    Raises:
        ModelError: the file is broken or holds another network.
    """

    def __init__(
        self, file: Path | str, threads: int | None = None, fallback: Callable[[Picture, Face], Points] | None = None
    ) -> None:
        self.file = Path(file)
        self._fallback = fallback
        self._session = open_session(self.file, threads, advice=_ADVICE)
        inputs = {value.name: value.shape for value in self._session.get_inputs()}
        outputs = {value.name: value.shape for value in self._session.get_outputs()}
        shape, points = inputs.get("image"), outputs.get("points")
        if shape is None or points is None or "presence" not in outputs or len(shape) != 4 or points[0] not in MESH_COUNTS:
            raise ModelError(f"{self.file} is no face mesh: it takes {inputs} and gives {outputs}. {_ADVICE}")
        self.size_px, self.count = int(shape[2]), int(points[0])

    def of_face(self, picture: Picture, face: Face) -> Points:
        """The points (68, 2) of a face, in pixels of the picture (H, W, 3)."""
        return self.read(picture, face)[0]

    def mesh_of_face(self, picture: Picture, face: Face) -> Mesh | None:
        """The mesh of a face that a detector found, of any roll; None where it is not believed."""
        return self.read(picture, face)[1]

    def with_points(self, picture: Picture, face: Face) -> Face:
        """The face with the five points of its mesh, which lie nearer than a detector's; as it is where the mesh is not believed."""
        mesh = self.mesh_of_face(picture, face)
        return face if mesh is None else replace(face, points=five_points(mesh))

    def read(self, picture: Picture, face: Face) -> tuple[Points, Mesh | None]:
        """The points (68, 2) of a face, and its mesh, or None where the mesh is not believed."""
        mesh = self.guess(picture, face)
        if mesh.presence >= SURE and disagreement(face, mesh) <= CONTRADICTS:
            return points_68(mesh), mesh
        if self._fallback is not None:
            return self._fallback(picture, face), None
        return brought_onto(points_68(mesh), five_points(mesh), face.points), None

    def guess(self, picture: Picture, face: Face) -> Mesh:
        """The mesh where a detector says that a face is, believed or not."""
        square = square_of_face(face)
        mesh = self.in_square(picture, square)
        for _ in range(_MOST_READINGS - 1):
            onward = square_of_mesh(mesh.points)
            if mesh.presence < SURE or onward.is_near(square):
                break
            square, mesh = onward, self.in_square(picture, onward)
        return mesh

    def mesh_near(self, picture: Picture, before: np.ndarray) -> Mesh:
        """The mesh of a face in the next frame, read once in the square around its points (K, 2 or 3) in the frame before."""
        return self.in_square(picture, square_of_mesh(np.asarray(before, dtype=np.float64)), quick=True)

    def in_square(self, picture: Picture, square: Square, *, quick: bool = False) -> Mesh:
        """What the network reads in a square of the picture (H, W, 3). Raises ModelError where it cannot run.

        A `quick` crop takes a quarter of the time and costs accuracy: in portraits of 512 px, eyes lie 1.50 instead of 1.40 % of the eye
        distance from their masks.
        """
        matrix = square.matrix(self.size_px)
        crop = (quick_warp if quick else warp)(check_picture(picture), matrix, (self.size_px, self.size_px))
        pixels = np.multiply(crop.transpose(2, 0, 1)[None], np.float32(1 / 255), dtype=np.float32)
        try:
            points, presence = self._session.run(["points", "presence"], {"image": pixels})
        except RUN_PROBLEMS as problem:
            raise ModelError(f"{self.file} cannot run ({' '.join(str(problem).split())[:160]}). {_ADVICE}") from None
        # the network counts pixels from the crop's edge, we from the centre of the first
        flat = map_points(inverse(matrix), points[:, :2] - 0.5)
        deep = points[:, 2:] / scale_of(matrix)
        logit = float(np.clip(np.ravel(presence)[0], -60.0, 60.0))
        return Mesh(np.concatenate([flat, deep], axis=1), 1 / (1 + math.exp(-logit)))


_ADVICE = "Get it again: lianpu models fetch face-mesh"

_MOST_READINGS = 3

CONTRADICTS = 0.45
"""`disagreement` above which a mesh is not believed. Of the faces of 28 photos and 200 portraits, the largest is 0.29 (YuNet's points of a
profile lie beside the face); a mesh that sits on its head has more than 0.5."""


_PARTS: tuple[tuple[str, str], ...] = (
    ("face_oval", "skin"),
    ("nose", "nose"),
    ("right_brow", "r_brow"),
    ("left_brow", "l_brow"),
    ("right_eye", "r_eye"),
    ("left_eye", "l_eye"),
    ("upper_lip", "u_lip"),
    ("lower_lip", "l_lip"),
    ("lips_inner", "mouth"),
)
"""Regions and the parts that they are, each over those before it."""

_OF_MOUTH = 3
"""How many of them, the last ones, are of the mouth."""

_FIXED_POINT_BITS = 4


def mesh_parts(mesh: Mesh, window: Window, *, with_mouth: bool = True) -> FaceParts:
    """The parts of a face by its mesh alone, over a window of the picture: for faces without a parser.

    Skin to where the mesh ends (the upper forehead), nose, brows, eyes, lips and the inside of the mouth; no hair, ears, neck or
    clothes, and no glasses or hands: what covers the face is not known to a mesh. Eyes that are closed, or too small to tell white from
    iris, are skin, as a parser has it. Without `with_mouth`, lips and mouth are left out
    (`covered_mouth.mouth_is_covered`).
    """
    rows, columns = window
    mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.uint8)
    for region, part in _PARTS if with_mouth else _PARTS[:-_OF_MOUTH]:
        around = outline(mesh, region)
        if part in ("l_eye", "r_eye") and not _is_open(around):
            continue
        points = (around - (columns.start, rows.start)) * 2**_FIXED_POINT_BITS
        cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], part_index(part), shift=_FIXED_POINT_BITS)
    return FaceParts(mask, MESH_PARTS)


def _is_open(lids: Points) -> bool:
    across = float(np.linalg.norm(np.ptp(lids, axis=0)))
    return across >= _EYE_PX and cv2.contourArea(np.asarray(lids, dtype=np.float32)) >= _OPEN * across**2


_EYE_PX = 14.0
"""Least width of an eye."""

_OPEN = 0.05
"""Least area of open lids as a share of the square of their width: 0.15 to 0.24 in four of five eyes of portraits, 0.06 in laughter."""

MESH_PARTS = "mesh"
"""`FaceParts.parser` of parts that come from a mesh."""
