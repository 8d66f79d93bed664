"""A static folder that edits faces in the browser, with no server behind it: page, runtime, networks, and ONNX Runtime Web.

Any web server or static hosting serves it. The runtime is plain ES modules in `static/`; what it may not know by itself (effects, presets,
networks with their hashes and licences) is in `manifest.json`, which is written here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lianpu.dataset.drawn import draw_face
from lianpu.editing.attributes import crop_template
from lianpu.editing.presets import EditStep, bundled_presets, find_preset
from lianpu.editors.loading import BUNDLED_EDITORS, bundled_editor_file
from lianpu.editors.onnx_editor import OnnxEditor
from lianpu.effects.catalogue import EFFECTS, Effect
from lianpu.effects.sticker_art import ART, drawn_layer
from lianpu.errors import LianpuError, ModelError, SettingsError, WeightsError
from lianpu.files import atomic_folder, sha256_of
from lianpu.models.store.conversion import require_onnx
from lianpu.models.store.download import obtain_model_file
from lianpu.models.store.locate import is_commercial_safe, models_folder
from lianpu.models.store.sources import is_offline
from lianpu.models.table import model_file
from lianpu.photo.writing import write_image
from lianpu.version import __version__

STATIC = Path(__file__).parent / "static"
"""The page and its modules, which run from a checkout as they are."""

NETWORKS: Mapping[str, str] = {
    "detector": "blazeface-full",
    "quick": "blazeface-short",
    "mesh": "face-mesh",
    "person": "selfie-segmentation",
    "parser": "face-parser-small",
}
"""The networks of the browser, by what it calls them, as the table of models spells them."""

BROWSER_EFFECTS = (
    *("hair_color", "smooth_skin", "skin_tone", "lipstick", "blush", "eye_shadow", "brighten_eyes", "under_eye", "whiten_teeth"),
    *("slim_face", "larger_eyes", "blur_background", "replace_background", "sticker", "anonymise"),
)
"""Effects that `static/effects.js` has, too."""

RUNTIME_VERSION = "1.30.0"

RUNTIME_SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Of the package onnxruntime-web of that version, as npm states it (base64)."""

RUNTIME_MODULE = "ort.wasm.min.mjs"

