"""A model's own code: `configuration_*.py` and `modeling_*.py` that `auto_map` of its `config.json` names.

The folder, or the repository of the Hub, is a package of texts under a private dotted root. Nothing of it is imported or executed,
and no file outside of it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from archviz.errors import BadConfigError, UnsupportedCodeError, UsageError
from archviz.interpreter.control import RaisedError, UnsupportedError
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.modules import FindSource, SourceModule, SourceText
from archviz.interpreter.parsing import parse
from archviz.interpreter.values import ClassValue, Unknown
from archviz.late_patterns import late_pattern
from archviz.records import record
from archviz.settings import Limits
from archviz.sources.installed import read_source

ROOT = "archviz_own_code"  # no package has this name
OLDER = "transformers_4"
_REFERENCE = late_pattern(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_HEADS = (
    "AutoModelForCausalLM", "AutoModelForImageTextToText", "AutoModelForVision2Seq", "AutoModelForSeq2SeqLM", "AutoModel",
)  # fmt: skip


@record(frozen=True)
class CustomCode:
    """The code that a folder or a repository brings along.

    Args:
        folder: Where the files are; None for a repository.
        stated: `auto_map` as it stands: automatic class → `module.Class`; empty for plain PyTorch.
        dialect: The release of `transformers` that it is written against; empty for the installed one.
        fetch: Gives a repository's files, path → text, when the code is first read.
        root: The dotted package that the files are read as.
        origin: Where it is, where that is neither the folder nor the repository: `transformers 5.24.0 at commit …`.
        shown: What evidence puts before a file's path.
        url: Where it may be looked at, where that is not the model's own page.
    """

    folder: Path | None
    stated: dict[str, Any]
    dialect: str = OLDER
    fetch: Callable[[], Mapping[str, str]] | None = None
    root: str = ROOT
    origin: str = ""
    shown: str = ""
    url: str = ""

    @property
    def whose(self) -> str:
        """How messages call it."""
        return f"{self.place}'s"

    @property
    def place(self) -> str:
        """Where it is, as messages call it."""
        return self.origin or ("the folder" if self.folder is not None else "the repository")


def custom_code(folder: Path | None, values: dict[str, Any]) -> CustomCode | None:
    """The code that `auto_map` names; None where it names no model.  What it names is checked when it is read, if ever.

    A tokenizer, a processor or a configuration alone is no code of the model, which then stands elsewhere.
    """
    stated = values.get("auto_map")
    if not stated or (isinstance(stated, dict) and not model_references(stated)):
        return None
    major = str(values.get("transformers_version") or "4").partition(".")[0]
    newer = major.isdigit() and len(major) < 4 and int(major) >= 5
    return CustomCode(folder, stated if isinstance(stated, dict) else {}, "" if newer else OLDER)


def model_references(stated: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of an `auto_map` that name a model, as they stand."""
    return {name: value for name, value in stated.items() if name.startswith("AutoModel") and value is not None}


def checked_references(code: CustomCode) -> dict[str, str]:
    """Automatic class → `module.Class`, for configurations and models.

    Raises:
        BadConfigError: A reference is no class of a file in the folder.
    """
    return {
        name: _reference(name, value)
        for name, value in code.stated.items()
        if value is not None and (name == "AutoConfig" or name.startswith("AutoModel"))
    }


def _reference(name: str, value: Any) -> str:
    where = f"config.json, auto_map.{name}"[:200]
    if isinstance(value, str) and "--" in value:
        raise BadConfigError(
            f"the code is in another repository ({value.partition('--')[0][:96]})",
            where=where,
            hint="Fetch that repository's files into the folder and state auto_map without the part before '--'.",
        )
    if not isinstance(value, str) or len(value) > 300 or not _REFERENCE.fullmatch(value):
        raise BadConfigError(
            f"{str(value)[:100]!r} is no class of a file in the folder",
            where=where,
            hint='Write "modeling_name.ClassName" for a class of modeling_name.py.',
        )
    return value


def find_custom_source(code: CustomCode, limits: Limits, beyond: FindSource) -> FindSource:
    """Finds the folder's modules by dotted name, and everything else where it was found before."""
    read, root = _reader(code, limits), code.root.split(".")

    def find(dotted: str) -> SourceText | None:
        parts = dotted.split(".")
        own = parts[: len(root)] == root
        found = None if own else beyond(dotted)
        if found is not None or (parts[0] == "transformers" and not own):
            return found
        inner = parts[len(root) :] if own else parts
        return read(dotted, inner) if all(part.isidentifier() for part in inner) else None

    return find


def _reader(code: CustomCode, limits: Limits) -> Callable[[str, list[str]], SourceText | None]:
    """Reads a module of the code by its dotted name and its parts below the root."""
    if code.fetch is not None:
        texts = code.fetch()
        return lambda dotted, parts: _fetched_source(texts, dotted, parts, code)
    assert code.folder is not None
    base = code.folder.resolve()
    return lambda dotted, parts: _own_source(base, dotted, parts, code.dialect, limits)


def _fetched_source(texts: Mapping[str, str], dotted: str, parts: list[str], code: CustomCode) -> SourceText | None:
    path = "/".join(parts)
    for file, is_package in ((f"{path}.py", False), (f"{path}/__init__.py", True)):
        if file in texts:
            return SourceText(dotted, code.shown + file, texts[file], is_package, code.dialect)
    is_folder = not parts or any(file.startswith(f"{path}/") for file in texts)
    return SourceText(dotted, f"{code.shown}{path}/", "", True, code.dialect) if is_folder else None


