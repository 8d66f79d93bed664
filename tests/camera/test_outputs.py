"""Frames as a camera of this machine."""

import sys
from typing import ClassVar

import numpy as np
import pytest

from lianpu.camera.outputs import virtual_camera
from lianpu.errors import SettingsError

pyvirtualcam = pytest.importorskip("pyvirtualcam")


class Remembering:
    """A backend of pyvirtualcam, as its documentation says how to write one: it keeps what it is sent."""

    sent: ClassVar[list[np.ndarray]] = []

    def __init__(self, *, width: int, height: int, fps: float, fourcc: int, device: str | None) -> None:
        if device not in (None, "kept"):
            raise RuntimeError(f"no device {device}")
        self.size = (height, width, 3)

    def send(self, frame: np.ndarray) -> None:
        self.sent.append(frame.reshape(self.size).copy())

    def device(self) -> str:
        return "kept"

    def native_fourcc(self) -> int | None:
        return None

    def close(self) -> None:
        pass


def test_pictures_go_to_the_camera_in_rgb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyvirtualcam.camera, "BACKENDS", {})
    pyvirtualcam.register_backend("remembering", Remembering)
    picture = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    with virtual_camera(None, (32, 24), 30.0) as camera:
        assert camera.device == "kept"
        camera.show(picture, 0.0)
        camera.show(picture[:, ::-1], 0.1)
    assert (Remembering.sent[0] == picture).all() and (Remembering.sent[1] == picture[:, ::-1]).all()


def test_where_there_is_none_it_is_said_how_to_get_one() -> None:
    with pytest.raises(SettingsError) as raised, virtual_camera("/dev/no-such-camera", (64, 48), 30.0):
        pass
    said = str(raised.value)
    assert said.startswith("--virtual-camera /dev/no-such-camera: no virtual camera of 64 x 48 opens (") and "\n" not in said
    assert ("v4l2loopback" if sys.platform.startswith("linux") else "OBS") in said
