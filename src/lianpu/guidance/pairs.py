"""Pairs that teach an editor: training faces, and the same faces edited by what `lianpu edit --set` does where no model is named.

Drawn faces can be drawn anew with another attribute instead. The learned transforms, the hair path and the effects work at the size of the data's pictures and need seconds for a face; a small editor that imitates them
needs milliseconds. The pairs are made once, at the editor's size, and kept in the run folder, from where training reads them.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lianpu.attributes import HAIR_COLORS, AttributeSet, Labels
from lianpu.dataset.drawn import MARK, draw_edit, draw_face, drawn_settings
from lianpu.dataset.faces import Dataset, Faces
from lianpu.dataset.order import Flips, Rows
from lianpu.editing.presets import (
    EditStep,
    EffectStep,
    Preset,
    apply_preset,
    check_parser,
    check_terms,
    parse_effect,
    with_transforms,
)
from lianpu.errors import DataError, SettingsError
from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.faces.mesh import MeshReader
from lianpu.files import atomic_file, sha256_of, write_json
from lianpu.imaging.picture import Picture, center_crop, resize
from lianpu.models.store.locate import require_model_file
from lianpu.photo.reading import read_image
from lianpu.runs import Run
from lianpu.training.config import PAIR_TEACHERS, TrainingConfig
from lianpu.training.record import locked
from lianpu.transforms.model import BUNDLED, load_transform
from lianpu.version import __version__

OnProgress = Callable[[int, int], None]

TRANSFORMS, DRAWN = PAIR_TEACHERS
"""The names of these teachers, as training.teacher has them."""

Change = tuple[str, bool]
"""An attribute and its new value."""


@dataclass(frozen=True)
class Edits:
    """What edits the faces: of `transform_edits` or `drawn_edits`.

    Args:
        of: for a face's row and the wanted changes, one after the other: the new labels (A,), and the edited picture (H, H, 3); what cannot be
            done is left out.
        licence: the terms of the models that edit; empty where there are none.
        models: the files that the edits follow from: name and SHA-256.
    """

    of: Callable[[int, Sequence[Change]], Iterable[tuple[np.ndarray, Picture]]]
    licence: str
    models: Mapping[str, str]


_AS_SET = ("Male", "Young", *HAIR_COLORS)

_BY_TRANSFORMS = ("age", "gender", "beard")
"""The effects that are learned transforms."""

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
class KeptPictures:
    """P pictures that lie in files; only those that are asked for are read.

    Args:
        files: .npy files of pictures (n, S, S, 3) uint8.
        counts: how many pictures each has; P in all.
        side: S.
    """

    files: Sequence[Path]
    counts: Sequence[int]
    side: int

    @cached_property
    def _ends(self) -> np.ndarray:
        return np.cumsum(self.counts)

    @property
    def nbytes(self) -> int:
        return int(sum(self.counts)) * 3 * self.side**2

    def __getitem__(self, places: np.ndarray) -> Picture:
        """The pictures (B, S, S, 3) at `places` (B,). Raises DataError for a file that is gone or damaged."""
        found = np.empty((len(places), self.side, self.side, 3), dtype=np.uint8)
        numbers = np.searchsorted(self._ends, places, side="right")
        for number in np.unique(numbers).tolist():
            here = np.flatnonzero(numbers == number)
            first = self._ends[number] - self.counts[number]
            try:
                found[here] = np.load(self.files[number], mmap_mode="r")[places[here] - first]
            except (OSError, ValueError, IndexError):
                raise DataError(f"{self.files[number]} is gone or damaged. Run the command again: it is made anew.") from None
        return found


@dataclass(frozen=True, eq=False)
class PairSet:
    """P pairs of N training faces.

    Args:
        rows: (P,) which face each is of, rising.
        targets: (P, A) the labels of the edited face.
        pictures: (P, S, S, 3) uint8, the edited faces.
        labels: (N, A) of the faces.
        licence: the terms of the models that edited; empty where only those of the data hold.
    """

    rows: np.ndarray
    targets: Labels
    pictures: Picture | KeptPictures
    labels: Labels
    licence: str = ""

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
        taught, asked = faces.copy(), np.flatnonzero(chosen >= 0)
        edited = self.pictures[chosen[asked]]
        taught[asked] = np.where(flips[asked, None, None, None], edited[:, :, ::-1], edited)
        return taught


def check_lessons(attributes: AttributeSet) -> None:
    """Raise SettingsError where an attribute is none that this teacher can teach."""
    unknown = [name for name in attributes.names if name not in teachable()]
    if unknown:
        raise SettingsError(
            f"The teacher {TRANSFORMS} cannot teach {', '.join(unknown)}. It teaches {', '.join(teachable())}: name some of these as --selected-attrs."
        )


def obtain_pairs(
    dataset: Dataset,
    run: Run,
    edits: Edits,
    training: TrainingConfig,
    on_progress: OnProgress | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> PairSet:
    """The pairs of the training faces, from the run folder as far as they were kept there, else made and kept: a stopped call goes on where it was.

    Pairs of other data, models or settings are removed first, which is said. Of processes that train together the first does that and keeps the
    run locked until all pairs are there; the others wait for it, then share the work.

    Args:
        dataset: its training faces are edited.
        run: its pairs_folder keeps them.
        edits: `transform_edits` or `drawn_edits` of the training faces.
        training: for its teacher, seed and pairs_per_face.
        on_progress: called with (faces done, faces in all).
        say: called with a line about what is removed, what is about to be made, and what there is.

    Raises:
        SettingsError: no face had a pair.
        RunError: another process trains in the run folder.
    """
    rank, count = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    made_of = _identity(dataset, edits, training)
    if rank:
        while _noted(run.pairs_folder) != made_of:
            time.sleep(_WAIT_S)
        return _obtain(dataset.train, run.pairs_folder, edits, training, rank / count, on_progress, lambda line: None)
    with locked(run):
        _begin(run.pairs_folder, made_of, say)
        return _obtain(dataset.train, run.pairs_folder, edits, training, 0.0, on_progress, say)


_WAIT_S = 0.2


def _obtain(
    faces: Faces,
    folder: Path,
    edits: Edits,
    training: TrainingConfig,
    begin_at: float,
    on_progress: OnProgress | None,
    say: Callable[[str], None],
) -> PairSet:
    """The pairs, made from the share `begin_at` of the faces on and round: processes that begin at different faces share the work."""
    firsts = list(range(0, len(faces), SHARD_FACES))
    ranges = {first: range(first, min(first + SHARD_FACES, len(faces))) for first in firsts}
    missing = [first for first in firsts if _read(folder, first, faces) is None]
    if missing:
        say(_estimate(faces, [row for first in missing for row in ranges[first]], folder, training))
    begin = int(begin_at * len(firsts))
    shards: dict[int, _Shard] = {}
    for done, first in enumerate(firsts[begin:] + firsts[:begin], start=1):
        kept = _read(folder, first, faces)
        if kept is None:
            rows, targets, pictures = _made(faces, ranges[first], edits, training)
            with atomic_file(_pictures_file(folder, first)) as partial, partial.open("wb") as stream:
                np.save(stream, pictures)
            with atomic_file(_labels_file(folder, first)) as partial, partial.open("wb") as stream:
                np.savez(stream, rows=rows, targets=targets)
            kept = rows, targets
        shards[first] = kept
        if on_progress is not None:
            on_progress(min(done * SHARD_FACES, len(faces)), len(faces))
    rows, targets = (np.concatenate(part) for part in zip(*(shards[first] for first in firsts), strict=True))
    if not len(rows):
        raise SettingsError(
            f"The teacher {training.teacher} could edit none of the {len(faces)} faces. Are they photos of faces?"
        )
    pictures_kept = KeptPictures(
        [_pictures_file(folder, first) for first in firsts], [len(shards[first][0]) for first in firsts], faces.image_size
    )
    without = len(faces) - len(np.unique(rows))
    say(
        f"{len(rows):,} pairs of {len(faces) - without:,} faces at {faces.image_size} px ({without} had none), "
        f"{pictures_kept.nbytes / 1e6:.0f} MB in {folder}."
    )
    return PairSet(rows, targets, pictures_kept, faces.labels, edits.licence)


_Shard = tuple[np.ndarray, Labels]


def _pictures_file(folder: Path, first: int) -> Path:
    return folder / f"{first:06d}.npy"


def _labels_file(folder: Path, first: int) -> Path:
    """Rows and targets of the same pairs; written last, so that where it is the pictures are too."""
    return folder / f"{first:06d}.npz"


_SECONDS = 0.2
"""About what an edit of a photo by the learned transforms takes on a CPU core."""


def _estimate(faces: Faces, rows: Sequence[int], folder: Path, training: TrainingConfig) -> str:
    """What is about to be made for the faces `rows`, at most."""
    most = training.pairs_per_face or len(faces.attributes)
    pairs = sum(min(most, len(single_changes(faces.labels[row], faces.attributes))) for row in rows)
    took = f" and {max(1, round(pairs * _SECONDS / 60)):,} min on one CPU core" if training.teacher == TRANSFORMS else ""
    return (
        f"Making pairs of {len(rows):,} faces: up to {pairs:,}, which need up to {pairs * 3 * faces.image_size**2 / 1e6:.0f} MB "
        f"in {folder}{took}."
    )


def _identity(dataset: Dataset, edits: Edits, training: TrainingConfig) -> dict[str, Any]:
    """What pairs follow from, by names that can be said."""
    faces, sizes = dataset.train, hashlib.sha256()
    for row in faces.rows:  # the fingerprint is of names and labels
        file = faces.table.root / faces.table.files[row]
        sizes.update(f"{file.stat().st_size if file.is_file() else 0} ".encode())
    return {
        "data or labels": dataset.fingerprint,
        "pictures": sizes.hexdigest(),
        "attributes": faces.attributes.to_json(),
        "size": faces.image_size,
        "teacher": training.teacher,
        "models": dict(edits.models),
        "Lianpu": __version__,
        "pairs_per_face": training.pairs_per_face,
        "seed": training.seed,
    }


def _noted(folder: Path) -> Any:
    """What the pairs in a folder were made of; None where that is not to be known."""
    try:
        return json.loads((folder / "of.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _begin(folder: Path, made_of: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """The folder, noting what its pairs are made of; those that were made of anything else are removed."""
    there = _noted(folder)
    if there == made_of:
        return
    old = [file for ending in ("npz", "npy") for file in sorted(folder.glob(f"*.{ending}"))]
    if old:
        other = [name for name in made_of if isinstance(there, dict) and there.get(name) != made_of[name]]
        why = f"they were made with other {', '.join(other)}" if other else "nothing says what they were made of"
        say(f"Removed the pairs in {folder} ({len(old)} files): {why}.")
    for file in old:
        file.unlink()
    write_json(folder / "of.json", made_of)


def _read(folder: Path, first: int, faces: Faces) -> _Shard | None:
    """Rows and targets of a shard; None where it or its pictures are missing or damaged: it is only a copy."""
    try:
        with _labels_file(folder, first).open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            rows, targets = stored["rows"], stored["targets"]
        pictures = np.load(_pictures_file(folder, first), mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    side = faces.image_size
    fits = targets.shape == (len(rows), len(faces.attributes)) and pictures.shape == (len(rows), side, side, 3)
    return (rows, targets) if fits and pictures.dtype == np.uint8 else None


def _made(faces: Faces, rows: Sequence[int], edits: Edits, training: TrainingConfig) -> tuple[np.ndarray, Labels, Picture]:
    """The pairs of some faces: rows, targets, pictures."""
    side, count = faces.image_size, len(faces.attributes)
    of: list[int] = []
    targets: list[np.ndarray] = []
    pictures: list[Picture] = []
    for row in rows:
        wanted = single_changes(faces.labels[row], faces.attributes)
        if training.pairs_per_face:
            order = np.random.default_rng([training.seed, row]).permutation(len(wanted))
            wanted = [wanted[place] for place in order.tolist()]
        for target, edited in islice(edits.of(row, wanted), training.pairs_per_face or None):
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

    What changes nothing visible is left out; so is everything where no face with a mesh is found. What every edit needs is checked here.

    Raises:
        SettingsError: an attribute cannot be taught, or not under --commercial-safe, or the analyzer has no face mesh, or no parser where one is
            needed.
        WeightsError: the learned transforms are needed and missing, or not allowed under --commercial-safe.
    """
    check_lessons(faces.attributes)
    if not isinstance(analyzer.landmarks, MeshReader):
        raise SettingsError(
            f"The teacher {TRANSFORMS} needs the face mesh, which is not here. Get it: lianpu models fetch face-mesh"
        )
    presets = {(name, value): _preset(name, value) for name in faces.attributes.names for value in (True, False)}
    steps = [step for preset in presets.values() if preset is not None for step in preset.steps]
    check_terms(Preset(TRANSFORMS, tuple(steps)))
    licences, models = [], {analyzer.landmarks.file.name: sha256_of(analyzer.landmarks.file)}
    if analyzer.parser is None:
        check_parser(Preset(TRANSFORMS, tuple(steps)))
    else:
        licences.append(f"{analyzer.parser.licence} (parts by {analyzer.parser.name})")
        models[analyzer.parser.file.name] = sha256_of(analyzer.parser.file)
    if any(isinstance(step, EffectStep) and step.effect.name in _BY_TRANSFORMS for step in steps):
        licences.insert(0, load_transform().licence)
        models[BUNDLED] = sha256_of(require_model_file(BUNDLED))

    def edits(row: int, wanted: Sequence[Change]) -> Iterator[tuple[np.ndarray, Picture]]:
        whole = read_image(faces.table.root / faces.table.files[faces.rows[row]])
        picture = np.ascontiguousarray(center_crop(whole, faces.table.crop_px or min(whole.shape[:2])))
        subjects = analyzer.analyze(picture)[:1]
        if not subjects or subjects[0].mesh is None:
            return
        for name, value in wanted:
            preset = presets[name, bool(value)]
            if preset is None or (_is_for_men(name, bool(value)) and _is_woman(faces.labels[row], faces.attributes)):
                continue
            try:
                edited = apply_preset(picture, subjects, preset)
            except DataError:  # about this face; what holds for all faces was checked above
                continue
            if np.abs(edited.astype(np.int16) - picture).mean() >= LEAST_CHANGE:
                yield faces.attributes.with_values(faces.labels[row][None], {name: value})[0], edited

    return Edits(edits, "; ".join(dict.fromkeys(licences)), models)


