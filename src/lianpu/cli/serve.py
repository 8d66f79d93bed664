"""`lianpu serve`: serve the page in the browser, for this machine or, with a password, for others."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from lianpu.cli.edit_options import FaceOptions, SigningOptions, analyzer_settings, signing_files

if TYPE_CHECKING:
    from lianpu.editors.editor import Editor
    from lianpu.web.photos import PageEngine
    from lianpu.web.server.server import ServerSettings

AUTH_VARIABLE = "LIANPU_SERVE_AUTH"


@dataclass(frozen=True)
class ServeArguments(SigningOptions, FaceOptions):
    """Serve a page in the browser: drop a photo, edit its faces with sliders, download it. Only this machine can reach it, unless --host is given."""

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
    language: Literal["en", "zh"] = "en"
    """The first language of the page."""
    max_mb: float = 25.0
    """Largest upload in megabytes."""
    max_megapixels: float = 50.0
    """Largest photo in megapixels."""
    max_photos: int = 30
    """Most photos in one batch."""
    max_waiting: int = 20
    """Most requests in the queue; further ones are refused."""
    keep_minutes: float = 60.0
    """Remove a visitor's files after this many minutes without a request."""
    threads: int | None = None
    """Threads for one operation."""


def main(arguments: list[str]) -> None:
    """Parse the command line and serve until Ctrl-C or a TERM signal."""
    parsed = tyro.cli(ServeArguments, args=arguments, prog="lianpu serve")
    settings = server_settings(parsed)
    import signal

    from lianpu.terminal import console
    from lianpu.web.server.server import serve

    engine, cards = open_engine(parsed)
    server = serve(engine, settings, parsed.language, cards)
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda number, frame: server.stop())
    editor = (
        "no editor" if engine.session.editor is None else f"editor {engine.editor_name} ({engine.session.editor.info.licence})"
    )
    console.print(f"The page is at {server.url}", highlight=False, soft_wrap=True)
    console.print(f"With {editor}. Ctrl-C stops it.", markup=False, highlight=False, soft_wrap=True)
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
    from lianpu.web.server.server import ServerSettings, is_loopback

    users = read_users(parsed, os.environ.get(AUTH_VARIABLE))
    if users and parsed.no_auth:
        raise SettingsError("--no-auth and a password exclude each other. Give one of them.")
    if not 0 <= parsed.port <= 65535:
        raise SettingsError(f"--port {parsed.port} is not from 0 to 65535.")
    if not users and not parsed.no_auth and not is_loopback(parsed.host):
        raise SettingsError(
            f"--host {parsed.host} can be reached from other machines. Give --auth-file FILE (or --auth USER:PASSWORD), or --no-auth to serve it without a login."
        )
    return ServerSettings(parsed.host, parsed.port, users, parsed.name)


def open_engine(parsed: ServeArguments) -> tuple[PageEngine, dict[str, str]]:
    """The session with its limits, and the editor's model cards by language.

    Raises:
        WeightsError: models that are missing or not allowed under --commercial-safe, all in one message.
        LianpuError: an option that cannot work.
    """
    from lianpu.editing.session import AUTO, EditSession, editor_name
    from lianpu.errors import WeightsError
    from lianpu.faces.analyzer import open_analyzer
    from lianpu.faces.mesh import MeshReader
    from lianpu.photo.c2pa import open_signing
    from lianpu.transforms.model import is_transform_usable
    from lianpu.web.photos import Limits, PageEngine

    limits = Limits(
        max_mb=parsed.max_mb,
        max_megapixels=parsed.max_megapixels,
        max_photos=parsed.max_photos,
        max_waiting=parsed.max_waiting,
        keep_minutes=parsed.keep_minutes,
    )
    files = signing_files(parsed)
    signing = None if files is None else open_signing(files)
    problems = []
    try:
        analyzer = open_analyzer(analyzer_settings(parsed), threads=parsed.threads)
    except WeightsError as problem:
        problems.append(str(problem))
    try:
        editor, name, cards = _open_editor(parsed)
    except WeightsError as problem:
        problems.append(f"--model {parsed.model}: {problem}")
    if problems:
        raise WeightsError(" ".join(problems))
    own_landmarks = "" if parsed.landmarks in ("auto", "mesh", "mesh-468", "dlib") else Path(parsed.landmarks).name
    model = "" if editor is None else editor_name(name, editor)
    transforms = parsed.model == AUTO and isinstance(analyzer.landmarks, MeshReader) and is_transform_usable()
    return PageEngine(EditSession(analyzer, editor, model, signing, transforms), limits, name, own_landmarks), cards


def _open_editor(parsed: ServeArguments) -> tuple[Editor | None, str, dict[str, str]]:
    """The editor, its name on the page, and its model cards. Raises LianpuError when the editor of --model cannot be loaded."""
    from lianpu.editors.loading import BUNDLED_EDITORS, bundled_editor_file
    from lianpu.errors import WeightsError

    if parsed.model == "none":
        return None, "", {}
    name = "lite" if parsed.model == "auto" else parsed.model
    try:
        source = bundled_editor_file(name) if name in BUNDLED_EDITORS else Path(name)
    except WeightsError:
        if parsed.model == "auto":
            return None, "", {}
        raise
    from lianpu.editing.attributes import crop_template
    from lianpu.editors.loading import load_editor
    from lianpu.web.page.about_tab import model_cards

    editor = load_editor(name, threads=parsed.threads)
    crop_template(editor.info)  # refuses an editor for face crops only now, rather than at a visitor's first slider
    return editor, source.name if name not in BUNDLED_EDITORS else name, model_cards(source)
