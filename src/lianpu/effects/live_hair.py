"""Hair colour in live frames: what is smooth is computed in a small copy, every pixel is recoloured by its luma through a table.

The table is that of `hair.hair_tone`, so dark and light strands get the colours that they get in photos.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import cv2
import numpy as np

from lianpu.effects.carried import Anchor, CarriedMaps, is_found_anew, quick_view, rate_of
from lianpu.effects.catalogue import PICKED
from lianpu.effects.face_masks import fade_at_border
from lianpu.effects.hair import (
    DARKEST,
    DEEPEST,
    LEAST,
    MIXED,
    SHADOW_SHARE,
    USUAL_SKIN,
    SkinLook,
    look_of_skin,
    shade_target,
    tone_between,
)
from lianpu.effects.hair_matte import CARRIED, EDGE_SHARE, edge_fields
from lianpu.effects.hair_strands import light_around
from lianpu.effects.live import FINE, add_steps, enlarged_steps, live_view, share_in, soften, to_view
from lianpu.faces.live import CROP_PX, HairColor, LiveFace, Share, around_matrix, hair_color_of
from lianpu.faces.mesh import points_68
from lianpu.imaging.color import percentiles, to_rgb
from lianpu.imaging.compositing import Field, View
from lianpu.imaging.geometry import Matrix
from lianpu.imaging.masks import apply_coefficients, dilate, guided_filter_coefficients, smoothstep, wide_blur
from lianpu.imaging.picture import Picture
from lianpu.models.store.locate import is_commercial_safe

_PLANNED_PX = 36.0
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

_MATTE = np.rint(255 * smoothstep(np.arange(256) / 255, 0.12, 0.9)).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class LumaTone:
    """A hair tone by luma (0 to 255) instead of lightness, for hair of a known mean colour.

    Args:
        middle: as of `HairTone`.
        depth: likewise.
        old: (256, 3), the present hair's RGB at each luma, 0 to 255.
        new: (256, 3), what it becomes.
        light: (256,), its lightness (L of CIE Lab).
        new_light: (256,), what that becomes.
    """

    middle: float
    depth: float
    old: Field
    new: Field
    light: Field
    new_light: Field

    def mixed(self, other: LumaTone, share: float) -> LumaTone:
        """This tone, and a share (0 to 1) of another one."""
        pairs = ((getattr(self, name.name), getattr(other, name.name)) for name in fields(self))
        return LumaTone(*(one + np.float32(share) * (another - one) for one, another in pairs))

    def steps(self) -> np.ndarray:
        """(1, 256) for `cv2.LUT`: the change of each luma, four int16 (the last is 0) as one number, which takes a fifth of the time."""
        change = np.zeros((256, 4), dtype=np.int16)
        change[:, :3] = np.rint(self.new - self.old)
        return change.view(np.float64).reshape(1, 256)


def live_hair_color(frame: Picture, face: LiveFace, strength: float, color: str, shade: str = PICKED) -> None:
    """`hair.hair_color` in a live frame (H, W, 3), in place; without a parser nothing changes."""

    def aim(own: Field, view: View) -> tuple[Field, float]:
        return shade_target(shade, color, own, USUAL_SKIN if shade == PICKED else _skin_in(face, view))

    recolor_live_hair(frame, face, strength, aim)


def recolor_live_hair(frame: Picture, face: LiveFace, strength: float, aim: Callable[[Field, View], tuple[Field, float]]) -> None:
    """Move the hair of a face in a live frame (H, W, 3), in place, towards a colour.

    Args:
        frame: (H, W, 3).
        face: the face in it.
        strength: 0 to 1.5.
        aim: gives the colour for the hair's median, Lab (3,), and a share of the strength, for the median before and a small view.
    """
    kept = face.carried.get(CARRIED)
    colors = kept.colors if isinstance(kept, LiveHairMemory) else None
    if colors is None:
        hair = face.hair or hair_color_of(frame, face)
        if hair is None:
            return
        colors = (_rounded(hair), _rounded(hair), 1.0)
    unit = face.face.unit_px
    window = face.hair_window(frame, _MARGIN * unit)
    if window is None:
        return
    view = live_view(frame, window, unit, _PLANNED_PX)
    core = np.multiply(face.hair_over(to_view(view), view.shape[::-1]), np.float32(1 / 255), dtype=np.float32)
    if core.sum() < 4:
        return
    before, hair, share_of_it = colors
    own = np.array((hair.light[1], *hair.tone), dtype=np.float32)
    target, wanted = aim(own, view)
    if wanted == 0:
        return
    strength *= wanted
    tone = _luma_tone(hair, _rounded_color(target), not is_commercial_safe())
    if before != hair:
        tone = _luma_tone(before, _rounded_color(target), not is_commercial_safe()).mixed(tone, share_of_it)
    reach, px = EDGE_SHARE * unit, EDGE_SHARE * unit * view.scale
    luma = np.asarray(view.picture @ _LUMA, dtype=np.float32)
    near = smoothstep(soften(dilate(core, view, 0.5 * reach), 0.3 * px), 0.05, 0.6)
    share = near * fade_at_border(_known_hair(face), view, frame.shape)
    edge = _edge(frame, face, view, share, core, luma, max(1, round(px)))
    well_inside = np.asarray(dilate(core, view, -MIXED * reach) + LEAST * core, dtype=np.float32)
    around = light_around(luma, well_inside, max(1.0, px))
    inside = soften(dilate(core, view, -0.5 * reach), 0.3 * px)
    small = cv2.resize(edge, view.shape[::-1], interpolation=cv2.INTER_AREA)
    matte = np.asarray(small * (share / np.float32(255)), dtype=np.float32)
    shadow = _shade(face, view, core, luma, around, tone)
    ceiling = 255 * around + _HIGHLIGHT * inside + 255 * smoothstep(inside, 0.8, 1.0)
    _recolor(frame, view, strength, share, edge, ceiling, tone, _smooth_change(view, tone, luma, ceiling, matte, shadow))


def _edge(frame: Picture, face: LiveFace, view: View, share: Field, core: Field, luma: Field, reach: int) -> Share:
    """The matte (n, m), 255 is hair, over a view, at least at its size: along the frame's colours, or, where nothing is carried, its luma."""
    kept = face.carried.get(CARRIED)
    left, top, wide, high = cv2.boundingRect((share > 1 / 255).astype(np.uint8))
    if isinstance(kept, LiveHairMemory) and wide:
        times, (rows, columns) = round(1 / view.scale), view.window
        inner = (
            slice(rows.start + top * times, rows.start + (top + high) * times),
            slice(columns.start + left * times, columns.start + (left + wide) * times),
        )
        fine = live_view(frame, inner, face.face.unit_px, _EDGE_PX)
        by = fine.shape[0] // high
        if fine.window == inner and fine.shape == (by * high, by * wide):
            linear = kept.maps.anchor.over_view(kept.maps.shown, points_68(face.mesh), fine)
            found = apply_coefficients(linear, fine.picture)
            matte = np.zeros((by * view.shape[0], by * view.shape[1]), dtype=np.uint8)
            matte[by * top : by * (top + high), by * left : by * (left + wide)] = _matte_of(found)
            return matte
    edges = guided_filter_coefficients(core, luma[:, :, None], reach, 2e-4)
    return _matte_of(edges[:, :, 0] * luma + edges[:, :, 1])


