"""From a name to its memory and compute, and to their curve."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archviz.descriptions import described
from archviz.drawings import check_targets, write_files
from archviz.formats import Format
from archviz.numbers.dtypes import WIDTHS, dtype_of
from archviz.readings import DEFAULTS, read_cached
from archviz.records import record
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source

if TYPE_CHECKING:
    from archviz.architecture.model import GapEntry
    from archviz.figure.display import DisplayList
    from archviz.numbers.memory import Memory

_POINTS = 97  # of a curve
_SEEN = 0.01  # of the height: curves that are closer are one


@record(frozen=True)
class Measured:
    """The memory of a model, what was not understood in it, and the files that were written."""

    memory: Memory
    gaps: list[GapEntry]
    files: list[Path]


def measure(
    model: str,
    contexts: Sequence[int],
    *,
    cache_dtype: str = "bf16",
    dtypes: Sequence[str] = WIDTHS,
    output: Path | None = None,
    formats: Sequence[Format] = (),
    source_tokens: int | None = None,
    class_name: str | None = None,
    settings: Settings = DEFAULTS,
) -> Measured:
    """What a model needs at some lengths of context, and the curve as files where an output is given.

    Raises:
        UsageError: A data type is not known, or an output cannot be written.
    """
    from archviz.architecture.model import GapEntry
    from archviz.conversions import stored_forms
    from archviz.interpreter.caches import NO_CACHE
    from archviz.numbers.memory import SAMPLED, find_memory
    from archviz.numbers.reconcile import quantisation_of
    from archviz.numbers.weights import stored_weights

    cache, weights = dtype_of(cache_dtype), [dtype_of(each) for each in dtypes]
    targets: dict[Format, Path] = {name: Path(f"{output}.{name}") for name in formats} if output is not None else {}
    if output is not None:
        check_targets(output, model, *targets.values())
    source = read_model_source(model, settings)
    reading, passes = read_cached(source, SAMPLED, class_name=class_name, settings=settings)
    architecture = described(source, reading, class_name)
    stored = stored_weights(
        reading, architecture, quantisation_of(source.values or {}), stored_forms(reading, settings)
    )
    memory = find_memory(
        architecture, passes, contexts, dtype=cache, weights=weights, stored=stored, source=source_tokens
    )
    told = {NO_CACHE, *(gap.reason for gap in architecture.gaps)}
    further = {gap.reason: gap for each in passes for gap in each.gaps if gap.reason not in told}
    gaps = [GapEntry(module=g.module, reason=g.reason, at=str(g.at) if g.at else None) for g in further.values()]
    if targets and not memory.contexts:
        settings.say(
            "no curve: nothing is kept for a next token"
            if memory.missing is None
            else "no curve: what is kept is not known"
        )
    if targets and memory.contexts:
        from archviz.emit.drawn_files import drawn_files

        contents, _ = drawn_files(curve_of(memory), list(targets))
        write_files(targets, contents)
    return Measured(memory, [*architecture.gaps, *gaps], list(targets.values()) if memory.contexts else [])


def curve_of(memory: Memory) -> DisplayList:
    """What one sequence needs as a function of its length: all that is kept, and what an engine reserves."""
    from archviz.figure.curves import Axis, Curve, curve_chart
    from archviz.figure.theme import LIGHT
    from archviz.numbers.dtypes import short_name
    from archviz.numbers.memory_text import length_text
    from archviz.numbers.sizes import size_text

    lengths = sorted(each.tokens for each in memory.contexts)
    places = sorted({0, *lengths, *(lengths[-1] * part // (_POINTS - 1) for part in range(_POINTS))})
    needs = {tokens: memory.need(tokens) for tokens in places}
    kept = [(float(t), float(n.cache + n.cross + n.indexer + n.state)) for t, n in needs.items()]
    curves = [Curve("reserved by an engine", tuple((float(t), float(n.reserved)) for t, n in needs.items()))]
    last = needs[lengths[-1]]
    if last.as_coded - last.cache > last.reserved * _SEEN:
        coded = tuple((float(t), float(n.as_coded + n.cross + n.indexer + n.state)) for t, n in needs.items())
        curves.append(Curve("as the code stores it", coded))
    curves.append(Curve("kept", tuple(kept)))
    if last.state > last.reserved * _SEEN:
        curves.append(Curve("of it constant state", tuple((float(t), float(n.state)) for t, n in needs.items())))
    subtitle = f"memory of one sequence beside the weights, cache in {short_name(memory.dtype)}"
    return curve_chart(
        memory.model, subtitle, curves, Axis("tokens of context", lambda value: length_text(int(value))),
        Axis("memory", size_text, 1024.0), LIGHT, [float(each) for each in lengths],
    )  # fmt: skip
