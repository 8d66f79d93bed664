"""A filter before Gradio: refuses requests that Gradio would answer and that this page never makes.

Gradio fetches URLs of other hosts for its visitors (`/file=http://...`, `/proxy=`, a file whose path is a URL), stores sessions for links,
logs a traceback for every invented path in a call, and answers requests with any Host header. The filter prevents all of that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from os.path import normpath
from pathlib import Path
from typing import Any
from urllib.parse import unquote

Message = MutableMapping[str, Any]

Receive = Callable[[], Awaitable[Message]]

Send = Callable[[Message], Awaitable[None]]

Application = Callable[[Message, Receive, Send], Awaitable[None]]

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; frame-src 'none'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
"""Browsers load what comes from this server and nothing else (Gradio's scripts need the unsafe rules)."""

MAX_CALL_BYTES = 1_000_000
"""Calls name their uploads by path; they do not contain them."""

_CALLS = re.compile(r"^(/gradio_api)?/(queue/join|run/|api/|call/|reset|cancel|stream/)")

_BLOCKED = re.compile(
    r"^(/gradio_api)?/(proxy=|deep_link|monitoring|component_server|process_recording|custom_component|vibe|mcp|runs|dev/|file/)"
)

_FILE_OF_ADDRESS = re.compile(r"/file=\s*[a-zA-Z][a-zA-Z0-9+.-]*:")


class RequestFilter:
    """An ASGI application around another.

    Args:
        app: answers the requests that pass.
        root: the folder of uploads: calls may name no other files.
        hosts: the host names (without port) that a Host header may have; None allows any. A foreign page whose name is made to point to
            this machine (DNS rebinding) sends that foreign name.
    """

    def __init__(self, app: Application, root: Path, hosts: frozenset[str] | None = None) -> None:
        self.app, self.root, self.hosts = app, root, hosts

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Refuse one request, or pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        path = fully_unquoted(scope["path"])
        if self.hosts is not None and host_name(headers.get(b"host", "")) not in self.hosts:
            await _refuse(send, 421, "This server does not answer to that host name.")
        elif is_blocked(path):
            await _refuse(send, 404, "Not found.")
        elif scope["method"] == "POST" and _CALLS.match(path):
            await self._checked_call(scope, receive, send)
        else:
            await self.app(scope, receive, _with_security_headers(send))

    async def _checked_call(self, scope: Message, receive: Receive, send: Send) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > MAX_CALL_BYTES:
                await _refuse(send, 413, "The call is too long.")
                return
        if names_foreign_file(body, self.root):
            await _refuse(send, 400, "Upload files; do not name them by a path or URL.")
            return
        sent = False

        async def again() -> Message:
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, again, _with_security_headers(send))


def is_blocked(path: str) -> bool:
    """Whether an unquoted path is one that this page never requests."""
    return _BLOCKED.match(path) is not None or _FILE_OF_ADDRESS.search(path) is not None


def names_foreign_file(body: bytes, root: Path) -> bool:
    """Whether a JSON call names a file outside of `root`, here or on another host; also true for a body that is not JSON."""
    try:
        value = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return True
    return any(isinstance(path, str) and path and not Path(normpath(path)).is_relative_to(root) for path in _paths(value))


def _paths(value: Any) -> Iterator[Any]:
    """Every value with the key `path`, at any depth."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one.get("path")
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def host_name(header: str) -> str:
    """The host name of a Host header in lower case, without port; IPv6 addresses without brackets."""
    header = header.strip().lower()
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


def fully_unquoted(path: str) -> str:
    """The path percent-decoded until nothing changes, with single slashes: as the most careless server would read it."""
    for _ in range(5):
        path, before = unquote(path), path
        if path == before:
            break
    return re.sub(r"^/+", "/", path.replace("\\", "/"))


def _with_security_headers(send: Send) -> Send:
    """Add the headers against framing, guessed content types, referrers, and content from elsewhere."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                *message.get("headers", []),
                (b"x-content-type-options", b"nosniff"),
                (b"x-frame-options", b"SAMEORIGIN"),
                (b"referrer-policy", b"no-referrer"),
                (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
            ]
        await send(message)

    return sending


async def _refuse(send: Send, status: int, line: str) -> None:
    body = line.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
