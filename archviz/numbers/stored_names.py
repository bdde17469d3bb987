"""Names in checkpoints and names of modules: what `transformers` renames and joins when it loads, read from its table as text.

Source: transformers `conversion_mapping.py` (the table) and `core_model_loading.py` (`WeightTransform.rename_source_key`, `rename_source_key`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from archviz.records import field, record

MODULE = "transformers.conversion_mapping"
_RENAMES = ("WeightRenaming", "PrefixChange")
_LONGEST = 400  # characters of a name that patterns are tried on


@record(frozen=True)
class Transform:
    """One entry of the table: patterns of stored names, and what the first of them becomes.

    Args:
        joins: Several stored tensors become one, or one becomes several: a converter.
        targets: All names that it makes; a renaming has one.
        scope: Path of the module that it is for; names outside are left alone.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    joins: bool = False
    scope: str = ""

    def renamed(self, name: str, base: str) -> list[str] | None:
        """The names that a stored name becomes; None where it is not meant."""
        prefix = next((each for each in self._prefixes(base) if name.startswith(each)), None)
        if prefix is None:
            return None
        inner = name[len(prefix) :]
        for source in sorted(self.sources, key=len, reverse=True):
            match = re.search(_pattern(source), inner)
            if match is not None:
                group = match.group(1) if match.groups() else ""
                return [
                    prefix + inner.replace(match[0], target.replace(r"\1", group or ""), 1) for target in self.targets
                ]
        return None

    def _prefixes(self, base: str) -> tuple[str, ...]:
        if not self.scope:
            return ("",)
        return (f"{base}.{self.scope}.", f"{self.scope}.") if base else (f"{self.scope}.",)


def _pattern(source: str) -> str:
    pattern = source.replace("*.", r".*\.")
    return pattern + r"(?!\w)" if re.search(r"[a-zA-Z0-9]$", pattern) else pattern


@record(frozen=True)
class Table:
    """Class name or model type → its transforms, in order."""

    entries: Mapping[str, tuple[Transform, ...]] = field(default_factory=dict)

    def of(self, modules: Iterable[tuple[str, str, str | None]]) -> list[Transform]:
        """The transforms of a model: of itself, then of the models in it, each once.

        Args:
            modules: Path, class name and model type (where it is known) of the model and of everything in it.
        """
        found: list[Transform] = []
        seen: dict[str, list[str]] = {}
        for path, class_name, model_type in modules:
            for key in (class_name, model_type):
                if key is None or key not in self.entries:
                    continue
                if any(not above or path.startswith(f"{above}.") for above in seen.get(key, ())):
                    break
                found += [Transform(e.sources, e.targets, e.joins, path) for e in self.entries[key]]
                seen.setdefault(key, []).append(path)
                break
        return [*found, *self.entries.get("legacy", ())]


def read_table(text: str) -> Table:
    """The table of a `conversion_mapping.py`; entries that are no plain calls are left out."""
    entries: dict[str, list[Transform]] = {}
    aliases: dict[str, str] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            named = isinstance(node.targets[0], ast.Name) and node.targets[0].id == "_MODEL_TO_CONVERSION_PATTERN"
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                name = _text(key)
                if name is None:
                    continue
                if named:
                    aliases[name] = _text(value) or ""
                elif isinstance(value, ast.List):
                    entries[name] = list(_transforms(value))
        elif (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Subscript)
            and isinstance(node.value, ast.List)
        ):
            name = _text(node.targets[0].slice)
            if name is not None:
                entries[name] = list(_transforms(node.value))
    for name, base in aliases.items():
        if base in entries:
            entries.setdefault(name, entries[base])
    return Table({name: tuple(each) for name, each in entries.items()})


def _transforms(node: ast.List) -> Iterator[Transform]:
    for call in node.elts:
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        given |= dict(zip(("source_patterns", "target_patterns"), call.args, strict=False))
        if call.func.id == "PrefixChange":
            yield from _prefix_change(call)
            continue
        sources, targets = _texts(given.get("source_patterns")), _texts(given.get("target_patterns"))
        if sources and targets:
            yield Transform(tuple(map(_source, sources)), tuple(map(_target, targets)), call.func.id not in _RENAMES)


def _prefix_change(call: ast.Call) -> Iterator[Transform]:
    names = {keyword.arg: _text(keyword.value) or "" for keyword in call.keywords}
    prefix = rf"{names['model_prefix']}\." if names.get("model_prefix") else ""
    plain = prefix.replace(r"\.", ".")
    if added := names.get("prefix_to_add"):
        yield Transform((rf"^{prefix}(?!{added}\.)(.+)",), (rf"{plain}{added}.\1",))
    elif removed := names.get("prefix_to_remove"):
        yield Transform((rf"^{prefix}{removed}\.(.+)",), (rf"{plain}\1",))


def _source(pattern: str) -> str:
    return pattern.replace(r"\1", r"(.+?)", 1)


def _target(pattern: str) -> str:
    """A target as a name: anchors, look-around and escapes are gone, a group is what the source had."""
    plain = re.sub(r"\(\?.+?\)?\)", "", pattern.removeprefix("^"))
    group = re.search(r"\(.+?\)", plain)
    return (plain.replace(group[0], r"\1", 1) if group else plain).replace(r"\.", ".")


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _texts(node: ast.expr | None) -> list[str]:
    if isinstance(node, (ast.List, ast.Tuple)):
        return [text for each in node.elts if (text := _text(each)) is not None]
    return [text] if (text := _text(node)) is not None else []


def module_names(name: str, transforms: Iterable[Transform], known: frozenset[str], base: str) -> list[str]:
    """The names in the model that a stored tensor goes to.

    Args:
        name: Its stored name.
        transforms: Of the model.
        known: Names of the model's tensors: the base model's prefix is added or taken away where that makes one.
        base: The name of the base model in the model (`model`, `transformer`).
    """
    if len(name) > _LONGEST:
        return [name]
    joined: list[str] | None = None
    for each in transforms:
        if each.joins:
            continue
        found = each.renamed(name, base)
        name = found[0] if found else name
    for each in transforms:
        if each.joins and (joined := each.renamed(name, base)):
            break
    return [_with_base(each, known, base) for each in joined or [name]]


def stored_forms_of(path: str, transforms: Sequence[Transform]) -> list[str]:
    """What checkpoints may call a module: its path with the renamings of words turned back, each alone and together.

    >>> stored_forms_of("layers.0.self_attn.q_b_proj", [Transform((r"\\.attn\\.",), (".self_attn.",))])
    ['layers.0.attn.q_b_proj']
    """
    found = [f"{path}."]
    for each in reversed(transforms):
        if each.joins or len(each.targets) != 1 or not _is_plain(each.sources[0]):
            continue
        target, source = each.targets[0].replace("\\", ""), each.sources[0].replace("\\", "")
        if target.startswith("."):
            found += [name.replace(target, source) for name in found if target in name]
        if len(found) > _MOST_FORMS:
            break
    return [name.removesuffix(".") for name in dict.fromkeys(found[1:])]


_MOST_FORMS = 64


def _is_plain(pattern: str) -> bool:
    return re.fullmatch(r"(?:\\\.|\w)+", pattern) is not None


def _with_base(name: str, known: frozenset[str], base: str) -> str:
    if not base or name in known:
        return name
    if name.startswith(f"{base}.") and name[len(base) + 1 :] in known:
        return name[len(base) + 1 :]
    return f"{base}.{name}" if f"{base}.{name}" in known else name
