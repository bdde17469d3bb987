"""Numbers of small tensors: what is done in plain Python is what numpy does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archviz.interpreter.control import RaisedError
from archviz.interpreter.values import Tensor
from archviz.ops import numbers
from tests.interpreter.programs import value


def known(values: Any) -> Tensor:
    array = np.array(values, dtype="int64")
    return Tensor(array.shape, "int64", array.reshape(-1).tolist())


def filled(array: Any) -> Tensor:
    """A tensor of the expected form, its numbers not yet known."""
    return Tensor(np.shape(array), "int64")


PART = st.one_of(
    st.integers(-2, 1),
    st.none(),
    st.builds(
        slice, st.none() | st.integers(-4, 4), st.none() | st.integers(-4, 4), st.none() | st.sampled_from([1, 2])
    ),
)


@given(st.lists(PART, max_size=3))
def test_items_at_integers_and_slices_are_those_of_numpy(parts: Sequence[Any]) -> None:
    array = np.arange(24).reshape(2, 3, 4)
    expected = array[tuple(parts)]
    result = filled(expected)
    numbers.item(known(array), tuple(parts), result)
    assert result.data == expected.reshape(-1).tolist()


@given(st.lists(PART, max_size=1), st.lists(PART, max_size=1))
def test_items_around_dots_are_those_of_numpy(before: list[Any], after: list[Any]) -> None:
    array = np.arange(24).reshape(2, 3, 4)
    expected = array[(*before, ..., *after)]
    result = filled(expected)
    numbers.item(known(array), (*before, ..., *after), result)
    assert result.data == expected.reshape(-1).tolist()


@given(
    st.sampled_from(["add", "sub", "mul", "__floordiv__"]),
    st.permutations([1, 2, 3]),
    st.lists(st.sampled_from([1, 0]), min_size=3, max_size=3),
)
def test_operands_are_broadcast_as_numpy_does(label: str, sizes: list[int], one: list[int]) -> None:
    first = np.arange(6).reshape(sizes)
    second = np.arange(6).reshape(sizes)[tuple(slice(0, 1) if each else slice(None) for each in one)] * 3 - 5
    whole = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "__floordiv__": np.floor_divide}
    expected = whole[label](first, second)
    result = filled(expected)
    numbers.compute(label, [known(first), known(second)], {}, result)
    assert result.data == expected.reshape(-1).tolist()


@pytest.mark.parametrize("axes", [[], [0], [1], [-1]])
@pytest.mark.parametrize("width", [0, 3])
def test_products_are_those_of_numpy(axes: list[int], width: int) -> None:
    array = np.arange(2 * width).reshape(2, width) - 2
    expected = array.prod(*axes)
    result = filled(expected)
    numbers.compute("prod", [known(array), *axes], {}, result)
    assert result.data == np.asarray(expected).reshape(-1).tolist()


@pytest.mark.parametrize("size", [0, 2])
def test_items_of_an_empty_axis_are_none(size: int) -> None:
    result = Tensor((0,), "int64")
    numbers.item(Tensor((0, size), "int64", []), (slice(None), slice(0, 1)) if size else (slice(None),), result)
    assert result.data in ([], None)


@pytest.mark.parametrize(
    ("label", "args", "kwargs", "expected"),
    [
        ("repeat_interleave", [known([5, 6]), known([2, 1])], {}, [5, 5, 6]),
        ("repeat_interleave", [known([5, 6]), 2], {}, [5, 5, 6, 6]),
        ("repeat_interleave", [known([[5, 6], [7, 8]]), known([1, 2])], {"dim": 0}, [[5, 6], [7, 8], [7, 8]]),
        ("pad", [known([3]), (1, 2)], {"value": 9}, [9, 3, 9, 9]),
        ("pad", [known([]), (1, 0)], {}, [0]),
        ("pad", [known([[3]]), (1, 0)], {}, [[0, 3]]),
        ("expand", [known([[7, 8]]), 1, -1], {}, [[7, 8]]),
        ("expand", [known([[7], [8]]), -1, 2], {}, [[7, 7], [8, 8]]),
    ],
)
def test_vectors_and_arrays_give_the_same_numbers(
    label: str, args: list[Any], kwargs: dict[str, Any], expected: Any
) -> None:
    result = filled(np.array(expected))
    numbers.compute(label, args, kwargs, result)
    assert result.data == np.array(expected).reshape(-1).tolist()


def test_an_unknown_operand_leaves_the_result_unknown() -> None:
    result = Tensor((2,), "int64")
    numbers.compute("add", [known([1, 2]), Tensor((2,), "int64")], {}, result)
    assert result.data is None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            "torch.ones(2, 2, dtype=torch.long).mean()",
            "Input dtype must be either a floating point or complex dtype. Got: Long",
        ),
        ("(torch.ones(2, 2) > 0).mean(-1)", "Got: Bool"),
        ("torch.arange(4).std()", "std and var only support floating point and complex dtypes"),
        ("torch.var_mean(torch.arange(4))", "only support floating point"),
        ("torch.linalg.norm(torch.arange(4))", "Expected a floating point or complex tensor as input. Got Long"),
    ],
)
def test_means_of_whole_numbers_are_refused_as_torch_refuses_them(call: str, words: str) -> None:
    with pytest.raises(RaisedError) as refused:
        value(f"import torch\nresult = {call}\n")
    assert words in str(refused.value)


def test_means_of_whole_numbers_as_fractions_are_taken() -> None:
    assert value("import torch\nresult = torch.arange(4).mean(dtype=torch.float32)\n").dtype == "float32"
