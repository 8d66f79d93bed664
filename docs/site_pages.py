"""What mkdocs makes of the code for the site: the reference of commands, that of the Python names, and links out of docs/.

mkdocs calls the two functions whose names begin with `on_`; `python docs/site_pages.py commands` prints the reference of commands.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import posixpath
import re
import sys
from typing import Any, get_args

REPOSITORY = "https://github.com/lianpu/lianpu/blob/main"
_LINK = re.compile(r"(\]\()([^)#\s:]+)((?:#[^)\s]*)?\))")


def commands_page() -> str:
    """The help of every command and subcommand, by the parser itself."""
    from lianpu.cli.main import GROUPS

    lines = [
        "# Commands",
        "",
        "What `lianpu COMMAND --help` prints. Every command also takes `--commercial-safe`",
        "([what it does](../how-to/commercial-use.md)).",
        "",
    ]
    for group, commands in GROUPS.items():
        lines += [f"## {group}", ""]
        for name, command in commands.items():
            lines += [f"### lianpu {name} {{ #{name} }}", "", f"{command.summary[:1].upper()}{command.summary[1:]}.", ""]
            for words in ([name], *([name, word] for word in _subcommands(command))):
                lines += [f'```text title="lianpu {" ".join(words)} --help"', _help(*words), "```", ""]
    return "\n".join(lines)


def _subcommands(command: Any) -> list[str]:
    """The words that may follow a command: of its table, or of the union of its classes of options."""
    module = importlib.import_module(command.module)
    if command.subcommands:
        return list(getattr(module, command.subcommands))
    kinds = get_args(getattr(module, command.arguments))
    return [about.name for kind in kinds for about in getattr(kind, "__metadata__", ()) if hasattr(about, "name")]


def _help(*words: str) -> str:
    from lianpu.cli.main import main

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        main([*words, "--help"])
    return "\n".join(line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", said.getvalue()).splitlines()).strip()


def api_page() -> str:
    """Every public name of the package, from its docstring."""
    import lianpu

    by_file: dict[str, list[str]] = {}
    for name, home in lianpu._HOMES.items():
        by_file.setdefault(home, []).append(name)
    lines = ["# Python", "", "All of this is `import lianpu`, then `lianpu.NAME`; names are loaded when they are first used.", ""]
    for title, homes in _TOPICS.items():
        lines += [f"## {title}", ""]
        lines += [line for home in homes for name in sorted(by_file.pop(home)) for line in (f"::: {home}.{name}", "")]
    assert not by_file, f"public names without a topic in docs/site_pages.py: {by_file}"
    return "\n".join(lines)


_TOPICS = {
    "Photos and faces": (
        "lianpu.photo.reading",
        "lianpu.photo.writing",
        "lianpu.imaging.picture",
        "lianpu.faces.detection",
        "lianpu.faces.detectors",
        "lianpu.dataset.drawn",
    ),
    "Edit": ("lianpu.editors.loading", "lianpu.editing.attributes", "lianpu.attributes"),
    "Data": ("lianpu.dataset.sources", "lianpu.preparation.prepare", "lianpu.preparation.settings"),
    "Train and judge": ("lianpu.training.config", "lianpu.guidance.making", "lianpu.training.loop", "lianpu.api", "lianpu.runs"),
    "Ship and report": (
        "lianpu.export.onnx_export",
        "lianpu.export.quantization",
        "lianpu.export.comparison",
        "lianpu.report.page",
    ),
    "Errors": ("lianpu.errors",),
}


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made of the code."""
    from mkdocs.structure.files import File

    os.environ["COLUMNS"], os.environ["NO_COLOR"] = "80", "1"
    for path, text in (("reference/commands.md", commands_page()), ("reference/api.md", api_page())):
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links to files that are not pages of the site lead to the repository."""
    folder = posixpath.dirname(page.file.src_uri)

    def led(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", folder, match[2]))
        outside = not path.startswith("docs/") or path.endswith(".py")
        return f"{match[1]}{REPOSITORY}/{path}{match[3]}" if outside else match[0]

    return _LINK.sub(led, markdown)


if __name__ == "__main__":
    print(api_page() if sys.argv[1:] == ["api"] else commands_page())
