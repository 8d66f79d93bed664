"""Beards: what the lower face would look like shaved, by principal components of shaved faces, and stubble drawn along the skin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from lianpu.faces.mesh import REGIONS
from lianpu.imaging.compositing import Field
from lianpu.imaging.geometry import enlarge
from lianpu.imaging.masks import smoothstep
from lianpu.transforms.model import SHAVED_PX, TransformModel
from lianpu.transforms.reading import BANDS, BLACK, Reading, blurred, merged, weighted, where
from lianpu.transforms.surface import FRAME, MAP_PX, OVAL, at_places

NO_MAN = -0.1
"""How male a face looks at most (-0.5 to 0.5) whose jaw has no beard, whatever hair lies over it."""

_CHROMA_WEIGHT = 16.0

_MOST_CHROMA = 0.05
"""By how much the relative chroma of skin that is seen may change: more is a flare, or no beard."""

_LOPSIDED = 0.06
"""By how much darker, in log light, one side of a beard may be than the other."""

_ONE_SIDED = 0.9
"""By how much surer, in the score of hair, one side of a beard may be than the other."""

_PRIOR = 3.0
"""Weight of the shaved faces' own spread against what the upper face shows."""

_NECK = 96.0
"""Units below the chin down to which a beard may hang."""

_JAW_SHADE, _JAW_FORM = 0.38, 0.09
"""By how much darker, in log light, the skin under the jaw is than the chin above it, and the jaw's own edge, which turns away."""

_THROAT = (75.0, 10.0, 40.0)
"""Half the width of what lies below the chin, and from where to where below it, when it is asked whether a beard hangs there."""

_HANGS, _SHORTENED = (0.55, 0.8), 0.42
"""Shares of hair there from which on a beard only gets shorter, and how much of it stays: nobody knows what neck it hides."""

_LIKE_CHEEKS, _BELOW_CHEEKS = 0.8, 0.06
"""How much of what shaved skin lacks of the cheeks' light and colour it gets, and how much darker, in log light, it may stay."""

# What follows was set by eye on bearded and bare training faces. Lengths are in units of the canonical frame.

_LOW = (-60.0, -30.0)
"""Below the chin (above it: negative): where what lies beside the face begins to be reckoned as its lower part."""

_NECK_WIDTH, _NECK_NARROWS = 116.0, 0.4
"""How far to each side of the chin a beard may hang, and by how much less for each unit below the chin."""

_EDGE_OF_NECK, _EDGE_OF_HANGING = (14.0, 0.0), (46.0, 30.0)
"""Where, inside of that width, a beard on skin fades out, and hair: what hangs farther out falls from the head."""

_OUTLINE = 2.2
"""Over how much around the head's outline pixels may be of both, head and what lies behind it."""

_TOLD_APART = (12.0, 30.0)
"""Differences in Lab between a beard and what lies behind it at which a pixel's own colour begins to tell how much it has of both."""

_MIXED = (0.6, 0.97)
"""Shares of the head in a pixel up to which it only changes by the difference of skin and beard, and from which on it is made anew."""

_DARKER, _DARKER_WEIGHT = 0.06, 6.0
"""In log light: how much darker than shaved skin is no sign of hair yet; and the score for each 1 above it."""

_ROUGHER, _ROUGHER_WEIGHT = 0.7, 0.95
"""In log energy of detail: how much rougher than the cheeks is no sign of hair yet; and the score for each 1 above it."""

_GREYER, _MOST_GREY, _GREYER_WEIGHT = 0.015, 0.12, 12.0
"""In relative chroma: how much greyer than shaved skin is no sign of hair yet, what counts at most, and the score for each 1 above."""

_PARSED_WEIGHT = 1.5
"""The score of what the parser takes for hair."""

_LIKELY, _SURE = -0.1, (0.5, 1.1)
"""Scores from which on a pixel may be hair, and between which it gets sure."""

_GROWS_BY = 24.0
"""How far likely places may lie from sure ones."""

_UPPER_LIP = ((3.9, 4.3), (0.4, 0.08))
"""Log light of skin, and by how much darker an upper lip is than the lower one, at most."""

_AT_LIPS, _RING = 0.25, 9.0
"""Share of hair around the lips, within this distance, from which on what looks like hair at their edge is hair."""

_WHITE = 5.0
"""The score for each 1 of log light above that of shaved skin, between places that are hair."""

_LOCAL, _COVERS = 8.0, (0.05, 0.55)
"""Over how much around it a score is averaged, and the averages of stubble, through which the skin is seen and stays, and of a beard."""

_HAS = (0.15, 0.7)
"""Mean scores on upper lip or chin from which on a face may have a beard, and at which it surely has one."""

_LEAST_SURE, _LEAST_GROWN = 120.0, 40.0
"""Square units of sure hair that a face needs to have a beard, and that one connected part of it needs to be a part of it."""

_PLACE = 0.25
"""Share of a place where beards grow from which on it is looked at."""

