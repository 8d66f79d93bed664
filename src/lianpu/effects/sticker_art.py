"""The bundled stickers, drawn by code at any size: shapes, lines and gradients in units of the face (the distance of the eyes).

Nothing here was traced from a picture. A drawing has layers; each lies at a place of the face, in a plane of the head.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any, Literal

import cv2
import numpy as np

from lianpu.imaging.color import rgb_of_color
from lianpu.imaging.masks import smoothstep

Pixels = np.ndarray[Any, np.dtype[np.float32]]
"""(h, w, 4) float32, 0 to 1: RGB times alpha, and alpha."""

Curve = np.ndarray[Any, np.dtype[np.float64]]
"""Points (K, 2), x to the right and y down, in units of the face."""

Plane = Literal["face", "head", "left_side", "right_side"]
"""What a layer turns with: the plane of the eyes; the picture's plane, leaning with the head; a side of the head, x pointing to the ear."""

_SHIFT = 4

LARGEST_PX = 512
"""Most pixels of a unit that stickers are drawn at; they are enlarged from there."""


class Canvas:
    """Draws on transparent pixels, in units.

    Args:
        box: left, top, right and bottom of what is drawn, in units.
        px: pixels of a unit.
    """

    def __init__(self, box: tuple[float, float, float, float], px: int) -> None:
        self.left, self.top, right, bottom = box
        self.px = px
        self.pixels: Pixels = np.zeros((round((bottom - self.top) * px), round((right - self.left) * px), 4), dtype=np.float32)

    def _corners(self, points: Curve) -> np.ndarray:
        at = (np.asarray(points) - (self.left, self.top)) * self.px - 0.5
        return np.rint(at * 2**_SHIFT).astype(np.int32)

    def fill(
        self, points: Curve, color: str, to: str | None = None, *, alpha: float = 1.0, angle: float = 90.0, soft: float = 0.0
    ) -> None:
        """Fill a closed curve with a colour, or with a gradient towards another one (`angle` in degrees; 90 points down)."""
        mask = np.zeros(self.pixels.shape[:2], dtype=np.uint8)
        cv2.fillPoly(mask, [self._corners(points)], 255, lineType=cv2.LINE_AA, shift=_SHIFT)
        self._put(mask, color, to, alpha, angle, soft)

    def line(
        self, points: Curve, width: float, color: str, *, alpha: float = 1.0, closed: bool = False, soft: float = 0.0
    ) -> None:
        """Draw a line of a width in units."""
        mask = np.zeros(self.pixels.shape[:2], dtype=np.uint8)
        thick = max(1, round(width * self.px))
        cv2.polylines(mask, [self._corners(points)], closed, 255, thick, cv2.LINE_AA, _SHIFT)
        self._put(mask, color, None, alpha * min(1.0, width * self.px), 90.0, soft)

    def glow(
        self, middle: tuple[float, float], radius: float, color: str, *, alpha: float = 1.0, within: Curve | None = None
    ) -> None:
        """A round spot that fades to nothing at its radius, within a closed curve."""
        mask = np.zeros(self.pixels.shape[:2], dtype=np.uint8)
        cv2.fillPoly(
            mask, [self._corners(ellipse(*middle, radius, radius) if within is None else within)], 255, cv2.LINE_AA, _SHIFT
        )
        y, x = np.mgrid[: mask.shape[0], : mask.shape[1]].astype(np.float32)
        far = np.hypot(x / self.px + self.left - middle[0], y / self.px + self.top - middle[1]) / radius
        self._put((mask * (1 - smoothstep(far, 0, 1))).astype(np.uint8), color, None, alpha, 90.0, 0.0)

    def inside(self, within: Curve, draw: Callable[[Canvas], None]) -> None:
        """Draw what lies inside a closed curve."""
        other, mask = copy(self), np.zeros(self.pixels.shape[:2], dtype=np.uint8)
        other.pixels = np.zeros_like(self.pixels)
        draw(other)
        cv2.fillPoly(mask, [self._corners(within)], 255, lineType=cv2.LINE_AA, shift=_SHIFT)
        drawn = other.pixels * (mask.astype(np.float32) / np.float32(255))[:, :, None]
        self.pixels *= 1 - drawn[:, :, 3:]
        self.pixels += drawn

    def _put(self, mask: np.ndarray, color: str, to: str | None, alpha: float, angle: float, soft: float) -> None:
        if soft * self.px >= 0.4:
            mask = cv2.GaussianBlur(mask, (0, 0), soft * self.px)
        left, top, wide, high = cv2.boundingRect(mask)
        if not wide:
            return
        part = (slice(top, top + high), slice(left, left + wide))
        share = mask[part].astype(np.float32)[:, :, None] * np.float32(alpha / 255)
        tone: np.ndarray = np.asarray(rgb_of_color(color))
        if to is not None:
            y, x = np.mgrid[:high, :wide].astype(np.float32)
            along = x * math.cos(math.radians(angle)) + y * math.sin(math.radians(angle))
            along = (along - along.min()) / max(float(np.ptp(along)), 1e-6)
            tone = tone + (rgb_of_color(to) - tone) * along[:, :, None]
        here = self.pixels[part]
        here *= 1 - share
        here[:, :, :3] += share * tone
        here[:, :, 3:] += share


def ellipse(x: float, y: float, wide: float, high: float, turn: float = 0.0) -> Curve:
    """An ellipse around (x, y) with half axes, turned clockwise by degrees."""
    at = np.linspace(0, 2 * math.pi, 96, endpoint=False)
    return turned(np.column_stack([wide * np.cos(at), high * np.sin(at)]), turn) + np.array([x, y])


