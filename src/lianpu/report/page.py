"""A report as HTML and Markdown: the six sections of the specification in their order, and the files that are written."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from lianpu.errors import RunError
from lianpu.files import atomic_file, read_json, write_text
from lianpu.report.document import Document, Part, Section
from lianpu.report.gallery import Gallery, draw_gallery
from lianpu.report.language import Language, load_language
from lianpu.report.run_files import RunFiles, read_run_files
from lianpu.report.sections.configuration import configuration
from lianpu.report.sections.environment import environment, pretrained
from lianpu.report.sections.evaluation import evaluation
from lianpu.report.sections.material import Material
from lianpu.report.sections.overview import overview
from lianpu.report.sections.quantization import quantization
from lianpu.report.sections.scorecard import scorecard_blocks
from lianpu.report.values import as_values
from lianpu.runs import Run
from lianpu.version import __version__

SECTIONS = (overview, pretrained, configuration, evaluation, quantization, environment)


def report_contents(files: RunFiles, gallery: Gallery, language: Language) -> Document:
    """The report of a run in one language, ready for a template.

    Raises:
        RunError: a file of the run holds something of the wrong type; the message names the file and the entry.
    """
    material = Material(files, gallery, language)
    data = files.config.text("data", "source") or ""
    names = language.listed(language.attribute(name) for name in files.attributes)
    return Document(
        language=language.say("language.html"),
        title=language.say("title"),
        subtitle=language.say("subtitle", run=files.run.folder.name, data=data, attributes=names),
        contents_title=language.say("contents"),
        source_word=language.say("source"),
        footer=language.say("footer", version=__version__),
        sections=tuple(section(material) for section in SECTIONS),
    )


_MEDIA_TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}


def write_report(run: Run, language: str = "en") -> Path:
    """The HTML report of a run; the Markdown one lies in the same folder (`report.md`, `report.zh.html`, ...).

    A run that is only half done gives a report too: what no file holds is called "not measured". The page needs no network, no
    script and no other file. Writing it again replaces it.

    Args:
        language: `en` or `zh`.

    Raises:
        RunError: config.yaml is missing, or a file of the run is damaged; the message names it.
        SettingsError: there is no such language.
    """
    words = load_language(language)
    files = read_run_files(run)
    document = report_contents(files, draw_gallery(files), words)
    write_text(run.report_file(language, "md"), render_markdown(document))
    return write_text(run.report_file(language, "html"), render_html(document, run.report_pictures_folder))


def write_card(run: Run, name: str, language: str = "en") -> Path:
    """The scorecard of a model as a page, `card.html`, and as Markdown beside it, from its card.json and pictures.

    Args:
        name: of its score file.

    Raises:
        RunError: there is no card of that name, or it is damaged.
    """
    folder, words = run.card_folder(name), load_language(language)
    file = folder / "card.json"
    if not file.is_file():
        raise RunError(f"{run.folder} has no scorecard of {name}. Make one: lianpu evaluate {run.folder} --card")
    card = as_values(f"cards/{name}/card.json", read_json(file, RunError))
    pictures = {row.text("transform") or "": row.text("worst_picture") or "" for row in card.rows("transforms")}
    pictures = {transform: picture for transform, picture in pictures.items() if (folder / "pictures" / picture).is_file()}
    material = Material(read_run_files(run), Gallery(None, {}, None, (), {}), words)
    blocks = tuple(scorecard_blocks(material, card, pictures))
    document = Document(
        language=words.say("language.html"),
        title=words.say("card.title"),
        subtitle=words.say("card.subtitle", run=run.folder.name, file=card.text("file") or name, kind=card.text("kind") or ""),
        contents_title=words.say("contents"),
        source_word=words.say("source"),
        footer=words.say("footer", version=__version__),
        sections=(Section("card", "", "", (Part(blocks),)),),
    )
    write_text(folder / "card.md", render_markdown(document))
    return write_text(folder / "card.html", render_html(document, folder / "pictures"))


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
PRINTING_S = 120.0


def write_pdf(page: Path) -> Path:
    """The PDF of an HTML report, beside it: by weasyprint where it is installed, else by a Chromium.

    Raises:
        RunError: there is neither, or it failed.
    """
    target = page.with_suffix(".pdf")
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    with atomic_file(target) as partial:
        if find_spec("weasyprint") is not None:
            import weasyprint

            weasyprint.HTML(filename=str(page)).write_pdf(str(partial))
        elif browser is None:
            raise RunError(
                f"No PDF of {page}: neither weasyprint nor Chromium is installed. Install one (pip install weasyprint), or print the page."
            )
        else:
            _print_by_browser(browser, page, partial)
    return target


def _print_by_browser(browser: str, page: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as profile:
        flags = [
            "--headless",
            "--disable-gpu",
            "--no-pdf-header-footer",
            f"--user-data-dir={profile}",
            f"--print-to-pdf={target.resolve()}",
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            flags.append("--no-sandbox")  # Chromium has no sandbox for root; the page is our own and loads nothing
        try:
            done = subprocess.run(
                [browser, *flags, page.resolve().as_uri()], capture_output=True, timeout=PRINTING_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise RunError(f"No PDF of {page}: {browser} failed ({type(problem).__name__}). Print the page instead.") from None
    if done.returncode or not target.is_file() or not target.stat().st_size:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise RunError(
            f"No PDF of {page}: {browser} failed ({' '.join(last)[:200] or f'exit code {done.returncode}'}). Print the page instead."
        )


def render_html(document: Document, pictures: Path) -> str:
    """A page with all pictures inside, as data URIs. Every text is escaped; only `backticks` become markup."""
    environment = _environment(autoescape=True)
    environment.filters |= {"inline": _inline_html, "data_uri": lambda name: _data_uri(pictures / name)}
    return environment.get_template("report.html.j2").render(document=document)


def render_markdown(document: Document) -> str:
    """The same report as GitHub-flavoured Markdown, with pictures from the folder `pictures` next to it."""
    environment = _environment(autoescape=False)
    environment.filters |= {"inline": _inline_markdown, "fence": _fence}
    text = environment.get_template("report.md.j2").render(document=document)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _environment(autoescape: bool) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("lianpu.report", "templates"),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _inline_html(text: str) -> Markup:
    return Markup(re.sub(r"`([^`]*)`", lambda found: f"<code>{found[1].replace('_', '_<wbr>')}</code>", str(escape(text))))


def _data_uri(file: Path) -> str:
    return f"data:{_MEDIA_TYPES[file.suffix]};base64,{base64.b64encode(file.read_bytes()).decode('ascii')}"


def _inline_markdown(text: str) -> str:
    """Text for one line of Markdown, also inside a table: markup is escaped, except `backticks`."""
    pieces = " ".join(text.split()).split("`")
    if len(pieces) % 2 == 0:  # a backtick without its partner is a letter
        pieces[-2:] = [f"{pieces[-2]}\\`{pieces[-1]}"]
    return "".join(f"`{_in_code(piece)}`" if place % 2 else _escape_markdown(piece) for place, piece in enumerate(pieces))


def _in_code(text: str) -> str:
    return text.replace("|", "\\|")


def _escape_markdown(text: str) -> str:
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"(?<!\\)([|*\[\]#~])|(?<![A-Za-z0-9])(_)|(_)(?![A-Za-z0-9])", lambda found: "\\" + found.group(0), plain)


def _fence(text: str) -> str:
    """A row of backticks longer than any in the text."""
    longest = max((len(found) for found in re.findall(r"`+", text)), default=0)
    return "`" * max(3, longest + 1)
