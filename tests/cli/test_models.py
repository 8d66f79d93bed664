"""`lianpu models` lists, fetches, checks and imports, and obeys --commercial-safe."""

import hashlib
import http.server
import json
import os
import shutil
import signal
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lianpu.cli import main as cli_main
from lianpu.cli.main import main
from lianpu.editors.loading import load_editor
from lianpu.models import table as weights
from lianpu.models.store import download, importing
from lianpu.models.store.locate import models_folder
from lianpu.models.table import MODEL_FILES, ModelFile, model_file
from lianpu.stargan.networks import Generator
from lianpu.stargan.published import write_published_weights
from tests.support.shared import YUNET, real_model

CONTENT = b"a small model" * 100


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home without any model, and no settings."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("COLUMNS", "220")
    for name in ("TORCH_HOME", "XDG_CACHE_HOME", "LIANPU_OFFLINE", "LIANPU_MIRROR", "LIANPU_COMMERCIAL_SAFE", "LIANPU_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[ModelFile, ...]]:
    """A table of two files, one of them for research only, and a server that has both."""
    served = tmp_path / "served"
    served.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(served))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        made = []
        for name, free in (("free", True), ("research", False)):
            content = CONTENT + name.encode()
            (served / f"{name}.bin").write_bytes(content)
            made.append(
                replace(
                    model_file("yunet"),
                    name=name,
                    file=f"{name}.bin",
                    family="pair",
                    url=f"http://127.0.0.1:{server.server_port}/{name}.bin",
                    mirrors=(),
                    size_bytes=len(content),
                    sha256=hashlib.sha256(content).hexdigest(),
                    licence="MIT" if free else "research only",
                    commercial_use=free,
                    instead="" if free else "free",
                )
            )
        for module in (weights, download, importing):
            monkeypatch.setattr(module, "MODEL_FILES", tuple(made))
        yield tuple(made)
        server.shutdown()


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    main(["models", *words])
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["models", *words])
    assert ended.value.code == 1
    message = capsys.readouterr().err
    assert message.startswith("lianpu: ") and message.count("\n") == 1
    return message


def test_the_list_tells_of_every_file_what_it_may_be_used_for(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "list").splitlines()
    for entry in MODEL_FILES:
        row = next(line for line in lines if line.strip().startswith(f"{entry.name} "))
        assert entry.file in row and (" yes " if entry.commercial_use else " no ") in row


def test_the_list_as_json_has_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(shown(capsys, "list", "--json"))
    assert [row["name"] for row in rows] == [entry.name for entry in MODEL_FILES]
    scrfd = next(row for row in rows if row["name"] == "scrfd-10g")
    assert scrfd["here"] is None and scrfd["commercial_use"] is False and scrfd["size_bytes"] == 16_923_827
    lpips = next(row for row in rows if row["name"] == "lpips-alexnet-heads")
    assert Path(lpips["here"]).name == "alex.pth"


