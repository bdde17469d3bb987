"""Containers of modules and parameters.  Source: torch/nn/modules/container.py."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.part_names import check_name
from archviz.interpreter.values import ModuleInstance, Unknown
from archviz.interpreter.walk import check_siblings

NN = "torch.nn"


def register(library: Library) -> None:
    _register_lists(library)
    _register_sequential(library)
    _register_dicts(library)
    _register_parameters(library)


def _children(module: ModuleInstance) -> list[Any]:
    return list(module.modules.values())


def _renumber(module: ModuleInstance, children: list[Any]) -> None:
    module.modules.clear()
    module.modules.update({str(index): child for index, child in enumerate(children)})


def _append(interp: Interpreter, module: ModuleInstance, child: Any) -> None:
    if isinstance(child, Unknown):
        interp.gap(f"an element of {module.cls.name}: {child.reason}", child.at)
    check_siblings(interp, len(module.modules) + 1)
    module.modules[str(len(module.modules))] = child


def _item(interp: Interpreter, module: ModuleInstance, index: Any) -> Any:
    if isinstance(index, slice):
        return _part(interp, module, index)
    if isinstance(index, str):
        return module.modules[index]
    return _children(module)[index]


def _part(interp: Interpreter, module: ModuleInstance, index: slice) -> Any:
    """A slice: of a `Sequential` under the old names, of a `ModuleList` counted anew."""
    keeps_names = any(each.qualified == f"{NN}.Sequential" for each in module.cls.mro)
    items = list(module.modules.items())[index]
    given = dict(items) if keeps_names else [child for _, child in items]
    return interp.call(module.cls, [given], {})


def _times(interp: Interpreter, module: ModuleInstance, count: int) -> Any:
    """`Sequential * count`: the same parts again and again."""
    if count <= 0:
        raise ValueError(f"Non-positive multiplication factor {count} for {module.cls.name}")
    repeated = interp.call(interp.library_name(f"{NN}.Sequential"), [], {})
    _renumber(repeated, _children(module) * count)
    return repeated


def _set_item(interp: Interpreter, module: ModuleInstance, index: Any, child: Any) -> None:
    key = index if isinstance(index, str) else list(module.modules)[index]
    module.modules[key] = child


def _register_lists(library: Library) -> None:
    @library.constructor(f"{NN}.ModuleList")
    def module_list(interp: Interpreter, self: ModuleInstance, modules: Any = None) -> None:
        for child in interp.iterate(modules if modules is not None else ()):
            _append(interp, self, child)

    for dotted in (f"{NN}.ModuleList", f"{NN}.Sequential"):
        library.declare(dotted, f"{NN}.Module") if dotted.endswith("Sequential") else None

        @library.method(f"{dotted}.append")
        def append(interp: Interpreter, self: ModuleInstance, child: Any) -> ModuleInstance:
            _append(interp, self, child)
            return self

        @library.method(f"{dotted}.extend")
        def extend(interp: Interpreter, self: ModuleInstance, children: Any) -> ModuleInstance:
            for child in interp.iterate(children):
                _append(interp, self, child)
            return self

        @library.method(f"{dotted}.insert")
        def insert(interp: Interpreter, self: ModuleInstance, index: int, child: Any) -> None:
            children = _children(self)
            children.insert(index, child)
            _renumber(self, children)

        @library.method(f"{dotted}.pop")
        def pop(interp: Interpreter, self: ModuleInstance, index: int = -1) -> Any:
            children = _children(self)
            child = children.pop(index)
            _renumber(self, children)
            return child

        @library.method(f"{dotted}.__delitem__")
        def delete(interp: Interpreter, self: ModuleInstance, index: Any) -> None:
            children = _children(self)
            del children[index]
            _renumber(self, children)

        @library.method(f"{dotted}.__add__")
        def add(interp: Interpreter, self: ModuleInstance, other: Any) -> ModuleInstance:
            joined = interp.allocate(self.cls, [], {})
            assert isinstance(joined, ModuleInstance)
            _renumber(joined, _children(self) + list(interp.iterate(other)))
            return joined

        @library.method(f"{dotted}.__iadd__")
        def grow(interp: Interpreter, self: ModuleInstance, other: Any) -> ModuleInstance:
            _renumber(self, _children(self) + list(interp.iterate(other)))
            return self

        library.method(f"{dotted}.__len__")(lambda interp, self: len(self.modules))
        library.method(f"{dotted}.__iter__")(lambda interp, self: iter(_children(self)))
        library.method(f"{dotted}.__getitem__")(_item)
        library.method(f"{dotted}.__setitem__")(_set_item)
        library.method(f"{dotted}.__contains__")(
            lambda interp, self, child: any(child is each for each in _children(self))
        )


def _register_sequential(library: Library) -> None:
    @library.method(f"{NN}.Sequential.__init__")
    def sequential(interp: Interpreter, self: ModuleInstance, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], dict):
            for name, module in modules[0].items():
                check_name(interp, name, "module")
                self.modules[name] = module
            return
        for child in modules:
            _append(interp, self, child)

    library.method(f"{NN}.Sequential.__mul__", f"{NN}.Sequential.__rmul__")(_times)

    @library.method(f"{NN}.Sequential.forward")
    def forward(interp: Interpreter, self: ModuleInstance, input: Any) -> Any:
        for child in _children(self):
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
    library.method(f"{NN}.ModuleDict.get")(lambda interp, self, key, default=None: self.modules.get(key, default))


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


def _register_parameters(library: Library) -> None:
    @library.constructor(f"{NN}.ParameterList")
    def parameter_list(interp: Interpreter, self: ModuleInstance, values: Any = None) -> None:
        for value in interp.iterate(values if values is not None else ()):
            _keep(interp, self, str(len(self.parameters)), value)

    @library.constructor(f"{NN}.ParameterDict")
    def parameter_dict(interp: Interpreter, self: ModuleInstance, values: Any = None) -> None:
        _keep_all(interp, self, values)

    library.method(f"{NN}.ParameterDict.update")(_keep_all)
    library.method(f"{NN}.ParameterDict.pop", f"{NN}.ParameterDict.__delitem__")(_take_parameter)

    @library.method(f"{NN}.ParameterList.append")
    def append(interp: Interpreter, self: ModuleInstance, value: Any) -> ModuleInstance:
        _keep(interp, self, str(len(self.parameters)), value)
        return self

    @library.method(f"{NN}.ParameterList.extend", f"{NN}.ParameterList.__iadd__")
    def extend(interp: Interpreter, self: ModuleInstance, values: Any) -> ModuleInstance:
        for value in interp.iterate(values):
            _keep(interp, self, str(len(self.parameters)), value)
        return self

    for dotted in (f"{NN}.ParameterList", f"{NN}.ParameterDict"):
        library.method(f"{dotted}.__len__")(lambda interp, self: len(self.parameters))
        library.method(f"{dotted}.__getitem__")(_parameter)
        library.method(f"{dotted}.__setitem__")(lambda interp, self, key, value: _keep(interp, self, str(key), value))
        library.method(f"{dotted}.__contains__")(lambda interp, self, key: str(key) in self.parameters)
        library.method(f"{dotted}.items")(lambda interp, self: self.parameters.items())
        library.method(f"{dotted}.keys")(lambda interp, self: self.parameters.keys())
        library.method(f"{dotted}.values")(lambda interp, self: self.parameters.values())

    @library.method(f"{NN}.ParameterList.__iter__")
    def iterate(interp: Interpreter, self: ModuleInstance) -> Iterator[Any]:
        return iter(list(self.parameters.values()))

    library.method(f"{NN}.ParameterDict.__iter__")(lambda interp, self: iter(list(self.parameters)))


def _take_parameter(interp: Interpreter, module: ModuleInstance, key: str) -> Any:
    interp.twins.written(module)
    return module.parameters.pop(str(key))


def _keep_all(interp: Interpreter, module: ModuleInstance, values: Any = None) -> None:
    """The entries of a plain dict in the order of their keys; of anything else in its own.  Source: torch's ParameterDict.update."""
    if isinstance(values, (list, tuple)):
        values = OrderedDict(values)
    keys = list(interp.iterate(values if values is not None else {}))
    for key in sorted(keys) if type(values) is dict else keys:
        _keep(interp, module, key, values[key])


def _keep(interp: Interpreter, module: ModuleInstance, key: str, value: Any) -> None:
    from archviz.layers.module import as_parameter

    module.parameters[key] = value if getattr(value, "is_parameter", False) else as_parameter(interp, value)


def _parameter(interp: Interpreter, module: ModuleInstance, key: Any) -> Any:
    return module.parameters[key] if isinstance(key, str) else list(module.parameters.values())[key]
