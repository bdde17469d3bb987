"""Readings: from MODEL to its module tree, tensors and trace, by interpreting its code over the tables.

In: a `ModelSource` or a name. Out: a `ModelReading`, or the rows that `tensors` and `trace` print. Here the interpreter gets its
tables (`ops`, `layers`) and its sources; nothing below knows all three.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from archviz.errors import BadConfigError, BudgetExceededError, UnsupportedCodeError, UsageError
from archviz.interpreter.build import build_model, deep_recursion, read_model
from archviz.interpreter.control import BudgetSpentError, RaisedError, UnsupportedError
from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.modules import SourceText
from archviz.interpreter.reading import Gap, ModelReading, ModuleRecord
from archviz.interpreter.sizes import Tagged
from archviz.interpreter.values import Instance, ModuleInstance
from archviz.progress import enter_stage
from archviz.records import record, replace
from archviz.settings import Settings
from archviz.sources.custom_code import (
    CustomCode,
    find_custom_source,
    own_configuration_class,
    own_model_class,
    states_class,
)
from archviz.sources.installed import find_transformers_source
from archviz.sources.model_source import ModelSource, official_values, read_model_source
from archviz.sources.official import (
    build_configuration,
    class_module,
    configuration_class,
    configuration_of_class,
    known_model_types,
    model_class,
    model_class_name,
    public_module,
    refusal,
)
from archviz.sources.plain_code import build_plain_model
from archviz.spans import EvidenceKind
from archviz.stack_room import with_stack_room

if TYPE_CHECKING:
    from archviz.interpreter.caches import CachedPass
    from archviz.interpreter.tracing import Recorder

DESCRIBED_SEQUENCE = 7  # tokens of the pass that a description reads the data flow from
DEFAULTS = Settings()
_MOST_NAMED = 12  # modules in a hint


@lru_cache(maxsize=1)
def library() -> Library:
    """The tables of ops and layers, filled once."""
    from archviz.layers import register_layers
    from archviz.ops import register_ops

    table = Library()
    register_ops(table)
    register_layers(table)
    return table


def new_interpreter(settings: Settings = DEFAULTS, code: CustomCode | None = None) -> Interpreter:
    """An interpreter over the installed `transformers`, and over a folder's own code where there is some."""

    def find_source(dotted: str) -> SourceText | None:
        return find_transformers_source(dotted, settings.limits)

    find = find_source if code is None else find_custom_source(code, settings.limits, find_source)
    return Interpreter(library(), find, settings.limits, public_module)


def interpreter_for(source: ModelSource, settings: Settings = DEFAULTS, class_name: str | None = None) -> Interpreter:
    """An interpreter over the code that a source is read with.

    Official code wins over the model's own where it has the class, unless the own one is asked for; a remark says which was read.
    """
    if source.plain is not None:
        return new_interpreter(settings, source.plain.code)
    if source.custom is None and settings.code == "custom":
        raise UsageError("the model has no code of its own (auto_map)", where="--code custom")
    if source.custom is None or settings.code == "custom":
        return new_interpreter(settings, source.custom)
    official = new_interpreter(settings)
    if source.model_type not in known_model_types(official):
        return new_interpreter(settings, source.custom)
    name = class_name or next(iter(source.architectures), None)
    spelt = _other_spelling(official, source.model_type, name) if name is not None and not class_name else None
    if spelt is not None:
        _remark_code(source, f"transformers spells {name} {spelt}: its code was read, not that which auto_map names")
    elif name is not None and class_module(name, source.model_type) is None:
        interp = new_interpreter(settings, source.custom)
        if states_class(interp, source.custom, name):
            _remark_code(
                source, f"transformers has no {name[:80]}, and auto_map leads to it: the model's own code was read"
            )
            return interp
    elif name is not None:
        _remark_code(source, f"auto_map names code of its own, and transformers has {name[:80]}: its code was read")
    source.custom = None
    return official


def _other_spelling(interp: Interpreter, model_type: str, name: str) -> str | None:
    """The type's official class, where its name differs from another only in letter case and underscores."""
    if class_module(name, model_type) is not None:
        return None
    try:
        official = model_class_name(interp, model_type, None, None)
    except (UsageError, BadConfigError):
        return None
    return official if _folded(official) == _folded(name) else None


def _folded(name: str) -> str:
    return name.replace("_", "").lower()


def _remark_code(source: ModelSource, text: str) -> None:
    """Say once whose code was read, where there was a choice."""
    remark: tuple[str, EvidenceKind, str] = (text, "config", f"{source.config_name}, auto_map")
    if remark not in source.remarks:
        source.remarks.append(remark)


