"""`lianpu edit` as it is typed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lianpu.attributes import AttributeSet
from lianpu.cli.main import main
from lianpu.editors.editor import ModelInfo
from lianpu.export.onnx_export import export_generator
from lianpu.image import read_image, resize
from lianpu.stargan.lite import LiteGenerator

REAL_FACES = Path(__file__).parents[3] / "shared" / "data" / "celebamask_mini" / "images"
needs_faces = pytest.mark.skipif(not REAL_FACES.is_dir(), reason="needs the real faces")


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lite editor with random weights and an open mask: its edits are seen."""
    torch.manual_seed(0)
    info = ModelInfo(
        AttributeSet.of(("Blond_Hair", "Male")), 64, "celebamask-hq", licence="free for any use", label_input="difference"
    )
    generator = LiteGenerator(8, 2, 1)
    with torch.no_grad():
        generator.leave.bias[3:] = 3.0  # type: ignore[index]
    return export_generator(generator, info, tmp_path_factory.mktemp("editor") / "editor.onnx").file


def _run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = 0
    try:
        main(["edit", *map(str, words)])
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@needs_faces
def test_the_face_of_a_photo_is_edited_and_its_surroundings_stay(
    editor: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    face = resize(read_image(REAL_FACES / "000801.jpg"), 256)
    photo = np.full((400, 600, 3), 128, dtype=np.uint8)
    photo[80:336, 40:296] = face
    Image.fromarray(photo).save(tmp_path / "photo.png")
    words = (tmp_path / "photo.png", tmp_path / "out.png", "--editor", editor, "--detector", "dlib")
    code, out, err = _run(capsys, *words, "--set", "Blond_Hair=yes")
    assert code == 0 and err == "" and "Editing 1 face." in out and "Licence of the editor: free for any use." in out
    edited = read_image(tmp_path / "out.png")
    difference = np.abs(edited.astype(int) - photo)
    assert difference[150:250, 110:220].mean() > 5
    assert not difference[:, 420:].any()
    code, _, err = _run(capsys, *words, "--set", "Male=no", "--only", 2)
    assert code == 1 and "--only 2: 1 faces were found" in err


def test_a_cut_out_face_needs_no_detector(editor: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (100, 100), (90, 60, 50)).save(tmp_path / "crop.png")
    words = (tmp_path / "crop.png", tmp_path / "out.png", "--editor", editor, "--aligned")
    assert _run(capsys, *words, "--set", "Male=yes")[0] == 0
    assert read_image(tmp_path / "out.png").shape == (64, 64, 3)
    Image.new("RGB", (100, 90)).save(tmp_path / "crop.png")
    code, _, err = _run(capsys, *words, "--set", "Male=yes")
    assert code == 1 and "--aligned takes a square face, and this picture is 100 x 90" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "Blond_Hair"), "--set Blond_Hair: write NAME=yes or NAME=no."),
        (("--set", "Blond_Hair=maybe"), "--set Blond_Hair=maybe: write NAME=yes or NAME=no."),
        (("--set", "Blond_Hair=yes", "Blond_Hair=no"), "says both yes and no of Blond_Hair"),
        (("--set", "Blond=yes"), "'Blond' is not an attribute here"),
        ((), "No attribute is set"),
        (("--set", "Male=yes"), "No face was found in"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_and_nothing_is_written(
    words: tuple[str, ...], said: str, editor: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (200, 160), (128, 128, 128)).save(tmp_path / "wall.png")
    out = tmp_path / "out.png"
    code, _, err = _run(capsys, tmp_path / "wall.png", out, "--editor", editor, "--detector", "dlib", *words)
    assert code == 1 and said in err and err.count("\n") == 1
    assert not out.exists()
