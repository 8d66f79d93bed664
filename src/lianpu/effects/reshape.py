"""A slimmer face and larger eyes: a smooth warp that is 0 at its border, so that the background stays straight.

A displacement field gives for each pixel of the result its source in the photo. It never folds: its gradient is at most 0.8 in any direction.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lianpu.effects.face_masks import face_unit, part_cover
from lianpu.effects.live import fill, live_view, to_view
from lianpu.faces.live import LiveFace
from lianpu.faces.mesh import outline, points_68
from lianpu.faces.results import Points, Subject
from lianpu.imaging.compositing import SMALLEST_PX, Field, View, view_of, warped
from lianpu.imaging.masks import feather, smoothstep
from lianpu.imaging.picture import Picture

_STEEPEST = 0.8
_FIELD_PX = 24.0
"""Most pixels of the face's unit that live forms compute displacements at."""


def slim_face(photo: Picture, subject: Subject, strength: float) -> Picture:
    """The photo (H, W, 3) with the subject's cheeks and jaw drawn in, by about a tenth of the jaw's width at a strength of 1."""
    view = view_of(photo, subject.window)
    return warped(photo, view, slimming(shape_of(subject, view), view, strength))


def larger_eyes(photo: Picture, subject: Subject, strength: float) -> Picture:
    """The photo (H, W, 3) with the subject's eyes larger by about an eighth at a strength of 1."""
    view = view_of(photo, subject.window)
    return warped(photo, view, enlarging(shape_of(subject, view), view, strength))


def live_slim_face(frame: Picture, face: LiveFace, strength: float) -> None:
    """`slim_face` in a live frame (H, W, 3), in place."""
    view = live_view(frame, face.window(frame), face.face.unit_px, _FIELD_PX)
    warp_in_place(frame, view, slimming(live_shape(face, view), view, strength))


def live_larger_eyes(frame: Picture, face: LiveFace, strength: float) -> None:
    """`larger_eyes` in a live frame (H, W, 3), in place."""
    view = live_view(frame, face.window(frame), face.face.unit_px, _FIELD_PX)
    warp_in_place(frame, view, enlarging(live_shape(face, view), view, strength))


@dataclass(frozen=True, eq=False)
class FaceShape:
    """What a warp follows.

    Args:
        points: (68, 2) in pixels of the photo (iBUG).
        five: (5, 2), the face's five points.
        unit_px: the distance of its eyes, corrected for the head's pose.
        own: (h, w) uint8 over the view: 1 on the face's person, 0 on the background.
    """

    points: Points
    five: Points
    unit_px: float
    own: np.ndarray


def shape_of(subject: Subject, view: View) -> FaceShape:
    """The shape of a subject; `view` is of its window."""
    own = (part_cover(subject, view, "background") < 0.5).astype(np.uint8)
    return FaceShape(subject.landmarks.points, subject.face.points, face_unit(subject), own)


def live_shape(face: LiveFace, view: View) -> FaceShape:
    """The shape of a live face: its person is all that is no background, or, without a parser, the oval of the mesh."""
    own = np.zeros(view.shape, dtype=np.uint8)
    if face.shares:
        person = face.share_over(tuple(name for name in face.shares if name != "background"), to_view(view), view.shape[::-1])
        own[person > 127] = 1
    else:
        fill(own, view.to_view(outline(face.mesh, "face_oval")), 1)
    return FaceShape(points_68(face.mesh), face.face.points, face.face.unit_px, own)


def slimming(shape: FaceShape, view: View, strength: float) -> Field:
    """Displacements (h, w, 2), x and y in pixels of the photo, that slim a face; 0 at the view's border and off the face."""
    points, down, across, unit = _axes(shape, view)
    middle = (points[0] + points[16]) / 2
    middle = middle + across * float((points[[27, 30, 8]].mean(axis=0) - middle) @ across)
    u, v = _along(view, middle, across), _along(view, middle, down)
    jaw_u, jaw_v = (points[:17] - middle) @ across, (points[:17] - middle) @ down
    chin = float(max(jaw_v.max(), 0.5 * unit))
    half = np.where(u < 0, _half_width(v, jaw_v[:9], -jaw_u[:9], unit), _half_width(v, jaw_v[:7:-1], jaw_u[:7:-1], unit))
    out = np.abs(u) / half
    profile = smoothstep(out, 0.15, 0.95) * (1 - smoothstep(out, 1.0, 1.75))
    height = smoothstep(v, -0.1 * chin, 0.55 * chin) * (1 - smoothstep(v, 1.0 * chin, 1.45 * chin))
    amount = 0.12 * strength * _frontal(points) * profile * height * half * np.sign(u)
    amount *= _held(shape.own, view, unit)
    return _unfolded(amount[:, :, None] * across.astype(np.float32), view.scale)


