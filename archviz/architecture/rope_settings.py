"""What the configuration states about the rotation that a kind of layer uses, where it tells kinds apart."""

from __future__ import annotations

from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack
from archviz.architecture.naming import Kind
from archviz.interpreter.reading import ModuleRecord
from archviz.records import record

_TYPES = ("rope_layer_type", "rope_type", "layer_type", "attention_type", "attn_type")
_FLAT = ("rope_theta", "rotary_emb_base", "rotary_base")
_NO_SCALING = (None, "default")


@record(frozen=True)
class RopeSettings:
    """Settings of one rotation; None where the configuration states nothing.

    Args:
        theta: The base of the frequencies.
        partial: The share of a head that it rotates.
        scaling: Type and numbers of a scaling; `sections` of a rotation by several positions (M-RoPE).
        places: The configuration keys; `by_type` where kinds of layers have settings of their own.
        unmatched: Thetas by name, where it is not known which of them the layer uses.
    """

    theta: float | int | None = None
    partial: float | int | None = None
    scaling: dict[str, object] | None = None
    sections: list[object] | None = None
    places: tuple[str, ...] = ()
    by_type: bool = False
    unmatched: dict[str, object] | None = None


def rope_settings(context: Context, stack: Stack, kind: Kind, module: ModuleRecord) -> RopeSettings:
    """The settings of the rotation that a module of a kind of layer applies."""
    found = stack.config.find("rope_parameters", "rope_scaling") or context.configs[0].find(
        "rope_parameters", "rope_scaling"
    )
    values = found[1] if found and isinstance(found[1], dict) else {}
    where = found[0] if found else ""
    nested = {key: own for key, own in values.items() if isinstance(own, dict)}
    if nested:
        key = next((name for name in _layer_types(stack, kind, module) if name in nested), None)
        if key is None:
            return RopeSettings(
                unmatched={name: own.get("rope_theta") for name, own in nested.items()}, places=(where,)
            )
        values, where = nested[key], f"{where}.{key}"
    return _read(context, stack, values, where, bool(nested))


def _read(context: Context, stack: Stack, values: dict[str, object], where: str, by_type: bool) -> RopeSettings:
    places: list[str] = []
    theta = values.get("rope_theta")
    if isinstance(theta, (int, float)):
        places.append(f"{where}.rope_theta")
    else:
        flat = stack.config.find(*_FLAT) or context.configs[0].find(*_FLAT)
        theta = flat[1] if flat and isinstance(flat[1], (int, float)) else None
        places += [flat[0]] if flat and theta is not None else []
    partial = values.get("partial_rotary_factor")
    if partial is None and not by_type:
        partial = stack.config.values.get("partial_rotary_factor")
    kind = values.get("rope_type", values.get("type"))
    shown = {k: v for k, v in values.items() if isinstance(v, (int, float, str)) and k not in _UNSHOWN}
    sections = values.get("mrope_section")
    scaled = kind not in _NO_SCALING and bool(values)
    if scaled or sections or (partial is not None and "partial_rotary_factor" in values):
        places.append(where)
    return RopeSettings(
        theta=theta, partial=partial if isinstance(partial, (int, float)) else None,
        scaling={"rope_type": kind, **shown} if scaled else None,
        sections=list(sections) if isinstance(sections, list) else None, places=tuple(places), by_type=by_type,
    )  # fmt: skip


_UNSHOWN = ("rope_theta", "type", "rope_type", "partial_rotary_factor", "mrope_interleaved")


def _layer_types(stack: Stack, kind: Kind, module: ModuleRecord) -> list[str]:
    """What the layer's module calls its type, its own word for rotations first; then what the configuration calls it."""
    values = [owner.attributes.get(name) for owner in (module, kind.example) for name in _TYPES]
    types = stack.config.values.get("layer_types")
    index = kind.indices[0]
    values.append(types[index] if isinstance(types, list) and index < len(types) else None)
    return [value for value in values if isinstance(value, str)]
