"""The pictures of the report, as SVG files. Their few words are the same in every language, so that no font can be missing.

Colours are those of Okabe and Ito (2008), which colour-blind readers can tell apart; lines also differ by dash.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lianpu.files import atomic_file
from lianpu.stargan.layers import Layer

_LINES = (("#0072B2", "-"), ("#D55E00", (0, (5, 1.5))), ("#009E73", (0, (1.5, 1))), ("#CC79A7", (0, (4, 1, 1, 1))))
_INK, _FAINT = "#30343b", "#d5d9e0"
_STYLE: Any = {
    "svg.fonttype": "path",  # letters as shapes: the picture looks the same where the font is not installed
    "svg.hashsalt": "lianpu",  # the same run gives the same file
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": "#8a909b",
    "xtick.color": _INK,
    "ytick.color": _INK,
}
_BINS = 240


@dataclass(frozen=True)
class Curve:
    """One line of a chart: values at steps. Both have the same length, steps rise."""

    label: str
    steps: Sequence[float]
    values: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.steps) != len(self.values):
            raise ValueError(f"{self.label}: {len(self.steps)} steps but {len(self.values)} values")


def draw_curves(file: Path, curves: Sequence[Curve], *, share: bool = False, marked: bool = False, across: str = "step") -> Path:
    """`file`, an SVG chart of the curves against the step, or what else `across` says that their steps are.

    Long logs are shown as the mean over equal stretches of steps, with a band from the 10th to the 90th percentile.

    Args:
        share: the values are shares from 0 to 1; the axis shows all of that range in percent.
        marked: every value is a measurement of its own: show a point there, and the range from zero.
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(5.4, 3.1), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        for curve, (color, dash) in zip(curves, _cycle(len(curves)), strict=True):
            _draw_curve(axes, curve, color, dash, marked)
        _finish_axes(axes, share, marked, across)
        return _save(figure, file)


def _cycle(count: int) -> list[tuple[str, object]]:
    return [_LINES[index % len(_LINES)] for index in range(count)]


def _draw_curve(axes: Axes, curve: Curve, color: str, dash: object, marked: bool) -> None:
    steps, values = np.asarray(curve.steps, dtype=float), np.asarray(curve.values, dtype=float)
    if len(steps) > 2 * _BINS:
        groups = [group for group in np.array_split(np.arange(len(steps)), _BINS) if len(group)]
        low, high = (np.array([np.percentile(values[group], share) for group in groups]) for share in (10, 90))
        steps, values = (np.array([line[group].mean() for group in groups]) for line in (steps, values))
        axes.fill_between(steps, low, high, color=color, alpha=0.18, linewidth=0)
    marker = "o" if marked or len(steps) < 3 else None
    axes.plot(steps, values, color=color, linestyle=dash, linewidth=1.5, marker=marker, markersize=4, label=curve.label)


def _finish_axes(axes: Axes, share: bool, marked: bool, across: str) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=_FAINT, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_xlabel(across)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: spell_step(value)))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    if share:
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f}%"))
    elif marked:
        bottom, top = axes.get_ylim()
        axes.set_ylim(min(0.0, bottom), max(0.0, top) + 0.06 * (max(0.0, top) - min(0.0, bottom)))
    axes.set_xlim(left=0)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False, handlelength=2.6, columnspacing=1.4)


def spell_step(value: float) -> str:
    """A step as an axis shows it: `800`, `1.5k`, `200k`, `2.5M`."""
    for scale, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= scale:
            return f"{value / scale:g}{letter}"
    return f"{value:g}"


