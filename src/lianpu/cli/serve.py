"""`lianpu serve`: the page in the browser, for one's own machine or, with a password, for others."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro

if TYPE_CHECKING:
    from lianpu.content_credentials import Signing
    from lianpu.editors.editor import Editor
    from lianpu.effects.studio import Studio
    from lianpu.web.desk import Desk
    from lianpu.web.place import Place

AUTH_VARIABLE = "LIANPU_SERVE_AUTH"


@dataclass(frozen=True)
class ServeArguments:
    """Serve the page: drop a photo, edit its faces with sliders, download it. Only this machine can reach it unless --host says otherwise."""

    model: str = "auto"
    """The editor: a run folder, a checkpoint folder, an .onnx file, or lite; auto takes lite where it is, none leaves it out."""
    detector: str = "auto"
    """auto, buffalo_l, yunet, dlib, or the path of an .onnx file."""
    parser: str = "auto"
    """auto (the one in the package), bisenet, or the path of a parser."""
    landmarks: str = "dlib"
    """dlib (its 68 points, not for commercial use), or the .dat file of a 68-point predictor (lianpu landmarks train)."""
    host: str = "127.0.0.1"
    """The address to bind to; 0.0.0.0 is reached from other machines, which needs a password."""
    port: int = 7860
    """The port; 0 takes a free one."""
    auth: tuple[str, ...] = ()
    """USER:PASSWORD, several if need be. Others on this machine can read command lines: --auth-file or the variable LIANPU_SERVE_AUTH keep it."""
    auth_file: Path | None = None
    """A file with a line USER:PASSWORD for each user."""
    no_auth: bool = False
    """Let everybody in who reaches the address."""
    name: tuple[str, ...] = ()
    """A name that browsers call the page by, beside --host: that of a proxy before it."""
    language: Literal["en", "zh"] = "en"
    """The language that the page opens in."""
    max_mb: float = 25.0
    """Largest file that may be uploaded, in megabytes."""
    max_megapixels: float = 50.0
    """Largest picture, in millions of pixels."""
    max_photos: int = 30
    """Most photos of one batch."""
    max_waiting: int = 20
    """Requests that may wait; more are turned away."""
    keep_minutes: float = 60.0
    """Files of a visitor who is not heard of for so long are removed."""
    c2pa_cert: Path | None = None
    """A certificate chain (PEM): downloads are signed with C2PA, which needs c2pa-python."""
    c2pa_key: Path | None = None
    """The private key of that certificate (PEM)."""
    c2pa_algorithm: str = "es256"
    """es256, es384, es512, ps256, ps384, ps512 or ed25519, as the key is."""
    threads: int | None = None
    """Threads for one operation."""


def main(arguments: list[str]) -> None:
    """Parse the command line and serve until Ctrl-C or a TERM signal."""
    parsed = tyro.cli(ServeArguments, args=arguments, prog="lianpu serve")
    place = _place(parsed)
    import signal

    from lianpu.cli.progress import console
    from lianpu.web.server import serve

    desk, cards = _desk(parsed)
    served = serve(desk, place, parsed.language, cards)
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda number, frame: served.stop())
    editor = "no editor" if desk.editor is None else f"editor {desk.editor_name} ({desk.editor.info.licence})"
    console.print(f"The page is at {served.url}", highlight=False, soft_wrap=True)
    console.print(f"With {editor}. Ctrl-C ends it.", markup=False, highlight=False, soft_wrap=True)
    try:
        served.wait()
    finally:
        served.close()


def read_users(parsed: ServeArguments, environment: str | None) -> dict[str, str]:
    """Passwords by user, from --auth, --auth-file and the environment. Raises SettingsError for what is not spelled USER:PASSWORD."""
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
            raise SettingsError(f"{source}: write USER:PASSWORD, both not empty.")
        users[user] = password
    if parsed.auth_file is not None and not users:
        raise SettingsError(f"--auth-file {parsed.auth_file} has no line USER:PASSWORD.")
    return users


def _place(parsed: ServeArguments) -> Place:
    """Where the page is found. Raises SettingsError when others could reach it without a password."""
    from lianpu.errors import SettingsError
    from lianpu.web.place import Place, is_local

    users = read_users(parsed, os.environ.get(AUTH_VARIABLE))
    if users and parsed.no_auth:
        raise SettingsError("--no-auth and a password exclude each other. Leave one out.")
    if not 0 <= parsed.port <= 65535:
        raise SettingsError(f"--port {parsed.port} is not from 0 to 65535.")
    if not users and not parsed.no_auth and not is_local(parsed.host):
        raise SettingsError(
            f"--host {parsed.host} can be reached from other machines. Give --auth-file FILE (or --auth USER:PASSWORD), or say --no-auth to let everybody in."
        )
    return Place(parsed.host, parsed.port, users, parsed.name)


def _desk(parsed: ServeArguments) -> tuple[Desk, dict[str, str]]:
    """What edits, and the editor's cards by language."""
    from lianpu.web.desk import Desk
    from lianpu.web.limits import Limits

    limits = Limits(
        max_mb=parsed.max_mb,
        max_megapixels=parsed.max_megapixels,
        max_photos=parsed.max_photos,
        max_waiting=parsed.max_waiting,
        keep_minutes=parsed.keep_minutes,
    )
    signing = _signing(parsed)
    studio = _studio(parsed)
    editor, name, cards = _editor(parsed)
    own_landmarks = "" if parsed.landmarks == "dlib" else Path(parsed.landmarks).name
    return Desk(studio, editor, name, limits, signing, own_landmarks), cards


