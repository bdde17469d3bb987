"""Documents from outside: an Architecture read from JSON data, and the schema that describes it.

This is where the document's classes meet pydantic, which costs a fifth of a second to import: describing and drawing a
model do without.
"""

from __future__ import annotations

from functools import lru_cache

from pydantic import TypeAdapter, ValidationError

from archviz.architecture.model import SCHEMA, Architecture
from archviz.errors import UsageError

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_WORDING = {
    "unexpected_keyword_argument": "Extra inputs are not permitted",
    "dataclass_type": "Input should be an object",
}


def read_architecture(document: object, where: str) -> Architecture:
    """The Architecture that JSON data states.

    Args:
        where: What messages name as its source.

    Raises:
        UsageError: It lacks something, or holds what no Architecture has; with the place in the document.
    """
    try:
        return _adapter().validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = "/".join(map(str, first["loc"]))
        message = _WORDING.get(first["type"], first["msg"])
        raise UsageError(f"the Architecture is malformed at /{place}: {message}", where=where) from None


def architecture_schema() -> dict[str, object]:
    """The JSON schema of the documents that `archviz describe --json` writes."""
    schema = _adapter().json_schema(mode="serialization")
    return {"$schema": DIALECT, "$id": f"urn:{SCHEMA.replace('/', ':')}", **schema}


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Architecture]:
    return TypeAdapter(Architecture)
