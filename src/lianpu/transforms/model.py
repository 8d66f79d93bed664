"""`TransformModel`: learned directions of sex and age in one file that describes itself.

The file is an .npz of plain arrays and one JSON text (`about`): version, data, licence, counts, figures. Maps are symmetric, so it holds
their left halves, as 8-bit numbers with a scale each.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from lianpu.errors import ModelError, WeightsError
from lianpu.faces.results import SexAge
from lianpu.files import atomic_file
from lianpu.imaging.compositing import Field
from lianpu.models.store.locate import COMMERCIAL_SAFE_NOTE, is_commercial_safe, is_usable, require_model_file
from lianpu.transforms.reading import BANDS, Reading, Template
from lianpu.transforms.surface import MAP_PX, SURFACE, Coordinates, control_points
from lianpu.transforms.zones import Zones, zones_of

VERSION = 1

FORMAT = "lianpu face transform"

BUNDLED = "face-transform-age-sex"
"""The bundled model's name in the table of models."""

LARGEST_BYTES = 1_000_000

MIDDLE_AGE, AGE_SPAN = 38.0, 25.0
"""Ages enter as (years - 38) / 25, sex as -0.5 (female) and 0.5 (male)."""

TERMS = ("mean", "male", "age", "male_age")
"""Terms of every regression that the model keeps; `male_age` is their product."""

SHAVED_PX = 48

READ_PX = 24


@dataclass(frozen=True, eq=False)
class TransformModel:
    """Directions of sex and age: see `fit.fit_transform`. M is `MAP_PX`, K the 468 points of the mesh's surface.

    Args:
        about: what the file says of itself: data, licence, counts, figures.
        canonical: (K, 3) the canonical mesh.
        normals: (K, 3).
        mirror: (K,) the index of each point's mirror image.
        shape: terms (K, 3), `male`, `age`, `male_age`, in units of the frame.
        low: terms (M, M, 3): log light and relative chroma of skin.
        energy: terms (M, M, 4): log energy of detail by band.
        skin: (M, M) 0 to 1: how often skin was seen there.
        lips: (4, 3), by term: tone of the lips less the skin's mean.
        shaved_mean: (S, S, 3) mean tone of shaved faces, S = `SHAVED_PX`.
        shaved: (P, S, S, 3) its principal components.
        shaved_spread: (P,) their standard deviations.
        judge: (F + 1, 2) linear readout of sex and age: see `judged`.
    """

    about: Mapping[str, Any]
    canonical: Coordinates
    normals: Coordinates
    mirror: np.ndarray
    shape: Mapping[str, Coordinates]
    low: Mapping[str, Field]
    energy: Mapping[str, Field]
    skin: Field
    lips: Field
    shaved_mean: Field
    shaved: Field
    shaved_spread: Field
    judge: Field

    @cached_property
    def template(self) -> Template:
        """What reading a face needs of the model."""
        return Template(self.canonical, self.normals, control_points(self.canonical, self.mirror))

    @cached_property
    def zones(self) -> Zones:
        """The places of the canonical face that are treated in a way of their own."""
        return zones_of(self.canonical, self.energy["male"])

    @property
    def licence(self) -> str:
        """What the model may be used for."""
        return str(self.about["licence"])

    @property
    def commercial_use(self) -> bool:
        """Whether its training data allow commercial use."""
        return bool(self.about["commercial_use"])

    def judged(self, reading: Reading) -> SexAge:
        """How male a face looks and how old, by the model's own readout: an impression, no more."""
        value = np.append(features(reading), 1.0) @ self.judge
        male = float(1 / (1 + np.exp(-np.clip(value[0], -30, 30))))
        return SexAge(male, float(np.clip(MIDDLE_AGE + AGE_SPAN * value[1], 5, 95)), BUNDLED)


