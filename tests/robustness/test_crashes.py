"""A command that was killed, or whose disk was full, at one of its writes goes on when it is called again, as if nothing had been.

`make fuzz` tries every write of every command; here a few stand for them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lianpu.models.store.locate import find_model_file
from tests.robustness.crashes import JOBS

ROOT = Path(__file__).parents[2]
TRIED = {
    "train": ("kill:5",),
    "prepare": ("kill:1", "kill:6", "kill:-3", "full:-4"),
    "edit": ("kill:2",),
    "video": ("kill:1", "full:-1"),
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.skipif(find_model_file("dlib-landmarks-68") is None, reason="needs dlib's 68 points")
@pytest.mark.parametrize("job", JOBS)
def test_a_call_after_a_kill_or_a_full_disk_gives_what_one_without_gives(job: str, tmp_path: Path) -> None:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", "")))),
        "OMP_NUM_THREADS": "1",
    }
    asked = () if os.environ.get("LIANPU_FUZZ") else TRIED[job]
    call = [sys.executable, "-W", "ignore", "-m", "tests.robustness.crashes", job, str(tmp_path / "work"), *asked]
    done = subprocess.run(call, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["writes"] >= 3 and not found["problems"], "\n".join(found["problems"])
