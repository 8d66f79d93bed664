"""Fitting a transform: directions of sex and age in the shape, tone and detail of labelled faces.

After Rowland & Perrett 1995 (Manipulating facial appearance through shape and color), Tiddeman, Burt & Perrett 2001 (Prototyping and
transforming facial textures) and Blanz & Vetter 1999: a normalised shape and appearance per face, and linear regression on sex, age,
their product and what else differs between photos (expression, pose, light, camera), so that the directions are those of people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lianpu.dataset.sources import read_table
from lianpu.dataset.table import UNLABELLED, FaceTable
from lianpu.errors import DataError
from lianpu.face_parsing.data.mask_files import IndexMask, PartMasks
from lianpu.face_parsing.data.masks import find_masks
from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.faces.mesh import IRIS_CENTRES, REGIONS, MeshReader
from lianpu.faces.results import Face, FaceParts, Landmarks, Mesh, Subject
from lianpu.imaging.compositing import Field
from lianpu.photo.reading import picture_facts, read_image
from lianpu.transforms.model import (
    AGE_SPAN,
    FORMAT,
    MIDDLE_AGE,
    SHAVED_PX,
    TERMS,
    VERSION,
    TransformModel,
    features,
    terms_of,
)
from lianpu.transforms.reading import BANDS, Reading, Template, read_face, where
from lianpu.transforms.surface import FRAME, MAP_PX, SURFACE, Coordinates, ThinPlate, control_points, frame_grid, place

OnProgress = Callable[[int, int], None]

AGES_FILE, MESH_FILE = "age_gender.csv", "mesh478.npz"

LEAST_FACES = 30
"""Fewest faces of each sex, and fewest below and above 40, that directions are fitted to."""

_OLDEST = 120

_SHAVED = 32

_LEAST_SKIN = 0.05
"""Faces of which less than this share of the canonical map is known skin teach nothing of tone and detail."""

_FINE_BANDS_FROM = 0.8
"""Pictures with fewer pixels than this for a unit of the frame say nothing of the finest two bands of detail."""


@dataclass(frozen=True, eq=False)
class LabelledFace:
    """A face of a data set with all that fitting needs.

    Args:
        file: its picture.
        subject: the face, with a mesh.
        male: -0.5 or 0.5.
        age: years.
        glasses: whether it wears some.
        data: number of its data set.
        parser: `name` and `licence` of the model that found its parts; None where they are the data set's or the mesh's.
    """

    file: Path
    subject: Subject
    male: float
    age: float
    glasses: bool
    data: int
    parser: Mapping[str, str] | None = None


def labelled_faces(
    folders: Sequence[Path], analyzer: Callable[[], tuple[FaceAnalyzer, MeshReader]], on_progress: OnProgress = lambda *_: None
) -> tuple[list[LabelledFace], tuple[FaceTable, ...]]:
    """The training faces of data folders that have a sex, an age and a mesh, and the tables of the folders.

    Of a face that has both, the mesh comes from `mesh478.npz` in the folder and the parts from its masks; of others the analyzer finds both.

    Args:
        folders: in CelebAMask-HQ's layout, with `age_gender.csv` (columns `file` and `age`).
        analyzer: opens a face analyzer and a mesh reader; called only where it is needed.
        on_progress: called with (done, total).

    Raises:
        DataError: a folder has no labels of sex, no ages or wrong ones, too few faces of either side, or a mask of other proportions than
            its picture.
    """
    tables = tuple(read_table("CelebAMask-HQ", folder) for folder in folders)
    ages = [_ages(Path(folder)) for folder in folders]
    for folder, table in zip(folders, tables, strict=True):
        if "Male" not in table.attributes:
            raise DataError(f"{folder} has no labels of Male. Transforms of sex and age need them in list_attr.txt.")
    wanted = [
        (number, row)
        for number, table in enumerate(tables)
        for row in table.rows_of(["train"]).tolist()
        if Path(table.files[row]).stem in ages[number] and table.labels[row, table.attributes.index("Male")] != UNLABELLED
    ]
    male = np.array([tables[n].labels[row, tables[n].attributes.index("Male")] == 1 for n, row in wanted], dtype=bool)
    years = np.array([ages[n][Path(tables[n].files[row]).stem] for n, row in wanted])
    _refuse_one_sided(", ".join(str(folder) for folder in folders), "training faces", male, years)
    found: list[LabelledFace] = []
    opened: tuple[FaceAnalyzer, MeshReader] | None = None
    known = [(_meshes(Path(folder)), find_masks(Path(folder)) or {}) for folder in folders]
    for done, (number, row) in enumerate(wanted, start=1):
        table, file = tables[number], tables[number].root / tables[number].files[row]
        meshes, masks = known[number]
        if file.stem in meshes and file.stem in masks:
            subject: Subject | None = _subject_of(file, meshes[file.stem], masks[file.stem])
            parser = None
        else:
            opened = opened or analyzer()
            subject = _analyzed(file, *opened)
            model = opened[0].parser
            parser = None if model is None else {"name": model.name, "licence": model.licence}
        if subject is not None:
            glasses = "Eyeglasses" in table.attributes and table.labels[row, table.attributes.index("Eyeglasses")] == 1
            sex = float(table.labels[row, table.attributes.index("Male")]) - 0.5
            found.append(LabelledFace(file, subject, sex, ages[number][file.stem], bool(glasses), number, parser))
        on_progress(done, len(wanted))
    return found, tables


def _refuse_one_sided(names: str, faces: str, male: np.ndarray, years: np.ndarray) -> None:
    """Raise DataError where there are fewer than `LEAST_FACES` men, women, young or old among `faces` (in words) of the folders."""
    counts = {
        "men": male.sum(),
        "women": (~male).sum(),
        "faces below 40": (years < 40).sum(),
        "faces of 40 and more": (years >= 40).sum(),
    }
    few = [f"{int(count)} {what}" for what, count in counts.items() if count < LEAST_FACES]
    if few:
        raise DataError(
            f"{names}: {' and '.join(few)} among {len(male)} {faces}; each side needs {LEAST_FACES} or more. Add faces."
        )


def _ages(folder: Path) -> dict[str, float]:
    import csv

    file = folder / AGES_FILE
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except OSError:
        raise DataError(f"{folder} has no {AGES_FILE}: transforms need an age for each face (columns file and age).") from None
    except (UnicodeDecodeError, csv.Error) as problem:
        raise DataError(f"{file} cannot be read ({problem}). Write it as UTF-8 with the columns file and age.") from None
    if not rows or "file" not in rows[0] or "age" not in rows[0]:
        raise DataError(f"{file} has no columns file and age.")
    found: dict[str, float] = {}
    for number, row in enumerate(rows, start=2):
        if not row["age"]:
            continue
        try:
            years = float(row["age"])
        except ValueError:
            raise DataError(f"{file}, line {number}: the age '{row['age']}' is not a number of years.") from None
        if not 0 <= years <= _OLDEST:  # nor is nan
            raise DataError(f"{file}, line {number}: the age '{row['age']}' is not from 0 to {_OLDEST} years.")
        found[Path(row["file"] or "").stem] = years
    return found


def _meshes(folder: Path) -> Mapping[str, np.ndarray]:
    """The usable meshes (478, 3) of a folder by the stem of their picture, in pixels of the picture."""
    import zipfile
    import zlib

    file = folder / MESH_FILE
    if not file.is_file():
        return {}
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, TypeError, AttributeError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as problem:
        reason = " ".join(str(problem).split())[:120]
        raise DataError(f"{file} cannot be read ({reason}). Remove it: meshes are found without it, too.") from None
    return {
        name: points
        for name, points in arrays.items()
        if points.shape == (478, 3) and points.dtype.kind in "fiu" and np.isfinite(points).all()
    }


def _subject_of(file: Path, points: np.ndarray, stored: IndexMask | PartMasks) -> Subject:
    """A face that fills its picture, from what the data set knows: its mesh, and its mask at the picture's size."""
    facts, mask = picture_facts(file), stored.read()
    wide_px, high_px = (facts.width, facts.height) if facts.orientation < 5 else (facts.height, facts.width)
    if mask.shape[0] * wide_px != mask.shape[1] * high_px:
        raise DataError(
            f"{file} is {wide_px}x{high_px} pixels, its mask {stored.shown_as} is {mask.shape[1]}x{mask.shape[0]}. "
            "A mask has its picture's proportions."
        )
    if mask.shape != (high_px, wide_px):
        mask = np.asarray(cv2.resize(mask, (wide_px, high_px), interpolation=cv2.INTER_NEAREST_EXACT))
    mesh = Mesh(points.astype(np.float32), 1.0)
    flat = mesh.points[:, :2]
    low, high = flat.min(axis=0), flat.max(axis=0)
    five = flat[[IRIS_CENTRES["right_iris"], IRIS_CENTRES["left_iris"], 4, 61, 291]]
    face = Face((float(low[0]), float(low[1]), float(high[0]), float(high[1])), 1.0, five, "labels")
    window = (slice(0, mask.shape[0]), slice(0, mask.shape[1]))
    spread = Landmarks(flat[:68].copy(), "dlib-68")  # fitting looks at the mesh alone
    return Subject(face, spread, window, FaceParts(np.where(mask > 18, 0, mask).astype(np.uint8), "labels"), mesh=mesh)


