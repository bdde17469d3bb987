"""Small models by hand: module records, and a tape that records their forward pass as the interpreter would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from archviz.interpreter.reading import Event, ModelReading, ModuleRecord, TensorRecord, ValueRef
from archviz.spans import Span

LENGTH = 7


def module(
    path: str, class_name: str = "Module", *children: ModuleRecord, library: str | None = None,
    tensors: dict[str, Sequence[int]] | None = None, buffers: dict[str, Sequence[int]] | None = None, **attributes: Any,
) -> ModuleRecord:  # fmt: skip
    """A module with its children (their paths are full)."""
    return ModuleRecord(
        path,
        class_name,
        library=library,
        defined_at=None if library else Span("modeling_toy.py", 10),
        attributes=attributes,
        parameters={name: TensorRecord(f"{path}.{name}", tuple(shape)) for name, shape in (tensors or {}).items()},
        buffers={
            name: TensorRecord(f"{path}.{name}", tuple(shape), kind="buffer") for name, shape in (buffers or {}).items()
        },
        children={child.name: child for child in children},
    )


def linear(path: str, width: int, out: int, bias: bool = False) -> ModuleRecord:
    tensors = {"weight": (out, width), **({"bias": (out,)} if bias else {})}
    return module(path, "Linear", library="torch.nn.Linear", tensors=tensors, in_features=width, out_features=out)


def rms_norm(path: str, size: int) -> ModuleRecord:
    return module(path, "ToyRMSNorm", tensors={"weight": (size,)}, variance_epsilon=1e-6)


def embedding(path: str, count: int, width: int) -> ModuleRecord:
    return module(
        path, "Embedding", library="torch.nn.Embedding", tensors={"weight": (count, width)}, num_embeddings=count
    )


def swiglu(path: str, width: int, hidden: int) -> ModuleRecord:
    return module(
        path,
        "ToyMLP",
        linear(f"{path}.gate_proj", width, hidden),
        linear(f"{path}.up_proj", width, hidden),
        linear(f"{path}.down_proj", hidden, width),
        module(f"{path}.act_fn", "SiLUActivation"),
    )


def attention(path: str, width: int, heads: int, kv_heads: int, dim: int, *, gated: bool = False, qk_norm: int | None = None, **attributes: Any) -> ModuleRecord:  # fmt: skip
    children = [
        linear(f"{path}.q_proj", width, (2 if gated else 1) * heads * dim),
        linear(f"{path}.k_proj", width, kv_heads * dim),
        linear(f"{path}.v_proj", width, kv_heads * dim),
        linear(f"{path}.o_proj", heads * dim, width),
    ]
    if qk_norm:
        children += [rms_norm(f"{path}.q_norm", qk_norm), rms_norm(f"{path}.k_norm", qk_norm)]
    groups = heads // kv_heads
    return module(
        path, "ToyAttention", *children, head_dim=dim, num_key_value_groups=groups, is_causal=True, **attributes
    )


def moe(path: str, width: int, hidden: int, experts: int, top_k: int, *, shared: bool = False) -> ModuleRecord:
    children = [
        module(f"{path}.gate", "ToyRouter", tensors={"weight": (experts, width)}, top_k=top_k),
        module(
            f"{path}.experts",
            "ToyExperts",
            module(f"{path}.experts.act_fn", "SiLUActivation"),
            tensors={"gate_up_proj": (experts, 2 * hidden, width), "down_proj": (experts, width, hidden)},
        ),
    ]
    if shared:
        children.append(swiglu(f"{path}.shared_expert", width, hidden))
    return module(path, "ToyMoE", *children)


def layer(path: str, width: int, *parts: ModuleRecord, index: int = 0) -> ModuleRecord:
    """A pre-norm layer: a norm before each part."""
    norms = [rms_norm(f"{path}.norm_{number}", width) for number in range(len(parts))]
    return module(path, "ToyLayer", *parts, *norms, layer_idx=index)


def decoder(
    layers: Sequence[ModuleRecord], width: int, words: int, *, tied: bool = False, **config: Any
) -> ModelReading:
    """A causal model around some layers, their paths under `model.layers`."""
    table = embedding("model.embed_tokens", words, width)
    head = linear("lm_head", width, words)
    stack = module("model.layers", "ModuleList", *layers, library="torch.nn.ModuleList")
    inner = module("model", "ToyModel", table, stack, rms_norm("model.norm", width))
    root = module("", "ToyForCausalLM", inner, head)
    ties = {"lm_head.weight": "model.embed_tokens.weight"} if tied else {}
    values: dict[str, object] = {"model_type": "toy", "num_hidden_layers": len(layers), "hidden_size": width, **config}
    return ModelReading("ToyForCausalLM", values, root, tied=ties)


class Tape:
    """Records events: `call` opens a module call, `op` and `function` add steps and answer with their result."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.count = 0
        self.stack: list[tuple[int, str]] = [(-1, "")]

    def value(self, *shape: int, dtype: str = "float32") -> ValueRef:
        self.count += 1
        return ValueRef(self.count, shape, dtype)

    def op(
        self, name: str, *inputs: ValueRef, out: Sequence[int] = (), outs: Sequence[Sequence[int]] = (), **options: Any
    ) -> Any:
        """An op with one result of shape `out`, or several of shapes `outs`."""
        results = [self.value(*shape) for shape in outs] if outs else [self.value(*out)]
        self._add("op", self.stack[-1][1], name, inputs, results, options)
        return results if outs else results[0]

    def same(self, name: str, *inputs: ValueRef, **options: Any) -> ValueRef:
        """An op whose result has the shape of its first input."""
        result: ValueRef = self.op(name, *inputs, out=inputs[0].shape or (), **options)
        return result

    @contextmanager
    def inside(
        self, kind: str, module_path: str, name: str, *inputs: ValueRef, **options: Any
    ) -> Iterator[list[ValueRef]]:
        """A call or function: append its results to the list that is handed out."""
        index = len(self.events)
        self._add(kind, module_path, name, inputs, [], options)
        self.stack.append((index, module_path))
        results: list[ValueRef] = []
        yield results
        self.stack.pop()
        old = self.events[index]
        self.events[index] = Event(
            old.index, old.kind, old.module, old.name, old.inputs, tuple(results), old.parent, old.at, old.options
        )

    def _add(self, kind: Any, path: str, name: str, inputs: Sequence[ValueRef], results: Sequence[ValueRef], options: dict[str, Any]) -> None:  # fmt: skip
        number = len(self.events)
        at = Span("modeling_toy.py", 100 + number)
        self.events.append(
            Event(number, kind, path, name, tuple(inputs), tuple(results), self.stack[-1][0], at, dict(options))
        )

    def linear(self, record: ModuleRecord, x: ValueRef) -> ValueRef:
        out = record.attributes["out_features"]
        assert isinstance(out, int)
        with self.inside("call", record.path, "Linear", x) as results:
            results.append(self.op("linear", x, self.value(out, x.shape[-1] or 0), out=(*(x.shape or ())[:-1], out)))
        return results[0]

    def norm(self, record: ModuleRecord, x: ValueRef) -> ValueRef:
        with self.inside("call", record.path, record.class_name, x) as results:
            variance = self.op("mean", self.same("pow", x, arg1=2), out=(*(x.shape or ())[:-1], 1))
            scaled = self.same("mul", x, self.same("rsqrt", variance))
            results.append(self.same("mul", scaled, self.value(x.shape[-1] or 0)))
        return results[0]

    def swiglu(self, record: ModuleRecord, x: ValueRef) -> ValueRef:
        children = record.children
        with self.inside("call", record.path, record.class_name, x) as results:
            gate = self.same("silu", self.linear(children["gate_proj"], x))
            product = self.same("mul", gate, self.linear(children["up_proj"], x))
            results.append(self.linear(children["down_proj"], product))
        return results[0]

    def rotate(self, x: ValueRef, span: int) -> ValueRef:
        """Half-split rotation of the first `span` dimensions, inside a function of the modelling code."""
        cos, sin = self.value(1, 1, LENGTH, span), self.value(1, 1, LENGTH, span)
        shape = x.shape or ()
        part = (*shape[:-1], span)
        with self.inside("function", self.stack[-1][1], "apply_rotary_pos_emb", x, cos, sin) as results:
            turned = self.op("__getitem__", x, out=part) if span < (shape[-1] or 0) else x
            half = self.same("cat", self.same("neg", turned), turned)
            mixed = self.same("add", self.same("mul", turned, cos), self.same("mul", half, sin))
            results.append(self.op("cat", mixed, x, out=shape) if turned is not x else mixed)
        return results[0]

    def attention(self, record: ModuleRecord, x: ValueRef, heads: int, kv_heads: int, dim: int, *, span: int | None = None, window: int | None = None) -> ValueRef:  # fmt: skip
        """Grouped attention; a doubled query projection is chunked into queries and a gate."""
        c, batch = record.children, (1, LENGTH)
        with self.inside("call", record.path, record.class_name, x) as results:
            query = self.linear(c["q_proj"], x)
            gated = (query.shape or (0,))[-1] == 2 * heads * dim
            q = self.op("view", query, out=(*batch, heads, (2 if gated else 1) * dim))
            gate = None
            if gated:
                q, gate = self.op("chunk", q, outs=[(*batch, heads, dim)] * 2, arg1=2, dim=-1)
            k = self.op("view", self.linear(c["k_proj"], x), out=(*batch, kv_heads, dim))
            v = self.op("view", self.linear(c["v_proj"], x), out=(*batch, kv_heads, dim))
            if "q_norm" in c:
                q, k = self.norm(c["q_norm"], q), self.norm(c["k_norm"], k)
            q, k, v = (self.op("transpose", t, out=(1, t.shape[2] or 0, LENGTH, dim)) for t in (q, k, v))
            if span:
                q, k = self.rotate(q, span), self.rotate(k, span)
            mixed = self.core(q, k, v, window)
            if gate is not None:
                mixed = self.same("mul", mixed, self.op("sigmoid", gate, out=(*batch, heads * dim)))
            results.append(self.linear(c["o_proj"], mixed))
        return results[0]

    def core(self, q: ValueRef, k: ValueRef, v: ValueRef, window: int | None) -> ValueRef:
        _, heads, length, dim = q.shape or (0, 0, 0, 0)
        owner = self.stack[-1][1]
        with self.inside("function", owner, "eager_attention_forward", q, k, v, sliding_window=window) as results:
            scores = self.op("matmul", q, self.same("transpose", k), out=(1, heads or 0, LENGTH, LENGTH))
            weights = self.same("softmax", self.same("add", scores, self.value(1, 1, LENGTH, LENGTH)))
            results.append(self.op("matmul", weights, v, out=(1, heads or 0, length or 0, dim or 0)))
        result: ValueRef = self.op("reshape", results[0], out=(1, LENGTH, (heads or 0) * (dim or 0)))
        return result
