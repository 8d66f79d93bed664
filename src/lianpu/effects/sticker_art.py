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

Plane = Literal["face", "front", "head", "ears", "left_side", "right_side", "ring"]
"""What a layer turns with: the plane of the eyes, or a slightly curved one, as glasses are; the picture's plane, leaning with the
head, or also nearer together on a head that is turned aside; a side of the head, from the hinge of glasses at x = 0 to the ear at
x = 1; or it goes around the head, x being the way around a ring of radius `LAYER_RADIUS`."""

LAYER_RADIUS = 1.2
"""Radius in units that layers around the head are drawn for."""

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

    def _area(self, points: Curve, grow: float) -> tuple[slice, slice] | None:
        """Rows and columns of the canvas around points, and `grow` units more; None where that is empty."""
        at = (np.asarray(points) - (self.left, self.top)) * self.px
        far = grow * self.px + 2
        low, high = np.floor(at.min(axis=0) - far).astype(int), np.ceil(at.max(axis=0) + far).astype(int)
        size = self.pixels.shape[1::-1]
        (left, top), (right, bottom) = np.clip(low, 0, size).tolist(), np.clip(high, 0, size).tolist()
        return None if left >= right or top >= bottom else (slice(top, bottom), slice(left, right))

    def _corners(self, points: Curve, area: tuple[slice, slice]) -> np.ndarray:
        at = (np.asarray(points) - (self.left, self.top)) * self.px - 0.5 - (area[1].start, area[0].start)
        return np.rint(at * 2**_SHIFT).astype(np.int32)

    def _filled(self, points: Curve, grow: float = 0.0) -> tuple[tuple[slice, slice], np.ndarray] | None:
        area = self._area(points, grow)
        if area is None:
            return None
        mask = np.zeros((area[0].stop - area[0].start, area[1].stop - area[1].start), dtype=np.uint8)
        cv2.fillPoly(mask, [self._corners(points, area)], 255, lineType=cv2.LINE_AA, shift=_SHIFT)
        return area, mask

    def fill(
        self, points: Curve, color: str, to: str | None = None, *, alpha: float = 1.0, angle: float = 90.0, soft: float = 0.0
    ) -> None:
        """Fill a closed curve with a colour, or with a gradient towards another one (`angle` in degrees; 90 points down)."""
        found = self._filled(points, 3.2 * soft)
        if found is not None:
            self._put(*found, color, to, alpha, angle, soft)

    def line(
        self, points: Curve, width: float, color: str, *, alpha: float = 1.0, closed: bool = False, soft: float = 0.0
    ) -> None:
        """Draw a line of a width in units."""
        area = self._area(points, 0.5 * width + 3.2 * soft)
        if area is None:
            return
        mask = np.zeros((area[0].stop - area[0].start, area[1].stop - area[1].start), dtype=np.uint8)
        thick = max(1, round(width * self.px))
        cv2.polylines(mask, [self._corners(points, area)], closed, 255, thick, cv2.LINE_AA, _SHIFT)
        self._put(area, mask, color, None, alpha * min(1.0, width * self.px), 90.0, soft)

    def glow(
        self, middle: tuple[float, float], radius: float, color: str, *, alpha: float = 1.0, within: Curve | None = None
    ) -> None:
        """A round spot that fades to nothing at its radius, within a closed curve."""
        found = self._filled(ellipse(*middle, radius, radius) if within is None else within)
        if found is None:
            return
        (rows, columns), mask = found
        y, x = np.mgrid[rows, columns].astype(np.float32)
        far = np.hypot(x / self.px + self.left - middle[0], y / self.px + self.top - middle[1]) / radius
        self._put((rows, columns), (mask * (1 - smoothstep(far, 0, 1))).astype(np.uint8), color, None, alpha, 90.0, 0.0)

    def inside(self, within: Curve, draw: Callable[[Canvas], None]) -> None:
        """Draw what lies inside a closed curve."""
        found = self._filled(within)
        if found is None:
            return
        (rows, columns), mask = found
        other = copy(self)
        other.left, other.top = self.left + columns.start / self.px, self.top + rows.start / self.px
        other.pixels = np.zeros((*mask.shape, 4), dtype=np.float32)
        draw(other)
        drawn = other.pixels * (mask.astype(np.float32) / np.float32(255))[:, :, None]
        self.pixels[rows, columns] *= 1 - drawn[:, :, 3:]
        self.pixels[rows, columns] += drawn

    def _put(
        self, area: tuple[slice, slice], mask: np.ndarray, color: str, to: str | None, alpha: float, angle: float, soft: float
    ) -> None:
        if soft * self.px >= 0.4:
            mask = cv2.GaussianBlur(mask, (0, 0), soft * self.px)
        left, top, wide, high = cv2.boundingRect(mask)
        if not wide:
            return
        share = mask[top : top + high, left : left + wide].astype(np.float32)[:, :, None] * np.float32(alpha / 255)
        tone: np.ndarray = np.asarray(rgb_of_color(color))
        if to is not None:
            y, x = np.mgrid[:high, :wide].astype(np.float32)
            along = x * math.cos(math.radians(angle)) + y * math.sin(math.radians(angle))
            along = (along - along.min()) / max(float(np.ptp(along)), 1e-6)
            tone = tone + (rgb_of_color(to) - tone) * along[:, :, None]
        top, left = top + area[0].start, left + area[1].start
        here = self.pixels[top : top + high, left : left + wide]
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
        wide: what its width follows: the face's at the temples, the head's with its hair, or neither.
        movable: whether it may move down, shrink and tilt to stay within the photo.
        smallest: least scale of a movable layer.
        lowest: least factor of its height.
        down: units that it may move down, at the least; what sits on top may move down to the hairline.
        drop: of a ring, how much lower it lies at the sides than in front, in units.
        deep: of a ring, its radius along the line of sight, in units.
        bulk: of a ring, how thick it is (radius, in units): its ends are round, and what is drawn there is not squeezed.
        on: of what stands on the sticker's ring, where, in degrees around it.
        leans: whether it sits aslant, the more the less room there is above the head.
        falls: whether it falls around a head, and keeps off other faces.
        lens: of glasses, what they have: a face that wears glasses gets no others that are clear, and dark ones that cover its own.
    """

    draw: Callable[[Canvas], None]
    box: tuple[float, float, float, float]
    place: str = "between_eyes"
    plane: Plane = "face"
    under_hair: bool = False
    shadow: float = 0.0
    scale: float = 1.0
    wide: Literal["", "face", "head"] = ""
    movable: bool = False
    smallest: float = 0.6
    lowest: float = 1.0
    down: float = 0.3
    drop: float = 0.0
    deep: float = 1.35
    bulk: float = 0.0
    on: float | None = None
    leans: bool = False
    falls: bool = False
    lens: Literal["", "clear", "dark"] = ""


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


def _arm(frame: str, high: float, shine: str, y: float) -> Callable[[Canvas], None]:
    """The arm of glasses whose front ends at a height y: from the hinge at x = 0 to the ear at x = 1, slightly bowed."""

    def draw(canvas: Canvas) -> None:
        along = np.linspace(-0.03, 1.5, 32)
        middle = y + (0.02 - y) * smoothstep(along, 0.1, 1.0) + 0.12 * np.clip(along - 1.1, 0, 1) ** 2
        half = high * (1 - 0.35 * np.clip(along, 0, 1))
        curve = np.concatenate([np.column_stack([along, middle - half]), np.column_stack([along, middle + half])[::-1]])
        canvas.fill(curve, frame)
        canvas.line(np.column_stack([along, middle - 0.45 * half])[:-3], 0.3 * high, shine, alpha=0.4)

    return draw


def _glasses(
    front: Callable[[Canvas], None], frame: str, shine: str, y: float, arm: float, lens: Literal["clear", "dark"], scale: float
) -> tuple[Layer, ...]:
    arms = _arm(frame, arm, shine, y)
    box = (-0.1, -0.35, 1.6, 0.25)
    return (
        Layer(arms, box, "left_hinge", "left_side", under_hair=True, shadow=0.25, lens=lens),
        Layer(arms, box, "right_hinge", "right_side", under_hair=True, shadow=0.25, lens=lens),
        Layer(
            front,
            (-1.2, -0.6, 1.2, 0.65),
            "between_eyes",
            "front",
            shadow=0.34,
            scale=scale,
            wide="face",
            lens=lens,
        ),
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
    "clear",
    1.08,
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
    "clear",
    1.08,
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
    "dark",
    1.0,
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


def _jagged(tall: float, low: float, count: int, half: float, curved: bool = False) -> Curve:
    """The upper edge of a crown around the head: `count` tips of a height, with valleys of another one between."""
    at = np.linspace(-half, half, 16 * count + 1)
    phase = np.abs(((at / (2 * half) + 0.5) * count) % 1 - 0.5) * 2  # 1 at the valleys, 0 at the tips
    phase = phase**1.6 if curved else phase
    return np.column_stack([at, -(tall + (low - tall) * phase)])


_AROUND = 1.9
"""Half the way around the head that is seen at most, in units of a layer around it."""


def _crown(canvas: Canvas) -> None:
    upper = _jagged(0.62, 0.26, 11, _AROUND, curved=True)
    body = np.concatenate([upper, [(_AROUND, 0.0), (-_AROUND, 0.0)]])
    canvas.fill(body, "#ffe486", "#c48a18")
    for x in np.linspace(-_AROUND, _AROUND, 12)[:-1] + _AROUND / 11:  # hammered sheet: light on one side of each tip
        x = float(x)
        canvas.fill(np.array([(x - 0.13, -0.14), (x, -0.58), (x - 0.01, -0.14)]), "#fff7cf", alpha=0.55, soft=0.02)
        canvas.fill(np.array([(x + 0.13, -0.14), (x, -0.58), (x + 0.01, -0.14)]), "#8a5a08", alpha=0.28, soft=0.02)
    canvas.line(upper, 0.02, "#fff3bd", alpha=0.8)
    canvas.line(upper + np.array([0.0, 0.02]), 0.012, "#8a5f0c", alpha=0.6)
    canvas.fill(np.array([(-_AROUND, -0.15), (_AROUND, -0.15), (_AROUND, 0.0), (-_AROUND, 0.0)]), "#f9d869", "#a8730f")
    for y in (-0.155, -0.005):
        canvas.line(np.array([(-_AROUND, y), (_AROUND, y)]), 0.022, "#ffefb0", alpha=0.9)
        canvas.line(np.array([(-_AROUND, y + 0.016), (_AROUND, y + 0.016)]), 0.01, "#7c530a", alpha=0.7)
    for number, x in enumerate(np.linspace(-_AROUND, _AROUND, 12)[:-1] + _AROUND / 11):
        x, color, dark = float(x), *(("#e0304a", "#7d0a1e"), ("#3f8fe8", "#103c7c"), ("#35b56e", "#0b5a30"))[number % 3]
        gem = ellipse(x, -0.08, 0.062, 0.05)
        canvas.fill(gem + np.array([0.0, 0.012]), "#5a3a06", alpha=0.6, soft=0.008)
        canvas.fill(gem, color, dark)
        canvas.fill(ellipse(x - 0.02, -0.1, 0.018, 0.011), "#ffffff", alpha=0.85)
        tip = ellipse(x, -0.635, 0.055, 0.055)
        canvas.fill(tip, "#fff3bf", "#b67f12")
        canvas.fill(ellipse(x - 0.017, -0.655, 0.017, 0.014), "#ffffff", alpha=0.9)


def _paper_crown(canvas: Canvas) -> None:
    """A crown of shiny card, as handed out at parties."""
    chance = np.random.default_rng(4)
    upper = _jagged(0.60, 0.30, 11, _AROUND)
    body = np.concatenate([upper, [(_AROUND, 0.0), (-_AROUND, 0.0)]])
    canvas.fill(body, "#7b3fd0", "#4a1fa0")

    def foil(on: Canvas) -> None:
        for number, x in enumerate(np.linspace(-_AROUND, _AROUND, 12)[:-1] + _AROUND / 11):
            x = float(x)
            on.fill(np.array([(x - 0.17, 0.0), (x, -0.6), (x, 0.0)]), "#b98bff", alpha=0.35, soft=0.02)
            color, dark = (("#ffd84a", "#e09a18"), ("#ff7ab8", "#d92a7a"), ("#58dcf0", "#149ab8"))[number % 3]
            on.fill(star(x, -0.27, 0.12, 0.45), color, dark)
        for _ in range(420):
            x, y = float(chance.uniform(-_AROUND, _AROUND)), float(chance.uniform(-0.6, 0.0))
            shade = str(chance.choice(["#ffffff", "#ffe9a0", "#ffc0e8", "#c9b8ff"]))
            on.fill(ellipse(x, y, 0.009, 0.009), shade, alpha=float(chance.uniform(0.3, 0.95)))

    canvas.inside(body, foil)
    canvas.line(upper + np.array([0.0, 0.012]), 0.035, "#ffd84a")
    canvas.line(upper + np.array([0.0, 0.022]), 0.010, "#b87a10", alpha=0.7)
    canvas.fill(np.array([(-_AROUND, -0.1), (_AROUND, -0.1), (_AROUND, 0.0), (-_AROUND, 0.0)]), "#ffe27a", "#d2921a")
    canvas.line(np.array([(-_AROUND, -0.1), (_AROUND, -0.1)]), 0.012, "#fff6d0", alpha=0.8)
    for x in np.linspace(-_AROUND, _AROUND, 12)[:-1] + _AROUND / 11:
        canvas.fill(ellipse(float(x), -0.60, 0.065, 0.065), "#ff9ecb", "#d92a7a")
        canvas.fill(ellipse(float(x) - 0.02, -0.625, 0.02, 0.016), "#ffffff", alpha=0.85)


def _confetti(canvas: Canvas) -> None:
    """Paper that falls around a head; none of it lies on the face."""
    chance = np.random.default_rng(31)
    tones = ("#ff4d7d", "#ffd23f", "#35c9ff", "#7be05a", "#b36bff", "#ff8c3a")
    count = 0
    while count < 110:
        x, y = float(chance.uniform(-2.5, 2.5)), float(chance.uniform(-2.4, 2.3))
        if math.hypot(x / 1.4, (y - 0.35) / 1.95) < 1.0 or chance.random() < 0.25 * (y + 2) / 4:
            continue
        count += 1
        near = float(chance.uniform(0.6, 1.5))
        long, wide = 0.055 * near, 0.055 * near * float(chance.uniform(0.25, 0.75))
        color = str(chance.choice(tones))
        piece = turned(np.array([(-long, -wide), (long, -wide), (long, wide), (-long, wide)]), float(chance.uniform(0, 180)))
        soft = 0.012 * abs(near - 1.0)
        canvas.fill(piece + np.array([x, y]), color, alpha=0.95, soft=soft)
        canvas.fill(piece * (1.0, 0.5) + np.array([x, y]), "#ffffff", alpha=float(chance.uniform(0.0, 0.35)), soft=soft)
    for x, y, way in ((-1.95, -1.5, 1.0), (1.95, -1.3, -1.0), (-2.1, 0.5, 1.0), (2.05, 0.9, -1.0)):  # curled ribbons
        at = np.linspace(0, 1, 70)
        curl = np.column_stack([x + way * (0.25 * at + 0.10 * np.sin(16 * at)), y + 0.8 * at])
        tone = tones[int(chance.integers(len(tones)))]
        canvas.line(curl + np.array([0.012, 0.016]), 0.05, "#000000", alpha=0.2, soft=0.01)
        canvas.line(curl, 0.05, tone)
        canvas.line(curl - np.array([0.008, 0.0]), 0.014, "#ffffff", alpha=0.5)


def _hat(canvas: Canvas) -> None:
    crown = smooth(
        [
            (-0.74, 0.02),
            (-0.72, -0.40),
            (-0.60, -0.70),
            (-0.25, -0.78),
            (0.0, -0.71),
            (0.25, -0.78),
            (0.60, -0.70),
            (0.72, -0.40),
            (0.74, 0.02),
            (0.0, 0.14),
        ]
    )
    brim = smooth(
        [(-1.22, -0.08), (-0.8, 0.12), (0.0, 0.24), (0.8, 0.12), (1.22, -0.08), (0.85, -0.06), (0.0, 0.04), (-0.85, -0.06)]
    )
    canvas.fill(crown, "#75573f", "#3a291d")

    def felt(on: Canvas) -> None:
        on.fill(ellipse(-0.62, -0.25, 0.3, 0.7), "#1d130c", alpha=0.5, soft=0.12)
        on.fill(ellipse(0.66, -0.25, 0.26, 0.7), "#1d130c", alpha=0.6, soft=0.12)
        on.fill(ellipse(-0.2, -0.45, 0.26, 0.3), "#b08c6c", alpha=0.35, soft=0.12)
        on.fill(smooth([(-0.10, -0.80), (0.0, -0.5), (0.10, -0.80)]), "#1d130c", alpha=0.45, soft=0.05)
        for side in (-1.0, 1.0):
            dent = smooth([(side * 0.30, -0.72), (side * 0.22, -0.52), (side * 0.26, -0.34)], closed=False)
            on.line(dent, 0.07, "#1d130c", alpha=0.25, soft=0.045)

    canvas.inside(crown, felt)
    ribbon = _band(0.745, 0.18, 0.12, 0.0)
    canvas.fill(ribbon, "#2a201c", "#0e0907")
    canvas.inside(ribbon, partial(_ribbon_light))
    canvas.line(ribbon[41:], 0.010, "#6d5a4e", alpha=0.6)
    canvas.fill(brim + np.array([0.0, 0.02]), "#150d08", alpha=0.7, soft=0.012)
    canvas.fill(brim, "#7c5e47", "#33241a")

    def edge(on: Canvas) -> None:
        on.fill(ellipse(0.0, 0.02, 0.75, 0.09), "#120b07", alpha=0.55, soft=0.04)
        for side in (-1.0, 1.0):
            on.fill(ellipse(side * 1.15, -0.05, 0.25, 0.15), "#1d130c", alpha=0.35, soft=0.08)

    canvas.inside(brim, edge)
    rim = smooth([(-1.17, -0.06), (-0.8, 0.115), (0.0, 0.225), (0.8, 0.115), (1.17, -0.06)], closed=False)
    canvas.line(rim, 0.02, "#b3947a", alpha=0.6, soft=0.004)


def _ribbon_light(canvas: Canvas) -> None:
    canvas.fill(ellipse(-0.25, 0.0, 0.22, 0.2), "#8a7666", alpha=0.4, soft=0.09)
    for side in (-1.0, 1.0):
        canvas.fill(ellipse(side * 0.74, 0.0, 0.2, 0.25), "#000000", alpha=0.6, soft=0.08)


_PARTY_HAT_HALF = 0.5
"""Half the width of a party hat's base, in units."""