def drawn_edits(faces: Faces) -> Edits:
    """The edits of faces that `dataset.drawn` drew: the same person, drawn as `draw_edit` says.

    Raises:
        SettingsError: the faces were not drawn here.
        DataError: as `drawn_settings`.
    """
    folder = faces.table.root.parent
    drawn = drawn_settings(folder)
    if drawn is None:
        raise SettingsError(f"The teacher {DRAWN} is for drawn faces (lianpu data draw); {folder} holds others.")
    seed, size_px = drawn

    def edits(row: int, wanted: Sequence[Change]) -> Iterator[tuple[np.ndarray, Picture]]:
        index = int(Path(faces.table.files[faces.rows[row]]).stem) - 1
        own = draw_face(seed, index, size_px).picture
        for name, value in wanted:
            others = dict.fromkeys(HAIR_COLORS, False) if name in HAIR_COLORS else {}
            edited = draw_edit(seed, index, size_px, {**others, name: value}).picture
            if np.abs(edited.astype(np.int16) - own).mean() >= LEAST_CHANGE:
                yield faces.attributes.with_values(faces.labels[row][None], {name: value})[0], edited

    return Edits(edits, "", {MARK: sha256_of(folder / MARK)})


def _preset(name: str, value: bool) -> Preset | None:
    """What sets one attribute; None where nothing can."""
    if name in _AS_SET:
        preset = with_transforms(Preset(name, (EditStep({name: value}),)))
        return None if preset.needs_editor else preset
    words = LESSONS[name].get(value)
    return None if words is None else Preset(name, tuple(parse_effect(word) for word in words))


def _is_for_men(name: str, value: bool) -> bool:
    return bool(_OF_MEN & set(LESSONS.get(name, {}).get(value, ())))


def _is_woman(labels: np.ndarray, attributes: AttributeSet) -> bool:
    return "Male" in attributes.names and bool(labels[attributes.index("Male")] < 0.5)
