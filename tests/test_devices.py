"""Devices are picked by name, and the machine is described without waiting."""

import json
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lianpu import devices
from lianpu.devices import (
    FEATURES_OF_INTEREST,
    available_devices,
    available_memory_mb,
    cpu_features,
    describe_machine,
    has_int8_dot_product,
    instruction_sets,
    peak_memory_mb,
    pick_device,
)
from lianpu.errors import SettingsError
from lianpu.version import __version__

XEON = "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz\nflags\t\t: fpu avx2 avx512f avx512_vnni\n\nprocessor\t: 1\nmodel name\t: other\n"
GRAVITON = "processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd asimddp i8mm bf16 sve\nCPU implementer\t: 0x41\n"


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch that answers as on a machine with two GPUs (what it says, not what it does, is tried)."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.parametrize("name", ["auto", "cpu", " CPU "])
def test_a_machine_without_gpu_gives_the_cpu(no_gpu: None, name: str) -> None:
    assert pick_device(name) == torch.device("cpu")
    assert available_devices() == ("cpu",)


def test_auto_prefers_cuda(two_gpus: None) -> None:
    assert pick_device("auto") == torch.device("cuda")
    assert pick_device("cuda:1") == torch.device("cuda", 1)
    assert pick_device("cpu") == torch.device("cpu")


def test_auto_takes_mps_where_there_is_no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pick_device("auto") == pick_device("mps") == torch.device("mps")


def test_a_gpu_that_is_not_here_is_refused_with_what_there_is(two_gpus: None) -> None:
    with pytest.raises(SettingsError, match=r"^Device 'cuda:2' is not here: this machine has cuda:0, cuda:1, cpu\. Take auto\.$"):
        pick_device("cuda:2")


