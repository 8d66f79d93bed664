"""The photos of a folder, one after the other: never all of them at once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lianpu.errors import DataError, SettingsError
from lianpu.files import atomic_file, remove_partial_files
from lianpu.photo.formats import FORMAT_WORDS, PassedOver, is_photo
from lianpu.preparation.analysis import Analyzed, FailedPhoto, FitFace, RejectedFace
from lianpu.preparation.label_rules import load_rules
from lianpu.preparation.labelling import LabelCounts, label_faces
from lianpu.preparation.models import open_analysis_models
from lianpu.preparation.near_duplicates import HASH_FILE, HashFile, double_of
from lianpu.preparation.quality import Rejection
from lianpu.preparation.record import begin_record, note_in_record, refuse_foreign_folder
from lianpu.preparation.settings import PrepareSettings
from lianpu.preparation.store import Store, open_store
from lianpu.preparation.tables import IMAGES, write_dropped
from lianpu.preparation.workers import look_in_order


def walk_photos(folder: Path, but: Path, passed_over: PassedOver | None = None) -> Iterator[str]:
    """Paths of all pictures below a folder, relative to it, with forward slashes, in the order in which the disk lists them.

    Hidden files and folders are passed over, links to folders are not followed, nor is the folder `but` looked into (what is made
    may lie among the photos). Memory does not grow with the number of photos. A name that is no UTF-8 is spelled with backslashes, so
    that it can be told; such a photo is not found under it.

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
                    name = path.encode("utf-8", "backslashreplace").decode()
                    if not entry.is_dir() and is_photo(Path(entry.path)):
                        yield name
                    elif passed_over is not None and not entry.is_dir():
                        passed_over.add(name)
        except OSError as problem:
            raise DataError(f"{folder / place} cannot be listed ({problem.strerror}). Change its permissions.") from None


def take(looked: Analyzed, store: Store, prints: HashFile, folder: Path, settings: PrepareSettings) -> None:
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


def _keep(photo: str, face: FitFace, store: Store, prints: HashFile, folder: Path, settings: PrepareSettings) -> None:
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


OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Prepared:
    """A training set that was made from photos.

    Args:
        folder: where it is; `open_dataset("CelebAMask-HQ", folder, ...)` reads it.
        photos: how many photos were looked at.
        faces: how many faces were taken.
        dropped: how many photos and faces were not, by reason.
        labels: how many faces have each attribute, have it not, or are unlabelled.
        passed_over: files among the photos that are none.
    """

    folder: Path
    photos: int
    faces: int
    dropped: dict[str, int]
    labels: dict[str, LabelCounts]
    passed_over: PassedOver


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

    Killed and called again it goes on where it was, and gives the same set; photos that were added meanwhile are looked at too. The
    same photos give the same set with any number of processes. Nothing outside of `out` is written.

    Args:
        photos: the folder; folders in it are looked into.
        out: a new folder, or one that was begun with the same settings.
        settings: what is a good enough face, and when a label is sure enough.
        workers: processes that look at photos.
        ray: let a Ray cluster look at them (`pip install "lianpu[ray]"`); photos and models must lie at the same paths everywhere.
        on_progress: told how many photos were looked at, and how many there are.

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
    remove_partial_files(folder / IMAGES)
    with open_store(folder) as store:
        passed_over = PassedOver()
        store.add_photos(walk_photos(root, folder, passed_over))
        store.retry_failed()
        prints = HashFile(folder / HASH_FILE, store.prints())
        done, total = store.photo_counts()
        for looked in _looked(root, settings, store.waiting_photos(), workers, ray):
            take(looked, store, prints, folder, settings)
            done += 1
            if on_progress is not None:
                on_progress(done, total)
        write_dropped(folder, store)
        _refuse_no_faces(store, folder)
        labels = label_faces(store, folder, rules, settings.confidence, models)
        note_in_record(folder, settings=settings.to_json())
        return Prepared(folder, store.photo_counts()[1], store.kept_count(), store.reason_counts(), labels, passed_over)


def _looked(root: Path, settings: PrepareSettings, photos: Iterator[str], workers: int, ray: bool) -> Iterator[Analyzed]:
    if not ray:
        return look_in_order(root, settings, photos, workers)
    from lianpu.preparation.ray_run import look_on_ray

    return look_on_ray(root, settings, photos, workers)


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
            f"No face of the {store.photo_counts()[1]} photos was taken ({reasons}). Each is in {folder / 'dropped.csv'} with its "
            "reason: give other photos, or less strict settings and another folder."
        )