def _stripes(canvas: Canvas) -> None:
    for y, color in ((-1.0, "#ffd84a"), (-0.72, "#4ad0e8"), (-0.42, "#ffd84a"), (-0.11, "#4ad0e8")):
        canvas.fill(_band(0.75, 0.12, 0.14, y), color, alpha=0.95)


def _cone_light(canvas: Canvas) -> None:
    half = _PARTY_HAT_HALF
    canvas.fill(
        np.array([(-half - 0.03, 0.15), (-0.02, -1.2), (-0.03, -1.2), (-0.8 * half, 0.15)]), "#2a0a46", alpha=0.45, soft=0.06
    )
    canvas.fill(
        np.array([(-0.58 * half, 0.15), (-0.11 * half, 0.15), (0.0, -1.2), (-0.02, -1.2)]), "#ffffff", alpha=0.5, soft=0.05
    )
    canvas.fill(
        np.array([(0.02, -1.2), (half + 0.03, 0.15), (half + 0.03, 0.15), (0.44 * half, 0.15)]), "#2a0a46", alpha=0.6, soft=0.09
    )


def _party_hat(canvas: Canvas) -> None:
    half, bow = _PARTY_HAT_HALF, 0.17
    cone = np.concatenate([_band(half, 0.0, bow, 0.0)[:41], [(0.04, -1.12), (-0.04, -1.12)]])
    canvas.fill(cone, "#f0468f", "#7d36c8", angle=70)
    canvas.inside(cone, _stripes)
    canvas.inside(cone, _cone_light)
    chance = np.random.default_rng(1)
    for _ in range(260):  # a trim of tinsel along the base
        x = float(chance.uniform(-half, half))
        y = bow * (1 - (x / half) ** 2) - 0.01
        way = np.array([x, y]) + chance.normal(0, 0.042, 2)
        color = str(chance.choice(["#fff6c4", "#ffd84a", "#e09a18", "#a8690c"]))
        canvas.fill(_tapered(np.linspace((x, y), way, 4), 0.03), color, alpha=0.9)
    canvas.fill(ellipse(0.0, -1.12, 0.13, 0.13), "#ffd84a", "#c98412")
    for _ in range(150):
        angle, far = chance.uniform(0, 2 * math.pi), 0.17 * math.sqrt(chance.uniform(0, 1))
        tip = np.array([far * math.cos(angle), -1.13 + far * math.sin(angle)])
        shade = "#fff3b0" if tip[0] < -0.03 and tip[1] < -1.13 else str(chance.choice(["#ffd84a", "#f2a81c", "#c98412"]))
        canvas.fill(_tapered(np.linspace(tip * 0.4 + (0.0, -0.674), tip, 3), 0.03), shade, alpha=0.85)


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
            for way in (-13.0, 0.0, 13.0) if size > 0.13 else ():
                fold = turned(np.array([(0.15 * size, 0.0), ((far + 0.36) * size, 0.0)]), angle + way) + np.array([x, y])
                canvas.line(fold, 0.008, dark, alpha=0.28)
    chance = np.random.default_rng(2)
    canvas.fill(ellipse(x, y, 0.23 * size, 0.23 * size), "#e8b23c", "#9a6416", soft=0.02 * size)
    for _ in range(22 if size > 0.13 else 6):
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
    """A wreath around the head, unrolled: leaves behind, then small flowers, then large ones, largest in front."""
    chance = np.random.default_rng(8)
    at = np.linspace(-_AROUND, _AROUND, 90)
    vine = np.column_stack([at, 0.03 * np.sin(9 * at)])
    canvas.line(vine, 0.05, "#3a2a18", alpha=0.9)
    for x in np.linspace(-_AROUND, _AROUND, 52):
        for way in (-1.0, 1.0):
            turn = way * float(chance.uniform(20, 85)) + (180 if chance.random() < 0.5 else 0)
            green = str(chance.choice(["#4f8a3d", "#3c6e33", "#6da552", "#86a95e", "#2f5c30"]))
            _leaf(canvas, float(x), float(chance.normal(0, 0.03)), float(chance.uniform(0.18, 0.29)), turn, green)
    tones = (
        ("#f7b4c6", "#c94f74"),
        ("#fffaf4", "#d9b7a8"),
        ("#e8607a", "#8f1f3e"),
        ("#ffdf9c", "#d9832c"),
        ("#c9b3ee", "#6a4ba8"),
    )
    for number, x in enumerate(np.linspace(-1.8, 1.8, 17)):
        up = 0.16 * (-1.0) ** number + float(chance.normal(0, 0.02))
        _flower(
            canvas,
            float(x),
            up,
            float(chance.uniform(0.08, 0.11)),
            *tones[(3 * number + 1) % 5],
            turn=float(chance.uniform(0, 60)),
        )
    large = ((-1.72, 0.15, 1), (-1.4, 0.17, 4), (-1.06, 0.19, 0), (-0.70, 0.18, 3), (-0.36, 0.21, 2), (1.72, 0.15, 2))
    for x, size, tone in (*large, (1.4, 0.17, 3), (1.06, 0.19, 1), (0.72, 0.18, 4), (0.37, 0.21, 0), (0.0, 0.235, 1)):
        _flower(canvas, x, float(chance.normal(0, 0.02)), size, *tones[tone], turn=float(chance.uniform(0, 60)))


