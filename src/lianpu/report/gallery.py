"""The pictures of a report: drawn or copied once into its pictures folder, and the same for every language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lianpu.imaging.picture import Picture
from lianpu.photo.reading import read_image
from lianpu.photo.writing import write_image
from lianpu.report.charts import Curve, draw_curves, draw_networks, draw_trade_off
from lianpu.report.run_files import RunFiles
from lianpu.report.scored import Scored
from lianpu.runs import Run
from lianpu.stargan.layers import discriminator_layers, generator_layers

_LOSSES = (
    ("losses", {"d_loss": "D_loss", "g_loss": "G_loss"}),
    ("d_parts", {"d_adv": "D_adv", "d_cls": "D_cls", "d_gp": "D_gp"}),
    ("g_parts", {"g_adv": "G_adv", "g_cls": "G_cls", "g_rec": "G_rec"}),
)
_EDITS = (("edit_change", {"edit_change": "edit_change"}), ("edit_success", {"edit_success": "edit_success"}))
_STRIPS = 6
_LOSSLESS_UP_TO_PX = 128
"""Faces up to this side are copied as PNG; larger ones as JPEG of quality 92, or the page would weigh tens of megabytes."""


@dataclass(frozen=True)
class Gallery:
    """File names in the pictures folder. `curves` by key: losses, d_parts, g_parts, edit_change, edit_success, distance.

    Args:
        grid: the last sample grid and its step.
        strips: the first face of several sample grids, with their steps, oldest first.
        demo: what a demo made besides, by its name in the words: `large` edits of the run's editor, edits of the `bundled` editor and of the
            learned `transforms`.
        worst: the worst edits of each transform of the scorecard, by its name in the file.
        tournament: the plot of the ways to quantize that were tried.
    """

    networks: str | None
    curves: dict[str, str]
    grid: tuple[str, int] | None
    strips: tuple[tuple[str, int], ...]
    demo: dict[str, str]
    worst: dict[str, str] = field(default_factory=dict)
    tournament: str | None = None


def draw_gallery(files: RunFiles, folder: Path | None = None) -> Gallery:
    """All pictures that the run has something for, written into a folder: None is that of its report.

    Raises:
        PictureError: a sample grid is broken.
    """
    folder = folder or files.run.report_pictures_folder
    return Gallery(
        networks=_draw_networks(files, folder),
        curves=_draw_logged(files, folder) | _draw_distance(files, folder),
        grid=_copy_grid(files, folder),
        strips=_cut_strips(files, folder),
        demo=_copy_demo(files, folder),
        worst=_copy_worst(files, folder),
        tournament=_draw_tournament(files, folder),
    )


def _draw_networks(files: RunFiles, folder: Path) -> str | None:
    size = files.model_size()
    if size is None:
        return None
    return draw_networks(folder / "networks.svg", generator_layers(size), discriminator_layers(size), size.image_size).name


def _draw_logged(files: RunFiles, folder: Path) -> dict[str, str]:
    drawn = {}
    for key, labels in (*_LOSSES, *_EDITS):
        curves = [curve for name, label in labels.items() if (curve := _logged(files, name, label)) is not None]
        if curves:
            is_edit = key.startswith("edit")
            file = draw_curves(folder / f"{key}.svg", curves, share=key == "edit_success", marked=is_edit)
            drawn[key] = file.name
    return drawn


def _logged(files: RunFiles, name: str, label: str) -> Curve | None:
    points = [(line.integer("step") or 0, value) for line in files.steps if (value := line.number(name)) is not None]
    return Curve(label, [step for step, _ in points], [value for _, value in points]) if points else None


def comparable_checkpoints(files: RunFiles) -> tuple[Scored, ...]:
    """The scored checkpoints whose distance was measured by the same protocol as the newest one's, oldest first."""
    measured = [one for one in files.checkpoints if one.distance() is not None]
    if not measured:
        return ()
    newest = measured[-1].distance()
    assert newest is not None
    alike = [(one, one.find(newest.metric)) for one in measured]
    return tuple(one for one, score in alike if score and score.value is not None and score.protocol_key == newest.protocol_key)


def _draw_distance(files: RunFiles, folder: Path) -> dict[str, str]:
    checkpoints = comparable_checkpoints(files)
    if len(checkpoints) < 2:
        return {}
    newest = checkpoints[-1].distance()
    assert newest is not None
    values = [score.value or 0.0 for one in checkpoints if (score := one.find(newest.metric)) is not None]
    label = {"fid": "FID", "fid_infinity": "FID, extrapolated"}.get(newest.metric, newest.metric)
    return {
        "distance": draw_curves(
            folder / "distance.svg", [Curve(label, [one.step or 0 for one in checkpoints], values)], marked=True
        ).name
    }


def _copy_grid(files: RunFiles, folder: Path) -> tuple[str, int] | None:
    steps = files.run.sample_steps()
    if not steps:
        return None
    return _copy(read_image(files.run.sample_file(steps[-1])), folder / "samples", files), steps[-1]


def demo_files(run: Run) -> dict[str, Path]:
    """The pictures that only a demo has, by their names in the words."""
    return {"large": run.large_edits_file, "bundled": run.bundled_editor_file, "transforms": run.transforms_file}


def _copy_demo(files: RunFiles, folder: Path) -> dict[str, str]:
    return {
        name: write_image(folder / f"demo-{name}.jpg", read_image(file), quality=92).name
        for name, file in demo_files(files.run).items()
        if file.is_file()
    }


def _copy_worst(files: RunFiles, folder: Path) -> dict[str, str]:
    card, main = files.card, files.main
    if card is None or main is None:
        return {}
    pictures = files.run.card_folder(main.name) / "pictures"
    return {
        row.text("transform") or "": write_image(
            folder / f"{Path(name).stem}.jpg", read_image(pictures / Path(name).name), quality=92
        ).name
        for row in card.rows("transforms")
        if (name := row.text("worst_picture")) and (pictures / Path(name).name).is_file()
    }


def _draw_tournament(files: RunFiles, folder: Path) -> str | None:
    rows = files.tournament.rows("entries") if files.tournament else ()
    points = [
        (f"{row.text('name')} ({row.text('engine')})", times[1], row.number("psnr_db") or 0.0, row.integer("bytes") or 0)
        for row in rows
        if (times := row.numbers("times_float"))
    ]
    budget = files.tournament.number("budget_psnr_db") if files.tournament else None
    return draw_trade_off(folder / "tournament.svg", points, budget).name if points and budget is not None else None


def _copy(picture: Picture, target: Path, files: RunFiles) -> str:
    small = (files.config.integer("model", "image_size") or 0) <= _LOSSLESS_UP_TO_PX
    return write_image(target.with_suffix(".png" if small else ".jpg"), picture, quality=92).name


def _cut_strips(files: RunFiles, folder: Path) -> tuple[tuple[str, int], ...]:
    steps = files.run.sample_steps()
    size_px = files.config.integer("model", "image_size")
    if len(steps) < 2 or size_px is None:
        return ()
    chosen = [steps[index] for index in _evenly(len(steps), _STRIPS)]
    return tuple(
        (_copy(_top_row(read_image(files.run.sample_file(step)), size_px), folder / f"step-{step:09d}", files), step)
        for step in chosen
    )


def _top_row(grid: Picture, size_px: int) -> Picture:
    """The first row of faces of a grid whose faces have that side."""
    return np.ascontiguousarray(grid[:size_px])


def _evenly(count: int, wanted: int) -> Sequence[int]:
    """At most `wanted` indices below `count`, evenly spread, first and last among them, rising."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, wanted))})
