"""Measure the page's engine in headless Chromium: milliseconds a frame of the camera, bytes to load.

    python docs/measure_web.py PORTRAIT [--runtime FOLDER]

Needs playwright, Chromium at /usr/bin/chromium, and npm or --runtime (`lianpu web build --help`). Prints the table of docs/web.md.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from threading import Thread
from typing import Any

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

SIZES = ((640, 480), (1280, 720))

FRAMES = 60

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
        Image.open(asked.portrait).convert("RGB").save(site / "portrait.jpg", quality=92)
        _print_bytes(site)
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        _print_frames(browser, site)
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


if __name__ == "__main__":
    main()
