"""Taking what was found in a photo: crops into the folder, everything else into the notebook."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lianpu.files import atomic_file
from lianpu.preparation.doubles import double_of
from lianpu.preparation.figures import Rejection
from lianpu.preparation.looked import FailedPhoto, FitFace, Looked, RejectedFace
from lianpu.preparation.prints import Prints
from lianpu.preparation.settings import PrepareSettings
from lianpu.preparation.store import Store
from lianpu.preparation.tables import IMAGES


def take(looked: Looked, store: Store, prints: Prints, folder: Path, settings: PrepareSettings) -> None:
    """Keep the fit faces of a photo that are no doubles, and note why the others are not kept; all of the photo or nothing."""
    if isinstance(looked, FailedPhoto):
        with store.photo_done(looked.photo, looked.rejection):
            return
    with store.photo_done(looked.photo, None if looked.faces else Rejection("no face", "")):
        for face in looked.faces:
            if isinstance(face, RejectedFace):
                store.add_rejected(looked.photo, face, face.rejection)
            elif double := double_of(face, store, prints, settings):
                store.add_rejected(looked.photo, face, double)
            else:
                _keep(looked.photo, face, store, prints, folder, settings)


def _keep(photo: str, face: FitFace, store: Store, prints: Prints, folder: Path, settings: PrepareSettings) -> None:
    file = crop_name(photo, face.place.number, settings.picture_format)
    with atomic_file(folder / IMAGES / file) as partial:
        partial.write_bytes(face.crop)
    prints.add(store.add_kept(photo, file, face), face.face_print)


def crop_name(photo: str, number: int, picture_format: str) -> str:
    """The file name of a face's crop: the photo's name, ten digits of its path's hash, and the face's number.

    It depends on the photo alone, so it stays when other photos come or go; and it holds no blank, which label files part words by.
    """
    stem = "".join(letter if letter.isalnum() or letter in "_." else "-" for letter in Path(photo).stem)[:40]
    return f"{stem}-{hashlib.sha256(photo.encode()).hexdigest()[:10]}-{number}.{picture_format}"
