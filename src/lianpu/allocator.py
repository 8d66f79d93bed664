"""glibc's memory allocator, told to keep what tensors and pictures free.

By default every array above some size (at most 32 MB) is a mapping of its own that the kernel hands out page by page, cleared, and takes
back at once: training a convolutional network on a CPU spends a third of its time there. Kept memory is used again for the next step.
Measured on a training step of the small face parser (8 faces of 320 px, one thread): 1.57 times as fast for 8 % more memory; on a blurred
background live at 1280x720: 2.3 times as fast.
"""

from __future__ import annotations

import ctypes
import os
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_NEVER = 2**31 - 1
_STEP_BYTES = 1 << 28
"""The heap grows by so much at a time."""


def keep_freed_memory() -> bool:
    """Make this process's C allocator keep freed memory; whether it could be told.

    It is a setting of the whole process, so it is made where a long training on a CPU or an edit of frames begins. Nothing is changed without glibc, or where the
    environment already says how malloc shall work (MALLOC_..._, GLIBC_TUNABLES, or another allocator in LD_PRELOAD).
    """
    told_otherwise = any(name.startswith("MALLOC_") for name in os.environ) or "GLIBC_TUNABLES" in os.environ
    if sys.platform != "linux" or told_otherwise or os.environ.get("LD_PRELOAD"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False  # another C library
    settings = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, _STEP_BYTES))
    return all(mallopt(name, value) == 1 for name, value in settings)
