"""Lianpu (脸谱): from faces to deployed face-effect models.

Names are loaded when they are first used, so that `import lianpu` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lianpu.version import __version__ as __version__

if TYPE_CHECKING:
    from lianpu.api import evaluate as evaluate
    from lianpu.attributes import AttributeSet as AttributeSet
    from lianpu.dataset.drawn import draw_dataset as draw_dataset
    from lianpu.dataset.drawn import draw_face as draw_face
    from lianpu.dataset.sources import open_dataset as open_dataset
    from lianpu.editing.attributes import edit_photo as edit_photo
    from lianpu.editors.loading import load_editor as load_editor
    from lianpu.errors import LianpuError as LianpuError
    from lianpu.export.comparison import compare as compare
    from lianpu.export.onnx_export import export_onnx as export_onnx
    from lianpu.export.quantization import quantize as quantize
    from lianpu.faces.detection import find_faces as find_faces
    from lianpu.faces.detectors import load_detector as load_detector
    from lianpu.guidance.making import make_guides as make_guides
    from lianpu.imaging.picture import to_batch as to_batch
    from lianpu.imaging.picture import to_pictures as to_pictures
    from lianpu.photo.reading import read_image as read_image
    from lianpu.photo.writing import write_image as write_image
    from lianpu.preparation.prepare import prepare_faces as prepare_faces
    from lianpu.preparation.settings import PrepareSettings as PrepareSettings
    from lianpu.report.page import write_report as write_report
    from lianpu.runs import open_run as open_run
    from lianpu.training.config import load_config as load_config
    from lianpu.training.loop import Callbacks as Callbacks
    from lianpu.training.loop import train as train

_HOMES = {
    "AttributeSet": "lianpu.attributes",
    "Callbacks": "lianpu.training.loop",
    "LianpuError": "lianpu.errors",
    "PrepareSettings": "lianpu.preparation.settings",
    "compare": "lianpu.export.comparison",
    "draw_dataset": "lianpu.dataset.drawn",
    "draw_face": "lianpu.dataset.drawn",
    "edit_photo": "lianpu.editing.attributes",
    "evaluate": "lianpu.api",
    "export_onnx": "lianpu.export.onnx_export",
    "find_faces": "lianpu.faces.detection",
    "load_config": "lianpu.training.config",
    "load_detector": "lianpu.faces.detectors",
    "load_editor": "lianpu.editors.loading",
    "make_guides": "lianpu.guidance.making",
    "open_dataset": "lianpu.dataset.sources",
    "open_run": "lianpu.runs",
    "prepare_faces": "lianpu.preparation.prepare",
    "quantize": "lianpu.export.quantization",
    "read_image": "lianpu.photo.reading",
    "to_batch": "lianpu.imaging.picture",
    "to_pictures": "lianpu.imaging.picture",
    "train": "lianpu.training.loop",
    "write_image": "lianpu.photo.writing",
    "write_report": "lianpu.report.page",
}
"""The file that each public name lives in."""

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lianpu' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
