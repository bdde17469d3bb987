"""Towers: the columns of a model (text decoder, vision or audio encoder, encoder and decoder), found by its stacks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from archviz.architecture.beside import first_call
from archviz.architecture.context import Context
from archviz.architecture.feeding import enters, goes_on, reaches, reads
from archviz.architecture.kinds import Stack
from archviz.architecture.roles import HEADS, LM_HEADS
from archviz.interpreter.reading import INPUTS_GIVEN, Event, ModuleRecord
from archviz.late_patterns import late_pattern
from archviz.patterns.attention import Attention
from archviz.patterns.linears import linear_sizes
from archviz.patterns.norms import detect_norm
from archviz.patterns.recurrences import Recurrence
from archviz.records import field, record

_TITLES = {
    "text": "Text decoder",
    "vision": "Vision encoder",
    "audio": "Audio encoder",
    "encoder": "Encoder",
    "decoder": "Decoder",
}
MAIN = ("text", "decoder", "encoder")


@record
class Column:
    """A tower in the making: its stacks, and the modules around them in order of execution.

    Args:
        looks_ids_up: Whether a module of it looks up rows by numbers that come in, not by numbers made of features; None where no pass
            shows it.
    """

    id: str
    title: str
    module: str
    stacks: list[Stack]
    around: list[ModuleRecord] = field(default_factory=list)
    holders: list[ModuleRecord] = field(default_factory=list)  # those that hold its layers, with tensors of their own
    feeds: str | None = None
    feeds_seen: bool = False  # one pass shows it
    encodes: bool = False  # it reads text both ways, or looks back only but stands beside towers that it does not read
    looks_ids_up: bool | None = None

    @property
    def is_main(self) -> bool:
        return self.id.partition("_")[0] in MAIN

    @property
    def is_between(self) -> bool:
        """Whether it reads what a tower gives and hands it on to the one that reads text (a resampler, a Q-Former)."""
        return self.id.partition("_")[0] == "text" and self.feeds is not None

    def holds(self, module: ModuleRecord) -> bool:
        """Whether a module is a part of the tower's own module."""
        return module.path.startswith(below(self.module))

    def position(self, context: Context, module: ModuleRecord) -> int:
        """-1 below the stacks, 1 above them; by the trace, else by the order of registration."""
        if not self.stacks:
            return 1 if is_final(module) or module.name in HEADS else -1
        first, last = self.stacks[0].layers[0], self.stacks[-1].layers[-1]
        here, start = first_call(context.trace, module), context.trace.call(first.path)
        if here is not None and start is not None:
            return -1 if here.index < start.index else 1
        order = list(context.modules)
        return -1 if order.index(module.path) < order.index(last.path) and not is_final(module) else 1


def is_final(module: ModuleRecord) -> bool:
    """Norms that come last are sometimes registered before the layers."""
    return bool(re.search(r"^(norm|norm_f|ln_f|final_|post_|ln_post)|^(layernorm|layer_norm)(_post)?$", module.name))


def find_columns(context: Context, stacks: list[Stack]) -> list[Column]:
    """The towers of a model; every module with parameters outside of the layers stands in one of their columns."""
    groups = _groups(context, stacks)
    if not groups:
        name = _tower_id(context, "", [], ())
        whole = Column(name, _TITLES[name].replace("decoder", "model"), "", [], _opened(context.reading.root))
        _call_by_code(context, [whole])
        return [whole]
    columns: list[Column] = []
    halves = _halves_of_text(groups) or _lone_half(context, groups)
    for path, own in sorted(groups.items(), key=lambda group: not _holds_table(context, group[0], group[1], groups)):
        name = halves.get(path) or _tower_id(context, path, own, groups)
        number = sum(column.id.partition("_")[0] == name for column in columns)
        columns.append(Column(f"{name}_{number + 1}" if number else name, "", path, own))
    _name(context, columns)
    _distribute(context, columns)
    _call_by_code(context, columns)
    return columns


