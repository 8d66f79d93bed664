"""Settings that go together, by name: what `lianpu train --preset NAME` starts from."""

from __future__ import annotations

from typing import Any

from lianpu.errors import SettingsError, nearest_name

PRESETS: dict[str, dict[str, Any]] = {
    "stargan": {},
    "lite": {
        "model": {
            "generator": "lite",
            "image_size": 128,
            "d_conv_dim": 32,
            "d_repeat_num": 5,
            "label_input": "difference",
        },
        "training": {
            "batch_size": 8,
            "n_critic": 1,
            "num_iters": 12000,
            "g_lr": 0.0002,
            "d_lr": 0.0004,
            "lr_schedule": "linear",
            "ema_decay": 0.998,
            "d_first_steps": 100,
            "balance": 0.7,
            "one_change": 0.75,
            "augment": ["translation", "light"],
            "sample_every": 500,
            "checkpoint_every": 500,
            "keep_checkpoints": 3,
        },
        "loss": {
            "adversarial": "logistic",
            "penalty": "r1",
            "penalty_every": 3,
            "lambda_adv": 4.0,
            "lambda_cls": 2.0,
            "lambda_rec": 5.0,
            "lambda_gp": 0.001,
            "lambda_guide": 1.0,
            "lambda_outside": 10.0,
            "lambda_mask": 0.1,
        },
    },
    "fields": {
        "model": {
            "generator": "lite",
            "image_size": 128,
            "g_repeat_num": 8,
            "d_conv_dim": 16,
            "d_repeat_num": 5,
            "label_input": "difference",
            "output": "fields",
        },
        "training": {
            "teacher": "transforms",
            "batch_size": 8,
            "n_critic": 1,
            "num_iters": 2000,
            "g_lr": 0.002,
            "d_lr": 0.0002,
            "beta1": 0.9,
            "lr_schedule": "linear",
            "ema_decay": 0.995,
            "balance": 0.5,
            "sample_every": 200,
            "checkpoint_every": 100,
            "keep_checkpoints": 2,
        },
        "loss": {
            "adversarial": "logistic",
            "penalty": "r1",
            "penalty_every": 4,
            "lambda_adv": 0.0,
            "lambda_cls": 0.0,
            "lambda_rec": 0.0,
            "lambda_gp": 0.001,
            "lambda_teacher": 10.0,
            "lambda_gradient": 5.0,
            "lambda_features": 0.0,
            "lambda_smooth": 0.1,
            "lambda_mask": 0.02,
        },
    },
}
"""`stargan` is the published recipe (the defaults); `lite` the fast editor's, for a CPU and a few hundred faces or more;
`fields` the fast editor with fields, taught by pairs."""


def preset_values(name: str) -> dict[str, Any]:
    """The nested plain values of a preset. Raises SettingsError with the nearest known name."""
    if name not in PRESETS:
        raise SettingsError(f"'{name}' is no preset{nearest_name(name, PRESETS)}. Known: {', '.join(PRESETS)}.")
    return PRESETS[name]


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Nested values where those of `above` win."""
    result = dict(below)
    for name, value in above.items():
        under = result.get(name)
        result[name] = merged(under, value) if isinstance(value, dict) and isinstance(under, dict) else value
    return result
