"""Lists and dicts of parameters; what else is put into them is an attribute, a module among it a part.  Source: torch/nn/modules/container.py."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.part_names import check_name
from archviz.interpreter.values import ModuleInstance, Tensor, Unknown
from archviz.layers.module import as_parameter

NN = "torch.nn"
LIST, DICT = f"{NN}.ParameterList", f"{NN}.ParameterDict"
SIZE, KEYS = "_size", "_keys"  # attributes of the two, as torch calls them


def register(library: Library) -> None:
    _register_list(library)
    _register_dict(library)


def _keep(interp: Interpreter, module: ModuleInstance, name: str, value: Any) -> None:
    """Set an entry: a tensor becomes a parameter."""
    check_name(interp, name, "parameter")
    is_new = isinstance(value, Unknown) or (isinstance(value, Tensor) and not value.is_parameter)
    interp.set_attribute(module, name, as_parameter(interp, value) if is_new else value)


def _place(module: ModuleInstance, index: Any) -> str:
    size = module.attrs[SIZE]
    if not -size <= index < size:
        raise IndexError(f"index {index} is out of range")
    return str(index % size)


def _append(interp: Interpreter, module: ModuleInstance, value: Any) -> ModuleInstance:
    module.attrs[SIZE] += 1
    _keep(interp, module, str(module.attrs[SIZE] - 1), value)
    return module


def _extend(interp: Interpreter, module: ModuleInstance, values: Any) -> ModuleInstance:
    if isinstance(values, Tensor):
        raise TypeError(
            "ParameterList.extend should be called with an iterable, but got Tensor"
        )  # its rows are no entries
    for value in interp.iterate(values):
        _append(interp, module, value)
    return module


def _register_list(library: Library) -> None:
    @library.constructor(LIST)
    def parameter_list(interp: Interpreter, self: ModuleInstance, values: Any = None) -> None:
        self.attrs[SIZE] = 0
        _extend(interp, self, values if values is not None else ())

    @library.method(f"{LIST}.__getitem__")
    def item(interp: Interpreter, self: ModuleInstance, index: Any) -> Any:
        if not isinstance(index, slice):
            return interp.get_attribute(self, _place(self, index))
        places = range(*index.indices(self.attrs[SIZE]))
        return interp.call(self.cls, [[interp.get_attribute(self, str(place)) for place in places]], {})

    library.method(f"{LIST}.append")(_append)
    library.method(f"{LIST}.extend", f"{LIST}.__iadd__")(_extend)
    library.method(f"{LIST}.__setitem__")(
        lambda interp, self, index, value: _keep(interp, self, _place(self, index), value)
    )
    library.method(f"{LIST}.__len__")(lambda interp, self: self.attrs[SIZE])
    library.method(f"{LIST}.__iter__")(
        lambda interp, self: iter([interp.get_attribute(self, str(place)) for place in range(self.attrs[SIZE])])
    )


def _update(interp: Interpreter, module: ModuleInstance, values: Any) -> None:
    """The entries of a plain dict in the order of their keys; of anything else in its own."""
    if isinstance(values, dict):
        pairs = (
            list(values.items())
            if isinstance(values, OrderedDict)
            else sorted(values.items(), key=lambda pair: pair[0])
        )
    elif isinstance(values, ModuleInstance):
        pairs = _items(interp, values)
    else:
        pairs = [tuple(interp.iterate(each)) for each in interp.iterate(values)]
    for key, value in pairs:
        _set_key(interp, module, key, value)


def _set_key(interp: Interpreter, module: ModuleInstance, key: str, value: Any) -> None:
    if not isinstance(key, str):
        raise TypeError(
            f"Index given to ParameterDict cannot be used as a key as it is not a string (type is '{type(key).__name__}')"
        )
    module.attrs[KEYS][key] = None
    _keep(interp, module, key, value)


def _delete_key(interp: Interpreter, module: ModuleInstance, key: str) -> None:
    del module.attrs[KEYS][key]
    interp.delete_attribute(module, key)


def _take_key(interp: Interpreter, module: ModuleInstance, key: str) -> Any:
    taken = interp.get_attribute(module, key)
    _delete_key(interp, module, key)
    return taken


def _items(interp: Interpreter, module: ModuleInstance) -> list[tuple[str, Any]]:
    return [(key, interp.get_attribute(module, key)) for key in module.attrs[KEYS]]


def _register_dict(library: Library) -> None:
    @library.constructor(DICT)
    def parameter_dict(interp: Interpreter, self: ModuleInstance, parameters: Any = None) -> None:
        self.attrs[KEYS] = {}
        _update(interp, self, parameters if parameters is not None else {})

    @library.method(f"{DICT}.setdefault")
    def setdefault(interp: Interpreter, self: ModuleInstance, key: str, default: Any = None) -> Any:
        if key not in self.attrs[KEYS]:
            _set_key(interp, self, key, default)
        return interp.get_attribute(self, key)

    @library.method(f"{DICT}.popitem")
    def popitem(interp: Interpreter, self: ModuleInstance) -> tuple[str, Any]:
        key = list(self.attrs[KEYS])[-1]
        return key, _take_key(interp, self, key)

    @library.method(f"{DICT}.clear")
    def clear(interp: Interpreter, self: ModuleInstance) -> None:
        for key in list(self.attrs[KEYS]):
            _delete_key(interp, self, key)

    @library.method(f"{DICT}.copy")
    def copy(interp: Interpreter, self: ModuleInstance) -> Any:
        return interp.call(interp.library_name(DICT), [OrderedDict(_items(interp, self))], {})

    @library.method(f"{DICT}.__or__")
    def joined(interp: Interpreter, self: ModuleInstance, other: Any) -> Any:
        found = copy(interp, self)
        _update(interp, found, other)
        return found

    @library.method(f"{DICT}.__ior__")
    def grown(interp: Interpreter, self: ModuleInstance, other: Any) -> ModuleInstance:
        _update(interp, self, other)
        return self

    library.method(f"{DICT}.update")(_update)
    library.method(f"{DICT}.pop")(_take_key)
    library.method(f"{DICT}.__delitem__")(_delete_key)
    library.method(f"{DICT}.__setitem__")(_set_key)
    library.method(f"{DICT}.__getitem__")(lambda interp, self, key: interp.get_attribute(self, key))
    library.method(f"{DICT}.get")(
        lambda interp, self, key, default=None: interp.get_attribute(self, key) if key in self.attrs[KEYS] else default
    )
    library.method(f"{DICT}.__contains__")(lambda interp, self, key: key in self.attrs[KEYS])
    library.method(f"{DICT}.__len__")(lambda interp, self: len(self.attrs[KEYS]))
    library.method(f"{DICT}.__iter__")(lambda interp, self: iter(list(self.attrs[KEYS])))
    library.method(f"{DICT}.keys")(lambda interp, self: self.attrs[KEYS].keys())
    library.method(f"{DICT}.values")(lambda interp, self: [value for _, value in _items(interp, self)])
    library.method(f"{DICT}.items")(_items)
