"""A tournament of ways to make a float model small and fast: ranked on what its edits lose, its size, and its speed on this CPU.

Each way is a candidate: calibrators, weights per channel or tensor, 7 or 8 bits, first and last convolution in float, signed or
unsigned activations, the most sensitive convolutions in float, float16 weights; by each engine that is installed. The answer may be
that INT8 is not worth shipping here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from lianpu.dataset.faces import Faces
from lianpu.devices import describe_machine
from lianpu.editors.onnx_editor import ENGINES, ONNX_FLOAT16, Engine, OnnxEditor
from lianpu.export.comparison import ASKED_PSNR_DB, WORTH_TIMES, Fidelity, compare_edits
from lianpu.export.graph import describe, file_bytes, opset_of, with_float16_weights
from lianpu.export.quantization import Calibrated, QuantizationSettings, calibrate_onnx, write_int8
from lianpu.export.timing import OnProgress, Timing, paired_speed, time_in_turn
from lianpu.files import atomic_file
from lianpu.models.openvino import has_openvino

SENSITIVITY_FACES = 6
SCORED_FACES = 24
SENSITIVE_STEPS = (1, 2, 4, 8)
"""How many of the most sensitive convolutions are tried in float."""

FLOAT = "float32"
"""The name of the candidate that all others are compared with, on ONNX Runtime."""

_TIMED = 8
"""Candidates of each engine that are timed: the nearest to float, and the smallest."""


@dataclass(frozen=True)
class Entry:
    """One candidate on one engine.

    Args:
        name: what was done: `minmax, per channel, 7 bits`.
        engine: what runs it.
        file: the model; `bytes`: its size.
        settings: of INT8; None for float files.
        fidelity: to the float model on ONNX Runtime, on held-out faces.
        timing: of one face; None where it was not timed because others of its kind are nearer to float.
        speed: how many times as fast as the float model on ONNX Runtime, with its paired 95 % interval: low, median, high.
    """

    name: str
    engine: Engine
    file: Path
    bytes: int
    settings: QuantizationSettings | None
    fidelity: Fidelity
    timing: Timing | None = None
    speed: tuple[float, float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values, as tournament.json holds them."""
        return {
            "name": self.name,
            "engine": self.engine,
            "file": self.file.name,
            "bytes": self.bytes,
            "psnr_db": self.fidelity.psnr_db,
            "psnr_db_worst_face": self.fidelity.worst_db,
            "latency_ms": self.timing.median_ms if self.timing else None,
            "times_float": self.speed,
            "settings": asdict(self.settings) if self.settings else None,
        }


@dataclass(frozen=True)
class Tournament:
    """All entries, and what follows.

    Args:
        entries: the float model first, then by how far edits are from it.
        sensitivity: of each convolution, how far edits are from float with it alone in INT8, in dB; the most harmful first.
        winner: the entry to ship; None where the float model is.
        budget_psnr, max_ms: what was asked for.
        cpu, threads: what it was timed on.
        advice: one paragraph.
    """

    entries: tuple[Entry, ...]
    sensitivity: tuple[tuple[str, float], ...]
    winner: Entry | None
    budget_psnr: float
    max_ms: float | None
    cpu: str
    threads: int
    advice: str

    def to_json(self) -> dict[str, Any]:
        """Plain values, as tournament.json holds them."""
        return {
            "cpu": self.cpu,
            "threads": self.threads,
            "budget_psnr_db": self.budget_psnr,
            "worth_times": WORTH_TIMES,
            "max_ms": self.max_ms,
            "entries": [entry.to_json() for entry in self.entries],
            "pareto": [[entry.name, entry.engine] for entry in pareto(self.entries)],
            "sensitivity": [list(one) for one in self.sensitivity],
            "winner": self.winner.to_json() if self.winner else None,
            "advice": self.advice,
        }


def hold_tournament(
    source: Path,
    folder: Path,
    calibration: Faces,
    held_out: Faces,
    *,
    budget_psnr: float = ASKED_PSNR_DB,
    max_ms: float | None = None,
    threads: int = 1,
    runs: int = 15,
    stage: Callable[[str], OnProgress | None] = lambda title: None,
) -> Tournament:
    """Make the candidates of a float model in a folder, measure them, and choose.

    Args:
        source: the float model, as `export_onnx` writes it.
        calibration: faces of the training split; a few batches are enough for a search.
        held_out: faces that fidelity is measured on, SCORED_FACES of them.
        budget_psnr: dB that edits must keep to float's, over all faces.
        max_ms: the most that one face may take here; None asks for none.
        runs: timed rounds; all candidates run once in each.
        stage: given the title of a stage, its progress callback.

    Raises:
        ModelError: the source is no float model of ours, or does not fit the faces.
    """
    folder.mkdir(parents=True, exist_ok=True)
    probes = held_out.sample(SCORED_FACES, seed=0)
    reference = OnnxEditor(source, threads)
    made = list(_candidates(source, folder, calibration, reference, budget_psnr, probes, stage))
    sensitivity = made.pop()
    assert isinstance(sensitivity, tuple)
    engines: tuple[Engine, ...] = tuple(engine for engine in ENGINES if engine != "openvino" or has_openvino())
    on_progress = stage("Measuring what edits lose")
    entries: list[Entry] = []
    todo = [(name, file, settings, engine) for engine in engines for name, file, settings in made]
    for number, (name, file, settings, engine) in enumerate(todo, start=1):
        fidelity = compare_edits(OnnxEditor(file, threads, engine), reference, probes)
        entries.append(Entry(name, engine, file, file_bytes(file), settings, fidelity))
        if on_progress:
            on_progress(number, len(todo))
    entries = _timed(entries, probes, threads, runs, stage("Timing, all in turn"))
    entries.sort(key=lambda entry: (entry.name != FLOAT, -entry.fidelity.psnr_db))
    winner, advice = choose(entries, budget_psnr, max_ms)
    return Tournament(tuple(entries), sensitivity, winner, budget_psnr, max_ms, describe_machine().cpu, threads, advice)


