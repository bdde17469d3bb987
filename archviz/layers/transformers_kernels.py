"""Where the Hub's kernels and the attention functions come in: what is read is the reference function, and its event says for what.

A kernel from the Hub, or from an optional package, replaces a function or a module's `forward` and computes the same.  The code that it
replaces is interpreted; its events carry the kernel's name.  Of the attention implementations the one that was asked for is called, and
its event says which it is.
"""

from __future__ import annotations

from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ClassValue, FunctionValue, Instance

HUB = "transformers.integrations.hub_kernels"
ATTRIBUTE = "kernel_layer_name"  # where the kernels package keeps it on a class


def register(library: Library) -> None:
    @library.function(f"{HUB}.use_kernel_forward_from_hub", f"{HUB}.use_kernel_func_from_hub")
    def replaced(interp: Interpreter, name: Any, *args: Any, **kwargs: Any) -> Any:
        return lambda value: named(value, name)

    @library.function(f"{HUB}.use_kernel_func_from_hub_with_fallback")
    def replaced_or_package(interp: Interpreter, name: Any, package: Any = None, *args: Any, **kwargs: Any) -> Any:
        return lambda value: named(value, name, package)

    @library.method("transformers.modeling_utils.AttentionInterface.get_interface")
    def get_interface(interp: Interpreter, self: Instance, implementation: Any, default: Any) -> Any:
        """The attention function of an implementation.  Source: transformers/modeling_utils.py, AttentionInterface.get_interface."""
        wanted = implementation if isinstance(implementation, str) else "eager"
        found = default if wanted == "eager" else interp.get_item(self, wanted)
        if isinstance(found, FunctionValue):
            found.attrs["event_options"] = {**found.attrs.get("event_options", {}), "dispatch": wanted}
        return found


def named(value: Any, kernel: Any, package: Any = None) -> Any:
    """A function or class as it is, with the name of the kernel that may replace it, and of the package that may."""
    options = {"kernel": kernel, **({"kernel_package": package} if isinstance(package, str) else {})}
    if isinstance(value, FunctionValue) and isinstance(kernel, str):
        value.attrs["event_options"] = {**value.attrs.get("event_options", {}), **options}
    elif isinstance(value, ClassValue) and isinstance(kernel, str):
        value.namespace[ATTRIBUTE] = kernel
    return value
