"""Hair in any colour, with the light and the strands that it has.

Hair is coloured as a dye does it: light that goes a longer way through a strand is filtered more often, so the dark parts of blond hair are
deep gold and the light ones nearly white. Each pixel's lightness is first moved on a curve that takes hair's own mean to the colour's, black to
black and white to white; the colour's powers then give the pixel its tone.
"""

from __future__ import annotations

import numpy as np

from lianpu.effects.lab import lab_of_color, rgb_of_color, to_lab, to_rgb, weighted_mean
from lianpu.effects.masks import applied, crop_fade, face_unit, feathered, grown, guide_weights, part_cover, smooth_step
from lianpu.effects.subject import Subject
from lianpu.effects.view import Field, View, enlarged, painted, view_of
from lianpu.image import Picture

_EDGE_SHARE = 0.11
"""How far from where the parser saw it hair's edge is looked for, as a share of the face's unit."""


def hair_color(photo: Picture, subject: Subject, strength: float, color: str) -> Picture:
    """The photo (H, W, 3) with the subject's hair in a colour (#rrggbb); what it has of light, shadow and strands stays."""
    view = view_of(photo, subject.window)
    core = part_cover(subject, view, "hair")
    if core.sum() < 4:
        return photo
    reach = _EDGE_SHARE * face_unit(subject)
    near = smooth_step(feathered(grown(core, view, 0.5 * reach), view, 0.3 * reach), 0.05, 0.6)
    weights = guide_weights(core, view.picture, max(1, round(reach * view.scale)), 2e-4)
    share = near * crop_fade(subject, view, photo.shape)
    dye = _Dye.of(view, np.clip(applied(weights, view.picture), 0, 1) * core, color)

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        matte = smooth_step(applied(enlarged(weights, view, rows, columns), pixels), 0.1, 0.9)[:, :, None]
        return np.asarray(pixels + (dye.on(pixels) - pixels) * matte, dtype=np.float32)

    return painted(photo, view, share * np.float32(strength), paint)


class _Dye:
    """What a colour makes of hair whose mean is known."""

    def __init__(self, mean_lab: Field, spread: float, color: str) -> None:
        target = lab_of_color(color)
        self._mean, self._target = mean_lab, target
        self._rgb = np.clip(rgb_of_color(color), 0.012, 0.985) ** np.float32(2.2)
        self._light = float(np.clip(target[0], 6, 94)) / 100
        old = float(np.clip(mean_lab[0], 4, 94)) / 100
        self._power = np.log(self._light) / np.log(old)

    @classmethod
    def of(cls, view: View, weight: Field, color: str) -> _Dye:
        lab = to_lab(view.picture)
        if weight.sum() < 1e-3:
            weight = weight + 1
        mean = weighted_mean(lab, weight)
        spread = float(np.sqrt(weighted_mean((lab - mean) ** 2, weight)[0]))
        return cls(mean, spread, color)

    def on(self, pixels: Field) -> Field:
        lab = to_lab(pixels)
        light = np.clip(lab[:, :, :1] / 100, 0.002, 1) ** np.float32(self._power)
        luminance = ((light * 100 + 16) / 116) ** 3
        wanted = ((self._light * 100 + 16) / 116) ** 3
        often = np.log(np.clip(luminance, 1e-4, 0.999)) / np.log(wanted)
        toned = self._rgb ** np.clip(often, 0.05, 4)
        new = to_lab(np.asarray(toned ** np.float32(1 / 2.2), dtype=np.float32))
        new[:, :, :1] = 100 * light
        new[:, :, 1:] += 0.4 * (lab[:, :, 1:] - self._mean[1:])
        return to_rgb(new)
