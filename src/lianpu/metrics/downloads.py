"""A pretrained file: given, found on this machine, or downloaded once. Without a network the answer comes within seconds."""

from __future__ import annotations

import http.client
import os
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lianpu.errors import WeightsError
from lianpu.files import atomic_file
from lianpu.weights import ModelFile, check_model_file, find_model_file, model_file, models_folder, require_model_file

CONNECT_TIMEOUT_S = 4.0
"""How long to wait for the first answer of a server, name lookup included."""

BLOCK_TIMEOUT_S = 20.0
"""How long a download may stand still."""

_BLOCK_BYTES = 1 << 20
_NETWORK_ERRORS = (OSError, http.client.HTTPException)  # urllib's own errors are OSErrors


def is_offline() -> bool:
    """Whether LIANPU_OFFLINE forbids the network (set to anything but empty or 0)."""
    return os.environ.get("LIANPU_OFFLINE", "") not in ("", "0")


def obtain_model_file(name: str, path: Path | str | None = None, on_progress: Callable[[int, int], None] | None = None) -> Path:
    """The model's file, checked by its SHA-256: the one at `path`, else the one on this machine, else downloaded.

    Args:
        name: as the table of `lianpu.weights` spells it.
        path: a file given by the user; it is never replaced by another.
        on_progress: called with bytes done and bytes in all while downloading.

    Raises:
        WeightsError: it is damaged, or neither here nor to be downloaded; the message says where to put it.
    """
    if path is not None or find_model_file(name) is not None:
        return require_model_file(name, path)
    entry = model_file(name)
    if is_offline():
        raise WeightsError(f"{_missing(entry)} (LIANPU_OFFLINE is set): {entry.how_to_get}.")
    problems = []
    for url in (entry.url, *entry.mirrors):
        try:
            return _download(url, entry, on_progress)
        except _NETWORK_ERRORS as problem:
            problems.append(f"{url.split('/')[2]}: {problem}")
    raise WeightsError(f"{_missing(entry)} and could not be downloaded ({'; '.join(problems)}): {entry.how_to_get}.")


def _missing(entry: ModelFile) -> str:
    return f"{entry.file} ({entry.used_for}; {entry.size_bytes / 1e6:.0f} MB) is not on this machine"


def _download(url: str, entry: ModelFile, on_progress: Callable[[int, int], None] | None) -> Path:
    response = _open_quickly(url)
    with response, atomic_file(models_folder() / entry.file) as partial:
        with partial.open("wb") as stream:
            while block := response.read(_BLOCK_BYTES):
                stream.write(block)
                if on_progress:
                    on_progress(stream.tell(), entry.size_bytes)
        check_model_file(partial, entry)
    return models_folder() / entry.file


def _open_quickly(url: str) -> Any:
    """An open response. A name server that does not answer can block for a minute, so the waiting is done elsewhere."""
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    given_up = threading.Event()

    def connect() -> None:
        try:
            response = urllib.request.urlopen(url, timeout=BLOCK_TIMEOUT_S)
        except urllib.error.HTTPError as problem:
            problem.close()
            answers.put(problem)
        except _NETWORK_ERRORS as problem:
            answers.put(problem)
        else:
            answers.put(response)
            if given_up.is_set():
                response.close()

    threading.Thread(target=connect, daemon=True).start()
    try:
        answer = answers.get(timeout=CONNECT_TIMEOUT_S)
    except queue.Empty:
        given_up.set()
        raise TimeoutError(f"no answer within {CONNECT_TIMEOUT_S:g} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer
