"""One fuzz case: what is broken, what is run over it, and what of the outcome is a fault.

A case is its number: the same number breaks the same thing in the same way.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest import mock
from xml.etree import ElementTree as ET

from fuzz_mutations import mutated_document, mutated_json, mutated_text, rewritten_text

from archviz import pipeline, readings
from archviz.errors import ArchvizError, BudgetExceededError
from archviz.formats import THEMES, Format, Look
from archviz.interpreter.modules import SourceText
from archviz.settings import Limits, Settings
from archviz.sources.installed import find_transformers_source
from archviz.sources.model_source import read_model_source
from archviz.sources.official import class_module

SETTINGS = Settings(offline=True, limits=Limits(steps=400_000, seconds=6.0, items=200_000))
SECONDS = 20.0  # of processor time, for the whole of a case
TYPES = (
    "llama", "qwen3", "qwen2_moe", "mixtral", "deepseek_v3", "gemma3_text", "gpt_oss", "gpt2", "gpt_neox", "bloom", "falcon", "opt", "phi3",
    "mamba", "mamba2", "falcon_h1", "jamba", "rwkv", "bert", "roberta", "deberta-v2", "t5", "bart", "whisper", "wav2vec2", "vit", "swin", "clip",
    "siglip", "blip-2", "detr", "segformer", "convnext", "resnet", "llava", "qwen2_vl", "qwen3_next", "olmoe", "cohere2", "granitemoehybrid",
    "glm4_moe", "minimax", "bitnet", "xlnet", "reformer", "longformer", "timesfm", "dac", "encodec", "musicgen",
)  # fmt: skip
_OVER = "over a bound"
FEW = {"num_hidden_layers": 2}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a case came to.

    Args:
        what: In words: kind, type, command.
        ended: `read`, `gaps`, the name of an archviz error, or `fault`.
        fault: What is wrong; empty when nothing is.
        seconds: Processor time.
    """

    what: str
    ended: str
    fault: str = ""
    seconds: float = 0.0


def run_case(number: int, kinds: tuple[str, ...], types: tuple[str, ...] = TYPES) -> Outcome:
    """Run the case of a number; an exception that is no archviz error is let through."""
    chance = random.Random(number)  # noqa: S311 - a case must come again
    kind = chance.choice(kinds)
    start = time.process_time()
    what, ended, fault = KINDS[kind](chance, types)
    took = time.process_time() - start
    if took > SECONDS and not fault:
        fault = f"took {took:.1f} s"
    return Outcome(f"{kind} {what}", ended, fault, took)


Result = tuple[str, str, str]


def _code(chance: random.Random, types: tuple[str, ...]) -> Result:
    """A modelling or configuration file with something broken."""
    model_type = chance.choice(types)
    dotted = chance.choice(_files(model_type))
    command = chance.choice(sorted(COMMANDS))
    with _replaced(dotted, lambda text: mutated_text(text, chance)), tempfile.TemporaryDirectory() as folder:
        model = _written(Path(folder), _few(model_type))
        return f"{dotted} {command}", *_judged(lambda: COMMANDS[command](model, chance))


def _rewritten(chance: random.Random, types: tuple[str, ...]) -> Result:
    """A modelling file written otherwise must read the same."""
    model_type = chance.choice(types)
    dotted = next(file for file in _files(model_type) if ".modeling_" in file)
    with tempfile.TemporaryDirectory() as folder:
        model = _written(Path(folder), _few(model_type))
        expected = _digest(model)
        with _replaced(dotted, lambda text: rewritten_text(text, chance)):
            found = _digest(model)
    return dotted, "read", "" if found == expected or _OVER in (found, expected) else f"reads {found}, not {expected}"


def _digest(model: str) -> tuple[str, list[str]] | str:
    try:
        found = pipeline.tensors(model, settings=SETTINGS)
    except BudgetExceededError:
        return _OVER  # how busy the machine is decides that, too
    except ArchvizError as error:
        return error.code
    return found["digest"], [f"{gap['module']}: {gap['reason']}" for gap in found["gaps"]]