def _groups(context: Context, stacks: list[Stack]) -> dict[str, list[Stack]]:
    """The stacks by the module of their tower; layers that carry on the stream of others beside them in one model are of one tower."""
    groups: dict[str, list[Stack]] = {}
    for stack in stacks:
        groups.setdefault(_tower_module(stack, stacks), []).append(stack)
    for path in list(groups):
        holder = path.rpartition(".")[0]
        for other in groups if holder else ():
            near = other != path and other.rpartition(".")[0] == holder
            alike = near and len({_tower_id(context, each, groups[each], groups) for each in (path, other)}) == 1
            if alike and goes_on(context, groups[other][-1], groups[path][0]):
                inside = [*groups.pop(other), *groups.pop(path)]
                whole = all(stack in inside for stack in stacks if stack.path.startswith(f"{holder}."))
                groups[holder if whole else inside[0].path.rpartition(".")[0]] = inside
                break
    return groups


def _opened(root: ModuleRecord) -> list[ModuleRecord]:
    """The modules of a model without lists of layers: those of the root, models inside it opened."""
    found: list[ModuleRecord] = []
    for child in root.children.values():
        is_model = child.children and child.library is None and len(root.children) <= 3
        found += _opened(child) if is_model and len(found) < 12 else [child]
    return [module for module in found if any(m.parameters for m in module.walk())]


def _tower_module(stack: Stack, stacks: list[Stack]) -> str:
    """The highest module that holds no stack but this one; stages of one encoder go together."""
    merged = re.sub(r"\.\d+(\.|$).*", "", stack.path)
    parts = merged.split(".")
    for length in range(len(parts)):
        path = ".".join(parts[:length])
        inside = [s for s in stacks if not path or (s.path + ".").startswith(path + ".")]
        if all(re.sub(r"\.\d+(\.|$).*", "", s.path) == merged for s in inside):
            return path
    return stack.path.rpartition(".")[0]


def _tower_id(context: Context, path: str, stacks: list[Stack], towers: Collection[str]) -> str:
    """What a tower reads: by its name in the code, else by what it embeds.

    Args:
        towers: The modules of all towers; what another one inside of it embeds is not its own.
    """
    named = {
        "vision": r"vis(ion|ual)|image|vit",
        "audio": r"audio|speech|wav",
        "decoder": r"(^|\.)decoder",
        "encoder": r"(^|\.)encoder",
    }
    for name, pattern in named.items():
        # An embedder may hold the tower: then the path of its layers says what it reads.
        places = [path, *(stack.path for stack in stacks)] if name in ("vision", "audio") else [path]
        if len(towers) > 1 and any(re.search(pattern, place.lower()) for place in places):
            return name
    root = context.modules[path]
    inside = tuple([stack.path + "." for stack in stacks] + [other + "." for other in _inner(path, towers)])
    kinds = {(m.library or "").rpartition(".")[2] for m in root.walk() if not m.path.startswith(inside)}
    given = _given_alone(context) if stacks and len(towers) < 2 else None
    if given is not None:
        return given
    if any(k.startswith("Embedding") for k in kinds) and not kinds & {"Conv2d", "Conv3d"}:
        return "text"
    if kinds & {"Conv2d", "Conv3d"}:
        return "vision"
    return "audio" if "Conv1d" in kinds else "text"


_SOUND = late_pattern(r"^(input_features|input_values|audio_values|.*_mel)$")


def _given_alone(context: Context) -> str | None:
    """What a pass of the whole model was given, where it was sound or images alone, without token ids."""
    first = next(iter(context.trace.outline), None)
    given = first.options.get(INPUTS_GIVEN, ()) if first is not None else ()
    names = set(given) if isinstance(given, tuple) else set()
    kinds = {"vision" if "pixel" in name else "audio" for name in names if "pixel" in name or _SOUND.search(name)}
    return kinds.pop() if len(kinds) == 1 and "input_ids" not in names else None


def _holds_table(context: Context, path: str, stacks: list[Stack], towers: Collection[str]) -> bool:
    """Whether the module of a tower holds a table that is looked up, outside of its layers and of other towers: it may read token ids."""
    apart = tuple(below(other) for other in (*[stack.path for stack in stacks], *_inner(path, towers)))
    return any(embeds(module) and not module.path.startswith(apart) for module in context.modules[path].walk())


