"""The page in headless Chromium, driven by playwright: what tests do with it."""

from __future__ import annotations

import io
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

CHROMIUM = Path("/usr/bin/chromium")

NEEDS_CHROMIUM = (
    pytest.mark.skipif(not CHROMIUM.is_file(), reason="needs Chromium at /usr/bin/chromium (apt install chromium)"),
    pytest.mark.skipif(find_spec("playwright") is None, reason="needs playwright (pip install 'lianpu[test]')"),
)

WAIT_S = 240.0
"""How long a test waits for what must come; no measure of how soon it comes."""


def new_page(browser: Any, address: str, **context: Any) -> tuple[Any, Any]:
    opened = browser.new_context(
        accept_downloads=True, **{"viewport": {"width": 1366, "height": 768}, "locale": "en-GB", **context}
    )
    page = opened.new_page()
    page.asked, page.faults = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.goto(address)
    return opened, page


def until(page: Any, holds: str) -> None:
    """Wait until an expression is true: the page's own policy forbids to evaluate it in the page."""
    end = time.monotonic() + WAIT_S
    while not page.evaluate(holds):
        assert time.monotonic() < end, f"never: {holds}"
        time.sleep(0.05)


def drawn(page: Any) -> int:
    return int(page.evaluate("Number(document.getElementById('stage').dataset.drawn ?? 0)"))


def act(page: Any, selector: str) -> None:
    """Click, and wait for the picture that follows."""
    before = drawn(page)
    page.click(selector)
    until(page, f"Number(document.getElementById('stage').dataset.drawn) > {before}")


def drop(page: Any, *files: Path) -> None:
    before = drawn(page)
    page.set_input_files("#file", [str(file) for file in files])
    if len(files) == 1:
        until(page, f"Number(document.getElementById('stage').dataset.drawn) > {before}")


def opened_picture(download: Any) -> Image.Image:
    """A picture that was downloaded, read from memory: its file is removed with the browser."""
    return Image.open(io.BytesIO(Path(download.path()).read_bytes()))


def change(page: Any) -> float:
    """Mean difference of the two canvases, in grey levels."""
    return float(
        page.evaluate(
            "(() => { const of = (id) => { const c = document.getElementById(id); return c.getContext('2d').getImageData(0, 0, c.width, c.height).data; };"
            "const a = of('before'), b = of('after'); let sum = 0; for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]); return sum / a.length; })()"
        )
    )
