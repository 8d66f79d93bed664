"""The release check can fail, and the Dockerfile and workflows name what exists."""

import re
from pathlib import Path

import pytest
import yaml

from lianpu.cli.main import COMMANDS
from lianpu.extras import EXTRAS
from tests.robustness.release import content_problems, version_problems, wheel_problems

ROOT = Path(__file__).parents[2]
GOOD = {
    "lianpu/version.py": b"",
    "lianpu-1.0.0.dist-info/entry_points.txt": b"[console_scripts]\nlianpu = lianpu.cli.main:main\n",
    "lianpu-1.0.0.dist-info/licenses/LICENSE": b"MIT",
}


@pytest.mark.parametrize(
    ("version", "changelog", "tag", "words"),
    [
        ("1.0.0", "# Changes\n\n## 1.0.0 (2026-12-01)\n", "v1.0.0", None),
        ("1.0.0", "## 1.0.0 (unreleased)\n", "", None),
        ("1.0.0", "## 1.0.0 (unreleased)\n", "v1.0.0", "no date"),
        ("1.0.0", "## 1.0.0 (2026-12-01)\n", "v1.0.1", "the tag is v1.0.1, and version.py says 1.0.0"),
        ("1.1.0", "## 1.0.0 (2026-12-01)\n", "", "begins with 1.0.0, not with 1.1.0"),
        ("1.0.dev1", "## 1.0.dev1\n", "", "is no release's"),
    ],
)
def test_version_changelog_and_tag_agree(version: str, changelog: str, tag: str, words: str | None) -> None:
    problems = list(version_problems(version, changelog, tag))
    assert problems == [] if words is None else any(words in problem for problem in problems)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"lianpu/server.key": b"x"}, "server.key does not belong into it"),
        ({"lianpu/__pycache__/a.pyc": b"x"}, "does not belong"),
        ({"lianpu/a.bin": b"x" * 12_000_001}, "a.bin has 12.0 MB"),
        ({"lianpu/models/a.onnx": b"x"}, "a.onnx has no card"),
        ({"lianpu/a.py": b"x = '/home/anna/x'"}, "names a path of a machine: /home/anna/"),
    ],
)
def test_what_must_not_be_published_is_found(more: dict[str, bytes], words: str) -> None:
    assert not list(content_problems(GOOD))
    assert any(words in problem for problem in content_problems(GOOD | more))


def test_the_wheel_has_what_git_has_its_command_and_its_licence() -> None:
    tracked = frozenset({"lianpu/version.py"})
    assert not list(wheel_problems(GOOD, tracked))
    assert list(wheel_problems(GOOD, tracked | {"lianpu/a.py"})) == ["lianpu/a.py is missing"]
    assert list(wheel_problems(GOOD | {"lianpu/b.py": b""}, tracked)) == ["lianpu/b.py is not in git"]
    assert list(wheel_problems({"lianpu/version.py": b""}, tracked)) == ["it has no command lianpu", "it has no licence"]


def test_the_dockerfile_copies_and_runs_what_exists() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    stages = re.findall(r"^FROM (\S+)(?: AS (\w+))?$", text, re.MULTILINE)
    named = [name for _, name in stages if name]
    for at, (base, _) in enumerate(stages):
        assert base == "debian:${DEBIAN}" or base in named[:at], base
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists() and f"!{source}" in kept, source
    for extras in re.findall(r"\[([a-z,0-9]+)\]\"", text):
        assert set(extras.split(",")) <= set(EXTRAS)
    for command in re.findall(r'CMD \["([a-z]+)"', text.replace('CMD ["python"', "")):
        assert command in COMMANDS
    assert set(re.findall(r"lianpu ([a-z]+) ", re.sub(r"^#.*$", "", text, flags=re.MULTILINE))) <= {*COMMANDS, "lianpu"}
    assert 'ENTRYPOINT ["lianpu"]' in text and "USER lianpu" in text


def test_compose_and_workflow_name_targets_and_steps_that_exist() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["page"]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"AS {compose['build']['target']}\n" in dockerfile and compose["command"][0] in COMMANDS
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))["jobs"]
    made = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    steps = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    targets = [target for step in steps for target in re.findall(r"make ([\w-]+)", step)]
    assert set(targets) == {"check", "release-check", "docs"} and set(targets) <= set(made)
    assert jobs["publish"]["permissions"] == {"id-token": "write"} and set(jobs["publish"]["needs"]) == {
        "test",
        "build",
        "images",
    }
