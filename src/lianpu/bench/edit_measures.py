"""What one edit of one face did: rules, identity, pixels outside of the right region, and attributes that nobody asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lianpu.attributes import HAIR_COLORS
from lianpu.editing.attribute_masks import parts_of
from lianpu.imaging.color import rgb_to_lab
from lianpu.preparation.analysis import measured
from lianpu.preparation.labels import ATTRIBUTES, UNKNOWN, labels_of

if TYPE_CHECKING:
    from lianpu.faces.results import Subject
    from lianpu.imaging.picture import Picture
    from lianpu.preparation.label_rules import LabelRules
    from lianpu.preparation.models import AnalysisModels

CONFIDENCE = 0.8
"""How sure a label must be to count as an attribute that drifted, or that a face has already: what `lianpu prepare` asks for."""

REACH = 0.13
"""How far beyond its parts an edit may reach, in eye distances: 1/32 of the face's crop, as `evaluate` allows."""

GOES_ALONG: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(HAIR_COLORS, HAIR_COLORS),
    "Young": HAIR_COLORS,
    "Smiling": ("Mouth_Slightly_Open",),
}
"""Labels that may change with an attribute, as hair greys with the years: they are no drift."""

_FACE = ("skin", "nose", "l_ear", "r_ear", "neck")
_HEAD = (*_FACE, "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip", "hair")
_EYES = ("l_eye", "r_eye", "skin", "nose", "l_brow", "r_brow", "eye_g")

EFFECT_PARTS: Mapping[str, tuple[str, ...]] = {
    "hair_color": ("hair",),
    "lipstick": ("u_lip", "l_lip"),
    "whiten_teeth": ("mouth",),
    "blush": ("skin", "nose"),
    "smooth_skin": ("skin", "nose", "neck", "l_ear", "r_ear"),
    "skin_tone": _FACE,
    **dict.fromkeys(("eye_shadow", "brighten_eyes", "larger_eyes", "under_eye"), _EYES),
    **dict.fromkeys(("age", "gender", "beard", "slim_face"), _HEAD),
}
"""Effects and the parts that they are about; one that is not named may change the whole photo. `skin_tone` also reaches bare arms and
shoulders, which the parser does not know: they count as outside."""


@dataclass(frozen=True)
class NamedPicture:
    """A picture of a folder, and its labels (1 has, 0 has not) where the folder knows them: then its largest face is meant."""

    file: Path
    labels: Mapping[str, int] = field(default_factory=dict)

    def key(self, number: int = 1) -> str:
        """The name of one of its faces, counted from 1: no other face of any folder has it."""
        return face_key(str(self.file), number)


def face_key(file: str, number: int) -> str:
    """`photos/a.jpg#2`: a face by the path of its picture, and its number there."""
    return f"{file}#{number}"


@dataclass(frozen=True)
class Sight:
    """A face as the rules and the encoder of `lianpu prepare` take it.

    Args:
        chances: by attribute; without those that could not be measured.
        sure: values (1, -1, or 0 for unsure) by attribute.
        identity: (F,) unit vector; empty without an encoder.
    """

    chances: Mapping[str, float]
    sure: Mapping[str, int]
    identity: np.ndarray[Any, np.dtype[np.float32]]

    def has(self, name: str) -> bool | None:
        """Whether the face has an attribute; None where that is not known."""
        return None if name not in self.chances else self.chances[name] >= 0.5


@dataclass(frozen=True)
class Outside:
    """What changed where an edit should change nothing.

    Args:
        lab: mean Euclidean distance in Lab (0 to about 100).
        bytes: share of the bytes that changed, 0 to 1.
    """

    lab: float
    bytes: float


