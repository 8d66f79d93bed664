"""Hair painted at the photo's own resolution, with a table over lightness, as far as a pixel's colours say that it is hair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lianpu.effects.hair_tone import HairTone
from lianpu.effects.lab import to_lab, to_rgb
from lianpu.effects.masks import applied, smooth_step
from lianpu.effects.view import Field, View, bands, enlarged, painted, reached_window
from lianpu.image import Picture

Mask = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True, eq=False)
class HairPaint:
    """One face's hair, ready to be painted in a colour with any strength; see `hair_color.plan_hair`.

    Args:
        view: of the subject's window.
        share: (h, w) over the view, how far the paint reaches: 0 where no hair is near.
        fields: (h, w, 7): the function of colours that says what is hair, the light around, how far inside, and the shade.
        tone: what the colour makes of each lightness.
    """

    view: View
    share: Field
    fields: Field
    tone: HairTone

    def put(self, photo: Picture, strength: float) -> Picture:
        """A copy of the photo with the hair painted."""

        def paint(pixels: Field, rows: slice, columns: slice) -> Field:
            here = enlarged(self.fields, self.view, rows, columns)
            matte = _matte(here, pixels)
            new = recolored(pixels, self.tone, matte, here[:, :, 4], here[:, :, 5], here[:, :, 6])
            np.copyto(new, pixels, where=matte[:, :, None] == 0)  # the way through Lab and back is not exact for every colour
            return new

        return painted(photo, self.view, self.share * np.float32(strength), paint)

    def mask(self, photo: Picture) -> Mask:
        """(h, w) uint8 over the subject's window: how far each pixel may change."""
        rows, columns = self.view.window
        mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.uint8)
        reached = reached_window(self.view, self.share)
        for part in bands(reached) if reached is not None else ():
            inner = reached[1] if reached is not None else columns
            pixels = photo[part, inner].astype(np.float32) / np.float32(255)
            matte = _matte(enlarged(self.fields, self.view, part, inner), pixels)
            share = np.clip(matte * enlarged(self.share, self.view, part, inner), 0, 1)
            place = (
                slice(part.start - rows.start, part.stop - rows.start),
                slice(inner.start - columns.start, inner.stop - columns.start),
            )
            mask[place] = np.ceil(255 * share).astype(np.uint8)
        return mask


def recolored(pixels: Field, tone: HairTone, matte: Field, around: Field, inside: Field, shade: Field) -> Field:
    """Pixels (n, m, 3), 0 to 1, with another tone; a part of their own variation of it stays.

    Near the hair's edge skin and background shine through and are no shine of the hair: there a pixel gets what becomes of the hair around
    it, by the matte's share, and does not leave the range between that and what it was.

    Args:
        pixels: to be coloured.
        tone: of `hair_tone`.
        matte: (n, m), 0 to 1: how much of a pixel is hair.
        around: (n, m), how light the hair near it is.
        inside: (n, m), 0 at the hair's edge, 1 well inside.
        shade: (n, m), how much lightness is taken away where a part of the hair lies in shadow.
    """
    lab = to_lab(pixels)
    light = around + np.maximum(inside, lab[:, :, 0] < around) * (lab[:, :, 0] - around)
    found = tone.at(light)
    found[:, :, 1:3] *= ((found[:, :, 0] - shade + 12) / (found[:, :, 0] + 12)).clip(0.2, 1)[:, :, None]
    found[:, :, 0] -= shade
    nearby = tone.at(around)[:, :, 0] - shade
    free = np.float32(60) * inside
    low, high = np.minimum(nearby, lab[:, :, 0]) - free - 25, np.maximum(nearby, lab[:, :, 0]) + free
    lab[:, :, 0] = np.clip(lab[:, :, 0] + matte * (found[:, :, 0] - light), low, high)
    lab[:, :, 1:] += matte[:, :, None] * (found[:, :, 1:3] + (found[:, :, 3:] - 1) * lab[:, :, 1:])
    return to_rgb(lab)


def _matte(fields: Field, pixels: Field) -> Field:
    """How much of each pixel (n, m, 3) is hair, 0 to 1."""
    return smooth_step(applied(fields[:, :, :4], pixels), 0.12, 0.9)
