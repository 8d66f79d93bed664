"""Applying a transform: a face of the other sex or another age, at the photo's own resolution and in bands of rows.

All fields are made over the face's view of about one pixel for a unit of the canonical frame. What happens to a pixel of the photo is then
linear in its Lab colour: gains and offsets that are upsampled, so memory does not grow with the face. Wrinkles have a
field of their own; stubble and the texture of new skin are tiles that repeat over the mesh. The warp comes last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from lianpu.errors import DataError
from lianpu.faces.mesh import REGIONS
from lianpu.faces.results import SexAge, Subject
from lianpu.imaging.color import rgb_to_lab, to_rgb
from lianpu.imaging.compositing import Field, View, blend, upsample, view_of, warped
from lianpu.imaging.geometry import enlarge
from lianpu.imaging.masks import smoothstep
from lianpu.imaging.picture import Picture, check_picture
from lianpu.transforms.beard import (
    TILE_PER_UNIT,
    TILE_PX,
    Shave,
    beard_seen,
    light_of,
    shave,
    skin_chroma,
    skin_grain,
    stubble_density,
    stubble_tile,
    teeth_of,
    tile_places,
)
from lianpu.transforms.model import AGE_SPAN, MIDDLE_AGE, TransformModel
from lianpu.transforms.reading import BANDS, BLACK, Reading, blurred, merged, read_face, split_planes, weighted
from lianpu.transforms.surface import SURFACE, Coordinates, backward_flow
from lianpu.transforms.wrinkles import wrinkle_field

_MALE, _FEMALE, _OLDER, _YOUNGER = 3.2, 2.4, 3.8, 2.9
"""Means are pale: a step between the means of the sexes, or of 25 years, is less than people expect. How many are a strength of 1."""

_SHAPE = 1.3

_DETAIL_OLDER, _DETAIL_YOUNGER = 0.7, 1.25

_CHROMA_OF_SEX = 0.5
"""How much of the learned change of chroma between the sexes happens: much of it is make-up and the light of photo shoots."""

_LINER = (0.27, 0.5)
"""By how much, in log light, lids may darken towards female, and how far below the cheeks they may get so."""

_AROUND_LIDS = 0.07
"""By how much the skin around them may darken: a wide grey shade is a bruise."""

_MEAN_KEPT = (0.35, 0.6, 0.6)
"""How much of the change of a face's mean light and chroma happens: most complexion is the person's own."""

_TURNED, _PROFILE = 22.0, 62.0
"""Degrees of yaw from which on a transform is weakened, and at which a quarter of it is left."""

_FOLLICLES = (0.8, 0.15)
"""How much of the skin a hair covers, and how much the roots beneath the skin show between hairs: the shadow of a shaved beard."""

_LASHES = 0.42
"""By how much the rim of the upper lid darkens towards female."""

_SHADE_OF_BEARD = 0.11
"""By how much, in log light, the skin may darken where beards grow."""

_NEAR_LIPS = 12.0
"""Over how much of the skin around them the light on lips is taken from."""

_LIPSTICK = (0.05, 0.17)
"""From which difference of chroma to men's lips beside such skin on lips are painted, and at which nearly all of their colour goes."""

_WARMER = 0.01
"""What is added to their relative b: lips as pale as a bare man's look mauve without it."""

_PAINTED_LIDS = (0.015, 0.055)
"""The same of lids and cheeks: eye shadow."""

_NO_LIPS = 0.08
"""By how much less red than the skin, in relative a, what the parser takes for lips is a mask."""

_REDDEST_LIPS = (0.36, 0.08)
"""Relative a that bare lips have at most, and by how much more than the skin however red that is."""

_BLUSH_OFF = (0.65, 0.02, 0.07)
"""How much of the redness of cheeks goes, beyond what they may have more of than all of the skin, up to what: more is warm light."""

_LIGHTER_OF_MEN = 0.03
"""By how much, in log light, skin gets lighter towards male, but around the eyes: a light cheek makes stubble a mask."""

_DARKEST_BROWS = -0.75
"""How much darker than the skin, in log light, brows may get: beyond it they look cut out."""

_LASHES_OFF = 0.65
"""How much of the contrast of lashes and liner goes."""

_STUBBLE_OF_MEN = 1.1
"""How much of the stubble of `beard=stubble` a face gets that turns male."""

_BARE = (0.15, 0.55)
"""How much of the skin around the mouth must be smooth for some stubble to grow beside what grows there, and for all of it."""

_OUTWARDS = 0.45
"""How far aside, for each unit down, hairs grow on either half of the face."""

_ROOTS = 0.2
"""Density of the stubble that is left where a man's beard came off, relative to the densest: bare skin would look like wax."""

_GROWS, _STUBBLE_OF_BOYS = (9.0, 22.0), 0.12
"""Years between which stubble comes to its full density, and how much of it a younger face gets: a trace."""

_PORES = ((-0.1, -0.4, -0.8, -0.9), (-0.05, -0.3, -0.6, -0.7))
"""How far each band of a woman's and of a man's detail may fall towards younger, in log energy: young skin has pores, and men's is rough."""

_ROUGHEST = (1.8, 1.4, 0.8, 0.4)
"""How far each band may rise: coarse bands are blotches, not pores."""

_ROUGHER_THAN_MOST = 0.45
"""By how much, in log energy, skin may get rougher than that of most people of the wanted age: what is rough already gets no rougher."""

_GREY_HAIR = ((26.0, 46.0), (0.12, 0.24))
"""Between which L, and above which relative chroma no more, hair of brows is grey."""

_GREYS = (42.0, 54.0)
"""Years from which on grey brows get their colour back, and from which on all of it."""

_FORMER = (-0.24, 0.02, 0.05)
"""Change of tone that such hair gets towards younger: darker, and brown."""

_FOLD = (1.4, 5.0, 13.0)
"""Lines lie between the first two of these scales, in units of the frame, folds and bags between the last two."""

_LINES_OFF, _BAGS_OFF = (0.85, 0.65), (0.6, 0.3)
"""How much of their dark valleys goes towards younger, and of the ridges beside them."""

_DEEPER = (0.35, 0.6)
"""By how much lines, and folds and bags, get deeper with age."""

_FOLDED = (0.008, 0.022)
"""Mean contrast of lines around a place, in log light, from which on its ridges are folds', and up to which they are shine."""

_FAINT = 0.004


@dataclass(frozen=True)
class Wish:
    """What a face is asked to become.

    Args:
        gender: 1 towards male, -1 towards female, 0 for neither.
        age: by how many spans of 25 years it gets older; below 0 younger.
        beard: 1 for stubble, -1 for no beard.
        male: -0.5 (female) to 0.5 (male): what the face is taken to be.
        years: how old it is taken to be.
    """

    gender: float = 0.0
    age: float = 0.0
    beard: float = 0.0
    male: float = 0.0
    years: float = MIDDLE_AGE

    @property
    def nothing(self) -> bool:
        """Whether nothing is asked for."""
        return self.gender == 0 and self.age == 0 and self.beard == 0


