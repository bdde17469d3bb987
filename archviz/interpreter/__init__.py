"""Modelling code, read by interpreting it over abstract values; nothing of it is imported, compiled or executed.

In:  a `Library` of stubs (filled by the rooms `ops` and `layers`), a way to find source text by dotted name, `Limits`.
Out: module objects that `build.read_model` turns into a `ModelReading` (module tree, tensors, ties, gaps), and with
     `trace.trace_model` the events of one forward pass.

Start reading at `machine.py` (the `Interpreter`: budget, gaps, statements, attributes) and at `values.py` (what a value
is). `references/interpreter.md` explains the whole, `tests/interpreter/toy.py` is a toy of it.

    expressions, statements      syntax node → one small function, in a table
    operators, attributes, calls, classes, builtins_table     what Python does to values
    named_tuples                 tuples with named fields
    protocols                    objects of interpreted classes behind Python's own operators
    bounds                       what host methods may cost, checked before they run
    modules, imports, scope      files run lazily, a name at a time; names and frames
    library                      the table of stubs, by dotted name
    control                      how control leaves a statement; what is raised
    build, collect, sharing      from a class to a reading; equal modules interpreted once
    tracing, trace               the forward pass as events
    reading                      the plain data handed on

To add a syntax rule: a function with `@expression(ast.NODE)` or `@statement(ast.NODE)`, and a snippet in
`tests/interpreter/`, which Python and the interpreter both run.  To add a builtin: `@builtin("NAME")` in
`builtins_table.py`.  Anything of a library goes to `ops` or `layers`.
"""
