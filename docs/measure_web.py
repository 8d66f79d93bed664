"""Measure the page in headless Chromium: frames a second of the camera, milliseconds from a click to the picture, bytes to load.

    python docs/measure_web.py PORTRAIT [--runtime FOLDER]

Needs playwright, Chromium at /usr/bin/chromium, and npm or --runtime (`lianpu web build --help`). Prints the tables of docs/results.md.
"""

from __future__ import annotations

import argparse
import io
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from lianpu.web.build import build_site
from lianpu.web.trial import trial_server

CHROMIUM = "/usr/bin/chromium"

LOOKS = {
    "none": [],
    "lips": ["lipstick"],
    "hair": ["hair_color"],
    "five": ["smooth_skin", "lipstick", "blush", "eye_shadow", "hair_color"],
}
"""Effects of the camera's rows."""

CLICKS = ("lipstick", "smooth_skin", "hair_color", "slim_face", "blur_background")

SIZES = ((640, 480), (1280, 720))

FRAMES, CLICKS_EACH = 60, 5

_FRAMES = """async ([side, names, threads, frames]) => {
    const { createEditor } = await import("./lianpu.js");
    const editor = await createEditor({ threads }), source = await createImageBitmap(await (await fetch("portrait.jpg")).blob());
    const steps = names.map((effect) => ({ effect, options: effect === "hair_color" ? { shade: "brown" } : {} })), ms = [];
    const canvas = new OffscreenCanvas(...side), context = canvas.getContext("2d");
    for (let i = 0; i < frames; i++) {
        const high = 1.1 * side[1], wide = high * source.width / source.height;
        context.fillRect(0, 0, ...side);
        context.drawImage(source, (side[0] - wide) / 2 + 6 * Math.sin(i / 5), -0.05 * side[1] + 4 * Math.cos(i / 7), wide, high);
        const { frame, ms: took } = await editor.frame(await createImageBitmap(canvas), steps);
        frame.close();
        ms.push(took);
    }
    editor.close();
    return [ms.slice(15), editor.threads];
}"""


def main() -> None:
    """Parse the command line, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portrait", type=Path, help="a photo of one face")
    parser.add_argument("--runtime", default="npm")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        site = build_site(Path(folder) / "site", asked.runtime).folder
        picture = Image.open(asked.portrait).convert("RGB")
        picture.save(site / "portrait.jpg", quality=92)
        _print_bytes(site)
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        _print_frames(browser, site)
        _print_clicks(browser, picture, asked.runtime)
        browser.close()


def _print_bytes(site: Path) -> None:
    total = {part: sum(file.stat().st_size for file in (site / part).rglob("*") if file.is_file()) for part in ("models", "ort")}
    page = sum(file.stat().st_size for file in site.iterdir() if file.is_file())
    print(
        f"bytes: networks {total['models'] / 1e6:.1f} MB, ONNX Runtime Web {total['ort'] / 1e6:.1f} MB, page {page / 1e6:.2f} MB\n"
    )


def _print_frames(browser: Any, site: Path) -> None:
    print("| frame | threads | " + " | ".join(LOOKS) + " |\n|---|---:|" + "---:|" * len(LOOKS))
    for size in SIZES:
        for threads in (1, 2):
            server = trial_server(site, 0, isolated=threads > 1)
            Thread(target=server.serve_forever, daemon=True).start()
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/LICENCES.txt")
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            cells = []
            for names in LOOKS.values():
                ms, used = page.evaluate(_FRAMES, [list(size), names, threads, FRAMES])
                assert used == threads, f"{used} threads where {threads} were asked for"
                middle = statistics.median(ms)
                cells.append(f"{middle:.0f} ms ({1000 / middle:.0f})")
            print(f"| {size[0]} x {size[1]} | {threads} | " + " | ".join(cells) + " |", flush=True)
            page.close()
            server.shutdown()
            server.server_close()
    print()


def _print_clicks(browser: Any, picture: Image.Image, runtime: str) -> None:
    print(f"ms from a click to the picture, a photo of {picture.width} x {picture.height}, median of {CLICKS_EACH}\n")
    print("| engine | opened | " + " | ".join(CLICKS) + " | file |\n|---|---:|" + "---:|" * (len(CLICKS) + 1))
    for name in (runtime, "none"):
        command = [sys.executable, "-m", "lianpu", "serve", "--port", "0", "--runtime", name]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as serving:
            assert serving.stdout is not None
            address = next(line.split()[-1] for line in serving.stdout if line.startswith("The page is at"))
            page = browser.new_page()
            page.goto(address)
            _until(page, "document.body.dataset.ready === 'yes'")
            content = io.BytesIO()
            picture.save(content, "JPEG", quality=92)
            begun = time.perf_counter()
            page.set_input_files("#file", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": content.getvalue()})
            _until(page, "Number(document.getElementById('stage').dataset.drawn) > 0")
            opened = time.perf_counter() - begun
            cells = [f"{1000 * _seconds(page, effect):.0f}" for effect in CLICKS]
            begun = time.perf_counter()
            with page.expect_download() as waiting:
                page.click("#save")
            waiting.value.path()
            file = time.perf_counter() - begun
            engine = "the browser's, files by Python" if name == runtime else "Python's"
            print(f"| {engine} | {1000 * opened:.0f} | " + " | ".join(cells) + f" | {1000 * file:.0f} |", flush=True)
            page.close()
            serving.terminate()


def _seconds(page: Any, effect: str) -> float:
    """From a click on an effect's tile to its picture."""
    themes = page.evaluate("[...document.querySelectorAll('[data-theme]')].map((one) => one.dataset.theme)")
    for theme in themes:
        page.click(f"[data-theme={theme}]")
        if page.locator(f"#tiles button[data-tile^='{_slot(effect)} ']").count():
            break
    _until(
        page,
        "[...document.querySelectorAll('#tiles canvas')].every((one) => one.getContext('2d').getImageData(84, 84, 1, 1).data[3])",
    )
    took = []
    for _ in range(CLICKS_EACH):
        for kept in (True, False):
            drawn = int(page.evaluate("Number(document.getElementById('stage').dataset.drawn)"))
            begun = time.perf_counter()
            page.locator(f"#tiles button[data-tile^='{_slot(effect)} ']").first.click()
            _until(page, f"Number(document.getElementById('stage').dataset.drawn) > {drawn}")
            took += [time.perf_counter() - begun] if kept else []
            _until(page, "true")
    return float(np.median(took))


def _slot(effect: str) -> str:
    return "background" if effect.endswith("_background") else effect


def _until(page: Any, holds: str) -> None:
    end = time.monotonic() + 240
    while not page.evaluate(holds):
        assert time.monotonic() < end, f"never: {holds}"
        time.sleep(0.005)


if __name__ == "__main__":
    main()
