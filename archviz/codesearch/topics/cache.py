"""Caches: keys and values, convolution and recurrent states: made, written, read and asked for."""

from __future__ import annotations

import ast

from archviz.codesearch.names import has_words
from archviz.codesearch.sites import Site
from archviz.codesearch.topic import Topic, call_with

_CACHE = (
    "cache",
    "caches",
    "kv_cache",
    "past_key_value*",
    "past_key_values",
    "layer_past",
    "past_kv",
    "cache_params",
    "past_key",
    "past_value",
)


def _buffer(site: Site) -> bool:
    """`register_buffer("k_cache", …)`."""
    if not isinstance(site.node, ast.Call) or not site.name.endswith("register_buffer") or not site.node.args:
        return False
    name = site.node.args[0]
    return isinstance(name, ast.Constant) and isinstance(name.value, str) and has_words(name.value, _CACHE)


def _element(site: Site) -> bool:
    """`self.k_cache[:bsz, start:end]`: a cache is read or written by index."""
    return has_words(site.name.rpartition(".")[2], _CACHE)


TOPIC = Topic(
    name="cache",
    what="key-value, convolution and recurrent caches: where they are made, updated, read and asked for",
    words=("cache", "caches", "past_key_values", "past_key_value", "conv_state", "recurrent_state", "ssm_state"),
    not_words=("lru_cache", "empty_cache", "cached_property", "cache_dir", "clear_cache"),
    receivers=_CACHE,
    branches=("use_cache", *_CACHE),
    structures=(
        ("call", _buffer),
        ("slice", _element),
        call_with(
            frozenset({"cat", "concat", "index_copy_", "copy_"}),
            (*_CACHE, "conv_state", "recurrent_state", "ssm_state"),
        ),
    ),
)
