"""The words of an overview, made from facts of the Architecture: titles, notes, side boxes, fact strip, footers.

Every entry names the fact keys it is made of; a fact that the Architecture does not state is not spoken of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from archviz.architecture.column_layers import layers_in, stacks_of
from archviz.architecture.model import IDLE, Architecture, BlockGraph, BlockNode, Fact, Tower
from archviz.architecture.words import JOIN_WORDS, TAPS
from archviz.figure.cache_cell import cache_per_token
from archviz.figure.model import (
    Box,
    Column,
    Diagram,
    FactCell,
    Inset,
    Note,
    Sentence,
    Words,
)
from archviz.figure.positions import embedding_lines, logit_lines, scaling_words
from archviz.figure.quantities import compact, sentence, written
from archviz.numbers.sizes import size_text
from archviz.records import replace
from archviz.spans import Status

CONTEXT = ("context_length", "max_position_embeddings")
VOCABULARY = ("vocabulary_size", "vocab_size", "vocabulary")
HIDDEN = ("hidden_size", "hidden_dimension", "embedding_dimension")
HEADS = ("attention_heads", "num_attention_heads", "query_heads")
KEY_HEADS = ("kv_heads", "key_value_heads", "num_key_value_heads")
HEAD_SIZE = ("head_dim", "head_dimension")
THETA = ("rope_theta",)
_MAX_GAPS = 2
_LONGEST_REASON = 120


def _fact(architecture: Architecture, keys: tuple[str, ...]) -> Fact | None:
    found = (architecture.fact(key) for key in keys)
    return next((fact for fact in found if fact is not None and fact.value is not None), None)


def title(architecture: Architecture) -> str:
    return architecture.identity.id.rsplit("/", 1)[-1]


def _is_sparse(architecture: Architecture) -> bool:
    """Whether routing leaves some parameters out for a token; a tower that a text token does not pass is no saving."""
    return any(block.nodes and any(node.role == "experts" for node in block.nodes) for block in architecture.blocks)


def subtitle(architecture: Architecture) -> str:
    """Class, size and active size: what one says first of a model."""
    return " · ".join(part for part in (architecture.identity.class_name, size_words(architecture)) if part)


def size_words(architecture: Architecture) -> str:
    parameters = architecture.parameters
    parts = [f"{compact(parameters.total)} parameters"]
    if parameters.active and _is_sparse(architecture):
        parts.append(f"{compact(parameters.active)} active per token")
    return " · ".join(parts)


def description(architecture: Architecture) -> str:
    """The figure in a sentence or two, for readers who do not see it."""
    towers = "; ".join(
        f"{tower.title}: " + ", ".join(_step_words(architecture, tower)) for tower in architecture.towers
    )
    return f"Architecture of {architecture.identity.id}, from input (bottom) to output (top). {towers}."


def _step_words(architecture: Architecture, tower: Tower) -> Iterator[str]:
    for item in tower.column:
        stack = layers_in(architecture, item)
        if item.node and not item.taps:
            joined = f" ({JOIN_WORDS[item.joins]})" if item.joins else ""
            yield f"{item.node.label[:80]}{joined}"
        elif stack:
            yield stack.pattern_text[:400]


def beside_box(tower: Tower) -> Box | None:
    """What goes into every layer beside the stream, its modules as lines; None where nothing does."""
    nodes = [item.node for item in tower.column if item.node and item.beside]
    if not nodes:
        return None
    lines = tuple(line[:200] for node in nodes for line in (node.code_name or node.label, *node.details))
    where = "; ".join(piece.where for node in nodes for piece in node.evidence[:1])
    return Box(f"side/{tower.id}/beside", nodes[0].role, "Beside the stream", lines, description=where)


def tower_subtitle(tower: Tower) -> str:
    return f"{compact(tower.parameters)} parameters" if tower.parameters else ""


def notes(architecture: Architecture, column: Column) -> tuple[Note, ...]:
    """Sentences beside the boxes at the ends of a column: the sizes of what goes in and out."""
    boxes = [step for step in column.steps if isinstance(step, Box)]
    lines = {box: tuple(_end_lines(architecture, box)) for box in boxes}
    return tuple(Note(f"note/{box.id}", box.id, words) for box, words in lines.items() if words)


def with_tie(column: Column, noted: bool) -> Column:
    """The column whose head says without a path that it is tied, for a line leads to the embedding; nothing where a note says it."""
    if column.tied is None:
        return column
    instead = () if noted else ("tied to the embedding",)

    def brief(box: Box) -> Box:
        kept = tuple(line for line in box.details if not line.startswith("tied to "))
        return box if kept == box.details else replace(box, details=(*kept, *instead))

    steps = tuple(brief(step) if isinstance(step, Box) and step.id == column.tied[1] else step for step in column.steps)
    return replace(column, steps=steps)


def _end_lines(architecture: Architecture, box: Box) -> Iterator[Sentence]:
    if box.role == "embedding":
        if hidden := _fact(architecture, HIDDEN):
            yield (Words("Embedding dim. "), Words(written(hidden.value), accent=True))
        if context := _fact(architecture, CONTEXT):
            yield (Words("Context "), Words(written(context.value), accent=True), Words(" tokens"))
        if not any("scaled ×" in line for line in box.details):
            yield from map(sentence, embedding_lines(architecture))
    elif box.role == "head":
        size = _fact(architecture, VOCABULARY)
        shown = " ".join(box.details).replace(",", "")  # a head of few classes is none of the vocabulary
        if size and (str(size.value) in shown or not re.search(r"\d", shown)):
            yield (Words("Vocabulary of "), Words(written(size.value), accent=True))
        tied = architecture.fact("tied_embeddings")
        if tied is not None and tied.value is True:
            yield (Words("tied with the embedding"),)
        yield from map(sentence, logit_lines(architecture))


def make_inset(block: BlockGraph, diagram: Diagram, kind: int | None, column: str, minor: bool) -> Inset:
    """The inset of a module, still without its letter."""
    counted = "parameter" if block.parameters == 1 else "parameters"
    parts = [block.class_name, f"{compact(block.parameters)} {counted}" if block.parameters else ""]
    roles = {node.role for node in block.nodes}
    routed = bool({"router", "experts"} & roles)
    return Inset(
        id=f"inset/{block.id}",
        letter="",
        title=block.title,
        role="moe" if routed else "attention" if kind is not None else "feed_forward",
        diagram=diagram,
        notes=tuple(sentence(note) for note in block.notes if not _told(note, block)),
        subtitle=" · ".join(part for part in parts if part),
        kind=kind,
        minor=minor,
        column=column,
        description="; ".join(piece.where for piece in block.evidence[:2]),
        module=block.module,
    )


def _told(note: str, block: BlockGraph) -> bool:
    """Whether the box of the experts says it already: `8 of 256 experts per token`."""
    experts = next((node for node in block.nodes if node.role == "experts"), None)
    return (
        experts is not None
        and note.endswith("experts per token")
        and any("per token" in line for line in experts.details)
    )


def with_savings(insets: Sequence[Inset], architecture: Architecture) -> tuple[Inset, ...]:
    """The first inset with routed experts says what routing saves, where the active parameters are known."""
    parameters = architecture.parameters
    first = next((inset for inset in insets if inset.role == "moe"), None)
    if first is None or not parameters.active or parameters.active >= parameters.total:
        return tuple(insets)
    share = f"{100 * parameters.active / parameters.total:.3g}"
    savings: Sentence = (
        Words("Resource savings: ", strong=True),
        Words("of "),
        Words(compact(parameters.total), accent=True),
        Words(" parameters only "),
        Words(compact(parameters.active), accent=True),
        Words(f" ({share}\u00a0%) are active per token"),
    )
    return tuple(replace(inset, notes=(*inset.notes, savings)) if inset is first else inset for inset in insets)


def without_shared_notes(insets: list[Inset]) -> tuple[list[Inset], list[Sentence]]:
    """Insets without the notes that several of them have, and each of these as one line that names the letters."""
    letters: dict[Sentence, list[str]] = {}
    for inset in insets:
        for note in dict.fromkeys(inset.notes):
            letters.setdefault(note, []).append(inset.letter)
    shared = {note: names for note, names in letters.items() if len(names) > 1}
    kept = [replace(inset, notes=tuple(note for note in inset.notes if note not in shared)) for inset in insets]
    return kept, [(Words(f"{', '.join(names)}: ", strong=True), *note) for note, names in shared.items()]


def further_head(architecture: Architecture, tower: Tower) -> Box | None:
    """The head that predicts further tokens (MTP): not drawn as verified where the class does not build it."""
    layers, built = architecture.fact("mtp_layers"), architecture.fact("mtp")
    if (layers is None or not layers.value) and built is None:
        return None
    count = f" × {written(layers.value)}" if layers and layers.value not in (None, 1) else ""
    told = " ".join(f"{fact.value} {fact.unit}" for fact in (layers, built) if fact)
    absent = "not built" in told
    by = layers if layers and layers.value else built
    stored = next((step.count for step in architecture.parameters.reconciliation if step.key == "mtp"), None)
    where = "; ".join(piece.where for fact in (layers, built) if fact for piece in fact.evidence[:1])
    named = by.status if absent and by else "verified"
    among = ", in the published weights" if named == "derived" else ", stated by the configuration"
    words = f"Multi-token prediction{f'{among} but not built by the class' if absent else ''}"
    return Box(
        f"beyond/{tower.id}", "head", f"MTP{count}", (compact(stored),) if stored else (), status=named,
        description=f"{words} · {where}" if where else words,
    )  # fmt: skip


_MOST_CLOSED = 6


def closed_words(modules: Mapping[str, str]) -> tuple[Sentence, ...]:
    """What the figure does not open, and the module by which the module view shows it.

    Args:
        modules: The path of a module by what it is called.
    """
    if not modules:
        return ()
    named = ", ".join(
        f"{title[:60]} ({path[:80]})" if path else title[:60] for title, path in [*modules.items()][:_MOST_CLOSED]
    )
    more = f" and {len(modules) - _MOST_CLOSED} more" if len(modules) > _MOST_CLOSED else ""
    words = Words(f"{named}{more}; drawn by --view module --module PATH, and in the detailed view.")
    return ((Words("Not opened here: ", strong=True), words),)


def side_boxes(inside: Diagram, architecture: Architecture, mixer: Box) -> Iterator[Box]:
    """What an attention does to positions, queries and keys: RoPE and QK-norm, as its inside has them, or that it knows no positions."""
    roles = [box.role for box in inside.boxes]
    normed = architecture.fact("qk_norm")
    for role, label in (("rope", "RoPE"), ("qk_norm", "QK-norm")):
        if role not in roles or (role == "qk_norm" and (mixer.role != "attention" or not _stated(normed))):
            continue
        example = inside.boxes[roles.index(role)]
        details = example.details if role == "rope" else _sizes_of(role, inside)
        yield Box(
            id=f"side/{role}/{mixer.id}",
            role=example.role,
            label=label,
            details=details,
            status=example.status,
            description=example.description,
        )
    positions = architecture.fact("position_encoding")
    unplaced = positions is not None and "NoPE" in str(positions.value) and "rope" not in roles
    if unplaced and mixer.role == "attention" and "NoPE" not in mixer.label:
        yield Box(
            f"side/nope/{mixer.id}", "other", "NoPE", description="queries and keys are given no positions (NoPE)"
        )


def _sizes_of(role: str, inside: Diagram) -> tuple[str, ...]:
    """What the norms of queries and keys say first, in one line where they differ: `6144 and 1024`."""
    lines = dict.fromkeys(line for box in inside.boxes if box.role == role for line in box.details[:1])
    return (" and ".join(lines),) if lines else ()


def _stated(fact: Fact | None) -> bool:
    return fact is None or fact.value not in (None, False, "none")


def facts(architecture: Architecture, *, logits: bool = False) -> tuple[FactCell, ...]:
    """The strip of facts at the foot of the figure, the same for every model as far as they are known.

    Args:
        logits: Say what is done to the logits too, which a note beside the head says where there is room.
    """
    cells = list(_size_cells(architecture))
    towers = architecture.towers
    if len(towers) > 1 and not any(tower.feeds for tower in towers):  # side by side: one of them is meant
        spoken = next((tower for tower in towers if tower.id == "text"), towers[0])
        cells.append(FactCell("The following of the", spoken.title[:1].lower() + spoken.title[1:]))
    for label, keys in (
        ("Context", CONTEXT),
        ("Vocabulary", VOCABULARY),
        ("Hidden size", HIDDEN),
        ("Decoder type", ("decoder_type",)),
        ("Encoder type", ("encoder_type",)),
        ("Attention", ("attention_kind", "attention")),
    ):
        if fact := _fact(architecture, keys):
            cells.append(FactCell(label, _with_unit(fact), fact.status))
    cells += _head_cells(architecture)
    for stack in architecture.layers[:1]:
        counted, stages = architecture.fact("layers"), architecture.fact("stage_layers")
        ran = counted.value if counted and isinstance(counted.value, int) else stack.runs or stack.count  # of all lists
        layers = f"{ran:,} (shared weights)" if stack.runs else f"{ran:,}"
        layers += f" (in stages {written(stages.value)})" if stages else ""
        cells.append(FactCell("Layers", layers, counted.status if counted else "verified"))
    cells += _expert_cells(architecture)
    cells += _cache_cells(architecture)
    for label, keys in (
        ("Norm", ("norm_placement", "norm")),
        ("Positions", ("position_encoding",)),
        ("RoPE θ", THETA),
        ("Data type", ("dtype", "torch_dtype")),
    ):
        if fact := _fact(architecture, keys):
            cells.append(FactCell(label, _with_unit(fact), fact.status))
    ends = [FactCell("Logits", line.removeprefix("logits ")) for line in logit_lines(architecture)] if logits else []
    return (*cells, *_scaling_cells(architecture), *ends, *_identity_cells(architecture))


def _scaling_cells(architecture: Architecture) -> Iterator[FactCell]:
    fact = architecture.fact("rope_scaling")
    words = scaling_words(fact.value) if fact else ""
    if fact and words:
        yield FactCell("RoPE scaling", words, fact.status)


def _size_cells(architecture: Architecture) -> Iterator[FactCell]:
    parameters = architecture.parameters
    yield FactCell("Parameters", written(parameters.total))
    if parameters.active and _is_sparse(architecture):
        yield FactCell("Active per token", written(parameters.active), "derived")


def _head_cells(architecture: Architecture) -> Iterator[FactCell]:
    heads, groups = _fact(architecture, HEADS), _fact(architecture, KEY_HEADS)
    if heads and groups and heads.value != groups.value:
        by_kind = isinstance(groups.value, dict)
        pairs = f"KV: {written(groups.value)}" if by_kind else f"{written(groups.value)} KV"
        yield FactCell("Heads", f"{written(heads.value)} Q, {pairs}", heads.status)
    elif heads:
        yield FactCell("Heads", written(heads.value), heads.status)
    if size := _fact(architecture, HEAD_SIZE):
        yield FactCell("Head size", written(size.value), size.status)


def _expert_cells(architecture: Architecture) -> Iterator[FactCell]:
    count, chosen = _fact(architecture, ("experts",)), _fact(architecture, ("experts_per_token",))
    if count and chosen:
        yield FactCell("Experts per token", f"{written(chosen.value)} of {written(count.value)}", count.status)
    elif count:
        yield FactCell("Experts", written(count.value), count.status)


def _cache_cells(architecture: Architecture) -> Iterator[FactCell]:
    """What a token costs in keys and values, of the tower that speaks."""
    tower = next((tower for tower in architecture.towers if tower.id in ("text", "decoder")), None)
    stacks = stacks_of(architecture, tower) if tower else []
    kept = cache_per_token(architecture, stacks[0]) if len(stacks) == 1 and architecture.fact("decoder_type") else None
    if kept:
        inside, lasting = kept
        beyond = f", {size_text(lasting)} beyond windows" if lasting != inside else ""
        yield FactCell("KV cache per token, bf16", size_text(inside) + beyond, "derived")


def _identity_cells(architecture: Architecture) -> Iterator[FactCell]:
    identity = architecture.identity
    stated: tuple[tuple[str, str | None, Status], ...] = (
        ("Licence", identity.licence, "config"),
        ("Released", identity.release_date, "config"),
        ("Code", identity.code, "verified"),
    )
    for label, value, status in stated:
        if value:
            yield FactCell(label, value, status)


def _cited_files(architecture: Architecture) -> list[str]:
    """The source files that the graphs are read from, else the first that were read."""
    places = [piece.where for block in architecture.blocks for piece in block.evidence if piece.kind == "code"]
    files = [place.rsplit(":", 1)[0] for place in places] or [file.name for file in architecture.identity.files]
    return list(dict.fromkeys(file.rsplit("/", 1)[-1] for file in files))


def _aside_name(node: BlockNode) -> str:
    return node.label if node.code_name in (None, node.label) else f"{node.label} ({node.code_name})"


def _others(by_kind: dict[str, object]) -> dict[str, object]:
    """Values by kind, where those of two kinds or more are the same as `others`; the same where all differ."""
    values = list(by_kind.values())
    common = max(values, key=values.count)
    if values.count(common) < 2 or values.count(common) == len(values):
        return by_kind
    return {kind: value for kind, value in by_kind.items() if value != common} | {"others": common}


def _with_unit(fact: Fact) -> str:
    if isinstance(fact.value, dict) and fact.key in THETA:
        fact = replace(fact, value=_others(fact.value))
    return f"{written(fact.value)} {fact.unit}" if fact.unit else written(fact.value)


def _shortened(text: str) -> str:
    """A reason in one line of a figure, cut between words."""
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON].rsplit(' ', 1)[0]} …"


def footers(architecture: Architecture) -> tuple[Sentence, ...]:
    """Where the figure comes from, and what was not understood."""
    identity = architecture.identity
    cited = _cited_files(architecture)
    files = ", ".join(cited[:3])
    more = f" and {len(identity.files) - len(cited[:3])} more" if len(identity.files) > len(cited[:3]) else ""
    revision = f" at revision {identity.revision[:12]}" if identity.revision else ""
    dated = f" of {identity.retrieved}" if identity.retrieved else ""
    source = f"Source: {identity.id}{revision}, {identity.origin}{dated}"
    source += f", {identity.code}" if identity.code else ""
    source += f" ({files}{more})" if files else ""
    lines: list[Sentence] = [(Words(f"{source}. Drawn by archviz."),)]
    for tower in architecture.towers:
        asides: dict[str, list[str]] = {}
        for item in tower.column:
            if item.node and item.taps:
                asides.setdefault(item.note or TAPS, []).append(_aside_name(item.node))
        whose = f"of the {tower.title[:1].lower()}{tower.title[1:]}"
        lines += [
            (Words("Beside the stack: ", strong=True), Words(f"{', '.join(names)} {whose} (not drawn): {note}."))
            for note, names in asides.items()
        ]
    idle = [note for block in architecture.blocks for note in block.notes if IDLE in note]
    lines += [(Words("In the layers: ", strong=True), Words(note)) for note in dict.fromkeys(idle)]
    if architecture.gaps:
        named = "; ".join(
            f"{gap.module or 'the model'}: {_shortened(gap.reason)}" for gap in architecture.gaps[:_MAX_GAPS]
        )
        rest = len(architecture.gaps) - _MAX_GAPS
        tail = f"; and {rest} more" if rest > 0 else ""
        lines.append((Words(f"Gaps ({len(architecture.gaps)}): ", strong=True), Words(f"{named}{tail}.")))
    return tuple(lines)
