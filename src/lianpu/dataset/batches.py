"""Batches for training."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from lianpu.attributes import Labels
from lianpu.dataset.faces import Faces
from lianpu.dataset.order import Flips, Rows, Weights, step_rows
from lianpu.errors import DataError, PictureError, SettingsError
from lianpu.imaging.picture import Picture, to_batch

if TYPE_CHECKING:
    import torch

OnProgress = Callable[[int, int], None]
STALL_S = 60.0
"""Reading processes that give nothing for so long are started anew."""

_MOST_STALLS = 3

MEMORY_BUDGET_BYTES = 2_000_000_000
"""Faces that need no more than this as uint8 are decoded once and kept."""


@dataclass(frozen=True)
class TrainingBatches:
    """The batches of steps `first_step` to `last_step` (both included), for one process of several.

    Iterating gives (step, batch (B / world, 3, S, S) float32 in [-1, 1], labels (B / world, A)). What a step holds follows
    from (seed, step) alone: not from where iterating began, the number of processes or workers, or where the faces are kept.

    Args:
        faces: N training faces.
        batch_size: B, faces per step over all processes together.
        seed: chooses order and mirroring.
        first_step: the step to begin with; 1 is the first of a run.
        last_step: the step to end with.
        rank: which process this is, from 0; it takes the rank-th slice of the global batch.
        world: how many processes there are.
        workers: processes that read pictures when the faces do not fit in memory; 0 reads in this one.
        memory_budget_bytes: faces that need no more as uint8 (N * S * S * 3) are decoded at the start, by threads.
        on_progress: called with faces decoded, where all are decoded at the start.
        weights: (N,) how often each face is drawn; None walks through all alike.

    Raises:
        SettingsError: the batch cannot be shared out evenly.
        PictureError: when iterating, a picture that cannot be read; the file is named.
    """

    faces: Faces
    batch_size: int
    seed: int
    first_step: int
    last_step: int
    rank: int = 0
    world: int = 1
    workers: int = 0
    memory_budget_bytes: int = MEMORY_BUDGET_BYTES
    on_progress: OnProgress | None = None
    weights: Weights | None = None

    def __post_init__(self) -> None:
        if self.batch_size % self.world:
            lower = max(1, self.batch_size // self.world) * self.world
            raise SettingsError(
                f"batch_size {self.batch_size} cannot be shared out evenly over {self.world} processes. Take a multiple, such as {lower}."
            )
        if not 0 <= self.rank < self.world or self.first_step < 1:
            raise ValueError(f"rank {self.rank} of {self.world}, first step {self.first_step}")

    def __len__(self) -> int:
        return max(0, self.last_step - self.first_step + 1)

    @property
    def fit_in_memory(self) -> bool:
        """Whether the faces are decoded once and kept."""
        return len(self.faces) * self.faces.image_size**2 * 3 <= self.memory_budget_bytes

    def __iter__(self) -> Iterator[tuple[int, torch.Tensor, Labels]]:
        pictures = self._from_memory() if self.fit_in_memory else self._from_disk()
        for step, stack in zip(self._steps(), pictures, strict=True):
            yield step, to_batch(stack), self.faces.labels[self.rows(step)[0]]

    def rows(self, step: int) -> tuple[Rows, Flips]:
        """This process's rows of the faces at a step, and which are mirrored: (B / world,) each."""
        rows, flips = step_rows(len(self.faces), self.batch_size, self.seed, step, self.weights)
        share = self.batch_size // self.world
        mine = slice(self.rank * share, (self.rank + 1) * share)
        return rows[mine], flips[mine]

    def _steps(self) -> range:
        return range(self.first_step, self.last_step + 1)

    def _from_memory(self) -> Iterator[Picture]:
        needed = self._needed_rows()
        kept = read_faces(self.faces, needed, self.on_progress)
        for step in self._steps():
            rows, flips = self.rows(step)
            yield _mirrored(kept[np.searchsorted(needed, rows)], flips)

    def _needed_rows(self) -> Rows:
        """The rows that will be seen, sorted: all of them, unless the steps are too few to see each."""
        if len(self) * self.batch_size >= len(self.faces) * self.world:
            return np.arange(len(self.faces), dtype=np.int64)
        return np.unique(np.concatenate([self.rows(step)[0] for step in self._steps()] or [np.empty(0, dtype=np.int64)]))

    def _from_disk(self) -> Iterator[Picture]:
        step, stalls = self.first_step, 0
        while step <= self.last_step:
            try:
                for stack in _unless_killed(self._loader(step)):
                    if isinstance(stack, PictureError):
                        raise stack
                    yield stack
                    step, stalls = step + 1, 0
            except _StalledError:
                stalls += 1
                if stalls == _MOST_STALLS:
                    raise DataError(
                        f"The processes that read pictures gave nothing for {STALL_S:g} s, {stalls} times. "
                        "Check the disk, or set workers to 0, then run the same command again: it resumes from the last checkpoint."
                    ) from None

    def _loader(self, first_step: int) -> Iterator[Any]:
        import torch
        from torch.utils.data import DataLoader

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "This DataLoader will create")  # more readers than cores: they wait for the disk
            loader: DataLoader[Any] = DataLoader(
                cast("Any", _Pictures(self.faces)),
                batch_sampler=_Steps(replace(self, first_step=first_step)),
                num_workers=self.workers,
                collate_fn=_stack_or_problem,
                worker_init_fn=_leave_interrupts_to_the_parent,
                generator=torch.Generator(),  # its own, so that starting workers draws nothing from the global one
                timeout=STALL_S if self.workers else 0,
            )
            return iter(loader)


