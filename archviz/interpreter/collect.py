"""From built module objects to plain records: the module tree, tensors, ties and gaps."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.control import BudgetSpentError
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.reading import Gap, ModuleRecord, TensorRecord
from archviz.interpreter.values import ClassValue, DType, Instance, ModuleInstance, Tensor, Unknown
from archviz.interpreter.walk import check_siblings, walk
from archviz.records import field, record
from archviz.settings import Limits
from archviz.spans import Span


@record(frozen=True)
class ModuleTree:
    """The records of a built model, and what was met on the way.

    Args:
        root: The record of the model itself, with those of its parts.
        tied: Alias → the name that counts, as `named_parameters` finds it first.
        modules: Every module once, with its first path, parents first.
        owners: Identity of a parameter → the name that counts.
    """

    root: ModuleRecord
    tied: dict[str, str]
    modules: list[tuple[str, ModuleInstance]]
    owners: dict[int, str]

    def paths(self) -> dict[int, str]:
        """Module identity → path, for gaps."""
        return {id(module): path for path, module in self.modules}


def module_tree(root: ModuleInstance) -> ModuleTree:
    """The records of a built model."""
    found = _Found(root.cls.interpreter.limits)
    record = _record(root, "", found, ())
    return ModuleTree(record, found.tied, list(found.modules.values()), found.owners)


@record
class _Found:
    """What is known of the modules and tensors met so far."""

    limits: Limits
    modules: dict[int, tuple[str, ModuleInstance]] = field(default_factory=dict)  # by identity, with the first path
    owners: dict[int, str] = field(default_factory=dict)  # tensor identity → the name that counts
    tied: dict[str, str] = field(default_factory=dict)
    lineages: dict[int, tuple[str | None, tuple[str, ...]]] = field(default_factory=dict)  # by identity of the class
    records: int = 0

    def lineage(self, cls: ClassValue) -> tuple[str | None, tuple[str, ...]]:
        """The nearest building block of torch that a class is, and the names of its bases."""
        known = self.lineages.get(id(cls))
        if known is None:
            library = next((each.qualified for each in cls.mro if each.is_library and _is_layer(each)), None)
            known = self.lineages[id(cls)] = (library, tuple(each.name for each in cls.mro[1:]))
        return known

    def count(self, parts: int, depth: int, at: Span | None) -> None:
        """Bound the tree: a module that stands in many places is a record in each."""
        self.records += parts
        if self.records > self.limits.parts:
            raise BudgetSpentError(
                f"more than {self.limits.parts:,} modules and tensors, shared ones counted each time", at
            )
        if depth > self.limits.nesting:
            raise BudgetSpentError(f"modules nested deeper than {self.limits.nesting}", at)


def _record(module: ModuleInstance, path: str, found: _Found, ancestors: tuple[int, ...]) -> ModuleRecord:
    found.count(1 + len(module.parameters) + len(module.buffers), len(ancestors), module.created_at)
    if id(module) not in found.modules:
        found.modules[id(module)] = (path, module)
    cls = module.cls
    library, bases = found.lineage(cls)
    attributes = _plain_attributes(module.attrs)
    record = ModuleRecord(path, cls.name, library, cls.at, module.created_at, bases, attributes)
    prefix = f"{path}." if path else ""
    owners = found.owners
    for name, tensor in module.parameters.items():
        if tensor is not None:
            full = prefix + name
            record.parameters[name] = _tensor(full, tensor, "parameter")
            if id(tensor) not in owners:
                owners[id(tensor)] = full
            elif owners[id(tensor)] != full:
                found.tied[full] = owners[id(tensor)]
    for name, tensor in module.buffers.items():
        if tensor is not None:
            record.buffers[name] = _tensor(prefix + name, tensor, "buffer", name not in module.transient)
    if module.modules:
        check_siblings(cls.interpreter, len(module.modules))
        inside = (*ancestors, id(module))
        for name, child in module.modules.items():
            if isinstance(child, ModuleInstance) and id(child) not in inside:
                record.children[name] = _record(child, prefix + name, found, inside)
    return record


def _is_layer(cls: ClassValue) -> bool:
    return cls.qualified.startswith("torch.nn.") and cls.qualified != "torch.nn.Module"


def _tensor(name: str, tensor: Tensor, kind: Any, persistent: bool = True) -> TensorRecord:
    shape = (None,) if tensor.shape is None else tuple(tensor.shape)
    if shape or kind == "parameter" or not tensor.data or "float" not in tensor.dtype:
        return TensorRecord(name, shape, tensor.dtype, kind, persistent, tensor.at)
    return TensorRecord(name, shape, tensor.dtype, kind, persistent, tensor.at, float(tensor.data[0]))


def _plain_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    """The scalar attributes and short lists of integers, as they are kept in a record."""
    found: dict[str, Any] = {}
    for name, value in attributes.items():
        if value.__class__ in _SCALARS or isinstance(value, (int, float, str)):
            if name and name[0] != "_" and name != "training":
                found[name] = value
        elif isinstance(value, (tuple, list)) and 0 < len(value) <= 8 and _INTEGERS.issuperset(map(type, value)):
            found[name] = list(value)
    return found


_SCALARS = frozenset({str, int, float, bool, type(None)})
_INTEGERS = frozenset({int})


def resolved_gaps(interp: Interpreter, paths: dict[int, str]) -> list[Gap]:
    """Gaps with the path of the module they belong to; a module that was not kept hands its gap to the model."""
    found: list[Gap] = []
    for owner, reason, at in interp.gaps:
        path = owner if isinstance(owner, str) else paths.get(id(owner), "")
        gap = Gap(path, reason, at)
        if gap not in found:
            found.append(gap)
    return found


def unknown_parts(modules: list[tuple[str, ModuleInstance]], known: list[Gap]) -> list[Gap]:
    """Gaps for what a built model visibly lacks: submodules that were not understood, sizes of tensors; none that is known already."""
    found = [
        Gap(f"{path}.{name}" if path else name, value.reason, value.at)
        for path, module in modules
        for name, value in module.modules.items()
        if value.__class__ is Unknown
    ]
    told = {(gap.module, gap.reason.partition(":")[0]) for gap in known}
    for path, module in modules:
        for name, tensor in (*module.parameters.items(), *module.buffers.items()):
            what = f"the size of {name}"
            if tensor is not None and tensor.shape is None and (path, what) not in told:
                why = tensor.source.reason if tensor.source else "a tensor of unknown shape"
                found.append(Gap(path, f"{what}: {why}", tensor.at))
    return [gap for gap in found if gap not in known]


def module_paths(root: ModuleInstance) -> dict[int, str]:
    """Module identity → path; a shared module goes by its first."""
    return {id(module): path for path, module in walk(root, "", set())}


def config_values(config: Any, depth: int = 0) -> Any:
    """A configuration object as nested plain values, sub-configs included."""
    if isinstance(config, Instance) and depth < 8:
        if config.payload is not None and not config.attrs:
            return config_values(config.payload, depth + 1)
        return {
            name: config_values(value, depth + 1)
            for name, value in config.attrs.items()
            if isinstance(name, str) and not name.startswith("_") and not isinstance(value, Unknown)
        }
    if isinstance(config, DType):
        return config.name
    if isinstance(config, dict):
        return {str(name): config_values(value, depth + 1) for name, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [config_values(value, depth + 1) for value in config]
    return config if isinstance(config, (str, int, float, bool)) or config is None else None
