"""Numbers that tensors without axes hold, in lists, as how often a list is repeated, and parts of complex numbers in a trace."""

from __future__ import annotations

from tests.interpreter.programs import value


def test_a_list_is_repeated_as_often_as_a_tensor_says() -> None:
    assert value("import torch\nresult = [104] * torch.tensor(3)") == [104, 104, 104]


def test_a_tensor_of_numbers_and_tensors_holds_the_numbers_of_both() -> None:
    found = value("import torch\nresult = torch.tensor([0, torch.tensor(5), 7]).cumsum(-1)")
    assert (found.shape, found.data) == ((3,), [0, 5, 12])


def test_real_and_imaginary_parts_are_real_numbers() -> None:
    found = value("import torch\nx = torch.fft.fftn(torch.ones(2, 3), dim=(0, 1))\nresult = (x.real, torch.imag(x))")
    assert [each.dtype for each in found] == ["float32", "float32"]
    assert value("import torch\nresult = torch.ones(2).real").dtype == "float32"
