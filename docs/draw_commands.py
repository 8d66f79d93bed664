"""Draws the pictures of age, video, camera, report and browser page for the front page: `python docs/draw_commands.py [RUN]` writes docs/images/front-*.jpg.

Each shows what its command gave: `lianpu edit`, `lianpu video` and `lianpu camera` on drawn portraits (nobody is pictured), the report of RUN, runs/demo
unless given (`make demo`), and what `lianpu web build` wrote. Needs playwright and a Chromium (CHROMIUM, /usr/bin/chromium unless set) for
the pages, and npm for the last.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from lianpu.bench.video_clips import RATE, write_clip
from lianpu.camera.moving_picture import pan_over
from lianpu.cli.main import main as lianpu
from lianpu.dataset.drawn import draw_face
from lianpu.photo.writing import write_image
from lianpu.runs import open_run
from lianpu.video.io.av_library import load_av
from lianpu.video.io.encoding import choose_encoding
from lianpu.video.io.probe import probe_video
from lianpu.video.io.reading import frames_from
from lianpu.web.build import build_site
from lianpu.web.trial import trial_server

IMAGES = Path(__file__).parent / "images"
CLIP_PX, TILE_PX, GAP = (640, 360), (300, 168), 4
COLUMNS, FRAMES, WAY_FRAMES = 3, 24, 60
AGE_PX = 240
VIDEO = ("--preset", "copper")
CAMERA = ("--effect", "lipstick=0.9", "eye_shadow=0.8", "sticker:which=glasses")
PEOPLE = ((23, 9), (26, 8))
"""Seed and index of the drawn faces."""
LOOKS = {"Eyeglasses": False, "Wearing_Hat": False, "Young": True, "Smiling": True}


AGED, AGES = (23, 4), ("age=+25", "age=-20", "gender=male")
"""The drawn face of the strip of ages, and its edits."""


def age_strip(folder: Path) -> Image.Image:
    """A drawn portrait, and what `lianpu edit --effect` made of it; needs the face mesh."""
    source = write_image(folder / "drawn.png", draw_face(*AGED, 768).picture)
    pictures = [source]
    for number, effect in enumerate(AGES):
        pictures.append(folder / f"{number}.png")
        lianpu(["edit", str(source), str(pictures[-1]), "--effect", effect])
    sheet = Image.new("RGB", (len(pictures) * (AGE_PX + GAP) - GAP, AGE_PX), "white")
    for column, file in enumerate(pictures):
        sheet.paste(Image.open(file).resize((AGE_PX, AGE_PX), Image.Resampling.LANCZOS), (column * (AGE_PX + GAP), 0))
    return sheet


def video_strip(folder: Path) -> Image.Image:
    """Frames of a clip (a camera that moves over a drawn portrait) above the same frames as `lianpu video` gave them back."""
    source, target = folder / "drawn.mp4", folder / "edited.mp4"
    encoding = choose_encoding(source, load_av().codecs_available)
    people = np.hstack([draw_face(*person, 512, LOOKS).picture for person in PEOPLE])
    moving = pan_over([people], FRAMES, CLIP_PX, way_frames=WAY_FRAMES)
    write_clip(source, (one.picture for one in moving), CLIP_PX, RATE, encoding)
    lianpu(["video", str(source), str(target), *VIDEO])
    sheet = Image.new("RGB", (COLUMNS * (TILE_PX[0] + GAP) - GAP, 2 * TILE_PX[1] + GAP), "white")
    for row, file in enumerate((source, target)):
        frames = [frame.picture for frame in frames_from(probe_video(file), 0, FRAMES)]
        for column in range(COLUMNS):
            picture = Image.fromarray(frames[column * (FRAMES - 1) // (COLUMNS - 1)]).resize(TILE_PX, Image.Resampling.LANCZOS)
            sheet.paste(picture, (column * (TILE_PX[0] + GAP), row * (TILE_PX[1] + GAP)))
    return sheet


def screenshot(address: str, file: Path, size_px: tuple[int, int], wait_s: float = 1.0) -> Image.Image:
    """The top left of a page as Chromium shows it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"))
        page = browser.new_page(viewport={"width": size_px[0], "height": size_px[1]})
        page.goto(address, wait_until="domcontentloaded")
        time.sleep(wait_s)
        page.screenshot(path=str(file))
        browser.close()
    return Image.open(file).convert("RGB")


def camera_page(folder: Path) -> Image.Image:
    """The picture in the page of `lianpu camera --source test`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--source", "test", "--no-browser", "--port", str(port), *CAMERA]
    camera = subprocess.Popen([sys.executable, "-m", "lianpu", "camera", *words], stdout=subprocess.PIPE, text=True)
    assert camera.stdout is not None
    try:
        address = next(word for line in camera.stdout for word in line.split() if word.startswith("http"))
        return screenshot(address.rstrip(".,"), folder / "camera.png", (720, 480), wait_s=8.0).crop((0, 14, 720, 419))
    finally:
        camera.terminate()
        camera.wait()


def web_page(folder: Path) -> Image.Image:
    """The page of `lianpu web build` with its example, half of it before the edit."""
    from threading import Thread

    from playwright.sync_api import sync_playwright

    server = trial_server(build_site(folder / "site").folder, 0)
    Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"))
        page = browser.new_page(viewport={"width": 1100, "height": 660}, locale="en-GB")
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.wait_for_selector("body[data-ready=yes]", timeout=120_000)
        page.click("#example")
        page.wait_for_selector("#stage[data-drawn]")
        page.click("[data-tile*=blond]")
        page.click("#compare")
        time.sleep(8.0)  # tiles and the note at the bottom
        page.screenshot(path=str(folder / "web.png"))
        browser.close()
    server.shutdown()
    server.server_close()
    return Image.open(folder / "web.png").convert("RGB").crop((0, 57, 1100, 660)).resize((880, 482), Image.Resampling.LANCZOS)


def main(arguments: list[str]) -> None:
    """Write the pictures."""
    run = open_run(arguments[0] if arguments else "runs/demo")
    with TemporaryDirectory() as name:
        folder = Path(name)
        pictures = {
            "front-web": web_page(folder),
            "front-age": age_strip(folder),
            "front-video": video_strip(folder),
            "front-camera": camera_page(folder),
            "front-report": screenshot(run.report_file("en", "html").resolve().as_uri(), folder / "report.png", (1000, 540)),
        }
        for title, picture in pictures.items():
            picture.save(IMAGES / f"{title}.jpg", quality=85, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:])
