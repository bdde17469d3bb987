"""`contextlib.contextmanager`: a generator whose one `yield` is where the `with` block runs.  Source: Lib/contextlib.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archviz.interpreter.control import BudgetSpentError, RaisedError
from archviz.interpreter.values import FunctionValue, NativeFunction

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter


class GeneratorManager:
    """What a call of a `contextmanager` function gives.

    Args:
        interp: The interpreter.
        function: The generator function.
        args: What it is called with.
        kwargs: The same by name.
    """

    __slots__ = ("_args", "_generator", "_interp", "_kwargs", "function")

    def __init__(self, interp: Interpreter, function: FunctionValue, args: list[Any], kwargs: dict[str, Any]) -> None:
        self._interp = interp
        self.function = function
        self._args = args
        self._kwargs = kwargs
        self._generator = interp.call(function, list(args), kwargs)
        if hasattr(self._generator, "frame"):
            self._generator.frame.recovers = False  # an error of the block is the block's

    def again(self) -> GeneratorManager:
        """A new one from the same call."""
        return GeneratorManager(self._interp, self.function, self._args, self._kwargs)

    def enter(self) -> Any:
        """Run to the `yield`; gives what it yields."""
        return self._interp.call(self._interp.builtin("next"), [self._generator], {})

    def leave(self, error: RaisedError | None = None) -> bool:
        """Run on from the `yield`, where the error that ended the block is raised; whether it goes no further."""
        if not hasattr(self._generator, "throw"):
            return False
        try:
            if error is None:
                next(self._generator)
            else:
                self._generator.throw(error)
        except StopIteration:
            return error is not None
        except RaisedError as raised:
            if error is not None and raised.value is error.value:
                return False
            raise
        raise RaisedError(RuntimeError("generator didn't stop"), self._interp.here(), explicit=False)


def decorated(interp: Interpreter, manager: GeneratorManager, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A manager as a decorator: every call of the function runs in a new one."""
    (function,) = args

    def run(interp: Interpreter, *args: Any, **kwargs: Any) -> Any:
        around = manager.again()
        around.enter()
        try:
            with interp.guarded():
                result = interp.call(function, list(args), kwargs)
        except RaisedError as error:
            if around.leave(error):
                return None
            raise
        except BudgetSpentError:
            raise
        except BaseException:
            around.leave()
            raise
        around.leave()
        return result

    wrapper: NativeFunction = interp.native(getattr(function, "name", "decorated"), run)
    wrapper.attrs["__wrapped__"] = function
    return wrapper
