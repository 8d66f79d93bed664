"""A run folder as the stages write it, made in a second: the report can be tried on it without training anything.

The figures are invented, as figures in tests are; no report of them is ever shown as a result.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from lianpu.files import write_json
from lianpu.imaging.picture import Picture, grid
from lianpu.photo.writing import write_image
from lianpu.runs import Run

NAMES = ["Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"]
TRANSFORMS = {
    "Black_Hair -> Blond_Hair": (32.5, 2.81, 0.91, 0.04),
    "Blond_Hair -> Black_Hair": (35.1, 2.74, 0.94, 0.03),
    "Male -> not Male": (45.2, 2.52, 0.66, 0.08),
    "Young -> not Young": (38.7, 2.63, 0.52, 0.21),
}
LAST_STEP = 4000


def make_run(folder: Path) -> Run:
    """A finished run with everything that any stage writes."""
    run = make_settings_only(folder)
    add_steps(run)
    add_samples(run)
    add_checkpoint_state(run)
    add_environment(run)
    for step, distance in ((1000, 78.2), (2000, 52.4), (3000, 38.6), (LAST_STEP, 31.2)):
        add_scores(run, step, distance)
    add_export(run)
    return run


def make_settings_only(folder: Path, **changes: Any) -> Run:
    """A run that has its settings and nothing else; `changes` replace entries of config.yaml."""
    run = Run(folder)
    values: dict[str, Any] = {
        "run_id": "3f9a1c07",
        "created": "2025-03-01T10:00:00+00:00",
        "command": "python train.py --dataset CelebA --image-size 64 --batch_size 16 --num_iters 4000 --selected-attrs "
        + " ".join(NAMES),
        "lianpu": "0.1.0",
        "torch": "2.6.0",
        "data": {
            "source": "CelebA",
            "data_dir": "data/celeba",
            "fingerprint": "0123456789abcdef",
            "train_count": 800,
            "test_count": 100,
            "attributes": {"names": NAMES, "groups": [NAMES[:3]], "one_class": False},
            "licence": "non-commercial research and education only (CelebA)",
            "alignment": "celeba-center-crop-178",
        },
        "model": {"image_size": 64, "g_conv_dim": 64, "d_conv_dim": 64, "g_repeat_num": 6, "d_repeat_num": 5},
        "training": {
            "batch_size": 16,
            "num_epochs": 200,
            "num_iters": LAST_STEP,
            "g_lr": 0.0001,
            "d_lr": 0.0001,
            "n_critic": 5,
            "log_every": 10,
            "seed": 0,
        },
        "loss": {"lambda_adv": 1.0, "lambda_cls": 1.0, "lambda_rec": 10.0, "lambda_gp": 10.0},
        "selected_attrs": NAMES,
        "eval_transforms": [],
    }
    run.write_config(values | changes)
    return run


def add_steps(run: Run, last: int = LAST_STEP) -> None:
    """Losses every 10 steps that fall with noise, and what the edits do every 500."""
    random = np.random.default_rng(0)
    lines = []
    for step in range(10, last + 1, 10):
        decay, noise = math.exp(-step / 900), random.normal(0, 0.08, 6)
        d_adv, d_cls, d_gp = -0.9 + 2 * decay + noise[0], 0.2 + 2.4 * decay + 0.3 * noise[1], 0.02 + 0.1 * decay
        g_adv, g_rec, g_cls = 0.4 + decay + noise[3], 0.09 + 0.3 * decay + 0.05 * noise[4], 0.5 + 2 * decay + 0.3 * noise[5]
        values = {"step": step, "epoch": step * 16 / 800, "seconds": step * 0.5, "d_loss": d_adv + d_cls + 10 * d_gp}
        values |= {"d_adv": d_adv, "d_cls": d_cls, "d_gp": d_gp, "g_lr": 1e-4, "d_lr": 1e-4}
        values |= {"g_loss": g_adv + g_cls + 10 * g_rec, "g_adv": g_adv, "g_rec": g_rec, "g_cls": g_cls}
        if step % 500 == 0:
            values |= {"edit_change": 0.2 * (1 - decay), "edit_success": 0.9 - 0.7 * decay}
        lines.append(values)
    for line in lines:
        run.append_step(line)


def add_samples(run: Run, side: int = 64) -> None:
    """Sample grids whose edits grow with the step."""
    for step in range(500, LAST_STEP + 1, 500):
        rows = [[_face(side, row, column, step / LAST_STEP) for column in range(1 + len(NAMES))] for row in range(4)]
        write_image(run.sample_file(step), grid(rows))


def _face(side: int, row: int, column: int, share: float) -> Picture:
    """A disc on a ground: enough to see rows, columns and progress."""
    y, x = np.mgrid[0:side, 0:side]
    picture = np.full((side, side, 3), 225 - 12 * row, dtype=np.uint8)
    hair = [(60, 45, 40), (25, 22, 24), (225, 190, 110), (120, 75, 45), (90, 60, 60), (150, 150, 150)][column]
    colour = (1 - share) * np.array((60, 45, 40)) + share * np.array(hair)
    picture[(x - side / 2) ** 2 + (y - side * 0.45) ** 2 < (side * 0.4) ** 2] = colour.astype(np.uint8)
    picture[(x - side / 2) ** 2 + (y - side * 0.55) ** 2 < (side * 0.28) ** 2] = (233, 190, 160)
    return picture


def add_checkpoint_state(run: Run, generator: int = 8_430_528, discriminator: int = 11_175_872) -> None:
    write_json(
        run.checkpoint(LAST_STEP).state_file,
        {"step": LAST_STEP, "parameters": {"generator": generator, "discriminator": discriminator}},
    )


def add_environment(run: Run) -> None:
    write_json(
        run.environment_file,
        {
            "cpu": "AMD EPYC 7763", "physical_cores": 2, "logical_cores": 4, "threads": 2, "memory_gb": 15.6, "cpu_features": ["avx2"],
            "gpus": [], "cuda": None, "torch": "2.6.0", "onnxruntime": "1.20.1", "python": "3.11.7", "lianpu": "0.1.0", "system": "Debian GNU/Linux 12, x86_64",
            "train_seconds": 5412.0, "guide_seconds": 190.0, "peak_memory_mb": 1890.0, "device": "cpu", "precision": "fp32", "processes": 1,
        },
    )  # fmt: skip


def protocol(metric: str, features: str, fake_count: int, real_count: int = 800, **more: Any) -> dict[str, Any]:
    """A protocol as evaluation writes it."""
    return {
        "metric": metric, "features": features, "resize": "224 px, bicubic", "real_count": real_count, "fake_count": fake_count,
        "real_split": "train" if real_count else "none", "fake_split": "test", "seed": 0, "image_size": 64, "data": "0123456789abcdef", "settings": "", **more,
    }  # fmt: skip


def score(
    metric: str, value: float, transform: str = "overall", features: str = "pixels", count: int = 100, real: int = 0
) -> dict[str, Any]:
    """A score as evaluation writes it."""
    return {
        "metric": metric,
        "transform": transform,
        "value": value,
        "better": "lower",
        "protocol": protocol(metric, features, count, real),
    }


def add_scores(run: Run, step: int, distance: float, network: str = "efficientnet-lite0", data: str = "0123456789abcdef") -> None:
    """Scores of a checkpoint; those of the last step have a row per transform."""
    frechet, inception_score, kernel = {
        "inception-v3-compat": ("fid", "is", "kid"),
        "efficientnet-lite0": ("frechet_efficientnet_lite0", "inception_score_efficientnet_lite0", "kernel_efficientnet_lite0"),
    }[network]
    judge = "attribute classifier, 800 training faces, 600 steps, seed 0"
    scores = [
        score(frechet, distance, features=network, real=800),
        {**score(kernel, 0.0312, features=network, real=800), "std": 0.0021},
        score(inception_score, 2.61, features=network),
        score("attribute_success", 0.74, features=judge),
        score("attribute_success_unedited", 0.09, features=judge),
        score("edit_change", 0.182),
        score("reconstruction_l1", 0.061),
    ]
    if step == LAST_STEP:
        for index, (name, (far, clear, after, before)) in enumerate(TRANSFORMS.items()):
            count = 23 + 14 * index
            scores += [
                score(frechet, far, name, network, count, 180),
                score(inception_score, clear, name, network, count),
                score("attribute_success", after, name, judge, count),
                score("attribute_success_unedited", before, name, judge, count),
                score("edit_change", 0.15 + 0.02 * index, name, count=count),
            ]
    for one in scores:
        one["protocol"]["data"] = data
    missing = [{"metric": "lpips_edit", "transform": "overall", "reason": "alexnet-owt-7be5be79.pth is not on this machine"}]
    run.write_score(
        f"step-{step:09d}",
        {
            "file": f"checkpoints/{step:09d}", "kind": "PyTorch FP32", "step": step, "epoch": step * 16 / 800, "command": f"lianpu evaluate {run.folder}", "seconds": 42.0,
            "classifier": {"accuracy": {name: accuracy(name) for name in NAMES}, "train_count": 800},
            "scores": scores,
            "by_attribute": [score("attribute_success", 0.6 + 0.05 * index, name, judge, 40 + index) for index, name in enumerate(NAMES)],
            "floor": [score(frechet, 12.4, features=network, real=800)],
            "not_measured": missing,
            "notes": [],
        },
    )  # fmt: skip


def accuracy(name: str) -> dict[str, Any]:
    """How good the judge is at one attribute; it is poor at ages."""
    balanced = 0.69 if name == "Young" else 0.91
    return {"accuracy": balanced + 0.02, "balanced_accuracy": balanced, "positives": 23, "count": 100}


def add_export(run: Run) -> None:
    """ONNX, INT8 and their comparison."""
    write_json(
        run.parity_file,
        {"file": "export/model.onnx", "opset": 18, "max_abs_difference": 3.1e-6, "limit": 1e-4, "faces": 16, "bytes": 33_741_000, "torch": "2.6.0", "onnxruntime": "1.20.1"},
    )  # fmt: skip
    write_json(
        run.quantization_file,
        {"file": "export/model.int8.onnx", "bytes": 8_612_000, "method": "static QDQ, U8S8", "per_channel": True, "reduce_range": True, "calibration_faces": 256, "why": "the CPU has no VNNI"},
    )  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"model": "PyTorch FP32", "file": "checkpoints/000004000", "bytes": 33_722_112, "latency_ms": 28.1, "latency_ms_p10": 27.5, "latency_ms_p90": 29.9, "psnr_to_fp32_db": None},
        {"model": "ONNX FP32", "file": "export/model.onnx", "bytes": 33_741_000, "latency_ms": 18.4, "latency_ms_p10": 18.0, "latency_ms_p90": 19.2, "psnr_to_fp32_db": 118.2},
        {"model": "ONNX INT8", "file": "export/model.int8.onnx", "bytes": 8_612_000, "latency_ms": 14.0, "latency_ms_p10": 13.7, "latency_ms_p90": 14.8, "psnr_to_fp32_db": 33.4},
    ]  # fmt: skip
    for row, distance in zip(rows, (31.2, 31.2, 33.5), strict=True):
        row |= {
            "times_pytorch": 28.1 / row["latency_ms"],
            "scores": [score("frechet_efficientnet_lite0", distance, features="efficientnet-lite0", real=800)],
        }
    write_json(
        run.benchmark_file,
        {"cpu": "AMD EPYC 7763", "threads": 2, "runs": 50, "batch": 1, "image_size": 64, "created": "2025-03-01T13:00:00+00:00", "command": f"lianpu compare {run.folder}", "rows": rows, "advice": "Ship INT8 here: it is twice as fast as PyTorch, a quarter of the size, and its edits are close to those of FP32."},
    )  # fmt: skip


def add_tournament(run: Run, *, won: bool = True) -> None:
    """What `quantize --search` found; the second of three ways won, or none."""
    entries: list[dict[str, Any]] = [
        {"name": "float32", "engine": "onnxruntime", "file": "model.onnx", "bytes": 33_741_000, "psnr_db": 200.0, "psnr_db_worst_face": 200.0, "latency_ms": 18.4, "times_float": [1.0, 1.0, 1.0], "settings": None},
        {"name": "percentile, per channel, 7 bits", "engine": "onnxruntime", "file": "percentile.onnx", "bytes": 8_612_000, "psnr_db": 43.6, "psnr_db_worst_face": 42.2, "latency_ms": 9.1, "times_float": [1.91, 2.02, 2.11], "settings": {}},
        {"name": "percentile, per tensor, 7 bits", "engine": "onnxruntime", "file": "tensor.onnx", "bytes": 8_600_000, "psnr_db": 38.4, "psnr_db_worst_face": 37.6, "latency_ms": None, "times_float": None, "settings": {}},
    ]  # fmt: skip
    write_json(
        run.tournament_folder / "tournament.json",
        {"cpu": "AMD EPYC 7763", "threads": 1, "budget_psnr_db": 40.0, "worth_times": 1.3, "max_ms": None, "entries": entries, "winner": entries[1] if won else None},
    )  # fmt: skip
