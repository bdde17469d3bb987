"""A look at the installation: what archviz needs, whether it is there, and in which version."""

from __future__ import annotations

import platform
import sys
from dataclasses import asdict, dataclass
from importlib import metadata

from archviz import __version__
from archviz.errors import ArchvizError

_READ = "transformers"
_IMPORTED = ("pydantic", "huggingface_hub", "graphviz", "typst", "uharfbuzz", "fonttools", "mcp")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `hint` says what to do where it is not well."""

    name: str
    ok: bool
    value: str
    hint: str | None = None


def examine() -> list[Check]:
    """Look at the interpreter, the packages, the fonts and the catalog; imports none of the packages."""
    return [
        Check("archviz", ok=True, value=__version__),
        _python(),
        *(_package(name) for name in _IMPORTED),
        _official_code(),
        _fonts(),
        _catalog(),
    ]


def report(checks: list[Check]) -> dict[str, object]:
    """The checks as data."""
    return {"ok": all(check.ok for check in checks), "checks": [asdict(check) for check in checks]}


def _python() -> Check:
    fits = sys.version_info >= (3, 11)
    return Check("python", fits, platform.python_version(), None if fits else "archviz needs Python 3.11 or newer")


def _package(name: str) -> Check:
    try:
        return Check(name, ok=True, value=metadata.version(name))
    except metadata.PackageNotFoundError:
        return Check(name, ok=False, value="not installed", hint=f"pip install {name}")


def _official_code() -> Check:
    from archviz.sources.installed import transformers_folder

    try:
        models = sum(1 for _ in (transformers_folder() / "models").glob("*/modeling_*.py"))
    except ArchvizError as error:
        return Check("official code", ok=False, value=error.message, hint=error.hint)
    version = _package(_READ).value
    hint = None if models else "the package holds no modelling code: install it again"
    return Check("official code", bool(models), f"{_READ} {version}, {models} modelling files, read as text", hint)


def _fonts() -> Check:
    from archviz.figure.fonts import FAMILY, font_files

    missing = [file.name for file in font_files() if not file.is_file()]
    if missing:
        return Check("fonts", ok=False, value=f"missing: {', '.join(missing)}", hint="install archviz again")
    return Check("fonts", ok=True, value=f"{FAMILY}, {len(font_files())} weights, bundled")


def _catalog() -> Check:
    from archviz.lookup.catalog import find_record, model_ids

    try:
        dates = [record.facts_date for model in model_ids() if (record := find_record(model))]
    except ArchvizError as error:
        return Check("catalog", ok=False, value=error.message, hint=error.hint)
    if not dates:
        return Check("catalog", ok=False, value="empty", hint="install archviz again")
    return Check("catalog", ok=True, value=f"{len(dates)} models, facts of {max(dates)}")
