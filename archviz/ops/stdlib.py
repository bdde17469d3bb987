"""Stubs for the parts of Python's standard library that modelling code uses while it builds and runs."""

from __future__ import annotations

import ast
import collections
import copy
import functools
import math
import re
from collections.abc import Iterable
from typing import Any

from archviz.interpreter.attributes import MISSING
from archviz.interpreter.bounds import RefusedPatternError, check_regex
from archviz.interpreter.calls import make_instance, wrap_host
from archviz.interpreter.classes import NO_DEFAULT, FieldValue, dataclass, new_class
from archviz.interpreter.control import BudgetSpentError, RaisedError, UnsupportedError
from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.modules import SourceModule
from archviz.interpreter.named_tuples import make_record
from archviz.interpreter.values import (
    BoundMethod,
    ClassValue,
    FunctionValue,
    Instance,
    LibraryModule,
    ModuleInstance,
    NativeFunction,
    StaticMethod,
    Tensor,
    Unknown,
)

ABSENT = (
    "timm", "PIL", "flash_attn", "flash_attn_interface", "xformers", "causal_conv1d", "mamba_ssm", "fla", "apex",
    "deepspeed", "kernels", "tensorflow", "jax", "flax", "natten", "scipy", "sklearn", "torchvision", "torchaudio",
    "bitsandbytes", "accelerate", "peft", "librosa", "triton", "torch_npu", "torch_xla", "cv2", "sentencepiece",
    "mambapy", "xlstm", "mlstm_kernels", "detectron2", "pytesseract", "pytorch_quantization", "rwkv", "cuequivariance",
    "onnxruntime", "pyctcdecode", "phonemizer", "rjieba", "torch_scatter", "g2p_en", "levenshtein", "nltk",
)  # fmt: skip


OPERATORS: dict[str, type] = {
    "add": ast.Add, "sub": ast.Sub, "mul": ast.Mult, "truediv": ast.Div, "floordiv": ast.FloorDiv, "mod": ast.Mod, "pow": ast.Pow,
    "and_": ast.BitAnd, "or_": ast.BitOr, "xor": ast.BitXor, "matmul": ast.MatMult, "lshift": ast.LShift, "rshift": ast.RShift,
}  # fmt: skip


def register(library: Library) -> None:
    """Fill the table with the standard library."""
    library.absent.update(ABSENT)
    _register_math(library)
    _register_operator(library)
    _register_collections(library)
    _register_typing(library)
    _register_copy(library)
    _register_system(library)
    _register_dataclasses(library)


def _guarded(name: str, run: Any) -> Any:
    def guarded(interp: Interpreter, *args: Any, **kwargs: Any) -> Any:
        unknown = next((each for each in args if isinstance(each, Unknown)), None)
        if unknown is not None:
            return unknown
        values = [interp.op("torch.Tensor.item", each) if isinstance(each, Tensor) else each for each in args]
        values = [list(interp.iterate(each)) if isinstance(each, Iterable) else each for each in values]
        unknown = next((each for each in values if isinstance(each, Unknown)), None)
        if unknown is not None:
            return unknown
        if name in ("factorial", "comb", "perm") and any(isinstance(each, int) and each > 500 for each in values):
            raise BudgetSpentError(f"math.{name} of a large number", interp.here())
        return run(*values, **kwargs)

    return guarded


def _register_math(library: Library) -> None:
    for name in dir(math):
        if not name.startswith("_") and name != "prod":
            value = getattr(math, name)
            if callable(value):
                library.function(f"math.{name}")(_guarded(name, value))
            else:
                library.value(f"math.{name}", value)

    @library.function("math.prod")
    def prod(interp: Interpreter, values: Any, *, start: Any = 1) -> Any:
        total = start
        for each in interp.iterate(values):
            total = interp.binary(ast.Mult, total, each)
        return total


def _indexed(interp: Interpreter, value: Any) -> Any:
    if isinstance(value, Unknown):
        return value
    special = value.special("__index__") if isinstance(value, Instance) else None
    if special is not None:
        return special()
    if isinstance(value, Instance) and isinstance(value.payload, int):
        return value.payload
    raise TypeError(f"'{type(value).__name__}' object cannot be interpreted as an integer")