_CLOSED, _WIDER, _SOFT = 11.0, 5.0, 3.0
"""Gaps inside a beard that are closed, the rim that is added around it, and by how much that is softened."""


@dataclass(frozen=True, eq=False)
class Shave:
    """What takes a face's beard off, over its view (h, w).

    Args:
        beardness: how much darker the beard's zone is than it would be shaved, in log light; about 0 without a beard.
        zone: 0 to 1: where the look of the skin is brought to a shaved one.
        change: (h, w, 3) of tone, to the shaved look.
        shaved: (h, w, 3) tone of the shaved face.
        gains: (h, w, 4) of detail, to that of the cheeks.
        rough: (4,) root mean square of each band of the cheeks' detail, relative to the light.
    """

    beardness: float
    zone: Field
    replaced: Field
    rim: Field
    change: Field
    shaved: Field
    gains: Field
    rough: Field


def shave(reading: Reading, model: TransformModel, amount: float, male: float) -> Shave:
    """How the beard of a face comes off.

    Args:
        reading: the face; every one has some change there, a shaved one hardly any.
        model: the learned faces.
        amount: 0 to 1.
        male: -0.5 to 0.5, what the face is taken to be: hair over a woman's jaw is no beard.
    """
    zones = model.zones
    shaved = shaved_tone(reading, model)
    man = np.float32(smoothstep(np.array(male), NO_MAN, 0.2))
    grown = reading.sampled(zones.hairy) * man
    anything = where(reading.classes, ("skin", "nose")) + where(reading.classes, ("hair",)) * grown
    total = blurred(weighted(reading.tone, anything), 4.0 * reading.scale)
    found = at_places(total, reading.to_view)
    own = found[..., :3] / np.maximum(found[..., 3:], 1e-3)
    difference = shaved - own
    # a beard grows on both sides, a shadow falls on one
    mirrored = np.where(found[:, ::-1, 3] > 0.4, difference[:, ::-1, 0] + _LOPSIDED, np.inf)
    difference[..., 0] = np.minimum(difference[..., 0], mirrored)
    darker = np.clip(difference[..., 0], 0, 0.8)
    beardness = float((np.minimum(darker, 0.6) * zones.density).sum() / max(float(zones.density.sum()), 1e-6))
    difference[..., 0] = np.clip(difference[..., 0], -0.03, 0.8)
    difference[..., 1:] = np.clip(difference[..., 1:], -_MOST_CHROMA, _MOST_CHROMA)
    place = _where_beards_grow(reading, model, man)
    hair = _hair(reading, model, shaved, place)
    lips = _lips(reading, reading.sampled(shaved), hair)
    place *= 1 - lips
    look, rim, made_anew = reading.sampled(shaved), np.zeros((*hair.shape, 3), dtype=np.float32), np.ones_like(hair)
    if hair.any():
        amount *= 1 - _SHORTENED * float(smoothstep(np.array(_hanging(reading, model, hair)), *_HANGS))
        look = _skin_beneath(reading, model, shaved, hair, lips)
        hair, made_anew, rim = _up_to_the_outline(reading, hair, look)
    replaced = hair * place * man * np.float32(amount)
    covered = blurred(anything, 1.6 * reading.scale) * (1 - reading.cover("hair", soft=1.6) * (1 - grown))
    zone = covered * (1 - lips) * reading.sampled(zones.beard) * np.float32(amount * np.clip(0.25 + beardness * 6, 0, 1))
    return Shave(
        beardness,
        np.maximum(zone, replaced * made_anew),
        replaced * made_anew,
        rim * replaced[..., None],
        reading.sampled((difference * zones.beard[..., None]).astype(np.float32)) * zone[..., None],
        look,
        _gains(reading, model),
        _roughness(reading, model),
    )


def beard_seen(reading: Reading, model: TransformModel, male: float) -> Field:
    """(h, w), 0 to 1: where a face of that sex (-0.5 to 0.5) has a beard."""
    man = np.float32(smoothstep(np.array(male), NO_MAN, 0.2))
    if man == 0:
        return np.zeros(reading.view.shape, dtype=np.float32)
    return _hair(reading, model, shaved_tone(reading, model), _where_beards_grow(reading, model, man)) * man


def _where_beards_grow(reading: Reading, model: TransformModel, man: np.float32) -> Field:
    """(h, w), 0 to 1: the lower face and the neck below it."""
    chin, (x, y) = model.canonical[152], canonical_places(reading)
    aside, under = np.abs(x - float(chin[0])), y - float(chin[1])
    low = smoothstep(under, *_LOW) * (1 - smoothstep(under, _NECK - 30, _NECK))
    narrow = _NECK_WIDTH - _NECK_NARROWS * np.maximum(under, 0)
    below = low * (1 - smoothstep(aside, narrow - _EDGE_OF_NECK[0], narrow - _EDGE_OF_NECK[1]))
    hanging = low * (1 - smoothstep(aside, narrow - _EDGE_OF_HANGING[0], narrow - _EDGE_OF_HANGING[1]))
    mouth = blurred(_grown(_filled(reading, REGIONS["lips_outer"]), 22 * reading.scale), 3 * reading.scale)
    zone = np.maximum(np.maximum(reading.sampled(model.zones.beard), below), mouth)
    hair = where(reading.classes, ("hair",)) * man * np.maximum(reading.sampled(model.zones.hairy), hanging)
    skin = where(reading.classes, ("skin", "neck", "u_lip", "l_lip", "nose", "mouth"))
    zone *= blurred(np.minimum(skin + where(reading.classes, _BEHIND) + hair, 1), 1.0 * reading.scale)  # no hair of the head
    other = 1 - reading.cover("l_eye", "r_eye", "eye_g", "hat", "ear_r", "l_ear", "r_ear", soft=0.8)  # these keep their edges
    return np.asarray(zone * other, dtype=np.float32)


