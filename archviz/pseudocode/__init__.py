"""Pseudocode: a model's modules and forward pass as PyTorch-style Python, derived from the data flow of an interpreted pass.

In:  a `ModelSource`. Out: `write_pseudocode(source) -> Pseudocode`: valid Python, every statement with the shapes of what it binds.

Start reading at `program.py`:

    sizes        numbers as `B` and `T`, from two passes of different sizes
    expressions  one op as an expression
    rounds       events of two passes, the second with further rounds of loops over tokens
    limits       where a body holds: bounds, loops of one round, sizes that run out
    scopes       statements of one body: what is needed, what joins, what they are called
    loops        statements that repeat
    bodies       events → bodies of modules and functions
    classes      modules → classes with their parts

Nothing of the analysed code is copied: every line is written from an event, with the names that the source gives its results.
"""
