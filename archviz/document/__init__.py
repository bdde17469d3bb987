"""The written specification of a model: a Markdown document with everything that is known of it, and a short form for a chat.

In:  a `ModelSource` and its verification. Out: `write_document(…) -> DocumentResult`: the file, and the short form always.

Start reading at `making.py`, then `markdown.py` (the order of the sections, and those that programs read):

    parts      what a document is written from
    overview   the model in a paragraph, from its facts
    stages     its components in the order in which a token meets them
    summary    the short form: `summary(architecture, departures) -> str`
"""
