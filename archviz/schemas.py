"""The JSON schema of the Architecture as archviz publishes it."""

from __future__ import annotations

import json

from archviz.architecture.model import SCHEMA, Architecture

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def architecture_schema() -> dict[str, object]:
    """The schema of the documents that `archviz describe --json` writes."""
    schema = Architecture.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": DIALECT, "$id": f"urn:{SCHEMA.replace('/', ':')}", **schema}


def schema_text() -> str:
    """The schema as it stands in `references/architecture.schema.json`, to the byte."""
    return json.dumps(architecture_schema(), indent=2, ensure_ascii=False) + "\n"
