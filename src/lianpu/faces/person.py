"""Where people are in a photo or frame, found with MediaPipe's selfie segmentation: their bodies, hair, clothes and what they hold.

The networks see 256 x 256 or 256 x 144 pixels (https://google.github.io/mediapipe/solutions/selfie_segmentation). In a photo that is
coarse, so the same network also sees a crop around each head and each body, and the log-odds of all views are averaged.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lianpu.errors import WeightsError
from lianpu.faces.results import Face
from lianpu.imaging.geometry import Window, enlarge, shrink
from lianpu.imaging.picture import Picture, check_picture
from lianpu.models.sessions import open_session
from lianpu.models.store.conversion import require_onnx

SQUARE, LANDSCAPE = "selfie-segmentation", "selfie-segmentation-landscape"
"""The networks' names in the table of models."""

Odds = np.ndarray[Any, np.dtype[np.float32]]

_MOST = 6.0
"""Log-odds are limited to this: no single view outvotes the others."""

_CROPS_UNITS = ((10.0, 3.6), (22.0, 3.6))
"""Crops around a head with shoulders, and a body: the side, and how far it reaches above the eyes, in distances of the eyes. Around a
head alone the network takes people behind it for background."""

_COPY_PX, _INPUT_PX = 1600, 256
"""Longest side of the copy from which crops are taken unless they would be smaller than the network's input: averaging the whole photo
again for each is slow."""

_LARGE = 0.8
"""A crop that covers more than this share of the photo shows nothing new."""

_SAME = 0.65
"""A crop that overlaps an earlier one of about its size by more than this (intersection over union) is left out."""

_FADE = 0.35
"""Share of a crop's side over which its weight falls to nothing: at a border that cuts through a body the network is not reliable."""

_SHARPER = 1.0
"""Exponent of the weight of a crop: pixels of the network per pixel of the photo."""

_LYING = 2.5
"""A head tilted by more than this (across to down, between eyes and mouth) lies; one tilted by less has an upright body."""

_SMOOTHING, _CUT = 0.6, 0.2
"""In a video the mask moves by this share towards a new frame's mask; all the way where more than `_CUT` of the frame changes."""


def people_in(photo: Picture, faces: Sequence[Face], shape: tuple[int, int]) -> Odds | None:
    """Probability (h, w) float32, 0 to 1, that a pixel of the photo shows a person or what a person wears or holds.

    People whose face was not found count, too, where the network sees them in the whole photo.

    Args:
        photo: (H, W, 3) uint8 RGB.
        faces: found in that photo; around each the network looks closer.
        shape: height and width of the result; a smaller copy of the photo.

    Returns:
        None where the network is not on this machine and cannot be fetched.
    """
    session = _session(SQUARE)
    if session is None:
        return None
    check_picture(photo)
    total, weights = np.zeros(shape, dtype=np.float32), np.full(shape, 1e-6, dtype=np.float32)
    copy = shrink(photo, _COPY_PX)
    for view in _views(faces, photo.shape[:2], shape):
        rows, columns = view.window
        source = copy if min(_sides(view.window)) * copy.shape[0] >= _INPUT_PX * shape[0] else photo
        part = source[_in_photo(rows, shape[0], source.shape[0]), _in_photo(columns, shape[1], source.shape[1])]
        found = np.rot90(_run(session, np.rot90(part, view.turns)), -view.turns)
        size = (columns.stop - columns.start, rows.stop - rows.start)
        weight = view.weight * _fading(view.window, shape)
        total[view.window] += weight * enlarge(_log_odds(found), size)
        weights[view.window] += weight
    return np.asarray(1 / (1 + np.exp(-total / weights)), dtype=np.float32)


class PersonTracker:
    """Mask of people in the frames of a video, smoothed over time; to be called from any thread.

    Args:
        threads: threads for the network.

    Raises:
        WeightsError: the network is not on this machine and cannot be fetched.
    """

    def __init__(self, threads: int = 1) -> None:
        self._networks = {name: _opened(require_onnx(name), threads) for name in (SQUARE, LANDSCAPE)}
        self._lock = threading.Lock()
        self._before: Odds | None = None

    def person_mask(self, frame: Picture) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """(h, w) uint8, 255 for people: the whole frame (H, W, 3), small (144 x 256, or 256 x 256 where the frame is not wide)."""
        name = LANDSCAPE if frame.shape[1] > 1.2 * frame.shape[0] else SQUARE
        found = _run(self._networks[name], frame, averaged=False)
        with self._lock:
            before = self._before
            if before is not None and before.shape == found.shape:
                change = found - before
                found = before + (1 if float(np.abs(change).mean()) > _CUT else _SMOOTHING) * change
            self._before = found
        return np.asarray(cv2.convertScaleAbs(found, alpha=255), dtype=np.uint8)

    def restart(self) -> None:
        """Forget the frames so far."""
        with self._lock:
            self._before = None


@dataclass(frozen=True)
class _View:
    """What the network is shown: rows and columns of the small copy, quarter turns counter-clockwise that set it upright, weight."""

    window: Window
    turns: int
    weight: float


