"""A small server for a built page (`web.build`) on this machine: to look at it, and for tests. Real hosting is any web server."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from lianpu.errors import SettingsError
from lianpu.web.build import MARKER

ISOLATION = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
"""Headers with which a browser gives a page shared memory, which several threads need; one thread works without."""


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = {  # noqa: RUF012  the base class has it so
        **SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".js": "text/javascript",
        ".wasm": "application/wasm",
        ".onnx": "application/octet-stream",
    }

    def __init__(self, *arguments: object, isolated: bool, **named: object) -> None:
        self._isolated = isolated
        super().__init__(*arguments, **named)  # type: ignore[arg-type]

    def end_headers(self) -> None:
        for name, value in ISOLATION.items() if self._isolated else ():
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def list_directory(self, path: object) -> None:
        """No listings."""
        self.send_error(404)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing is logged."""


def trial_server(folder: Path, port: int, *, isolated: bool = True) -> ThreadingHTTPServer:
    """A server of a built page, bound to 127.0.0.1; `serve_forever` runs it.

    Raises:
        SettingsError: the folder was not built, or the port is taken.
    """
    if not (Path(folder) / MARKER).is_file():
        raise SettingsError(f"{folder} holds no page. Write one: lianpu web build {folder}")
    handler = partial(_Handler, directory=str(Path(folder).resolve()), isolated=isolated)
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except (OSError, OverflowError) as problem:
        raise SettingsError(f"--port {port} cannot be used ({problem}). Give another one, or 0.") from None
