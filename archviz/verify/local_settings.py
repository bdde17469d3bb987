"""Numbers that an attention keeps of which tokens meet: blocks, windows, random blocks, hashes; also where a short pass shows none of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from archviz.interpreter.reading import ModuleRecord
from archviz.late_patterns import late_pattern
from archviz.spans import Span
from archviz.verify.claims import Claim
from archviz.verify.source_lines import SourceLines
from archviz.verify.view import LayerView

_OF_MEETING = late_pattern(r"(^|_)(window|blocks?|chunk|radius|random|dilation|stride|hash)(_|$)")
_OTHER = late_pattern(r"sliding_|pretrained|_ids?$|_index$|_idx$|^initial_|_fwd_")
"""What is told elsewhere, or numbers something."""


def local_settings(view: LayerView) -> Iterator[Claim]:
    """The numbers of an attention by which tokens meet: `block_size 64, num_random_blocks 3`, with the lines that keep them."""
    for module in view.module.walk():
        kept = {name: value for name, value in module.attributes.items() if _is_told(name, value)}
        if kept:
            words = ", ".join(f"{name} {_shown(value)}" for name, value in kept.items())
            places = [_assigned(view.lines, module, name) for name in kept]
            yield view.claim("attention.settings", words, *(places if any(places) else [module.defined_at]))


def _is_told(name: str, value: object) -> bool:
    numbers = value if isinstance(value, (list, tuple)) else [value]
    whole = bool(numbers) and all(isinstance(each, int) and not isinstance(each, bool) and each > 0 for each in numbers)
    return whole and _OF_MEETING.search(name) is not None and _OTHER.search(name) is None


def _shown(value: object) -> str:
    return " × ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _assigned(lines: SourceLines, module: ModuleRecord, name: str) -> Span | None:
    """The line in a module's class that keeps a number under some name."""
    at = module.defined_at
    if at is None:
        return None
    classes = [each for each in lines.tree(at.file).body if isinstance(each, ast.ClassDef)]
    own = next((each for each in classes if each.name == module.class_name), None)
    for node in ast.walk(own) if own is not None else ():
        if isinstance(node, ast.Assign) and f"self.{name}" in map(ast.unparse, node.targets):
            return Span(at.file, node.lineno)
    return None
