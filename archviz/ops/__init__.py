"""What each torch function does to shapes: tables, one small function an entry.

In: a `Library` to fill (`register_ops`). Out: stubs keyed by the dotted names they stand for (`torch.cat`,
`torch.Tensor.view`), plus the parts of Python's standard library that modelling code uses (`stdlib.py`) and the
functions of the host that are never run (`host.py`).

Start reading at `registry.py` (how an op enters the table, what a trace records), then `shapes.py` (the pure rules).
To add an op: write one function that takes the interpreter and the op's arguments and returns tensors made with
`tensor` or `like`, decorate it with `@op(library, "torch.NAME", "torch.Tensor.NAME")` in the file of its family
(creation, elementwise, layout, indexing, reduction, functional), and add a line to `tests/ops/`.
"""

from __future__ import annotations

from archviz.interpreter.library import Library


def register_ops(library: Library) -> None:
    """Fill a library with every op and with the standard library."""
    from archviz.ops import (
        axis_patterns,
        choices,
        contexts,
        creation,
        distributions,
        elementwise,
        enumerations,
        function_tools,
        functional,
        heaps,
        host,
        indexing,
        layout,
        matrices,
        numpy_functions,
        rarer,
        reduction,
        stdlib,
    )

    for family in (
        stdlib,
        enumerations,
        heaps,
        function_tools,
        numpy_functions,
        contexts,
        host,
        rarer,
        creation,
        distributions,
        elementwise,
        layout,
        indexing,
        choices,
        reduction,
        matrices,
        functional,
        axis_patterns,
    ):
        family.register(library)
