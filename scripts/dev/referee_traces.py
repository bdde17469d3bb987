"""Checks of forward passes against the referee's traces, the making of such traces, and cold speed."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from referee_reference import DEFAULTS, REFEREE, Report, Row, load_module, needed, rows, user_seconds

from archviz import pipeline
from archviz.errors import ArchvizError

OTHER_KINDS = ("t5", "bart", "whisper", "vit", "dinov2", "clip", "siglip", "wav2vec2", "bert")
"""Model types traced in every head, beside the causal language models: encoders, vision, sound."""
SHOWN_ROWS = 3
SPEED_MODELS = ("transformers:qwen3", "transformers:deepseek_v3", "transformers:qwen3_vl_moe")


def trace_names() -> list[tuple[str, Row]]:
    """The traced heads, each with the name of its file: every causal head that builds, and `OTHER_KINDS`."""
    built = [row for row in rows(DEFAULTS) if "digest" in row]
    wanted = [row for row in built if row["head"] == "causal" or row["model_type"] in OTHER_KINDS]
    return [(f"{row['model_type']}__{row['head']}", row) for row in wanted]


def check_traces(only: list[str], folder: Path, batch: int, seq: int) -> Report:
    """Compare one forward pass of each traced head, by the reference's own definition of equal."""
    compare = load_module(REFEREE.with_name("compare.py"))
    names = ("equal", "differ", "with gaps though equal", "the referee cannot trace", "without a truth trace")
    report = Report(f"trace (batch {batch}, seq {seq})", dict.fromkeys(names, 0))
    for name, row in trace_names():
        if only and row["model_type"] not in only:
            continue
        if (folder / f"{name}.json").exists():
            _check_trace(report, compare, name, folder, batch, seq)
        else:
            known = (folder / f"{name}.json.err").exists()
            report.count("the referee cannot trace" if known else "without a truth trace")
    return report


def _check_trace(report: Report, compare: ModuleType, name: str, folder: Path, batch: int, seq: int) -> None:
    truth = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    model_type = name.partition("__")[0]
    start = time.process_time()
    try:
        ours = pipeline.trace(f"transformers:{model_type}", class_name=truth["class"], batch=batch, seq=seq)
    except (ArchvizError, RecursionError) as error:
        report.count("differ")
        report.fault(f"NOT TRACED {name}: {type(error).__name__}: {str(error)[:200]}")
        return
    spent = time.process_time() - start
    found = compare.differences(truth, ours)
    gaps = [f"{gap['module'] or '(model)'}: {gap['reason']} at {gap['at']}" for gap in ours["gaps"]]
    if any(values for sides in found.values() for values in sides.values()):
        report.count("differ")
        report.fault(f"DIFFERS {name}: {_told(found)}; gaps {gaps[:2]}")
    else:
        report.count("equal")
        if gaps:
            report.count("with gaps though equal")
            report.lines.append(f"GAPS {name}: equal, with {len(gaps)} gaps, {gaps[0]}")
    if spent > 3:
        report.lines.append(f"SLOW {name}: {spent:.1f} s")


def _told(found: dict[str, dict[str, dict[str, int]]]) -> str:
    """How many rows are missing or extra, and the first of each."""
    told = []
    for kind, sides in found.items():
        for side, values in sides.items():
            first = [f"{row[:200]} ({count}×)" for row, count in list(values.items())[:SHOWN_ROWS]]
            told += [f"{sum(values.values())} {kind} {side}: {'; '.join(first)}"] if values else []
    return " | ".join(told)


class TraceTimeoutError(Exception):
    """A forward pass took too long on the meta device."""


@contextlib.contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    def stop(number: int, frame: Any) -> None:
        raise TraceTimeoutError(f"more than {seconds} s")

    previous = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


def make_traces(only: list[str], folder: Path, batch: int, seq: int) -> Report:
    """Let the referee trace each head in this process, which needs torch; what is there already is kept.

    What it cannot trace on the meta device leaves a file `NAME.json.err` with its words.
    """
    try:
        import torch  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        sys.exit("--make-truth needs torch in this Python: run it with one that has torch and transformers")
    referee = load_module(needed(REFEREE))
    folder.mkdir(parents=True, exist_ok=True)
    report = Report("make-truth", {"made": 0, "the referee cannot trace": 0})
    for name, row in trace_names():
        file, failed = folder / f"{name}.json", folder / f"{name}.json.err"
        if file.exists() or failed.exists() or (only and row["model_type"] not in only):
            continue
        options = {"attn_implementation": "eager", "dtype": torch.bfloat16}
        try:
            with _time_limit(150):
                model = referee.build(f"transformers:{row['model_type']}", row["class"], **options)
                found = json.dumps(referee.trace(model, batch, seq, pixels=False))
        except Exception as error:  # noqa: BLE001 - the official code's refusal, kept in its words
            failed.write_text(f"{type(error).__name__}: {str(error)[:300]}\n", encoding="utf-8")
            report.count("the referee cannot trace")
        else:
            file.write_text(found, encoding="utf-8")
            report.count("made")
    return report


def check_speed(models: list[str], python: str | None, runs: int) -> Report:
    """Cold `archviz tensors` against the cold referee, on the same model; the best of some runs, in user CPU seconds."""
    if python is None:
        sys.exit("speed needs a Python with torch and transformers: give --python")
    report = Report("speed")
    ratios = []
    for model in models or SPEED_MODELS:
        ours = _best([sys.executable, "-m", "archviz", "tensors", model, "--json", "--offline"], runs)
        theirs = _best([python, str(needed(REFEREE)), "tensors", model], runs)
        same = json.loads(ours[2])["digest"] == json.loads(theirs[2])["digest"]
        ratios.append(theirs[1] / ours[1])
        line = (
            f"{model}: archviz {ours[1]:.2f} s user ({ours[0]:.2f} s wall), referee {theirs[1]:.2f} s user "
            f"({theirs[0]:.2f} s wall), {ratios[-1]:.1f} × less, digests {'equal' if same else 'DIFFER'}"
        )
        (report.lines.append if same else report.fault)(line)
    report.counts = {
        "models": len(ratios),
        "× less user CPU at least": round(min(ratios), 2),
        "at most": round(max(ratios), 2),
    }
    return report


def _best(command: list[str], runs: int) -> tuple[float, float, bytes]:
    return min((user_seconds(command) for _ in range(runs)), key=lambda found: found[1])
