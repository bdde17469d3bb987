"""Check of configurations: the values that the official classes give, key by key, against what the interpreter gives.

Imports `transformers` (without torch), as only development commands may.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from configuration_values import flat_values, table_values
from referee_readings import Reader
from referee_reference import TABLES, Report, Row
from referee_tensors import readers

from archviz.interpreter.build import deep_recursion
from archviz.lookup.catalog import model_ids
from archviz.settings import Settings
from archviz.sources.model_source import ModelSource, official_values, read_model_source
from archviz.sources.official import known_model_types

SHOWN = 160
TABLE_MODELS = (
    "BAAI/bge-large-en-v1.5", "EleutherAI/gpt-j-6b", "HuggingFaceTB/SmolLM3-3B", "LiquidAI/LFM2-1.2B",
    "MiniMaxAI/MiniMax-M2", "Qwen/Qwen2.5-VL-7B-Instruct", "Qwen/Qwen3-0.6B", "Qwen/Qwen3-Next-80B-A3B-Instruct",
    "Qwen/Qwen3-VL-30B-A3B-Instruct", "Qwen/Qwen3.5-397B-A17B",
    "RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic", "deepseek-ai/DeepSeek-V2-Lite",
    "deepseek-ai/DeepSeek-V3.1", "deepseek-ai/DeepSeek-V4-Flash", "google-t5/t5-small", "google/gemma-3-27b-it",
    "google/gemma-4-26B-A4B", "meta-llama/Llama-3.2-11B-Vision-Instruct", "meta-llama/Llama-3.2-1B-Instruct",
    "microsoft/Phi-3-mini-128k-instruct", "moonshotai/Kimi-K2.5", "moonshotai/Kimi-Linear-48B-A3B-Instruct",
    "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "openai-community/gpt2", "openai/gpt-oss-20b",
    "openai/whisper-tiny", "tiiuae/falcon-7b", "zai-org/GLM-4.5-Air",
)  # fmt: skip


def sources(only: list[str]) -> Iterator[ModelSource]:
    """Every catalog model and every model type with its defaults."""
    types = [f"transformers:{name}" for name in known_model_types(Reader().interp)]
    for name in [*model_ids(), *types]:
        if not only or name in only or name.partition(":")[2] in only:
            yield read_model_source(name, Settings())


def check_configurations(only: list[str]) -> Report:
    """The configuration of each source, before a model is built from it."""
    official = Official()
    report = Report("configuration", dict.fromkeys(("equal", "differ", "both refuse", "keys that differ"), 0))
    for reader, source in zip(readers(), sources(only), strict=False):
        theirs, refused = _tried(partial(official.values, source))
        ours, failed = _tried(partial(our_values, reader, source))
        if refused or failed:
            same = bool(refused) == bool(failed)
            report.count("both refuse" if same else "refused by one only")
            (report.lines.append if same else report.fault)(
                f"REFUSED {source.id}: {failed or 'built'}; officially {refused or 'built'}"
            )
            continue
        report.count("keys compared", len(theirs))
        found = list(value_differences(ours, theirs))
        report.count("differ" if found else "equal")
        report.count("keys that differ", len(found))
        for line in found:
            report.fault(f"{source.id}: {line}")
    return report


def _tried(make: Callable[[], Row]) -> tuple[Row, str]:
    """The values, or why there are none."""
    try:
        return make(), ""
    except Exception as error:  # noqa: BLE001 - either side's refusal
        return {}, f"{type(error).__name__}: {str(error)[:SHOWN]}"


def value_differences(ours: Row, theirs: Row) -> Iterator[str]:
    """One line for each key on which two flat tables of values differ."""
    for key in sorted(ours.keys() | theirs.keys()):
        mine, other = (json.dumps(side[key], sort_keys=True) if key in side else "absent" for side in (ours, theirs))
        if mine != other:
            yield f"{key}: {mine[:SHOWN]}, officially {other[:SHOWN]}"


class Official:
    """Configurations of the installed `transformers`, imported."""

    def __init__(self) -> None:
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
        warnings.simplefilter("ignore")
        try:
            import transformers
        except ImportError:
            sys.exit("this check imports transformers, which this Python does not have")
        self.mapping: Any = transformers.CONFIG_MAPPING
        self.base: type = transformers.PreTrainedConfig

    def values(self, source: ModelSource) -> Row:
        """Dotted key → value: what is stored, and under `.NAME` what it answers to besides."""
        cls = self.mapping[source.model_type]
        return self._flat(cls() if source.values is None else cls.from_dict(official_values(source.values)), "")

    def _flat(self, config: Any, at: str) -> Row:
        found: Row = {}
        for name, value in vars(config).items():
            if isinstance(value, self.base):
                found |= self._flat(value, f"{at}{name}.")
            elif not name.startswith("_"):
                found[at + name] = self._plain(value)
        for name in answered_names(type(config), self.base):
            found[f"{at}.{name}"] = self._plain(answer(config, name))
        return found

    def _plain(self, value: Any) -> Any:
        if isinstance(value, self.base):
            return {name: self._plain(each) for name, each in vars(value).items() if not name.startswith("_")}
        if isinstance(value, dict):
            return {str(name): self._plain(each) for name, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._plain(each) for each in value]
        if type(value).__module__ == "torch":
            return str(value).removeprefix("torch.")
        return value if isinstance(value, (str, int, float, bool)) or value is None else None


def answer(config: Any, name: str) -> Any:
    """An attribute of a configuration; None where its own code raises."""
    try:
        return getattr(config, name)
    except Exception:  # noqa: BLE001 - a property is code of the model, and may raise anything
        return None


def answered_names(cls: type, base: type) -> list[str]:
    """The names that a class maps onto others, and the properties that it defines itself."""
    own = [each for each in cls.__mro__ if issubclass(each, base) and each is not base]
    properties = {name for each in own for name, value in vars(each).items() if isinstance(value, property)}
    mapped: dict[str, str] = getattr(cls, "attribute_map", {})
    return sorted(name for name in {*properties, *mapped} if not name.startswith("_"))


def our_values(reader: Reader, source: ModelSource) -> Row:
    """The same flat table, as the interpreter gives it."""
    config = reader.configuration(source)
    with deep_recursion():
        return flat_values(reader.interp, config)


def write_configuration_table() -> Report:
    """Write the tests' table of values that the official classes make."""
    official = Official()
    table = {}
    for name in TABLE_MODELS:
        source = read_model_source(name, Settings())
        table[name] = table_values(official.values(source))
    path = TABLES / "configurations.json"
    lines = [f"{json.dumps(name)}: {json.dumps(values)}" for name, values in table.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return Report("table", {f"models in {path.name}": len(table), "values": sum(map(len, table.values()))})
