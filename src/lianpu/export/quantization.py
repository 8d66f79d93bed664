"""The INT8 model: static quantization with faces of the training split. The only door to onnxruntime.quantization."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantType, create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from lianpu.dataset.faces import Faces
from lianpu.devices import has_int8_dot_product
from lianpu.editors.editor import ModelInfo
from lianpu.editors.onnx_editor import ONNX_FP32, ONNX_INT8, read_metadata
from lianpu.errors import ModelError
from lianpu.export.channel_ranges import Feed, equalize_channels
from lianpu.export.graph import describe, file_bytes, opset_of
from lianpu.files import atomic_file, write_json
from lianpu.models.sessions import metadata_of, open_session, runtime_version
from lianpu.runs import Run

OnProgress = Callable[[int, int], None]
Method = Literal["minmax", "moving_average", "percentile", "entropy"]

CALIBRATORS: dict[str, tuple[CalibrationMethod, dict[str, Any]]] = {
    "minmax": (CalibrationMethod.MinMax, {}),
    "moving_average": (CalibrationMethod.MinMax, {"moving_average": True, "averaging_constant": 0.01}),
    "percentile": (CalibrationMethod.Percentile, {"percentile": 99.99, "symmetric": False}),
    "entropy": (CalibrationMethod.Entropy, {"symmetric": False}),
}
"""How the range of a tensor follows from its values, as ONNX Runtime names and sets it."""

_QUANTIZED = ["Conv"]
"""All the arithmetic is there; ONNX Runtime runs InstanceNorm in float whatever the file says."""
_FLOAT_KINDS = ("ConvTranspose", "InstanceNormalization", "DepthToSpace", "Add", "Relu", "Tanh")
_FACES_AT_ONCE = 4


@dataclass(frozen=True)
class QuantizationSettings:
    """How the INT8 model is made. The defaults are what measured best; docs/results.md has the figures."""

    method: Method = "minmax"
    """How ranges follow from the calibration faces."""
    per_channel: bool = True
    """One weight scale per output channel."""
    reduce_range: bool | None = None
    """Weights of 7 bits, for CPUs that saturate; None decides by this CPU."""
    equalize: bool = True
    """Give the channels in front of each InstanceNorm the same range first (export/channel_ranges.py)."""
    seed: int = 0
    """Chooses the target labels that the calibration faces are edited to."""
    keep_float: tuple[str, ...] = ()
    """Names of convolutions that stay in float; those that make fields always do."""
    signed_activations: bool = False
    """Activations as signed instead of unsigned bytes."""


@dataclass(frozen=True)
class Calibrated:
    """A float model whose ranges are known: INT8 models of several settings are made of it in a second each.

    Args:
        source: the float model's file; `info`: what it says of itself.
        model: with equalized channels where these were asked for; `ranges`: as ONNX Runtime's calibrator gives them.
        faces, split: how many faces chose the ranges, and of which split.
    """

    source: Path
    info: ModelInfo
    model: onnx.ModelProto
    ranges: Any
    faces: int
    split: str

    def convolutions(self) -> tuple[str, ...]:
        """Names of the convolutions that may become INT8, first to last."""
        always = _kept_in_float(self.model)
        return tuple(node.name for node in self.model.graph.node if node.op_type == "Conv" and node.name not in always)


@dataclass(frozen=True)
class Quantization:
    """An INT8 model and how it was made.

    Args:
        file: the model.
        settings: the requested settings.
        reduce_range, why: whether weights have 7 bits, and the reason.
        calibration_faces, calibration_split: which faces chose the ranges.
        bytes, bytes_fp32: sizes of the two files.
        quantized, kept_float: operators with and without INT8 arithmetic.
    """

    file: Path
    settings: QuantizationSettings
    reduce_range: bool
    why: str
    calibration_faces: int
    calibration_split: str
    bytes: int
    bytes_fp32: int
    quantized: int
    kept_float: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Plain values, as quantization.json and the model's own metadata hold them."""
        return {
            "file": self.file.name,
            "method": self.settings.method,
            "per_channel": self.settings.per_channel,
            "equalized_channels": self.settings.equalize,
            "reduce_range": self.reduce_range,
            "why": self.why,
            "why_kind": next(kind for kind, words in _WHY.items() if words == self.why),
            "calibration_faces": self.calibration_faces,
            "calibration_split": self.calibration_split,
            "seed": self.settings.seed,
            "bytes": self.bytes,
            "bytes_fp32": self.bytes_fp32,
            "convolutions_in_int8": self.quantized,
            "kept_in_float": self.kept_float,
            "kept_float_by_name": list(self.settings.keep_float),
            "signed_activations": self.settings.signed_activations,
            "onnxruntime": runtime_version(),
        }


