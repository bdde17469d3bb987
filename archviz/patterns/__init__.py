"""Detectors: what a module or a piece of data flow *is*, in the field's words.

In:  module records and trace events (`archviz.interpreter.reading`), nothing else.
Out: small frozen descriptions (`Attention`, `Recurrence`, `FeedForward`, `MixtureOfExperts`, `Norm`, `Rope`,
     `Repeat`) and contracted data flows (`Flow`).

One file, one idea; a detector takes a module (or event) and the `Trace` and answers with a description, or with
None for "not mine".  It decides by tensors, attributes and ops; class names are the last resort.

Start reading at `layer_parts.py` (which parts a layer has) and `flow.py` (how a trace becomes a graph).

    layer_parts ── attention ── rope, norms, linears
                ├─ recurrences            delta rules, state-space models, RWKV, xLSTM, short convolutions
                ├─ moe ── feed_forward    experts, router, shared experts
                └─ norms
    flow ── regions ── residual           data-flow graphs, their cores, their skip connections
    repeat                                sequences of kinds → nested repetition
    trace, op_families, linears           what the detectors look things up in

To add a mixer: write a function in `recurrences.py` (or a file beside it) that looks at the tensors which make it
unlike the others, put it into the ordered list there, and test it with a module of three lines.
"""
