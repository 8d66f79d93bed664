"""Which addresses are asked, in which order, is decided without asking any."""

from typing import Any

import pytest

from lianpu.errors import SettingsError
from lianpu.models.store.sources import Network, direct_address, is_on_drive, is_secure, network_from_environment, sources
from lianpu.models.table import MODEL_FILES, model_file


def urls(entry: Any, **settings: Any) -> list[str]:
    return [source.url for source in sources(entry, Network(**settings))]


def test_every_file_of_the_table_has_a_secure_source_or_a_package() -> None:
    for entry in MODEL_FILES:
        assert entry.package or urls(entry)
        assert all(is_secure(url) for url in urls(entry))


def test_the_order_is_mirrors_then_the_file_then_its_archive() -> None:
    found = urls(model_file("scrfd-10g"), mirrors=("https://here.example",), hugging_face="https://hf.example")
    assert found[:2] == ["https://here.example/det_10g.onnx", "https://here.example/buffalo_l.zip"]
    assert found[2].startswith("https://hf.example/public-data/insightface/") and found[2].endswith("/det_10g.onnx")
    assert all(url.endswith("/buffalo_l.zip") for url in found[3:]) and len(found) > 3


@pytest.mark.parametrize(
    ("url", "secure"),
    [
        ("https://a.example/x", True),
        ("http://a.example/x", False),
        ("http://127.0.0.1:80/x", True),
        ("http://localhost/x", True),
        ("http://localhost@evil.example/x", False),
        ("http://localhost.evil.example/x", False),
        ("ftp://a.example/x", False),
        ("https://", False),
        ("https://[broken/x", False),
    ],
)
def test_only_https_and_this_machine_are_secure(url: str, secure: bool) -> None:
    assert is_secure(url) is secure


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "LIANPU_OFFLINE": "1",
        "LIANPU_MIRROR": "https://a.example/models/ https://b.example",
        "LIANPU_PROXY": "http://proxy.example:3128",
        "LIANPU_TIMEOUT": "9",
        "HF_ENDPOINT": "https://hf-mirror.com/",
    }.items():
        monkeypatch.setenv(name, value)
    assert network_from_environment() == Network(
        offline=True,
        mirrors=("https://a.example/models", "https://b.example"),
        proxy="http://proxy.example:3128",
        hugging_face="https://hf-mirror.com",
        answer_timeout_s=9,
    )


def test_a_timeout_of_nothing_is_refused() -> None:
    with pytest.raises(SettingsError, match="must be a number of seconds above 0"):
        Network(answer_timeout_s=0)


def test_a_link_to_google_drive_becomes_the_address_of_the_bytes() -> None:
    url = model_file("bisenet-celebamask").url
    assert is_on_drive(url) and not is_on_drive("https://drive.google.com.evil.example/uc?id=1")
    assert direct_address(url) == (
        "https://drive.usercontent.google.com/download?id=154JgKpzCPW82qINcVieuPH3fZ2e0P812&export=download&confirm=t"
    )