def _candidates(
    source: Path,
    folder: Path,
    calibration: Faces,
    reference: OnnxEditor,
    budget_psnr: float,
    probes: Faces,
    stage: Callable[[str], OnProgress | None],
) -> Iterator[Any]:
    """(name, file, settings or None) of each candidate; last the sensitivity."""
    yield FLOAT, source, None
    yield "float16 weights", _write_float16(source, folder / "float16.onnx", reference), None
    base = QuantizationSettings(reduce_range=True)
    calibrated: dict[str, Calibrated] = {}
    best: tuple[float, QuantizationSettings] | None = None
    for method in ("minmax", "moving_average", "percentile", "entropy"):
        settings = replace(base, method=method)
        calibrated[method] = calibrate_onnx(source, calibration, settings, stage(f"Choosing ranges ({method})"))
        name, file = _write(calibrated[method], folder, settings)
        psnr = compare_edits(OnnxEditor(file), reference, probes.sample(SENSITIVITY_FACES, seed=0)).psnr_db
        best = (psnr, settings) if best is None or psnr > best[0] else best
        yield name, file, settings
    assert best is not None
    chosen = best[1]
    of = calibrated[chosen.method]
    convolutions = of.convolutions()
    for settings in (
        replace(chosen, per_channel=False),
        replace(chosen, reduce_range=False),
        replace(chosen, signed_activations=True),
        replace(chosen, keep_float=(convolutions[0],)),
        replace(chosen, keep_float=(convolutions[-1],)),
        replace(chosen, keep_float=(convolutions[0], convolutions[-1])),
    ):
        name, file = _write(of, folder, settings)
        yield name, file, settings
    sensitivity = _sensitivity(of, folder, chosen, reference, probes, stage("Asking each convolution"))
    for count in (number for number in SENSITIVE_STEPS if number < len(convolutions)):
        settings = replace(chosen, keep_float=tuple(name for name, _ in sensitivity[:count]))
        name, file = _write(of, folder, settings, f"{count} most sensitive float")
        yield name, file, settings
        if compare_edits(OnnxEditor(file), reference, probes.sample(SENSITIVITY_FACES, seed=0)).psnr_db >= budget_psnr:
            break
    yield sensitivity


def spelled(settings: QuantizationSettings, kept: str = "") -> str:
    """What a candidate is, in a few words."""
    words = [
        settings.method,
        "per channel" if settings.per_channel else "per tensor",
        "7 bits" if settings.reduce_range else "8 bits",
        "signed" if settings.signed_activations else "",
        kept,
    ]
    return ", ".join(word for word in words if word)


def _write(calibrated: Calibrated, folder: Path, settings: QuantizationSettings, kept: str = "") -> tuple[str, Path]:
    names = calibrated.convolutions()
    if settings.keep_float and not kept:
        ends = [word for name, word in ((names[0], "first"), (names[-1], "last")) if name in settings.keep_float]
        kept = f"{' and '.join(ends)} float"
    name = spelled(settings, kept)
    file = folder / f"{name.replace(', ', '-').replace(' ', '_')}.onnx"
    write_int8(calibrated, file, settings)
    return name, file


def _write_float16(source: Path, target: Path, reference: OnnxEditor) -> Path:
    model = with_float16_weights(onnx.load_model(str(source)))
    describe(model, reference.info, ONNX_FLOAT16, {"opset": opset_of(model)})
    with atomic_file(target) as partial:
        onnx.save_model(model, str(partial))
    return target


def _sensitivity(
    calibrated: Calibrated,
    folder: Path,
    settings: QuantizationSettings,
    reference: OnnxEditor,
    probes: Faces,
    on_progress: OnProgress | None,
) -> tuple[tuple[str, float], ...]:
    """PSNR to float with each convolution alone in INT8, the most harmful first."""
    names, few = calibrated.convolutions(), probes.sample(SENSITIVITY_FACES, seed=0)
    file = folder / "one.onnx"
    found = []
    for number, name in enumerate(names, start=1):
        write_int8(calibrated, file, replace(settings, keep_float=tuple(other for other in names if other != name)))
        found.append((name, compare_edits(OnnxEditor(file), reference, few).psnr_db))
        if on_progress:
            on_progress(number, len(names))
    file.unlink()
    return tuple(sorted(found, key=lambda one: one[1]))


