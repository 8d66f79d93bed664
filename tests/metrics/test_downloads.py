"""A file is downloaded once, checked, and never waited for long. The server here is a real one, on this machine."""

import hashlib
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lianpu import weights
from lianpu.errors import WeightsError
from lianpu.metrics import downloads
from lianpu.metrics.downloads import obtain_model_file
from lianpu.weights import ModelFile

BYTES = b"these are the weights" * 1000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "good.bin").write_bytes(BYTES)
    (folder / "cut.bin").write_bytes(BYTES[:100])

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, directory=str(folder), **options)  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture(autouse=True)
def own_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("LIANPU_OFFLINE", raising=False)


def know(monkeypatch: pytest.MonkeyPatch, url: str, *mirrors: str) -> None:
    entry = ModelFile(
        name="tried",
        file="tried.bin",
        family="test",
        used_for="a test",
        licence="none",
        commercial_use=True,
        trained_on="nothing",
        citation="nobody",
        url=url,
        mirrors=mirrors,
        size_bytes=len(BYTES),
        sha256=hashlib.sha256(BYTES).hexdigest(),
    )
    monkeypatch.setattr(weights, "MODEL_FILES", (entry,))


def test_a_missing_file_is_downloaded_once_and_then_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: str) -> None:
    know(monkeypatch, f"{server}/good.bin")
    progress: list[tuple[int, int]] = []
    file = obtain_model_file("tried", on_progress=lambda done, total: progress.append((done, total)))
    assert file == tmp_path / "models" / "tried.bin" and file.read_bytes() == BYTES
    assert progress[-1] == (len(BYTES), len(BYTES))
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    assert obtain_model_file("tried") == file


def test_the_mirror_is_asked_when_the_first_place_has_no_such_file(monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    know(monkeypatch, f"{server}/gone.bin", f"{server}/good.bin")
    assert obtain_model_file("tried").read_bytes() == BYTES


def test_a_download_that_was_cut_is_refused_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: str
) -> None:
    know(monkeypatch, f"{server}/cut.bin")
    with pytest.raises(WeightsError, match=r"expected 21,000 bytes, got 100"):
        obtain_model_file("tried")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_given_path_is_never_replaced_by_a_download(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: str) -> None:
    know(monkeypatch, f"{server}/good.bin")
    with pytest.raises(WeightsError, match=r"mine\.bin is not there"):
        obtain_model_file("tried", tmp_path / "mine.bin")


def test_a_server_that_never_answers_is_given_up_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "CONNECT_TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        know(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}/x.bin")
        start = time.perf_counter()
        with pytest.raises(WeightsError, match=r"could not be downloaded .*no answer within 0\.3 s.*put it at"):
            obtain_model_file("tried")
        assert time.perf_counter() - start < 3


def test_offline_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    know(monkeypatch, f"{server}/good.bin")
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    with pytest.raises(WeightsError, match=r"tried\.bin .* is not on this machine \(LIANPU_OFFLINE is set\)"):
        obtain_model_file("tried")
