"""Hair colour in live frames: what is smooth is computed in a small copy, every pixel is recoloured by its luma through a table.

The table is that of `hair.hair_tone`, so dark and light strands get the colours that they get in photos.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from lianpu.effects.catalogue import PICKED
from lianpu.effects.face_masks import fade_at_border
from lianpu.effects.hair import (
    DARKEST,
    DEEPEST,
    LEAST,
    MIXED,
    SHADOW_SHARE,
    USUAL_SKIN,
    HairTone,
    SkinLook,
    light_around,
    look_of_skin,
    shade_target,
    tone_between,
)
from lianpu.effects.hair_matte import EDGE_SHARE
from lianpu.effects.live import live_view, share_in, soften, to_view
from lianpu.faces.live import CROP_PX, HairColor, LiveFace, around_matrix, hair_color_of
from lianpu.imaging.color import to_rgb
from lianpu.imaging.compositing import Field, View
from lianpu.imaging.geometry import Matrix
from lianpu.imaging.masks import dilate, guided_filter_coefficients, smoothstep, wide_blur
from lianpu.imaging.picture import Picture
from lianpu.models.store.locate import is_commercial_safe

_PLANNED_PX = 24.0
"""Most pixels of the face's unit that the smooth parts are computed at."""

_MARGIN = 0.45
"""What is seen around the hair, in units of the face: for soft edges, and for the light on the skin beside it."""

_TARGET_STEP = 0.5
"""The new colour is rounded to this, for the same reason as the old one below."""

_STEP = 0.2
"""The colour of the hair before is rounded to this, so that the table of a face at rest is computed once."""

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)

_COLOR_KEPT = 0.35
"""Share of the hair's own variation of colour that stays (`HairTone.table`)."""

_HIGHLIGHT = 70.0
"""Levels by which highlights may be lighter than the hair around them, halfway from the hair's edge to its inside."""

_FAR = np.float32(1e-3)
"""Weight of the mean light on the whole skin, where none is near."""

_COEFFICIENT_STEPS = 128
"""The matte's slope is computed in steps of this fraction of 1, in 16 bits."""

_MATTE = np.rint(255 * smoothstep(np.arange(256) / 255, 0.12, 0.9)).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class LumaTone:
    """A hair tone by luma (0 to 255) instead of lightness, for hair of a known mean colour.

    Args:
        tone: by lightness.
        old: (256, 3), the present hair's RGB at each luma, 0 to 255.
        new: (256, 3), what it becomes.
        light: (256,), its lightness (L of CIE Lab).
        new_light: (256,), what that becomes.
    """

    tone: HairTone
    old: Field
    new: Field
    light: Field
    new_light: Field


def live_hair_color(frame: Picture, face: LiveFace, strength: float, color: str, shade: str = PICKED) -> None:
    """`hair.hair_color` in a live frame (H, W, 3), in place; without a parser nothing changes."""
    hair = face.hair or hair_color_of(frame, face)
    if hair is None:
        return
    unit = face.face.unit_px
    window = face.hair_window(frame, _MARGIN * unit)
    if window is None:
        return
    view = live_view(frame, window, unit, _PLANNED_PX)
    core = np.multiply(face.hair_over(to_view(view), view.shape[::-1]), np.float32(1 / 255), dtype=np.float32)
    if core.sum() < 4:
        return
    own = np.array((hair.light[1], *hair.tone), dtype=np.float32)
    target, wanted = shade_target(shade, color, own, USUAL_SKIN if shade == PICKED else _skin_in(face, view))
    if wanted == 0:
        return
    strength *= wanted
    tone = _luma_tone(_rounded(hair), _rounded_color(target), not is_commercial_safe())
    reach, px = EDGE_SHARE * unit, EDGE_SHARE * unit * view.scale
    luma = np.asarray(view.picture @ _LUMA, dtype=np.float32)
    near = smoothstep(soften(dilate(core, view, 0.5 * reach), 0.3 * px), 0.05, 0.6)
    share = near * fade_at_border(_known_hair(face), view, frame.shape)
    edges = guided_filter_coefficients(core, luma[:, :, None], max(1, round(px)), 2e-4)
    well_inside = np.asarray(dilate(core, view, -MIXED * reach) + LEAST * core, dtype=np.float32)
    around = light_around(luma, well_inside, max(1.0, px))
    inside = soften(dilate(core, view, -0.5 * reach), 0.3 * px)
    matte = smoothstep(edges[:, :, 0] * luma + edges[:, :, 1], 0.12, 0.9) * share
    shadow = _shade(face, view, core, luma, around, tone)
    ceiling = 255 * around + _HIGHLIGHT * inside + 255 * smoothstep(inside, 0.8, 1.0)
    _recolor(frame, view, strength, share, edges, ceiling, tone, _smooth_change(view, tone, luma, ceiling, matte, shadow))