def turned(points: Curve, degrees: float) -> Curve:
    """The points turned clockwise around (0, 0)."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.asarray(np.asarray(points) @ np.array([[cosine, sine], [-sine, cosine]]))


def mirrored(points: Curve) -> Curve:
    """The points on the other side of the face."""
    return np.asarray(points) * (-1, 1)


def smooth(points: Sequence[tuple[float, float]], closed: bool = True, steps: int = 14) -> Curve:
    """A Catmull-Rom spline through points."""
    given = np.asarray(points, dtype=np.float64)
    around = np.concatenate([given[-1:], given, given[:2]]) if closed else np.concatenate([given[:1], given, given[-1:]])
    at = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = []
    for a, b, c, d in zip(around, around[1:], around[2:], around[3:], strict=False):
        parts.append(b + 0.5 * at * (c - a + at * (2 * a - 5 * b + 4 * c - d + at * (3 * (b - c) + d - a))))
    return np.concatenate(parts if closed else [*parts, given[-1:]])


def star(x: float, y: float, radius: float, inner: float, count: int = 5, turn: float = -90.0) -> Curve:
    """A star with points at `radius` and corners at `inner` times that."""
    at = np.arange(2 * count)
    far = np.where(at % 2 == 0, radius, inner * radius)
    angle = np.radians(turn + 180 * at / count)
    return np.column_stack([x + far * np.cos(angle), y + far * np.sin(angle)])


def _heart(x: float, y: float, size: float, turn: float = 0.0) -> Curve:
    at = np.linspace(0, 2 * math.pi, 80, endpoint=False)
    across = 16 * np.sin(at) ** 3
    down = -(13 * np.cos(at) - 5 * np.cos(2 * at) - 2 * np.cos(3 * at) - np.cos(4 * at))
    return turned(np.column_stack([across, down]) * size / 17, turn) + np.array([x, y])


def _rounded(x: float, y: float, wide: float, high: float, power: float = 4.0) -> Curve:
    """A superellipse."""
    at = np.linspace(0, 2 * math.pi, 120, endpoint=False)
    cosine, sine = np.cos(at), np.sin(at)
    return np.column_stack(
        [x + wide * np.sign(cosine) * np.abs(cosine) ** (2 / power), y + high * np.sign(sine) * np.abs(sine) ** (2 / power)]
    )


@dataclass(frozen=True)
class Layer:
    """A drawing in one plane.

    Args:
        draw: draws it on a canvas of `box`.
        box: left, top, right and bottom around `place`, in units.
        place: a place of the head (`stickers.bundled_places`).
        plane: what it turns with.
        under_hair: whether hair that hangs over the face hides it.
        shadow: darkness of the shadow it casts on the face, 0 to 1.
        scale: how much larger than drawn.
        movable: whether it may move down and shrink to stay within the photo.
    """

    draw: Callable[[Canvas], None]
    box: tuple[float, float, float, float]
    place: str = "between_eyes"
    plane: Plane = "face"
    under_hair: bool = False
    shadow: float = 0.0
    scale: float = 1.0
    movable: bool = False


def _streak(canvas: Canvas, points: Curve) -> None:
    canvas.fill(points, "#ffffff", alpha=0.16, soft=0.012)


def _lenses(
    shape: Callable[[float], Curve],
    frame: str,
    shine: str,
    width: float,
    lens: tuple[str, str, float],
    bridge: Curve,
    *,
    streaks: bool = True,
) -> Callable[[Canvas], None]:
    def draw(canvas: Canvas) -> None:
        color, to, alpha = lens
        for side in (-1.0, 1.0):
            curve = shape(side)
            canvas.fill(curve, color, to, alpha=alpha)
            if not streaks:
                continue
            middle = curve.mean(axis=0)
            streak = np.array([(-0.2, -0.3), (-0.06, -0.3), (-0.24, 0.3), (-0.38, 0.3)]) * 0.8 + middle
            inner = (curve - middle) * 0.86 + middle
            canvas.inside(inner, partial(_streak, points=streak))
        canvas.line(bridge, width, frame)
        for side in (-1.0, 1.0):
            curve = shape(side)
            canvas.line(curve, width, frame, closed=True)
            canvas.line(curve - (0, 0.22 * width), 0.24 * width, shine, alpha=0.55, closed=True)
        canvas.line(bridge - (0, 0.2 * width), 0.22 * width, shine, alpha=0.5)

    return draw


def _ends(y: float, frame: str, out_to: float, high: float, inner: float) -> Callable[[Canvas], None]:
    def draw(canvas: Canvas) -> None:
        for side in (-1.0, 1.0):
            canvas.fill(
                np.array(
                    [
                        (side * inner, y - high),
                        (side * out_to, y - 0.7 * high),
                        (side * out_to, y + 0.6 * high),
                        (side * inner, y + high),
                    ]
                ),
                frame,
            )

    return draw


def _both(*draws: Callable[[Canvas], None]) -> Callable[[Canvas], None]:
    def draw(canvas: Canvas) -> None:
        for one in draws:
            one(canvas)

    return draw


def _arm(frame: str, high: float, shine: str) -> Callable[[Canvas], None]:
    def draw(canvas: Canvas) -> None:
        curve = np.array([(-0.02, -high), (0.95, -0.8 * high), (1.15, 0.02), (1.12, 0.1), (0.92, 0.6 * high), (-0.02, high)])
        canvas.fill(curve, frame)
        canvas.line(np.array([(0.0, -0.5 * high), (0.93, -0.4 * high)]), 0.3 * high, shine, alpha=0.4)

    return draw


def _glasses(front: Callable[[Canvas], None], frame: str, shine: str, y: float, arm: float) -> tuple[Layer, ...]:
    arms = _arm(frame, arm, shine)
    box = (-0.1, -0.2, 1.3, 0.25)
    return (
        Layer(arms, box, "left_hinge", "left_side", under_hair=True, shadow=0.25),
        Layer(arms, box, "right_hinge", "right_side", under_hair=True, shadow=0.25),
        Layer(front, (-1.2, -0.6, 1.2, 0.65), "between_eyes", "face", shadow=0.34),
    )


_ROUND = _glasses(
    _both(
        _ends(-0.08, "#a8823c", 1.02, 0.022, 0.85),
        _lenses(
            lambda side: ellipse(side * 0.52, 0.05, 0.36, 0.35),
            "#a8823c",
            "#fff0c0",
            0.032,
            ("#ffffff", "#dfe8f0", 0.10),
            smooth([(-0.17, 0.0), (0.0, -0.09), (0.17, 0.0)], closed=False),
        ),
    ),
    "#a8823c",
    "#fff0c0",
    -0.08,
    0.022,
)
_SQUARE = _glasses(
    _both(
        _ends(-0.12, "#1d1b20", 1.03, 0.05, 0.88),
        _lenses(
            lambda side: _rounded(side * 0.53, 0.04, 0.41, 0.28, 3.6),
            "#1d1b20",
            "#8e8c98",
            0.062,
            ("#ffffff", "#d8e4f0", 0.10),
            smooth([(-0.13, -0.06), (0.0, -0.12), (0.13, -0.06)], closed=False),
        ),
    ),
    "#1d1b20",
    "#8e8c98",
    -0.12,
    0.045,
)


def _dark_lens(side: float) -> Curve:
    points = [
        (0.09, -0.23),
        (0.45, -0.32),
        (0.90, -0.29),
        (1.02, -0.17),
        (0.99, 0.14),
        (0.82, 0.40),
        (0.52, 0.46),
        (0.23, 0.35),
        (0.10, 0.06),
    ]
    return np.asarray(smooth(points)) * (side, 1)


def _reflections(canvas: Canvas) -> None:
    """What sunglasses mirror: a bright sky above, a horizon, and a window's light."""
    for side in (-1.0, 1.0):
        lens = _dark_lens(side)
        middle = lens.mean(axis=0)
        inner = (lens - middle) * 0.9 + middle
        canvas.inside(inner, partial(_sky, x=float(middle[0]), y=float(middle[1])))
        canvas.line(
            (lens - middle) * 0.93 + middle + np.array([0.0, 0.012]), 0.014, "#000000", alpha=0.55, closed=True, soft=0.008
        )


