"""Detectors by name: what a command line or a setting says, turned into the object that finds faces."""

from __future__ import annotations

from pathlib import Path

from lianpu.errors import ModelError, SettingsError, WeightsError, nearest_name
from lianpu.model_store.locate import find_model_file, folders_inside, require_model_file
from lianpu.model_store.policy import is_commercial_safe
from lianpu.perception.detection import Detector
from lianpu.weights import model_file

DETECTORS: dict[str, str] = {
    "auto": "the best that is here: buffalo_l, else yunet, else dlib",
    "buffalo_l": "SCRFD-10G of InsightFace's buffalo_l pack",
    "scrfd": "another SCRFD file of InsightFace",
    "yunet": "YuNet by OpenCV (may be used commercially)",
    "dlib": "dlib's HOG detector (always here)",
}
"""The names that `load_detector` knows, with a line on each."""


def load_detector(name: str = "auto", *, models: Path | str | None = None, threads: int | None = None) -> Detector:
    """The detector of a name of `DETECTORS`, or of an ONNX file of SCRFD's or YuNet's form (told apart by its outputs).

    Args:
        name: a name, or a path that ends with .onnx.
        models: the model's file, or the folder (buffalo_l: also the zip) that holds it; None looks where models lie. `scrfd`
            needs it.
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
        return load_detector(best_detector() if path is None else "buffalo_l", models=path, threads=threads)
    if name == "buffalo_l":
        from lianpu.perception.buffalo import open_buffalo

        return open_buffalo(path, ("detection",), threads).detector
    if name == "scrfd":
        if path is None:
            raise SettingsError("The detector 'scrfd' needs its file: give the path of the .onnx file as the detector.")
        return _from_file(path, threads)
    if name == "yunet":
        from lianpu.perception.yunet import YuNetDetector

        return YuNetDetector(_yunet_file(path), name="yunet")
    if name == "dlib":
        from lianpu.perception.dlib_models import DlibDetector

        return DlibDetector()
    raise SettingsError(
        f"'{name}' is no detector{nearest_name(name, DETECTORS)}. Known: {', '.join(DETECTORS)}, or the path of an .onnx file."
    )


def best_detector() -> str:
    """The name of the best detector whose model is on this machine; `yunet` where only commercial use is allowed."""
    if is_commercial_safe():
        return "yunet"  # the five points of dlib's detector come from a predictor that excludes commercial use
    if find_model_file("scrfd-10g") is not None:
        return "buffalo_l"
    return "yunet" if find_model_file("yunet") is not None else "dlib"


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
    from lianpu.perception.networks import SCRFD, YUNET, network_kind
    from lianpu.sessions import open_session

    kind = network_kind(open_session(file, 1, mend="Check the path, or get the model: lianpu models fetch yunet"))
    if kind == YUNET:
        from lianpu.perception.yunet import YuNetDetector

        return YuNetDetector(file)
    if kind == SCRFD:
        from lianpu.perception.insightface_models import ScrfdDetector

        if is_commercial_safe():
            raise WeightsError(f"{file} is an SCRFD file: {model_file('scrfd-10g').licence}. Take the detector 'yunet' instead.")
        return ScrfdDetector(file, threads)
    raise ModelError(f"{file} is {kind}; expected {SCRFD} or {YUNET}. Give that file instead.")
