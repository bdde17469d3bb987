"""`torch.nn.Module`: registries, calls, and the ways code walks over a model.  Source: torch/nn/modules/module.py."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import NoneType
from typing import Any, NamedTuple

from archviz.interpreter.attribute_writes import type_name
from archviz.interpreter.classes import MODES
from archviz.interpreter.control import BudgetSpentError
from archviz.interpreter.frequencies import frequencies_of, keep_frequencies
from archviz.interpreter.library import Library
from archviz.interpreter.lost import report
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.part_names import check_name
from archviz.interpreter.sharing import Remembered, SharedCalls, has_unknown, is_numbered
from archviz.interpreter.sizes import Size
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import (
    BoundMethod,
    ClassValue,
    FunctionValue,
    Instance,
    ModuleInstance,
    StaticMethod,
    Tensor,
    Unknown,
)
from archviz.interpreter.walk import walk
from archviz.layers.hooks import AFTER, BEFORE, changed_arguments, changed_result
from archviz.layers.output_capturing import collector_of, run_forward
from archviz.ops.registry import MOST_ELEMENTS, refuse_size
from archviz.ops.shared_numbers import share

MODULE = "torch.nn.Module"


def register(library: Library) -> None:
    library.declare(MODULE)
    _register_registries(library)
    _register_walks(library)
    _register_calls(library)
    for name in ("torch.nn.Parameter", "torch.nn.parameter.Parameter", "torch.nn.UninitializedParameter"):
        library.declare(name, "torch.Tensor")
        library.classes[name].methods["__new__"] = StaticMethod(_new_parameter)

    @library.function("torch.nn.Buffer")
    def buffer(interp: Interpreter, data: Any = None, *, persistent: bool = True) -> Any:
        if not isinstance(data, Tensor):
            return data
        result = Tensor(data.shape, data.dtype, data.data, interp.here())
        result.meaning, result.source, result.layout = data.meaning, data.source, data.layout
        result.attrs = {"_is_buffer": True, "persistent": persistent}  # as torch marks it for `Module.__setattr__`
        if (found := frequencies_of(data)) is not None:
            keep_frequencies(result, found)
        return result


def _new_parameter(interp: Interpreter, cls: Any, data: Any = None, requires_grad: bool = True, **options: Any) -> Any:
    made = as_parameter(interp, data)
    if isinstance(made, Tensor) and isinstance(requires_grad, int):
        made.requires_grad = bool(requires_grad)
    return made


def as_parameter(interp: Interpreter, data: Any) -> Any:
    """A parameter holding the given tensor: a new object, as torch makes one."""
    if isinstance(data, Unknown):
        interp.gap(f"a parameter of {data.reason}", data.at)
        return data
    if not isinstance(data, Tensor):
        data = interp.op("torch.tensor", data)
    made = Tensor(data.shape, data.dtype, None, interp.here())
    made.source, made.layout = data.source, data.layout
    share(data, made)
    return _parameter(interp, made)


def _parameter(interp: Interpreter, tensor: Tensor) -> Tensor:
    interp.count_part()
    tensor.is_parameter = True
    tensor.requires_grad = True
    return tensor


def _are_plain_sizes(sizes: tuple[Any, ...]) -> bool:
    for size in sizes:
        if (type(size) is not int and type(size) is not Size) or size < 0:
            return False
    return bool(sizes)


def new_parameter(interp: Interpreter, module: ModuleInstance, name: str, *sizes: Any, dtype: Any = None) -> None:
    """Give a module a parameter of its own."""
    if interp.recorder is None and dtype is None and _are_plain_sizes(sizes):  # what `torch.empty` would make of them
        interp.step()
        if math.prod(sizes) > MOST_ELEMENTS:
            refuse_size(interp, sizes)
        module.parameters[name] = _parameter(interp, Tensor(sizes, at=interp.here()))
        return
    unknown = next((size for size in sizes if isinstance(size, Unknown)), None)
    if unknown is not None:
        interp.gap(f"the size of {name}: {unknown.reason}", unknown.at)
        module.parameters[name] = as_parameter(interp, Tensor(None))
        return
    module.parameters[name] = as_parameter(interp, interp.op("torch.empty", *sizes, dtype=dtype))


def _register_registries(library: Library) -> None:
    @library.method(f"{MODULE}.__init__")
    def init(interp: Interpreter, self: ModuleInstance, *args: Any, **kwargs: Any) -> None:
        """Nothing is registered after it, so that a second call empties the registries."""
        if args or kwargs:
            _refuse_arguments(self, args, kwargs)
        self.parameters, self.buffers, self.modules = {}, {}, {}
        self.transient = frozenset()

    @library.method(f"{MODULE}.register_buffer")
    def register_buffer(
        interp: Interpreter, self: ModuleInstance, name: str, tensor: Any, persistent: bool = True
    ) -> None:
        check_name(interp, name, "buffer")
        _refuse_taken(interp, self, name, self.buffers)
        if not isinstance(tensor, (Tensor, Unknown, NoneType)):
            raise TypeError(
                f"cannot assign '{type_name(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        interp.count_part()
        if isinstance(tensor, Unknown):
            tensor = Tensor(None, at=interp.here())
        self.register_buffer(name, tensor, persistent=bool(persistent))

    @library.method(f"{MODULE}.register_parameter")
    def register_parameter(interp: Interpreter, self: ModuleInstance, name: str, param: Any) -> None:
        check_name(interp, name, "parameter")
        _refuse_taken(interp, self, name, self.parameters)
        is_taken = isinstance(param, (Unknown, NoneType)) or (isinstance(param, Tensor) and param.is_parameter)
        if not is_taken:
            raise TypeError(
                f"cannot assign '{type_name(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)"
            )
        known: Any = _parameter(interp, Tensor(None, at=interp.here())) if isinstance(param, Unknown) else param
        self.parameters[name] = known

    @library.method(f"{MODULE}.add_module", f"{MODULE}.register_module")
    def add_module(interp: Interpreter, self: ModuleInstance, name: str, module: Any) -> None:
        if module is not None and not isinstance(module, (ModuleInstance, Unknown)):
            raise TypeError(f"{type_name(module)} is not a Module subclass")
        _refuse_taken(interp, self, name, self.modules)
        check_name(interp, name, "module")
        self.modules[name] = module

    library.method(f"{MODULE}.train")(train)
    library.method(f"{MODULE}.eval")(lambda interp, self: interp.call(interp.get_attribute(self, "train"), [False], {}))
    for name in ("cuda", "cpu", "share_memory", "to_empty", "compile", "zero_grad"):
        library.method(f"{MODULE}.{name}")(lambda interp, self, *args, **kwargs: self)

    @library.method(f"{MODULE}.requires_grad_")
    def requires_grad(interp: Interpreter, self: ModuleInstance, requires_grad: Any = True) -> ModuleInstance:
        for _, parameter in tensors_of(self, "parameters", distinct=True):
            parameter.requires_grad = bool(requires_grad)
        return self

    for name in ("reset_parameters", "_reset_parameters", "load_state_dict", "extra_repr", "_load_from_state_dict"):
        library.method(f"{MODULE}.{name}")(lambda interp, self, *args, **kwargs: None)


def _refuse_arguments(module: ModuleInstance, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Arguments of `Module.__init__`, which takes none."""
    if kwargs:
        raise TypeError(f"{module.cls.name}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'")
    raise TypeError(f"{module.cls.name}.__init__() takes 1 positional argument but {len(args) + 1} were given")