@dataclass(frozen=True)
class FaceEditFigures:
    """The figures of one edit of one face.

    Args:
        file: path of the picture.
        number: of the face among those of the picture, from 1.
        needed: of the attributes asked for, those that the face had not (all that the rules cannot tell).
        reached: by attribute asked for, whether the rules see it afterwards; None where they cannot tell. A ruined face has reached none.
        judged: the same by the second judge; empty where there is none.
        identity: cosine of the encoder's vectors; None without an encoder.
        outside: None where every pixel may change.
        drifted: attributes nobody asked for that were sure before and are surely the other way now.
        changed: share of the picture's bytes that changed.
        ruined: the face mesh was believed before the edit and is not any more.
        seconds: processor time of the edit alone, one thread.
    """

    file: str
    number: int
    needed: tuple[str, ...]
    reached: Mapping[str, bool | None]
    judged: Mapping[str, bool]
    identity: float | None
    outside: Outside | None
    drifted: tuple[str, ...]
    changed: float
    ruined: bool
    seconds: float

    @property
    def key(self) -> str:
        """`face_key` of the face."""
        return face_key(self.file, self.number)


def sight_of(picture: Picture, subject: Subject, models: AnalysisModels, rules: LabelRules) -> Sight:
    """What the rules see of a face, by its points in the unedited picture: an edit that nobody would find as a face is judged all the same."""
    identity, measures = next(iter(measured(picture, [subject.face], models)))
    estimates = {name: rules.estimate(name, measures, identity) for name in ATTRIBUTES}
    labels = labels_of(measures, identity, rules, CONFIDENCE, {})
    chances = {name: estimate.chance for name, estimate in estimates.items() if estimate is not None}
    return Sight(chances, {name: labels[name].value for name in ATTRIBUTES}, identity)


def reached_values(sight: Sight, values: Mapping[str, bool]) -> dict[str, bool | None]:
    """By attribute whether the face has its wanted value; of hair colours the likeliest one counts."""
    reached: dict[str, bool | None] = {}
    for name, wanted in values.items():
        has = sight.has(name)
        if has and name in HAIR_COLORS:
            has = sight.chances[name] == max(sight.chances.get(color, 0.0) for color in HAIR_COLORS)
        reached[name] = None if has is None else has == wanted
    return reached


def drifted(before: Sight, after: Sight, asked: Sequence[str]) -> tuple[str, ...]:
    """The attributes that were sure and are surely the other way now, without those asked for and what goes along with them."""
    expected = {*asked, *(name for one in asked for name in GOES_ALONG.get(one, ()))}
    pairs = {name: (before.sure[name], after.sure[name]) for name in ATTRIBUTES if name not in expected}
    return tuple(name for name, (first, second) in pairs.items() if UNKNOWN not in (first, second) and first != second)


def right_region(subject: Subject, shape: tuple[int, ...], parts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """(H, W) bool: the parts of a face in its photo, dilated by `REACH`."""
    whole = subject.wide()
    region = np.zeros(shape[:2], dtype=np.uint8)
    region[whole.window] = whole.parts.where(*parts)
    if whole is not subject:
        region[subject.window] |= subject.parts.where(*parts)
    reach = max(1, round(REACH * subject.face.unit_px))
    return np.asarray(cv2.dilate(region, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)) > 0)


def outside_of(before: Picture, after: Picture, region: np.ndarray[Any, np.dtype[np.bool_]]) -> Outside:
    """What changed outside of a region (H, W); zeros where the region is the whole picture."""
    there = ~region
    if not there.any():
        return Outside(0.0, 0.0)
    first, second = (
        rgb_to_lab(np.ascontiguousarray(picture[there][None], dtype=np.float32) / np.float32(255)) for picture in (before, after)
    )
    return Outside(float(np.linalg.norm(first - second, axis=-1).mean()), float((before[there] != after[there]).mean()))


def attribute_parts(values: Mapping[str, bool]) -> tuple[str, ...]:
    """The parts that attributes are about, as `right_region` takes them (around the eyes: the eyes, brows, and the skin between them)."""
    return tuple(dict.fromkeys(part for name in parts_of(values) for part in (_EYES if name == "eyes" else (name,))))


def effect_parts(effects: Sequence[str]) -> tuple[str, ...]:
    """The parts that effects are about; empty where one may change the whole photo."""
    if any(name not in EFFECT_PARTS for name in effects):
        return ()
    return tuple(dict.fromkeys(part for name in effects for part in EFFECT_PARTS[name]))
