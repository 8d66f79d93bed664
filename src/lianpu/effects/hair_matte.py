"""The alpha matte of a subject's hair at the photo's resolution, and the hair's own colour where a pixel mixes hair and ground.

The parser's probabilities make a trimap: surely hair, surely none, unknown between. In the unknown band two linear functions of a
pixel's colour are mixed: the guided filter's, and the pixel's position between the colours of the nearest sure hair and the nearest
sure ground, which counts where the two differ. Linear functions are upsampled, so that strands get the photo's own resolution.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from lianpu.effects.carried import Anchor, CarriedMaps, quick_view, rate_of
from lianpu.effects.face_masks import crop_fade, face_unit, from_the_eyes, part_cover
from lianpu.effects.hair_strands import STRANDS, across_hair, drawn, gradient_angle
from lianpu.effects.matting import nearest_values
from lianpu.faces.live import HairColor
from lianpu.faces.parts import probability_over
from lianpu.faces.person import people_in
from lianpu.faces.results import Subject
from lianpu.imaging.color import channel_sum, rgb_to_lab
from lianpu.imaging.compositing import LONGEST_PX, Field, View, upsample, view_of
from lianpu.imaging.geometry import enlarge, scaled_size
from lianpu.imaging.masks import apply_coefficients, dilate, feather, guided_filter_coefficients, smoothstep, wide_blur
from lianpu.imaging.picture import Picture

EDGE_SHARE = 0.11
"""Reach of the guided filter, as a share of the face's unit: how far the matte's edge may move from the parsed one."""

_SOFT_EDGE, _STEEPER = 0.07, 1.15
"""The same where the parser gives probabilities, which know more of the edge than a mask, and how much steeper the matte then is."""

_NEAR = 0.15
"""Strands are looked for within this many units of the parsed hair."""

_PERSON_SURE, _ALIKE, _GROUND_APART, _SKIN_APART = (0.7, 0.95), (1.3, 2.3), (8.0, 16.0), (28.0, 42.0)
"""Hair that the parser misses: probabilities of a person that rule it out and allow it, likewise how far (standard deviations) its colour is from
that of the hair nearby, and how far that is from the ground's and
from skin's (CIE76): arms are no blond hair."""

_ROUGHER, _ASIDE = (1.2, 2.0), (0.9, 1.1)
"""What varies so many times as much as skin is hair nonetheless; and how far aside (units) hair above the eyes is questioned."""

_NO_DOUBT = (0.99, 0.9998)
"""Probabilities of hair that colours question, and do not."""

_NOT_HAIR, _LIKE_SKIN, _LIKE_GROUND = (1.8, 2.8), (2.0, 3.2), (6.0, 12.0)
"""What the parser takes for hair is none where its colour is so many standard deviations from the hair's, and below so many from skin's, or
as far from the ground's (CIE76)."""

_BEHIND_EAR = 0.75
"""By how much cheaper a way is that leads over the face's own ears and neck: hair goes on behind them."""

_THICK = (0.06, 0.13)
"""Radii in units below which what is taken for hair is none, and from which on it is."""

_HAIRLINE = 0.045
"""How soft a hairline is, in units: hair thins out there, and colours tell little of white hair beside skin."""

_THIN_ZONE, _THIN_ABOVE, _THIN, _THIN_OUT, _THIN_RAMP, _FRAY = 0.14, (-0.2, 0.05), 0.12, 0.05, (0.15, 0.95), 0.3
"""A painted hairline: how far from skin (units) and above which heights below the eyes (units) hair thins out, over what width (units),
how far out it begins, between which values of the blurred probability, and how much single strands reach further."""

_SPARSE, _SHOWS_STRANDS = (0.0, 0.6), (0.12, 0.3)
"""Probabilities of hair that become 0 and 1 at a hairline: the parser is less sure of sparse hair. And by how much hair is darker than skin
(1 is white) that shows how it thins out itself."""

_CLEAR = (0.15, 0.75)
"""Probabilities of hair that become 0 and 1: the parser is seldom sure within hair, and a soft edge comes from the photo's colours."""

