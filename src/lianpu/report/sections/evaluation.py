"""Section 4: what each metric says, the curves, and the scores per transform, each with its protocol."""

from __future__ import annotations

from lianpu.report.document import Part, Section
from lianpu.report.sections.curves import curves
from lianpu.report.sections.material import Material
from lianpu.report.sections.metric_table import metric_table
from lianpu.report.sections.transform_table import transform_scores


def evaluation(material: Material) -> Section:
    """Metrics with protocols, curves with their table, scores per transform, and how good the judge of attributes is."""
    say = material.say
    return material.section(
        "evaluation",
        [
            Part(tuple(metric_table(material)), "4.1", say("evaluation.metrics")),
            Part(tuple(curves(material)), "4.2", say("evaluation.curves")),
            Part(tuple(transform_scores(material)), "4.3", say("evaluation.transforms")),
        ],
    )
