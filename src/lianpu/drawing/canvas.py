"""What portraits are painted on: a canvas of colours and classes, and soft shapes from distance fields.

A field is float32, one value per canvas pixel. Distances are in head units: at scale 1 the picture is one unit wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from lianpu.imaging.picture import Picture
from lianpu.part_names import PART_INDEX

Field = np.ndarray[Any, np.dtype[np.floating[Any]]]
Color = Sequence[float] | np.ndarray
"""A colour in 0..1 (3,), or one per pixel (3, h, w)."""
Window = tuple[slice, slice]

WHOLE: Window = (slice(None), slice(None))


@dataclass(frozen=True)
class Canvas:
    """A square of R x R pixels that is painted back to front.

    Args:
        colors: (3, R, R) float32, 0..1.
        classes: (R, R) uint8, CelebAMask-HQ class of what was painted last.
    """

    colors: Field
    classes: np.ndarray[Any, np.dtype[np.uint8]]

    @classmethod
    def blank(cls, side_px: int) -> Canvas:
        """A black canvas of background."""
        return cls(np.zeros((3, side_px, side_px), np.float32), np.zeros((side_px, side_px), np.uint8))

    def paint(self, alpha: Field, color: Color, class_name: str | None = None, window: Window = WHOLE) -> None:
        """Lay a colour over the window with opacity `alpha` (h, w); where it covers more than half, the class changes too."""
        under = self.colors[(slice(None), *window)]
        over = np.asarray(color, np.float32)
        if over.ndim == 1:
            for channel in range(3):
                under[channel] += alpha * (over[channel] - under[channel])
        else:
            under += alpha * (over - under)
        if class_name is not None:
            self.classes[window][alpha > 0.5] = PART_INDEX[class_name]

    def multiply(self, factor: Field, tint: Color = (1.0, 1.0, 1.0), window: Window = WHOLE) -> None:
        """Darken the window: `factor` (h, w) is 0 where nothing happens and 1 where the colour is multiplied by `tint`."""
        under = self.colors[(slice(None), *window)]
        for channel in range(3):
            under[channel] *= 1 + factor * (float(tint[channel]) - 1)

    def add(self, light: Field, color: Color, window: Window = WHOLE) -> None:
        """Add light of a colour to the window."""
        under = self.colors[(slice(None), *window)]
        for channel in range(3):
            under[channel] += light * float(color[channel])

    def picture(self, size_px: int) -> Picture:
        """The painting as a picture (size_px, size_px, 3), each pixel the mean of those it covers."""
        wide = (np.clip(self.colors, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0)
        return np.asarray(Image.fromarray(np.ascontiguousarray(wide)).reduce(wide.shape[0] // size_px), np.uint8)

    def mask(self, size_px: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The class at the middle of each picture pixel, (size_px, size_px) uint8."""
        step = self.classes.shape[0] // size_px
        return np.ascontiguousarray(self.classes[step // 2 :: step, step // 2 :: step])


def ramp(value: Field, low: float, high: float) -> Field:
    """0 at `low`, 1 at `high`, smooth between (also with low > high)."""
    scale = 1 / (high - low)
    x = np.asarray(value * np.float32(scale), np.float32)
    x -= np.float32(low * scale)
    np.clip(x, 0, 1, out=x)
    return x * x * (3 - 2 * x)


def bell(value: Field, width: float) -> Field:
    """exp(-(value / width)^2): a soft spot or stroke."""
    x = value * np.float32(1 / width)
    return np.exp(-(x * x))


def lookup(table: Field, position: Field, low: float, high: float) -> Field:
    """The entry of a fine table at each position; the table spans low..high, outside its ends hold."""
    last = len(table) - 1
    index = ((position - np.float32(low)) * np.float32(last / (high - low))).astype(np.int32)
    return np.take(table, index, mode="clip")


@dataclass(frozen=True)
class Noise:
    """Smooth random values along a line, 0..1, one new value per unit; repeats after 256 units.

    Args:
        table: (4096,) 16 interpolated entries per unit.
    """

    table: Field

    @classmethod
    def of(cls, stream: np.random.Generator) -> Noise:
        values = stream.random(256)
        positions = np.arange(4096) / 16
        fraction = positions % 1
        smooth = fraction * fraction * (3 - 2 * fraction)
        left = positions.astype(int)
        return cls((values[left] * (1 - smooth) + values[(left + 1) % 256] * smooth).astype(np.float32))

    def at(self, position: Field) -> Field:
        """The value at each position (in units; any sign)."""
        return np.take(self.table, (position * np.float32(16)).astype(np.int32) & 4095)


def cloud(stream: np.random.Generator, cells: int, side_px: int) -> Field:
    """Smooth two-dimensional noise, about -1..1, with `cells` spots across; the same at every size."""
    small = stream.random((cells, cells)).astype(np.float32) * 2 - 1
    return resample(small, side_px)


def resample(field: Field, side_px: int) -> Field:
    """A field at another resolution, smoothly."""
    filter_ = Image.Resampling.BICUBIC if 2.5 * len(field) < side_px else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(field).resize((side_px, side_px), filter_), np.float32)


def blur(field: Field, radius_px: float) -> Field:
    """The field (0..1) softened."""
    image = Image.fromarray((np.clip(field, 0, 1) * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(float(radius_px))), np.float32) / np.float32(255)
