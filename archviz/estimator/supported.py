"""The layer classes that an estimator has: read from a folder of Python files as syntax, never imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from archviz.errors import UsageError
from archviz.records import field, record
from archviz.settings import Limits

_MOST_FILES = 2_000
_NO_LAYERS = {"Enum", "IntEnum", "StrEnum", "Flag", "Exception", "ValueError", "Protocol", "NamedTuple", "TypedDict"}
_DATACLASSES = {"dataclass", "record", "define", "frozen", "attrs", "s"}
_FIELD_BASES = {"BaseModel", "Struct"}  # of pydantic and msgspec: a class of fields without a decorator
_Classes = dict[str, list["_Found"]]
"""Name → the classes of that name, one for each file that has one."""


@record(frozen=True)
class Argument:
    """A constructor parameter: its name, annotation and default as they are written; `required` without a default."""

    name: str
    annotation: str | None = None
    default: str | None = None

    @property
    def required(self) -> bool:
        return self.default is None


@record(frozen=True)
class LayerClass:
    """A layer class of an estimator.

    Args:
        name: As the class is called.
        module: Dotted name of its file below the folder's parent: `estimator_layers.attention`.
        docstring: Its first paragraph on one line, or empty.
        arguments: Constructor parameters without `self`, also those of a base class in the folder.
        at: `file:line`, relative to the folder.
    """

    name: str
    module: str
    docstring: str
    arguments: tuple[Argument, ...]
    at: str


@record
class _Found:
    """A class definition in the folder."""

    node: ast.ClassDef
    module: str
    at: str
    bases: list[str] = field(default_factory=list)


def read_layer_classes(folder: Path, limits: Limits | None = None) -> list[LayerClass]:
    """Every layer class in a folder: public, concrete, with a constructor that takes something.

    Enumerations, exceptions, protocols and abstract classes are none. Hidden folders, `tests` and `test_*.py` are passed by.

    Raises:
        UsageError: The folder does not exist or holds no layer class, a file of it does not parse, or two layer classes have one name.
    """
    classes: _Classes = {}
    for path in class_files(folder):
        for each in _classes_of(path, folder, limits or Limits()):
            classes.setdefault(each.node.name, []).append(each)
    layers = []
    for name, namesakes in classes.items():
        found = [_layer(each, classes) for each in namesakes if _is_layer(each, classes)]
        fit = [layer for layer in found if layer.arguments]
        if len(fit) > 1:
            places = " and ".join(layer.at for layer in fit[:3])
            raise UsageError(
                f"{len(fit)} layer classes are called {name}: {places}",
                where=str(folder),
                hint="rename one, or give the folder of one of them",
            )
        layers += fit
    if not layers:
        raise UsageError(
            "the folder holds no layer class",
            where=str(folder),
            hint="a public class with constructor parameters is one",
        )
    return sorted(layers, key=lambda layer: (layer.module, layer.name))


def _classes_of(path: Path, folder: Path, limits: Limits) -> Iterator[_Found]:
    """The classes of a file, of those that it defines twice the last."""
    place = path.relative_to(folder)
    module = ".".join([folder.resolve().name, *place.with_suffix("").parts]).removesuffix(".__init__")
    nodes = {node.name: node for node in _parsed(path, folder, limits).body if isinstance(node, ast.ClassDef)}
    for node in nodes.values():
        bases = [name for base in node.bases if (name := _last_name(base))]
        yield _Found(node, module, f"{place.as_posix()}:{node.lineno}", bases)


def class_files(folder: Path) -> list[Path]:
    """The Python files of a folder of layer classes, tests and hidden ones left out.

    Raises:
        UsageError: There is no such folder, no such file in it, or there are too many.
    """
    if not folder.exists():
        raise UsageError(
            "the folder of layer classes does not exist", where=str(folder), hint="give a folder of .py files"
        )
    if not folder.is_dir():
        raise UsageError("the layer classes are to be a folder", where=str(folder), hint="give the folder of the file")
    root = folder.resolve()
    found = []
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part in ("tests", "__pycache__") for part in parts[:-1])
        inside = path.resolve().is_relative_to(root)  # a link that leads out of the folder is not followed
        if path.is_file() and inside and not hidden and not parts[-1].startswith("test_"):
            found.append(path)
    if not found:
        raise UsageError("the folder holds no Python file", where=str(folder), hint="give a folder of layer classes")
    if len(found) > _MOST_FILES:
        raise UsageError(f"the folder holds {len(found):,} Python files, more than {_MOST_FILES:,}", where=str(folder))
    return found


def _parsed(path: Path, folder: Path, limits: Limits) -> ast.Module:
    place = path.relative_to(folder).as_posix()
    try:
        if path.stat().st_size > limits.source_bytes:
            raise UsageError(f"the file is larger than {limits.source_bytes:,} bytes", where=str(path))
        return ast.parse(path.read_bytes(), filename=place)
    except SyntaxError as error:
        raise UsageError(
            f"the layer classes do not parse: {error.msg}",
            where=f"{path}:{error.lineno or 1}",
            hint="mend the file, or move it out of the folder",
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"the layer classes do not parse: {str(error)[:120]}", where=str(path)) from None
    except OSError as error:
        raise UsageError(f"the file cannot be read: {error.strerror}", where=str(path)) from None


def _is_layer(found: _Found, classes: _Classes) -> bool:
    family = list(_family(found, classes))
    named = {base for each in family for base in each.bases}
    if (
        found.node.name.startswith("_")
        or named & _NO_LAYERS
        or any(base.endswith(("Error", "Exception")) for base in named)
    ):
        return False
    return "ABC" not in found.bases and not _left_abstract(family)


def _left_abstract(family: Sequence[_Found]) -> bool:
    """Whether an abstract method of a class or of its bases has no body in a class nearer than it."""
    written: set[str] = set()
    for each in family:
        for node in each.node.body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            marks = {_last_name(mark) for mark in node.decorator_list}
            if marks & {"abstractmethod", "abstractproperty"} and node.name not in written:
                return True
            written.add(node.name)
    return False


def _family(found: _Found, classes: _Classes) -> Iterator[_Found]:
    """A class and its bases in the folder, nearest first; of bases of one name that of its own file."""
    seen: set[str] = set()
    waiting = [found]
    while waiting:
        each = waiting.pop(0)
        if each.at not in seen:
            seen.add(each.at)
            yield each
            for base in each.bases:
                known = [other for other in classes.get(base, ()) if other.at != each.at]
                waiting += sorted(known, key=lambda other, here=each.module: other.module != here)[:1]  # type: ignore[misc]


def _layer(found: _Found, classes: _Classes) -> LayerClass:
    text = ast.get_docstring(found.node) or ""
    first = " ".join(text.split("\n\n", 1)[0].split())
    return LayerClass(found.node.name, found.module, first, _arguments(found, classes), found.at)


def _arguments(found: _Found, classes: _Classes) -> tuple[Argument, ...]:
    """The parameters of the nearest constructor; of a class of fields its fields, those of its bases first."""
    family = list(_family(found, classes))
    of_fields = any(base in _FIELD_BASES for each in family for base in each.bases)
    for each in family:
        methods = {node.name: node for node in each.node.body if isinstance(node, ast.FunctionDef)}
        written = methods.get("__init__") or methods.get("__new__")
        if written is not None:
            return tuple(_parameters(written.args))
        if of_fields or _is_dataclass(each.node):
            fields: dict[str, Argument] = {}
            for base in reversed(family[family.index(each) :]):
                fields |= {argument.name: argument for argument in _fields(base.node)}
            return tuple(fields.values())
    return ()


def _parameters(arguments: ast.arguments) -> Iterator[Argument]:
    places = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(places) - len(arguments.defaults)) + list(arguments.defaults)
    for place, default in list(zip(places, defaults, strict=True))[1:]:
        yield Argument(place.arg, _written(place.annotation), _written(default))
    for place, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield Argument(place.arg, _written(place.annotation), _written(default))


def _fields(node: ast.ClassDef) -> Iterator[Argument]:
    for line in node.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            annotation = _written(line.annotation) or ""
            if not annotation.startswith(("ClassVar", "typing.ClassVar")):
                yield Argument(line.target.id, annotation, _written(line.value))


def _is_dataclass(node: ast.ClassDef) -> bool:
    return any(_last_name(mark) in _DATACLASSES for mark in node.decorator_list)


def _last_name(node: ast.expr) -> str | None:
    """`abstractmethod` of `abc.abstractmethod`, `dataclass` of `dataclass(frozen=True)`, `Base` of `Base[int]`."""
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    if isinstance(node, ast.Subscript):
        return _last_name(node.value)
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def _written(node: ast.expr | None) -> str | None:
    return None if node is None else ast.unparse(node)[:200]