def _inner(path: str, towers: Collection[str]) -> list[str]:
    """The modules of towers inside of a module."""
    return [other for other in towers if other and other != path and other.startswith(below(path))]


def _looks_ids_up(context: Context, column: Column) -> bool | None:
    tables = [
        inner for module in column.around for inner in module.walk()
        if not re.search("pos", inner.name) and (embeds(inner) or "embedding" in context.trace.own_ops(inner.path))
    ]  # fmt: skip
    calls = [
        call for table in tables
        if (call := context.trace.call(table.path)) and call.inputs and "int" in (call.inputs[0].dtype or "int")
    ]  # fmt: skip
    ran = any(first_call(context.trace, module) is not None for module in column.around)
    ran = ran or any(context.trace.call(stack.layers[0].path) is not None for stack in column.stacks)
    if not ran or context.reading.trace_gaps:
        return None
    return any(context.trace.carries(call.inputs[0]) and _is_given(context, call) for call in calls if call.inputs)


def _is_given(context: Context, call: Event) -> bool:
    """Whether the numbers that a table is asked for are made of no features."""
    trace = context.trace
    found = {call.inputs[0].id}
    for event in reversed(trace.before(call)):
        if trace.is_leaf(event) and any(value.id in found for value in event.outputs):
            if any("float" in (value.dtype or "") for value in event.inputs):
                return False
            found |= {value.id for value in event.inputs}
    return True


def _halves_of_text(paths: Iterable[str]) -> dict[str, str]:
    """The two halves of a model that reads and writes text beside other towers, by the path of each (SeamlessM4T).

    >>> _halves_of_text(["text_encoder", "text_decoder", "t2u_model"])
    {'text_encoder': 'encoder', 'text_decoder': 'decoder'}
    >>> _halves_of_text(["text_decoder", "vision_model"])
    {}
    """
    found = {
        path: path.rpartition(".")[2].removeprefix("text_") for path in paths if "text_" in path.rpartition(".")[2]
    }
    return found if sorted(found.values()) == ["decoder", "encoder"] else {}


def _lone_half(context: Context, groups: dict[str, list[Stack]]) -> dict[str, str]:
    """The one tower that is called an encoder, by its path, where it scores words beside towers of images or sound: it reads text (GIT)."""
    ids = {path: _tower_id(context, path, own, groups) for path, own in groups.items()}
    encoders = [path for path, name in ids.items() if name == "encoder"]
    alone = len(encoders) == 1 and len(ids) > 1 and not {"text", "decoder"} & set(ids.values())
    words = {part.values.get("vocab_size") for part in context.configs}
    heads = [sizes for m in context.modules.values() if m.name in HEADS and (sizes := linear_sizes(m))] if alone else []
    return {encoders[0]: "text"} if any(sizes[1] in words for sizes in heads) else {}


def is_causal(column: Column) -> bool | None:
    """Whether its mixers look back only; None when it has none, or attention that does not say."""
    mixers = [part.what for stack in column.stacks for kind in stack.kinds for part in kind.parts.mixers]
    flags = [mixer.causal for mixer in mixers if isinstance(mixer, Attention) and not mixer.cross]
    if flags:
        return True if True in flags else (False if False in flags else None)
    recurrent = [mixer for mixer in mixers if isinstance(mixer, Recurrence)]
    return not any(mixer.both_ways for mixer in recurrent) if recurrent else None


def _name(context: Context, columns: list[Column]) -> None:
    ids = {column.id for column in columns}
    text = next((column for column in columns if column.id == "text"), None)
    for column in columns:
        column.title = _TITLES[column.id.partition("_")[0]]
        if column.id.partition("_")[0] in ("vision", "audio") and text is not None:
            seen = reaches(context, column.stacks, text.stacks)
            column.feeds = "text" if seen or (seen is None and is_causal(text)) else None
            column.feeds_seen = seen is True
            text.encodes = text.encodes or seen is False
        if column.id.partition("_")[0] == "encoder" and "decoder" in ids:
            column.feeds = "decoder"
    half = next((column for column in columns if column.id == "encoder"), None) if text is None else None
    for column in columns if half is not None else ():
        if half and column.id.partition("_")[0] in ("vision", "audio") and reaches(context, column.stacks, half.stacks):
            column.feeds, column.feeds_seen = half.id, True
    _feed_through(context, columns, text)
    for column in columns:
        column.encodes = (column.encodes and all(c.feeds != column.id for c in columns)) or is_causal(column) is False
        if column.id.partition("_")[0] == "text":
            column.title = "Text encoder" if column.encodes else _text_title(context, column)