def draw_networks(file: Path, generator: Sequence[Layer], discriminator: Sequence[Layer], image_size: int) -> Path:
    """`file`, an SVG diagram of both networks: a block per layer, as high as its output and as deep as its channels (both by logarithm)."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(9.4, 4.6), layout="constrained")
        FigureCanvasAgg(figure)
        axes_pair = figure.subplots(2, 1)
        ends = [
            _draw_chain(axes_pair[0], "Generator  G(x, c)", (Layer("x + c", "", 3, image_size, 0), *generator), heads=0),
            _draw_chain(axes_pair[1], "Discriminator  D(x)", (Layer("x", "", 3, image_size, 0), *discriminator), heads=2),
        ]
        for axes in axes_pair:
            axes.set_xlim(-0.3, max(ends) + 0.3)
        return _save(figure, file)


_BLOCK_COLORS = {
    "x": "#eceff3",
    "Conv + T": "#f6c8a9",
    "Conv +": "#b7d7ea",
    "Res": "#f7e3a1",
    "ConvT": "#a9dcc9",
    "Patch": "#f6c8a9",
    "D_cls": "#e9c6da",
}


_LOWEST_TURNED = 1.2
"""Lower blocks have no room for words that run upwards."""


def _block_color(name: str) -> str:
    return next((color for start, color in _BLOCK_COLORS.items() if name.startswith(start)), "#eceff3")


def _draw_chain(axes: Axes, title: str, layers: Sequence[Layer], heads: int) -> float:
    """A network from left to right, the last `heads` layers side by side; returns its right edge."""
    axes.set_axis_off()
    axes.set_title(title, loc="left", fontsize=10.5, fontweight="bold")
    axes.set_ylim(-2.35, 1.85)
    gap = 0.55
    end: float | None = None
    for layer in layers[: len(layers) - heads]:
        end = _draw_block(axes, layer, 0.0 if end is None else end + gap, 0.0, end)
    assert end is not None
    rights = [
        _draw_block(axes, layer, end + gap + 0.3, 1.05 - 2.1 * place, end, height=0.95)
        for place, layer in enumerate(layers[len(layers) - heads :])
    ]
    return max((end, *rights))


def _draw_block(
    axes: Axes, layer: Layer, left: float, middle: float, come_from: float | None, height: float | None = None
) -> float:
    """A block with its words; returns its right edge."""
    high = 0.35 + 0.35 * math.log2(max(layer.side_px, 2)) if height is None else height
    width = 0.5 + 0.09 * math.log2(max(layer.channels, 2)) + (0.75 if layer.repeat > 1 else 0.0)
    box = FancyBboxPatch(
        (left, middle - high / 2),
        width,
        high,
        boxstyle="round,pad=0,rounding_size=0.08",
        facecolor=_block_color(layer.name),
        edgecolor=_INK,
        linewidth=0.8,
    )
    axes.add_patch(box)
    if come_from is not None:
        arrow = {"arrowstyle": "-|>", "color": _INK, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 1}
        axes.annotate("", (left, middle), (come_from, 0.0), arrowprops=arrow)
    center = left + width / 2
    inside = f"ResBlock\n×{layer.repeat}" if layer.repeat > 1 else _short(layer)
    turned = 90 if layer.repeat == 1 and height is None and high > _LOWEST_TURNED else 0
    axes.text(center, middle, inside, ha="center", va="center", rotation=turned, fontsize=7.6, linespacing=1.3)
    under = f"{layer.side_px}²×{layer.channels}"
    axes.text(center, middle - high / 2 - 0.12, under, ha="center", va="top", fontsize=7.2, color="#5b626e")
    return left + width


def _short(layer: Layer) -> str:
    names = {"Conv + Tanh": "Conv, tanh", "PatchGAN (D_src)": "D_src", "x + c": "x, c"}
    word = names.get(layer.name, layer.name.split(" ")[0].replace("ConvTranspose", "ConvT"))
    return f"{word}\n{layer.kernel}" if layer.kernel else word


_BEST_PSNR_DB = 100.0
"""Equal edits count as 200 dB; the axis ends here."""


def draw_trade_off(file: Path, points: Sequence[tuple[str, float, float, int]], budget_psnr: float) -> Path:
    """`file`, an SVG chart of models: speed against fidelity, with the size as the area; those that nothing beats in both are named and joined.

    Args:
        points: (name, times as fast as float, PSNR to float in dB, bytes) of each.
        budget_psnr: drawn as a line, in dB.
    """
    front: list[tuple[str, float, float, int]] = []
    for point in sorted(points, key=lambda point: -point[1]):
        if not front or point[2] > front[-1][2]:
            front.append(point)
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(7.4, 4.4), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        largest = max((size for *_, size in points), default=1)
        for _, times, psnr, size in points:
            axes.scatter(times, min(psnr, _BEST_PSNR_DB), s=220 * size / largest, color="#0072B2", alpha=0.45, linewidths=0)
        axes.plot([one[1] for one in front], [min(one[2], _BEST_PSNR_DB) for one in front], color="#D55E00", linewidth=1.2)
        for number, (_, times, psnr, _) in enumerate(front, start=1):
            axes.annotate(str(number), (times, min(psnr, _BEST_PSNR_DB)), textcoords="offset points", xytext=(7, 5))
        axes.axhline(budget_psnr, color="#009E73", linestyle=(0, (5, 1.5)), linewidth=1.0)
        axes.axvline(1.0, color=_FAINT, linewidth=1.0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("times as fast as float32 on ONNX Runtime (right is better)")
        axes.set_ylabel("PSNR to float32, dB (up is better)")
        sizes = "\n".join(f"{number}  {name}, {size / 1e6:.2f} MB" for number, (name, _, _, size) in enumerate(front, start=1))
        axes.set_title(f"Nothing beats in both:\n{sizes}", loc="left", fontsize=7.6)
        return _save(figure, file)


def _save(figure: Figure, file: Path) -> Path:
    with atomic_file(file) as partial:
        figure.savefig(partial, format="svg", metadata={"Date": None, "Creator": None})
    return file
