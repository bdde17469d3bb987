"""The description as plain text: header, module tree, parameter breakdown, characteristics, gaps."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from textwrap import wrap

from archviz.architecture.column_layers import list_names
from archviz.architecture.defaulted import DEFAULT_OF
from archviz.architecture.folding import ranges
from archviz.architecture.formula_text import formula_lines
from archviz.architecture.model import (
    Architecture,
    ColumnItem,
    Fact,
    LayerStack,
    ModuleNode,
    ParameterRow,
    Parameters,
    Tower,
    Weave,
)
from archviz.architecture.words import JOIN_WORDS, TAPS, sizes_words, value_words

_WIDTH = 100
_LABELS = 62
_HEADER = (
    ("Architecture", ("architecture",)),
    ("Model type", ("model_type",)),
    ("Layers", ("layers",)),
    ("Hidden size", ("hidden_size", "stage_hidden_sizes")),
    ("Vocabulary", ("vocabulary_size",)),
    ("Context length", ("context_length",)),
    ("Attention heads", ("attention_heads",)),
    ("KV heads", ("kv_heads",)),
    ("Head dimension", ("head_dim",)),
    ("Data type", ("dtype",)),
)
_QUIET = {key for _, keys in _HEADER for key in keys} | {"parameters", "active_parameters", "norm_eps"}
# Settings worth a line under a module; the rest is in the JSON.
_SETTINGS = ("eps", "variance_epsilon", "num_heads", "num_key_value_groups", "head_dim", "sliding_window", "layer_type",
             "top_k", "num_experts", "padding_idx", "kernel_size", "scaling", "use_rope")  # fmt: skip


def describe_text(architecture: Architecture) -> str:
    """A model as a text tree that reads on any terminal; control characters of foreign names are escaped."""
    sections = [
        ("", _title(architecture)),
        ("Configuration", _header(architecture)),
        ("Structure", _structure(architecture)),
        ("Modules", _modules(architecture)),
        ("Parameters", _breakdown(architecture)),
        ("Formulas", formula_lines(architecture.parameters)),
        ("Characteristics", _characteristics(architecture)),
        ("Gaps", _gaps(architecture)),
    ]
    lines: list[str] = []
    for title, body in sections:
        shown = [_plain(line) for line in body]
        if shown:
            lines += [title, "─" * len(title), *shown, ""] if title else [*shown, ""]
    return "\n".join(lines).rstrip() + "\n"


def _plain(text: str) -> str:
    """A line without control characters: what is not printable is shown escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _fact(fact: Fact) -> str:
    text = value_words(fact.value) + (f" {fact.unit}" if fact.unit else "")
    if any((each.text or "").startswith(DEFAULT_OF) for each in fact.evidence):
        return f"{text}  [default]" if fact.status == "derived" else f"{text}  [default, {fact.status}]"
    return text if fact.status == "verified" else f"{text}  [{fact.status}]"


def _title(architecture: Architecture) -> Iterator[str]:
    identity = architecture.identity
    yield identity.id
    parameters = architecture.parameters
    size = f"{identity.class_name} · {parameters.total:,} parameters"
    if parameters.active is not None and parameters.active != parameters.total:
        size += f" · {parameters.active:,} active per token"
    counted = architecture.fact("parameters")
    yield size if counted is None or counted.status == "verified" else f"{size}  [{counted.status}]"
    source = [identity.origin, identity.code or "", f"facts of {identity.retrieved}" if identity.retrieved else ""]
    yield "source: " + ", ".join(filter(None, source))


def _header(architecture: Architecture) -> Iterator[str]:
    for label, keys in _HEADER:
        fact = next((f for key in keys if (f := architecture.fact(key))), None)
        if fact is not None:
            yield f"  {label + ':':<18}{_fact(fact)}"


def _structure(architecture: Architecture) -> Iterator[str]:
    """Towers from input to output, with the repetition of their layers."""
    for tower in architecture.towers:
        feeds = f", feeds {tower.feeds}" if tower.feeds else ""
        yield f"  {tower.title} ({tower.id}{feeds}): {tower.parameters:,}"
        for item in tower.column:
            stack = architecture.stack(item.stack) if item.stack else None
            if stack is not None:
                yield f"    {stack.count} layer{'s' if stack.count != 1 else ''}: {stack.pattern_text}{_shared(stack)}"
                yield from (f"      {line}" for line in _kind_lines(stack))
            elif item.weave is not None:
                yield from _woven(architecture, item.weave)
            elif item.node is not None:
                details = f"  {', '.join(item.node.details)}" if item.node.details else ""
                beside = f"  (beside the stream, into the layers; reads {_read(tower, item)})" if item.beside else ""
                beside += f"  (beside the stack: {item.note or TAPS})" if item.taps else ""
                joined = f"  ({JOIN_WORDS[item.joins]})" if item.joins else ""
                yield f"    {item.node.label}{details}{joined}{beside}"


