"""Operators, truth, iteration and items over interpreted values, within bounds."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from archviz.interpreter import bounds, host_calls
from archviz.interpreter.control import BudgetSpentError, RaisedError, UnsupportedError
from archviz.interpreter.expressions import BINARY, COMPARE, SPECIAL, UNARY
from archviz.interpreter.managers import GeneratorManager
from archviz.interpreter.places import chosen
from archviz.interpreter.plain_methods import is_plain
from archviz.interpreter.sizes import Size
from archviz.interpreter.tensor_operators import TensorOperators
from archviz.interpreter.texts import text_of
from archviz.interpreter.values import (
    BoundMethod,
    ClassValue,
    DType,
    FunctionValue,
    Instance,
    LibraryModule,
    ModuleInstance,
    NativeFunction,
    Shape,
    Suppressed,
    Tensor,
    Unknown,
)
from archviz.interpreter.watched import FOLLOWED, Watched, compared, contained, derived, item_at, name_operators, plain

if TYPE_CHECKING:
    from archviz.interpreter.followed import Region
    from archviz.interpreter.library import Library
    from archviz.interpreter.scope import Frame
    from archviz.interpreter.tracing import Recorder
    from archviz.interpreter.twins import Twins
    from archviz.settings import Limits
    from archviz.spans import Span

_UNARY_OPS: dict[type, str] = {ast.USub: "neg", ast.UAdd: "pos", ast.Invert: "bitwise_not"}
_UNARY_METHODS: dict[type, str] = {ast.USub: "__neg__", ast.UAdd: "__pos__", ast.Invert: "__invert__"}
_NUMBERS = frozenset({int, float, Size})
_PLAIN_ARITHMETIC = frozenset({ast.Add, ast.Sub})  # on numbers these need no guard and no other rule
_DIVISIONS = frozenset({ast.Div, ast.FloorDiv, ast.Mod})  # nor these, by anything but zero
_IN_PLACE: dict[tuple[type, type], Any] = {
    (ast.Mult, list): operator.imul,
    (ast.Sub, set): operator.isub,
    (ast.BitAnd, set): operator.iand,
    (ast.BitXor, set): operator.ixor,
}
name_operators(BINARY)
_FUNCTIONS = (FunctionValue, NativeFunction, BoundMethod)
_SUBSCRIPTED = (type, LibraryModule, *_FUNCTIONS)  # in annotations, which do not matter
_PLAIN_CONTAINERS = frozenset({list, tuple, dict})
_PLAIN_INDICES = frozenset({int, str})
_COMPARED = frozenset(
    {str, int, float, bool, type(None), Size}
)  # nothing can be wrong with asking these whether they are equal
_ORDERINGS = frozenset({ast.Eq, ast.NotEq, ast.Is, ast.IsNot})


def _times(value: Any) -> Any:
    """How often a list is repeated: the whole number that a tensor holds, as Python asks for its index; another value as it is."""
    if isinstance(value, Tensor) and value.shape == () and value.data and "int" in value.dtype:
        return int(value.data[0])
    return value


class Operators(TensorOperators):
    """The part of the interpreter that says what operators do to values."""

    if TYPE_CHECKING:
        limits: Limits
        library: Library
        recorder: Recorder | None
        frame: Frame
        building: list[ModuleInstance]
        region: Region | None
        twins: Twins

        def here(self) -> Span | None: ...
        def gap(self, reason: str, at: Span | None = None) -> None: ...
        def step(self, frame: Frame | None = None) -> None: ...
        def spend(self, count: int) -> None: ...
        def call(self, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any: ...
        def get_attribute(self, value: Any, name: str) -> Any: ...
        def library_name(self, dotted: str) -> Any: ...
        def builtin(self, name: str) -> Any: ...

    # -- truth ----------------------------------------------------------------------------------------------------

    def is_data(self, value: Any) -> bool:
        """Whether a test depends on numbers in a tensor."""
        return isinstance(value, Tensor) and value.data is None

    def truth(self, value: Any) -> bool:
        """The truth of a value; a test on tensor data is taken as true."""
        if isinstance(value, Tensor):
            if value.data:
                return bool(value.data[0])
            if self.recorder is not None:
                self.recorder.assume("a test on numbers in a tensor is taken as true", self.here(), self.frame.function)
            elif self.building:
                self.gap("a test on numbers in a tensor", self.here())
            return True
        if isinstance(value, ModuleInstance) and value.special("__len__") is None:
            return True
        return bool(value)

    def decide(self, test: Any) -> bool:
        """Which branch a test takes; one that is not understood is a gap and takes the other branch."""
        if isinstance(test, Unknown):
            self.gap(f"a branch on {test.reason}", test.at)
            return False
        return self.truth(test)

    def enters(self, test: Any) -> bool:
        """Whether a `while` runs its body: over data it does so once."""
        if self.recorder is None or not self.is_data(test):
            return self.decide(test)
        self.recorder.assume("a loop until numbers in a tensor end it: its body is shown once", self.here())
        return True

    def enters_all(self) -> None:
        """Which rounds of a loop data skips is unknown; that it skips all is not meant."""
        if self.recorder is not None:
            self.recorder.assume("the rounds that numbers in a tensor skip are not known: all are shown", self.here())

    # -- iteration ------------------------------------------------------------------------------------------------

    def iterate(self, value: Any) -> Iterator[Any]:
        """The elements of a value, at most `limits.items`; an Unknown has none and is a gap where a loop runs."""
        if value.__class__ in _PLAIN_CONTAINERS:
            return iter(value)
        if isinstance(value, Unknown):
            self.gap(f"a loop over what is not known: {value.reason}", value.at)
            return iter(())
        if isinstance(value, Tensor):
            return iter(self.tensor_elements(value))
        if isinstance(value, ClassValue):
            return iter(value)
        if not isinstance(value, Iterable):
            raise self.fault(TypeError(f"'{type(value).__name__}' object is not iterable"), value)
        return self._bounded(value)

    def _bounded(self, values: Iterable[Any]) -> Iterator[Any]:
        if isinstance(values, range) and len(values) > self.limits.items:
            raise BudgetSpentError(f"a range of {len(values):,} elements", self.here())
        if isinstance(values, (list, tuple, dict, set, str, range)):
            return iter(values)
        return self._counted(values)

    def _counted(self, values: Iterable[Any]) -> Iterator[Any]:
        iterator = iter(values)
        if iterator is values:
            self.advanced(values)
        for count, value in enumerate(islice(iterator, self.limits.items + 1)):
            if count >= self.limits.items:
                raise BudgetSpentError(f"more than {self.limits.items:,} elements", self.here())
            self.step()
            yield value

    def advanced(self, iterator: Any) -> None:
        """An iterator gives an element: whoever else holds it finds it changed."""
        if self.recorder is not None or self.region is not None:
            self.twins.changed(iterator)

    # -- operators ------------------------------------------------------------------------------------------------

    def binary(self, op: type, left: Any, right: Any) -> Any:
        """`left op right`."""
        if left.__class__ in _NUMBERS and right.__class__ in _NUMBERS:
            if op in _PLAIN_ARITHMETIC or (right and op in _DIVISIONS):
                return BINARY[op](left, right)
        if left.__class__ is Watched or right.__class__ is Watched:
            if op in FOLLOWED and isinstance(left, int) and isinstance(right, int):
                return derived(op, left, right, BINARY[op])
            left, right = plain(left), plain(right)
        if isinstance(left, Unknown):
            return left
        if isinstance(right, Unknown):
            return right
        if op is ast.Mult and isinstance(left, list | tuple | str):
            right = _times(right)
        if isinstance(left, Tensor) or isinstance(right, Tensor):
            return self.tensor_binary(SPECIAL[op], left, right)
        if isinstance(left, Instance) or isinstance(right, Instance):
            found = self._special(SPECIAL[op], left, right)
            if found is not NotImplemented:
                return found
            left, right = _payload(left), _payload(right)
        if op is ast.BitOr and not (is_plain(left) and is_plain(right)):
            return object  # `X | None` in an annotation that is evaluated
        self._guard(op, left, right)
        try:
            return BINARY[op](left, right)
        except (TypeError, ZeroDivisionError) as error:
            raise self.fault(error, left, right) from error

    def fault(self, error: Exception, *operands: Any) -> RaisedError:
        """An error of plain Python values is the official code's own, as if it had raised it."""
        explicit = self.recorder is None and all(each is None or is_plain(each) for each in operands)
        return RaisedError(error, self.here(), explicit=explicit)

    def _special(self, name: str, left: Any, right: Any) -> Any:
        for receiver, other, method in ((left, right, f"__{name}__"), (right, left, f"__r{name}__")):
            if isinstance(receiver, Instance) and receiver.cls.has(method):
                found = self.call(self.get_attribute(receiver, method), [other], {})
                if found is not NotImplemented:
                    return found
        return NotImplemented

    def _guard(self, op: type, left: Any, right: Any) -> None:
        """Refuse results that would be too large before they are made."""
        limits = self.limits
        if op is ast.Pow and isinstance(left, int) and isinstance(right, int):
            if right > 0 and left.bit_length() * right > limits.integer_bits:
                raise BudgetSpentError(f"an integer of more than {limits.integer_bits} bits", self.here())
        elif op is ast.LShift and isinstance(right, int) and right > limits.integer_bits:
            raise BudgetSpentError(f"an integer of more than {limits.integer_bits} bits", self.here())
        elif op is ast.Mult:
            self._guard_product(left, right)
        elif op is ast.Add and isinstance(left, (str, list, tuple, bytes)):
            per_step = bounds.CHARACTERS_PER_STEP if isinstance(left, (str, bytes)) else bounds.ELEMENTS_PER_STEP
            bounds.check_length(self, len(left) + (len(right) if hasattr(right, "__len__") else 0), per_step=per_step)
        elif op is ast.Mod and isinstance(left, str):
            bounds.check_percent(self, left, right)

    def _guard_product(self, left: Any, right: Any) -> None:
        if isinstance(left, int) and isinstance(right, int):
            if left.bit_length() + right.bit_length() > self.limits.integer_bits:
                raise BudgetSpentError(f"an integer of more than {self.limits.integer_bits} bits", self.here())
            return
        sequence, times = (left, right) if hasattr(left, "__len__") else (right, left)
        if hasattr(sequence, "__len__") and isinstance(times, int):
            per_step = bounds.CHARACTERS_PER_STEP if isinstance(sequence, (str, bytes)) else bounds.ELEMENTS_PER_STEP
            bounds.check_length(self, len(sequence) * times, per_step=per_step)

    def guard_format(self, text: str) -> None:
        """Refuse format strings whose widths alone would fill memory."""
        if len(text) > 4 and any(len(digits) > 5 for digits in re.findall(r"\d+", text)):
            raise BudgetSpentError("a format width of more than five digits", self.here())

    def bounded_text(self, text: str) -> str:
        if len(text) > self.limits.items:
            raise BudgetSpentError(f"a text of more than {self.limits.items:,} characters", self.here())
        return text

    def unary(self, op: type, value: Any) -> Any:
        if isinstance(value, Unknown):
            return value
        if isinstance(value, Tensor):
            return self.tensor_unary(_UNARY_OPS[op], value)
        if isinstance(value, Instance):
            name = _UNARY_METHODS[op]
            if value.cls.has(name):
                return self.call(self.get_attribute(value, name), [], {})
            value = _payload(value)
        return UNARY[op](value)

    def compare(self, op: type, left: Any, right: Any) -> Any:
        """`left op right` for a comparison."""
        if left.__class__ in _COMPARED and right.__class__ in _COMPARED and op in _ORDERINGS:
            return COMPARE[op](left, right)
        if left.__class__ is Watched or right.__class__ is Watched:
            return self._compare_watched(op, left, right)
        if op in (ast.Is, ast.IsNot):
            if isinstance(left, Unknown) or isinstance(right, Unknown):
                return left if isinstance(left, Unknown) else right
            return COMPARE[op](left, right)
        if isinstance(left, Unknown):
            return left
        if isinstance(right, Unknown):
            return right
        if op in (ast.In, ast.NotIn):
            return self._contains(op, left, right)
        if isinstance(left, Tensor) or isinstance(right, Tensor):
            return self.tensor_compare(op.__name__.lower(), left, right)
        if isinstance(left, DType) or isinstance(right, DType):
            return COMPARE[op](str(left), str(right))
        if isinstance(left, bounds.CONTAINERS) and isinstance(right, bounds.CONTAINERS):
            bounds.weigh(self, left)
            left, right = self._with_numbers(left), self._with_numbers(right)
        try:
            return COMPARE[op](left, right)
        except TypeError as error:
            raise self.fault(error, left, right) from error

    def _with_numbers(self, values: Any) -> Any:
        """A list or tuple to compare: a tensor of one known number in it is the number."""
        if not isinstance(values, (list, tuple)) or not any(each.__class__ is Tensor for each in values):
            return values
        return type(values)(
            each.data[0] if isinstance(each, Tensor) and each.data and each.shape == () else each for each in values
        )

    def _compare_watched(self, op: type, left: Any, right: Any) -> Any:
        """A comparison with an integer whose every answer counts."""
        if op in (ast.Is, ast.IsNot) and (left is None or right is None):
            return COMPARE[op](left, right)
        if op in (ast.In, ast.NotIn) and left.__class__ is Watched:
            if type(right) in (list, tuple) and all(type(each) is int for each in right):
                return contained(left, tuple(right), COMPARE[op])
        elif op not in (ast.Is, ast.IsNot, ast.In, ast.NotIn):
            one, other = (left, right) if left.__class__ is Watched else (right, left)
            if other.__class__ in _NUMBERS:
                return compared(one, other, COMPARE[op], swapped=one is right)
        return self.compare(op, plain(left), plain(right))

    def _contains(self, op: type, item: Any, container: Any) -> Any:
        if isinstance(container, ClassValue) and container.enum_members is not None:
            container = list(container.enum_members.values())
        if isinstance(container, Tensor):
            return self.tensor_compare("eq", container, item)
        if isinstance(container, (list, tuple)):
            for each in container:
                if isinstance(each, Unknown):
                    return each
        elif isinstance(container, range) and not isinstance(item, (int, Instance)):
            item = int(item) if isinstance(item, float) and item.is_integer() else None
            return (item is not None and item in container) is (op is ast.In)
        if isinstance(item, tuple):
            bounds.weigh(self, item)
        if isinstance(container, (list, tuple)):
            bounds.charge(self, len(container))
        elif isinstance(container, (str, bytes)):
            bounds.charge(self, len(container), bounds.CHARACTERS_PER_STEP)
        return COMPARE[op](item, container)

    def in_place(self, op: type, current: Any, operand: Any) -> Any:
        """`current op= operand`; lists and dicts change in place as in Python."""
        if isinstance(current, (list, dict, set)):
            self.twins.changed(current)
        if op is ast.Add and isinstance(current, list) and not isinstance(operand, Unknown):
            values = list(self.iterate(operand))
            bounds.check_length(self, len(current) + len(values), "a list", new=len(values))
            current.extend(values)
            return current
        if op is ast.BitOr and isinstance(current, (dict, set)):
            current.update(operand)
            return current
        if isinstance(current, (list, set)) and (op, type(current)) in _IN_PLACE and not isinstance(operand, Unknown):
            self._guard(op, current, operand)
            return _IN_PLACE[op, type(current)](current, operand)
        if isinstance(current, Instance) and current.cls.has(f"__i{SPECIAL[op]}__"):
            return self.call(self.get_attribute(current, f"__i{SPECIAL[op]}__"), [operand], {})
        return self.binary(op, current, operand)

    # -- items ----------------------------------------------------------------------------------------------------

    def get_item(self, value: Any, index: Any) -> Any:
        """`value[index]`."""
        if value.__class__ in _PLAIN_CONTAINERS and index.__class__ in _PLAIN_INDICES:
            return value[index]
        if isinstance(value, Unknown):
            return value
        if isinstance(index, Unknown) and not isinstance(value, (Tensor, ClassValue)):
            return index
        if isinstance(value, Tensor):
            return self.tensor_item(value, index)
        if isinstance(value, ClassValue):
            if value.enum_members is not None:
                return value.enum_members[index]
            if (method := value.item_method()) is not None:
                return method(index)
            return value  # a generic class, parametrised
        if isinstance(value, _SUBSCRIPTED) and not isinstance(value, dict):
            return value
        if value is None:
            raise self.fault(TypeError("'NoneType' object is not subscriptable"), value)
        if isinstance(index, Tensor) and (index := chosen(self, index)).__class__ is Unknown:
            return index
        if isinstance(index, tuple):
            bounds.weigh(self, index)
        elif isinstance(index, slice) and isinstance(value, (list, tuple, str, bytes)):
            bounds.charge(
                self, len(value), bounds.CHARACTERS_PER_STEP if isinstance(value, str) else bounds.ELEMENTS_PER_STEP
            )
        if value.__class__ is Shape and index.__class__ is slice:
            return Shape(value[index])
        return item_at(value, index) if index.__class__ is Watched else value[index]

    def set_item(self, value: Any, index: Any, new: Any) -> None:
        """`value[index] = new`."""
        if isinstance(value, Unknown):
            return
        if isinstance(value, Tensor):
            self.set_tensor_item(value, index, new)
        elif isinstance(index, Unknown):
            self.gap(f"an item assigned at {index.reason}", index.at)
        else:
            bounds.weigh_key(self, index)
            new = bounds.spliced(self, value, new) if index.__class__ is slice else new
            self._changed(value)
            value[plain(index)] = plain(new)

    def _changed(self, value: Any) -> None:
        """An item of a container, or of an object that is one, is set or deleted."""
        if isinstance(value, Instance):
            self.twins.written(value)
            value = value.payload
        self.twins.changed(value)

    def delete_item(self, value: Any, index: Any) -> None:
        if not isinstance(value, Unknown):
            self._changed(value)
            del value[plain(index)]

    # -- text, types, errors --------------------------------------------------------------------------------------

    def format_value(self, value: Any, spec: str, conversion: int) -> Any:
        """One replacement field of an f-string."""
        bounds.weigh(self, value)
        if isinstance(value, Tensor) and value.shape == () and value.dtype != "bool" and not spec and conversion == -1:
            value = self._number_in(value)
        is_own = isinstance(value, Instance) and conversion == -1 and value.cls.has("__format__")
        is_text = conversion != -1 or isinstance(value, (Instance, ClassValue, Tensor, BaseException, *_FUNCTIONS))
        if is_text and not is_own:
            value = text_of(self, value, is_repr=conversion == ord("r"))
        self.guard_format(spec)
        if isinstance(value, Unknown):
            return value
        if is_own:
            return self.bounded_text(str(self.call(self.get_attribute(value, "__format__"), [spec], {})))
        try:
            return format(value, spec)
        except (TypeError, ValueError):
            return str(value)

    def _number_in(self, value: Tensor) -> Any:
        """The number of a tensor without axes, as text has it: what `item()` says of it."""
        if value.data:
            return value.data[0]
        if self.recorder is None or not value.dtype.startswith(("int", "uint")):
            return value
        self.recorder.assume("a number in a tensor is taken as 1", self.here())
        return 1

    def as_raised(self, value: Any) -> RaisedError:
        """What `raise value` raises."""
        if isinstance(value, Unknown):
            raise UnsupportedError(f"raise of {value.reason}", value.at or self.here())
        if isinstance(value, type) and issubclass(value, BaseException):
            value = value()
        elif isinstance(value, ClassValue):
            value = self.call(value, [], {})
        return RaisedError(value, self.here(), explicit=True)

    def enter(self, manager: Any) -> Any:
        if isinstance(manager, GeneratorManager):
            return manager.enter()
        if isinstance(manager, Instance) and manager.cls.has("__enter__"):
            return self.call(self.get_attribute(manager, "__enter__"), [], {})
        return manager

    def leave(self, manager: Any, error: RaisedError | None = None) -> bool:
        """Leave a `with` block; whether the manager swallows the error that ended it."""
        if isinstance(manager, GeneratorManager):
            return manager.leave(error)
        if isinstance(manager, Suppressed):
            return error is not None and self.is_instance(error.value, manager.classes) is True
        if isinstance(manager, Instance) and manager.cls.has("__exit__"):
            told = [None, None, None] if error is None else [self.type_of(error.value), error.value, None]
            answer = self.call(self.get_attribute(manager, "__exit__"), told, {})
            return error is not None and not isinstance(answer, Unknown) and self.truth(answer)
        return False

    call_host = host_calls.call_host


def _payload(value: Any) -> Any:
    return value.held if isinstance(value, Instance) and value.held is not None else value
