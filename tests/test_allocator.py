"""What the C allocator is told, seen from outside: in a process of its own, for it is a setting of the whole process."""

import os
import platform
import subprocess
import sys

import pytest

GLIBC = sys.platform == "linux" and platform.libc_ver()[0] == "glibc"
FAULTS = """
import resource, sys
import numpy as np
from lianpu.allocator import keep_freed_memory
told = sys.argv[1] == "tell" and keep_freed_memory()
np.ones(8_000_000, dtype=np.float64)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    np.ones(8_000_000, dtype=np.float64)
print(told, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _run(how: str, **environment: str) -> tuple[bool, int]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_", "LD_PRELOAD"))}
    ran = subprocess.run([sys.executable, "-c", FAULTS, how], env=clean | environment, capture_output=True, text=True, check=True)
    told, faults = ran.stdout.split()
    return told == "True", int(faults)


@pytest.mark.skipif(not GLIBC, reason="needs glibc")
def test_freed_memory_is_used_again_without_asking_the_kernel() -> None:
    told, faults = _run("tell")
    assert told and faults < 1000  # five arrays of 64 MB in pages of 4 KB would be 78,000


@pytest.mark.skipif(not GLIBC, reason="needs glibc")
def test_what_the_environment_says_of_malloc_wins() -> None:
    assert _run("tell", MALLOC_ARENA_MAX="2")[0] is False
    assert _run("tell", GLIBC_TUNABLES="glibc.malloc.check=0")[0] is False
