"""Claims: statements about a model, each with a status and the lines that support it, checked against what others state.

In:  a `ModelReading` with its trace, the `Architecture` built from it, and the source texts that were read.
Out: `Claim`s (`claims.py`) and, for what somebody else states, `Check`s: expectations given as `key=value`, the numbers
     in a hand-written figure, or another Architecture.

    claims          the two data types, and how equal claims about several layers are joined
    build           all claims of a model, layer kind by layer kind
      rope_claims, attention_claims                  positions and attention
      split_claims                                   every split, chunk and concatenation, with names and sizes
      structure_claims, router_claims                norms, residuals, feed-forwards, experts, mixers with a state
      model_claims                                   embedding, logits, positions and facts of the whole model
    same_numbers                                   layers of a kind that compute with other numbers, kept apart
    joined_numbers                                 numbers of formulas that are sizes of this pass, no constants of the model
    not_read, size_tests                           branches and rounds that this pass did not take, and another might
    lineage         where a value comes from: the steps between a projection and the value
    source_lines    source texts: the quoted line, the names that an assignment binds
    expectations    `params=70e9±2%,layers=80` → checks
    statements, against_figure, figure_order         the numbers and orders that a figure states → checks
    against_architecture                             an Architecture that says something else → checks
    report          exit status, JSON and text

Nothing is decided by a model's name.  Start reading at `build.py`.  To add a claim: write a function that takes a
`LayerView` (one part of one kind of layer) and yields `Claim`s, put it into the list in `build.py`, and test it with a
model that has the property and with a mutation that takes it away.
"""
