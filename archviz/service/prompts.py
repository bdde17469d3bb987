"""Prompts: how an agent goes about the four things that users ask for."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Annotated, Any

from mcp.server.mcpserver.prompts import Prompt
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS
from pydantic import Field

from archviz.errors import UsageError

_NAME = "Resolve the name exactly as it stands (resolve_model). Unless the status is exact or renamed, stop and ask me which model I mean."
_HONEST = "Say what was not understood (gaps) and what is not verified. Give exact id, class and links to the sources."


def draw_model(name: Annotated[str, Field(description="The model's whole name")]) -> str:
    """Draw a model's architecture and explain it."""
    return (
        f"Draw the architecture of {name}.\n"
        f"1. {_NAME}\n"
        "2. describe_architecture: layers and their repeat pattern, mixers, feed-forwards, norms, positions, parameters.\n"
        "3. verify_code: are there conflicts? find_sources: what do paper and card say, where do they disagree with the code?\n"
        "4. draw_architecture, and look at the picture: whole name in the title, every layer of one pattern unit, nothing cut.\n"
        f"5. write_document, then a summary in three to six lines with total and active parameters. {_HONEST}"
    )


def verify_claim(
    model: Annotated[str, Field(description="The model's whole name")],
    claim: Annotated[str, Field(description="What is said about it")],
) -> str:
    """Check a claim about a model against its code."""
    return (
        f"Is this true of {model}: {claim}\n"
        f"1. {_NAME}\n"
        "2. verify_code with `about` naming the subject, and `expect` where the claim is a number.\n"
        "3. Where no claim answers it: describe_architecture with part=MODULE_PATH, then part=trace:MODULE_PATH.\n"
        "4. Answer: true, false, or not told by the code; quote the value and the file:line. Code counts over configuration, "
        "configuration over paper, paper over card and blog.\n"
        f"{_HONEST}"
    )


def compare_models(
    first: Annotated[str, Field(description="A model's whole name")],
    second: Annotated[str, Field(description="Another one's")],
) -> str:
    """Say how two models differ."""
    return (
        f"How do {first} and {second} differ in architecture?\n"
        f"1. For each: {_NAME}\n"
        "2. compare_models with formats=[png]; look at the picture.\n"
        "3. Read the linked Markdown file where a difference needs its line.\n"
        f"4. Say what is the same, what differs in kind, what only in size, and what it costs (parameters, cache). {_HONEST}"
    )


def prepare_for_estimator(
    model: Annotated[str, Field(description="The model's whole name")],
    estimator: Annotated[str, Field(description="Folder of the estimator's layer classes")],
) -> str:
    """Prepare a model for a performance estimator, with three confirmations by the user."""
    return (
        f"Prepare {model} for the performance estimator whose layer classes are in {estimator}.\n"
        f"1. {_NAME}\n"
        "2. inspect_tensors and write_document(kind=validation, expect=what card and paper state).\n"
        "CHECKPOINT 1: show me the validation: expectations, discrepancies, gaps. Wait until I confirm it.\n"
        f"3. write_document(kind=estimator, estimator={estimator}, save=nothing): nothing is written yet.\n"
        "CHECKPOINT 2: show me the layer types with class, count and parameters. Wait until I confirm; only then call it with "
        "save=configuration.\n"
        "CHECKPOINT 3: show me which layers lack a class and why. Wait until I confirm; only then call it with "
        "save=gap_reports.\n"
        f"4. Give me the links to the files. {_HONEST}"
    )


TITLES: dict[Callable[..., str], str] = {
    draw_model: "Draw a model",
    verify_claim: "Verify a claim about a model",
    compare_models: "Compare two models",
    prepare_for_estimator: "Prepare a model for an estimator",
}


def prompts() -> list[Prompt]:
    """All prompts, in the order in which they are shown."""
    return [Prompt.from_function(function, title=title) for function, title in TITLES.items()]


def arguments_of(name: str) -> list[str]:
    """The arguments of a prompt; none of an unknown one."""
    found = next((function for function in TITLES if function.__name__ == name), None)
    return list(signature(found).parameters) if found is not None else []


def check_prompt(prompt: Prompt | None, name: str, arguments: dict[str, Any]) -> None:
    """Refuse what no prompt is made of.

    Raises:
        MCPError: There is no such prompt, or an argument is missing, unknown, over-long, empty or holds control characters.
    """
    from archviz.service.closed_tool import check_texts

    if prompt is None:
        raise _invalid(f"there is no prompt {name[:80]!a}: they are {', '.join(each.__name__ for each in TITLES)}")
    known = [argument.name for argument in prompt.arguments or []]
    stray = [each for each in arguments if each not in known]
    missing = [each.name for each in prompt.arguments or [] if each.required and each.name not in arguments]
    if stray or missing:
        wrong = f"there is no argument {stray[0][:80]!a}" if stray else f"{', '.join(missing)} is missing"
        raise _invalid(f"{wrong}: the arguments are {', '.join(known)}")
    try:
        check_texts(arguments)
    except UsageError as error:
        raise _invalid(f"{error.where}: {error.message}") from None


def _invalid(message: str) -> MCPError:
    return MCPError(INVALID_PARAMS, message)


MODEL_ARGUMENTS = frozenset({"name", "model", "first", "second"})
"""Arguments of prompts that are completed with ids of models."""
