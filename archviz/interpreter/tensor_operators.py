"""What operators, items and attributes of tensors do: the ops table answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archviz.interpreter.class_checks import ClassChecks
from archviz.interpreter.values import Tensor


class TensorOperators(ClassChecks):
    """The part of the interpreter that says what tensors do: one method for each kind of operation."""

    if TYPE_CHECKING:

        def call(self, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any: ...

    def op(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Run a stub of the ops table by its dotted name."""
        return self.call(self.library_name(name), list(args), kwargs)

    def tensor_binary(self, name: str, left: Any, right: Any) -> Any:
        return self.op("torch._binary", name, left, right)

    def tensor_unary(self, name: str, value: Tensor) -> Any:
        return self.op("torch._unary", name, value)

    def tensor_compare(self, name: str, left: Any, right: Any) -> Any:
        return self.op("torch._compare", name, left, right)

    def tensor_elements(self, value: Tensor) -> list[Any]:
        elements: list[Any] = self.op("torch._elements", value)
        return elements

    def tensor_item(self, value: Tensor, index: Any) -> Any:
        return self.op("torch.Tensor.__getitem__", value, index)

    def set_tensor_item(self, value: Tensor, index: Any, new: Any) -> None:
        self.op("torch.Tensor.__setitem__", value, index, new)

    def tensor_attribute(self, value: Tensor, name: str) -> Any:
        return self.op("torch._attribute", value, name)

    def set_tensor_attribute(self, value: Tensor, name: str, new: Any) -> None:
        self.op("torch._set_attribute", value, name, new)
