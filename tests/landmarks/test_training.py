"""Training a small predictor on real faces, scoring it, and what is said when it cannot be done."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lianpu.errors import DataError, ModelError, SettingsError, TrainingError
from lianpu.faces.dlib_models import ShapePredictor
from lianpu.landmarks.boxes import BoxedFace, give_boxes
from lianpu.landmarks.config import PredictorSettings
from lianpu.landmarks.scores import evaluate_predictor
from lianpu.landmarks.sources import read_labels, write_xml
from lianpu.landmarks.training import train_predictor, training_samples
from lianpu.photo.writing import write_image

SMALL = PredictorSettings(tree_depth=2, cascade_depth=4, trees_per_cascade=40, oversampling=5, test_splits=10, threads=1)


def _python_that_runs(program: str, file: Path) -> str:
    """A Python that runs `program`, whatever it is told to run."""
    file.write_text(f"#!{sys.executable}\n{program}\n")
    file.chmod(0o755)
    return str(file)


def real_boxed(folder: Path, first: int, count: int) -> tuple[BoxedFace, ...]:
    return give_boxes(read_labels(folder / "landmarks68.csv")[first : first + count])


def test_a_small_predictor_learns_the_real_faces_and_gives_the_same_bytes_again(real_faces: Path, tmp_path: Path) -> None:
    learnt, others = real_boxed(real_faces, 0, 40), real_boxed(real_faces, 600, 15)
    seen: list[tuple[int, int]] = []
    read: list[tuple[int, int]] = []
    target = train_predictor(learnt, tmp_path / "a.dat", SMALL, lambda *at: read.append(at), lambda *at: seen.append(at))
    assert read[-1] == (40, 40) and seen[-1] == (160, 160) and all(total == 160 for _, total in seen)
    assert [file.name for file in tmp_path.iterdir()] == ["a.dat"]
    again = train_predictor(learnt, tmp_path / "b.dat", SMALL)
    assert target.read_bytes() == again.read_bytes()
    other = train_predictor(learnt, tmp_path / "c.dat", PredictorSettings(**{**vars(SMALL), "seed": 7}))
    assert target.read_bytes() != other.read_bytes()

    evaluation = evaluate_predictor(ShapePredictor(target, 68), others)
    mean_shape = train_predictor(
        learnt, tmp_path / "mean.dat", PredictorSettings(tree_depth=1, cascade_depth=1, trees_per_cascade=1)
    )
    guess = evaluate_predictor(ShapePredictor(mean_shape, 68), others)
    assert evaluation.scores.nme_inter_ocular < 0.7 * guess.scores.nme_inter_ocular < 0.12
    assert evaluation.boxes["dlib"] >= 14 and len(evaluation.worst) == 5
    assert evaluation.worst[0][1] == evaluation.scores.errors.max()


def test_dlib_reads_our_xml_and_agrees_with_our_predictions(real_faces: Path, tmp_path: Path) -> None:
    import dlib

    from lianpu.models.store.locate import require_model_file

    faces = real_boxed(real_faces, 100, 6)
    file = write_xml(tmp_path / "faces.xml", faces)
    model = require_model_file("dlib-landmarks-68")
    mean_error = dlib.test_shape_predictor(str(file), str(model))
    again = give_boxes(read_labels(file))
    predictor = ShapePredictor(model)
    ours = evaluate_predictor(predictor, again)
    distances = ours.scores.errors * [np.linalg.norm(face.points[36] - face.points[45]) for face in again]
    assert mean_error == pytest.approx(distances.mean(), rel=0.1)  # whole pixels; dlib decodes JPEG by itself
    assert ours.boxes == {"labels": 6}


def test_a_mirrored_face_is_the_face_of_the_mirrored_picture(tmp_path: Path, points: np.ndarray) -> None:
    random = np.random.default_rng(0)
    picture = write_image(tmp_path / "a.png", random.integers(0, 256, (300, 400, 3)).astype(np.uint8))
    straight, flipped = training_samples(BoxedFace(picture, points, (50.0, 80.0, 209.0, 239.0), "labels"), mirror=True)
    np.testing.assert_array_equal(flipped.grey[:, ::-1], straight.grey)
    width = straight.grey.shape[1]
    np.testing.assert_allclose(flipped.points[45], (width - 1 - straight.points[36][0], straight.points[36][1]))
    assert flipped.box_xyxy == (width - 1 - straight.box_xyxy[2], 48, width - 1 - straight.box_xyxy[0], straight.box_xyxy[3])
    assert straight.grey.shape == (254, 254)  # the box of 159 and 30 % around it


def test_a_large_face_is_learnt_from_a_smaller_copy(tmp_path: Path, points: np.ndarray) -> None:
    picture = np.zeros((1300, 1500, 3), dtype=np.uint8)
    picture[600:604, 700:704] = 255
    file = write_image(tmp_path / "a.png", picture)
    labelled = points.copy()
    labelled[0] = (701.5, 601.5)
    (sample,) = training_samples(BoxedFace(file, labelled, (300.0, 200.0, 1259.0, 1159.0), "labels"), mirror=False)
    assert max(sample.grey.shape) < 600 and sample.box_xyxy[2] - sample.box_xyxy[0] == pytest.approx(320, abs=1)
    x, y = sample.points[0]
    brightest = np.unravel_index(sample.grey.argmax(), sample.grey.shape)
    assert abs(brightest[1] - x) <= 1 and abs(brightest[0] - y) <= 1


def test_one_face_or_a_box_outside_of_the_picture_is_refused(tmp_path: Path, points: np.ndarray) -> None:
    picture = write_image(tmp_path / "a.png", np.zeros((50, 50, 3), dtype=np.uint8))
    with pytest.raises(DataError, match="two or more labelled faces, got 1"):
        train_predictor([BoxedFace(picture, points, (0, 0, 9, 9), "labels")], tmp_path / "out.dat", SMALL)
    outside = BoxedFace(picture, points, (500, 500, 540, 540), "labels")
    with pytest.raises(DataError, match=r"a\.png: the box \(500, 500, 540, 540\) lies outside"):
        train_predictor([outside, outside], tmp_path / "out.dat", SMALL)
    with pytest.raises(DataError, match="no labelled face to score"):
        evaluate_predictor(ShapePredictor.__new__(ShapePredictor), ())
    assert not (tmp_path / "out.dat").exists()


def test_all_wrong_settings_are_named_together() -> None:
    with pytest.raises(
        SettingsError, match=r"tree_depth is 0, but must be at least 1; nu is 2, but must be above 0 and at most 1"
    ):
        PredictorSettings(tree_depth=0, nu=2)


@pytest.mark.parametrize(
    ("child", "words"),
    [
        (
            "import sys; print('Out of luck', file=sys.stderr); raise SystemExit(3)",
            r"could not train the predictor \(Out of luck\)",
        ),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", r"ended by signal 9 \(memory full\?\)"),
    ],
)
def test_a_training_that_dies_leaves_what_was_there(
    tmp_path: Path, points: np.ndarray, monkeypatch: pytest.MonkeyPatch, child: str, words: str
) -> None:
    picture = write_image(tmp_path / "a.png", np.zeros((50, 50, 3), dtype=np.uint8))
    target = tmp_path / "out.dat"
    target.write_text("as it was")
    monkeypatch.setattr(sys, "executable", _python_that_runs(child, tmp_path / "python"))
    face = BoxedFace(picture, points, (0, 0, 40, 40), "labels")
    with pytest.raises(TrainingError, match=words):
        train_predictor([face, face], target, SMALL)
    assert target.read_text() == "as it was" and {file.name for file in tmp_path.iterdir()} == {"a.png", "out.dat", "python"}


def test_an_interrupt_ends_the_training(tmp_path: Path, points: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = write_image(tmp_path / "a.png", np.zeros((50, 50, 3), dtype=np.uint8))
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def remember(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        started.append(popen(*arguments, **options))  # type: ignore[call-overload]
        return started[0]

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", remember)
    child = "import sys, time; sys.stdin.buffer.read(); print('Progress: 1/9', file=sys.stderr, flush=True); time.sleep(60)"
    monkeypatch.setattr(sys, "executable", _python_that_runs(child, tmp_path / "python"))
    face = BoxedFace(picture, points, (0, 0, 40, 40), "labels")
    with pytest.raises(KeyboardInterrupt):
        train_predictor([face, face], tmp_path / "out.dat", SMALL, None, interrupt)
    assert started[0].poll() is not None and not (tmp_path / "out.dat").exists()


def test_a_file_that_is_no_predictor_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.dat").write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(ModelError, match=r"no\.dat is no dlib shape predictor, or is cut off"):
        ShapePredictor(tmp_path / "no.dat")
    with pytest.raises(ModelError, match=r"none\.dat is not there"):
        ShapePredictor(tmp_path / "none.dat")
