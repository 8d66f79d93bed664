"""Measure the page in headless Chromium: bytes to load, milliseconds a frame of the camera, with WebGL2 and without, and from a click.

    python docs/measure_web.py PORTRAIT [--runtime FOLDER] [--parts bytes frames ways clicks]
    python docs/measure_web.py PORTRAIT --edits 1000

Needs playwright, Chromium at /usr/bin/chromium, and npm or --runtime (`lianpu web build --help`). Prints the tables of docs/web.md.
With --edits it needs no browser: it starts `lianpu serve`, lets it edit the portrait so many times, and prints the memory of its processes.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import requests
from PIL import Image

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

CLICKS = {
    "lips": ("makeup", "lipstick {}"),
    "smooth skin": ("beauty", "smooth_skin {}"),
    "slim face": ("face", "slim_face {}"),
    "hair": ("hair", 'hair_color {"shade":"blond"}'),
    "older": ("people", 'edit Young {"value":false}'),
}
"""Theme and tile that is clicked."""

ROUNDS, WAIT_S = 3, 240.0

ASKED = (
    "glam",
    [{"effect": "hair_color", "shade": "blond"}],
    [{"edit": {"Male": False}}],
    [{"edit": {"Young": False}}],
    [{"effect": "sticker", "which": "crown"}, {"effect": "blur_background"}],
)
"""What --edits asks for in turn."""

SIDES = (256, 320, 400)
"""Longer sides of its photos, in turn."""

_CLICK = """([selector, limit]) => new Promise((done, fail) => {
    const stage = document.getElementById("stage"), started = performance.now();
    new MutationObserver((_, watch) => { watch.disconnect(); done(performance.now() - started); }).observe(stage, { attributeFilter: ["data-drawn"] });
    setTimeout(() => fail(new Error(`${selector}: no picture after ${limit} ms`)), limit);
    document.querySelector(selector).click();
})"""

_PAINTED = (
    """[...document.querySelectorAll("#tiles canvas")].every((one) => one.getContext("2d").getImageData(84, 84, 1, 1).data[3])"""
)

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
    parser.add_argument(
        "--parts", nargs="+", default=["bytes", "frames", "ways", "clicks"], choices=["bytes", "frames", "ways", "clicks"]
    )
    parser.add_argument("--edits", type=int, default=0, help="measure only the server's memory over so many edits")
    asked = parser.parse_args()
    if asked.edits:
        _print_memory(asked.portrait, asked.edits)
        return
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        site = build_site(Path(folder) / "site", asked.runtime).folder
        Image.open(asked.portrait).convert("RGB").save(site / "portrait.jpg", quality=92)
        if "bytes" in asked.parts:
            _print_bytes(site)
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        if "frames" in asked.parts:
            _print_frames(browser, site)
        if "ways" in asked.parts:
            _print_ways(browser, site)
        if "clicks" in asked.parts:
            _print_clicks(browser, site)
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


def _print_clicks(browser: Any, site: Path) -> None:
    print("| from a click to the picture | " + " | ".join(CLICKS) + " |\n|---|" + "---:|" * len(CLICKS))
    server = trial_server(site, 0)
    Thread(target=server.serve_forever, daemon=True).start()
    _print_clicks_at(browser, f"http://127.0.0.1:{server.server_port}/", "in the browser", site / "portrait.jpg")
    server.shutdown()
    server.server_close()
    with _served() as (address, _):
        _print_clicks_at(browser, address, "Python", site / "portrait.jpg")


def _print_clicks_at(browser: Any, address: str, name: str, photo: Path) -> None:
    page = browser.new_page(viewport={"width": 1366, "height": 768}, locale="en-GB")
    page.goto(address)
    _until(page, "document.body.dataset.ready === 'yes'")
    page.set_input_files("#file", str(photo))
    _until(page, "Number(document.getElementById('stage').dataset.drawn) > 0")
    print(f"| {name} |", end="", flush=True)
    for theme, tile in CLICKS.values():
        page.click(f"[data-theme={theme}]")
        ms = []
        for _ in range(ROUNDS):
            _until(page, _PAINTED)  # tiles come after clicks, but one that has begun is finished first
            ms.append(page.evaluate(_CLICK, [f"#tiles button[data-tile='{tile}']", 1000 * WAIT_S]))
            _until(page, _PAINTED)
            page.evaluate(_CLICK, ["#undo", 1000 * WAIT_S])
        print(f" {ms[0]:.0f}, {statistics.median(ms[1:]):.0f} |", end="", flush=True)
    print()
    page.close()


def _until(page: Any, holds: str) -> None:
    """Wait until an expression is true: the page's policy forbids playwright to wait in the page."""
    end = time.monotonic() + WAIT_S
    while not page.evaluate(holds):
        if time.monotonic() > end:
            raise TimeoutError(f"never: {holds}")
        time.sleep(0.05)


@contextmanager
def _served() -> Iterator[tuple[str, psutil.Process]]:
    """The address of a `lianpu serve` with one thread and no engine for browsers, and its process."""
    command = [sys.executable, "-m", "lianpu", "serve", "--port", "0", "--threads", "1", "--runtime", "none"]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("w") as out:
            started = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            end = time.monotonic() + WAIT_S
            while "Ctrl-C" not in (said := log.read_text(encoding="utf-8")):
                if time.monotonic() > end or started.poll() is not None:
                    raise RuntimeError(f"lianpu serve did not start: {said}")
                time.sleep(0.1)
            yield said.partition("The page is at ")[2].split()[0], psutil.Process(started.pid)
        finally:
            started.terminate()
            started.wait(timeout=60)


def _print_memory(portrait: Path, edits: int) -> None:
    photos = []
    for side in SIDES:
        image = Image.open(portrait).convert("RGB")
        image.thumbnail((side, side))
        written = io.BytesIO()
        image.save(written, "JPEG", quality=92)
        photos.append(written.getvalue())
    with _served() as (address, process), requests.Session() as session:
        session.trust_env = False
        print("| edits | server MB | its workers MB |\n|---:|---:|---:|")
        for number in range(edits + 1):
            if number % max(1, edits // 10) == 0:
                workers = [one.memory_info().rss / 1e6 for one in process.children(recursive=True)]
                print(f"| {number} | {process.memory_info().rss / 1e6:.0f} | {sum(workers):.0f} |", flush=True)
            look = ASKED[number % len(ASKED)]
            files = {"photo": ("portrait.jpg", photos[number % len(SIDES)])}
            data = {"preset": look if isinstance(look, str) else json.dumps({"steps": look})}
            session.post(f"{address}/api/edit", files=files, data=data, timeout=WAIT_S).raise_for_status()


if __name__ == "__main__":
    main()
