"""Which detector looks for faces in videos unless one is named."""

from __future__ import annotations

from lianpu.perception.detectors import DETECTORS, best_detector


def video_detector() -> str:
    """`yunet` where it is on this machine (10 ms a search), else the best that is fast enough: `dlib`.

    SCRFD-10G of buffalo_l finds more, and takes as long as all the rest of a frame.
    """
    from lianpu.model_store.locate import find_model_file

    name = "yunet" if find_model_file("yunet") is not None or best_detector() == "yunet" else "dlib"
    assert name in DETECTORS
    return name