def features(reading: Reading) -> np.ndarray:
    """What sex and age are read from, (F,): the mesh's residual, tone and energy of detail in a coarse canonical map."""
    import cv2

    weight = cv2.resize(reading.known, (READ_PX, READ_PX), interpolation=cv2.INTER_AREA)
    tone = cv2.resize(reading.low * reading.known[..., None], (READ_PX, READ_PX), interpolation=cv2.INTER_AREA)
    detail = cv2.resize(reading.energy[..., 1:] * reading.known[..., None], (READ_PX, READ_PX), interpolation=cv2.INTER_AREA)
    total = float(weight.sum()) + 1e-6
    tone = tone - weight[..., None] * (tone.sum(axis=(0, 1)) / total)
    detail = detail - weight[..., None] * (detail.sum(axis=(0, 1)) / total)
    yaw, pitch = reading.place.angles
    return np.concatenate(
        [reading.residual.ravel() / 6, (tone * (6, 20, 20)).ravel(), 0.6 * detail.ravel(), [3 * yaw, 3 * pitch]]
    ).astype(np.float32)


_NOT_COMMERCIAL = re.compile(
    r"non\W*commercial|\bnc\b|research|academic|education|\b(no|not|without|excludes?|prohibits?) (\w+ ){0,2}commercial"
    r"|commercial use (is )?(not|excluded|forbidden|prohibited)|personal use|\bunknown\b|\bunclear\b|\bfollows?\b"
    r"|非商|研究|学术|教育|未知"
)
"""Words of terms that forbid commercial use, keep to research or teaching, or leave open what is allowed ("follows the training data")."""


def is_non_commercial(licence: str) -> bool:
    """Whether the words of a licence forbid commercial use or do not say what they allow; in doubt they do."""
    return not licence.strip() or _NOT_COMMERCIAL.search(licence.lower()) is not None


def terms_of(licences: Sequence[str], parsers: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """What a model says of its use: `licence` and `commercial_use`, which all licences and all parsers must allow.

    Args:
        licences: of the data.
        parsers: `name` and `licence` of each model that found parts of faces.
    """
    stated = list(dict.fromkeys([*licences, *(f"{one['licence']} (parts by {one['name']})" for one in parsers)]))
    free = not any(is_non_commercial(licence) for licence in (*licences, *(one["licence"] for one in parsers)))
    return {"licence": "; ".join(stated), "commercial_use": free}


def with_licence(model: TransformModel, licence: str) -> TransformModel:
    """The model with other terms of its data; those of the parsers that found parts of its faces still hold."""
    return replace(model, about={**model.about, **terms_of([licence], model.about.get("parsers", ()))})


def is_transform_usable() -> bool:
    """Whether the bundled model is here and may be used: not under --commercial-safe."""
    return is_usable(BUNDLED)


def load_transform(file: Path | str | None = None) -> TransformModel:
    """The model in a file; the bundled one for None.

    Raises:
        WeightsError: the bundled file is missing or damaged, or may not be used under --commercial-safe.
        ModelError: the file is missing, damaged, of another version, or holds something else.
    """
    if file is None:
        return _loaded(require_model_file(BUNDLED))
    path = Path(file).expanduser()
    model = _read(path)
    if is_commercial_safe() and not model.commercial_use:
        raise WeightsError(
            f"{path.name} may not be used commercially: {model.licence}. Fit one to faces that you may use: "
            f"lianpu transform fit DATA OUT. {COMMERCIAL_SAFE_NOTE}"
        )
    return model


@lru_cache(maxsize=2)
def _loaded(path: Path) -> TransformModel:
    return _read(path)


def save_transform(model: TransformModel, file: Path) -> Path:
    """Write the model, at most `LARGEST_BYTES`. Raises ModelError where the file cannot be written."""
    arrays: dict[str, np.ndarray] = {
        "about": np.frombuffer(json.dumps(dict(model.about), ensure_ascii=False, sort_keys=True).encode(), dtype=np.uint8),
        "canonical": model.canonical.astype(np.float32),
        "normals": model.normals.astype(np.float16),
        "mirror": model.mirror.astype(np.int16),
        "skin": np.rint(255 * _half(model.skin)).astype(np.uint8),
        "lips": model.lips.astype(np.float32),
        "shaved_mean": model.shaved_mean.astype(np.float16),
        "shaved_spread": model.shaved_spread.astype(np.float32),
        "judge": model.judge.astype(np.float16),
    }
    arrays |= {f"shape.{term}": change.astype(np.float16) for term, change in model.shape.items()}
    for name, maps in (("low", model.low), ("energy", model.energy)):
        for term, values in maps.items():
            arrays |= _packed(f"{name}.{term}", _half(values))
    arrays |= _packed("shaved", model.shaved)
    store = io.BytesIO()
    np.savez_compressed(store, allow_pickle=False, **arrays)
    assert store.tell() <= LARGEST_BYTES, f"the model has {store.tell():,} bytes"
    with atomic_file(file) as partial:
        partial.write_bytes(store.getvalue())
    return file


def _read(path: Path) -> TransformModel:
    advice = "Make one with: lianpu transform fit DATA OUT"
    try:
        size = path.stat().st_size
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            if "about" not in file.files or size > 20 * LARGEST_BYTES:
                raise ValueError("it does not say what it is")
            about = json.loads(bytes(file["about"]).decode())
            if not isinstance(about, dict) or about.get("format") != FORMAT:
                raise ValueError("it is something else")
            if about.get("version") != VERSION:
                raise ModelError(
                    f"{path} is a transform of version {about.get('version')}, this Lianpu reads {VERSION}. {advice}"
                )
            return _model_of(about, {name: file[name] for name in file.files})
    except OSError as problem:
        raise ModelError(f"{path} cannot be read ({problem.strerror or problem}). {advice}") from None
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, UnicodeDecodeError) as problem:
        raise ModelError(f"{path} is no transform of faces ({str(problem)[:120]}). {advice}") from None