def _config(chance: random.Random, types: tuple[str, ...]) -> Result:
    """A configuration with values or bytes broken."""
    model_type = chance.choice(types)
    command = chance.choice(sorted(COMMANDS))
    text = _broken(_full_config(model_type), chance)
    if chance.random() < 0.8 and text.startswith("{"):
        text = f'{{"model_type": "{model_type}", {text[1:]}' if text != "{}" else text
    data = mutated_json(text, chance) if chance.random() < 0.15 else text.encode("utf-8", "surrogatepass")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_bytes(data)
        return f"{model_type} {command}", *_judged(lambda: COMMANDS[command](folder, chance))


def _figure(chance: random.Random, types: tuple[str, ...]) -> Result:
    """A diagram config with values or bytes broken."""
    subject = chance.choice([None, None, *types])
    document = _EXAMPLE if subject is None else _figure_of(subject)
    text = _broken(document, chance)
    data = mutated_json(text, chance) if chance.random() < 0.15 else text.encode("utf-8", "surrogatepass")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figure.json"
        path.write_bytes(data)
        if chance.random() < 0.2:
            return f"{subject} against", *_judged(lambda: _verify(_written(Path(folder), _few("llama")), chance, path))
        return f"{subject} draw", *_judged(lambda: _draw(str(path), chance))


def _search(chance: random.Random, types: tuple[str, ...]) -> Result:
    """Code search over a broken file."""
    dotted = chance.choice(_files(chance.choice(types)))
    text = mutated_text(_source(dotted).text, chance)
    data = text.encode("utf-8", "surrogatepass")
    if chance.random() < 0.2:
        data = data[: chance.randrange(len(data) + 1)] + bytes(chance.randrange(256) for _ in range(20))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "modeling_x.py"
        path.write_bytes(data)

        def search() -> list[Any]:
            from archviz.codesearch.text import result_text

            found = pipeline.code_search(str(path), settings=SETTINGS)
            json.dumps(found.as_dict())
            result_text(found)
            return []

        return dotted, *_judged(search)


KINDS: dict[str, Callable[[random.Random, tuple[str, ...]], Result]] = {
    "code": _code, "rewritten": _rewritten, "config": _config, "figure": _figure, "search": _search,
}  # fmt: skip

# --- what is run ----------------------------------------------------------------------------------------------------


def _tensors(model: str, chance: random.Random) -> list[Any]:
    found = pipeline.tensors(model, settings=SETTINGS)
    json.dumps(found)
    return list(found["gaps"])


def _trace(model: str, chance: random.Random) -> list[Any]:
    found = pipeline.trace(
        model, batch=2, seq=chance.choice([1, 5, 64]), pixels=chance.random() < 0.3, settings=SETTINGS
    )
    json.dumps(found)
    return list(found["gaps"])


def _describe(model: str, chance: random.Random) -> list[Any]:
    found = pipeline.describe(model, settings=SETTINGS)
    found.to_json()
    pipeline.describe_text(found)
    return list(found.gaps)


def _verify(model: str, chance: random.Random, against: Path | None = None) -> list[Any]:
    from archviz.verify.report import verification_text

    found = pipeline.verify(model, expect="layers=2,params=1e6", against=against, settings=SETTINGS)
    json.dumps(found.as_dict())
    verification_text(found)
    return list(found.gaps)


def _draw(model: str, chance: random.Random) -> list[Any]:
    with tempfile.TemporaryDirectory() as folder:
        formats: list[Format] = ["svg", "dot", "png"] if chance.random() < 0.05 else ["svg", "dot"]
        found = pipeline.draw(
            model, Path(folder) / "out", formats, look=Look(theme=chance.choice(THEMES)), settings=SETTINGS
        )
        ET.parse(Path(folder) / "out.svg")  # noqa: S314 - our own output
        strange = sorted({file.name for file in Path(folder).iterdir()} - {file.name for file in found.files})
        if strange:
            raise AssertionError(f"other files written: {strange}")
    return list(found.gaps)


