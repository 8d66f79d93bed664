"""A filter before the server: who may ask, from where, and how much they may send.

A page of another site can make a browser send calls here (cross-site requests), or point its own name to this machine (DNS rebinding).
Browsers say where a call comes from in Host, Origin and Sec-Fetch-Site, and those are checked before anything is read.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

Message = MutableMapping[str, Any]

Receive = Callable[[], Awaitable[Message]]

Send = Callable[[Message], Awaitable[None]]

Application = Callable[[Message, Receive, Send], Awaitable[None]]

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' blob:; worker-src 'self' blob:; img-src 'self' blob: data:; "
    "media-src 'self' blob: mediastream:; style-src 'self' 'unsafe-inline'; connect-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Browsers load what comes from this server and nothing else."""

_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),  # with the next one, browsers give the page several threads
    (b"cross-origin-embedder-policy", b"require-corp"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

SILENCE_S = 30.0
"""How long a sender may be silent in the middle of a call."""

WRONG_PASSWORDS, WITHIN_S = 5, 60.0
"""Wrong passwords from one address, and the time within which no more are tried."""

_MOST_ADDRESSES = 10_000


@dataclass
class Logins:
    """Users and their passwords, and who tried wrong ones of late.

    Args:
        users: passwords by name; empty lets everybody in.
        clock: seconds, as time.monotonic.
        wrong: when wrong passwords came, by address; of the last 10,000 addresses.
    """

    users: Mapping[str, str]
    clock: Callable[[], float] = time.monotonic
    wrong: dict[str, deque[float]] = field(default_factory=dict)

    def answer(self, authorization: str, address: str) -> int:
        """200 for who may enter, 401 for who has to give a password, 429 for who tried too many."""
        if not self.users:
            return 200
        now = self.clock()
        tried = self.wrong.get(address, deque())
        while tried and now - tried[0] > WITHIN_S:
            tried.popleft()
        if len(tried) >= WRONG_PASSWORDS:
            return 429
        if not authorization:
            return 401
        if self._knows(authorization):
            self.wrong.pop(address, None)
            return 200
        tried.append(now)
        self.wrong[address] = tried
        while len(self.wrong) > _MOST_ADDRESSES:
            self.wrong.pop(next(iter(self.wrong)))
        return 401

    def _knows(self, authorization: str) -> bool:
        """Whether a header of HTTP Basic (RFC 7617) names a user with its password; compared in constant time."""
        scheme, _, coded = authorization.partition(" ")
        try:
            name, _, password = base64.b64decode(coded, validate=True).decode().partition(":")
        except ValueError:  # no base64, or no UTF-8
            return False
        expected = self.users.get(name, "")
        same = hmac.compare_digest(expected.encode(), password.encode())
        return scheme.lower() == "basic" and same and name in self.users


class Guard:
    """An ASGI application around another.

    Args:
        app: answers the calls that pass.
        logins: who may enter.
        hosts: the host names (without port) that a Host header may have; None allows any.
        most_bytes: the bytes that a call of a method and path may send.
    """

    def __init__(
        self, app: Application, logins: Logins, hosts: frozenset[str] | None, most_bytes: Callable[[str], float]
    ) -> None:
        self.app, self.logins, self.hosts, self.most_bytes = app, logins, hosts, most_bytes

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Refuse one call, or pass it on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        address = str((scope.get("client") or ("",))[0])
        if (refused := self._refused(scope, headers, address)) is not None:
            await _refuse(send, *refused)
            return
        await self._passed_on(scope, receive, send, self.most_bytes(scope["path"]))

    def _refused(self, scope: Message, headers: Mapping[bytes, str], address: str) -> tuple[int, str] | None:
        host = headers.get(b"host", "")
        if self.hosts is not None and host_name(host) not in self.hosts:
            return 421, "This server does not answer to that host name."
        if comes_from_elsewhere(scope["method"], headers):
            return 403, "Calls from pages of other sites are not answered."
        status = self.logins.answer(headers.get(b"authorization", ""), address)
        if status != 200:
            return status, "A name and a password are needed." if status == 401 else "Too many wrong passwords. Wait a minute."
        length = headers.get(b"content-length", "0")
        if not length.isdigit() or int(length[:20]) > self.most_bytes(scope["path"]):
            return 413, "This is more than the server takes at once."
        return None

    async def _passed_on(self, scope: Message, receive: Receive, send: Send, most_bytes: float) -> None:
        got, over, started = 0, 0, False

        async def receiving() -> Message:
            nonlocal got, over
            if scope["method"] in ("GET", "HEAD") or got < 0:
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), SILENCE_S)
            except asyncio.TimeoutError:
                over = 408
                return {"type": "http.disconnect"}
            got += len(message.get("body", b""))
            if got > most_bytes:
                over = 413
                return {"type": "http.disconnect"}
            if not message.get("more_body", False):
                got = -1  # all is here: what comes now is only that the caller goes
            return message

        async def sending(message: Message) -> None:
            nonlocal started
            if over and not started:
                return
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        try:
            await self.app(scope, receiving, sending)
        except Exception:
            if not over:
                raise
        if over and not started:
            await _refuse(
                send, over, "The call took too long to arrive." if over == 408 else "This is more than the server takes."
            )


def comes_from_elsewhere(method: str, headers: Mapping[bytes, str]) -> bool:
    """Whether a browser says that another site's page makes this call; opening the page by a link is none."""
    origin = headers.get(b"origin")
    if origin is not None and method not in ("GET", "HEAD") and origin.partition("://")[2] != headers.get(b"host", ""):
        return True
    return headers.get(b"sec-fetch-site") in ("cross-site", "same-site") and headers.get(b"sec-fetch-mode") != "navigate"


def host_name(header: str) -> str:
    """The host name of a Host header in lower case, without port; IPv6 addresses without brackets."""
    header = header.strip().lower()
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


async def _refuse(send: Send, status: int, line: str) -> None:
    body = b'{"error": "%s"}' % line.encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *_HEADERS]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="Lianpu", charset="UTF-8"'))
    if status == 429:
        headers.append((b"retry-after", str(int(WITHIN_S)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