def read_faces(faces: Faces, indices: Sequence[int] | np.ndarray, on_progress: OnProgress | None = None) -> Picture:
    """The faces at `indices` (B, S, S, 3) uint8, decoded by threads. Raises PictureError, naming the file that is broken."""
    stack = np.empty((len(indices), faces.image_size, faces.image_size, 3), dtype=np.uint8)
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for done, picture in enumerate(pool.map(faces.read, map(int, indices))):
            stack[done] = picture
            if on_progress is not None:
                on_progress(done + 1, len(indices))
    return stack


def _mirrored(stack: Picture, flips: Flips) -> Picture:
    """A copy of pictures (B, S, S, 3), those where flips (B,) is true turned left to right."""
    return np.where(flips[:, None, None, None], stack[:, :, ::-1], stack)


class _StalledError(Exception):
    """No batch came in time: a process forked in an unlucky moment can wait for ever for a lock of a thread that it has not got."""


@dataclass(frozen=True)
class _Pictures:
    """Faces as the DataLoader asks for them: by (row, mirrored). A broken picture is an answer, so that its words survive."""

    faces: Faces

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, key: tuple[int, bool]) -> Picture | PictureError:
        row, mirrored = key
        try:
            picture = self.faces.read(row)
        except PictureError as problem:
            return problem
        return picture[:, ::-1] if mirrored else picture


@dataclass(frozen=True)
class _Steps:
    """The keys of each step, for the DataLoader."""

    batches: TrainingBatches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[tuple[int, bool]]]:
        for step in self.batches._steps():
            rows, flips = self.batches.rows(step)
            yield list(zip(rows.tolist(), flips.tolist(), strict=True))


def _stack_or_problem(answers: Sequence[Picture | PictureError]) -> Picture | PictureError:
    pictures: list[Picture] = []
    for answer in answers:
        if isinstance(answer, PictureError):
            return answer
        pictures.append(answer)
    return np.stack(pictures)  # NumPy arrays go through a pipe; tensors would need /dev/shm, which containers keep too small


def _unless_killed(stacks: Iterator[Any]) -> Iterator[Any]:
    """What a loader gives; that a reading process was killed from outside becomes an error that says so."""
    while True:
        try:
            stack = next(stacks)
        except StopIteration:
            return
        except RuntimeError as problem:
            if "DataLoader timed out" in str(problem):
                raise _StalledError from None
            if "DataLoader worker" not in str(problem):
                raise
            raise DataError(
                "A process that reads pictures was killed, perhaps for want of memory. "
                "Lower workers, then run the same command again: it resumes from the last checkpoint."
            ) from problem
        yield stack


def _leave_interrupts_to_the_parent(_: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
