"""Calls that are refused before anything reads them."""

import asyncio
import base64
from typing import Any

import pytest

from lianpu.web.guard import WITHIN_S, WRONG_PASSWORDS, Guard, Logins, comes_from_elsewhere, host_name

HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def _ask(
    method: str = "GET",
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    hosts: frozenset[str] | None = None,
    users: dict[str, str] | None = None,
    most: float = 1000,
    kind: str = "http",
) -> Any:
    """The status of an answer, its headers, and the body that the application behind the guard read (None when it was not called)."""
    seen: list[bytes] = []
    sent: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        content, more = b"", method == "POST"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError
            content, more = content + message["body"], message["more_body"]
        seen.append(content)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"well"})

    parts = [body[:10], body[10:]]

    async def receive() -> Any:
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    named = [(name.encode(), value.encode()) for name, value in ({"host": "localhost:1"} | (headers or {})).items()]
    scope = {"type": kind, "path": "/api/edit", "method": method, "headers": named, "client": ("1.2.3.4", 5)}
    asyncio.run(Guard(application, Logins(users or {}), hosts, lambda path: most)(scope, receive, send))
    if kind != "http":
        return sent, None, (seen[0] if seen else None)
    return sent[0]["status"], dict(sent[0]["headers"]), (seen[0] if seen else None)


def test_what_passes_arrives_whole_and_is_answered_with_security_headers() -> None:
    status, headers, body = _ask("POST", b"0123456789abcdef")
    assert status == 200 and body == b"0123456789abcdef"
    assert headers[b"x-content-type-options"] == b"nosniff" and b"frame-ancestors 'none'" in headers[b"content-security-policy"]


def test_a_foreign_name_for_this_server_is_refused() -> None:
    for host, status in (("localhost:7860", 200), ("[::1]:7860", 200), ("evil.example", 421), ("", 421)):
        assert _ask(headers={"host": host}, hosts=HOSTS)[0] == status
    assert _ask(headers={"host": "evil.example"})[0] == 200
    assert host_name("LOCALHOST:80") == "localhost" and host_name("[::1]:80") == "::1" and host_name("") == ""


@pytest.mark.parametrize(
    ("method", "headers", "elsewhere"),
    [
        ("POST", {b"origin": "http://evil.example", b"host": "localhost:1"}, True),
        ("POST", {b"origin": "null", b"host": "localhost:1"}, True),
        ("POST", {b"origin": "http://localhost:2", b"host": "localhost:1"}, True),
        ("POST", {b"origin": "http://localhost:1", b"host": "localhost:1"}, False),
        ("POST", {b"host": "localhost:1"}, False),  # no browser
        ("DELETE", {b"sec-fetch-site": "cross-site", b"host": "localhost:1"}, True),
        ("GET", {b"sec-fetch-site": "cross-site", b"sec-fetch-mode": "no-cors", b"host": "localhost:1"}, True),
        ("GET", {b"sec-fetch-site": "cross-site", b"sec-fetch-mode": "navigate", b"host": "localhost:1"}, False),  # a link
        ("GET", {b"sec-fetch-site": "same-origin", b"host": "localhost:1"}, False),
    ],
)
def test_calls_from_pages_of_other_sites_are_known(method: str, headers: dict[bytes, str], elsewhere: bool) -> None:
    assert comes_from_elsewhere(method, headers) == elsewhere
    if elsewhere:
        assert _ask(method, headers={name.decode(): value for name, value in headers.items()})[::2] == (403, None)


@pytest.mark.parametrize("headers", [{"content-length": "2000"}, {"content-length": "x"}, {"content-length": "9" * 5000}])
def test_a_call_that_says_it_is_too_long_is_refused_unread(headers: dict[str, str]) -> None:
    assert _ask("POST", b"0123456789abcdef", headers)[::2] == (413, None)


def test_a_call_that_becomes_too_long_is_ended() -> None:
    assert _ask("POST", b"0123456789abcdef", most=12)[::2] == (413, None)


def test_other_protocols_are_closed() -> None:
    sent, _, seen = _ask(kind="websocket")
    assert sent == [{"type": "websocket.close", "code": 1008}] and seen is None


def _basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def test_with_users_nothing_is_answered_without_a_password() -> None:
    users = {"anna": "a", "bert": "密:x"}
    assert _ask(users=users)[::2] == (401, None)
    assert _ask(users=users)[1][b"www-authenticate"].startswith(b"Basic")
    assert _ask(users=users, headers={"authorization": _basic("bert", "密:x")})[0] == 200
    for word in (_basic("anna", "密"), _basic("nobody", ""), _basic("nobody", "a"), "Basic x", "Bearer a", "Basic " + "é" * 9):
        assert Logins(users).answer(word, "1.2.3.4") == 401


def test_after_some_wrong_passwords_an_address_has_to_wait() -> None:
    now = [100.0]
    logins = Logins({"anna": "a"}, lambda: now[0])
    assert [logins.answer(_basic("anna", f"{n}"), "1.2.3.4") for n in range(8)] == [401] * WRONG_PASSWORDS + [429] * 3
    assert logins.answer(_basic("anna", "a"), "1.2.3.4") == 429 and logins.answer(_basic("anna", "a"), "1.2.3.5") == 200
    now[0] += WITHIN_S + 1
    assert logins.answer(_basic("anna", "a"), "1.2.3.4") == 200
    assert [logins.answer("", "1.2.3.4") for _ in range(9)] == [401] * 9, "asking for the dialog is no wrong password"


def test_the_addresses_that_are_remembered_are_bounded() -> None:
    logins = Logins({"anna": "a"})
    for number in range(10_050):
        logins.answer("Basic x", str(number))
    assert len(logins.wrong) == 10_000 and "10049" in logins.wrong and "0" not in logins.wrong
