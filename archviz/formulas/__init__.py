"""Formulas: parameter counts as sums of products of configuration values, in the field's symbols.

In:  how the code computed the sizes of tensors (`ModelReading.sizes`, expressions of `interpreter.sizes`) and the configuration.
Out: `Formulas(reading, prefix).of(groups) -> Formula`: `3·d·H·d_h + 2·d·H_kv·d_h`, the same with numbers, and what it counts.

Start reading at `writing.py`. `products` is the algebra (like terms add up, exact quotients cancel), `symbols` says which
configuration key is called what, `reading_back` evaluates the text of a formula.

To add a symbol: a row in `symbols.SYMBOLS` with the keys that mean it. A key without a row goes by its own name.
"""
