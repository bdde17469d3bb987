"""Outputs of inner layers that a model hands out beside its own: `hidden_states`, `attentions`.

transformers installs hooks where they are asked for (`output_hidden_states=True`, a vision tower's layer, every backbone).  Here the
decorators mark a `forward`, and the call of the module does what the hooks would.  Source: transformers/utils/output_capturing.py,
transformers/backbone_utils.py.
"""

from __future__ import annotations

from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import BoundMethod, ClassValue, FunctionValue, Instance, ModuleInstance
from archviz.records import record

STATE = "captured outputs"  # in `Interpreter.state`
PRETRAINED = "transformers.modeling_utils.PreTrainedModel"
CAPTURES, FORCES = "captures", "forces hidden states"
HIDDEN = "output_hidden_states"
Task = tuple[
    str, Any, int, str | None, str | None, bool
]  # key, class, index, part of the path, end of the path, with the input


@record
class Collector:
    """What one model collects while its `forward` runs.

    Args:
        outputs: Key → what was collected, in order.
        chosen: The places of hidden states that are kept; None for all.
        hooks: Module identity → what is taken of its output: key, place in a tuple, whether the first input comes before.
        above: Modules with hooked modules inside, whose calls must not be repeated from an equal one.
    """

    outputs: dict[str, list[Any]]
    chosen: set[int] | None
    hooks: dict[int, list[tuple[str, int, bool]]]
    above: set[int]

    def take(self, module: ModuleInstance, args: tuple[Any, ...], result: Any) -> None:
        """Keep what a module's hooks ask for."""
        for key, index, with_input in self.hooks.get(id(module), ()):
            if key not in self.outputs:
                continue
            if key == "hidden_states" and with_input and not self.outputs[key] and args:
                self._keep(key, args[0])
            value = result[index] if isinstance(result, tuple) and len(result) > index else result
            if value is not None:
                self._keep(key, value)

    def _keep(self, key: str, value: Any) -> None:
        held = self.outputs[key]
        kept = key != "hidden_states" or self.chosen is None or len(held) in self.chosen
        held.append(value if kept else None)


def register(library: Library) -> None:
    """Fill the table with the decorators."""
    names = "transformers.utils.output_capturing"

    @library.function(f"{names}.capture_outputs")
    def capture_outputs(interp: Interpreter, func: Any = None, *, tie_last_hidden_states: bool = True) -> Any:
        return _marking(CAPTURES, {"ties": tie_last_hidden_states}, func)

    @library.function("transformers.backbone_utils.filter_output_hidden_states")
    def filter_output_hidden_states(interp: Interpreter, func: Any) -> Any:
        return _marking(FORCES, True, func)


def _marking(mark: str, value: Any, func: Any) -> Any:
    """Mark a function, now or when the decorator gets it."""

    def decorate(given: Any) -> Any:
        if isinstance(given, FunctionValue):
            given.attrs[mark] = value
        return given

    return decorate if func is None else decorate(func)


def run_forward(
    interp: Interpreter, module: ModuleInstance, forward: Any, args: list[Any], kwargs: dict[str, Any]
) -> Any:
    """Run a `forward`, with what its marks ask for."""
    function = forward.function if isinstance(forward, BoundMethod) else forward
    marks = function.attrs if isinstance(function, FunctionValue) else {}
    if not marks or not (CAPTURES in marks or FORCES in marks):
        return interp.call(forward, args, kwargs)
    asked = kwargs.get(HIDDEN, _stated(interp, module, HIDDEN))
    if FORCES in marks:
        kwargs = {**kwargs, HIDDEN: True}
    if CAPTURES in marks:
        result = _captured(interp, module, forward, args, kwargs, ties=marks[CAPTURES]["ties"])
    else:
        result = interp.call(forward, args, kwargs)
    if FORCES in marks and not asked and isinstance(result, Instance):
        interp.set_attribute(result, "hidden_states", None)
        if isinstance(result.payload, dict):
            result.payload.pop("hidden_states", None)
    return result


def _captured(
    interp: Interpreter, module: ModuleInstance, forward: Any, args: list[Any], kwargs: dict[str, Any], *, ties: bool
) -> Any:
    tasks = _tasks(interp, module)
    wanted = {task[0] for task in tasks if _is_wanted(interp, module, task[0], kwargs)}
    outer, collector = interp.state.get(STATE), None
    if wanted:
        collector = Collector({key: [] for key in sorted(wanted)}, _chosen(interp, module, kwargs), {}, set())
        _hook(interp, module, "", tasks, collector)
    interp.state[STATE] = collector
    try:
        result = interp.call(forward, args, kwargs)
    finally:
        interp.state[STATE] = outer
    if collector is not None and isinstance(result, Instance):
        stated = interp.find_attribute(module.attrs.get("config"), "tie_last_hidden_states")
        _hand_out(interp, result, collector, ties=stated if isinstance(stated, bool) else ties)
    return result


