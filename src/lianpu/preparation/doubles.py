"""Whether a face was taken already in a near-identical picture: copies, resized, brightened and mirrored ones, burst shots."""

from __future__ import annotations

import numpy as np

from lianpu.preparation.figures import Rejection
from lianpu.preparation.looked import FitFace
from lianpu.preparation.picture_hash import BITS
from lianpu.preparation.prints import Prints
from lianpu.preparation.settings import PrepareSettings
from lianpu.preparation.store import Store

NEAR_IDENTITY = 0.25
"""Distance of dlib's identities (of length 1) below which two faces may be one picture.

Of 50 faces, changed copies (JPEG 30, a quarter of the size, brightness, crop, turn by 5 degrees, mirrored) stayed within 0.23 of the
original. Of 404,550 pairs of different photos, some of one person, 28 were nearer than 0.25.
"""

_SURE_BITS = 26
"""Without an identity to ask, only hashes as near as this are taken for one picture."""


def double_of(face: FitFace, store: Store, prints: Prints, settings: PrepareSettings) -> Rejection | None:
    """Why the face is a double of one that was taken; None when it is none. The first that was taken stays.

    Two faces are doubles when the hashes of their crops or photos, as they are or one mirrored, differ in few bits and their identities
    hardly differ: many faces have near hashes in a large set, and one person may well be there in many pictures.
    """
    if settings.max_hash_distance < 0:
        return None
    for mirrored, own in ((False, face.face_print), (True, face.mirrored_print)):
        for number, bits in prints.near(own, settings.max_hash_distance):
            file, identity = store.taken_face(number)
            if _may_be_one_picture(face.identity, identity, bits):
                return Rejection("doubled", f"{file}{' mirrored' if mirrored else ''}, {bits} of {BITS} bits differ")
    return None


def _may_be_one_picture(one: np.ndarray, other: np.ndarray, bits: int) -> bool:
    if not len(one) or len(one) != len(other):
        return bits <= _SURE_BITS
    return float(np.linalg.norm(one - other)) < NEAR_IDENTITY