_PERSON, _PERSON_REACH, _HAIR_ANYWAY = (0.15, 0.5), 0.06, (0.96, 0.998)
"""Probabilities of a person, within this many units, that rule hair out and allow it, unless that of hair is about certain: the network of
people loses thin hair, and sees dark walls behind dark hair."""

_GRID, _ROUNDS = 16.0, 3
"""Pixels of a unit at which paths through hair are measured, and how often the grid is gone through."""

_SCALP, _SCALP_END, _ROUND_HEAD = (1.15, 1.6), (0.4, 0.8), (1.7, 2.4)
"""Half axes of the head around the eyes in units, within which sure hair above the second (units below the eyes) is the face's own; where
a side of the face has none (a hat), likely hair above the third; and half axes of where it is looked for else."""

_AT_EASE, _TOLL, _PACE, _FAR_OFF = 0.75, 2.2, 0.02, (1.3, 2.0)
"""A unit of way through hair of a probability below the first costs this times what it lacks, and the third anyhow; three times as much as
far aside of the face as the last (units): there it is somebody else's, rather."""

_REACH = (0.2, 0.34)
"""Prices of the way from the scalp up to which hair is the face's own, and from which on it is another's, an animal's or no hair."""

_ENOUGH, _LEAST_SPREAD, _UNLIKE, _PATCH = 200, np.array((14, 5, 6), dtype=np.float32), (2.2, 3.8), 0.06
"""Where hair, blurred by the last (units), is unlike the scalp's own by that many standard deviations of Lab, a way through it is dear."""

_FRINGE_FROM, _FRINGE_REACH, _FRINGE, _FRINGE_CONTRAST = (-0.36, -0.28), 0.4, (0.5, 0.85), (0.02, 0.08)
"""Skin above these heights (units below the eyes; above the brows), within a reach of hair (units), is a fringe as far as its colour lies
between these shares of the way from the nearest skin to the nearest hair, where these differ by more than the last (squared)."""

_SIDE_LOCKS = (0.72, 0.86), 0.7
"""So far aside (units) strands hang lower, by this: before temples and cheeks."""

_SURE, _NONE = 0.85, 0.1
"""Probabilities of hair above and below which a pixel is surely hair, or surely none, if its surroundings are."""

_SURE_REACH, _NONE_REACH = 0.035, 0.05
"""How far these surroundings reach, in units."""

_NOISE = 0.006
"""Squared difference of two colours that is worth as much as nothing, plus four times their variances."""

_SKIN_SHOWS = 1.0
"""How little a pixel of the ground's colour is believed to be ground where the parser says hair; 1.4 the other way round."""

_FULL = (0.08, 0.92)
"""Results of the linear function that become 0 and 1."""


@dataclass(frozen=True, eq=False)
class HairMatte:
    """How much of each pixel is hair, and the colours on both sides of the hair's edge.

    Args:
        view: of the subject's window, wide where hair leaves the face's crop.
        fields: (h, w, 13): coefficients of the matte (4), its upper limit, the colours of the nearest hair and the nearest ground (6),
            `sure` with soft edges, and the most that shall be hair of a pixel: a painted hairline is to be as thin as a grown one.
        sure: (h, w), 0 to 1 over the view: what is surely hair.
        matte: (h, w), 0 to 1: the matte at the view's resolution.
        color: of the hair, averaged over the frames of a video; None where it is that of the photo.
    """

    view: View
    fields: Field
    sure: Field
    matte: Field
    color: HairColor | None = None

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
    towards = channel_sum(rest * apart) / np.maximum(channel_sum(apart * apart), 1e-4)
    rest -= (np.maximum(towards, 0) * (1 - inside))[:, :, None] * apart
    return np.clip(hair + share * rest, 0, 1)


def hair_matte(photo: Picture, subject: Subject) -> HairMatte | None:
    """The matte of the subject's hair in the photo (H, W, 3); None where no hair is to be seen. In a video it is the carried one."""
    kept = subject.carried.get(CARRIED)
    return kept.matte(photo, subject) if isinstance(kept, HairMemory) else _matte_in(photo, subject.wide(), LONGEST_PX)