def transformed(
    picture: Picture, subject: Subject, model: TransformModel, *, gender: float = 0.0, age_years: float = 0.0, beard: float = 0.0
) -> Picture:
    """The picture (H, W, 3) with one face transformed; the same object where nothing is asked for, or too little of the face is seen.

    Args:
        picture: (H, W, 3) uint8 RGB.
        subject: the face, with its mesh.
        model: of `model.load_transform`.
        gender: towards male (1) or female (-1); 1.5 is strong.
        age_years: years to add; below 0 to take off. 25 is what people expect of "older".
        beard: 1 for stubble, -1 for a shave.

    Raises:
        DataError: the subject has no mesh.
    """
    check_picture(picture)
    if gender == 0 and age_years == 0 and beard == 0:
        return picture
    if subject.mesh is None:
        raise DataError(
            "A face has no mesh, which age, gender and beard need: give --landmarks mesh (lianpu models fetch face-mesh).",
            key="transform.no_mesh",
        )

    def wish_of(reading: Reading, looks: SexAge) -> Wish:
        return wish_for(reading, looks, gender=gender, age_years=age_years, beard=beard)

    return edited(picture, subject, model, wish_of)


WishOf = Callable[[Reading, SexAge], Wish | None]
"""What a face that was read, and is taken to look so, is asked to become; None where it stays."""


def edited(picture: Picture, subject: Subject, model: TransformModel, wish_of: WishOf, px_per_unit: float = 1.0) -> Picture:
    """The picture (H, W, 3) with one face as `wish_of` has it; the same object where it stays, has no mesh, or too little of it is seen.

    Args:
        picture: (H, W, 3) uint8 RGB.
        subject: the face.
        model: of `model.load_transform`.
        wish_of: is asked once the face is read.
        px_per_unit: of `reading.read_face`.
    """
    reading = read_face(picture, subject, model.template, px_per_unit)
    wish = None if reading is None else wish_of(reading, looks_of(subject, reading, model))
    return picture if reading is None or wish is None else carry_out(picture, subject, reading, model, wish)


def looks_of(subject: Subject, reading: Reading, model: TransformModel) -> SexAge:
    """How male and how old a face looks: in a video what its track has averaged (`Subject.looks`), else as the model reads it."""
    return subject.looks or model.judged(reading)


def wish_for(reading: Reading, looks: SexAge, *, gender: float = 0.0, age_years: float = 0.0, beard: float = 0.0) -> Wish:
    """The wish for a face that was read and looks so; weaker for a turned head."""
    wish = Wish(gender, age_years / AGE_SPAN, beard, float(np.clip(looks.male_score - 0.5, -0.5, 0.5)), looks.age)
    return _weakened(wish, reading.place.yaw)


def carry_out(picture: Picture, subject: Subject, reading: Reading, model: TransformModel, wish: Wish) -> Picture:
    """The picture with a face that was read changed as wished."""
    if wish.nothing:
        return picture
    plan = _plan(reading, model, wish)
    result = blend(picture, reading.view, plan.weight, plan.paint)
    flow_view, flow = _flow(picture, subject, reading, model, wish)
    return result if flow is None else warped(result, flow_view, flow)


def _weakened(wish: Wish, yaw: float) -> Wish:
    share = 1 - 0.75 * float(smoothstep(np.array(yaw), _TURNED, _PROFILE))
    return replace(wish, gender=wish.gender * share, age=wish.age * share, beard=wish.beard * share)


@dataclass(frozen=True, eq=False)
class _Plan:
    """What happens to the pixels of a face.

    Args:
        view: of the face.
        weight: (h, w) 1 where anything happens.
        fields: (h, w, 5): gain of L, its offset, gain of a and b, their offsets.
        lines: (n, m) wrinkles in log light over the same window, or None.
        stubble: (h, w) density of stubble, or None.
        hair: Lab (3,) of stubble.
        shaved: (h, w) 0 to 1: where skin's texture is made anew, or None.
        rough: (4,) that texture's roughness by band.
        to_skin: (h, w, 2) the pixel of the tile of skin, which repeats, that each pixel of the view shows.
        to_hairs: the same of the tile of stubble.
        unit_px: pixels of the view per unit of the canonical frame.
    """

    view: View
    weight: Field
    fields: Field
    lines: Field | None
    stubble: Field | None
    hair: Field
    shaved: Field | None
    rough: Field
    to_skin: Field
    to_hairs: Field
    unit_px: float

    def paint(self, pixels: Field, rows: slice, columns: slice) -> Field:
        light, *colours = split_planes(rgb_to_lab(pixels))
        gain, offset, colour_gain, *colour_offsets = split_planes(upsample(self.fields, self.view.window, rows, columns))
        light += np.float32(BLACK)
        light *= gain
        light += offset
        for colour, colour_offset in zip(colours, colour_offsets, strict=True):
            colour *= colour_gain
            colour += colour_offset
        if self.shaved is not None:
            grain = self._on_face(skin_grain(self.rough, self._per_unit), self.to_skin, rows, columns)
            grain *= upsample(self.shaved, self.view.window, rows, columns)
            light *= 1 + grain
        if self.lines is not None:
            deep = np.exp(upsample(self.lines, self.view.window, rows, columns))
            light *= deep
            warm = np.sqrt(np.sqrt(np.minimum(deep, 1)))  # as creases are
            for colour in colours:
                colour *= warm
        light -= np.float32(BLACK)
        lab = merged(light, *colours)
        if self.stubble is not None:
            self._grow(lab, rows, columns)
        return to_rgb(lab)

    @property
    def _per_unit(self) -> float:
        """Pixels of a tile per unit of the frame: as many as the photo has."""
        return round(min(TILE_PER_UNIT, self.unit_px / self.view.scale), 2)

    def _on_face(self, tile: Field, places: Field, rows: slice, columns: slice) -> Field:
        """A tile (n, n), repeated over the face, at some of the photo's rows and columns: it lies still on the mesh."""
        size = np.float32(len(tile))
        at = upsample(places, self.view.window, rows, columns) * (size / np.float32(TILE_PX)) % size
        return np.asarray(cv2.remap(tile, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), dtype=np.float32)

    def _grow(self, lab: Field, rows: slice, columns: slice) -> None:
        """Mix the colour of hair into Lab (n, m, 3) where stubble grows."""
        assert self.stubble is not None
        density = upsample(self.stubble, self.view.window, rows, columns)
        hairs = self._on_face(stubble_tile(self._per_unit), self.to_hairs, rows, columns)
        share = np.clip(density * (np.float32(_FOLLICLES[0]) * hairs + np.float32(_FOLLICLES[1])), 0, 0.75)[..., None]
        darker = np.minimum(self.hair, lab)
        dimmed = (darker[..., :1] + np.float32(BLACK)) / (lab[..., :1] + np.float32(BLACK))
        darker[..., 1:] = np.sqrt(dimmed) * (
            np.float32(0.8) * lab[..., 1:] + np.float32(0.3) * self.hair[1:]
        )  # seen through skin
        lab += share * (darker - lab)


