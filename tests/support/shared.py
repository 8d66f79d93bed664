"""Real photos, faces and models: the folder `shared` beside the checkout, or the one that LIANPU_SHARED names."""

import os
from pathlib import Path

SHARED = Path(os.environ.get("LIANPU_SHARED") or Path(__file__).parents[2].parent / "shared")
PHOTOS = SHARED / "data" / "photos"
REAL_FACES = SHARED / "data" / "celebamask_mini"
YUNET = SHARED / "models" / "yunet_n_640_640.onnx"
SCRFD = SHARED / "models" / "scrfd_500m_kps.onnx"