def _text_title(context: Context, column: Column) -> str:
    """A decoder is what looks back only or has a head over the vocabulary; where no step shows which way it reads, no more is said."""
    shown = is_causal(column) or any(module.name in LM_HEADS for module in context.modules.values())
    return _TITLES["text"] if shown else "Text model"


def _feed_through(context: Context, columns: list[Column], text: Column | None) -> None:
    """A tower between two others (a resampler, a Q-Former) is fed by the one and feeds the other."""
    for between in columns if text is not None else ():
        if between is text or between.id.partition("_")[0] != "text" or not text:
            continue
        given = [column for column in columns if column is not between and _gives(context, column, between)]
        seen = reaches(context, between.stacks, text.stacks)
        side = [column for column in given if column.id.partition("_")[0] in ("vision", "audio")]
        if not seen and not (seen is None and side and is_causal(text) and is_causal(between) is False):
            continue
        between.feeds, between.feeds_seen = text.id, seen is True
        for column in given:
            if column.feeds == text.id or column in side:
                column.feeds, column.feeds_seen = between.id, True


def _gives(context: Context, column: Column, reader: Column) -> bool:
    return reaches(context, column.stacks, reader.stacks) is True


def _call_by_code(context: Context, columns: list[Column]) -> None:
    """Towers without a better word that look no token ids up (a decoder of masks, a codec) are called what the code calls them."""
    for column in columns:
        column.looks_ids_up = _looks_ids_up(context, column)
        if column.id.partition("_")[0] in ("vision", "audio"):
            column.title = _writing_title(column)
        if column.id.partition("_")[0] == "text" and column.looks_ids_up is False:
            name = column.module.rpartition(".")[2] or "model"
            column.title = name.replace("_", " ").capitalize()


def _writing_title(column: Column) -> str:
    """What a tower of images or sound is called: a decoder where its module is called so, or it scores words and looks back only."""
    name = column.module.rpartition(".")[2]
    if re.search(r"_decoder$", name):
        return name.replace("_", " ").capitalize()
    scores = any(module.name in LM_HEADS for module in column.around)
    return column.title.replace("encoder", "decoder") if scores and is_causal(column) else column.title


def _distribute(context: Context, columns: list[Column]) -> None:
    """Put the modules around the layers into the columns; what lies outside of all towers goes to the nearest."""
    held = {stack.path for column in columns for stack in column.stacks}
    for column in columns:
        column.around += _around(context, context.modules[column.module], held | set(nested(column, columns)))
        column.holders += _holders(context, column, columns)
    towers = {column.module for column in columns}
    if "" in towers:
        return
    for module in _around(context, context.reading.root, held | towers):
        _nearest(context, columns, module).around.append(module)


def _holders(context: Context, column: Column, columns: list[Column]) -> list[ModuleRecord]:
    """The modules on the way from a tower's own to its layers that have tensors of their own, those of no other tower among them."""
    others = [stack.path for other in columns if other is not column for stack in other.stacks]
    found: dict[str, ModuleRecord] = {}
    for stack in column.stacks:
        parts = stack.path.split(".")
        for length in range(len(column.module.split(".")) if column.module else 0, len(parts)):
            path = ".".join(parts[:length])
            shared = any((other + ".").startswith(below(path)) for other in others)
            if context.modules[path].parameters and not (shared and not column.module):
                found[path] = context.modules[path]
    return list(found.values())


def nested(column: Column, columns: list[Column]) -> list[str]:
    """Modules of towers that lie inside a tower's own module, and inside no other tower in between."""
    inside = _inner(column.module, [other.module for other in columns])
    return [path for path in inside if not any(path.startswith(below(other)) for other in inside if other != path)]


def below(path: str) -> str:
    """How the paths of what is inside a module begin."""
    return path + "." if path else ""


