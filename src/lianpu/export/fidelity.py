"""How far one editor's edits are from another's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lianpu.dataset.faces import Faces
from lianpu.editors.editor import Editor

_FACES_AT_ONCE = 8


@dataclass(frozen=True)
class Fidelity:
    """PSNR between the edits of two editors: 10 log10(2^2 / mean squared difference), the range [-1, 1] being 2 wide.

    Args:
        psnr_db: over all pixels of all faces.
        worst_db: of the face with the lowest.
        faces: how many were edited.
    """

    psnr_db: float
    worst_db: float
    faces: int


def compare_edits(editor: Editor, reference: Editor, faces: Faces, seed: int = 0) -> Fidelity:
    """The fidelity of `editor` to `reference` on faces edited to the labels of other faces. Equal edits count as 200 dB."""
    requests = editor.info.request(faces.labels, faces.labels[np.random.default_rng(seed).permutation(len(faces))])
    errors = []
    for start in range(0, len(faces), _FACES_AT_ONCE):
        rows = np.arange(start, min(start + _FACES_AT_ONCE, len(faces)))
        batch, _ = faces.batch(rows)
        difference = editor.edit(batch, requests[rows]) - reference.edit(batch, requests[rows])
        errors.append(difference.double().square().mean(dim=(1, 2, 3)).numpy())
    per_face = np.concatenate(errors)
    return Fidelity(_psnr_db(float(per_face.mean())), _psnr_db(float(per_face.max())), len(faces))


def _psnr_db(mean_squared_difference: float) -> float:
    return float(10 * np.log10(4.0 / max(mean_squared_difference, 4e-20)))
