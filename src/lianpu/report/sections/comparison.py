"""What the comparison of the model files says, as ratios."""

from __future__ import annotations

from dataclasses import dataclass

from lianpu.report.run_files import RunFiles
from lianpu.report.values import Values


@dataclass(frozen=True)
class Ratio:
    """One model against the first row of the table: how many times as fast, and its share of the size."""

    source: str
    speed_ratio: float | None
    size_ratio: float | None
    psnr_db: float | None


def int8_against_pytorch(files: RunFiles) -> Ratio | None:
    """The INT8 model against PyTorch, None when they were not compared."""
    rows = files.benchmark.rows("rows") if files.benchmark else ()
    int8 = [row for row in rows if "INT8" in (row.text("model") or "")]
    return against(rows[0], int8[0]) if int8 and int8[0] is not rows[0] else None


def against(first: Values, row: Values) -> Ratio:
    """A row of benchmark.json against the first one."""
    return Ratio(
        source=row.source,
        speed_ratio=_divide(first.number("latency_ms"), row.number("latency_ms")),
        size_ratio=_divide(row.number("bytes"), first.number("bytes")),
        psnr_db=row.number("psnr_to_fp32_db"),
    )


def _divide(upper: float | None, lower: float | None) -> float | None:
    return None if upper is None or not lower else upper / lower
