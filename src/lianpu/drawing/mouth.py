"""Mouth and nose of a drawn face, and the curves that their landmarks lie on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lianpu.drawing.canvas import Canvas, Field, Noise, bell, ramp
from lianpu.drawing.head import Head, Places
from lianpu.drawing.skin import Skin

LIPSTICKS = ((0.72, 0.16, 0.20), (0.80, 0.34, 0.36), (0.62, 0.14, 0.28), (0.78, 0.42, 0.40), (0.55, 0.17, 0.17))


@dataclass(frozen=True)
class Mouth:
    """Colour and pose of the lips; heights in half mouth widths.

    Args:
        gap: how far the lips are apart in the middle; 0 when closed.
        smile: how far the corners are raised, below zero when lowered.
    """

    color: np.ndarray
    gap: float
    smile: float
    gloss: float
    noise: Noise


def sample_mouth(stream: np.random.Generator, attributes: Mapping[str, bool], skin: Skin) -> Mouth:
    """A mouth for these attributes."""
    gap, smile, shade, made_up, gloss = stream.uniform(0, 1, 5).tolist()
    natural = skin.light * np.array([0.86, 0.60, 0.59]) + np.array([0.02, 0, 0])
    lipstick = np.array(LIPSTICKS[int(shade * len(LIPSTICKS))]) * (0.55 + 0.45 * skin.light.mean() / 0.85)
    painted = 0.0 if attributes["Male"] else (0.25 + 0.65 * made_up) * (1.0 if attributes["Young"] else 0.75)
    bare = natural if not attributes["Male"] else skin.light * np.array([0.83, 0.66, 0.63])
    return Mouth(
        color=bare * (1 - painted) + lipstick * painted,
        gap=(0.17 + 0.17 * gap) if attributes["Mouth_Slightly_Open"] else 0.0,
        smile=(0.13 + 0.07 * smile) if attributes["Smiling"] else -0.015 + 0.05 * smile,
        gloss=0.10 + 0.20 * gloss * (not attributes["Male"]),
        noise=Noise.of(stream),
    )


@dataclass(frozen=True)
class LipCurves:
    """The four curves of a mouth at x (-1..1 between the corners), in half mouth widths below the corners' level."""

    top: Field
    upper_inner: Field
    lower_inner: Field
    bottom: Field


def lip_curves(head: Head, mouth: Mouth, x: Field) -> LipCurves:
    """The curves at x; outside the corners they run together."""
    x = np.clip(x, -1, 1)
    inside = 1 - x * x
    sag = np.float32(mouth.smile) * inside
    upper, lower = head.lip_upper / head.mouth_width, head.lip_lower / head.mouth_width
    bow = 1 - 0.22 * bell(x, 0.15) + 0.10 * bell(np.abs(x) - 0.22, 0.16)
    inner = np.abs(inside) ** 0.8
    opened = np.float32(mouth.gap) * inner
    upper_inner = sag - 0.35 * opened - 0.022 * np.sin(np.abs(x) * 3.1) * inside
    lower_inner = upper_inner + opened
    top = upper_inner - np.float32(upper) * (inside**0.85) * bow
    bottom = lower_inner + np.float32(lower) * (inside**0.75)
    return LipCurves(top, upper_inner, lower_inner, bottom)


def mouth_point(head: Head, x: float, below: float) -> tuple[float, float]:
    """(u, v) of a place in half mouth widths from the mouth's middle."""
    depth = 0.235 - 0.045 * x * x
    u, v = head.project(x * head.mouth_width, head.mouth_v, depth)
    return u, v + below * head.mouth_width


def paint_mouth(canvas: Canvas, places: Places, head: Head, mouth: Mouth, skin: Skin) -> None:
    """Lips, and teeth behind them when the mouth is open."""
    half = head.mouth_width
    middle_u, middle_v = mouth_point(head, 0.0, 0.0)
    window, near = places.around(head, middle_u, middle_v, half * 1.3, half * 1.0)
    samples = np.linspace(-1.25, 1.25, 26)
    points = np.array([mouth_point(head, float(x), 0.0) for x in samples])
    x = np.interp(near.u, points[:, 0], samples).astype(np.float32)
    base = np.interp(near.u, points[:, 0], points[:, 1]).astype(np.float32)
    y = (near.v - base) * np.float32(1 / half)
    curves = lip_curves(head, mouth, x)
    within = ramp(np.abs(x), 1.02, 0.97) * np.float32(1)
    sharp = np.float32(half * 0.92)

    def band(low: Field, high: Field) -> Field:
        return near.cover(np.minimum(y - low, high - y) * sharp) * (within > 0.02)

    if mouth.gap:
        canvas.paint(band(curves.upper_inner - 0.04, curves.lower_inner + 0.04), _inside(x, y, curves, mouth), "mouth", window)
    lip_light = 0.88 + 0.10 * np.float32(head.light[0]) * x
    grain = (mouth.noise.at(x * 26 + 40) - 0.5) * 0.10
    upper_shade = (lip_light - 0.24 + 0.18 * ramp(y - curves.top, 0.12, 0.0) + grain) * 1.0
    upper = band(curves.top, curves.upper_inner)
    canvas.paint(upper * np.float32(0.93), _tinted(mouth.color, upper_shade), "u_lip", window)
    depth = (y - curves.lower_inner) / np.maximum(curves.bottom - curves.lower_inner, 0.02)
    lower_shade = lip_light + 0.06 - 0.26 * ramp(depth, 0.55, 1.05) - 0.16 * ramp(depth, 0.25, 0.0) + grain
    lower = band(curves.lower_inner, curves.bottom)
    canvas.paint(lower * np.float32(0.93), _tinted(mouth.color, lower_shade), "l_lip", window)
    shine = bell(depth - 0.40, 0.20) * bell(x - np.float32(0.22 * head.light[0]), 0.42) * lower
    canvas.add(shine * np.float32(mouth.gloss), (1, 0.95, 0.93), window)
    if not mouth.gap:
        line = bell(y - curves.upper_inner, max(0.035, 0.7 * near.pixel / half)) * ramp(np.abs(x), 1.06, 0.94)
        canvas.multiply(line * np.float32(0.85), skin.shade * np.array([0.60, 0.42, 0.45]) / skin.light, window)
    corner = bell(np.hypot(np.abs(x) - 1.0, (y - curves.upper_inner) * 1.2), 0.085) * np.float32(0.55)
    canvas.multiply(corner, skin.shade / skin.light * 0.85, window)


