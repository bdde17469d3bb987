"""Plain PyTorch: a `model.py` without `transformers`, where the user names the class and its arguments.

The arguments are one JSON object.  It holds the constructor's parameters by name, or the fields of its one argument: a dataclass, a
configuration class, a dict, or any object with attributes.  Which of these is read off the constructor: its annotation, else how it
uses the parameter.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from archviz.errors import BadConfigError, UsageError
from archviz.interpreter.build import evaluate
from archviz.interpreter.control import RaisedError, UnsupportedError
from archviz.interpreter.inputs import ARGUMENTS
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.modules import SourceModule
from archviz.interpreter.parsing import body_of
from archviz.interpreter.registering import define_registering
from archviz.interpreter.values import ClassValue, FunctionValue, Instance, ModuleInstance
from archviz.records import record
from archviz.settings import Limits
from archviz.sources.custom_code import ROOT, CustomCode, inside, own_class
from archviz.sources.installed import read_source

CLASS_KEY = "@class"
_MOST_FILES = 1000
_DEEPEST = 16


@record(frozen=True)
class PlainCode:
    """A file or folder of plain PyTorch and the arguments of the class to build.

    Args:
        code: The folder that the file's own imports are looked up in.
        file: The file, where the user named one.
        arguments: The constructor's arguments as JSON gives them.
    """

    code: CustomCode
    file: Path | None
    arguments: dict[str, Any]


def plain_code(path: Path, arguments: dict[str, Any]) -> PlainCode:
    """A file or folder as plain PyTorch code.

    Raises:
        UsageError: There is no such file.
    """
    if not path.exists():
        raise UsageError("there is no such file", where=str(path)[:200])
    folder = path if path.is_dir() else path.parent
    return PlainCode(CustomCode(folder, {}, ""), None if path.is_dir() else path, arguments)


def build_plain_model(
    interp: Interpreter, plain: PlainCode, class_name: str | None, limits: Limits
) -> tuple[ModuleInstance, Any]:
    """Run the class's `__init__` with the arguments given.

    Returns:
        The model, and the object of arguments that it was built from (None where its parameters are plain values).

    Raises:
        UsageError: No class is named, or the code has none of this name.
        BadConfigError: The class is no `nn.Module`, or does not take these arguments.
    """
    if not class_name or not class_name.isidentifier():
        raise UsageError("which class is built must be named for plain code", where="--class", hint="--class NAME")
    assert plain.code.folder is not None
    file = plain.file or _file_of_class(plain.code.folder, class_name, limits)
    if not file.stem.isidentifier():
        raise UsageError(f"{file.name} is not the name of a Python module", where=str(file)[:200])
    cls = own_class(interp, plain.code, f"{file.stem}.{class_name}", "--class")
    given = constructor_arguments(interp, cls, plain.arguments)
    define_registering(interp, cls.source_module)
    interp.state[ARGUMENTS] = {**_defaults(cls), **_held(given), **plain.arguments}
    model = interp.call(cls, [], given)
    if not isinstance(model, ModuleInstance):
        raise BadConfigError(f"{class_name} did not build a module", where=file.name)
    evaluate(interp, model)
    return model, next((value for value in given.values() if isinstance(value, Instance)), None)


def _defaults(cls: ClassValue) -> dict[str, Any]:
    """What the constructor's parameters are where nothing is given."""
    init = cls.find("__init__")
    if not isinstance(init, FunctionValue):
        return {}
    spec = init.node.args
    positional = [each.arg for each in [*spec.posonlyargs, *spec.args]][-len(init.defaults) or None :]
    named = zip([each.arg for each in spec.kwonlyargs], init.kw_defaults, strict=True)
    return {**dict(zip(positional, init.defaults, strict=False)), **dict(named)}


