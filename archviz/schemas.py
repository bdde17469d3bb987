"""The JSON schema of the Architecture as archviz publishes it."""

from __future__ import annotations

import json

from archviz.architecture.documents import architecture_schema


def schema_text() -> str:
    """The schema as it stands in `references/architecture.schema.json`, to the byte."""
    return json.dumps(architecture_schema(), indent=2, ensure_ascii=False) + "\n"