def _halo(canvas: Canvas) -> None:
    ring = ellipse(0, 0, 0.72, 0.17)
    canvas.line(ring, 0.14, "#ffe68a", closed=True, alpha=0.45, soft=0.07)
    canvas.line(ring, 0.075, "#ffd75a", closed=True, alpha=0.95, soft=0.012)
    canvas.line(ring, 0.035, "#fffbe0", closed=True, soft=0.006)


def _tapered(points: Curve, width: float, tip: float = 0.1, foot: float = 1.0) -> Curve:
    """The outline of a stroke along points (K, 2) whose width falls to a share `tip` of it at the end, and begins with a share `foot`."""
    along = np.gradient(np.asarray(points, dtype=np.float64), axis=0)
    across = np.column_stack([-along[:, 1], along[:, 0]]) / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    share = np.linspace(1, tip, len(points)) * np.minimum(1.0, np.linspace(foot, foot + 4, len(points)))
    half = across * (0.5 * width * share)[:, None]
    return np.concatenate([points + half, (points - half)[::-1]])


def _fade_into(
    canvas: Canvas, sides: tuple[float, ...], inner: tuple[float, float], outer: tuple[float, float], over: float
) -> None:
    """Let ears vanish below the line from `inner` to `outer` (of the right one), in strands: fur that goes over into hair."""
    high, wide = canvas.pixels.shape[:2]
    x = canvas.left + (np.arange(wide) + 0.5) / canvas.px
    x = np.abs(x) if len(sides) > 1 else sides[0] * x
    y = canvas.top + (np.arange(high) + 0.5) / canvas.px
    along = np.array(outer) - inner
    long = float(np.hypot(*along))
    below = ((y[:, None] - inner[1]) * along[0] - (x[None] - inner[0]) * along[1]) / long
    at = ((x[None] - inner[0]) * along[0] + (y[:, None] - inner[1]) * along[1]) / long
    ends = np.random.default_rng(9).uniform(-1, 1, 400)
    strands = np.interp(at, np.linspace(-1, 3, 400), ends) * over
    canvas.pixels *= (1 - smoothstep((below + strands).astype(np.float32), -0.5 * over, 0.5 * over))[:, :, None]


