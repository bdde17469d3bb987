"""The ids that git gives a tree and a file, reckoned from a listing of it and from its content.

GitHub lists a tree by its own id, by a commit or by a reference, and documents the `sha` of its reply as that of the tree; what
it states there for a reference is the commit. A listing that has this id was stated by its tree, which is no commit.
Source: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
"""

from __future__ import annotations

import hashlib

from archviz.late_patterns import late_pattern

_FORM = late_pattern(r"[0-9a-f]{40}")
_MODE = late_pattern(r"[0-7]{5,6}")


def tree_id(rows: object) -> str | None:
    """The id of the tree whose whole listing this is, 40 hex digits; None where the rows do not tell.

    Args:
        rows: `path`, `mode`, `type` and `sha` of each entry, as GitHub gives them; what is in folders is not looked at.
    """
    if not isinstance(rows, list):
        return None
    entries: list[tuple[bytes, bytes]] = []
    for row in rows:
        path, mode, sha = (str(row.get(key)) if isinstance(row, dict) else "" for key in ("path", "mode", "sha"))
        if not path or not _MODE.fullmatch(mode) or not _FORM.fullmatch(sha):
            return None
        if "/" in path:
            continue
        name = path.encode("utf-8", "surrogatepass")
        order = name + b"/" if row.get("type") == "tree" else name  # git sorts folders as if they ended so
        entries.append((order, mode.lstrip("0").encode() + b" " + name + b"\0" + bytes.fromhex(sha)))
    return _id("tree", b"".join(entry for _, entry in sorted(entries)))


def blob_id(content: bytes) -> str:
    """The id of a file with this content.

    >>> blob_id(b"")
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    return _id("blob", content)


def _id(kind: str, body: bytes) -> str:
    return hashlib.sha1(b"%b %d\0%b" % (kind.encode(), len(body), body), usedforsecurity=False).hexdigest()
