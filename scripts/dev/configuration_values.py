"""The values of an interpreted configuration as a flat table, and what the tests' table keeps of one.

A configuration also answers to names that it does not store: those of its `attribute_map` and its own properties. They stand
under `.NAME`, so that `text_config..head_dim` is what code reads that asks the text configuration for `head_dim`.

Imports archviz only, so that a test that does not want `transformers` can use it.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from archviz.interpreter.attributes import MISSING
from archviz.interpreter.collect import config_values
from archviz.interpreter.control import RaisedError, UnsupportedError
from archviz.interpreter.machine import HOST_ERRORS, Interpreter
from archviz.interpreter.values import Instance, PropertyValue

Row = dict[str, Any]
SHORT_LIST = 4
TABLE_KEYS = (
    "rope_parameters",
    "layer_types",
    "mlp_layer_types",
    "head_dim",
    "num_key_value_heads",
    "tie_word_embeddings",
)
"""Values that the official classes make or complete, kept in the table of every listed model."""


def flat_values(interp: Interpreter, config: Instance, at: str = "") -> Row:
    """Dotted key → value: what is stored, and under `.NAME` what it answers to besides."""
    found: Row = {}
    for name, value in config.attrs.items():
        if is_configuration(value):
            found |= flat_values(interp, value, f"{at}{name}.")
        elif not name.startswith("_"):
            found[at + name] = config_values(value)
    for name in answered_names(config):
        found[f"{at}.{name}"] = config_values(attribute(interp, config, name))
    return found


def is_configuration(value: Any) -> bool:
    """Whether a value is a configuration object."""
    return isinstance(value, Instance) and value.cls.has("attribute_map")


def answered_names(config: Instance) -> list[str]:
    """The names that its class maps onto others, and the properties that it defines itself."""
    own = [each for each in config.cls.mro if any(base.name == "PreTrainedConfig" for base in each.mro[1:])]
    properties = {name for each in own for name, value in each.namespace.items() if isinstance(value, PropertyValue)}
    mapped = config.cls.lookup("attribute_map") if config.cls.has("attribute_map") else {}
    names = {*properties, *(mapped if isinstance(mapped, dict) else ())}
    return sorted(name for name in names if not name.startswith("_"))


def attribute(interp: Interpreter, config: Instance, name: str) -> Any:
    """An attribute as interpreted code reads it; None where reading it raises."""
    try:
        with interp.guarded():
            found = interp.find_attribute(config, name)
    except (RaisedError, UnsupportedError, *HOST_ERRORS):
        return None
    return None if found is MISSING else found


def table_values(values: Row) -> Row:
    """What the table keeps of a configuration: `TABLE_KEYS` and the answered names, long lists as length and sha1."""
    kept = {key for key in values if key.rpartition(".")[2] in TABLE_KEYS or f".{key}".rpartition(".")[0].endswith(".")}
    return {key: _short(values[key]) for key in sorted(kept)}


def _short(value: Any) -> Any:
    """Long lists as their length and digest, inside dicts too."""
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items()}
    if not isinstance(value, list) or len(value) <= SHORT_LIST:
        return value
    digest = hashlib.sha1(json.dumps(value).encode(), usedforsecurity=False).hexdigest()
    return f"{len(value)} items, sha1 {digest}"
