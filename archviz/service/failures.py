"""Errors as data: an `ArchvizError` as a tool result that says what to do next."""

from __future__ import annotations

import json

from mcp_types import CallToolResult, TextContent

from archviz.errors import ArchvizError

_ASK = "Ask the user which model is meant, then call again with its exact id. Do not choose one yourself."
NEXT_STEPS: dict[str, str] = {
    "usage": "Change the argument as the hint says and call again.",
    "bad_config": "The configuration cannot be built as it stands: mend it at `where`, or give another one.",
    "bad_record": "This is a bug of archviz. Report the message; other models work.",
    "bad_figure": "Mend the diagram config at `where` and draw it again.",
    "unsupported": "Read the code at `at` yourself (verify_code with code=…), and mark `part` as unverified.",
    "not_found": "Check the exact name with the user, or look at the candidates. Never draw a near name instead.",
    "ambiguous": _ASK,
    "unreachable": "Try again later, or give a local folder or config.json as the model.",
    "offline": "Nothing is stored of it, and the network may not be asked. Give a local folder, or ask the user.",
    "rate_limited": "Wait as many seconds as retry_after says, then call again.",
    "busy": "The server has much to do: wait as many seconds as retry_after says, then call again.",
    "gated": "Tell the user that the owner must let them in. Give a local folder instead, if there is one.",
    "bad_response": "Try again once; then give a local folder or config.json as the model.",
    "no_safetensors": "Its stored tensors cannot be listed; describe_architecture works without them.",
    "too_large": "The input is over a bound. Ask for a smaller part, or give a smaller input.",
    "conflict": "Report the conflict to the user with both values.",
    "internal": "This is a bug of archviz. Report the message; another model or part may still work.",
}
_MOST_CANDIDATES = 10
_LONGEST = 600


def failure(error: ArchvizError) -> dict[str, object]:
    """An error as data: code, message, where, hint, candidates and the next step; what is absent is left out."""
    data = {key: _cut(value) for key, value in error.as_dict().items() if value not in (None, [])}
    if data.get("at") == data.get("where"):
        data.pop("where", None)
    candidates = data.get("candidates")
    if isinstance(candidates, list):
        data["candidates"] = candidates[:_MOST_CANDIDATES]
    return {**data, "next": NEXT_STEPS.get(error.code, NEXT_STEPS["usage"])}


def _cut(value: object) -> object:
    """A text that is no longer than an answer may be, without what a terminal would obey."""
    if not isinstance(value, str):
        return value
    shown = "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in value)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def failure_result(error: ArchvizError) -> CallToolResult:
    """An error as a tool result; text and structured content say the same."""
    data = failure(error)
    text = json.dumps(data, ensure_ascii=False)
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=data, is_error=True)
