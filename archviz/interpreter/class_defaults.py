"""Which values of a configuration are the default of its class: the fields that equal what the class body gives them."""

from __future__ import annotations

from archviz.interpreter.modules import SourceModule
from archviz.interpreter.reading import ROTATION, ClassDefault
from archviz.interpreter.values import ClassValue, Instance
from archviz.late_patterns import late_pattern
from archviz.spans import Span

_BASE = "PreTrainedConfig"
_DEEPEST = 8
_FIELD = late_pattern(r"    (\w+)(?::| =)")


def class_defaults(config: Instance, prefix: str = "") -> dict[str, ClassDefault]:
    """Key path (`text_config.vocab_size`) → default, of a configuration and its sub-configurations.

    A None that the class completes itself is no default: what it makes of it rests on other keys.
    """
    found: dict[str, ClassDefault] = {}
    aliases = _aliases(config.cls)
    for name, value in config.attrs.items():
        if isinstance(value, Instance) and prefix.count(".") < _DEEPEST:
            found |= class_defaults(value, f"{prefix}{name}.")
        elif isinstance(value, (bool, int, float, str)):
            owner = next((each for each in config.cls.mro if name in each.namespace), None)
            given = owner.namespace[name] if owner is not None and owner.name != _BASE else None
            if owner is not None and type(given) is type(value) and given == value:
                names = (name, *(alias for alias, real in aliases.items() if real == name))
                found[prefix + name] = ClassDefault(config.cls.name, _line(owner, name), names)
    return found | _rotation_defaults(config, prefix)


_THETA = ("rope_theta", "rotary_emb_base", "rotary_base")
_PARTIAL = ("partial_rotary_factor", "rotary_pct", "rope_pct", "rotary_dim")


def _rotation_defaults(config: Instance, prefix: str) -> dict[str, ClassDefault]:
    """What the class writes into `rope_parameters` by itself: its base, and the share of a head that it rotates; for each kind of layer."""
    name, values = "rope_parameters", config.attrs.get("rope_parameters")
    if not isinstance(values, dict):
        return {}
    own = config.cls
    found = {f"{prefix}{name}": ClassDefault(own.name, own.at, ROTATION)}
    for kind, inner in values.items():
        path = f"{prefix}{name}.{kind}"
        if isinstance(inner, dict):
            found |= {
                each: ClassDefault(own.name, own.at, ROTATION) for each in (path, *(f"{path}.{k}" for k in inner))
            }
        elif kind == "rope_theta":
            found[path] = ClassDefault(own.name, own.at, ROTATION)
    if "partial_rotary_factor" in values:
        found[f"{prefix}{name}.partial_rotary_factor"] = ClassDefault(own.name, own.at, _PARTIAL)
    owner = next((each for each in own.mro if "default_theta" in each.namespace), None)
    if owner is not None and values.get("rope_theta") == owner.namespace["default_theta"]:
        found[f"{prefix}{name}.rope_theta"] = ClassDefault(own.name, _line(owner, "default_theta"), _THETA)
    return found


def declared_fields(config: Instance) -> frozenset[str]:
    """The keys that the class of a configuration, or a base, knows."""
    known = {name for cls in config.cls.mro for name in (*cls.namespace, *cls.annotations)}
    return frozenset({*known, *_aliases(config.cls)})


def _aliases(cls: ClassValue) -> dict[str, str]:
    stated = cls.find("attribute_map")
    return (
        {a: b for a, b in stated.items() if isinstance(a, str) and isinstance(b, str)}
        if isinstance(stated, dict)
        else {}
    )


def _line(cls: ClassValue, name: str) -> Span | None:
    """The line of a class's body that gives a field its default."""
    if cls.source_module is None or cls.at is None:
        return cls.at
    line = _field_lines(cls.source_module, cls.at.line).get(name)
    return cls.at if line is None else Span(cls.at.file, line)


def _field_lines(module: SourceModule, first: int) -> dict[str, int]:
    """Field → the first line that gives it, in the body of the class that starts after a line."""
    known = module.field_lines.get(first)
    if known is not None:
        return known
    found = module.field_lines[first] = {}
    for number in range(first, len(module.lines)):
        if module.lines[number].startswith("class "):
            break
        head = _FIELD.match(module.lines[number])
        if head is not None:
            found.setdefault(head[1], number + 1)
    return found
