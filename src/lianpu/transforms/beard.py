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
from lianpu.transforms.reading import BANDS, BLACK, Reading, blurred, where
from lianpu.transforms.surface import MAP_PX, at_places

_CHROMA_WEIGHT = 16.0

_BEARDED = 0.05
"""`Shave.beardness` of a beard that is more than stubble."""

_LOPSIDED = 0.06
"""By how much darker, in log light, one side of a beard may be than the other."""

_PRIOR = 3.0
"""Weight of the shaved faces' own spread against what the upper face shows."""


@dataclass(frozen=True, eq=False)
class Shave:
    """What takes a face's beard off, over its view (h, w).

    Args:
        beardness: how much darker the beard's zone is than it would be shaved, in log light; about 0 without a beard.
        zone: 0 to 1: where the look of the skin is brought to a shaved one.
        replaced: 0 to 1: where pixels are so much darker that only their fine detail is kept.
        change: (h, w, 3) of tone, to the shaved look.
        shaved: (h, w, 3) tone of the shaved face.
        gains: (h, w, 4) of detail, to that of the cheeks.
    """

    beardness: float
    zone: Field
    replaced: Field
    change: Field
    shaved: Field
    gains: Field


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
    grown = reading.sampled(zones.hairy) * np.float32(smoothstep(np.array(male), -0.1, 0.2))
    anything = where(reading.classes, ("skin", "nose")) + where(reading.classes, ("hair",)) * grown
    total = blurred(np.dstack([reading.tone * anything[..., None], anything]), 4.0 * reading.scale)
    found = at_places(total, reading.to_view)
    own = found[..., :3] / np.maximum(found[..., 3:], 1e-3)
    difference = shaved - own
    # a beard grows on both sides, a shadow falls on one
    mirrored = np.where(found[:, ::-1, 3] > 0.4, difference[:, ::-1, 0] + _LOPSIDED, np.inf)
    difference[..., 0] = np.minimum(difference[..., 0], mirrored)
    darker = np.clip(difference[..., 0], 0, 0.8)
    beardness = float((np.minimum(darker, 0.6) * zones.density).sum() / max(float(zones.density.sum()), 1e-6))
    difference[..., 0] = np.clip(difference[..., 0], -0.03, 0.8)
    look = reading.sampled(np.dstack([own[..., 0] + difference[..., 0], shaved[..., 1:]]).astype(np.float32))
    lips = _lips(reading, look, beardness)
    covered = blurred(anything, 1.6 * reading.scale) * (1 - reading.cover("hair", soft=1.6) * (1 - grown))
    may = covered * (1 - lips) * reading.sampled(zones.beard)
    zone = may * np.float32(amount * np.clip(0.25 + beardness * 6, 0, 1))
    light = blurred(reading.tone[..., 0], 1.3 * reading.scale)
    hairy = smoothstep(look[..., 0] - light, 0.05, 0.16) * smoothstep(np.array(beardness), 0.02, 0.07)
    hairy = np.asarray(cv2.dilate(hairy, np.ones((2 * max(1, round(1.5 * reading.scale)) + 1,) * 2)), dtype=np.float32)
    hanging = covered * (1 - lips) * reading.sampled(zones.under)
    replaced = blurred(hairy, 1.8 * reading.scale) * np.maximum(may, hanging) * np.float32(amount)
    return Shave(
        beardness,
        np.maximum(zone, replaced),
        replaced,
        reading.sampled((difference * zones.beard[..., None]).astype(np.float32)) * zone[..., None],
        look,
        _gains(reading, model),
    )


def _lips(reading: Reading, look: Field, beardness: float) -> Field:
    """(h, w): lips and mouth, kept as they are.

    Parsers take the lower edge of a moustache for lips: of a bearded face's, what lies outside of the mesh's, and what of the upper
    lip is dark or no redder than its shaved skin (`look`), is no lip.
    """
    lips = reading.cover("u_lip", "l_lip", "mouth")
    if beardness > _BEARDED:
        inside = np.zeros(lips.shape, dtype=np.uint8)
        cv2.fillPoly(inside, [np.rint(reading.flat[list(REGIONS["lips_outer"])] * 16).astype(np.int32)], 1, shift=4)
        red = smoothstep(blurred(reading.tone[..., 1], reading.scale) - look[..., 1], 0.0, 0.03)
        light = smoothstep(blurred(reading.tone[..., 0], reading.scale) - look[..., 0], -0.5, -0.25)
        return blurred(lips * inside * (1 - reading.cover("u_lip") * (1 - np.minimum(red, light))), 0.8 * reading.scale)
    kernel = np.ones((2 * round(1.2 * reading.scale) + 1,) * 2, dtype=np.uint8)
    return blurred(np.asarray(cv2.dilate(lips, kernel), dtype=np.float32), 0.8 * reading.scale)


