"""One address into one `.partial` file: resumed after a broken connection, never longer than expected. The only door to requests.

requests brings proxies, certificates and redirects; ours are the continuation (RFC 9110, 13.1.5 If-Range and 14 Range Requests),
the limits, and an answer within seconds when there is no network.
"""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
import urllib3.exceptions
from requests.utils import should_bypass_proxies

from lianpu.files import disk_errors_named
from lianpu.models.store.sources import Network, SilentError, TransferError, WebPageError, is_secure

OnProgress = Callable[[int, int], None]

BLOCK_TIMEOUT_S = 20.0
"""How long a download may stand still."""

ATTEMPTS = 4
"""How often a broken connection is made anew without a new byte in between."""

BACKOFF_S = 0.5
"""The first pause before that; each next one is twice as long."""

_BLOCK_BYTES = 1 << 14  # what is less than a block when the connection breaks is lost

_PASSING = (408, 425, 429, 500, 502, 503, 504)


class _BrokenError(Exception):
    """The connection ended early, or the server is busy: worth another try. `tag` names the version that was being sent."""

    def __init__(self, reason: str, tag: str = "") -> None:
        super().__init__(reason)
        self.tag = tag


def transfer(url: str, partial: Path, size_bytes: int, network: Network, on_progress: OnProgress | None = None) -> None:
    """Fill `partial` with the `size_bytes` bytes of `url`, going on after what it holds already. Whether they are right is not asked.

    Args:
        url: https, or http to this machine.
        partial: keeps the bytes received so far if the connection fails for good.
        size_bytes: nothing is written beyond.
        network: proxy and patience.
        on_progress: called with bytes done and bytes in all.

    Raises:
        TransferError: this address does not give the file.
        LianpuError: the disk is full or the folder cannot be written.
    """
    furthest, failures, tag = _length(partial), 0, ""
    with _Session(network.proxy) as session:
        while True:
            try:
                _receive(session, url, partial, size_bytes, tag, network, on_progress)
                return
            except (_BrokenError, SilentError) as problem:
                if isinstance(problem, SilentError) and failures == 0:
                    raise
                failures = 1 if _length(partial) > furthest else failures + 1
                furthest, tag = max(furthest, _length(partial)), getattr(problem, "tag", tag)
                if failures >= ATTEMPTS:
                    raise TransferError(f"{problem}, {ATTEMPTS} times") from None
                time.sleep(BACKOFF_S * 2 ** (failures - 1))


def _receive(
    session: requests.Session,
    url: str,
    partial: Path,
    size_bytes: int,
    tag: str,
    network: Network,
    on_progress: OnProgress | None,
) -> None:
    """One request, from where `partial` ends. `tag` makes the server start anew when it has another version by now."""
    if (offset := _length(partial)) == size_bytes:
        return
    if offset > size_bytes:
        partial.unlink()
        offset = 0
    headers = {"Accept-Encoding": "identity", "User-Agent": "lianpu"}
    if offset:
        headers |= {"Range": f"bytes={offset}-"} | ({"If-Range": tag} if tag else {})
    answer = _answer_within(
        network.answer_timeout_s, lambda: session.get(url, headers=headers, stream=True, timeout=BLOCK_TIMEOUT_S)
    )
    with answer:
        offset = _start_of(answer, offset, size_bytes, partial)
        tag = _strong_tag(answer)
        with disk_errors_named(partial), partial.open("ab" if offset else "wb") as stream:
            done = offset
            try:
                for block in answer.iter_content(_BLOCK_BYTES):
                    stream.write(block[: size_bytes - done])
                    done += len(block)
                    if done > size_bytes:
                        raise TransferError(f"gives more than the {size_bytes:,} bytes expected")
                    if on_progress:
                        on_progress(done, size_bytes)
            except requests.RequestException:
                raise _BrokenError(f"the connection broke at {done:,} of {size_bytes:,} bytes", tag) from None
        if done < size_bytes:
            raise _BrokenError(f"the connection ended at {done:,} of {size_bytes:,} bytes", tag)


def _start_of(answer: requests.Response, offset: int, size_bytes: int, partial: Path) -> int:
    """The byte that the answer begins with: `offset`, or 0 where the server starts anew. Raises for every other answer."""
    status = answer.status_code
    if status in _PASSING:
        raise _BrokenError(f"HTTP {status} {answer.reason}")
    if status == 416 or (status == 206 and not _continues(answer, offset)):
        partial.unlink(missing_ok=True)
        raise _BrokenError("does not go on where the partial file ends")
    if status not in (200, 206):
        raise TransferError(f"HTTP {status} {answer.reason}")
    if "text/html" in answer.headers.get("Content-Type", ""):
        raise WebPageError("answers with a web page instead of the file")
    start = offset if status == 206 else 0
    length = answer.headers.get("Content-Length", "")
    if length.isdecimal() and start + int(length) != size_bytes:
        raise TransferError(f"has a file of {start + int(length):,} bytes, expected {size_bytes:,}")
    return start


def _continues(answer: requests.Response, offset: int) -> bool:
    match = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return match is not None and int(match[1]) == offset


def _strong_tag(answer: requests.Response) -> str:
    tag = answer.headers.get("ETag", "")
    return "" if tag.startswith("W/") else tag  # If-Range takes only strong ones


def _length(partial: Path) -> int:
    return partial.stat().st_size if partial.is_file() else 0


class _Session(requests.Session):
    """A session that never leaves https, also when it is sent elsewhere, and that may have one proxy for everything."""

    def __init__(self, proxy: str) -> None:
        super().__init__()
        self._proxies = {"http": proxy, "https": proxy} if proxy else {}

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        url = request.url or ""
        if not is_secure(url):
            raise TransferError(f"leads to {url}, which is not https")
        if self._proxies and not should_bypass_proxies(url, no_proxy=None):
            options["proxies"] = self._proxies
        return super().send(request, **options)


def _answer_within(seconds: float, ask: Callable[[], requests.Response]) -> requests.Response:
    """An open response. A name server that does not answer can block for a minute, so the waiting is done elsewhere."""
    answers: queue.SimpleQueue[requests.Response | Exception] = queue.SimpleQueue()
    given_up = threading.Event()

    def connect() -> None:
        try:
            response = ask()
        except Exception as problem:  # handed to the one who waits
            answers.put(problem)
        else:
            answers.put(response)
            if given_up.is_set():
                response.close()

    threading.Thread(target=connect, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        given_up.set()
        raise SilentError(f"no answer within {seconds:g} s") from None
    if isinstance(answer, requests.RequestException):
        raise _named(answer)
    if isinstance(answer, Exception):
        raise answer
    return answer


def _named(problem: requests.RequestException) -> Exception:
    """The problem in a few words: requests' own go over several lines."""
    cause = problem.args[0] if problem.args else problem
    if isinstance(cause, urllib3.exceptions.ProtocolError):
        return _BrokenError("the connection broke before an answer came")
    reason = getattr(cause, "reason", cause)
    if isinstance(problem, requests.exceptions.ProxyError):
        return TransferError("the proxy does not let it through (HTTPS_PROXY, LIANPU_PROXY)")
    if isinstance(problem, requests.exceptions.SSLError):
        return TransferError("its certificate is not trusted (behind a company's proxy: set REQUESTS_CA_BUNDLE)")
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return SilentError("its name is not known to this network")
    if isinstance(problem, requests.exceptions.Timeout):
        return SilentError("no answer in time")
    return SilentError(str(reason).rpartition(": ")[2][:200] or type(problem).__name__)
