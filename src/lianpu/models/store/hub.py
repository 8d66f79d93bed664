"""The Hugging Face Hub: the one door to huggingface_hub. Models come from there by `hf://user/repo` and go there by `lianpu push`;
data sets come by `--dataset huggingface`.

Its own settings hold (HF_ENDPOINT, HF_HOME, HF_TOKEN, HF_HUB_OFFLINE), and so does LIANPU_OFFLINE: then only what was fetched before is used.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lianpu.errors import LianpuError, ModelError
from lianpu.models.store.sources import is_offline

if TYPE_CHECKING:
    from collections.abc import Sequence

ADDRESS = "hf://"
"""How the name of a model on the Hub begins: `hf://user/repo`, or `hf://user/repo@revision`."""

_REPO = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}")


def fetch_repo(address: str, patterns: Sequence[str], kind: Literal["model", "dataset"] = "model") -> Path:
    """The folder with those files of a repository on the Hub that match `patterns`; fetched once, then from the Hub's own cache.

    Args:
        address: `hf://user/repo` or `hf://user/repo@revision`.
        patterns: such as `*.onnx`.
        kind: what the repository holds; the Hub keeps both apart.

    Raises:
        ModelError: the address is spelled otherwise, there is no such repository, or it cannot be had (no network, offline, no access).
    """
    repo, _, revision = address.removeprefix(ADDRESS).strip("/").partition("@")
    check_repo(repo)
    hub = _library()
    try:
        folder = hub.snapshot_download(
            repo,
            repo_type=kind,
            revision=revision or None,
            allow_patterns=list(patterns),
            local_files_only=_offline(),
            endpoint=_endpoint(),
        )
    except Exception as problem:  # huggingface_hub and httpx raise many kinds, without a base of their own
        raise ModelError(
            "{address} cannot be had from the Hub ({reason}). Check the name, the network and, for a private one, HF_TOKEN.",
            key="hub.not_had",
            address=address,
            reason="it was not fetched before, and this is offline" if _offline() else _reason(problem),
        ) from None
    return Path(folder)


def push_folder(folder: Path, repo: str, message: str, *, private: bool) -> str:
    """Upload the files of a folder to a model repository of the Hub, which is made if it is not there; the address of the commit.

    Raises:
        ModelError: it is spelled otherwise, or the Hub refuses it (no token, no access, no network).
    """
    check_repo(repo)
    if _offline():
        raise ModelError("Pushing needs the network, and LIANPU_OFFLINE or HF_HUB_OFFLINE is set.", key="hub.push_offline")
    api = _library().HfApi(endpoint=_endpoint(), library_name="lianpu")
    try:
        api.create_repo(repo, private=private, exist_ok=True, repo_type="model")
        done = api.upload_folder(repo_id=repo, folder_path=folder, commit_message=message, repo_type="model")
    except Exception as problem:  # huggingface_hub and httpx raise many kinds, without a base of their own
        raise ModelError(
            "{repo} cannot be pushed to the Hub ({reason}). Log in with: hf auth login, or set HF_TOKEN to a token that may write.",
            key="hub.not_pushed",
            repo=repo,
            reason=_reason(problem),
        ) from None
    return str(done)


def check_repo(repo: str) -> None:
    """Raise ModelError unless this is spelled as a repository is: user/name."""
    if not _REPO.fullmatch(repo):
        raise ModelError("'{repo}' is no repository of the Hub. Write it as user/name.", key="hub.no_repo", repo=repo)


def _library() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise LianpuError(
            "The Hub needs huggingface_hub, which is not installed. Install it: pip install 'lianpu[hub]'"
        ) from None
    return huggingface_hub


def _offline() -> bool:
    return is_offline() or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON")


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT") or None


def _reason(problem: Exception) -> str:
    return (" ".join(str(problem).split()) or type(problem).__name__)[:200].rstrip(". ")
