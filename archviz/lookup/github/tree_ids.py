"""The id that git gives a tree, reckoned from a listing of it.

GitHub lists a tree by its own id, by a commit or by a reference, and documents the `sha` of its reply as that of the tree; what
it states there for a reference is the commit. A listing that has this id was stated by its tree, which is no commit.
Source: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
"""

from __future__ import annotations

import hashlib

from archviz.late_patterns import late_pattern

_ID = late_pattern(r"[0-9a-f]{40}")
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
        if not path or not _MODE.fullmatch(mode) or not _ID.fullmatch(sha):
            return None
        if "/" in path:
            continue
        name = path.encode("utf-8", "surrogatepass")
        order = name + b"/" if row.get("type") == "tree" else name  # git sorts folders as if they ended so
        entries.append((order, mode.lstrip("0").encode() + b" " + name + b"\0" + bytes.fromhex(sha)))
    body = b"".join(entry for _, entry in sorted(entries))
    return hashlib.sha1(b"tree %d\0%b" % (len(body), body), usedforsecurity=False).hexdigest()