def _timed(entries: Sequence[Entry], probes: Faces, threads: int, runs: int, on_progress: OnProgress | None) -> list[Entry]:
    """The entries, those that could win with their time: of each engine float, float16 and the INT8 ones nearest to float."""
    chosen: list[Entry] = []
    for engine in dict.fromkeys(entry.engine for entry in entries):
        own = [entry for entry in entries if entry.engine == engine]
        small = sorted((one for one in own if one.settings), key=lambda one: -one.fidelity.psnr_db)
        chosen += [one for one in own if one.settings is None] + small[:_TIMED]
    batch, labels = probes.batch([0])
    array = batch.numpy()
    editors = [OnnxEditor(entry.file, threads, entry.engine) for entry in chosen]
    calls = {place: (lambda editor=editor: editor.edit_array(array, labels)) for place, editor in enumerate(editors)}
    timings = time_in_turn(calls, runs, on_progress)
    first = timings[next(place for place, entry in enumerate(chosen) if entry.name == FLOAT and entry.engine == ENGINES[0])]
    times = {(entry.name, entry.engine): timings[place] for place, entry in enumerate(chosen)}
    return [
        replace(entry, timing=timing, speed=paired_speed(timing, first))
        if (timing := times.get((entry.name, entry.engine))) is not None
        else entry
        for entry in entries
    ]


def choose(entries: Sequence[Entry], budget_psnr: float, max_ms: float | None) -> tuple[Entry | None, str]:
    """The entry to ship, None for the float model, and why.

    It must keep the budget, stay below `max_ms`, and be WORTH_TIMES as fast as float on the same engine by the lower end of its interval; among those
    the fastest is taken, and of equally fast ones (within 3 %) the nearest to float.
    """
    timed = [entry for entry in entries if entry.timing is not None and entry.speed is not None]
    floats = {entry.engine: entry for entry in timed if entry.name == FLOAT}
    int8 = [entry for entry in timed if entry.settings is not None]
    faithful = [entry for entry in int8 if entry.fidelity.psnr_db >= budget_psnr]
    if not faithful:
        nearest = max(int8, key=lambda entry: entry.fidelity.psnr_db)
        return None, (
            f"Do not ship INT8 here: the nearest of {len(int8)} is {nearest.fidelity.psnr_db:.1f} dB from float ({nearest.name}, "
            f"{nearest.engine}), where {budget_psnr:g} dB is asked."
        )
    worth = [entry for entry in faithful if entry.speed and entry.speed[0] / _middle(floats[entry.engine]) >= WORTH_TIMES]
    if not worth:
        best = max(faithful, key=lambda entry: entry.speed[1] if entry.speed else 0.0)
        low, middle, high = best.speed or (0.0, 0.0, 0.0)
        return None, (
            f"Do not ship INT8 here for speed: the fastest that keeps {budget_psnr:g} dB ({best.name}, {best.engine}) is {middle:.2f} "
            f"({low:.2f}–{high:.2f}) times as fast as float on ONNX Runtime, with {_share(best, entries)} of its size. Ship float, unless the "
            "size of the download matters."
        )
    quick = [entry for entry in worth if max_ms is None or (entry.timing and entry.timing.median_ms <= max_ms)]
    if not quick:
        best = min(worth, key=lambda entry: entry.timing.median_ms if entry.timing else np.inf)
        taken = best.timing.median_ms if best.timing else np.nan
        return (
            None,
            f"Nothing keeps {budget_psnr:g} dB within {max_ms:g} ms: the fastest takes {taken:.1f} ms ({best.name}, {best.engine}).",
        )
    fastest = max(_middle(entry) for entry in quick)
    winner = max((entry for entry in quick if _middle(entry) >= 0.97 * fastest), key=lambda entry: entry.fidelity.psnr_db)
    low, middle, high = winner.speed or (0.0, 0.0, 0.0)
    return winner, (
        f"Ship {winner.name} on {winner.engine}: {middle:.2f} ({low:.2f}–{high:.2f}) times as fast as float on ONNX Runtime, "
        f"{_share(winner, entries)} of its size, {winner.fidelity.psnr_db:.1f} dB from its edits (worst face {winner.fidelity.worst_db:.1f} dB)."
    )


def _middle(entry: Entry) -> float:
    return entry.speed[1] if entry.speed else 0.0


def _share(entry: Entry, entries: Sequence[Entry]) -> str:
    return f"{entry.bytes / next(one.bytes for one in entries if one.name == FLOAT):.0%}"


def pareto(entries: Sequence[Entry]) -> list[Entry]:
    """Timed entries that no other beats in both fidelity and speed, the fastest first."""
    timed = sorted((entry for entry in entries if entry.speed), key=_middle, reverse=True)
    front: list[Entry] = []
    for entry in timed:
        if not front or entry.fidelity.psnr_db > front[-1].fidelity.psnr_db:
            front.append(entry)
    return front
