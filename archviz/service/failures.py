"""Errors as data: an `ArchvizError` as a tool result that says what to do next."""

from __future__ import annotations

import json
import re
from functools import cache

from mcp_types import CallToolResult, TextContent

from archviz.errors import ONLINE_AGAIN, ArchvizError, NotAskedError
from archviz.service.callers import CALLER

_ASK = "Ask the user which model is meant, then call again with its exact id. Do not choose one yourself."
_NOT_ASKED = "not_asked"  # an `offline` of a server that is not
NEXT_STEPS: dict[str, str] = {
    "usage": "Change the argument as the hint says and call again.",
    "bad_config": "The configuration cannot be built as it stands: mend it, or give another one.",
    "bad_record": "This is a bug of archviz. Report the message; other models work.",
    "bad_figure": "Mend the diagram config at `where` and give it again; the resource archviz://references/diagram-config.md has its format.",
    "unsupported": "Read the code at `at` yourself (verify_code with code=…), and mark `part` as unverified.",
    "not_found": "Check the exact name with the user, or look at the candidates. Never draw a near name instead.",
    "no_resource": "resources/list and resources/templates/list have the forms of addresses: mend it and read again.",
    "ambiguous": _ASK,
    "unreachable": "Try again later, or give a local folder or config.json as the model.",
    "offline": "The server was started with --offline and has nothing stored of it: tell the user, or give a local folder.",
    _NOT_ASKED: "One call asks so often at most. Call again: what was learnt is kept, and the next call goes on from there.",
    "rate_limited": "Wait as many seconds as retry_after says, then call again.",
    "busy": "The server has much to do: wait as many seconds as retry_after says, then call again.",
    "shutting_down": "Nothing in the call is wrong: call again when the server is back.",
    "gated": "Tell the user that the owner must let them in. Give a local folder instead, if there is one.",
    "bad_response": "Try again once; then give a local folder or config.json as the model.",
    "no_safetensors": "Its stored tensors cannot be listed; describe_architecture works without them.",
    "too_large": "The input is over a bound. Ask for a smaller part, or give a smaller input.",
    "conflict": "Report the conflict to the user with both values.",
    "output": "Nothing in the call is wrong: whoever runs the server must mend its output folder. Calls that write nothing work.",
    "internal": "This is a bug of archviz. Report the message; another model or part may still work.",
}
_MOST_CANDIDATES = 10
_LONGEST = 600
_STAGED = re.compile(
    r"(?<![^\s'\"(])/[^\s'\"]*/\.draw-\w+/?"
)  # a folder that is gone, and says where the server keeps its files
_ARGUMENTS = {
    "--class": "class_name", "--expect": "expect", "--context": "context", "--for": "about", "--view": "view",
    "--module": "module", "--estimator": "estimator", "--against": "figure", "--sections": "sections", "figure.json": "figure",
}  # fmt: skip
"""Option of a command → argument of the tools."""

_TOOLS = {
    "describe": "describe_architecture", "trace": "describe_architecture with part=trace:MODULE", "draw": "draw_architecture",
    "tensors": "inspect_tensors", "checkpoint": "inspect_tensors with stored=true", "verify": "verify_code",
    "compare": "compare_models", "resolve": "resolve_model", "sources": "find_sources", "papers": "find_sources with read=paper",
    "document": "write_document", "memory": "write_document with kind=memory", "export": "write_document with kind=estimator",
}  # fmt: skip
"""Command → tool."""

_COMMAND = re.compile(rf"\barchviz ({'|'.join(_TOOLS)})\b")
_OPTION = re.compile(rf"(?<!\S)({'|'.join(name for name in _ARGUMENTS if name.startswith('--'))})\b(?: [A-Z]{{3,}})?")


def failure(error: ArchvizError) -> dict[str, object]:
    """An error as data: code, message, where, hint, candidates and the next step; what is absent is left out."""
    data = {key: _cut(value) for key, value in error.as_dict().items() if value not in (None, [], "")}
    if _is_remote():
        if str(data.get("where", "")).startswith(("/", "~")):
            del data["where"]  # a path, or a JSON pointer that the message has, too
        data = {key: _elsewhere(value) for key, value in data.items()}
    where = str(data.get("where", "")).removeprefix("figure.json: ")
    if where:
        data["where"] = where
    if (argument := _ARGUMENTS.get(where.rpartition("/")[2])) is not None:
        data["where"] = argument
    if data.get("at") == data.get("where"):
        data.pop("where", None)
    data = {key: in_tools(value) if key in ("message", "hint") else value for key, value in data.items()}
    if error.code == "offline" and (hint := data.pop("hint", None)):
        kept = str(hint).replace(ONLINE_AGAIN, "").strip()  # of a command: its own next step says it
        data |= {"hint": kept} if kept else {}
    candidates = data.get("candidates")
    if isinstance(candidates, list):
        data["candidates"] = candidates[:_MOST_CANDIDATES]
    return {**data, "next": next_step(code_of(error), hinted="hint" in data, offered="candidates" in data)}


def code_of(error: ArchvizError) -> str:
    """The code by which an error's next step is found."""
    return _NOT_ASKED if isinstance(error, NotAskedError) else error.code


def next_step(code: str, *, hinted: bool, offered: bool) -> str:
    """What to do after an error; of a hint and of candidates only where there are some."""
    step = NEXT_STEPS.get(code, NEXT_STEPS["usage"])
    step = step if hinted else step.replace(" as the hint says", "")
    return step if offered else step.replace(", or look at the candidates", "")


def in_tools(text: object) -> object:
    """A text with the tools and arguments in place of commands and options.

    >>> in_tools("archviz tensors builds its default; --class NAME another one")
    'inspect_tensors builds its default; class_name another one'
    """
    if not isinstance(text, str):
        return text
    text = _COMMAND.sub(lambda found: _TOOLS[found[1]], text)
    return _OPTION.sub(lambda found: _ARGUMENTS[found[1]], text)


def _is_remote() -> bool:
    me = CALLER.get(None)
    return me is not None and me.remote


def _elsewhere(value: object) -> object:
    """A text for another machine: of a path of this one only the last name."""
    return _server_paths().sub(lambda found: found["last"] or found["tail"], value) if isinstance(value, str) else value


@cache
def _server_paths() -> re.Pattern[str]:
    """Absolute paths and those below a home, blanks in them where they are quoted; all that begins with a slash but JSON pointers."""
    from archviz.architecture.model import Architecture
    from archviz.records import field_names

    pointers = "|".join(re.escape(name) for name in field_names(Architecture))
    begin = rf"(?:~[\w.-]*/|/(?!/|(?:{pointers})(?:[/\s'\"),;.:]|$)))"
    quoted = rf"(?<=['\"]){begin}[^'\"]*?(?P<last>[^'\"/]+)(?=['\"])"
    plain = rf"(?<![^\s'\"(\[=:,]){begin}(?:[^\s'\"/]*/)*(?P<tail>[^\s'\"/]+)"
    return re.compile(f"{quoted}|{plain}")


def _cut(value: object) -> object:
    """A text that is no longer than an answer may be, without what a terminal would obey."""
    if not isinstance(value, str):
        return value
    value = _STAGED.sub("", value)
    shown = "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in value)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def failure_result(error: ArchvizError) -> CallToolResult:
    """An error as a tool result; text and structured content say the same."""
    data = failure(error)
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=data, is_error=True)