def test_the_list_of_what_may_be_sold_leaves_the_rest_out(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(shown(capsys, "list", "--json", "--commercial-safe"))
    assert [row["name"] for row in rows] == [entry.name for entry in MODEL_FILES if entry.commercial_use]
    left_out = sum(not entry.commercial_use for entry in MODEL_FILES)
    assert f"{left_out} files are not shown" in shown(capsys, "list", "--commercial-safe")


def test_a_family_is_fetched_and_checked(capsys: pytest.CaptureFixture[str], entries: tuple[ModelFile, ...]) -> None:
    said = shown(capsys, "fetch", "pair")
    assert f"{models_folder() / 'free.bin'}  (MIT)" in said and f"{models_folder() / 'research.bin'}  (research only)" in said
    assert "is here already" in shown(capsys, "fetch", "free")
    assert "2 of 2 files are here and intact" in shown(capsys, "check")
    (models_folder() / "free.bin").write_bytes(b"x" * entries[0].size_bytes)
    assert "1 of 2 model files are damaged" in refused(capsys, "check")


def test_commercial_safe_refuses_before_anything_is_fetched(
    capsys: pytest.CaptureFixture[str], entries: tuple[ModelFile, ...]
) -> None:
    message = refused(capsys, "fetch", "free", "research", "--commercial-safe")
    assert "research.bin (research) may not be used commercially: research only. Use free instead" in message
    assert not models_folder().exists() and "LIANPU_COMMERCIAL_SAFE" not in os.environ
    assert "free.bin" in shown(capsys, "fetch", "free", "--commercial-safe")


def test_what_can_be_fetched_is_fetched_although_another_cannot(
    capsys: pytest.CaptureFixture[str], entries: tuple[ModelFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = replace(entries[0], url=f"{entries[0].url}.gone")
    for module in (weights, download, importing):
        monkeypatch.setattr(module, "MODEL_FILES", (broken, entries[1]))
    assert "free.bin" in refused(capsys, "fetch", "all")
    assert [file.name for file in models_folder().iterdir() if file.is_file()] == ["research.bin"]


def test_several_problems_are_told_line_by_line(
    capsys: pytest.CaptureFixture[str], entries: tuple[ModelFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    with pytest.raises(SystemExit):
        main(["models", "fetch", "all"])
    said = capsys.readouterr()
    assert said.err == "lianpu: 2 of 2 files could not be fetched: free.bin, research.bin. The lines above say why.\n"
    assert [line.split()[:3] for line in said.out.splitlines()] == [
        ["NOT", "FETCHED", "free.bin"],
        ["NOT", "FETCHED", "research.bin"],
    ]


@pytest.mark.parametrize(
    ("partial", "told"),
    [
        (b"a small", "Stopped. What came so far is kept: repeat the command to resume."),
        (b"", "Stopped. Repeat the command to fetch the rest."),
    ],
)
def test_a_stopped_download_says_how_to_go_on(
    capsys: pytest.CaptureFixture[str],
    entries: tuple[ModelFile, ...],
    monkeypatch: pytest.MonkeyPatch,
    partial: bytes,
    told: str,
) -> None:
    if partial:
        models_folder().mkdir()
        (models_folder() / "free.bin.partial").write_bytes(partial)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        entry = replace(entries[0], url=f"http://127.0.0.1:{silent.getsockname()[1]}/x")
        for module in (weights, download, importing):
            monkeypatch.setattr(module, "MODEL_FILES", (entry,))

        def interrupt_when_asked() -> None:
            connection, _ = silent.accept()
            with connection:
                connection.recv(1)  # the request has come, so somebody waits for the answer
                time.sleep(0.2)
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.5)

        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever an earlier test left there
        threading.Thread(target=interrupt_when_asked, daemon=True).start()
        try:
            assert told in refused(capsys, "fetch", "free")
        finally:
            signal.signal(signal.SIGINT, before)


def test_nothing_named_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "No name is given. Name the files to fetch" in refused(capsys, "fetch")


def test_offline_the_message_says_what_to_do(
    capsys: pytest.CaptureFixture[str], entries: tuple[ModelFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    message = refused(capsys, "fetch", "free")
    assert not models_folder().exists()
    assert "LIANPU_OFFLINE is set" in message and "lianpu models import FILE (or put it at" in message


def test_an_unknown_name_gets_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert "called 'bufalo_l' (did you mean 'buffalo_l'?)" in refused(capsys, "fetch", "bufalo_l")


def test_a_file_is_imported_and_near_misses_are_told(
    capsys: pytest.CaptureFixture[str], entries: tuple[ModelFile, ...], tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    (mine / "deeper").mkdir(parents=True)
    (mine / "deeper" / "renamed").write_bytes(CONTENT + b"free")
    (mine / "research.bin").write_bytes(b"cut")
    said = shown(capsys, "import", str(mine))
    assert f"renamed is free: copied, {models_folder() / 'free.bin'}  (MIT)" in said
    assert "NOT IMPORTED" in said and "research.bin is not research: expected" in said
    assert "here already" in shown(capsys, "import", str(mine))
    assert "is not there" in refused(capsys, "import", str(tmp_path / "nothing"))


def test_the_real_yunet_is_known_by_its_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    models = real_model(YUNET).parent
    assert "yunet_n_640_640.onnx is yunet-640: copied" in shown(capsys, "import", str(models))
    assert (models_folder() / "yunet_n_640_640.onnx").stat().st_size == model_file("yunet-640").size_bytes


def test_any_command_takes_commercial_safe(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["models", "--commercial-safe", "fetch", "scrfd-10g"])
    assert ended.value.code == 1
    assert "det_10g.onnx (scrfd-10g) may not be used commercially" in capsys.readouterr().err


@pytest.fixture
def mesh_here(converted_mediapipe: Path) -> Path:
    """The folder of models with the mesh in it, not yet converted."""
    models_folder().mkdir()
    return Path(shutil.copy(converted_mediapipe / "face_landmark_with_attention.tflite", models_folder()))


def test_a_tflite_file_is_converted_by_fetch_and_listed_as_what_runs(mesh_here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = mesh_here.with_suffix(".onnx")
    assert f"face_landmark_with_attention.tflite is here already: {made}" in shown(
        capsys, "fetch", "face-mesh", "--commercial-safe"
    )
    row = next(row for row in json.loads(shown(capsys, "list", "--json")) if row["name"] == "face-mesh")
    assert (row["here"], row["runs_as"], row["commercial_use"]) == (str(mesh_here), made.name, True)

    mesh_here.unlink()  # what was made of it is enough
    assert f"is here already: {made}" in shown(capsys, "fetch", "face-mesh")
    assert f"ok       face-mesh: {made}" in shown(capsys, "check")


def test_check_tells_a_converted_file_that_is_to_be_made_again(mesh_here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mesh_here.with_suffix(".onnx").write_bytes(b"cut off")
    said = shown(capsys, "check")
    assert f"ok       face-mesh: {mesh_here}" in said
    assert f"OLD      {mesh_here.with_suffix('.onnx')} is damaged or of an older converter: it is made again" in said


def test_import_tells_that_a_file_was_converted(
    converted_mediapipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = tmp_path / "any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(converted_mediapipe / "face_landmark.tflite", "mediapipe/modules/face_landmark/face_landmark.tflite")
    said = shown(capsys, "import", str(wheel))
    assert (
        f"face_landmark.tflite is face-mesh-468: copied and converted to ONNX, {models_folder() / 'face_landmark.tflite'}" in said
    )


def test_a_family_of_one_wheel_that_cannot_be_fetched_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    message = refused(capsys, "fetch", "mediapipe")
    assert message.count("LIANPU_OFFLINE is set") == 1
    assert "The same holds for face_landmark.tflite, " in message and message.endswith("selfie_segmentation_landscape.tflite.\n")


def test_a_model_that_a_command_needs_is_announced_on_standard_error(
    capsys: pytest.CaptureFixture[str], entries: tuple[ModelFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No command fetches one of this test's models, so that of a command is stood in for by one that fetches."""
    from lianpu.models.store.first_use import shown as shown_by_the_command

    def needs_it(program: str, command: object, words: list[str]) -> None:
        with shown_by_the_command(entries[0]) as on_progress:
            print(f"on {program}: {on_progress}")

    monkeypatch.setattr(cli_main, "run_command", needs_it)
    main(["faces"])
    said = capsys.readouterr()
    assert said.err == "Fetching free (face boxes and 5 points (YuNet, pictures of any size); 0.0 MB; MIT) ...\n"
    assert said.out == "on lianpu faces: None\n"


def test_a_published_generator_becomes_a_file_that_describes_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_published_weights(Generator(4, 2, 1), tmp_path / "200000-G.ckpt")
    error = refused(capsys, "import", "200000-G.ckpt")
    assert "does not say its labels and size" in error and "lianpu models import 200000-G.ckpt --attributes" in error
    said = shown(capsys, "import", "200000-G.ckpt", "--attributes", "Male", "Young", "--image-size", "32")
    assert "200000-G.onnx" in said and "Male, Young" in said and "opset 18" in said
    info = load_editor(tmp_path / "200000-G.onnx").info
    assert info.attributes.names == ("Male", "Young") and info.image_size == 32 and "non-commercial" in info.licence
    assert "exists already" in refused(capsys, "import", "200000-G.ckpt", "--attributes", "Male", "Young", "--image-size", "32")
    assert "edits 2 attributes, but 1 were named" in refused(
        capsys, "import", "200000-G.ckpt", "--attributes", "Male", "--image-size", "32", "--out", "other.onnx"
    )
    (tmp_path / "notes.bin").write_bytes(b"notes")
    assert "are for a published generator" in refused(capsys, "import", "notes.bin", "--attributes", "Male")