def _matte_in(photo: Picture, subject: Subject, longest_px: int) -> HairMatte | None:
    """`hair_matte`, found in this picture, at a resolution of `longest_px`."""
    view = view_of(photo, subject.window, longest_px)
    core = part_cover(subject, view, "hair")
    if core.sum() < 4:
        return None
    unit = face_unit(subject)
    raw = probability_over(photo, subject, "hair", view.shape)
    probable = core if raw is None else _probability(subject, view, core, raw)
    sure, fields = edge_fields(view, probable, unit, soft=subject.parts.soft is not None)
    limit = smoothstep(feather(dilate(probable, view, 0.05 * unit), view, 0.03 * unit), 0.08, 0.4)
    limit *= crop_fade(subject, view, photo.shape) * _amount(probable, unit * view.scale)
    inside = feather(sure, view, 0.02 * unit)
    most = _hairline(subject, view, probable, raw, fields[:, :, 4:])
    whole = np.dstack([fields[:, :, :4], limit, fields[:, :, 4:], inside, most]).astype(np.float32)
    return HairMatte(view, whole, sure, matte_of(whole, view.picture))


def _hairline(subject: Subject, view: View, probable: Field, raw: Field | None, sides: Field) -> Field:
    """(h, w), 0 to 1: the most of a pixel that is to be hair, falling strand by strand to 0 at the border to a forehead.

    Args:
        subject: the face.
        view: that the fields are over.
        probable: (h, w), of hair.
        raw: (h, w), the parser's own probabilities: low where hair is sparse.
        sides: (h, w, 6), colours of hair and ground nearby. Hair darker than skin shows its own strands.
    """
    unit = face_unit(subject)
    _, down = from_the_eyes(subject, view, view.shape)
    zone = feather(dilate(part_cover(subject, view, "skin"), view, _THIN_ZONE * unit), view, 0.3 * _THIN_ZONE * unit)
    zone *= 1 - smoothstep(down, *_THIN_ABOVE)
    zone *= 1 - smoothstep(channel_sum(sides[:, :, 3:] - sides[:, :, :3]) / 3, *_SHOWS_STRANDS)
    if zone.max() < 0.01:
        return np.ones(view.shape, dtype=np.float32)
    unit_px = unit * view.scale
    ramp = feather(dilate(probable, view, _THIN_OUT * unit), view, 0.5 * _THIN * unit)
    if raw is not None:
        ramp = np.minimum(ramp, smoothstep(feather(raw, view, 0.02 * unit), *_SPARSE))
    slope = wide_blur(gradient_angle(ramp), max(1.0, 0.06 * unit_px))
    length = np.maximum(np.hypot(slope[:, :, 0], slope[:, :, 1]), 1e-6)
    usual = np.asarray(-slope / length[:, :, None], dtype=np.float32)
    light = np.asarray(channel_sum(view.picture) * np.float32(100 / 3), dtype=np.float32)
    across = across_hair(light, probable, usual, unit_px)
    lines = drawn(across, (ramp > 0.1) & (ramp < 0.9) & (zone > 0.5), subject, view, unit_px, _THIN, STRANDS)
    thin = smoothstep(ramp + 4 * _FRAY * ramp * (1 - ramp) * lines, *_THIN_RAMP)
    return np.asarray(1 + zone * (thin - 1), dtype=np.float32)


def edge_fields(view: View, probable: Field, unit: float, *, soft: bool) -> tuple[Field, Field]:
    """What is surely hair (h, w), and the matte's linear function of colour (h, w, 10) with the colours of the nearest hair and ground, from
    the probability of hair (h, w) over a view; `soft`: one that has no sharp edges of its own."""
    sure = dilate((probable > _SURE).astype(np.float32), view, -_SURE_REACH * unit)
    if sure.sum() < 4:
        sure = (probable >= 0.7 * float(probable.max())).astype(np.float32)
    none = dilate((probable < _NONE).astype(np.float32), view, -_NONE_REACH * unit)
    return sure, _coefficients(view, probable, sure, none, unit, soft)


def _amount(probable: Field, unit_px: float) -> float:
    """0 for what is nowhere thicker than the rim around a bald head, which may be anything, to 1 for hair."""
    radius = cv2.distanceTransform((probable > 0.5).astype(np.uint8), cv2.DIST_L2, 3).max() / unit_px
    return float(smoothstep(np.array(radius), *_THICK))


