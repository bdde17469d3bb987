"""The values of an interpreted program that are not plain Python values.

Numbers, strings, lists, dicts, sets and tuples are represented by themselves.  Everything else is one of the
classes here.  Interpreted callables can be called like Python callables, so that `map`, `sorted` or
`functools.partial` work on them; the call goes back through the interpreter and its budget.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from archviz.interpreter.protocols import Protocols
from archviz.interpreter.signatures import signature_of
from archviz.spans import Span

if TYPE_CHECKING:
    from weakref import ref

    from archviz.interpreter.machine import Interpreter
    from archviz.interpreter.modules import SourceModule
    from archviz.interpreter.scope import Frame


SERIAL = count(1)  # objects by age: what was made after a construction began belongs to it


class Unknown:
    """A value that was not understood: it spreads through every use instead of raising.

    Args:
        reason: What was not understood, in words.
        at: Where it arose.
        of_module: A module or a class of modules was given to what is not understood, so that this may be a module; None: it may be one though none was.
    """

    __slots__ = ("at", "of_module", "reason")

    def __init__(self, reason: str, at: Span | None = None, *, of_module: bool | None = False) -> None:
        self.reason = reason
        self.at = at
        self.of_module = of_module

    def __repr__(self) -> str:
        return f"Unknown({self.reason})"


class DType:
    """A torch dtype, by name."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    @property
    def is_floating_point(self) -> bool:
        return "float" in self.name


class Device:
    """A torch device, by type (`meta`, `cpu`)."""

    __slots__ = ("type",)

    def __init__(self, type: str = "meta") -> None:
        self.type = type

    def __repr__(self) -> str:
        return f"device(type='{self.type}')"

    def __str__(self) -> str:
        return self.type

    def __eq__(self, other: object) -> bool:
        return str(other) == self.type

    def __hash__(self) -> int:
        return hash(self.type)


class Shape(tuple[int, ...]):
    """`torch.Size`: a tuple with `numel`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def numel(self) -> int:
        count = 1
        for size in self:
            count *= size
        return count

    def __add__(self, other: Any) -> Shape:
        return Shape(tuple.__add__(self, other))


class Layout(NamedTuple):
    """Where the elements of a view lie in memory (`archviz/ops/strides.py`).

    Args:
        strides: Elements between neighbours along each axis; None when that is not known.
        offset: Elements before the first one.
    """

    strides: tuple[int, ...] | None
    offset: int = 0


class _DefaultType(str):
    """The name of a type that the code did not choose; equal to the name itself, and told from it by identity."""

    __slots__ = ()


DEFAULT_FLOAT: str = _DefaultType("float32")
"""The type of `torch.ones(3)`: whatever the default is while the model is loaded. Whoever asks for float32 gets `"float32"`."""


class Tensor:
    """A tensor without numbers: shape and dtype, and for small ones that `__init__` computes with, the values.

    Args:
        shape: Sizes; None when the whole shape is unknown.
        dtype: Name of the dtype.
        data: Row-major values, when known.
        at: The line that made it.
    """

    __slots__ = (
        "__weakref__", "at", "attrs", "data", "dtype", "is_parameter", "layout", "meaning", "requires_grad", "serial", "shape", "shared",
        "source",
    )  # fmt: skip

    def __init__(
        self,
        shape: tuple[int, ...] | None,
        dtype: str = "float32",
        data: list[Any] | None = None,
        at: Span | None = None,
    ) -> None:
        self.shape = shape if shape is None or shape.__class__ is Shape else Shape(shape)
        self.dtype = dtype
        self.data = data
        self.at = at
        self.is_parameter = False
        self.requires_grad = False
        self.attrs: dict[str, Any] | None = None
        self.source: Unknown | None = None  # why the shape is unknown
        self.meaning: Any = None  # what it says about positions: a mask, scores under a mask (archviz/ops/relations.py)
        self.layout: Layout | None = None  # None: in one piece
        self.shared: list[ref[Tensor]] | None = (
            None  # those of known numbers in its memory (archviz/ops/shared_numbers.py)
        )
        self.serial = next(SERIAL)

    def twin(self) -> Tensor:
        """Another tensor that looks the same."""
        twin = Tensor.__new__(Tensor)
        twin.shape, twin.dtype, twin.data, twin.at = self.shape, self.dtype, self.data, self.at
        twin.is_parameter, twin.requires_grad = self.is_parameter, self.requires_grad
        twin.attrs = None if self.attrs is None else dict(self.attrs)
        twin.source, twin.meaning, twin.layout, twin.shared = self.source, self.meaning, self.layout, None
        twin.serial = next(SERIAL)
        return twin

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape as a plain tuple; empty when it is unknown."""
        return () if self.shape is None else tuple(self.shape)

    def __repr__(self) -> str:
        """The short form used in messages and tests.

        >>> Tensor((2, 3), "bfloat16")
        bf16[2,3]
        """
        short = self.dtype.replace("bfloat", "bf").replace("float", "f").replace("int", "i")
        return f"{short}[{'?' if self.shape is None else ','.join(map(str, self.shape))}]"