def _sky(canvas: Canvas, x: float, y: float) -> None:
    at = np.array([x, y])
    canvas.fill(_rounded(x, y - 0.24, 0.6, 0.3, 2.4), "#a9c3da", "#5c7388", alpha=0.34, soft=0.06)
    canvas.fill(np.array([(-0.6, 0.05), (0.6, -0.02), (0.6, 0.07), (-0.6, 0.14)]) + at, "#e9d3b0", alpha=0.13, soft=0.05)
    canvas.fill(np.array([(-0.26, -0.34), (-0.10, -0.34), (-0.30, 0.3), (-0.42, 0.3)]) + at, "#ffffff", alpha=0.26, soft=0.02)
    canvas.fill(np.array([(-0.05, -0.34), (-0.01, -0.34), (-0.21, 0.3), (-0.24, 0.3)]) + at, "#ffffff", alpha=0.2, soft=0.014)
    canvas.glow((x + 0.22, y + 0.24), 0.3, "#d8a878", alpha=0.22)


_DARK = _glasses(
    _both(
        _ends(-0.18, "#131215", 1.08, 0.07, 0.95),
        _lenses(
            _dark_lens,
            "#131215",
            "#77757f",
            0.062,
            ("#07080c", "#3d342e", 0.97),
            smooth([(-0.13, -0.15), (0.0, -0.2), (0.13, -0.15)], closed=False),
            streaks=False,
        ),
        _reflections,
    ),
    "#131215",
    "#77757f",
    -0.18,
    0.055,
)


def _stars(canvas: Canvas) -> None:
    canvas.line(smooth([(-0.16, -0.02), (0.0, -0.09), (0.16, -0.02)], closed=False), 0.05, "#d99a12")
    for side in (-0.53, 0.53):
        curve = smooth([tuple(point) for point in star(side, 0.02, 0.47, 0.52, turn=-90)], steps=6)
        canvas.fill(curve, "#ffdd55", "#f2a81c")
        canvas.fill((curve - (side, 0.02)) * 0.74 + (side, 0.02), "#6a3b8c", "#d2508f", alpha=0.9)
        canvas.line(curve, 0.03, "#b97a08", closed=True, alpha=0.8)
        canvas.fill(ellipse(side - 0.1, -0.12, 0.09, 0.035, -35), "#ffffff", alpha=0.5, soft=0.012)


def _moustache(canvas: Canvas) -> None:
    half = [
        (0.0, 0.02),
        (0.10, -0.06),
        (0.26, -0.05),
        (0.44, 0.05),
        (0.60, 0.07),
        (0.74, -0.02),
        (0.70, 0.13),
        (0.54, 0.21),
        (0.34, 0.21),
        (0.14, 0.17),
        (0.0, 0.12),
    ]
    curve = np.asarray([*smooth(half[:-1], closed=False).tolist(), half[-1]])
    chance = np.random.default_rng(3)
    for side in (1.0, -1.0):
        canvas.fill(curve * (side, 1), "#4a3122", "#26170f", soft=0.006)
        for _ in range(90):
            start = float(chance.uniform(0.02, 0.5))
            low = float(chance.uniform(-0.03, 0.15))
            tip = np.array([(start, low), (start + 0.1, low + 0.03), (start + 0.2, low + float(chance.uniform(-0.02, 0.02)))])
            inside = cv2.pointPolygonTest(
                (curve * 1000).astype(np.float32).reshape(-1, 1, 2), (1000 * float(tip[2, 0]), 1000 * float(tip[2, 1])), False
            )
            if inside > 0:
                shade = "#6b4a33" if chance.random() < 0.5 else "#170d08"
                canvas.line(smooth([tuple(one) for one in tip * (side, 1)], closed=False, steps=6), 0.008, shade, alpha=0.45)


def _band(half: float, high: float, bow: float, y: float) -> Curve:
    """A band around a head as seen from the front: its lower edge bows down."""
    at = np.linspace(-1, 1, 41)
    lower = np.column_stack([half * at, y + bow * (1 - at**2)])
    return np.concatenate([lower, (lower - (0, high))[::-1]])


