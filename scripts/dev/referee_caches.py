"""Checks of caches against PyTorch: what the official code keeps after a prefill, and after one new token."""

from __future__ import annotations

import inspect
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from referee_reference import DEFAULTS, REFEREE, Report, Row, load_module, needed, rows
from referee_traces import _time_limit

from archviz import pipeline
from archviz.errors import ArchvizError
from archviz.interpreter.caches import OUTPUTS, PARTS

STEPS = ("prefill", "decode")


def cache_names() -> list[tuple[str, Row]]:
    """Every causal head that builds, with the name of its file."""
    built = [row for row in rows(DEFAULTS) if "digest" in row and row["head"] == "causal"]
    return [(f"{row['model_type']}__cache", row) for row in built]


def check_caches(only: list[str], folder: Path, batch: int, seq: int) -> Report:
    """Compare the tensors of each layer's cache after a prefill and after one decode step."""
    counts = ("equal", "differ", "the referee cannot run", "returns no cache", "without a truth")
    report = Report(f"cache (batch {batch}, seq {seq})", dict.fromkeys(counts, 0))
    for name, row in cache_names():
        if only and row["model_type"] not in only:
            continue
        file = folder / f"{name}.json"
        if not file.exists():
            failed = folder / f"{name}.json.err"
            words = failed.read_text(encoding="utf-8") if failed.exists() else ""
            none = words.startswith("LookupError: no cache")
            report.count("returns no cache" if none else "the referee cannot run" if words else "without a truth")
            if words:
                report.lines.append(f"NO TRUTH {name}: {words[:160].strip()}")
            continue
        _check(report, name, row, json.loads(file.read_text(encoding="utf-8")), batch, seq)
    return report


def _check(report: Report, name: str, row: Row, truth: dict[str, Any], batch: int, seq: int) -> None:
    start = time.process_time()
    for step in STEPS:
        if step not in truth:
            report.lines.append(
                f"ONLY PREFILL {name}: the referee's decode step stopped: {truth.get('stopped', '')[:160]}"
            )
            continue
        try:
            answer = pipeline.trace(
                f"transformers:{row['model_type']}", class_name=row["class"], batch=batch, seq=seq, cache=step
            )
        except (ArchvizError, RecursionError) as error:
            report.count("differ")
            report.fault(f"NOT RUN {name} ({step}): {type(error).__name__}: {str(error)[:200]}")
            return
        ours = [
            [each["part"], each["class"], {k: v["shape"] for k, v in each["tensors"].items()}]
            for each in answer["cache"]
        ]
        if ours != truth[step]:
            places = [i for i, (a, b) in enumerate(zip(truth[step], ours, strict=False)) if a != b]
            first = f"layer {places[0]}: {truth[step][places[0]]} but {ours[places[0]]}" if places else ""
            report.count("differ")
            gaps = [f"{gap['reason'][:90]} at {gap['at']}" for gap in answer["gaps"][:2]]
            report.fault(f"DIFFERS {name} ({step}): {len(truth[step])} and {len(ours)} layers; {first}; gaps {gaps}")
            return
    report.count("equal")
    if time.process_time() - start > 20:
        report.lines.append(f"SLOW {name}: {time.process_time() - start:.1f} s")


def make_caches(only: list[str], folder: Path, batch: int, seq: int) -> Report:
    """Let the official code fill a cache on the meta device; what is there already is kept."""
    try:
        import torch  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        sys.exit("--make-truth needs torch in this Python: run it with one that has torch and transformers")
    referee = load_module(needed(REFEREE))
    folder.mkdir(parents=True, exist_ok=True)
    report = Report("make-truth", {"made": 0, "the referee cannot run": 0})
    for name, row in cache_names():
        file, failed = folder / f"{name}.json", folder / f"{name}.json.err"
        if file.exists() or failed.exists() or (only and row["model_type"] not in only):
            continue
        options = {"attn_implementation": "eager", "dtype": torch.bfloat16}
        try:
            with _time_limit(150), torch.no_grad(), referee.Recorder():
                model = referee.build(f"transformers:{row['model_type']}", row["class"], **options)
                found = _filled(torch, referee, model.eval(), batch, seq)
        except Exception as error:  # noqa: BLE001 - the official code's refusal, kept in its words
            failed.write_text(f"{type(error).__name__}: {str(error)[:300]}\n", encoding="utf-8")
            report.count("the referee cannot run")
        else:
            file.write_text(json.dumps(found), encoding="utf-8")
            report.count("made")
    return report


def _filled(torch: Any, referee: Any, model: Any, batch: int, seq: int) -> dict[str, Any]:
    """The cache after a prefill and after one new token; the step that stops on the meta device says why."""
    parameters = inspect.signature(model.forward).parameters
    given = {**referee.example_inputs(model, batch, seq), "use_cache": True}
    output = model(**given)
    name = next((each for each in OUTPUTS if getattr(output, each, None) is not None), None)
    if name is None:
        raise LookupError("no cache in the output")
    cache = getattr(output, name)
    found: dict[str, Any] = {"class": type(model).__name__, "prefill": list(_layers(torch, cache))}
    token = torch.zeros(batch, 1, dtype=torch.long, device="meta")
    following = {
        "use_cache": True,
        name: cache,
        "input_ids" if "decoder_input_ids" not in given else "decoder_input_ids": token,
    }
    if "decoder_input_ids" in given and "encoder_outputs" in parameters:
        from transformers.modeling_outputs import BaseModelOutput  # type: ignore[import-not-found,unused-ignore]

        following["encoder_outputs"] = BaseModelOutput(last_hidden_state=output.encoder_last_hidden_state)
    try:
        output = model(**following)
        found["decode"] = list(_layers(torch, getattr(output, name, cache)))
    except Exception as error:  # noqa: BLE001 - as above
        found["stopped"] = f"{type(error).__name__}: {str(error)[:300]}"
    return found


def _layers(torch: Any, cache: Any, part: str = "self") -> Iterator[list[Any]]:
    if any(hasattr(cache, name) for name in PARTS):
        for name, side in PARTS.items():
            yield from _layers(torch, getattr(cache, name), side)
        return
    layers = getattr(cache, "layers", None)
    layers = layers if isinstance(layers, list) else cache if isinstance(cache, (list, tuple)) else [cache]
    beside = {
        name: value for name, value in getattr(cache, "__dict__", {}).items()
        if name != "layers" and isinstance(value, list) and any(isinstance(each, torch.Tensor) for each in value)
    }  # fmt: skip
    for index in range(max(len(layers), *map(len, beside.values())) if beside else len(layers)):
        layer = layers[index] if index < len(layers) else None
        held = dict(_tensors(torch, layer))
        for name, value in beside.items():
            held.update(_tensors(torch, value[index], name) if index < len(value) else ())
        yield [part, type(layer).__name__, held]


def _tensors(torch: Any, value: Any, prefix: str = "") -> Iterator[tuple[str, list[int]]]:
    if isinstance(value, torch.Tensor):
        if value.dim():
            yield prefix or "tensor", list(value.shape)
        return
    held = (
        value.items() if isinstance(value, dict)
        else enumerate(value) if isinstance(value, (list, tuple))
        else vars(value).items() if hasattr(value, "__dict__") else ()
    )  # fmt: skip
    for name, each in held:
        if isinstance(each, (torch.Tensor, list, tuple, dict)):
            yield from _tensors(torch, each, f"{prefix}.{name}" if prefix else str(name))