def _woven(architecture: Architecture, weave: Weave) -> Iterator[str]:
    """Lists of layers that run in turn: their order, then what each list holds."""
    names = list_names(weave.stacks)
    yield f"    {weave.count} layers of {len(names)} lists in turn: {weave.pattern_text}"
    for stack in (stack for path in names if (stack := architecture.stack(path))):
        for line in _kind_lines(stack, f" of {names[stack.path]}"):
            yield f"      {line}{_shared(stack)}"


def _shared(stack: LayerStack) -> str:
    return f", {_runs(stack.runs, stack.count)} with shared weights" if stack.runs else ""


def _runs(runs: int, count: int) -> str:
    """How often layers run whose weights are used again.

    >>> _runs(96, 16)
    'each run 6 times'
    >>> _runs(12, 1)
    'run 12 times'
    >>> _runs(7, 2)
    'run 7 times in all'
    """
    if runs % count:
        return f"run {runs} times in all"
    return f"{'each ' if count > 1 else ''}run {runs // count} times"


def _read(tower: Tower, item: ColumnItem) -> str:
    """What a box beside the column reads, by the names of the code; the tower's input where it reads no other box."""
    nodes = {other.node.id: other.node for other in tower.column if other.node}
    named = [nodes[name].code_name or nodes[name].label for name in item.reads if name in nodes]
    first = next((node.label for node in nodes.values() if node.role == "input"), "the input")
    return " and ".join(named) or first[:1].lower() + first[1:]


def _kind_lines(stack: LayerStack, of_list: str = "") -> Iterator[str]:
    for kind in stack.kinds:
        several = len(kind.indices) > 1
        layers = f"layers {_abridged(kind.indices)}" if several else f"layer {kind.indices[0]}"
        yield f"{kind.title} · {layers}{of_list} · {sizes_words(kind)}"
        yield from (f"  each calls one element of its own of {chosen}" for chosen in kind.chosen)


def _abridged(indices: list[int]) -> str:
    """Ranges of indices; of many that follow a rule the first two and the last, of others how many more there are (the JSON has all).

    >>> _abridged([3, 7, 11, 15, 19, 23, 27]), _abridged([0, 2, 4, 7, 9, 11, 14, 16])
    ('3, 7, …, 27', '0, 2, 4, 7 and 4 more up to 16')
    """
    parts = ranges(indices).split(",")
    if len(parts) <= 6:
        return ", ".join(parts)
    ends = [[int(end) for end in part.split("-")] for part in parts]
    steps = {after[0] - before[0] for before, after in pairwise(ends)}
    lengths = {end[-1] - end[0] for end in ends[:-1]}
    if len(steps) == 1 and len(lengths) == 1:
        return ", ".join([*parts[:2], "…", parts[-1]])
    told = sum(end[-1] - end[0] + 1 for end in ends[:4])
    return f"{', '.join(parts[:4])} and {len(indices) - told} more up to {indices[-1]}"


def _modules(architecture: Architecture) -> Iterator[str]:
    root = architecture.modules
    yield root.class_name
    yield from _children(root, "")


def _children(node: ModuleNode, indent: str) -> Iterator[str]:
    for number, child in enumerate(node.children):
        last = number == len(node.children) - 1
        yield f"{indent}{'└── ' if last else '├── '}{_module_line(child)}"
        yield from _children(child, indent + ("    " if last else "│   "))


def _module_line(node: ModuleNode) -> str:
    """One module: name or folded range, class, tensors with shapes, telling settings, parameters."""
    name = f"[{_abridged(node.indices)}] × {node.count}" if node.count > 1 else node.name
    parts = [f"{name} ({node.class_name})"]
    shapes = _shapes(node)
    if shapes:
        parts.append(shapes)
    settings = ", ".join(
        f"{key}={_setting(node.attributes[key])}" for key in _SETTINGS if _telling(node.attributes.get(key))
    )
    if settings:
        parts.append(settings)
    if node.parameters:
        parts.append(f"{node.parameters:,}" + (" each" if node.count > 1 else ""))
    return "  ".join(parts)


def _telling(value: object) -> bool:
    return value is not None and value is not False and value != []


