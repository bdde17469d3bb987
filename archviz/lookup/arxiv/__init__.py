"""arXiv: a paper by its exact id or its exact title, and the sections of it that say how the model is built.

In: an id, a title. Out: a `Paper` (title, authors, abstract, links) and, from the paper's HTML rendering, its `Section`s as
clean text with tables and captions. Start reading at `client.ArxivClient`. Around it:
    ids.py        what an arXiv id is, new and old style, with its version; nothing is looked up
    feed.py       the API's Atom answers → papers; no entities, no document types
    titles.py     which titles are exactly the asked one, and how the others rank
    document.py   the HTML rendering → titled sections, with BeautifulSoup
    selection.py  which sections are about the architecture, within a bound on their size
"""