def _register_operator(library: Library) -> None:
    for name, syntax in OPERATORS.items():
        library.function(f"operator.{name}")(
            lambda interp, left, right, _syntax=syntax: interp.binary(_syntax, left, right)
        )

    @library.function("operator.index")
    def index(interp: Interpreter, value: Any) -> Any:
        """An integer as an index takes it: `value.__index__()`; anything but whole numbers is refused."""
        if isinstance(value, (float, str, bytes)) or value is None:
            raise TypeError(f"'{type(value).__name__}' object cannot be interpreted as an integer")
        return interp.call(int, [value], {}) if isinstance(value, (int, Tensor)) else _indexed(interp, value)

    @library.function("operator.attrgetter")
    def attrgetter(interp: Interpreter, *paths: str) -> Any:
        def get(value: Any) -> Any:
            found = tuple(functools.reduce(interp.get_attribute, path.split("."), value) for path in paths)
            return found[0] if len(paths) == 1 else found

        return get

    @library.function("operator.itemgetter")
    def itemgetter(interp: Interpreter, *keys: Any) -> Any:
        def get(value: Any) -> Any:
            found = tuple(interp.get_item(value, key) for key in keys)
            return found[0] if len(keys) == 1 else found

        return get


def _register_collections(library: Library) -> None:
    for name in ("OrderedDict", "defaultdict", "deque", "Counter"):
        library.value(f"collections.{name}", getattr(collections, name))
    library.function("collections.ChainMap")(
        lambda interp, *maps: collections.ChainMap(
            *(each.payload if isinstance(each, Instance) and isinstance(each.payload, dict) else each for each in maps)
        )
    )
    library.declare("collections.UserDict", host_base=dict)

    @library.method("collections.UserDict.__init__")
    def user_dict(interp: Interpreter, self: Instance, values: Any = None, /, **more: Any) -> None:
        self.payload.update(values or {}, **more)

    for name in (
        "Callable", "Iterable", "Mapping", "MutableMapping", "Sequence", "Iterator", "Generator", "Sized", "Hashable",
        "Collection", "KeysView", "ValuesView", "ItemsView", "MutableSequence", "Set", "Awaitable", "AsyncIterator",
        "AsyncGenerator", "Coroutine", "Container",
    ):  # fmt: skip
        library.declare(f"collections.abc.{name}")
    _register_mapping(library)
    for name in ("Number", "Integral", "Real"):
        library.declare(f"numbers.{name}")

    @library.function("collections.namedtuple")
    def namedtuple(interp: Interpreter, name: str, fields: Any, **kwargs: Any) -> Any:
        names = fields.replace(",", " ").split() if isinstance(fields, str) else list(fields)
        given = list(kwargs.get("defaults") or ())
        return make_record(interp, name, names, dict(zip(names[len(names) - len(given) :], given, strict=True)))


def _register_mapping(library: Library) -> None:
    """The methods that `collections.abc.MutableMapping` derives from `__getitem__` and its kin."""
    mapping = "collections.abc.MutableMapping"

    @library.method(f"{mapping}.get")
    def get(interp: Interpreter, self: Any, key: Any, default: Any = None) -> Any:
        try:
            with interp.guarded():
                return self[key]
        except (RaisedError, KeyError):
            return default

    library.method(f"{mapping}.keys")(lambda interp, self: list(self))
    library.method(f"{mapping}.values")(lambda interp, self: [self[key] for key in self])
    library.method(f"{mapping}.items")(lambda interp, self: [(key, self[key]) for key in self])
    library.method(f"{mapping}.__contains__")(lambda interp, self, key: any(key == each for each in self))

    @library.method(f"{mapping}.update")
    def update(interp: Interpreter, self: Any, other: Any = (), **values: Any) -> None:
        for key, value in {**dict(other), **values}.items():
            self[key] = value