_BEHIND = ("background", "cloth", "neck_l")
"""What may lie behind a beard, or before it."""


def _hanging(reading: Reading, model: TransformModel, hair: Field) -> float:
    """What share of the place below the chin is hair that the parser takes for the face, and not for a neck: a beard that hangs there."""
    chin, (x, y) = model.canonical[152], canonical_places(reading)
    under = y - float(chin[1])
    place = (np.abs(x - float(chin[0])) < _THROAT[0]) & (under > _THROAT[1]) & (under < _THROAT[2])
    return float((hair * where(reading.classes, ("skin",)))[place].mean()) if place.any() else 0.0


def _up_to_the_outline(reading: Reading, hair: Field, look: Field) -> tuple[Field, Field, Field]:
    """Hair (h, w) up to the head's outline, how much of it is made anew (h, w), and the change (h, w, 3) of Lab of the rest.

    A pixel of the outline is a mixture of beard and of what lies behind it. Its part of beard turns to skin (`look`) and the rest stays, so
    the outline keeps its place and its softness. The part is told by its colour where both differ, else by the parts around it.
    """
    scale = reading.scale
    behind = where(reading.classes, _BEHIND)
    near = [
        blurred(weighted(reading.lab, mask), 6.0 * scale)
        for mask in ((_grown(behind, 2.0 * scale) == 0) * hair, (_grown(1 - behind, 3.0 * scale) == 0).astype(np.float32))
    ]
    beard, beyond = (total[..., :3] / np.maximum(total[..., 3:], 1e-3) for total in near)
    known = np.clip(np.minimum(near[0][..., 3], near[1][..., 3]) / 0.02, 0, 1)
    apart = beard - beyond
    length = np.sqrt((apart**2).sum(axis=-1))
    along = ((reading.lab - beyond) * apart).sum(axis=-1) / np.maximum(length, 1) ** 2
    soft = 1 - blurred(behind, _OUTLINE * scale)
    edge = smoothstep(soft, 0.02, 0.12) * (1 - smoothstep(soft, 0.9, 0.99))
    share = soft + edge * known * smoothstep(length, *_TOLD_APART) * (np.clip(along, 0, 1) - soft)
    anew = smoothstep(share, *_MIXED)
    beyond_edge = blurred(_grown(hair, 2.5 * _OUTLINE * scale), 0.8 * scale)
    hair = hair + (np.maximum(hair, beyond_edge) - hair) * (1 - smoothstep(soft, 0.9, 1.0))
    skin = merged(light_of(look), *cv2.split(skin_chroma(look)))
    change = (share * (1 - anew) * np.clip(near[0][..., 3] / 0.02, 0, 1))[..., None] * (skin - beard)
    return np.asarray(hair, dtype=np.float32), np.asarray(anew, dtype=np.float32), np.asarray(change, dtype=np.float32)


def canonical_places(reading: Reading) -> tuple[Field, Field]:
    """x and y (h, w) of the view's pixels in the canonical frame, also beyond it."""
    at = (reading.to_frame + np.float32(0.5)) * np.float32(FRAME / MAP_PX) - np.float32(0.5)
    return np.asarray(at[..., 0], dtype=np.float32), np.asarray(at[..., 1], dtype=np.float32)


