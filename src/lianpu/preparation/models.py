"""The models that analyze photos, loaded once per process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lianpu.extras import missing_modules
from lianpu.face_parsing.runtime import FaceParser
from lianpu.faces.analyzer import AnalyzerSettings, Part, open_mesh, open_models
from lianpu.faces.detection import Detector
from lianpu.faces.face_check import FaceCheck, find_people
from lianpu.faces.mesh import MeshReader
from lianpu.faces.parts import NO_PARSER
from lianpu.faces.results import Face, Identity, SexAge
from lianpu.imaging.picture import Picture
from lianpu.models.store.locate import is_usable, require_model_file
from lianpu.models.table import MODEL_FILES, model_file
from lianpu.preparation.settings import PrepareSettings


class Encoder(Protocol):
    """Gives a vector of who a face is."""

    name: str

    def of(self, picture: Picture, faces: Sequence[Face]) -> tuple[Identity, ...]:
        """One identity per face."""
        ...


class SexAgeReader(Protocol):
    """Estimates apparent sex and age."""

    name: str

    def of(self, picture: Picture, faces: Sequence[Face]) -> tuple[SexAge, ...]:
        """One result per face."""
        ...


@dataclass(frozen=True)
class AnalysisModels:
    """The models that analyze photos; None where a model is missing or not wanted: then fewer labels can be made.

    Args:
        detector: finds faces.
        parser: labels the parts of a face.
        encoder: gives identity vectors.
        sex_age: estimates sex and age.
        mesh: gives the five points by which faces are aligned; the detector's own are two to four times as far off.
    """

    detector: Detector
    parser: FaceParser | None
    encoder: Encoder | None
    sex_age: SexAgeReader | None
    mesh: MeshReader | None = None

    def find(
        self, photo: Picture, *, upright: bool = False, min_score: float | None = None, from_px: float = 0.0
    ) -> tuple[tuple[Face, ...], tuple[Face, ...]]:
        """The faces of people in a photo (H, W, 3), largest first, with the points of their meshes, and what is no face of a person.

        Arguments: as `face_check.find_people` takes them.
        """
        check = None if self.mesh is None else FaceCheck(self.mesh, self.parser)
        found = find_people(photo, self.detector, check, upright=upright, min_score=min_score, from_px=from_px)
        return tuple(one.with_mesh_points for one in found.people), tuple(one.face for one in found.others)

    def described(self) -> dict[str, Any]:
        """Names and licences of the models, for the record."""
        named = {"detector": self.detector, "parser": self.parser, "encoder": self.encoder, "sex_age": self.sex_age}
        points = (
            {} if self.mesh is None else {"points": {"name": self.mesh.file.stem, "licence": model_file("face-mesh").licence}}
        )
        return points | {
            part: None if model is None else {"name": model.name, "licence": _licence(model)} for part, model in named.items()
        }


_TABLE_NAMES = {
    "buffalo_l": "scrfd-10g",
    "yunet": "yunet",
    "blazeface": "blazeface-full",
    "dlib": "dlib-landmarks-68",
    "genderage": "gender-age",
}


def open_analysis_models(settings: PrepareSettings, threads: int | None = None) -> AnalysisModels:
    """The detector and parser that the settings name, and of the other models those that are on this machine.

    dlib's encoder gives identities; sex and age follow from them too, unless genderage of buffalo_l is here.

    Raises:
        SettingsError: a detector or parser of an unknown name.
        WeightsError: a model that was named is not here, damaged, or not allowed under --commercial-safe.
        ModelError: a file is broken.
    """
    asked = AnalyzerSettings(settings.detector, settings.landmarks, settings.parser, settings.upright)
    wanted: tuple[Part, ...] = ("detector",) if settings.parser == NO_PARSER else ("detector", "parser")
    detector, *parser = open_models(asked, *wanted, threads=threads)
    return AnalysisModels(
        detector,
        parser[0] if parser else None,
        _encoder(),
        _sex_age(threads),
        open_mesh(settings.landmarks, threads=threads),
    )


def _encoder() -> Encoder | None:
    if not all(is_usable(name) for name in ("dlib-face-encoder", "dlib-landmarks-5")):
        return None
    from lianpu.faces.dlib_models import DlibEncoder

    return DlibEncoder()


def _sex_age(threads: int | None) -> SexAgeReader | None:
    if not is_usable("gender-age") or missing_modules("insightface"):
        return None
    from lianpu.faces.insightface_models import SexAgeEstimator

    return SexAgeEstimator(require_model_file("gender-age"), threads)


def _licence(model: Any) -> str:
    """The licence that a model states, or else that of its name or file in the table of models."""
    if own := getattr(model, "licence", None):
        return str(own)
    name = _TABLE_NAMES.get(model.name, model.name)
    known = next((entry for entry in MODEL_FILES if name in (entry.name, Path(entry.file).stem)), None)
    return known.licence if known else "not known"
