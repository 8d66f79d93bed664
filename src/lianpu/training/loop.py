"""The training of an editor, from the first step or from where a stopped run was."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lianpu.allocator import keep_freed_memory
from lianpu.dataset.faces import Dataset
from lianpu.devices import describe_machine, peak_memory_mb
from lianpu.editors.editor import ModelInfo
from lianpu.editors.trained_weights import TrainedWeights
from lianpu.errors import SettingsError, TrainingError
from lianpu.files import read_json, remove_partial_files, write_json
from lianpu.photo.writing import write_image
from lianpu.runs import Checkpoint, Run
from lianpu.training.checkpoints import load_checkpoint, save_checkpoint
from lianpu.training.config import RunConfig
from lianpu.training.guides import NO_GUIDES, Guides
from lianpu.training.inputs import inputs_of_steps, trial_inputs
from lianpu.training.interrupt import Interrupted, stop_signal
from lianpu.training.log import NoLog, StepLog, check_tracker
from lianpu.training.plan import Plan, count_steps, make_plan
from lianpu.training.processes import Processes, start_processes
from lianpu.training.record import (
    RunRecord,
    check_resumable,
    locked,
    new_record,
    read_record,
    refuse_foreign_folder,
    resumed_record,
    write_record,
)
from lianpu.training.samples import FixedFaces, choose_fixed_faces, effect_alarm, sample
from lianpu.training.start import begin_with, read_start
from lianpu.training.state import TrainingState, learning_rate_scale, new_state
from lianpu.training.updates import GeneratorCall, one_step

FIXED_FACES = 10
"""Rows of the sample grid."""


@dataclass(frozen=True)
class Callbacks:
    """What training calls as it runs; each does nothing by default. Only the main process calls them.

    Args:
        on_plan: before the first step.
        on_read: while the faces that fit in memory are decoded, with (faces done, all faces).
        on_step: after each step, with (steps done, all steps).
        on_log: with each line of steps.jsonl.
        on_alarm: when edits have no effect.
        on_score: after a checkpoint at a multiple of eval_every; may take long.
        on_finished: where there is nothing to do, with the steps that the run has.
    """

    on_plan: Callable[[Plan], None] = lambda plan: None
    on_read: Callable[[int, int], None] = lambda done, total: None
    on_step: Callable[[int, int], None] = lambda done, total: None
    on_log: Callable[[dict[str, Any]], None] = lambda values: None
    on_alarm: Callable[[str], None] = lambda text: None
    on_score: Callable[[Run, Checkpoint], None] = lambda run, checkpoint: None
    on_finished: Callable[[int], None] = lambda steps: None


def train(
    dataset: Dataset,
    config: RunConfig,
    run_folder: Path | str,
    *,
    command: str = "",
    callbacks: Callbacks | None = None,
    guides: Guides = NO_GUIDES,
) -> Run:
    """The run in `run_folder`, trained to its last step. The same call resumes a stopped run from its last checkpoint.

    Labels are those of `dataset`, whatever `config.selected_attrs` names. All chance follows from (seed, step), so on a CPU a resumed run
    ends with the same weights, bit for bit, as one that was never stopped.

    Args:
        dataset: faces of side config.model.image_size.
        config: settings; batch_size is the batch over all processes.
        run_folder: created if missing.
        command: the command line, for the record.
        callbacks: what to call as it runs.
        guides: what loss.lambda_guide and loss.lambda_outside ask for.

    Raises:
        SettingsError: the settings do not fit the data, the device, the number of processes, the guides or the editor to start from.
        RunError: the folder holds a run of other data, labels or network sizes.
        CheckpointError: the last checkpoint is damaged.
        TrainingError: a loss became NaN or infinite, or the disk is full; the last good checkpoint is named.
        Interrupted: Ctrl-C; a checkpoint was saved.
    """
    callbacks = callbacks or Callbacks()
    if dataset.image_size != config.model.image_size:
        raise SettingsError(
            f"The faces have {dataset.image_size} px but model.image_size is {config.model.image_size}. Make them the same."
        )
    guides.check(config)
    check_tracker(config.training.tracker)
    config = config.model_copy(update={"selected_attrs": dataset.attributes.names})
    run = Run(Path(run_folder))
    start = None if run.checkpoint_steps() else read_start(config, dataset.attributes)
    processes = start_processes(config.training.device, config.training.precision, config.training.batch_size)
    refuse_foreign_folder(run)
    with locked(run) if processes.is_main else nullcontext():
        if processes.is_main:
            for folder in (run.folder, run.checkpoints_folder, run.samples_folder):
                remove_partial_files(folder)
        _train(dataset, config, run, command, callbacks, guides, start, processes)
    return run


def _train(
    dataset: Dataset,
    config: RunConfig,
    run: Run,
    command: str,
    callbacks: Callbacks,
    guides: Guides,
    start: TrainedWeights | None,
    processes: Processes,
) -> None:
    if processes.device.type == "cpu":
        keep_freed_memory()
    channels = guides.features.channels if guides.features and config.loss.lambda_projected else ()
    state = new_state(config.model, config.training, len(dataset.attributes), processes.device, feature_channels=channels)
    if start is not None:
        begin_with(start, state, config.training.start_from)
    total = count_steps(config.training, len(dataset.train))
    record = _open_record(run, config, dataset, command, processes, start.info if start else None, total, guides.licence)
    if run.checkpoint_steps():
        load_checkpoint(run.last_checkpoint(), state, dataset.attributes)
    if state.step < total:
        _train_to(total, state, dataset, record, run, processes, callbacks, guides)
    elif processes.is_main:
        callbacks.on_finished(state.step)


def _open_record(
    run: Run,
    config: RunConfig,
    dataset: Dataset,
    command: str,
    processes: Processes,
    start: ModelInfo | None,
    total: int,
    taught: str,
) -> RunRecord:
    """The record of a new run, or of a stopped one with the settings asked for now; written to the folder.

    A run that has its `total` steps keeps its record: settings that trained nothing are not its own.
    """
    if run.config_file.exists():
        old = read_record(run)
        check_resumable(run, old, config, dataset)
        step = max(run.checkpoint_steps(), default=0)
        if step >= total:
            return old
        record = resumed_record(old, config, dataset.folder, command, step, taught)
    else:
        record = new_record(config, dataset, dataset.folder, command, start, taught)
    processes.wait()
    if processes.is_main:
        write_record(run, record)
    return record


def _train_to(
    total: int,
    state: TrainingState,
    dataset: Dataset,
    record: RunRecord,
    run: Run,
    processes: Processes,
    callbacks: Callbacks,
    guides: Guides,
) -> None:
    config, training = record.config, record.config.training
    fixed = choose_fixed_faces(dataset.test, FIXED_FACES, training.seed)
    on_read = callbacks.on_read if processes.is_main else None
    inputs = inputs_of_steps(dataset, config, state.step + 1, total, processes, on_read, guides)
    trial = trial_inputs(dataset, config, processes, guides)
    guide_seconds = _guide_seconds(run) + guides.seconds
    plan = make_plan(state, config, len(dataset.train), trial, processes, guides)
    if processes.is_main:
        callbacks.on_plan(plan)
    generate: GeneratorCall = torch.compile(state.generator) if training.compile else state.generator
    losses: dict[str, torch.Tensor] = {}
    seconds_before, start = state.seconds, time.perf_counter()

    first, about = state.step + 1, run.read_config()
    with StepLog(run, first, training.tracker, about) if processes.is_main else NoLog() as log, stop_signal() as stopped:
        for step, step_inputs in inputs:
            _set_learning_rates(state, config, learning_rate_scale(step, total, training.lr_schedule))
            losses |= one_step(state, generate, step, step_inputs, config, processes, guides)
            state.step, state.seconds = step, seconds_before + time.perf_counter() - start

            last = step == total
            stop = processes.any(stopped()) if step % _STOP_CHECK == 0 or processes.count == 1 else False
            save = last or stop or step % training.checkpoint_every == 0
            show = last or step % training.sample_every == 0
            if save or show or step % training.log_every == 0:
                values = _checked_losses(losses, state, run, processes)
                if processes.is_main:
                    log_values = _log_line(values, state, dataset, config)
                    if show:
                        log_values |= _show(state, fixed, record, run, log, total, callbacks, processes)
                    log.write(log_values)
                    callbacks.on_log(log_values)
            if processes.is_main:
                callbacks.on_step(step, total)
                if save:
                    _refuse_broken_weights(state, run)
                    checkpoint = save_checkpoint(run, state, record.model_info(step), config.model, training.keep_checkpoints)
                    _write_environment(run, state, config, processes, guide_seconds)
                    if training.eval_every and step % training.eval_every == 0:
                        callbacks.on_score(run, checkpoint)
                        log.write_scores(step)
                        start, seconds_before = time.perf_counter(), state.seconds
            if save:
                processes.wait()
            if stop and not last:
                raise Interrupted(
                    f"stopped after step {step} of {total}; all is saved in {run.folder}. Run the same command again to go on."
                )


_STOP_CHECK = 10
"""With several processes: steps from one check to the next whether one of them was asked to stop."""


def _set_learning_rates(state: TrainingState, config: RunConfig, scale: float) -> None:
    rates = [(state.generator_optimizer, config.training.g_lr), (state.discriminator_optimizer, config.training.d_lr)]
    if state.projected is not None:
        rates.append((state.projected.optimizer, config.training.d_lr))
    for optimizer, rate in rates:
        for group in optimizer.param_groups:
            group["lr"] = rate * scale


def _checked_losses(losses: dict[str, torch.Tensor], state: TrainingState, run: Run, processes: Processes) -> dict[str, float]:
    """The losses as numbers, averaged over the processes. Raises TrainingError for NaN or infinity, before anything is saved."""
    names = list(losses)
    stacked = processes.mean(torch.stack([losses[name].float() for name in names]))
    values = dict(zip(names, stacked.tolist(), strict=True))
    bad = [f"{name} is {value}" for name, value in values.items() if not math.isfinite(value)]
    if bad:
        raise _diverged(", ".join(bad), state, run)
    return values


def _refuse_broken_weights(state: TrainingState, run: Run) -> None:
    """TrainingError when a weight is NaN or infinite: a last update can break what the losses before it did not show."""
    networks: list[tuple[str, torch.nn.Module]] = [("generator", state.generator), ("discriminator", state.discriminator)]
    if state.projected is not None:
        networks.append(("projected discriminator", state.projected.discriminator))
    for name, network in networks:
        if not all(bool(torch.isfinite(parameter).all()) for parameter in network.parameters()):
            raise _diverged(f"weights of the {name} are not finite", state, run)


def _diverged(what: str, state: TrainingState, run: Run) -> TrainingError:
    steps = run.checkpoint_steps()
    good = f"The last good checkpoint is {run.checkpoint(steps[-1]).folder}" if steps else "No checkpoint was saved yet"
    return TrainingError(
        f"Training stopped at step {state.step}: {what}. {good}. Lower g_lr and d_lr (or use precision fp32) and run the command again."
    )


def _log_line(values: dict[str, float], state: TrainingState, dataset: Dataset, config: RunConfig) -> dict[str, Any]:
    return {
        "step": state.step,
        "epoch": state.step * config.training.batch_size / len(dataset.train),
        "seconds": round(state.seconds, 2),
        **values,
        "g_lr": state.generator_optimizer.param_groups[0]["lr"],
        "d_lr": state.discriminator_optimizer.param_groups[0]["lr"],
    }


def _show(
    state: TrainingState,
    fixed: FixedFaces,
    record: RunRecord,
    run: Run,
    log: Any,
    total: int,
    callbacks: Callbacks,
    processes: Processes,
) -> dict[str, float]:
    """Write the sample grid; how much the edits change and how often they succeed."""
    info = record.model_info(state.step)
    result = sample(state.shown, info, state.discriminator, fixed, processes.device)
    write_image(run.sample_file(state.step), result.picture)
    log.write_picture(result.picture, state.step)
    if not record.config.loss.lambda_cls:  # the class head has learned nothing, so it cannot judge
        return {"edit_change": result.change}
    alarm = effect_alarm(result, state.step, total)
    if alarm:
        callbacks.on_alarm(alarm)
    return {"edit_change": result.change, "edit_success": result.success}


def _guide_seconds(run: Run) -> float:
    """What making the guides took in earlier calls, as environment.json says."""
    try:
        values = read_json(run.environment_file, TrainingError)
        return max(0.0, float(values.get("guide_seconds", 0.0)))
    except (TrainingError, AttributeError, TypeError, ValueError):
        return 0.0


def _write_environment(run: Run, state: TrainingState, config: RunConfig, processes: Processes, guide_seconds: float) -> None:
    write_json(
        run.environment_file,
        {
            **describe_machine().to_json(),
            "train_seconds": round(state.seconds, 1),
            "guide_seconds": round(guide_seconds, 1),
            "peak_memory_mb": round(peak_memory_mb(processes.device), 1),
            "device": str(processes.device),
            "precision": config.training.precision,
            "processes": processes.count,
        },
    )
