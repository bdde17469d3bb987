"""The service: the MCP server through which agents resolve, describe, verify, draw, compare and document models.

In: calls over stdio or HTTP. Out: small structured answers (at most `paging.ANSWER_BYTES`), pictures, links to files in
the output root, and errors as data that say what to do next. No logic of models lives here: every tool calls
`archviz.pipeline`. What agents rely on is in `references/server.md`.

Start reading at `server.build_server`. Around it:
    tools/         the eight tools, one file a subject; tools/__init__.py lists them and says how to add one
    results.py     what they answer: closed pydantic models, which are the published output schemas
    answering.py   from an answer to a tool result; short lines of gaps and notes
    subject.py     which claims a subject in words is about
    summary.py, paging.py, parts.py   an Architecture in one answer, in pages, by paths
    failures.py    an `ArchvizError` as a tool result, with the next useful step for each error code
    closed_tool.py closed and compact schemas; refusal of over-long texts and control characters
    late.py        tables of tools and prompts, made when they are first asked for
    desk.py        threads, limits, progress, cancellation and an early end
    shelf.py, bounded.py   descriptions and answers that are kept, and how many
    callers.py, outputs.py, reach.py  who calls, the one folder that is written for it, the files that are read for it
    resources.py, prompts.py, completions.py, skill.py, app.py   what else MCP serves
    stdio.py                           stdin and stdout, with a graceful end
    http.py, tokens.py, exchanges.py   streamable HTTP: names, tokens, health, a graceful end
"""

from __future__ import annotations
