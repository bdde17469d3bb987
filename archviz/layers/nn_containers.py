"""Containers of modules.  Source: torch/nn/modules/container.py."""

from __future__ import annotations

import operator
from collections import OrderedDict
from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.part_names import check_name
from archviz.interpreter.values import ModuleInstance, Unknown
from archviz.interpreter.walk import check_siblings
from archviz.layers.overridden import overridden

NN = "torch.nn"


def register(library: Library) -> None:
    _register_lists(library)
    _register_sequential(library)
    _register_dicts(library)


def _children(module: ModuleInstance) -> list[Any]:
    return list(module.modules.values())


def _renumber(module: ModuleInstance, children: list[Any]) -> None:
    module.modules.clear()
    module.modules.update({str(index): child for index, child in enumerate(children)})


def _append(interp: Interpreter, module: ModuleInstance, child: Any) -> None:
    if isinstance(child, Unknown):
        interp.gap(f"an element of {module.cls.name}: {child.reason}", child.at)
    elif child is not None and not isinstance(child, ModuleInstance):
        raise TypeError(f"{type(child).__name__} is not a Module subclass")
    check_siblings(interp, len(module.modules) + 1)
    module.modules[str(len(module.modules))] = child


def _name_at(module: ModuleInstance, index: Any) -> str:
    """The name of a part by its place: in a `Sequential` whatever it is called, in a `ModuleList` the number itself."""
    place, size = operator.index(index), len(module.modules)
    if not -size <= place < size:
        raise IndexError(f"index {place} is out of range")
    place %= size
    return list(module.modules)[place] if _keeps_names(module) else str(place)


def _keeps_names(module: ModuleInstance) -> bool:
    return any(each.qualified == f"{NN}.Sequential" for each in module.cls.mro)


def _item(interp: Interpreter, module: ModuleInstance, index: Any) -> Any:
    return _part(interp, module, index) if isinstance(index, slice) else module.modules[_name_at(module, index)]


def _part(interp: Interpreter, module: ModuleInstance, index: slice) -> Any:
    """A slice: of a `Sequential` under the old names, of a `ModuleList` counted anew."""
    items = list(module.modules.items())[index]
    given = OrderedDict(items) if _keeps_names(module) else [child for _, child in items]
    return interp.call(module.cls, [given], {})


def _times(interp: Interpreter, module: ModuleInstance, count: int) -> Any:
    """`Sequential * count`: the same parts again and again."""
    if count <= 0:
        raise ValueError(f"Non-positive multiplication factor {count} for {module.cls.name}")
    repeated = interp.call(interp.library_name(f"{NN}.Sequential"), [], {})
    _renumber(repeated, _children(module) * count)
    return repeated


def _set_item(interp: Interpreter, module: ModuleInstance, index: Any, child: Any) -> None:
    interp.set_attribute(module, _name_at(module, index), child)


def _delete_item(interp: Interpreter, module: ModuleInstance, index: Any) -> None:
    """Take parts out, and count the rest anew."""
    if isinstance(index, slice):
        names = (
            list(module.modules)[index] if _keeps_names(module) else list(map(str, range(len(module.modules))[index]))
        )
    else:
        names = [_name_at(module, index)]
    for name in names:
        interp.delete_attribute(module, name)
    _renumber(module, _children(module))


def _insert(interp: Interpreter, module: ModuleInstance, index: int, child: Any) -> None:
    """Move every part from a place on to the next number; parts with other names are not found."""
    size = len(module.modules)
    if _keeps_names(module):
        if not -size <= index <= size:
            raise IndexError(f"Index out of range: {index}")
        index += size if index < 0 else 0
    check_siblings(interp, size + 1)
    for place in range(size, index, -1):
        module.modules[str(place)] = module.modules[str(place - 1)]
    module.modules[str(index)] = child


def _register_lists(library: Library) -> None:
    @library.constructor(f"{NN}.ModuleList")
    def module_list(interp: Interpreter, self: ModuleInstance, modules: Any = None) -> None:
        _extend(interp, self, modules if modules is not None else ())

    for dotted in (f"{NN}.ModuleList", f"{NN}.Sequential"):
        library.declare(dotted, f"{NN}.Module") if dotted.endswith("Sequential") else None

        @library.method(f"{dotted}.append")
        def append(interp: Interpreter, self: ModuleInstance, child: Any) -> ModuleInstance:
            _append(interp, self, child)
            return self

        @library.method(f"{dotted}.pop")
        def pop(interp: Interpreter, self: ModuleInstance, key: Any) -> Any:
            taken = _item(interp, self, key)
            _delete_item(interp, self, key)
            return taken

        @library.method(f"{dotted}.__add__")
        def add(interp: Interpreter, self: ModuleInstance, other: Any, _dotted: str = dotted) -> ModuleInstance:
            joined: ModuleInstance = interp.call(interp.library_name(_dotted), [], {})
            return _extend(interp, joined, [*_children(self), *_others(interp, self, other)])

        library.method(f"{dotted}.__iadd__")(
            lambda interp, self, other: _extend(interp, self, _others(interp, self, other))
        )
        library.method(f"{dotted}.__delitem__")(_delete_item)
        library.method(f"{dotted}.__len__")(lambda interp, self: len(self.modules))
        library.method(f"{dotted}.__iter__")(lambda interp, self: iter(_children(self)))
        library.method(f"{dotted}.__getitem__")(_item)
        library.method(f"{dotted}.__setitem__")(_set_item)
        library.method(f"{dotted}.__contains__")(
            lambda interp, self, child: any(child is each for each in _children(self))
        )
    library.method(f"{NN}.ModuleList.insert")(_insert)
    library.method(f"{NN}.ModuleList.extend")(_extend)