@record(frozen=True)
class TraceOptions:
    """What the forward pass of a description is given: batch size, number of tokens, and the attention path.

    Args:
        stored: Tell which vectors the values of the events are.
    """

    batch: int = 1
    seq: int = DESCRIBED_SEQUENCE
    attention: str | None = "eager"
    stored: bool = False


@with_stack_room
def read(
    source: ModelSource,
    *,
    class_name: str | None = None,
    trace: TraceOptions | None = None,
    settings: Settings = DEFAULTS,
    interpreter: Interpreter | None = None,
) -> ModelReading:
    """Build a model from its code, and run its forward pass once when a trace is asked for.

    Args:
        interpreter: A fresh one of the caller's, which keeps the source texts; one for the source by default.

    Raises:
        BadConfigError: The official code refuses the configuration, or does not know its type.
        BudgetExceededError: A bound was reached.
    """
    interp = interpreter or interpreter_for(source, settings, class_name)
    enter_stage("building the modules from the code")
    with deep_recursion():
        model, reading = _build(interp, source, class_name, trace.attention if trace else None)
        tell_class(source, reading, class_name, settings)
        if trace is not None:
            from archviz.interpreter.frequencies import states_theta, stored_frequencies
            from archviz.interpreter.stored_tensors import stored_tensors
            from archviz.interpreter.tower_passes import trace_towers

            enter_stage("following a forward pass over shapes")
            recorder, gaps = trace_towers(interp, model, batch=trace.batch, seq=trace.seq)
            reading.stored = stored_tensors(model, recorder)
            if trace.stored or not states_theta(reading.config):
                reading.frequencies = stored_frequencies(model, recorder)
            recorder.passed.clear()  # the values themselves, which keep the built model alive
            reading.events, reading.trace_gaps, reading.assumed = recorder.events, gaps, recorder.assumed_rows()
            reading.forks, reading.joined = list(recorder.forks), list(recorder.joined)
            reading.source_files = interp.loaded_sources()
    return reading


def tell_class(source: ModelSource, reading: ModelReading, class_name: str | None, settings: Settings) -> None:
    """Say it where the class that the configuration states is not there and another one was built."""
    stated = next(iter(source.architectures), None)
    if stated is not None and class_name is None and source.plain is None and stated != reading.class_name:
        whose = source.custom.whose + " code" if source.custom else "the installed transformers"
        settings.say(f"architectures[0], {str(stated)[:80]}, is not in {whose}; {reading.class_name} was built")


def read_traced(
    source: ModelSource, *, class_name: str | None = None, options: TraceOptions | None = None, settings: Settings = DEFAULTS
) -> Traced:  # fmt: skip
    """A model with its reading and the recorder of one forward pass, which also holds what was passed to each op."""
    from archviz.interpreter.tower_passes import trace_towers

    options = options or TraceOptions()
    interp = interpreter_for(source, settings, class_name)
    with deep_recursion():
        model, reading = _build(interp, source, class_name, options.attention)
        recorder, gaps = trace_towers(interp, model, batch=options.batch, seq=options.seq)
    reading.events, reading.trace_gaps, reading.assumed = recorder.events, gaps, recorder.assumed_rows()
    return Traced(model, reading, recorder, interp)


class Traced(NamedTuple):
    """A model as it was built, what was read of it, and its pass."""

    model: ModuleInstance
    reading: ModelReading
    recorder: Recorder
    interpreter: Interpreter


def read_cached(
    source: ModelSource,
    lengths: Sequence[int],
    *,
    class_name: str | None = None,
    stored: bool = False,
    settings: Settings = DEFAULTS,
) -> tuple[ModelReading, list[CachedPass]]:
    """Build a model, run it once without a cache, and for each length a prefill and a decode step that make so many tokens together.

    Lengths that the model has no positions for are halved until they fit; where it walks over positions one by one and a few tokens tell
    what it keeps, they are few. Where text alone leaves layers without anything to keep, and an image fills them, the passes are those
    with an image.

    Args:
        stored: Tell which values of the events of the first pass are tensors of the model.
    """
    from archviz.interpreter.short_samples import SHORT, suffice, walks
    from archviz.interpreter.tower_passes import trace_towers

    interp = interpreter_for(source, settings, class_name)
    with deep_recursion():
        model, reading = _build(interp, source, class_name, "eager")
        tell_class(source, reading, class_name, settings)
        recorder, reading.trace_gaps = trace_towers(interp, model, batch=1, seq=DESCRIBED_SEQUENCE)
        reading.events, reading.source_files = recorder.events, interp.loaded_sources()
        reading.assumed = recorder.assumed_rows()
        if stored:
            from archviz.interpreter.stored_tensors import stored_tensors

            reading.stored = stored_tensors(model, recorder)
        walked = walks(recorder.forks, DESCRIBED_SEQUENCE + recorder.more_tokens)
        passes = _cached_passes(interp, model, SHORT) if walked and len(lengths) == len(SHORT) else []
        if not suffice(passes):
            passes = _cached_passes(interp, model, _fitting(lengths, reading.config))
    return reading, passes