def live_skin_look(frame: Picture, face: LiveFace) -> SkinLook:
    """`hair.skin_look` in a live frame (H, W, 3)."""
    return _skin_in(face, live_view(frame, face.window(frame), face.face.unit_px, _PLANNED_PX))


def _skin_in(face: LiveFace, view: View) -> SkinLook:
    return look_of_skin(view, share_in(face, view, "skin", "nose"))


def _known_hair(face: LiveFace) -> Matrix:
    """The matrix (2, 3) from the frame to the crop, scaled to 512 pixels, in which hair is known."""
    return face.alignment if face.around is None else around_matrix(face.alignment, CROP_PX, CROP_PX)


def _recolor(
    frame: Picture,
    view: View,
    strength: float,
    share: Field,
    edges: Field,
    ceiling: Field,
    tone: LumaTone,
    smooth_change: Field,
) -> None:
    """The part at full size: luma, matte along the luma's edges, the table, and the sum, in 8 and 16 bits."""
    left, top, wide, high = cv2.boundingRect((share > 1 / 255).astype(np.uint8))
    if not wide:
        return
    times = round(1 / view.scale)
    inner = np.s_[top : top + high, left : left + wide]
    rows, columns = view.window
    part = frame[rows, columns][top * times : (top + high) * times, left * times : (left + wide) * times]

    def enlarged(values: Field, kind: type[np.uint8] | type[np.int16]) -> np.ndarray:
        whole: np.ndarray = np.rint(values[inner]).astype(kind)
        return whole if times == 1 else cv2.resize(whole, part.shape[1::-1], interpolation=cv2.INTER_LINEAR)

    luma = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
    slope = enlarged(np.clip(edges[:, :, 0], -32, 32) * _COEFFICIENT_STEPS, np.int16)
    sloped = cv2.multiply(slope, luma.astype(np.int16), scale=1 / _COEFFICIENT_STEPS)
    matte = cv2.add(sloped, enlarged(255 * np.clip(edges[:, :, 1], -64, 64), np.int16), dtype=cv2.CV_8U)
    matte = cv2.multiply(cv2.LUT(matte, _MATTE), enlarged(255 * np.minimum(share, 1), np.uint8), scale=strength / 255)
    lit = cv2.min(luma, enlarged(np.clip(ceiling, 0, 255), np.uint8))
    change = cv2.LUT(cv2.merge([lit, lit, lit]), np.rint(tone.new - tone.old).astype(np.int16)[None])
    weight = cv2.merge([matte, matte, matte]).astype(np.int16)
    cv2.multiply(change, weight, dst=change, scale=1 / 255)
    cv2.add(change, enlarged(np.float32(255 * strength) * smooth_change, np.int16), dst=change)
    cv2.add(part, change, dst=part, dtype=cv2.CV_8U)


