"""GitHub: an exact repository, its modelling files at a pinned commit, and code found by exact names.

In: `owner/name`, a path, an identifier. Out: a `Repository` (renames said), the paths of its modelling files, their text as
of one commit. Nothing that is read is executed. Start reading at `client.GithubClient`. Around it:
    address.py   what a GitHub URL names: owner, name, revision, path; nothing is looked up
    code.py      the modelling files of a repository, or the file that an address names, read
    files.py     which paths of a tree hold a model's code or configuration
    ranking.py   which search results define exactly the asked name
    tree_ids.py  the id that git gives a tree, by which a commit is told from it
"""
