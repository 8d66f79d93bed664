"""Measure the page's engine in headless Chromium: bytes to load, milliseconds a frame of the camera, with WebGL2 and without.

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

_WAYS = """async () => {
    const { useGl } = await import("./gl.js"), { applyFields } = await import("./fields.js"), { alignmentOf } = await import("./faces.js"), lines = [];
    const wave = (count, size, by) => Float32Array.from({ length: count * size * size }, (_, i) => by * Math.sin(i % size / 3 + Math.floor(i / size) / 7)), planes = () => [0, 1, 2].map(() => wave(1, 128, 0.3));
    const fields = { side: 128, grid: 32, small: 64, flow: wave(2, 32, 0.02), colours: wave(12, 32, 0.1), gains: wave(2, 32, 0.3), residual: wave(3, 64, 0.05), soft: planes(), softer: planes() };
    for (const [width, height] of [[640, 480], [4000, 3000]]) {
        const data = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) => (i % 4 === 3 ? 255 : 128 + 80 * Math.sin(i / 91))), unit = 0.2 * height, x = width / 2, y = 0.45 * height;
        const points = [x - unit / 2, y, x + unit / 2, y, x, y + 0.6 * unit, x - 0.4 * unit, y + unit, x + 0.4 * unit, y + unit], face = { points, unit, alignment: alignmentOf(points), shares: null, around: null };
        const ms = { on: [], off: [] };
        let used = false;
        for (let turn = 0; turn < 6; turn++) for (const way of ["on", "off"]) {
            const picture = { width, height, data: data.slice() };
            used = useGl(way) || used;
            const started = performance.now();
            applyFields(picture, face, 1, fields);
            if (turn) ms[way].push(performance.now() - started);
        }
        lines.push([width, height, ms.on, ms.off]);
        if (!used) return [];
    }
    return lines;
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
        _print_ways(browser, site)
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


def _print_ways(browser: Any, site: Path) -> None:
    server = trial_server(site, 0)
    Thread(target=server.serve_forever, daemon=True).start()
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{server.server_port}/LICENCES.txt")
    page.goto(f"http://127.0.0.1:{server.server_port}/")
    print("An editor's fields on one face that fills the picture:")
    for width, height, *ways in page.evaluate(_WAYS):
        with_gl, without = (statistics.median(ms) for ms in ways)
        print(f"{width} x {height}: WebGL2 {with_gl:.0f} ms, plain arrays {without:.0f} ms", flush=True)
    page.close()
    server.shutdown()
    server.server_close()


if __name__ == "__main__":
    main()
