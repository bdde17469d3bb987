"""Completions: ids of models that are known, by what has been typed of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcp_types import Completion, PromptReference, ResourceTemplateReference

from archviz.service.callers import caller
from archviz.service.prompts import MODEL_ARGUMENTS, arguments_of
from archviz.service.resources import MODEL_TEMPLATE, PART_TEMPLATE, PARTS, REFERENCE_TEMPLATE
from archviz.service.shelf import Shelf

MOST = 100  # of the protocol
LONGEST = 300  # characters of what was typed: no name is longer


def known_models(shelf: Shelf) -> list[str]:
    """Ids of the catalog, and of what was read before, the last first; to other machines it is not told what that was."""
    from archviz.lookup.catalog import model_ids

    if caller().remote:
        return list(model_ids())
    from archviz.lookup.hub.stored_ids import stored_ids

    return list(dict.fromkeys([*filter(_is_id, shelf.names()), *stored_ids(), *model_ids()]))


def _is_id(name: str) -> bool:
    return "/" in name and ":" not in name


def completed(typed: str, names: Sequence[str]) -> Completion:
    """The names that begin with what was typed, then those whose own name does, then those that hold it."""
    text = typed.strip().lower()
    rank = {name: _rank(name.lower(), text) for name in names}
    fitting = sorted((name for name in names if rank[name] < 3), key=lambda name: rank[name])
    return Completion(values=fitting[:MOST], total=len(fitting), has_more=len(fitting) > MOST)


def _rank(name: str, text: str) -> int:
    if name.startswith(text):
        return 0
    if name.rpartition("/")[2].startswith(text):
        return 1
    return 2 if text in name else 3


def complete(
    ref: PromptReference | ResourceTemplateReference, argument: Any, shelf: Shelf, pages: Sequence[str] = ()
) -> Completion | None:
    """What an argument of a prompt or a resource template may be; nothing where there is no such one.

    Args:
        pages: Names of the references.
    """
    if len(argument.value) > LONGEST:
        return None
    if isinstance(ref, ResourceTemplateReference):
        if ref.uri == REFERENCE_TEMPLATE and argument.name == "name":
            return completed(argument.value, pages)
        if ref.uri in (MODEL_TEMPLATE, PART_TEMPLATE) and argument.name == "id":
            return completed(argument.value, known_models(shelf))
        if ref.uri == PART_TEMPLATE and argument.name == "part":
            return completed(argument.value, PARTS)
        return None
    known = argument.name in MODEL_ARGUMENTS and argument.name in arguments_of(ref.name)
    return completed(argument.value, known_models(shelf)) if known else None
