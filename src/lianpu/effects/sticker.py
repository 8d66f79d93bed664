"""Stickers and glasses on faces: moved, turned and scaled with the head, and narrowed when it is turned aside."""

from __future__ import annotations

import cv2
import numpy as np

from lianpu.effects.masks import face_unit
from lianpu.effects.sticker_files import SPREAD, Sticker, carried_sticker, read_sticker
from lianpu.effects.subject import Subject
from lianpu.image import Picture
from lianpu.perception.alignment import Matrix, scale_of, similarity

_NARROWEST = 0.6
"""A turned face makes a sticker at most this much narrower."""
_BEHIND_BY_NOSE = 1.5
"""A nose stands out of its face by about a third of what ears and the middle of the head lie apart from the eyes."""
_BAND_PX = 256
ON_TOP = {"forehead": (0.0, -0.95), "left_temple": (-1.0, -0.95), "right_temple": (1.0, -0.95)}
"""Where what sits on the head is fastened, in units across and down from the middle between the eyes."""
ON_THE_HEAD = frozenset(ON_TOP)


def sticker(photo: Picture, subject: Subject, strength: float, which: str, picture: str, place: str) -> Picture:
    """The photo (H, W, 3) with a sticker on the subject's face.

    Args:
        photo: (H, W, 3).
        subject: the face.
        strength: how opaque it is, 1 and more wholly.
        which: the name of one that the package carries.
        picture: the path of another, with its anchors beside it (`sticker_files.read_sticker`); empty for `which`.
        place: where a picture without anchors goes, a word of `sticker_files.SPREAD`.

    Raises:
        PictureError: the picture cannot be read.
        SettingsError: its anchors are none.
    """
    layers = (read_sticker(picture),) if picture else carried_sticker(which)
    for layer in layers:
        photo = laid_on(photo, layer.pixels, sticker_matrix(layer, subject, place), min(1.0, strength))
    return photo


def sticker_matrix(layer: Sticker, subject: Subject, place: str) -> Matrix:
    """The matrix (2, 3) that takes a point of the sticker to the photo."""
    to_photo = face_frame(subject, turned=not ON_THE_HEAD & {*layer.anchors, *(() if layer.anchors else (place,))})
    straight = np.linalg.inv(np.vstack([to_photo, (0, 0, 1)]))[:2]
    places = {name: straight[:, :2] @ at + straight[:, 2] for name, at in face_places(subject).items()}
    if layer.anchors:
        names = list(layer.anchors)
        to_face = similarity(np.array([layer.anchors[name] for name in names]), np.array([places[name] for name in names]))
    else:
        name, width = SPREAD[place]
        scale = width / layer.pixels.shape[1]
        middle = (np.array(layer.pixels.shape[1::-1]) - 1) / 2
        to_face = np.column_stack([np.eye(2) * scale, places[name] - scale * middle])
    return np.column_stack([to_photo[:, :2] @ to_face[:, :2], to_photo[:, :2] @ to_face[:, 2] + to_photo[:, 2]])


def face_frame(subject: Subject, turned: bool) -> Matrix:
    """The matrix (2, 3) from a face that looks ahead, its eyes 1 apart and the middle between them at (0, 0), to the photo.

    What lies on the face (`turned`) is narrowed as a face is that is turned aside; the head itself stays as wide as it is.
    """
    left, right = np.asarray(subject.face.points[:2], dtype=np.float64)
    unit = face_unit(subject)
    across = right - left
    length = max(float(np.linalg.norm(across)), 1e-6)
    across = across / length if length > 1e-6 else np.array([1.0, 0.0])
    wide = float(np.clip(length, _NARROWEST * unit, unit)) if turned else unit
    return np.column_stack([across * wide, np.array([-across[1], across[0]]) * unit, (left + right) / 2])


def face_places(subject: Subject) -> dict[str, np.ndarray]:
    """Places of the face in the photo by name (`sticker_files.PLACES`)."""
    points = np.asarray(subject.landmarks.points, dtype=np.float64)
    left, right, nose, mouth_left, mouth_right = np.asarray(subject.face.points, dtype=np.float64)
    frame = face_frame(subject, turned=False)
    across = frame[:, 0] / np.linalg.norm(frame[:, 0])
    # the middle of the head lies behind the eyes of a face that is turned aside: half of the way is that to the ears, half is read from the nose
    to_ears = (points[0] + points[16]) / 2 - frame[:, 2]
    to_nose = nose - (frame[:, 2] + (mouth_left + mouth_right) / 2) / 2
    aside = across * float((to_ears - _BEHIND_BY_NOSE * to_nose) @ across)
    return {
        "left_eye": left,
        "right_eye": right,
        "between_eyes": (left + right) / 2,
        "left_brow": points[17:22].mean(axis=0),
        "right_brow": points[22:27].mean(axis=0),
        "nose": nose,
        "under_nose": points[33],
        "mouth": (mouth_left + mouth_right) / 2,
        "mouth_left": mouth_left,
        "mouth_right": mouth_right,
        "chin": points[8],
        "left_cheek": points[2],
        "right_cheek": points[14],
        **{name: frame[:, :2] @ at + frame[:, 2] + aside for name, at in ON_TOP.items()},
    }


def laid_on(photo: Picture, pixels: np.ndarray, matrix: Matrix, opacity: float) -> Picture:
    """The photo (H, W, 3) with premultiplied pixels (h, w, 4) laid on where the matrix (2, 3) says; elsewhere not a byte changes."""
    result = photo.copy()
    shrink = scale_of(matrix)
    if shrink < 1:  # averaged over areas first, so that thin frames do not break up
        size = (max(1, round(pixels.shape[1] * shrink)), max(1, round(pixels.shape[0] * shrink)))
        by = np.array([pixels.shape[1] / size[0], pixels.shape[0] / size[1]])
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        matrix = np.column_stack([matrix[:, :2] * by, matrix[:, :2] @ (by / 2 - 0.5) + matrix[:, 2]])
    high, wide = pixels.shape[:2]
    corners = np.array([(-1, -1), (wide, -1), (-1, high), (wide, high)]) @ matrix[:, :2].T + matrix[:, 2]
    low = np.clip(np.floor(corners.min(axis=0)), 0, photo.shape[1::-1]).astype(int)
    far = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, photo.shape[1::-1]).astype(int)
    if (far <= low).any():
        return result
    for top in range(int(low[1]), int(far[1]), _BAND_PX):
        rows, columns = slice(top, min(top + _BAND_PX, int(far[1]))), slice(int(low[0]), int(far[0]))
        moved = matrix - np.array([[0, 0, columns.start], [0, 0, rows.start]])
        layer = cv2.warpAffine(pixels, moved, (columns.stop - columns.start, rows.stop - rows.start), flags=cv2.INTER_LINEAR)
        layer = layer * np.float32(opacity)
        old = result[rows, columns].astype(np.float32)
        result[rows, columns] = np.rint(np.clip(old * (1 - layer[:, :, 3:]) + 255 * layer[:, :, :3], 0, 255)).astype(np.uint8)
    return result