def _held(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of the objects that a constructor is given."""
    objects = (value for value in given.values() if isinstance(value, Instance))
    return {name: value for each in objects for name, value in each.attrs.items()}


def _file_of_class(folder: Path, name: str, limits: Limits) -> Path:
    """The one file of the folder that defines the class."""
    pattern = re.compile(rf"^class {re.escape(name)}\b", re.MULTILINE)
    base = folder.resolve()
    files = sorted(folder.glob("*.py"))[:_MOST_FILES]
    found = [
        file for file in files if pattern.search(read_source(file.stem, inside(base, file), file.name, limits).text)
    ]
    if not found:
        raise UsageError(f"no Python file of the folder defines a class {name}", where=str(folder)[:200])
    if len(found) > 1:
        names = ", ".join(file.name for file in found[:6])
        raise UsageError(
            f"several files define a class {name}: {names}", where=str(folder)[:200], hint="Name the file."
        )
    return found[0]


def constructor_arguments(interp: Interpreter, cls: ClassValue, values: dict[str, Any]) -> dict[str, Any]:
    """The JSON object as keyword arguments of a class's constructor.

    Raises:
        BadConfigError: A key is no parameter, or it is not clear which class an argument is of.
    """
    init = cls.find("__init__")
    if not isinstance(init, FunctionValue):
        return _fields(interp, cls, values)
    spec = init.node.args
    named = [*spec.posonlyargs, *spec.args][1:]
    required = named[: len(named) - len(spec.defaults)] + [
        each for each, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if default is None
    ]
    parameters = {each.arg: each for each in [*named, *spec.kwonlyargs]}
    given = {name for name in values if name != CLASS_KEY}
    takes_all = given <= set(parameters) or spec.kwarg is not None
    if takes_all and CLASS_KEY not in values and all(each.arg in given for each in required):
        return {name: _argument(interp, init, parameters.get(name), value) for name, value in values.items()}
    if len(required) == 1:
        return {required[0].arg: _argument(interp, init, required[0], values)}
    missing = [each.arg for each in required if each.arg not in given]
    wrong = sorted(given - set(parameters))
    problem = f"lacks {', '.join(missing)}" if missing else f"has no parameter {', '.join(wrong)}"
    raise BadConfigError(
        f"{cls.name}.__init__ {problem}"[:300], where="--args", hint=f"It takes {', '.join(parameters)}."[:300]
    )


def _argument(
    interp: Interpreter, function: FunctionValue, parameter: ast.arg | None, value: Any, depth: int = 0
) -> Any:
    """A JSON value as one argument: an object becomes what the constructor expects there."""
    if not isinstance(value, dict) or parameter is None or depth > _DEEPEST:
        return value
    if CLASS_KEY in value:
        return _object(interp, _named_class(function.module, str(value[CLASS_KEY])), value, depth)
    cls = _annotated(function.module, parameter.annotation)
    if cls is not None:
        return _object(interp, cls, value, depth)
    if _is_dict(parameter.annotation):
        return value
    spread = parameter.annotation is not None or _is_used_as_dict(function, parameter.arg)
    fitting = [] if spread else _fitting_classes(function.module, value)
    if len(fitting) > 1:
        names = ", ".join(each.name for each in fitting[:6])
        raise BadConfigError(
            f"the argument {parameter.arg} may be of several classes: {names}",
            where="--args",
            hint=f'Say which: {{"{CLASS_KEY}": "{fitting[0].name}", …}}.',
        )
    if fitting:
        return _object(interp, fitting[0], value, depth)
    return _attribute_dict(interp, value)


def _is_dict(annotation: ast.expr | None) -> bool:
    """Whether an annotation says that a parameter is a plain dict."""
    if isinstance(annotation, ast.Subscript):
        return _is_dict(annotation.value)
    name = annotation.attr if isinstance(annotation, ast.Attribute) else getattr(annotation, "id", None)
    return name in ("dict", "Dict", "Mapping", "MutableMapping")


def _attribute_dict(interp: Interpreter, values: dict[str, Any], cls: ClassValue | None = None) -> Instance:
    """A dict whose keys are attributes as well, nested ones too: what constructors take that do not say what they take."""
    if cls is None:
        methods = {"__getattr__": interp.native("arguments.__getattr__", _key_as_attribute),
                   "__setattr__": interp.native("arguments.__setattr__", _set_key)}  # fmt: skip
        cls = ClassValue(interp, "arguments", f"{ROOT}.arguments", [], methods, host_base=dict)
    result = Instance(cls)
    result.payload = {key: _nested(interp, each, cls) for key, each in values.items()}
    return result


def _nested(interp: Interpreter, value: Any, cls: ClassValue) -> Any:
    if isinstance(value, dict):
        return _attribute_dict(interp, value, cls)
    return [_nested(interp, each, cls) for each in value] if isinstance(value, list) else value


def _key_as_attribute(interp: Interpreter, self: Instance, name: str) -> Any:
    if name not in self.payload:
        error = AttributeError(f"the arguments have no {name}")
        raise RaisedError(error, interp.here(), explicit=False)
    return self.payload[name]


def _set_key(interp: Interpreter, self: Instance, name: str, value: Any) -> None:
    interp.twins.written(self)
    self.payload[name] = value


def _object(interp: Interpreter, cls: ClassValue, values: dict[str, Any], depth: int) -> Any:
    """An object of an argument class, its own fields converted the same way."""
    given = {name: value for name, value in values.items() if name != CLASS_KEY}
    init = cls.find("__init__")
    if isinstance(init, FunctionValue):
        spec = init.node.args
        parameters = {each.arg: each for each in [*spec.args, *spec.kwonlyargs]}
        converted = {
            name: _argument(interp, init, parameters.get(name), value, depth + 1) for name, value in given.items()
        }
        return interp.call(cls, [], converted)
    if init is not None:
        return interp.call(cls, [], _fields(interp, cls, given, depth + 1))
    unknown = [name for name in given if not cls.has(name) and not _annotation(cls, name)]
    if unknown:
        raise BadConfigError(f"{cls.name} has no field {unknown[0]}"[:300], where="--args")
    result = interp.call(cls, [], {})  # a class of plain attributes, such as a namespace of constants
    for name, value in given.items():
        interp.set_attribute(result, name, value)
    return result


def _fields(interp: Interpreter, cls: ClassValue, values: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    """The fields of a dataclass, those that are annotated with a class of their own built from their objects."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        found = _annotation(cls, name)
        inner = _annotated(found[1], found[0]) if found and isinstance(value, dict) and depth <= _DEEPEST else None
        result[name] = value if inner is None else _object(interp, inner, value, depth)
    return result


def _annotation(cls: ClassValue, name: str) -> tuple[ast.expr, SourceModule] | None:
    for each in cls.mro:
        if name in each.annotations and each.source_module is not None:
            return each.annotations[name], each.source_module
    return None


def _annotated(module: SourceModule, node: ast.expr | None) -> ClassValue | None:
    """The class of the code itself that an annotation names, `Optional` and `| None` seen through."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        name: str | None = node.value
    elif isinstance(node, ast.BinOp):
        return _annotated(module, node.left) or _annotated(module, node.right)
    elif isinstance(node, ast.Subscript):
        return _annotated(module, node.slice)
    else:
        name = node.id if isinstance(node, ast.Name) else None
    return _class_named(module, name) if name else None


def _class_named(module: SourceModule, name: str) -> ClassValue | None:
    try:
        found = module.lookup(name)
    except (KeyError, RaisedError, UnsupportedError):
        return None
    return found if isinstance(found, ClassValue) and not found.is_library and not found.is_module else None


def _named_class(module: SourceModule, name: str) -> ClassValue:
    found = _class_named(module, name) if name.isidentifier() else None
    if found is None:
        raise BadConfigError(f"the code has no argument class {name[:100]!r}", where=f"--args, {CLASS_KEY}")
    return found


def _fitting_classes(module: SourceModule, values: dict[str, Any]) -> list[ClassValue]:
    """The argument classes of a file that have all these fields: where the constructor does not say which it takes."""
    found: list[ClassValue] = []
    for name in list(module.index):
        cls = _class_named(module, name) if name[:1].isupper() else None
        if cls is not None and "__dataclass_fields__" in cls.namespace and cls not in found:
            if set(values) <= set(cls.namespace["__dataclass_fields__"]):
                found.append(cls)
    return found


def _is_used_as_dict(function: FunctionValue, name: str) -> bool:
    """Whether a function takes items of a parameter (`config["dim"]`, `config.get("dim")`, `**config`)."""
    if not isinstance(function.node, ast.Lambda):
        body_of(function.node)
    return any(isinstance(value, ast.Name) and value.id == name for value in _taken_apart(function.node))


def _taken_apart(node: ast.AST) -> Iterator[ast.expr]:
    """What a function subscripts by a constant, asks as a mapping, or spreads into keyword arguments."""
    for each in ast.walk(node):
        is_item = isinstance(each, ast.Subscript) and isinstance(each.slice, ast.Constant)
        is_mapping = isinstance(each, ast.Attribute) and each.attr in ("get", "items", "keys")
        is_spread = isinstance(each, ast.keyword) and each.arg is None
        if is_item or is_mapping or is_spread:
            yield each.value  # type: ignore[attr-defined] # all three kinds of node have one
