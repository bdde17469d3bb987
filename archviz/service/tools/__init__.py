"""The eight tools: thin functions from arguments to answers over `archviz.pipeline`, which is imported when first needed.

`toolset` has them in the order in which an agent needs them. How to add one: a method with a result model of
`archviz.service.results` in a file of its own, and a row here; `references/server.md` and the snapshot of schemas in the tests say it too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mcp_types import ToolAnnotations

from archviz.service.tools.comparing import ComparingTools
from archviz.service.tools.describing import DescribingTools
from archviz.service.tools.documenting import DocumentingTools
from archviz.service.tools.drawing import DrawingTools
from archviz.service.tools.inspecting import InspectingTools
from archviz.service.tools.naming import NamingTools
from archviz.service.tools.verifying import VerifyingTools
from archviz.service.workshop import Workshop

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=True)


def toolset(workshop: Workshop) -> list[tuple[Callable[..., Any], str, ToolAnnotations]]:
    """Each tool with its title and what it may do."""
    naming, documenting = NamingTools(workshop), DocumentingTools(workshop)
    return [
        (naming.resolver(), "Resolve a model name", READS),
        (naming.find_sources, "Find a model's sources", READS),
        (DescribingTools(workshop).describe_architecture, "Describe an architecture", READS),
        (VerifyingTools(workshop).verify_code, "Verify claims in code", READS),
        (InspectingTools(workshop).inspect_tensors, "Inspect tensors", READS),
        (DrawingTools(workshop).draw_architecture, "Draw an architecture", WRITES),
        (ComparingTools(workshop).compare_models, "Compare models", WRITES),
        (documenting.write_document, "Write a document", WRITES),
    ]