def _views(faces: Sequence[Face], photo: tuple[int, ...], shape: tuple[int, int]) -> list[_View]:
    """The whole photo, in two or more parts where it is very wide or high, and crops around heads and bodies."""
    height, width = shape
    turns = _quarter_turns(faces[0]) if faces else 0
    views = [_View(window, turns, 1 / max(_sides(window))) for window in _squarish(height, width)]
    by = np.array((width / photo[1], height / photo[0]))
    taken: list[Window] = [(slice(0, height), slice(0, width))]
    for side_units, above_units in _CROPS_UNITS:
        for face in faces:
            window = _crop(face, (side_units, above_units), by, shape)
            if window is None or _area(window) > _LARGE * height * width or any(_overlap(window, one) > _SAME for one in taken):
                continue
            taken.append(window)
            views.append(_View(window, _quarter_turns(face), 1 / max(_sides(window))))
    strongest = max(view.weight for view in views)
    return [_View(view.window, view.turns, (view.weight / strongest) ** _SHARPER) for view in views]


def _crop(face: Face, units: tuple[float, float], by: np.ndarray, shape: tuple[int, int]) -> Window | None:
    """A square around a head and what is below it, moved into the picture rather than cut off."""
    points = np.asarray(face.points, dtype=np.float64) * by
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    unit = max(float(np.linalg.norm(points[0] - points[1])), 0.96 * float(np.linalg.norm(mouth - eyes)), 1.0)
    down = ((0, 1), (-1, 0), (0, -1), (1, 0))[_quarter_turns(face)]
    side = units[0] * unit
    centre = eyes + np.array(down) * (side / 2 - units[1] * unit)
    spans = []
    for middle, length in zip(centre[::-1], shape, strict=True):
        size = min(length, round(side))
        start = int(np.clip(round(middle - side / 2), 0, length - size))
        spans.append(slice(start, start + size))
    rows, columns = spans
    return (rows, columns) if min(_sides((rows, columns))) >= 8 else None


def _quarter_turns(face: Face) -> int:
    """Quarter turns counter-clockwise that set a face upright, 0 to 3."""
    points = np.asarray(face.points, dtype=np.float64)
    x, y = points[3:].mean(axis=0) - points[:2].mean(axis=0)
    if abs(x) <= _LYING * abs(y):
        return 0 if y >= 0 else 2
    return 1 if x < 0 else 3


def _squarish(height: int, width: int) -> list[Window]:
    """The whole picture, or overlapping parts of it where one side is more than twice as long as the other."""
    count = max(1, round(max(height, width) / min(height, width)))
    if count == 1:
        return [(slice(0, height), slice(0, width))]
    longer = max(height, width)
    size = min(longer, round(1.4 * longer / count))
    starts = [round(index * (longer - size) / (count - 1)) for index in range(count)]
    spans = [slice(start, start + size) for start in starts]
    return [(span, slice(0, width)) if height > width else (slice(0, height), span) for span in spans]


def _sides(window: Window) -> tuple[int, int]:
    rows, columns = window
    return rows.stop - rows.start, columns.stop - columns.start


def _area(window: Window) -> int:
    high, wide = _sides(window)
    return high * wide


def _overlap(first: Window, second: Window) -> float:
    """Intersection over union."""
    sides = [max(0, min(a.stop, b.stop) - max(a.start, b.start)) for a, b in zip(first, second, strict=True)]
    shared = sides[0] * sides[1]
    return shared / (_area(first) + _area(second) - shared)


def _fading(window: Window, shape: tuple[int, int]) -> Odds:
    """Weights (h, w) of a window's pixels: 1, falling towards those of its sides that are no border of the picture."""
    ramps = []
    for span, length in zip(window, shape, strict=True):
        at = np.arange(span.start, span.stop) + 0.5
        reach = _FADE * (span.stop - span.start)
        before = (at - span.start) / reach if span.start > 0 else np.ones_like(at)
        after = (span.stop - at) / reach if span.stop < length else np.ones_like(at)
        ramps.append(np.clip(np.minimum(before, after), 0.02, 1))
    return np.asarray(np.outer(*ramps), dtype=np.float32)


def _in_photo(span: slice, length: int, whole: int) -> slice:
    start = min(whole - 1, round(span.start * whole / length))
    return slice(start, max(start + 1, round(span.stop * whole / length)))


def _log_odds(probability: Odds) -> Odds:
    floor = np.float32(1 / (1 + np.exp(_MOST)))
    share = np.clip(probability, floor, 1 - floor)
    return np.ascontiguousarray(np.log(share / (1 - share)), dtype=np.float32)


def _run(session: Any, picture: Picture, *, averaged: bool = True) -> Odds:
    """(h, w): the network's probability for a picture (H, W, 3), which it sees stretched to its own size.

    Without averaging, a frame of 1280 x 720 is made small in a tenth of the time; the masks differ by 0.0006 on average.
    """
    name, (_, _, height, width) = session.get_inputs()[0].name, session.get_inputs()[0].shape
    shrinks = averaged and (picture.shape[0] > height or picture.shape[1] > width)
    by = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    small = cv2.resize(np.ascontiguousarray(picture), (width, height), interpolation=by)
    batch = cv2.dnn.blobFromImage(small, 1 / 255)
    return np.asarray(session.run(None, {name: batch})[0][0, 0], dtype=np.float32)


def _session(name: str) -> Any | None:
    try:
        return _opened(require_onnx(name), max(1, cv2.getNumThreads()))
    except WeightsError:
        return None


@lru_cache(maxsize=8)
def _opened(file: Path, threads: int) -> Any:
    return open_session(file, threads)
