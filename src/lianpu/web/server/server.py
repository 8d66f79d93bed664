"""The running server: its address and users, the folder for files, start and stop."""

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
from lianpu.web.page.page import build_page
from lianpu.web.page.theme import CSS, script, theme
from lianpu.web.photos import PageEngine
from lianpu.web.server.request_filter import RequestFilter
from lianpu.web.server.visitor_files import VisitorFiles
from lianpu.web.toolkit import Middleware, gr

_SWITCHED_OFF = (
    "GRADIO_ALLOWED_PATHS",
    "GRADIO_ROOT_PATH",
    "GRADIO_SHARE",
    "GRADIO_MCP_SERVER",
    "GRADIO_NUM_WORKERS",
    "GRADIO_WATCH_DIRS",
)
"""Environment variables of Gradio that could undo the restrictions here."""


class RunningServer:
    """A page that is being served."""

    def __init__(self, page: gr.Blocks, visitor_files: VisitorFiles, url: str) -> None:
        self.url, self.visitor_files = url, visitor_files
        self._page = page
        self._stop = threading.Event()
        threading.Thread(target=self._remove_expired, daemon=True, name="lianpu-remove-expired").start()

    def _remove_expired(self) -> None:
        while not self._stop.wait(min(60.0, self.visitor_files.keep_s / 4)):
            self.visitor_files.remove_expired()

    def wait(self) -> None:
        """Block until `stop` is called."""
        self._stop.wait()

    def stop(self) -> None:
        """End `wait`; may be called from a signal handler."""
        self._stop.set()

    def close(self) -> None:
        """Stop serving and remove all files of visitors."""
        self.stop()
        self._page.close(verbose=False)
        shutil.rmtree(self.visitor_files.root, ignore_errors=True)


def serve(
    engine: PageEngine, settings: ServerSettings, language: str = "en", cards: Mapping[str, str] | None = None
) -> RunningServer:
    """Start serving the page.

    Args:
        engine: analyzes and edits the photos.
        settings: address and users.
        language: the one that the page opens in.
        cards: the editor's model card, Markdown, by language.

    Raises:
        LianpuError: the port is in use or the address is not one of this machine.
    """
    port = _free_port(settings.host, settings.port)
    root = Path(tempfile.mkdtemp(prefix="lianpu-serve-")).resolve()
    os.environ.update(
        GRADIO_TEMP_DIR=str(root), GRADIO_EXAMPLES_CACHE=str(root / "examples")
    )  # Gradio takes its folders from there
    for name in _SWITCHED_OFF:
        os.environ.pop(name, None)
    visitor_files = VisitorFiles(root, 60 * engine.limits.keep_minutes)
    try:
        page = build_page(engine, visitor_files, language, cards)
        page.queue(max_size=engine.limits.max_waiting, default_concurrency_limit=1)
        page.launch(**_launch_settings(engine, settings, port, root))
    except OSError as problem:
        shutil.rmtree(root, ignore_errors=True)
        raise LianpuError(f"The page cannot be served on {settings.host}:{port} ({problem}). Choose another --port.") from None
    except BaseException:
        shutil.rmtree(root, ignore_errors=True)
        raise
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return RunningServer(page, visitor_files, f"http://{host}:{port}")


def _launch_settings(engine: PageEngine, settings: ServerSettings, port: int, root: Path) -> dict[str, Any]:
    closed = [str(folder) for folder in (Path.cwd(), Path.home()) if not root.is_relative_to(folder.resolve())]
    return {
        "server_name": settings.host,
        "server_port": port,
        "auth": password_check(settings.users) if settings.users else None,
        "max_file_size": engine.limits.max_bytes,
        "state_session_capacity": engine.limits.max_visitors,
        "allowed_paths": [],
        "blocked_paths": closed,
        "app_kwargs": {"middleware": [_middleware(settings, root)]},
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


def _middleware(settings: ServerSettings, root: Path) -> Any:
    return Middleware(RequestFilter, root=root, hosts=None if settings.users else allowed_hosts(settings))


def password_check(users: Mapping[str, str]) -> Any:
    """A function (name, password) -> bool for Gradio's login; it compares in constant time."""
    known = {name: password.encode() for name, password in users.items()}

    def matches(name: str, password: str) -> bool:
        expected = known.get(name, b"")
        return hmac.compare_digest(expected, password.encode()) and name in known

    return matches


def _free_port(host: str, port: int) -> int:
    """The port, checked to be free; for 0 any free one."""
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
class ServerSettings:
    """Where the page is served, and to whom.

    Args:
        host: the address to bind to.
        port: the port; 0 takes a free one.
        users: passwords by user name; empty for no login.
        names: host names that requests may use besides `host`, for example that of a reverse proxy.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    users: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()


def allowed_hosts(settings: ServerSettings) -> frozenset[str] | None:
    """The host names that requests to a page without login may use; None (any) where it is bound to all addresses."""
    if settings.host in ("0.0.0.0", "::"):
        return None
    return frozenset({"localhost", "127.0.0.1", "::1", settings.host.lower(), *(name.lower() for name in settings.names)})


def is_loopback(host: str) -> bool:
    """Whether an address can only be reached from this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