@dataclass(frozen=True)
class _Fur:
    """Colours of an ear: its fur in light, as it is and in shadow, and its inside in light and deep in."""

    light: str
    fur: str
    dark: str
    skin: str
    deep: str


def _ear(
    outer: Sequence[tuple[float, float]],
    inner: Sequence[tuple[float, float]],
    colors: _Fur,
    foot: tuple[tuple[float, float], tuple[float, float]],
    over: float = 0.1,
    hangs: bool = False,
    sides: tuple[float, ...] = (1.0, -1.0),
) -> Callable[[Canvas], None]:
    """Ears: outlines of the right one and of its inside, its colours, the line along which it grows out of the hair, how softly (in
    units), whether it hangs down, and the sides (1 is the right one)."""

    def draw(canvas: Canvas) -> None:
        chance = np.random.default_rng(5)
        for side in sides:
            curve, inside = np.asarray(smooth(outer)) * (side, 1), np.asarray(smooth(inner, closed=not hangs)) * (side, 1)
            middle, size = curve.mean(axis=0), float(np.ptp(curve[:, 1]))
            low = np.asarray(foot).mean(axis=0) * (side, 1)
            _fringe(canvas, chance, curve, middle, low, colors, 1.3 * float(np.ptp(curve[:, 0])))
            canvas.fill(curve, colors.fur, colors.dark)
            canvas.inside(curve, partial(_round, curve=curve, inside=inside, colors=colors, size=size, side=side, hangs=hangs))
            if not hangs:
                _strands(canvas, chance, inside, low, colors, size)
        _fade_into(canvas, sides, *foot, over)

    return draw


