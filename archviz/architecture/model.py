"""The Architecture: one JSON document (`schema: archviz/1`) that says what a model is, with evidence."""

from __future__ import annotations

from typing import ClassVar, Literal

from archviz.architecture.writing import json_data, json_text
from archviz.records import field, record
from archviz.spans import EvidenceKind, Status

SCHEMA = "archviz/1"
IDLE = "is not called by this class alone"
"""What a note of a layer's graph says of a part that no step of the pass is: a decoder's cross attention without an encoder."""
MEETING = "similarity"
"""Id of the graph of what reads the outputs of several towers."""

Role = Literal[
    "input", "output",                      # ends of a graph
    "embedding", "position_embedding", "head",
    "norm", "qk_norm",
    "attention", "linear_attention", "state_space", "recurrent", "convolution_mixer", "token_mixer",   # mixers
    "feed_forward", "moe",                  # feed-forward kinds
    "router", "experts", "shared_expert",
    "projection", "convolution", "rope", "attention_core", "recurrence_core",
    "split", "concat", "multiply", "add", "residual_add", "scale", "activation", "softmax",
    "top_k", "pool", "parameter", "other",
]  # fmt: skip

MIXER_ROLES: tuple[Role, ...] = (
    "attention", "linear_attention", "state_space", "recurrent", "convolution_mixer", "token_mixer",
)  # fmt: skip