RUNTIME_FILES: Mapping[str, str] = {
    RUNTIME_MODULE: "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""What a page needs of that package's `dist`, with their SHA-256."""

NO_RUNTIME = "none"
"""In place of a runtime: browsers have no engine of their own, and a server edits for them."""

_RUNTIME_LICENCE = "onnxruntime-web, Copyright (c) Microsoft Corporation, MIT License"

_NPM_SECONDS = 300

MARKER = "manifest.json"

_STICKER_PX = 256
"""Pixels to a unit, the distance of the eyes, of the drawings of stickers."""

_PORTRAIT = (5, 4)
"""Seed and number of the drawn portrait that the page offers as an example: nobody is pictured."""


@dataclass(frozen=True)
class Site:
    """A folder that was written.

    Args:
        folder: it.
        bytes: of all files.
        networks: file names of the networks, by what the browser calls them.
        left_out: why a network is missing, by name.
    """

    folder: Path
    bytes: int
    networks: Mapping[str, str]
    left_out: Mapping[str, str]


def build_site(
    target: Path,
    runtime: str = "npm",
    model: str = "lite",
    note: Callable[[str], None] = lambda line: None,
    server: Mapping[str, Any] | None = None,
) -> Site:
    """Write the folder `target`, wholly or not at all; one that this wrote before is replaced.

    Args:
        target: the folder.
        runtime: where ONNX Runtime Web comes from: `npm` (the user's own npm and index, checked by its hash, once: it is kept with the
            models), a folder that holds `RUNTIME_FILES`, an https address of one, from which browsers then load it, or `NO_RUNTIME`.
        model: the editor: a bundled one by name, an .onnx file that gives fields, or `none`.
        note: gets a line before something slow.
        server: what the page has to know of the server behind it (`server.js`, `ServerFacts`); None for none.

    Raises:
        ModelError: the editor gives no fields, or its faces are aligned otherwise than the browser aligns them.
        SettingsError: `target` holds something else, or `runtime` is neither a folder with these files nor an address.
        LianpuError: npm is missing or cannot fetch the package; the disk is full.
        WeightsError: a network is missing and cannot be fetched.
    """
    target = Path(target)
    if target.exists() and (not target.is_dir() or (any(target.iterdir()) and not (target / MARKER).is_file())):
        raise SettingsError(f"{target} is there and was not written by this command. Give a new folder, or an empty one.")
    with _runtime_files(runtime, note) as files, atomic_folder(target) as folder:
        shutil.copytree(STATIC, folder, dirs_exist_ok=True)
        networks, left_out = _copy_networks(folder / "models", note) if runtime != NO_RUNTIME else ({}, {})
        editor = _copy_editor(folder / "models", model, networks, left_out) if networks else None
        (folder / "ort").mkdir()
        for file in files:
            shutil.copyfile(file, folder / "ort" / file.name)
        write_image(folder / "example.jpg", draw_face(*_PORTRAIT, 768, {"Eyeglasses": False, "Wearing_Hat": False}).picture)
        stickers = _draw_stickers(folder) if networks else {}
        address = "ort/" if files else f"{runtime.rstrip('/')}/" if networks else None
        page = [f"ort/{file.name}" for file in files] + [file.name for file in folder.iterdir() if file.is_file()]
        page += [layer["file"] for layers in stickers.values() for layer in layers]
        manifest = site_manifest(networks, address, editor, server, page, stickers)
        (folder / MARKER).write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
        (folder / "LICENCES.txt").write_text(_licences(networks), encoding="utf-8")
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    return Site(target, size, {name: entry["file"] for name, entry in networks.items()}, left_out)


def site_manifest(
    networks: Mapping[str, Mapping[str, Any]],
    runtime_folder: str | None,
    editor: Mapping[str, Any] | None = None,
    server: Mapping[str, Any] | None = None,
    files: Sequence[str] = (),
    stickers: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> dict[str, Any]:
    """What the runtime reads first (`models.js`, `Manifest`).

    Args:
        networks: `file`, `bytes`, `sha256` and `licence` by what the browser calls them.
        runtime_folder: where `RUNTIME_FILES` lie, relative to the page, or an address; None without an engine in the browser.
        editor: what the editor among the networks can do (`faces.js`, `EditorFacts`).
        server: of `build_site`.
        files: of the page, which browsers keep to open it without a connection.
        stickers: the layers of each (`stickers.js`, `Layer`).
    """
    effects = BROWSER_EFFECTS if server is None else tuple(server["effects"])
    return {
        "version": __version__,
        "files": sorted(files),
        "runtime": None if runtime_folder is None else {"module": runtime_folder + RUNTIME_MODULE, "folder": runtime_folder},
        "models": dict(networks),
        "editor": None if editor is None else dict(editor),
        "effects": {name: _facts(EFFECTS[name]) for name in effects},
        "stickers": dict(stickers or {}),
        "presets": list(_presets(effects)),
        "server": None if server is None else dict(server),
    }


def _facts(effect: Effect) -> dict[str, Any]:
    options = {
        option.name: {"default": option.default, "choices": list(option.choices), "title": dict(option.title)}
        for option in effect.options
        if option.kind != "picture"
    }
    return {"title": dict(effect.title), "summary": dict(effect.summary), "options": options}


def _presets(effects: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The bundled presets, without the steps that cannot be done here; those that lose half of their steps are left out."""
    for name in bundled_presets():
        preset = find_preset(name)
        known = [step for step in preset.steps if not isinstance(step, EditStep) and step.effect.name in effects]
        if 2 * len(known) < len(preset.steps) or not known:
            continue
        steps = [{"effect": step.effect.name, "strength": step.strength, "options": dict(step.options)} for step in known]
        yield {"name": preset.name, "steps": steps}


def _copy_networks(folder: Path, note: Callable[[str], None]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    folder.mkdir()
    found: dict[str, dict[str, Any]] = {}
    left_out: dict[str, str] = {}
    for name, entry_name in NETWORKS.items():
        entry = model_file(entry_name)
        if is_commercial_safe() and not entry.commercial_use:
            left_out[name] = f"{entry.name} is for {entry.licence}"
            continue
        note(f"{name}: {entry.name}")
        file = require_onnx(entry_name) if entry.onnx else obtain_model_file(entry_name)
        copy = Path(shutil.copyfile(file, folder / file.name))
        found[name] = {
            "file": f"models/{copy.name}",
            "bytes": copy.stat().st_size,
            "sha256": sha256_of(copy),
            "licence": f"{entry.licence}; {entry.citation}",
        }
    if missing := {"detector", "quick", "mesh"} - set(found):
        raise WeightsError(f"The browser needs {', '.join(sorted(missing))}.")
    return found, left_out


def _copy_editor(
    folder: Path, model: str, networks: dict[str, dict[str, Any]], left_out: dict[str, str]
) -> dict[str, Any] | None:
    """Put an editor among the networks; what it can do, or None where there is none."""
    if model == "none":
        return None
    try:
        file = bundled_editor_file(model) if model in BUNDLED_EDITORS else Path(model)
    except WeightsError as problem:
        left_out["editor"] = str(problem)
        return None
    info = OnnxEditor(file, threads=1).info
    if not info.has_fields or info.label_input != "difference" or crop_template(info).name != "celebamask-hq":
        reason = (
            f"{file} is no editor for the browser, which applies fields to faces aligned as CelebAMask-HQ's. "
            "Train one: lianpu train --preset fields"
        )
        if model in BUNDLED_EDITORS:
            left_out["editor"] = reason
            return None
        raise ModelError(reason)
    copy = Path(shutil.copyfile(file, folder / file.name))
    networks["editor"] = {
        "file": f"models/{copy.name}",
        "bytes": copy.stat().st_size,
        "sha256": sha256_of(copy),
        "licence": info.licence,
    }
    if (card := file.with_suffix(".md")).is_file():
        shutil.copyfile(card, folder / card.name)
    groups = [list(group) for group in info.attributes.groups]
    return {"attributes": list(info.attributes.names), "groups": groups, "labelInput": info.label_input, "side": info.image_size}


def _draw_stickers(target: Path) -> dict[str, list[dict[str, Any]]]:
    """Write the layers of the bundled stickers as WebP pictures; how they lie on a head, by name."""
    (target / "stickers").mkdir()
    found: dict[str, list[dict[str, Any]]] = {}
    for name, layers in ART.items():
        for index, layer in enumerate(layers):
            pixels = drawn_layer(name, index, _STICKER_PX)
            alpha = pixels[:, :, 3:]
            rgba = np.dstack([pixels[:, :, :3] / np.maximum(alpha, 1e-3), alpha])
            file = f"stickers/{name}-{index}.webp"
            Image.fromarray(np.rint(np.clip(rgba, 0, 1) * 255).astype(np.uint8)).save(target / file, quality=92)
            facts = {key: value for key, value in vars(layer).items() if key not in ("draw", "box")}
            found.setdefault(name, []).append({"file": file, "px": _STICKER_PX, "box": list(layer.box), **facts})
    return found


def _licences(networks: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [f"Lianpu {__version__}: the page and its modules, MIT License", _RUNTIME_LICENCE]
    return "\n".join([*lines, *(f"{entry['file']}: {entry['licence']}" for entry in networks.values()), ""])


def find_runtime(wanted: str, note: Callable[[str], None]) -> str:
    """`auto` as one of the other values of `build_site`: npm where it can bring the runtime or has brought it, else `NO_RUNTIME`.

    Args:
        wanted: what was asked for; anything but `auto` is returned as it is.
        note: gets the reason where there will be none.
    """
    if wanted != "auto":
        return wanted
    try:
        with _runtime_files("npm", note):
            return "npm"
    except LianpuError as problem:
        note(f"No engine in the browser: previews come from here, and the camera is off ({problem})")
        return NO_RUNTIME


@contextmanager
def _runtime_files(runtime: str, note: Callable[[str], None]) -> Iterator[tuple[Path, ...]]:
    """The files of ONNX Runtime Web; none where browsers load it from an address, or need none."""
    if runtime.startswith("https://") or runtime == NO_RUNTIME:
        yield ()
    elif runtime == "npm":
        kept = models_folder() / f"onnxruntime-web-{RUNTIME_VERSION}"
        files = tuple(kept / name for name in RUNTIME_FILES)
        if not all(file.is_file() and sha256_of(file) == RUNTIME_FILES[file.name] for file in files):
            note(f"onnxruntime-web {RUNTIME_VERSION} by npm")
            with tempfile.TemporaryDirectory(prefix="lianpu-npm-") as folder:
                brought = _packed(Path(folder))
                kept.parent.mkdir(parents=True, exist_ok=True)
                with atomic_folder(kept) as new:
                    for file in brought:
                        shutil.copyfile(file, new / file.name)
        yield files
    else:
        files = tuple(Path(runtime) / name for name in RUNTIME_FILES)
        if missing := [file.name for file in files if not file.is_file()]:
            raise SettingsError(
                f"--runtime {runtime}: {', '.join(missing)} not found. Give npm, a folder with {', '.join(RUNTIME_FILES)} "
                "(the package's dist), or an https:// address of one."
            )
        yield files


def _packed(folder: Path) -> tuple[Path, ...]:
    """The files out of the package that `npm pack` brings into `folder`."""
    command = ["npm", "pack", f"onnxruntime-web@{RUNTIME_VERSION}", "--silent"]
    advice = "Give --runtime FOLDER with the files of onnxruntime-web's dist, or an https:// address of one."
    if is_offline():
        raise LianpuError(f"ONNX Runtime Web is not here, and LIANPU_OFFLINE is set. {advice}")
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_NPM_SECONDS, check=False)
    except FileNotFoundError:
        raise LianpuError(f"npm, which brings ONNX Runtime Web, is not installed. Install it, or: {advice}") from None
    except subprocess.TimeoutExpired:
        raise LianpuError(f"npm did not bring onnxruntime-web within {_NPM_SECONDS} s. {advice}") from None
    packages = list(folder.glob("*.tgz"))
    if done.returncode or len(packages) != 1:
        reason = next((line for line in done.stderr.splitlines() if line.strip()), f"exit code {done.returncode}")
        raise LianpuError(f"npm could not bring onnxruntime-web {RUNTIME_VERSION} ({' '.join(reason.split())[:160]}). {advice}")
    found = base64.b64encode(hashlib.sha512(packages[0].read_bytes()).digest()).decode()
    if found != RUNTIME_SHA512:
        raise LianpuError(
            f"The package onnxruntime-web {RUNTIME_VERSION} that npm brought is another one (SHA-512 {found}). {advice}"
        )
    files = []
    with tarfile.open(packages[0]) as archive:
        for name in RUNTIME_FILES:
            stream = archive.extractfile(f"package/dist/{name}")
            assert stream is not None
            files.append(folder / name)
            with files[-1].open("wb") as out:
                shutil.copyfileobj(stream, out)
    return tuple(files)
