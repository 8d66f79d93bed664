"""`lianpu serve`: serve the page and its REST API, for this machine or, with a password, for others."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from lianpu.cli.edit_options import FaceOptions, SigningOptions, analyzer_settings, signing_files
from lianpu.web.limits import Limits

if TYPE_CHECKING:
    from lianpu.web.engine import EngineSettings
    from lianpu.web.server import ServerSettings

AUTH_VARIABLE = "LIANPU_SERVE_AUTH"


@dataclass(frozen=True)
class ServeArguments(Limits, SigningOptions, FaceOptions):
    """Serve a page that edits photos, videos and the camera's picture, and the same as a REST API (/openapi.json). Only this machine can
    reach it, unless --host is given."""

    model: str = "auto"
    """What sets attributes: auto (learned transforms for Male and Young where faces have a mesh, lite for the rest, if their licences
    allow), lite (the bundled editor), a run folder, a checkpoint folder, or an .onnx file; none: no editor."""
    host: str = "127.0.0.1"
    """The address to bind to. With 0.0.0.0 other machines can reach the page, which needs a password."""
    port: int = 7860
    """The port; 0 takes a free one."""
    auth: tuple[str, ...] = ()
    """USER:PASSWORD, once per user. Other users of this machine can read command lines: --auth-file or the variable LIANPU_SERVE_AUTH are safer."""
    auth_file: Path | None = None
    """A file with one line USER:PASSWORD per user."""
    no_auth: bool = False
    """No login: everybody who can reach the address may use the page."""
    name: tuple[str, ...] = ()
    """Further host names of the page, for example that of a reverse proxy."""
    language: Literal["auto", "en", "zh"] = "auto"
    """The first language of the page: auto asks the browser."""
    runtime: str = "auto"
    """Where browsers get ONNX Runtime Web from, with which they show edits at once and edit the camera's picture: auto (your own npm, once,
    where there is one), npm, a folder with the files of the package's dist, or none: then all pictures come from here."""
    threads: int | None = None
    """Threads for one operation."""


def main(arguments: list[str]) -> None:
    """Parse the command line and serve until Ctrl-C or a TERM signal."""
    parsed = tyro.cli(ServeArguments, args=arguments, prog="lianpu serve")
    settings = server_settings(parsed)
    engine = engine_settings(parsed)
    import signal
    from dataclasses import replace

    from lianpu.terminal import console
    from lianpu.web.build import find_runtime
    from lianpu.web.server import serve

    def note(line: str) -> None:
        console.print(line, style="dim", highlight=False, soft_wrap=True, markup=False)

    server = serve(engine, replace(settings, runtime=find_runtime(parsed.runtime, note)), note)
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda number, frame: server.stop())
    console.print(f"The page is at {server.url}", highlight=False, soft_wrap=True)
    console.print(f"{server.editor_line} Ctrl-C stops it.", markup=False, highlight=False, soft_wrap=True)
    try:
        server.wait()
    finally:
        server.close()


def read_users(parsed: ServeArguments, environment: str | None) -> dict[str, str]:
    """Passwords by user, from --auth, --auth-file and the environment. Raises SettingsError for an entry that is not USER:PASSWORD."""
    from lianpu.errors import SettingsError

    lines = [("--auth", line) for line in parsed.auth]
    if parsed.auth_file is not None:
        try:
            text = parsed.auth_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise SettingsError(f"--auth-file {parsed.auth_file} cannot be read ({problem}).") from None
        lines += [(f"--auth-file {parsed.auth_file}", line) for line in text.splitlines() if line.strip()]
    if environment:
        lines.append((AUTH_VARIABLE, environment))
    users = {}
    for source, line in lines:
        user, separator, password = line.strip().partition(":")
        if not separator or not user or not password:
            raise SettingsError(f"{source}: write USER:PASSWORD, neither of them empty.")
        users[user] = password
    if parsed.auth_file is not None and not users:
        raise SettingsError(f"--auth-file {parsed.auth_file} has no line USER:PASSWORD.")
    return users


def server_settings(parsed: ServeArguments) -> ServerSettings:
    """The address and users. Raises SettingsError when other machines could reach the page without a password."""
    from lianpu.errors import SettingsError
    from lianpu.web.server import ServerSettings, is_loopback

    users = read_users(parsed, os.environ.get(AUTH_VARIABLE))
    if users and parsed.no_auth:
        raise SettingsError("--no-auth and a password exclude each other. Give one of them.")
    if not 0 <= parsed.port <= 65535:
        raise SettingsError(f"--port {parsed.port} is not from 0 to 65535.")
    if not users and not parsed.no_auth and not is_loopback(parsed.host):
        raise SettingsError(
            f"--host {parsed.host} can be reached from other machines. Give --auth-file FILE (or --auth USER:PASSWORD), or --no-auth to serve it without a login."
        )
    language = "" if parsed.language == "auto" else parsed.language
    return ServerSettings(parsed.host, parsed.port, users, parsed.name, language=language)


def engine_settings(parsed: ServeArguments) -> EngineSettings:
    """What the engine's process opens. Raises SettingsError for half of what signing needs."""
    from lianpu.web.engine import EngineSettings

    return EngineSettings(
        analyzer_settings(parsed), parsed.model, signing_files(parsed), Limits(**parsed.values()), parsed.threads
    )
