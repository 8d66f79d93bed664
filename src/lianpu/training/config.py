"""The settings of a run: one YAML file, read whole and checked whole."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lianpu.errors import SettingsError
from lianpu.settings import settings_problems
from lianpu.stargan.config import Adversarial, ModelConfig, Variation
from lianpu.training.presets import merged, preset_values
from lianpu.yaml_text import load_yaml

Penalty = Literal["wgan-gp", "r1", "r1+r2"]
_STRICT = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, protected_namespaces=(), defer_build=True)
"""Validators are built at their first use: `lianpu train --help` needs none."""


PAIR_TEACHERS = ("transforms", "drawn")
"""The training.teachers that are no editors: pairs of faces and their edits, made before training."""


Tracker = Literal["none", "wandb", "mlflow", "trackio"]


class TrainingConfig(BaseModel):
    """The `training:` section. Defaults are the published ones; the rest say how often something happens."""

    model_config = _STRICT

    batch_size: int = Field(default=16, ge=1)
    """Faces per step, over all processes together."""
    num_epochs: int = Field(default=200, ge=1)
    """Passes over the training split; used when num_iters is not given."""
    num_iters: int | None = Field(default=None, ge=1)
    """Steps of the discriminator; wins over num_epochs. The published recipe is 200000."""
    g_lr: float = Field(default=0.0001, gt=0)
    """Learning rate of the generator (Adam)."""
    d_lr: float = Field(default=0.0001, gt=0)
    """Learning rate of the discriminator (Adam)."""
    beta1: float = Field(default=0.5, ge=0, lt=1)
    """Adam's decay of the first moment."""
    beta2: float = Field(default=0.999, ge=0, lt=1)
    """Adam's decay of the second moment."""
    n_critic: int = Field(default=5, ge=1)
    """Discriminator steps per generator step."""
    lr_schedule: Literal["linear", "constant"] = "linear"
    """linear: both rates fall to zero over the second half; constant: they stay."""
    ema_decay: float = Field(default=0.999, ge=0, lt=1)
    """Decay per generator step of the averaged generator that is shown, scored and exported; 0 turns averaging off."""
    seed: int = Field(default=0, ge=0)
    """All chance follows from this and the step."""
    log_every: int = Field(default=10, ge=1)
    """Steps between lines of steps.jsonl."""
    sample_every: int = Field(default=1000, ge=1)
    """Steps between sample grids of the fixed faces."""
    checkpoint_every: int = Field(default=10000, ge=1)
    """Steps between checkpoints."""
    keep_checkpoints: int = Field(default=5, ge=1)
    """How many of the last checkpoints stay on disk."""
    eval_every: int | None = Field(default=None, ge=1)
    """Steps between scores on the held-out split; none unless given."""
    workers: int = Field(default=2, ge=0)
    """Processes that read pictures when the faces do not fit in memory; 0 reads in the training process."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1, mps."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """bf16 runs the networks in bfloat16 where the device has it; weights and penalty stay float32."""
    compile: bool = False
    """Compile the generator with torch.compile (the first steps are slow)."""
    d_first_steps: int = Field(default=0, ge=0)
    """Steps at the start in which only the discriminator learns."""
    balance: float = Field(default=0.0, ge=0, le=1)
    """0 draws all faces alike; 1 draws faces by the inverse of how common their labels are."""
    one_change: float = Field(default=0.0, ge=0, le=1)
    """Share of the faces whose target changes one attribute or hair colour only; the others get the labels of another face. Not with the teachers
    transforms and drawn, whose pairs change one each."""
    tracker: Tracker = "none"
    """Also log to wandb, mlflow or trackio, by its own settings (WANDB_MODE, MLFLOW_TRACKING_URI, ...); TensorBoard files are always written."""
    start_from: str = ""
    """A trained editor whose weights the generator begins with (fine-tuning): a run, checkpoint, ONNX file, *-G.ckpt, or lite, the bundled one. Of a run
    or checkpoint the discriminator is taken too."""
    teacher: str = ""
    """A run folder or ONNX file whose edits the generator also learns to imitate (distillation); or transforms: what `lianpu edit --set` does where no
    model is named (learned transforms, hair path, effects), as pairs that are made once and kept in the run folder; or drawn: drawn faces, drawn anew."""
    pairs_per_face: int = Field(default=0, ge=0)
    """With the teachers transforms and drawn: how many of a face's edits are made, drawn by the seed; 0 makes all (transforms: about 0.2 s each on
    a CPU core)."""
    augment: tuple[Variation, ...] = ()
    """What varies the faces that the discriminator sees: translation, cutout, light (DiffAugment); good for small sets."""


class LossConfig(BaseModel):
    """The `loss:` section: which terms, and their weights. Defaults are the published ones."""

    model_config = _STRICT

    lambda_adv: float = Field(default=1.0, ge=0)
    """Weight of the adversarial loss."""
    lambda_cls: float = Field(default=1.0, ge=0)
    """Weight of the domain classification loss."""
    lambda_rec: float = Field(default=10.0, ge=0)
    """Weight of the reconstruction loss."""
    lambda_gp: float = Field(default=10.0, ge=0)
    """Weight of the gradient penalty."""
    adversarial: Adversarial = "wgan"
    """wgan (as published), logistic (non-saturating) or relativistic (R3GAN; take penalty r1+r2 with it)."""
    penalty: Penalty = "wgan-gp"
    """wgan-gp (as published), r1 (at real faces) or r1+r2 (at real and edited faces)."""
    penalty_every: int = Field(default=1, ge=1)
    """Discriminator steps between penalties, whose weight is times that number (lazy regularization)."""
    lambda_guide: float = Field(default=0.0, ge=0)
    """Weight of a frozen attribute classifier, trained first on the same faces, that also tells the generator what it sees."""
    lambda_projected: float = Field(default=0.0, ge=0)
    """Weight of a second discriminator on the frozen features of an ImageNet network (Projected GAN): it knows textures from the start."""
    lambda_outside: float = Field(default=0.0, ge=0)
    """Weight of changes outside the face parts that an edit is about (hair colours: the hair)."""
    lambda_teacher: float = Field(default=10.0, ge=0)
    """With a teacher: weight of the mean difference of pixels from its edit, counted more where it changes the face."""
    lambda_gradient: float = Field(default=0.0, ge=0)
    """With a teacher: weight of the difference in steps between neighbouring pixels: sharpness."""
    lambda_features: float = Field(default=1.0, ge=0)
    """With a teacher: weight of the difference from its edit in features of an ImageNet network."""
    lambda_mask: float = Field(default=0.0, ge=0)
    """Weight of the mean of the lite generator's mask: the less it covers the better. With output fields the mask is the residual's."""
    lambda_smooth: float = Field(default=0.0, ge=0)
    """With output fields: weight of how much they change from one cell of their grid to the next."""


class RunConfig(BaseModel):
    """All settings of a run."""

    model_config = _STRICT

    model: ModelConfig = Field(default_factory=ModelConfig)
    training: TrainingConfig = Field(default_factory=TrainingConfig)
    loss: LossConfig = Field(default_factory=LossConfig)
    selected_attrs: tuple[str, ...] = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")
    """Attributes to edit, in the order of the label vector."""
    eval_transforms: tuple[str, ...] = ()
    """Transforms to score ('Black_Hair -> Blond_Hair'); empty: all pairs of a group and flips of the rest."""

    @model_validator(mode="after")
    def _discriminator_fits(self) -> "RunConfig":
        if 2**self.model.d_repeat_num > self.model.image_size:
            largest = self.model.image_size.bit_length() - 1
            raise ValueError(
                f"model.d_repeat_num {self.model.d_repeat_num} halves a picture of {self.model.image_size} px to nothing; take {largest} or less"
            )
        by_pairs = self.training.teacher in PAIR_TEACHERS
        if by_pairs and self.training.one_change:
            raise ValueError(
                f"training.one_change {self.training.one_change:g} has no say with the teacher {self.training.teacher}, whose pairs change one "
                "attribute each; set it to 0"
            )
        if self.training.pairs_per_face and not by_pairs:
            raise ValueError(f"training.pairs_per_face is for the teachers {' and '.join(PAIR_TEACHERS)}; set it to 0")
        if self.loss.lambda_smooth and self.model.output != "fields":
            raise ValueError("loss.lambda_smooth is for output fields; set it to 0 or model.output to fields")
        if self.loss.lambda_mask and self.model.generator != "lite":
            raise ValueError(
                "loss.lambda_mask is for the lite generator, the only one with a mask; set it to 0 or model.generator to lite"
            )
        return self


def default_config() -> RunConfig:
    """The published settings: the defaults of every section, which need no validation."""
    return RunConfig.model_construct(
        model=ModelConfig.model_construct(), training=TrainingConfig.model_construct(), loss=LossConfig.model_construct()
    )


def load_config(file: Path | str, preset: str | None = None) -> RunConfig:
    """The settings in a YAML file; what it does not name is as in the preset, or has its default.

    Raises:
        SettingsError: the preset is unknown, the file is missing or no YAML, or holds unknown keys or wrong values: all of them in one message.
    """
    below = preset_values(preset) if preset else {}
    path = Path(file)
    try:
        values = load_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path} is not there. Give the settings file with --config.") from None
    except (OSError, ValueError) as problem:
        raise SettingsError(f"{path} cannot be read as YAML ({' '.join(str(problem).split())}). Fix it.") from None
    if values is None:
        values = {}
    return parse_config(merged(below, values) if isinstance(values, dict) else values, str(path))


def parse_config(values: Any, source: str) -> RunConfig:
    """The settings in nested plain values. Raises SettingsError that names every problem and `source`."""
    try:
        return RunConfig.model_validate(values)
    except ValidationError as problem:
        raise SettingsError(f"{source}: {settings_problems(problem, _known_keys())}.") from None


def config_to_plain(config: RunConfig) -> dict[str, Any]:
    """The settings as nested plain values, as `config.yaml` in a run folder holds them."""
    return config.model_dump(mode="json")


def _known_keys() -> list[str]:
    sections = (RunConfig, ModelConfig, TrainingConfig, LossConfig)
    return [name for section in sections for name in section.model_fields]