def enlarging(shape: FaceShape, view: View, strength: float) -> Field:
    """Displacements (h, w, 2), x and y in pixels of the photo, that enlarge both eyes."""
    points, _, _, unit = _axes(shape, view)
    field = np.zeros((*view.shape, 2), dtype=np.float32)
    for eye in (range(36, 42), range(42, 48)):
        middle = points[list(eye)].mean(axis=0)
        reach = max(1.0, min(0.48 * unit, 0.95 * float(np.linalg.norm(points[36] - points[39])) + 0.12 * unit))
        y, x = np.mgrid[: view.shape[0], : view.shape[1]].astype(np.float32)
        x, y = x - np.float32(middle[0]), y - np.float32(middle[1])
        amount = -0.14 * strength * (1 - smoothstep(np.sqrt(x * x + y * y) / reach, 0.25, 1.0))
        field += np.dstack([x, y]) * amount[:, :, None]
    return _unfolded(field * _border(view)[:, :, None], view.scale)


def warp_in_place(frame: Picture, view: View, field: Field) -> None:
    """Warp the window of a `live_view` by the field (h, w, 2), in the frame. Bilinear, in 32nds of a pixel."""
    far = np.maximum(np.abs(field[:, :, 0]), np.abs(field[:, :, 1])) > SMALLEST_PX
    left, top, wide, high = cv2.boundingRect(far.astype(np.uint8))
    if not wide:
        return
    left, top = max(0, left - 1), max(0, top - 1)
    right, bottom = min(far.shape[1], left + wide + 2), min(far.shape[0], top + high + 2)
    times = round(1 / view.scale)
    part = frame[view.window]
    size = ((right - left) * times, (bottom - top) * times)
    shift = np.asarray(cv2.resize(field[top:bottom, left:right], size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)
    x, y = cv2.split(shift)
    x += np.arange(left * times, right * times, dtype=np.float32)
    y += np.arange(top * times, bottom * times, dtype=np.float32)[:, None]
    steps, fractions = cv2.convertMaps(x, y, cv2.CV_16SC2)
    taken = cv2.remap(part, steps, fractions, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    part[top * times : bottom * times, left * times : right * times] = taken


def _axes(shape: FaceShape, view: View) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """The 68 points in the view, the unit vectors down and across the face, and the face's unit in pixels of the view."""
    points = view.to_view(shape.points)
    five = view.to_view(shape.five)
    down = (five[3] + five[4]) / 2 - (five[0] + five[1]) / 2
    down = down / max(float(np.linalg.norm(down)), 1e-6)
    return points, down, np.array([down[1], -down[0]]), shape.unit_px * view.scale


def _along(view: View, middle: np.ndarray, direction: np.ndarray) -> Field:
    y, x = np.ogrid[: view.shape[0], : view.shape[1]]
    return np.asarray((x - middle[0]) * direction[0] + (y - middle[1]) * direction[1], dtype=np.float32)


def _frontal(points: np.ndarray) -> float:
    """1 for a frontal face, 0 for a profile, whose outline is nose and forehead and must not be drawn in."""
    across = points[16] - points[0]
    share = float((points[30] - points[0]) @ across / max(float(across @ across), 1e-6))
    return float(smoothstep(np.array(min(share, 1 - share)), 0.02, 0.28))


def _half_width(v: Field, jaw_v: np.ndarray, jaw_u: np.ndarray, unit: float) -> Field:
    """Smooth distance of the face's outline from its axis at each height, at least 0.45 units so that the warp stays gentle."""
    order = np.argsort(jaw_v)
    heights = np.linspace(jaw_v.min() - unit, jaw_v.max() + unit, 200)
    widths = np.maximum(np.interp(heights, jaw_v[order], jaw_u[order]), 0.45 * unit)
    kernel = np.hanning(41)
    widths = np.convolve(np.pad(widths, 20, mode="edge"), kernel / kernel.sum(), mode="valid")
    return np.asarray(np.interp(v, heights, widths), dtype=np.float32)


def _held(own: np.ndarray, view: View, unit: float) -> Field:
    """(h, w): 1 on the subject, falling to 0 within a third of a unit of background and at the view's border."""
    distance = cv2.distanceTransform(1 - own, cv2.DIST_L2, 3) if own.any() else np.zeros(view.shape, np.float32)
    held = 1 - smoothstep(distance, 0.0, 0.34 * unit)
    return feather(held, view, 0.06 * unit / view.scale) * _border(view)


def _border(view: View) -> Field:
    """(h, w): 0 at the view's border, 1 from a tenth of its side on."""
    high, wide = view.shape
    y, x = np.ogrid[:high, :wide]
    near = np.minimum(np.minimum(x, wide - 1 - x) / max(1.0, 0.1 * wide), np.minimum(y, high - 1 - y) / max(1.0, 0.1 * high))
    return smoothstep(near, 0, 1)


def _unfolded(field: Field, scale: float) -> Field:
    """The field (h, w, 2) converted from pixels of the view to pixels of the photo, damped where its gradient is too steep."""
    along_y, along_x = (np.gradient(field, axis=axis) if field.shape[axis] > 1 else 0 * field for axis in (0, 1))
    steepest = float(np.sqrt((along_x * along_x + along_y * along_y).sum(axis=2).max()))
    return np.asarray(field * np.float32(min(1.0, _STEEPEST / max(steepest, 1e-9)) / scale), dtype=np.float32)
