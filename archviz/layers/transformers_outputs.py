"""What the decorators of `transformers.utils` do around a call: defaults of the configuration, hidden states that are selected.

A vision tower gives the hidden states of its layers where its caller asks for them (`vision_feature_layer`): the layers are watched
while the tower runs. Source: transformers/utils/generic.py:1013 (`merge_with_config_defaults`) and utils/output_capturing.py.
"""

from __future__ import annotations

from typing import Any

from archviz.interpreter.attributes import MISSING
from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ClassValue, FunctionValue, Instance, ModuleInstance, Rest, Tensor

UTILS = "transformers.utils"
FROM_CONFIGURATION = ("vision_feature_layer", "vision_feature_select_strategy", "vision_aspect_ratio")
STATES = "output_hidden_states"


def register(library: Library) -> None:
    """Enter the decorators into the tables."""

    @library.function(f"{UTILS}.generic.merge_with_config_defaults")
    def merge_with_config_defaults(interp: Interpreter, function: Any) -> Any:
        if isinstance(function, FunctionValue):
            names = function.signature.positional + function.signature.keyword_only
            wanted = [name for name in FROM_CONFIGURATION if name in names]
            if wanted:
                function.surround(lambda args, kwargs, run: _with_defaults(interp, function, wanted, args, kwargs, run))
        return function

    @library.function(f"{UTILS}.output_capturing.select_hidden_states")
    def select_hidden_states(interp: Interpreter, selection: Any) -> Any:
        def decorate(function: Any) -> Any:
            if isinstance(function, FunctionValue):
                function.surround(lambda args, kwargs, run: _selected(interp, function, selection, args, kwargs, run))
            return function

        return decorate

    @library.function(f"{UTILS}.output_capturing.capture_outputs")
    def capture_outputs(interp: Interpreter, function: Any = None, *, tie_last_hidden_states: bool = True) -> Any:
        def decorate(function: Any) -> Any:
            if isinstance(function, FunctionValue):
                function.surround(
                    lambda args, kwargs, run: _captured(interp, args, kwargs, run, tie_last_hidden_states)
                )
            return function

        return decorate if function is None else decorate(function)


def _with_defaults(
    interp: Interpreter, function: FunctionValue, names: list[str], args: list[Any], kwargs: dict[str, Any], run: Rest
) -> Any:
    """Call a function with what the model's configuration states for the arguments that were not given."""
    args, kwargs = list(args), dict(kwargs)
    config = interp.find_attribute(args[0], "config") if args else MISSING
    for name in names:
        place = function.signature.positional.index(name) if name in function.signature.positional else len(args)
        given = args[place] if place < len(args) else kwargs.get(name)
        value = interp.find_attribute(config, name) if given is None and config is not MISSING else MISSING
        if value is MISSING or value is None:
            continue
        if place < len(args):
            args[place] = value
        else:
            kwargs[name] = value
    return run(args, kwargs)


def _selected(
    interp: Interpreter, function: FunctionValue, selection: Any, args: list[Any], kwargs: dict[str, Any], run: Rest
) -> Any:
    """Call a function so that the towers it calls give the hidden states that one of its arguments selects."""
    if kwargs.get(STATES):
        return run(args, kwargs)
    if not isinstance(selection, str):
        return run(args, {**kwargs, STATES: interp.call(selection, args[:1], {})})
    positional, defaults = function.signature.positional, function.defaults
    place = positional.index(selection) if selection in positional else len(args)
    default = defaults[place - len(positional)] if len(positional) - len(defaults) <= place < len(positional) else None
    value = args[place] if place < len(args) else kwargs.get(selection, default)
    return run(args, {**kwargs, STATES: value})


def _captured(interp: Interpreter, args: list[Any], kwargs: dict[str, Any], run: Rest, tie_last: bool) -> Any:
    """Call a model's `forward`; its output also holds the hidden states where they are asked for."""
    model, recorder = args[0] if args else None, interp.recorder
    if recorder is None or not kwargs.get(STATES) or not isinstance(model, ModuleInstance):
        return run(args, kwargs)
    kept = recorder.watched
    recorder.watched = watched = Watched(layer_classes(interp, model))
    try:
        output = run(args, kwargs)
    finally:
        recorder.watched = kept
    states = list(watched.states)
    if not states or not isinstance(output, Instance):
        return output
    last = interp.find_attribute(output, "last_hidden_state")
    tied = interp.find_attribute(interp.find_attribute(model, "config"), "tie_last_hidden_states")
    if (tie_last if tied is MISSING or tied is None else tied) and isinstance(last, Tensor):
        states[-1] = last
    interp.set_item(output, "hidden_states", tuple(states))
    return output


class Watched:
    """The hidden states of layers of some classes: the input of the first one that runs, then the output of each.

    Args:
        classes: What is watched, by class or by the end of a module's path.
    """

    def __init__(self, classes: list[ClassValue | str]) -> None:
        self.classes = classes
        self.states: list[Any] = []

    def ran(self, module: ModuleInstance, path: str, args: tuple[Any, ...], result: Any) -> None:
        """Take the output of a module that ran, if it is one of the layers."""
        if not any(
            path.endswith(each) if isinstance(each, str) else module.cls.issubclass(each) for each in self.classes
        ):
            return
        if not self.states and args:
            self.states.append(args[0])
        state = result[0] if isinstance(result, tuple) and result else result
        if state is not None:
            self.states.append(state)


def layer_classes(interp: Interpreter, model: ModuleInstance) -> list[ClassValue | str]:
    """The classes of the layers whose outputs are a model's hidden states, as it states them itself."""
    stated = interp.find_attribute(model, "_can_record_outputs")
    specs = stated.get("hidden_states") if isinstance(stated, dict) else None
    found: list[ClassValue | str] = []
    for spec in specs if isinstance(specs, list) else [specs]:
        each = interp.find_attribute(spec, "target_class") if isinstance(spec, Instance) else spec
        if isinstance(each, (ClassValue, str)):
            found.append(each)
    return found
