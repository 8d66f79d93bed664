"""Which addresses to ask for a model file, and the user's settings about the network."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from lianpu.errors import SettingsError
from lianpu.models.table import Archive, ModelFile

HUGGING_FACE = "https://huggingface.co"


class TransferError(Exception):
    """Why one address did not give the file, in a few words. The next address may do better."""


class SilentError(TransferError):
    """Nobody answers. At first that is final; between two parts of a download it is a broken connection."""


class WebPageError(TransferError):
    """The address answers with a page for people instead of the file."""


@dataclass(frozen=True)
class Network:
    """How files may be downloaded."""

    offline: bool = False
    """Never touch the network."""
    mirrors: tuple[str, ...] = ()
    """Addresses that are tried first: each is followed by / and the file's name."""
    proxy: str = ""
    """A proxy for every download; empty for the one that HTTPS_PROXY and NO_PROXY name, if they do."""
    hugging_face: str = HUGGING_FACE
    """The address that stands in for huggingface.co."""
    answer_timeout_s: float = 4.0
    """How long to wait for the first answer of a server, name lookup included."""

    def __post_init__(self) -> None:
        for address in (*self.mirrors, self.hugging_face):
            if not is_secure(address):
                raise SettingsError(f"The mirror '{address}' is not taken: it must start with https:// and name a host.")
        if self.answer_timeout_s <= 0:
            raise SettingsError(f"LIANPU_TIMEOUT is {self.answer_timeout_s:g}: it must be a number of seconds above 0.")


@dataclass(frozen=True)
class Source:
    """One address, and the bytes that it should give: the model file itself, or the archive that holds it."""

    url: str
    gives: ModelFile | Archive

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or self.url


def is_offline() -> bool:
    """Whether LIANPU_OFFLINE forbids the network (set to anything but empty or 0)."""
    return os.environ.get("LIANPU_OFFLINE", "") not in ("", "0")


def network_from_environment() -> Network:
    """What LIANPU_OFFLINE, LIANPU_MIRROR (several divided by spaces), LIANPU_PROXY, LIANPU_TIMEOUT and HF_ENDPOINT say.

    Raises:
        SettingsError: a mirror is no https address, or the timeout no number.
    """
    timeout = os.environ.get("LIANPU_TIMEOUT") or Network.answer_timeout_s
    try:
        seconds = float(timeout)
    except ValueError:
        raise SettingsError(f"LIANPU_TIMEOUT is '{timeout}': it must be a number of seconds above 0.") from None
    return Network(
        offline=is_offline(),
        mirrors=tuple(address.rstrip("/") for address in os.environ.get("LIANPU_MIRROR", "").split()),
        proxy=os.environ.get("LIANPU_PROXY", ""),
        hugging_face=(os.environ.get("HF_ENDPOINT") or HUGGING_FACE).rstrip("/"),
        answer_timeout_s=seconds,
    )


def sources(entry: ModelFile, network: Network) -> tuple[Source, ...]:
    """The addresses to ask, in turn: the user's mirrors, the file by itself, then the archive (which is larger)."""
    archive = entry.archive
    found = [Source(f"{mirror}/{entry.file}", entry) for mirror in network.mirrors]
    found += [Source(f"{mirror}/{archive.file}", archive) for mirror in network.mirrors if archive]
    found += [Source(url, entry) for url in entry.urls]
    found += [Source(url, archive) for url in (archive.url, *archive.mirrors)] if archive else []
    return tuple(Source(source.url.replace(HUGGING_FACE, network.hugging_face, 1), source.gives) for source in found)


def is_secure(url: str) -> bool:
    """Whether an address is https, or http to this very machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE))


_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


def is_on_drive(url: str) -> bool:
    return urlsplit(url).hostname == "drive.google.com"


def direct_address(url: str) -> str:
    """The address that gives the bytes of a file whose link is https://drive.google.com/uc?id=..., when Drive is in the mood."""
    file_id = parse_qs(urlsplit(url).query)["id"][0]
    return f"https://drive.usercontent.google.com/download?id={file_id}&export=download&confirm=t"


def download_by_gdown(url: str, partial: Path, proxy: str = "") -> None:
    """Fill `partial` by the gdown package, which knows Drive's pages.

    Raises:
        TransferError: gdown is not installed, or does not get the file either.
    """
    try:
        import gdown
    except ImportError:
        raise TransferError(
            "Google Drive answers with a page instead of the file; with gdown it may go: pip install gdown"
        ) from None
    try:
        got = gdown.download(url, str(partial), quiet=True, proxy=proxy or None, use_cookies=False)
    except Exception as problem:  # gdown lets errors of requests, of its own and of the disk through
        raise TransferError(f"gdown: {' '.join(str(problem).split())[:200]}") from None
    if got is None:
        raise TransferError("gdown did not get it from Google Drive")