def _plan(reading: Reading, model: TransformModel, wish: Wish) -> _Plan:
    """The fields of a wish: tone, detail, lips, brows, lids, beard, wrinkles."""
    dark = 1 + 0.35 * float(
        1 - smoothstep(np.array(np.median(reading.tone[..., 0][reading.skin > 0.5]) if reading.skin.any() else 5), 3.9, 4.3)
    )
    open_skin = _reachable(reading, model)
    skin = reading.cover("skin", "nose", soft=1.6) * reading.sampled(model.zones.face) * open_skin
    tone, energy = _learned(model, wish)
    tone, detail = reading.sampled(tone) * np.float32(dark), reading.sampled(energy)
    shaved = None
    if wish.gender < 0 or wish.beard < 0:
        amount = min(1.0, max(-wish.gender, -wish.beard))
        shaved = shave(reading, model, amount, wish.male)
        shaved = replace(
            shaved,
            zone=shaved.zone * open_skin,
            replaced=shaved.replaced * open_skin,
            rim=shaved.rim * open_skin[..., None],
            change=shaved.change * open_skin[..., None],
        )
        tone = tone * (1 - 0.8 * shaved.zone[..., None]) + shaved.change
    _limit(tone, reading, model, wish)
    if wish.age > 0:
        detail *= reading.sampled(_smooth_skin(reading, model))[..., None]
        detail = np.minimum(detail, reading.sampled(_missing_detail(reading, model, wish)))
    least = (-2.4,) * len(BANDS)
    if wish.age < 0:
        least = _PORES[1] if wish.male > 0 else _PORES[0]
        if wish.male > 0:  # nor does stubble go
            detail *= (1 - 0.8 * reading.sampled(model.zones.density))[..., None]
    planes = [
        np.exp(np.float32(0.5) * np.clip(one, low, high))
        for one, low, high in zip(cv2.split(detail), least, _ROUGHEST, strict=True)
    ]
    gains = merged(*(1 + (plane - 1) * skin for plane in planes))
    if wish.age < 0:
        gains = 1 + (gains - 1) * (1 - _features(reading))[..., None]
    if wish.gender > 0:  # lashes and liner would be smeared, not taken off
        gains = 1 + (gains - 1) * (1 - 0.75 * reading.sampled(model.zones.eyes))[..., None]
    reach = skin
    if shaved is not None:
        gains = gains * (1 - shaved.zone[..., None]) + shaved.gains * shaved.zone[..., None]
        reach = np.maximum(skin, shaved.zone)
    tone *= reach[..., None]
    if wish.age < 0:
        tone += _unfolded(reading, _folds(reading, model, shaved)) * (open_skin * np.float32(min(-wish.age, 1.3)))[..., None]
    elif wish.age > 0:
        tone[..., 0] += _deepened(reading, model, _folds(reading, model, shaved)) * open_skin * np.float32(min(wish.age, 1.3))
    if wish.gender or wish.age:
        _lips(tone, reading, model, wish, open_skin)
    if wish.gender:
        _brows(tone, reading, wish)
    if wish.age < 0 and wish.years > _GREYS[0]:
        tone += _former(reading, wish)
    fields = _linear(reading, tone, gains, shaved, 2.5 * max(0.0, -wish.age))
    if wish.gender < 0:
        _lashes(fields, reading, wish)
    if wish.gender > 0:
        _unpainted(fields, reading, model, wish, open_skin)
    if wish.gender or wish.beard:
        fields += teeth_of(reading)[..., None] * (np.array((1, 0, 1, 0, 0), dtype=np.float32) - fields)
    lines = _lines(reading, model, wish, skin, dark)
    stubble, hair = _stubble(reading, model, wish, open_skin)
    if shaved is not None and wish.gender >= 0 and shaved.replaced.any():  # where a beard was, its roots show
        stubble = stubble_density(reading, model) * shaved.replaced * np.float32(_ROOTS)
    changed = (
        np.abs(fields[..., 0] - 1) * 60
        + np.abs(fields[..., 1])
        + 40 * np.abs(fields[..., 2] - 1)
        + np.abs(fields[..., 3])
        + np.abs(fields[..., 4])
    )
    weight = (changed > 60 * _FAINT).astype(np.float32)
    if lines is not None:
        weight = np.maximum(
            weight, (cv2.resize(np.abs(lines), weight.shape[::-1], interpolation=cv2.INTER_AREA) > _FAINT / 4).astype(np.float32)
        )
    if stubble is not None:
        weight = np.maximum(weight, (stubble > _FAINT).astype(np.float32))
    weight = np.asarray(cv2.dilate(weight, np.ones((3, 3), np.uint8)), dtype=np.float32)
    new_skin = None if shaved is None or not shaved.replaced.any() else shaved.replaced
    finer = float(np.clip(1 + 0.5 * np.log2(1 / reading.view.scale), 1, 2))  # the view has lost what is finer than its pixels
    rough = (
        np.zeros(len(BANDS), dtype=np.float32) if shaved is None else shaved.rough * np.array((finer, 1, 1, 1), dtype=np.float32)
    )
    places = tile_places(reading, model), tile_places(reading, model, _OUTWARDS)
    return _Plan(reading.view, weight, fields, lines, stubble, hair, new_skin, rough, *places, reading.scale)


def _reachable(reading: Reading, model: TransformModel) -> Field:
    """(h, w): 1, and 0 from the nose down where the mouth is covered by a mask or a hand, which parsers take for skin."""
    lips = np.zeros(reading.view.shape, dtype=np.uint8)
    cv2.fillPoly(lips, [np.rint(reading.flat[list(REGIONS["lips_outer"])] * 16).astype(np.int32)], 1, shift=4)
    share = float((reading.cover("u_lip", "l_lip", "mouth") * lips).sum()) / max(float(lips.sum()), 1.0)
    found, skin = reading.cover("u_lip", "l_lip") > 0, (reading.skin > 0.5) & (reading.sampled(model.zones.below) < 0.1)
    if found.any() and skin.any() and np.median(reading.tone[found][:, 1]) < np.median(reading.tone[skin][:, 1]) - _NO_LIPS:
        share = 0.0
    if share > 0.35:
        return np.ones(reading.view.shape, dtype=np.float32)
    hidden = 1 - float(smoothstep(np.array(share), 0.15, 0.35))
    return np.asarray(1 - hidden * reading.sampled(model.zones.below), dtype=np.float32)


def _steps(wish: Wish) -> tuple[float, float, float]:
    """Steps of sex and age, and the face's age, as the regression has them."""
    return (
        wish.gender * (_MALE if wish.gender > 0 else _FEMALE),
        wish.age * (_OLDER if wish.age > 0 else _YOUNGER),
        (wish.years - MIDDLE_AGE) / AGE_SPAN,
    )


def _learned(model: TransformModel, wish: Wish) -> tuple[Field, Field]:
    """Differences of tone (M, M, 3) and of log energy (M, M, 4) in the canonical frame."""
    sex, age, own = _steps(wish)
    own = float(np.clip(own, -0.7, 0.6))  # what few faces taught goes no further than many show
    tone = sex * (model.low["male"] + own * model.low["male_age"]) + age * (model.low["age"] + wish.male * model.low["male_age"])
    rough = age * (_DETAIL_OLDER if age > 0 else _DETAIL_YOUNGER)
    energy = sex * (model.energy["male"] + own * model.energy["male_age"])
    energy = energy + rough * (model.energy["age"] + wish.male * model.energy["male_age"])
    tone[..., 1:] *= np.float32(_CHROMA_OF_SEX if sex else 1.0)
    if age < 0:
        tone[..., 1:] *= np.float32(0.45)
        tone[..., 0] = np.clip(
            np.where(tone[..., 0] > 0, 0.4, 0.8) * tone[..., 0], -0.035, 0.025
        )  # neither shine nor a grey forehead is youth
        energy = np.minimum(energy, 0.0)  # nor is a rough forehead
    if sex < 0:
        energy = np.minimum(energy, 0.3)
    zones = model.zones
    weight = model.skin * zones.face
    mean = (tone * weight[..., None]).sum(axis=(0, 1)) / weight.sum()
    kept = mean * np.array(_MEAN_KEPT, dtype=np.float32)
    tone = (tone - mean + kept) * zones.fade[..., None] + kept * ((1 - zones.fade) * zones.face)[..., None]
    return tone.astype(np.float32), energy.astype(np.float32)


