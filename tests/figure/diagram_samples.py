"""A small diagram config with one of everything, and ways to spoil it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from archviz.figure.diagram_config import DiagramConfig, load_diagram_config

Raw = dict[str, Any]

SMALL: Raw = {
    "model_name": "Tiny-1B",
    "title": "Tiny-1B architecture",
    "source": "https://example.org/tiny",
    "stages": [
        {"name": "Input", "blocks": [{"type": "Token embedding", "details": "1,000 → 64"}]},
        {
            "name": "Layers",
            "id": "layers",
            "blocks": [
                {"type": "Layer 1: Mamba-2", "details": "state 16"},
                {"type": "Layer 2: Attention + MoE", "id": "attention", "status": "unverified", "source": "card"},
            ],
        },
        {"name": "Inside attention", "detail_of": "attention", "blocks": [{"type": "q_proj"}, {"type": "o_proj"}]},
        {"name": "Output", "blocks": [{"type": "Final RMSNorm"}, {"type": "LM head"}]},
    ],
    "custom_nodes": [
        {"id": "rope", "label": "RoPE\nθ = 10,000", "color": "#ffe4b5"},
        {"id": "note", "label": "alone", "color": "lightgray", "status": "conflict"},
    ],
    "custom_edges": [
        {"from": "rope", "to": "attention", "label": "positions"},
        {"from": "stage2.block1", "to": "stage2.block2", "label": "residual"},
        {"from": "stage1", "to": "stage4"},
    ],
}


def small() -> DiagramConfig:
    """The sample, loaded."""
    return load(SMALL)


def load(raw: object) -> DiagramConfig:
    """Load raw data as if it were a file's text."""
    return load_diagram_config(json.dumps(raw))


def spoilt(change: Callable[[Raw], object]) -> Raw:
    """A copy of the sample after `change`."""
    raw = copy.deepcopy(SMALL)
    change(raw)
    return raw
