"""The page in a real browser: headless Chromium, driven by playwright."""

import io
import time
import zipfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lianpu.imaging.picture import Picture
from lianpu.photo.reading import read_image
from lianpu.photo.writing import write_image
from lianpu.photo.xmp import ALGORITHMIC, source_type_of

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.skipif(not CHROMIUM.is_file(), reason="needs Chromium at /usr/bin/chromium (apt install chromium)"),
    pytest.mark.skipif(find_spec("playwright") is None, reason="needs playwright (pip install 'lianpu[test]')"),
]

HAIR = (slice(40, 90), slice(200, 310))
CORNER = (slice(0, 60), slice(0, 60))
WAIT_MS = 240_000
"""How long a test waits for what must come; no measure of how soon it comes."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def visitor(browser: Any) -> Iterator[Any]:
    """A browser's memory: scripts are fetched once."""
    context = browser.new_context(accept_downloads=True, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(WAIT_MS)
    yield context
    context.close()


@pytest.fixture
def page(visitor: Any, served: Any) -> Iterator[Any]:
    """The page, open; `asked` on it are the addresses that it asked for."""
    page = visitor.new_page()
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(served.url)
    page.wait_for_selector("#upload input[type=file]", state="attached")
    yield page
    page.close()


def _drop(page: Any, file: Path) -> None:
    page.set_input_files("#upload input[type=file]", str(file))


def _set(page: Any, effect: str, strength: float) -> None:
    number = f"#effect-{effect} input[type=number]"
    page.fill(number, str(strength))
    page.press(number, "Enter")


def _says(page: Any, text: str, where: str = "#status p:not(.problem)") -> None:
    """Wait until one element says so; what it says and what it is are asked at once."""
    _expect(page, where).to_contain_text(text, timeout=WAIT_MS)


def _expect(page: Any, where: str) -> Any:
    from playwright.sync_api import expect

    return expect(page.locator(where))


def _turn_to_chinese(page: Any) -> None:
    """Switch the language, and wait until the widgets speak it: their new words come by an event of their own."""
    page.click("#language label:nth-of-type(2)")
    _says(page, "批量处理", "#left [role=tablist]")
    page.wait_for_function(_DROP_ZONE_SAYS, arg="把照片拖到这里")


_DROP_ZONE_SAYS = """(words) => {
  const zone = getComputedStyle(document.documentElement).getPropertyValue("--lianpu-drop");
  return zone.includes(words);
}"""


def _click_at(page: Any, where: str, x: float, y: float) -> None:
    """Click into a picture, at a part of its width and of its height, when it has its size and moves no more."""
    page.wait_for_function("(where) => document.querySelector(where)?.naturalWidth > 0", arg=where)
    picture = page.locator(where)
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    picture.click(position={"x": x * box["width"], "y": y * box["height"]})


_CORNER_IS_FREE = """(where) => {
  const picture = document.querySelector(where);
  const { left, top } = picture.getBoundingClientRect();
  return document.elementFromPoint(left + 4, top + 4) === picture;
}"""


def _compared(page: Any, holds: Callable[[Picture, Picture], bool]) -> None:
    """Wait until it holds of the two pictures of the slider, as the browser has them."""
    until = time.monotonic() + WAIT_MS / 1000
    while True:
        sources = page.eval_on_selector_all("#comparison img", "images => images.map(image => image.src)")[:2]
        pictures = [picture for source in sources if (picture := _fetched(page, source)) is not None]
        if len(pictures) == 2 and holds(*pictures):
            return
        assert time.monotonic() < until, sources
        page.wait_for_timeout(100)


def _fetched(page: Any, source: str) -> Picture | None:
    """A picture that the page shows; None for one that is not there yet, or was replaced meanwhile and is gone."""
    from playwright.sync_api import Error

    if not source.startswith("http"):
        return None
    try:
        answer = page.request.get(source)
        return np.asarray(Image.open(io.BytesIO(answer.body())).convert("RGB")) if answer.ok else None
    except (Error, OSError):
        return None


def _difference(first: Picture, second: Picture, where: tuple[slice, slice]) -> float:
    return float(np.abs(first[where].astype(float) - second[where]).mean())


def test_a_portrait_is_dropped_its_hair_coloured_seen_downloaded_and_marked(
    page: Any, served: Any, portrait: Picture, portrait_file: Path, tmp_path: Path
) -> None:
    before_the_visit = set(served.kept())
    _drop(page, portrait_file)
    _says(page, "anna.png, 512 × 512 pixels: one face found.", "#found")
    _compared(page, lambda before, after: _difference(before, after, HAIR) == 0)
    _set(page, "hair_color", 1)
    _says(page, "Edited in")
    _compared(page, lambda before, after: _difference(before, after, HAIR) > 10 and _difference(before, after, CORNER) < 1.5)
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "anna-edited.png"
    file = tmp_path / "anna-edited.png"
    download.value.save_as(file)
    with Image.open(file) as image:
        assert image.format == "PNG" and image.size == (512, 512)
        mark = image.info["xmp"]
    assert source_type_of(mark) == ALGORITHMIC and b"hair_color 1" in mark and b"Lianpu" in mark
    written = read_image(file)
    assert _difference(portrait, written, HAIR) > 10 and (portrait[CORNER] == written[CORNER]).all()
    _says(page, "anna-edited.png is ready")
    assert [url for url in page.asked if not url.startswith((served.url, "blob:", "data:"))] == []
    page.close()
    assert served.eventually(lambda: not set(served.kept()) - before_the_visit), served.kept()


def test_one_of_two_faces_is_picked_by_a_click_and_both_are_ticked(page: Any, portrait: Picture, tmp_path: Path) -> None:
    two = np.concatenate([portrait, portrait[:, ::-1]], axis=1)
    _drop(page, write_image(tmp_path / "two.png", two))
    _says(page, "two.png, 1024 × 512 pixels: 2 faces found.", "#found")
    _set(page, "hair_color", 1)
    right = (HAIR[0], slice(512 + 202, 512 + 312))
    _compared(page, lambda before, after: _difference(before, after, HAIR) > 10 and _difference(before, after, right) > 10)
    _click_at(page, "#faces-picture img", 0.75, 0.55)
    assert page.evaluate(_CORNER_IS_FREE, "#faces-picture img")  # a face's number may stand there
    _compared(page, lambda before, after: _difference(before, after, HAIR) < 1.5 and _difference(before, after, right) > 10)
    page.locator("#faces label", has_text="face 1").locator("input").check()
    page.locator("#faces label", has_text="face 2").locator("input").check()
    _compared(page, lambda before, after: _difference(before, after, HAIR) > 10 and _difference(before, after, right) > 10)
    for face in ("face 1", "face 2"):
        page.locator("#faces label", has_text=face).locator("input").uncheck()
    _says(page, "No face is ticked", "#status .problem")


def test_a_picture_of_the_visitors_own_becomes_the_background(
    page: Any, served: Any, portrait_file: Path, tmp_path: Path
) -> None:
    beach = write_image(tmp_path / "beach.png", np.full((300, 300, 3), (250, 200, 30), dtype=np.uint8))
    _drop(page, portrait_file)
    _says(page, "one face found", "#found")
    _set(page, "replace_background", 1)
    page.set_input_files("#option-replace_background-picture input[type=file]", str(beach))
    sand = np.full((512, 512, 3), (250, 200, 30), dtype=np.uint8)
    _compared(page, lambda before, after: _difference(after, sand, CORNER) < 12)
    page.get_by_text("These settings as a preset file").click()
    _says(page, "replace_background", "#recipe")
    recipe = page.locator("#recipe").inner_text()  # whose picture stands beside the photo: it came with this recipe
    assert "beach" not in recipe and str(served.folder) not in recipe


def test_the_language_is_switched_on_the_page_and_the_photo_stays(page: Any, portrait_file: Path) -> None:
    _drop(page, portrait_file)
    _says(page, "one face found", "#found")
    _turn_to_chinese(page)
    _says(page, "找到一张人脸", "#found")
    _says(page, "下载编辑后的照片", "#download")
    for word in ("单张照片", "批量处理", "模型与许可", "文件格式", "头发与妆容"):
        page.get_by_text(word, exact=True).first.wait_for(state="attached")
    _set(page, "hair_color", 1)
    _says(page, "已编辑，用时")


def test_what_cannot_be_edited_is_said_in_one_line_of_the_pages_language_and_stays(page: Any, tmp_path: Path) -> None:
    letter = tmp_path / "letter.png"
    letter.write_text("Dear Anna", encoding="utf-8")
    wall = write_image(tmp_path / "wall.png", np.full((300, 300, 3), 128, dtype=np.uint8))
    huge = write_image(tmp_path / "<b>huge.png", np.full((1200, 1200, 3), 128, dtype=np.uint8))
    _says(page, "Drop a photo to begin.")
    page.evaluate(_LISTEN)
    _says_in_one_line(page, letter, "letter.png is not a picture that can be read")
    _says_in_one_line(page, wall, "No face was found in wall.png")
    _says_in_one_line(page, huge, "huge.png has 1.4 megapixels; this page takes up to 1")
    assert [said.split()[0] for said in page.evaluate("() => window.said")] == [
        "letter.png",
        "No",
        "bhuge.png",
    ]  # nothing between
    _turn_to_chinese(page)
    _says(page, "请先拖入一张照片")
    _says_in_one_line(page, letter, "letter.png 不是可以读取的图片")
    _says_in_one_line(page, wall, "在 wall.png 中没有找到人脸")
    _says_in_one_line(page, huge, "百万像素，本页面最多接受 1 百万像素")


_LISTEN = """() => {
  window.said = [];
  const status = document.querySelector("#status");
  new MutationObserver(() => {
    const said = status.querySelector("p[role=status]")?.innerText.trim();
    if (said && said !== (window.said.at(-1) ?? "Drop a photo to begin.")) window.said.push(said);
  }).observe(status, { childList: true, characterData: true, subtree: true });
}"""
"""Every line that the status says from now on."""


def _says_in_one_line(page: Any, file: Path, text: str) -> None:
    _drop(page, file)
    _says(page, text, "#status .problem")
    said = page.locator("#status").inner_text().strip()
    assert "\n" not in said and "Traceback" not in said


def test_a_file_over_the_limit_is_refused_in_the_pages_language(page: Any, tmp_path: Path) -> None:
    file = write_image(tmp_path / "noise.png", np.random.default_rng(0).integers(0, 255, (1000, 900, 3), dtype=np.uint8))
    _drop(page, file)
    _says(page, "noise.png has 2.7 MB; this page takes up to 2 MB.", "#status .problem")
    _turn_to_chinese(page)
    _says(page, "请先拖入一张照片")
    _drop(page, file)
    _says(page, "noise.png 有 2.7 MB，本页面最多接受 2 MB。", "#status .problem")


def test_several_photos_come_back_in_a_zip_with_a_table(page: Any, portrait_file: Path, tmp_path: Path) -> None:
    wall = write_image(tmp_path / "wall.png", np.full((200, 200, 3), 128, dtype=np.uint8))
    _set(page, "lipstick", 1)
    page.get_by_role("tab", name="Several photos").click()
    page.set_input_files("#batch-upload input[type=file]", [str(portrait_file), str(wall)])
    _says(page, "wall", "#batch-upload .file-preview")  # while they are sent their names stand elsewhere
    page.click("#batch-start")
    _says(page, "1 of 2 photos edited", "#batch-status")
    _says(page, "No face was found in wall.png", "#batch-table")
    fonts = page.eval_on_selector_all("#batch-table *", "all => [...new Set(all.map((one) => getComputedStyle(one).fontFamily))]")
    assert len(fonts) == 1 and "mono" not in fonts[0]
    with page.expect_download() as download:
        page.locator("#batch-zip a").first.click()
    download.value.save_as(tmp_path / "back.zip")
    with zipfile.ZipFile(tmp_path / "back.zip") as archive:
        assert archive.namelist() == ["anna-edited.png"]


def test_the_card_and_the_licence_are_shown(page: Any) -> None:
    page.get_by_role("tab", name="Model and licences").click()
    for text in ("free for any use", "It has learned nothing.", "Blond_Hair", "XMP"):
        _says(page, text, "#about")
    _expect(page, "#about").not_to_contain_text("compositeWithTrained")


def test_the_page_fits_a_phone_and_the_photo_stays_in_view_beside_the_sliders(
    browser: Any, served: Any, portrait_file: Path
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(WAIT_MS)
    page.goto(served.url)
    page.wait_for_selector("#upload input[type=file]", state="attached")
    page.locator("#effect-hair_color input[type=number]").wait_for()  # the widgets stand
    page.wait_for_function("() => document.documentElement.scrollWidth <= 392")
    for name in ("Photo", "Several photos", "Model and licences"):
        page.get_by_role("tab", name=name, exact=True).wait_for()
    _drop(page, portrait_file)
    _compared(page, lambda before, after: bool((before == after).all()))
    page.locator("#effect-anonymise input[type=number]").scroll_into_view_if_needed()
    page.wait_for_function(_IN_VIEW)
    page.close()


_IN_VIEW = """() => {
  const pictures = document.querySelector("#comparison");
  const { left, top, bottom, height } = pictures.getBoundingClientRect();
  const heights = [...Array(20).keys()].map((step) => top + ((step + 0.5) * height) / 20);
  const free = heights.every((y) => pictures.contains(document.elementFromPoint(left + 30, y)));
  return scrollY > 800 && height > 100 && top >= 0 && bottom <= innerHeight && free;
}"""
"""Whether the page was scrolled down, and the pictures that are compared are whole on the screen, with nothing over them."""
