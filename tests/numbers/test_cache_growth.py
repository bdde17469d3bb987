from __future__ import annotations

from archviz.interpreter.caches import CachedPass, CacheLayer
from archviz.interpreter.reading import Event, ValueRef
from archviz.interpreter.values import Tensor
from archviz.numbers.cache_growth import Kept, layer_caches
from archviz.records import replace

SHORT, LONG = 256, 512


def passes(window: int | None = None, **shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> list[CachedPass]:
    """One layer after two lengths, each tensor with its shape after either."""
    found = []
    for place, tokens in enumerate((SHORT, LONG)):
        tensors = {name.replace("__", "."): Tensor(each[place], "bfloat16") for name, each in shapes.items()}
        layer = CacheLayer(0, "self", "Layer", "full", "model.layers.0.attn", tensors, window)
        found.append(CachedPass(tokens, [layer], [], {}, []))
    return found


def kept(window: int | None = None, **shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> dict[str, Kept]:
    (layer,) = layer_caches(*passes(window, **shapes))
    return {each.name: each for each in layer.kept}


def test_keys_grow_by_an_entry_for_each_token() -> None:
    keys = kept(keys=((1, 2, 256, 8), (1, 2, 512, 8)))["keys"]
    assert (keys.slot, keys.rate, keys.constant) == (16, 1, 0)
    assert keys.elements(1000) == 16_000


def test_compressed_entries_stand_for_several_tokens() -> None:
    entries = kept(compressed_kv__a=((1, 64, 8), (1, 128, 8)))["compressed_kv.a"]
    assert (entries.role, entries.slot, entries.rate) == ("compressed", 8, 4)
    assert [entries.elements(n) for n in (3, 4, 11, 1000)] == [0, 8, 16, 2000]


def test_states_do_not_grow() -> None:
    state = kept(recurrent_states=((1, 4, 8, 8), (1, 4, 8, 8)))["recurrent_states"]
    assert (state.role, state.slot, state.constant) == ("state", 0, 256)


def test_what_each_token_adds_to_is_no_state_whatever_its_name() -> None:
    """XLNet's `mems`: hidden states of all tokens, [tokens, batch, width]."""
    found = kept(tensor=((256, 1, 1024), (512, 1, 1024)))["tensor"]
    assert (found.role, found.slot, found.constant) == ("entries", 1024, 0)


def test_a_window_is_read_before_and_after_it_is_full() -> None:
    for shapes in (((1, 2, 256, 8), (1, 2, 299, 8)), ((1, 2, 99, 8), (1, 2, 99, 8)), ((1, 2, 256, 8), (1, 2, 512, 8))):
        window = shapes[1][2] + 1 if shapes[1][2] != 512 else 1024
        keys = kept(window, keys=shapes)["keys"]
        assert (keys.slot, keys.rate, keys.constant) == (16, 1, 0)
        assert keys.elements(10**6) == 16 * window
        assert keys.elements(10**6, windows=False) == 16 * 10**6


def test_keys_of_an_indexer_are_told_apart() -> None:
    found = kept(indexer_keys=((1, 256, 4), (1, 512, 4)), buffer_kv__indexer=((1, 0, 4), (1, 0, 4)))
    assert (found["indexer_keys"].role, found["buffer_kv.indexer"].role) == ("indexer", "buffer")


def test_a_buffer_holds_the_tokens_since_the_last_were_compressed() -> None:
    samples = passes(
        compressed_kv__a=((1, 64, 8), (1, 128, 8)), buffer_kv__a=((1, 0, 16), (1, 0, 16)), overlap_kv__a=((1, 4, 8), (1, 4, 8))
    )  # fmt: skip
    before = {"buffer_kv.a": (1, 3, 16), "compressed_kv.a": (1, 63, 8), "overlap_kv.a": (1, 4, 8)}
    for each in samples:
        each.layers[0] = replace(each.layers[0], earlier=before)
    (layer,) = layer_caches(*samples)
    found = {each.name: each for each in layer.kept}
    assert (found["buffer_kv.a"].slot, found["buffer_kv.a"].cycle) == (16, 4)
    assert [found["buffer_kv.a"].elements(n) for n in (1, 3, 4, 4095)] == [16, 48, 0, 48]
    assert found["buffer_kv.a"].per_token == 0
    assert [found["overlap_kv.a"].elements(n) for n in (3, 4, 1000)] == [0, 32, 32], "nothing before the first window"


def linear(index: int, output: int, width: int) -> Event:
    return Event(index, "op", "attn.k_proj", "linear", (), (ValueRef(output, (1, 1, width)),))


def test_values_that_are_the_projected_keys_are_counted_once() -> None:
    one, two = passes(keys=((1, 2, 256, 8), (1, 2, 512, 8)), values=((1, 2, 256, 8), (1, 2, 512, 8)))
    tensors = two.layers[0].tensors
    reshaped = [
        Event(n, "op", "attn", "view", (ValueRef(5, (1, 1, 16)),), (ValueRef(n, (1, 1, 2, 8)),)) for n in (1, 2)
    ]
    numbers = {id(tensors["keys"]): 1, id(tensors["values"]): 2}
    shared = CachedPass(two.tokens, two.layers, [linear(0, 5, 16), *reshaped], numbers, [])
    (layer,) = layer_caches(one, shared)
    assert [each.again for each in layer.kept] == [False, True]
    # a projection to keys and values side by side gives each a part of its own
    fused = CachedPass(two.tokens, two.layers, [linear(0, 5, 32), *reshaped], numbers, [])
    (layer,) = layer_caches(one, fused)
    assert [each.again for each in layer.kept] == [False, False]
