"""What the interpreter hands on: the module tree, tensors, ties, the trace and the gaps of one model.

Plain frozen data, no behaviour of the interpreted program: the rooms above read these and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from archviz.records import field, record
from archviz.spans import Span

if TYPE_CHECKING:
    from archviz.interpreter.forks import Fork
    from archviz.interpreter.scaling import JoinedNumber

Scalar = int | float | str | bool | None
ROTATION = ("rope_parameters", "rope_scaling", "rope_theta", "rotary_emb_base", "rotary_base", "partial_rotary_factor", "rotary_pct",
            "rope_pct", "rotary_dim")  # fmt: skip
"""Keys that state a rotation; a class that writes its own into `rope_parameters` may read further ones (`local_rope_theta`)."""


class ClassDefault(NamedTuple):
    """A field of a configuration that has its class's default.

    Args:
        class_name: The configuration class.
        at: The line that gives the default.
        names: Every key that a configuration may state the field by: its own and the aliases of `attribute_map`.
    """

    class_name: str
    at: Span | None
    names: tuple[str, ...]


class TensorRecord(NamedTuple):
    """A parameter or buffer of a module.

    Args:
        name: Full dotted name, as `named_parameters` gives it.
        shape: Sizes; `None` for a dimension that was not understood.
        dtype: `float32`, `int64`, … or None where the code leaves it to the loader.
        kind: Parameters count, buffers do not.
        persistent: Buffers only: stored in the checkpoint.
        at: The line that created it.
        number: The fraction that a buffer without axes holds, where it is known.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str | None = None
    kind: Literal["parameter", "buffer"] = "parameter"
    persistent: bool = True
    at: Span | None = None
    number: float | None = None

    @property
    def numel(self) -> int:
        """Number of elements; unknown dimensions count as zero, and their module has a gap."""
        count = 1
        for size in self.shape:
            count *= size or 0
        return count


class ModuleRecord:
    """A module of the built model.

    Args:
        path: Dotted path from the model, `""` for the model itself.
        class_name: Name of its class in the code (`Qwen3_5MoeAttention`, `Linear`).
        library: The dotted library name when it, or the nearest base that archviz knows, is a building block of
            torch (`torch.nn.Linear`), else None.
        defined_at: Where the class is defined; None for library classes.
        created_at: The line that created this instance.
        bases: Names of the base classes, nearest first.
        attributes: Scalar attributes the code set on it (`in_features`, `eps`, `layer_idx`, `sliding_window`, …).
        parameters: Its own parameters (not its children's); a tied one stands under each of its names.
        buffers: Its own buffers.
        children: Its submodules in order of registration.
    """

    __slots__ = (
        "attributes", "bases", "buffers", "children", "class_name", "created_at", "defined_at", "library", "parameters", "path",
    )  # fmt: skip

    def __init__(
        self,
        path: str,
        class_name: str,
        library: str | None = None,
        defined_at: Span | None = None,
        created_at: Span | None = None,
        bases: tuple[str, ...] = (),
        attributes: dict[str, Scalar | list[int]] | None = None,
        parameters: dict[str, TensorRecord] | None = None,
        buffers: dict[str, TensorRecord] | None = None,
        children: dict[str, ModuleRecord] | None = None,
    ) -> None:
        self.path = path
        self.class_name = class_name
        self.library = library
        self.defined_at = defined_at
        self.created_at = created_at
        self.bases = bases
        self.attributes = {} if attributes is None else attributes
        self.parameters = {} if parameters is None else parameters
        self.buffers = {} if buffers is None else buffers
        self.children = {} if children is None else children

    def __repr__(self) -> str:
        return f"ModuleRecord({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    def walk(self) -> list[ModuleRecord]:
        """This module and everything below it, parents first."""
        waiting, found = [self], []
        while waiting:
            module = waiting.pop()
            found.append(module)
            if module.children:
                waiting += reversed(module.children.values())
        return found

    def find(self, path: str) -> ModuleRecord | None:
        """The module at a path relative to this one; None when there is none."""
        node: ModuleRecord | None = self
        for name in path.split(".") if path else []:
            node = node.children.get(name) if node else None
        return node

    def nearest(self, path: str) -> ModuleRecord:
        """The last module on the way to a path: the path's own where there is one."""
        node = self
        for name in path.split("."):
            if name not in node.children:
                break
            node = node.children[name]
        return node


class Gap(NamedTuple):
    """Something that was not understood, and the module whose content it may change."""

    module: str
    reason: str
    at: Span | None = None


class Assumption(NamedTuple):
    """What a pass takes for granted, because it depends on numbers.

    Args:
        module: The first module in which it does.
        what: In words.
        at: The line.
        function: For a test that is taken as true, the first and the last line of the function that tests; else None.
    """

    module: str
    what: str
    at: Span | None
    function: tuple[int, int] | None = None

    def as_dict(self) -> dict[str, str | None]:
        return {"module": self.module, "what": self.what, "at": str(self.at) if self.at else None}


