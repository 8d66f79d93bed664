"""The static page: what is written, and what is refused."""

import hashlib
import json
from pathlib import Path

import pytest

from lianpu.effects.catalogue import EFFECTS
from lianpu.errors import LianpuError, ModelError, SettingsError
from lianpu.models.store.locate import commercial_safe
from lianpu.web.build import BROWSER_EFFECTS, NETWORKS, NO_RUNTIME, RUNTIME_FILES, STATIC, build_site, find_runtime, site_manifest
from lianpu.web.trial import ISOLATION, trial_server
from tests.support.shared import MEDIAPIPE, needs


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    """A folder that looks like the dist of onnxruntime-web."""
    folder = tmp_path / "dist"
    folder.mkdir()
    for name in RUNTIME_FILES:
        (folder / name).write_text(name, encoding="utf-8")
    return folder


def test_the_manifest_describes_each_effect_of_the_browser() -> None:
    manifest = site_manifest({}, "ort/")
    assert set(manifest["effects"]) == set(BROWSER_EFFECTS) <= set(EFFECTS)
    lipstick = manifest["effects"]["lipstick"]
    assert lipstick["title"]["zh"] and lipstick["options"]["finish"]["choices"] == list(EFFECTS["lipstick"].options[1].choices)
    assert all(step["effect"] in BROWSER_EFFECTS for preset in manifest["presets"] for step in preset["steps"])
    assert len(manifest["presets"]) >= 3


def test_the_modules_know_the_same_effects_and_defaults() -> None:
    text = (STATIC / "effects.js").read_text(encoding="utf-8")
    table = text[text.index("export const EFFECTS") : text.index("/** The order in which")]
    for name in BROWSER_EFFECTS:
        line = next(line for line in table.splitlines() if line.strip().startswith(f"{name}:"))
        for option in EFFECTS[name].options:
            if option.kind == "color":
                assert f'color: "{option.default}"' in line, f"{name} has another default colour in the browser"
    assert table.count("apply:") == len(BROWSER_EFFECTS), "the browser has an effect that the build does not describe"


@needs(MEDIAPIPE)
def test_a_site_is_whole_and_tells_its_networks(tmp_path: Path, runtime: Path, mediapipe_models: Path) -> None:
    site = build_site(tmp_path / "site", str(runtime))
    manifest = json.loads((site.folder / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["models"]) - {"editor"} == set(NETWORKS) and set(manifest["models"]) == set(site.networks)
    assert set(site.left_out) <= {"editor"}, "a bundled editor without fields is left out, and said"
    for entry in manifest["models"].values():
        content = (site.folder / entry["file"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (entry["bytes"], entry["sha256"])
    assert (site.folder / manifest["runtime"]["module"]).is_file()
    assert {file.name for file in STATIC.iterdir()} <= {file.name for file in site.folder.iterdir()}
    assert "Apache-2.0" in (site.folder / "LICENCES.txt").read_text(encoding="utf-8")
    (site.folder / "old.txt").write_text("of a build before", encoding="utf-8")
    assert not (build_site(site.folder, str(runtime)).folder / "old.txt").exists()


@needs(MEDIAPIPE)
def test_an_editor_with_fields_goes_along_with_its_card(
    tmp_path: Path, runtime: Path, mediapipe_models: Path, fields_file: Path
) -> None:
    site = build_site(tmp_path / "site", str(runtime), str(fields_file))
    manifest = json.loads((site.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["editor"]["attributes"] == ["Blond_Hair", "Male", "Young"] and manifest["editor"]["side"] == 64
    assert manifest["models"]["editor"]["licence"] == "free for any use"
    assert (site.folder / "models" / "fields.md").read_text(encoding="utf-8").startswith("# A random editor")


@needs(MEDIAPIPE)
def test_an_editor_without_fields_is_refused_in_a_line(
    tmp_path: Path, runtime: Path, mediapipe_models: Path, editor_file: Path
) -> None:
    with pytest.raises(ModelError, match=r"is no editor for the browser.*--preset fields"):
        build_site(tmp_path / "site", str(runtime), str(editor_file))
    assert not (tmp_path / "site").exists()


@needs(MEDIAPIPE)
def test_commercial_safe_leaves_the_parser_out_and_says_so(tmp_path: Path, runtime: Path, mediapipe_models: Path) -> None:
    with commercial_safe(True):
        site = build_site(tmp_path / "site", str(runtime))
    assert "non-commercial" in site.left_out["parser"] and "parser" not in site.networks
    assert not list((site.folder / "models").glob("*parser*"))


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path: Path, runtime: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"was not written by this command"):
        build_site(tmp_path / "site", str(runtime))
    assert (tmp_path / "site" / "thesis.txt").read_text(encoding="utf-8") == "mine"


def test_a_runtime_folder_without_its_files_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"ort.wasm.min.mjs, .* not found. Give npm, a folder"):
        build_site(tmp_path / "site", str(tmp_path))
    assert not (tmp_path / "site").exists()


def test_no_npm_is_one_line_that_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("LIANPU_OFFLINE", "0")
    with pytest.raises(LianpuError, match=r"npm, which brings ONNX Runtime Web, is not installed.*--runtime FOLDER"):
        build_site(tmp_path / "site")


def test_another_package_than_the_known_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text("#!/bin/sh\necho forged > onnxruntime-web.tgz\n", encoding="utf-8")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(npm.parent))
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("LIANPU_OFFLINE", "0")
    with pytest.raises(LianpuError, match=r"is another one \(SHA-512"):
        build_site(tmp_path / "site")
    assert not (tmp_path / "models").exists()


def test_offline_the_runtime_is_not_fetched_and_serve_goes_on_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    with pytest.raises(LianpuError, match=r"is not here, and LIANPU_OFFLINE is set\. Give --runtime FOLDER"):
        build_site(tmp_path / "site")
    said: list[str] = []
    assert find_runtime("auto", said.append) == NO_RUNTIME and "the camera is off" in said[-1]
    assert find_runtime("/some/folder", said.append) == "/some/folder"


def test_a_page_with_a_server_and_no_runtime_has_no_networks(tmp_path: Path) -> None:
    facts = {"effects": ["lipstick", "sticker"], "attributes": ["Male"]}
    site = build_site(tmp_path / "site", NO_RUNTIME, server=facts)
    manifest = json.loads((site.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["runtime"] is None and manifest["models"] == {} and manifest["server"] == facts
    assert set(manifest["effects"]) == {"lipstick", "sticker"}
    assert {"index.html", "page.js", "server.js", "example.jpg"} <= set(manifest["files"])


def test_the_trial_server_wants_a_built_page(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"holds no page. Write one: lianpu web build"):
        trial_server(tmp_path, 0)


def test_the_trial_server_isolates_and_lists_nothing(tmp_path: Path) -> None:
    from threading import Thread
    from urllib.error import HTTPError
    from urllib.request import urlopen

    (tmp_path / "manifest.json").write_text("{}", encoding="utf-8")
    (tmp_path / "models").mkdir()
    server = trial_server(tmp_path, 0)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        with urlopen(f"http://127.0.0.1:{server.server_port}/manifest.json", timeout=20) as answer:
            assert {name: answer.headers[name] for name in ISOLATION} == ISOLATION
        with pytest.raises(HTTPError) as refused:
            urlopen(f"http://127.0.0.1:{server.server_port}/models/", timeout=20)
        assert refused.value.code == 404
        refused.value.close()
    finally:
        server.shutdown()
        server.server_close()
