"""Real modelling files with lines and words broken at random: never a crash, never over the budget."""

from __future__ import annotations

import random
import re
import time

import pytest

from archviz import pipeline
from archviz.errors import ArchvizError
from archviz.interpreter.build import build_model, deep_recursion, read_model
from archviz.interpreter.control import BudgetSpentError, RaisedError, UnsupportedError
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.modules import SourceText
from archviz.interpreter.trace import trace_model
from archviz.settings import Limits
from archviz.sources.installed import find_transformers_source
from archviz.sources.official import build_configuration, configuration_class, model_class, public_module

LIMITS = Limits(steps=400_000, seconds=3.0)
SIZES = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 20}
MODELS = {"llama": "LlamaForCausalLM", "qwen2_moe": "Qwen2MoeForCausalLM", "mamba": "MambaForCausalLM"}
OUTCOMES = (RaisedError, UnsupportedError, BudgetSpentError, ArchvizError)


def mutated(text: str, chance: random.Random) -> str:
    """The text with a few lines dropped, doubled, moved or indented otherwise, and a few words and numbers replaced."""
    lines = text.split("\n")
    words = re.findall(r"[A-Za-z_]\w+", text)

    def renamed(match: re.Match[str]) -> str:
        return chance.choice([match[0], chance.choice(words)])

    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(60, len(lines))
        kind = chance.choice(["drop", "double", "move", "word", "number", "indent"])
        if kind == "drop":
            lines[place] = (
                "pass"
                if not lines[place].strip()
                else lines[place][: len(lines[place]) - len(lines[place].lstrip())] + "pass"
            )
        elif kind == "double":
            lines.insert(place, lines[place])
        elif kind == "move":
            lines.insert(chance.randrange(60, len(lines)), lines.pop(place))
        elif kind == "word":
            lines[place] = re.sub(r"[A-Za-z_]\w+", renamed, lines[place])
        elif kind == "number":
            lines[place] = re.sub(r"\b\d+\b", lambda match: str(chance.choice([0, -1, 10**9, 7])), lines[place])
        else:
            lines[place] = " " * chance.randint(0, 12) + lines[place].lstrip()
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(24))
def test_a_broken_modelling_file_is_read_as_far_as_it_goes(seed: int) -> None:
    chance = random.Random(seed)
    model_type = chance.choice(sorted(MODELS))
    broken = f"transformers.models.{model_type}.modeling_{model_type}"

    def find_source(dotted: str) -> SourceText | None:
        found = find_transformers_source(dotted)
        if found is None or dotted != broken:
            return found
        return SourceText(found.dotted, found.shown, mutated(found.text, chance), found.is_package)

    interp = Interpreter(pipeline.library(), find_source, LIMITS, public_module)
    start = time.process_time()
    try:
        with deep_recursion():
            config = build_configuration(interp, configuration_class(interp, model_type), dict(SIZES))
            model = build_model(
                interp, model_class(interp, MODELS[model_type], model_type), config, attn_implementation="eager"
            )
            reading = read_model(interp, model, config)
            trace_model(interp, model, batch=1, seq=3, pixels=False)
        gaps = reading.gaps
    except OUTCOMES:
        gaps = []
    assert all(gap.reason for gap in gaps)
    assert time.process_time() - start < 6