class Part:
    """Base of all parts of the document: closed, so that a misspelt key is an error."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # read by `documents`, which imports pydantic

    def to_json(self, indent: int | None = None) -> str:
        """This part as JSON text, on one line or with `indent` spaces a level."""
        return json_text(self, indent)

    def as_dict(self) -> dict[str, object]:
        """This part as JSON data: dictionaries, lists and scalars."""
        return {name: json_data(value) for name, value in vars(self).items()}  # vars: in order of the fields


@record(kw_only=True)
class Evidence(Part):
    """One place that supports a statement: `where` is `file:line`, a config key, a tensor name or a URL."""

    kind: EvidenceKind
    where: str
    text: str | None = None


@record(kw_only=True)
class Fact(Part):
    """A named value of the model (`hidden_size`, `context_length`, `attention_kind`, …)."""

    key: str
    value: object
    unit: str | None = None
    status: Status = "verified"
    evidence: list[Evidence] = field(default_factory=list)


@record(kw_only=True)
class SourceFile(Part):
    name: str
    sha256: str


@record(kw_only=True)
class Identity(Part):
    """Which model this is, and which files were read."""

    id: str
    class_name: str
    model_type: str | None = None
    revision: str | None = None
    url: str | None = None
    origin: Literal["catalog", "folder", "hub", "transformers"]
    code: str | None = None  # e.g. "transformers 5.23.0"
    files: list[SourceFile] = field(default_factory=list)
    retrieved: str | None = None  # date of the facts
    licence: str | None = None
    release_date: str | None = None
    links: dict[str, str] = field(default_factory=dict)


@record(kw_only=True)
class TensorEntry(Part):
    """A distinct tensor; `tied_from` are the further names it is known by."""

    name: str
    shape: list[int | None]
    dtype: str | None = None
    kind: Literal["parameter", "buffer"] = "parameter"
    persistent: bool = True
    tied_from: list[str] = field(default_factory=list)
    at: str | None = None


@record(kw_only=True)
class ModuleNode(Part):
    """A module; repeated equal siblings are folded into one node.

    `path` of a folded node carries the indices in braces: `model.layers.{0-2,4-6}`.
    `parameters` counts one instance with everything below it (a tied tensor counts under the name that owns it);
    `count` is how many siblings are folded here.
    """

    path: str
    name: str
    class_name: str
    count: int = 1
    indices: list[int] = field(default_factory=list)
    role: Role = "other"
    parameters: int = 0
    tensors: dict[str, list[int | None]] = field(default_factory=dict)
    buffers: dict[str, list[int | None]] = field(default_factory=dict)
    attributes: dict[str, object] = field(default_factory=dict)
    at: str | None = None
    children: list[ModuleNode] = field(default_factory=list)


@record(kw_only=True)
class BlockNode(Part):
    """A box of a data-flow graph.

    `label` is short and in the field's words (`Gated attention`, `q_proj`, `RMSNorm`); `details` are the numbers under
    it (`4096 → 2 × 32 × 256`); `code_name` is what the code calls it (`self_attn`); `module` its path relative to the graph's.
    """

    id: str
    role: Role
    label: str
    details: list[str] = field(default_factory=list)
    code_name: str | None = None
    module: str | None = None
    shape_in: list[int | str | None] | None = None
    shape_out: list[int | str | None] | None = None
    parameters: int = 0
    formula: str | None = None  # of the parameters, in `Parameters.symbols`
    zoom: str | None = None  # id of the graph that shows its inside
    status: Status = "verified"
    evidence: list[Evidence] = field(default_factory=list)


@record(kw_only=True)
class BlockEdge(Part):
    """A tensor that flows from `source` to `target` (node ids). `residual` marks a skip connection."""

    source: str
    target: str
    label: str | None = None
    residual: bool = False


@record(kw_only=True)
class BlockGraph(Part):
    """The data flow inside one module, or inside one layer.  Nodes stand in order of execution."""

    id: str
    title: str
    module: str  # path of an example instance
    class_name: str
    nodes: list[BlockNode] = field(default_factory=list)
    edges: list[BlockEdge] = field(default_factory=list)
    parameters: int = 0
    notes: list[str] = field(default_factory=list)  # e.g. "10 of 512 experts per token"
    status: Status = "verified"
    evidence: list[Evidence] = field(default_factory=list)


@record(kw_only=True)
class LayerKind(Part):
    """A kind of layer: all layers of one kind are and do the same.

    `block` is the id of the layer's own graph (norms, mixer, feed-forward, residuals); `mixer` and `feed_forward` are ids
    of the graphs that zoom into them (None where a layer has none, as in Nemotron-H).
    """

    id: str  # e.g. "gated_deltanet+moe"
    title: str  # e.g. "Gated DeltaNet + MoE"
    indices: list[int]
    count: int
    class_name: str
    mixer_kind: str | None = None  # "gated_deltanet", "sliding_attention", …
    feed_forward_kind: str | None = None  # "moe", "swiglu", …
    block: str
    mixer: str | None = None
    feed_forward: str | None = None
    parameters: int  # of one such layer
    active_parameters: int
    together: int | None = (
        None  # parameters of all of them, where they share some: fewer than `count` times `parameters`
    )
    chosen: list[str] = field(
        default_factory=list
    )  # lists of which each of these layers calls one element of its own, with which
    signature: str | None = None
    evidence: list[Evidence] = field(default_factory=list)


@record(kw_only=True)
class PatternItem(Part):
    """`times` × a layer kind (`kind`), or `times` × a sequence (`items`)."""

    times: int
    kind: str | None = None
    items: list[PatternItem] = field(default_factory=list)


@record(kw_only=True)
class LayerStack(Part):
    """A ModuleList of layers: its kinds and how they repeat."""

    path: str
    count: int
    kinds: list[LayerKind]
    pattern: list[PatternItem]  # in order of execution; `15 × (3 × a, 1 × b)` is one item with two items
    pattern_text: str
    runs: int | None = (
        None  # layers that one pass runs, where it runs each of the `count` more than once (shared weights)
    )


@record(kw_only=True)
class Weave(Part):
    """Several lists of layers that one pass runs in turn: a layer of one, then some of another, on the same stream.

    `pattern` is the order of execution; its kinds are `PATH/KIND`, of the list that they are of (`model.layers/attention+swiglu`).
    """

    stacks: list[str]  # LayerStack paths, in order of their first layers
    count: int  # layers that one pass runs, of all lists
    pattern: list[PatternItem]
    pattern_text: str


Join = Literal["add", "multiply", "concat"]


@record(kw_only=True)
class ColumnItem(Part):
    """One step of a tower's column, bottom-up: a box (`node`), a stack of layers (`stack`, a LayerStack path) or several that run in turn (`weave`).

    A box that is `beside` is no step: what it gives goes into every layer beside the stream.  It reads the boxes of `reads` (node
    ids), or the tower's input where there are none. A box that `taps` is no step either: it reads the stream between the layers of a stack,
    and what it gives does not go back into them; or, as its `note` says, nothing reads it, `forward` does not call it, or it works between lists that run in turn.
    A box that `joins` is no step of the stream: what it gives (a table of positions, a class token) meets the stream here. It reads
    nothing of the stream, or where it is a branch (a convolution of positions), the box of `reads`.
    """

    node: BlockNode | None = None
    stack: str | None = None
    beside: bool = False
    taps: bool = False
    note: str | None = None
    joins: Join | None = None
    reads: list[str] = field(default_factory=list)
    weave: Weave | None = None

    @property
    def stacks(self) -> list[str]:
        """The paths of all lists of layers of this step."""
        return [self.stack] if self.stack else list(self.weave.stacks) if self.weave else []


@record(kw_only=True)
class Tower(Part):
    """A column of the drawing: the text decoder, a vision or audio encoder, an encoder of a seq2seq model."""

    id: str  # "text", "vision", "audio", "encoder", "decoder"
    title: str
    module: str
    parameters: int
    column: list[ColumnItem]
    feeds: str | None = None  # id of the tower that reads this one's output


@record(kw_only=True)
class ParameterRow(Part):
    """One line of the breakdown; rows with no `parent` sum to the total."""

    key: str  # "embedding", "layers", "layers/gated_deltanet+moe/mixer", "final_norm", "head"
    label: str
    count: int
    each: int | None = None  # parameters of one, when `times` is set
    times: int | None = None
    parent: str | None = None
    active: int | None = None
    note: str | None = None
    formula: str | None = None  # in `Parameters.symbols`; none for a row that only sums up others
    numbers: str | None = None  # the formula with numbers


@record(kw_only=True)
class Symbol(Part):
    """A symbol of the formulas: its value and the configuration key that gives it."""

    symbol: str
    value: int
    key: str
    meaning: str | None = None


@record(kw_only=True)
class ReconciledStep(Part):
    """A mechanism by which the published checkpoint holds `count` parameters more (or less) than the class builds."""

    key: str  # "mtp", "tied", "buffers", "rotary", "masks", "scales", "packed", "head", "heads", "tower"
    title: str
    count: int
    status: Status = "derived"
    evidence: list[Evidence] = field(default_factory=list)


@record(kw_only=True)
class Parameters(Part):
    total: int
    active: int | None = None  # per token; None where no routing was understood, or encoders stand side by side
    embedding: int = 0
    buffers: int = 0
    tied: dict[str, str] = field(default_factory=dict)
    breakdown: list[ParameterRow] = field(default_factory=list)
    symbols: list[Symbol] = field(default_factory=list)
    published_total: int | None = None
    reconciliation: list[ReconciledStep] = field(default_factory=list)  # from `total` to `published_total`
    unexplained: int | None = None  # what is left of the way; None where no total is published
    active_definition: str | None = None


@record(kw_only=True)
class GapEntry(Part):
    module: str
    reason: str
    at: str | None = None


@record(kw_only=True)
class Architecture(Part):
    """The whole description of one model.  Invariants: `archviz/architecture/spec.py`."""

    schema: Literal["archviz/1"] = "archviz/1"
    identity: Identity
    facts: list[Fact] = field(default_factory=list)
    modules: ModuleNode
    tensors: list[TensorEntry] = field(default_factory=list)
    towers: list[Tower] = field(default_factory=list)
    layers: list[LayerStack] = field(default_factory=list)
    blocks: list[BlockGraph] = field(default_factory=list)
    parameters: Parameters
    gaps: list[GapEntry] = field(default_factory=list)

    def fact(self, key: str) -> Fact | None:
        return next((fact for fact in self.facts if fact.key == key), None)

    def block(self, block_id: str) -> BlockGraph | None:
        return next((block for block in self.blocks if block.id == block_id), None)

    def stack(self, path: str) -> LayerStack | None:
        return next((stack for stack in self.layers if stack.path == path), None)