class ClassValue:
    """A class of the interpreted program, or a library class known to the tables.

    Args:
        name: Its name.
        qualified: Dotted module and name.
        bases: Direct bases (`ClassValue`s).
        namespace: Class attributes and methods.
        host_base: The Python type whose behaviour its instances inherit (`dict`, `str`, an exception), if any.
        is_library: It stands for a library class and has native methods.
    """

    __slots__ = (
        "abstract_init", "annotations", "at", "bases", "enum_members", "host_base", "interpreter",
        "is_library", "is_module", "metaclass", "mro", "name", "namespace", "qualified", "source_module",
    )  # fmt: skip

    def __init__(
        self,
        interpreter: Interpreter,
        name: str,
        qualified: str,
        bases: list[ClassValue],
        namespace: dict[str, Any],
        *,
        host_base: type | None = None,
        is_library: bool = False,
        at: Span | None = None,
    ) -> None:
        self.interpreter = interpreter
        self.name = name
        self.qualified = qualified
        self.bases = bases
        self.namespace = namespace
        self.annotations: dict[str, ast.expr] = {}
        self.is_library = is_library
        self.at = at
        self.source_module: SourceModule | None = None
        self.mro: list[ClassValue] = linearize(self)
        self.host_base: type | None = host_base or next(
            (base.host_base for base in self.mro[1:] if base.host_base), None
        )
        self.is_module: bool = qualified == "torch.nn.Module" or any(base.is_module for base in bases)
        self.enum_members: dict[str, Any] | None = None
        self.metaclass: ClassValue | None = next((base.metaclass for base in bases if base.metaclass), None)

    def lookup(self, name: str) -> Any:
        """The raw attribute along the method resolution order; raises KeyError."""
        for cls in self.mro:
            if name in cls.namespace:
                return cls.namespace[name]
        raise KeyError(name)

    def has(self, name: str) -> bool:
        for cls in self.mro:  # noqa: SIM110 - the hottest test of all; any() takes twice as long
            if name in cls.namespace:
                return True
        return False

    def find(self, name: str) -> Any:
        """The raw attribute along the method resolution order; None where no class has it."""
        for cls in self.mro:
            if name in cls.namespace:
                return cls.namespace[name]
        return None

    def issubclass(self, other: ClassValue) -> bool:
        return other in self.mro

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.interpreter.call(self, list(args), kwargs)

    def by_metaclass(self, name: str) -> Any:
        """A special method that its metaclass gives the class itself; None without one."""
        if self.metaclass is None or not self.metaclass.has(name):
            return None
        return BoundMethod(self.metaclass.lookup(name), self)

    def item_method(self) -> Any:
        """What `cls[…]` calls: the metaclass's `__getitem__`, else its own `__class_getitem__`; None for a plain or generic class."""
        if (method := self.by_metaclass("__getitem__")) is not None or not self.has("__class_getitem__"):
            return method
        raw = self.lookup("__class_getitem__")
        if isinstance(raw, StaticMethod):
            return raw.function
        return BoundMethod(raw.function if isinstance(raw, ClassMethod) else raw, self)

    def __len__(self) -> int:
        if (method := self.by_metaclass("__len__")) is not None:
            return int(method())
        if self.enum_members is None:
            raise TypeError(f"object of type 'type' has no len(): {self.name}")
        return len(self.enum_members)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        if (method := self.by_metaclass("__iter__")) is not None:
            return iter(method())
        if self.enum_members is None:
            raise TypeError(f"'{self.name}' is not iterable")
        return iter(self.enum_members.values())

    def __repr__(self) -> str:
        return f"<class '{self.qualified}'>"


def linearize(cls: ClassValue) -> list[ClassValue]:
    """The C3 method resolution order; a conflict falls back to depth-first order without repeats."""
    sequences = [list(base.mro) for base in cls.bases] + [list(cls.bases)]
    order = [cls]
    while any(sequences):
        sequences = [sequence for sequence in sequences if sequence]
        head = next(
            (s[0] for s in sequences if not any(s[0] in other[1:] for other in sequences)),
            sequences[0][0],
        )
        order.append(head)
        sequences = [[item for item in sequence if item is not head] for sequence in sequences]
    return order


class Instance(Protocols):
    """An object of an interpreted class; Python's own protocols are answered by the class's methods."""

    __slots__ = ("attrs", "cls", "payload", "serial")

    def __init__(self, cls: ClassValue) -> None:
        self.cls = cls
        self.attrs: dict[str, Any] = {}
        self.serial = next(SERIAL)
        self.payload: Any = None  # the dict, list, str… that an instance of a class derived from one holds


