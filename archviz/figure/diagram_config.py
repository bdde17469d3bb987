"""Reading a diagram config: from a file or a text to a `DiagramConfig`, or to an error that says where and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from archviz.errors import BadFigureError
from archviz.figure.diagram_faults import Fault, cross_faults, raise_faults, schema_faults
from archviz.figure.diagram_model import DiagramConfig
from archviz.json_text import JsonText, kind_of, parse_json_text, shown_path
from archviz.settings import Limits

__all__ = ["DiagramConfig", "checked_diagram", "load_diagram_config"]


def load_diagram_config(path_or_text: str | Path, limits: Limits | None = None) -> DiagramConfig:
    """Read and check a diagram config.

    Args:
        path_or_text: A file, or JSON text (a `str` whose first visible character is a brace or bracket).
        limits: Bounds; `config_bytes` is the size that is still read.

    Raises:
        BadFigureError: The file or its content cannot be drawn; `where` is the file with line and column, or the
            path into the JSON (`stages[1].blocks[0].type`).
    """
    bounds = limits or Limits()
    if isinstance(path_or_text, str) and _looks_like_json(path_or_text):
        name, data = "", path_or_text.encode("utf-8", "surrogatepass")
        _check_size(len(data), bounds, "the diagram config")
    else:
        name, data = Path(path_or_text).name, _read(Path(path_or_text), bounds)
    return checked_diagram(parse_json_text(data, name, BadFigureError, "the diagram config"), name)


def _looks_like_json(text: str) -> bool:
    start = text.lstrip("\ufeff \t\r\n")[:1]
    return start in ("", "{", "[") or "\n" in text


def _read(path: Path, limits: Limits) -> bytes:
    shown = path.name or str(path)
    try:
        if path.is_dir():
            _fail("is a folder, not a diagram config", shown, "give the JSON file inside it")
        if path.exists() and not path.is_file():
            _fail("is not a regular file", shown, "give a JSON file")
        with path.open("rb") as file:
            data = file.read(limits.config_bytes + 1)
    except FileNotFoundError:
        _fail("there is no such file", shown, "check the path; a diagram config is a JSON file with `stages`")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        _fail(f"the file cannot be read: {reason}", shown[:200], "check the path and its permissions")
    _check_size(len(data), limits, shown)
    return data


def _check_size(size: int, limits: Limits, shown: str) -> None:
    if size > limits.config_bytes:
        _fail(f"a diagram config of more than {limits.config_bytes:,} bytes", shown, "split it into several figures")


def checked_diagram(text: JsonText, name: str) -> DiagramConfig:
    """The diagram config that a JSON text holds.

    Raises:
        BadFigureError: As `load_diagram_config`.
    """
    data = text.value
    if not isinstance(data, dict):
        message = f"a diagram config is a JSON object, this is {kind_of(data)}"
        _fail(message, name or "the text", 'write {"model_name": …, "stages": […]}')
    faults = [
        Fault(shown_path(path), f"the key {str(path[-1])[:60]!r} is given twice in one object", "keep one of them")
        for path in text.twice
    ]
    faults += [
        Fault(
            shown_path(path),
            f"{word} is no number of JSON",
            "write a number, or a text in quotes",
        )
        for path, word in text.odd
    ]
    if faults:
        raise_faults(faults, name)
    try:
        config = DiagramConfig.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as error:
        raise_faults(schema_faults(error, data), name)
    if faults := cross_faults(config):
        raise_faults(faults, name)
    return config


def _fail(message: str, where: str, hint: str) -> NoReturn:
    raise BadFigureError(message, where=where, hint=hint)
