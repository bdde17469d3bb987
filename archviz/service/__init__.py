"""The service: the MCP server through which agents resolve, describe and draw models.

In: tool calls over stdio. Out: small structured answers (at most `paging.ANSWER_BYTES`), pictures, links to files in
the output root, and errors as data that say what to do next. No logic of models lives here: every tool calls
`archviz.pipeline`.

Start reading at `server.build_server`. Around it:
    tools.py     the tool functions, one each
    results.py   what they answer: closed pydantic models, which are the published output schemas
    failures.py  an `ArchvizError` as a tool result, with the next useful step for each error code
    summary.py   an Architecture in one small answer
    paging.py    JSON pointers, and values cut to pages that fit an answer
    outputs.py   the output root: the only folder that is written

How to add a tool: a method of `tools.Tools` with a result model, and a row in `server.TOOLS`.
"""

from __future__ import annotations