def _crown(canvas: Canvas) -> None:
    half, bow = 0.78, 0.15
    back = np.column_stack(
        [half * np.cos(np.linspace(0, 2 * math.pi, 60)), -0.2 + 0.13 * np.sin(np.linspace(0, 2 * math.pi, 60))]
    )
    canvas.fill(back, "#7a5510", "#a87a1c")
    tips = np.linspace(-1, 1, 11)
    high = np.where(np.arange(11) % 2 == 0, 0.62, 0.24) * (1 - 0.12 * tips**2)
    upper = np.column_stack([half * tips * (1 + 0.12 * (high > 0.3)), bow * (1 - tips**2) - high])
    lower = _band(half, 0.0, bow, 0.0)[:41]
    canvas.fill(np.concatenate([lower, upper[::-1]]), "#ffe27a", "#d29a1e")
    canvas.glow((-0.25, -0.1), 0.42, "#fff6c8", alpha=0.75, within=np.concatenate([lower, upper[::-1]]))
    canvas.line(np.concatenate([lower, upper[::-1]]), 0.014, "#8a5f0c", closed=True, alpha=0.8)
    canvas.fill(_band(half, 0.1, bow, 0.0), "#f6cf58", "#b98114")
    canvas.line(lower - (0, 0.1), 0.012, "#8a5f0c", alpha=0.7)
    for x, color in ((-0.62, "#2f7fd6"), (-0.32, "#3aa860"), (0.0, "#d3263c"), (0.32, "#3aa860"), (0.62, "#2f7fd6")):
        y = bow * (1 - (x / half) ** 2) - 0.05
        canvas.fill(ellipse(x, y, 0.05 * (1 - 0.4 * abs(x)), 0.036), color)
        canvas.fill(ellipse(x - 0.012, y - 0.012, 0.016, 0.010), "#ffffff", alpha=0.8)
    for (x, y), tall in zip(upper, high, strict=True):
        if tall > 0.3:
            canvas.fill(ellipse(float(x), float(y), 0.05, 0.05), "#fff0a8", "#c98f1a")
            canvas.fill(ellipse(float(x) - 0.015, float(y) - 0.018, 0.016, 0.014), "#ffffff", alpha=0.9)


def _hat(canvas: Canvas) -> None:
    crown = smooth(
        [
            (-0.72, 0.0),
            (-0.70, -0.45),
            (-0.58, -0.74),
            (-0.25, -0.80),
            (0.0, -0.72),
            (0.25, -0.80),
            (0.58, -0.74),
            (0.70, -0.45),
            (0.72, 0.0),
            (0.0, 0.12),
        ]
    )
    brim = smooth(
        [(-1.28, -0.10), (-0.8, 0.10), (0.0, 0.22), (0.8, 0.10), (1.28, -0.10), (0.85, -0.08), (0.0, 0.02), (-0.85, -0.08)]
    )
    canvas.fill(crown, "#6b5140", "#3c2b20")
    canvas.glow((-0.28, -0.5), 0.45, "#9a7a62", alpha=0.5, within=crown)
    canvas.line(smooth([(-0.2, -0.74), (-0.05, -0.6), (0.0, -0.42)], closed=False), 0.03, "#2a1c14", alpha=0.35, soft=0.012)
    canvas.fill(_band(0.72, 0.17, 0.10, -0.02), "#201713", "#0e0907")
    canvas.fill(brim, "#6f5543", "#37271d")
    canvas.line(
        smooth([(-1.2, -0.07), (-0.8, 0.09), (0.0, 0.20), (0.8, 0.09), (1.2, -0.07)], closed=False), 0.018, "#8f7460", alpha=0.7
    )


def _stripes(canvas: Canvas) -> None:
    for y, color in ((-0.95, "#ffd84a"), (-0.68, "#4ad0e8"), (-0.38, "#ffd84a"), (-0.06, "#4ad0e8")):
        canvas.fill(_band(0.7, 0.09, 0.12, y), color, alpha=0.95)


def _cone_light(canvas: Canvas) -> None:
    left, right = [(-0.55, 0.15), (-0.02, -1.15)], [(0.55, 0.15), (0.02, -1.15)]
    canvas.fill(np.array([*left, (-0.03, -1.15), (-0.42, 0.15)]), "#2a0a46", alpha=0.45, soft=0.06)
    canvas.fill(np.array([(-0.30, 0.15), (-0.05, 0.15), (0.0, -1.15), (-0.02, -1.15)]), "#ffffff", alpha=0.5, soft=0.05)
    canvas.fill(np.array([*right[::-1], (0.55, 0.15), (0.22, 0.15)]), "#2a0a46", alpha=0.6, soft=0.09)


def _party_hat(canvas: Canvas) -> None:
    cone = np.concatenate([_band(0.52, 0.0, 0.13, 0.0)[:41], [(0.04, -1.1), (-0.04, -1.1)]])
    canvas.fill(cone, "#f0468f", "#7d36c8", angle=70)
    canvas.inside(cone, _stripes)
    canvas.inside(cone, _cone_light)
    chance = np.random.default_rng(1)
    for _ in range(90):  # a trim of tinsel along the brim
        x = float(chance.uniform(-0.52, 0.52))
        y = 0.13 * (1 - (x / 0.52) ** 2)
        way = np.array([x, y]) + chance.normal(0, 0.055, 2)
        color = str(chance.choice(["#fff6c4", "#ffd84a", "#e09a18"]))
        canvas.fill(_tapered(np.linspace((x, y), way, 4), 0.024), color, alpha=0.9)
    canvas.fill(ellipse(0.0, -1.11, 0.12, 0.12), "#ffd84a", "#c98412")
    for _ in range(160):
        angle, far = chance.uniform(0, 2 * math.pi), 0.15 * math.sqrt(chance.uniform(0, 1))
        tip = (far * math.cos(angle), -1.12 + far * math.sin(angle))
        canvas.line(np.array([(0.0, -1.12), tip]), 0.02, str(chance.choice(["#fff3b0", "#ffd84a", "#f2a81c"])), alpha=0.85)


