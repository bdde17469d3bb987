"""Code search: where a file, folder or archive of Python does what a topic is about, read off the syntax alone.

In: a path and topics (`rope`, `split`, `norm`, …). Out: a `SearchResult`: matches with file, line, class, function, the
call as written and what its name leads to; files that could not be read, with the reason. No configuration is needed
and nothing is interpreted, so it works on code that the interpreter does not understand.

Start reading at `search.search`. Around it, in the order of the data:
    files.py       a path → source texts, from a file or a folder; archives.py the same from zip and tar, in memory
    sites.py       a syntax tree → sites: calls, definitions, decorators, slices, branches, imports, assigned functions
    scopes.py      what a name stands for: imports, assignments of functions, attributes of self, base classes
    names.py       identifiers as words, and the patterns over them
    topic.py       what a topic is, and whether a site belongs to it
    topics/        one small table a topic
    result.py      matches and skipped files, as data; text.py the same for a terminal

How to add a pattern: put a word into a table of `topics/`. How to add a topic: see `topics/__init__.py`.
"""

from __future__ import annotations