def _probability(subject: Subject, view: View, core: Field, soft: Field) -> Field:
    """(h, w), 0 to 1: how far the parser, and what is known of people, say that a pixel is hair of this face; the parsed mask (`core`) where
    the subject's parser gives no probabilities."""
    unit = face_unit(subject)
    soft = soft * smoothstep(feather(dilate(core, view, _NEAR * unit), view, 0.05 * unit), 0.05, 0.6)
    averaged = isinstance(subject.parts.soft, np.ndarray)  # over the frames of a video, where people's edges would flicker
    person = None if averaged else person_over(subject, view)
    if person is not None:
        seen = smoothstep(feather(dilate(person, view, _PERSON_REACH * unit), view, 0.02 * unit), *_PERSON)
        soft = soft * np.maximum(seen, smoothstep(soft, *_HAIR_ANYWAY))
        missed, other = _by_color(subject, view, soft, person)
        soft = np.maximum(soft * (1 - other * (1 - smoothstep(soft, *_NO_DOUBT))), missed)
    soft = smoothstep(soft * _own(subject, view, soft), *_CLEAR)
    soft = _with_fringe(subject, view, soft)
    skin = feather(dilate(part_cover(subject, view, "skin"), view, 0.06 * unit), view, 0.03 * unit)
    return np.asarray(soft + (feather(soft, view, _HAIRLINE * unit) - soft) * skin, dtype=np.float32)


