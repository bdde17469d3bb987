"""Attributes that PyTorch's layers have and no stub stands for: asking for one finds an Unknown, so that `hasattr` is true and no branch is guessed.

`tests/layers/attributes.json` holds what PyTorch's layers have; `scripts/dev/make_layer_table.py` writes it.
"""

from __future__ import annotations

from archviz.interpreter.library import Library

NN = "torch.nn"
MODULE = """
    T_destination _apply _backward_hooks _backward_pre_hooks _compiled_call_impl _forward_hooks _forward_hooks_always_called
    _forward_hooks_with_kwargs _forward_pre_hooks _forward_pre_hooks_with_kwargs _get_backward_hooks _get_backward_pre_hooks
    _is_full_backward_hook _load_state_dict_post_hooks _load_state_dict_pre_hooks _maybe_warn_non_full_backward_hook _named_members
    _non_persistent_buffers_set _replicate_for_data_parallel _save_to_state_dict _slow_forward _state_dict_hooks _state_dict_pre_hooks
    _wrapped_call_impl get_extra_state ipu mtia set_extra_state set_submodule xpu
"""
RECURRENT = """
    _flat_weight_refs _flat_weights _init_flat_weights _update_flat_weights _weights_have_changed all_weights check_forward_args
    check_hidden_size check_input get_expected_hidden_size permute_hidden
"""
INSTANCE_NORM = "_apply_instance_norm _get_no_batch_dim _handle_no_batch_input"
NAMES = {
    "Module": MODULE,
    "LSTM": f"{RECURRENT} get_expected_cell_size",
    **dict.fromkeys(("GRU", "RNN"), RECURRENT),
    **{f"Conv{rank}d": "_reversed_padding_repeated_twice" for rank in (1, 2, 3)},
    **{f"ConvTranspose{rank}d": "_reversed_padding_repeated_twice _output_padding" for rank in (1, 2, 3)},
    **{f"InstanceNorm{rank}d": INSTANCE_NORM for rank in (1, 2, 3)},
    **{f"CircularPad{rank}d": "_check_input_dim" for rank in (1, 2, 3)},
    "EmbeddingBag": "_fill_padding_idx_with_zero",
    "SyncBatchNorm": "_check_non_zero_input_channels convert_sync_batchnorm",
    "MultiheadAttention": "merge_masks",
    "Transformer": "generate_square_subsequent_mask",
    "TransformerEncoderLayer": "activation_relu_or_gelu",
    "TransformerEncoder": "enable_nested_tensor mask_check use_nested_tensor",
    "Unflatten": "_require_tuple_int",
    "Sequential": "_get_item_by_idx",
    "ModuleList": "_get_abs_string_index",
    "ParameterList": "_get_abs_string_index",
    "ParameterDict": "_key_to_attr fromkeys",
    "AdaptiveLogSoftmaxWithLoss": "_get_full_log_prob predict",
}
"""Layer → names, separated by white space."""


def register(library: Library) -> None:
    for layer, names in NAMES.items():
        library.attribute_names[f"{NN}.{layer}"] = frozenset(names.split())
    library.classes[f"{NN}.Module"].attributes.update(call_super_init=False, dump_patches=False, _version=1)
    for kind in ("BatchNorm", "InstanceNorm"):
        for rank in (1, 2, 3):
            library.classes[f"{NN}.{kind}{rank}d"].attributes["_version"] = 2
    library.classes[f"{NN}.SyncBatchNorm"].attributes["_version"] = 2
