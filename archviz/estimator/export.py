"""A model as the configuration of a performance estimator, with a report for each kind of layer that it has no class for."""

from __future__ import annotations

import json
import re
from pathlib import Path

from archviz.architecture.model import Architecture, GapEntry
from archviz.architecture.words import amount
from archviz.conversions import stored_forms
from archviz.descriptions import described
from archviz.errors import UsageError
from archviz.estimator.gap_report import Storage, gap_report
from archviz.estimator.mapping import Mapping, map_pieces
from archviz.estimator.official_plan import official_plan
from archviz.estimator.pieces import Piece, find_pieces
from archviz.estimator.supported import LayerClass, read_layer_classes
from archviz.estimator.validation import Validation, validated
from archviz.interpreter.reading import ModelReading
from archviz.numbers.layer_costs import LayerCosts
from archviz.numbers.memory import SAMPLED
from archviz.numbers.reconcile import quantisation_of
from archviz.numbers.weights import stored_weights
from archviz.outputs import write_text
from archviz.readings import DEFAULTS, read_cached
from archviz.records import record
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source


@record(frozen=True)
class Export:
    """What an export is made of.

    Args:
        configuration: The object of `{model_id}.json`.
        reports: Name of a kind of layer → its gap report.
    """

    model_id: str
    configuration: dict[str, object]
    reports: dict[str, str]
    architecture: Architecture


@record(frozen=True)
class ExportResult:
    """An export and the files that were written."""

    export: Export
    files: list[Path]

    @property
    def gaps(self) -> list[GapEntry]:
        return self.export.architecture.gaps

    def as_dict(self) -> dict[str, object]:
        layers = self.export.configuration["layer_types"]
        unsupported = [each["name"] for each in layers if not each["supported"]] if isinstance(layers, list) else []
        return {
            "model_id": self.export.model_id,
            "files": [str(path) for path in self.files],
            "unsupported": unsupported,
            "configuration": self.export.configuration,
            "gaps": [gap.as_dict() for gap in self.gaps],
        }


def check_folder(folder: Path) -> None:
    """Refuse an output folder that cannot be one, before any work is done.

    Raises:
        UsageError: It is a file, or a file stands where one of its parents would be.
    """
    for path in (folder, *folder.parents):
        if path.exists():
            if not path.is_dir():
                raise UsageError(
                    f"{str(path)!r} is a file, not a folder", where=str(folder), hint="choose another output folder"
                )
            return


def build_export(
    model: str, folder: Path, *, class_name: str | None = None, settings: Settings = DEFAULTS
) -> Export:  # fmt: skip
    """Read a model and a folder of layer classes, and map one to the other; nothing is written.

    Raises:
        UsageError: The folder is not there, holds no layer class, or a file of it does not parse.
    """
    classes = read_layer_classes(folder, settings.limits)
    source = read_model_source(model, settings)
    reading, passes = read_cached(source, SAMPLED, class_name=class_name, settings=settings, stored=True)
    costs = LayerCosts(reading, passes)
    architecture = described(source, reading, class_name)
    quantisation = quantisation_of(source.values or {})
    weights = (
        stored_weights(reading, architecture, quantisation, stored_forms(reading, settings)) if quantisation else None
    )
    stored = weights.words if weights else ""
    return export_of(reading, architecture, classes, official_plan(source, settings), costs, stored)


def export_of(
    reading: ModelReading, architecture: Architecture, classes: list[LayerClass], plan: dict[str, str], costs: LayerCosts,
    stored: str = "",
) -> Export:  # fmt: skip
    """The export of a model that was read and described.

    Args:
        stored: How the checkpoint stores all weights, where that is not in one type.
    """
    mapped = map_pieces(find_pieces(reading), classes, model_dtype(reading.config))
    storage = Storage(stated_dtype(reading.config) or "not stated", stored)
    model_id = export_name(architecture.identity.id)
    reports = {
        piece.name: gap_report(
            piece,
            proposed_class(piece, architecture),
            mapping.why,
            architecture,
            storage,
            _ops(reading, piece),
            plan,
            costs,
        )
        for piece, mapping in mapped
        if mapping.layer is None
    }
    checked = validated(architecture, [piece for piece, _ in mapped])
    return Export(model_id, _configuration(architecture, model_id, mapped, checked), reports, architecture)


def _configuration(
    architecture: Architecture, model_id: str, mapped: list[tuple[Piece, Mapping]], checked: Validation
) -> dict[str, object]:  # fmt: skip
    total = architecture.parameters.total
    return {
        "model_id": model_id,
        "hf_model_id": architecture.identity.id,
        "name": architecture.identity.id.rpartition("/")[2],
        "hidden_size": _value(architecture, "hidden_size"),
        "num_layers": _value(architecture, "layers"),
        "vocab_size": _value(architecture, "vocabulary_size"),
        "total_params": total,
        "total_params_formatted": amount(total),
        "layer_types": [layer_type(piece, mapping, architecture) for piece, mapping in mapped],
        "validated": checked.ok,
        "validation_notes": " ".join(checked.notes),
        "validation_sources": checked.sources,
    }


