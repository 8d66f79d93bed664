"""What live forms of effects share: a small copy of a window of the frame, masks over it, and changes that are added to the frame in place.

A live form computes its change in the copy, by the mathematics of the photo form, and only adds it at full size, in integers. How small the
copy is, each effect decides (`most_unit_px`): smooth changes need few pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

from lianpu.faces.live import LiveFace, Share
from lianpu.faces.mesh import outline
from lianpu.imaging.compositing import Field, Paint, View
from lianpu.imaging.geometry import Matrix, Window, compose, scaling
from lianpu.imaging.masks import smoothstep
from lianpu.imaging.picture import Picture

_FIXED_POINT_BITS = 4

_WHITE = np.float32(255)

FINE = 16
"""Parts of a step of brightness in which small copies hold changes (`enlarged_steps`)."""


def live_view(frame: Picture, window: Window, unit: float, most_unit_px: float) -> View:
    """A window of the frame as a view in which a face's unit has at most `most_unit_px` pixels.

    It is halved until it is small enough, which takes a tenth of the time of another ratio. So the view's window may be some pixels larger
    or, in a frame that it fills, smaller than `window`.
    """
    (rows, columns), times = _halved(frame, window, unit, most_unit_px)
    part: np.ndarray = frame[rows, columns]
    for _ in range(times):
        part = cv2.resize(part, (part.shape[1] // 2, part.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return View((rows, columns), np.multiply(part, np.float32(1 / 255), dtype=np.float32))


def blank_view(frame: Picture, window: Window, unit: float, most_unit_px: float) -> View:
    """`live_view` for maps alone: nobody looks at its picture."""
    (rows, columns), times = _halved(frame, window, unit, most_unit_px)
    high, wide = (rows.stop - rows.start) >> times, (columns.stop - columns.start) >> times
    return View((rows, columns), np.empty((high, wide, 3), dtype=np.float32))


def around_of(mask: np.ndarray) -> Window | None:
    """Rows and columns of a view around what is not 0 in a mask (h, w), and a pixel more, into which it is enlarged; None where all is 0."""
    left, top, wide, high = cv2.boundingRect(np.asarray(mask != 0).view(np.uint8))
    return (slice(max(0, top - 1), top + high + 1), slice(max(0, left - 1), left + wide + 1)) if wide else None


def part_of(view: View, part: Window) -> View:
    """Some rows and columns of a view of `live_view` or `blank_view` as a view."""
    (rows, columns), times = view.window, (view.window[0].stop - view.window[0].start) // view.shape[0]
    high, wide = view.picture[part].shape[:2]
    top, left = rows.start + times * part[0].start, columns.start + times * part[1].start
    return View((slice(top, top + times * high), slice(left, left + times * wide)), view.picture[part])


def _halved(frame: Picture, window: Window, unit: float, most_unit_px: float) -> tuple[Window, int]:
    """The window that is halved, and how many times."""
    times = max(0, int(np.ceil(np.log2(max(unit, 1e-3) / most_unit_px))))
    while times and min(frame.shape[:2]) < 2 ** (times + 2):
        times -= 1
    rows, columns = (_whole_steps(span, length, 2**times) for span, length in zip(window, frame.shape, strict=False))
    return (rows, columns), times


def _whole_steps(span: slice, length: int, step: int) -> slice:
    """The span, widened to a multiple of `step` within 0 to `length`."""
    wide = min(-(-(span.stop - span.start) // step), length // step) * step
    start = min(span.start, length - wide)
    return slice(start, start + wide)


def to_view(view: View) -> Matrix:
    """The matrix (2, 3) from pixels of the frame to those of the view."""
    rows, columns = view.window
    by = (view.shape[1] / (columns.stop - columns.start), view.shape[0] / (rows.stop - rows.start))
    return compose(scaling(by), np.array([[1.0, 0.0, -columns.start], [0.0, 1.0, -rows.start]]))


def share_in(face: LiveFace, view: View, *names: str) -> Field:
    """Probability (h, w), 0 to 1, of some parts together; 0 without a parser."""
    share: Share = face.share_over(names, to_view(view), view.shape[::-1])
    return np.multiply(share, np.float32(1 / 255), dtype=np.float32)


def inside(face: LiveFace, view: View, *regions: str) -> Field:
    """Coverage (h, w), 0 to 1, of regions of the mesh (`mesh.REGIONS`); where two overlap, of either."""
    mask = np.zeros(view.shape, dtype=np.uint8)
    for region in regions:
        fill(mask, view.to_view(outline(face.mesh, region)))
    return np.multiply(mask, np.float32(1 / 255), dtype=np.float32)


def seen_in(face: LiveFace, view: View, region: str, *parts: str) -> Field:
    """Probability (h, w), 0 to 1, of some parts, as sharp as a mask, in a region of the mesh and a little around it.

    Without a parser it is the region's coverage.
    """
    points = view.to_view(outline(face.mesh, region))
    mask = np.zeros(view.shape, dtype=np.uint8)
    fill(mask, points)
    if not face.shares:
        return np.multiply(mask, np.float32(1 / 255), dtype=np.float32)
    width = max(1, round(2 * _AROUND * face.face.unit_px * view.scale))
    corners = np.rint(points * 2**_FIXED_POINT_BITS).astype(np.int32)
    cv2.polylines(mask, [corners], True, 255, width, cv2.LINE_AA, _FIXED_POINT_BITS)
    return np.multiply(mask, sharpened(share_in(face, view, *parts)) / np.float32(255), dtype=np.float32)


def sharpened(share: Field) -> Field:
    """A probability (h, w), 0 to 1, with an edge about as sharp as that of a mask: shares have few pixels."""
    return smoothstep(share, 0.2, 0.8)


_AROUND = 0.03
"""How far outside a region of the mesh the parser is believed, in units of the face."""

_FEATURES = ("left_eye", "right_eye", "left_brow", "right_brow", "lips_outer")


def live_skin(face: LiveFace, view: View, *also: str) -> Field:
    """Probability (h, w), 0 to 1, of skin, nose and other parts; without a parser the oval of the mesh without eyes, brows and mouth."""
    if face.shares:
        return share_in(face, view, "skin", "nose", *also)
    mask = np.zeros(view.shape, dtype=np.uint8)
    fill(mask, view.to_view(outline(face.mesh, "face_oval")))
    for region in _FEATURES:
        fill(mask, view.to_view(outline(face.mesh, region)), 0)
    return np.multiply(mask, np.float32(1 / 255), dtype=np.float32)


def fill(mask: Share, points: np.ndarray, value: int = 255) -> None:
    """Fill the polygon of points (K, 2) in a mask (h, w) uint8, in place, with an edge as soft as a pixel."""
    corners = np.rint(points * 2**_FIXED_POINT_BITS).astype(np.int32)
    cv2.fillPoly(mask, [corners], value, lineType=cv2.LINE_AA, shift=_FIXED_POINT_BITS)


def soften(mask: Field, sigma_px: float) -> Field:
    """The mask after a Gaussian blur, of at least 0.4 pixels."""
    sigma = max(0.4, sigma_px)
    size = 2 * int(np.ceil(2.5 * sigma)) + 1
    return np.asarray(cv2.GaussianBlur(mask, (size, size), sigma, borderType=cv2.BORDER_REPLICATE), dtype=np.float32)


def repaint(frame: Picture, view: View, weight: Field, paint: Paint) -> None:
    """Change the frame in place: by what `paint` makes of the view's pixels, times `weight` (h, w)."""
    new = paint(view.picture.copy(), slice(0, view.shape[0]), slice(0, view.shape[1]))
    new -= view.picture
    add_in_place(frame, view, np.multiply(new, weight[:, :, None], out=new))


