"""Backgrounds of drawn portraits."""

from __future__ import annotations

import colorsys

import numpy as np

from lianpu.drawing.canvas import Canvas, Field, cloud, ramp, resample

SCENES = ("studio", "studio", "gradient", "lights", "garden", "street", "wall")


def paint_scene(canvas: Canvas, stream: np.random.Generator, coarse_px: int) -> None:
    """One background, out of focus: painted at `coarse_px` and enlarged, the same at every size."""
    kind = SCENES[int(stream.random() * len(SCENES))]
    hue, strong, bright = stream.uniform(0, 1, 3).tolist()
    first = np.array(colorsys.hsv_to_rgb(hue, 0.10 + 0.45 * strong, 0.22 + 0.66 * bright))
    second = np.array(
        colorsys.hsv_to_rgb((hue + stream.uniform(-0.12, 0.12)) % 1, 0.10 + 0.5 * stream.random(), 0.15 + 0.7 * stream.random())
    )
    middle = (np.arange(coarse_px, dtype=np.float32) + 0.5) / coarse_px
    y, x = np.meshgrid(middle, middle, indexing="ij")
    if kind == "studio":
        spot = np.exp(-(((x - stream.uniform(0.25, 0.75)) / 0.55) ** 2) - ((y - stream.uniform(0.2, 0.55)) / 0.6) ** 2)
        color = _between(first * 0.45, np.clip(first * 1.15 + 0.04, 0, 1), spot)
    elif kind == "gradient":
        turn = stream.uniform(-1, 1)
        color = _between(first, second, np.clip(y + turn * (x - 0.5), 0, 1))
    elif kind == "lights":
        color = _lights(stream, x, y, first * 0.35, second)
    elif kind == "garden":
        color = _garden(stream, x, y, coarse_px)
    elif kind == "street":
        color = _street(stream, x, y, first, second)
    else:
        grain = 0.5 + 0.25 * cloud(stream, 6, coarse_px) + 0.15 * cloud(stream, 18, coarse_px)
        color = _between(first * 0.7, first * 0.95 + 0.03, np.clip(grain + 0.4 * (x - 0.5), 0, 1))
    side_px = canvas.classes.shape[0]
    for channel in range(3):
        canvas.colors[channel] = resample(np.ascontiguousarray(color[channel], np.float32), side_px)


def _between(low: np.ndarray, high: np.ndarray, share: Field) -> Field:
    return (low[:, None, None] + (high - low)[:, None, None] * share[None]).astype(np.float32)


def _lights(stream: np.random.Generator, x: Field, y: Field, dark: np.ndarray, tint: np.ndarray) -> Field:
    """Lights at night, as soft discs."""
    color = _between(dark * 0.6, dark * 1.2, y)
    for _ in range(16):
        at_x, at_y, radius, strength, mix = stream.uniform(0, 1, 5).tolist()
        disc = ramp(np.hypot(x - at_x, y - at_y * 0.85), 0.035 + 0.06 * radius + 0.012, 0.035 + 0.06 * radius - 0.012)
        glow = tint * mix + np.array([1.0, 0.78, 0.45]) * (1 - mix)
        color += (disc * (0.18 + 0.40 * strength))[None] * (np.clip(glow, 0, 1)[:, None, None] - color)
    return color


def _garden(stream: np.random.Generator, x: Field, y: Field, side_px: int) -> Field:
    """Sky above leaves."""
    light = stream.uniform(0.7, 1.0)
    sky = _between(np.array([0.50, 0.68, 0.90]) * light, np.array([0.90, 0.93, 0.95]) * light, np.clip(y * 1.8, 0, 1))
    leaves = 0.5 + 0.5 * cloud(stream, 9, side_px) + 0.25 * cloud(stream, 20, side_px)
    green = _between(np.array([0.10, 0.20, 0.08]), np.array([0.55, 0.66, 0.30]), np.clip(leaves, 0, 1)) * light
    edge = ramp(y + 0.16 * cloud(stream, 7, side_px), 0.30, 0.46)
    return sky + edge[None] * (green - sky)


def _street(stream: np.random.Generator, x: Field, y: Field, first: np.ndarray, second: np.ndarray) -> Field:
    """Blurred upright shapes: houses, windows, a door."""
    color = _between(first * 0.9, first * 0.5, y)
    for _ in range(6):
        left, wide, tall, mix, bright = stream.uniform(0, 1, 5).tolist()
        soft = 0.025
        block = ramp(x, left - soft, left + soft) * ramp(x, left + 0.08 + 0.25 * wide + soft, left + 0.08 + 0.25 * wide - soft)
        block = block * ramp(y, tall * 0.55 - soft, tall * 0.55 + soft)
        tone = (first * mix + second * (1 - mix)) * (0.5 + 0.8 * bright)
        color += 0.75 * block[None] * (np.clip(tone, 0, 1)[:, None, None] - color)
    return color
