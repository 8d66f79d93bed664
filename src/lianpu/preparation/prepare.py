"""From a folder of photos to a training set: the story, and the one function that tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lianpu.errors import DataError, SettingsError
from lianpu.files import remove_partial_files
from lianpu.image import PICTURE_ENDINGS
from lianpu.preparation.label_rules import load_rules
from lianpu.preparation.labelling import LabelCounts, label_faces
from lianpu.preparation.looked import Looked
from lianpu.preparation.photos import walk_photos
from lianpu.preparation.prints import PRINTS_FILE, Prints
from lianpu.preparation.record import begin_record, note_in_record, refuse_foreign_folder
from lianpu.preparation.seeing import open_seeing
from lianpu.preparation.settings import PrepareSettings
from lianpu.preparation.store import Store, open_store
from lianpu.preparation.tables import IMAGES, write_dropped
from lianpu.preparation.taking import take
from lianpu.preparation.workers import look_in_order

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
    """

    folder: Path
    photos: int
    faces: int
    dropped: dict[str, int]
    labels: dict[str, LabelCounts]


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
    models = open_seeing(settings).described()
    begin_record(folder, root, settings, models)
    (folder / IMAGES).mkdir(exist_ok=True)
    remove_partial_files(folder / IMAGES)
    with open_store(folder) as store:
        store.add_photos(walk_photos(root, but=folder))
        store.retry_failed()
        prints = Prints(folder / PRINTS_FILE, store.prints())
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
        return Prepared(folder, store.photo_counts()[1], store.kept_count(), store.reason_counts(), labels)


def _looked(root: Path, settings: PrepareSettings, photos: Iterator[str], workers: int, ray: bool) -> Iterator[Looked]:
    if not ray:
        return look_in_order(root, settings, photos, workers)
    from lianpu.preparation.ray_run import look_on_ray

    return look_on_ray(root, settings, photos, workers)


def _refuse_empty(root: Path, folder: Path) -> None:
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "is not there"
        raise DataError(f"{root} {what}. Give the folder that holds the photos.")
    if next(walk_photos(root, but=folder), None) is None:
        raise DataError(f"{root} holds no pictures ({', '.join(PICTURE_ENDINGS)}). Give the folder that holds the photos.")


def _refuse_no_faces(store: Store, folder: Path) -> None:
    if not store.kept_count():
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(store.reason_counts().items()))
        raise DataError(
            f"No face of the {store.photo_counts()[1]} photos was taken ({reasons}). Each is in {folder / 'dropped.csv'} with its "
            "reason: give other photos, or less strict settings and another folder."
        )