def _analyzed(file: Path, analyzer: FaceAnalyzer, reader: MeshReader) -> Subject | None:
    from dataclasses import replace

    photo = read_image(file)
    subjects = analyzer.analyze(photo, wide=False)
    if not subjects:
        return None
    mesh = subjects[0].mesh or reader.mesh_of_face(photo, subjects[0].face)
    return None if mesh is None else replace(subjects[0], mesh=mesh)


def canonical_mesh(meshes: np.ndarray, places_in_crop: np.ndarray) -> tuple[Template, np.ndarray]:
    """The canonical mesh of faces (N, K, 3), symmetric and frontal, and the mirror image of each point (K,).

    Generalised Procrustes analysis in 3-D (Gower 1975), begun with the most frontal faces; placed as in the mean crop (K, 3).
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial import Delaunay

    sided = np.array([_turned(one) for one in meshes])
    canonical = np.mean([one - one.mean(axis=0) for one in meshes[np.argsort(sided)[: max(4, len(meshes) // 20)]]], axis=0)
    mirror = np.arange(SURFACE)
    for _ in range(4):
        canonical = np.mean([place(one, canonical).into_frame(one) for one in meshes], axis=0)
        mirrored = canonical * (-1, 1, 1)
        mirror = linear_sum_assignment(((mirrored[:, None] - canonical[None]) ** 2).sum(axis=-1))[1]
        canonical = (canonical + mirrored[mirror]) / 2
    mean = place(places_in_crop, canonical)
    pitch = mean.angles[1]
    tilt = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    canonical = mean.scale * canonical @ tilt.T + ((FRAME - 1) / 2, mean.shift[1], 0)
    triangles = Delaunay(canonical[:, :2]).simplices
    first, second, third = (canonical[triangles[:, corner]] for corner in range(3))
    areas = np.cross(second - first, third - first)
    areas *= -np.sign(areas[:, 2:])
    normals = np.zeros_like(canonical)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], areas)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
    return Template(canonical, normals, control_points(canonical, mirror)), mirror


def _turned(mesh: np.ndarray) -> float:
    """How far a mesh is from frontal: 0 where the nose is midway between the cheeks."""
    wide = float(mesh[454, 0] - mesh[234, 0]) or 1.0
    return abs((mesh[1, 0] - mesh[234, 0]) - (mesh[454, 0] - mesh[1, 0])) / abs(wide) + abs(mesh[152, 0] - mesh[10, 0]) / abs(
        wide
    )


def fit_transform(
    faces: Sequence[LabelledFace], tables: Sequence[FaceTable], names: Sequence[str], on_progress: OnProgress = lambda *_: None
) -> TransformModel:
    """The model of labelled faces.

    Args:
        faces: of `labelled_faces`.
        tables: of the same, for licences.
        names: what to call each data set.
        on_progress: called with (done, total) while faces are read.

    Raises:
        DataError: too few faces of either side could be read.
    """
    if not faces:
        raise DataError(f"{', '.join(names)}: no face was found in the pictures. Are they pictures of faces?")
    meshes = np.stack([_in_units(face) for face in faces])
    template, mirror = canonical_mesh(meshes, meshes.mean(axis=0))
    kept: list[int] = []
    readings: list[_Sample] = []
    for number, face in enumerate(faces):
        reading = read_face(read_image(face.file), face.subject, template)
        if reading is not None and reading.place.yaw < 45:
            kept.append(number)
            readings.append(_Sample.of(reading))
        on_progress(number + 1, len(faces))
    chosen = [faces[number] for number in kept]
    if len(chosen) < 2 * LEAST_FACES:
        raise DataError(
            f"Only {len(chosen)} faces could be read: too few for a transform. Are the meshes those of these pictures?"
        )
    _refuse_one_sided(
        ", ".join(names),
        "faces that could be read",
        np.array([face.male > 0 for face in chosen]),
        np.array([face.age for face in chosen]),
    )
    return _Fit(chosen, readings, template, mirror).model(tables, names)


def _in_units(face: LabelledFace) -> np.ndarray:
    """The mesh (K, 3) in units of a crop of 512 px, whatever the size of its picture."""
    assert face.subject.mesh is not None
    points = face.subject.mesh.points[:SURFACE].astype(np.float64)
    side = max(face.subject.window[0].stop, face.subject.window[1].stop)
    return np.asarray(points * (FRAME / side))


@dataclass(frozen=True, eq=False)
class _Sample:
    """What fitting keeps of a reading."""

    residual: Coordinates
    angles: tuple[float, float]
    scale: float
    low: np.ndarray
    known: np.ndarray
    energy: np.ndarray
    lips: np.ndarray
    sharp: np.ndarray
    features: np.ndarray

    @staticmethod
    def of(reading: Reading) -> _Sample:
        lips = where(reading.classes, ("u_lip", "l_lip"))
        tone = (
            (reading.tone * lips[..., None]).sum(axis=(0, 1)) / lips.sum()
            if lips.sum() > 60 * reading.scale**2
            else np.full(3, np.nan)
        )
        edged = reading.in_frame(where(reading.classes, ("l_eye", "r_eye", "l_brow", "r_brow", "u_lip", "l_lip"))) > 0.5
        sharp = reading.energy[edged].mean(axis=0) if edged.any() else reading.energy.mean(axis=(0, 1))
        return _Sample(
            reading.residual,
            reading.place.angles,
            reading.scale / reading.view.scale,
            reading.low.astype(np.float16),
            reading.known.astype(np.float16),
            reading.energy.astype(np.float16),
            tone,
            sharp,
            features(reading),
        )


class _Fit:
    """The regressions over all faces; columns of every design begin with `TERMS` and age squared."""

    def __init__(self, faces: Sequence[LabelledFace], samples: Sequence[_Sample], template: Template, mirror: np.ndarray) -> None:
        self.faces, self.samples, self.template, self.mirror = faces, samples, template, mirror
        self.male = np.array([face.male for face in faces])
        self.age = (np.array([face.age for face in faces]) - MIDDLE_AGE) / AGE_SPAN
        self.glasses = np.array([face.glasses for face in faces])
        self.angles = np.array([sample.angles for sample in samples])
        self.residual = np.stack([sample.residual for sample in samples])
        self.data = np.array([face.data for face in faces])
        self.figures: dict[str, float] = {}

    def _terms(self) -> list[np.ndarray]:
        return [np.ones(len(self.male)), self.male, self.age, self.male * self.age, self.age**2]

    def _sets(self) -> list[np.ndarray]:
        return [(self.data == number).astype(float) - np.mean(self.data == number) for number in range(1, self.data.max() + 1)]

    def _refuse_covered(self, names: str) -> None:
        """Raise DataError where too few faces of a side show their skin: tone and detail are learned from those."""
        shown = ~self.glasses & np.array([sample.known.mean(dtype=np.float32) > _LEAST_SKIN for sample in self.samples])
        _refuse_one_sided(
            names, "faces that show their skin, without glasses", self.male[shown] > 0, self.age[shown] * AGE_SPAN + MIDDLE_AGE
        )

    def _expression(self) -> list[np.ndarray]:
        """Opening, rise and width of the mouth, and opening of the eyes, each standardised."""
        points = self.residual + self.template.canonical
        eyes = [points[:, list(REGIONS[name])].mean(axis=1) for name in ("right_eye", "left_eye")]
        unit = float(np.linalg.norm(eyes[0] - eyes[1], axis=1).mean())
        opening = (points[:, 14, 1] - points[:, 13, 1]) / unit
        corners = ((points[:, 61, 1] + points[:, 291, 1]) - (points[:, 13, 1] + points[:, 14, 1])) / unit
        width = np.linalg.norm(points[:, 61] - points[:, 291], axis=1) / unit
        return [_standard(values) for values in (opening, corners, width)]

    def shape(self) -> dict[str, Coordinates]:
        yaw, pitch = _standard(self.angles[:, 0]), _standard(self.angles[:, 1])
        columns = [*self._terms(), *self._expression(), yaw, pitch, yaw**2, pitch**2, self.glasses.astype(float), *self._sets()]
        design = np.stack(columns, axis=1)
        penalty = 3 * np.eye(design.shape[1])
        penalty[0, 0] = 0
        flat = self.residual.reshape(len(design), -1)
        slopes = np.linalg.solve(design.T @ design + penalty, design.T @ flat)
        self.figures["shape_r2"] = float(1 - ((flat - design @ slopes) ** 2).sum() / ((flat - flat.mean(axis=0)) ** 2).sum())
        slopes = slopes.reshape(-1, SURFACE, 3)
        return {term: (slopes[k] + (slopes[k] * (-1, 1, 1))[self.mirror]) / 2 for k, term in enumerate(TERMS) if k}

    def appearance(self) -> tuple[dict[str, Field], dict[str, Field], Field, Field]:
        """Low and energy by term, how often skin was seen, and lips by term."""
        low = np.stack([sample.low for sample in self.samples]).astype(np.float32)
        known = np.stack([sample.known for sample in self.samples]).astype(np.float32)
        known[self.glasses] = 0
        used = known.mean(axis=(1, 2)) > _LEAST_SKIN
        light = self._light(low, known, used)
        yaw, pitch = _standard(self.angles[:, 0]), _standard(self.angles[:, 1])
        expression, sets = self._expression(), self._sets()

        def design(side: int) -> np.ndarray:
            turned = [side * yaw, pitch, yaw**2]
            lit = [(side if k == 3 else 1) * _standard(light[:, k], used) for k in range(5)]
            return np.stack([*self._terms(), *expression, *turned, *lit, *sets], axis=1).astype(np.float32)

        both = [(design(1), known, low), (design(-1), known[:, :, ::-1], low[:, :, ::-1])]
        slopes = _maps(both, 8.0)
        skin = np.asarray((known[used].mean(axis=0) + known[used].mean(axis=0)[:, ::-1]) / 2, dtype=np.float32)
        lows = {term: _carried_on(slopes[..., k, :], skin) for k, term in enumerate(TERMS)}
        energies = self._energies(both, known, skin)
        columns = both[0][0]
        lips = np.stack([sample.lips for sample in self.samples]) - light[:, :3]
        seen = used & np.isfinite(lips).all(axis=1)
        penalty = 3 * np.eye(columns.shape[1])
        penalty[0, 0] = 0
        lip_slopes = np.linalg.solve(columns[seen].T @ columns[seen] + penalty, columns[seen].T @ lips[seen])
        self.figures["faces_without_glasses"] = float(used.sum())
        return lows, energies, skin, lip_slopes[: len(TERMS)].astype(np.float32)

    def _light(self, low: Field, known: Field, used: np.ndarray) -> np.ndarray:
        """(N, 5): mean tone of the skin and how its light falls off sideways and downwards, by the surface's normals."""
        canonical, normals = self.template.canonical, self.template.normals
        lean = ThinPlate(canonical[self.template.controls, :2], normals[self.template.controls, :2], 1e-3)(frame_grid(MAP_PX))
        plane = np.column_stack([np.ones(MAP_PX * MAP_PX), np.clip(lean, -1, 1)])
        found = np.zeros((len(low), 5))
        for number in np.flatnonzero(used):
            weight = known[number].reshape(-1, 1)
            slopes = np.linalg.solve(
                (plane * weight).T @ plane + 1e-2 * np.eye(3), (plane * weight).T @ low[number].reshape(-1, 3)
            )
            found[number] = (*slopes[0], slopes[1, 0], slopes[2, 0])
        return found

    def _energies(self, both: list[tuple[np.ndarray, Field, Field]], known: Field, skin: Field) -> dict[str, Field]:
        energy = np.stack([sample.energy for sample in self.samples]).astype(np.float32)
        sharp = np.stack([sample.sharp for sample in self.samples])
        fine = np.array([sample.scale for sample in self.samples]) >= _FINE_BANDS_FROM
        maps = []
        for band in range(len(BANDS)):
            trusted = fine if band < 2 and fine.sum() > 8 * LEAST_FACES else np.ones(len(fine), dtype=bool)
            extra = np.stack([_standard(sharp[:, 0]), _standard(sharp[:, band])], axis=1).astype(np.float32)
            data = [
                (np.hstack([columns, extra])[trusted], weight[trusted], values[trusted])
                for (columns, _, _), weight, values in (
                    (both[0], known, energy[..., band : band + 1]),
                    (both[1], known[:, :, ::-1], energy[:, :, ::-1, band : band + 1]),
                )
            ]
            slopes = _maps(data, 8.0)
            maps.append([_carried_on(slopes[..., k, :], skin)[..., 0] for k in range(len(TERMS))])
        return {term: np.stack([band[k] for band in maps], axis=-1) for k, term in enumerate(TERMS)}

    def shaved(self, skin: Field) -> tuple[Field, Field, Field]:
        """Mean, principal components and their spread of the tone of faces without beards: women, and men as smooth as they."""
        below = frame_grid(MAP_PX).reshape(MAP_PX, MAP_PX, 2)[..., 1] > self.template.canonical[2, 1]
        cheeks = ~below & (frame_grid(MAP_PX).reshape(MAP_PX, MAP_PX, 2)[..., 1] > self.template.canonical[195, 1] - 20)
        rough = np.array([_beard_of(sample, below & (skin > 0.5), cheeks & (skin > 0.5)) for sample in self.samples])
        women = self.male < 0
        usable = ~self.glasses & np.isfinite(rough) & (np.abs(self.angles[:, 0]) < 0.4)
        if not (usable & women).any():
            raise DataError(
                "No woman's face without glasses shows cheeks and chin to the camera: beards are learned against women. Add such faces."
            )
        limit = float(np.quantile(rough[usable & women], 0.7))
        rows = np.flatnonzero(usable & (women | (rough < limit)))
        faces = []
        for row in rows.tolist():
            sample = self.samples[row]
            whole = _carried_on(sample.low.astype(np.float32), sample.known.astype(np.float32))
            small = cv2.resize(whole, (SHAVED_PX, SHAVED_PX), interpolation=cv2.INTER_AREA)
            faces += [small, small[:, ::-1]]
        data = np.stack(faces).reshape(len(faces), -1)
        mean = data.mean(axis=0)
        weight = np.tile(np.array([1, 4, 4.0]), SHAVED_PX * SHAVED_PX)
        weight *= np.repeat(cv2.resize(skin, (SHAVED_PX, SHAVED_PX), interpolation=cv2.INTER_AREA).ravel() + 0.05, 3)
        _, spread, axes = np.linalg.svd((data - mean) * weight, full_matrices=False)
        count = min(_SHAVED, len(spread) - 1)
        self.figures["shaved_faces"] = float(len(rows))
        self.figures["shaved_explained"] = float((spread[:count] ** 2).sum() / (spread**2).sum())
        shape = (SHAVED_PX, SHAVED_PX, 3)
        components = (axes[:count] / weight).reshape(count, *shape)
        return mean.reshape(shape), components.astype(np.float32), (spread[:count] / np.sqrt(len(data))).astype(np.float32)

    def judge(self) -> Field:
        """The readout (F + 1, 2) of sex (log odds) and age, by ridge regression; its figures are those of five-fold cross-validation."""
        inputs = np.stack([sample.features for sample in self.samples]).astype(np.float64)
        inputs = np.hstack([inputs, np.ones((len(inputs), 1))])
        targets = np.stack([self.male * 2, self.age], axis=1)
        folds = np.arange(len(inputs)) % 5
        gram = inputs @ inputs.T
        best: tuple[float, float, np.ndarray] | None = None
        for penalty in (30.0, 100.0, 300.0, 1000.0, 3000.0):
            guess = np.zeros_like(targets)
            for fold in range(5):
                inside, out = folds != fold, folds == fold
                dual = np.linalg.solve(gram[np.ix_(inside, inside)] + penalty * np.eye(inside.sum()), targets[inside])
                guess[out] = gram[np.ix_(out, inside)] @ dual
            error = float(((guess - targets) ** 2).mean(axis=0).sum())
            if best is None or error < best[0]:
                best = (error, penalty, guess)
        assert best is not None
        _, penalty, guess = best
        slopes = inputs.T @ np.linalg.solve(gram + penalty * np.eye(len(gram)), targets)
        self.figures["sex_right"] = float(((guess[:, 0] > 0) == (self.male > 0)).mean())
        self.figures["age_error_years"] = float(np.abs(guess[:, 1] - self.age).mean() * AGE_SPAN)
        slopes[:, 0] *= _steepness(guess[:, 0], self.male > 0)
        return np.asarray(slopes, dtype=np.float32)

    def model(self, tables: Sequence[FaceTable], names: Sequence[str]) -> TransformModel:
        self._refuse_covered(", ".join(names))
        shape = self.shape()
        low, energy, skin, lips = self.appearance()
        mean, components, spread = self.shaved(skin)
        judge = self.judge()
        parsers = {face.parser["name"]: dict(face.parser) for face in self.faces if face.parser is not None}
        about: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "trained_on": [
                {
                    "name": name,
                    "faces": int((self.data == number).sum()),
                    "men": int(((self.data == number) & (self.male > 0)).sum()),
                }
                for number, name in enumerate(names)
            ],
            "ages": [round(float(age * AGE_SPAN + MIDDLE_AGE), 1) for age in np.quantile(self.age, (0, 0.1, 0.5, 0.9, 1))],
            "parsers": list(parsers.values()),
            **terms_of([table.licence for table in tables], list(parsers.values())),
            "figures": {name: round(value, 4) for name, value in self.figures.items()},
        }
        return TransformModel(
            about, self.template.canonical, self.template.normals, self.mirror, shape, low, energy, skin, lips,
            mean.astype(np.float32), components, spread, judge,
        )  # fmt: skip


