"""Reading a diagram config: from a file or a text to a `DiagramConfig`, or to an error that says where and what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from archviz.errors import BadFigureError
from archviz.figure.diagram_faults import Fault, cross_faults, raise_faults, schema_faults, shown_path
from archviz.figure.diagram_model import DiagramConfig
from archviz.settings import Limits

__all__ = ["DiagramConfig", "load_diagram_config"]


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
    return _checked(_parsed(_decoded(data, name), name), name)


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


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"not UTF-8: byte 0x{data[error.start]:02x} at offset {error.start}"
        _fail(message, _at(name, f"line {line}"), "save the file as UTF-8")


def _parsed(text: str, name: str) -> object:
    if not text.strip():
        _fail("the diagram config is empty", name or "the text", "write an object with `model_name` and `stages`")
    try:
        return json.loads(text, object_pairs_hook=_Pairs, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        ended = error.pos >= len(text.rstrip())
        what = "truncated JSON" if ended or "Unterminated" in error.msg else "malformed JSON"
        place = f"line {error.lineno}, column {error.colno}"
        _fail(
            f"{what}: {error.msg[:1].lower()}{error.msg[1:].removesuffix(' at')}",
            _at(name, place),
            _json_hint(error.msg, ended),
        )
    except RecursionError:
        _fail("the JSON is nested too deeply", name or "the text", "a diagram config is four levels deep")
    except ValueError as error:
        _fail(
            f"the JSON holds a number that cannot be read: {str(error)[:80]}", name or "the text", "shorten the number"
        )


def _json_hint(message: str, ended: bool) -> str:
    if ended:
        return "the text ends before the JSON does: check that it was copied whole"
    if "property name" in message:
        return "keys stand in double quotes, and no comma follows the last entry"
    if "control character" in message:
        return "write line breaks inside a text as \\n"
    return "check commas, quotes and brackets just before this place; comments are not JSON"


class _Pairs(dict[str, Any]):
    """An object that remembers which of its keys were given twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        seen: set[str] = set()
        self.repeated = [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _checked(data: object, name: str) -> DiagramConfig:
    if not isinstance(data, dict):
        _fail("a diagram config is a JSON object", name or "the text", 'write {"model_name": …, "stages": […]}')
    repeated = list(_repeated_keys(data))
    if repeated:
        raise_faults(repeated, name)
    try:
        config = DiagramConfig.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as error:
        raise_faults(schema_faults(error, data), name)
    faults = cross_faults(config)
    if faults:
        raise_faults(faults, name)
    return config


def _repeated_keys(data: object) -> list[Fault]:
    faults: list[Fault] = []
    todo: list[tuple[tuple[str | int, ...], object]] = [((), data)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, _Pairs):
            faults += [
                Fault(
                    shown_path((*path, key)), f"the key {key[:60]!r} is given twice in one object", "keep one of them"
                )
                for key in value.repeated
            ]
            todo += [((*path, key), item) for key, item in value.items()]
        elif isinstance(value, list):
            todo += [((*path, index), item) for index, item in enumerate(value)]
    return faults


def _at(name: str, place: str) -> str:
    return f"{name}, {place}" if name else place


def _fail(message: str, where: str, hint: str) -> NoReturn:
    raise BadFigureError(message, where=where, hint=hint)
