"""What the configuration states about the rotation that a kind of layer uses, where it tells kinds apart."""

from __future__ import annotations

from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack
from archviz.architecture.naming import Kind
from archviz.interpreter.reading import ModuleRecord
from archviz.records import field, record

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
        places: The configuration keys of `theta`, `partial`, `scaling` and `sections`, by these names.
        by_type: Kinds of layers have settings of their own.
        unmatched: Thetas by name, where it is not known which of them the layer uses.
    """

    theta: float | int | None = None
    partial: float | int | None = None
    scaling: dict[str, object] | None = None
    sections: list[object] | None = None
    places: dict[str, str] = field(default_factory=dict)
    by_type: bool = False
    unmatched: dict[str, object] | None = None

    def turned(self, width: int) -> int | None:
        """Dimensions of a head of this width that turn, where frequencies of zero leave the others as they are; None where all turn.

        Source: transformers/modeling_rope_utils.py, _compute_proportional_rope_parameters
        """
        if self.partial in (None, 1) or (self.scaling or {}).get("rope_type") != "proportional":
            return None
        return 2 * int(float(self.partial or 1) * width // 2)


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
                unmatched={name: own.get("rope_theta") for name, own in nested.items()}, places={"theta": where}
            )
        values, where = nested[key], f"{where}.{key}"
    return _read(context, stack, values, where, bool(nested))


def _read(context: Context, stack: Stack, values: dict[str, object], where: str, by_type: bool) -> RopeSettings:
    places: dict[str, str] = {}
    theta = values.get("rope_theta")
    if isinstance(theta, (int, float)):
        places["theta"] = f"{where}.rope_theta"
    else:
        flat = stack.config.find(*_FLAT) or context.configs[0].find(*_FLAT)
        theta = flat[1] if flat and isinstance(flat[1], (int, float)) else None
        places |= {"theta": flat[0]} if flat and theta is not None else {}
    partial, key = values.get("partial_rotary_factor"), f"{where}.partial_rotary_factor"
    if partial is None and not by_type:
        found = stack.config.find("partial_rotary_factor")
        partial, key = (found[1], found[0]) if found else (None, key)
    places |= {"partial": key} if partial is not None else {}
    kind = values.get("rope_type", values.get("type"))
    shown = {k: v for k, v in values.items() if isinstance(v, (int, float, str)) and k not in _UNSHOWN}
    sections = values.get("mrope_section")
    scaled = kind not in _NO_SCALING and bool(values)
    places |= {"scaling": where} if scaled else {}
    places |= {"sections": f"{where}.mrope_section"} if sections else {}
    return RopeSettings(
        theta=theta, partial=partial if isinstance(partial, (int, float)) else None,
        scaling={"rope_type": kind, **shown} if scaled else None,
        sections=list(sections) if isinstance(sections, list) else None, places=places, by_type=by_type,
    )  # fmt: skip


_UNSHOWN = ("rope_theta", "type", "rope_type", "partial_rotary_factor", "mrope_interleaved")


def _layer_types(stack: Stack, kind: Kind, module: ModuleRecord) -> list[str]:
    """What the layer's module calls its type, its own word for rotations first; then what the configuration calls it."""
    values = [owner.attributes.get(name) for owner in (module, kind.example) for name in _TYPES]
    types = stack.config.values.get("layer_types")
    index = kind.indices[0]
    values.append(types[index] if isinstance(types, list) and index < len(types) else None)
    return [value for value in values if isinstance(value, str)]
