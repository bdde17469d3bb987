"""The commands of the command line: one file each.

In: parsed arguments. Out: data on stdout, messages on stderr, an exit status. A command holds no logic: it calls
`archviz.pipeline`, or the room below it that needs no interpreter, and prints (`printing`).

To add one: a file named after it with `add_arguments`, `run` and `COMMAND`, a row in `COMMANDS` here, a row in
`references/contracts.md`. Imports that cost time stand in `run`: `archviz --help` loads none of them.
"""

from __future__ import annotations

from archviz.commands import (
    cache,
    checkpoint,
    code_search,
    compare,
    describe,
    doctor,
    document,
    draw,
    export,
    memory,
    papers,
    resolve,
    schema,
    serve,
    sources,
    tensors,
    trace,
    verify,
)
from archviz.commands.command import Command

COMMANDS: tuple[Command, ...] = (
    resolve.COMMAND,
    tensors.COMMAND,
    trace.COMMAND,
    describe.COMMAND,
    draw.COMMAND,
    document.COMMAND,
    compare.COMMAND,
    memory.COMMAND,
    export.COMMAND,
    code_search.COMMAND,
    verify.COMMAND,
    sources.COMMAND,
    papers.COMMAND,
    checkpoint.COMMAND,
    cache.COMMAND,
    schema.COMMAND,
    doctor.COMMAND,
    serve.COMMAND,
)
"""In the order of `archviz --help`."""
