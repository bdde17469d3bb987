"""Lookup: from what people write to exactly one published model, or to a refusal that helps.

In: a MODEL argument as text. Out: a `ModelName` (its form), a `Resolution` (which model, or which candidates), a
`CatalogRecord` (the embedded facts about one exact model).

Start reading at `resolve.resolve`. Around it:
    names.py        what form a text has: hub id, bare name, transformers:TYPE, path; nothing is looked up
    identity.py     family, version, size, active size and suffix in a name; how two names differ
    candidates.py   models that fit a family name, models whose names are near; offered, never chosen
    searching.py    what the Hub's search offers beside them
    citing.py       the models that name a paper or a GitHub repository
    resolution.py   the answer, its exit status, its JSON and the exception that says the same
    hub/            exactly one repository of the Hub at one commit: facts, small files, headers
    checkpoint.py   stored tensors, from headers of safetensors files
    catalog/        the embedded facts, one file a model
    papers.py       one paper by its exact id or title, with the sections that are wanted
    arxiv/          arXiv: ids, feeds, titles, sections of HTML renderings
    github/         GitHub: an exact repository, its modelling files at a commit, code by exact names
    card/           what a repository's README states and where it leads
    clean_text.py   text from outside as it may be shown
    html_text.py    the text of a page, block by block; html_tidy.py makes HTML fit to parse
    html_table.py   a table of it by rows, with each value below its own heading

How to add a place to ask: a step of `resolve.look_up`, which asks the Hub and falls back on the catalog. How to add a model: see
`catalog/__init__.py`.
"""
