"""Names of layer kinds: from what their parts are, told apart by what they differ in.

An id is the words of the mixers and feed-forwards, joined by `+`: `sliding_attention+moe`.  Parts that share a word differ in
something else; all but the most frequent then say what, in brackets: `attention (with relative attention bias)+mlp`,
`moe (hash-routed)`, `attention (head dim 512)`.  References: `references/contracts.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from archviz.architecture.folding import is_index, is_inert, names_its_place, signature
from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.attention import Attention
from archviz.patterns.feed_forward import FeedForward
from archviz.patterns.layer_parts import LayerParts, Part
from archviz.patterns.moe import MixtureOfExperts
from archviz.patterns.position_mixers import PositionMixer
from archviz.patterns.recurrences import Recurrence
from archviz.records import record


@record
class Kind:
    """A kind of layer before it becomes part of the document.

    Args:
        example: The first of its layers that was traced, else the first.
        digest: Fingerprint of everything that makes layers equal.
        chosen: Lists inside the layers of which each calls elements of its own, with these: `adapters: 0-8`.
        lengths: What the pass shows of the numbers of positions, where they change: `fewer queries than keys`.
    """

    indices: list[int]
    example: ModuleRecord
    parts: LayerParts
    digest: str
    id: str = ""
    title: str = ""
    mixer_kind: str | None = None
    feed_kind: str | None = None
    mixer_title: str = ""
    feed_title: str = ""
    chosen: tuple[str, ...] = ()
    lengths: str | None = None


def name_kinds(kinds: Sequence[Kind]) -> None:
    """Give every kind of a stack its id and title, all different."""
    own = [p.what for k in kinds for p in k.parts.mixers if isinstance(p.what, Attention) and not p.what.cross]
    mixed = (len({a.span for a in own}) > 1, len({a.positions for a in own}) > 1)
    mixers = [[mixer_word(part.what, *mixed) for part in kind.parts.mixers] for kind in kinds]
    feeds = [[feed_word(part.what) for part in kind.parts.feeds] for kind in kinds]
    mixer_names = _joined(kinds, mixers, [kind.parts.mixers for kind in kinds])
    feed_names = _joined(kinds, feeds, [kind.parts.feeds for kind in kinds])
    for kind, mixer, feed in zip(kinds, mixer_names, feed_names, strict=True):
        kind.mixer_kind, kind.mixer_title = mixer[0] or None, mixer[1]
        kind.feed_kind, kind.feed_title = feed[0] or None, feed[1]
        kind.id = "+".join(filter(None, (kind.mixer_kind, kind.feed_kind))) or kind.example.class_name
        kind.title = " + ".join(filter(None, (kind.mixer_title, kind.feed_title))) or kind.example.class_name
    _number(kinds)


def mixer_word(what: object, mixed_spans: bool = False, mixed_positions: bool = False) -> tuple[str, str]:
    """Kind and title of a mixer: `sliding_attention`, `Sliding-window attention`."""
    if isinstance(what, Recurrence | PositionMixer):
        return what.kind, what.title
    assert isinstance(what, Attention)
    span = {each: each for each in ("sliding", "chunked", "windowed")}.get(
        what.span, "full" if mixed_spans and not what.cross else ""
    )
    positions = ("nope" if what.positions == "none" else what.positions or "") if mixed_positions else ""
    words = [
        span,
        positions if not what.cross else "",
        "gated" if what.gated else "",
        "cross" if what.cross else "",
        "mla" if what.kind == "mla" else "attention",
    ]
    shown = {"sliding": "sliding-window", "nope": "NoPE", "rope": "RoPE", "mla": "multi-head latent attention"}
    title = " ".join(shown.get(word, word) for word in words if word)
    name = ("_".join(word for word in words if word), title[0].upper() + title[1:])
    return (f"{name[0]} (shared kv)", f"{name[1]} (shared KV)") if what.shared_kv else name


def feed_word(what: object) -> tuple[str, str]:
    """Kind and title of a feed-forward."""
    if isinstance(what, MixtureOfExperts):
        return ("moe (hash-routed)", "MoE (hash-routed)") if what.hashed else ("moe", "MoE")
    assert isinstance(what, FeedForward)
    return what.kind, what.title


def _joined(
    kinds: Sequence[Kind], words: Sequence[list[tuple[str, str]]], parts: Sequence[list[Part]]
) -> list[tuple[str, str]]:
    """Names of all mixers (or all feed-forwards) of each kind, in one."""
    names: list[list[tuple[str, str]]] = [[] for _ in kinds]
    for place in range(max(map(len, words), default=0)):
        has = [i for i, word in enumerate(words) if len(word) > place]
        told = _told_apart([kinds[i] for i in has], [words[i][place] for i in has], [parts[i][place] for i in has])
        for i, name in zip(has, told, strict=True):
            names[i].append(name)
    return [
        ("+".join(_counted((w for w, _ in name), "{1}×{0}")), " + ".join(_counted((t for _, t in name), "{0} × {1}")))
        for name in names
    ]


def _counted(words: Iterable[str], form: str) -> list[str]:
    """Words with those that repeat in a row counted: `4 × MLP (ReLU)`."""
    runs = [(len(list(run)), word) for word, run in groupby(words)]
    return [form.format(times, word) if times > 1 else word for times, word in runs]


def _told_apart(
    kinds: Sequence[Kind], names: Sequence[tuple[str, str]], parts: Sequence[Part]
) -> list[tuple[str, str]]:
    """Names of one part of all kinds; different parts that came out with one name get what parts them behind it."""
    modules = [[_module(kind, path) for path in part.paths] for kind, part in zip(kinds, parts, strict=True)]
    prints = [tuple(signature(m, name=m.name) for m in own) for own in modules]
    result = list(names)
    for name in set(names):
        same = [i for i, other in enumerate(names) if other == name]
        variants = list(dict.fromkeys(prints[i] for i in same))
        if len(variants) < 2 or not name[0]:
            continue
        traits = {v: _traits(modules[next(i for i in same if prints[i] == v)]) for v in variants}
        counts = {v: sum(len(kinds[i].indices) for i in same if prints[i] == v) for v in variants}
        usual = max(variants, key=lambda v: (counts[v], -len(traits[v])))  # of equally many the plainer one
        for variant in variants:
            extra = _difference(traits[variant], [traits[v] for v in variants if v != variant])
            if extra is None or (variant == usual and "type=" not in extra):
                continue  # the most frequent one keeps the plain name
            for i in same:
                if prints[i] == variant:
                    result[i] = _extended(name, extra)
    return result


def _extended(name: tuple[str, str], extra: str) -> tuple[str, str]:
    """A setting such as `layer_type=compressed_attention` names the part itself; else what differs follows in brackets."""
    key, _, value = extra.partition("=")
    if key.endswith("type") and value:
        names_itself = "attention" in name[0] and value.endswith("attention")
        return (value, value.replace("_", " ").capitalize()) if names_itself else name
    words = trait_words(extra)
    return f"{name[0]} ({words})", f"{name[1]} ({words})"


def trait_words(trait: str) -> str:
    """What a part has and others have not, in words.

    >>> trait_words("relative_attention_bias"), trait_words("head_dim=512"), trait_words("is_causal=False")
    ('with relative attention bias', 'head dim 512', 'not causal')
    """
    key, _, value = trait.partition("=")
    words = re.sub(r"^(is|has|use|with)_", "", key).replace("_", " ").strip() or key
    if value in ("True", ""):
        return f"with {words}" if not key.startswith("is_") else words
    if value == "False":
        return f"without {words}" if not key.startswith("is_") else f"not {words}"
    return f"{words} {value.replace('_', ' ')}"


def _module(kind: Kind, path: str) -> ModuleRecord:
    found = kind.example.find(path.removeprefix(kind.example.path + "."))
    assert found is not None
    return found


def _traits(modules: Sequence[ModuleRecord]) -> set[str]:
    """Everything that can be named about some modules: submodules, their classes, their settings."""
    traits: set[str] = set()
    for root in modules:
        cut = len(root.path) + 1
        for module in (m for m in root.walk() if not is_inert(m)):
            place = module.path[cut:]
            traits.update({place, f"{place}:{module.class_name}"} if place else {f":{module.class_name}"})
            traits.update(f"{place}.{name}" for name in (*module.parameters, *module.buffers))
            settings = {
                key: value for key, value in module.attributes.items()
                if isinstance(value, (bool, str, int, float)) and not is_index(key) and not names_its_place(module, value)
            }  # fmt: skip
            traits.update(f"{place}.{key}={value}" for key, value in settings.items())
    return traits


def _difference(mine: set[str], others: Sequence[set[str]]) -> str | None:
    """What only this one has: a kind that it states, then a submodule or tensor, then a class, then a setting; no element of a list."""
    apart = mine - set().union(*others)
    elements = [trait for trait in apart if "=" not in trait and trait.rpartition(".")[2].isdigit()]
    only = {trait for trait in apart if not any(trait == e or trait.startswith((f"{e}.", f"{e}:")) for e in elements)}

    def order(trait: str) -> tuple[bool, bool, bool, int, str]:
        name, sign, value = trait.partition("=")
        kind = name.endswith("type") and not value.replace(".", "").isdigit()
        return (not (sign and kind), bool(sign), ":" in trait, name.count("."), trait)

    name, sign, value = min(only, key=order, default="").partition("=")
    return name.rpartition(".")[2].rpartition(":")[2] + sign + value or None


def _number(kinds: Sequence[Kind]) -> None:
    """Kinds that still share a name differ outside of their parts: in a norm, or in what they compute."""
    for name in dict.fromkeys(kind.id for kind in kinds):
        same = [kind for kind in kinds if kind.id == name]
        same.sort(key=lambda kind: (-len(kind.indices), kind.lengths is not None))
        for number, kind in enumerate(same[1:], 2):
            others = [_traits([other.example]) for other in same if other is not kind]
            words = _apart(kind, others, [other for other in same if other is not kind]) or f"variant {number}"
            kind.id, kind.title = f"{name} ({words})", f"{kind.title} ({words})"
    seen: set[str] = set()
    for number, kind in enumerate(kinds, 1):
        kind.id += f" (variant {number})" if kind.id in seen else ""
        seen.add(kind.id)


def _apart(kind: Kind, others: Sequence[set[str]], kinds: Sequence[Kind]) -> str | None:
    """What a kind has and others of its name have not, or lacks and all of them have; else what happens to the number of positions."""
    own = _traits([kind.example])
    extra = _difference(own, others)
    if extra:
        return trait_words(extra)
    if kind.lengths and all(other.lengths != kind.lengths for other in kinds):
        return kind.lengths
    held = {trait for trait in set.intersection(*others) if not re.search("[=:]", trait)}
    lacking = _difference(held, [own])
    return f"without {lacking.replace('_', ' ').strip()}" if lacking else None


def kind_labels(kinds: Sequence[Kind]) -> dict[str, str]:
    """Short names for a pattern: only what the kinds of a stack differ in.

    Attention spans become `sliding` and `full`, feed-forwards `dense` and `MoE`; else the ids stay.
    """
    mixers = {kind.mixer_kind for kind in kinds}
    feeds = {kind.feed_kind for kind in kinds}
    spans = {kind.id: span for kind in kinds if (span := _span_alone(kind))}
    if len(kinds) > 1 and len(feeds) == 1 and len(set(spans.values())) == len(kinds):
        return spans
    if len(kinds) < 2 or any("(" in kind.id for kind in kinds):
        return {kind.id: kind.id for kind in kinds}
    if len(mixers) == 1 and len(feeds) == 2 and "moe" in feeds and None not in feeds:
        return {kind.id: "MoE" if kind.feed_kind == "moe" else "dense" for kind in kinds}
    return {kind.id: kind.id for kind in kinds}


def _span_alone(kind: Kind) -> str | None:
    """`sliding`, `full (shared kv)` of a layer with one attention that is told apart by its span; None of others."""
    word, bracket, more = (kind.mixer_kind or "").partition(" (")
    alone = word.endswith("_attention") and "+" not in f"{word}{more}"
    own = kind.id == "+".join(filter(None, (kind.mixer_kind, kind.feed_kind)))
    return f"{word.removesuffix('_attention')}{bracket}{more}" if alone and own else None


def main_mixer(parts: LayerParts) -> Part | None:
    """The mixer that a layer is named after: self-attention before cross-attention."""
    own = [part for part in parts.mixers if not (isinstance(part.what, Attention) and part.what.cross)]
    return own[0] if own else (parts.mixers[0] if parts.mixers else None)
