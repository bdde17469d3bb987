"""The Hugging Face Hub: exactly one repository at one commit, its facts, its small files, its checkpoint's headers.

In: an exact id and a revision, in a `Session` of `archviz.network`. Out: a `HubModel`, the text of a file, the stored tensors
of a safetensors file. Weights are never read, and nothing that is read is executed.

Start reading at `find.py`:
    find.py      from id and revision to facts at a commit: from the cache, else from the Hub; candidates by search
    facts.py     what is kept of the Hub's answer
    derivation.py  what a model was made from
    api.py       the `huggingface_hub` client over our own transport, and its exceptions as ours
    files.py     configuration and code at a commit, within bounds
    headers.py   names, types and shapes in safetensors files: as kept, as the Hub parsed them, else by ranged requests
    parsed.py    all headers in one reply, of the newest commit of `main`
    ranges.py    one header by a ranged request
    ask.py       the Hub as one of the places where a name is looked up

`huggingface_hub` is imported in `api.py` only, when the Hub is really asked: what the cache knows costs no import.
"""
