"""A home without models, a table of one model file, and a real server on this machine that can be made to misbehave."""

from __future__ import annotations

import hashlib
import http.server
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lianpu.models import table as weights
from lianpu.models.store import download, importing, transfer
from lianpu.models.table import Archive, ModelFile

BYTES = bytes(range(256)) * 512
"""What the model file of these tests holds."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def entry_of(content: bytes = BYTES, **changes: Any) -> ModelFile:
    """An entry for a file with that content."""
    entry = ModelFile(
        name="tried",
        file="tried.bin",
        family="test family",
        used_for="a test",
        licence="none",
        commercial_use=True,
        trained_on="nothing",
        citation="nobody",
        size_bytes=len(content),
        sha256=sha256(content),
    )
    return replace(entry, **changes)


def archive_of(content: bytes, file: str, url: str = "https://nowhere.invalid/x", *mirrors: str) -> Archive:
    """An archive entry for a file with that content."""
    return Archive(file=file, url=url, mirrors=mirrors, size_bytes=len(content), sha256=sha256(content))


@pytest.fixture
def know(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes the table hold only the given entries."""

    def tell(*entries: ModelFile) -> None:
        for module in (weights, download, importing):
            monkeypatch.setattr(module, "MODEL_FILES", entries)

    return tell


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any model, and no settings, so that nothing on the machine that runs the tests is found or obeyed."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr(transfer, "BACKOFF_S", 0.01)
    for name in (
        *("TORCH_HOME", "XDG_CACHE_HOME", "LIANPU_OFFLINE", "LIANPU_MIRROR", "LIANPU_PROXY", "LIANPU_TIMEOUT", "HF_ENDPOINT"),
        *(
            "LIANPU_COMMERCIAL_SAFE",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "http_proxy",
            "https_proxy",
            "all_proxy",
            "no_proxy",
        ),
    ):
        monkeypatch.delenv(name, raising=False)
    return home


class FileServer:
    """Serves `files` by path. Each request takes the next of `moods` (then: well-behaved) and is kept in `requests`."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"/tried.bin": BYTES}
        self.moods: list[str] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.tag = '"first"'
        self.base = ""

    @property
    def ranges(self) -> list[str]:
        """The Range header of each request, empty where it had none."""
        return [headers.get("Range", "") for _, headers in self.requests]

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        self.requests.append((handler.path, dict(handler.headers.items())))
        mood = self.moods.pop(0) if self.moods else ""
        content = self.files.get(handler.path.split("?")[0])
        if mood.isdecimal():
            return self._send(handler, int(mood), b"no")
        if mood.startswith("to "):
            return self._send(handler, 302, b"", {"Location": mood.removeprefix("to ")})
        if mood == "page":
            return self._send(handler, 200, b"<html>sign in</html>", {"Content-Type": "text/html; charset=utf-8"})
        if content is None:
            return self._send(handler, 404, b"none")
        headers = {"ETag": self.tag}
        match = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        if match and not mood.startswith("ignore range") and handler.headers.get("If-Range", self.tag) == self.tag:
            start = int(match[1]) + (7 if mood == "shifted" else 0)
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            return self._send(handler, 206, content[start:], headers, cut=mood == "drop")
        self._send(handler, 200, content, headers, cut=mood in ("drop", "ignore range and drop"))
        return None

    def _send(self, handler: Any, status: int, content: bytes, headers: dict[str, str] | None = None, cut: bool = False) -> None:
        handler.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | (headers or {})).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2] if cut else content)
        if cut:
            handler.wfile.flush()
            handler.close_connection = True


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A running server."""
    files = FileServer()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            files.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that goes away is nothing to print."""

    with Server(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        files.base = f"http://127.0.0.1:{running.server_port}"
        yield files
        running.shutdown()


@pytest.fixture
def made() -> Any:
    """The makers of this file: `made.entry_of`, `made.archive_of`, `made.BYTES`."""

    class Made:
        pass

    result: Any = Made()
    result.entry_of, result.archive_of, result.sha256, result.BYTES = entry_of, archive_of, sha256, BYTES
    return result