def quantize_onnx(
    source: Path, target: Path, faces: Faces, settings: QuantizationSettings | None = None, on_progress: OnProgress | None = None
) -> Quantization:
    """The INT8 model of the float model `source`, written to `target`.

    Convolutions become INT8 (QDQ form: unsigned activations, signed weights); the rest stays float. Every face is shown once,
    with the labels of another face as its target, as in training, for both inputs decide the ranges.

    Args:
        source: a file that `export_onnx` wrote.
        target: where the INT8 model goes.
        faces: N faces of the training split, of the model's size and labels.
        on_progress: called with (faces shown, faces in all); each face is shown twice when channels are equalized.

    Raises:
        ModelError: the source is not a float model of ours, or does not fit the faces; or there are no faces.
    """
    settings = settings or QuantizationSettings()
    return write_int8(calibrate_onnx(source, faces, settings, on_progress), target, settings)


def calibrate_onnx(
    source: Path, faces: Faces, settings: QuantizationSettings, on_progress: OnProgress | None = None
) -> Calibrated:
    """The ranges of a float model by `method`, `equalize` and `seed` of the settings. Arguments and errors as of `quantize_onnx`."""
    info = _read_info(source)
    _check_faces(source, info, faces)
    passes = 1 + settings.equalize
    shown = 0

    def feeds() -> Iterator[Feed]:
        nonlocal shown
        requests = info.request(faces.labels, faces.labels[np.random.default_rng(settings.seed).permutation(len(faces))])
        for start in range(0, len(faces), _FACES_AT_ONCE):
            rows = np.arange(start, min(start + _FACES_AT_ONCE, len(faces)))
            batch, _ = faces.batch(rows)
            yield {"image": batch.numpy(), "labels": requests[rows]}
            shown += len(rows)
            if on_progress is not None:
                on_progress(shown, passes * len(faces))

    model = onnx.load_model(str(source))
    if settings.equalize:
        model = equalize_channels(model, feeds())
    with tempfile.TemporaryDirectory() as folder:
        ranges = _calibrate(model, feeds(), settings, Path(folder) / "model.onnx")
    return Calibrated(source, info, model, ranges, len(faces), faces.split)


def write_int8(calibrated: Calibrated, target: Path, settings: QuantizationSettings) -> Quantization:
    """The INT8 model of a calibrated one, written to `target`; the settings that chose its ranges must be those it was calibrated with."""
    reduce_range, why = _choose_range(settings)
    with atomic_file(target) as partial:
        quantized = _insert_integers(calibrated.model, calibrated.ranges, settings, reduce_range)
        made = {"method": settings.method, "reduce_range": reduce_range, "calibration_faces": calibrated.faces}
        describe(quantized, calibrated.info, ONNX_INT8, {"opset": opset_of(quantized), "quantization": made})
        onnx.save_model(quantized, str(partial))
        open_session(partial)
    kinds = Counter(node.op_type for node in quantized.graph.node)
    return Quantization(
        file=target,
        settings=settings,
        reduce_range=reduce_range,
        why=why,
        calibration_faces=calibrated.faces,
        calibration_split=calibrated.split,
        bytes=file_bytes(target),
        bytes_fp32=file_bytes(calibrated.source),
        quantized=kinds["Conv"] - len(settings.keep_float),
        kept_float={kind: kinds[kind] for kind in _FLOAT_KINDS if kind in kinds},
    )


def quantize_run(
    run: Run, faces: Faces, settings: QuantizationSettings | None = None, on_progress: OnProgress | None = None
) -> Quantization:
    """`export/model.int8.onnx` of a run's `model.onnx`, and its `quantization.json`. Raises as `quantize_onnx` does."""
    quantization = quantize_onnx(run.onnx_file, run.int8_file, faces, settings, on_progress)
    write_json(run.quantization_file, quantization.to_json())
    run.benchmark_file.unlink(missing_ok=True)  # it was of another INT8 model
    return quantization