def _extend(interp: Interpreter, module: ModuleInstance, children: Any) -> ModuleInstance:
    for child in interp.iterate(children):
        _append(interp, module, child)
    return module


def _others(interp: Interpreter, module: ModuleInstance, other: Any) -> list[Any]:
    """What is added to a container: to a `Sequential` another one, to a list anything with modules."""
    if _keeps_names(module) and not (isinstance(other, ModuleInstance) and _keeps_names(other)):
        raise ValueError(
            f"add operator supports only objects of Sequential class, but {type(other).__name__} is given."
        )
    return list(interp.iterate(other))


def _register_sequential(library: Library) -> None:
    @library.method(f"{NN}.Sequential.__init__")
    def sequential(interp: Interpreter, self: ModuleInstance, *modules: Any) -> None:
        named = len(modules) == 1 and isinstance(modules[0], OrderedDict)
        for name, module in modules[0].items() if named else [(str(place), each) for place, each in enumerate(modules)]:
            own = overridden(interp, self, "add_module")
            if own is not None:
                interp.call(own, [name, module], {})
            elif named:
                interp.call(interp.get_attribute(self, "add_module"), [name, module], {})
            else:
                _append(interp, self, module)

    @library.method(f"{NN}.Sequential.insert")
    def insert(interp: Interpreter, self: ModuleInstance, index: int, child: Any) -> ModuleInstance:
        _insert(interp, self, index, child)
        return self

    @library.method(f"{NN}.Sequential.extend")
    def extend(interp: Interpreter, self: ModuleInstance, children: Any) -> ModuleInstance:
        own = overridden(interp, self, "append")
        for child in interp.iterate(children):
            _append(interp, self, child) if own is None else interp.call(own, [child], {})
        return self

    @library.method(f"{NN}.Sequential.__imul__")
    def repeat(interp: Interpreter, self: ModuleInstance, count: int) -> ModuleInstance:
        if count <= 0:
            raise ValueError(f"Non-positive multiplication factor {count} for {self.cls.name}")
        return _extend(interp, self, _children(self) * (count - 1))

    library.method(f"{NN}.Sequential.__mul__", f"{NN}.Sequential.__rmul__")(_times)

    @library.method(f"{NN}.Sequential.forward")
    def forward(interp: Interpreter, self: ModuleInstance, input: Any) -> Any:
        own = overridden(interp, self, "__iter__")
        for child in _children(self) if own is None else interp.iterate(self):
            input = interp.call(child, [input], {})
        return input


def _register_dicts(library: Library) -> None:
    @library.constructor(f"{NN}.ModuleDict")
    def module_dict(interp: Interpreter, self: ModuleInstance, modules: Any = None) -> None:
        _update(interp, self, modules if modules is not None else {})

    library.method(f"{NN}.ModuleDict.update")(_update)
    library.method(f"{NN}.ModuleDict.__getitem__")(lambda interp, self, key: self.modules[key])
    library.method(f"{NN}.ModuleDict.__setitem__")(_set_key)
    library.method(f"{NN}.ModuleDict.__contains__")(lambda interp, self, key: key in self.modules)
    library.method(f"{NN}.ModuleDict.__len__")(lambda interp, self: len(self.modules))
    library.method(f"{NN}.ModuleDict.__iter__")(lambda interp, self: iter(list(self.modules)))
    library.method(f"{NN}.ModuleDict.keys")(lambda interp, self: self.modules.keys())
    library.method(f"{NN}.ModuleDict.values")(lambda interp, self: self.modules.values())
    library.method(f"{NN}.ModuleDict.items")(lambda interp, self: self.modules.items())
    library.method(f"{NN}.ModuleDict.pop", f"{NN}.ModuleDict.__delitem__")(_take_key)

    @library.method(f"{NN}.ModuleDict.clear")
    def clear(interp: Interpreter, self: ModuleInstance) -> None:
        interp.twins.written(self)
        self.modules.clear()


def _take_key(interp: Interpreter, module: ModuleInstance, key: str) -> Any:
    interp.twins.written(module)
    return module.modules.pop(key)


def _set_key(interp: Interpreter, module: ModuleInstance, key: str, child: Any) -> None:
    check_name(interp, key, "module")
    module.modules[key] = child


def _update(interp: Interpreter, module: ModuleInstance, modules: Any) -> None:
    pairs = modules if isinstance(modules, (list, tuple)) else [(key, modules[key]) for key in interp.iterate(modules)]
    for key, child in pairs:
        _set_key(interp, module, key, child)
