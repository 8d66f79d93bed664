"""`lianpu train`: train an editor, or resume a stopped run."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from lianpu.cli.settings_form import fill_group, group_type, read_groups
from lianpu.stargan.config import ModelConfig
from lianpu.training.config import LossConfig, RunConfig, default_config, load_config, parse_config
from lianpu.training.presets import preset_values

if TYPE_CHECKING:
    from lianpu.runs import Checkpoint, Run
    from lianpu.training.guides import Guides
    from lianpu.training.plan import Plan

DEFAULT_CONFIG = Path("config.yaml")
_Data = group_type(RunConfig, "Data", ("selected_attrs", "eval_transforms", "balance", "one_change", "augment", "workers"))
_Model = group_type(RunConfig, "Model", tuple(ModelConfig.model_fields))
_Schedule = group_type(
    RunConfig,
    "Schedule",
    (
        *("batch_size", "num_iters", "num_epochs", "n_critic", "g_lr", "d_lr", "lr_schedule"),
        *("beta1", "beta2", "ema_decay", "d_first_steps", "start_from", "teacher", "pairs_per_face"),
    ),
)
_Losses = group_type(RunConfig, "Losses", tuple(LossConfig.model_fields))
_Run = group_type(
    RunConfig,
    "Run",
    (
        *("device", "precision", "compile", "seed", "log_every", "sample_every"),
        *("checkpoint_every", "keep_checkpoints", "eval_every", "tracker"),
    ),
)
GROUPS = {"data": _Data, "model": _Model, "schedule": _Schedule, "losses": _Losses, "run": _Run}
"""The groups of settings in `lianpu train --help`."""


@dataclass(frozen=True)
class ConfigChoice:
    """The settings file and preset that the options start from."""

    config: Path | None = None
    """The settings file; without --preset ./config.yaml if it exists, else the published defaults."""
    preset: str | None = None
    """lite: the fast editor; fields: the one that learns from pairs and fits photos of any size; stargan: the published recipe. The settings
    file and options win over it."""


@dataclass(frozen=True)
class TrainArguments:
    """Train an attribute editor. Repeat the command to resume a stopped run.

    Options override the settings file, which overrides the preset.
    """

    data: tyro.conf.OmitArgPrefixes[_Data]  # type: ignore[valid-type]
    """Which attributes are learned, and how faces are sampled."""
    model: tyro.conf.OmitArgPrefixes[_Model]  # type: ignore[valid-type]
    """The two networks."""
    schedule: tyro.conf.OmitArgPrefixes[_Schedule]  # type: ignore[valid-type]
    """How long and how fast the networks learn."""
    losses: tyro.conf.OmitArgPrefixes[_Losses]  # type: ignore[valid-type]
    """Terms of the losses and their weights."""
    run: tyro.conf.OmitArgPrefixes[_Run]  # type: ignore[valid-type]
    """The device, and how often files are written."""
    dataset: str = "CelebA"
    """CelebA, CelebAMask-HQ (images/, list_attr*.txt, train.txt), folder (one folder per class), csv, or huggingface (Parquet)."""
    data_dir: Path = Path("data/celeba")
    """The data folder; with huggingface also a Parquet file, or the name of a data set on the Hugging Face Hub (user/name)."""
    run_dir: Path = Path("runs/celeba")
    """The run folder."""
    config: Path | None = None
    """The settings file; without --preset ./config.yaml if it exists, else the published defaults."""
    preset: str | None = None
    """lite: the fast editor; fields: the one that learns from pairs and fits photos of any size; stargan: the published recipe. The settings
    file and options win over it."""


def main(arguments: list[str]) -> None:
    """Parse the command line over the settings file and train."""
    parsed, config = parse_arguments(arguments)
    from lianpu.dataset.sources import open_dataset
    from lianpu.terminal import console, stage

    attributes = None if _asks_for_all_classes(parsed.dataset, config) else config.selected_attrs
    with stage("Unpacking") as on_progress:
        dataset = open_dataset(parsed.dataset, parsed.data_dir, config.model.image_size, attributes, on_progress)
    console.print(
        f"{len(dataset.train)} faces to train on, {len(dataset.test)} held out ({dataset.test.split}). Licence of the data: {dataset.licence}."
    )
    run = train_with_progress(dataset, config, parsed.run_dir, shlex.join(["lianpu", "train", *arguments]))
    console.print(f"Trained: {run.folder}. Next: lianpu evaluate {run.folder}")


def parse_arguments(arguments: list[str]) -> tuple[TrainArguments, RunConfig]:
    """The command line, and the settings: those of the settings file, overridden by the options.

    Raises:
        SettingsError: the file cannot be read, or values cannot work; all problems in one message.
    """
    choice, _ = tyro.cli(ConfigChoice, args=arguments, return_unknown_args=True, add_help=False)
    file = choice.config or (DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() and choice.preset is None else None)
    if file is not None:
        config = load_config(file, choice.preset)
    elif choice.preset is not None:
        config = parse_config(preset_values(choice.preset), f"preset {choice.preset}")
    else:
        config = default_config()
    groups = {name: fill_group(group, config) for name, group in GROUPS.items()}
    default = TrainArguments(**groups, config=file, preset=choice.preset)
    parsed = tyro.cli(TrainArguments, args=arguments, default=default, prog="lianpu train")
    return parsed, read_groups([getattr(parsed, name) for name in GROUPS])


def _asks_for_all_classes(source: str, config: RunConfig) -> bool:
    """Whether no class is named for one-class-per-folder data: the default names are CelebA's and do not apply there."""
    return source.lower() == "folder" and config.selected_attrs == RunConfig().selected_attrs