def _hand_out(interp: Interpreter, result: Instance, collector: Collector, *, ties: bool) -> None:
    """Put what was collected into the output; the last hidden state is the output's own where they are tied."""
    for key, values in collector.outputs.items():
        last = next((name for name in ("vision_hidden_states", "last_hidden_state") if name in result.attrs), None)
        if key == "hidden_states" and ties and values and values[-1] is not None and last is not None:
            values[-1] = result.attrs[last]
        interp.set_item(result, key, tuple(values))


def _is_wanted(interp: Interpreter, module: ModuleInstance, key: str, kwargs: dict[str, Any]) -> bool:
    name = "output_attentions" if key in ("cross_attentions", "mask_decoder_attentions") else f"output_{key}"
    value = kwargs.get(name, _stated(interp, module, name))
    return value is True or (isinstance(value, (int, list, tuple)) and not isinstance(value, bool) and value != [])


def _stated(interp: Interpreter, module: ModuleInstance, name: str) -> Any:
    found = interp.find_attribute(module.attrs.get("config"), name)
    return found if isinstance(found, (bool, int, list)) else False


def _chosen(interp: Interpreter, module: ModuleInstance, kwargs: dict[str, Any]) -> set[int] | None:
    """The places of the hidden states that are kept; negative ones count from what the model hands out."""
    asked = kwargs.get(HIDDEN)
    if isinstance(asked, bool) or not isinstance(asked, (int, list, tuple)):
        return None
    layers = interp.find_attribute(module.attrs.get("config"), "num_hidden_layers")
    chosen = [asked] if isinstance(asked, int) else [each for each in asked if isinstance(each, int)]
    if not isinstance(layers, int):
        return set(chosen)
    return {each % (layers + 1) for each in chosen}


def _tasks(interp: Interpreter, module: ModuleInstance) -> list[Task]:
    """What a model's class says it can record."""
    stated = interp.find_attribute(module, "_can_record_outputs")
    tasks: list[Task] = []
    for key, specs in stated.items() if isinstance(stated, dict) else ():
        for spec in specs if isinstance(specs, (list, tuple)) else [specs]:
            index = 0 if "hidden_states" in key else 1
            if isinstance(spec, Instance):
                known = spec.attrs
                tasks.append((key, known.get("target_class"), known.get("index", 0), known.get("layer_name"),
                              known.get("class_name"), known.get("capture_initial_hidden_state", True)))  # fmt: skip
            else:
                tasks.append(
                    (
                        key,
                        None if isinstance(spec, str) else spec,
                        index,
                        None,
                        spec if isinstance(spec, str) else None,
                        True,
                    )
                )
    return tasks


def _hook(interp: Interpreter, module: ModuleInstance, path: str, tasks: list[Task], collector: Collector) -> bool:
    """Find the modules whose outputs are taken; a model inside has tasks of its own."""
    inside = False
    for name, child in module.modules.items():
        if isinstance(child, ModuleInstance):
            is_model = any(cls.qualified == PRETRAINED for cls in child.cls.mro)
            own = _tasks(interp, child) if is_model else tasks
            inside = _hook(interp, child, f"{path}.{name}", own, collector) or inside
    if inside:
        collector.above.add(id(module))
    found = [
        (key, index, first) for key, cls, index, part, end, first in tasks if _matches(module, path, cls, part, end)
    ]
    if found:
        collector.hooks.setdefault(id(module), []).extend(found)
    return inside or bool(found)


def _matches(module: ModuleInstance, path: str, cls: Any, part: str | None, end: str | None) -> bool:
    of_class = isinstance(cls, ClassValue) and cls in module.cls.mro
    named = isinstance(end, str) and path.endswith(end)
    return (of_class or named) and (part is None or f".{part.strip('.')}." in f"{path}.")


def collector_of(interp: Interpreter) -> Collector | None:
    """What collects outputs of the calls that run now."""
    found: Collector | None = interp.state.get(STATE)
    return found


__all__ = ["Collector", "collector_of", "register", "run_forward"]
