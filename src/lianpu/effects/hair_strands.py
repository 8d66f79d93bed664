"""Locks and strands of hair: how much the lightness of real hair varies, and strands drawn where a photo shows none."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from lianpu.effects.face_masks import axes_of, from_the_eyes
from lianpu.faces.results import Subject
from lianpu.imaging.compositing import Field, View
from lianpu.imaging.geometry import enlarge
from lianpu.imaging.masks import smoothstep, wide_blur

_BAND, _BAND_SPREAD, _LOUDEST = 0.1, ((6.2, 21.9, 47.6, 54.6), (3.0, 3.6, 4.6, 4.8)), 2.4
"""Locks: what varies within this many units; by what standard deviation (second row, of L) it does at least at a new lightness (first row);
and how much more it is made to vary at most."""

_ALONG, _STEPS_ALONG = 0.07, 4
"""How far to both sides locks are averaged along their direction, in units, and in how many steps: noise has none and vanishes."""

_DRAWN, _USUAL_WAY = 0.95, 1.5
"""Drawn strands, where a photo shows none: their contrast as a share of that of real locks, the change of L from which on they have it, and
the weight of the way that hair usually lies, against the squared gradient of L."""

_LESS_DARKENED = 0.8
"""Of the drawn strands, the share that hair gets which becomes darker: it has more of its own."""

_WIDE_BAND, _WIDE_SPREAD = 0.4, ((6.2, 21.9, 47.6, 54.6), (3.0, 5.4, 4.6, 6.3))
"""Likewise what varies between the width of locks and this: the light and shadow of large locks."""

_FINE, _MIDDLING, _COARSE = (60.0, 1.0), (16.0, 0.5), (7.0, 1.0)
"""Drawn strands per unit, and how strong they are."""

_NOISE_PX, _GRAIN_PX, _DRAWN_ALONG, _LOCKS_ALONG, _DRAWN_STEPS = 256, 4.0, 0.16, 0.5, (1, 3, 9)
"""Side of their noise; pixels of the finest at which they are drawn; how far to both sides strands and locks are averaged (units), and by
which steps one after the other."""

STRANDS = (_FINE,)
"""`drawn` as single strands."""


def light_around(light: Field, core: Field, sigma: float) -> Field:
    """(h, w): mean lightness around each pixel of what `core` (h, w) covers, hair or skin; other pixels are ignored."""
    weight = core * core + np.float32(1e-4)
    total = wide_blur(np.dstack([light * weight, weight]), sigma)
    return np.asarray(total[:, :, 0] / total[:, :, 1], dtype=np.float32)


def locks(light: Field, weight: Field, unit_px: float) -> Field:
    """(h, w): what to add to the new lightness (h, w) of hair, so that its locks differ as much as those of real hair do.

    Args:
        light: (h, w), new lightness without single strands.
        weight: (h, w), how surely a pixel is hair.
        unit_px: pixels of a unit.
    """
    band = light - light_around(light, weight, max(1.0, _BAND * unit_px))
    band = _along_locks(np.clip(band, -25, 25), unit_px) * smoothstep(weight, 0.1, 0.7)
    spread = np.sqrt(light_around(band * band, weight, max(1.0, 0.35 * unit_px)))
    wanted = np.interp(light, *_BAND_SPREAD)
    return np.asarray(band * (np.clip(wanted / np.maximum(spread, 0.3), 1, _LOUDEST) - 1), dtype=np.float32)


def across_hair(light: Field, weight: Field, usual: Field, unit_px: float) -> Field:
    """(h, w, 2): the double angle across strands, by the photo's lightness (h, w) where it shows some in what `weight` (h, w) covers, else
    the `usual` one (h, w, 2)."""
    light = np.clip(light - light_around(light, weight, max(1.0, _BAND * unit_px)), -12, 12) * smoothstep(weight, 0.1, 0.7)
    seen = wide_blur(gradient_angle(light), max(1.0, 0.08 * unit_px))
    return np.asarray(wide_blur(seen + np.float32(_USUAL_WAY) * usual, max(1.0, 0.1 * unit_px)), dtype=np.float32)


def gradient_angle(values: Field) -> Field:
    """(h, w, 2): the double angle of the gradient of values (h, w), as long as its square."""
    x, y = (cv2.Sobel(values, cv2.CV_32F, *way, ksize=3) for way in ((1, 0), (0, 1)))
    return np.asarray(np.dstack([x * x - y * y, 2 * x * y]), dtype=np.float32)


def across_around_head(subject: Subject, view: View) -> Field:
    """(h, w, 2): the double angle across hair that lies around a head and falls down beside it."""
    u, v = from_the_eyes(subject, view, view.shape)
    v = np.minimum(v, 0)
    (x_u, y_u), (x_v, y_v) = axes_of(subject)
    x, y = u * x_u + v * x_v, u * y_u + v * y_v
    return np.asarray(np.dstack([x * x - y * y, 2 * x * y]) / np.maximum(x * x + y * y, 1e-6)[:, :, None], dtype=np.float32)


def strands(light: Field, weight: Field, across: Field, lighter: Field, subject: Subject, view: View, unit_px: float) -> Field:
    """(h, w): lightness of drawn locks and strands where hair of a new lightness (h, w) differs less than real hair: a photo that is black
    there, or white, shows none.

    Args:
        light: (h, w), the new lightness.
        weight: (h, w), how surely a pixel is hair.
        across: of `across_hair`.
        lighter: (h, w), -1 to 1: how much lighter or darker the hair becomes. Hair that becomes darker has the photo's shadows.
        subject: the face.
        view: that the fields are over.
        unit_px: pixels of a unit.
    """
    near, far = (light_around(light, weight, max(1.0, share * unit_px)) for share in (_BAND, _WIDE_BAND))
    total = np.zeros_like(light)
    for band, spread, grains, reach, share in (
        (light - near, _BAND_SPREAD, (_FINE, _MIDDLING), _DRAWN_ALONG, np.maximum(lighter, -_LESS_DARKENED * lighter)),
        (near - far, _WIDE_SPREAD, (_COARSE,), _LOCKS_ALONG, np.maximum(lighter, 0)),
    ):
        present = light_around(band * band, weight, max(1.0, 0.2 * unit_px))
        lacking = (
            np.sqrt(np.maximum((_DRAWN * np.interp(light, *spread)) ** 2 - present, 0)) * smoothstep(weight, 0.1, 0.7) * share
        )
        if float(lacking.max()) >= 0.5:
            total += lacking * drawn(across, weight > 0.5, subject, view, unit_px, reach, grains)
    return total


def drawn(
    across: Field,
    inside: np.ndarray,
    subject: Subject,
    view: View,
    unit_px: float,
    reach: float,
    grains: Sequence[tuple[float, float]],
) -> Field:
    """(h, w): strands of mean 0 and standard deviation 1 `inside` (h, w). Noise that lies still on the face, averaged along the hair by
    `reach` units to both sides (line integral convolution; Cabral & Leedom 1993).

    Args:
        across: (h, w, 2), of `across_hair`.
        inside: (h, w), bool.
        subject: the face.
        view: that the fields are over.
        unit_px: pixels of a unit.
        reach: in units.
        grains: how many strands there are per unit, and how strong they are.
    """
    times = max(1, round(unit_px / (_GRAIN_PX * max(finest for finest, _ in grains))))
    if times > 1:
        size = (max(1, round(view.shape[1] / times)), max(1, round(view.shape[0] / times)))
        small = np.asarray(cv2.resize(across, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
        lines = _lines(small, subject, view, unit_px / times, reach, grains)
        found = np.asarray(enlarge(lines, view.shape[::-1]), dtype=np.float32)
    else:
        found = _lines(across, subject, view, unit_px, reach, grains)
    found /= max(float(found[inside].std()), 1e-3) if inside.any() else 1.0
    return np.asarray(np.clip(found, -2.5, 2.5), dtype=np.float32)


def _lines(
    across: Field, subject: Subject, view: View, unit_px: float, reach: float, grains: Sequence[tuple[float, float]]
) -> Field:
    u, v = from_the_eyes(subject, view, across.shape[:2])
    noise = np.random.default_rng(0).standard_normal((_NOISE_PX, _NOISE_PX)).astype(np.float32)
    grain = np.zeros(across.shape[:2], dtype=np.float32)
    for finest, share in grains:
        per_unit = finest * 2.0 ** min(
            0.0, float(np.floor(np.log2(unit_px / (1.5 * finest))))
        )  # in octaves: faces come nearer in videos
        places = (np.mod(u * per_unit, _NOISE_PX - 1), np.mod(v * per_unit, _NOISE_PX - 1))
        grain += np.float32(share) * cv2.remap(noise, *places, cv2.INTER_LINEAR)
    angle = np.float32(0.5) * np.arctan2(across[:, :, 1], across[:, :, 0]) + np.float32(np.pi / 2)
    for step in _DRAWN_STEPS:
        grain = _averaged(grain, angle, max(0.5, reach * unit_px / sum(_DRAWN_STEPS)) * step, 1)
    return grain


def _along_locks(values: Field, unit_px: float) -> Field:
    """The mean of values (h, w) along the direction in which they vary least (line integral along the structure tensor)."""
    tensor = wide_blur(gradient_angle(values), max(1.0, 0.05 * unit_px))
    angle = np.float32(0.5) * np.arctan2(tensor[:, :, 1], tensor[:, :, 0]) + np.float32(np.pi / 2)
    return _averaged(values, angle, max(0.7, _ALONG * unit_px / _STEPS_ALONG), _STEPS_ALONG)


def _averaged(values: Field, angle: np.ndarray, step: float, steps: int) -> Field:
    """The mean of values (h, w) along directions (h, w), so many steps of `step` pixels to both sides."""
    x, y = np.cos(angle) * np.float32(step), np.sin(angle) * np.float32(step)
    columns, rows = np.meshgrid(np.arange(values.shape[1], dtype=np.float32), np.arange(values.shape[0], dtype=np.float32))
    total = values.copy()
    for way in range(-steps, steps + 1):
        if way:
            total += cv2.remap(values, columns + way * x, rows + way * y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(total / (2 * steps + 1), dtype=np.float32)
