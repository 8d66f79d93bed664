"""The page that shows a camera's picture."""

import http.client
import json
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from lianpu.camera.preview import Preview, preview_page
from lianpu.errors import SettingsError

RED = np.full((48, 64, 3), (230, 20, 20), dtype=np.uint8)
BLUE = np.full((48, 64, 3), (20, 20, 230), dtype=np.uint8)
WAIT_S = 60


@pytest.fixture
def preview() -> Iterator[Preview]:
    with preview_page(threading.Event()) as page:
        yield page


def _ask(preview: Preview, path: str, method: str = "GET") -> tuple[int, bytes]:
    url = urlsplit(preview.url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=WAIT_S)
    connection.request(method, path)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


def _root(preview: Preview) -> str:
    return urlsplit(preview.url).path


def _pictures(stream: http.client.HTTPResponse) -> Iterator[np.ndarray]:
    """What a browser makes of the stream; each picture is whole before the next has come."""
    assert stream.readline().strip() == b"--lianpu-frame"
    while line := stream.readline():
        length = 0
        while line.strip():
            name, _, value = line.decode().partition(":")
            length = int(value) if name == "Content-Length" else length
            line = stream.readline()
        data = stream.read(length)
        assert stream.readline() == b"\r\n" and stream.readline().strip() == b"--lianpu-frame"
        decoded = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None
        yield cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)


def test_the_page_shows_the_newest_picture_and_each_newer_one(preview: Preview) -> None:
    preview.show(BLUE, 0.0)
    preview.show(RED, 0.1)  # blue is gone: nobody was looking
    url = urlsplit(preview.url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=WAIT_S)
    connection.request("GET", f"{url.path}stream")
    stream = connection.getresponse()
    assert stream.getheader("Content-Type", "").startswith("multipart/x-mixed-replace")
    pictures = _pictures(stream)
    assert np.abs(next(pictures).astype(int) - RED).max() < 12
    preview.show(BLUE, 0.2)
    assert np.abs(next(pictures).astype(int) - BLUE).max() < 12
    preview.close()
    assert list(pictures) == []
    connection.close()


def test_the_page_tells_figures_and_is_found_under_its_secret_only(preview: Preview) -> None:
    status, page = _ask(preview, _root(preview))
    assert status == 200 and b'src="stream"' in page
    preview.update({"rate": 24.5, "dropped": 3})
    assert json.loads(_ask(preview, f"{_root(preview)}statistics")[1]) == {"rate": 24.5, "dropped": 3}
    assert len(_root(preview)) > 20
    for path in ("/", "/stream", "/statistics", f"{_root(preview)}../etc/passwd", f"{_root(preview)}other"):
        assert _ask(preview, path)[0] == 404
    assert _ask(preview, "/stop", "POST")[0] == 404 and not preview.stop.is_set()


def test_its_button_stops_the_camera(preview: Preview) -> None:
    assert _ask(preview, f"{_root(preview)}stop")[0] == 404 and not preview.stop.is_set()
    assert _ask(preview, f"{_root(preview)}stop", "POST")[0] == 200 and preview.stop.is_set()


def test_it_can_be_reached_from_this_machine_only_and_a_taken_port_is_said(preview: Preview) -> None:
    port = urlsplit(preview.url).port
    assert preview.url.startswith(f"http://127.0.0.1:{port}/")
    for taken in (port, 70000):
        with pytest.raises(SettingsError, match=f"--port {taken}: .*--no-preview"), preview_page(threading.Event(), taken or 0):
            pass


def test_who_joins_after_a_time_without_viewers_sees_no_old_picture(preview: Preview) -> None:
    preview.show(BLUE, 0.0)
    first = preview.jpegs()
    blue = next(first)
    first.close()  # type: ignore[attr-defined]
    again = next(preview.jpegs())
    assert again is blue, "nothing newer has come"
    preview.show(RED, 0.1)
    decoded = cv2.imdecode(np.frombuffer(next(preview.jpegs()), dtype=np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None and np.abs(decoded[:, :, ::-1].astype(int) - RED).max() < 12


def test_two_viewers_get_the_same_encoded_picture_and_all_threads_end_with_the_page() -> None:
    with preview_page(threading.Event()) as preview:
        first, second = preview.jpegs(), preview.jpegs()
        preview.show(RED, 0.0)
        one = next(first)
        assert next(second) is one, "it is encoded once"
        preview.show(BLUE, 0.1)
        assert next(first) is next(second)
        preview.close()
        assert list(first) == list(second) == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("preview")]
