"""The models that look at photos, loaded once per process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from lianpu.faces.detection import Detector
from lianpu.faces.results import Face, Identity, SexAge
from lianpu.imaging.picture import Picture
from lianpu.models.store.locate import find_model_file
from lianpu.models.store.policy import is_commercial_safe
from lianpu.models.table import MODEL_FILES, model_file
from lianpu.preparation.settings import PrepareSettings

NO_PARSER = "none"


class CropParser(Protocol):
    """Parses aligned faces."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    @property
    def licence(self) -> str:
        """What it may be used for."""
        ...

    def parse_crops(self, crops: Sequence[Picture]) -> np.ndarray:
        """Masks (N, S, S) uint8 of crops (S, S, 3) in CelebAMask-HQ's place."""
        ...


class Encoder(Protocol):
    """Tells who a face is."""

    name: str

    def of(self, picture: Picture, faces: Sequence[Face]) -> tuple[Identity, ...]:
        """One identity per face."""
        ...


class SexAgeReader(Protocol):
    """Tells sex and age as they look."""

    name: str

    def of(self, picture: Picture, faces: Sequence[Face]) -> tuple[SexAge, ...]:
        """One result per face."""
        ...


@dataclass(frozen=True)
class AnalysisModels:
    """What looks at photos; None where no model is there or wanted, and then fewer labels can be made.

    Args:
        detector: finds faces.
        parser: tells the parts of a face.
        encoder: tells who a face is.
        sex_age: tells sex and age.
    """

    detector: Detector
    parser: CropParser | None
    encoder: Encoder | None
    sex_age: SexAgeReader | None

    def described(self) -> dict[str, Any]:
        """Which models these are and what they may be used for, for the record."""
        named = {"detector": self.detector, "parser": self.parser, "encoder": self.encoder, "sex_age": self.sex_age}
        return {
            part: None if model is None else {"name": model.name, "licence": _licence(model)} for part, model in named.items()
        }


_TABLE_NAMES = {"buffalo_l": "scrfd-10g", "yunet": "yunet", "dlib": "dlib-landmarks-68", "genderage": "gender-age"}


def open_analysis_models(settings: PrepareSettings, threads: int | None = None) -> AnalysisModels:
    """The models that the settings name, and of those that they do not name whatever is on this machine.

    dlib's encoder serves for identity and for sex and age too, unless genderage of buffalo_l is here.

    Raises:
        SettingsError: a detector or parser of an unknown name.
        WeightsError: a model that was named is not here, damaged, or not allowed under --commercial-safe.
        ModelError: a file is broken.
    """
    from lianpu.faces.detectors import load_detector

    return AnalysisModels(
        detector=load_detector(settings.detector, threads=threads),
        parser=_parser(settings.parser, threads),
        encoder=_encoder(),
        sex_age=_sex_age(threads),
    )


def _parser(name: str, threads: int | None) -> CropParser | None:
    if name == NO_PARSER:
        return None
    from lianpu.faces.parts import load_parser

    return load_parser(name, threads=threads)


def _encoder() -> Encoder | None:
    if not all(_may_use(name) for name in ("dlib-face-encoder", "dlib-landmarks-5")):
        return None
    from lianpu.faces.dlib_models import DlibEncoder

    return DlibEncoder()


def _sex_age(threads: int | None) -> SexAgeReader | None:
    if not _may_use("gender-age"):
        return None
    from lianpu.faces.insightface_models import SexAgeEstimator
    from lianpu.models.store.locate import require_model_file

    return SexAgeEstimator(require_model_file("gender-age"), threads)


def _may_use(name: str) -> bool:
    return find_model_file(name) is not None and (model_file(name).commercial_use or not is_commercial_safe())


def _licence(model: Any) -> str:
    """What a model says of itself, or the table of weights says of its name or file."""
    if own := getattr(model, "licence", None):
        return str(own)
    name = _TABLE_NAMES.get(model.name, model.name)
    known = next((entry for entry in MODEL_FILES if name in (entry.name, Path(entry.file).stem)), None)
    return known.licence if known else "not known"
