"""Settings of the training of a 68-point predictor. Imports neither dlib nor numpy: they are options of the command line."""

from __future__ import annotations

from dataclasses import dataclass

from lianpu.errors import SettingsError


@dataclass(frozen=True)
class PredictorSettings:
    """Settings of an ensemble of regression trees (Kazemi & Sullivan 2014); names and defaults are dlib's.

    The file holds cascade_depth x trees_per_cascade trees of 2 ** tree_depth leaves with 136 numbers each: 10 x 500 x 16 leaves are
    66 MB. Training time grows with all of them, with the oversampling and with the faces (twice as many when mirrored): these
    defaults and 791 faces took 7 minutes on one core.

    Raises:
        SettingsError: a value is out of its range; all such values are named together.
    """

    tree_depth: int = 4
    """Depth of each tree; it has 2 ** depth leaves."""
    cascade_depth: int = 10
    """Corrections of the points, each by its own trees."""
    trees_per_cascade: int = 500
    """Trees per correction."""
    nu: float = 0.1
    """Regularization, above 0, at most 1: larger fits the training faces more closely."""
    oversampling: int = 20
    """Starting shapes tried for each face."""
    jitter: float = 0.0
    """Random shift of the starting shapes, as a share of the box; makes the predictor robust to boxes that vary."""
    feature_pool: int = 400
    """Pixels that trees may compare."""
    test_splits: int = 20
    """Comparisons tried at each node; the best is kept."""
    mirror: bool = True
    """Learn from the mirror image of every face, too."""
    seed: int = 0
    """The same seed, data and number of threads give the same file."""
    threads: int = 0
    """Threads; 0: one per core that this process may use."""

    def __post_init__(self) -> None:
        problems = [f"{name} is {getattr(self, name)}, but must be at least {least}" for name, least in _LEAST.items()
                    if getattr(self, name) < least]  # fmt: skip
        if self.tree_depth > 12:
            problems.append(f"tree_depth is {self.tree_depth}, but at most 12 makes sense (4096 leaves)")
        if not 0 < self.nu <= 1:
            problems.append(f"nu is {self.nu}, but must be above 0 and at most 1")
        if not 0 <= self.jitter <= 1:
            problems.append(f"jitter is {self.jitter}, but must be from 0 to 1")
        if problems:
            raise SettingsError(f"The predictor cannot be trained with these settings: {'; '.join(problems)}.")


_LEAST = {
    "tree_depth": 1,
    "cascade_depth": 1,
    "trees_per_cascade": 1,
    "oversampling": 1,
    "feature_pool": 2,
    "test_splits": 1,
    "seed": 0,
    "threads": 0,
}
