"""Models side by side: what differs between them, and what sets one apart from a plain decoder, each with evidence.

In:  Architectures. Out: `compare(architectures) -> Comparison`, `departures(architecture) -> list[Departure]`,
     `family(comparison) -> list[Step]`, `comparison_text(comparison) -> str`; Markdown is made in `archviz.emit`.

Start reading at `comparing.py`:

    facts      the same facts in rows, a column a model
    blocks     parts of layers paired by what they are; their steps and their code held against each other
    family     related models in an order, each with what changed since the nearest one before it
    departures what a plain decoder (Llama) does not have: by its facts (`fact_departures.py`), by claims (`claimed_departures.py`), by its parts

To teach it an innovation: a rule in `fact_departures.py` over a fact, and a line in `test_departures.py`.
"""