def _by_color(subject: Subject, view: View, soft: Field, person: Field) -> tuple[Field, Field]:
    """(h, w) twice, 0 to 1: how likely what the parser takes for background is hair nonetheless: a person is there, its colour is that of
    the hair nearby, and that is not the colour of the ground. And how likely what it takes for hair is none: the colour is not that of the
    hair nearby but that of the face's skin (an arm), or of the ground nearby (a shadow on the wall)."""
    unit = face_unit(subject) * view.scale
    skin = view.picture[part_cover(subject, view, "skin", "nose") > 0.5]
    sure = view.picture[soft > _SURE]
    if not len(skin) or not len(sure):
        return np.zeros_like(soft), np.zeros_like(soft)
    skins, hairs = (rgb_to_lab(each[None])[0] for each in (skin, sure))
    tone = np.median(skins, axis=0)
    told = float(smoothstep(np.array(np.linalg.norm(tone - np.median(hairs, axis=0))), *_SKIN_APART))
    size = scaled_size(soft, min(1.0, _GRID / unit))
    lab = rgb_to_lab(wide_blur(view.picture, max(0.5, _PATCH * unit)))
    free = 1 - _parsed_else(subject, view)
    light = channel_sum(view.picture)
    rough = wide_blur(np.abs(light - wide_blur(light, max(0.5, 0.5 * _PATCH * unit))), max(0.5, _PATCH * unit))
    rough /= max(float(np.median(rough[part_cover(subject, view, "skin", "nose") > 0.5])), 1e-4)
    lab, hair, likely, free, rough = (
        np.asarray(cv2.resize(each, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
        for each in (lab, soft, person, free, rough)
    )
    ground = (1 - hair) * (1 - likely)
    known = nearest_values(np.dstack([lab, lab * lab]), (hair > _SURE) * np.float32(1) + np.float32(1e-6) * hair)
    spread = np.maximum(np.sqrt(np.maximum(known[:, :, 3:] - known[:, :, :3] ** 2, 0)), _LEAST_SPREAD / 2)
    apart = np.sqrt((((lab - known[:, :, :3]) / spread) ** 2).sum(axis=2))
    behind = nearest_values(lab, ground * ground + np.float32(1e-6))
    unlike = smoothstep(np.linalg.norm(behind - known[:, :, :3], axis=2), *_GROUND_APART)
    found = (1 - smoothstep(apart, *_ALIKE)) * smoothstep(likely, *_PERSON_SURE) * free * unlike * told
    from_skin = np.sqrt((((lab - tone) / np.maximum(skins.std(axis=0), _LEAST_SPREAD / 2)) ** 2).sum(axis=2))
    as_skin = (1 - smoothstep(from_skin, *_LIKE_SKIN)) * told
    as_ground = (1 - smoothstep(np.linalg.norm(lab - behind, axis=2), *_LIKE_GROUND)) * (1 - smoothstep(likely, *_PERSON_SURE))
    middle = np.median(hairs, axis=0)
    usual = np.maximum(1.48 * np.median(np.abs(hairs - middle), axis=0), _LEAST_SPREAD)
    from_hair = np.sqrt((((lab - middle) / usual) ** 2).sum(axis=2))
    other = np.maximum(as_skin, as_ground * unlike) * smoothstep(from_hair, *_NOT_HAIR) * (1 - smoothstep(rough, *_ROUGHER))
    across, down = from_the_eyes(subject, view, rough.shape)
    other *= np.maximum(smoothstep(np.abs(across), *_ASIDE), smoothstep(down, 0.0, 0.3))  # a fringe may be as light as skin
    return (
        np.asarray(enlarge(found.astype(np.float32), view.shape[::-1]), dtype=np.float32),
        np.asarray(enlarge(other.astype(np.float32), view.shape[::-1]), dtype=np.float32),
    )


def _parsed_else(subject: Subject, view: View) -> Field:
    """(h, w), 0 to 1: what the parser takes for another part than hair."""
    mask = np.asarray((subject.parts.mask > 0) & ~subject.parts.where("hair"), dtype=np.float32)
    return np.asarray(cv2.resize(mask, view.shape[::-1], interpolation=cv2.INTER_AREA), dtype=np.float32)


def person_over(subject: Subject, view: View) -> Field | None:
    """(h, w), 0 to 1: the probability of a person; None where the network that finds people is not on this machine."""
    face = replace(subject.face, points=view.to_view(subject.face.points).astype(np.float32))
    return people_in(np.rint(view.picture * 255).astype(np.uint8), [face], view.shape)


def _own(subject: Subject, view: View, soft: Field) -> Field:
    """(h, w), 0 to 1: what of the probable hair (h, w) hangs together with this face's scalp, by the cheapest way through hair."""
    unit = face_unit(subject) * view.scale
    size = scaled_size(soft, min(1.0, _GRID / unit))
    small = np.asarray(cv2.resize(soft, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    across, down = from_the_eyes(subject, view, small.shape)
    head = np.hypot(across / _SCALP[0], (down + 0.1) / _SCALP[1]) < 1
    scalp = head & (down < _SCALP_END[0]) & (small > _SURE)
    for half in (across < 0, across >= 0):
        if (scalp & half).sum() < 4:
            scalp |= half & head & (down < _SCALP_END[1]) & (small > 0.5)
    if scalp.sum() < 4:
        scalp = (np.hypot(across / _ROUND_HEAD[0], down / _ROUND_HEAD[1]) < 1) & (small >= 0.7 * float(small.max()))
    if scalp.sum() < 4:
        return np.ones(view.shape, dtype=np.float32)
    easy = small * (1 - 0.6 * _unlike(view, small, scalp, unit))
    dear = np.maximum(_AT_EASE - easy, 0) * (1 + 2 * smoothstep(np.abs(across), *_FAR_OFF))
    over = cv2.resize(part_cover(subject, view, "l_ear", "r_ear", "ear_r", "neck"), size, interpolation=cv2.INTER_AREA)
    dear *= 1 - np.float32(_BEHIND_EAR) * over
    away = _cheapest(np.where(scalp, np.float32(0), np.float32(1e3)), (_PACE + _TOLL * dear) / max(1.0, min(_GRID, unit)))
    return np.asarray(enlarge(1 - smoothstep(away, *_REACH), view.shape[::-1]), dtype=np.float32)


def _unlike(view: View, small: Field, scalp: np.ndarray, unit: float) -> Field:
    """(h, w) over a small copy: how far colours are unlike those of hair on the scalp, where the parser is not certain either."""
    lab = rgb_to_lab(wide_blur(view.picture, max(0.5, _PATCH * unit)))
    lab = np.asarray(cv2.resize(lab, small.shape[::-1], interpolation=cv2.INTER_AREA), dtype=np.float32)
    middle, spread = np.median(lab[scalp], axis=0), np.maximum(lab[scalp].std(axis=0), _LEAST_SPREAD)
    apart = np.sqrt((((lab - middle) / spread) ** 2).sum(axis=2))
    return np.asarray(smoothstep(apart, *_UNLIKE) * (1 - smoothstep(small, 0.97, 0.998)), dtype=np.float32)


def _cheapest(start: Field, price: Field) -> Field:
    """The price (h, w) of the cheapest way from pixels of a given start price, where a step costs what its pixel costs, by sweeps over
    rows and columns."""
    away = start.copy()
    aslant = np.float32(np.sqrt(2)) * price
    for _ in range(_ROUNDS):
        for values, straight, diagonal in ((away, price, aslant), (away.T, price.T, aslant.T)):
            for step in (1, -1):
                for row in range(len(values))[1:] if step > 0 else range(len(values) - 1)[::-1]:
                    before, here = values[row - step], values[row]
                    np.minimum(here, before + straight[row], out=here)
                    np.minimum(here[1:], before[:-1] + diagonal[row, 1:], out=here[1:])
                    np.minimum(here[:-1], before[1:] + diagonal[row, :-1], out=here[:-1])
    return away


def _with_fringe(subject: Subject, view: View, probable: Field) -> Field:
    """The probability with strands on the forehead that the parser takes for skin, by their colour."""
    unit = face_unit(subject)
    across, down = from_the_eyes(subject, view, view.shape)
    down = down - _SIDE_LOCKS[1] * smoothstep(np.abs(across), *_SIDE_LOCKS[0])
    brows = dilate(part_cover(subject, view, "l_brow", "r_brow", "eye_g", "l_eye", "r_eye"), view, 0.06 * unit)
    skin = part_cover(subject, view, "skin")
    near = dilate((probable > 0.6).astype(np.float32), view, _FRINGE_REACH * unit)
    where = skin * near * (1 - brows) * (1 - smoothstep(down, *_FRINGE_FROM))
    if where.max() <= 0:
        return probable
    hair = nearest_values(
        view.picture, dilate((probable > _SURE).astype(np.float32), view, -_SURE_REACH * unit) + np.float32(1e-6)
    )
    bare = dilate(skin * (probable < _NONE), view, -_NONE_REACH * unit)
    ground = nearest_values(view.picture, bare + np.float32(1e-6))
    apart = hair - ground
    length = np.maximum((apart**2).sum(axis=2), 1e-4)
    along = ((view.picture - ground) * apart).sum(axis=2) / length
    found = smoothstep(along, *_FRINGE) * smoothstep(length, *_FRINGE_CONTRAST)
    return np.maximum(probable, (where * found).astype(np.float32))


def _coefficients(view: View, probable: Field, sure: Field, none: Field, unit: float, soft: bool) -> Field:
    """(h, w, 10): the matte's linear function of colour (4), and the colours of the nearest hair and ground (6)."""
    picture = view.picture
    reach = max(1, round((_SOFT_EDGE if soft else EDGE_SHARE) * unit * view.scale))
    guided = guided_filter_coefficients(probable, picture, reach, 2e-4)
    colors = np.dstack([picture, channel_sum(picture**2)])
    hair, ground = nearest_values(colors, sure + np.float32(1e-6) * probable), nearest_values(colors, none + np.float32(1e-7))
    front, back = hair[:, :, :3], ground[:, :, :3]
    spread = hair[:, :, 3] - channel_sum(front**2) + ground[:, :, 3] - channel_sum(back**2)
    apart = front - back
    length = channel_sum(apart**2)
    trust = length / (length + 4 * np.maximum(spread, 0) + np.float32(_NOISE))
    trust *= wide_blur(((1 - sure) * (1 - none)).astype(np.float32), 1.0)
    slopes = apart / np.maximum(length, 1e-4)[:, :, None]
    between = np.concatenate([slopes, -channel_sum(slopes * back)[:, :, None]], axis=2)
    differ = apply_coefficients(between, picture).clip(0, 1) - probable
    trust = trust * np.clip(1.6 - np.where(differ < 0, np.float32(-_SKIN_SHOWS), np.float32(1.4)) * differ, 0, 1)
    mixed = guided + (between - guided) * trust[:, :, None]
    if soft:
        mixed = _STEEPER * mixed
        mixed[:, :, 3] += 0.5 * (1 - _STEEPER)
    return np.dstack([mixed, front, back]).astype(np.float32)


CARRIED = "hair"
"""The name in `Subject.carried` of what `HairMemory` keeps."""

_CARRIED_PX = 320
"""Longer side of the view in which the hair of a video is found, and side of the map that carries it."""

_FOUND_EVERY = 4
"""The hair's matte is found anew in every frame of so many."""

_MATTE_S, _COLOR_S = 0.12, 1.0
"""Time constants, in seconds, with which the carried matte and the hair's colour follow what is found."""

_LIMIT = 4
"""Which of `HairMatte.fields` is the matte's upper limit."""

_SURE_COLOR = 0.7
"""Least part of a mask of sure hair in which its colour is measured."""


@dataclass(frozen=True, eq=False)
class HairMemory:
    """A tracked face's hair, carried from frame to frame: how it meets the ground is found in some frames, and followed slowly.

    Args:
        maps: `HairMatte.fields`.
        color: of the hair, averaged.
        color_found: as it was measured last.
    """

    maps: CarriedMaps
    color: HairColor
    color_found: HairColor

    def matte(self, photo: Picture, subject: Subject) -> HairMatte:
        """The hair's matte in a frame (H, W, 3) of that face."""
        view = quick_view(photo, subject.window, _CARRIED_PX)
        fields = self.maps.anchor.over_view(self.maps.shown, subject.landmarks.points, view)
        sure = np.clip(2 * fields[:, :, 11] - np.float32(0.5), 0, 1)
        return HairMatte(view, fields, np.asarray(sure, dtype=np.float32), matte_of(fields, view.picture), self.color)

    def followed(self, seconds: float) -> HairMemory:
        """The memory so many seconds later."""
        color = self.color.moved_to(self.color_found, rate_of(seconds, _COLOR_S))
        return replace(self, maps=self.maps.followed(rate_of(seconds, _MATTE_S)), color=color)


def carry_hair(before: HairMemory | None, photo: Picture, subject: Subject, seconds: float, turn: int) -> HairMemory | None:
    """What is kept of a tracked face's hair after another frame; None as long as none was seen.

    Args:
        before: after the frame before; None for a new face.
        photo: (H, W, 3), the frame.
        subject: the face in it.
        seconds: since the frame before.
        turn: number of the frame, shifted by the face's: several faces take turns.
    """
    points = subject.landmarks.points
    if before is not None and not before.maps.anchor.is_near(points):
        before = replace(before, maps=before.maps.anchored_anew(subject.face.points, points))
    if before is not None and turn % _FOUND_EVERY:
        return before.followed(seconds)
    matte = _matte_in(photo, subject, _CARRIED_PX)
    if matte is None:
        if before is None:
            return None
        gone = before.maps.found.copy()
        gone[:, :, _LIMIT] = 0
        return replace(before, maps=replace(before.maps, found=gone)).followed(seconds)
    color = _color_of(matte)
    if before is None:
        anchor = Anchor.of(subject.face.points, points, _CARRIED_PX)
        return HairMemory(CarriedMaps.begin(matte.fields, points, matte.view, anchor), color, color)
    maps = before.maps.found_again(matte.fields, points, matte.view)
    return replace(before, maps=maps, color_found=color).followed(seconds)


def _color_of(matte: HairMatte) -> HairColor:
    lab = sure_hair(matte)
    low, middle, high = np.percentile(lab[:, 0], (5, 50, 95)).tolist()
    a, b = lab[:, 1:].mean(axis=0).tolist()
    return HairColor((low, middle, high), (a, b))


def sure_hair(matte: HairMatte) -> Field:
    """Lab (n, 3) of what is surely hair in a matte's view."""
    sure = matte.sure >= min(_SURE_COLOR, float(matte.sure.max()))
    return rgb_to_lab(matte.view.picture[sure][None])[0]
