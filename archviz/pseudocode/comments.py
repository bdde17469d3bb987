"""Shapes in comments: bodies that differ in nothing else are one, and its comments say what all have in common."""

from __future__ import annotations

from archviz.late_patterns import late_pattern

_COMMENT = late_pattern(r"(?:^(\s*)|  )# (.*)$")
_SHAPE = late_pattern(r"\[[^\[\]]*\]")


def without_comments(text: str) -> str:
    """Code alone.

    >>> without_comments("y = f(x)  # [B, T]")
    'y = f(x)'
    """
    return "\n".join(_COMMENT.sub("", line) for line in text.splitlines())


def with_common_comments(first: str, second: str) -> str:
    """The first of two texts of equal code, its comments as far as both agree.

    >>> with_common_comments("y = f(x)  # [B, T, 16, 128]", "y = f(x)  # [B, T, 4096]")
    'y = f(x)  # [B, T, ...]'
    """
    return "\n".join(_common_line(a, b) for a, b in zip(first.splitlines(), second.splitlines(), strict=True))


def _common_line(first: str, second: str) -> str:
    if first == second:
        return first
    mine, theirs = _COMMENT.search(first), _COMMENT.search(second)
    if mine is None or theirs is None:
        return first
    shapes, others = _SHAPE.findall(mine[2]), _SHAPE.findall(theirs[2])
    if len(shapes) != len(others):
        return _COMMENT.sub("", first).rstrip() or f"{mine[1] or ''}# shapes differ"
    waiting = iter([_common_shape(a, b) for a, b in zip(shapes, others, strict=True)])
    words = _SHAPE.sub(lambda _: next(waiting), mine[2])
    return first[: mine.start(2)] + words


def _common_shape(first: str, second: str) -> str:
    mine, theirs = (shape[1:-1].split(", ") if shape != "[]" else [] for shape in (first, second))
    if mine == theirs:
        return first
    if len(mine) == len(theirs) and "..." not in mine + theirs:
        return f"[{', '.join(a if a == b else '_' for a, b in zip(mine, theirs, strict=True))}]"
    common = []
    for a, b in zip(mine, theirs, strict=False):
        if a != b or a == "...":
            break
        common.append(a)
    return f"[{', '.join([*common, '...'])}]"
