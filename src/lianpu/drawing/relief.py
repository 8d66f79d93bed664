"""How light falls on a drawn face: a relief of soft bumps and folds, lit from one side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lianpu.drawing.canvas import Field, bell, blur, ramp, resample
from lianpu.drawing.head import Head, Outline, Places

CROWN_V = 0.36
"""Above this height the skull rounds off towards its top."""


@dataclass(frozen=True)
class Lighting:
    """Light on the skin, each (R, R): diffuse 0..1.2, shine 0.., and how red the skin is."""

    diffuse: Field
    shine: Field
    flush: Field


def light_face(
    head: Head, outline: Outline, places: Places, attributes: Mapping[str, bool], folds: float, shadow: Field, side_px: int
) -> Lighting:
    """The lighting of the face, worked out at the coarse `places` and brought to `side_px`.

    Args:
        folds: how deep the folds of age are, 0..1.
        shadow: what hair and hat keep from the light, 0..1, at the coarse places.
    """
    height = _relief(head, outline, places, attributes, folds)
    slope_v, slope_u = np.gradient(height, places.pixel)
    normal_z = 1 / np.sqrt(1 + slope_u * slope_u + slope_v * slope_v)
    light = np.array(head.light) / np.linalg.norm(head.light)
    lit = (light[2] - slope_u * light[0] - slope_v * light[1]) * normal_z
    between = light + np.array([0.0, 0.0, 1.0])
    between /= np.linalg.norm(between)
    facing = (between[2] - slope_u * between[0] - slope_v * between[1]) * normal_z
    diffuse = np.clip((lit + 0.28) / 1.28, 0, 1) - 0.40 * shadow - _hollows(head, places)
    shine = np.clip(facing, 0, 1) ** 26 * (1 - shadow)
    flush = _flush(head, places, attributes)
    soft = 0.55 * blur(np.clip(diffuse, 0, 1), 0.006 / places.pixel) + 0.45 * diffuse
    return Lighting(*(resample(field.astype(np.float32), side_px) for field in (np.clip(soft, 0, 1.2), shine, flush)))


def _relief(head: Head, outline: Outline, places: Places, attributes: Mapping[str, bool], folds: float) -> Field:
    across = outline.across(places.u, np.maximum(places.v, CROWN_V))
    above = np.maximum(CROWN_V - places.v, 0) / (CROWN_V - 0.06)
    height = 0.30 * np.sqrt(1 - np.minimum(np.abs(across) ** 2.6 + above**2.4, 0.965)) - 0.35 * (places.v - 0.5) ** 2
    height = height.astype(np.float32)
    male, smile = float(attributes["Male"]), float(attributes["Smiling"])
    for side in (-1, 1):
        narrow = head.narrowing(side)
        bumps = [
            (0.112, 0.452, 0.17, 0.062 * narrow, 0.026, -0.022 - 0.006 * male),  # under the brow
            (0.120, 0.476, 0.16, 0.050 * narrow, 0.026, 0.016),  # eyeball
            (0.130, head.brow_v, 0.18, 0.080 * narrow, 0.022, 0.010 + 0.009 * male),  # brow ridge
            (0.168, 0.585 - 0.012 * smile, 0.14, 0.066 * narrow, 0.050, 0.026 + 0.012 * smile),  # cheek
            (0.150, 0.72, 0.14, 0.050 * narrow, 0.060, -0.010 - 0.008 * male * (1 - smile)),  # below the cheekbone
            (0.165, 0.80, 0.10, 0.050 * narrow, 0.045, 0.020 * folds),  # jowl
            (0.232, 0.40, 0.06, 0.035 * narrow, 0.070, -0.018 - 0.008 * folds),  # temple
            (head.nose_width * 0.82, head.nose_v - 0.021, 0.24, 0.022 * narrow, 0.020, 0.015),  # wing of the nose
            (0.112, 0.532, 0.16, 0.050 * narrow, 0.013, 0.013 * folds),  # bag under the eye
            (0.112, 0.553, 0.15, 0.055 * narrow, 0.011, -0.014 * folds),
        ]
        for x, v, z, half_u, half_v, rise in bumps:
            height += _bump(head, places, side * x, v, z, half_u, half_v, rise)
        height += _nasolabial(head, places, side, 0.010 * folds + 0.0045 * smile + 0.0012)
    middle = [
        (0.0, 0.29, 0.16, 0.16, 0.09, 0.030),  # forehead
        (0.0, head.nose_v - 0.036, 0.30, 0.031, 0.030, 0.026),  # tip of the nose
        (0.0, head.mouth_v, 0.22, 0.085, 0.055, 0.022),
        (0.0, head.mouth_v - 0.010, 0.24, 0.050, 0.011, 0.006),
        (0.0, head.mouth_v + 0.022, 0.24, 0.050, 0.015, 0.012),
        (0.0, head.mouth_v + 0.058, 0.21, 0.060, 0.016, -0.009),  # below the lip
        (0.0, head.chin_v - 0.046, 0.19, 0.070 + 0.016 * male, 0.038, 0.017),
        (0.0, (head.nose_v + head.mouth_v) / 2 - 0.008, 0.23, 0.010, 0.018, -0.006),  # philtrum
    ]
    for x, v, z, half_u, half_v, rise in middle:
        height += _bump(head, places, x, v, z, half_u, half_v, rise)
    height += _nose_ridge(head, places)
    return height + _forehead_lines(head, places, folds)


def _bump(head: Head, places: Places, x: float, v: float, z: float, half_u: float, half_v: float, rise: float) -> Field:
    at_u, at_v = head.project(x, v, z)
    away_u, away_v = (places.u - at_u) * np.float32(1 / half_u), (places.v - at_v) * np.float32(1 / half_v)
    return np.float32(rise) * np.exp(-(away_u * away_u + away_v * away_v))


def _nose_ridge(head: Head, places: Places) -> Field:
    (top_u, top_v), (tip_u, tip_v) = head.project(0, 0.44, 0.19), head.project(0, head.nose_v - 0.03, 0.30)
    down = np.clip((places.v - top_v) / (tip_v - top_v), -1, 2)
    axis = top_u + (tip_u - top_u) * np.clip(down, 0, 1.2)
    width = head.nose_bridge * (1.2 + 0.55 * np.clip(down, 0, 1) ** 2)
    profile = ramp(down, -0.25, 1.0) * ramp(down, 1.32, 1.0)
    return (0.044 * profile * np.exp(-(((places.u - axis) / width) ** 2))).astype(np.float32)


def _nasolabial(head: Head, places: Places, side: int, depth: float) -> Field:
    start = head.project(side * (head.nose_width + 0.012), head.nose_v - 0.035, 0.22)
    middle = head.project(side * (head.mouth_width + 0.004), head.mouth_v - 0.04, 0.2)
    end = head.project(side * (head.mouth_width + 0.022), head.mouth_v + 0.02, 0.18)
    return np.float32(-depth) * stroke(places, (start, middle, end), 0.011)


def stroke(places: Places, points: Sequence[tuple[float, float]], width: float) -> Field:
    """A soft line through the points, 1 in the middle of it."""
    nearest = np.full_like(places.u, 1e3)
    for (from_u, from_v), (to_u, to_v) in pairwise(points):
        along_u, along_v = to_u - from_u, to_v - from_v
        away_u, away_v = places.u - np.float32(from_u), places.v - np.float32(from_v)
        share = np.clip((away_u * along_u + away_v * along_v) * np.float32(1 / (along_u**2 + along_v**2)), 0, 1)
        away_u, away_v = away_u - share * np.float32(along_u), away_v - share * np.float32(along_v)
        nearest = np.minimum(nearest, away_u * away_u + away_v * away_v)
    return np.exp(nearest * np.float32(-1 / width**2))


def _forehead_lines(head: Head, places: Places, folds: float) -> Field:
    lines = np.zeros_like(places.u)
    if folds <= 0.05:
        return lines
    for number, line_v in enumerate((0.272, 0.308, 0.345)):
        at_u, at_v = head.project(0, line_v, 0.19)
        aside = places.u - np.float32(at_u)
        bend = 0.006 * np.cos(aside * (22 + 3 * number)) + 0.12 * aside * aside
        lines += bell(places.v - at_v - bend + 0.006, 0.0065) * ramp(np.abs(aside), 0.17, 0.09)
    frown = sum(stroke(places, (head.project(s * 0.02, 0.40, 0.2), head.project(s * 0.024, 0.445, 0.2)), 0.005) for s in (-1, 1))
    return np.float32(-0.0042 * folds) * lines - np.float32(0.003 * folds) * frown


def _hollows(head: Head, places: Places) -> Field:
    """Where little light gets in: beside the nose, under the brow, under nose and lip."""
    dark = _bump(head, places, 0, head.nose_v + 0.016, 0.23, 0.046, 0.013, 0.12)
    dark += _bump(head, places, 0, head.mouth_v + 0.060, 0.21, 0.05, 0.012, 0.07)
    for side in (-1, 1):
        dark += _bump(head, places, side * 0.062, 0.468, 0.17, 0.028, 0.026, 0.07)
        dark += _bump(head, places, side * 0.13, 0.447, 0.17, 0.06, 0.016, 0.06)
        dark += _bump(head, places, side * (head.nose_width + 0.012), head.nose_v - 0.018, 0.22, 0.012, 0.018, 0.07)
    return dark


def _flush(head: Head, places: Places, attributes: Mapping[str, bool]) -> Field:
    red = _bump(head, places, 0, head.nose_v - 0.03, 0.29, 0.045, 0.035, 0.6)
    for side in (-1, 1):
        red += _bump(head, places, side * 0.165, 0.60, 0.14, 0.075, 0.055, 0.7 if attributes["Male"] else 1.0)
    return red + _bump(head, places, 0, head.chin_v - 0.04, 0.18, 0.07, 0.04, 0.25)
