"""Batches are the same bits whatever keeps, reads or shares them out."""

import os
import signal
import time
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest
import torch

from lianpu.dataset import batches
from lianpu.dataset.batches import TrainingBatches, read_faces
from lianpu.dataset.faces import Faces
from lianpu.dataset.order import step_rows
from lianpu.dataset.sources import open_dataset
from lianpu.errors import DataError, SettingsError
from lianpu.imaging.picture import Picture, to_batch

# Python 3.12 and later warn when a process with threads forks, as the DataLoader of torch does
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")


@pytest.fixture
def faces(celebamask: Path) -> Faces:
    return open_dataset("CelebAMask-HQ", celebamask, 16, ["Black_Hair", "Male"]).train


def _all(read: TrainingBatches) -> list[tuple[int, torch.Tensor, np.ndarray]]:
    return list(read)


def _same(one: list[tuple[int, torch.Tensor, np.ndarray]], other: list[tuple[int, torch.Tensor, np.ndarray]]) -> bool:
    return len(one) == len(other) and all(
        a[0] == b[0] and torch.equal(a[1], b[1]) and (a[2] == b[2]).all() for a, b in zip(one, other, strict=True)
    )


def test_a_batch_holds_the_faces_of_its_step_mirrored_where_the_coin_says(faces: Faces) -> None:
    rows, flips = step_rows(len(faces), 6, 3, 4)
    assert flips.any() and not flips.all()
    pictures = [faces.read(int(row))[:, ::-1] if flip else faces.read(int(row)) for row, flip in zip(rows, flips, strict=True)]
    [(step, batch, labels)] = _all(TrainingBatches(faces, 6, seed=3, first_step=4, last_step=4))
    assert step == 4 and batch.dtype == torch.float32 and tuple(batch.shape) == (6, 3, 16, 16)
    assert torch.equal(batch, to_batch(pictures))
    assert (labels == faces.labels[rows]).all() and labels.dtype == np.float32


@pytest.mark.parametrize("workers", [0, 2])
def test_faces_kept_in_memory_and_read_by_workers_give_equal_bits(faces: Faces, workers: int) -> None:
    in_memory = TrainingBatches(faces, 6, seed=3, first_step=1, last_step=9)
    from_disk = TrainingBatches(faces, 6, seed=3, first_step=1, last_step=9, workers=workers, memory_budget_bytes=0)
    assert in_memory.fit_in_memory and not from_disk.fit_in_memory
    assert _same(_all(in_memory), _all(from_disk))


def test_beginning_at_a_later_step_gives_what_going_on_would_have(faces: Faces) -> None:
    whole = _all(TrainingBatches(faces, 6, seed=3, first_step=1, last_step=20))
    for budget in (0, 10**9):
        later = TrainingBatches(faces, 6, seed=3, first_step=11, last_step=20, memory_budget_bytes=budget)
        assert len(later) == 10 and _same(whole[10:], _all(later))


def test_processes_share_the_batch_that_one_would_have(faces: Faces) -> None:
    whole = _all(TrainingBatches(faces, 6, seed=3, first_step=1, last_step=5))
    shares = [_all(TrainingBatches(faces, 6, seed=3, first_step=1, last_step=5, rank=rank, world=3)) for rank in range(3)]
    for at, (step, batch, labels) in enumerate(whole):
        assert torch.equal(batch, torch.cat([share[at][1] for share in shares]))
        assert (labels == np.concatenate([share[at][2] for share in shares])).all()
        assert step == shares[0][at][0] == at + 1


def test_reading_draws_nothing_from_the_global_generator(faces: Faces) -> None:
    before = torch.get_rng_state()
    _all(TrainingBatches(faces, 4, seed=0, first_step=1, last_step=3, workers=1, memory_budget_bytes=0))
    _all(TrainingBatches(faces, 4, seed=0, first_step=1, last_step=3))
    assert torch.equal(before, torch.get_rng_state())


def test_a_batch_that_cannot_be_shared_out_is_refused(faces: Faces) -> None:
    with pytest.raises(
        SettingsError, match=r"batch_size 16 cannot be shared out evenly over 3 processes. Take a multiple, such as 15"
    ):
        TrainingBatches(faces, 16, seed=0, first_step=1, last_step=3, world=3)


@pytest.mark.parametrize("options", [{}, {"memory_budget_bytes": 0}, {"memory_budget_bytes": 0, "workers": 2}])
def test_a_broken_picture_stops_training_with_its_name_in_one_line(faces: Faces, options: dict[str, int]) -> None:
    file = faces.table.root / "000005.jpg"
    file.write_bytes(file.read_bytes()[:400])
    with pytest.raises(DataError) as caught:
        _all(TrainingBatches(faces, 8, seed=0, first_step=1, last_step=2, **options))  # type: ignore[arg-type]
    assert "000005.jpg" in str(caught.value) and "\n" not in str(caught.value) and "Traceback" not in str(caught.value)


def test_only_faces_that_will_be_seen_are_decoded(faces: Faces) -> None:
    told: list[tuple[int, int]] = []
    few = TrainingBatches(faces, 4, seed=0, first_step=1, last_step=2, on_progress=lambda done, total: told.append((done, total)))
    assert len(_all(few)) == 2 and told == [(at, 8) for at in range(1, 9)]
    told.clear()
    many = TrainingBatches(
        faces, 4, seed=0, first_step=1, last_step=9, on_progress=lambda done, total: told.append((done, total))
    )
    assert len(_all(many)) == 9 and told[-1] == (16, 16)


def test_no_steps_give_no_batches(faces: Faces) -> None:
    for budget in (0, 10**9):
        batches = TrainingBatches(faces, 4, seed=0, first_step=5, last_step=4, memory_budget_bytes=budget)
        assert len(batches) == 0 and _all(batches) == []


class _KilledFaces(Faces):
    """Faces whose reading process is killed from outside, as when memory runs out."""

    def read(self, index: int) -> np.ndarray:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def test_a_killed_reading_process_is_said_in_one_line(faces: Faces) -> None:
    doomed = _KilledFaces(faces.table, faces.rows, faces.attributes, faces.image_size, faces.split)
    with pytest.raises(DataError, match=r"A process that reads pictures was killed, perhaps for want of memory. Lower workers"):
        _all(TrainingBatches(doomed, 4, seed=0, first_step=1, last_step=2, workers=1, memory_budget_bytes=0))


def test_read_faces_keeps_the_order_it_was_given(faces: Faces) -> None:
    stack = read_faces(faces, [7, 2, 7])
    assert (stack[0] == faces.read(7)).all() and (stack[1] == faces.read(2)).all() and (stack[2] == stack[0]).all()


@dataclass(frozen=True)
class _Stalling(Faces):
    """Faces whose reader hangs once, as a process does that was forked in an unlucky moment."""

    flag: Path = Path()

    def read(self, index: int) -> Picture:
        if not self.flag.exists():
            self.flag.touch()
            time.sleep(60)
        return super().read(index)


def test_readers_that_stall_are_started_anew_and_nothing_is_lost(
    faces: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "STALL_S", 2.0)
    stalling = _Stalling(**{field.name: getattr(faces, field.name) for field in fields(faces)}, flag=tmp_path / "stalled")
    whole = _all(TrainingBatches(faces, 6, seed=3, first_step=1, last_step=9))
    read = _all(TrainingBatches(stalling, 6, seed=3, first_step=1, last_step=9, workers=1, memory_budget_bytes=0))
    assert (tmp_path / "stalled").exists() and _same(whole, read)
