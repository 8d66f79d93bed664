"""The background behind the people of a photo: lens blur, or replacement by a colour or a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from lianpu.effects.live import mix_in_place
from lianpu.effects.matting import person_matte
from lianpu.faces.live import LiveScene
from lianpu.faces.results import Subject
from lianpu.imaging.color import rgb_of_color
from lianpu.imaging.compositing import Field, blend, upsample
from lianpu.imaging.geometry import enlarge
from lianpu.imaging.masks import guided_filter_coefficients, smoothstep, wide_blur
from lianpu.imaging.picture import Picture
from lianpu.photo.reading import read_image

_RADIUS_SHARE = 0.016
"""The blur's radius at a strength of 1, as a share of the photo's longer side."""
_SHARP_BELOW = 0.25
"""Up to this strength the sharp photo is blended in: so small a blur cannot be computed at the working size."""


_MATTE_PX, _ALPHA_PX = 160, 640
"""Longest sides of the copies of a live frame in which the matte is fitted to the luma, and in which it follows the luma's edges (He & Sun
2015, Fast Guided Filter)."""
_FULL = (0.12, 0.88)
_CONTRAST = np.rint(255 * smoothstep(np.arange(256) / 255, *_FULL)).astype(np.uint8)
_EDGE_REACH = 0.1
"""How far an edge of the matte may move, in units of the face."""
_USUAL_UNIT = 0.1
"""The unit of a face as a share of the frame's longer side, where no face is seen."""
_LEAST_DISC_PX = 2.2
"""Least radius of the blur's disc in the copy of a live frame that is blurred."""


def blur_background(photo: Picture, subjects: Sequence[Subject], strength: float) -> Picture:
    """The photo (H, W, 3) with the background behind the subjects out of focus; unchanged without subjects."""
    if not subjects:
        return photo
    people = person_matte(photo, subjects)
    view = people.view
    radius = max(0.6, _RADIUS_SHARE * max(strength, _SHARP_BELOW) * max(view.shape))
    soft = _lens_blurred(view.picture, (1 - people.matte) ** 2, radius)
    share = np.float32(min(1.0, strength / _SHARP_BELOW))

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        alpha = people.alpha(pixels, rows, columns)
        people.remove_ground(pixels, alpha, rows, columns)
        ground = upsample(soft, view.window, rows, columns)
        pixels -= ground
        pixels *= alpha[:, :, None]
        pixels += ground
        return pixels

    return blend(photo, view, np.full(view.shape, share), paint)


def replace_background(photo: Picture, subjects: Sequence[Subject], strength: float, color: str, picture: str) -> Picture:
    """The photo (H, W, 3) with the background replaced by a colour (#rrggbb), or by a picture (path of a file) that fills the photo.

    Raises:
        PictureError: the picture cannot be read.
    """
    new = _filling(read_image(picture), photo.shape[0], photo.shape[1]) if picture else None
    if not subjects:
        return photo
    people = person_matte(photo, subjects)

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        alpha = people.alpha(pixels, rows, columns)
        people.remove_ground(pixels, alpha, rows, columns)
        ground = rgb_of_color(color) if new is None else new[rows, columns].astype(np.float32) / np.float32(255)
        pixels -= ground
        pixels *= alpha[:, :, None]
        pixels += ground
        return pixels

    return blend(photo, people.view, np.full(people.view.shape, min(1.0, strength), dtype=np.float32), paint)


def live_blur_background(frame: Picture, scene: LiveScene, strength: float) -> None:
    """`blur_background` in a live frame (H, W, 3), in place, behind the people of the scene's matte, whether their faces are seen or not.

    Without a matte people are cut out as in a photo.
    """
    if scene.person is None:
        frame[:] = blur_background(frame, [face.subject(frame) for face in scene.faces], strength)
        return
    people = _live_people(frame, scene)
    radius = max(0.6, _RADIUS_SHARE * max(strength, _SHARP_BELOW) * max(frame.shape[:2]))
    ground = _live_blurred(people, radius)
    people.put_before(frame, ground, min(1.0, strength / _SHARP_BELOW))