def train_with_progress(dataset: Any, config: RunConfig, run_folder: Path, command: str, title: str = "Training") -> Run:
    """Train with a progress bar; print the plan first, and alarms as they come."""
    from lianpu.terminal import console, stages
    from lianpu.training.loop import Callbacks, train

    guides = make_guides(dataset, config, run_folder)
    with stages() as begin:
        callbacks = Callbacks(
            on_plan=lambda plan: console.print(describe_plan(plan)),
            on_read=begin("Reading faces"),
            on_step=begin(title),
            on_alarm=lambda text: console.print(f"[bold red]No edit visible yet:[/] {text}"),
            on_score=_score_checkpoint,
            on_finished=lambda steps: console.print(
                f"Nothing to do: {run_folder} has {steps:,} steps, and its settings stay as they were. "
                "To go on, ask for more: --num-iters or --num-epochs."
            ),
        )
        return train(dataset, config, run_folder, command=command, callbacks=callbacks, guides=guides)


def make_guides(dataset: Any, config: RunConfig, run_folder: Path) -> Guides:
    """The guides that the settings name, with a progress bar for each that must be made first."""
    from lianpu.guidance.making import make_guides as make
    from lianpu.terminal import console, stages
    from lianpu.training.interrupt import Interrupted

    try:
        with stages() as begin:
            return make(dataset, config, run_folder, stage=begin, say=lambda line: console.print(line, soft_wrap=True))
    except KeyboardInterrupt:
        raise Interrupted(
            f"stopped before training; what was made for it so far is kept in {run_folder}. Run the same command again to go on."
        ) from None


def describe_plan(plan: Plan) -> str:
    """The run's time, memory and disk space, in two lines."""
    start = f"Resuming from step {plan.first_step - 1}" if plan.first_step > 1 else "Starting"
    return (
        f"{start}: {plan.total_steps:,} steps ({plan.epochs:,.1f} epochs), about {_duration(plan.seconds)} from now "
        f"({plan.seconds / max(1, plan.total_steps - plan.first_step + 1):.3g} s a step).\n"
        f"Memory about {plan.memory_mb / 1024:.1f} GB; {plan.checkpoint_mb:.0f} MB on disk per checkpoint."
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    if minutes < 90:
        return f"{minutes:.0f} min"
    hours = minutes / 60
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"


def _score_checkpoint(run: Run, checkpoint: Checkpoint) -> None:
    from lianpu.cli.evaluate import score_checkpoint

    score_checkpoint(run, checkpoint)
