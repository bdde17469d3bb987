"""The tensor-parallel plan that the official configuration class states: pattern of module paths → how it splits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from archviz.errors import ArchvizError
from archviz.interpreter.build import deep_recursion
from archviz.interpreter.control import BudgetSpentError, RaisedError, UnsupportedError
from archviz.interpreter.machine import HOST_ERRORS, Interpreter
from archviz.interpreter.values import ClassValue
from archviz.readings import DEFAULTS, new_interpreter
from archviz.settings import Settings
from archviz.sources.model_source import ModelSource
from archviz.sources.official import configuration_class, safe_attribute

_PLANS = ("base_model_tp_plan", "base_model_ep_plan")


def official_plan(source: ModelSource, settings: Settings = DEFAULTS) -> dict[str, str]:
    """The plans of a configuration class and of those of its parts; empty where none is stated or the code is the repository's own."""
    if source.custom is not None or source.plain is not None or not source.model_type:
        return {}
    interp = new_interpreter(settings)
    plan: dict[str, str] = {}
    with deep_recursion():
        try:
            classes = list(_with_parts(interp, configuration_class(interp, source.model_type)))
        except (ArchvizError, RaisedError, UnsupportedError, BudgetSpentError, *HOST_ERRORS):
            return {}
        for cls in classes:
            for name in _PLANS:
                stated = safe_attribute(interp, cls, name)
                pairs = stated.items() if isinstance(stated, dict) else ()
                for pattern, how in pairs:
                    if isinstance(pattern, str) and isinstance(how, str):
                        plan[pattern] = (
                            f"{plan[pattern]}, {how}" if pattern in plan and how not in plan[pattern] else how
                        )
    return plan


def _with_parts(interp: Interpreter, cls: ClassValue) -> Iterator[ClassValue]:
    yield cls
    parts = safe_attribute(interp, cls, "sub_configs")
    if isinstance(parts, dict):
        yield from (part for part in parts.values() if isinstance(part, ClassValue))


def planned(plan: Mapping[str, str], tensor: str) -> str:
    """What a plan says of a tensor, or of the module that holds it; empty where it says nothing.

    >>> planned({"layers.*.self_attn.q_proj": "colwise"}, "model.layers.3.self_attn.q_proj.weight")
    'colwise'
    """
    for pattern, how in plan.items():
        shape = re.escape(pattern).replace(r"\*", r"\d+")
        if re.search(rf"(^|\.){shape}(\.(weight|bias))?$", tensor):
            return how
    return ""