def live_replace_background(frame: Picture, scene: LiveScene, strength: float, color: str, picture: str) -> None:
    """`replace_background` in a live frame (H, W, 3), in place, behind the people of the scene's matte.

    Raises:
        PictureError: the picture cannot be read.
    """
    if scene.person is None:
        frame[:] = replace_background(frame, [face.subject(frame) for face in scene.faces], strength, color, picture)
        return
    people = _live_people(frame, scene)
    if picture:
        file = Path(picture)
        stamp = file.stat().st_mtime_ns if file.is_file() else 0
        new = _filling_file(file, stamp, frame.shape[0], frame.shape[1])
    else:
        new = np.full((1, 1, 3), rgb_of_color(color), dtype=np.float32)
    people.put_before(frame, new, min(1.0, strength))


@lru_cache(maxsize=2)
def _filling_file(file: Path, stamp: int, height: int, width: int) -> Picture:
    """`_filling` of a file; `stamp`, its time, is part of the cache key, so that a changed file is read again."""
    return _filling(read_image(file), height, width)


@dataclass(frozen=True, eq=False)
class _LivePeople:
    """The people of a live frame.

    Args:
        halves: the frame halved 0, 1, 2 ... times, uint8; the last one has at most `_MATTE_PX` on its longer side.
        matte: (h, w) float32 at the size of the last one, 0 background to 1 person.
        alpha: (n, m) uint8: the matte along the edges of a copy of at most `_ALPHA_PX`.
        fringe: (h, w, 3) float32: what is added to the ground, where a pixel shows person and ground mixed, so that the old ground is gone.
    """

    halves: tuple[Picture, ...]
    matte: Field
    alpha: np.ndarray
    fringe: Field

    def put_before(self, frame: Picture, ground: np.ndarray, share: float) -> None:
        """Replace the ground of the frame, in place.

        Args:
            frame: (H, W, 3).
            ground: float32, 0 to 1, (1, 1, 3), or at least as large as the matte; or (H, W, 3) uint8.
            share: opacity of the new ground.
        """
        size = frame.shape[1::-1]
        behind = cv2.convertScaleAbs(cv2.bitwise_not(self.alpha), alpha=share)
        behind = cv2.resize(behind, size, interpolation=cv2.INTER_LINEAR)
        if ground.dtype == np.uint8:
            fringe = cv2.resize(np.rint(255 * self.fringe).astype(np.int16), size, interpolation=cv2.INTER_LINEAR)
            new = cv2.add(ground, fringe, dtype=cv2.CV_8U)
        else:
            small = np.rint(np.clip(255 * (ground + _resized(self.fringe, ground.shape)), 0, 255)).astype(np.uint8)
            new = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
        mix_in_place(frame, np.asarray(new, dtype=np.uint8), np.asarray(behind, dtype=np.uint8))


