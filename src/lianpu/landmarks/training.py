"""Training of a 68-point predictor with dlib."""

from __future__ import annotations

import os
import pickle
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from lianpu.errors import DataError, TrainingError
from lianpu.faces.dlib_models import BoxXyxy
from lianpu.files import atomic_file
from lianpu.imaging.geometry import compose, map_points, scaled_size, scaling, warp
from lianpu.landmarks.boxes import BoxedFace
from lianpu.landmarks.config import PredictorSettings
from lianpu.landmarks.scheme68 import Points68, mirrored
from lianpu.photo.reading import read_image

OnProgress = Callable[[int, int], None]

_LARGEST_BOX_PX = 320

_AROUND_BOX = 0.3

_CHILD = "from lianpu.landmarks.training import _train_in_child; _train_in_child()"


@dataclass(frozen=True, eq=False)
class TrainingSample:
    """A face crop: grey pixels (H, W) uint8, points (68, 2), and the face's box."""

    grey: np.ndarray[Any, np.dtype[np.uint8]]
    points: Points68
    box_xyxy: BoxXyxy


def train_predictor(
    faces: Sequence[BoxedFace],
    target: Path,
    settings: PredictorSettings,
    on_reading: OnProgress | None = None,
    on_training: OnProgress | None = None,
) -> Path:
    """`target`, a dlib shape predictor of 68 points trained on the faces, written atomically.

    The same faces, settings, number of threads and dlib give the same bytes (dlib adds up in another order with other threads).

    Args:
        faces: two or more labelled faces.
        target: the .dat file.
        settings: see there.
        on_reading: called with (faces read, faces).
        on_training: called with (trees fitted, trees) about once a second.

    Raises:
        DataError: fewer than two faces.
        PictureError: a picture cannot be read.
        TrainingError: dlib gave up, or was killed; the message says why.
    """
    if len(faces) < 2:
        raise DataError(f"A predictor learns from two or more labelled faces, got {len(faces)}. Give more.")
    samples = []
    for done, face in enumerate(faces, start=1):
        samples += training_samples(face, settings.mirror)
        if on_reading:
            on_reading(done, len(faces))
    with atomic_file(target) as partial:
        _run_child(pickle.dumps((samples, settings, str(partial)), protocol=5), on_training)
    if on_training:
        on_training(trees := settings.cascade_depth * settings.trees_per_cascade, trees)
    return target


def training_samples(face: BoxedFace, mirror: bool) -> list[TrainingSample]:
    """The crop of the face and its mirror image, so that memory depends on the face's size only."""
    picture = read_image(face.picture)
    left, top, right, bottom = face.box_xyxy
    side = max(right - left, bottom - top)
    margin = side * _AROUND_BOX
    low_x, low_y = max(0, int(left - margin)), max(0, int(top - margin))
    part = picture[low_y : max(low_y + 1, int(bottom + margin)), low_x : max(low_x + 1, int(right + margin))]
    if not part.size:
        raise DataError(f"{face.picture}: the box {tuple(round(edge) for edge in face.box_xyxy)} lies outside of the picture.")
    scale = min(1.0, _LARGEST_BOX_PX / side)
    matrix = compose(scaling(scale), np.array([[1.0, 0.0, -low_x], [0.0, 1.0, -low_y]]))
    if scale < 1:
        part = warp(picture, matrix, scaled_size(part, scale))
    grey = (part.sum(axis=2, dtype=np.uint32) // 3).astype(np.uint8)  # as dlib makes grey of RGB
    points = map_points(matrix, face.points)
    x1, y1, x2, y2 = map_points(matrix, np.array(face.box_xyxy).reshape(2, 2)).ravel().tolist()
    straight = TrainingSample(grey, points, (x1, y1, x2, y2))
    width = grey.shape[1]
    flipped = TrainingSample(
        np.ascontiguousarray(grey[:, ::-1]), mirrored(points, width), (width - 1 - x2, y1, width - 1 - x1, y2)
    )
    return [straight, flipped] if mirror else [straight]


def _run_child(job: bytes, on_training: OnProgress | None) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    )
    assert child.stdin is not None and child.stderr is not None
    last_line = ""
    try:
        try:
            child.stdin.write(job)
            child.stdin.close()
        except BrokenPipeError:
            pass  # the child has ended, and says below why
        for last_line in _lines(child.stderr):
            progress = re.search(r"Progress: (\d+)/(\d+)", last_line)
            if progress and on_training:
                on_training(int(progress[1]), int(progress[2]))
        code = child.wait()
    finally:
        child.kill()
        child.wait()
        child.stderr.close()
    if code < 0:
        raise TrainingError(f"dlib's training was ended by signal {-code} (memory full?). Try fewer faces or less oversampling.")
    if code:
        raise TrainingError(f"dlib could not train the predictor ({last_line.strip()[:300] or f'exit code {code}'}).")


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """Lines as they come; dlib ends those that show progress with a carriage return."""
    rest = b""
    while block := os.read(stream.fileno(), 4096):
        *whole, rest = re.split(rb"[\r\n]", rest + block)
        yield from (line.decode("utf-8", "replace") for line in whole if line.strip())
    if rest.strip():
        yield rest.decode("utf-8", "replace")


def _train_in_child() -> None:
    import dlib

    if hasattr(signal, "SIGPIPE"):  # when its progress is no longer read (the parent was killed), the child ends, too
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    samples, settings, target = pickle.load(sys.stdin.buffer)
    options = dlib.shape_predictor_training_options()
    options.be_verbose = True
    options.tree_depth, options.cascade_depth = settings.tree_depth, settings.cascade_depth
    options.num_trees_per_cascade_level = settings.trees_per_cascade
    options.nu, options.oversampling_amount = settings.nu, settings.oversampling
    options.oversampling_translation_jitter = settings.jitter
    options.feature_pool_size, options.num_test_splits = settings.feature_pool, settings.test_splits
    options.random_seed, options.num_threads = str(settings.seed), settings.threads or _cores()
    images = [sample.grey for sample in samples]
    detections = [[_detection(dlib, sample)] for sample in samples]
    dlib.train_shape_predictor(images, detections, options).save(target)


def _detection(dlib: Any, sample: TrainingSample) -> Any:
    parts = [dlib.point(round(float(x)), round(float(y))) for x, y in sample.points]
    return dlib.full_object_detection(dlib.rectangle(*(round(edge) for edge in sample.box_xyxy)), parts)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
