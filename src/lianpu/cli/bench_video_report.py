"""What `lianpu bench video` measured, as tables and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.video.clip_speed import ClipSpeed
    from lianpu.video.flicker import Flicker


@dataclass(frozen=True)
class SizeMeasured:
    """What was measured at one size (width, height); `raw` and `smoothed` flicker only where the true motion is known."""

    size: tuple[int, int]
    speed: ClipSpeed
    raw: Flicker | None
    smoothed: Flicker | None


def speed_table(measured: SizeMeasured, circumstances: str) -> Table:
    """Milliseconds of each stage and effect, frames a second of a whole video with it, and the ratio to one without."""
    from rich.table import Table

    speed = measured.speed
    table = Table(
        title=f"{measured.size[0]} x {measured.size[1]}, {speed.frames} frames, {speed.faces:.1f} faces a frame",
        caption=f"{circumstances}. An effect's frames a second and ratio are those of the whole, stages included.",
    )
    for heading in ("stage or effect", "ms a frame", "frames a second", "times no effect"):
        table.add_column(heading, justify="left" if heading == "stage or effect" else "right")
    for name, seconds in speed.stages.items():
        table.add_row(name, f"{1000 * seconds:.1f}", f"{1 / seconds:.0f}" if seconds > 0 else "", "")
    table.add_section()
    whole = speed.without_steps_s
    table.add_row("no effect: all stages", f"{1000 * whole:.1f}", f"{1 / whole:.1f}", "1.00")
    for name, seconds in speed.steps.items():
        table.add_row(name, f"{1000 * seconds:.1f}", f"{1 / (whole + seconds):.1f}", f"{speed.ratio(name):.2f}")
    return table


def flicker_table(size: tuple[int, int], raw: Flicker, smoothed: Flicker) -> Table:
    """What changes from frame to frame beside the true motion, before and after smoothing."""
    from rich.table import Table

    table = Table(
        title=f"{size[0]} x {size[1]}: change from frame to frame, the true motion taken out, {raw.frames} pairs of frames",
        caption="Points: hundredths of the distance of the eyes. Parts: % of the face's pixels. Effects: % of what they do.",
    )
    for heading in ("of", "every reading as it is", "smoothed", "left"):
        table.add_column(heading, justify="left" if heading == "of" else "right")
    rows = {"points": (raw.points, smoothed.points), "parts": (raw.parts, smoothed.parts)}
    rows |= {name: (raw.effects[name], smoothed.effects[name]) for name in raw.effects}
    for name, (before, after) in rows.items():
        left = f"{100 * after / before:.0f} %" if before > 0 else ""
        table.add_row(name, f"{before:.2f}", f"{after:.2f}", left)
    return table


def as_json(measured: Sequence[SizeMeasured], cpu: str, clock: str, rounds: int) -> dict[str, Any]:
    """All numbers; seconds, and ratios to a video without effects."""
    sizes = []
    for one in measured:
        told = asdict(one.speed) | {"size": list(one.size), "ratios": {name: one.speed.ratio(name) for name in one.speed.steps}}
        if one.raw is not None and one.smoothed is not None:
            told["flicker"] = {"as_read": asdict(one.raw), "smoothed": asdict(one.smoothed)}
        sizes.append(told)
    return {"machine": cpu, "clock": clock, "rounds": rounds, "sizes": sizes}
