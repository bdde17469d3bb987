"""What each `nn` layer and each infrastructure name of `transformers` stands for.

In: a `Library` to fill (`register_layers`). Out: classes with native `__init__` and `forward` (`torch.nn.Linear`), and
replacements for methods and functions of `transformers` that decide nothing about a model (logging, availability,
decorators) or that are too costly to interpret each time (`PreTrainedModel.__init__`).

Start reading at `nn_layers.py`. To add a layer: `@library.constructor("torch.nn.NAME")` on a function that gives the
module its parameters, `library.method("torch.nn.NAME.forward")` on one that calls the op, and a test in `tests/layers/`.
"""

from __future__ import annotations

from archviz.interpreter.library import Library


def register_layers(library: Library) -> None:
    """Fill a library with every layer and every infrastructure stub."""
    from archviz.layers import (
        adaptive_softmax,
        argument_decorators,
        axis_layers,
        dtypes,
        file_names,
        functional_calls,
        hooks,
        layer_arguments,
        layer_names,
        lazy_layers,
        module,
        nn_attention,
        nn_containers,
        nn_init,
        nn_layers,
        nn_norms,
        nn_parameters,
        nn_recurrent,
        nn_transformer,
        orthogonal,
        output_capturing,
        overridden,
        packed_sequences,
        parametrizations,
        strict_fields,
        transformers_4,
        transformers_infrastructure,
        transformers_kernels,
        transformers_masks,
        transformers_models,
    )

    for family in (
        module,
        hooks,
        argument_decorators,
        axis_layers,
        nn_layers,
        nn_norms,
        adaptive_softmax,
        output_capturing,
        nn_containers,
        nn_parameters,
        nn_attention,
        nn_init,
        nn_transformer,
        nn_recurrent,
        file_names,
        layer_arguments,
        layer_names,
        dtypes,
        overridden,
        parametrizations,
        orthogonal,
        strict_fields,
        transformers_infrastructure,
        transformers_kernels,
        transformers_masks,
        transformers_models,
        transformers_4,
        lazy_layers,
        functional_calls,
        packed_sequences,
    ):
        family.register(library)
