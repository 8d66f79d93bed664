"""Measure a large data set: `python docs/measure_scale.py FACES [--count 20000] [--no-check]`; prints docs/results/log/scale.md's table.

FACES is a folder in CelebAMask-HQ's layout. COUNT links to its pictures, with their labels, become a CSV data set in a temporary folder, which is opened,
read in batches from disk as training reads, and checked as `lianpu data check` does: the last two in processes of their own, so that each memory is its own.
The links lead to few files, which the system keeps in memory: a cold disk is not measured. Linux.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lianpu.dataset.batches import TrainingBatches
from lianpu.dataset.check import check_data
from lianpu.dataset.sources import open_dataset, read_table

SIDE_PX = 128
BATCH = 16
STEPS = (1, 20, 100, 200)
"""Steps after which memory is printed."""

IN_A_FOLDER = 10_000


def make_links(faces: Path, folder: Path, count: int) -> None:
    """`count` links to the pictures of `faces` in turn, and their labels.csv; one in ten is held out."""
    table = read_table("CelebAMask-HQ", faces)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["file", *table.attributes, "split"])
        for number in range(count):
            source = number % len(table.files)
            name = f"{number // IN_A_FOLDER:03d}/{number:06d}{Path(table.files[source]).suffix}"
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).symlink_to((table.root / table.files[source]).resolve())
            labels = ["" if value > 1 else value for value in table.labels[source].tolist()]
            rows.writerow([name, *labels, "test" if number % 10 == 9 else "train"])


def memory_mb(kind: str = "VmRSS") -> int:
    """MB of this process now; `VmHWM`: at most so far."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return round(int(next(line for line in lines if line.startswith(kind)).split()[1]) * 1024 / 1e6)


def row(step: str, seconds: float, what: str = "") -> None:
    """Print a row of the table."""
    print(f"| {step} | {seconds:.1f} s{what} | {memory_mb()} MB, at most {memory_mb('VmHWM')} MB |", flush=True)


def read(folder: Path) -> None:
    """Open the data set, and read batches."""
    start = time.process_time()
    data = open_dataset("csv", folder, SIDE_PX, ["Male", "Young"])
    row("`open_dataset`: labels read and checked, pictures listed, fingerprint", time.process_time() - start)
    start = first = time.process_time()
    for step, faces, _ in TrainingBatches(
        data.train, BATCH, seed=0, first_step=1, last_step=STEPS[-1], workers=0, memory_budget_bytes=0
    ):
        assert faces.shape == (BATCH, 3, SIDE_PX, SIDE_PX)
        if step == 1:
            first = time.process_time()
        if step in STEPS:
            spent = time.process_time() - first
            speed = f": {BATCH * (step - 1) / spent:.0f} faces a second" if step > 1 else ""
            row(f"step {step}, batches of {BATCH} at {SIDE_PX} px", spent if step > 1 else first - start, speed)


def check(folder: Path) -> None:
    """Check every picture."""
    table = read_table("csv", folder)
    count, start = len(table.files), time.process_time()

    def on_progress(done: int, total: int) -> None:
        if done in {count // 10, count // 2, count}:
            spent = time.process_time() - start
            row(f"`check_data` after {done:,} of {total:,} pictures", spent, f": {done / spent:.0f} a second")

    report = check_data(table, SIDE_PX, on_progress=on_progress)
    row(
        f"its report: {len(report.problems):,} problems (each link beyond the first to a picture is a duplicate)",
        time.process_time() - start,
    )


def main() -> None:
    """Make the links, and measure."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("faces", type=Path)
    arguments.add_argument("--count", type=int, default=20_000)
    arguments.add_argument("--no-check", action="store_true")
    parsed = arguments.parse_args()
    jobs: list[Callable[[Path], None]] = [read] if parsed.no_check else [read, check]
    with tempfile.TemporaryDirectory() as name:
        make_links(parsed.faces, Path(name), parsed.count)
        print("| step | processor time | memory of the process |\n|---|---|---|", flush=True)
        for job in jobs:
            process = multiprocessing.get_context("spawn").Process(target=job, args=(Path(name),))
            process.start()
            process.join()


if __name__ == "__main__":
    main()
