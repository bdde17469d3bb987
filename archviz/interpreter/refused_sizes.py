"""Other sizes of inputs that a refusal asks for: it states a shape, a multiple, how much of something it wants of how much, or too little.

"requires 80 input features, got 128", "Input image size (1792*448) doesn't match model (896*448)", "is too small to be scaled".
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from math import gcd, prod
from typing import Any

from archviz.interpreter.machine import Interpreter
from archviz.interpreter.named_inputs import frames_axis
from archviz.interpreter.stated_inputs import DTYPE, stated_sizes
from archviz.interpreter.values import Tensor
from archviz.late_patterns import late_pattern

Sizes = tuple[int, ...]
_SHAPE = late_pattern(r"shape `?(\([^()]{1,200}\))")
_MULTIPLE = late_pattern(r"multiple of ([1-9]\d{0,5})\b")
_WANTED = late_pattern(r"requires (\d{1,7}) input (?:features|channels), got (\d{1,7})\b")
_IMAGE = late_pattern(r"size \(?(\d{1,6}) ?[x*×] ?(\d{1,6})\)?[^(]{1,60}\((\d{1,6}) ?[x*×] ?(\d{1,6})\)")
_UNLIKE = late_pattern(r"equal sizes or 1, got \[(\[[\d, ]{1,80}\]), (\[[\d, ]{1,80}\])\]")
_RESHAPED = late_pattern(r"reshape requires (\d{1,12}) elements, got (\[[\d, -]{1,80}\])")
_JOINED = late_pattern(r"[Ee]xpected size (\d{1,7}) but got size (\d{1,7})\b")
_SMALL = late_pattern(r"too small|requires k of at most|no smaller than its kernel")
_LARGER = (2, 4, 8)
_LONGER = 256
_IMAGE_AXES = 4


def other_sizes(
    interp: Interpreter, config: Any, given: Mapping[str, Tensor], reason: str, batch: int, seq: int
) -> Iterator[dict[str, Sizes]]:
    """The sizes of some inputs that a refusal asks for, the likeliest first.

    Args:
        given: The inputs that may have other sizes.
    """
    for name, value in given.items():
        if value.dtype == DTYPE:
            for sizes in _of_words(interp, config, value.sizes, reason, batch, seq):
                yield {name: sizes}
        for sizes in (*_wanted(value, reason), *_joined(value, reason), *_alike(value, reason)):
            yield {name: sizes}
        if value.dtype == DTYPE and len(value.sizes) == 3:
            for sizes in _reshaped(value, reason):
                yield {name: sizes}
    images = {name: value.sizes for name, value in given.items() if _is_image(value)}
    for match in _IMAGE.finditer(reason) if images else ():
        height, width, *wanted = map(int, match.groups())
        yield {
            name: (*each[:-2], each[-2] * wanted[0] // height, each[-1] * wanted[1] // width)
            for name, each in images.items()
        }
    if _SMALL.search(reason):
        yield from _larger(given, images)


def _is_image(value: Tensor) -> bool:
    return value.dtype == DTYPE and len(value.sizes) >= _IMAGE_AXES


def _of_words(interp: Interpreter, config: Any, sizes: Sizes, reason: str, batch: int, seq: int) -> Iterator[Sizes]:
    """The shape or the multiple that a refusal states."""
    for match in _SHAPE.finditer(reason):
        stated = stated_sizes(interp, config, match.group(1), batch, seq)
        yield from [stated] if stated is not None else []
    for match in _MULTIPLE.finditer(reason):
        step = int(match.group(1))
        yield (*sizes[:-1], -(-sizes[-1] // step) * step)


def _wanted(value: Tensor, reason: str) -> Iterator[Sizes]:
    """So many features or channels that so many others become in proportion."""
    sizes = value.sizes
    for match in _WANTED.finditer(reason):
        wanted, got = int(match.group(1)), int(match.group(2))
        for axis in range(len(sizes) - 1, 0, -1):
            if got > 0 and (sizes[axis] == got or (value.dtype == DTYPE and sizes[axis] * wanted % got == 0)):
                yield (*sizes[:axis], sizes[axis] * wanted // got, *sizes[axis + 1 :])


def _joined(value: Tensor, reason: str) -> Iterator[Sizes]:
    """As long as what it is joined with."""
    for match in _JOINED.finditer(reason):
        one, other = map(int, match.groups())
        for before, after in ((one, other), (other, one)):
            if value.dtype == DTYPE and before in value.sizes[1:]:
                axis = value.sizes.index(before, 1)
                yield (*value.sizes[:axis], after, *value.sizes[axis + 1 :])


def _alike(value: Tensor, reason: str) -> Iterator[Sizes]:
    """The sizes of what an input meets and does not fit: an image's; the axis of codebooks that token ids lack."""
    for match in _UNLIKE.finditer(reason):
        for one, other in (match.groups(), match.groups()[::-1]):
            mine, theirs = tuple(ast.literal_eval(one)), tuple(ast.literal_eval(other))
            if mine[:-1] == value.sizes and len(theirs) == len(mine) == 3 and mine[::2] == theirs[::2]:
                yield theirs[:2]  # as many tokens as there are embeddings of something else
            if mine != value.sizes or not 0 < len(theirs) <= len(mine):
                continue
            if value.dtype != DTYPE:
                yield (*mine, theirs[-1])
            elif _is_image(value) and len(theirs) > 1:
                yield (*mine[:-2], *theirs[-2:])


def _reshaped(value: Tensor, reason: str) -> Iterator[Sizes]:
    """As many more frames as a reshape into rows of a fixed width needs."""
    axis = frames_axis(value) % len(value.sizes)
    frames = value.sizes[axis]
    for match in _RESHAPED.finditer(reason):
        elements, row = int(match.group(1)), prod(size for size in ast.literal_eval(match.group(2)) if size > 0)
        if row and elements and elements % frames == 0:
            step = row // gcd(row, elements // frames)
            yield (*value.sizes[:axis], -(-frames // step) * step, *value.sizes[axis + 1 :])


def keys_of_mask(reason: str) -> int | None:
    """How many keys the scores have that a mask of another width did not fit."""
    for match in _UNLIKE.finditer(reason):
        scores, mask = (tuple(ast.literal_eval(each)) for each in match.groups())
        if len(scores) == len(mask) == 4 and mask[1] == 1 and scores[-2] == mask[-2] and scores[-1] != mask[-1]:
            return int(scores[-1])
    return None


def _larger(given: Mapping[str, Tensor], images: Mapping[str, Sizes]) -> Iterator[dict[str, Sizes]]:
    """Larger images, where there are any; else longer sequences."""
    for times in _LARGER if images else ():
        yield {name: (*each[:-2], each[-2] * times, each[-1] * times) for name, each in images.items()}
    for name, value in given.items() if not images else ():
        if value.dtype == DTYPE and len(value.sizes) > 2:
            yield {name: (*value.sizes[:-1], value.sizes[-1] * _LONGER)}
