"""Pairs that teach an editor: training faces, and the same faces edited by what `lianpu edit --set` does where no model is named.

Drawn faces can be drawn anew with another attribute instead. The learned transforms, the hair path and the effects work at the size of the data's pictures and need seconds for a face; a small editor that imitates them
needs milliseconds. The pairs are made once, at the editor's size, and kept in the run folder.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch

from lianpu.attributes import HAIR_COLORS, AttributeSet, Labels
from lianpu.dataset.drawn import DrawnFace, draw_face, drawn_settings
from lianpu.dataset.faces import Faces
from lianpu.dataset.order import Flips, Rows
from lianpu.editing.presets import EditStep, Preset, apply_preset, parse_effect, with_transforms
from lianpu.errors import LianpuError, SettingsError
from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.faces.mesh import MeshReader
from lianpu.files import atomic_file, write_json
from lianpu.imaging.picture import Picture, center_crop, resize
from lianpu.part_names import PART_INDEX
from lianpu.photo.reading import read_image
from lianpu.training.config import TrainingConfig

OnProgress = Callable[[int, int], None]

TRANSFORMS, DRAWN = "transforms", "drawn"
"""The names of these teachers, as training.teacher has them."""

Change = tuple[str, bool]
"""An attribute and its new value."""

Edits = Callable[[int, Sequence[Change]], Iterable[tuple[np.ndarray, Picture]]]
"""For a face's row and the wanted changes, one after the other: the new labels (A,), and the edited picture (H, H, 3); what cannot be done is left out."""

_AS_SET = ("Male", "Young", *HAIR_COLORS)

_SHADES = {"Black_Hair": "#1e1a18", "Blond_Hair": "#b8936a", "Brown_Hair": "#5a3f2d", "Gray_Hair": "#93908c"}

_STUBBLE, _SHAVE, _LIPS = ("beard:way=stubble",), ("beard:way=remove",), ("lipstick",)

LESSONS: Mapping[str, Mapping[bool, tuple[str, ...]]] = {
    "Beard": {True: _STUBBLE, False: _SHAVE},
    "No_Beard": {True: _SHAVE, False: _STUBBLE},
    "5_o_Clock_Shadow": {True: _STUBBLE, False: _SHAVE},
    "Mustache": {False: _SHAVE},
    "Goatee": {False: _SHAVE},
    "Wearing_Lipstick": {True: _LIPS},
    "Rosy_Cheeks": {True: ("blush",)},
    "Heavy_Makeup": {True: ("eye_shadow", "blush", "lipstick")},
}
"""CelebA attributes that effects can teach besides those of `--set` (`Male`, `Young` and the hair colours), and the effects of both values; a value that
is missing cannot be taught."""

_OF_MEN = frozenset(("beard:way=stubble",))

SHARD_FACES = 25
"""Faces in one file: what a stop loses at most."""

LEAST_CHANGE = 0.4
"""Mean change in grey levels below which an edit has done nothing, and is no pair."""

AS_IT_IS = 0.06
"""Share of the draws in which nothing is asked for and nothing is to change."""


def teachable() -> tuple[str, ...]:
    """The attributes that this teacher can teach."""
    return (*_AS_SET, *LESSONS)


@dataclass(frozen=True, eq=False)
class PairSet:
    """P pairs of N training faces.

    Args:
        rows: (P,) which face each is of, rising.
        targets: (P, A) the labels of the edited face.
        pictures: (P, S, S, 3) uint8, the edited faces.
        labels: (N, A) of the faces.
    """

    rows: np.ndarray
    targets: Labels
    pictures: Picture
    labels: Labels

    @cached_property
    def counts(self) -> np.ndarray:
        """(N,) how many pairs each face has."""
        return np.bincount(self.rows, minlength=len(self.labels))

    def choose(self, rows: Rows, chance: torch.Generator) -> np.ndarray:
        """For faces `rows` (B,) one pair each, or -1 for the face as it is: (B,)."""
        firsts = np.searchsorted(self.rows, rows)
        drawn = torch.rand(len(rows), 2, generator=chance).numpy()
        chosen = firsts + np.minimum((drawn[:, 0] * self.counts[rows]).astype(int), self.counts[rows] - 1)
        return np.where((drawn[:, 1] < AS_IT_IS) | (self.counts[rows] == 0), -1, chosen)

    def targets_of(self, chosen: np.ndarray, rows: Rows) -> Labels:
        """The labels (B, A) that the chosen pairs aim at."""
        return np.where(chosen[:, None] < 0, self.labels[rows], self.targets[chosen])

    def taught(self, chosen: np.ndarray, flips: Flips, faces: Picture) -> Picture:
        """What faces (B, S, S, 3), mirrored where `flips` says so, are to become: (B, S, S, 3)."""
        edited = self.pictures[chosen]
        edited = np.where(flips[:, None, None, None], edited[:, :, ::-1], edited)
        return np.where(chosen[:, None, None, None] < 0, faces, edited)