def layer_type(piece: Piece, mapping: Mapping, architecture: Architecture) -> dict[str, object]:
    """An entry of `layer_types`: the class with its constructor parameters, or the report on what is missing."""
    sizes = {key: value for key, value in piece.specs.items() if value is not None}
    specs: dict[str, object] = {**sizes, "parameter_count": piece.each, **mapping.arguments}
    if piece.each is None:
        specs["parameter_count_of_all"] = piece.total
    if piece.tied:
        specs["tied"] = True
    supported = mapping.layer is not None
    return {
        "name": piece.name,
        "class": mapping.layer.name if mapping.layer else proposed_class(piece, architecture),
        "count": piece.count,
        "supported": supported,
        "specs": specs,
        "gap_report": None if supported else f"gaps/{piece.name}.md",
    }


def proposed_class(piece: Piece, architecture: Architecture) -> str:
    """A name for a class that is missing: `GatedDeltaNetLayer`; where a kind has no name of its own, after the official class."""
    if piece.kind == piece.class_name:
        family = re.sub(r"(For[A-Z]\w*|Model|LMHead\w*)$", "", architecture.identity.class_name)
        return piece.class_name.removeprefix(family) + "Layer"
    word = piece.name if piece.kind not in ("moe_router", "moe_experts", "moe") else piece.kind
    special = {
        "moe": "MoE",
        "mla": "MLA",
        "rmsnorm": "RMSNorm",
        "lm": "LM",
        "mlp": "MLP",
        "deltanet": "DeltaNet",
        "kda": "KDA",
    }
    return "".join(special.get(part, part.capitalize()) for part in word.split("_") if part) + "Layer"


def _ops(reading: ModelReading, piece: Piece) -> list[str]:
    paths = tuple(piece.modules)
    below = tuple(f"{path}." for path in paths)
    return [e.name for e in reading.events if e.kind == "op" and (e.module in paths or e.module.startswith(below))]


def _value(architecture: Architecture, key: str) -> object:
    """A fact that is one number; the first of several kinds of layers."""
    fact = architecture.fact(key)
    value = fact.value if fact else None
    return next(iter(value.values()), None) if isinstance(value, dict) else value


def model_dtype(config: dict[str, object]) -> str:
    """The type that a configuration states for the weights; float32, in which modules are built, where it states none."""
    return stated_dtype(config) or "float32"


def stated_dtype(config: dict[str, object]) -> str | None:
    """The type that a configuration states for the weights, in it or in one of its parts."""
    for part in (config, *(value for value in config.values() if isinstance(value, dict))):
        for key in ("dtype", "torch_dtype"):
            stated = part.get(key)
            if isinstance(stated, str) and re.fullmatch(r"(torch\.)?[a-z0-9_]{2,20}", stated):
                return stated.removeprefix("torch.")
    return None


def export_name(model: str) -> str:
    """The name of a model's files: small letters, digits, dots and underscores.

    >>> export_name("Qwen/Qwen3.5-397B-A17B"), export_name("../../etc")
    ('qwen3.5_397b_a17b', 'etc')
    """
    name = re.sub(r"[^a-z0-9.]+", "_", model.rstrip("/").rpartition("/")[2].lower()).strip("._")
    return name[:100] or "model"


def write_export(export: Export, folder: Path) -> list[Path]:
    """Write `{model_id}.json` and `gaps/{layer}.md` into a folder, which is made where it is missing.

    A report that another model's configuration in the folder names stays: the name of this model's begins with its `model_id`.

    Raises:
        UsageError: The folder is a file, leads elsewhere by a link, or cannot be written.
    """
    taken = _reports_of_others(folder, export.model_id)

    def place(name: str) -> str:
        return f"gaps/{export.model_id}.{name}.md" if f"gaps/{name}.md" in taken else f"gaps/{name}.md"

    for entry in _layer_types(export.configuration):
        if entry.get("gap_report"):  # named also where it is to be written by another call
            entry["gap_report"] = place(str(entry["name"]))
    files = {folder / f"{export.model_id}.json": json.dumps(export.configuration, indent=2, ensure_ascii=False) + "\n"}
    files |= {folder / place(name): text for name, text in export.reports.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if export.reports:
            (folder / "gaps").mkdir(exist_ok=True)
        root = folder.resolve()
        for path, text in files.items():
            if not path.parent.resolve().is_relative_to(root) or path.is_symlink():
                raise UsageError("the output would lie outside of the folder, behind a link", where=str(path))
            write_text(path, text)
    except OSError as error:
        raise UsageError(
            f"the export cannot be written: {error.strerror}",
            where=str(error.filename or folder),
            hint="choose another folder",
        ) from None
    return list(files)


_MOST_OTHERS = 500
_LONGEST_OTHER = 4_000_000  # bytes


def _reports_of_others(folder: Path, model_id: str) -> set[str]:
    """The gap reports that configurations of other models in a folder name."""
    found: set[str] = set()
    for path in sorted(folder.glob("*.json"))[:_MOST_OTHERS] if folder.is_dir() else ():
        try:
            if path.name == f"{model_id}.json" or path.stat().st_size > _LONGEST_OTHER:
                continue
            other = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):  # a file of somebody else
            continue
        found.update(str(entry["gap_report"]) for entry in _layer_types(other) if entry.get("gap_report"))
    return found


def _layer_types(configuration: object) -> list[dict[str, object]]:
    entries = configuration.get("layer_types") if isinstance(configuration, dict) else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
