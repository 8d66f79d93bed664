"""The device that work runs on, and a description of the machine for reports and for choosing INT8 settings."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lianpu.errors import SettingsError, nearest_name
from lianpu.version import __version__

if TYPE_CHECKING:
    import torch

MEGABYTE = 1 << 20
"""Memory is counted in binary units, as nvidia-smi and free count it (file sizes elsewhere are decimal)."""

FEATURES_OF_INTEREST = (
    *("sse4_1", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512_bf16", "avx512_vnni", "avx_vnni", "avx_vnni_int8"),
    *("amx_tile", "amx_int8", "amx_bf16"),
    *("asimd", "asimddp", "i8mm", "bf16", "sve"),
)
"""Instruction sets that change how fast or how exact our models run: x86 first, then ARM; spelled as Linux spells them."""

_OTHER_SPELLINGS = {
    "avx512vnni": "avx512_vnni",
    "avxvnni": "avx_vnni",
    "avx512bf16": "avx512_bf16",
    "avx1.0": "avx",
    "sse4.1": "sse4_1",
    "neon": "asimd",
}
_X86_SETS = {
    "AVX2": ("avx2",),
    "AVX-512": ("avx512f", "avx512bw"),
    "VNNI": ("avx512_vnni", "avx_vnni", "avx_vnni_int8"),
    "AMX": ("amx_tile", "amx_int8", "amx_bf16"),
}
_ARM_SETS = {"NEON": ("asimd",), "DOTPROD": ("asimddp",), "I8MM": ("i8mm",), "BF16": ("bf16",), "SVE": ("sve",)}
_X86_NAMES = ("x86_64", "amd64", "i386", "i686", "x86")


@dataclass(frozen=True)
class Gpu:
    """One accelerator. `memory_gb` is in units of 2**30 bytes; None where it shares the machine's memory."""

    name: str
    memory_gb: float | None


@dataclass(frozen=True)
class Machine:
    """What the report says of a machine. Versions of libraries that are not installed are None."""

    cpu: str
    physical_cores: int | None
    logical_cores: int
    threads: int
    """Threads that torch uses for one operation; without torch the number of logical cores."""
    memory_gb: float
    """Memory that this process may use, in units of 2**30 bytes: a container's limit counts."""
    cpu_features: tuple[str, ...]
    gpus: tuple[Gpu, ...]
    cuda: str | None
    torch: str | None
    onnxruntime: str | None
    python: str
    lianpu: str
    system: str

    def to_json(self) -> dict[str, Any]:
        """Plain values, as `environment.json` of a run holds them."""
        return asdict(self) | {"cpu_features": list(self.cpu_features), "gpus": [asdict(gpu) for gpu in self.gpus]}


def pick_device(name: str) -> torch.device:
    """The device of that name: `auto` (cuda, then mps, then cpu), `cpu`, `cuda`, `cuda:1` or `mps`.

    Raises:
        SettingsError: the name is unknown, or this machine has no such device; the message says what it has.
    """
    import torch

    wanted = name.strip().lower()
    here = available_devices()
    if wanted == "auto":
        return torch.device(here[0].split(":")[0])
    kind, colon, index = wanted.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (colon and not index.isdecimal()):
        raise SettingsError(
            f"Device '{name}' is unknown{nearest_name(kind, ('auto', 'cpu', 'cuda', 'mps'))}. "
            f"Take auto, cpu, cuda, cuda:1 or mps; this machine has {', '.join(here)}."
        )
    if wanted not in (*here, *{device.split(":")[0] for device in here}):
        raise SettingsError(f"Device '{name}' is not here: this machine has {', '.join(here)}{_why_no_cuda(kind)}. Take auto.")
    return torch.device(wanted)


def available_devices() -> tuple[str, ...]:
    """Names of the devices that torch can use now, best first; the last one is always `cpu`."""
    import torch

    cuda = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return (*cuda, *mps, "cpu")


def _why_no_cuda(kind: str) -> str:
    import torch

    if kind != "cuda" or torch.cuda.is_available():
        return ""
    return " (this torch was built without CUDA)" if torch.version.cuda is None else " (torch sees no CUDA device or driver)"


@functools.cache
def cpu_features() -> frozenset[str]:
    """Those of FEATURES_OF_INTEREST that this CPU has; empty when the machine does not tell."""
    _, flags = cpu_name_and_flags()
    return frozenset(_OTHER_SPELLINGS.get(flag, flag) for flag in flags) & frozenset(FEATURES_OF_INTEREST)


def instruction_sets(features: Iterable[str], machine: str = "") -> dict[str, tuple[str, ...]]:
    """Those of `features` that belong to each set that matters for our models: empty where the CPU lacks a set.

    AVX2 makes float networks fast, VNNI and AMX 8-bit ones. `machine` is the kind of CPU as `platform.machine` spells it; this one
    when empty.
    """
    sets = _X86_SETS if (machine or platform.machine()).lower() in _X86_NAMES else _ARM_SETS
    have = frozenset(features)
    return {name: tuple(feature for feature in members if feature in have) for name, members in sets.items()}


def has_int8_dot_product() -> bool:
    """Whether the CPU adds products of 8-bit numbers without losing any: VNNI or AMX on x86; other kinds of CPU always do.

    Without them, ONNX Runtime's kernels for unsigned activations and signed weights saturate at 16 bits, so weights should
    keep to 7 bits (`reduce_range`). ONNX Runtime documents this under "Quantize ONNX models".
    """
    if platform.machine().lower() not in _X86_NAMES:
        return True
    return not cpu_features().isdisjoint({"avx512_vnni", "avx_vnni", "avx_vnni_int8", "amx_int8"})