def _setting(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _shapes(node: ModuleNode) -> str:
    """A projection as `in → out`, other tensors by name; buffers are marked."""
    tensors = dict(node.tensors)
    width, out = node.attributes.get("in_features"), node.attributes.get("out_features")
    shown = []
    if isinstance(width, int) and isinstance(out, int) and "weight" in tensors:
        del tensors["weight"]
        shown.append(f"[{width} → {out}]")
        if "bias" in tensors:
            del tensors["bias"]
            shown.append("+ bias")
    shown += [f"{name} {_shape(shape)}" for name, shape in tensors.items()]
    shown += [f"{name} {_shape(shape)} (buffer)" for name, shape in node.buffers.items()]
    return ", ".join(shown).replace(", + bias", " + bias")


def _shape(shape: list[int | None]) -> str:
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"


def _breakdown(architecture: Architecture) -> Iterator[str]:
    rows = architecture.parameters.breakdown
    for row in rows:
        if row.parent is None:
            yield from _row_lines(rows, row, 1)
    parameters = architecture.parameters
    yield f"  {'─' * (_WIDTH - 4)}"
    yield from _line("Total", parameters.total, 1)
    if parameters.active is not None:
        yield from _line(
            "Active per token", parameters.active, 1, f"{100 * parameters.active / max(1, parameters.total):.3g} %"
        )
        if parameters.active != parameters.total:
            yield from (f"    {line}" for line in wrap(parameters.active_definition or "", _WIDTH - 4))
    elif parameters.active_definition is not None:
        yield "  Active per token"
        yield from (f"    {line}" for line in wrap(parameters.active_definition, _WIDTH - 4))
    if parameters.published_total is not None and parameters.published_total != parameters.total:
        difference = parameters.published_total - parameters.total
        yield from _line("Published total", parameters.published_total, 1, f"{difference:+,} against this class")
        yield from _steps(parameters)
    if parameters.buffers:
        yield from _line("Buffers (outside of the total)", parameters.buffers, 1)
    if parameters.tied:
        from archviz.architecture.tied_text import tied_lines

        yield from (f"  Tied: {line}" for line in tied_lines(parameters.tied))


def _steps(parameters: Parameters) -> Iterator[str]:
    """How the published total comes about."""
    for step in parameters.reconciliation:
        first, *more = wrap(step.title, 54)
        where = "".join(f", {each.where}" for each in step.evidence)
        yield f"    {first:<58} {step.count:>+24,}  {step.status}{where}"
        yield from (f"      {line}" for line in more)
    if parameters.unexplained and parameters.reconciliation:
        yield f"    {'not explained':<58} {parameters.unexplained:>+24,}"
    elif parameters.unexplained:
        yield "    not explained"


def _row_lines(rows: list[ParameterRow], row: ParameterRow, depth: int) -> Iterator[str]:
    """A row; of a kind of layer the numbers are those of one layer, with the layers counted in front."""
    yield from _line(row.label, row.count, depth, row.note)
    for child in rows:
        if child.parent != row.key:
            continue
        if child.times is not None and row.times is None:
            yield from _kind_rows(rows, child, depth + 1)
        else:
            yield from _row_lines(rows, child, depth + 1)


def _kind_rows(rows: list[ParameterRow], kind: ParameterRow, depth: int) -> Iterator[str]:
    times = kind.times or 1
    yield from _line(
        f"Per layer: {kind.label} ({times}\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}them)", kind.each or 0, depth
    )
    yield from _per_layer(rows, kind.key, times, depth + 1)


def _per_layer(rows: list[ParameterRow], parent: str, times: int, depth: int) -> Iterator[str]:
    for row in rows:
        if row.parent != parent:
            continue
        folded = row.times is not None and row.times != times
        yield from _line(row.label, row.count // times, depth, row.note)
        if folded:
            yield from _line("per expert", row.each or 0, depth + 1)
        yield from _per_layer(rows, row.key, times, depth + 1)


def _line(label: str, count: int, depth: int, note: str | None = None) -> Iterator[str]:
    """A label and its number in their columns; a label too long for its own is wrapped, the number behind its end."""
    indent = "  " * depth
    *above, last = wrap(label, _LABELS, initial_indent=indent, subsequent_indent=indent + "    ") or [indent]
    yield from (line.replace("\N{NO-BREAK SPACE}", " ") for line in above)
    yield f"{last:<{_LABELS}} {count:>22,}".replace("\N{NO-BREAK SPACE}", " ") + (f"  {note}" if note else "")


def _characteristics(architecture: Architecture) -> Iterator[str]:
    for fact in architecture.facts:
        if fact.key not in _QUIET:
            yield f"  {fact.key.replace('_', ' ') + ':':<28}{_fact(fact)}"


def _gaps(architecture: Architecture) -> Iterator[str]:
    for gap in architecture.gaps[:50]:
        at = f" ({gap.at})" if gap.at else ""
        yield f"  {gap.module or 'model'}: {gap.reason}{at}"
    if len(architecture.gaps) > 50:
        yield f"  … and {len(architecture.gaps) - 50} more, see --json"