def _one_ear(
    side: float, outer: Sequence[tuple[float, float]], inner: Sequence[tuple[float, float]], *more: Any
) -> Callable[[Canvas], None]:
    """One ear that stands on a headband, at whose middle (0, 0) lies its foot."""
    colors, foot = more
    (x0, y0), (x1, y1) = foot
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])

    def moved(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(x, y) for x, y in (np.asarray(points) - middle).tolist()]

    start, end = moved(foot)
    return _ear(moved(outer), moved(inner), colors, (start, end), 0.012, sides=(side,))


def _round(canvas: Canvas, curve: Curve, inside: Curve, colors: _Fur, size: float, side: float, hangs: bool) -> None:
    """Light and shadow on an ear, and its inside, or, where it hangs, the line of its fold."""
    canvas.line(curve, 0.12 * size, colors.light, alpha=0.75, closed=True, soft=0.035 * size)
    canvas.line(
        curve + np.array([-0.05 * size, 0.02 * size]), 0.05 * size, colors.dark, alpha=0.35, closed=True, soft=0.04 * size
    )
    if hangs:
        fold = smooth([tuple(point) for point in inside], closed=False, steps=6)
        canvas.line(fold, 0.10 * size, colors.dark, alpha=0.3, soft=0.06 * size)
        canvas.line(fold - (side * 0.10 * size, 0.0), 0.08 * size, colors.light, alpha=0.4, soft=0.05 * size)
        return
    canvas.fill(inside, colors.skin, colors.deep, soft=0.03 * size)
    core = (inside - inside.mean(axis=0)) * (0.5, 0.7) + inside.mean(axis=0) + np.array([0.0, 0.1 * size])
    canvas.fill(core, colors.deep, alpha=0.75, soft=0.07 * size)
    edge = (inside - inside.mean(axis=0)) * 0.97 + inside.mean(axis=0) + np.array([side * 0.03 * size, 0.0])
    canvas.line(edge, 0.02 * size, "#ffffff", alpha=0.25, closed=True, soft=0.02 * size)