def _limit(tone: Field, reading: Reading, model: TransformModel, wish: Wish) -> None:
    """Hold the change of tone (h, w, 3) to what this face's own skin allows: no haze on light skin, no glow in shadows."""
    seen = blurred(reading.tone, 3.0 * reading.scale)
    cheeks = (reading.sampled(model.zones.cheeks) > 0.6) & (reading.skin > 0.6)
    own = seen[cheeks] if cheeks.sum() > 40 else seen[reading.skin > 0.5] if (reading.skin > 0.5).any() else seen.reshape(-1, 3)
    usual = np.median(own, axis=0)
    if wish.gender > 0:  # men's eyes are no lighter than their cheeks: make-up comes off, no more
        eyes = reading.sampled(model.zones.eyes)
        most = np.maximum(0, usual[0] - 0.04 - seen[..., 0]) * 0.8
        painted = _painted_lids(reading, model, usual)
        tone[..., 0] = np.maximum(tone[..., 0], np.minimum(most, 0.3) * painted)
        lashes = 1 - smoothstep(blurred(reading.tone[..., 0], 0.7 * reading.scale) - seen[..., 0], -0.22, -0.04)
        light = np.minimum(tone[..., 0], most * (1 - 0.85 * lashes))
        share = np.where(tone[..., 0] <= 0, 1, np.clip(light / np.maximum(tone[..., 0], 1e-3), 0, 1))
        light = np.where(tone[..., 0] <= 0, tone[..., 0], light)
        tone[..., 0] += eyes * (light - tone[..., 0])
        tone[..., 1:] += eyes[..., None] * (0.35 * share[..., None] - 1) * tone[..., 1:]
    if wish.age > 0 and not wish.gender:  # no pale rings around the eyes of older men, nor pale foreheads
        tone[..., 0] = np.minimum(tone[..., 0], 0.04)
        _hold(tone, (-0.015, 0.03), (-0.02, 0.03))  # nor green cheeks
        around = np.maximum(reading.sampled(model.zones.beard), reading.sampled(model.zones.density))
        least = np.median(tone[cheeks], axis=0) if cheeks.any() else np.zeros(3)  # grey beards were learned: no muzzle
        tone += around[..., None] * (np.maximum(tone, least - (0.03, 0.002, 0.002)) - tone)
    if wish.gender or wish.age > 0:  # skin in bright light has no shade to give: it would get grey
        tone *= np.where(tone[..., :1] < 0, np.clip((np.log(108.0) - seen[..., :1]) / 0.3, 0.15, 1), 1)
    if wish.gender < 0:
        eyes = reading.sampled(model.zones.eyes)
        mild = 1 - 0.6 * float(smoothstep(np.array(wish.years), 36, 60))  # lids of older faces carry little make-up
        mild *= 0.6 + 0.4 * float(smoothstep(np.array(usual[0]), 3.8, 4.25))  # dark skin shows it soon
        lids = reading.sampled(model.zones.lids)
        most = np.float32(_AROUND_LIDS) + lids * np.float32(_LINER[0] - _AROUND_LIDS)
        room = np.clip(seen[..., 0] - (usual[0] - _LINER[1]), 0.03, most) * np.float32(mild * min(-wish.gender, 1.25))
        wanted = np.minimum(tone[..., 0], 0) * (1 + 0.4 * lids)
        tone[..., 0] += eyes * (np.maximum(np.where(tone[..., 0] < 0, wanted, tone[..., 0]), -room) - tone[..., 0])
        light = np.clip(usual[0] + 0.05 - seen[..., 0], 0.015, 0.2)  # women are lighter around the mouth, not white
        tone[..., 0] = np.minimum(tone[..., 0], light)
        shade = np.clip(-tone[..., :1], 0, 0.3)
        warm = 0.1 * shade + np.clip(usual[1:] - seen[..., 1:], 0, 0.15) * np.minimum(shade / 0.12, 1)  # brown, not grey
        tone[..., 1:] += eyes[..., None] * (np.maximum(tone[..., 1:], 0) + warm - tone[..., 1:])
    if wish.gender > 0:  # beards are drawn: a shade beneath them, no smudge
        tone[..., 0] = np.minimum(tone[..., 0], np.float32(_LIGHTER_OF_MEN) + eyes)
        shade = np.maximum(reading.sampled(model.zones.density), reading.sampled(model.zones.grows))
        tone[..., 0] += shade * (np.maximum(tone[..., 0], -_SHADE_OF_BEARD) - tone[..., 0])
        rim = reading.cover("l_eye", "r_eye", grown=7.0, soft=1.5) * (1 - reading.cover("l_eye", "r_eye", soft=0.6))
        total, bare = (blurred(one, 5.0 * reading.scale) for one in (reading.tone[..., 0] * reading.skin, reading.skin))
        lid = total / np.maximum(bare, 1e-3)
        tone[..., 0] += rim * np.float32(_LASHES_OFF * min(wish.gender, 1.2)) * np.clip(lid - reading.tone[..., 0] - 0.05, 0, 0.5)
    if wish.gender:
        _hold(tone, (-0.012, 0.022), (-0.014, 0.018))
    # what is as light as the face's lightest skin already is made no lighter
    high = np.quantile(own[:, 0], 0.9)
    room = np.clip((high + 0.05 - seen[..., 0]) / 0.12, 0, 1)
    tone[..., 0] = np.where(tone[..., 0] > 0, np.minimum(tone[..., 0], 0.16) * (0.15 + 0.85 * room), tone[..., 0])
    # what is far darker than the face's skin lies in shadow: made no darker
    tone[..., 0] *= np.where(tone[..., 0] < 0, np.clip((seen[..., 0] - usual[0] + 0.75) / 0.4, 0.15, 1), 1)
    lit = np.clip((np.log(100.0) + 0.05 - seen[..., 0]) / 0.22, 0.0, 1.0)
    for channel, typical in ((1, 0.18), (2, 0.25)):
        share = np.clip(seen[..., channel] / typical, 0.1, 1.2) * lit
        tone[..., channel] *= np.where(tone[..., channel] < 0, share, 0.4 + 0.6 * lit)
    if wish.gender > 0 and (reading.skin > 0.5).any():
        total = blurred(weighted(reading.tone[..., 1:2], reading.skin), 6.0 * reading.scale)  # no hair beside it
        red = total[..., 0] / np.maximum(total[..., 1], 1e-3) - np.median(reading.tone[..., 1][reading.skin > 0.5])
        blush = np.clip(np.minimum(red, seen[..., 1] - usual[1]) - _BLUSH_OFF[1], 0, _BLUSH_OFF[2])
        blush *= reading.sampled(model.zones.fade) * (1 - painted)
        tone[..., 1] -= np.float32(_BLUSH_OFF[0] * min(wish.gender, 1.2)) * blush
    if wish.gender > 0:  # lids get lighter, not more colourful, and eye shadow, of whatever colour, goes
        near = blurred(reading.tone, 1.2 * reading.scale)
        colour = usual[1:] - near[..., 1:]
        lighter = reading.sampled(model.zones.eyes) * np.clip(tone[..., 0] / 0.06, 0, 1)
        off = np.where(colour < 0, lighter[..., None], 0) * np.clip(colour, -0.05, 0)
        off += painted[..., None] * (np.clip(colour, -0.3, 0.15) - off)
        tone[..., 1:] += np.float32(0.8 * min(wish.gender, 1.2)) * off