def _model_of(about: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> TransformModel:
    for word in ("licence", "commercial_use", "trained_on"):
        if word not in about:
            raise ValueError(f"its description lacks {word}")
    half = (MAP_PX, MAP_PX // 2)
    model = TransformModel(
        about,
        _checked(arrays["canonical"], (SURFACE, 3)).astype(np.float64),
        _checked(arrays["normals"], (SURFACE, 3)).astype(np.float64),
        arrays["mirror"].astype(np.int64),
        {term: _checked(arrays[f"shape.{term}"], (SURFACE, 3)).astype(np.float64) for term in TERMS[1:]},
        {term: _whole(_checked(_unpacked(arrays, f"low.{term}"), (*half, 3))) for term in TERMS},
        {term: _whole(_checked(_unpacked(arrays, f"energy.{term}"), (*half, len(BANDS)))) for term in TERMS},
        _whole(_checked(arrays["skin"], half).astype(np.float32) / np.float32(255)),
        _checked(arrays["lips"], (len(TERMS), 3)).astype(np.float32),
        _checked(arrays["shaved_mean"], (SHAVED_PX, SHAVED_PX, 3)).astype(np.float32),
        _unpacked(arrays, "shaved"),
        arrays["shaved_spread"].astype(np.float32),
        arrays["judge"].astype(np.float32),
    )
    if sorted(model.mirror.tolist()) != list(range(SURFACE)):
        raise ValueError("its mirror images are no pairs")
    _checked(model.shaved, (len(model.shaved_spread), SHAVED_PX, SHAVED_PX, 3))
    _checked(model.judge, (SURFACE * 3 + READ_PX * READ_PX * 6 + 2 + 1, 2))
    return model


def _checked(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if values.shape != shape or values.dtype.kind not in "fiu" or not np.isfinite(values).all():
        raise ValueError(f"expected {shape} finite numbers, got {values.dtype} {values.shape}")
    return values


def _half(values: np.ndarray) -> np.ndarray:
    return (values[:, : MAP_PX // 2] + values[:, ::-1][:, : MAP_PX // 2]) / 2


def _whole(values: np.ndarray) -> Field:
    return np.asarray(np.concatenate([values, values[:, ::-1]], axis=1), dtype=np.float32)


def _packed(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """8-bit numbers and a scale for each channel."""
    largest = np.abs(values).max(axis=tuple(range(values.ndim - 1))) + 1e-12
    return {name: np.rint(values / largest * 127).astype(np.int8), f"{name}.scale": (largest / 127).astype(np.float32)}


def _unpacked(arrays: Mapping[str, np.ndarray], name: str) -> Field:
    values, scale = arrays[name], arrays[f"{name}.scale"]
    if values.dtype != np.int8 or scale.shape != values.shape[-1:]:
        raise ValueError(f"{name} is not in 8-bit numbers")
    return np.asarray(values.astype(np.float32) * scale, dtype=np.float32)
