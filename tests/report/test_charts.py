"""The pictures: whole SVG files, the same for the same run, with no text that needs a font."""

from pathlib import Path

import numpy as np
import pytest

from lianpu.report.charts import Curve, draw_curves, draw_networks, draw_trade_off, spell_step
from lianpu.stargan.layers import ModelSize, discriminator_layers, generator_layers


def test_curves_are_an_svg_without_fonts_or_addresses_to_load(tmp_path: Path) -> None:
    file = draw_curves(tmp_path / "losses.svg", [Curve("D_loss", [1, 2, 3], [3.0, 2.0, 1.5])])
    text = file.read_text(encoding="utf-8")
    assert text.startswith("<?xml") and "<text" not in text and "font-family" not in text
    assert 'href="http' not in text and "<image" not in text


def test_the_same_curves_give_the_same_file(tmp_path: Path) -> None:
    first, second = (draw_curves(tmp_path / name, [Curve("x", [1, 2], [0.0, 1.0])], share=True) for name in ("a.svg", "b.svg"))
    assert first.read_bytes() == second.read_bytes()


def test_long_logs_are_gathered_so_that_the_picture_stays_small(tmp_path: Path) -> None:
    steps = np.arange(1, 50_001)
    noisy = np.random.default_rng(0).normal(size=len(steps))
    file = draw_curves(tmp_path / "long.svg", [Curve("D_loss", steps.tolist(), noisy.tolist())])
    assert file.stat().st_size < 200_000


def test_a_curve_of_unequal_lengths_is_refused() -> None:
    with pytest.raises(ValueError, match="D_loss: 2 steps but 1 values"):
        Curve("D_loss", [1, 2], [1.0])


@pytest.mark.parametrize("size", [ModelSize(256, 64, 64, 6, 6, 5), ModelSize(32, 4, 4, 0, 5, 1)], ids=["published", "small"])
def test_networks_are_drawn_at_any_size(tmp_path: Path, size: ModelSize) -> None:
    file = draw_networks(tmp_path / "networks.svg", generator_layers(size), discriminator_layers(size), size.image_size)
    assert "<svg" in file.read_text(encoding="utf-8")


def test_steps_are_spelled_short() -> None:
    assert [spell_step(value) for value in (0, 800, 1500, 200_000, 2_500_000)] == ["0", "800", "1.5k", "200k", "2.5M"]


def test_a_trade_off_names_what_nothing_beats(tmp_path: Path) -> None:
    points = [("float", 1.0, 200.0, 100), ("good", 2.0, 45.0, 30), ("beaten", 1.5, 40.0, 30)]
    svg = draw_trade_off(tmp_path / "plot.svg", points, 40.0).read_text(encoding="utf-8")
    assert svg.count("<path") > 10