def _matte_of(values: np.ndarray) -> Share:
    return np.asarray(cv2.LUT(np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8), _MATTE), dtype=np.uint8)


_EDGE_PX = 90.0
"""Most pixels of the face's unit at which the matte follows the frame: half of most frames."""

_FOUND_PX, _CARRIED_PX = 36.0, 224
"""The face's unit in the copy in which the matte's function of colour is found; and side of the map that carries it."""

_NOT_WITH_SKIN = 3
"""It is found so many frames before or after the skin: not in the same frame."""

_COLOR_FRAMES = 6
"""Frames in which the hair's colour goes to what it was at the last finding."""

_FOLLOWED_S = 0.12
"""Time constant with which it is followed, in seconds."""


@dataclass(frozen=True, eq=False)
class LiveHairMemory:
    """A live face's hair, carried from frame to frame.

    Args:
        maps: the matte's linear function of colour (s, s, 4).
        colors: the hair's colour (`LiveFace.hair`, rounded) at the last finding but one, at the last one, and how far, 0 to 1, it has gone
            from the one to the other: a table of tones is made for each finding, not for each frame. None before it is known.
    """

    maps: CarriedMaps
    colors: tuple[HairColor, HairColor, float] | None = None

    def followed(self, rate: float) -> LiveHairMemory:
        """The memory a frame later, with maps moved by `rate`."""
        colors = self.colors and (*self.colors[:2], min(1.0, self.colors[2] + 1 / _COLOR_FRAMES))
        return replace(self, maps=self.maps.followed(rate), colors=colors)

    def with_color(self, hair: HairColor | None) -> LiveHairMemory:
        """With the colour of a frame."""
        if hair is None:
            return self
        found = _rounded(hair)
        return replace(self, colors=(found if self.colors is None else self.colors[1], found, 0.0))