def quantize(onnx_file: Path | str, faces: Faces, settings: QuantizationSettings | None = None) -> Path:
    """The INT8 model of `model.onnx`, next to it as `model.int8.onnx`. See `quantize_onnx`."""
    source = Path(onnx_file)
    run = Run(source.parent.parent)
    if run.onnx_file == source and run.config_file.is_file():
        return quantize_run(run, faces, settings).file
    return quantize_onnx(source, source.with_suffix(".int8.onnx"), faces, settings).file


def _read_info(source: Path) -> ModelInfo:
    metadata = metadata_of(open_session(source), source)
    info, kind = read_metadata(metadata, str(source))
    if kind != ONNX_FP32:
        raise ModelError(f"{source} is {kind} already. Quantize the float model that lianpu export wrote.")
    return info


def _check_faces(source: Path, info: ModelInfo, faces: Faces) -> None:
    if not len(faces):
        raise ModelError(f"{source} cannot be quantized without calibration faces, and there are none. Give a training split.")
    if faces.image_size != info.image_size:
        raise ModelError(
            f"{source} edits {info.image_size} px, but the calibration faces have {faces.image_size} px. Open the data at {info.image_size} px."
        )
    if faces.attributes.names != info.attributes.names:
        raise ModelError(
            f"{source} knows {', '.join(info.attributes.names)}, but the calibration faces are labelled {', '.join(faces.attributes.names)}. "
            "Open the data of the same run."
        )


_WHY = {
    "asked": "as asked",
    "exact": "this CPU adds 8-bit products exactly (VNNI, AMX, or not x86)",
    "saturates": "this CPU has no VNNI or AMX: sums of 8-bit products saturate, so weights keep to 7 bits",
}
"""Why weights have 8 or 7 bits; the report has them in every language, as `quantization.why_KIND`."""


def _choose_range(settings: QuantizationSettings) -> tuple[bool, str]:
    if settings.reduce_range is not None:
        return settings.reduce_range, _WHY["asked"]
    return (False, _WHY["exact"]) if has_int8_dot_product() else (True, _WHY["saturates"])


class _OneFeed(CalibrationDataReader):
    """A reader of one feed: ONNX Runtime keeps all that it reads in one go in memory."""

    def __init__(self, feed: Feed) -> None:
        self._left: list[Feed] = [feed]

    def get_next(self) -> Feed | None:
        return self._left.pop() if self._left else None


def _calibrate(model: onnx.ModelProto, feeds: Iterator[Feed], settings: QuantizationSettings, beside: Path) -> Any:
    """ONNX Runtime's ranges of all tensors around convolutions."""
    method, options = CALIBRATORS[settings.method]
    float_file, augmented = beside.with_suffix(".float.onnx"), beside.with_suffix(".ranges.onnx")
    try:
        with _quiet():
            onnx.save_model(model, str(float_file))
            calibrator = create_calibrator(str(float_file), _QUANTIZED, str(augmented), method, extra_options=options)
            for feed in feeds:
                calibrator.collect_data(_OneFeed(feed))
            return calibrator.compute_data()
    finally:
        float_file.unlink(missing_ok=True)
        augmented.unlink(missing_ok=True)


def _kept_in_float(model: onnx.ModelProto) -> list[str]:
    """Names of the convolutions that make the fields: of a flow's displacements 8 bits leave steps that one sees."""
    return [node.name for node in model.graph.node if node.op_type == "Conv" and node.input[1].startswith("field_head.")]


def _insert_integers(model: onnx.ModelProto, ranges: Any, settings: QuantizationSettings, reduce_range: bool) -> onnx.ModelProto:
    with _quiet():
        quantizer = QDQQuantizer(
            onnx.shape_inference.infer_shapes(model),
            settings.per_channel,
            reduce_range,
            QuantType.QInt8,
            QuantType.QInt8 if settings.signed_activations else QuantType.QUInt8,
            ranges,
            [],
            [*_kept_in_float(model), *settings.keep_float],
            _QUANTIZED,
            {},
        )
        quantizer.quantize_model()
        quantized: onnx.ModelProto = quantizer.model.model
    return quantized


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """ONNX Runtime's quantizer prints, logs and warns of things that are as they should be here."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