def _refuse_taken(interp: Interpreter, module: ModuleInstance, name: Any, registry: dict[str, Any]) -> None:
    """Refuse a name that the module has already, but for one of the same registry, whose entry is replaced."""
    if not module.is_ready:
        raise AttributeError("cannot register before Module.__init__() call")
    if isinstance(name, str) and name not in registry and interp.call(interp.builtin("hasattr"), [module, name], {}):
        raise KeyError(f"attribute '{name}' already exists")


def train(interp: Interpreter, self: ModuleInstance, mode: Any = True) -> ModuleInstance:
    """`Module.train`: the mode of a module and, each by its own rule, of its parts."""
    if isinstance(mode, Unknown):
        interp.gap(f"whether a module is in training: {mode.reason}", mode.at)
        return self
    if not isinstance(mode, bool):
        raise ValueError("training mode is expected to be boolean")  # noqa: TRY004 - as torch does
    if mode:
        interp.state[MODES] = True
    interp.twins.written(self)
    self.attrs["training"] = mode
    for _, child in _children(self):
        if isinstance(child, ModuleInstance):
            interp.call(interp.get_attribute(child, "train"), [mode], {})
    return self


def tensors_of(module: ModuleInstance, table: str, *, distinct: bool) -> Iterator[tuple[str, Tensor]]:
    """The parameters or buffers of a module and everything below it, by name."""
    seen: set[int] = set()
    for path, each in walk(module, "", set() if distinct else None):
        for name, tensor in getattr(each, table).items():
            if tensor is None or (distinct and id(tensor) in seen):
                continue
            seen.add(id(tensor))
            yield f"{path}.{name}" if path else name, tensor


