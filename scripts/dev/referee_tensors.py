"""Checks of built models: tensors of the defaults, tensors and ties of published configurations; and the tests' tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from referee_readings import Reader, digest_of, parts_text, shapes_of, silent_differences, tensor_differences
from referee_reference import CONFIGS, DEFAULTS, TABLES, Report, Row, official_tensors, rows

from archviz.errors import UsageError
from archviz.interpreter.build import deep_recursion
from archviz.interpreter.reading import ModelReading
from archviz.lookup.catalog import find_record
from archviz.settings import Settings
from archviz.sources.model_source import read_config_file, read_model_source
from archviz.sources.official import HEADS, MODELING_AUTO

HEAD_MAPPINGS = dict(zip(("causal", "vlm", "seq2seq", "base"), HEADS, strict=True))
MODELS_A_READER = 120
Official = Callable[[], dict[str, list[int | None]] | None]


def readers() -> Iterator[Reader]:
    """A reader for each model, renewed now and then, so that what one has parsed does not pile up."""
    while True:
        reader = Reader()
        for _ in range(MODELS_A_READER):
            yield reader


def check_defaults(only: list[str], python: str | None) -> Report:
    """Every head of every model type with its default configuration."""
    report = Report("tensors", dict.fromkeys(("exact", "differ with a gap", "differ silently", "false gaps"), 0))
    wanted = [row for row in rows(DEFAULTS) if not only or row["model_type"] in only]
    for reader, row in zip(readers(), wanted, strict=False):
        name = f"{row['model_type']} {row['head']}"
        if "digest" in row:
            _check_built(report, reader, name, row, python)
        else:
            _check_refused(report, reader, name, row)
    return report


def _check_built(report: Report, reader: Reader, name: str, row: Row, python: str | None) -> None:
    try:
        reading = reader.read_default(row["model_type"], row["class"])
    except Exception as error:  # noqa: BLE001 - whatever stops a reading is a line of the report
        report.count("not read")
        report.fault(f"NOT READ {name}: {type(error).__name__}: {error}")
        return
    compare_tensors(
        report, name, reading, row, partial(official_tensors, python, f"transformers:{row['model_type']}", row["class"])
    )


def compare_tensors(report: Report, name: str, reading: ModelReading, truth: Row, official: Official) -> None:
    """Digest, number and gaps of one reading; which tensors differ, and whether a gap owns up to each."""
    ours = shapes_of(reading)
    gaps = [f"{gap.module or '(model)'}: {gap.reason} at {gap.at}" for gap in reading.gaps]
    if digest_of(ours) == truth["digest"]:
        report.count("exact")
        if gaps:
            report.count("false gaps")
            report.fault(f"FALSE GAP {name}: {len(gaps)} gaps, {gaps[0]}")
        return
    tensors = official()
    modules = [gap.module for gap in reading.gaps]
    if tensors is None:
        silent, told = not gaps, "tensor by tensor not looked at: give --python"
    else:
        hidden = silent_differences(ours, tensors, modules)
        silent = bool(hidden)
        shown = hidden or tensor_differences(ours, tensors)
        told = f"{len(shown)} tensors, {'; '.join(f'{key} {what}' for key, what in list(shown.items())[:3])}"
    report.count("differ silently" if silent else "differ with a gap")
    line = f"{'SILENT' if silent else 'DIFFERS'} {name}: {len(ours)} tensors, officially {truth['n']}; {told}; gaps {gaps[:2]}"
    (report.fault if silent else report.lines.append)(line)


def _check_refused(report: Report, reader: Reader, name: str, row: Row) -> None:
    """A default that the official code refuses: archviz has to refuse it too."""
    try:
        reading = reader.read_default(row["model_type"], _class_of_head(reader, row))
    except UsageError as error:
        same = row["error"].partition(":")[0] in str(error)
        report.count("refusals agree")
        report.count("of them with the same type of error", int(same))
        if not same:
            report.lines.append(f"REFUSED OTHERWISE {name}: {str(error)[:160]!r}, officially {row['error'][:100]!r}")
    except Exception as error:  # noqa: BLE001 - a reading that fails otherwise does not agree
        report.count("refusals disagree")
        report.fault(
            f"NOT REFUSED {name}: {type(error).__name__}: {str(error)[:160]}; officially {row['error'][:100]!r}"
        )
    else:
        report.count("built with gaps instead of refused" if reading.gaps else "built without a gap instead of refused")
        gaps = [f"{gap.module}: {gap.reason} at {gap.at}" for gap in reading.gaps[:1]]
        report.fault(
            f"NOT REFUSED {name}: {reading.class_name} is built, gaps {gaps}; officially {row['error'][:100]!r}"
        )


def _class_of_head(reader: Reader, row: Row) -> str:
    with deep_recursion():
        found = reader.interp.import_name(MODELING_AUTO, HEAD_MAPPINGS[row["head"]], None)[row["model_type"]]
    return str(found if isinstance(found, str) else found[0])


def check_configs(only: list[str], python: str | None) -> Report:
    """Every published configuration of the reference: digest, ties, refusals."""
    report = Report("configs", dict.fromkeys(("exact", "differ with a gap", "differ silently", "false gaps"), 0))
    wanted = [row for row in rows(CONFIGS / "truth.jsonl") if not only or row["model_id"] in only]
    for reader, row in zip(readers(), wanted, strict=False):
        truth, path = row["official_code"], CONFIGS / row["file"]
        try:
            reading = reader.read(read_config_file(path, Settings()))
        except Exception as error:  # noqa: BLE001 - judged by what the official code does
            _judge_refusal(report, row["model_id"], truth, error)
            continue
        if "error" in truth:
            report.count("refusals disagree")
            report.fault(f"NOT REFUSED {row['model_id']}: {reading.class_name} is built; officially {truth['error']!r}")
            continue
        raw = json.loads(path.read_text(encoding="utf-8"))
        compare_tensors(report, row["model_id"], reading, truth, partial(official_tensors, python, raw, None))
        for what, ours in (("class", reading.class_name), ("tied", reading.tied)):
            if ours != truth[what]:
                report.count(f"differ in {what}")
                report.fault(f"{what.upper()} {row['model_id']}: {ours}, officially {truth[what]}")
    return report


def _judge_refusal(report: Report, name: str, truth: Row, error: Exception) -> None:
    if "error" in truth and isinstance(error, UsageError):
        report.count("refusals agree")
        return
    report.count("refusals disagree" if "error" in truth else "not read")
    report.fault(
        f"NOT READ {name}: {type(error).__name__}: {str(error)[:200]}; officially {truth.get('error', 'built')!r}"
    )


def write_tables(python: str | None) -> Report:
    """Write the project's own tables of digests, from the reference."""
    report = Report("table")
    defaults = [row for row in rows(DEFAULTS) if "digest" in row]
    found = [_default_row(reader, row, python) for reader, row in zip(readers(), defaults, strict=False)]
    _write(TABLES / "defaults.jsonl", found, report)
    truths = {row["model_id"]: row["official_code"] for row in rows(CONFIGS / "truth.jsonl")}
    models = [name for name, truth in sorted(truths.items()) if "digest" in truth and find_record(name)]
    rows_found = [
        _catalog_row(reader, name, truths[name], python) for reader, name in zip(readers(), models, strict=False)
    ]
    _write(TABLES / "catalog.jsonl", rows_found, report)
    return report


