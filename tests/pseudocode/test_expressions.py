from __future__ import annotations

from typing import Any

import pytest

from archviz.interpreter.reading import ValueRef
from archviz.interpreter.values import Device, DType, Tensor
from archviz.pseudocode.comments import with_common_comments, without_comments
from archviz.pseudocode.expressions import Arguments, NotWritableError, call_expression, item_expression, set_expression

X, Y = Tensor((2, 7)), Tensor((2, 7))
REFS = (ValueRef(1, (2, 7)), ValueRef(2, (2, 7)))


def written(expression: Any) -> str:
    return "".join(f"%{piece}" if isinstance(piece, int) else str(piece) for piece in expression.pieces)


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "text"),
    [
        ("torch.Tensor.view", (X, 2, 7, -1), {}, "%1.view(B, T, -1)"),
        ("torch.add", (X, Y), {}, "%1 + %2"),
        ("torch.Tensor.__truediv__", (X, 8.0), {}, "%1 / 8.0"),
        ("torch.nn.functional.silu", (X,), {}, "F.silu(%1)"),
        ("torch.cat", ((X, Y),), {"dim": -1}, "torch.cat((%1, %2), dim=-1)"),
        ("torch.Tensor.to", (X, DType("bfloat16")), {}, "%1.to(torch.bfloat16)"),
        ("torch.Tensor.to", (X, Device("cpu")), {}, "%1"),
        ("torch.arange", (7,), {"device": Device("cpu")}, "torch.arange(T)"),
        ("torch.Tensor.masked_fill", (X, Y, float("-inf")), {}, '%1.masked_fill(%2, float("-inf"))'),
        ("torch.neg", (X,), {}, "-%1"),
        ("torch.zeros", ((8, 4),), {"dtype": float}, "torch.zeros((8, 4), dtype=float)"),
    ],
)
def test_ops_are_written_as_a_reader_would(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], text: str) -> None:
    second = tuple({7: 11, 2: 5}.get(a, a) if isinstance(a, int) and not isinstance(a, bool) else a for a in args)
    assert written(call_expression(name, args, kwargs, (second, kwargs), Arguments(iter(REFS)))) == text


def test_items_are_read_and_set() -> None:
    whole = slice(None)
    assert (
        written(
            item_expression((X, (Ellipsis, slice(None, 64))), (X, (Ellipsis, slice(None, 64))), Arguments(iter(REFS)))
        )
        == "%1[..., :64]"
    )
    assert written(item_expression((X, (whole, None)), (X, (whole, None)), Arguments(iter(REFS)))) == "%1[:, None]"
    assert written(set_expression((X, Y, (whole, 3)), (X, Y, (whole, 3)), Arguments(iter(REFS)))) == "%1[:, 3] = %2"


def test_what_has_no_form_in_source_is_said() -> None:
    with pytest.raises(NotWritableError, match="type object"):
        call_expression("torch.f", (object(),), {}, ((object(),), {}), Arguments(iter(REFS)))


def test_bodies_that_differ_in_shapes_alone_share_what_their_comments_agree_on() -> None:
    first, second = "y = f(x)  # [B, T, 4096]", "y = f(x)  # [B, T, 1024]"
    assert without_comments(first) == without_comments(second) == "y = f(x)"
    assert with_common_comments(first, second) == "y = f(x)  # [B, T, _]"
    assert (
        with_common_comments("y = f(x)  # [B, T, 16, 128], [7]", "y = f(x)  # [B, T, 8], [7]")
        == "y = f(x)  # [B, T, ...], [7]"
    )
