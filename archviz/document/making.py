"""From a model's source to its document: read, described, verified, written as pseudocode."""

from __future__ import annotations

from pathlib import Path

from archviz.architecture.model import Architecture, GapEntry
from archviz.comparison.claimed_departures import claimed_departures
from archviz.comparison.departures import departures
from archviz.document.markdown import markdown_document
from archviz.document.parts import Parts
from archviz.document.summary import summary
from archviz.errors import EXIT_DONE_WITH_GAPS, ArchvizError
from archviz.outputs import write_text
from archviz.progress import enter_stage
from archviz.pseudocode.program import Pseudocode, write_pseudocode
from archviz.readings import DEFAULTS
from archviz.records import record
from archviz.settings import Settings
from archviz.sources.model_source import ModelSource
from archviz.verify.report import Verification


@record(frozen=True)
class DocumentResult:
    """What `document` made: the short form always, the file where one was asked for."""

    architecture: Architecture
    summary: str
    file: Path | None = None
    remarks: tuple[str, ...] = ()

    @property
    def gaps(self) -> list[GapEntry]:
        return self.architecture.gaps

    @property
    def exit_status(self) -> int:
        """5 with gaps."""
        return EXIT_DONE_WITH_GAPS if self.gaps else 0

    def as_dict(self) -> dict[str, object]:
        return {
            "model": self.architecture.identity.id,
            "class": self.architecture.identity.class_name,
            "file": str(self.file) if self.file is not None else None,
            "summary": self.summary,
            "pseudocode_remarks": list(self.remarks),
            "gaps": [gap.as_dict() for gap in self.gaps],
        }


def write_document(
    source: ModelSource,
    verified: tuple[Verification, Architecture],
    output: Path | None,
    *,
    class_name: str | None = None,
    with_tensors: bool = False,
    settings: Settings = DEFAULTS,
) -> DocumentResult:
    """Write the document of a model that was verified; without an output only its short form."""
    verification, architecture = verified
    found = [*departures(architecture), *claimed_departures(verification.claims)]
    found.sort(key=lambda each: each.small)
    short = summary(architecture, found)
    if output is None:
        return DocumentResult(architecture, short)
    program, why = _program(source, class_name, settings)
    enter_stage("writing the document")
    parts = Parts(architecture, verification, found, program, why, with_tensors)
    write_text(output, markdown_document(parts))
    return DocumentResult(architecture, short, output, tuple(program.remarks) if program else (why,))


def _program(source: ModelSource, class_name: str | None, settings: Settings) -> tuple[Pseudocode | None, str]:
    try:
        return write_pseudocode(source, class_name=class_name, settings=settings), ""
    except ArchvizError as error:
        return None, error.message
