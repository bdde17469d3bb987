"""A model for performance estimators: its layers mapped to the estimator's layer classes, and reports on those that are missing.

In:  MODEL, and a folder of Python layer classes, which is read as syntax and never imported.
Out: `build_export(model, folder) -> Export`, `write_export(export, folder) -> files`; and the library of `inspection`:
     `get_model_config`, `inspect_model_structure`, `save_tensor_inspection`, `analyze_layer_structure`, `count_parameters`,
     `estimate_memory`, `validate_config`, `get_supported_layers`.

Start reading at `export.py`:

    supported ── the classes of the folder          pieces, specs ── the model's kinds of layers
                 └──────── mapping, vocabulary ────────┘
    validation                                       whether the numbers may be relied on
    gap_report ── parallelism, expected, suite, references
    inspection, tensor_patterns                      the library over rows of tensors

To teach it a kind of layer: its class names in `vocabulary.KINDS`, its sizes in `specs.py`, its documentation in `references.py`.
"""

from __future__ import annotations

from archviz.estimator.inspection import (
    analyze_layer_structure,
    count_parameters,
    estimate_memory,
    get_model_config,
    get_supported_layers,
    inspect_model_structure,
    read_tensor_inspection,
    save_tensor_inspection,
    validate_config,
)

__all__ = [
    "analyze_layer_structure",
    "count_parameters",
    "estimate_memory",
    "get_model_config",
    "get_supported_layers",
    "inspect_model_structure",
    "read_tensor_inspection",
    "save_tensor_inspection",
    "validate_config",
]
