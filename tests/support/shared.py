"""Real photos, faces and models, for the few tests that a drawn portrait cannot serve.

They are not part of the repository. They lie in the folder `shared` beside the checkout, or in the one that LIANPU_SHARED names
(a folder that does not exist shows what a public clone skips). The functions skip the test where their files are absent; the end of a
run counts what was skipped for this reason (`tests/conftest.py`).
"""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SHARED = Path(os.environ.get("LIANPU_SHARED") or REPOSITORY.parent / "shared")
PHOTOS = SHARED / "data" / "photos"
REAL_FACES = SHARED / "data" / "celebamask_mini"
YUNET = SHARED / "models" / "yunet_n_640_640.onnx"
SCRFD = SHARED / "models" / "scrfd_500m_kps.onnx"
MEDIAPIPE = SHARED / "models" / "mediapipe"

REASON = "needs real data"
"""How the reason of every such skip begins."""


def needs(*paths: Path) -> pytest.MarkDecorator:
    """The mark of tests that are skipped unless all these files and folders are there."""
    absent = [path for path in paths if not path.exists()]
    return pytest.mark.skipif(bool(absent), reason=_reason(absent[0]) if absent else "")


def real_photo(name: str) -> Path:
    """A photo of the real ones, by its file name or the beginning of it."""
    found = sorted(PHOTOS.glob(f"{name}*"))
    return found[0] if found else _skip(PHOTOS / name)


def real_photos() -> Path:
    """The folder of real photos with faces."""
    return PHOTOS if PHOTOS.is_dir() else _skip(PHOTOS)


def real_faces() -> Path:
    """The folder of 900 real faces with masks, 68 points and attributes, in the layout of CelebAMask-HQ."""
    return REAL_FACES if REAL_FACES.is_dir() else _skip(REAL_FACES)


def real_model(file: Path) -> Path:
    """A small real detector: YUNET or SCRFD."""
    return file if file.is_file() else _skip(file)


def mediapipe_files(fetched: Path) -> Path:
    """A folder with MediaPipe's .tflite files: the shared one, else `fetched`, where `lianpu models fetch mediapipe` puts them."""
    return next((folder for folder in (MEDIAPIPE, fetched) if (folder / "face_landmark.tflite").is_file()), None) or _skip(
        MEDIAPIPE
    )


def _skip(path: Path) -> Path:
    pytest.skip(_reason(path))


def _reason(path: Path) -> str:
    return f"{REASON}: {path} is not there"