def _painted_lids(reading: Reading, model: TransformModel, usual: np.ndarray) -> Field:
    """(h, w), 0 to 1: where skin around the eyes has another colour than the cheeks' `usual` tone (3,), and is no lighter: eye shadow."""
    near = blurred(reading.tone, 2.5 * reading.scale)
    apart = np.hypot(near[..., 1] - usual[1], near[..., 2] - usual[2])
    darker = smoothstep(usual[0] - near[..., 0], 0.0, 0.12)
    return np.asarray(reading.sampled(model.zones.lids) * smoothstep(apart, *_PAINTED_LIDS) * darker, dtype=np.float32)


def _hold(tone: Field, *bounds: tuple[float, float]) -> None:
    """Hold both of relative chroma of a tone (h, w, 3) within bounds, in place."""
    for channel, (low, high) in enumerate(bounds, 1):
        tone[..., channel] = np.clip(tone[..., channel], low, high)


def _lips(tone: Field, reading: Reading, model: TransformModel, wish: Wish, reachable: Field) -> None:
    lips, skin = reading.cover("u_lip", "l_lip") > 0, reading.skin > 0
    if lips.sum() < 40 * reading.scale**2 or skin.sum() < 400 * reading.scale**2:
        return
    age = _steps(wish)[1]
    step = age * (model.lips[2] + wish.male * model.lips[3])
    if wish.gender:
        tint = reading.tone[lips].mean(axis=0) - np.median(reading.tone[skin], axis=0)
        towards = float(np.sign(wish.gender))
        wanted = model.lips[0] + towards * 0.5 * model.lips[1] * (1.3 if towards > 0 else 1.0) - tint
        low, high = ((-0.12, -0.24, -0.06), (0.04, -0.02, 0.06)) if towards > 0 else ((-0.12, 0.03, -0.1), (0.15, 0.12, 0.1))
        step = step + np.clip(wanted, low, high) * min(abs(wish.gender), 1.2) * 0.9
    if wish.age < 0:
        fresh = np.array((0.0, 0.01, 0.0)) * min(-wish.age, 1.5)
        step = step * 0.3 if wish.male > 0 else step + fresh  # red lips are make-up on men
    change = (reading.cover("u_lip", "l_lip", soft=1.3) * reachable)[..., None] * step.astype(np.float32)
    # lips stay redder than the skin, and what the parser takes for a lip and is none stays skin: no grey lips, no grey rims
    redder = blurred(reading.tone, 0.8 * reading.scale) - np.median(reading.tone[skin], axis=0)
    share = 0.8 if wish.gender > 0 else 0.3
    change[..., 1] = np.maximum(change[..., 1], -share * np.maximum(redder[..., 1] - 0.03, 0))
    change[..., 2] = np.maximum(change[..., 2], -np.maximum(redder[..., 2] + 0.04, 0))
    tone += change


def _unpainted(fields: Field, reading: Reading, model: TransformModel, wish: Wish, reachable: Field) -> None:
    """Take lipstick off: lips get the chroma that men's have beside such skin, all over, and painted lips no darker light than theirs."""
    lips, skin = reading.cover("u_lip", "l_lip") > 0, reading.skin > 0.5
    if lips.sum() < 40 * reading.scale**2 or skin.sum() < 400 * reading.scale**2:
        return
    total = blurred(weighted(reading.tone, reading.cover("skin", grown=-1.5)), _NEAR_LIPS * reading.scale)
    bare = total[..., :3] / np.maximum(total[..., 3:], 1e-3)  # the light on the lips is that on the skin beside them
    natural = bare + (model.lips[0] + 0.5 * model.lips[1] + (0, 0, _WARMER)).astype(np.float32)
    natural[..., 1] = np.maximum(np.minimum(natural[..., 1], _REDDEST_LIPS[0]), bare[..., 1] + _REDDEST_LIPS[1])
    own, usual = (np.median(tone[lips], axis=0) for tone in (reading.tone, natural))
    painted = float(smoothstep(np.hypot(*(own - usual)[1:]), *_LIPSTICK)) * min(wish.gender, 1.0)
    share = reading.cover("u_lip", "l_lip", soft=1.3, grown=1.5 * painted) * reachable * np.float32(0.95 * painted)
    light = np.float32(np.exp(0.55 * painted * np.clip(usual[0] - own[0], 0, 0.35)) - 1) * share
    fields[..., 0] *= 1 + light
    fields[..., 1] *= 1 + light
    lit = fields[..., 0] * (reading.lab[..., 0] + np.float32(BLACK)) + fields[..., 1]
    fields[..., 2] *= 1 - share
    for channel in (1, 2):
        field = fields[..., 2 + channel]
        field += share * (natural[..., channel] * lit - field)


def _brows(tone: Field, reading: Reading, wish: Wish) -> None:
    brows = reading.cover("l_brow", "r_brow")
    if not brows.any():
        return
    down = reading.place.rotation[:2, 1]
    down = down / max(float(np.linalg.norm(down)), 1e-6)
    if wish.gender > 0:  # thicker towards the eye, and a little darker
        moved = _shifted(brows, down * 1.6 * reading.scale)
        thick = blurred(np.maximum(brows, moved), 2.0 * reading.scale) * (
            1 - reading.cover("l_eye", "r_eye", soft=1.5, grown=1.5)
        )
        usual = float(np.median(reading.tone[..., 0][reading.skin > 0.5])) if (reading.skin > 0.5).any() else 4.3
        room = np.clip((blurred(reading.tone[..., 0], 1.2 * reading.scale) - (usual + _DARKEST_BROWS)) / 0.3, 0, 1)
        tone[..., 0] -= np.float32(0.22 * min(wish.gender, 1.3)) * thick * room
        return
    edge = np.clip(brows - _shifted(brows, -down * 5 * reading.scale), 0, 1)  # the lower edge becomes skin
    edge = blurred(edge, 1.2 * reading.scale) * np.float32(0.75 * min(-wish.gender, 1.0))
    bare = reading.cover("skin", "nose", grown=-2.0)
    total = blurred(weighted(reading.tone, bare), 6 * reading.scale)
    skin = total[..., :3] / np.maximum(total[..., 3:], 1e-3)
    darker = np.clip((skin[..., :1] - reading.tone[..., :1]) / 0.2, 0, 1)
    tone += (skin - blurred(reading.tone, 1.5 * reading.scale)) * edge[..., None] * darker * np.clip(total[..., 3:] / 0.05, 0, 1)


def _shifted(mask: Field, by: np.ndarray) -> Field:
    matrix = np.array([[1, 0, by[0]], [0, 1, by[1]]], dtype=np.float64)
    return np.asarray(cv2.warpAffine(mask, matrix, mask.shape[::-1], flags=cv2.INTER_LINEAR), dtype=np.float32)