def _around(context: Context, module: ModuleRecord, held: set[str]) -> list[ModuleRecord]:
    """The modules below one that hold no stack: drawn whole; of those without parameters the ones that pool or normalise."""
    found: list[ModuleRecord] = []
    for child in module.children.values():
        if child.path in held:
            continue
        if any(path.startswith(child.path + ".") for path in held) or _is_plain_wrapper(child):
            found += _around(context, child, held)
        elif any(m.parameters for m in child.walk()) or pools(child) or _normalises(context, child):
            found.append(child)
    return found


def pools(module: ModuleRecord) -> bool:
    """Whether a module without parameters makes fewer positions of many."""
    return (module.library or "").rpartition(".")[2].startswith(("AvgPool", "MaxPool"))


_MEANS = frozenset({"mean", "var", "std", "sum"})


def _normalises(context: Context, module: ModuleRecord) -> bool:
    """Whether a module without parameters is a norm of features that the pass calls; one over time is a scaler."""
    call = context.trace.call(module.path)
    if module.children or call is None or detect_norm(module, context.trace) is None:
        return False
    rank = len(call.inputs[0].shape or ()) if call.inputs else 0
    axes = (step.options.get("dim", step.options.get("1")) for step in context.trace.own(call) if step.name in _MEANS)
    return all(axis in (-1, rank - 1) for axis in axes if isinstance(axis, int))


def embeds(module: ModuleRecord) -> bool:
    """Whether a module looks vectors up by number."""
    return (module.library or "").rpartition(".")[2].startswith("Embedding")


def _is_plain_wrapper(module: ModuleRecord) -> bool:
    """A module such as BERT's embeddings, whose children are embeddings and norms only: its children are drawn."""
    names = [(m.library or "").rpartition(".")[2] for m in module.children.values()]
    return (
        bool(names)
        and not module.parameters
        and all(n in ("Embedding", "LayerNorm", "Dropout", "Conv1d", "Conv2d") for n in names)
    )


def _nearest(context: Context, columns: list[Column], module: ModuleRecord) -> Column:
    """Heads and embeddings belong to the tower that writes or reads text, projectors to the tower they translate."""
    side = [column for column in columns if not column.is_main or column.is_between]
    read = [column for column in side if reads(context, module, column.stacks)]
    if read and not any(reads(context, module, column.stacks) for column in columns if column not in side):
        return read[-1]
    for column in sorted(
        columns, key=lambda each: each.is_main
    ):  # `image_to_text_projection` stands behind the image's tower
        if re.search(
            {"vision": r"vis|image", "audio": r"audio|speech", "text": r"text"}.get(column.id, "$^"), module.name
        ):
            return column
    named = next((c for name in ("text", "decoder", "encoder") for c in columns if c.id == name), columns[-1])
    main = _read_last(context, module, columns) or named
    encoder = next((column for column in columns if column.feeds == "decoder" and column.is_main), None)
    if encoder is not None and enters(context, module, encoder.stacks):
        return encoder
    side = [column for column in columns if not column.is_main]
    if side and re.search(r"multi_?modal|mm_proj|projector|connector", module.name):
        return [column for column in side if column.id.partition("_")[0] == side[0].id.partition("_")[0]][-1]
    library = (module.library or "").rpartition(".")[2]
    if library.startswith("Embedding") or linear_sizes(module) or len(columns) == 1 or module.name in LM_HEADS:
        return main
    return side[0] if side else main


def _read_last(context: Context, module: ModuleRecord, columns: list[Column]) -> Column | None:
    """Of the towers of text whose layers a module reads the one that runs last before it."""
    trace, call = context.trace, first_call(context.trace, module)
    read = [column for column in columns if column.is_main and reads(context, module, column.stacks)] if call else []
    ends = {column.id: trace.call(column.stacks[-1].layers[-1].path) for column in read}
    before = [column for column in read if (end := ends[column.id]) and call and end.index < call.index]
    return max(before, key=lambda column: getattr(ends[column.id], "index", -1), default=None)


def is_outside(column: Column, path: str) -> bool:
    """Whether a module stands outside of the own module of a tower beside the main one."""
    return bool(column.module) and not column.is_main and not path.startswith(below(column.module))