def _cached_passes(interp: Interpreter, model: ModuleInstance, lengths: Sequence[int]) -> list[CachedPass]:
    """For each length a prefill and a decode step; with more inputs than text where text alone does not do."""
    from archviz.interpreter.caches import give_dtype
    from archviz.interpreter.trace import cache_inputs

    give_dtype(model, "bfloat16")
    texts: list[CachedPass] = []
    takes_none = False  # asking for a cache is not known to the code
    for number, given in enumerate(cache_inputs(interp, model, lengths[0] - 1)):
        first = _passed(interp, model, lengths[0], given)
        unknown = (not texts and "use_cache" not in given) or any("use_cache" in gap.reason for gap in first.gaps)
        takes_none = takes_none or unknown
        if texts and not _tells(first, texts[0], asked=takes_none or given.get("use_cache") is True):
            continue
        rest = [(tokens, next(islice(cache_inputs(interp, model, tokens - 1), number, None))) for tokens in lengths[1:]]
        found = [first, *(_passed(interp, model, tokens, inputs) for tokens, inputs in rest)]
        if first.is_whole:
            return found
        texts = found
    return texts


def _tells(found: CachedPass, text: CachedPass, *, asked: bool) -> bool:
    """Whether a pass tells what is kept where text alone did not: that nothing is tells only one that was asked for a cache, after a text that left none."""
    return found.is_whole and (bool(found.layers) or (asked and not text.layers))


def _passed(interp: Interpreter, model: ModuleInstance, tokens: int, given: dict[str, Any]) -> CachedPass:
    from archviz.interpreter.caches import cached_pass
    from archviz.interpreter.short_samples import walks
    from archviz.interpreter.trace import cached_passes

    enter_stage(f"filling a cache of {tokens} tokens")
    recorders, gaps, layers = cached_passes(interp, model, given)
    found = cached_pass(tokens, layers, recorders, gaps, model)
    return replace(found, walks=walks(recorders[-1].forks, tokens - 1))


_POSITIONS = ("max_position_embeddings", "n_positions", "max_target_positions")