COMMANDS: dict[str, Callable[[str, random.Random], list[Any]]] = {
    "tensors": _tensors, "trace": _trace, "describe": _describe, "verify": _verify, "draw": _draw,
}  # fmt: skip


def _judged(run: Callable[[], list[Any]]) -> tuple[str, str]:
    """How a run ended, and what is wrong with that."""
    try:
        gaps = run()
    except ArchvizError as error:
        if error.code == "internal" or len(error.message) > 2000 or not error.message:
            return "fault", f"error {error.code}: {error.message[:300]}"
        return type(error).__name__, ""
    reasons = [gap["reason"] if isinstance(gap, dict) else gap.reason for gap in gaps]
    return ("gaps" if gaps else "read"), "" if all(reasons) else "a gap without a reason"


def warm(types: tuple[str, ...]) -> None:
    """Import and read once what every case needs, before processes are forked."""
    for number, kind in enumerate(COMMANDS.values()):
        with tempfile.TemporaryDirectory() as folder:
            kind(_written(Path(folder), _few("llama")), random.Random(number))  # noqa: S311
    for model_type in types:
        for dotted in _files(model_type):
            _source(dotted)
    class_module("NoSuchClass")


# --- what is broken -------------------------------------------------------------------------------------------------


@contextmanager
def _replaced(dotted: str, change: Callable[[str], str]) -> Iterator[None]:
    """The installed package with one file changed."""
    found = _source(dotted)
    changed = SourceText(found.dotted, found.shown, change(found.text), found.is_package)

    def find(name: str, limits: Limits | None = None) -> SourceText | None:
        return changed if name == dotted else find_transformers_source(name, limits)

    with mock.patch.object(readings, "find_transformers_source", find):
        yield


@lru_cache(maxsize=256)
def _source(dotted: str) -> SourceText:
    found = find_transformers_source(dotted)
    assert found is not None
    return found


@lru_cache(maxsize=256)
def _files(model_type: str) -> list[str]:
    """The files that define a type's model, and its configuration: three to one."""
    name = model_type.replace("-", "_").removesuffix("_text")
    kinds = ("modeling", "modeling", "modeling", "configuration")
    dotted = [f"transformers.models.{name}.{kind}_{name}" for kind in kinds]
    return [each for each in dotted if find_transformers_source(each) is not None]


def _few(model_type: str) -> dict[str, Any]:
    return {"model_type": model_type, **FEW}


@lru_cache(maxsize=256)
def _full_config(model_type: str) -> dict[str, Any]:
    """Every value of a type's configuration."""
    with tempfile.TemporaryDirectory() as folder:
        source = read_model_source(_written(Path(folder), _few(model_type)), SETTINGS)
        try:
            reading = pipeline.read(source, settings=SETTINGS)
        except ArchvizError:
            return {"model_type": model_type}
    return {**reading.config, "model_type": model_type}


@lru_cache(maxsize=64)
def _figure_of(model_type: str) -> dict[str, Any]:
    from archviz.figure.diagram_from_architecture import diagram_config

    with tempfile.TemporaryDirectory() as folder:
        try:
            found = pipeline.describe(_written(Path(folder), _few(model_type)), settings=SETTINGS)
        except ArchvizError:
            return _EXAMPLE
    document: dict[str, Any] = diagram_config(found).model_dump(mode="json", by_alias=True, exclude_none=True)
    return document


def _broken(document: Any, chance: random.Random) -> str:
    """A document with something broken, as JSON text; both nest deeper than Python's usual limit."""
    previous = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        return json.dumps(mutated_document(document, chance))
    finally:
        sys.setrecursionlimit(previous)


def _written(folder: Path, values: dict[str, Any]) -> str:
    path = folder / "config.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    return str(path)


_EXAMPLE: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[2] / "assets" / "example_config.json").read_text("utf-8")
)
