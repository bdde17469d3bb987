"""Tools with closed, compact schemas, whose bad arguments are answered as data."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import ToolAnnotations
from pydantic import ValidationError

from archviz.errors import UsageError
from archviz.service.failures import failure_result

MOST_CHARACTERS = 1_000  # of one argument; a diagram config has its own bounds
MOST_OF_A_FIGURE = 1_000_000
_FIGURE = "figure"
_MOST_NESTED = 60
_OUTPUT_NOISE = ("default", "description", "items")


class ClosedTool(Tool):
    """A tool that refuses arguments it does not know, and answers bad arguments as data."""

    @classmethod
    def of(
        cls,
        function: Callable[..., Any],
        title: str,
        annotations: ToolAnnotations,
        meta: dict[str, Any] | None = None,
    ) -> Tool:
        """Make the tool of a function; its schemas are closed and compact."""
        tool = cls.from_function(function, title=title, annotations=annotations, meta=meta)
        tool.parameters = {**compact(tool.parameters), "additionalProperties": False}
        tool.fn_metadata.output_schema = compact(tool.fn_metadata.output_schema, noise=_OUTPUT_NOISE)
        return tool

    async def run(self, arguments: dict[str, Any], context: Any, convert_result: bool = False) -> Any:
        """Run it; see `Tool.run`."""
        try:
            check_names(arguments, list(self.parameters["properties"]))
            check_texts(arguments)
            return await super().run(arguments, context, convert_result)
        except UsageError as error:
            return failure_result(error)
        except UnexpectedToolError:
            raise
        except ToolError as error:
            wrong = error.__cause__
            return failure_result(_bad_arguments(wrong) if isinstance(wrong, ValidationError) else _bad_answer())


def _bad_answer() -> UsageError:
    """Tools answer their own errors as data, so what is left is of the question that the framework asks the user."""
    return UsageError(
        "the answer to the question that was asked of the user does not have the form that was asked for",
        hint="ask the user which one is meant, and call with its exact id",
    )


def _bad_arguments(error: ValidationError) -> UsageError:
    faults = [f"{'.'.join(map(str, fault['loc'])) or 'arguments'}: {fault['msg']}" for fault in error.errors()]
    return UsageError("; ".join(faults[:3])[:400], hint="the tool's input schema says what it takes")


def check_names(arguments: dict[str, Any], known: list[str]) -> None:
    """Refuse arguments that the tool does not have.

    Raises:
        UsageError: With the names that it has.
    """
    stray = [name for name in arguments if name not in known]
    if stray:
        raise UsageError(f"there is no argument {stray[0][:80]!a}", hint=f"the arguments are {', '.join(known)}")


def check_texts(arguments: dict[str, Any]) -> None:
    """Refuse texts that are over-long or hold control characters, wherever they stand.

    Raises:
        UsageError: With the name of the argument.
    """
    for name, value in arguments.items():
        figure = name == _FIGURE
        most = MOST_OF_A_FIGURE if figure else MOST_CHARACTERS
        spent = 0
        for text in _texts(value, name):
            spent += len(text)
            if spent > most:
                raise UsageError("the argument is too long", where=name[:80], hint=f"at most {most:,} characters")
            if not text.isprintable() and any(_is_control(char, lines=figure) for char in text):
                raise UsageError(
                    "the argument holds control characters", where=name[:80], hint="write it in plain text"
                )
        if isinstance(value, str) and not value.strip():
            raise UsageError(
                "the argument is empty", where=name[:80], hint="state it, or leave it out where it is optional"
            )


def _is_control(char: str, *, lines: bool) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs") and not (lines and char in "\n\t")


def _texts(value: object, name: str, depth: int = 0) -> Iterator[str]:
    if depth > _MOST_NESTED:
        raise UsageError("the argument is nested too deep", where=name[:80])
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item, name, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, name, depth + 1)


def compact(schema: Any, noise: tuple[str, ...] = ()) -> Any:
    """A schema without what costs tokens and says little: generated titles, and null beside a type.

    What may be null is optional: it is left out of arguments and answers rather than null.

    Args:
        noise: Keywords to leave out as well.
    """
    if isinstance(schema, list):
        return [compact(item, noise) for item in schema]
    if not isinstance(schema, dict):
        return schema
    said = {key: value for key, value in _not_null(schema).items() if not _says_nothing(key, value, noise)}
    return {key: _compact_entry(key, value, noise) for key, value in said.items()}


def _says_nothing(key: str, value: Any, noise: tuple[str, ...]) -> bool:
    generated_title = key == "title" and isinstance(value, str)
    return generated_title or key in noise or (key, value) in (("items", {}), ("additionalProperties", True))


def _compact_entry(key: str, value: Any, noise: tuple[str, ...]) -> Any:
    if key in ("properties", "$defs"):
        return {name: compact(item, noise) for name, item in value.items()}
    return value if key in ("default", "enum", "const") else compact(value, noise)


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf" and (key, value) != ("default", None)}
    if "enum" in rest and rest.get("type") == "string":
        del rest["type"]  # the words say it
    if "anyOf" not in schema:
        return rest
    return {**_not_null(choices[0]), **rest} if len(choices) == 1 else {**rest, "anyOf": choices}