def _live_people(frame: Picture, scene: LiveScene) -> _LivePeople:
    halves: list[np.ndarray] = [frame]
    while max(halves[-1].shape[:2]) > _MATTE_PX and min(halves[-1].shape[:2]) > 8:
        high, wide = halves[-1].shape[:2]
        halves.append(cv2.resize(halves[-1], ((wide + 1) // 2, (high + 1) // 2), interpolation=cv2.INTER_AREA))
    small = np.multiply(halves[-1], np.float32(1 / 255), dtype=np.float32)
    shape = small.shape[:2]
    assert scene.person is not None
    rough = cv2.resize(scene.person, shape[::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32) / np.float32(255)
    units = [face.face.unit_px for face in scene.faces] or [_USUAL_UNIT * max(frame.shape[:2])]
    unit = float(np.median(units)) * max(shape) / max(frame.shape[:2])
    luma = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    edges = guided_filter_coefficients(rough, luma[:, :, None], max(2, round(_EDGE_REACH * unit)), 1e-3)
    matte = smoothstep(edges[:, :, 0] * luma + edges[:, :, 1], *_FULL)
    finer = cv2.cvtColor(next((half for half in halves if max(half.shape[:2]) <= _ALPHA_PX), halves[-1]), cv2.COLOR_RGB2GRAY)
    slopes, offsets = (np.rint(np.clip(edges[:, :, one], -64, 64) * by).astype(np.int16) for one, by in ((0, 128), (1, 255)))
    sloped = cv2.multiply(enlarge(slopes, finer.shape[::-1]), finer.astype(np.int16), scale=1 / 128)
    alpha = cv2.LUT(cv2.add(sloped, enlarge(offsets, finer.shape[::-1]), dtype=cv2.CV_8U), _CONTRAST)
    apart = _own_color(small, matte * matte, unit) - _own_color(small, (1 - matte) ** 2, unit)
    fringe = apart * matte[:, :, None]
    return _LivePeople(tuple(halves), matte, alpha, fringe)


def _own_color(small: Field, weight: Field, unit: float) -> Field:
    """(h, w, 3): mean colour around each pixel of what `weight` (h, w) covers."""
    weighted = [plane * weight for plane in cv2.split(small)]
    planes = wide_blur(np.asarray(cv2.merge([*weighted, weight]), dtype=np.float32), max(1.0, 0.12 * unit))
    return np.asarray(planes[:, :, :3] / (planes[:, :, 3:] + np.float32(1e-4)), dtype=np.float32)


def _live_blurred(people: _LivePeople, radius: float) -> Field:
    """The ground (h, w, 3) out of focus, at least as large as the matte, blurred in so small a copy that the disc has few pixels.

    Averaging and enlarging by a factor f blur as a disc of radius f does: the disc in the copy is that much smaller.
    """
    longest = max(people.halves[0].shape[:2])
    small, times = people.halves[0], 1.0
    for half in people.halves[1:]:
        if radius * max(half.shape[:2]) / longest < _LEAST_DISC_PX:
            break
        small, times = half, longest / max(half.shape[:2])
    disc = max(0.6, float(np.sqrt(max(0.0, (radius / times) ** 2 - (1.0 if times > 1 else 0.0)))))
    size = small.shape[1::-1]
    behind = 1 - cv2.resize(people.matte, size, interpolation=cv2.INTER_AREA)
    picture = np.multiply(small, np.float32(1 / 255), dtype=np.float32)
    soft = _lens_blurred(picture, behind * behind, disc)
    return _resized(soft, people.matte.shape) if soft.size < people.fringe.size else soft


def _resized(values: Field, shape: tuple[int, ...]) -> Field:
    """Values (h, w, 3), bilinearly, at the height and width of a shape; unchanged for one pixel, which fits any size."""
    if shape[:2] in ((1, 1), values.shape[:2]):
        return values
    return np.asarray(cv2.resize(values, shape[1::-1], interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _lens_blurred(picture: Field, weight: Field, radius: float) -> Field:
    """The picture (h, w, 3) blurred with a disc in linear light; pixels of weight 0 (people) do not bleed in."""
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    disc /= disc.sum()
    light = np.asarray(cv2.pow(picture, 2.2), dtype=np.float32)  # several times as fast as NumPy's power
    planes = np.dstack([light * weight[:, :, None], weight])
    total = cv2.filter2D(planes, -1, disc, borderType=cv2.BORDER_REPLICATE)
    far = _from_afar(planes) + np.float32(1e-7)
    total = total + np.float32(0.02) * far  # fallback where a person fills the disc
    mean = np.clip(total[:, :, :3] / total[:, :, 3:], 0, 1)
    return np.asarray(cv2.pow(mean, 1 / 2.2), dtype=np.float32)


def _from_afar(planes: Field) -> Field:
    """The planes (h, w, C) blurred over an eighth of their size."""
    coarse = cv2.resize(planes, (16, 16), interpolation=cv2.INTER_AREA)
    coarse = cv2.GaussianBlur(coarse, (0, 0), 2, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(enlarge(coarse, planes.shape[1::-1]), dtype=np.float32)


def _filling(picture: Picture, height: int, width: int) -> Picture:
    """The centre of a picture, cropped and scaled to (height, width, 3)."""
    grow = max(height / picture.shape[0], width / picture.shape[1])
    high, wide = max(1, round(height / grow)), max(1, round(width / grow))
    top, left = max(0, (picture.shape[0] - high) // 2), max(0, (picture.shape[1] - wide) // 2)
    middle = picture[top : top + high, left : left + wide]
    return np.asarray(
        cv2.resize(middle, (width, height), interpolation=cv2.INTER_AREA if grow < 1 else cv2.INTER_CUBIC), dtype=np.uint8
    )
