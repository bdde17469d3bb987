"""The written specification of a model: a Markdown document with everything that is known of it, and a short form for a chat.

In:  an Architecture, the claims about it, its pseudocode. Out: `markdown_document(parts) -> str`, `summary(architecture) -> str`.

Start reading at `markdown.py` (the order of the sections):

    overview   the model in a paragraph, from its facts
    stages     its components in the order in which a token meets them
    machine    DOT, pseudocode, JSON and the calculation of its parameters
    checked    the claims with their places
    summary    the short form
"""
