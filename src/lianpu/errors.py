"""The errors a user can mend. The command line prints their message as one line and exits with 1."""

import difflib
from collections.abc import Iterable


class LianpuError(Exception):
    """Something the user can mend: the message says what was wrong, where, and what to do next, in one line."""


class SettingsError(LianpuError):
    """A settings file or a command-line value that cannot work."""


class DataError(LianpuError):
    """A folder of faces, a label file or a split that cannot be used."""


class PictureError(DataError):
    """A picture file that cannot be read or written."""


class VideoError(DataError):
    """A video file that cannot be read or written."""


class RunError(LianpuError):
    """A run folder that is missing, damaged, or of another dataset."""


class CheckpointError(RunError):
    """A checkpoint that is missing, damaged, or of another model."""


class TrainingError(LianpuError):
    """Training that cannot go on (NaN, infinite loss, full disk)."""


class ModelError(LianpuError):
    """A model file that cannot be loaded, exported or quantized."""


class WeightsError(LianpuError):
    """Pretrained weights that are missing, damaged or not allowed here."""


class ScoreError(LianpuError):
    """A score that cannot be computed, or two scores whose protocols differ."""


def nearest_name(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'X'?)` for the known name most like `name`, or an empty string when none is near."""
    by_lower = {word.lower().replace("-", "_"): word for word in known}
    near = difflib.get_close_matches(name.lower().replace("-", "_"), list(by_lower), n=1, cutoff=0.6)
    return f" (did you mean '{by_lower[near[0]]}'?)" if near else ""