def _hair(reading: Reading, model: TransformModel, shaved: Field, place: Field) -> Field:
    """(h, w), 0 to 1: where a beard is seen: darker than the skin would be, of another colour, or as rough as no skin is.

    Sure places grow into likely ones beside them (hysteresis), so that no rim of a beard is left. Without hair on upper lip and chin there
    is none: folds of cheeks are rough, too.
    """
    scale = reading.scale
    bearded = where(reading.classes, ("hair",))
    open_skin = where(reading.classes, ("skin", "neck")) + bearded
    far = 1 - reading.cover("u_lip", "l_lip", "mouth", "nose", grown=1.5)
    valid = open_skin * far
    base = reading.sampled(shaved)
    light = np.asarray(reading.levels[-1] + np.float32(BLACK), dtype=np.float32)
    bands = [((reading.levels[k] - reading.levels[k + 1]) / light) ** 2 for k in (1, 2)]
    inner = valid * reading.cover("skin", "neck", "hair", "u_lip", "l_lip", "mouth", "nose", grown=-3.0)  # edges are no texture
    planes = [*(plane * valid for plane in cv2.split(reading.tone)), *(band * inner for band in bands), inner, valid]
    light, red, yellow, *bands, inner, valid = (blurred(plane, 3.0 * scale) for plane in planes)
    weight, rest = np.maximum(valid, np.float32(1e-3)), np.maximum(inner, np.float32(1e-3))
    energy = [np.log(np.maximum(band / rest, np.float32(1e-7))) for band in bands]
    cheeks = (reading.sampled(model.zones.cheeks) > 0.5) & (reading.skin > 0.5)
    usual = [float(np.median(one[cheeks])) for one in energy] if cheeks.sum() > 40 else [-8.0, -7.5]
    rough = np.clip(sum(one - max(own, -9.0) for one, own in zip(energy, usual, strict=True)) / 2, -1, 5)
    neck = blurred(where(reading.classes, ("neck",)), 2.0 * scale)  # lies in shadow
    darker = (base[..., 0] - light / weight) * (1 - 0.75 * neck)
    grey = np.hypot(base[..., 1], base[..., 2]) - np.hypot(red / weight, yellow / weight)
    score = _DARKER_WEIGHT * (np.maximum(darker, 0) - _DARKER) + _ROUGHER_WEIGHT * (rough - _ROUGHER) + _PARSED_WEIGHT * bearded
    score += _GREYER_WEIGHT * (np.clip(grey, 0, _MOST_GREY) * (1 - neck) - _GREYER)
    score = np.where(valid > 0.02, score, -4)
    there = reading.in_frame(np.dstack([score, valid]).astype(np.float32))[:, ::-1]
    # a beard grows on both sides, a hand or a shadow lies on one
    score = np.minimum(score, reading.sampled(np.where(there[..., 1] > 0.4, there[..., 0] + _ONE_SIDED, 9).astype(np.float32)))
    inside = place > _PLACE
    sure = (smoothstep(score, *_SURE) * inside * reading.sampled(model.zones.beard)).astype(np.float32)
    there_is = smoothstep(np.array(_at_the_mouth(reading, model, score, valid > 0.02)), *_HAS)
    if sure.sum() < _LEAST_SURE * scale**2 or there_is == 0:
        return np.zeros(sure.shape, dtype=np.float32)
    reached = _grown((sure > 0.4).astype(np.float32), _GROWS_BY * scale) > 0
    likely = ((score > _LIKELY) & inside & reached).astype(np.uint8)
    count, parts = cv2.connectedComponents(likely, connectivity=8)
    held = np.bincount(parts.ravel(), weights=sure.ravel(), minlength=count) > _LEAST_GROWN * scale**2
    held[0] = False
    grown = held[parts].astype(np.float32)
    closing = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, round(_CLOSED * scale)) + 1,) * 2)
    grown = cv2.morphologyEx(grown, cv2.MORPH_CLOSE, closing)
    outlines, _ = cv2.findContours(grown.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    grown = cv2.drawContours(grown, outlines, -1, 1.0, cv2.FILLED)  # no tuft is left inside
    beard = blurred(_grown(np.asarray(grown, dtype=np.float32), _WIDER * scale), _SOFT * scale) * there_is
    counted = np.maximum(score, -1) + _WHITE * np.clip(-darker - 0.04, 0, 0.5)  # a white beard is no shaved place
    total = blurred(merged(*(plane * grown for plane in (counted, np.ones_like(score)))).astype(np.float32), _LOCAL * scale)
    beard *= smoothstep(total[..., 0] / np.maximum(total[..., 1], 1e-3), *_COVERS)
    return np.asarray(beard, dtype=np.float32)


def _at_the_mouth(reading: Reading, model: TransformModel, score: Field, valid: np.ndarray) -> float:
    """The mean score of hair on the upper lip, or on the chin: the larger one."""
    (x, y), points = canonical_places(reading), model.canonical
    aside = np.abs(x - float(points[152, 0]))
    lip = (aside < 38) & (y > float(points[2, 1]) + 10) & (y < float(points[0, 1]) + 1)
    chin = (aside < 34) & (y > float(points[17, 1]) + 12) & (y < float(points[152, 1]) - 16)
    valid &= _grown(_filled(reading, REGIONS["lips_outer"]), 2 * reading.scale) == 0
    return max((float(score[part & valid].mean()) for part in (lip, chin) if (part & valid).sum() > 5), default=0.0)


def _grown(mask: Field, by: float) -> Field:
    """A mask (h, w) dilated by some pixels."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, round(by)) + 1,) * 2)
    return np.asarray(cv2.dilate(mask, kernel), dtype=np.float32)


def _off_the_jaw(reading: Reading) -> Field:
    """(h, w) how far each pixel lies outside of the face's outline, in units of the frame; negative inside."""
    oval = _filled(reading, OVAL).astype(np.uint8)
    out, inside = (np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 5), dtype=np.float32) for mask in (1 - oval, oval))
    far = np.float32(sum(oval.shape))  # no outline in the view: OpenCV gives the largest number
    off = (np.minimum(out, far) - np.minimum(inside, far)) / np.float32(reading.scale)
    return blurred(np.asarray(off, dtype=np.float32), 2.0 * reading.scale)


