"""Glasses, earrings and hats."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from lianpu.drawing.canvas import Canvas, Field, Noise, Window, bell, ramp
from lianpu.drawing.eyes import eye_center
from lianpu.drawing.head import Head, Outline, Places, head_axis

NECKLINES = ("crew", "v", "shirt", "jacket", "roll", "wide")
HATS = ("beanie", "cap", "fedora", "sun hat")
FRAMES = ("round", "square", "oval", "heavy")


@dataclass(frozen=True)
class Wear:
    """Clothes, and the glasses and hat that are worn when the attributes say so."""

    neckline: str
    cloth: np.ndarray
    second: np.ndarray
    stripes: float
    frame: str
    frame_color: np.ndarray
    lens: float
    hat: str
    hat_color: np.ndarray
    band_color: np.ndarray
    noise: Noise


def sample_wear(stream: np.random.Generator) -> Wear:
    """What a person has to wear; no attribute changes it."""
    picks = stream.uniform(0, 1, 8).tolist()
    cloth, second, hat, band = (_fabric(stream) for _ in range(4))
    frames = ((0.06, 0.05, 0.06), (0.25, 0.13, 0.07), (0.62, 0.50, 0.28), (0.35, 0.36, 0.40), (0.42, 0.08, 0.10))
    return Wear(
        neckline=NECKLINES[int(picks[0] * len(NECKLINES))],
        cloth=cloth,
        second=second,
        stripes=float(picks[1] < 0.22),
        frame=FRAMES[int(picks[2] * len(FRAMES))],
        frame_color=np.array(frames[int(picks[3] * len(frames))]),
        lens=0.06 + 0.12 * picks[4],
        hat=HATS[int(picks[5] * len(HATS))],
        hat_color=hat,
        band_color=band,
        noise=Noise.of(stream),
    )


def _fabric(stream: np.random.Generator) -> np.ndarray:
    hue, strong, bright = stream.uniform(0, 1, 3).tolist()
    return np.array(colorsys.hsv_to_rgb(hue, 0.12 + 0.55 * strong**1.5, 0.14 + 0.76 * bright))


def shaded(color: np.ndarray, light: Field) -> Field:
    return (np.asarray(color, np.float32)[:, None, None] * light[None]).astype(np.float32)


def paint_clothes(canvas: Canvas, places: Places, head: Head, wear: Wear) -> None:
    """Shoulders and collar."""
    window, places = places.below(0.88)
    x, y = places.x, places.y
    aside = np.abs(x)
    shoulder = 0.945 + 0.20 * np.maximum(aside - 0.14, 0) ** 1.15 + 0.5 * np.maximum(aside - 0.42, 0) ** 2
    neck = head.neck + 0.012
    collar_v = {"crew": 1.02, "v": 1.10, "shirt": 1.06, "jacket": 1.10, "roll": 0.93, "wide": 1.05}[wear.neckline]
    wide = {"crew": 1.10, "v": 1.0, "shirt": 1.02, "jacket": 1.02, "roll": 1.04, "wide": 1.7}[wear.neckline]
    dip = (collar_v - 0.955) * np.maximum(1 - (aside / (neck * wide)) ** 2, 0) ** (0.5 if wear.neckline != "v" else 1.0)
    inside = np.minimum(y - shoulder, y - (0.955 + dip) + 0.25 * np.maximum(aside - neck * wide, 0))
    if wear.neckline == "roll":
        inside = np.maximum(inside, np.minimum(neck + 0.012 - aside, y - 0.905 - 0.3 * aside * aside))
    folds = wear.noise.at(x * 7 + 2.0 * y + 60) * 0.5 + wear.noise.at(x * 15 - 7 * y + 20) * 0.5
    light = 0.80 + 0.30 * x * np.float32(head.light[0]) / 0.4 + 0.22 * (folds - 0.5) - 0.25 * ramp(y - shoulder, 0.05, 0.0) * 0.5
    light = light * (1 - 0.35 * ramp(aside, 0.20, 0.0) * ramp(y, 1.03, 0.95))
    color = shaded(wear.cloth, light)
    if wear.stripes:
        lines = ramp(np.abs((y + 0.25 * aside * aside) * 22 % 1 - 0.5), 0.20, 0.26)
        color += lines * (shaded(wear.second, light) - color)
    canvas.paint(places.cover(inside), color, "cloth", window)
    edge = bell(inside - 0.010, 0.007) * (aside < neck * wide) * places.cover(inside)
    if wear.neckline in ("crew", "wide", "v", "roll"):
        canvas.multiply(edge * np.float32(0.6), (0.72, 0.72, 0.74), window)
    else:
        _paint_lapels(canvas, window, places, wear, aside, light, neck)


def _paint_lapels(canvas: Canvas, window: Window, places: Places, wear: Wear, aside: Field, light: Field, neck: float) -> None:
    y = places.y
    spread = (y - 0.925) * (0.60 if wear.neckline == "shirt" else 0.40)
    flap = np.minimum(
        np.minimum(aside - (neck * 0.98 - spread), neck * 1.10 + 0.035 - spread * 0.35 - aside),
        y - 0.915 - 0.35 * np.maximum(aside - neck, 0),
    )
    color = wear.cloth * 1.10 if wear.neckline == "shirt" else np.array([0.92, 0.92, 0.93])
    alpha = places.cover(flap)
    canvas.paint(alpha, shaded(np.clip(color, 0, 1), np.clip(light + 0.10, 0, 1.1)), "cloth", window)
    canvas.multiply(bell(flap - 0.002, 0.005) * np.float32(0.5), (0.6, 0.6, 0.62), window)


def paint_glasses(canvas: Canvas, places: Places, head: Head, outline: Outline, wear: Wear) -> None:
    """Frame, lenses and temples; eyes and brows seen through the lenses keep their classes."""
    round_ = {"round": 2.0, "square": 4.5, "oval": 2.5, "heavy": 3.6}[wear.frame]
    half_v = {"round": 0.080, "square": 0.062, "oval": 0.058, "heavy": 0.068}[wear.frame]
    half_u = {"round": 0.083, "square": 0.090, "oval": 0.088, "heavy": 0.092}[wear.frame]
    thick = 0.0105 if wear.frame == "heavy" else 0.0052
    window, near = places.around(head, 0.0, 0.49, 0.36, 0.14)
    kept = canvas.classes[window].copy()
    frame = np.full_like(near.u, -1)
    lenses = np.full_like(near.u, -1)
    for side in (-1, 1):
        at_u, at_v = eye_center(head, side)
        at_u, at_v = at_u + side * 0.004, at_v + 0.008
        aside, down = np.abs(near.u - at_u) / (half_u * head.narrowing(side)), np.abs(near.v - at_v) / half_v
        radius = (aside**round_ + down**round_) ** (1 / round_)
        inside = (1 - radius) * half_v
        lenses = np.maximum(lenses, inside)
        frame = np.maximum(frame, thick - np.abs(inside))
        ear_u = outline.edge(0.47, side)
        start = at_u + side * half_u * head.narrowing(side)
        arm = np.minimum(
            np.minimum((near.u - start) * side, (ear_u - near.u) * side + 0.004), thick * 0.9 - np.abs(near.v - at_v + 0.022)
        )
        frame = np.maximum(frame, arm)
    bridge_u, bridge_v = head.project(0, 0.475, 0.20)
    bridge = thick * 0.9 - np.abs(near.v - bridge_v + 0.004 - 1.8 * (near.u - bridge_u) ** 2)
    frame = np.maximum(frame, np.where(lenses < 0, np.minimum(bridge, 0.05 - np.abs(near.u - bridge_u)), -1))
    shadow = bell(frame - thick + 0.010, 0.012) * (lenses < 0.03)
    canvas.multiply(shadow * np.float32(0.22), (0.55, 0.45, 0.42), window)
    glass = near.cover(lenses)
    canvas.paint(glass * np.float32(wear.lens), (0.80, 0.86, 0.92), window=window)
    glare = bell((near.u + 0.7 * near.v) * 9 % 1.45 - 0.55, 0.16) * glass * ramp(near.v, 0.53, 0.42)
    canvas.add(glare * np.float32(0.13), (1, 1, 1), window)
    shine = 1 + 1.6 * bell(near.v - 0.435, 0.016) * ramp(near.u * head.light[0], -0.1, 0.1)
    alpha = near.cover(frame)
    canvas.paint(alpha, shaded(wear.frame_color, shine.astype(np.float32)), window=window)
    seen = np.isin(kept, (4, 5, 6, 7)) & (alpha < 0.5)
    canvas.classes[window][((alpha > 0.5) | (glass > 0.5)) & ~seen] = 3


def hat_line(wear: Wear, head: Head, u: Field) -> Field:
    """v of the lower edge of the hat on the forehead."""
    turned = np.float32(0.13 * np.sin(np.radians(head.yaw)))
    bend = {"beanie": 0.25, "cap": 0.5, "fedora": 0.55, "sun hat": 0.45}[wear.hat]
    return (0.300 - bend * (u - turned) ** 2).astype(np.float32)


def paint_hat(canvas: Canvas, places: Places, head: Head, wear: Wear, room: float) -> None:
    """A hat over hair that stands `room` off the skull."""
    u, v = places.u, places.v
    line = hat_line(wear, head, u)
    wide, top = 0.015 + 0.75 * room, 0.035 - 0.35 * room
    points = [
        (top, 0.0),
        (top + 0.02, 0.13),
        (0.12, 0.225 + wide),
        (0.2, 0.262 + wide),
        (0.3, 0.275 + wide),
        (0.42, 0.275 + wide),
        (0.46, 0.0),
    ]
    if wear.hat in ("fedora", "sun hat"):
        points = [
            (top - 0.03, 0.0),
            (top - 0.02, 0.17),
            (0.10, 0.238 + wide * 0.8),
            (0.25, 0.268 + wide),
            (0.42, 0.272 + wide),
            (0.46, 0.0),
        ]
    dome = Outline.of(points, [(0.0, 0.0), *[(at_v, 0.35 * at_u) for at_v, at_u in head_axis(head)]])
    across = np.clip(dome.across(u, v), -1, 1)
    light = 0.86 + 0.30 * across * np.float32(head.light[0]) - 0.30 * across * across + 0.12 * ramp(v, 0.25, 0.05)
    if wear.hat == "beanie":
        ribs = np.sin(across * 34 + 2 * across**3) * 0.09 + 0.10 * (wear.noise.at(v * 60 + across * 20 + 40) - 0.5)
        light = light + ribs
    else:
        light = light + 0.06 * (wear.noise.at(across * 9 + 4 * v + 40) - 0.5)
    canvas.paint(places.cover(np.minimum(dome.distance(u, v), line - v)), shaded(wear.hat_color, light), "hat")
    _paint_brim(canvas, places, head, wear, dome, line, light, wide)


def _paint_brim(
    canvas: Canvas, places: Places, head: Head, wear: Wear, dome: Outline, line: Field, light: Field, wide: float
) -> None:
    u, v = places.u, places.v
    turned = np.float32(0.16 * np.sin(np.radians(head.yaw)))
    aside = u - turned
    if wear.hat == "beanie":
        cuff = np.minimum(dome.distance(u * 0.97, v), np.minimum(line + 0.012 - v, v - line + 0.085))
        canvas.paint(
            places.cover(cuff), shaded(wear.hat_color * 0.9 + 0.06, light * (1.02 - 0.3 * ramp(v - line, -0.015, 0.01))), "hat"
        )
        canvas.multiply(bell(v - line + 0.088, 0.008) * places.cover(cuff + 0.02) * np.float32(0.5), (0.6, 0.6, 0.62))
        return
    if wear.hat == "cap":
        half = 0.235
        top = line - 0.012
        bottom = 0.330 + 0.052 * np.maximum(1 - (aside / half) ** 2, 0) ** 0.7 - 0.5 * aside * aside
        brim = np.minimum(np.minimum(bottom - v, v - top + 0.02), half - np.abs(aside))
        shade = 0.78 - 0.30 * ramp(v - top, 0.0, 0.06) + 0.22 * bell(bottom - v - 0.004, 0.006)
        canvas.paint(places.cover(brim), shaded(wear.hat_color * 0.85, shade.astype(np.float32)), "hat")
        return
    reach = (0.40 if wear.hat == "fedora" else 0.47) + wide
    droop = 0.02 if wear.hat == "fedora" else -0.05
    middle = 0.280 - droop * (aside / 0.3) ** 2
    thick = (0.045 if wear.hat == "fedora" else 0.055) * np.maximum(1 - (aside / reach) ** 2, 0) ** 0.5
    brim = np.minimum(thick - np.abs(v - middle), (reach - 0.01 - np.abs(aside)) * 0.5)
    shade = 0.95 - 0.42 * ramp(v - middle, -0.01, 0.045) + 0.14 * aside / 0.4 * np.float32(head.light[0])
    band = np.minimum(dome.distance(u, v), np.minimum(v - (line - 0.135), line - 0.02 - v))
    canvas.paint(places.cover(band), shaded(wear.band_color, light * 0.95), "hat")
    canvas.paint(places.cover(brim), shaded(wear.hat_color, shade.astype(np.float32)), "hat")
