"""What decorators of `transformers.utils` do to the arguments of a call: defaults of the configuration, hidden states that are selected.

A vision tower hands out the hidden states of its layers where its caller asks for them (`vision_feature_layer`); how they are
captured stands in `output_capturing.py`. Source: transformers/utils/generic.py:1013 (`merge_with_config_defaults`) and
utils/output_capturing.py (`select_hidden_states`).
"""

from __future__ import annotations

from typing import Any

from archviz.interpreter.attributes import MISSING
from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import FunctionValue, Rest
from archviz.layers.output_capturing import HIDDEN

UTILS = "transformers.utils"
FROM_CONFIGURATION = ("vision_feature_layer", "vision_feature_select_strategy", "vision_aspect_ratio")


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
    if kwargs.get(HIDDEN):
        return run(args, kwargs)
    if not isinstance(selection, str):
        return run(args, {**kwargs, HIDDEN: interp.call(selection, args[:1], {})})
    positional, defaults = function.signature.positional, function.defaults
    place = positional.index(selection) if selection in positional else len(args)
    default = defaults[place - len(positional)] if len(positional) - len(defaults) <= place < len(positional) else None
    value = args[place] if place < len(args) else kwargs.get(selection, default)
    return run(args, {**kwargs, HIDDEN: value})
