"""From a folder of photos to a labelled training set: photos are found, analyzed and saved one after the other."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lianpu.errors import DataError, SettingsError
from lianpu.files import atomic_file, encodable, remove_partial_files
from lianpu.photo.formats import FORMAT_WORDS, IgnoredFiles, is_photo
from lianpu.preparation.analysis import Analyzed, AnalyzedPhoto, FailedPhoto, FitFace, RejectedFace
from lianpu.preparation.label_rules import load_rules
from lianpu.preparation.labelling import LabelCounts, label_faces
from lianpu.preparation.measures import Rejection
from lianpu.preparation.models import open_analysis_models
from lianpu.preparation.near_duplicates import BITS, HASH_FILE, HashFile
from lianpu.preparation.settings import PrepareSettings, begin_record, note_in_record, refuse_foreign_folder
from lianpu.preparation.sheet import SHEETS
from lianpu.preparation.store import Store, open_store
from lianpu.preparation.tables import IMAGES, write_dropped
from lianpu.preparation.workers import analyze_in_order


def walk_photos(folder: Path, but: Path, ignored: IgnoredFiles | None = None) -> Iterator[str]:
    """Paths of all pictures below a folder, relative to it, with forward slashes, in the order in which the disk lists them.

    Hidden files and folders are passed over, links to folders are not followed, and the folder `but` is left out (what is made
    may lie among the photos). Memory does not grow with the number of photos. A name that is not UTF-8 is written with backslashes in
    the database and tables (`lianpu.files.encodable`).

    Raises:
        DataError: a folder cannot be listed.
    """
    waiting = [""]
    skipped = but.resolve()
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(folder / place) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    path = f"{place}/{entry.name}" if place else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        if Path(entry.path).resolve() != skipped:
                            waiting.append(path)
                        continue
                    name = encodable(path)
                    if not entry.is_dir() and is_photo(Path(entry.path)):
                        yield name
                    elif ignored is not None and not entry.is_dir():
                        ignored.add(name)
        except OSError as problem:
            raise DataError(f"{folder / place} cannot be listed ({problem.strerror}). Change its permissions.") from None


def save_faces(analyzed: Analyzed, store: Store, hash_file: HashFile, folder: Path, settings: PrepareSettings) -> None:
    """Save the fit faces of a photo that are no near-duplicates, and record why the others are not kept: all of the photo or nothing."""
    if isinstance(analyzed, FailedPhoto):
        with store.photo_done(analyzed.photo, analyzed.rejection):
            return
    with store.photo_done(analyzed.photo, None if analyzed.faces else Rejection("no face", "")):
        for face in analyzed.faces:
            if isinstance(face, RejectedFace):
                store.add_rejected(analyzed.photo, face, face.rejection)
            elif duplicate := near_duplicate_of(face, store, hash_file, settings):
                store.add_rejected(analyzed.photo, face, duplicate)
            else:
                _keep(analyzed.photo, face, store, hash_file, folder, settings)


def _keep(photo: str, face: FitFace, store: Store, hash_file: HashFile, folder: Path, settings: PrepareSettings) -> None:
    file = crop_name(photo, face.position.number, settings.picture_format)
    with atomic_file(folder / IMAGES / file) as partial:
        partial.write_bytes(face.crop)
    hash_file.add(store.add_kept(photo, file, face), face.hashes)


NEAR_IDENTITY = 0.25
"""Distance of dlib's identities (of length 1) below which two faces may be one picture.