def _skin_beneath(reading: Reading, model: TransformModel, shaved: Field, hair: Field, lips: Field) -> Field:
    """Tone (h, w, 3) of the skin under a beard: the shaved faces' mixture, with what the skin around the beard has more or less of."""
    scale, away = reading.scale, _off_the_jaw(reading)
    chin, (_, y) = model.canonical[152], canonical_places(reading)
    base = reading.sampled(shaved).copy()
    low = smoothstep(y, float(chin[1]) - 90, float(chin[1]) - 30)
    below = smoothstep(away, -5, 9) - np.float32(0.35) * smoothstep(away, 16, 70)
    base[..., 0] -= low * (np.float32(_JAW_SHADE) * below + np.float32(_JAW_FORM) * smoothstep(away, -26, -2))
    skin = reading.cover("skin", "neck", grown=-2.0) * (1 - reading.cover("u_lip", "l_lip", "mouth", "nose", grown=2.5))
    sure = np.asarray(skin * (1 - np.clip(1.6 * hair, 0, 1)) * (1 - lips), dtype=np.float32)
    usual = 0.15 + 0.3 * smoothstep(away, 0, 6)  # how light a neck is, nobody knows but its own skin
    sure *= np.exp(-np.clip(np.abs(reading.tone[..., 0] - base[..., 0]) - usual, 0, 2) * 6)  # neither folds nor clothes
    small = (max(8, round(base.shape[1] / (4 * scale))), max(8, round(base.shape[0] / (4 * scale))))
    outer = np.asarray(smoothstep(away, -3, 6), dtype=np.float32)
    rest = reading.tone - base
    face, all_of_it = (_continued(weighted(rest, sure * part), small) for part in (1 - outer, np.float32(1)))
    look = base + merged(
        *(
            enlarge(one, base.shape[1::-1]) * (1 - outer) + enlarge(other, base.shape[1::-1]) * outer
            for one, other in zip(cv2.split(face), cv2.split(all_of_it), strict=True)
        )
    )
    look += _like_cheeks(reading, model, look, hair > 0.5)
    lips_outer, inner = (_filled(reading, REGIONS[name]) for name in ("lips_outer", "lips_inner"))
    up, low = (where(reading.classes, (name,)) * lips_outer for name in ("u_lip", "l_lip"))
    if (low > 0).sum() > 40 * scale**2:  # a lip under a moustache has the other one's colour, or its own, in its shade
        lower = np.median(reading.tone[low > 0], axis=0)
        inside = (up > 0) & (_grown(1 - lips_outer, 3.0 * scale) == 0)
        upper = np.median(reading.tone[inside], axis=0) if inside.sum() > 12 * scale**2 else lower
        darker = float(np.interp(np.median(look[..., 0][low > 0]), *_UPPER_LIP))
        upper = np.array((np.clip(upper[0], lower[0] - darker, lower[0]), *((upper + lower)[1:] / 2)), dtype=np.float32)
        near = [blurred(one, 3.0 * scale) + np.float32(1e-4) for one in (up, low)]
        share = (near[0] / (near[0] + near[1]))[..., None]
        parts = where(reading.classes, ("u_lip", "l_lip", "mouth"))  # the mesh's lips may be larger
        parsed = np.maximum(_grown(parts, 1.0 * scale), _grown(parts, 6.0 * scale) * hair)
        lip = blurred(lips_outer * (1 - inner) * parsed, 1.6 * scale)[..., None]
        look += lip * (lower + share * (upper - lower) - look)
    return np.asarray(look, dtype=np.float32)


def _like_cheeks(reading: Reading, model: TransformModel, look: Field, hair: np.ndarray) -> Field:
    """(h, w, 3): what a look (h, w, 3) of skin beneath hair lacks of the light and colour of the cheek on its side of the face."""
    x, y = canonical_places(reading)
    off = x - float(model.canonical[152, 0])
    cheeks = (reading.sampled(model.zones.cheeks) > 0.6) & (reading.skin > 0.6)
    low = hair & (y < float(model.canonical[152, 1]) - 24)
    lacks = []
    for side in (off < 0, off >= 0):
        known, new = reading.tone[cheeks & side], look[low & side]
        if len(known) < 20 or len(new) < 20:
            lacks.append(np.zeros(3))
            continue
        apart = _LIKE_CHEEKS * (np.median(known, axis=0) - np.median(new, axis=0)) - (_BELOW_CHEEKS, 0, 0)
        lacks.append(np.clip(apart, 0, (0.25, 0.05, 0.06)))
    right = smoothstep(off, -40, 40)[..., None]
    bare = reading.skin * (1 - hair)
    deep = 1 - smoothstep(
        blurred(np.asarray(bare, dtype=np.float32), 12.0 * reading.scale), 0.03, 0.45
    )  # no edge beside bare skin
    return np.asarray((lacks[0] * (1 - right) + lacks[1] * right) * deep[..., None], dtype=np.float32)


