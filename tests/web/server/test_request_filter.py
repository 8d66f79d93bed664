"""Requests that are refused before they reach Gradio."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from lianpu.web.server.request_filter import (
    MAX_CALL_BYTES,
    RequestFilter,
    fully_unquoted,
    host_name,
    is_blocked,
    names_foreign_file,
)

ROOT = Path("/tmp/a")


def _ask(
    path: str, method: str = "GET", body: bytes = b"", host: str = "localhost:1", hosts: frozenset[str] | None = None
) -> Any:
    """The status of an answer, its headers, and the body that the application behind the filter read (None when it was not called)."""
    seen: list[bytes] = []
    sent: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        message = await receive() if method == "POST" else {"body": b""}
        seen.append(message["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"well"})

    parts = [body[:10], body[10:]]

    async def receive() -> Any:
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "path": path, "method": method, "headers": [(b"host", host.encode())]}
    asyncio.run(RequestFilter(application, ROOT, hosts)(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), (seen[0] if seen else None)


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=http://example.org/a.png",
        "/file=https:/example.org/a.png",
        "/gradio_api/file=%68ttp%3A//example.org",
        "/gradio_api/file=file:///etc/passwd",
        "/gradio_api/proxy=http://example.org",
        "/proxy%3dhttp://example.org",
        "//gradio_api/deep_link",
        "/gradio_api/component_server",
        "/monitoring/summary",
        "/gradio_api/file/etc/passwd",
    ],
)
def test_what_the_page_never_requests_is_not_found(path: str) -> None:
    status, _, called = _ask(path)
    assert status == 404 and called is None


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/file=/tmp/x/photo.png", "/gradio_api/upload", "/assets/index.js"])
def test_what_the_page_requests_passes_with_security_headers(path: str) -> None:
    status, headers, called = _ask(path)
    assert status == 200 and called == b""
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert b"connect-src 'self'" in headers[b"content-security-policy"]


def test_a_call_arrives_whole() -> None:
    body = json.dumps({"data": [{"path": "/tmp/a/photo.png"}, "http://words.in.text"], "fn_index": 1}).encode()
    assert _ask("/gradio_api/queue/join", "POST", body)[2] == body


@pytest.mark.parametrize(
    "path",
    [
        "http://example.org/a.png",
        " HTTPS://example.org",
        "file:///etc/passwd",
        "ftp://example.org/a",
        "/etc/passwd",
        "/tmp/a/../b.png",
        "/tmp/ab.png",
        "photo.png",
        "C:\\a.png",
    ],
)
def test_a_call_that_names_a_file_that_is_no_upload_is_refused(path: str) -> None:
    body = json.dumps({"data": [[{"deep": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}]]}).encode()
    status, _, called = _ask("/gradio_api/call/edit", "POST", body)
    assert status == 400 and called is None


def test_a_call_that_is_no_json_or_too_long_is_refused() -> None:
    assert _ask("/gradio_api/queue/join", "POST", b"{" * 20)[0] == 400
    assert _ask("/gradio_api/run/edit", "POST", b" " * (MAX_CALL_BYTES + 1))[0] == 413
    assert names_foreign_file(b"[" * 100_000, ROOT)


def test_a_foreign_name_for_this_server_is_refused() -> None:
    hosts = frozenset({"localhost", "127.0.0.1", "::1"})
    assert _ask("/", host="localhost:7860", hosts=hosts)[0] == 200
    assert _ask("/", host="[::1]:7860", hosts=hosts)[0] == 200
    assert _ask("/", host="evil.example", hosts=hosts)[0] == 421
    assert _ask("/", host="evil.example", hosts=None)[0] == 200


def test_host_names_and_paths_are_normalized_before_they_are_checked() -> None:
    assert host_name("LOCALHOST:80") == "localhost" and host_name("[::1]:80") == "::1" and host_name("") == ""
    assert fully_unquoted("//a%252Fb\\c") == "/a/b/c"
    assert is_blocked("/gradio_api/file=data:text/html,x") and not is_blocked("/gradio_api/file=/tmp/a.png")