def _register_walks(library: Library) -> None:
    library.method(f"{MODULE}.children")(lambda interp, self: iter([each for _, each in _children(self)]))
    library.method(f"{MODULE}.named_children")(lambda interp, self: iter(_children(self)))
    library.method(f"{MODULE}.modules")(lambda interp, self: iter([each for _, each in walk(self, "", set())]))

    @library.method(f"{MODULE}.named_modules")
    def named_modules(
        interp: Interpreter, self: ModuleInstance, memo: Any = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[Any]:
        return iter(list(walk(self, prefix, set() if remove_duplicate else None)))

    for public, table in (("parameters", "parameters"), ("buffers", "buffers")):

        @library.method(f"{MODULE}.named_{public}")
        def named(interp: Interpreter, self: ModuleInstance, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True,
                  _table: str = table) -> Iterator[Any]:  # fmt: skip
            found = list(tensors_of(self, _table, distinct=remove_duplicate))
            if not recurse:
                found = [(name, tensor) for name, tensor in found if "." not in name]
            return iter([(f"{prefix}.{name}" if prefix else name, tensor) for name, tensor in found])

        @library.method(f"{MODULE}.{public}")
        def plain(
            interp: Interpreter, self: ModuleInstance, recurse: bool = True, _table: str = table
        ) -> Iterator[Any]:
            return iter(
                [tensor for name, tensor in tensors_of(self, _table, distinct=True) if recurse or "." not in name]
            )

    @library.method(f"{MODULE}.state_dict")
    def state_dict(interp: Interpreter, self: ModuleInstance, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {
            **dict(tensors_of(self, "parameters", distinct=False)),
            **dict(tensors_of(self, "buffers", distinct=False)),
        }

    @library.method(f"{MODULE}.get_submodule")
    def get_submodule(interp: Interpreter, self: ModuleInstance, target: str) -> Any:
        return follow(interp, self, target)

    @library.method(f"{MODULE}.get_parameter", f"{MODULE}.get_buffer")
    def get_parameter(interp: Interpreter, self: ModuleInstance, target: str) -> Any:
        return follow(interp, self, target)

    library.method(f"{MODULE}._get_name")(lambda interp, self: self.cls.name)


def _children(module: ModuleInstance) -> list[tuple[str, Any]]:
    """The parts of a module, each once, under its first name."""
    distinct = {id(child): (name, child) for name, child in reversed(module.modules.items()) if child is not None}
    return [item for item in module.modules.items() if distinct.get(id(item[1])) == item]


def follow(interp: Interpreter, value: Any, path: str) -> Any:
    """The value at a dotted path below a module."""
    for name in path.split(".") if path else []:
        value = interp.get_attribute(value, name)
    return value


def _register_calls(library: Library) -> None:
    @library.method(f"{MODULE}.__call__", f"{MODULE}._call_impl")
    def call_module(interp: Interpreter, self: ModuleInstance, *args: Any, **kwargs: Any) -> Any:
        forward = interp.get_attribute(self, "forward")
        recorder = interp.recorder
        path = None if recorder is None else recorder.path_of(self)
        if (
            recorder is None or path is None
        ):  # called to learn a size while the model is built; made while forward runs, so no part of it
            if BEFORE in self.attrs:
                args, kwargs = changed_arguments(interp, self, args, kwargs)
            result = interp.call(forward, list(args), dict(kwargs))
            return changed_result(interp, self, args, kwargs, result) if AFTER in self.attrs else result
        if recorder.gaps_enough is not None and len(interp.gaps) >= recorder.gaps_enough:
            raise BudgetSpentError("too little of this pass is understood", interp.here())
        if BEFORE in self.attrs:
            args, kwargs = changed_arguments(interp, self, args, kwargs)
        return run_call(interp, recorder, CallSite(self, path, forward, args, kwargs))

    @library.method(f"{MODULE}.forward")
    def forward(interp: Interpreter, self: ModuleInstance, *args: Any, **kwargs: Any) -> Any:
        return Unknown(f"{self.cls.name} has no forward that is understood", interp.here())


class CallSite(NamedTuple):
    """A module call that is about to run."""

    module: ModuleInstance
    path: str
    forward: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def run_call(interp: Interpreter, recorder: Recorder, call: CallSite) -> Any:
    """Run a module call, or repeat the events of an equal one."""
    collector = collector_of(interp)
    result = _run_call(interp, recorder, call, repeats=collector is None or id(call.module) not in collector.above)
    if collector is not None:
        collector.take(call.module, call.args, result)
    return result


def _run_call(interp: Interpreter, recorder: Recorder, call: CallSite, *, repeats: bool) -> Any:
    numbered = is_numbered(call.path)
    if not repeats or not (numbered or (recorder.inside_twin and _is_interpreted(call.forward))):
        return _record(interp, recorder, call)
    shared: SharedCalls = interp.shared_calls(recorder)
    asked = shared.ask(call.module, call.args, call.kwargs)
    if asked is None:
        return _record(interp, recorder, call)
    known = shared.find(asked, call.module)
    if known is not None:
        return shared.repeat(known, call.module, asked.tensors)
    before = (recorder.writes, len(interp.gaps))
    start, number = len(recorder.events), recorder.next_number
    outside, recorder.inside_twin = (
        recorder.inside_twin,
        recorder.inside_twin or (numbered and shared.ran_before(asked)),
    )
    try:
        with recorder.making(handed_on=True):
            result = _record(interp, recorder, call)
    finally:
        recorder.inside_twin = outside
    if (recorder.writes, len(interp.gaps)) == before and not has_unknown(result):
        span, numbers = (start, len(recorder.events)), (number, recorder.next_number)
        writes = (recorder.writes, recorder.open_writes)
        shared.remember(
            asked.key, Remembered(call.module, asked.tensors, result, span=span, numbers=numbers, writes=writes)
        )
    return result


def _is_interpreted(forward: Any) -> bool:
    return isinstance(forward, BoundMethod) and isinstance(forward.function, FunctionValue)


def kernel_options(cls: ClassValue) -> dict[str, Any] | None:
    """The kernel that may replace the `forward` of a class, for its events."""
    name = cls.find("kernel_layer_name")
    return {"kernel": name} if isinstance(name, str) else None


_SHORT = 64


def _as_it_is(interp: Interpreter, value: Any, depth: int = 0) -> Any:
    """What a call was given, or gave: lists, dicts and outputs may be changed afterwards.  A long one costs steps."""
    if value.__class__ is Tensor or depth > 3:
        return value
    if value.__class__ in (list, tuple, dict) and len(value) > _SHORT:
        interp.spend(len(value))
    if value.__class__ in (list, tuple):
        return type(value)([_as_it_is(interp, each, depth + 1) for each in value])
    if value.__class__ is dict:
        return {name: _as_it_is(interp, each, depth + 1) for name, each in value.items()}
    if value.__class__ is not Instance:
        return value
    copy = Instance(value.cls)
    copy.attrs = {name: _as_it_is(interp, each, depth + 1) for name, each in value.attrs.items()}
    copy.payload = dict(value.payload) if isinstance(value.payload, dict) else value.payload
    return copy


def _record(interp: Interpreter, recorder: Recorder, call: CallSite) -> Any:
    given = [*call.args, *call.kwargs.values()]
    args, kwargs = _as_it_is(interp, call.args), _as_it_is(interp, call.kwargs)
    index = recorder.begin("call", call.module.cls.name, given, interp.here(), call.path)
    recorder.passed[index] = (args, kwargs, None)
    previous, recorder.path = recorder.path, call.path
    result: Any = None
    try:
        result = run_forward(interp, call.module, call.forward, list(call.args), dict(call.kwargs))
        if AFTER in call.module.attrs:
            result = changed_result(interp, call.module, call.args, call.kwargs, result)
        report(interp, result)
    finally:
        recorder.path = previous
        recorder.end(index, result, kernel_options(call.module.cls))
    recorder.passed[index] = (*recorder.passed[index][:2], _as_it_is(interp, result))
    if result.__class__ is Unknown and not any(result.reason in reason for _, reason, _ in interp.gaps):
        interp.gap(result.reason, result.at)  # else an output would be missing without a word
    return result
