"""What a report says: the six sections of the specification, in its order."""

from __future__ import annotations

from lianpu.report.document import Document
from lianpu.report.gallery import Gallery
from lianpu.report.language import Language
from lianpu.report.run_files import RunFiles
from lianpu.report.sections.configuration import configuration
from lianpu.report.sections.environment import environment
from lianpu.report.sections.evaluation import evaluation
from lianpu.report.sections.material import Material
from lianpu.report.sections.overview import overview
from lianpu.report.sections.pretrained import pretrained
from lianpu.report.sections.quantization import quantization
from lianpu.version import __version__

SECTIONS = (overview, pretrained, configuration, evaluation, quantization, environment)


def report_contents(files: RunFiles, gallery: Gallery, language: Language) -> Document:
    """The report of a run in one language, ready for a template.

    Raises:
        RunError: a file of the run holds something of the wrong type; the message names the file and the entry.
    """
    material = Material(files, gallery, language)
    data = files.config.text("data", "source") or ""
    names = language.listed(language.attribute(name) for name in files.attributes)
    return Document(
        language=language.say("language.html"),
        title=language.say("title"),
        subtitle=language.say("subtitle", run=files.run.folder.name, data=data, attributes=names),
        contents_title=language.say("contents"),
        source_word=language.say("source"),
        footer=language.say("footer", version=__version__),
        sections=tuple(section(material) for section in SECTIONS),
    )
