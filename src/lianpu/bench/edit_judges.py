"""The judges of `lianpu bench edits` that look at real faces first: a second opinion on attributes, and the patch distance."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lianpu.attributes import HAIR_COLORS
from lianpu.errors import DataError
from lianpu.faces.alignment import TEMPLATES, align
from lianpu.faces.face_check import FaceCheck, find_people
from lianpu.faces.mesh import MeshReader, five_points
from lianpu.faces.results import Face
from lianpu.files import atomic_file, sha256_of
from lianpu.imaging.geometry import map_points
from lianpu.metrics.face_probe import FaceFeatures, SecondJudge, fit_judge
from lianpu.metrics.features import INPUT_PX
from lianpu.metrics.patch_distance import CROP_PX, PatchDistance, PatchFeatures, patch_distance
from lianpu.models.store.locate import require_model_file
from lianpu.photo.reading import read_image

if TYPE_CHECKING:
    from lianpu.bench.edit_measures import NamedPicture
    from lianpu.faces.analyzer import FaceAnalyzer
    from lianpu.imaging.picture import Picture

JUDGED = ("Male", "Young")
"""What the second judge is asked about. For hair colours no probe was good enough: docs/results/log/edits.md."""

_LEAST = 10
"""Faces of a kind below which no distance is measured."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What both judges keep of a face.

    Args:
        vector: (D,) for the second judge.
        patches: (Z, D) for the patch distance.
    """

    vector: np.ndarray[Any, Any]
    patches: np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class RealFaces:
    """Both networks, and what they saw of real faces.

    Args:
        reader: reads the mesh of every face.
        second: judges attributes; its probes were fitted to faces of the held-out split, each face judged by what did not see it.
        reference: patches of training faces, by key (`NamedPicture.key`), and `labels` of these and the held-out ones.
    """

    reader: MeshReader
    features: FaceFeatures
    patch_features: PatchFeatures
    second: SecondJudge
    reference: Mapping[str, np.ndarray[Any, Any]]
    labels: Mapping[str, Mapping[str, int]]

    def see(self, picture: Picture, face: Face) -> Seen | None:
        """What is kept of a face, by its mesh in this picture; None where the mesh is not believed."""
        return _see(picture, face, self.reader, self.features, self.patch_features)

    def judged(self, key: str, seen: Seen | None, values: Mapping[str, bool]) -> dict[str, bool]:
        """Whether the second judge sees the wanted values, as far as it knows them, in a face by its key; in a ruined one (None) it sees none."""
        return {
            name: seen is not None and self.second.sees(name, key, seen.vector) == wanted
            for name, wanted in values.items()
            if name in self.second.probes
        }

    def distances(
        self, values: Mapping[str, bool], edited: Sequence[Seen], unedited: Sequence[Seen], real: Mapping[str, Seen], seed: int
    ) -> Distances | None:
        """How far edited faces are from real ones of the wanted kind, beside the same faces unedited and real held-out ones.

        None where too few are known: hair colours are no kind of face here.
        """
        kind = kind_of(values)
        reference = [patches for key, patches in self.reference.items() if _is(self.labels.get(key, {}), kind)]
        if not kind or min(len(reference), len(edited)) < _LEAST:
            return None
        stacked = np.stack(reference)
        floor = [seen.patches for key, seen in real.items() if _is(self.labels.get(key, {}), kind)]
        return Distances(
            patch_distance(np.stack([seen.patches for seen in edited]), stacked, seed),
            patch_distance(np.stack([seen.patches for seen in unedited]), stacked, seed),
            patch_distance(np.stack(floor), stacked, seed) if len(floor) >= _LEAST else None,
        )


@dataclass(frozen=True)
class Distances:
    """Patch distances from real training faces of the wanted kind: of edited faces, of the same unedited, of real held-out ones of the kind."""

    edited: PatchDistance
    unedited: PatchDistance
    real: PatchDistance | None


def kind_of(values: Mapping[str, bool]) -> dict[str, bool]:
    """The wanted values that make a kind of face: all but hair colours."""
    return {name: wanted for name, wanted in values.items() if name not in HAIR_COLORS}


def _is(labels: Mapping[str, int], kind: Mapping[str, bool]) -> bool:
    return all(labels.get(name) == int(wanted) for name, wanted in kind.items())


def open_real_faces(
    analyzer: FaceAnalyzer,
    held_out: Sequence[NamedPicture],
    training: Sequence[NamedPicture],
    wanted: Iterable[Mapping[str, bool]],
    count: int,
    seed: int,
    kept: Path | None,
    on_progress: Callable[[int, int], None],
) -> RealFaces | None:
    """See real faces: held-out ones for the second judge, training ones, `count` of each wanted kind, for the patch distance.

    Args:
        analyzer: finds faces and reads their meshes.
        held_out, training: labelled pictures of one face each.
        wanted: values of every edit.
        count: training faces of each kind.
        seed: of folds and of the choice.
        kept: a file (.npz) that keeps what was seen for another run, by the SHA-256 of each picture.
        on_progress: called with (pictures seen, all).

    Returns:
        None where the analyzer reads no mesh.

    Raises:
        WeightsError: the features' weights cannot be had.
        DataError: `kept` is damaged, or was made by other models.
    """
    if not isinstance(analyzer.landmarks, MeshReader):
        return None
    reader, features, patch_features = analyzer.landmarks, FaceFeatures(), PatchFeatures()
    chosen = _chosen(training, [kind for kind in map(kind_of, wanted) if kind], count, seed)
    known = _Kept(kept, _models_id(analyzer, reader, features, patch_features))
    todo = [*held_out, *chosen]
    faces: dict[str, Seen | None] = {}
    for number, one in enumerate(todo):
        content = sha256_of(one.file)
        if content not in known.seen:
            picture = read_image(one.file)
            found = find_people(picture, analyzer.detector, FaceCheck(reader, analyzer.parser)).faces
            known.seen[content] = _see(picture, found[0], reader, features, patch_features) if found else None
        faces[one.key()] = known.seen[content]
        on_progress(number + 1, len(todo))
    known.write()
    vectors = {one.key(): seen.vector for one in held_out if (seen := faces[one.key()]) is not None}
    labels = {one.key(): {name: bool(value) for name, value in one.labels.items()} for one in held_out}
    return RealFaces(
        reader,
        features,
        patch_features,
        fit_judge(vectors, labels, JUDGED, seed),
        {one.key(): seen.patches for one in chosen if (seen := faces[one.key()]) is not None},
        {one.key(): one.labels for one in todo},
    )


def _chosen(training: Sequence[NamedPicture], kinds: Sequence[Mapping[str, bool]], count: int, seed: int) -> list[NamedPicture]:
    """Training faces in seeded order, as long as a kind that they are of lacks some."""
    chosen, have = [], [0] * len(kinds)
    for place in np.random.default_rng(seed).permutation(len(training)):
        of = [number for number, kind in enumerate(kinds) if _is(training[place].labels, kind)]
        if any(have[number] < count for number in of):
            chosen.append(training[place])
            for number in of:
                have[number] += 1
    return chosen


def _see(picture: Picture, face: Face, reader: MeshReader, features: FaceFeatures, patch_features: PatchFeatures) -> Seen | None:
    mesh = reader.mesh_of_face(picture, face)
    if mesh is None:
        return None
    placed = Face(face.box_xyxy, face.score, five_points(mesh), face.detector)
    aligned = align(picture, placed, TEMPLATES["celebamask-hq"], CROP_PX)
    without_hair = align(picture, placed, TEMPLATES["arcface"], INPUT_PX)
    on_crop = map_points(aligned.matrix, mesh.points[:, :2])
    return Seen(features.vector(without_hair.picture), patch_features.patches(aligned.picture, on_crop))


def _models_id(analyzer: FaceAnalyzer, reader: MeshReader, features: FaceFeatures, patch_features: PatchFeatures) -> str:
    """What faces are seen with: what another set of models saw cannot be compared."""
    mesh = f"{reader.file.stem} {sha256_of(reader.file)[:12]}"
    weights = sha256_of(require_model_file("efficientnet-lite0-imagenet"))[:12]
    return f"{analyzer.detector.name}; {mesh}; {features.name}; {patch_features.name}; weights {weights}"


@dataclass
class _Kept:
    """What was seen of real faces, by the SHA-256 of their pictures, in a file between runs; nothing is kept without one.

    Args:
        file: the file (.npz), there or not.
        models: what `seen` was seen with, as `_models_id` names it.
        seen: what the file holds, and what was seen since.
    """

    file: Path | None
    models: str
    seen: dict[str, Seen | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.file is None or not self.file.exists():
            return
        try:
            with self.file.open("rb") as stream:  # numpy leaves a file that is no archive open
                stored = np.load(stream, allow_pickle=False)
                if isinstance(stored, np.ndarray):
                    raise ValueError("it is one array")
                models, names = str(stored["models"]), stored["sha256"].tolist()
                vectors, patches = stored["vectors"], stored["patches"]
            if not len(names) == len(vectors) == len(patches):
                raise ValueError("its tables differ in length")
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(
                f"--kept {self.file} is no file that lianpu bench edits wrote, or is damaged. Delete it or name another file."
            ) from error
        if models != self.models:
            raise DataError(
                f"--kept {self.file} holds what other models saw ({models}; now {self.models}). Delete it or name another file."
            )
        self.seen = {name: Seen(*pair) for name, *pair in zip(names, vectors, patches, strict=True)}

    def write(self) -> None:
        """Write all that was seen; a face without a mesh is tried again next time."""
        there = {name: seen for name, seen in self.seen.items() if seen is not None}
        if self.file is None or not there:
            return
        with atomic_file(self.file) as partial, partial.open("wb") as target:
            np.savez(
                target,
                models=np.array(self.models),
                sha256=np.array(list(there)),
                vectors=np.stack([seen.vector for seen in there.values()]),
                patches=np.stack([seen.patches for seen in there.values()]),
            )
