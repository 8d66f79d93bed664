"""Google Drive gives the bytes at once, or a page; then gdown is tried, the real one, here against a server on this machine."""

import sys
from pathlib import Path
from typing import Any

import pytest

from lianpu.errors import WeightsError
from lianpu.models.store import download
from lianpu.models.store.download import obtain_model_file
from lianpu.models.store.locate import models_folder
from lianpu.models.store.sources import TransferError, download_by_gdown


@pytest.fixture
def drive(server: Any, know: Any, made: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server that is taken for Google Drive, and an entry whose file lies there."""
    monkeypatch.setattr(download, "is_on_drive", lambda url: True)
    monkeypatch.setattr(download, "direct_address", lambda url: url)
    know(made.entry_of(url=f"{server.base}/tried.bin"))
    return server


def test_the_bytes_are_taken_without_gdown_when_they_come(drive: Any, made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gdown", None)
    assert obtain_model_file("tried").read_bytes() == made.BYTES


def test_gdown_is_tried_when_a_page_comes(drive: Any, made: Any) -> None:
    drive.moods = ["page"]
    assert obtain_model_file("tried").read_bytes() == made.BYTES
    assert len(drive.requests) > 1
    assert [file.name for file in models_folder().iterdir() if file.is_file()] == ["tried.bin"]


def test_what_gdown_brings_is_checked_too(drive: Any, made: Any) -> None:
    drive.moods = ["page"]
    drive.files["/tried.bin"] = bytes(len(made.BYTES))
    with pytest.raises(WeightsError, match="gives other bytes"):
        obtain_model_file("tried")
    assert [file.name for file in models_folder().iterdir() if file.is_file()] == []


def test_without_gdown_the_message_says_how_to_have_it(drive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gdown", None)
    drive.moods = ["page"]
    with pytest.raises(
        WeightsError, match=r"Google Drive answers with a page .*: pip install gdown\).*lianpu models import FILE"
    ):
        obtain_model_file("tried")


def test_an_error_of_gdown_is_one_line(server: Any, tmp_path: Path) -> None:
    with pytest.raises(TransferError, match=r"^gdown: .*404"):
        download_by_gdown(f"{server.base}/gone.bin", tmp_path / "gone.bin")
    assert list(tmp_path.glob("gone*")) == []