def _standard(values: np.ndarray, used: np.ndarray | None = None) -> np.ndarray:
    chosen = values if used is None else values[used]
    return np.asarray(np.clip((values - chosen.mean()) / (chosen.std() + 1e-9), -4, 4))


def _steepness(scores: np.ndarray, truth: np.ndarray) -> float:
    """The factor that turns scores into log odds (Platt 1999, without an offset), by Newton's steps."""
    factor, sign = 1.0, np.where(truth, 1.0, -1.0)
    for _ in range(30):
        chance = 1 / (1 + np.exp(np.clip(factor * sign * scores, -30, 30)))
        slope, bend = float((chance * sign * scores).sum()), float((chance * (1 - chance) * scores**2).sum()) + 1e-6
        factor = float(np.clip(factor + slope / bend, 0.2, 30))
    return factor


def _beard_of(sample: _Sample, below: np.ndarray, cheeks: np.ndarray) -> float:
    """How much more detail the skin below the nose has than the cheeks, in logs; NaN where either is hidden."""
    known = sample.known > 0.5
    if (below & known).sum() < 40 or (cheeks & known).sum() < 40:
        return float("nan")
    return float(sample.energy[..., 2][below & known].mean() - sample.energy[..., 2][cheeks & known].mean())


def _maps(data: Sequence[tuple[np.ndarray, Field, Field]], penalty: float) -> np.ndarray:
    """Weighted ridge regression per pixel: slopes (M, M, k, C), summed over several sets of (design (N, k), weights (N, M, M), values (N, M, M, C))."""
    count, channels = data[0][0].shape[1], data[0][2].shape[-1]
    pixels = MAP_PX * MAP_PX
    squares, products = np.zeros((pixels, count * count), np.float32), np.zeros((pixels, channels, count), np.float32)
    for design, weights, values in data:
        weight = weights.reshape(len(design), -1)
        squares += weight.T @ (design[:, :, None] * design[:, None]).reshape(len(design), -1)
        for channel in range(channels):
            products[:, channel] += (weight * values[..., channel].reshape(len(design), -1)).T @ design
    ridge = np.diag([0.5, *[penalty] * (count - 1)]).astype(np.float32)
    slopes = np.linalg.solve(squares.reshape(pixels, count, count) + ridge, products.transpose(0, 2, 1))
    return np.asarray(slopes.reshape(MAP_PX, MAP_PX, count, channels))


def _carried_on(values: Field, weight: Field) -> Field:
    """Values (M, M, C), slightly smoothed, and carried on to where the weight (M, M) is near 0."""
    share = np.clip(weight / 0.25, 0, 1).astype(np.float32) ** 2
    filled, sure = np.zeros_like(values, dtype=np.float32), np.zeros((*share.shape, 1), dtype=np.float32)
    for sigma in (0.9, 2.25, 4.5, 9.0, 22.0):
        total = cv2.GaussianBlur(np.dstack([values * share[..., None], share]).astype(np.float32), (0, 0), sigma)
        mean, near = total[..., :-1] / np.maximum(total[..., -1:], 1e-6), np.clip(total[..., -1:] / 0.35, 0, 1) ** 2
        filled += (1 - sure) * near * mean
        sure = sure + (1 - sure) * near
    return np.asarray(filled / np.maximum(sure, 1e-6), dtype=np.float32)
