"""Detectors by name: what a command line or a setting says, turned into the object that finds faces."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from lianpu.errors import ModelError, SettingsError, WeightsError, nearest_name
from lianpu.faces.detection import Detector
from lianpu.faces.onnx_networks import YUNET, is_strip, open_network
from lianpu.faces.results import Face
from lianpu.imaging.geometry import Scale, scale_between, scale_box, scale_points, shrink
from lianpu.imaging.opencv import quiet_opencv
from lianpu.imaging.picture import Picture, check_picture
from lianpu.models.store.conversion import require_onnx
from lianpu.models.store.locate import find_model_file, folders_inside, is_commercial_safe, require_model_file
from lianpu.models.table import model_file

DETECTORS: dict[str, str] = {
    "auto": "the best on this machine: buffalo_l, else yunet, else blazeface (fetched at first use), else dlib",
    "buffalo_l": "SCRFD-10G of InsightFace's buffalo_l pack",
    "scrfd": "another SCRFD file of InsightFace",
    "yunet": "YuNet by OpenCV (may be used commercially)",
    "blazeface": "MediaPipe's full-range BlazeFace at all scales (may be used commercially)",
    "blazeface-short": "MediaPipe's short-range BlazeFace: large faces only, in 1 ms (may be used commercially)",
    "dlib": "dlib's HOG detector (needs no download)",
}
"""The names that `load_detector` knows, with a line on each."""


def load_detector(
    name: str = "auto", *, models: Path | str | None = None, landmarks: Path | str = "auto", threads: int | None = None
) -> Detector:
    """The detector of a name of `DETECTORS`, or of an ONNX file of SCRFD's, YuNet's or BlazeFace's form (recognised by its outputs).

    Args:
        name: a name, or a path that ends with .onnx.
        models: the model's file, or the folder (buffalo_l: also the zip) that holds it; None looks where models lie. `scrfd`
            needs it.
        landmarks: the 68 points from which `dlib` makes its five: the path of a .dat file, or a name (dlib's own).
        threads: threads for one operation; None takes as many as there are cores.

    Raises:
        SettingsError: the name is unknown, or `scrfd` comes without its file.
        WeightsError: the model is not on this machine, damaged, or not allowed under --commercial-safe.
        ModelError: the file is broken or holds another kind of network.
    """
    path = None if models is None else Path(models).expanduser()
    if name.lower().endswith(".onnx"):
        return _from_file(Path(name).expanduser(), threads)
    if name == "auto":
        best = best_detector() if path is None else "buffalo_l"
        return load_detector(best, models=path, landmarks=landmarks, threads=threads)
    if name == "buffalo_l":
        from lianpu.faces.insightface_models import open_buffalo

        return open_buffalo(path, ("detection",), threads).detector
    if name == "scrfd":
        if path is None:
            raise SettingsError("The detector 'scrfd' needs its file: give the path of the .onnx file as the detector.")
        return _from_file(path, threads)
    if name == "yunet":
        return YuNetDetector(_yunet_file(path), name="yunet")
    if name == "blazeface":
        from lianpu.faces.blazeface import FullRangeDetector

        return FullRangeDetector(require_onnx("blazeface-full"), threads)
    if name == "blazeface-short":
        from lianpu.faces.blazeface import ShortRangeDetector

        return ShortRangeDetector(require_onnx("blazeface-short"), threads)
    if name == "dlib":
        from lianpu.faces.dlib_models import DlibDetector

        return DlibDetector("auto" if landmarks in ("mesh", "mesh-468") else landmarks)  # the mesh needs a face to begin with
    raise SettingsError(
        f"'{name}' is no detector{nearest_name(name, DETECTORS)}. Known: {', '.join(DETECTORS)}, or the path of an .onnx file."
    )


def best_detector() -> str:
    """The name of the best detector that can be had on this machine. BlazeFace's file is fetched, once, where nothing better is here."""
    if not is_commercial_safe() and find_model_file("scrfd-10g") is not None and find_spec("insightface") is not None:
        return "buffalo_l"
    if find_model_file("yunet") is not None:
        return "yunet"
    return _blazeface_or_dlib()


def _blazeface_or_dlib() -> str:
    try:
        require_onnx("blazeface-full")
    except WeightsError:
        # the five points of dlib's detector come from a predictor that excludes commercial use
        return "blazeface" if is_commercial_safe() else "dlib"
    return "blazeface"


def _yunet_file(path: Path | None) -> Path:
    """A YuNet file: the table's own, checked, or the one that was given, or the table's in a folder that was given."""
    if path is None or not path.is_dir():
        return require_model_file("yunet") if path is None else path
    entry = model_file("yunet")
    for folder in (path, *folders_inside(path)):
        if (folder / entry.file).is_file():
            return require_model_file("yunet", folder / entry.file)
    return require_model_file("yunet", path / entry.file)


def _from_file(file: Path, threads: int | None) -> Detector:
    """The detector in an ONNX file, by the form of its outputs."""
    from lianpu.faces.onnx_networks import BLAZEFACE, SCRFD, YUNET, network_kind
    from lianpu.models.sessions import open_session

    kind = network_kind(open_session(file, 1, advice="Check the path, or get the model: lianpu models fetch yunet"))
    if kind == YUNET:
        return YuNetDetector(file)
    if kind == SCRFD:
        from lianpu.faces.insightface_models import ScrfdDetector

        if is_commercial_safe():
            raise WeightsError(
                f"{file} is an SCRFD file: {model_file('scrfd-10g').licence}. Take the detector 'blazeface' or 'yunet' instead."
            )
        return ScrfdDetector(file, threads)
    if kind == BLAZEFACE:
        from lianpu.faces.blazeface import BlazeFace, FullRangeDetector, ShortRangeDetector

        return ShortRangeDetector(file, threads) if BlazeFace(file, 1).is_short_range else FullRangeDetector(file, threads)
    raise ModelError(f"{file} is {kind}; expected {SCRFD}, {YUNET} or {BLAZEFACE}. Give that file instead.")


_SAME_FACE_IOU = 0.3

_KEPT_BEFORE_MERGING = 5000

_OPEN_SIDE_PX = 640


class YuNetDetector:
    """Boxes, 5 points and scores from a YuNet network: OpenCV zoo's face_detection_yunet_2023mar.onnx, or one of its form.

    Wu et al. 2023, YuNet: A Tiny Millisecond-level Face Detector. A picture of any size and shape is scaled down so that its
    longer side is that which the file was written for (320 or 640); OpenCV's own engine runs such a file at other sizes too.

    Args:
        file: the ONNX file.
        min_score: leave out what is less sure, 0 to 1.
        name: recorded in its faces; the file's stem when None.

    Raises:
        ModelError: the file is missing, broken, or another kind of network.
    """

    multiscale = False
    second_search_score = 0.85  # hands and clothes in turned pictures are below; of upright faces 98 % above

    def __init__(self, file: Path | str, *, min_score: float = 0.6, name: str | None = None) -> None:
        self.name = name or Path(file).stem
        height, width = open_network(file, YUNET, 1).get_inputs()[0].shape[2:]
        self._side_px = max(size if isinstance(size, int) else _OPEN_SIDE_PX for size in (height, width))
        side = (self._side_px, self._side_px)
        with quiet_opencv():  # OpenCV 5 complains about a setting that FaceDetectorYN makes by itself
            try:
                self._network = cv2.FaceDetectorYN.create(str(file), "", side, min_score, _SAME_FACE_IOU, _KEPT_BEFORE_MERGING)
            except cv2.error as problem:
                reason = " ".join(str(problem).split())[:200]
                raise ModelError(f"{file} cannot be read by OpenCV {cv2.__version__} ({reason}). Give another file.") from None

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        """The faces of a picture (H, W, 3) uint8 RGB, most confident first."""
        if is_strip(check_picture(picture)):
            return ()
        small = shrink(picture, self._side_px)
        self._network.setInputSize(small.shape[1::-1])
        rows = self._network.detect(small[:, :, ::-1].copy())[1]
        by = scale_between(small, picture)
        faces = [_face(row, by, self.name) for row in (() if rows is None else rows) if row[2] > 0 and row[3] > 0]
        return tuple(sorted(faces, key=lambda face: -face.score))


def _face(row: np.ndarray, by: Scale, name: str) -> Face:
    """A face from OpenCV's 15 numbers: left, top, width, height, five points (in our order), score; scaled."""
    left, top, width, height = (float(value) for value in row[:4])
    box = scale_box((left, top, left + width, top + height), by)
    points = scale_points(row[4:14].reshape(5, 2), by).astype(np.float32)
    return Face(box, float(np.clip(row[14], 0.0, 1.0)), points, name)


def video_detector() -> str:
    """The detector for every frame: the best that can be had, but not buffalo_l, whose SCRFD-10G takes as long as all the rest of a frame."""
    best = best_detector()
    if best != "buffalo_l":
        return best
    return "yunet" if find_model_file("yunet") is not None else _blazeface_or_dlib()
