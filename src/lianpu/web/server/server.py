"""The page on a port: who may call it, where its files lie, and how it ends."""

from __future__ import annotations

import hmac
import ipaddress
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lianpu.errors import LianpuError
from lianpu.web.page.look import CSS, script, theme
from lianpu.web.page.page import build_page
from lianpu.web.photos import PageEngine
from lianpu.web.server.guard import Guard
from lianpu.web.server.visits import Visits
from lianpu.web.toolkit import Middleware, gr

_SWITCHED_OFF = (
    "GRADIO_ALLOWED_PATHS",
    "GRADIO_ROOT_PATH",
    "GRADIO_SHARE",
    "GRADIO_MCP_SERVER",
    "GRADIO_NUM_WORKERS",
    "GRADIO_WATCH_DIRS",
)
"""Settings of Gradio's that come from the environment and could open what is closed here."""


class Served:
    """A page that is running."""

    def __init__(self, page: gr.Blocks, visits: Visits, url: str) -> None:
        self.url, self.visits = url, visits
        self._page = page
        self._stop = threading.Event()
        threading.Thread(target=self._sweep, daemon=True, name="lianpu-sweep").start()

    def _sweep(self) -> None:
        while not self._stop.wait(min(60.0, self.visits.keep_s / 4)):
            self.visits.sweep()

    def wait(self) -> None:
        """Return when `stop` was called."""
        self._stop.wait()

    def stop(self) -> None:
        """Let `wait` return; may be called from a signal handler."""
        self._stop.set()

    def close(self) -> None:
        """End the page and remove all that visitors left."""
        self.stop()
        self._page.close(verbose=False)
        shutil.rmtree(self.visits.root, ignore_errors=True)


def serve(engine: PageEngine, place: Place, language: str = "en", cards: Mapping[str, str] | None = None) -> Served:
    """The page, running.

    Args:
        engine: what edits.
        place: where.
        language: the one that the page opens in.
        cards: the editor's model card, Markdown, by language.

    Raises:
        LianpuError: the port is taken or the address is not this machine's.
    """
    port = _free_port(place.host, place.port)
    root = Path(tempfile.mkdtemp(prefix="lianpu-serve-")).resolve()
    os.environ.update(
        GRADIO_TEMP_DIR=str(root), GRADIO_EXAMPLES_CACHE=str(root / "examples")
    )  # Gradio takes its folders from there
    for name in _SWITCHED_OFF:
        os.environ.pop(name, None)
    visits = Visits(root, 60 * engine.limits.keep_minutes)
    try:
        page = build_page(engine, visits, language, cards)
        page.queue(max_size=engine.limits.max_waiting, default_concurrency_limit=1)
        page.launch(**_launch_settings(engine, place, port, root))
    except OSError as problem:
        shutil.rmtree(root, ignore_errors=True)
        raise LianpuError(f"The page cannot be served on {place.host}:{port} ({problem}). Choose another --port.") from None
    except BaseException:
        shutil.rmtree(root, ignore_errors=True)
        raise
    host = f"[{place.host}]" if ":" in place.host else place.host
    return Served(page, visits, f"http://{host}:{port}")


def _launch_settings(engine: PageEngine, place: Place, port: int, root: Path) -> dict[str, Any]:
    closed = [str(folder) for folder in (Path.cwd(), Path.home()) if not root.is_relative_to(folder.resolve())]
    return {
        "server_name": place.host,
        "server_port": port,
        "auth": password_door(place.users) if place.users else None,
        "max_file_size": engine.limits.max_bytes,
        "state_session_capacity": engine.limits.max_visitors,
        "allowed_paths": [],
        "blocked_paths": closed,
        "app_kwargs": {"middleware": [_middleware(place, root)]},
        "theme": theme(),
        "head": f"<style>{CSS}</style>{script(engine.limits)}",
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "share": False,
        "mcp_server": False,
        "ssr_mode": False,
        "pwa": False,
        "inbrowser": False,
        "prevent_thread_lock": True,
        "show_error": False,
        "quiet": True,
    }


def _middleware(place: Place, root: Path) -> Any:
    return Middleware(Guard, root=root, hosts=None if place.users else known_hosts(place))


def password_door(users: Mapping[str, str]) -> Any:
    """Whether a name and a password go together, compared in constant time."""
    known = {name: password.encode() for name, password in users.items()}

    def opens(name: str, password: str) -> bool:
        expected = known.get(name, b"")
        return hmac.compare_digest(expected, password.encode()) and name in known

    return opens


def _free_port(host: str, port: int) -> int:
    """The port, seen to be free; for 0 one that is."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]"), port))
            return int(probe.getsockname()[1])
    except (OSError, OverflowError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise LianpuError(f"The page cannot be served on {host}:{port} ({reason}). Choose another --port or --host.") from None


@dataclass(frozen=True)
class Place:
    """Where the page is found.

    Args:
        host: the address to bind to.
        port: the port; 0 takes a free one.
        users: passwords by name; empty lets everybody in.
        names: names by which browsers may call the page beside the host's own (a proxy's, say).
    """

    host: str = "127.0.0.1"
    port: int = 7860
    users: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()


def known_hosts(place: Place) -> frozenset[str] | None:
    """The names by which a page without a password may be called; None for any, where it is bound to all addresses."""
    if place.host in ("0.0.0.0", "::"):
        return None
    return frozenset({"localhost", "127.0.0.1", "::1", place.host.lower(), *(name.lower() for name in place.names)})


def is_local(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
