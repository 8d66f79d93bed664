"""The alpha matte of a subject's hair at the photo's resolution, and the hair's own colour where a pixel mixes hair and ground.

The parser's probabilities make a trimap: surely hair, surely none, unknown between. In the unknown band two linear functions of a
pixel's colour are mixed: the guided filter's, and the pixel's position between the colours of the nearest sure hair and the nearest
sure ground, which counts where the two differ. Linear functions are upsampled, so that strands get the photo's own resolution.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lianpu.effects.face_masks import crop_fade, face_unit, part_cover
from lianpu.effects.matting import nearest_values
from lianpu.faces.parts import probability_over
from lianpu.faces.results import Subject
from lianpu.imaging.color import rgb_to_lab
from lianpu.imaging.compositing import Field, View, upsample, view_of
from lianpu.imaging.masks import apply_coefficients, dilate, feather, guided_filter_coefficients, smoothstep, wide_blur
from lianpu.imaging.picture import Picture

EDGE_SHARE = 0.11
"""Reach of the guided filter, as a share of the face's unit: how far the matte's edge may move from the parsed one."""

_NEAR = 0.15
"""Strands are looked for within this many units of the parsed hair."""

_THICK = (0.06, 0.13)
"""Radii in units below which what is taken for hair is none, and from which on it is."""

_CERTAIN, _ENOUGH, _LEAST_SPREAD, _UNLIKE, _DOUBTED = 0.93, 200, np.array((14, 5, 6), dtype=np.float32), (2.2, 3.8), (0.88, 0.995)
"""Where the parser is less than certain (`_DOUBTED`), what is unlike the certain hair in colour is none: a distance (`_UNLIKE`) in
standard deviations of Lab, of at least `_ENOUGH` pixels with at least this probability: a neighbour's clothes, a wall."""

_SURE, _NONE = 0.85, 0.1
"""Probabilities of hair above and below which a pixel is surely hair, or surely none, if its surroundings are."""

_SURE_REACH, _NONE_REACH = 0.035, 0.05
"""How far these surroundings reach, in units."""

_NOISE = 0.006
"""Squared difference of two colours that is worth as much as nothing, plus four times their variances."""

_FULL = (0.08, 0.92)
"""Results of the linear function that become 0 and 1."""


@dataclass(frozen=True, eq=False)
class HairMatte:
    """How much of each pixel is hair, and the colours on both sides of the hair's edge.

    Args:
        view: of the subject's window, wide where hair leaves the face's crop.
        fields: (h, w, 12): coefficients of the matte (4), its upper limit, the colours of the nearest hair and the nearest ground (6), and
            `sure` with soft edges.
        sure: (h, w), 0 to 1 over the view: what is surely hair.
        matte: (h, w), 0 to 1: the matte at the view's resolution.
    """

    view: View
    fields: Field
    sure: Field
    matte: Field

    def alpha(self, pixels: Field, rows: slice, columns: slice) -> Field:
        """(n, m), 0 to 1: the matte of some of the photo's rows and columns, whose pixels (n, m, 3) are given, 0 to 1."""
        return matte_of(upsample(self.fields[:, :, :5], self.view.window, rows, columns), pixels)


def matte_of(fields: Field, pixels: Field) -> Field:
    """The matte (n, m) of pixels (n, m, 3) by the first five of `HairMatte.fields`, upsampled."""
    return np.asarray(smoothstep_linear(apply_coefficients(fields[:, :, :4], pixels)) * fields[:, :, 4], dtype=np.float32)


def smoothstep_linear(values: Field) -> Field:
    """0 to 1 between the limits of a full matte, linear so that a mixed pixel keeps its share."""
    return np.asarray(np.clip((values - _FULL[0]) / (_FULL[1] - _FULL[0]), 0, 1), dtype=np.float32)


def own_color(pixels: Field, alpha: Field, sides: Field, inside: Field) -> Field:
    """Hair's own colour (n, m, 3) in pixels of which `alpha` (n, m) is hair.

    Forte 2021, Approximate Fast Foreground Colour Estimation: what remains after the ground's share is taken off. Outside of what is surely
    hair a remainder towards the ground's colour does not count: where a matte is a little off, it would become a bright rim.

    Args:
        pixels: (n, m, 3), 0 to 1.
        alpha: (n, m), 0 to 1.
        sides: (n, m, 6), colours of hair and ground nearby.
        inside: (n, m), 0 to 1: how far a pixel is surely hair.
    """
    share = alpha[:, :, None]
    hair, ground = sides[:, :, :3], sides[:, :, 3:]
    rest = pixels - share * hair - (1 - share) * ground
    apart = ground - hair
    towards = (rest * apart).sum(axis=2) / np.maximum((apart * apart).sum(axis=2), 1e-4)
    rest -= (np.maximum(towards, 0) * (1 - inside))[:, :, None] * apart
    return np.clip(hair + share * rest, 0, 1)