def _register_typing(library: Library) -> None:
    for root in ("typing", "typing_extensions"):
        library.value(f"{root}.TYPE_CHECKING", True)
        for name in (
            "Any", "Union", "Optional", "Callable", "Literal", "ClassVar", "Tuple", "List", "Dict", "Type", "Iterable",
            "Sequence", "Mapping", "Generic", "Protocol", "Unpack", "Final", "Iterator", "Generator", "NoReturn", "Set",
            "TypeAlias", "Self", "ParamSpec", "Concatenate", "Annotated", "Required", "NotRequired", "Never", "Text",
            "MutableMapping", "Hashable", "Deque", "DefaultDict", "OrderedDict", "Awaitable", "Collection", "SupportsIndex",
        ):  # fmt: skip
            library.declare(f"{root}.{name}")
        library.declare(f"{root}.TypedDict", host_base=dict)
        library.declare(f"{root}.NamedTuple")
        library.function(f"{root}.TypeVar")(lambda interp, *args, **kwargs: object)
        library.function(f"{root}.NewType")(lambda interp, name, base: base)
        library.function(f"{root}.cast")(lambda interp, kind, value: value)
        library.function(f"{root}.get_type_hints")(lambda interp, value, **kwargs: {})
        library.function(f"{root}.get_args", f"{root}.get_origin")(lambda interp, value: ())
        for name in ("overload", "final", "no_type_check", "runtime_checkable", "override"):
            library.function(f"{root}.{name}")(lambda interp, function: function)
        library.function(f"{root}.dataclass_transform", f"{root}.deprecated")(
            lambda interp, *args, **kwargs: lambda value: value
        )
    library.declare("builtins.type")
    library.classes["builtins.type"].methods["__new__"] = StaticMethod(new_class)
    library.method("builtins.type.__init__")(lambda interp, self, *args, **kwargs: None)
    library.method("builtins.type.__call__")(
        lambda interp, self, *args, **kwargs: make_instance(interp, self, list(args), kwargs)
    )
    library.declare("abc.ABC")
    library.declare("abc.ABCMeta")
    library.function("abc.abstractmethod")(lambda interp, function: function)


def _register_copy(library: Library) -> None:
    @library.function("copy.deepcopy")
    def deepcopy(interp: Interpreter, value: Any, memo: Any = None) -> Any:
        return copied(interp, value, {})

    @library.function("copy.copy", "copy.replace")
    def shallow(interp: Interpreter, value: Any) -> Any:
        """A new object with the same attributes; a module shares its registries, so that a part put into one is in both."""
        if isinstance(value, Instance):
            twin = type(value)(value.cls)
            twin.attrs = dict(value.attrs)
            twin.payload = copy.copy(value.payload)
            if isinstance(value, ModuleInstance) and isinstance(twin, ModuleInstance):
                twin.parameters, twin.buffers, twin.modules = value.parameters, value.buffers, value.modules
                twin.transient, twin.created_at = value.transient, value.created_at
            return twin
        return copy.copy(value) if isinstance(value, (list, dict, set)) else value


def copied(interp: Interpreter, value: Any, memo: dict[int, Any]) -> Any:
    """`copy.deepcopy`: containers, objects, modules and tensors are new; classes, functions and constants shared."""
    if id(value) in memo:
        return memo[id(value)]
    interp.step()
    if isinstance(value, Tensor):
        if value.is_parameter:
            interp.count_part()
        return memo.setdefault(id(value), copied_tensor(value))
    if isinstance(value, dict):
        twin: Any = copy.copy(value)
        memo[id(value)] = twin
        for key in list(twin):
            twin[key] = copied(interp, twin[key], memo)
        return twin
    if type(value) in (list, set):
        return memo.setdefault(id(value), type(value)(copied(interp, each, memo) for each in value))
    if type(value) is tuple:
        return tuple(copied(interp, each, memo) for each in value)
    if isinstance(value, Instance) and value.cls.enum_members is None:
        return _copied_instance(interp, value, memo)
    return value


def _copied_instance(interp: Interpreter, value: Instance, memo: dict[int, Any]) -> Instance:
    if isinstance(value, ModuleInstance):
        interp.count_part()
    twin = type(value)(value.cls)
    memo[id(value)] = twin
    twin.attrs = {name: copied(interp, each, memo) for name, each in value.attrs.items()}
    twin.payload = copied(interp, value.payload, memo)
    if isinstance(value, ModuleInstance) and isinstance(twin, ModuleInstance):
        _copy_registries(value, twin, lambda each: copied(interp, each, memo))
    return twin


def _copy_registries(value: ModuleInstance, twin: ModuleInstance, copy_one: Any) -> None:
    twin.parameters = {name: copy_one(each) for name, each in value.parameters.items()}
    twin.buffers = {name: copy_one(each) for name, each in value.buffers.items()}
    twin.modules = {name: copy_one(each) for name, each in value.modules.items()}
    twin.transient = value.transient
    twin.created_at = value.created_at


