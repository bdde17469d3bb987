"""A model in a paragraph, from its facts."""

from __future__ import annotations

from archviz.architecture.column_layers import runs_of, stacks_of
from archviz.architecture.model import Architecture, LayerStack, Tower
from archviz.architecture.words import amount, pattern_words, value_words


def overview(architecture: Architecture) -> list[str]:
    """Sentences: what it is and how large, its layers, its attention and feed-forward, its other towers."""
    sentences = [_size(architecture)]
    for tower in architecture.towers[:1]:
        sentences += [_layers(stack) for stack in runs_of(architecture, tower)]
    sentences += [
        sentence for sentence in (_mixing(architecture), _feeding(architecture), _reading(architecture)) if sentence
    ]
    sentences += [_tower(architecture, tower) for tower in architecture.towers[1:]]
    return sentences


def _size(architecture: Architecture) -> str:
    parameters, kind = (
        architecture.parameters,
        _value(architecture, "decoder_type") or _value(architecture, "encoder_type"),
    )
    what = (
        "decoder" if architecture.fact("decoder_type") else "encoder" if architecture.fact("encoder_type") else "model"
    )
    if what == "decoder" and any(tower.title.lower() == "encoder" for tower in architecture.towers):
        what = "encoder-decoder"
    words = (
        f"{architecture.identity.id} is a {kind[0].lower() + kind[1:]} {what}"
        if kind
        else f"{architecture.identity.id} is a model"
    )
    words += f" of {amount(parameters.total)} parameters ({parameters.total:,})"
    if parameters.active is not None and parameters.active != parameters.total:
        words += f", of which {amount(parameters.active)} ({parameters.active / parameters.total:.1%}) are active for a token"
    return f"{words}, built by the class {architecture.identity.class_name}."


def _layers(stack: LayerStack) -> str:
    words = f"It has {stack.count} layer{'s' if stack.count != 1 else ''}: {pattern_words(stack)}"
    again = stack.runs is not None and stack.runs > stack.count
    return f"{words}, each run {(stack.runs or 0) // stack.count} times." if again else f"{words}."


def _mixing(architecture: Architecture) -> str:
    kind, heads = _value(architecture, "attention_kind"), _value(architecture, "attention_heads")
    if not kind:
        return ""
    words = f"Attention is {kind}"
    if heads:
        words += f" with {heads} query heads"
        words += (
            f" and {kv} key/value head{'s' if kv != '1' else ''}"
            if (kv := _value(architecture, "kv_heads")) and kv != heads
            else ""
        )
        width, values = _value(architecture, "head_dim"), _value(architecture, "value_head_dim")
        words += f" of width {width}" if width else ""
        words += f" (values: {values})" if width and values and values != width else ""
    positions = _value(architecture, "position_encoding")
    return f"{words}; positions: {positions}." if positions else f"{words}."


def _feeding(architecture: Architecture) -> str:
    experts = _value(architecture, "experts")
    if experts:
        words = f"Feed-forwards are mixtures of {experts} experts of width {_value(architecture, 'expert_hidden_size')}"
        words += f", {chosen} of them for a token" if (chosen := _value(architecture, "experts_per_token")) else ""
        if architecture.fact("shared_expert_hidden_size"):
            return words + ", beside a shared expert."
        return words + f"{_dense_beside(architecture)}."
    feed, width = _value(architecture, "feed_forward"), _value(architecture, "intermediate_size")
    return f"Feed-forwards are {feed} of width {width}." if feed and width else ""


def _dense_beside(architecture: Architecture) -> str:
    """The dense feed-forward that stands beside the experts in every layer that has them."""
    feed, width = _value(architecture, "feed_forward"), _value(architecture, "intermediate_size")
    main = [stack for tower in architecture.towers[:1] for stack in runs_of(architecture, tower)]
    kinds = [kind for stack in main for kind in stack.kinds]
    mixed = [kind.feed_forward_kind or "" for kind in kinds if "moe" in (kind.feed_forward_kind or "")]
    beside = feed and width and mixed and all("+" in each for each in mixed)
    return f", beside a {feed} of width {width}" if beside else ""


def _reading(architecture: Architecture) -> str:
    width, vocabulary = _value(architecture, "hidden_size"), _value(architecture, "vocabulary_size")
    context = _value(architecture, "context_length")
    words = f"Its hidden width is {width}" if width else ""
    words += f", its vocabulary has {vocabulary} tokens" if words and vocabulary else ""
    words += f", its configuration allows {context} tokens of context" if words and context else ""
    return f"{words}." if words else ""


def _tower(architecture: Architecture, tower: Tower) -> str:
    layers = sum(stack.count for stack in stacks_of(architecture, tower))
    title = tower.title.lower()
    words = f"{'An' if title[:1] in 'aeiou' else 'A'} {title} of {amount(tower.parameters)} parameters"
    words += f" and {layers} layers" if layers else ""
    target = next((other.title.lower() for other in architecture.towers if other.id == tower.feeds), None)
    return f"{words} feeds the {target}." if target else f"{words} stands beside."


def _value(architecture: Architecture, key: str) -> str:
    """A fact in words; of several kinds of layers each value once."""
    fact = architecture.fact(key)
    if fact is None or fact.value is None:
        return ""
    values = list(fact.value.values()) if isinstance(fact.value, dict) else [fact.value]
    return " or ".join(dict.fromkeys(value_words(value) for value in values))
