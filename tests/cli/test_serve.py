"""`lianpu serve` as it is typed, short of the page itself (tests/web)."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lianpu.cli.main import main
from lianpu.cli.serve import ServeArguments, engine_settings, read_users
from lianpu.models.store.locate import require_model_file
from lianpu.web.engine import Engine
from tests.support.colour_parser import write_colour_parser


def _refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    with pytest.raises(SystemExit) as exit_:
        main(["serve", *map(str, words)])
    assert exit_.value.code == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_help_loads_neither_fastapi_nor_torch() -> None:
    code = "import sys; sys.argv = ['lianpu', 'serve', '--help']\nfrom lianpu.cli.main import main\ntry:\n    main()\nfinally:\n    print('heavy:', [name for name in ('fastapi', 'torch', 'cv2', 'onnxruntime') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "--max-megapixels" in done.stdout and "heavy: []" in done.stdout, done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org", "::"])
def test_other_machines_are_let_in_with_a_password_only(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = _refused(capsys, "--host", host)
    assert f"--host {host} can be reached from other machines" in said and "--no-auth" in said


def test_a_password_and_none_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert "exclude each other" in _refused(capsys, "--auth", "anna:x", "--no-auth")


@pytest.mark.parametrize("word", ["anna", "anna:", ":secret", ""])
def test_a_password_is_spelled_user_colon_password(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "write USER:PASSWORD" in _refused(capsys, "--auth", word)


def test_passwords_come_from_the_command_line_a_file_and_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text("bert:b:with:colons\n\ncarl:c\n", encoding="utf-8")
    users = read_users(ServeArguments(auth=("anna:a",), auth_file=file), "dora:d")
    assert users == {"anna": "a", "bert": "b:with:colons", "carl": "c", "dora": "d"}
    assert read_users(ServeArguments(), None) == {}


def test_a_file_of_passwords_that_is_missing_or_empty_lets_nobody_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "cannot be read" in _refused(capsys, "--auth-file", tmp_path / "none")
    (tmp_path / "empty").touch()
    assert "has no line USER:PASSWORD" in _refused(capsys, "--auth-file", tmp_path / "empty")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--port", 70000), "--port 70000 is not from 0 to 65535"),
        (("--max-mb", 0), "--max-mb 0 is not above 0"),
        (("--model", "nowhere.onnx"), "nowhere.onnx is not there"),
        (("--detector", "yunett", "--model", "none"), "'yunett' is no detector (did you mean 'yunet'?)"),
        (("--c2pa-key", "key.pem"), "Signing takes both --c2pa-cert and --c2pa-key"),
        (("--c2pa-key", "key.pem", "--c2pa-cert", "cert.pem"), "cert.pem is not there. Give a PEM file."),
        (("--model", "none", "--detector", "dlib", "--host", "203.0.113.7", "--no-auth"), "cannot be served on 203.0.113.7:7860"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(
    words: tuple[object, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in _refused(capsys, *words)


def test_commercial_safe_says_all_that_is_missing_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    said = _refused(capsys, "--commercial-safe", "--detector", "dlib")
    assert "--detector dlib: shape_predictor_68_face_landmarks.dat" in said
    assert "--landmarks auto: face_landmark_with_attention.tflite" in said and "lianpu landmarks train" in said
    said = _refused(capsys, "--commercial-safe", "--detector", "dlib", "--landmarks", "dlib")
    assert "--parser auto: face-parser-small.onnx may not be used commercially" in said and "--parser RUN" in said


def test_commercial_safe_names_the_editor_among_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    said = _refused(capsys, "--commercial-safe", "--detector", "dlib", "--model", "lite")
    assert "--landmarks auto: face_landmark_with_attention.tflite" in said
    assert "--model lite: " in said and "may not be used commercially" in said.partition("--model lite: ")[2]


def test_commercial_safe_works_with_models_of_ones_own_and_leaves_the_bundled_editor_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = tmp_path / "mine.dat"
    points.symlink_to(require_model_file("dlib-landmarks-68"))
    monkeypatch.setenv("LIANPU_COMMERCIAL_SAFE", "1")
    parser = write_colour_parser(tmp_path / "parser.onnx", 32)
    detector = SimpleNamespace(name="yunet_n_640_640")  # a real file of it is opened in tests/faces
    monkeypatch.setattr("lianpu.faces.detectors.load_detector", lambda *_, **__: detector)
    facts = Engine(
        engine_settings(ServeArguments(detector="yunet", parser=str(parser), landmarks=str(points), threads=1))
    ).describe()
    assert facts["editor"] is None and facts["card"] == {} and facts["attributes"] == []
    assert "landmarks: mine.dat" in facts["models"] and "free for any use" in facts["models"].values()
    assert not any("non-commercial" in licence for licence in facts["models"].values())


def test_without_fastapi_it_is_named() -> None:
    code = "import sys; sys.modules['fastapi'] = None; sys.argv = ['lianpu', 'serve']\nfrom lianpu.cli.main import main\nmain()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert (
        "lianpu serve needs libraries that are not installed (fastapi)" in done.stderr
        and "pip install 'lianpu[web]'" in done.stderr
    )