def _flower(canvas: Canvas, x: float, y: float, size: float, color: str, dark: str, turn: float = 0.0) -> None:
    """A flower of two rings of petals with a shadow below it, each petal with a fold and a darker foot."""
    canvas.fill(ellipse(x + 0.06 * size, y + 0.22 * size, 1.0 * size, 0.92 * size), "#141008", alpha=0.45, soft=0.16 * size)
    for ring, (far, long, wide) in enumerate(((0.56, 0.50, 0.40), (0.36, 0.38, 0.31))):
        for petal in range(6 - ring):
            angle = turn + 36 * ring + 360 / (6 - ring) * petal
            at = turned(np.array([(far * size, 0.0)]), angle)[0] + (x, y)
            curve = ellipse(0, 0, long * size, wide * size, angle) + at
            canvas.fill(curve + np.array([0.0, 0.05 * size]), dark, alpha=0.5, soft=0.05 * size)
            canvas.fill(curve, color, dark, angle=angle + 180)
            outer = turned(np.array([(0.62 * far * size, 0.0)]), angle)[0] + at
            canvas.glow((float(outer[0]), float(outer[1])), 0.36 * size, "#ffffff", alpha=0.5, within=curve)
            for way in (-13.0, 0.0, 13.0):
                fold = turned(np.array([(0.15 * size, 0.0), ((far + 0.36) * size, 0.0)]), angle + way) + np.array([x, y])
                canvas.line(fold, 0.008, dark, alpha=0.28)
    chance = np.random.default_rng(2)
    canvas.fill(ellipse(x, y, 0.23 * size, 0.23 * size), "#e8b23c", "#9a6416", soft=0.02 * size)
    for _ in range(26):
        angle, far = float(chance.uniform(0, 360)), 0.25 * size * math.sqrt(float(chance.uniform(0, 1)))
        at = turned(np.array([(far, 0.0)]), angle)[0] + (x, y)
        canvas.fill(
            ellipse(float(at[0]), float(at[1]), 0.035 * size, 0.035 * size), str(chance.choice(["#fff0b4", "#f2c34a", "#b87a1e"]))
        )


def _leaf(canvas: Canvas, x: float, y: float, size: float, turn: float, color: str) -> None:
    shape = smooth([(0, 0), (0.3, -0.2), (0.7, -0.17), (1.05, 0), (0.7, 0.17), (0.3, 0.2)])
    leaf = turned(shape * size, turn) + np.array([x, y])
    canvas.fill(leaf + np.array([0.0, 0.018]), "#101408", alpha=0.4, soft=0.014)
    canvas.fill(leaf, color, "#1f3d1c", angle=turn)
    half = turned(np.array([(0, 0), (0.3, -0.2), (0.7, -0.17), (1.05, 0)]) * size, turn) + np.array([x, y])
    canvas.fill(half, "#c8e08a", alpha=0.3, soft=0.006)
    canvas.line(turned(np.array([(0.05, 0.0), (0.95, 0.0)]) * size, turn) + np.array([x, y]), 0.008, "#dcebb0", alpha=0.6)


def _flower_crown(canvas: Canvas) -> None:
    chance = np.random.default_rng(8)

    def low(x: float) -> float:
        return 0.26 * (1 - x * x) - 0.04

    at = np.linspace(-1.04, 1.04, 60)
    vine = np.column_stack([at, [low(float(x)) for x in at]])
    canvas.line(vine, 0.05, "#3a2a18", alpha=0.9)
    canvas.line(vine - np.array([0.0, 0.014]), 0.014, "#8a6a42", alpha=0.8)
    for x in np.linspace(-1.04, 1.04, 44):
        for way in (-1.0, 1.0):
            turn = way * float(chance.uniform(25, 80)) + (180 if x < 0 else 0) - 14 * float(x)
            green = str(chance.choice(["#4f8a3d", "#3c6e33", "#6da552", "#86a95e"]))
            _leaf(canvas, float(x), low(float(x)), float(chance.uniform(0.13, 0.23)) * (1 - 0.25 * abs(float(x))), turn, green)
    tones = (
        ("#f7b4c6", "#c94f74"),
        ("#fffaf4", "#d9b7a8"),
        ("#e8607a", "#8f1f3e"),
        ("#ffdf9c", "#d9832c"),
        ("#c9b3ee", "#6a4ba8"),
    )
    for x, up, size, tone in (
        *((-0.86, -0.10, 0.085, 4), (0.86, -0.10, 0.085, 3), (-0.38, -0.16, 0.09, 3), (0.40, -0.15, 0.09, 4)),
        *((-0.14, 0.15, 0.07, 1), (0.62, 0.11, 0.075, 1), (-0.62, 0.12, 0.075, 2), (0.16, -0.17, 0.08, 0)),
        *((-1.0, 0.0, 0.12, 1), (1.0, 0.0, 0.12, 0), (-0.76, 0.02, 0.15, 0), (0.77, 0.02, 0.15, 2)),
        *((-0.26, 0.02, 0.155, 3), (0.29, 0.03, 0.155, 1), (-0.51, 0.0, 0.18, 2), (0.53, 0.0, 0.18, 0), (0.02, 0.0, 0.21, 0)),
    ):
        _flower(canvas, x, low(x) + up, size, *tones[tone], turn=float(chance.uniform(0, 60)))


def _halo(canvas: Canvas) -> None:
    ring = ellipse(0, 0, 0.72, 0.17)
    canvas.line(ring, 0.14, "#ffe68a", closed=True, alpha=0.45, soft=0.07)
    canvas.line(ring, 0.075, "#ffd75a", closed=True, alpha=0.95, soft=0.012)
    canvas.line(ring, 0.035, "#fffbe0", closed=True, soft=0.006)


