"""The wheel, installed alone into an empty environment: it edits photos there, and says what the other commands need."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lianpu.dataset.drawn import draw_face
from lianpu.photo.reading import read_image
from lianpu.photo.writing import write_image
from lianpu.version import __version__

ROOT = Path(__file__).parent.parent

ABSENT = ("torch", "torchvision", "matplotlib", "insightface", "timm", "jinja2", "fastapi", "uvicorn", "av", "pytest")


def _run(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder` with nothing of this process's environment but what every program needs."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP") if name in os.environ}
    return subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env={**kept, "HOME": str(folder), "LIANPU_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )


@pytest.mark.slow
def test_the_wheel_alone_edits_a_portrait(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, ROOT], check=True, capture_output=True)
    wheel = next(tmp_path.glob("lianpu-*.whl"))
    names = zipfile.ZipFile(wheel).namelist()
    assert "lianpu/py.typed" in names and any(name.endswith("licenses/LICENSE") for name in names)
    for card in ("face-editor-lite.md", "face-parser-small.md", "label_rules.md", "face-transform.md", "stickers/README.md"):
        assert any(name.endswith(card) and "/licenses/" in name for name in names), f"the licence of {card} is not in the wheel"

    empty = tmp_path / "empty"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", empty], check=True)
    python = empty / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    subprocess.run([*pip, "--python", python, "install", "--quiet", "--no-compile", wheel], check=True, capture_output=True)

    assert _run(python, "-m", "lianpu", "--version", folder=tmp_path).stdout == f"lianpu {__version__}\n"
    find = f"import importlib.util as found; print(*(name for name in {ABSENT} if found.find_spec(name)))"
    assert _run(python, "-c", find, folder=tmp_path).stdout == "\n"

    assert _run(python, "-c", "import lianpu.models.mediapipe_models", folder=tmp_path).returncode == 0, "the base cannot convert"

    portrait = draw_face(7, 2, 256, {"Young": True, "Male": False, "Eyeglasses": False, "Wearing_Hat": False, "Brown_Hair": True})
    write_image(tmp_path / "portrait.png", portrait.picture)
    for number, words in enumerate((("--effect", "lipstick=0.8"), ("--set", "Blond_Hair=yes"))):
        done = _run(python, "-m", "lianpu", "edit", "portrait.png", f"{number}.png", *words, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert (read_image(tmp_path / f"{number}.png") != portrait.picture).any(axis=-1).mean() > 0.002

    (tmp_path / "a-G.ckpt").touch()  # a published checkpoint: torch is missed only when the editor is opened
    needed: tuple[tuple[tuple[str, ...], str], ...] = (
        (("train", "--run-dir", "run"), "train"),
        (("report", "run"), "report"),
        (("video", "a.mp4", "b.mp4", "--effect", "lipstick"), "video"),
        (("serve",), "web"),
        (("demo",), "train,report"),
        (("edit", "portrait.png", "c.png", "--set", "Male=yes", "--model", "a-G.ckpt"), "train"),
    )
    for asked, extras in needed:
        done = _run(python, "-m", "lianpu", *asked, folder=tmp_path)
        assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
        assert done.stderr.endswith(f"pip install 'lianpu[{extras}]'\n")

    doctor = _run(python, "-m", "lianpu", "doctor", folder=tmp_path)
    assert doctor.returncode == 0, doctor.stderr
    assert "Extra train: pip install 'lianpu[train]'" in doctor.stdout
