"""OpenCV's own messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Silence OpenCV's messages on stderr while the block runs. What fails is still raised, and reported by us in one line."""
    logging = getattr(cv2.utils, "logging", None)  # OpenCV 5; older versions print nothing here
    if logging is None:
        yield
        return
    before = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(before)
