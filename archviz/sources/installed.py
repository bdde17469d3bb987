"""The installed `transformers` package as text: found without importing it."""

from __future__ import annotations

import importlib.util
import re
from functools import lru_cache
from pathlib import Path

from archviz.errors import SourceUnavailableError, UsageError
from archviz.interpreter.modules import SourceText
from archviz.settings import Limits


@lru_cache(maxsize=1)
def transformers_folder() -> Path:
    """The folder of the installed package; it is located, never imported."""
    spec = importlib.util.find_spec("transformers")
    if spec is None or spec.origin is None:
        raise SourceUnavailableError(
            "the transformers package is not installed, so there is no official code to read",
            hint="pip install archviz, which brings the release that it reads",
        )
    return Path(spec.origin).parent


@lru_cache(maxsize=1)
def transformers_version() -> str:
    """The release of the installed package, as its own first file states it (the metadata costs 17 ms to import)."""
    text = (transformers_folder() / "__init__.py").read_text(encoding="utf-8")
    stated = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    return stated[1] if stated else "of unknown version"


@lru_cache(maxsize=64)
def is_installed_type(model_type: str) -> bool:
    """Whether the installed package's own tables name a model type; read as text, without the interpreter."""
    if not model_type:
        return False
    tables = transformers_folder() / "models" / "auto"
    named = (f'"{model_type}"', f"'{model_type}'")
    files = [tables / name for name in ("auto_mappings.py", "configuration_auto.py")]
    return any(name in file.read_text(encoding="utf-8") for file in files if file.is_file() for name in named)


def find_transformers_source(dotted: str, limits: Limits | None = None) -> SourceText | None:
    """The file of a `transformers.…` module; None when there is none.

    Args:
        dotted: Module name, such as `transformers.models.qwen3.modeling_qwen3`.
        limits: Bounds the size of the file.
    """
    return _find(dotted, transformers_folder(), limits or Limits())


@lru_cache(maxsize=256)  # the package does not change while it is read; one text for all interpreters is hashed once
def _find(dotted: str, folder: Path, limits: Limits) -> SourceText | None:
    parts = dotted.split(".")
    if parts[0] != "transformers" or not all(part.isidentifier() for part in parts):
        return None
    base = folder.joinpath(*parts[1:])
    file, package = base.with_suffix(".py") if len(parts) > 1 else base / "__init__.py", base / "__init__.py"
    if file.is_file():
        return read_source(dotted, file, "/".join(parts) + ".py", limits, is_package=file == package)
    if package.is_file():
        return read_source(dotted, package, "/".join(parts) + "/__init__.py", limits, is_package=True)
    return None


def read_source(
    dotted: str, file: Path, shown: str, limits: Limits | None = None, *, is_package: bool = False
) -> SourceText:
    """One Python file as text, within the size limit; what is not UTF-8 is a clear error."""
    limit = (limits or Limits()).source_bytes
    with file.open("rb") as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise UsageError(f"source file larger than {limit:,} bytes", where=shown)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"source file is not UTF-8 (byte {error.start})", where=shown) from None
    return SourceText(dotted, shown, text, is_package)