POSITION_BIAS = "mask_bias"
"""Option of a softmax over scores, or of an attention op: what was added to the scores by position, `ALiBi` or `relative bias`."""
DIRECT = "direct"
"""Option of a call of `forward` itself, which PyTorch counts as no call of a module."""
MASKS_GIVEN = "masks_given"
"""Option of the outermost call: the ids of its inputs that are masks or positions, not data."""
INPUTS_GIVEN = "inputs_given"
"""Option of the outermost call: the names of what it is given."""


class ValueRef(NamedTuple):
    """A tensor that an event reads or writes: `id` is its identity, so equal ids are edges of the data flow."""

    id: int
    shape: tuple[int | None, ...] | None
    dtype: str | None = None


class Event(NamedTuple):
    """A module call or an op while `forward` ran.

    Args:
        kind: `call` of a module, `op` (a torch function), or `function` (a named function of the modelling
            code, such as `apply_rotary_pos_emb`, that is worth naming; its ops follow as events of their own).
        module: Path of the module called, or of the innermost module whose forward runs the op.
        name: Class name, op name (`softmax`) or function name.
        inputs, outputs: Tensors, in order; positional and keyword alike.
        parent: Index of the event inside which this one happened, -1 at top level.
        at: The calling line.
        options: Scalar arguments (`dim`, `k`, sizes).
        assumed: A data-dependent test was taken as true on the way here.
    """

    index: int  # type: ignore[assignment] # hides the method of tuples, which nobody wants of an event
    kind: Literal["call", "op", "function"]
    module: str
    name: str
    inputs: tuple[ValueRef, ...]
    outputs: tuple[ValueRef, ...]
    parent: int = -1
    at: Span | None = None
    options: dict[str, object] = {}  # noqa: RUF012 - never changed
    assumed: bool = False


class StoredTensor(NamedTuple):
    """A tensor that a built model holds and that a pass read.

    Args:
        name: Full dotted name.
        numbers: Those of a vector, where the code that made it was followed.
        at: The line that made it.
    """

    name: str
    numbers: tuple[float, ...] | None = None
    at: Span | None = None


class Frequencies(NamedTuple):
    """The numbers of a vector of floating point, which may be frequencies.

    Args:
        at: The line that computes them.
        step: From one position to the next, in a table of waves: `positions / 4` gives 0.25.  None where positions follow no one step.
    """

    numbers: tuple[float, ...]
    at: Span | None = None
    step: float | None = 1.0


@record
class ModelReading:
    """Everything read off one model's code.

    Args:
        class_name: The model class that was built.
        config: The configuration as the official config class sees it, sub-configs as nested dicts.
        root: The module tree.
        tied: Alias → the name under which the shared tensor counts.
        gaps: What was not understood while building.
        events: The trace of one forward pass; empty when none was asked for.
        trace_gaps: What was not understood while tracing.
        assumed: What that pass takes for granted.
        forks: Which way its branches and loops went.
        joined: Numbers that it computed and joined with tensors.
        ignored: Regular expressions of checkpoint keys that the classes do not build and ignore, with the line that lists them.
        defaults: Key path → the default of the configuration class that it has.
        declared: The keys that the class of the whole configuration knows.
        sizes: Name of a distinct parameter → how the code computed each of its sizes (see `interpreter.sizes`); none where
            it has no configuration.
        taken: Path of a given key that the class keeps under no name of its own → its number, where a size comes from it.
        stored: Number of a value in the events → the tensor of the model that it is; only where it was asked for.
        frequencies: Number of a value in the events → the vector that it is, or that the table of waves it is was made with; only where
            `stored` was asked for, or the configuration states no base of a rotation.
    """

    class_name: str
    config: dict[str, object]
    root: ModuleRecord
    tied: dict[str, str] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    events: Sequence[Event] = ()
    trace_gaps: list[Gap] = field(default_factory=list)
    assumed: list[Assumption] = field(default_factory=list)
    forks: Sequence[Fork] = ()
    joined: Sequence[JoinedNumber] = ()
    source_files: dict[str, str] = field(default_factory=dict)  # shown name → sha256
    ignored: tuple[tuple[str, Span | None], ...] = ()
    defaults: dict[str, ClassDefault] = field(default_factory=dict)
    declared: frozenset[str] = frozenset()
    sizes: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    stored: dict[int, StoredTensor] = field(default_factory=dict)
    frequencies: dict[int, Frequencies] = field(default_factory=dict)

    def parameters(self) -> dict[str, TensorRecord]:
        """Distinct parameters by name (ties once, under the name that counts), in order of registration."""
        return {
            tensor.name: tensor
            for module in self.root.walk()
            for tensor in module.parameters.values()
            if tensor.name not in self.tied
        }
