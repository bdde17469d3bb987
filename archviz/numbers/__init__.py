"""Numbers that get used: memory and compute of a model, and how its count leads to the published one.

In:  a built model's caches after two lengths of context (`CachedPass`), its Architecture; a checkpoint's names or total.
Out: `Memory` (weights, cache, state, operations per token; `memory_text`), `Reconciliation` (steps from the code's count to the
     published one).

    dtypes                   names of data types and their bits
    cache_growth             what each layer keeps as a function of context, from caches after two lengths
    operations ── multiplied, state_work    multiplications per token, from the passes that made those caches; which weights and products
                             a pass has, and what it does to recurrent states
    memory ── memory_text ── sizes    the whole, as a table, and bytes in writing
    reconcile ── further_layers, quantised    from the code's count to a published total, by mechanisms
    weights ── stored_forms                   bytes of the weights as their quantisation states them
    checkpoint_match ── stored_names          stored tensors against those of the model, through transformers' conversion table

Start reading at `memory.py` and `reconcile.py`. Nothing here knows a family of models: what is kept and multiplied is read off the interpreted passes.
"""
