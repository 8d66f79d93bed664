"""`make release-check`: what speaks against publishing the files in dist, one line each; exit code 1 where something does.

Needs only Python: version and changelog against each other and the tag, the wheel's files against those of git, no large, private or
foreign file in the wheel or the source archive, a card beside each bundled model.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]

LARGEST_FILE_BYTES = 12_000_000
LARGEST_WHEEL_BYTES = 40_000_000  # the index takes 100 MB at most; what grows to it should be fetched instead
LARGEST_SOURCE_BYTES = 90_000_000

PRIVATE = re.compile(
    r"^(runs|data|shared|demo)/|(^|/)(\.env|\.git|\.netrc|\.pypirc|id_rsa|id_ed25519|__pycache__|\.mypy_cache|\.venv[\w-]*)(/|$)"
    r"|\.(pem|key|p12|pyc|sqlite|db|log)$"
)
MODELS = (".onnx", ".safetensors", ".pth", ".pt", ".npz", ".tflite", ".dat")
MACHINE = re.compile(rb"(?<![\w.])(?:/root/|/home/\w+/)")


def version_problems(version: str, changelog: str, tag: str) -> Iterator[str]:
    """What is wrong with the version, the top heading of the changelog and the tag (empty: not tagged yet)."""
    if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", version):
        yield f"version {version} is no release's (1.2.3 or 1.2.3rc1)"
    heading = re.search(r"^## (\S+)(?: \((.*)\))?$", changelog, re.MULTILINE)
    if heading is None or heading[1] != version:
        yield f"CHANGELOG.md begins with {heading[1] if heading else 'no version'}, not with {version}"
    if not tag:
        return
    if tag != f"v{version}":
        yield f"the tag is {tag}, and version.py says {version}"
    if heading is not None and not re.fullmatch(r"\d{4}-\d\d-\d\d", heading[2] or ""):
        yield f"CHANGELOG.md gives {version} no date: '## {version} ({heading[2] or ''})'"


def content_problems(files: Mapping[str, bytes]) -> Iterator[str]:
    """What is wrong with the files of an archive, by their names and contents."""
    for name, content in files.items():
        if PRIVATE.search(name):
            yield f"{name} does not belong into it"
        if len(content) > LARGEST_FILE_BYTES:
            yield f"{name} has {len(content) / 1e6:.1f} MB, more than {LARGEST_FILE_BYTES / 1e6:.0f}"
        if (
            name.endswith(MODELS)
            and not name.startswith("tests/")
            and not any(other.endswith(".md") and other.rpartition("/")[0] == name.rpartition("/")[0] for other in files)
        ):
            yield f"{name} has no card (.md) beside it: where from, and what it may be used for"
        if name.endswith((".py", ".md", ".yaml", ".js", ".html")) and "tests/" not in name and (found := MACHINE.search(content)):
            yield f"{name} names a path of a machine: {found[0].decode()}"


def wheel_problems(files: Mapping[str, bytes], tracked: frozenset[str]) -> Iterator[str]:
    """What is wrong with the wheel's files, compared with the `tracked` ones (`lianpu/...`)."""
    yield from content_problems(files)
    inside = {name for name in files if ".dist-info/" not in name}
    yield from (f"{name} is not in git" for name in sorted(inside - tracked))
    yield from (f"{name} is missing" for name in sorted(tracked - inside))
    words = next((content.decode() for name, content in files.items() if name.endswith(".dist-info/entry_points.txt")), "")
    if "lianpu = lianpu.cli.main:main" not in words:
        yield "it has no command lianpu"
    if not any(".dist-info/licenses/" in name for name in files):
        yield "it has no licence"


def _wheel_files(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def _source_files(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        return {member.name.partition("/")[2]: stream.read() for member in members if (stream := archive.extractfile(member))}


def _tracked() -> frozenset[str]:
    listed = subprocess.run(["git", "ls-files", "-z", "src/lianpu"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return frozenset(name.removeprefix("src/") for name in listed.split("\0") if name)


def main(folder: Path, tag: str = "") -> int:
    """Print the problems of the archives in a folder; 1 where there are some."""
    found = re.search(r'__version__ = "(.+)"', (ROOT / "src/lianpu/version.py").read_text(encoding="utf-8"))
    version = found[1] if found else ""
    problems = list(version_problems(version, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), tag))
    checks = {"*.whl": LARGEST_WHEEL_BYTES, "*.tar.gz": LARGEST_SOURCE_BYTES}
    for pattern, largest in checks.items():
        archives = list(folder.glob(pattern))
        if len(archives) != 1 or f"-{version}" not in archives[0].name:
            problems.append(
                f"{folder} should hold one {pattern} of {version}; it holds {', '.join(file.name for file in archives) or 'none'}"
            )
            continue
        size = archives[0].stat().st_size
        files = _wheel_files(archives[0]) if pattern == "*.whl" else _source_files(archives[0])
        told = wheel_problems(files, _tracked()) if pattern == "*.whl" else content_problems(files)
        problems += [f"{archives[0].name}: {problem}" for problem in told]
        if size > largest:
            problems.append(f"{archives[0].name} has {size / 1e6:.1f} MB, more than {largest / 1e6:.0f}")
        print(f"{archives[0].name}: {len(files)} files, {size / 1e6:.1f} MB")
    print("\n".join(problems) or f"Nothing speaks against {version}.")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:3]))