Of 50 faces, changed copies (JPEG 30, a quarter of the size, brightness, crop, turn by 5 degrees, mirrored) stayed within 0.23 of the
original. Of 404,550 pairs of different photos, some of one person, 28 were nearer than 0.25.
"""

_SURE_BITS = 26
"""Without identities to compare, only hashes that differ in no more bits are of one picture."""


def near_duplicate_of(face: FitFace, store: Store, hash_file: HashFile, settings: PrepareSettings) -> Rejection | None:
    """Why the face is a near-duplicate of one that was kept before; None when it is not.

    Two faces are near-duplicates when the hashes of their crops or photos, as they are or one mirrored, differ in few bits and their identities
    hardly differ: many faces have near hashes in a large set, and one person may well be there in many pictures.
    """
    if settings.max_hash_distance < 0:
        return None
    for mirrored, own in ((False, face.hashes), (True, face.mirrored_hashes)):
        for number, bits in hash_file.near(own, settings.max_hash_distance):
            file, identity = store.kept_face(number)
            if _may_be_one_picture(face.identity, identity, bits):
                return Rejection("doubled", f"{file}{' mirrored' if mirrored else ''}, {bits} of {BITS} bits differ")
    return None


def _may_be_one_picture(one: np.ndarray, other: np.ndarray, bits: int) -> bool:
    if not len(one) or len(one) != len(other):
        return bits <= _SURE_BITS
    return float(np.linalg.norm(one - other)) < NEAR_IDENTITY


def crop_name(photo: str, number: int, picture_format: str) -> str:
    """The file name of a face's crop: the photo's name, ten digits of its path's hash, and the face's number.

    It depends on the photo alone, so it stays when other photos come or go; and it holds no blank, which label files part words by.
    """
    stem = "".join(letter if letter.isalnum() or letter in "_." else "-" for letter in Path(photo).stem)[:40]
    return f"{stem}-{hashlib.sha256(os.fsencode(photo)).hexdigest()[:10]}-{number}.{picture_format}"


OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Prepared:
    """A training set that was made from photos.

    Args:
        folder: where it is; `open_dataset("CelebAMask-HQ", folder, ...)` reads it.
        photos: how many photos were analyzed.
        faces: how many faces were kept.
        dropped: how many photos and faces were not, by reason.
        labels: how many faces have each attribute, have it not, or are unlabelled.
        ignored: files among the photos that are none.
        second_looks: how many of the photos that were analyzed now have faces that only an enlarged or turned copy showed.
    """

    folder: Path
    photos: int
    faces: int
    dropped: dict[str, int]
    labels: dict[str, LabelCounts]
    ignored: IgnoredFiles
    second_looks: int = 0


def prepare_faces(
    photos: Path | str,
    out: Path | str,
    settings: PrepareSettings | None = None,
    *,
    workers: int = 1,
    ray: bool = False,
    on_progress: OnProgress | None = None,
) -> Prepared:
    """Make a labelled training set of the faces in a folder of photos: CelebAMask-HQ's layout, StarGAN's crop.

    Called again after it was killed, it resumes and gives the same set; photos that were added meanwhile are analyzed too. The
    same photos give the same set with any number of processes. Nothing outside of `out` is written.

    Args:
        photos: the folder; folders in it are searched, too.
        out: a new folder, or one that was begun with the same settings.
        settings: what is a good enough face, and when a label is sure enough.
        workers: processes that analyze photos.
        ray: let a Ray cluster analyze them (`pip install "lianpu[ray]"`); photos and models must lie at the same paths everywhere.
        on_progress: called with photos analyzed, and photos in all.

    Raises:
        DataError: there are no photos, no face in any of them, or `out` holds something else; or corrections.csv has mistakes.
        SettingsError: `out` was begun with other settings or models.
        WeightsError: a model is not on this machine.
    """
    settings = settings or PrepareSettings()
    root, folder = Path(photos), Path(out)
    if workers < 1:
        raise SettingsError(f"workers is 1 or more, got {workers}.")
    refuse_foreign_folder(folder)
    _refuse_empty(root, folder)
    rules = load_rules(settings.rules)
    models = open_analysis_models(settings).described()
    begin_record(folder, root, settings, models)
    (folder / IMAGES).mkdir(exist_ok=True)
    for written in (folder, folder / IMAGES, folder / SHEETS):
        remove_partial_files(written)
    with open_store(folder) as store:
        ignored = IgnoredFiles()
        store.add_photos(walk_photos(root, folder, ignored))
        store.retry_failed()
        hash_file = HashFile(folder / HASH_FILE, store.hashes())
        done, total = store.photo_counts()
        second_looks = 0
        for analyzed in _analyzed(root, settings, store.waiting_photos(), workers, ray):
            save_faces(analyzed, store, hash_file, folder, settings)
            second_looks += isinstance(analyzed, AnalyzedPhoto) and _took_a_second_look(analyzed, settings)
            done += 1
            if on_progress is not None:
                on_progress(done, total)
        write_dropped(folder, store)
        _refuse_no_faces(store, folder)
        labels = label_faces(store, folder, rules, settings.confidence, models)
        note_in_record(folder, settings=settings.to_json())
        return Prepared(folder, store.photo_counts()[1], store.kept_count(), store.reason_counts(), labels, ignored, second_looks)


def _took_a_second_look(analyzed: AnalyzedPhoto, settings: PrepareSettings) -> bool:
    return any(face.position.enlarged or (face.position.turned and not settings.upright) for face in analyzed.faces)


def _analyzed(root: Path, settings: PrepareSettings, photos: Iterator[str], workers: int, ray: bool) -> Iterator[Analyzed]:
    if not ray:
        return analyze_in_order(root, settings, photos, workers)
    from lianpu.preparation.workers import analyze_on_ray

    return analyze_on_ray(root, settings, photos, workers)


def _refuse_empty(root: Path, folder: Path) -> None:
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "is not there"
        raise DataError(f"{root} {what}. Give the folder that holds the photos.")
    if next(walk_photos(root, but=folder), None) is None:
        raise DataError(f"{root} holds no photos ({FORMAT_WORDS}). Give the folder that holds them.")


def _refuse_no_faces(store: Store, folder: Path) -> None:
    if not store.kept_count():
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(store.reason_counts().items()))
        raise DataError(
            f"No face of the {store.photo_counts()[1]} photos was kept ({reasons}). Each is in {folder / 'dropped.csv'} with its "
            "reason: give other photos, or less strict settings and another folder."
        )
