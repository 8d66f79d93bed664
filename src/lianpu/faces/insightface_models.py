"""InsightFace's networks through its own package: boxes, 106 points, sex and age, identity. The only door to insightface.

insightface reads the networks, preprocesses and decodes; here all faces of a picture run as one batch.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np

from lianpu.errors import ModelError, WeightsError
from lianpu.faces.alignment import TEMPLATES
from lianpu.faces.detection import find_faces
from lianpu.faces.onnx_networks import IDENTITY, LANDMARKS_106, SCRFD, SEX_AGE, is_strip, open_network, run_faces
from lianpu.faces.results import Face, Identity, Landmarks, SexAge
from lianpu.imaging.geometry import similarity
from lianpu.imaging.picture import Picture, check_picture
from lianpu.models.sessions import plain_options
from lianpu.models.store.archives import members_like, members_named, open_zip, unpack_member
from lianpu.models.store.locate import check_model_file, find_model_file, folders_inside, models_folder, refuse_non_commercial
from lianpu.models.table import ModelFile, model_file

try:
    import cv2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it imports, not of what we do
        from insightface.model_zoo.arcface_onnx import ArcFaceONNX
        from insightface.model_zoo.attribute import Attribute
        from insightface.model_zoo.landmark import Landmark
        from insightface.model_zoo.scrfd import SCRFD as PackageScrfd
except ImportError as problem:
    raise ModelError(
        f"insightface cannot be loaded ({problem}). Install it: pip install 'lianpu[insightface]'; where libGL is missing, also: "
        "pip install --force-reinstall opencv-python-headless"
    ) from None

_CROP_SCALE = 1.5
"""Side of the square that the landmark and sex-age networks take, in sides of the box (insightface's value)."""

_FACES_AT_ONCE = 32
"""Faces in one batch: a crowd must not need more memory than this many."""


class ScrfdDetector:
    """Boxes, 5 points and scores from an SCRFD network (det_10g.onnx of buffalo_l, or another one of its form).

    Guo et al. 2021, arXiv:2105.04714; decoding by the insightface package, which searches at its own input sizes: 128 and 640
    when the network takes any size.

    Args:
        file: the ONNX file.
        threads: threads for one operation; None takes as many as there are cores.
        min_score: leave out what is less sure, 0 to 1.
        name: recorded in its faces; the file's stem when None.

    Raises:
        ModelError: the file is missing, broken, or another kind of network.
    """

    multiscale = False
    second_search_score = 0.7  # 292 of 300 faces that fill the picture are found with it; a dog's face in a border has 0.69

    def __init__(self, file: Path | str, threads: int | None = None, *, min_score: float = 0.5, name: str | None = None) -> None:
        self.name = name or Path(file).stem
        self._package = PackageScrfd(str(file), open_network(file, SCRFD, threads))
        self._package.prepare(0, det_thresh=min_score)

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        """The faces of a picture (H, W, 3) uint8 RGB, most confident first."""
        if is_strip(check_picture(picture)):
            return ()
        boxes, points = self._package.detect(np.ascontiguousarray(picture[:, :, ::-1]))
        return tuple(
            Face(_as_box(box), min(1.0, float(box[4])), five, self.name)
            for box, five in zip(boxes, points, strict=True)
            if box[2] > box[0] and box[3] > box[1]
        )


class Landmarks106:
    """106 points of each face (2d106det.onnx of buffalo_l). Raises ModelError as ScrfdDetector does."""

    def __init__(self, file: Path | str, threads: int | None = None) -> None:
        self._package = Landmark(str(file), open_network(file, LANDMARKS_106, threads))

    def of(self, picture: Picture, faces: Sequence[Face]) -> tuple[Landmarks, ...]:
        """The landmarks of each face in a picture (H, W, 3) uint8 RGB."""
        side = int(self._package.input_size[0])
        matrices = [_box_matrix(face, side) for face in faces]
        rows = _run(self._package, picture, matrices)
        found = []
        for row, matrix in zip(rows, matrices, strict=True):
            in_crop = (row.reshape(-1, 2) + 1.0) * (side // 2)
            found.append(Landmarks((in_crop - matrix[:, 2]) / matrix[0, 0], "insightface-106"))
        return tuple(found)


class SexAgeEstimator:
    """Sex and age of each face (genderage.onnx of buffalo_l). Raises ModelError as ScrfdDetector does."""

    def __init__(self, file: Path | str, threads: int | None = None) -> None:
        self._package = Attribute(str(file), open_network(file, SEX_AGE, threads))
        self.name = Path(file).stem

    def of(self, picture: Picture, faces: Sequence[Face]) -> tuple[SexAge, ...]:
        """What each face in a picture (H, W, 3) uint8 RGB looks like.

        The score is a softmax of the network's two numbers: above 0.5 where the package says male, but not a measured chance.
        """
        side = int(self._package.input_size[0])
        rows = _run(self._package, picture, [_box_matrix(face, side) for face in faces])
        return tuple(
            SexAge(male_score=float(1.0 / (1.0 + np.exp(np.clip(female - male, -60, 60)))), age=100.0 * age, source=self.name)
            for female, male, age in rows.astype(np.float64).tolist()
        )


class ArcFaceEncoder:
    """A unit vector of 512 numbers for each face (w600k_r50.onnx of buffalo_l). Raises ModelError as ScrfdDetector does.

    Deng et al. 2019, arXiv:1801.07698.
    """

    def __init__(self, file: Path | str, threads: int | None = None) -> None:
        self._package = ArcFaceONNX(str(file), open_network(file, IDENTITY, threads))
        self.name = Path(file).stem

    def of(self, picture: Picture, faces: Sequence[Face]) -> tuple[Identity, ...]:
        """The identity of each face in a picture (H, W, 3) uint8 RGB, from its five points."""
        template = TEMPLATES["arcface"].points
        rows = _run(self._package, picture, [similarity(face.points, template) for face in faces])
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        if not (lengths > 0).all():
            raise ModelError(f"{self._package.model_file} gives an empty vector: it is damaged. Give another file.")
        return tuple(Identity(vector, self.name) for vector in rows / lengths)


def package_analysis(folder: Path, threads: int | None = None) -> Callable[[Picture], int]:
    """insightface's own `FaceAnalysis` over the networks in a folder, to compare with.

    It takes a picture (H, W, 3) uint8 RGB, goes face by face, and gives the number of faces.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from insightface.app import FaceAnalysis

    app = FaceAnalysis(name=str(folder), providers=["CPUExecutionProvider"], sess_options=plain_options(threads))
    app.prepare(ctx_id=0)

    def analyse(picture: Picture) -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # scikit-image's, about insightface's alignment
            return len(app.get(np.ascontiguousarray(picture[:, :, ::-1])))

    return analyse


def _run(package: Any, picture: Picture, matrices: Sequence[np.ndarray]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The output of an insightface network for the crop of each matrix: (N, F) float32.

    Raises:
        ModelError: the network cannot run, or gives values that are not finite.
    """
    side = int(package.input_size[0])
    check_picture(picture)
    parts = []
    for start in range(0, len(matrices), _FACES_AT_ONCE):
        crops = np.stack(
            [
                cv2.warpAffine(picture, matrix, (side, side), borderValue=0.0)
                for matrix in matrices[start : start + _FACES_AT_ONCE]
            ]
        )
        batch = np.ascontiguousarray(crops.transpose(0, 3, 1, 2), dtype=np.float32)
        batch -= np.float32(package.input_mean)
        batch *= np.float32(1.0 / package.input_std)
        parts.append(run_faces(package.session, batch))
    rows = np.concatenate(parts) if parts else np.zeros((0, 0), dtype=np.float32)
    if not np.isfinite(rows).all():
        raise ModelError(f"{package.model_file} gives numbers that are not finite: it is damaged. Give another file.")
    return rows


def _box_matrix(face: Face, side: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(2, 3) that brings the box to the middle of a crop of `side` pixels, upright (insightface's `face_align.transform`)."""
    x1, y1, x2, y2 = face.box_xyxy
    scale = side / (max(face.width_px, face.height_px) * _CROP_SCALE)
    return np.array([[scale, 0.0, side / 2 - scale * (x1 + x2) / 2], [0.0, scale, side / 2 - scale * (y1 + y2) / 2]])


def _as_box(values: np.ndarray) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = map(float, values[:4])
    return x1, y1, x2, y2


Part = Literal["detection", "landmarks", "sex_age", "identity"]

PART_MODELS: dict[Part, str] = {
    "detection": "scrfd-10g",
    "landmarks": "landmarks-106",
    "sex_age": "gender-age",
    "identity": "arcface-r50",
}
"""The parts of the pack that are used here, and what the table of weights calls them."""

PACK = "buffalo_l"

_GET_IT = f"Get it with: lianpu models fetch {PACK}"


class BuffaloL:
    """The networks of the pack, each asked for all faces of a picture at once.

    Args:
        files: the file of each part that is wanted; the others are not loaded.
        threads: threads for one operation; None takes as many as there are cores.

    Raises:
        ModelError: a file is broken, or holds another kind of network.
    """

    def __init__(self, files: Mapping[Part, Path], threads: int | None = None) -> None:
        self.parts = tuple(files)
        self._detector = ScrfdDetector(files["detection"], threads, name=PACK) if "detection" in files else None
        self._landmarks = Landmarks106(files["landmarks"], threads) if "landmarks" in files else None
        self._sex_age = SexAgeEstimator(files["sex_age"], threads) if "sex_age" in files else None
        self._identity = ArcFaceEncoder(files["identity"], threads) if "identity" in files else None

    @property
    def detector(self) -> ScrfdDetector:
        """What finds the faces, for `find_faces`."""
        return self._detector if self._detector is not None else self._not_loaded("detection")

    def find(self, picture: Picture, *, upright: bool = False, min_score: float | None = None) -> tuple[Face, ...]:
        """The faces of a picture, largest first; see `detection.find_faces`."""
        return find_faces(picture, self.detector, upright=upright, min_score=min_score)

    def landmarks(self, picture: Picture, faces: Sequence[Face]) -> tuple[Landmarks, ...]:
        """106 points of each face."""
        return (self._landmarks or self._not_loaded("landmarks")).of(picture, faces)

    def sex_age(self, picture: Picture, faces: Sequence[Face]) -> tuple[SexAge, ...]:
        """Sex and age of each face."""
        return (self._sex_age or self._not_loaded("sex_age")).of(picture, faces)

    def identity(self, picture: Picture, faces: Sequence[Face]) -> tuple[Identity, ...]:
        """The identity of each face, 512 numbers."""
        return (self._identity or self._not_loaded("identity")).of(picture, faces)

    def _not_loaded(self, part: Part) -> NoReturn:
        raise ValueError(f"this pack was opened with {', '.join(self.parts)}: add '{part}' to the parts of open_buffalo")


def open_buffalo(
    path: Path | str | None = None, parts: Sequence[Part] = tuple(PART_MODELS), threads: int | None = None
) -> BuffaloL:
    """The buffalo_l pack, its files checked by size and SHA-256 before any is loaded.

    Args:
        path: a folder with the files, the folder above it, or the zip as downloaded (what is wanted of it is unpacked into the
            folder of models); None looks where `lianpu models` and insightface put it.
        parts: what to load.
        threads: threads for one operation; None takes as many as there are cores.

    Raises:
        WeightsError: a file is missing, damaged, or not allowed under --commercial-safe.
        ModelError: a file cannot be loaded.
    """
    unknown = [part for part in parts if part not in PART_MODELS]
    if unknown or not parts:
        raise ValueError(f"the parts of {PACK} are {', '.join(PART_MODELS)}, got {tuple(parts)}")
    wanted = {part: model_file(PART_MODELS[part]) for part in parts}
    refuse_non_commercial(wanted.values())
    return BuffaloL(locate_pack(wanted, None if path is None else Path(path).expanduser()), threads)


def locate_pack(wanted: Mapping[Part, ModelFile], path: Path | None) -> dict[Part, Path]:
    """The checked file of each part, from a folder, a zip, or (None) from where models lie on this machine.

    Raises:
        WeightsError: a file is missing or not the right one. All that are missing are named together.
    """
    if path is None:
        found = {part: find_model_file(entry.name) for part, entry in wanted.items()}
    elif path.is_dir():
        found = {part: _in_folder(path, entry) for part, entry in wanted.items()}
    elif path.is_file() and zipfile.is_zipfile(path):
        found = _unpacked(path, wanted)
    elif path.is_file():
        raise WeightsError(f"{path} is neither a folder nor a zip. Give the folder or the zip of {PACK}.")
    else:
        raise WeightsError(f"{path} is not there. Give the folder or the zip of {PACK}, or: lianpu models fetch {PACK}")
    missing = [entry for part, entry in wanted.items() if found[part] is None]
    if missing:
        names = ", ".join(f"{entry.file} ({entry.used_for})" for entry in missing)
        where = path if path is not None else f"{models_folder()}, ~/.insightface/models/{PACK} or the folders just inside"
        raise WeightsError(
            f"{PACK} is not complete: {names} not in {where}. {_GET_IT}; or put its files into {models_folder() / PACK}"
        )
    return {part: check_model_file(file, wanted[part]) for part, file in found.items() if file is not None}


def _in_folder(folder: Path, entry: ModelFile) -> Path | None:
    """The file in the folder or in one just inside: a zip is often unpacked one folder too deep."""
    for place in (folder, *folders_inside(folder)):
        for name in (entry.file, *entry.other_names):
            if (place / name).is_file():
                return place / name
    return None


def _unpacked(file: Path, wanted: Mapping[Part, ModelFile]) -> dict[Part, Path | None]:
    """The wanted files of a zip, unpacked into the folder of models unless they are there already."""
    there = {part: models_folder() / PACK / entry.file for part, entry in wanted.items()}
    with open_zip(file) as archive:
        for part, target in there.items():
            if not target.is_file():
                _unpack(archive, file, wanted[part], target)
    return {part: target if target.is_file() else None for part, target in there.items()}


def _unpack(archive: zipfile.ZipFile, file: Path, entry: ModelFile, target: Path) -> None:
    """Write the entry's file if the zip has it. Raises WeightsError when it has one of its name, but other bytes."""
    reasons = [unpack_member(archive, member, entry, target) for member in members_like(archive, entry)[:1]]
    others = members_named(archive, entry)
    if others and not (reasons and not reasons[0]):
        sizes = f"expected {entry.size_bytes:,} bytes, got {others[0].file_size:,}"
        raise WeightsError(f"{others[0].filename} in {file} is not {entry.name}: {(reasons or [sizes])[0]}. {_GET_IT}")