def _own_source(base: Path, dotted: str, parts: list[str], dialect: str, limits: Limits) -> SourceText | None:
    path = base.joinpath(*parts)
    for file, is_package in ((path.with_suffix(".py"), False), (path / "__init__.py", True)):
        if parts and file.is_file():
            shown = file.relative_to(base).as_posix()
            source = read_source(dotted, inside(base, file), shown, limits, is_package=is_package)
            return SourceText(dotted, shown, source.text, is_package, dialect)
    return SourceText(dotted, f"{base.name}/", "", True, dialect) if path.is_dir() else None


def inside(base: Path, file: Path) -> Path:
    """The real file, which must lie in the folder, or in the blobs beside a snapshot of the Hub's cache.

    Raises:
        UsageError: A link leads out of the folder.
    """
    real = file.resolve()
    snapshot = base.parent.name == "snapshots" and real.is_relative_to(base.parent.parent / "blobs")
    if not real.is_relative_to(base) and not snapshot:
        raise UsageError("the file is a link that leads out of the folder, so it is not read", where=file.name)
    return real


def own_configuration_class(interp: Interpreter, code: CustomCode) -> ClassValue | None:
    """The folder's configuration class; None when `auto_map` names none."""
    reference = checked_references(code).get("AutoConfig")
    return None if reference is None else own_class(interp, code, reference, "AutoConfig")


def own_model_class(interp: Interpreter, code: CustomCode, architectures: list[str], wanted: str | None) -> ClassValue:
    """The folder's model class: the wanted one, else `architectures[0]`, else the first head of `auto_map`.

    Raises:
        UsageError: The folder's code has no such class.
    """
    models = {name: value for name, value in checked_references(code).items() if name != "AutoConfig"}
    name = wanted or next(iter(architectures), None)
    if name is not None:
        reference = _by_class(interp, code, models, name)
        if reference is not None:
            return own_class(interp, code, reference, "--class" if wanted else "architectures")
    if wanted:
        raise UsageError(f"{code.whose} code has no class named {wanted!r}", where="--class")
    key = next((head for head in _HEADS if head in models), next(iter(models), None))
    if key is None:
        raise BadConfigError("auto_map names no model class", where="config.json, auto_map")
    return own_class(interp, code, models[key], key)


def states_class(interp: Interpreter, code: CustomCode, name: str) -> bool:
    """Whether the code is where a class stands: `auto_map` states it, or a file that `auto_map` states defines it.

    A file that does not parse may define it, so it counts as one that does: reading the class then says what is wrong with it.

    Raises:
        BadConfigError: A reference of `auto_map` is no class of a file.
    """
    models = {key: value for key, value in checked_references(code).items() if key != "AutoConfig"}
    try:
        return _by_class(interp, code, models, name) is not None
    except (RaisedError, UnsupportedError):
        return True


def _by_class(interp: Interpreter, code: CustomCode, models: dict[str, str], name: str) -> str | None:
    """The reference of a class by its name: one that `auto_map` states, else one that stands in a file it states."""
    stated = next((value for value in models.values() if value.rpartition(".")[2] == name), None)
    if stated is not None or not name.isidentifier():
        return stated
    for file in dict.fromkeys(value.rpartition(".")[0] for value in models.values()):
        module = interp.find_module(f"{code.root}.{file}")
        if name in getattr(module, "index", {}):
            return f"{file}.{name}"
    return None


def _check_syntax(interp: Interpreter, dotted: str) -> None:
    """Refuse a file that does not parse: a name may be missing because of it.

    Raises:
        BadConfigError: With the error and its line.
    """
    module = interp.find_module(dotted)
    if isinstance(module, SourceModule):
        try:
            parse(SourceText(module.dotted, module.shown, module.text))
        except UnsupportedError as error:
            raise BadConfigError(error.reason, where=str(error.at) if error.at else module.shown) from error


def own_class(interp: Interpreter, code: CustomCode, reference: str, stated_by: str) -> ClassValue:
    """The class that `module.Class` means in the folder.

    Raises:
        BadConfigError: There is no such file or class, or the file does not parse.
    """
    file, _, name = reference.rpartition(".")
    shown = f"{file.replace('.', '/')}.py"
    try:
        if interp.find_module(f"{code.root}.{file}") is None:
            raise BadConfigError(
                f"{stated_by} names {reference}, but {code.place} has no {shown}",
                where="config.json, auto_map",
                hint="Put the repository's Python files beside its config.json." if code.folder is not None else None,
            )
        found = interp.import_name(f"{code.root}.{file}", name, None)
    except UnsupportedError as error:
        raise UnsupportedCodeError(error.reason, part=name, where=str(error.at) if error.at else shown) from error
    except RaisedError as error:
        _check_syntax(interp, f"{code.root}.{file}")
        raise BadConfigError(f"{name} cannot be read: {error}", where=str(error.at) if error.at else shown) from error
    if isinstance(found, Unknown):
        place = str(found.at) if found.at else shown
        raise UnsupportedCodeError(f"{reference} is no class: {found.reason}", part=name, where=place)
    if not isinstance(found, ClassValue):
        raise BadConfigError(f"{reference} is no class", where=shown)
    if stated_by != "AutoConfig" and not found.is_module:
        raise BadConfigError(f"{name} is no nn.Module", where=str(found.at) if found.at else shown)
    return found