class ModuleInstance(Instance):
    """An `nn.Module`: parameters, buffers and submodules apart from other attributes."""

    __slots__ = ("buffers", "created_at", "is_ready", "modules", "parameters", "transient")

    def __init__(self, cls: ClassValue) -> None:
        self.cls = cls
        self.attrs = {}
        self.serial = next(SERIAL)
        self.payload = None
        self.parameters: dict[str, Tensor | None] = {}
        self.buffers: dict[str, Tensor | None] = {}
        self.modules: dict[str, Any] = {}
        self.transient: frozenset[str] = frozenset()  # buffers that are not stored
        self.created_at: Span | None = None
        self.is_ready = True  # whether `Module.__init__` has run

    def register_buffer(self, name: str, tensor: Tensor | None, *, persistent: bool = True) -> None:
        """Keep a tensor as a buffer."""
        self.buffers[name] = tensor
        self.transient = self.transient - {name} if persistent else self.transient | {name}

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


Rest = Callable[[list[Any], dict[str, Any]], Any]
"""Calls what stands inside: a function with the arguments that the decorators before it made."""
Surrounding = Callable[[list[Any], dict[str, Any], Rest], Any]


def _nested(outer: Surrounding, inner: Surrounding) -> Surrounding:
    return lambda args, kwargs, run: outer(args, kwargs, lambda args, kwargs: inner(args, kwargs, run))


class FunctionValue:
    """A function of the interpreted program."""

    __slots__ = (
        "around", "attrs", "defaults", "frame", "interpreter", "kw_defaults", "module", "name", "node", "owner", "serial", "signature",
    )  # fmt: skip

    def __init__(
        self,
        interpreter: Interpreter,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
        frame: Frame,
        module: SourceModule,
        defaults: list[Any],
        kw_defaults: list[Any],
    ) -> None:
        self.interpreter = interpreter
        self.node = node
        self.signature = signature_of(node)
        self.name = getattr(node, "name", "<lambda>")
        self.frame = frame
        self.module = module
        self.defaults = defaults
        self.kw_defaults = kw_defaults
        self.owner: ClassValue | None = None
        self.serial = next(SERIAL)
        self.attrs: dict[str, Any] = {}
        self.around: Surrounding | None = None

    def surround(self, around: Surrounding) -> None:
        """Let a decorator's work be done around every call, outside of what decorators before it do."""
        inner = self.around
        self.around = around if inner is None else _nested(around, inner)

    @property
    def at(self) -> Span:
        return Span(self.module.shown, self.node.lineno)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.interpreter.call(self, list(args), kwargs)

    def __repr__(self) -> str:
        return f"<function {self.name}>"


class NativeFunction:
    """A function of the tables: `run(interpreter, *args, **kwargs)`."""

    __slots__ = ("attrs", "interpreter", "kind", "name", "run")

    def __init__(self, interpreter: Interpreter, name: str, run: Callable[..., Any], kind: str = "function") -> None:
        self.interpreter = interpreter
        self.name = name
        self.run = run
        self.kind = kind
        self.attrs: dict[str, Any] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.interpreter.call(self, list(args), kwargs)

    def __repr__(self) -> str:
        return f"<native {self.name}>"


class BoundMethod:
    """A function with its first argument."""

    __slots__ = ("function", "receiver")

    def __init__(self, function: Any, receiver: Any) -> None:
        self.function = function
        self.receiver = receiver

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(self.receiver, *args, **kwargs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BoundMethod) and other.function is self.function and other.receiver is self.receiver

    def __hash__(self) -> int:
        return hash((id(self.function), id(self.receiver)))

    def __repr__(self) -> str:
        return f"<bound {self.function!r}>"


class PropertyValue:
    """A property: getter and setter."""

    __slots__ = ("fget", "fset")

    def __init__(self, fget: Any = None, fset: Any = None) -> None:
        self.fget = fget
        self.fset = fset


class StaticMethod:
    __slots__ = ("function",)

    def __init__(self, function: Any) -> None:
        self.function = function


class ClassMethod:
    __slots__ = ("function",)

    def __init__(self, function: Any) -> None:
        self.function = function


class Suppressed:
    """`contextlib.suppress`: the exceptions that its block may raise without effect."""

    __slots__ = ("classes",)

    def __init__(self, classes: tuple[Any, ...]) -> None:
        self.classes = classes


class SuperValue:
    """`super()`: lookup along the order of `start`'s class, after `owner`."""

    __slots__ = ("owner", "receiver")

    def __init__(self, owner: ClassValue, receiver: Any) -> None:
        self.owner = owner
        self.receiver = receiver


class LibraryModule:
    """A library package or module that is not read as source: names in it are looked up in the tables."""

    __slots__ = ("dotted",)

    def __init__(self, dotted: str) -> None:
        self.dotted = dotted

    def __repr__(self) -> str:
        return f"<library {self.dotted}>"