def _smooth_skin(reading: Reading, model: TransformModel) -> Field:
    """(M, M): 1 where skin is about as smooth as the cheeks, 0 where hair grows: beards get no rougher with the years."""
    cheeks = (model.zones.cheeks > 0.5) & (reading.known > 0.5)
    rough = reading.energy[..., :3].mean(axis=2)
    rough = np.minimum(rough, np.where(reading.known[:, ::-1] > 0.5, rough[:, ::-1] + 0.4, rough))  # light from a side is no hair
    usual = float(np.median(rough[cheeks] if cheeks.any() else rough))
    return np.asarray(1 - smoothstep(rough - usual, 0.8, 2.0) * model.zones.beard, dtype=np.float32)


def _hairy(reading: Reading, model: TransformModel) -> Field:
    """(M, M): 1 where a beard grows, and below the face's outline, where it hangs."""
    rough = 1 - _smooth_skin(reading, model)
    hanging = cv2.dilate(rough, np.ones((15, 9), np.uint8)) * (1 - model.zones.face)
    return blurred(np.maximum(rough, np.asarray(hanging, dtype=np.float32)), 1.5)


def _missing_detail(reading: Reading, model: TransformModel, wish: Wish) -> Field:
    """(M, M, 4): how much log energy a face lacks to be as rough as skin of the wanted age: freckles and glare become no dirt."""
    years = float(np.clip((wish.years + AGE_SPAN * wish.age - MIDDLE_AGE) / AGE_SPAN, -1, 1.6))
    usual = (
        model.energy["mean"] + years * model.energy["age"] + wish.male * (model.energy["male"] + years * model.energy["male_age"])
    )
    return np.asarray(np.maximum(usual + _ROUGHER_THAN_MOST - reading.energy, 0), dtype=np.float32)