def _fringe(
    canvas: Canvas, chance: np.random.Generator, curve: Curve, middle: np.ndarray, low: np.ndarray, colors: _Fur, size: float
) -> None:
    """Short hairs along the outline of an ear, that lean away from its foot."""
    for point in np.repeat(curve[:: max(1, len(curve) // 90)], 4, axis=0):
        outward = (point - middle) / max(float(np.linalg.norm(point - middle)), 1e-6)
        away = (point - low) / max(float(np.linalg.norm(point - low)), 1e-6)
        way = 0.5 * outward + 0.9 * away + chance.normal(0, 0.12, 2)
        start = point - 0.03 * size * outward + chance.normal(0, 0.006, 2)
        tip = start + way / np.linalg.norm(way) * float(chance.uniform(0.035, 0.06)) * size
        canvas.fill(
            _tapered(np.array([start, tip]), 0.018 * size),
            str(chance.choice([colors.fur, colors.fur, colors.dark])),
            alpha=0.8,
        )


def _strands(canvas: Canvas, chance: np.random.Generator, inside: Curve, low: np.ndarray, colors: _Fur, size: float) -> None:
    """Long soft hairs that grow from the rim of an ear over its inside."""
    middle = inside.mean(axis=0)
    for point in inside[:: max(1, len(inside) // 50)]:
        if float((point - middle) @ (low - middle)) < -0.12 * size * float(np.linalg.norm(low - middle)):
            continue
        inward = (middle - point) / max(float(np.linalg.norm(middle - point)), 1e-6)
        away = (middle - low) / max(float(np.linalg.norm(middle - low)), 1e-6)
        way = 0.5 * inward + 0.75 * away + chance.normal(0, 0.1, 2)
        tip = point + way / np.linalg.norm(way) * float(chance.uniform(0.12, 0.24)) * size
        bend = (point + tip) / 2 + 0.03 * size * inward
        hair = smooth([tuple(point), tuple(bend), tuple(tip)], closed=False, steps=5)
        canvas.fill(_tapered(hair, 0.012 * size), colors.light, alpha=0.4)


_CAT_EAR = (
    [(0.36, 0.16), (0.37, -0.16), (0.46, -0.50), (0.64, -0.78), (0.80, -0.90), (0.93, -0.74), (1.04, -0.40), (1.10, -0.02), (1.12, 0.46), (0.76, 0.40)],
    [(0.49, 0.12), (0.51, -0.12), (0.59, -0.40), (0.72, -0.63), (0.80, -0.71), (0.88, -0.58), (0.95, -0.32), (0.99, -0.02), (1.00, 0.36), (0.74, 0.30)],
    _Fur("#8d857f", "#5b524d", "#2e2825", "#f4bcbc", "#b86a74"),
    ((0.34, 0.06), (1.10, 0.40)),
)  # fmt: skip
_BUNNY_EAR = (
    [(0.16, 0.16), (0.13, -0.4), (0.17, -0.95), (0.33, -1.30), (0.50, -1.34), (0.60, -1.05), (0.62, -0.5), (0.58, 0.24)],
    [(0.25, 0.0), (0.24, -0.4), (0.28, -0.88), (0.37, -1.13), (0.45, -1.14), (0.51, -0.92), (0.52, -0.45), (0.48, 0.05)],
    _Fur("#ffffff", "#f1ebe7", "#cfc5bf", "#f8c9ce", "#e7a3ac"),
    ((0.10, 0.04), (0.64, 0.14)),
)
_DOG_EARS = _ear(
    [(0.50, 0.02), (0.66, -0.26), (0.92, -0.34), (1.18, -0.18), (1.36, 0.16), (1.44, 0.56), (1.38, 0.92), (1.22, 0.98), (1.06, 0.72), (0.94, 0.40), (0.74, 0.20)],
    [(0.80, -0.10), (1.02, 0.06), (1.18, 0.36), (1.24, 0.70)],
    _Fur("#b98350", "#8f5c30", "#512f16", "#95633a", "#7d4f2b"),
    ((0.42, -0.16), (0.74, 0.34)),
    over=0.06,
    hangs=True,
)  # fmt: skip


def _headband(light: str, color: str, dark: str) -> Callable[[Canvas], None]:
    """A padded band around the head, unrolled, on which ears stand."""

    def draw(canvas: Canvas) -> None:
        at = np.linspace(-_AROUND, _AROUND, 60)
        for y, width, tone, alpha, soft in (
            (0.0, 0.15, dark, 1.0, 0.0),
            (-0.012, 0.115, color, 1.0, 0.014),
            (-0.032, 0.035, light, 0.75, 0.012),
        ):
            canvas.line(np.column_stack([at, np.full_like(at, y)]), width, tone, alpha=alpha, soft=soft)

    return draw


def _cat_nose(canvas: Canvas) -> None:
    nose = smooth([(-0.21, -0.09), (-0.1, -0.14), (0.0, -0.13), (0.1, -0.14), (0.21, -0.09), (0.17, 0.0), (0.07, 0.09), (0.0, 0.13), (-0.07, 0.09), (-0.17, 0.0)])  # fmt: skip
    canvas.fill(nose, "#f2a0a6", "#b74e60")

    def wet(on: Canvas) -> None:
        on.line(nose, 0.05, "#7d2a3c", alpha=0.5, closed=True, soft=0.03)
        on.fill(ellipse(-0.01, -0.07, 0.11, 0.035), "#ffffff", alpha=0.65, soft=0.022)
        for side in (-1.0, 1.0):
            on.fill(ellipse(side * 0.085, 0.03, 0.035, 0.022, side * -30), "#5c1626", alpha=0.75, soft=0.01)

    canvas.inside(nose, wet)


def _whiskers(canvas: Canvas, side: float) -> None:
    for y, drop in ((0.12, -0.16), (0.2, -0.03), (0.28, 0.12)):
        curve = smooth(
            [(side * 0.26, y - 0.3 * drop), (side * 0.72, y + 0.35 * drop - 0.03), (side * 1.2, y + 1.2 * drop + 0.05)],
            closed=False,
            steps=24,
        )
        canvas.fill(_tapered(curve + np.array([0.0, 0.014]), 0.03, 0.05, 0.04), "#1c1616", alpha=0.35, soft=0.012)
        canvas.fill(_tapered(curve, 0.026, 0.06, 0.04), "#fdfaf7", "#e9e2dc")
    for x, y in ((0.27, 0.13), (0.34, 0.22), (0.25, 0.25)):
        canvas.fill(ellipse(side * x, y, 0.016, 0.016), "#3a2a28", alpha=0.75)


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
        strong = float(chance.uniform(0.2, 0.42)) * (1 - 0.5 * max(0.0, abs(x) - 0.6))
        canvas.fill(
            ellipse(x, y, size, size * float(chance.uniform(0.75, 1.0)), float(chance.uniform(0, 180))),
            "#8f4f27",
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


_Sized = partial(Layer, plane="head", wide="head", movable=True)
"""What sits on the head and is as wide as it."""

_Around = partial(Layer, plane="ring", shadow=0.4, movable=True, smallest=0.76, lowest=0.7, down=0.2)
"""What goes around the head."""

_Band = partial(Layer, place="band", plane="ring", shadow=0.35, movable=True, smallest=1.0, drop=1.05, deep=0.55)
"""A headband with ears: its box holds the ears as well, so that it moves down where there is no room for them."""


def _ears(ear: tuple[Any, ...], box: tuple[float, float, float, float], at: float) -> tuple[Layer, Layer]:
    """The left and the right ear, on a headband."""
    left, top, right, bottom = box
    return (
        Layer(_one_ear(-1.0, *ear), (-right, top, -left, bottom), "band", "ears", shadow=0.3, on=-at),
        Layer(_one_ear(1.0, *ear), box, "band", "ears", shadow=0.3, on=at),
    )


ART: Mapping[str, tuple[Layer, ...]] = {
    "glasses": _SQUARE,
    "round_glasses": _ROUND,
    "sunglasses": _DARK,
    "star_glasses": (*_glasses(_stars, "#d99a12", "#fff0c0", -0.05, 0.03, "dark", 1.04),),
    "moustache": (Layer(_moustache, (-0.85, -0.2, 0.85, 0.35), "moustache", "face", shadow=0.22),),
    "hat": (_Sized(_hat, (-1.35, -0.95, 1.35, 0.4), "brim", shadow=0.4, scale=1.62, smallest=0.84, lowest=0.7, down=0.1),),
    "party_hat": (
        _Sized(
            _party_hat,
            (-0.65, -1.35, 0.65, 0.3),
            "top",
            shadow=0.35,
            scale=1.35,
            smallest=0.8,
            lowest=0.55,
            leans=True,
        ),
    ),
    "crown": (_Around(_crown, (-1.9, -0.8, 1.9, 0.1), "headband", drop=0.5),),
    "paper_crown": (_Around(_paper_crown, (-1.9, -0.75, 1.9, 0.1), "headband", drop=0.5),),
    "flower_crown": (_Around(_flower_crown, (-1.95, -0.42, 1.95, 0.42), "hairline", lowest=1.0, down=0.1, drop=0.75, bulk=0.24),),
    "halo": (_Sized(_halo, (-1.1, -0.5, 1.1, 0.5), "above", scale=1.25, lowest=0.7),),
    "cat": (
        *_ears(_CAT_EAR, (-0.62, -1.25, 0.66, 0.4), 37.0),
        _Band(_headband("#8d857f", "#4a423e", "#241f1d"), (-1.9, -1.03, 1.9, 0.25), lowest=0.7),
        Layer(partial(_whiskers, side=-1.0), (-1.3, -0.15, 0.0, 0.6), "left_muzzle", "face", shadow=0.1),
        Layer(partial(_whiskers, side=1.0), (0.0, -0.15, 1.3, 0.6), "right_muzzle", "face", shadow=0.1),
        Layer(_cat_nose, (-0.4, -0.25, 0.4, 0.25), "muzzle", "face", under_hair=True, shadow=0.14),
    ),
    "dog": (
        _Sized(_DOG_EARS, (-1.65, -0.6, 1.65, 1.15), "top", plane="ears", shadow=0.3, smallest=0.92, down=0.2),
        Layer(_dog_nose, (-0.4, -0.3, 0.4, 0.3), "muzzle", "face", shadow=0.2, scale=1.1),
    ),
    "bunny": (
        *_ears(_BUNNY_EAR, (-0.45, -1.65, 0.45, 0.3), 20.0),
        _Band(_headband("#ffffff", "#f4e3e6", "#cfa9b2"), (-1.9, -1.48, 1.9, 0.25), lowest=0.55),
        Layer(_bunny_nose, (-0.25, -0.2, 0.25, 0.2), "muzzle", "face", shadow=0.12, scale=1.4),
    ),
    "hearts": (
        Layer(_cheek, (-0.35, -0.35, 0.35, 0.35), "left_cheek", "face", under_hair=True),
        Layer(_cheek, (-0.35, -0.35, 0.35, 0.35), "right_cheek", "face", under_hair=True),
    ),
    "freckles": (Layer(_freckles, (-1.0, 0.0, 1.0, 0.9), "between_eyes", "face", under_hair=True),),
    "clown_nose": (Layer(_clown_nose, (-0.4, -0.4, 0.4, 0.4), "nose", "face", shadow=0.3),),
    "confetti": (Layer(_confetti, (-2.7, -2.6, 2.7, 2.5), "between_eyes", "head", falls=True),),
    "snowflakes": (Layer(_snowflakes, (-2.0, -2.1, 2.0, 1.7), "between_eyes", "head", falls=True),),
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
