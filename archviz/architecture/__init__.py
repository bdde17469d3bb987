"""The Architecture: what a model is, with evidence, as one JSON document (`schema: archviz/1`).

In:  a `ModelReading` (module tree, tensors, ties, trace, gaps) and an `Identity`.
Out: `build_architecture(reading, identity) -> Architecture`, `describe_text(architecture) -> str`,
     `check_architecture(architecture) -> list[str]`.

Start reading at `model.py` (the document) and `build.py` (the order of work):

    context        the reading, its trace, detections made once
    kinds ── naming, folding      layers grouped by signature, kinds named, module tree folded
    roles                         what every module is
    towers                        columns: text, vision, audio, encoder, decoder
    layer_graphs ── graphs, labels, outline    data flow of layers, mixers and feed-forwards
    parameters ── breakdown       totals; the rows with their formulas (`archviz.formulas`), `formula_text` as text
    facts                         the values of a model card with status and evidence
    spec                          invariants that every document keeps
    text                          the description for people

What a module *is* is decided in `archviz.patterns`; this room arranges, counts and cites.

To add a fact: one `sheet.add(key, value, evidence)` in `facts.py` and a line in its test.  To add an invariant: a
function with `@invariant` in `spec.py` that yields what is broken.
"""
