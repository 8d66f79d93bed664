"""What `make audit` says of pip-audit's answers: an index that knows nothing is no clean bill."""

import json
import subprocess

import pytest

from tests.robustness import audit

CLEAN = {"name": "pillow", "version": "12.2.0", "vulns": []}
HOLE = {"name": "onnx", "version": "1.20.0", "vulns": [{"id": "CVE-0000-1", "fix_versions": ["1.21"]}]}
UNKNOWN = {"name": "tflite", "skip_reason": "Dependency not found on PyPI and could not be audited: tflite (2.18.0)"}


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ({"dependencies": [CLEAN, CLEAN]}, 0, "2 packages, 0 known holes"),
        ({"dependencies": [CLEAN, HOLE]}, 1, "onnx 1.20.0: CVE-0000-1, mended in 1.21"),
        ({"dependencies": [CLEAN, UNKNOWN]}, 0, "1 packages, 0 known holes, 1 packages unknown to the index"),
        ({"dependencies": [UNKNOWN]}, 0, "Skipped: no index of known holes answers (Dependency not found"),
        (None, 0, "Skipped: no index of known holes answers (no route)"),
    ],
)
def test_holes_end_with_1_and_an_index_that_does_not_answer_is_said(
    answer: object, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = subprocess.CompletedProcess([], 1, "" if answer is None else json.dumps(answer), "no route\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert audit.main() == code
    assert said in capsys.readouterr().out
