"""Training a parser: one loop for both networks, bit for bit the same after a stop."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lianpu.allocator import keep_freed_memory
from lianpu.devices import peak_memory_mb, pick_device
from lianpu.errors import DataError, RunError, TrainingError
from lianpu.face_parsing.config import ParserConfig, ParserRun
from lianpu.face_parsing.data.augmentation import PartCounts, TrainingFaces, training_batches
from lianpu.face_parsing.data.masks import ParsingSet
from lianpu.face_parsing.losses import Loss, make_loss, total_loss
from lianpu.face_parsing.networks.loading import new_network
from lianpu.files import append_text, atomic_file, atomic_folder, read_json, read_json_lines, write_json, write_text
from lianpu.version import __version__
from lianpu.weights import read_tensors, read_untrusted, save_tensors, update_average


@dataclass(frozen=True)
class Callbacks:
    """What training calls as it runs.

    Args:
        on_read: masks counted and masks in all, before the first step.
        on_step: steps done and steps in all.
        should_stop: asked after every step; training saves and stops when it says yes.
    """

    on_read: Callable[[int, int], None] | None = None
    on_step: Callable[[int, int], None] | None = None
    should_stop: Callable[[], bool] = field(default=lambda: False)


@dataclass
class _State:
    network: nn.Module
    averaged: nn.Module | None
    optimizer: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0

    @property
    def shown(self) -> nn.Module:
        return self.network if self.averaged is None else self.averaged


def train_parser(
    data: ParsingSet,
    config: ParserConfig,
    folder: Path,
    *,
    preset: str = "small",
    command: str = "",
    callbacks: Callbacks | None = None,
) -> ParserRun:
    """The run after all its steps. The same call resumes a run that was stopped.

    Raises:
        RunError: `folder` holds a run with other settings or of other data.
        WeightsError: the ImageNet start is not here.
        TrainingError: the loss is no number, the disk is full, or it was asked to stop (after saving).
    """
    calls = callbacks or Callbacks()
    run = _open_run(ParserRun(folder), data, config, preset, command)
    device = pick_device(config.device)
    if device.type == "cpu":
        keep_freed_memory()
    state = _new_state(config, device)
    _load_checkpoint(run, state)
    counts = _counts(run, data, calls.on_read)
    loss = make_loss(config.loss, counts.class_weights().to(device))
    _keep_steps_up_to(run, state.step)
    started = time.monotonic() - state.seconds
    batches = training_batches(TrainingFaces(data.train, counts, config), config, state.step + 1)
    for pictures, masks in batches:
        value = _step(state, pictures.to(device), masks.to(device), loss, config)
        state.seconds = time.monotonic() - started
        last, stop = state.step == config.num_iters, calls.should_stop()
        if state.step % config.log_every == 0 or last:
            _log(run, state, value, config, device)
        if state.step % config.checkpoint_every == 0 or last or stop:
            _save_checkpoint(run, state)
        if calls.on_step:
            calls.on_step(state.step, config.num_iters)
        if stop and not last:
            raise TrainingError(f"Stopped at step {state.step:,} of {config.num_iters:,}. The same command resumes it.")
    if state.step == config.num_iters:
        _save_weights(run, state)
    return run


def _open_run(run: ParserRun, data: ParsingSet, config: ParserConfig, preset: str, command: str) -> ParserRun:
    asked = {"preset": preset, "settings": config.model_dump(mode="json"), "fingerprint": data.fingerprint}
    if run.exists():
        found = read_json(run.config_file, RunError)
        for name in ("settings", "fingerprint"):
            if _without_machine(found[name]) != _without_machine(asked[name]):
                raise RunError(
                    f"{run.folder} was begun with other {'data' if name == 'fingerprint' else 'settings'}. Choose another folder, or the same {name}."
                )
        return run
    facts = {"data": str(data.folder), "layout": data.layout, "licence": data.licence, "train_count": len(data.train)}
    write_json(run.config_file, {**asked, **facts, "command": command, "lianpu": __version__, "torch": torch.__version__})
    return run


def _without_machine(settings: Any) -> Any:
    """Settings less those that say how to compute and not what."""
    if not isinstance(settings, dict):
        return settings
    return {name: value for name, value in settings.items() if name not in ("workers", "device", "checkpoint_every", "log_every")}


def _new_state(config: ParserConfig, device: torch.device) -> _State:
    network = new_network(config).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = copy.deepcopy(network).requires_grad_(False).eval() if config.ema_decay > 0 else None
    network.train()
    return _State(network, averaged, _optimizer(network, config))


def _optimizer(network: nn.Module, config: ParserConfig) -> torch.optim.Optimizer:
    """Weights of more than one dimension decay, norms and biases do not; the encoder has a rate of its own."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        in_encoder = name.startswith(("encoder.", "cp.resnet."))
        groups.setdefault((in_encoder, parameter.ndim > 1), []).append(parameter)
    described = [
        {
            "params": parameters,
            "lr": config.lr * (config.encoder_lr_scale if in_encoder else 1.0),
            "highest_lr": config.lr * (config.encoder_lr_scale if in_encoder else 1.0),
            "weight_decay": config.weight_decay if decays else 0.0,
        }
        for (in_encoder, decays), parameters in groups.items()
    ]
    if config.optimizer == "sgd":
        return torch.optim.SGD(described, momentum=0.9)
    return torch.optim.AdamW(described, betas=(0.9, 0.99))