@functools.cache
def cpu_name_and_flags() -> tuple[str, frozenset[str]]:
    """Name and flags of this CPU: from /proc/cpuinfo, or from py-cpuinfo where there is no such file."""
    # The file is read in a millisecond; py-cpuinfo starts other processes and takes more than a second.
    try:
        return parse_proc_cpuinfo(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ask_cpuinfo()


def parse_proc_cpuinfo(text: str) -> tuple[str, frozenset[str]]:
    """Name and flags of the first processor in the text of /proc/cpuinfo (x86 says `flags`, ARM says `Features`)."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        values.setdefault(key.strip().lower(), value.strip())
    flags = values.get("flags") or values.get("features") or ""
    return values.get("model name") or _platform_cpu_name(), frozenset(flags.lower().split())


def ask_cpuinfo() -> tuple[str, frozenset[str]]:
    """Name and flags of this CPU as py-cpuinfo gives them; without flags on a machine that it does not know."""
    try:
        import cpuinfo

        info = cpuinfo.get_cpu_info()
    except Exception:  # py-cpuinfo raises bare Exception on machines that it does not know; a report can do without
        info = {}
    return info.get("brand_raw") or _platform_cpu_name(), frozenset(flag.lower() for flag in info.get("flags", ()))


def _platform_cpu_name() -> str:
    return platform.processor() or platform.machine() or "unknown"


def describe_machine() -> Machine:
    """This machine as it is now. Takes milliseconds once torch is loaded; without torch no GPU is known."""
    import psutil

    gpus, cuda, threads, torch_version = _seen_by_torch()
    limit = container_memory()
    total = psutil.virtual_memory().total
    return Machine(
        cpu=cpu_name_and_flags()[0],
        physical_cores=psutil.cpu_count(logical=False),
        logical_cores=os.cpu_count() or 1,
        threads=threads,
        memory_gb=round((min(total, limit[0]) if limit else total) / (1 << 30), 1),
        cpu_features=tuple(feature for feature in FEATURES_OF_INTEREST if feature in cpu_features()),
        gpus=gpus,
        cuda=cuda,
        torch=torch_version,
        onnxruntime=_installed_version("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino"),
        python=platform.python_version(),
        lianpu=__version__,
        system=_operating_system(),
    )


def _seen_by_torch() -> tuple[tuple[Gpu, ...], str | None, int, str | None]:
    """The GPUs that torch can use, their CUDA version, its threads and its version; without torch none, None, one a core, and None."""
    if find_spec("torch") is None:
        return (), None, os.cpu_count() or 1, None
    import torch

    cuda_gpus = [torch.cuda.get_device_properties(index) for index in range(_cuda_count())]
    gpus = [Gpu(gpu.name, round(gpu.total_memory / (1 << 30), 1)) for gpu in cuda_gpus]
    if torch.backends.mps.is_available():
        gpus.append(Gpu("Apple GPU (mps)", None))
    return tuple(gpus), torch.version.cuda if cuda_gpus else None, torch.get_num_threads(), str(torch.__version__)


def _operating_system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        name = platform.platform(terse=True)
    return f"{name}, {platform.machine()}"


def _cuda_count() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _installed_version(*distributions: str) -> str | None:
    for distribution in distributions:
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def peak_memory_mb(device: torch.device | str) -> float:
    """The most memory used so far, in units of 2**20 bytes.

    On CUDA what torch's tensors took on the device at most; elsewhere the most that this process held in main memory.
    """
    if str(device).startswith("cuda"):
        import torch

        return torch.cuda.max_memory_allocated(device) / MEGABYTE
    return peak_resident_bytes() / MEGABYTE


def peak_resident_bytes() -> int:
    """The most main memory that this process has held so far, in bytes."""
    # getrusage would also count the process that started this one; the kernel's own high-water mark does not.
    status = Path("/proc/self/status")
    if status.is_file() and (mark := re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"), re.MULTILINE)):
        return int(mark[1]) * 1024
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def available_memory_mb(device: torch.device | str) -> float:
    """Memory that could still be taken on the device without swapping, in units of 2**20 bytes."""
    import psutil

    if str(device).startswith("cuda"):
        import torch

        return torch.cuda.mem_get_info(device)[0] / MEGABYTE
    free = psutil.virtual_memory().available
    limit = container_memory()
    return (min(free, limit[0] - limit[1]) if limit else free) / MEGABYTE


def container_memory(root: Path = Path("/sys/fs/cgroup")) -> tuple[int, int] | None:
    """(limit, used) in bytes of the container that this process runs in, or None when nothing limits it.

    File cache that the kernel would give back does not count as used.
    """
    for limit_name, used_name, cache_name in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            limit, used = (root / limit_name).read_text().strip(), (root / used_name).read_text().strip()
            statistics = (root / limit_name).with_name("memory.stat").read_text()
        except OSError:
            continue
        if not limit.isdecimal() or int(limit) >= 1 << 60:  # "max", or version 1's way of saying that there is none
            return None
        cache = re.search(rf"^{cache_name} (\d+)$", statistics, re.MULTILINE)
        return int(limit), int(used) - (int(cache[1]) if cache else 0)
    return None