def _continued(known: Field, size: tuple[int, int]) -> Field:
    """What is known, a weighted field (h, w, 4), continued over all of a small one (n, m, 3), smoothly and ever weaker."""
    known = np.asarray(cv2.resize(known, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    filled, done = np.zeros((*known.shape[:2], 3), np.float32), np.zeros((*known.shape[:2], 1), np.float32)
    for sigma in (1.2, 2.5, 5.0, 10.0, 20.0):
        total = cv2.GaussianBlur(known, (0, 0), sigma)
        near = np.clip(total[..., 3:] / 0.12, 0, 1) ** 2
        filled += (1 - done) * near * (total[..., :3] / np.maximum(total[..., 3:], 1e-4))
        done = done + (1 - done) * near
    filled = cv2.GaussianBlur(filled / np.maximum(done, 1e-3) * np.minimum(done / 0.2, 1), (0, 0), 1.5)
    filled[..., 1:] = np.clip(filled[..., 1:], -0.05, 0.05)
    return np.asarray(filled, dtype=np.float32)


def _filled(reading: Reading, region: tuple[int, ...]) -> Field:
    """(h, w): 1 inside an outline of points of the mesh."""
    inside = np.zeros(reading.view.shape, dtype=np.uint8)
    cv2.fillPoly(inside, [np.rint(reading.flat[list(region)] * 16).astype(np.int32)], 1, shift=4)
    return inside.astype(np.float32)


def _roughness(reading: Reading, model: TransformModel) -> Field:
    """(4,) the cheeks' detail by band, relative to the light; folds are no texture, so coarse bands count less."""
    cheeks = (model.zones.cheeks > 0.5) & (reading.known > 0.5)
    energy = reading.energy[cheeks] if cheeks.sum() > 30 else reading.energy.reshape(-1, len(BANDS))
    usual = np.quantile(energy, 0.4, axis=0)
    return np.asarray(np.sqrt(np.clip(np.exp(usual), 0, 0.0025)) * (1.0, 0.85, 0.55, 0.25), dtype=np.float32)


def _lips(reading: Reading, look: Field, hair: Field) -> Field:
    """(h, w): lips and mouth, kept as they are.

    Parsers take the lower edge of a moustache for lips: between hair (`hair`), what lies outside of the mesh's lips, and what of the upper
    lip is dark or no redder than its shaved skin (`look`), is no lip.
    """
    lips, inside = reading.cover("u_lip", "l_lip", "mouth"), _filled(reading, REGIONS["lips_outer"])
    teeth = teeth_of(reading)
    ring = _grown(inside, _RING * reading.scale) * (1 - inside)
    if float((ring * hair).sum()) > _AT_LIPS * float(ring.sum()):
        tone, lower = blurred(reading.tone, reading.scale), where(reading.classes, ("l_lip",)) * inside > 0
        other = np.median((reading.tone - look)[lower], axis=0) if lower.sum() > 20 else np.array((0.0, 0.04, 0.0))
        # dark lips are hardly redder than the skin, and may be darker: as the lower one is
        red = smoothstep(tone[..., 1] - look[..., 1], min(0.0, 0.7 * other[1] - 0.02), np.clip(0.7 * other[1], 0.002, 0.03))
        light = smoothstep(tone[..., 0] - look[..., 0] - min(0.0, float(other[0])), -0.5, -0.25)
        kept = 1 - blurred(reading.cover("u_lip") * (1 - np.minimum(red, light)), 1.2 * reading.scale)
        above = ring * hair  # a moustache hangs over the upper lip's edge
        kept *= 1 - np.clip(1.5 * blurred(above, 2.0 * reading.scale), 0, 1) * reading.cover("u_lip", grown=1.0)
        return np.maximum(blurred(lips * inside * kept, 0.8 * reading.scale), teeth)
    return np.maximum(blurred(_grown(lips, 1.2 * reading.scale), 0.8 * reading.scale), teeth)


def teeth_of(reading: Reading) -> Field:
    """(h, w), 0 to 1: the opening of the mouth, which no edit of a face paints."""
    return blurred(reading.cover("mouth") * _filled(reading, REGIONS["lips_outer"]), 0.7 * reading.scale)


def shaved_tone(reading: Reading, model: TransformModel) -> Field:
    """Tone (M, M, 3) of the face without a beard: the mixture of shaved faces that fits its upper half (ridge), and that half's rest."""
    zones = model.zones
    trusted = reading.known * (cv2.dilate(zones.beard, np.ones((3, 3))) < 0.05) * (zones.fade > 0.05)
    size = (SHAVED_PX, SHAVED_PX)
    own = cv2.resize(reading.low, size, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(trusted.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    weights = (weight[..., None] * (1, _CHROMA_WEIGHT, _CHROMA_WEIGHT)).ravel()
    whole = np.tile(np.eye(3), SHAVED_PX * SHAVED_PX)  # a darker or redder skin all over is as likely as any
    axes = np.vstack([model.shaved.reshape(len(model.shaved), -1).astype(np.float64), whole])
    away = (own - model.shaved_mean).ravel().astype(np.float64)
    prior = np.concatenate([_PRIOR / (model.shaved_spread.astype(np.float64) ** 2 + 1e-6), np.full(3, 1e-3)])
    squares = (axes * weights) @ axes.T + np.diag(prior)
    mixture = np.linalg.solve(squares, (axes * weights) @ away)
    fitted = model.shaved_mean + (mixture @ axes).reshape(own.shape).astype(np.float32)
    rest = cv2.GaussianBlur(np.dstack([(own - fitted) * weight[..., None], weight]), (0, 0), 3.8)
    near = np.clip(rest[..., 3:] / 0.05, 0, 1)
    fitted = fitted + rest[..., :3] / np.maximum(rest[..., 3:], 0.02) * near
    return np.asarray(enlarge(fitted.astype(np.float32), (MAP_PX, MAP_PX)), dtype=np.float32)


def _gains(reading: Reading, model: TransformModel) -> Field:
    """Gains (h, w, 4) that bring each band of detail down to what the cheeks have, as skin without beard differs from them."""
    zones = model.zones
    cheeks = (zones.cheeks > 0.5) & (reading.known > 0.5)
    usual = model.energy["mean"] - 0.5 * model.energy["male"]
    own = (
        np.median(reading.energy[cheeks], axis=0)
        if cheeks.sum() > 30
        else np.median(reading.energy.reshape(-1, len(BANDS)), axis=0)
    )
    offset = np.clip(usual - np.median(usual[zones.cheeks > 0.5], axis=0), -0.4, 0.3)
    gains = np.exp(0.5 * np.clip(own + offset - reading.energy, -7, 0))
    return reading.sampled(gains.astype(np.float32))


_CLUMPED = 0.55
"""Contrast of stubble whose hairs are finer than a pixel, relative to that of single hairs."""

_ON_NECK, _NECK_ENDS = 0.4, (0.0, 44.0)
"""Density of stubble below the jaw, and between which distances from the chin it ends."""

_BARE_RIM = 1.6
"""Over how much of the skin around the lips stubble sets in."""

_PATCHY = 0.3
"""By how much density varies between tufts."""

TILE_PX = 512
"""Side of the largest tiles of stubble and of skin, in pixels."""

_HAIRS = 5200
_PAD_PX = 12

TILE_PER_UNIT = 4.0
"""Pixels of the tile of stubble per unit of the frame."""


def stubble_density(reading: Reading, model: TransformModel) -> Field:
    """(h, w), 0 to 1: how densely beards grow on the face, and on the neck below the jaw, where they thin out; in tufts, softly ending."""
    (x, y), chin = canonical_places(reading), model.canonical[152]
    under, aside = y - float(chin[1]), np.abs(x - float(chin[0]))
    neck = where(reading.classes, ("neck",)) + where(reading.classes, ("skin",)) * smoothstep(_off_the_jaw(reading), -6, 2)
    low = smoothstep(under, -80, -30) * (1 - smoothstep(under, *_NECK_ENDS)) * (1 - smoothstep(aside, 70, 112))
    below = blurred(np.minimum(neck, 1) * low, 5.0 * reading.scale) * np.float32(_ON_NECK)
    grown = np.maximum(reading.sampled(model.zones.grows), below) * (1 + np.float32(_PATCHY) * reading.sampled(_tufts()))
    bare = 1 - reading.cover("u_lip", "l_lip", "mouth", soft=_BARE_RIM)
    cover = reading.cover("skin", "neck", soft=2.5) * reading.cover(
        "skin", "neck", "u_lip", "l_lip", "mouth", soft=1.6, grown=-2.0
    )
    return np.asarray(np.clip(grown, 0, 1.2) * np.maximum(cover, 0) * np.clip(2 * bare - 1, 0, 1), dtype=np.float32)


@lru_cache(maxsize=1)
def _tufts() -> Field:
    """(M, M), about -1 to 1: smooth noise, much the same on both sides of the face."""
    noise = cv2.GaussianBlur(np.random.default_rng(5).standard_normal((MAP_PX, MAP_PX)).astype(np.float32), (0, 0), 1.6)
    both = 0.8 * (noise + noise[:, ::-1]) / 2 + 0.35 * noise
    return np.asarray(np.clip(both / (2 * both.std()), -1, 1), dtype=np.float32)


def tile_places(reading: Reading, model: TransformModel, outwards: float = 0.0) -> Field:
    """(h, w, 2): the pixel of the largest tile of hairs or skin that each pixel of the view shows.

    Args:
        reading: the face.
        model: the learned faces.
        outwards: how far aside, for each unit down, the tile leans on either half of the face.
    """
    x, y = canonical_places(reading)
    off, low = x - np.float32(model.canonical[152, 0]), y - np.float32(model.canonical[17, 1])
    aside = off - np.float32(outwards) * np.tanh(off / np.float32(90)) * low
    return np.asarray(merged(aside + np.float32(1e3), y) * np.float32(TILE_PER_UNIT), dtype=np.float32)


@lru_cache(maxsize=8)
def stubble_tile(per_unit: float = TILE_PER_UNIT) -> Field:
    """A square tile of short hairs, 0 to 1, that goes on over its borders; the same every time.

    Args:
        per_unit: pixels of the tile per unit of the frame, at most `TILE_PER_UNIT`.
    """
    if per_unit < TILE_PER_UNIT:
        side = max(16, round(TILE_PX * per_unit / TILE_PER_UNIT))
        whole = stubble_tile()
        small = np.asarray(cv2.resize(whole, (side, side), interpolation=cv2.INTER_AREA), dtype=np.float32)
        mean = float(small.mean())  # hairs that are finer than a pixel would make an even film: they stand together instead
        apart = min(4.0, _CLUMPED * float(whole.std()) / max(float(small.std()), 1e-6))
        return np.asarray(np.clip(mean + max(1.0, apart) * (small - mean), 0, 1), dtype=np.float32)
    chance = np.random.default_rng(11)
    start = chance.uniform(0, TILE_PX, (_HAIRS, 2))
    angle = np.pi / 2 + chance.normal(0, 0.3, _HAIRS)
    length, dark = chance.uniform(5.0, 11.0, _HAIRS), chance.uniform(70, 255, _HAIRS)
    end = start + length[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    canvas = np.zeros((TILE_PX + 2 * _PAD_PX,) * 2, dtype=np.uint8)
    first, last = (np.rint((points + _PAD_PX) * 8).astype(int).tolist() for points in (start, end))
    for begin, finish, value in zip(first, last, dark.astype(int).tolist(), strict=True):
        cv2.line(canvas, begin, finish, value, 1, cv2.LINE_AA, 3)
    for _ in range(2):  # what hangs over the border comes in on the other side: rows, then columns
        canvas[_PAD_PX : 2 * _PAD_PX] = np.maximum(canvas[_PAD_PX : 2 * _PAD_PX], canvas[-_PAD_PX:])
        canvas[-2 * _PAD_PX : -_PAD_PX] = np.maximum(canvas[-2 * _PAD_PX : -_PAD_PX], canvas[:_PAD_PX])
        canvas = np.ascontiguousarray(canvas.T)
    tile = canvas[_PAD_PX:-_PAD_PX, _PAD_PX:-_PAD_PX]
    return np.asarray(tile.astype(np.float32) / np.float32(255), dtype=np.float32)


@lru_cache(maxsize=1)
def _grain_noise() -> Field:
    """(4, n, n) noise of variance 1 in each band of detail, on a square tile of as many pixels as the largest one of stubble."""
    white = np.random.default_rng(23).standard_normal((TILE_PX, TILE_PX)).astype(np.float32)
    turned = np.fft.rfft2(white)
    way = np.hypot(np.fft.fftfreq(TILE_PX)[:, None], np.fft.rfftfreq(TILE_PX)[None])
    passed = [np.ones_like(way), *(np.exp(-2 * (np.pi * way * sigma * TILE_PER_UNIT) ** 2) for sigma in BANDS)]
    bands = [np.fft.irfft2(turned * (passed[k] - passed[k + 1]), (TILE_PX, TILE_PX)) for k in range(len(BANDS))]
    return np.stack(bands).astype(np.float32)


@lru_cache(maxsize=4)
def _grain_bands(per_unit: float) -> Field:
    """The same noise (4, m, m) in fewer pixels, of variance 1 again: a face that grows from frame to frame keeps its grain."""
    side = max(16, round(TILE_PX * per_unit / TILE_PER_UNIT))
    bands = [cv2.resize(band, (side, side), interpolation=cv2.INTER_AREA) for band in _grain_noise()]
    return np.stack([band / (band.std() + 1e-9) for band in bands]).astype(np.float32)


def skin_grain(rough: Field, per_unit: float) -> Field:
    """A square tile of skin's texture, relative to the light, of given roughness by band (4,); it goes on over its borders.

    Args:
        per_unit: pixels of the tile per unit of the frame, at most `TILE_PER_UNIT`.
    """
    grain = np.tensordot(rough, _grain_bands(per_unit), axes=1)
    return np.asarray(np.clip(grain, -0.2, 0.2), dtype=np.float32)


def skin_chroma(tone: Field) -> Field:
    """a and b (..., 2) of CIE Lab of a tone (..., 3)."""
    return np.asarray(tone[..., 1:] * np.exp(tone[..., :1]), dtype=np.float32)


def light_of(tone: Field) -> Field:
    """L of CIE Lab of a tone (..., 3)."""
    return np.asarray(np.exp(tone[..., 0]) - np.float32(BLACK), dtype=np.float32)