def _tinted(color: np.ndarray, shade: Field) -> Field:
    deep = np.maximum(shade, 0)
    return np.stack([color[0] * deep, color[1] * deep**1.35, color[2] * deep**1.3]).astype(np.float32)


def _inside(x: Field, y: Field, curves: LipCurves, mouth: Mouth) -> Field:
    """Teeth above, tongue below, dark between."""
    down = (y - curves.upper_inner) / np.maximum(mouth.gap, 1e-3)
    teeth = ramp(down, 0.66, 0.56) * ramp(np.abs(x), 0.90, 0.66)
    gaps = 1 - 0.16 * bell((x * 4.5 + 0.5) % 1 - 0.5, 0.07)
    bright = (0.94 - 0.38 * x * x - 0.30 * ramp(down, 0.14, -0.1)) * gaps
    tongue = ramp(down, 0.70, 1.0) * ramp(np.abs(x), 0.75, 0.3) * 0.75
    color = np.empty((3, *x.shape), np.float32)
    for channel, (dark, pink, white) in enumerate(((0.20, 0.66, 0.98), (0.05, 0.30, 0.955), (0.055, 0.31, 0.91))):
        base = dark + tongue * (pink - dark)
        color[channel] = base + teeth * (white * bright - base)
    return color


def nose_edge(head: Head, v: Field) -> Field:
    """Half-width of the nose at height v before pose."""
    wing, end = head.nose_width, head.nose_v
    points = [(0.440, 0.0), (0.452, 0.018), (0.50, 0.022), (0.57, 0.034), (end - 0.04, wing * 0.92), (end - 0.02, wing)]
    points += [(end - 0.004, wing * 0.86), (end + 0.008, wing * 0.35), (end + 0.012, 0.0)]
    at, width = np.array(points).T
    return np.interp(v, at, width, left=-1.0, right=-1.0).astype(np.float32)


def paint_nose(canvas: Canvas, places: Places, head: Head, skin: Skin) -> None:
    """Nostrils and wings; the rest of the nose is light on the relief."""
    base_u, base_v = head.project(0, head.nose_v, 0.26)
    top_u, top_v = head.project(0, 0.44, 0.19)
    window, near = places.around(head, (base_u + top_u) / 2, (base_v + top_v) / 2, 0.13, 0.17)
    scale_v = (head.nose_v - 0.44) / (base_v - top_v)
    straight_v = 0.44 + (near.v - top_v) * np.float32(scale_v)
    axis = top_u + (base_u - top_u) * np.clip((near.v - top_v) / (base_v - top_v), 0, 1)
    region = near.cover(nose_edge(head, straight_v) - np.abs(near.u - axis))
    canvas.paint(region * 0.51, canvas.colors[(slice(None), *window)].copy(), "nose", window)
    tint = skin.shade / skin.light
    for side in (-1, 1):
        narrow = head.narrowing(side)
        hole_u, hole_v = head.project(side * head.nose_width * 0.50, head.nose_v - 0.003, 0.265)
        aside, down = (near.u - hole_u) / (head.nose_width * 0.36 * narrow), (near.v - hole_v) / 0.0085
        hole = np.exp(-((aside**2 + (down + 0.4 * side * aside * side) ** 2) ** 1.4)).astype(np.float32)
        canvas.paint(hole * np.float32(0.85), skin.shade * np.array([0.34, 0.24, 0.25]), window=window)
        wing_u, wing_v = head.project(side * head.nose_width * 0.80, head.nose_v - 0.020, 0.24)
        away_u, away_v = (near.u - wing_u) * side / (0.0215 * narrow), (near.v - wing_v) / 0.0225
        crease = bell(np.hypot(away_u, away_v) - 1.0, 0.20) * ramp(away_u, -0.1, 0.7)
        canvas.multiply(crease * np.float32(0.55), tint, window)
    under = bell(near.v - base_v - 0.008 - 2.2 * (near.u - base_u) ** 2, 0.008) * ramp(np.abs(near.u - base_u), 0.035, 0.0)
    canvas.multiply(under * np.float32(0.40), tint, window)