def add_in_place(frame: Picture, view: View, change: Field) -> None:
    """Add to the frame, in place, a change (h, w, 3) of the view (1 is white), enlarged to its window."""
    rows, columns = view.window
    part = frame[rows, columns]
    if change.shape == part.shape:
        add_steps(part, np.rint(change * _WHITE).astype(np.int16))
        return
    fine = np.rint(change * (_WHITE * np.float32(FINE))).astype(np.int16)
    times = part.shape[0] // change.shape[0]
    if part.shape[:2] == (times * change.shape[0], times * change.shape[1]):  # as of `live_view`: what stays is left out
        reached = around_of(fine[:, :, 0] | fine[:, :, 1] | fine[:, :, 2])
        if reached is None:
            return
        part, fine = frame[part_of(view, reached).window], np.ascontiguousarray(fine[reached])
    add_steps(part, enlarged_steps(fine, part.shape[1::-1]))


def enlarged_steps(fine: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """A change (h, w, 3) int16 in parts (`FINE`) of a step of brightness, enlarged to (width, height), in whole steps.

    It is rounded at the frame's size: what is rounded before it is enlarged flickers as it moves over the frame.
    """
    steps = np.asarray(cv2.resize(fine, size_px, interpolation=cv2.INTER_LINEAR), dtype=np.int16)
    steps += FINE // 2
    steps >>= FINE.bit_length() - 1
    return steps


def add_steps(part: Picture, steps: np.ndarray) -> None:
    """Add steps of brightness (n, m, 3) int16 to a part of a frame, in place: OpenCV's addition of two types takes twice as long."""
    total = part.astype(np.int16)
    total += steps
    np.clip(total, 0, 255, out=total)
    part[:] = total


def mix_in_place(part: Picture, new: Picture, weight: Share) -> None:
    """Blend a part of the frame (n, m, 3), in place, towards `new` by `weight` (n, m) uint8; 255 takes all of it, 0 leaves every byte."""
    share = cv2.merge([weight, weight, weight])
    coming = cv2.multiply(new, share, scale=1 / 255)
    going = cv2.multiply(part, cv2.bitwise_not(share), scale=1 / 255)
    cv2.add(coming, going, dst=part)