def shaved_tone(reading: Reading, model: TransformModel) -> Field:
    """Tone (M, M, 3) of the face without a beard: the mixture of shaved faces that fits its upper half (ridge), and that half's rest."""
    zones = model.zones
    trusted = reading.known * (cv2.dilate(zones.beard, np.ones((3, 3))) < 0.05) * (zones.fade > 0.05)
    size = (SHAVED_PX, SHAVED_PX)
    own = cv2.resize(reading.low, size, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(trusted.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    weights = (weight[..., None] * (1, _CHROMA_WEIGHT, _CHROMA_WEIGHT)).ravel()
    axes = model.shaved.reshape(len(model.shaved), -1).astype(np.float64)
    away = (own - model.shaved_mean).ravel().astype(np.float64)
    squares = (axes * weights) @ axes.T + np.diag(_PRIOR / (model.shaved_spread.astype(np.float64) ** 2 + 1e-6))
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


_TILE_PX = 512
_HAIRS = 7600
_PAD_PX = 12

TILE_PER_UNIT = 4.0
"""Pixels of the tile of stubble per unit of the frame."""


@lru_cache(maxsize=8)
def stubble_tile(per_unit: float = TILE_PER_UNIT) -> Field:
    """A square tile of short hairs, 0 to 1, that goes on over its borders; the same every time.

    Args:
        per_unit: pixels of the tile per unit of the frame, at most `TILE_PER_UNIT`.
    """
    if per_unit < TILE_PER_UNIT:
        side = max(16, round(_TILE_PX * per_unit / TILE_PER_UNIT))
        return np.asarray(cv2.resize(stubble_tile(), (side, side), interpolation=cv2.INTER_AREA), dtype=np.float32)
    chance = np.random.default_rng(11)
    start = chance.uniform(0, _TILE_PX, (_HAIRS, 2))
    angle = np.pi / 2 + chance.normal(0, 0.42, _HAIRS)
    length, dark = chance.uniform(3.0, 7.5, _HAIRS), chance.uniform(80, 255, _HAIRS)
    end = start + length[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    canvas = np.zeros((_TILE_PX + 2 * _PAD_PX,) * 2, dtype=np.uint8)
    first, last = (np.rint((points + _PAD_PX) * 8).astype(int).tolist() for points in (start, end))
    for begin, finish, value in zip(first, last, dark.astype(int).tolist(), strict=True):
        cv2.line(canvas, begin, finish, value, 1, cv2.LINE_AA, 3)
    for _ in range(2):  # what hangs over the border comes in on the other side: rows, then columns
        canvas[_PAD_PX : 2 * _PAD_PX] = np.maximum(canvas[_PAD_PX : 2 * _PAD_PX], canvas[-_PAD_PX:])
        canvas[-2 * _PAD_PX : -_PAD_PX] = np.maximum(canvas[-2 * _PAD_PX : -_PAD_PX], canvas[:_PAD_PX])
        canvas = np.ascontiguousarray(canvas.T)
    tile = canvas[_PAD_PX:-_PAD_PX, _PAD_PX:-_PAD_PX]
    return np.asarray(tile.astype(np.float32) / np.float32(255), dtype=np.float32)


def skin_chroma(tone: Field) -> Field:
    """a and b (..., 2) of CIE Lab of a tone (..., 3)."""
    return np.asarray(tone[..., 1:] * np.exp(tone[..., :1]), dtype=np.float32)


def light_of(tone: Field) -> Field:
    """L of CIE Lab of a tone (..., 3)."""
    return np.asarray(np.exp(tone[..., 0]) - np.float32(BLACK), dtype=np.float32)
