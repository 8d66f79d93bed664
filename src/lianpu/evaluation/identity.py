"""Whether an edited face is still the same person: the cosine of its identity vector with the unedited face's."""

from __future__ import annotations

import numpy as np

from lianpu.errors import ScoreError
from lianpu.faces.alignment import CROP_TEMPLATES, TEMPLATES
from lianpu.faces.dlib_models import DlibEncoder
from lianpu.faces.results import Face
from lianpu.imaging.picture import Picture, resize

ENCODED_PX = 256
"""Smaller crops are enlarged to this side: dlib was not made for less."""


class IdentityOfCrops:
    """dlib's 128 numbers for crops whose faces lie where their template says, so that no detector is needed.

    An edit that no detector would recognise as a face is encoded all the same, and gets the low cosine that it deserves.

    Raises:
        ScoreError: the data does not say how its faces were cut out.
        WeightsError: dlib's weights are not on this machine.
    """

    name = DlibEncoder.name
    resize = f"enlarged to {ENCODED_PX} px where smaller"

    def __init__(self, alignment: str) -> None:
        if alignment not in CROP_TEMPLATES:
            raise ScoreError(
                f"The data says '{alignment}' of how its faces were cut out, which is none of {', '.join(CROP_TEMPLATES)}: "
                "where the eyes lie is not known. Put the right word into its alignment.txt."
            )
        self._template = TEMPLATES[CROP_TEMPLATES[alignment]]
        self._encoder = DlibEncoder()

    def vectors(self, pictures: Picture) -> np.ndarray:
        """(B, 128) float32 of unit length for crops (B, S, S, 3)."""
        return np.stack([self._vector(picture) for picture in pictures])

    def _vector(self, picture: Picture) -> np.ndarray:
        crop = resize(picture, ENCODED_PX) if picture.shape[0] < ENCODED_PX else picture
        side = crop.shape[0]
        face = Face((0.0, 0.0, float(side), float(side)), 1.0, self._template.scaled(side).astype(np.float32), "template", 0)
        return self._encoder.of(crop, [face])[0].vector