def _tapered(points: Curve, width: float, tip: float = 0.1) -> Curve:
    """The outline of a stroke along points (K, 2) whose width falls to a share `tip` of it at the end."""
    along = np.gradient(np.asarray(points, dtype=np.float64), axis=0)
    across = np.column_stack([-along[:, 1], along[:, 0]]) / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    half = across * (0.5 * width * np.linspace(1, tip, len(points)))[:, None]
    return np.concatenate([points + half, (points - half)[::-1]])


def _fade_below(canvas: Canvas, start: float, end: float) -> None:
    """Let what lies below `start` vanish towards `end`: fur that goes over into hair."""
    y = canvas.top + (np.arange(len(canvas.pixels)) + 0.5) / canvas.px
    canvas.pixels *= (1 - smoothstep(y, start, end))[:, None, None]


def _ear(
    outer: Sequence[tuple[float, float]],
    inner: Sequence[tuple[float, float]],
    fur: tuple[str, str, str],
    skin: tuple[str, str],
    fades: tuple[float, float],
    hangs: bool = False,
) -> Callable[[Canvas], None]:
    """Two ears: outlines of the right one, colours of the fur above, below and of its light tips, where it goes over into hair, and whether
    the ears hang down."""

    def draw(canvas: Canvas) -> None:
        chance = np.random.default_rng(5)
        for side in (1.0, -1.0):
            curve, inside = np.asarray(smooth(outer)) * (side, 1), np.asarray(smooth(inner)) * (side, 1)
            canvas.fill(curve, fur[0], fur[1])
            middle, size = curve.mean(axis=0), float(np.ptp(curve[:, 1]))
            canvas.glow((float(middle[0]) - 0.1, float(middle[1]) - 0.25 * size), 0.5 * size, fur[2], alpha=0.45, within=curve)
            canvas.fill(inside, skin[1], skin[0], soft=0.03)
            core = (inside - inside.mean(axis=0)) * (0.62, 0.72) + inside.mean(axis=0) + np.array([0.0, 0.06 * size])
            canvas.fill(core, skin[1], "#7d4a50", alpha=0.55, soft=0.07)
            _coat(canvas, chance, curve, middle, fur, -0.5 * size if hangs else size)
            low = inside[inside[:, 1] > inside[:, 1].mean()] if not hangs else inside[:0]
            for point in low[:: max(1, len(low) // 34)]:  # tufts that grow out of the ear
                tip = inside.mean(axis=0) + (point - inside.mean(axis=0)) * 0.25 + chance.normal(0, 0.03, 2) - (0, 0.12 * size)
                bend = (point + tip) / 2 + chance.normal(0, 0.02, 2)
                hair = smooth([tuple(point), tuple(bend), tuple(tip)], closed=False, steps=6)
                canvas.fill(_tapered(hair, 0.02), fur[2] if chance.random() < 0.6 else fur[0], alpha=0.5)
        _fade_below(canvas, *fades)

    return draw


def _coat(
    canvas: Canvas, chance: np.random.Generator, curve: Curve, middle: np.ndarray, fur: tuple[str, str, str], size: float
) -> None:
    """Fur along the edge of an ear: tapered hairs that point outwards and to the tip, which is below where the size is negative."""
    down, size = -math.copysign(1.1, size), abs(size)
    for turn in range(3):
        for point in curve[:: max(1, len(curve) // 110)]:
            if down < 0 and point[1] > float(curve[:, 1].max()) - 0.14 * size:  # the foot goes over into hair
                continue
            outward = (point - middle) / max(float(np.linalg.norm(point - middle)), 1e-6)
            start = point - outward * float(chance.uniform(0.03, 0.12)) * size
            lean = 0.7 * outward + np.array([0.0, down]) + chance.normal(0, 0.16, 2)
            tip = start + lean / np.linalg.norm(lean) * float(chance.uniform(0.09, 0.15)) * size
            color, alpha = ((fur[1], 0.9), (fur[0], 0.9), (fur[2], 0.5))[turn]
            canvas.fill(_tapered(np.linspace(start, tip, 5), 0.02 * size), color, alpha=alpha)


_CAT_EARS = _ear(
    [(0.26, 0.04), (0.36, -0.42), (0.62, -0.82), (0.80, -0.96), (0.94, -0.62), (1.02, -0.2), (1.0, 0.12), (0.64, 0.14)],
    [(0.44, 0.02), (0.52, -0.36), (0.70, -0.64), (0.80, -0.72), (0.87, -0.46), (0.91, -0.1), (0.88, 0.08), (0.66, 0.1)],
    ("#7d695c", "#493a33", "#cbb7a3"),
    ("#f6c0bf", "#cf878d"),
    (-0.3, 0.12),
)
_BUNNY_EARS = _ear(
    [(0.20, 0.05), (0.17, -0.5), (0.28, -1.12), (0.46, -1.38), (0.58, -1.08), (0.56, -0.5), (0.46, 0.06)],
    [(0.29, -0.12), (0.28, -0.5), (0.36, -1.0), (0.45, -1.16), (0.49, -0.95), (0.46, -0.5), (0.40, -0.1)],
    ("#f1ebe6", "#cfc3bd", "#ffffff"),
    ("#f6c3c8", "#e39aa3"),
    (-0.1, 0.08),
)
_DOG_EARS = _ear(
    [
        (0.42, -0.20),
        (0.62, -0.42),
        (0.95, -0.40),
        (1.22, -0.12),
        (1.34, 0.34),
        (1.26, 0.66),
        (1.08, 0.50),
        (0.92, 0.16),
        (0.66, -0.02),
    ],
    [(0.98, -0.06), (1.12, 0.08), (1.22, 0.36), (1.20, 0.52), (1.10, 0.40), (1.00, 0.12)],
    ("#a86f3e", "#6b4020", "#d09a62"),
    ("#7a4a28", "#5a341a"),
    (0.9, 1.0),
    hangs=True,
)


def _cat_nose(canvas: Canvas) -> None:
    nose = smooth([(-0.15, -0.07), (0.0, -0.10), (0.15, -0.07), (0.07, 0.05), (0.0, 0.10), (-0.07, 0.05)])
    canvas.fill(nose, "#f39aa4", "#c85a6c")
    canvas.glow((-0.04, -0.05), 0.07, "#ffffff", alpha=0.7, within=nose)
    for side in (-1.0, 1.0):
        for y, drop in ((0.10, -0.10), (0.17, 0.0), (0.24, 0.12)):
            curve = smooth([(side * 0.32, y), (side * 0.65, y + 0.4 * drop), (side * 1.02, y + 1.1 * drop + 0.04)], closed=False)
            canvas.fill(_tapered(curve + np.array([0.0, 0.016]), 0.034, 0.05), "#1c1616", alpha=0.3, soft=0.012)
            canvas.fill(_tapered(curve, 0.026, 0.06), "#fdfaf7", "#e9e2dc")
        for x, y in ((0.24, 0.12), (0.30, 0.2), (0.22, 0.22)):
            canvas.fill(ellipse(side * x, y, 0.014, 0.014), "#3a2a28", alpha=0.8)


def _dog_nose(canvas: Canvas) -> None:
    nose = smooth(
        [
            (-0.27, -0.08),
            (-0.15, -0.19),
            (0.0, -0.21),
            (0.15, -0.19),
            (0.27, -0.08),
            (0.20, 0.08),
            (0.06, 0.17),
            (-0.06, 0.17),
            (-0.20, 0.08),
        ]
    )
    canvas.fill(nose, "#4a3c3a", "#120d0d")
    canvas.glow((0.0, -0.12), 0.19, "#b9aaa6", alpha=0.65, within=nose)
    for side in (-1.0, 1.0):
        canvas.fill(ellipse(side * 0.12, 0.03, 0.06, 0.035, side * -25), "#000000", alpha=0.8, soft=0.006)
    canvas.line(np.array([(0.0, 0.1), (0.0, 0.22)]), 0.018, "#120d0d", alpha=0.8)


def _bunny_nose(canvas: Canvas) -> None:
    nose = smooth([(-0.13, -0.05), (0.0, -0.09), (0.13, -0.05), (0.06, 0.05), (0.0, 0.09), (-0.06, 0.05)])
    canvas.fill(nose, "#f7a8b4", "#d86c80")
    canvas.glow((-0.03, -0.04), 0.06, "#ffffff", alpha=0.7, within=nose)


def _clown_nose(canvas: Canvas) -> None:
    ball = ellipse(0, 0, 0.29, 0.28)
    canvas.fill(ball, "#e31f26", "#9c0a14")
    canvas.glow((-0.08, -0.09), 0.26, "#ff7a6a", alpha=0.85, within=ball)
    canvas.fill(ellipse(-0.10, -0.13, 0.06, 0.035, -30), "#ffffff", alpha=0.85, soft=0.012)


def _cheek(canvas: Canvas) -> None:
    for x, y, size, turn in ((0.0, 0.0, 0.15, -10.0), (0.17, -0.13, 0.07, 12.0), (-0.16, 0.10, 0.055, -18.0)):
        curve = _heart(x, y, size, turn)
        canvas.fill(curve, "#ff6f8e", "#d81b4a", alpha=0.92)
        canvas.fill(ellipse(x - 0.42 * size, y - 0.35 * size, 0.2 * size, 0.11 * size, -35), "#ffffff", alpha=0.65, soft=0.006)


def _freckles(canvas: Canvas) -> None:
    chance = np.random.default_rng(11)
    count = 0
    while count < 95:
        x, y = float(chance.normal(0, 0.47)), float(chance.normal(0.42, 0.13))
        if abs(x) > 0.92 or not 0.1 < y < 0.78 or (abs(abs(x) - 0.5) < 0.33 and y < 0.24):
            continue
        size = float(chance.uniform(0.008, 0.021))
        strong = float(chance.uniform(0.25, 0.55)) * (1 - 0.5 * max(0.0, abs(x) - 0.6))
        canvas.fill(
            ellipse(x, y, size, size * float(chance.uniform(0.75, 1.0)), float(chance.uniform(0, 180))),
            "#7d4423",
            alpha=strong,
            soft=0.004,
        )
        count += 1


def _snowflakes(canvas: Canvas) -> None:
    chance = np.random.default_rng(21)
    places = ((-1.35, -1.15, 0.2), (-0.75, -1.55, 0.13), (0.1, -1.72, 0.18), (0.85, -1.5, 0.14), (1.4, -1.0, 0.21), (-1.6, -0.2, 0.14), (1.65, 0.05, 0.16), (-1.45, 0.75, 0.18), (1.5, 1.0, 0.13))  # fmt: skip
    for x, y, size in places:
        canvas.glow((x, y), 1.3 * size, "#dff1ff", alpha=0.35)
        first = float(chance.uniform(0, 60))
        for arm in range(6):
            angle = first + 60 * arm
            ends = turned(np.array([(0.0, 0.0), (size, 0.0)]), angle) + np.array([x, y])
            canvas.line(ends, 0.026, "#bcdcf4", alpha=0.5)
            canvas.line(ends, 0.016, "#ffffff")
            for at, long in ((0.45, 0.3), (0.72, 0.22)):
                for way in (-60, 60):
                    twig = (
                        turned(np.array([(0.0, 0.0), (long * size, 0.0)]), angle + way)
                        + turned(np.array([(at * size, 0.0)]), angle)[0]
                        + (x, y)
                    )
                    canvas.line(twig, 0.013, "#ffffff")
    for _ in range(60):
        x, y = float(chance.uniform(-1.8, 1.8)), float(chance.uniform(-1.9, 1.5))
        if math.hypot(x / 1.05, (y - 0.4) / 1.35) > 1.0:
            canvas.fill(ellipse(x, y, *[float(chance.uniform(0.01, 0.026))] * 2), "#ffffff", alpha=0.85, soft=0.006)


ART: Mapping[str, tuple[Layer, ...]] = {
    "glasses": _SQUARE,
    "round_glasses": _ROUND,
    "sunglasses": _DARK,
    "star_glasses": (*_glasses(_stars, "#d99a12", "#fff0c0", -0.05, 0.03),),
    "moustache": (Layer(_moustache, (-0.85, -0.2, 0.85, 0.35), "moustache", "face", shadow=0.22),),
    "hat": (Layer(_hat, (-1.4, -0.95, 1.4, 0.35), "brim", "head", shadow=0.35, scale=1.32, movable=True),),
    "party_hat": (Layer(_party_hat, (-0.65, -1.4, 0.65, 0.25), "top", "head", shadow=0.3, scale=1.35, movable=True),),
    "crown": (Layer(_crown, (-1.15, -0.9, 1.15, 0.4), "top", "head", shadow=0.3, scale=1.25, movable=True),),
    "flower_crown": (Layer(_flower_crown, (-1.35, -0.45, 1.35, 0.6), "hairline", "head", shadow=0.4, scale=1.2, movable=True),),
    "halo": (Layer(_halo, (-1.1, -0.5, 1.1, 0.5), "above", "head", movable=True),),
    "cat": (
        Layer(_CAT_EARS, (-1.3, -1.2, 1.3, 0.35), "top", "head", shadow=0.3, scale=1.25, movable=True),
        Layer(_cat_nose, (-1.15, -0.2, 1.15, 0.5), "nose", "face", under_hair=True, shadow=0.12),
    ),
    "dog": (
        Layer(_DOG_EARS, (-1.6, -0.75, 1.6, 0.95), "top", "head", shadow=0.25, scale=1.15, movable=True),
        Layer(_dog_nose, (-0.4, -0.3, 0.4, 0.3), "nose", "face", shadow=0.2),
    ),
    "bunny": (
        Layer(_BUNNY_EARS, (-0.9, -1.7, 0.9, 0.35), "top", "head", shadow=0.2, scale=1.25, movable=True),
        Layer(_bunny_nose, (-0.25, -0.2, 0.25, 0.2), "nose", "face", shadow=0.12),
    ),
    "hearts": (
        Layer(_cheek, (-0.35, -0.35, 0.35, 0.35), "left_cheek", "face", under_hair=True),
        Layer(_cheek, (-0.35, -0.35, 0.35, 0.35), "right_cheek", "face", under_hair=True),
    ),
    "freckles": (Layer(_freckles, (-1.0, 0.0, 1.0, 0.9), "between_eyes", "face", under_hair=True),),
    "clown_nose": (Layer(_clown_nose, (-0.4, -0.4, 0.4, 0.4), "nose", "face", shadow=0.3),),
    "snowflakes": (Layer(_snowflakes, (-2.0, -2.1, 2.0, 1.7), "between_eyes", "head"),),
}
"""The bundled stickers and their layers, the farthest first."""


class LayerCache:
    """Drawings kept as bytes, the latest used ones, up to a size in all; to be called from any thread.

    Args:
        most_bytes: the size.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._kept: OrderedDict[tuple[str, int, int, str], np.ndarray[Any, np.dtype[np.uint8]]] = OrderedDict()
        self._lock = Lock()

    @property
    def size_bytes(self) -> int:
        """What the kept drawings take."""
        with self._lock:
            return sum(one.nbytes for one in self._kept.values())

    def values(self, key: tuple[str, int, int, str], draw: Callable[[], Pixels]) -> Pixels:
        """What `draw` gives, 0 to 1, rounded to bytes; `draw` is called only where the drawing is not kept."""
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                self._kept.move_to_end(key)
        if known is None:
            known = np.asarray(np.clip(np.rint(draw() * np.float32(255)), 0, 255), dtype=np.uint8)
            with self._lock:
                self._kept[key] = known
                total = sum(one.nbytes for one in self._kept.values())
                while total > self.most_bytes:
                    total -= self._kept.popitem(last=False)[1].nbytes
        return np.multiply(known, np.float32(1 / 255), dtype=np.float32)


LAYERS = LayerCache(64 * 2**20)
"""What the next frame or photo need not draw again."""


def drawn_layer(name: str, index: int, px: int) -> Pixels:
    """A layer of `ART` at some pixels to a unit; twice as large at first where that is small, so that edges are smooth."""

    def draw() -> Pixels:
        layer = ART[name][index]
        times = 2 if px <= LARGEST_PX // 2 else 1
        canvas = Canvas(layer.box, px * times)
        layer.draw(canvas)
        if times == 1:
            return canvas.pixels
        size = (round((layer.box[2] - layer.box[0]) * px), round((layer.box[3] - layer.box[1]) * px))
        return np.asarray(cv2.resize(canvas.pixels, size, interpolation=cv2.INTER_AREA), dtype=np.float32)

    return LAYERS.values((name, index, px, "layer"), draw)


_SHADOW_SOFT, _SHADOW_MARGIN = 0.045, 0.15
"""Blur of shadows, and the room that they take around a drawing, in units."""


def shadow_of(name: str, index: int, px: int) -> tuple[Pixels, float]:
    """The shadow of a layer, black, and how many units it reaches beyond the layer's box."""
    margin = round(_SHADOW_MARGIN * px)

    def draw() -> Pixels:
        alpha = np.pad(drawn_layer(name, index, px)[:, :, 3], margin)
        alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), max(0.4, _SHADOW_SOFT * px)), dtype=np.float32)
        return alpha * np.float32(ART[name][index].shadow)

    alpha = LAYERS.values((name, index, px, "shadow"), draw)
    pixels = np.zeros((*alpha.shape, 4), dtype=np.float32)
    pixels[:, :, 3] = alpha
    return pixels, margin / px
