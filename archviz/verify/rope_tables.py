"""The tables that a rotation is handed, cosines and sines or complex numbers: what makes them, of which positions, and what is done to them after."""

from __future__ import annotations

from collections.abc import Iterator

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.op_families import PLUMBING, canonical
from archviz.verify.claims import Claim
from archviz.verify.formula_claims import formula, made_inside, value_formula
from archviz.verify.view import LayerView

_CUTS = frozenset({"slice", "getitem", "narrow", "select", "split", "chunk", "unbind"})


def table_claims(view: LayerView, rotation: Event) -> Iterator[Claim]:
    """What the tables are made of, in the module that makes them, and what is done to them before they are handed over."""
    maker = table_maker(view, rotation)
    text = formula(view.context, maker) if maker is not None else None
    if text is not None and maker is not None:
        module = view.context.modules.get(maker.module)
        yield view.claim("rope.tables", text, module.defined_at if module is not None else maker.at)
        yield from _positions(view, maker)
    caller = _caller(view, rotation)
    given = made_inside(view.context, caller, _tables(view, rotation)) if caller is not None else None
    if given is not None:
        yield view.claim("rope.given" if text is not None else "rope.tables", given, rotation.at)


def table_maker(view: LayerView, rotation: Event) -> Event | None:
    """The call of the module that makes the tables of a rotation."""
    tables = {value.id for value in _tables(view, rotation)}
    above = view.trace.parent(rotation)
    for event in reversed(view.trace.children(above) if above is not None else ()):
        moves = event.kind == "op" and canonical(event.name) in PLUMBING | _CUTS and event.inputs
        if moves and event.index < rotation.index and tables & {value.id for value in event.outputs}:
            tables.add(event.inputs[0].id)
    made = (e for e in view.trace.before(rotation) if e.kind == "call" and tables & {value.id for value in e.outputs})
    return next((e for e in made if not view.trace.is_leaf(e)), None)


def _tables(view: LayerView, rotation: Event) -> list[ValueRef]:
    """What a rotation is handed that is no data and holds fractions."""
    given = [value for value in rotation.inputs if not view.trace.carries(value)]
    return [value for value in given if value.dtype is None or "int" not in value.dtype]


def _caller(view: LayerView, rotation: Event) -> Event | None:
    """The call of the module that a rotation stands in."""
    above = view.trace.parent(rotation)
    while above is not None and above.kind != "call":
        above = view.trace.parent(above)
    return above


def _positions(view: LayerView, maker: Event) -> Iterator[Claim]:
    """What the positions are, where the module that makes the tables is called: `arange + 0`, with what is done to them."""
    caller = view.trace.parent(maker)
    given = [value for value in maker.inputs if value.dtype is not None and "int" in value.dtype]
    if caller is None or caller.kind != "call" or not given:
        return
    made = {value.id: event for event in view.trace.children(caller) if event.kind == "op" for value in event.outputs}
    text = value_formula(view.context, caller, given[0]) if given[0].id in made else None
    if text is not None:
        yield view.claim("rope.positions", text, made[given[0].id].at)