def _former(reading: Reading, wish: Wish) -> Field:
    """(h, w, 3) of tone that gives grey brows their colour back."""
    hair = reading.cover("l_brow", "r_brow", soft=2.5)
    near = blurred(reading.tone, 1.5 * reading.scale)
    light = smoothstep(np.exp(near[..., 0]) - BLACK, *_GREY_HAIR[0])
    grey = hair * light * (1 - smoothstep(np.hypot(near[..., 1], near[..., 2]), *_GREY_HAIR[1]))
    grey *= np.float32(min(1.0, -wish.age) * float(smoothstep(np.array(wish.years), *_GREYS)))
    return np.asarray(grey[..., None] * np.array(_FORMER, dtype=np.float32), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class _Folds:
    """What folds a face's skin has, neck included; its beard, and what lies beside lips, lids, brows and nostrils, is no fold.

    Args:
        tone: (h, w, 3) of the skin without pores.
        lines: (h, w) log light of lines beside the skin around them.
        bags: (h, w) the same of wide folds and bags.
        broad: (h, w, 3) of the skin around those.
        folded: (h, w) 0 to 1: where many lines are.
        where: (h, w) 0 to 1: where all this holds.
    """

    tone: Field
    lines: Field
    bags: Field
    broad: Field
    folded: Field
    where: Field


def _folds(reading: Reading, model: TransformModel, shaved: Shave | None) -> _Folds:
    scale = reading.scale
    inner = reading.cover("skin", "neck", grown=-2.5)
    other = reading.cover("l_eye", "r_eye", "l_brow", "r_brow", "u_lip", "l_lip", "mouth", "eye_g", grown=2.0)
    valid = inner * (1 - np.maximum(other, _features(reading)))
    if shaved is not None:
        valid *= 1 - shaved.replaced
    tone = weighted(reading.tone, valid)
    fine, middle, broad = (
        np.asarray(level[..., :3] / np.maximum(level[..., 3:], 1e-3), dtype=np.float32)
        for level in (blurred(tone, sigma * scale) for sigma in _FOLD)
    )
    lines, bags = fine[..., 0] - middle[..., 0], middle[..., 0] - broad[..., 0]
    beard = smoothstep(blurred(reading.sampled(model.zones.density) * (lines + bags < -0.06), 6 * scale), 0.25, 0.5)
    beard = np.maximum(beard, reading.sampled(_hairy(reading, model)))
    folded = smoothstep(blurred(np.abs(lines) * valid, 8 * scale) / np.maximum(blurred(valid, 8 * scale), 0.1), *_FOLDED)
    high = reading.view.shape[0]
    border = np.minimum(1, (high - np.arange(high, dtype=np.float32)[:, None]) / (0.08 * high))  # the neck goes on below the view
    where = np.asarray(blurred(valid, 2.0 * scale) * (1 - beard) * border, dtype=np.float32)
    return _Folds(fine, np.asarray(lines, np.float32), np.asarray(bags, np.float32), broad, folded, where)


def _features(reading: Reading) -> Field:
    """(h, w) 0 to 1: eyes, brows and lips by the mesh: parsers take closed and squinting eyes for skin."""
    mask = np.zeros(reading.view.shape, dtype=np.uint8)
    for name in ("left_eye", "right_eye", "left_brow", "right_brow", "lips_outer"):
        hull = cv2.convexHull(np.rint(reading.flat[list(REGIONS[name])] * 16).astype(np.int32))
        cv2.fillConvexPoly(mask, hull, 1, shift=4)
    around = 2 * max(1, round(4 * reading.scale)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (around, around))
    return blurred(cv2.dilate(mask, kernel).astype(np.float32), 1.5 * reading.scale)


def _unfolded(reading: Reading, folds: _Folds) -> Field:
    """(h, w, 3) of tone that takes folds and bags off: the dark valleys of both, and fine ridges.

    Pores, broad shading and shine stay: skin without them is wax.
    """
    lines, bags, folded = folds.lines, folds.bags, folds.folded
    flat = -np.where(lines < 0, _LINES_OFF[0], _LINES_OFF[1] * folded) * np.clip(lines, -0.3, 0.15)
    flat -= np.where(bags < 0, _BAGS_OFF[0] * (0.25 + 0.75 * folded), _BAGS_OFF[1] * folded) * np.clip(bags, -0.2, 0.1)
    sharp = np.clip(reading.tone[..., 0] - folds.tone[..., 0], -0.3, 0) * np.clip(-lines / 0.05 - 0.4, 0, 1)  # bottoms of creases
    flat -= np.float32(_LINES_OFF[0]) * sharp
    creased = np.clip(-(lines + bags) / 0.1, 0, 1)[..., None]  # which are redder than the skin beside them
    even = -(np.float32(0.4) + np.float32(0.45) * creased) * np.clip(
        (folds.tone - folds.broad)[..., 1:], -0.05 - 0.15 * creased, 0.05 + 0.15 * creased
    )
    return np.asarray(np.dstack([flat, even]) * folds.where[..., None], dtype=np.float32)


def _deepened(reading: Reading, model: TransformModel, folds: _Folds) -> Field:
    """(h, w) of log light that makes a face's own folds and bags deeper, and the ridges beside them a little lighter; no shade of beards."""
    lines, bags = np.clip(folds.lines, -0.12, 0.05), np.clip(folds.bags, -0.12, 0.06)
    deeper = np.where(lines < 0, _DEEPER[0], 0.4 * _DEEPER[0]) * lines + np.where(bags < 0, _DEEPER[1], 0.5 * _DEEPER[1]) * bags
    bare = 1 - np.maximum(reading.sampled(model.zones.beard), reading.sampled(model.zones.density))
    return np.asarray(deeper * folds.where * (0.15 + 0.85 * bare) * _out_of_shadow(reading), dtype=np.float32)


def _out_of_shadow(reading: Reading) -> Field:
    """(h, w): 1 on skin in light, 0.1 in the face's own shadows, beneath the nose, say: a fold there would be soot."""
    seen = blurred(reading.tone[..., 0], 3.0 * reading.scale)
    skin = reading.skin > 0.5
    usual = float(np.median(seen[skin])) if skin.any() else float(seen.max())
    return np.asarray(np.clip((seen - usual + 0.55) / 0.35, 0.1, 1), dtype=np.float32)


def _linear(reading: Reading, tone: Field, gains: Field, shaved: Shave | None, youth: float) -> Field:
    """(h, w, 5): gain and offset of L + 16, gain of a and b, offsets of both, that do all of tone and detail to a pixel.

    `youth` is by how much more contrast a line in the skin may have and be smoothed.
    """
    levels = reading.levels
    base = levels[-1] + np.float32(BLACK)
    wider = base if youth <= 0 else base * (1 + np.float32(youth) * reading.cover("skin", grown=-4.0, soft=1.5))
    fine, coarse = np.ones_like(base), np.zeros_like(base)
    for k, edge in enumerate((0.05, 0.06, 0.07, 0.08)):
        band, own = levels[k] - levels[k + 1], gains[..., k]
        strong = 1 - np.exp(-((band / (np.float32(edge) * wider)) ** 2))
        held = own + (1 - own) * strong  # what is no texture of skin keeps its contrast
        if shaved is not None:
            held += shaved.zone * (own - held)
        if k:
            coarse += band * (held - 1)
        else:
            fine = held
    light = np.exp(tone[..., 0])
    gain = light * fine
    offset = light * (levels[1] + np.float32(BLACK) + coarse) - gain * (levels[1] + np.float32(BLACK))
    chroma = light.copy()
    dim = np.minimum(base, levels[2] + np.float32(BLACK))  # a dark line holds little colour
    tint = tone[..., 1:] * (dim * light)[..., None]
    if shaved is not None:
        _take_off(shaved, reading, gain, offset, chroma, tint)
    return merged(gain, offset, chroma, *cv2.split(tint))


def _take_off(shaved: Shave, reading: Reading, gain: Field, offset: Field, chroma: Field, tint: Field) -> None:
    """Where beard is much darker than skin, its place gets the shaved skin's light and colour; its texture is made anew."""
    share = shaved.replaced
    gain *= 1 - share
    offset += share * (light_of(shaved.shaved) + np.float32(BLACK) - offset)
    tint += share[..., None] * (skin_chroma(shaved.shaved) - tint)
    chroma *= 1 - share
    offset += shaved.rim[..., 0]
    tint += shaved.rim[..., 1:]
    even = np.float32(0.85) * shaved.zone * (1 - share)  # beard hair has a chroma of its own
    smooth = blurred(reading.lab[..., 1:] * chroma[..., None], 3.5 * reading.scale)
    tint += even[..., None] * smooth
    chroma *= 1 - even


def _lashes(fields: Field, reading: Reading, wish: Wish) -> None:
    """Darken the rim of the upper lids of eyes that are seen, as lashes and a fine liner do."""
    line = np.zeros(reading.view.shape, dtype=np.float32)
    for name in ("right_eye", "left_eye"):
        rim = reading.flat[list(REGIONS[name][:9])]
        around = np.zeros(reading.view.shape, dtype=np.uint8)
        cv2.fillPoly(around, [np.rint(reading.flat[list(REGIONS[name])] * 16).astype(np.int32)], 1, shift=4)
        eye = reading.cover("l_eye", "r_eye")
        if not reading.seen[list(REGIONS[name][:9])].all() or (eye * around).sum() < 0.4 * around.sum():
            continue
        outer = rim[0] + (rim[0] - rim[1]) * 0.5 + np.array((0, -0.8)) * reading.scale
        canvas = np.zeros((2 * line.shape[0], 2 * line.shape[1]), dtype=np.uint8)
        points = np.rint((np.vstack([outer, rim]) * 2 + 0.5) * 16).astype(np.int32)
        for step in range(len(points) - 1):
            width = max(1, round((3 if step < 6 else 2) * reading.scale))
            cv2.line(canvas, points[step].tolist(), points[step + 1].tolist(), 255, width, cv2.LINE_AA, 4)
        drawn = cv2.resize(canvas, line.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
        line = np.maximum(line, drawn)
    line = blurred(line, 0.9 * reading.scale) * np.float32(
        min(-wish.gender, 1.3) * (_LASHES - 0.16 * float(smoothstep(np.array(wish.years), 40, 65)))
    )
    fields[..., 0] *= 1 - line
    fields[..., 1] *= 1 - line
    fields[..., 2] *= 1 - 0.6 * line


def _lines(reading: Reading, model: TransformModel, wish: Wish, skin: Field, dark: float) -> Field | None:
    """Wrinkles in log light over the face's window, at up to twice the view's resolution; None where nothing ages."""
    if wish.age <= 0:
        return None
    finer = 2 if max(reading.view.scale, 0) < 0.75 else 1
    high, wide = reading.view.shape
    shape = (finer * high, finer * wide)
    turn = reading.place.rotation[:2, :2]
    across, down = (turn[:, axis] / max(float(np.linalg.norm(turn[:, axis])), 1e-6) for axis in (0, 1))
    gained = (model.energy["age"] + wish.male * model.energy["male_age"])[..., 1:3].mean(axis=-1)
    field = wrinkle_field(
        (reading.flat + 0.5) * finer - 0.5,
        reading.scale * finer,
        (across, down),
        _light(reading, model),
        model.mirror,
        gained,
        model.canonical,
        wish.age,
        wish.years + AGE_SPAN * wish.age,
        reading.seen * np.clip((-(model.normals @ reading.place.rotation.T)[:, 2] - 0.1) / 0.4, 0, 1),
        shape,
    )
    seen = blurred(reading.tone[..., 0], 3.0 * reading.scale)
    mask = (
        skin
        * reading.cover("skin", "nose", soft=1.6, grown=-2.5)
        * np.clip((np.log(112.0) - seen) / 0.25, 0.15, 1)
        * _out_of_shadow(reading)
        * np.float32(min(dark, 1.15))
    )
    return np.asarray(field * (enlarge(mask, shape[::-1]) if finer > 1 else mask), dtype=np.float32)


def _light(reading: Reading, model: TransformModel) -> tuple[float, float]:
    """By how much the skin's log light grows for a unit of its normal to the right and down in the picture."""
    normals = model.normals @ reading.place.rotation.T
    high, wide = reading.view.shape
    x, y = (np.clip(np.rint(reading.flat[:, axis]).astype(int), 0, (wide, high)[axis] - 1) for axis in (0, 1))
    near = blurred(reading.tone[..., 0], 4 * reading.scale)[y, x]
    shown = reading.seen & (reading.skin[y, x] > 0.5)
    if shown.sum() < 40:
        return 0.0, 0.0
    terms = np.column_stack([normals[shown], np.ones(int(shown.sum()))])
    slope = np.linalg.solve(terms.T @ terms + np.diag([4.0, 4.0, 4.0, 0.0]), terms.T @ near[shown])
    right, down = (float(np.clip(value, -0.6, 0.6)) for value in slope[:2])
    return right, down


def _stubble(reading: Reading, model: TransformModel, wish: Wish, reachable: Field) -> tuple[Field | None, Field]:
    """Density of stubble (h, w) and the colour of its hair, Lab (3,): that of brows and hair, darker than the skin."""
    skin = reading.skin > 0.5
    own = np.median(reading.lab[skin], axis=0) if skin.any() else np.array((60.0, 10, 15), dtype=np.float32)
    hair = _hair_color(reading, own)
    grown_up = float(smoothstep(np.array(wish.years), *_GROWS))
    amount = max(float(np.interp(own[0], (25, 55), (1.7, 1.35))) * wish.beard, _STUBBLE_OF_MEN * wish.gender) * (
        _STUBBLE_OF_BOYS + (1 - _STUBBLE_OF_BOYS) * grown_up
    )
    if amount <= 0:
        return None, hair
    bare = 1 - beard_seen(reading, model, wish.male)
    density = stubble_density(reading, model)
    amount *= float(smoothstep((bare * density).sum() / max(float(density.sum()), 1e-6), *_BARE))  # a beard is enough
    lit = np.clip((np.log(114.0) - blurred(reading.tone[..., 0], 3.0 * reading.scale)) / 0.2, 0.1, 1)  # none in glare
    density = density * bare * reachable * lit * np.float32(min(amount, 1.8))
    return np.asarray(density, dtype=np.float32), hair


def _hair_color(reading: Reading, own: Field) -> Field:
    """Lab (3,) of the hair of a face's beard: that of its brows, or of lighter hair on its head, and no lighter than its skin (`own`)."""
    brows = reading.cover("l_brow", "r_brow") > 0.5
    found = np.quantile(reading.lab[brows], 0.3, axis=0) if brows.sum() > 20 else own * (0.45, 0.6, 0.7)
    head = reading.cover("hair", grown=-2.0) > 0.5
    if head.sum() > 200 * reading.scale**2:
        top = np.median(reading.lab[head], axis=0)
        found = 0.5 * found + 0.5 * top if top[0] > found[0] else found
    found[0] = min(found[0], float(np.interp(own[0], (25, 70), (0.12, 0.52))) * own[0])  # dark skin shows none but black hairs
    return np.asarray(found * (1, 0.5, 0.45) + (0, 0.06, 0.04) * own, dtype=np.float32)


def _flow(picture: Picture, subject: Subject, reading: Reading, model: TransformModel, wish: Wish) -> tuple[View, Field | None]:
    """The view of the subject's window, and its warp in pixels of the photo; None where the shape stays."""
    sex, age, own = _steps(wish)
    if sex == 0 and age == 0:
        return reading.view, None
    change = sex * (model.shape["male"] + own * model.shape["male_age"]) + age * (
        model.shape["age"] + wish.male * model.shape["male_age"]
    )
    if wish.age < 0:
        change = change + _youth(model, -wish.age)
    if wish.age:
        change = _kept_features(model, change)
    assert subject.mesh is not None
    wide = max(part.stop - part.start for part in subject.window)
    view = view_of(picture, subject.window, max(32, round(wide * reading.view.scale)))
    flat = view.to_view(subject.mesh.points[:SURFACE, :2])
    moved = reading.place.turned(_SHAPE * change)[:, :2] * (view.scale / reading.view.scale)
    moved *= _kept_shape(reading, model)[:, None]
    seen = model.template.controls[reading.seen[model.template.controls]]
    high, across = view.shape
    y, x = np.ogrid[:high, :across]
    near = np.minimum(
        np.minimum(x, across - 1 - x) / max(1.0, 0.08 * across), np.minimum(y, high - 1 - y) / max(1.0, 0.08 * high)
    )
    glasses = _glasses(subject, view)
    if glasses.any():
        places = np.clip(np.rint(flat).astype(int), 0, (across - 1, high - 1))
        moved[glasses[places[:, 1], places[:, 0]] > 0] = 0
    flow = backward_flow(flat, moved, seen, view.shape, smoothstep(near, 0, 1), _spread(glasses, 14 * reading.scale))
    return view, np.asarray(flow / np.float32(view.scale), dtype=np.float32)


def _glasses(subject: Subject, view: View) -> np.ndarray:
    """(h, w) uint8: 1 where glasses are, and close around them: frames do not bend."""
    glasses = cv2.resize(subject.parts.where("eye_g").astype(np.uint8), view.shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    around = max(3, round(0.02 * max(view.shape)))
    return np.asarray(cv2.dilate(glasses, np.ones((around, around), np.uint8)))


def _spread(mask: np.ndarray, apart: float) -> np.ndarray:
    """(N, 2): places x, y in a mask (h, w) that lie about `apart` pixels from each other."""
    step = max(1, round(apart))
    return np.argwhere(mask[::step, ::step])[:, ::-1].astype(np.float64) * step


_EYES, _MOUTH = ((0.95, 0.9), (1.05, 1.1)), ((0.96, 0.86), (1.03, 1.12))
"""Smallest and largest growth of the eyes' and the mouth's width and height by age: beyond lie dolls and frightened faces."""


def _kept_features(model: TransformModel, change: Coordinates) -> Coordinates:
    """A change of shape (K, 3) whose eyes and mouth neither swell nor shrink by more than people's do."""
    change = change.copy()
    for name, (least, most) in (("right_eye", _EYES), ("left_eye", _EYES), ("lips_outer", _MOUTH)):
        points = list(REGIONS[name])
        middle = model.canonical[points].mean(axis=0)
        apart = model.canonical - middle
        reach = np.abs(apart[points]).max(axis=0)[:2]
        near = 1 - smoothstep(np.hypot(*(apart[:, :2] / np.maximum(reach, 0.6 * reach.max())).T), 1.0, 1.9)
        for axis in (0, 1):
            own = apart[points, axis]
            moved = _SHAPE * (change[points, axis] - change[points, axis].mean())
            growth = 1 + float(own @ moved) / float(own @ own)
            change[:, axis] += (np.clip(growth, least[axis], most[axis]) - growth) / _SHAPE * near * apart[:, axis]
    return change


def _youth(model: TransformModel, amount: float) -> np.ndarray:
    """(K, 3) what people look for in youth and a mean of people hardly shows: wider open eyes, fuller lips, lifted corners of the mouth."""
    change = np.zeros_like(model.canonical)
    for name in ("right_eye", "left_eye"):
        points = list(REGIONS[name])
        middle = model.canonical[points].mean(axis=0)
        change[points] += 0.045 * (model.canonical[points] - middle)
    points = list(REGIONS["lips_outer"])
    middle = model.canonical[points].mean(axis=0)
    change[points, 1] += 0.05 * (model.canonical[points, 1] - middle[1])
    for corner in (61, 291, 57, 287):
        change[corner, 1] -= 1.4
    return np.asarray(change * min(amount, 1.5) / _SHAPE)


def _kept_shape(reading: Reading, model: TransformModel) -> np.ndarray:
    """(K,) how far each point may move: those under a surgical mask stay."""
    hidden = 1 - _reachable(reading, model)
    if not hidden.any():
        return np.ones(SURFACE)
    x, y = (np.clip(np.rint(reading.flat[:, axis]).astype(int), 0, hidden.shape[1 - axis] - 1) for axis in (0, 1))
    return np.asarray(1 - hidden[y, x], dtype=np.float64)
