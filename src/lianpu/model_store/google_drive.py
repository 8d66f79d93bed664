"""Files on Google Drive, which may answer with a page of its own instead of the file. The only door to gdown."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from lianpu.model_store.sources import TransferError


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