def carry_live_hair(
    before: LiveHairMemory | None, frame: Picture, face: LiveFace, seconds: float, turn: int
) -> LiveHairMemory | None:
    """What is kept of a live face's hair after another frame; None as long as none was seen. Arguments as of `carry_hair`."""
    points = points_68(face.mesh)
    if before is not None:
        before = before.followed(rate_of(seconds, _FOLLOWED_S))
        if not is_found_anew(face, turn + _NOT_WITH_SKIN):
            return before if before.colors else before.with_color(face.hair)
        before = before.with_color(face.hair)
        if not before.maps.anchor.is_near(points):
            before = replace(before, maps=before.maps.anchored_anew(face.face.points, points, wide=True))
    unit = face.face.unit_px
    window = face.hair_window(frame, _MARGIN * unit)
    if window is None:
        return before
    rows, columns = window
    longest = max(rows.stop - rows.start, columns.stop - columns.start)
    view = quick_view(frame, window, max(8, round(longest * min(1.0, _FOUND_PX / unit))))
    core = np.multiply(face.hair_over(to_view(view), view.shape[::-1]), np.float32(1 / 255), dtype=np.float32)
    if core.sum() < 4:
        return before
    linear = edge_fields(view, core, unit, soft=True)[1][:, :, :4]
    if before is None:
        anchor = Anchor.of(face.face.points, points, _CARRIED_PX, wide=True)
        return LiveHairMemory(CarriedMaps.begin(linear, points, view, anchor)).with_color(face.hair)
    return replace(before, maps=before.maps.found_again(linear, points, view))


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
    edge: Share,
    ceiling: Field,
    tone: LumaTone,
    smooth_change: Field,
) -> None:
    """The part at full size: luma, matte, the table, and the sum, in 8 and 16 bits. `edge` covers the view, at any size."""
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
    by = edge.shape[0] // view.shape[0]
    seen = edge[top * by : (top + high) * by, left * by : (left + wide) * by]
    whole = seen if seen.shape == part.shape[:2] else cv2.resize(seen, part.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    matte = cv2.multiply(whole, enlarged(255 * np.minimum(share, 1), np.uint8), scale=strength / 255)
    lit = cv2.min(luma, enlarged(np.clip(ceiling, 0, 255), np.uint8))
    change = cv2.cvtColor(cv2.LUT(lit, tone.steps()).view(np.uint16).reshape(*lit.shape, 4), cv2.COLOR_BGRA2BGR).view(np.int16)
    weight = cv2.merge([matte, matte, matte]).astype(np.int16)
    cv2.multiply(change, weight, dst=change, scale=1 / 255)
    smooth = np.rint(np.float32(255 * strength * FINE) * smooth_change[inner]).astype(np.int16)
    change += enlarged_steps(smooth, part.shape[1::-1])
    add_steps(part, change)


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
    shade = np.minimum(tone.depth * np.maximum(tone.middle - light_around(light, core, spread), 0), DEEPEST)
    near = np.clip(255 * around, 0, 255).astype(np.uint8)
    lighter = np.maximum(tone.new_light[near] - shade - tone.light[near], 0)
    skin = share_in(face, view, "skin", "nose")
    if skin.sum() < 16 or not (skin > 0.5).any():
        return np.asarray(shade, dtype=np.float32)
    (lit,) = percentiles(light[skin > 0.5], 45)
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

    return LumaTone(
        tone.middle, tone.depth, by_luma(old_rgb), by_luma(new_rgb), by_luma(light[:, None])[:, 0], by_luma(found[:, :1])[:, 0]
    )