def hair_matte(photo: Picture, subject: Subject) -> HairMatte | None:
    """The matte of the subject's hair in the photo (H, W, 3); None where no hair is to be seen."""
    subject = subject.wide()
    view = view_of(photo, subject.window)
    core = part_cover(subject, view, "hair")
    if core.sum() < 4:
        return None
    unit = face_unit(subject)
    probable = _probability(photo, subject, view, core)
    sure = dilate((probable > _SURE).astype(np.float32), view, -_SURE_REACH * unit)
    if sure.sum() < 4:
        sure = (probable >= 0.7 * float(probable.max())).astype(np.float32)
    none = dilate((probable < _NONE).astype(np.float32), view, -_NONE_REACH * unit)
    fields = _coefficients(view, probable, sure, none, unit)
    limit = smoothstep(feather(dilate(probable, view, 0.05 * unit), view, 0.03 * unit), 0.08, 0.4)
    limit *= crop_fade(subject, view, photo.shape) * _amount(probable, unit * view.scale)
    inside = feather(sure, view, 0.02 * unit)
    whole = np.dstack([fields[:, :, :4], limit, fields[:, :, 4:], inside]).astype(np.float32)
    return HairMatte(view, whole, sure, matte_of(whole, view.picture))


def _amount(probable: Field, unit_px: float) -> float:
    """0 for what is nowhere thicker than the rim around a bald head, which may be anything, to 1 for hair."""
    radius = cv2.distanceTransform((probable > 0.5).astype(np.uint8), cv2.DIST_L2, 3).max() / unit_px
    return float(smoothstep(np.array(radius), *_THICK))


def _probability(photo: Picture, subject: Subject, view: View, core: Field) -> Field:
    """(h, w), 0 to 1: the probability of hair; the parsed mask (`core`) where the subject's parser gives none."""
    soft = probability_over(photo, subject, "hair", view.shape)
    if soft is None:
        return core
    near = smoothstep(feather(dilate(core, view, _NEAR * face_unit(subject)), view, 0.05 * face_unit(subject)), 0.05, 0.6)
    soft = soft * near
    sure = soft > _CERTAIN
    if sure.sum() < _ENOUGH:
        return np.asarray(soft, dtype=np.float32)
    lab = rgb_to_lab(view.picture)
    middle, spread = np.median(lab[sure], axis=0), np.maximum(lab[sure].std(axis=0), _LEAST_SPREAD)
    unlike = smoothstep(np.sqrt((((lab - middle) / spread) ** 2).sum(axis=2)), *_UNLIKE)
    return np.asarray(soft * (1 - unlike * (1 - smoothstep(soft, *_DOUBTED))), dtype=np.float32)


def _coefficients(view: View, probable: Field, sure: Field, none: Field, unit: float) -> Field:
    """(h, w, 10): the matte's linear function of colour (4), and the colours of the nearest hair and ground (6)."""
    picture = view.picture
    reach = max(1, round(EDGE_SHARE * unit * view.scale))
    guided = guided_filter_coefficients(probable, picture, reach, 2e-4)
    colors = np.dstack([picture, (picture**2).sum(axis=2)])
    hair, ground = nearest_values(colors, sure + np.float32(1e-6) * probable), nearest_values(colors, none + np.float32(1e-7))
    front, back = hair[:, :, :3], ground[:, :, :3]
    spread = hair[:, :, 3] - (front**2).sum(axis=2) + ground[:, :, 3] - (back**2).sum(axis=2)
    apart = front - back
    length = (apart**2).sum(axis=2)
    trust = length / (length + 4 * np.maximum(spread, 0) + np.float32(_NOISE))
    trust *= wide_blur(((1 - sure) * (1 - none)).astype(np.float32), 1.0)
    slopes = apart / np.maximum(length, 1e-4)[:, :, None]
    between = np.dstack([slopes, -(slopes * back).sum(axis=2)])
    differ = np.abs(apply_coefficients(between, picture).clip(0, 1) - probable)
    trust = trust * np.clip(1.6 - 1.4 * differ, 0, 1)
    mixed = guided + (between - guided) * trust[:, :, None]
    return np.dstack([mixed, front, back]).astype(np.float32)
