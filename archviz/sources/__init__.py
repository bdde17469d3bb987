"""Where a model comes from: configuration values and code files, whatever their origin.

In: MODEL (an id of the Hub or the catalog, a folder or `config.json`, `transformers:MODEL_TYPE`). Out: a `ModelSource` with configuration
values, the class to build and where each came from; the official code of the installed `transformers`, found as text
and never imported.

A folder's or repository's own code (`auto_map`) and plain PyTorch files are read the same way, as text; that of a repository is
fetched when it is first read (`hub_source.py`). `stored.py` gives the tensors that a model stores.

Start reading at `model_source.py`; `installed.py` finds files, `official.py` says which classes a configuration means,
`custom_code.py` which a folder's `auto_map` means, `plain_code.py` which class and arguments the user means.
To add an origin: one function in `model_source.py` that returns a `ModelSource`.
"""
