"""What an editor is, whatever file it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from lianpu.attributes import AttributeSet, Labels
from lianpu.errors import ModelError, shown
from lianpu.stargan.layers import FIELD_NAMES

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ModelInfo:
    """What a model file says of itself, so that no second file is needed to use it.

    Args:
        attributes: names, order and exclusive groups of the label vector.
        image_size: side of the square faces in pixels; batches are float32 RGB in [-1, 1].
        alignment: how the training faces were cut out (`celeba-center-crop-178`, `none`).
        run_id: the run that trained it.
        step: training steps behind it.
        licence: what the data allows the model to be used for.
        label_input: what the model is given: `target` (the wanted labels) or `difference` (the changes).
        outputs: what the model gives, by name: `edited`, and the fields of `stargan/fields.py` where it has some.
    """

    attributes: AttributeSet
    image_size: int
    alignment: str = "none"
    run_id: str = ""
    step: int = 0
    licence: str = "unknown: follows the training data"
    label_input: str = "target"
    outputs: tuple[str, ...] = ("edited",)

    def __post_init__(self) -> None:
        if self.label_input not in ("target", "difference"):
            raise ValueError(f"label_input is target or difference, got '{self.label_input}'")
        if self.outputs not in (("edited",), ("edited", *FIELD_NAMES)):
            raise ValueError(f"outputs are edited, or edited, {', '.join(FIELD_NAMES)}; got {', '.join(self.outputs)}")

    @property
    def has_fields(self) -> bool:
        """Whether the model gives fields, which can be applied to a photo at any size."""
        return len(self.outputs) > 1

    def __repr__(self) -> str:
        step = f", run {self.run_id}, step {self.step:,}" if self.run_id else ""
        return f"<ModelInfo: {self.image_size} px, {', '.join(self.attributes.names)}{step}>"

    def request(self, labels: Labels, targets: Labels) -> Labels:
        """The labels (B, A) that the model is given for faces with `labels` (B, A) to become `targets` (B, A)."""
        return targets if self.label_input == "target" else self.attributes.differences(labels, targets)

    def to_json(self) -> dict[str, Any]:
        """A plain dict that `from_json` turns back; what checkpoints and ONNX metadata carry."""
        return {
            "attributes": self.attributes.to_json(),
            "image_size": self.image_size,
            "value_range": [-1.0, 1.0],
            "channel_order": "RGB",
            "alignment": self.alignment,
            "run_id": self.run_id,
            "step": self.step,
            "licence": self.licence,
            "label_input": self.label_input,
            "outputs": list(self.outputs),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], source: str) -> ModelInfo:
        """What `to_json` wrote. Raises ModelError, naming `source`, when something is missing."""
        try:
            return cls(
                attributes=AttributeSet.from_json(value["attributes"]),
                image_size=int(value["image_size"]),
                alignment=str(value["alignment"]),
                run_id=str(value["run_id"]),
                step=int(value["step"]),
                licence=str(value["licence"]),
                label_input=str(value.get("label_input", "target")),  # files of version 0.1 do not say it
                outputs=tuple(map(str, value.get("outputs", ("edited",)))),  # nor do files from before there were fields
            )
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as problem:
            raise ModelError(
                f"{source} does not describe its labels and size ({shown(problem)}). Export it again with lianpu export."
            ) from None


def short_name(kind: str, source: object, info: ModelInfo) -> str:
    """What `repr` says of an editor."""
    return f"<{kind}{f' {source}' if source else ''}, {info.image_size} px: {', '.join(info.attributes.names)}>"


class Editor(Protocol):
    """Anything that edits faces: a checkpoint, an ONNX model, an INT8 model."""

    @property
    def info(self) -> ModelInfo:
        """Labels, size and origin of the model."""
        ...

    @property
    def kind(self) -> str:
        """`PyTorch FP32`, `ONNX FP32`, `ONNX float16` or `ONNX INT8`: as tables print it."""
        ...

    def edit(self, batch: torch.Tensor, labels: Labels) -> torch.Tensor:
        """Faces (B, 3, S, S) in [-1, 1] edited as asked: a CPU batch of the same form.

        Args:
            labels: (B, A), what `ModelInfo.request` gives: target labels in {0, 1}, or differences in {-1, 0, 1}.

        Raises:
            ValueError: batch or labels of another size than the model's.
        """
        ...


@runtime_checkable
class ArrayEditor(Protocol):
    """An editor that needs no torch."""

    def edit_array(self, batch: np.ndarray, labels: Labels) -> np.ndarray:
        """As `Editor.edit`, for float32 arrays."""
        ...


@runtime_checkable
class FieldEditor(Protocol):
    """An editor whose model may give fields (`ModelInfo.has_fields`)."""

    @property
    def info(self) -> ModelInfo:
        """Labels, size and origin of the model."""
        ...

    def fields_array(self, batch: np.ndarray, labels: Labels) -> dict[str, np.ndarray]:
        """All outputs by name, float32: `edited` as from `Editor.edit`, and the fields as `stargan.fields.Fields` describes them.

        Raises:
            ModelError: the model gives no fields.
        """
        ...


def check_edit_inputs(info: ModelInfo, batch: torch.Tensor | np.ndarray, labels: Labels) -> None:
    """A ValueError unless batch is (B, 3, S, S) and labels (B, A) for this model."""
    size_px = info.image_size
    if batch.ndim != 4 or tuple(batch.shape[1:]) != (3, size_px, size_px):
        raise ValueError(f"this model edits batches (B, 3, {size_px}, {size_px}), got {tuple(batch.shape)}")
    expected = (batch.shape[0], len(info.attributes))
    if tuple(labels.shape) != expected:
        raise ValueError(f"this model takes labels {expected} for {', '.join(info.attributes.names)}, got {tuple(labels.shape)}")