def test_cuda_on_a_machine_without_it_says_why(no_gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(SettingsError, match=r"'cuda' is not here: this machine has cpu \(this torch was built without CUDA\)"):
        pick_device("cuda")
    monkeypatch.setattr(torch.version, "cuda", "12.4")
    with pytest.raises(SettingsError, match=r"\(torch sees no CUDA device or driver\)"):
        pick_device("cuda:0")


@pytest.mark.parametrize("name", ["cdua", "gpu", "cuda:x", "cuda:", "cuda:-1", ""])
def test_an_unknown_device_is_refused_in_one_line(no_gpu: None, name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        pick_device(name)
    assert f"Device '{name}' is unknown" in str(caught.value)
    assert "Take auto, cpu, cuda, cuda:1 or mps; this machine has cpu." in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_misspelt_device_gets_the_nearest_name(no_gpu: None) -> None:
    with pytest.raises(SettingsError, match="did you mean 'cuda'"):
        pick_device("cdua")


def test_the_first_processor_of_proc_cpuinfo_is_read() -> None:
    name, flags = devices.parse_proc_cpuinfo(XEON)
    assert name == "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz"
    assert flags == {"fpu", "avx2", "avx512f", "avx512_vnni"}


def test_arm_tells_its_features_under_another_word() -> None:
    name, flags = devices.parse_proc_cpuinfo(GRAVITON)
    assert {"asimd", "asimddp", "i8mm", "bf16", "sve"} <= flags
    assert name == (platform.processor() or platform.machine())


@pytest.mark.parametrize(
    ("machine", "flags", "expected"),
    [
        ("x86_64", {"avx2"}, False),
        ("AMD64", {"avx2", "avx512f"}, False),
        ("AMD64", {"avx512vnni"}, True),
        ("x86_64", {"avx_vnni"}, True),
        ("x86_64", {"amx_int8"}, True),
        ("x86_64", set(), False),
        ("aarch64", {"asimd"}, True),
        ("arm64", set(), True),
    ],
)
def test_only_x86_without_vnni_loses_bits_of_int8_products(
    monkeypatch: pytest.MonkeyPatch, machine: str, flags: set[str], expected: bool
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(devices, "cpu_name_and_flags", lambda: ("a CPU", frozenset(flags)))
    cpu_features.cache_clear()
    try:
        assert has_int8_dot_product() is expected
    finally:
        cpu_features.cache_clear()


def test_instruction_sets_are_told_by_their_usual_names() -> None:
    sets = instruction_sets(("sse4_1", "avx2", "avx_vnni", "amx_int8", "amx_tile"), "x86_64")
    assert sets == {"AVX2": ("avx2",), "AVX-512": (), "VNNI": ("avx_vnni",), "AMX": ("amx_tile", "amx_int8")}
    assert instruction_sets(("asimd", "asimddp"), "aarch64")["DOTPROD"] == ("asimddp",)
    assert "AVX2" not in instruction_sets((), "arm64")


def test_a_cpu_that_py_cpuinfo_does_not_know_is_still_described(monkeypatch: pytest.MonkeyPatch) -> None:
    import cpuinfo

    def fail() -> None:
        raise Exception("py-cpuinfo currently only works on X86 and some ARM/PPC/S390X/MIPS/RISCV CPUs.")

    monkeypatch.setattr(cpuinfo, "get_cpu_info", fail)
    assert devices.ask_cpuinfo() == (platform.processor() or platform.machine() or "unknown", frozenset())


@pytest.mark.skipif(sys.platform != "linux", reason="compares py-cpuinfo with /proc/cpuinfo")
def test_py_cpuinfo_and_proc_cpuinfo_agree() -> None:
    name, flags = devices.ask_cpuinfo()
    direct_name, direct_flags = devices.cpu_name_and_flags()
    assert name == direct_name
    assert flags & set(FEATURES_OF_INTEREST) == direct_flags & set(FEATURES_OF_INTEREST)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells its CPU in a file")
def test_describing_the_machine_starts_no_other_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    devices.cpu_name_and_flags.cache_clear()
    cpu_features.cache_clear()
    assert describe_machine().cpu


def test_the_description_is_plain_json_that_names_what_is_here() -> None:
    machine = describe_machine()
    values = json.loads(json.dumps(machine.to_json(), allow_nan=False))
    assert values["torch"] == torch.__version__
    assert values["lianpu"] == __version__
    assert values["python"] == platform.python_version()
    assert values["threads"] == torch.get_num_threads()
    assert values["cpu"]
    assert values["logical_cores"] >= 1
    assert 0.5 < values["memory_gb"] < 10_000
    assert values["cpu_features"] == [feature for feature in FEATURES_OF_INTEREST if feature in cpu_features()]
    if not torch.cuda.is_available():
        assert values["cuda"] is None
    if available_devices() == ("cpu",):
        assert values["gpus"] == []


def test_onnxruntime_is_named_without_being_loaded() -> None:
    code = "import sys; from lianpu.devices import describe_machine; print(describe_machine().onnxruntime, 'onnxruntime' in sys.modules)"
    words = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert re.match(r"\d+\.\d+", words[0])
    assert words[1] == "False"


def test_peak_memory_never_falls_and_grows_by_what_is_taken() -> None:
    before = peak_memory_mb("cpu")
    taken = torch.ones(int(before + 100) * (1 << 20), dtype=torch.uint8)
    assert peak_memory_mb("cpu") >= before + 90
    del taken
    assert peak_memory_mb(torch.device("cpu")) >= before + 90


@pytest.mark.skipif(sys.platform != "linux", reason="the trap is Linux's")
def test_peak_memory_does_not_count_the_process_that_started_this_one() -> None:
    hold = torch.ones(600 << 20, dtype=torch.uint8)
    code = "from lianpu.devices import peak_resident_bytes; print(peak_resident_bytes())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(child.stdout) < 200 << 20 < hold.numel()


def test_available_memory_is_less_than_all_memory() -> None:
    assert 0 < available_memory_mb("cpu") < describe_machine().memory_gb * 1024 + 64


def test_a_containers_limit_counts_and_its_file_cache_does_not(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("4294967296\n")
    (tmp_path / "memory.current").write_text("3000000000\n")
    (tmp_path / "memory.stat").write_text("anon 1000000000\nfile 2000000000\ninactive_file 1900000000\nactive_file 100000000\n")
    assert devices.container_memory(tmp_path) == (4294967296, 1100000000)


def test_a_container_of_the_older_kind_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory/memory.limit_in_bytes").write_text("2147483648\n")
    (tmp_path / "memory/memory.usage_in_bytes").write_text("1000\n")
    (tmp_path / "memory/memory.stat").write_text("cache 900\ninactive_file 100\ntotal_inactive_file 400\n")
    assert devices.container_memory(tmp_path) == (2147483648, 600)


@pytest.mark.parametrize("limit", ["max\n", "9223372036854771712\n"])
def test_a_container_without_a_limit_limits_nothing(tmp_path: Path, limit: str) -> None:
    (tmp_path / "memory.max").write_text(limit)
    (tmp_path / "memory.current").write_text("1\n")
    (tmp_path / "memory.stat").write_text("inactive_file 0\n")
    assert devices.container_memory(tmp_path) is None


def test_no_container_is_no_limit(tmp_path: Path) -> None:
    assert devices.container_memory(tmp_path) is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_memory_of_a_gpu_is_its_own() -> None:
    torch.cuda.reset_peak_memory_stats()
    held = torch.ones(64 << 20, dtype=torch.uint8, device="cuda")
    assert peak_memory_mb("cuda") >= 64
    assert available_memory_mb("cuda") > 0
    gpu = describe_machine().gpus[0]
    assert gpu.name == torch.cuda.get_device_name(held.device)
    assert gpu.memory_gb is not None and gpu.memory_gb > 1
    assert describe_machine().cuda == torch.version.cuda
