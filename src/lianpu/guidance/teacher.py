"""Distillation: a trained editor, of any kind of file, that a small one learns to imitate; and the frozen features that compare them.

The student gets the same faces and targets as the teacher. Its loss is the difference from the teacher's edits, pixel for pixel and in
the features of an ImageNet network (a perceptual loss, Johnson et al. 2016, arXiv:1603.08155), besides its own adversarial and
classification losses. The projected discriminator works on the same kind of features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from lianpu.dataset.faces import Dataset
from lianpu.devices import pick_device
from lianpu.editors.editor import Editor
from lianpu.editors.loading import load_editor
from lianpu.errors import SettingsError
from lianpu.models.efficientnet import load_efficientnet

_PROBE_PX = 64


class FrozenFeatures(nn.Module):
    """EfficientNet-Lite0's features after some of its blocks, differentiable in the faces; its weights are held.

    Args:
        network: from `load_efficientnet`.
        blocks: after which of its seven blocks; their strides are 2, 4, 8, 16, 16, 32 and 32.
    """

    def __init__(self, network: nn.Module, blocks: Sequence[int]) -> None:
        super().__init__()
        self.taps = tuple(blocks)
        self.stem = nn.Sequential(network.conv_stem, network.bn1)  # type: ignore[arg-type]
        self.blocks = nn.ModuleList(list(network.blocks)[: max(blocks) + 1])  # type: ignore[arg-type]
        self.eval().requires_grad_(False)
        with torch.no_grad():
            probe = self(torch.zeros(1, 3, _PROBE_PX, _PROBE_PX))
        self.channels: tuple[int, ...] = tuple(features.shape[1] for features in probe)

    def forward(self, batch: torch.Tensor) -> list[torch.Tensor]:
        """Faces (B, 3, S, S) in [-1, 1] to maps (B, C, h, w), one for each of the blocks."""
        features = self.stem((batch * 127.5 + 0.5) / 128.0)  # (value - 127) / 128, as the network was trained
        kept = []
        for index, block in enumerate(self.blocks):
            features = block(features)
            if index in self.taps:
                kept.append(features)
        return kept


STAGES = (0, 1, 2)
"""Blocks of the network whose features are compared: strides 2, 4 and 8, which see texture and parts rather than objects."""


class EditorTeacher:
    """An editor, and the features by which its edits are compared with a student's."""

    def __init__(self, editor: Editor, device: torch.device, load: Callable[[], nn.Module] = load_efficientnet) -> None:
        """Raises WeightsError when the feature network's weights cannot be had."""
        self.editor = editor
        self.features = FeatureDistance(FrozenFeatures(load(), STAGES)).to(device)

    @property
    def licence(self) -> str:
        """The editor's terms."""
        return self.editor.info.licence

    @torch.no_grad()
    def edit(self, faces: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """As training.guides.Teacher says."""
        request = self.editor.info.request(labels.cpu().numpy(), targets.cpu().numpy())
        return self.editor.edit(faces.cpu(), request).to(faces.device)

    def feature_distance(self, edited: torch.Tensor, taught: torch.Tensor) -> torch.Tensor:
        """As training.guides.Teacher says."""
        distance: torch.Tensor = self.features(edited, taught)
        return distance


class FeatureDistance(nn.Module):
    """Mean difference of frozen features, of unit length at each place."""

    def __init__(self, features: FrozenFeatures) -> None:
        super().__init__()
        self.features = features

    def forward(self, edited: torch.Tensor, taught: torch.Tensor) -> torch.Tensor:
        """Two batches (B, 3, S, S) in [-1, 1] to a scalar from 0 on, differentiable in the first."""
        ours = self._features(edited)
        with torch.no_grad():
            theirs = self._features(taught)
        return torch.stack([(one - other).square().sum(dim=1).mean() for one, other in zip(ours, theirs, strict=True)]).sum()

    def _features(self, batch: torch.Tensor) -> list[torch.Tensor]:
        return [functional.normalize(features, dim=1) for features in self.features(batch)]


def obtain_teacher(source: str, dataset: Dataset, device: str = "auto") -> EditorTeacher:
    """The editor in `source` (a run folder, a checkpoint, an ONNX file) as a teacher for `dataset`.

    Raises:
        SettingsError: it edits other attributes, or faces of another size.
        LianpuError: there is no editor, or the feature network's weights cannot be had.
    """
    editor = load_editor(Path(source), device, attributes=dataset.attributes, image_size=dataset.image_size)
    theirs, ours = editor.info, dataset
    if theirs.attributes.names != ours.attributes.names or theirs.image_size != ours.image_size:
        raise SettingsError(
            f"The teacher {source} edits {', '.join(theirs.attributes.names)} at {theirs.image_size} px, the student is to edit "
            f"{', '.join(ours.attributes.names)} at {ours.image_size} px. Make them the same."
        )
    return EditorTeacher(editor, pick_device(device))