def learning_rate_scale(step: int, config: ParserConfig) -> float:
    """What the highest rate is multiplied by in a step (1 to num_iters)."""
    if step <= config.warmup_iters:
        return step / max(1, config.warmup_iters)
    left = 1 - (step - config.warmup_iters - 1) / max(1, config.num_iters - config.warmup_iters)
    return left**0.9 if config.lr_schedule == "poly" else 0.5 - 0.5 * math.cos(math.pi * left)


def _step(state: _State, pictures: torch.Tensor, masks: torch.Tensor, loss: Loss, config: ParserConfig) -> float:
    state.step += 1
    scale = learning_rate_scale(state.step, config)
    for group in state.optimizer.param_groups:
        group["lr"] = group["highest_lr"] * scale
    outputs = state.network(pictures.contiguous(memory_format=torch.channels_last))
    total = total_loss(outputs, masks, loss, config.auxiliary_weight)
    value = float(total.detach())
    if not math.isfinite(value):
        raise TrainingError(f"The loss is {value} at step {state.step:,}. Lower --lr, and resume from the last checkpoint.")
    state.optimizer.zero_grad(set_to_none=True)
    total.backward()
    state.optimizer.step()
    if state.averaged is not None:
        update_average(state.averaged, state.network, state.step, config.ema_decay)
    return value


def _counts(run: ParserRun, data: ParsingSet, on_read: Callable[[int, int], None] | None) -> PartCounts:
    if run.parts_file.is_file():
        counts = PartCounts(np.array(read_json(run.parts_file, RunError), np.int64))
    else:
        counts = PartCounts.of(data.train, on_read)
        write_text(run.parts_file, json.dumps(counts.pixels.tolist()) + "\n")
    if not len(counts.pixels):
        raise DataError(f"{data.folder} has no training faces. Check its train.txt.")
    return counts


def _log(run: ParserRun, state: _State, value: float, config: ParserConfig, device: torch.device) -> None:
    values = {
        "step": state.step,
        "seconds": round(state.seconds, 1),
        "size_px": config.size_at(state.step),
        "loss": round(value, 5),
        "lr": state.optimizer.param_groups[-1]["lr"],
        "peak_memory_mb": round(peak_memory_mb(device)),
    }
    append_text(run.steps_file, json.dumps(values) + "\n")


def _keep_steps_up_to(run: ParserRun, step: int) -> None:
    if run.steps_file.is_file():
        kept = [values for values in read_json_lines(run.steps_file, RunError) if values["step"] <= step]
        write_text(run.steps_file, "".join(json.dumps(values) + "\n" for values in kept))


def _save_checkpoint(run: ParserRun, state: _State) -> None:
    with atomic_folder(run.checkpoint_folder) as partial:
        save_tensors(state.network.state_dict(), partial / "network.safetensors")
        if state.averaged is not None:
            save_tensors(state.averaged.state_dict(), partial / "averaged.safetensors")
        torch.save(state.optimizer.state_dict(), partial / "optimizer.pt")
        write_json(partial / "state.json", {"step": state.step, "seconds": state.seconds})


def _load_checkpoint(run: ParserRun, state: _State) -> None:
    folder = run.checkpoint_folder
    if not folder.is_dir():
        return
    advice = f"Remove {folder}; training then begins anew."
    try:
        state.network.load_state_dict(read_tensors(folder / "network.safetensors", RunError, advice))
        if state.averaged is not None:
            state.averaged.load_state_dict(read_tensors(folder / "averaged.safetensors", RunError, advice))
        state.optimizer.load_state_dict(read_untrusted(folder / "optimizer.pt", RunError, advice))
    except (RuntimeError, ValueError, KeyError, TypeError) as problem:
        reason = " ".join(str(problem).split())[:200]
        raise RunError(f"{folder} does not fit its settings ({reason}). {advice}") from None
    values = read_json(folder / "state.json", RunError)
    state.step, state.seconds = int(values["step"]), float(values["seconds"])


def _save_weights(run: ParserRun, state: _State) -> None:
    with atomic_file(run.weights_file) as partial:
        save_tensors(state.shown.state_dict(), partial)