def _default_row(reader: Reader, row: Row, python: str | None) -> Row:
    kept = {key: row[key] for key in ("model_type", "head", "class", "params", "n", "digest")}
    name = f"transformers:{row['model_type']}"
    return {**kept, "parts": _official_parts(reader, name, row["class"], row["digest"], python)}


def _catalog_row(reader: Reader, name: str, truth: Row, python: str | None) -> Row:
    kept = {"id": name, "class": truth["class"], "params": truth["params"], "n": truth["n"], "ties": len(truth["tied"])}
    return {**kept, "digest": truth["digest"], "parts": _official_parts(reader, name, None, truth["digest"], python)}


def _official_parts(reader: Reader, name: str, class_name: str | None, digest: str, python: str | None) -> str:
    """The parts of the official tensors: of our own where the digest proves them equal, else the referee is asked."""
    source = read_model_source(name, Settings())
    ours = shapes_of(reader.read(source, class_name))
    if digest_of(ours) == digest:
        return parts_text(ours)
    tensors = official_tensors(python, name if source.values is None else source.values, class_name)
    if tensors is None:
        raise SystemExit(f"{name} differs from the official code, so the table needs torch: give --python")
    assert digest_of(tensors) == digest, f"the referee and its truth disagree on {name}"
    return parts_text(tensors)


def _write(path: Path, found: list[Row], report: Report) -> None:
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in found)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    report.count(f"rows in {path.name}", len(found))
