"""Forward hooks, and functions applied to every part of a model.  Source: torch/nn/modules/module.py."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Instance, ModuleInstance

MODULE = "torch.nn.Module"
HANDLE = "torch.utils.hooks.RemovableHandle"
BEFORE, AFTER = "_forward_pre_hooks", "_forward_hooks"
WITHOUT_EFFECT = (
    "register_load_state_dict_pre_hook", "register_full_backward_hook", "register_full_backward_pre_hook", "register_backward_hook",
    "_register_load_state_dict_pre_hook", "_register_state_dict_hook", "register_state_dict_post_hook",
    "register_load_state_dict_post_hook", "register_state_dict_pre_hook",
)  # fmt: skip


def register(library: Library) -> None:
    library.declare(HANDLE)

    @library.method(f"{HANDLE}.remove")
    def remove(interp: Interpreter, self: Instance) -> None:
        module, table = self.attrs.get("module"), self.attrs.get("table", "")
        if isinstance(module, ModuleInstance):
            interp.twins.written(module)
            module.attrs[table] = tuple(each for each in module.attrs.get(table, ()) if each[2] is not self)

    library.method(f"{HANDLE}.__enter__")(lambda interp, self: self)
    library.method(f"{HANDLE}.__exit__")(lambda interp, self, *args: remove(interp, self))
    for name in WITHOUT_EFFECT:
        library.method(f"{MODULE}.{name}")(lambda interp, self, *args, **kwargs: _handle(interp, None, ""))
    for name, table in (("register_forward_pre_hook", BEFORE), ("register_forward_hook", AFTER)):

        @library.method(f"{MODULE}.{name}")
        def register_hook(interp: Interpreter, self: ModuleInstance, hook: Any, *, prepend: bool = False, with_kwargs: bool = False,
                          always_call: bool = False, _table: str = table) -> Instance:  # fmt: skip
            interp.twins.written(self)
            handle = _handle(interp, self, _table)
            held, new = self.attrs.get(_table, ()), ((hook, with_kwargs, handle),)
            self.attrs[_table] = new + held if prepend else held + new
            return handle

    @library.method(f"{MODULE}.apply")
    def apply(interp: Interpreter, self: ModuleInstance, fn: Any) -> ModuleInstance:
        """Call `fn` with every part, the innermost first, and with the module itself."""
        seen: set[int] = set()
        for child in list(self.modules.values()):
            if isinstance(child, ModuleInstance) and id(child) not in seen:
                seen.add(id(child))
                interp.call(interp.get_attribute(child, "apply"), [fn], {})
        interp.call(fn, [self], {})
        return self


def _handle(interp: Interpreter, module: ModuleInstance | None, table: str) -> Instance:
    handle = interp.allocate(interp.library_name(HANDLE), [], {})
    handle.attrs.update(module=module, table=table)
    return handle


def changed_arguments(
    interp: Interpreter, module: ModuleInstance, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What a module's pre-hooks make of its arguments."""
    for hook, with_kwargs, _ in module.attrs.get(BEFORE, ()):
        found = interp.call(hook, [module, args, *([kwargs] if with_kwargs else [])], {})
        if found is None:
            continue
        if with_kwargs and isinstance(found, tuple) and len(found) == 2:
            args, kwargs = found
        else:
            args = found if isinstance(found, tuple) else (found,)
    return args, kwargs


def changed_result(
    interp: Interpreter, module: ModuleInstance, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> Any:
    """What a module's forward hooks make of its result."""
    for hook, with_kwargs, _ in module.attrs.get(AFTER, ()):
        found = interp.call(hook, [module, args, *([kwargs] if with_kwargs else []), result], {})
        result = result if found is None else found
    return result