def _smooth_change(view: View, tone: LumaTone, luma: Field, ceiling: Field, matte: Field, shade: Field) -> Field:
    """The change (h, w, 3) beside that of the table: large shadows, and less of the hair's own variation of colour."""
    at = np.clip(255 * luma, 0, 255).astype(np.uint8)
    lit = np.minimum(at, np.clip(ceiling, 0, 255)).astype(np.uint8)
    variation = view.picture - tone.old[at] / np.float32(255)
    variation *= ((_COLOR_KEPT - 1) * matte)[:, :, None]
    light = tone.new_light[lit]
    darker = ((light - shade + 6) / (light + 6)).clip(0.1, 1) - 1
    return np.asarray(variation + tone.new[lit] * (matte * darker / 255)[:, :, None], dtype=np.float32)


def _shade(face: LiveFace, view: View, core: Field, luma: Field, around: Field, tone: LumaTone) -> Field:
    """(h, w): lightness to subtract where hair lies in a large shadow, or next to skin in one (`hair.plan_hair`)."""
    spread = max(1.0, SHADOW_SHARE * face.face.unit_px * view.scale)
    light = tone.light[np.clip(255 * luma, 0, 255).astype(np.uint8)]
    shade = np.minimum(tone.tone.depth * np.maximum(tone.tone.middle - light_around(light, core, spread), 0), DEEPEST)
    near = np.clip(255 * around, 0, 255).astype(np.uint8)
    lighter = np.maximum(tone.new_light[near] - shade - tone.light[near], 0)
    skin = share_in(face, view, "skin", "nose")
    if skin.sum() < 16 or not (skin > 0.5).any():
        return np.asarray(shade, dtype=np.float32)
    lit = float(np.percentile(light[skin > 0.5], 45))
    weight = skin * skin
    weight *= weight  # only what is surely skin: at its border it is mixed with hair
    beside = wide_blur(np.dstack([light * weight, weight]), spread)
    far = float((light * weight).sum() / weight.sum())
    seen = (beside[:, :, 0] + _FAR * far) / (beside[:, :, 1] + _FAR) / max(lit, 1.0)
    return np.asarray(shade + lighter * (1 - np.clip(seen, DARKEST, 1)), dtype=np.float32)


def _rounded(hair: HairColor) -> HairColor:
    low, median, high, a, b = (round(value / _STEP) * _STEP for value in (*hair.light, *hair.tone))
    return HairColor((low, median, high), (a, b))


def _rounded_color(target: Field) -> tuple[float, float, float]:
    light, a, b = (round(float(value) / _TARGET_STEP) * _TARGET_STEP for value in target)
    return light, a, b


@lru_cache(maxsize=32)
def _luma_tone(hair: HairColor, target: tuple[float, float, float], fitted: bool) -> LumaTone:
    tone = tone_between(hair.light, np.array(hair.tone), np.array(target, dtype=np.float32), fitted=fitted)
    light = np.linspace(0, 100, 256, dtype=np.float32)
    dim = (light + 16) / np.float32(hair.light[1] + 16)  # in dimmer light a and b fall as L + 16 does
    old = np.stack([light, hair.tone[0] * dim, hair.tone[1] * dim], axis=1).astype(np.float32)
    found = tone.at(light[None])[0]
    new = np.concatenate([found[:, :1], found[:, 1:3] + found[:, 3:] * old[:, 1:]], axis=1)
    old_rgb, new_rgb = (255 * to_rgb(np.ascontiguousarray(values[None]))[0] for values in (old, new))
    luma = np.maximum.accumulate(old_rgb @ _LUMA) + np.arange(256) * 1e-4
    every = np.arange(256)

    def by_luma(values: Field) -> Field:
        planes = [np.interp(every, luma, values[:, plane]) for plane in range(values.shape[1])]
        return np.stack(planes, axis=1).astype(np.float32)

    return LumaTone(tone, by_luma(old_rgb), by_luma(new_rgb), by_luma(light[:, None])[:, 0], by_luma(found[:, :1])[:, 0])