def _fitting(lengths: Sequence[int], config: dict[str, Any]) -> list[int]:
    """The lengths, halved together until the model has positions for them."""
    parts = [config, *(value for value in config.values() if isinstance(value, dict))]
    stated = [part.get(key) for part in parts for key in _POSITIONS]
    most = min((each for each in stated if isinstance(each, int) and each > 3), default=max(lengths))
    found = list(lengths)
    while max(found) > most and min(found) > 3:
        found = [each // 2 for each in found]
    return found


def _build(
    interp: Interpreter, source: ModelSource, class_name: str | None, attention: str | None
) -> tuple[ModuleInstance, ModelReading]:
    tagged = None
    whose = source.custom.whose if source.custom else "the folder's" if source.plain else "the official"
    try:
        if source.plain is not None:
            model, config = build_plain_model(interp, source.plain, class_name, interp.limits)
        else:
            config = _configuration(interp, source)
            tagged = Tagged(config, source.values or {})
            model = _build_configured(interp, source, config, class_name, attention)
        return model, read_model(interp, model, config, tagged)
    except RaisedError as error:
        raise refusal(error, whose, source.model_type if source.custom is None else None) from error
    except UnsupportedError as error:
        raise UnsupportedCodeError(
            f"{whose} code is not understood: {error.reason}",
            part=source.model_type or class_name or source.id,
            where=str(error.at) if error.at else None,
        ) from error
    except BudgetSpentError as error:
        raise BudgetExceededError(
            f"reading the model took too much: {error.reason}",
            where=str(error.at) if error.at else None,
            hint="check the sizes in the configuration; a real model stays far below the bounds",
        ) from error


_LAYER_COUNTS = frozenset({
    "num_hidden_layers", "num_layers", "n_layer", "n_layers", "encoder_layers", "decoder_layers", "num_encoder_layers", "num_decoder_layers",
})  # fmt: skip


def _check_layers(values: dict[str, Any] | None, most: int) -> None:
    """Refuse more layers than a model may have parts, before lists of such lengths are made.

    Raises:
        BudgetSpentError: With the key.
    """
    for name, value in (values or {}).items():
        if isinstance(value, dict):
            _check_layers(value, most)
        elif name in _LAYER_COUNTS and isinstance(value, int) and value > most:
            raise BudgetSpentError(f"{name} of {value}: more than {most:,} modules, parameters and buffers")


def _configuration(interp: Interpreter, source: ModelSource) -> Instance:
    values = None if source.values is None else official_values(source.values)
    _check_layers(values, interp.limits.parts)
    own = source.custom
    config_class = own_configuration_class(interp, own) if own is not None else None
    if config_class is None:
        config_class = configuration_class(interp, source.model_type, source.unread, has_own_code=own is not None)
    return build_configuration(interp, config_class, values)


def _build_configured(
    interp: Interpreter, source: ModelSource, config: Instance, class_name: str | None, attention: str | None
) -> ModuleInstance:
    own = source.custom
    options = {"attn_implementation": attention} if attention else {}
    if own is not None:
        cls = own_model_class(interp, own, source.architectures, class_name)
    else:
        name = model_class_name(interp, source.model_type, source.architectures, class_name)
        cls = model_class(interp, name, source.model_type)
        config = configuration_of_class(interp, config, cls, named=class_name is not None)
    return build_model(interp, cls, config, **options)


def trace(
    model: str,
    *,
    class_name: str | None = None,
    batch: int = 1,
    seq: int = 64,
    pixels: bool = False,
    module: str | None = None,
    cache: str = "none",
    settings: Settings = DEFAULTS,
) -> dict[str, Any]:
    """The calls and ops of one forward pass, as the reference records them.

    Args:
        model: MODEL.
        class_name: Which model class to build.
        batch: Batch size.
        seq: Number of tokens.
        pixels: Add an image to a text model.
        module: Keep only this module and what is below it.
        cache: `none`; `prefill` with an empty cache; `decode`, one new token after a prefill of `seq` tokens.
        settings: Limits and offline mode.

    Raises:
        UsageError: The model has no such module.
    """
    from archviz.interpreter.caches import cache_rows
    from archviz.interpreter.trace import trace_cached, trace_model
    from archviz.interpreter.trace_rows import trace_rows

    source = read_model_source(model, settings)
    interp = interpreter_for(source, settings, class_name)
    with deep_recursion():
        built, reading = _build(interp, source, class_name, "eager")
        tell_class(source, reading, class_name, settings)
        if module is not None and reading.root.find(module) is None:
            raise UsageError(f"the model has no module {module[:80]!r}", hint=_modules_near(reading.root, module))
        sizes: dict[str, Any] = {"batch": batch, "seq": seq, "pixels": pixels}
        if cache == "none":
            recorder, gaps = trace_model(interp, built, **sizes)
            cached = {}
        else:
            recorder, gaps, layers = trace_cached(interp, built, **sizes, decode=cache == "decode")
            cached = {"cache": cache_rows(layers)}
    rows = trace_rows(recorder)
    rows["assumed"] = [each.as_dict() for each in recorder.assumed_rows()]
    if module is not None:
        rows = {kind: [row for row in found if _is_below(row["module"], module)] for kind, found in rows.items()}
    gap_rows = [gap_row(gap) for gap in [*reading.gaps, *gaps]]
    return {"class": reading.class_name, **rows, **cached, "gaps": gap_rows, **_notes(source)}


def _modules_near(root: ModuleRecord, path: str) -> str:
    """What stands at the last place of a path that the model has."""
    place = root.nearest(path)
    names = list(place.children)
    shown = ", ".join(names[:_MOST_NAMED]) + (" …" if len(names) > _MOST_NAMED else "")
    return f"{place.path or 'the model'} has {shown}" if names else f"{place.path} holds no modules"


def _notes(source: ModelSource) -> dict[str, object]:
    """`notes` of an answer, where there is something to say about the name, and the exact one."""
    return {"model": source.id, "notes": source.notes} if source.notes else {}


def _is_below(path: str, module: str) -> bool:
    return path == module or path.startswith(f"{module}.")


def gap_row(gap: Gap) -> dict[str, str | None]:
    """A gap as the commands print it."""
    return {"module": gap.module, "reason": gap.reason, "at": str(gap.at) if gap.at else None}


def digest(reading: ModelReading) -> str:
    """sha1 over the names and shapes of the distinct parameters, as the reference defines it."""
    rows = sorted([name, list(tensor.shape)] for name, tensor in reading.parameters().items())
    return hashlib.sha1(json.dumps(rows).encode(), usedforsecurity=False).hexdigest()


def tensors(model: str, *, class_name: str | None = None, settings: Settings = DEFAULTS) -> dict[str, Any]:
    """Every distinct parameter of a model with its shape, ties, the digest, and what was not understood."""
    source = read_model_source(model, settings)
    reading = read(source, class_name=class_name, settings=settings)
    parameters = reading.parameters()
    return {
        "class": reading.class_name,
        "params": sum(tensor.numel for tensor in parameters.values()),
        "tensors": {name: list(tensor.shape) for name, tensor in parameters.items()},
        "tied": reading.tied,
        "digest": digest(reading),
        "gaps": [gap_row(gap) for gap in reading.gaps],
        **_notes(source),
    }