def _studio(parsed: ServeArguments) -> Studio:
    """What sees faces. Raises WeightsError with all that is missing or not allowed under --commercial-safe, not only the first."""
    from lianpu.effects.studio import Studio
    from lianpu.errors import WeightsError
    from lianpu.model_store.locate import require_model_file
    from lianpu.perception.detectors import load_detector
    from lianpu.perception.dlib_predictor import ShapePredictor
    from lianpu.perception.parsing import load_parser

    opened: dict[str, Any] = {}
    problems: list[str] = []
    opening: dict[str, Callable[[], Any]] = {
        "detector": lambda: load_detector(parsed.detector, threads=parsed.threads),
        "parser": lambda: load_parser(parsed.parser, threads=parsed.threads),
        "landmarks": lambda: ShapePredictor(
            require_model_file("dlib-landmarks-68") if parsed.landmarks == "dlib" else Path(parsed.landmarks).expanduser(), 68
        ),
    }
    for option, open_one in opening.items():
        try:
            opened[option] = open_one()
        except WeightsError as problem:
            own = " Effects take 68 points: train them (lianpu landmarks train) and name the file: --landmarks FILE."
            problems.append(f"--{option} {getattr(parsed, option)}: {problem}{own if option == 'landmarks' else ''}")
    if problems:
        raise WeightsError(" ".join(problems))
    return Studio(**opened)


def _editor(parsed: ServeArguments) -> tuple[Editor | None, str, dict[str, str]]:
    """The editor, what visitors read as its name, and its cards. Raises LianpuError when one was named that cannot be loaded."""
    from lianpu.editors.shipped import SHIPPED_EDITORS, shipped_editor_file
    from lianpu.errors import WeightsError

    if parsed.model == "none":
        return None, "", {}
    name = "lite" if parsed.model == "auto" else parsed.model
    try:
        source = shipped_editor_file(name) if name in SHIPPED_EDITORS else Path(name)
    except WeightsError:
        if parsed.model == "auto":
            return None, "", {}
        raise
    from lianpu.editors.loading import load_editor
    from lianpu.effects.requests import crop_template
    from lianpu.web.about_tab import cards_of

    editor = load_editor(name, threads=parsed.threads)
    crop_template(editor.info)  # an editor that takes cut-out faces only is refused now, and not at a visitor's first slider
    return editor, source.name if name not in SHIPPED_EDITORS else name, cards_of(source)


def _signing(parsed: ServeArguments) -> Signing | None:
    """What signs downloads; None where no certificate is given. Raises LianpuError for one that cannot sign."""
    from lianpu.content_credentials import open_signing
    from lianpu.errors import SettingsError

    if parsed.c2pa_cert is None and parsed.c2pa_key is None:
        return None
    if parsed.c2pa_cert is None or parsed.c2pa_key is None:
        raise SettingsError("Signing takes both --c2pa-cert and --c2pa-key.")
    return open_signing(parsed.c2pa_cert, parsed.c2pa_key, parsed.c2pa_algorithm)
