"""Docs stay true: links lead somewhere, commands and names exist, lines keep to their width."""

import ast
import doctest
import importlib
import importlib.util
import re
from pathlib import Path

import pytest

from lianpu.cli.main import COMMANDS

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SCRIPTS = sorted((ROOT / "docs").glob("*.py"))
COLUMNS = 100
GENERATED = {ROOT / "docs" / "reference" / name for name in ("commands.md", "api.md")}
"""Pages that docs/site_pages.py makes when the site is built."""

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))

FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`[^`]+`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
IMAGE_TAG = re.compile(r'<img[^>]* src="([^"]+)"')
COMMAND = re.compile(r"(?<!install )\blianpu ([a-z]+)")
NAME = re.compile(r"(?<![\w/.-])lianpu(?!\.js\b)(?:\.[A-Za-z_]\w*)+")  # lianpu.js is the browser's module
FOREIGN_PATHS = re.compile(r"(?<![\w.])(?:/work|/tmp|/root|/home/\w+|\.\./shared)\b")


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _code(text: str) -> str:
    """Fenced and inline code, and blocks indented by four spaces."""
    fenced = [match.group(0) for match in FENCE.finditer(text)]
    rest = FENCE.sub("", text)
    indented = [line for line in rest.splitlines() if line.startswith("    ")]
    return "\n".join([*fenced, *INLINE_CODE.findall(rest), *indented])


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", _text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "").strip().lower()).replace(" ", "-") for heading in headings}


def _resolve(name: str) -> object:
    """The module or attribute of a dotted name. Raises ImportError or AttributeError where there is none."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError as problem:
            if not (problem.name or "").startswith("lianpu") or count == 1:
                raise
            continue
        for part in parts[count:]:
            found = getattr(found, part)
        return found
    raise ImportError(name)


def _imported(source: str) -> list[str]:
    """Dotted names of ours that a piece of Python imports."""
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lianpu"):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@every_page
def test_links_and_pictures_exist(page: Path) -> None:
    text = FENCE.sub("", _text(page))
    for target in [*LINK.findall(text), *IMAGE_TAG.findall(text)]:
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if file in GENERATED:
            continue
        assert file.exists(), f"{page.name} links to {target}, which is not there"
        if anchor:
            assert anchor in _anchors(file), f"{page.name} links to {target}; {file.name} has no such heading"


@every_page
def test_commands_exist(page: Path) -> None:
    for command in COMMAND.findall(_code(_text(page))):
        assert command in COMMANDS, f"{page.name} names 'lianpu {command}', which is no command"


@every_page
def test_names_of_the_package_exist(page: Path) -> None:
    text = _text(page)
    snippets = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for name in [*NAME.findall(_code(text)), *(name for snippet in snippets for name in _imported(snippet))]:
        _resolve(name)


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_files_of_the_package_exist(name: str) -> None:
    for path in re.findall(r"`(\w+/[\w/]+\.(?:py|yaml))`", _text(ROOT / name)):
        found = [base / path for base in (ROOT, ROOT / "src" / "lianpu") if (base / path).exists()]
        assert found or "NAME" in path, f"{name} names {path}, which is not there"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_names_that_the_scripts_import_exist(script: Path) -> None:
    for name in _imported(_text(script)):
        _resolve(name)


@every_page
def test_lines_keep_to_their_width(page: Path) -> None:
    if page.name.endswith(".zh-CN.md"):
        return
    prose = FENCE.sub("", _text(page))
    for line in prose.splitlines():
        if line.startswith(("|", "    ", "![")):
            continue
        shown = INLINE_CODE.sub("", LINK.sub("", line))
        assert len(shown) <= COLUMNS, f"{page.name}: {len(shown)} columns: {line}"


@every_page
def test_no_path_of_a_machine(page: Path) -> None:
    found = FOREIGN_PATHS.findall(_text(page))
    assert not found, f"{page.name} names {found}"


@pytest.mark.parametrize("name", ["README", "docs/editing", "docs/effects", "docs/video", "docs/web"])
def test_both_languages_show_the_same_commands(name: str) -> None:
    def commands(page: str) -> list[str]:
        blocks = "\n".join(match.group(0) for match in FENCE.finditer(_text(ROOT / page)) if "python" not in match.group(0)[:10])
        lines = [line.partition("#")[0].split() for line in blocks.splitlines() if line.startswith("lianpu ")]
        return [" ".join(words).replace(" --language zh", "") for words in lines]

    assert commands(f"{name}.md") == commands(f"{name}.zh-CN.md")


MODULES_WITH_EXAMPLES = sorted(
    ".".join(file.relative_to(ROOT / "src").with_suffix("").parts)
    for file in (ROOT / "src" / "lianpu").rglob("*.py")
    if ">>> " in _text(file)
)


@pytest.mark.parametrize("module", MODULES_WITH_EXAMPLES)
def test_examples_in_docstrings_give_what_they_say(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted and not result.failed


def test_the_site_has_every_page_in_its_menu() -> None:
    menu = set(re.findall(r"[\w/.-]+\.md", _text(ROOT / "mkdocs.yml")))
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    assert menu == pages | {f"reference/{page.name}" for page in GENERATED}


def test_the_site_fetches_nothing_when_a_page_is_viewed() -> None:
    """Fonts come from a server unless they are off; with repo_url the theme asks GitHub for its stars."""
    settings = _text(ROOT / "mkdocs.yml")
    assert "font: false" in settings and "repo_url" not in settings and "http" not in settings


def test_the_site_has_every_command_and_every_public_name() -> None:
    import lianpu

    spec = importlib.util.spec_from_file_location("site_pages", ROOT / "docs" / "site_pages.py")
    assert spec is not None and spec.loader is not None
    site_pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(site_pages)
    commands, names = site_pages.commands_page(), site_pages.api_page()
    for command in COMMANDS:
        assert f'title="lianpu {command} --help"\nusage: lianpu {command}' in commands, command
    assert 'title="lianpu data draw --help"' in commands and 'title="lianpu prepare labels --help"' in commands
    for name in lianpu.__all__:
        assert name.startswith("_") or re.search(rf"^::: lianpu[\w.]*\.{name}$", names, re.MULTILINE), name
