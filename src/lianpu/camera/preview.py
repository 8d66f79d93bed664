"""The preview: a page on 127.0.0.1 that shows the edited picture, made with the standard library.

A page and not a window: cv2.imshow depends on which OpenCV wheel was installed last, and ends the process where there is no display; tkinter is
missing from many Pythons and is limited to one thread. A browser works everywhere, also at the other end of an ssh tunnel. The page's address
holds a secret, so that neither other users of the machine nor other pages can see the camera.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files

import cv2

from lianpu.errors import SettingsError
from lianpu.imaging.picture import Picture

_HOST = "127.0.0.1"

_BOUNDARY = b"lianpu-frame"

_QUALITY = 85

_JOIN_S = 2.0


class Preview:
    """A page that shows the newest picture: see `preview_page`."""

    name = "preview"

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        self.url = ""
        self._changed = threading.Condition()
        self._picture: Picture | None = None
        self._number = 0
        self._data = b""
        self._encoded = 0
        self._viewers = 0
        self._statistics: Mapping[str, float] = {}
        self._closed = False

    def show(self, picture: Picture, time_s: float) -> None:
        """Show a picture (H, W, 3). Viewers get the newest one at the speed of their connection; without viewers nothing is encoded."""
        with self._changed:
            self._picture, self._number = picture, self._number + 1
            self._changed.notify_all()

    def update(self, statistics: Mapping[str, float]) -> None:
        """Set the numbers below the picture."""
        self._statistics = dict(statistics)

    def close(self) -> None:
        """End all streams."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def statistics(self) -> Mapping[str, float]:
        """The newest numbers."""
        return self._statistics

    def encode(self) -> None:
        """Encode each new picture once for all viewers, skipping those that a newer one has replaced, until the page closes."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or (self._viewers > 0 and self._number > self._encoded))
                picture, number = self._picture, self._number
                if self._closed or picture is None:
                    return
            _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
            with self._changed:
                self._data, self._encoded = data.tobytes(), number
                self._changed.notify_all()

    def jpegs(self) -> Iterator[bytes]:
        """Each new picture as JPEG, skipping those that a newer one has replaced, until the page closes."""
        with self._changed:
            # without viewers nothing was encoded: what is kept is older than the newest picture, unless nothing came since
            seen = self._encoded if not self._viewers and self._encoded < self._number else 0
            self._viewers += 1
            self._changed.notify_all()
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda seen=seen: self._closed or self._encoded > seen)  # type: ignore[misc]
                    if self._closed:
                        return
                    data, seen = self._data, self._encoded
                yield data
        finally:
            with self._changed:
                self._viewers -= 1


@contextmanager
def preview_page(stop: threading.Event, port: int = 0) -> Iterator[Preview]:
    """A page at `url` while the block runs; its button and the key q set `stop`.

    Args:
        stop: ends the camera.
        port: 0 takes a free one.

    Raises:
        SettingsError: the port is taken or may not be used.
    """
    preview = Preview(stop)
    secret = secrets.token_urlsafe(16)
    try:
        server = _Server((_HOST, port), _handler(preview, f"/{secret}/"))
    except (OSError, OverflowError) as problem:
        raise SettingsError(
            f"--port {port}: the preview page cannot use it ({problem}). Give another port, 0 for a free one, or --no-preview."
        ) from None
    preview.url = f"http://{_HOST}:{server.server_address[1]}/{secret}/"
    serving = threading.Thread(target=server.serve_forever, name="preview", kwargs={"poll_interval": 0.1}, daemon=True)
    encoding = threading.Thread(target=preview.encode, name="preview encoder", daemon=True)
    for thread in (serving, encoding):
        thread.start()
    try:
        yield preview
    finally:
        preview.close()
        server.shutdown()
        server.server_close()
        for thread in (serving, encoding):
            thread.join(_JOIN_S)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a browser that has disconnected."""


def _handler(preview: Preview, root: str) -> type[BaseHTTPRequestHandler]:
    page = files("lianpu.camera").joinpath("preview.html").read_bytes()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == root:
                self._answer(page, "text/html; charset=utf-8")
            elif self.path == f"{root}statistics":
                self._answer(json.dumps(preview.statistics).encode(), "application/json")
            elif self.path == f"{root}stream":
                self._stream()
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            if self.path != f"{root}stop":
                self.send_error(404)
                return
            preview.stop.set()
            self._answer(b"{}", "application/json")

        def _stream(self) -> None:
            self.close_connection = True
            self._head(f"multipart/x-mixed-replace; boundary={_BOUNDARY.decode()}")
            self.end_headers()
            self.wfile.write(b"--" + _BOUNDARY + b"\r\n")
            for data in preview.jpegs():  # browsers show a picture when its closing boundary arrives
                head = b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data)
                self.wfile.write(head + data + b"\r\n--" + _BOUNDARY + b"\r\n")

        def _answer(self, body: bytes, kind: str) -> None:
            self._head(kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _head(self, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("X-Frame-Options", "DENY")

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: the terminal shows the statistics."""

    return Handler
