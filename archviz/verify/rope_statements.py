"""What a figure says about RoPE, held against the rotations that were traced: which dimensions, which projections, or none at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from archviz.architecture.model import Architecture
from archviz.late_patterns import late_pattern
from archviz.verify.claims import Check, Claim
from archviz.verify.figure_flow import ROPE_OF_OPERANDS
from archviz.verify.fused_parts import is_fused, projection_of
from archviz.verify.known import STATEFUL, Known, module_names, of_tower
from archviz.verify.statements import Statement, number
from archviz.verify.written_figure import class_line

_N = r"(?<![\d.,_])(\d{1,3}(?:[,_]\d{3})+|\d+)(?!\d)"
_DIMS = r"(?:dims?\b|dimensions?\b|channels\b)"
_OTHERS = r"(?:[\w-]+\s+)?(?:layers?|heads|experts|tokens|blocks?|positions|bands|units)\b"
_HEAD = r"(?:(?:Q|K|QK|query|key|attention)\s+)?head(?:[ _-]?dim(?:ension)?s?)?\b"
_SPEAKS = late_pattern(r"(?<![a-z])(?:rope|nope)(?![a-z])|rotary|rotat", re.IGNORECASE)
_NONE = (
    r"\b(?:no|without)\s+(?:RoPE|rotary|rotation)\b(?![ -]?(?:part|dim))|(?<![\w-])NoPE\b(?!\s*(?:\+|part|dim|half|head|component))"
    r"|\b(?:RoPE|rotary)(?:\s*:\s*|\s+is\s+|\s+)(?:none|not used|not applied|unused)\b"
)
_FORMS: tuple[tuple[str, str, str], ...] = (
    (
        "rope_span",
        rf"(?<!first )(?<!last )(?<!layer )(?<!block ){_N}\s+(?:out\s+)?of\s+(?:the\s+)?{_N}(?!\s*:|\s+{_OTHERS})",
        "{0} of {1}",
    ),
    (
        "rope_span",
        rf"\ball\s+(?:of\s+)?(?:the\s+|its\s+)?{_N}(?!\s+{_OTHERS})(?:\s+(?:head\s+)?{_DIMS})?",
        "{0} of {0}",
    ),
    (
        "rope_dims",
        rf"(?<![a-z])(?:rope|rotary|rotated)[ _-](?:head[ _-])?dim(?:ension)?s?(?:\s*[:=]\s*|\s+){_N}",
        "{0}",
    ),
    ("rope_dims", rf"{_N}\s+(?:rope|rotary|rotated)\b(?!\s+{_OTHERS})(?:\s+{_DIMS})?", "{0}"),
    ("rope_dims", rf"\b(?:on|to|over|across)\s+(?:the\s+)?{_N}\s+{_DIMS}", "{0}"),
    ("rope_end", rf"\b(first|last)\s+{_N}\b(?!\s+of\b|\s+{_OTHERS})(?:\s+{_DIMS})?", "{0} {1}"),
    ("nope_dims", rf"{_N}\s+NoPE\b(?!\s+{_OTHERS})(?:\s+{_DIMS})?", "{0}"),
    ("rope_whole", rf"\b(?:whole|entire|full|complete|all of (?:the|each|every))\s+{_HEAD}", "the whole head"),
    ("rope_whole", rf"\b(?:all|every|full)[ -](?:the\s+)?(?:head\s+)?{_DIMS}", "the whole head"),
    (
        "rope_none",
        _NONE,
        "no RoPE",
    ),
)
"""Key, words, and the value made of the numbers in them; what an earlier one has read, a later one does not read again."""
_ON = late_pattern(
    r"\b(?:RoPE|rotary(?: embeddings?)?)\s+(?:is\s+|are\s+|only\s+|acts?\s+|applied\s+)*(on|to|of|after|before)\s+([^.;(\n]*)",
    re.IGNORECASE,
)
_SAYS = late_pattern(
    r"\b(?:RoPE|rotary(?: embeddings?)?)(?:\s*:|\s+(?:is\s+|are\s+|only\s+|acts?\s+|applied\s+|spans?\s+|covers?\s+)*"
    r"(?:on|to|over|across|of|for|in|before|after|is|covers|spans|applied)\b)\s*(?=\w)",
    re.IGNORECASE,
)
_NAME = late_pattern(r"[A-Za-z]\w*(?:\.\w+)*")
_NOT = late_pattern(r"\b(?:not|never|instead of|rather than)\b[^,.;]*$", re.IGNORECASE)
_OF = late_pattern(r"^\s*(?:on|to|for|in|of)\s+(?:the\s+)?([\w ]+)", re.IGNORECASE)
_LAYERS = late_pattern(r"layer|attention|block|\b(?:mla|gqa|mha|mqa)\b|every|\d", re.IGNORECASE)
_OPERANDS = {"q": r"\b(?:q|quer(?:y|ies))\b", "k": r"\b(?:k|keys?)\b", "v": r"\b(?:v|values?)\b"}

Told = tuple[Statement, Check]


def rope_checks(
    path: str,
    text: str,
    around: str,
    own: Sequence[str],
    architecture: Architecture,
    claims: Sequence[Claim],
    stated: Sequence[Told] = (),
) -> list[Told]:
    """Every statement about RoPE in a text, with its check; a line that says something else of RoPE is told as not read.

    Args:
        around: The stage and block that it stands in; a block about RoPE makes its numbers ones of RoPE.
        own: Lines that are written from the model itself, which need no remark where they are not judged.
        stated: What was read from the text already.
    """
    found: list[Told] = []
    for place, line in enumerate(text.splitlines()):
        if not (_SPEAKS.search(line) or _SPEAKS.search(around)):
            continue
        here = list(_of_line(path, place, line, around, architecture, claims))
        said = _SAYS.search(line)
        read = any(s.line == place and s.key.startswith("rope_") for s, _ in stated) or ROPE_OF_OPERANDS.search(line)
        if said and not here and not read:
            here.append(_told(path, place, "rope", line[said.start() :].strip(), said, Known()))
        found += [told for told in here if line not in own or told[1].status != "unverified"]
    return found


def _of_line(
    path: str, place: int, line: str, around: str, architecture: Architecture, claims: Sequence[Claim]
) -> Iterator[Told]:
    words = f"{around} {line}"
    chosen = _about(claims, words, architecture)
    read: list[tuple[int, int]] = []
    for key, pattern, form in _FORMS:
        for found in re.finditer(pattern, line, re.IGNORECASE):
            start, end = found.span()
            if any(start < stop and begin < end for begin, stop in read) or _NOT.search(line[:start]):
                continue
            read.append((start, end))
            if key == "rope_none":
                known = _without(line, found, around, architecture, claims, chosen)
            else:
                known = _KNOWN[key](_parts(chosen, words), chosen)
            absent = None if known.values or key == "rope_none" else _no_rope(architecture, claims)
            yield _told(path, place, key, form.format(*_plain(found)), found, absent or known)
    on = _ON.search(line)
    if on is not None and not _NOT.search(line[: on.start()]):
        yield from _names(path, place, on, architecture, chosen)


def _plain(found: re.Match[str]) -> list[str]:
    return [group.lower() if group.isalpha() else str(number(group)) for group in found.groups()]


def _told(path: str, place: int, key: str, stated: str, found: re.Match[str], known: Known) -> Told:
    """A statement and its check; nothing known is told as not checked."""
    start, end = found.span()
    quote = found.string[start:end].strip()
    value: object = int(stated) if stated.isdigit() else stated
    statement = Statement(key, value, quote, line=place, start=start, end=end)
    values = list(known.values)
    if not values:
        return statement, Check(path, key, value, None, "unverified", (), found.string.strip())
    single = values[0] if len(values) == 1 else values
    status = "verified" if value in known.values else "conflict"
    return statement, Check(path, key, value, single, status, known.evidence, quote)  # type: ignore[arg-type] # one of two


def _about(claims: Sequence[Claim], words: str, architecture: Architecture) -> list[Claim]:
    """Claims of RoPE of the tower that the words name; where they name none, those of what reads text if there are any."""
    own = [claim for claim in claims if claim.key.startswith(("rope.", "attention.head_dim", "split"))]
    named = list(of_tower(own, words, architecture))
    if len(named) < len(own):
        return named
    seen = [t.module for t in architecture.towers if t.module and re.match(r"vision|audio|image", t.id)]
    text = [c for c in own if not any(f"{c.scope}.".startswith(f"{path}.") for path in seen)]
    return text if any(c.key.startswith("rope.") for c in text) else own


Parts = list[tuple[str, str, Claim]]


def _parts(claims: Sequence[Claim], words: str) -> Parts:
    """The rotated tensors, the part of each, and the claim; those of a submodule (an indexer) only where the words name it."""
    found: Parts = []
    for claim in claims:
        if claim.key == "rope.part":
            parts = claim.value if isinstance(claim.value, dict) else {"": claim.value}
            found += [(str(tensor), str(part), claim) for tensor, part in parts.items()]
    depth = {name: at for tensor, _, _ in found for at, name in enumerate(_home(tensor))}
    named = [name for name in depth if name.lower() in words.lower()]
    inmost = [name for name in named if depth[name] == max(depth[each] for each in named)]
    if inmost:
        return [each for each in found if any(name in _home(each[0]) for name in inmost)]
    return [each for each in found if not _home(each[0])] or found


def _home(tensor: str) -> list[str]:
    """The submodules that a rotated tensor belongs to: those of its projection, or whose output it is."""
    if tensor.startswith("output of "):
        return tensor.removeprefix("output of ").split(".")
    return projection_of(tensor).split(".")[:-1]


def _sizes(part: str) -> tuple[int, int] | None:
    """Rotated and all dimensions of `last 64 of 192`, `all 128`, `32 to 64 of 128`; of several parts together."""
    pieces = part.split(", ")
    if len(pieces) > 1:
        found = [_sizes(piece) for piece in pieces]
        turned = [each for each in found if each is not None]
        return (sum(size for size, _ in turned), turned[0][1]) if len(turned) == len(found) else None
    sizes = [int(each) for each in re.findall(r"\d+", part)]
    if len(sizes) == 3:
        return sizes[1] - sizes[0], sizes[2]
    return (sizes[0], sizes[-1]) if sizes else None


def _reader(value: Callable[[int, int, str], object]) -> Callable[[Parts, Sequence[Claim]], Known]:
    def read(parts: Parts, claims: Sequence[Claim]) -> Known:
        known = Known()
        for _, part, claim in parts:
            sizes = _sizes(part)
            if sizes is not None:
                known.add(value(*sizes, part), claim.evidence)
        return known

    return read


def _whole(parts: Parts, claims: Sequence[Claim]) -> Known:
    """Whether a head is rotated throughout: all of a tensor that is as wide as a head."""
    heads = {claim.value for claim in claims if claim.key == "attention.head_dim"}
    known = Known()
    for tensor, part, claim in parts:
        sizes = _sizes(part)
        if sizes is not None:
            whole = sizes[0] == sizes[1] and (not heads or sizes[1] in heads or "." in tensor)
            known.add("the whole head" if whole else part, claim.evidence)
    return known


_KNOWN: dict[str, Callable[[Parts, Sequence[Claim]], Known]] = {
    "rope_span": _reader(lambda size, total, _: f"{size} of {total}"),
    "rope_dims": _reader(lambda size, total, _: size),
    "nope_dims": _reader(lambda size, total, _: total - size),
    "rope_end": _reader(lambda size, total, part: f"{part.split()[0]} {size}"),
    "rope_whole": _whole,
}


def _without(
    line: str,
    found: re.Match[str],
    around: str,
    architecture: Architecture,
    claims: Sequence[Claim],
    chosen: list[Claim],
) -> Known:
    """Whether something is not rotated: layers, a mixer with a state, or queries, keys or values."""
    known = Known()
    limited = _OF.search(line[found.end() :])
    if limited is not None and not _LAYERS.search(limited[1]) and not STATEFUL.search(limited[1]):
        return _operands(limited[1], chosen)
    near = next(
        (words for words in (line, around) if STATEFUL.search(words) or re.search("attention", words, re.IGNORECASE)),
        "",
    )
    if STATEFUL.search(near):
        for claim in claims:
            if claim.key == "mixer.kind":
                known.add("no RoPE", claim.evidence)
        return known
    if re.search("cross", f"{around} {line}", re.IGNORECASE):
        return known
    for claim in chosen:
        if claim.key == "rope.tensors":
            own = claim.value if isinstance(claim.value, list) else None
            known.add(f"RoPE on {', '.join(map(str, own))}" if own else "no RoPE", claim.evidence)
    return known if known.values else _no_rope(architecture, claims) or known


def _operands(words: str, claims: Sequence[Claim]) -> Known:
    """`no RoPE on V`: whether queries, keys or values alone are left as they are."""
    known = Known()
    named = {letter for letter, pattern in _OPERANDS.items() if re.search(pattern, words, re.IGNORECASE)}
    for claim in claims:
        names = claim.value if claim.key == "rope.tensors" and isinstance(claim.value, list) else []
        rotated = {str(name)[:1].lower() for name in names}
        if named and rotated and rotated <= set("qk") and not any(is_fused(str(name)) for name in names):
            told = "no RoPE" if not named & rotated else f"RoPE on {', '.join(map(str, names))}"
            known.add(told, claim.evidence)
    return known


def _no_rope(architecture: Architecture, claims: Sequence[Claim]) -> Known | None:
    """A model that was followed throughout and rotates nothing."""
    if architecture.gaps or any(claim.key.startswith("rope.") for claim in claims):
        return None
    positions = [claim for claim in claims if claim.key == "model.positions" and "RoPE" not in str(claim.value)]
    known = Known()
    for claim in positions:
        known.add("no RoPE", claim.evidence or class_line(architecture))
    return known if positions else None


def _names(
    path: str, place: int, on: re.Match[str], architecture: Architecture, claims: Sequence[Claim]
) -> Iterator[Told]:
    """Each projection, or piece of one, that RoPE is said to act on."""
    modules = module_names(architecture.modules)
    rotated = [claim for claim in claims if claim.key == "rope.tensors" and isinstance(claim.value, list)]
    for found in _NAME.finditer(on.string, *on.span(2)):
        name = found[0]
        if name not in modules and "_" not in name:
            continue
        known = _pieces(name, claims)
        for claim in rotated if name.rpartition(".")[2] in modules else ():
            tensors = [str(each) for each in claim.value]  # type: ignore[attr-defined] # a list, see above
            own = any(name in (each, each.rpartition(".")[2]) for each in map(projection_of, tensors))
            told = ", ".join(tensors)
            if on[1].lower() == "before":
                known.add(f"after {told}" if own else name, claim.evidence)
            else:
                known.add(name if own else told, claim.evidence)
        if on[1].lower() == "before" and not any(str(value).startswith("after") for value in known.values):
            known = Known()
        yield _told(path, place, "rope_on", name, found, known)


def _pieces(name: str, claims: Sequence[Claim]) -> Known:
    """A piece that the code cuts off by this name (`q_pe`), where its place in the tensor is the rotated one, or is not."""
    known = Known()
    parts = {projection_of(tensor): (part, claim) for tensor, part, claim in _parts(claims, "")}
    for split in claims:
        value = split.value
        if split.key != "split" or not isinstance(value, dict) or name not in (value.get("names") or ()):
            continue
        if value.get("of") not in parts:
            continue
        part, claim = parts[str(value["of"])]
        sizes, names = list(value["sizes"]), list(value["names"])
        spans = _sizes(part)
        if spans is None or len(sizes) != len(names) or part.startswith("all"):
            continue
        start = 0 if part.startswith("first") else spans[1] - spans[0]
        own = sum(sizes[: names.index(name)])
        same = (own, sizes[names.index(name)]) == (start, spans[0])
        known.add(name if same else f"{value['of']} {part}", (*split.evidence, *claim.evidence))
    return known