def check_lessons(attributes: AttributeSet) -> None:
    """Raise SettingsError where an attribute is none that this teacher can teach."""
    unknown = [name for name in attributes.names if name not in teachable()]
    if unknown:
        raise SettingsError(
            f"The teacher {TRANSFORMS} cannot teach {', '.join(unknown)}. It teaches {', '.join(teachable())}: name some of these as --selected-attrs."
        )


def obtain_pairs(
    faces: Faces,
    folder: Path,
    open_edits: Callable[[], Edits],
    training: TrainingConfig,
    on_progress: OnProgress | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> PairSet:
    """The pairs of `faces`, from `folder` as far as they were kept there, else made and kept: a stopped call goes on where it was.

    Args:
        folder: the run's.
        open_edits: `transform_edits` or `drawn_edits` of these faces; called only when faces are still to be edited.
        training: for its teacher, seed and pairs_per_face.
        on_progress: called with (faces done, faces in all).
        say: called with one line about the pairs.

    Raises:
        SettingsError: no face had a pair.
        LianpuError: as `open_edits` raises.
    """
    _begin(folder, faces, training)
    shards: dict[int, _Shard] = {}
    edits: Edits | None = None
    firsts = list(range(0, len(faces), SHARD_FACES))
    rank, count = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    begin = rank * len(firsts) // max(1, count)  # processes that train together begin at different faces, and so share the work
    for done, first in enumerate(firsts[begin:] + firsts[:begin], start=1):
        file = folder / f"{first:06d}.npz"
        kept = _read(file, faces)
        if kept is None:
            edits = edits or open_edits()
            kept = _made(faces, range(first, min(first + SHARD_FACES, len(faces))), edits, training)
            with atomic_file(file) as partial, partial.open("wb") as stream:
                np.savez(stream, rows=kept[0], targets=kept[1], pictures=kept[2])
        shards[first] = kept
        if on_progress is not None:
            on_progress(min(done * SHARD_FACES, len(faces)), len(faces))
    rows, targets, pictures = (np.concatenate(part) for part in zip(*(shards[first] for first in firsts), strict=True))
    if not len(rows):
        raise SettingsError(
            f"The teacher {training.teacher} could edit none of the {len(faces)} faces. Are they photos of faces?"
        )
    without = len(faces) - len(np.unique(rows))
    say(
        f"{len(rows):,} pairs of {len(faces) - without:,} faces at {faces.image_size} px ({without} had none), "
        f"{pictures.nbytes / 1e6:.0f} MB in {folder}."
    )
    return PairSet(rows, targets, pictures, faces.labels)


_Shard = tuple[np.ndarray, Labels, Picture]


def _begin(folder: Path, faces: Faces, training: TrainingConfig) -> None:
    """The folder, emptied where it holds pairs of other faces, labels or size."""
    asked = {
        "files": [faces.table.files[row] for row in faces.rows],
        "attributes": faces.attributes.to_json(),
        "image_size": faces.image_size,
        "teacher": training.teacher,
        "pairs_per_face": training.pairs_per_face,
        "seed": training.seed,
    }
    note = folder / "of.json"
    try:
        same = json.loads(note.read_text(encoding="utf-8")) == asked
    except (OSError, ValueError):
        same = False
    if not same:
        for old in folder.glob("*.npz"):
            old.unlink()
        write_json(note, asked)


def _read(file: Path, faces: Faces) -> _Shard | None:
    """A shard; None where it is missing or damaged: it is only a copy."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            rows, targets, pictures = stored["rows"], stored["targets"], stored["pictures"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    side = faces.image_size
    fits = targets.shape == (len(rows), len(faces.attributes)) and pictures.shape == (len(rows), side, side, 3)
    return (rows, targets, pictures) if fits else None


def _made(faces: Faces, rows: Sequence[int], edits: Edits, training: TrainingConfig) -> _Shard:
    """The pairs of some faces."""
    side, count = faces.image_size, len(faces.attributes)
    of: list[int] = []
    targets: list[np.ndarray] = []
    pictures: list[Picture] = []
    for row in rows:
        wanted = single_changes(faces.labels[row], faces.attributes)
        if training.pairs_per_face:
            order = np.random.default_rng([training.seed, row]).permutation(len(wanted))
            wanted = [wanted[place] for place in order.tolist()]
        for target, edited in islice(edits(row, wanted), training.pairs_per_face or None):
            of.append(row)
            targets.append(target)
            pictures.append(resize(edited, side))
    return (
        np.array(of, dtype=np.int64),
        np.array(targets, dtype=np.float32).reshape(-1, count),
        np.array(pictures, dtype=np.uint8).reshape(-1, side, side, 3),
    )


def single_changes(labels: np.ndarray, attributes: AttributeSet) -> list[Change]:
    """The changes of one attribute that a face with `labels` (A,) can get: each flipped, of a group another member put on."""
    changes = [(name, bool(labels[attributes.index(name)] < 0.5)) for name in attributes.names]
    return [(name, value) for name, value in changes if value or len(attributes.group_of(name)) == 1]


def transform_edits(faces: Faces, analyzer: FaceAnalyzer) -> Edits:
    """The edits of faces by what `lianpu edit --set` does, on the largest pictures that there are.

    What changes nothing visible is left out; so is everything where no face with a mesh is found.

    Raises:
        SettingsError: an attribute cannot be taught, or the analyzer has no face mesh.
    """
    check_lessons(faces.attributes)
    if not isinstance(analyzer.landmarks, MeshReader):
        raise SettingsError(
            f"The teacher {TRANSFORMS} needs the face mesh, which is not here. Get it: lianpu models fetch face-mesh"
        )

    def edits(row: int, wanted: Sequence[Change]) -> Iterator[tuple[np.ndarray, Picture]]:
        whole = read_image(faces.table.root / faces.table.files[faces.rows[row]])
        picture = np.ascontiguousarray(center_crop(whole, faces.table.crop_px or min(whole.shape[:2])))
        subjects = analyzer.analyze(picture)[:1]
        if not subjects or subjects[0].mesh is None:
            return
        for name, value in wanted:
            steps = _steps(name, value, faces.labels[row], faces.attributes)
            if steps is None:
                continue
            try:
                edited = apply_preset(picture, subjects, steps)
            except LianpuError:
                continue
            if np.abs(edited.astype(np.int16) - picture).mean() >= LEAST_CHANGE:
                yield faces.attributes.with_values(faces.labels[row][None], {name: value})[0], edited

    return edits


def drawn_edits(faces: Faces) -> Edits:
    """The edits of faces that `dataset.drawn` drew: the same person, drawn with another attribute.

    Another sex or age may come with another cut of the hair, which nobody could guess; so hair and what is behind it stay as they were.

    Raises:
        SettingsError: the faces were not drawn here.
    """
    drawn = drawn_settings(faces.table.root.parent)
    if drawn is None:
        raise SettingsError(f"The teacher {DRAWN} is for drawn faces (lianpu data draw); {faces.table.root.parent} holds others.")
    seed, size_px = drawn

    def edits(row: int, wanted: Sequence[Change]) -> Iterator[tuple[np.ndarray, Picture]]:
        index = int(Path(faces.table.files[faces.rows[row]]).stem) - 1
        own = draw_face(seed, index, size_px)
        for name, value in wanted:
            others = dict.fromkeys(HAIR_COLORS, False) if name in HAIR_COLORS else {}
            twin = draw_face(seed, index, size_px, {**others, name: value})
            edited = twin.picture if name in HAIR_COLORS else _with_face_of(own, twin)
            if np.abs(edited.astype(np.int16) - own.picture).mean() >= LEAST_CHANGE:
                yield faces.attributes.with_values(faces.labels[row][None], {name: value})[0], edited

    return edits


_BARE = ("hair", "hat", "cloth", "background")


def _with_face_of(own: DrawnFace, twin: DrawnFace) -> Picture:
    """A drawn face with the face of another one, where both show skin and features; the seam is soft."""
    classes = [PART_INDEX[name] for name in _BARE]
    face = ~(np.isin(own.mask, classes) | np.isin(twin.mask, classes))
    side = max(1, round(len(face) / 64))
    kernel = np.ones((2 * side + 1, 2 * side + 1), np.uint8)
    share = cv2.GaussianBlur(cv2.erode(face.astype(np.float32), kernel), (0, 0), side)[..., None]
    return np.asarray(np.rint(own.picture + share * (twin.picture.astype(np.float32) - own.picture)), dtype=np.uint8)


def _steps(name: str, value: bool, labels: np.ndarray, attributes: AttributeSet) -> Preset | None:
    """What sets one attribute; None where nothing can."""
    if name in _AS_SET:
        preset = with_transforms(Preset(name, (EditStep({name: bool(value)}),)))
        if preset.needs_editor and value and name in _SHADES:
            preset = Preset(name, (parse_effect(f"hair_color:color={_SHADES[name]}"),))
        return None if preset.needs_editor else preset
    words = LESSONS[name].get(bool(value))
    if words is None or (_OF_MEN & set(words) and "Male" in attributes.names and labels[attributes.index("Male")] < 0.5):
        return None
    return Preset(name, tuple(parse_effect(word) for word in words))
