"""YuNet through OpenCV's FaceDetectorYN (Apache-2.0): a detector that may be shipped in a product."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from lianpu.errors import ModelError
from lianpu.image import Picture, check_picture
from lianpu.perception.networks import YUNET, is_strip, open_network
from lianpu.perception.results import Face

_SAME_FACE_IOU = 0.3
_KEPT_BEFORE_MERGING = 5000
_OPEN_SIDE_PX = 640


class YuNetDetector:
    """Boxes, 5 points and scores from a YuNet network: OpenCV zoo's face_detection_yunet_2023mar.onnx, or one of its form.

    Wu et al. 2023, YuNet: A Tiny Millisecond-level Face Detector. A picture of any size and shape is scaled down so that its
    longer side is that which the file was written for (320 or 640); OpenCV's own engine runs such a file at other sizes too.

    Args:
        file: the ONNX file.
        min_score: leave out what is less sure, 0 to 1.
        name: the name that its faces carry; the file's stem when None.

    Raises:
        ModelError: the file is missing, broken, or another kind of network.
    """

    second_look_score = 0.85  # hands and clothes in turned pictures are below; of upright faces 98 % above

    def __init__(self, file: Path | str, *, min_score: float = 0.6, name: str | None = None) -> None:
        self.name = name or Path(file).stem
        height, width = open_network(file, YUNET, 1).get_inputs()[0].shape[2:]
        self._side_px = max(size if isinstance(size, int) else _OPEN_SIDE_PX for size in (height, width))
        side = (self._side_px, self._side_px)
        with _quiet_opencv():
            try:
                self._network = cv2.FaceDetectorYN.create(str(file), "", side, min_score, _SAME_FACE_IOU, _KEPT_BEFORE_MERGING)
            except cv2.error as problem:
                reason = " ".join(str(problem).split())[:200]
                raise ModelError(f"{file} cannot be read by OpenCV {cv2.__version__} ({reason}). Give another file.") from None

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        """The faces of a picture (H, W, 3) uint8 RGB, most confident first."""
        height, width = check_picture(picture).shape[:2]
        if is_strip(picture):
            return ()
        scale = min(1.0, self._side_px / max(width, height))
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        self._network.setInputSize(small)
        rows = self._network.detect(cv2.resize(picture, small, interpolation=cv2.INTER_AREA)[:, :, ::-1].copy())[1]
        by_x, by_y = width / small[0], height / small[1]
        faces = [_face(row, by_x, by_y, self.name) for row in (() if rows is None else rows) if row[2] > 0 and row[3] > 0]
        return tuple(sorted(faces, key=lambda face: -face.score))


@contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Without OpenCV's warnings on stderr: its newer engine complains about a setting that FaceDetectorYN makes by itself."""
    logging = getattr(cv2.utils, "logging", None)  # OpenCV 5; before it there is nothing to silence
    if logging is None:
        yield
        return
    before = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_ERROR)
    try:
        yield
    finally:
        logging.setLogLevel(before)


def _face(row: np.ndarray, by_x: float, by_y: float, name: str) -> Face:
    """A face from OpenCV's 15 numbers: left, top, width, height, five points (in our order), score."""
    left, top, width, height = (float(value) for value in row[:4])
    points = row[4:14].reshape(5, 2) * np.array([by_x, by_y], dtype=np.float32)
    box = (left * by_x, top * by_y, (left + width) * by_x, (top + height) * by_y)
    return Face(box, float(np.clip(row[14], 0.0, 1.0)), points, name)
