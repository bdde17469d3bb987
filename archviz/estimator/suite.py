"""The tests that a new layer class has to pass, as Python with the numbers of the model."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archviz.estimator.expected import BATCH, CONTEXT, TOKENS, Expected, moved, output_shape
from archviz.estimator.pieces import Piece

_DEVICES = 4


def suite_specification(piece: Piece, class_name: str, numbers: Expected, arguments: dict[str, object]) -> str:
    """Test functions for a layer class: valid Python over a `LAYER` that offers the methods it calls."""
    blocks = [_head(class_name, arguments)]
    blocks += list(_tests(piece, numbers))
    return "\n\n\n".join(blocks) + "\n"


def _head(class_name: str, arguments: dict[str, object]) -> str:
    rows = [f"    {name}={value!r}," for name, value in arguments.items() if name.isidentifier()]
    return "\n".join([f"LAYER = {class_name}(", *rows, ")"])


def _tests(piece: Piece, numbers: Expected) -> Iterator[str]:
    name = re.sub(r"\W", "_", piece.name)
    shape = output_shape(piece)
    if shape is not None:
        yield _test(
            f"{name}_output_shape",
            f"{BATCH} sequences of {TOKENS} tokens",
            [f"assert LAYER.output_shape(batch={BATCH}, tokens={TOKENS}) == {shape}"],
        )
    yield _test(
        f"{name}_parameters",
        "the sum over the example tensors",
        [f"assert LAYER.parameter_count == {numbers.parameters:_}"],
    )
    yield _test(
        f"{name}_weight_bytes",
        "weights in bf16",
        [f"assert LAYER.weight_bytes(dtype_bytes=2) == {numbers.weight_bytes:_}"],
    )
    flops = [f"assert LAYER.flops(tokens=1, context=0) == {numbers.flops:_}"]
    if numbers.attention_flops:
        flops.append(
            f"assert LAYER.flops(tokens=1, context={CONTEXT:_}) == {numbers.flops + numbers.attention_flops:_}"
        )
    yield _test(f"{name}_flops", _counted(piece, numbers), flops)
    if piece.specs.get("top_k") and piece.kind in ("moe", "moe_experts", "moe_router"):
        lines = [
            f"assert LAYER.experts_per_token == {piece.specs['top_k']}",
            f"assert LAYER.num_experts == {piece.specs['num_experts']}",
        ]
        yield _test(f"{name}_top_k", "only the chosen experts have weights that are not zero", lines)
    if numbers.kv_bytes is not None:
        yield _test(
            f"{name}_kv_cache",
            "bytes that one token leaves, bf16",
            [f"assert LAYER.kv_bytes_per_token(dtype_bytes=2) == {numbers.kv_bytes:_}"],
        )
    if numbers.cache_bytes is not None:
        yield _test(
            f"{name}_cache",
            f"keys, values and compressed entries after {CONTEXT:,} positions, bf16; windows cut, keys of an indexer apart",
            [f"assert LAYER.cache_bytes(context={CONTEXT:_}, dtype_bytes=2) == {numbers.cache_bytes:_}"],
        )
    if numbers.state_bytes is not None:
        yield _test(
            f"{name}_state",
            "the recurrent state of a sequence and that of its convolution, in the types that the code gives them",
            [f"assert LAYER.state_bytes() == {numbers.state_bytes:_}"],
        )
    yield from _sharded(name, numbers)
    yield from _communication(name, numbers)


def _counted(piece: Piece, numbers: Expected) -> str:
    """What the operations of a token are made of."""
    words = ["2 for each weight that a token meets"]
    if numbers.state_bytes:
        words.append(
            "of the recurrent state every multiplication and addition of a step on tensors of its shape; no norms, no activations"
        )
    elif numbers.attention_flops:
        words.append(
            "2 for each number of the scores and of the weighted values, as in a prefill and over all positions that the code multiplies; no softmax, no norms"
        )
    elif piece.specs.get("top_k"):
        words.append(f"of the experts {piece.specs['top_k']} of {piece.specs['num_experts']}")
    return "; ".join(words)


def _sharded(name: str, numbers: Expected) -> Iterator[str]:
    lines = []
    for devices, held in numbers.shards.items():
        if held is None:
            lines.append(f"assert not LAYER.supports_tensor_parallel({devices})  # a tensor does not divide evenly")
        else:
            lines.append(f"assert LAYER.parameters_per_device(tensor_parallel={devices}) == {held:_}")
    yield _test(f"{name}_tensor_parallel", "what each device holds", lines)


def _communication(name: str, numbers: Expected) -> Iterator[str]:
    for strategy in numbers.strategies:
        volume = moved(strategy, _DEVICES, TOKENS)
        if volume is not None:
            word = strategy.name.split()[0].lower()
            call = f"LAYER.communication_bytes({word}_parallel={_DEVICES}, tokens={TOKENS}, dtype_bytes=2)"
            yield _test(f"{name}_{word}_communication", strategy.sends, [f"assert {call} == {volume:_}"])


def _test(name: str, what: str, lines: list[str]) -> str:
    return "\n".join(
        [f"def test_{name}():", f'    """{what[0].upper()}{what[1:]}."""', *(f"    {line}" for line in lines)]
    )