def copied_tensor(value: Tensor) -> Tensor:
    twin = Tensor(value.shape, value.dtype, value.data, value.at)
    twin.is_parameter = value.is_parameter
    twin.requires_grad = value.requires_grad
    return twin


def _register_system(library: Library) -> None:
    library.function("os.getenv", "os.environ.get")(lambda interp, name, default=None: default)
    library.value("os.environ", {})
    library.value("os.PathLike", str)
    library.function("os.path.join")(lambda interp, *parts: "/".join(map(str, parts)))
    library.function("os.path.exists", "os.path.isfile", "os.path.isdir")(lambda interp, path: False)
    library.function("os.path.basename")(lambda interp, path: str(path).rpartition("/")[2])
    library.value("sys.version_info", (3, 11, 0))
    library.value("sys.maxsize", 2**63 - 1)
    library.value("sys.platform", "linux")
    library.value("string.ascii_uppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    for name in ("warn", "filterwarnings", "simplefilter", "warn_explicit"):
        library.function(f"warnings.{name}")(lambda interp, *args, **kwargs: None)
    library.function("time.time", "time.perf_counter")(lambda interp: 0.0)
    library.declare("contextvars.ContextVar")
    library.declare("threading.Lock")
    library.declare("threading.local")
    for name in ("match", "search", "fullmatch", "findall", "finditer", "sub", "split", "compile", "escape"):
        library.function(f"re.{name}")(_regex(name))
    library.declare("weakref.WeakKeyDictionary", host_base=dict)
    library.function("weakref.ref")(lambda interp, value: lambda: value)
    _register_inspect(library)
    for name in ("dumps", "loads", "dump", "load"):
        library.function(f"json.{name}")(lambda interp, *args, **kwargs: Unknown("json text", interp.here()))
    library.value("__future__.annotations", None)

    @library.function("importlib.import_module")
    def import_module(interp: Interpreter, name: str, package: str | None = None) -> Any:
        dotted = f"{package}{name}" if name.startswith(".") and package else name
        interp.require_module(dotted)
        return interp.import_name(dotted, None, interp.here())

    @library.function("importlib.util.find_spec")
    def find_spec(interp: Interpreter, name: Any, package: str | None = None) -> Any:
        """None for a module that counts as absent, as in `if importlib.util.find_spec("flash_attn")`."""
        if not isinstance(name, str):
            return name if isinstance(name, Unknown) else Unknown("the name of a module", interp.here())
        absent = name.partition(".")[0] in interp.library.absent or interp.find_module(name) is None
        return None if absent else LibraryModule(name)

    @library.function("importlib.metadata.version")
    def installed_version(interp: Interpreter, name: Any) -> Any:
        """The release of a package that is read or stood for; one that counts as absent is not found."""
        if not isinstance(name, str) or name in interp.library.absent:
            from importlib.metadata import PackageNotFoundError  # imports half of `email`

            raise RaisedError(PackageNotFoundError(name), interp.here(), explicit=False)
        return interp.import_name(name, "__version__", interp.here())

    library.function("packaging.version.parse", "packaging.version.Version")(lambda interp, text: version_tuple(text))


def _regex(name: str) -> Any:
    def run(interp: Interpreter, pattern: Any, *args: Any, **kwargs: Any) -> Any:
        source = getattr(pattern, "pattern", pattern)
        if not isinstance(source, str) or len(source) > 2000 or any(isinstance(a, Unknown) for a in args):
            return Unknown(f"re.{name} of this pattern", interp.here())
        try:
            check_regex(interp, source, () if name == "escape" else [*args, *kwargs.values()])
        except RefusedPatternError as error:
            return Unknown(f"re.{name}: {error}", interp.here())
        return getattr(re, name)(pattern, *args, **kwargs)

    return run


def version_tuple(text: Any) -> tuple[int, ...]:
    """A version as numbers, so that versions compare; suffixes are left out."""
    return tuple(int(part) for part in re.findall(r"\d+", str(text))[:4])


def _register_inspect(library: Library) -> None:
    @library.function("inspect.signature", "inspect.getfullargspec")
    def signature(interp: Interpreter, function: Any) -> Any:
        names = parameter_names(function)
        return Unknown("the signature of a library function", interp.here()) if names is None else SignatureValue(names)

    library.function("inspect.isclass")(lambda interp, value: isinstance(value, (ClassValue, type)))
    library.function("inspect.isfunction", "inspect.ismethod")(
        lambda interp, value: isinstance(value, (FunctionValue, BoundMethod))
    )
    library.value("inspect.Parameter.VAR_KEYWORD", "VAR_KEYWORD")
    library.value("inspect.Parameter.empty", MISSING)


class ParameterValue:
    """One parameter of a signature."""

    ARCHVIZ_ATTRIBUTES = ("name", "kind", "default")

    def __init__(self, name: str, kind: str) -> None:
        self.name, self.kind, self.default = name, kind, MISSING


class SignatureValue:
    """`inspect.signature`: the parameters by name."""

    ARCHVIZ_ATTRIBUTES = ("parameters", "args")

    def __init__(self, names: dict[str, str]) -> None:
        self.parameters = {name: ParameterValue(name, kind) for name, kind in names.items()}
        self.args = list(names)


def parameter_names(function: Any) -> dict[str, str] | None:
    """Parameter name → kind of an interpreted function, seen through `functools.wraps`; None for a library function."""
    receiver = isinstance(function, BoundMethod)
    while isinstance(function, BoundMethod):
        function = function.function
    if isinstance(function, ClassValue) and function.has("__init__"):
        function, receiver = function.lookup("__init__"), True
    while isinstance(function, (FunctionValue, NativeFunction)) and "__wrapped__" in function.attrs:
        function = function.attrs["__wrapped__"]
    if isinstance(function, NativeFunction) and "fields" in function.attrs:  # the `__init__` of a dataclass
        fields = function.attrs["fields"]
        return {
            **({} if receiver else {"self": "POSITIONAL_OR_KEYWORD"}),
            **dict.fromkeys(fields, "POSITIONAL_OR_KEYWORD"),
        }
    if not isinstance(function, FunctionValue):
        return None
    spec = function.node.args
    names = {each.arg: "POSITIONAL_OR_KEYWORD" for each in [*spec.posonlyargs, *spec.args]}
    if receiver and names:
        names.pop(next(iter(names)))
    names.update({each.arg: "KEYWORD_ONLY" for each in spec.kwonlyargs})
    if spec.kwarg:
        names[spec.kwarg.arg] = "VAR_KEYWORD"
    return names


def _register_dataclasses(library: Library) -> None:
    library.function("dataclasses.dataclass")(dataclass)
    library.value("dataclasses.MISSING", NO_DEFAULT)

    @library.function("dataclasses.field")
    def field(interp: Interpreter, **options: Any) -> FieldValue:
        made = FieldValue(
            options.get("default", NO_DEFAULT),
            options.get("default_factory", NO_DEFAULT),
            init=options.get("init", True),
        )
        made.repr, made.kw_only = options.get("repr", True), options.get("kw_only", False)
        made.metadata = options.get("metadata") or {}
        return made

    @library.function("dataclasses.fields")
    def fields(interp: Interpreter, value: Any) -> tuple[Any, ...]:
        cls = value.cls if isinstance(value, Instance) else value
        if not isinstance(cls, ClassValue):
            raise UnsupportedError("fields() of something that is not a dataclass", interp.here())
        return tuple(cls.lookup("__dataclass_fields__").values())

    @library.function("dataclasses.is_dataclass")
    def is_dataclass(interp: Interpreter, value: Any) -> bool:
        cls = value.cls if isinstance(value, Instance) else value
        return isinstance(cls, ClassValue) and cls.has("__dataclass_fields__")

    @library.function("dataclasses.asdict")
    def asdict(interp: Interpreter, value: Any) -> Any:
        return {each.name: interp.get_attribute(value, each.name) for each in fields(interp, value)}

    @library.function("dataclasses.astuple")
    def astuple(interp: Interpreter, value: Any) -> Any:
        return tuple(asdict(interp, value).values())

    @library.function("dataclasses.replace")
    def replace(interp: Interpreter, value: Any, **changes: Any) -> Any:
        kept = {each.name: interp.get_attribute(value, each.name) for each in fields(interp, value) if each.init}
        return interp.call(value.cls, [], {**kept, **changes})


__all__ = ["RaisedError", "SourceModule", "copied", "register", "wrap_host"]
